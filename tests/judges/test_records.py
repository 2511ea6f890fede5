"""What others say of the records we publish: pycanon about k, l and t, anjana and anonypy about information lost.

anjana has no Mondrian: it generalises whole columns and leaves records out. The comparison is with that, on the same
records, hierarchies, k and share that may be left out. anonypy has Mondrian without hierarchies: the comparison is on
numbers alone, with nobody left out.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from judges.conftest import Ask
from people import make_table
from privacy.microdata.firms import firms, random_firms
from stadtdaten.privacy.microdata.records import anonymise_records


@pytest.mark.parametrize("mixed", [{}, {"l": 2}, {"l": 3}, {"t": 0.3}, {"l": 3, "t": 0.4}])
@pytest.mark.parametrize("exact", [(), ("jahrgang",)])
def test_pycanon_agrees_on_what_is_published(ask: Ask, mixed: dict[str, Any], exact: tuple[str]) -> None:
    table = firms(exact, **mixed)
    frame = random_firms(1, 400, missing=0.05)[[column.name for column in table.columns]]
    result = anonymise_records(frame, table)
    classes = {column.name: column.class_ for column in table.columns}
    sensitive = [name for name, class_ in classes.items() if class_ == "sensitive"]
    answer = ask(
        result.frame, "pycanon", quasi=[name for name in classes if name not in sensitive], sensitive=sensitive
    )  # fmt: skip
    assert answer["k"] == result.numbers.k >= 3
    assert answer.get("l") == result.numbers.l
    assert answer.get("t") == (pytest.approx(result.numbers.t) if sensitive else None)
    assert answer.get("t", 0) <= mixed.get("t", 1) + 1e-9


def test_pycanon_sees_a_record_that_stands_alone(ask: Ask) -> None:
    table = firms()
    public = anonymise_records(random_firms(1, 200)[[column.name for column in table.columns]], table).frame
    public.loc[0, "ort"] = "Herringen"
    assert ask(public, "pycanon", quasi=list(public.columns), sensitive=[])["k"] == 1


POSTCODES = {f"590{number}": (f"590{number // 10}*", "590**") for number in range(60, 80)}
BRANCHES = {f"{a}{b}{c}": (f"{a}{b}", a) for a in "ABCD" for b in "123" for c in "xyz"}


def records(rows: int) -> pd.DataFrame:
    """Invented residents: age, postcode, branch of the firm they work for and the day they came."""
    dice = np.random.default_rng(4)
    return pd.DataFrame(
        {
            "alter": pd.array(np.clip(dice.normal(42, 18, rows), 0, 99).astype(int), dtype="Int64"),
            "plz": pd.Series(dice.choice(list(POSTCODES), rows), dtype="str"),
            "branche": pd.Series(dice.choice(list(BRANCHES), rows), dtype="str"),
            "seit": pd.Timestamp("2023-01-01") + pd.to_timedelta(dice.integers(0, 365 * 3, rows), unit="D"),
        }
    ).astype({"seit": "datetime64[us]"})


def along(values: pd.Series, hierarchy: dict[str, tuple[str, ...]]) -> list[pd.Series]:
    """The values and, level by level, what the hierarchy makes of them."""
    depth = len(next(iter(hierarchy.values())))
    return [values, *(values.map({leaf: up[level] for leaf, up in hierarchy.items()}) for level in range(depth))]


@pytest.mark.parametrize("k", [3, 5, 10])
def test_less_is_lost_than_by_a_public_tool(ask: Ask, tmp_path: Path, k: int) -> None:
    frame, suppressed = records(3000), 0.05
    kinds = {"alter": "integer", "plz": "string", "branche": "string", "seit": "date"}
    table = make_table(
        [{"name": name, "type": kind, "class": "quasi_identifier"} for name, kind in kinds.items()],
        key=[],
        microdata={"k": k, "suppressed": suppressed, "hierarchies": {"plz": POSTCODES, "branche": BRANCHES}},
    )
    ours = anonymise_records(frame, table).numbers
    ages, days = frame["alter"].astype(int), frame["seit"]
    levels: dict[str, list[pd.Series]] = {
        "alter": [ages.astype(str), *((ages // width * width).astype(str) + f"+{width}" for width in (5, 10, 20, 50))],
        "plz": along(frame["plz"], POSTCODES),
        "branche": along(frame["branche"], BRANCHES),
        "seit": [days.dt.strftime("%Y-%m-%d"), *(days.dt.to_period(unit).astype(str) + unit for unit in "MQY")],
    }
    for column in levels.values():
        column.append(pd.Series("*", index=frame.index))
    raw = pd.DataFrame({name: column[0] for name, column in levels.items()})
    hierarchies = {name: [list(level) for level in column] for name, column in levels.items()}
    answer = ask(raw, "anjana", quasi=list(kinds), k=k, suppressed=suppressed, hierarchies=hierarchies)
    public = pd.read_csv(tmp_path / "published.csv", dtype=str)
    assert answer["rows"] == len(public) >= (1 - suppressed) * len(frame)
    places = {"alter": ages, "seit": days.astype("int64")}
    lost = 0.0
    for name, column in levels.items():
        for level in column:
            if name in places:
                spread = places[name].groupby(level).agg(np.ptp) / np.ptp(places[name])
            else:
                spread = raw[name].groupby(level).nunique() / raw[name].nunique()
                spread = spread.where(raw[name].groupby(level).nunique() > 1, 0)
            lost += float(public[name].map(spread).fillna(0).sum()) if set(public[name]) <= set(level) else 0.0
    theirs = (lost + (len(frame) - len(public)) * len(kinds)) / len(frame) / len(kinds)
    assert ours.loss <= theirs, f"k={k}: {ours.loss:.3f}, anjana {theirs:.3f}"


def numbers_of_residents(rows: int) -> pd.DataFrame:
    """Invented residents: age, income in steps of 50 euros, days since they came, square metres of the home."""
    dice = np.random.default_rng(4)
    return pd.DataFrame(
        {
            "alter": np.clip(dice.normal(42, 18, rows), 0, 99).astype(int),
            "einkommen": np.round(dice.lognormal(7.8, 0.5, rows) / 50).astype(int) * 50,
            "seit": dice.integers(0, 365 * 3, rows),
            "flaeche": np.clip(dice.normal(85, 30, rows), 20, 300).astype(int),
        }
    )


@pytest.mark.parametrize("k", [3, 5, 10])
@pytest.mark.parametrize("columns", [3, 4])
def test_no_more_is_lost_than_by_a_public_mondrian(ask: Ask, k: int, columns: int) -> None:
    frame = numbers_of_residents(3000).iloc[:, :columns]
    table = make_table(
        [{"name": name, "type": "integer", "class": "quasi_identifier"} for name in frame.columns],
        key=[],
        microdata={"k": k, "suppressed": 0},
    )
    ours = anonymise_records(frame.astype("Int64"), table).numbers
    assert ours.left_out == 0
    groups = ask(frame, "anonypy", quasi=list(frame.columns), k=k)["groups"]
    assert sorted(row for group in groups for row in group) == list(range(len(frame)))
    assert min(map(len, groups)) >= k
    spans = [len(group) * float((np.ptp(frame.iloc[group], axis=0) / np.ptp(frame, axis=0)).mean()) for group in groups]
    theirs = sum(spans) / len(frame)
    assert ours.loss <= theirs, f"k={k}: {ours.loss:.3f}, anonypy {theirs:.3f}"
