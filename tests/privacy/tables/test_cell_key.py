"""The cell-key method: unbiased, bounded, the same for the same persons, and of no use to whoever asks again."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from stadtdaten.contracts.protection import CellKey
from stadtdaten.faults import Misconfigured
from stadtdaten.privacy.tables.cell_key import noise_probabilities, perturb, record_keys

SECRET = "Geheimwert-" + "0123456789abcdef" * 2
SPEC = CellKey(kind="cell_key", connection="zellen")
ANY_KEY = st.integers(0, 2**64 - 1)


def random_keys(size: int) -> np.ndarray:
    """Keys as those of cells are: evenly distributed over 64 bits."""
    return np.random.default_rng(7).integers(0, 2**64, size, dtype=np.uint64)


def persons(number: int = 400) -> pd.DataFrame:
    """Made-up residents by district, age and day of arrival; every 17th has no district."""
    draw = np.random.default_rng(3)
    district = pd.Series(draw.choice(["Mitte", "Nord", "Süd"], number), dtype="str")
    return pd.DataFrame(
        {
            "bezirk": district.where(np.arange(number) % 17 != 0),
            "alter": pd.Series(draw.integers(0, 100, number), dtype="Int64"),
            "zuzug": pd.Timestamp("2020-01-01") + pd.to_timedelta(draw.integers(0, 2000, number), unit="D"),
        }
    )


def keys_of(rows: pd.DataFrame) -> np.ndarray:
    """A key for each row, one person each."""
    return record_keys(rows, ["bezirk", "alter", "zuzug"], np.ones(len(rows), dtype=np.int64), SECRET)


def shown(rows: pd.DataFrame, keys: np.ndarray) -> int:
    """What is published of the number of these rows."""
    return int(perturb(np.array([len(rows)]), np.array([keys.sum(dtype=np.uint64)]), SPEC)[0])


SPECS = [(4, 2.0, 2), (4, 3.5, 2), (3, 1.0, 0), (5, 2.0, 0), (10, 6.25, 3), (2, 1.0, 1), (1, 1.0, 0), (1, 0.5, 0)]


@pytest.mark.parametrize(("maximum", "variance", "hidden_counts"), SPECS)
def test_every_noise_is_unbiased_of_the_declared_variance_and_leaves_no_hidden_count(maximum, variance, hidden_counts):
    table = noise_probabilities(maximum, variance, hidden_counts)
    noise = np.arange(-maximum, maximum + 1)
    assert table.sum(axis=1) == pytest.approx(1)
    assert table @ noise == pytest.approx(0, abs=1e-5)
    assert (table @ noise**2)[1:] == pytest.approx(variance, abs=1e-4)
    for count, probabilities in enumerate(table):
        results = count + noise[probabilities > 0]
        assert all(result == 0 or result > hidden_counts for result in results)
    assert table[0, maximum] == 1, "nobody stays nobody"
    assert table[-1] == pytest.approx(table[-1, ::-1], abs=1e-6)


def test_of_all_such_distributions_it_is_the_one_that_tells_least():
    probabilities = noise_probabilities(2, 1.0, 0)[-1]
    entropy = -(probabilities * np.log(probabilities)).sum()
    noise = np.arange(-2, 3)
    for shift in (1e-3, -1e-3):
        # Keeps sum, mean and variance: (1, -4, 6, -4, 1) is orthogonal to 1, x and x^2.
        other = probabilities + shift * np.array([1, -4, 6, -4, 1])
        assert (other @ noise**2, other.sum()) == pytest.approx((1, 1))
        assert -(other * np.log(other)).sum() < entropy


@given(st.lists(st.tuples(st.integers(0, 10**9), ANY_KEY), min_size=1))
def test_no_count_is_moved_further_than_declared_nor_to_a_hidden_one(cells):
    counts = np.array([count for count, _ in cells])
    result = perturb(counts, np.array([key for _, key in cells], dtype=np.uint64), SPEC)
    assert (np.abs(result - counts) <= SPEC.maximum).all()
    assert ((result == 0) | (result > SPEC.hidden_counts)).all()
    assert (result[counts == 0] == 0).all()


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 7, 1000])
def test_over_all_keys_the_noise_has_mean_zero_and_the_declared_variance(count):
    noise = perturb(np.full(200_000, count), random_keys(200_000), SPEC) - count
    assert noise.mean() == pytest.approx(0, abs=0.02)
    assert noise.var() == pytest.approx(SPEC.variance, abs=0.04)


def test_the_smallest_and_the_largest_key_have_noise_too():
    ends = np.array([0, 2**64 - 1], dtype=np.uint64)
    assert perturb(np.array([50, 50]), ends, SPEC).tolist() == [46, 54]


def test_the_same_persons_get_the_same_noise_in_every_table_order_and_night():
    rows = persons()
    north = rows["bezirk"] == "Nord"
    tonight = shown(rows[north], keys_of(rows)[north.to_numpy()])
    shuffled = rows[north].sample(frac=1, random_state=1)
    assert shown(shuffled, keys_of(shuffled)) == tonight
    by_age = [keys_of(part).sum(dtype=np.uint64) for _, part in rows[north].groupby("alter")]
    assert np.array(by_age).sum(dtype=np.uint64) == keys_of(rows[north]).sum(dtype=np.uint64)


def test_a_key_does_not_depend_on_the_other_rows_and_their_types():
    rows = persons()
    late = rows.assign(zuzug=rows["zuzug"].where(rows.index > 0, pd.Timestamp("2020-01-01T12:30")))
    assert (keys_of(late)[1:] == keys_of(rows)[1:]).all()
    assert (keys_of(rows.iloc[:50]) == keys_of(rows)[:50]).all()


def test_a_row_of_several_persons_counts_as_often():
    rows = persons(5)
    once = keys_of(rows)
    names = list(rows.columns)
    thrice = record_keys(rows, names, np.full(5, 3), SECRET)
    assert (thrice == once + once + once).all()
    assert (record_keys(rows, names[::-1], np.full(5, 3), SECRET) == thrice).all()


def test_averaging_over_nights_gains_nothing():
    rows = persons()
    nights = {shown(part, keys_of(part)) for part in (rows.sample(frac=1, random_state=night) for night in range(20))}
    assert len(nights) == 1


def test_two_cells_of_the_same_persons_do_not_differ():
    rows = persons()
    keys = keys_of(rows)
    grown = (rows["alter"] >= 18).to_numpy()
    rest = ~(rows["alter"] < 18).to_numpy()
    assert shown(rows[grown], keys[grown]) == shown(rows[rest], keys[rest])


def test_whoever_subtracts_a_cell_from_one_with_a_person_more_learns_little_of_the_person():
    rows = persons(2000)
    keys = keys_of(rows)
    total = keys.sum(dtype=np.uint64)
    everybody = perturb(np.array([2000]), np.array([total]), SPEC)[0]
    without = perturb(np.full(2000, 1999), total - keys, SPEC)
    differences, times = np.unique(everybody - without, return_counts=True)
    assert times[differences == 1].sum() / 2000 < 0.35, "the truth is one of many answers"
    assert len(differences) >= 7


def test_even_multiples_of_one_key_are_evenly_distributed():
    multiples = random_keys(100_000) * np.uint64(2**20)
    noise = perturb(np.full(100_000, 2**20), multiples, SPEC) - 2**20
    assert noise.mean() == pytest.approx(0, abs=0.03)
    assert noise.var() == pytest.approx(SPEC.variance, abs=0.05)


def test_values_of_neighbouring_columns_are_told_apart():
    rows = pd.DataFrame({"a": ["x", "xy", None, "-"], "b": ["yz", "z", "-", None]}, dtype="str")
    keys = record_keys(rows, ["a", "b"], np.ones(4, dtype=np.int64), SECRET)
    assert len(set(keys.tolist())) == 4


def test_another_secret_gives_other_keys():
    rows = persons(50)
    other = record_keys(rows, list(rows.columns), np.ones(50, dtype=np.int64), SECRET[::-1])
    assert not (other == keys_of(rows)).any()


@pytest.mark.parametrize("secret", ["", "kurz", " " * 40, "geheim" * 8])
def test_an_empty_or_short_secret_is_refused(secret):
    with pytest.raises(Misconfigured, match="Cell-Key") as caught:
        record_keys(persons(3), ["alter"], np.ones(3, dtype=np.int64), secret)
    assert not secret.strip() or secret not in caught.value.message


@pytest.mark.parametrize(
    "parameters", [{"variance": 1.9}, {"variance": 4.1}, {"maximum": 2}, {"hidden_counts": 3, "variance": 3.5}]
)
def test_noise_that_cannot_exist_is_refused_when_the_contract_loads(parameters):
    with pytest.raises(ValidationError, match=r"variance must lie|maximum must be greater"):
        CellKey(kind="cell_key", connection="zellen", **parameters)
