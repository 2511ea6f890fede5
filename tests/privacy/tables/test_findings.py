"""What the judge of tables says: rule, table, numbers of cells; never a value."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

import pandas as pd
import pytest

from published_tables import counts, publish
from stadtdaten.contracts import Table
from stadtdaten.faults import Finding
from stadtdaten.frames import PublishedCells
from stadtdaten.privacy.tables.findings import judge_tables
from stadtdaten.privacy.tables.published import encode

TABLE = counts("bezirk", "geschlecht")
CELLS = {c: 20 + n for n, c in enumerate(itertools.product(("Mitte", "Nord", "Süd"), ("m", "w")))} | {("Mitte", "m"): 4}
SQUARE = set(itertools.product(("Mitte", "Nord"), ("m", "w")))


def judged(frame: pd.DataFrame, *earlier: pd.DataFrame, table: Table = TABLE) -> list[Finding]:
    kept = [
        PublishedCells(
            dataset="einwohner", table=table.id, release=f"{n:012}", published_at=datetime(2026, 11, 1 + n, tzinfo=UTC),
            content=encode(each, table),
        )
        for n, each in enumerate(earlier)
    ]  # fmt: skip
    return list(judge_tables({table.id: frame}, [table], kept))


def test_a_safe_table_has_no_findings() -> None:
    frame = publish(TABLE, CELLS, SQUARE)
    assert judged(frame) == []
    assert judged(frame, frame) == []


def test_a_recoverable_cell_is_counted() -> None:
    [finding] = judged(publish(TABLE, CELLS, {("Mitte", "m")}))
    assert (finding.rule, finding.table, finding.column) == ("recoverable_cells", "personen", "anzahl")
    assert (finding.count, finding.total) == (1, 1)


def test_cells_recovered_by_comparison_are_counted_for_both_releases() -> None:
    other = set(itertools.product(("Mitte", "Süd"), ("m", "w")))
    now, before = judged(publish(TABLE, CELLS, other), publish(TABLE, CELLS, SQUARE))
    assert {finding.rule for finding in (now, before)} == {"recoverable_over_time"}
    assert (now.count, before.count) == (4, 4)
    assert "früher geheimen" in before.message


@pytest.mark.parametrize(
    ("fault", "rule"),
    [
        ("small", "small_cells"),
        ("unmarked", "hidden_cells"),
        ("negative", "negative_cells"),
        ("gone", "incomplete_table"),
    ],
)
def test_what_can_be_seen_without_computing_is_found(fault: str, rule: str) -> None:
    frame = publish(TABLE, CELLS, SQUARE)
    shown = frame.index[~frame["anzahl_geheim"]]
    if fault == "gone":
        frame = frame.drop(index=shown[0]).reset_index(drop=True)
    elif fault == "unmarked":
        frame.loc[shown[0], "anzahl_geheim"] = True
    else:
        frame.loc[shown[0], "anzahl"] = 1 if fault == "small" else -5
    assert rule in [finding.rule for finding in judged(frame)]


@pytest.mark.parametrize(
    ("protection", "good", "bad"),
    [
        ({"kind": "rounding"}, [0, 5, 10], [0, 4, 10]),
        ({"kind": "rounding"}, [0, 5, 10], [0, None, 10]),
        ({"kind": "cell_key", "connection": "schluessel"}, [0, 3, 7], [0, 2, 7]),
        ({"kind": "cell_key", "connection": "schluessel"}, [0, 3, 7], [0, -3, 7]),
    ],
)
def test_a_count_that_was_not_changed_is_found(
    protection: dict[str, str], good: list[int], bad: list[int | None]
) -> None:
    table = counts("stichtag", "bezirk", margins=["bezirk"], protection=protection)
    frame = pd.DataFrame({"bezirk": ["Mitte", "Nord", "Insgesamt"], "anzahl": pd.array(good, dtype="Int64")})
    frame.insert(0, "stichtag", "2025-Q4")
    assert judged(frame, table=table) == []
    [finding] = judged(frame.assign(anzahl=pd.array(bad, dtype="Int64")), table=table)
    assert (finding.rule, finding.count) == ("small_cells", 1)


def test_groups_formed_otherwise_than_before_block() -> None:
    coarse = {"kind": "mapping", "values": {"a": "jung", "b": "jung"}, "other": "alt"}
    old, new = counts("alter"), counts("alter", treatment={"alter": coarse})
    kept = PublishedCells(
        dataset="einwohner", table=old.id, release="0" * 12, published_at=datetime(2026, 11, 1, tzinfo=UTC),
        content=encode(publish(old, {("a",): 5, ("b",): 6}, set()), old),
    )  # fmt: skip
    [finding] = judge_tables({new.id: publish(new, {("jung",): 11}, set())}, [new], [kept])
    assert finding.rule == "overlapping_groups"
    assert "alter" in finding.message
