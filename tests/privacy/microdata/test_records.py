"""Records that are published: judged by plain pandas, not by the functions that made them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from people import make_table
from privacy.microdata.firms import BRANCHES, cases, firms, random_firms
from stadtdaten.contracts import Table
from stadtdaten.faults import GateFailed
from stadtdaten.privacy.microdata.records import anonymise_records


def distance(part: pd.Series, whole: pd.Series) -> float:
    """Earth mover's distance as in the paper, value by value."""
    values = np.unique(whole)
    difference = (part.to_numpy()[:, None] == values).mean(axis=0) - (whole.to_numpy()[:, None] == values).mean(axis=0)
    if pd.api.types.is_numeric_dtype(whole.dtype):
        return float(np.abs(np.cumsum(difference)).sum() / max(1, len(values) - 1))
    return float(np.abs(difference).sum() / 2)


@given(cases())
@settings(max_examples=25, deadline=None)
def test_every_published_record_looks_like_others_and_keeps_its_secret(case: tuple[pd.DataFrame, Table]) -> None:
    frame, table = case
    spec = table.microdata
    assert spec is not None
    result = anonymise_records(frame, table)
    public, numbers = result.frame, result.numbers
    assert list(public.columns) == list(frame.columns)
    assert public.notna().all().all()
    assert len(public) + numbers.left_out == len(frame)
    assert numbers.left_out <= spec.suppressed * len(frame)
    known = [column.name for column in table.columns if column.class_ != "sensitive"]
    groups = public.groupby(known)
    assert groups.size().min() == numbers.k >= spec.k
    assert len(groups) == numbers.groups
    secrets = [column.name for column in table.columns if column.class_ == "sensitive"]
    if secrets:
        assert groups[secrets].nunique().min().min() == numbers.l
        assert numbers.l is not None and numbers.l >= (spec.l or 2)
        furthest = max(distance(part[name], public[name]) for _, part in groups for name in secrets)
        assert numbers.t == pytest.approx(furthest)
        assert furthest <= (spec.t or 1) + 1e-9
    assert 0 <= numbers.loss <= 1


@given(cases(), st.integers(0, 1000))
@settings(max_examples=10, deadline=None)
def test_the_order_of_the_rows_tells_nothing(case: tuple[pd.DataFrame, Table], seed: int) -> None:
    frame, table = case
    shuffled = frame.sample(frac=1, random_state=seed).reset_index(drop=True)
    first, second = anonymise_records(frame, table), anonymise_records(shuffled, table)
    pd.testing.assert_frame_equal(first.frame, second.frame)
    assert first.numbers == second.numbers


def small(rows: dict[str, list[Any]], kinds: dict[str, str], **microdata: Any) -> tuple[pd.DataFrame, Table]:
    columns = [{"name": name, "type": kind, "class": "quasi_identifier"} for name, kind in kinds.items()]
    table = make_table(columns, key=[], microdata={"k": 3, **microdata})
    types = {"integer": "Int64", "number": "float64", "string": "str", "date": "datetime64[us]", "boolean": "boolean"}
    frame = pd.DataFrame({name: pd.Series(values, dtype=types[kinds[name]]) for name, values in rows.items()})
    return frame, table


def published(values: list[Any], kind: str, **microdata: Any) -> list[str]:
    frame, table = small({"wert": values}, {"wert": kind}, **microdata)
    return list(anonymise_records(frame, table).frame["wert"])


def test_numbers_become_ranges_and_one_value_stays() -> None:
    assert published([7, 7, 7, 30, 31, 34], "integer") == ["30 bis 34"] * 3 + ["7"] * 3


def test_ranges_of_two_groups_share_no_value() -> None:
    texts = sorted(set(published([1, 2, 2, 2, 2, 3, 4, 5], "integer")))
    assert texts == ["1 bis 2", "3 bis 5"]


def test_decimals_and_dates_are_written_for_readers() -> None:
    assert published([1.5, 2.25, 3.0], "number") == ["1,5 bis 3"] * 3
    assert published([-0.00001, 2.5, 1e7], "number") == ["-0,00001 bis 10000000"] * 3
    assert published(["2025-01-01", "2025-02-03", "2025-03-31"], "date") == ["2025-01-01 bis 2025-03-31"] * 3
    assert published([True, False, True], "boolean") == ["ja; nein"] * 3


def test_moments_keep_their_offset() -> None:
    table = make_table([{"name": "wert", "type": "datetime", "class": "quasi_identifier"}], key=[], microdata={"k": 3})
    moments = pd.to_datetime(["2025-07-01 10:00", "2025-07-01 11:30", None]).tz_localize("Europe/Berlin").as_unit("us")
    texts = anonymise_records(pd.DataFrame({"wert": moments}), table).frame["wert"]
    assert set(texts) == {"2025-07-01T10:00:00+02:00 bis 2025-07-01T11:30:00+02:00; ohne Angabe"}


