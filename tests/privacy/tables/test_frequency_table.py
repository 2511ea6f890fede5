"""Counts, totals, and cells that are held back."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from people import anonymise_one, audit_one
from stadtdaten.faults import GateFailed, Misconfigured

TOTAL = "Insgesamt"
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["Mitte", "Nord", "Süd"]),
        st.integers(0, 9),
        st.sampled_from(["w", "m", "x"]),
        st.sampled_from([0, 1, 1, 2, 3, 4, 7, 40, 900]),
    ),
    min_size=1,
    max_size=25,
)


def cell(frame: pd.DataFrame, **where: str) -> pd.Series:
    for name in ("bezirk", "alter", "geschlecht"):
        frame = frame[frame[name] == where.get(name, TOTAL)]
    assert len(frame) == 1
    return frame.iloc[0]


def test_totals_stand_for_every_combination_and_last(counted, residents):
    published, report = anonymise_one(
        residents([("Mitte", 1, "w", 10), ("Mitte", 7, "m", 20), ("Nord", 1, "m", 30), ("Nord", 2, "m", 5)]), counted
    )
    assert len(published) == 3 * 3 * 3 == report.cells
    assert cell(published)["anzahl"] == 65
    assert cell(published, bezirk="Nord", alter="0 bis 2")["anzahl"] == 35
    assert cell(published, bezirk="Nord", geschlecht="weiblich")["anzahl"] == 0
    assert list(published["alter"].head(9).unique()) == ["0 bis 2", "6 und älter", TOTAL]
    assert list(published.iloc[-1][["bezirk", "alter", "geschlecht"]]) == [TOTAL] * 3
    assert report.suppressed == 0
    assert "Kein Wert musste geheim gehalten werden" in report.sentence


def test_a_single_small_cell_takes_others_with_it(counted, residents):
    rows = [(district, age, sex, 50) for district in ("Mitte", "Nord") for age in (1, 7) for sex in ("w", "m")]
    rows[0] = ("Mitte", 1, "w", 2)
    published, report = anonymise_one(residents(rows), counted)
    small = cell(published, bezirk="Mitte", alter="0 bis 2", geschlecht="weiblich")
    assert small["anzahl_geheim"] and pd.isna(small["anzahl"])
    assert report.primary_suppressed == 1
    assert report.secondary_suppressed >= 7  # a cube of eight cells is the least in three dimensions
    assert "weil sie kleiner als 3 sind" in report.sentence


def test_each_reference_date_is_a_table_of_its_own(counted, residents):
    old = residents([("Mitte", 1, "w", 10), ("Süd", 1, "w", 10)], "2024-12-31")
    new = residents([("Mitte", 1, "w", 12)], "2025-12-31")
    published, _ = anonymise_one(pd.concat([new, old], ignore_index=True), counted)
    assert list(published.groupby("stichtag").size()) == [3 * 2 * 2, 2 * 2 * 2]
    assert published["stichtag"].is_monotonic_increasing
    assert published["stichtag"].dtype == "datetime64[us]"


@pytest.mark.parametrize("count", [pd.NA, -4])
def test_a_missing_or_negative_count_stops_the_table(counted, residents, count):
    frame = residents([("Mitte", 1, "w", 10), ("Nord", 1, "w", 10)])
    frame.loc[0, "anzahl"] = count
    with pytest.raises(GateFailed, match="anzahl: 1 von 2"):
        anonymise_one(frame, counted)


def test_a_district_without_name_stops_the_table(counted, residents):
    frame = residents([("Mitte", 1, "w", 10), ("Nord", 1, "w", 10)])
    frame.loc[0, "bezirk"] = pd.NA
    with pytest.raises(GateFailed, match="bezirk: 1 von 2"):
        anonymise_one(frame, counted)


def test_a_table_without_rows_stops(counted, residents):
    with pytest.raises(GateFailed, match="keine Zeile"):
        anonymise_one(residents([("Mitte", 1, "w", 10)]).head(0), counted)


def test_totals_that_the_source_brings_along_are_not_counted_twice(counted, residents):
    with pytest.raises(Misconfigured, match="bezirk"):
        anonymise_one(residents([("Mitte", 1, "w", 10), (TOTAL, 1, "w", 10)]), counted)


@given(ROWS, st.randoms(use_true_random=False))
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_random_table_can_be_attacked(counted, residents, rows, random):
    published, report = anonymise_one(residents(rows), counted)
    audit_one(published, counted)
    shown = published["anzahl"].dropna()
    assert not ((shown > 0) & (shown < 3)).any()
    assert report.suppressed == int(published["anzahl_geheim"].sum())
    grand = published.iloc[-1]
    if not grand["anzahl_geheim"]:
        assert grand["anzahl"] == sum(row[3] for row in rows)
    random.shuffle(rows)
    pd.testing.assert_frame_equal(published, anonymise_one(residents(rows), counted)[0])