def test_missing_values_are_told_apart_and_never_dropped() -> None:
    assert published([7, 7, 7, None, None, None], "integer") == ["7"] * 3 + ["ohne Angabe"] * 3
    assert published([7, 8, 7, None], "integer") == ["7 bis 8; ohne Angabe"] * 4
    assert published(["a", "b", None], "string") == ["a; b; ohne Angabe"] * 3
    assert published(["a0", "a1", None], "string", hierarchies={"wert": BRANCHES}) == ["a-Gruppe; ohne Angabe"] * 3


def test_texts_are_listed_and_bands_stand_by_their_number() -> None:
    bands = ["5 bis 9"] * 2 + ["10 bis 14"] * 2 + ["15 und älter"] * 2
    assert published(bands, "string") == ["5 bis 9; 10 bis 14; 15 und älter"] * 6


def test_a_hierarchy_gives_the_lowest_label_that_covers_the_group() -> None:
    texts = published(["a0"] * 4 + ["a1", "a2", "a1", "b0", "b1", "b2", "b2"], "string", hierarchies={"wert": BRANCHES})
    assert texts == ["a-Gruppe"] * 3 + ["a0"] * 4 + ["b-Gruppe"] * 4


def test_groups_that_no_label_covers_are_listed() -> None:
    texts = published(["a0", "b0", "c2"], "string", hierarchies={"wert": BRANCHES})
    assert texts == ["a-Gruppe; b-Gruppe; c-Gruppe"] * 3


def test_a_value_that_no_hierarchy_names_stops_the_table() -> None:
    with pytest.raises(GateFailed) as caught:
        published(["a0"] * 5 + ["Geheimwert 1"], "string", hierarchies={"wert": BRANCHES})
    assert "1 von 6 Werten" in caught.value.message
    assert "Geheimwert" not in str(caught.value) + caught.value.next_step + repr(caught.value.findings)


def test_an_outlier_is_left_out_where_that_helps_the_others() -> None:
    values = [30] * 50 + [31, 9000]
    frame, table = small({"wert": values}, {"wert": "integer"}, suppressed=0.05)
    result = anonymise_records(frame, table)
    assert result.numbers.left_out == 1
    assert set(result.frame["wert"]) == {"30 bis 31"}


def test_nothing_is_left_out_where_the_contract_allows_none() -> None:
    frame, table = small({"wert": [30] * 50 + [31, 9000]}, {"wert": "integer"}, suppressed=0)
    result = anonymise_records(frame, table)
    assert result.numbers.left_out == 0
    assert set(result.frame["wert"]) == {"30 bis 9000"}


def test_an_exact_column_that_singles_records_out_is_named_with_the_way_out() -> None:
    table = firms(("gewicht",), suppressed=0.05)
    frame = random_firms(1, 60).drop(columns=["jahrgang", "grund", "umsatz"])
    frame["gewicht"] = pd.array(range(7_000, 7_060), dtype="Int64")
    with pytest.raises(GateFailed) as caught:
        anonymise_records(frame, table)
    fault = caught.value
    assert fault.gate == "privacy"
    assert "60 von 60 Datensätzen" in fault.message
    assert [(each.rule, each.count) for each in fault.findings] == [("k_anonymity", 60)]
    assert "Spalte gewicht wegzulassen" in fault.next_step
    assert "suppressed" not in fault.next_step  # leaving out all of them is no way out


def test_too_few_left_out_names_the_share_that_would_pass() -> None:
    table = firms(("jahrgang",), suppressed=0.01)
    frame = random_firms(1, 60)[[column.name for column in table.columns]]
    frame.loc[:1, "jahrgang"] = 1900
    with pytest.raises(GateFailed) as caught:
        anonymise_records(frame, table)
    assert "microdata.suppressed auf 0.04" in caught.value.next_step
    again = anonymise_records(frame, firms(("jahrgang",), suppressed=0.04))
    assert again.numbers.left_out == 2


def test_a_secret_that_all_share_names_its_column() -> None:
    table = firms(l=2)
    frame = random_firms(1, 60)[[column.name for column in table.columns]].assign(grund="Geheimwert 1")
    with pytest.raises(GateFailed) as caught:
        anonymise_records(frame, table)
    assert [(each.rule, each.column) for each in caught.value.findings] == [("l_diversity", "grund")]
    assert "Spalte grund wegzulassen" in caught.value.next_step
    assert "Geheimwert" not in caught.value.message + caught.value.next_step


def test_what_no_single_change_mends_is_told_too() -> None:
    with pytest.raises(GateFailed, match="2 von 2 Datensätzen") as caught:
        published([1, 2], "integer")
    assert "frequency_table" in caught.value.next_step


def test_an_empty_table_stays_empty() -> None:
    table = firms()
    frame = random_firms(1, 0)[[column.name for column in table.columns]]
    result = anonymise_records(frame, table)
    assert len(result.frame) == 0
    assert list(result.frame.columns) == list(frame.columns)
    assert result.numbers.loss == 0


def test_a_single_value_costs_nothing_and_the_whole_range_everything() -> None:
    frame, table = small({"wert": [1, 1, 1, 5, 5, 5], "ort": list("abcabc")}, {"wert": "integer", "ort": "string"})
    assert anonymise_records(frame, table).numbers.loss == pytest.approx(0.5)
