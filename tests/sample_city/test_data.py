"""The data: the same every time, plausible, and spoilt only where the script says so."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samplecity.places import BEZIRKE
from samplecity.state import State
from samplecity.systems import SYSTEMS
from samplecity.tables import Table, csv_of

FIRST_DAY = date(2026, 11, 23)
BERLIN = ZoneInfo("Europe/Berlin")
EAST, NORTH = (402_000, 427_000), (5_714_000, 5_736_000)

first_days = st.dates(min_value=date(2024, 1, 1), max_value=date(2040, 12, 31))


def table_of(source: str, state: State) -> Table:
    """What the first offer of the source holds."""
    return SYSTEMS[source].offers[0].table(state)


def column(table: Table, name: str) -> list[object]:
    at = [candidate.name for candidate in table.columns].index(name)
    return [row[at] for row in table.rows]


@pytest.mark.parametrize("source", SYSTEMS)
def test_the_same_first_day_gives_the_same_data(source: str) -> None:
    state = State(first_day=FIRST_DAY, night=1)

    once = table_of(source, state)
    again = table_of(source, state)

    assert once == again and once is not again


@pytest.mark.parametrize("source", ["umweltmessnetz", "spielplaetze", "einwohnerstatistik"])
def test_the_second_night_changes_nothing_but_the_trees(source: str) -> None:
    assert table_of(source, State(first_day=FIRST_DAY, night=1)) == table_of(
        source, State(first_day=FIRST_DAY, night=2)
    )


@given(first_days)
@settings(max_examples=10, deadline=None)
def test_every_first_day_gives_the_rows_that_the_script_names(first_day: date) -> None:
    state = State(first_day=first_day, night=1)
    sources = ("umweltmessnetz", "spielplaetze", "baumkataster", "einwohnerstatistik")
    assert [len(table_of(source, state).rows) for source in sources] == [2177, 160, 2400, 11520]


@given(first_days)
@settings(max_examples=10, deadline=None)
def test_no_gauge_time_is_ambiguous_or_skipped_by_the_clock_change(first_day: date) -> None:
    table = table_of("umweltmessnetz", State(first_day=first_day, night=1))
    for text in filter(None, column(table, "Zeitpunkt_Maximum")):
        moment = datetime.strptime(str(text), "%d.%m.%Y %H:%M").replace(tzinfo=BERLIN)
        assert moment.utcoffset() == moment.replace(fold=1).utcoffset()


def test_gauges_have_gaps_sentinels_and_empty_cells_and_end_the_day_before() -> None:
    table = table_of("umweltmessnetz", State(first_day=FIRST_DAY, night=1))

    lowest = Counter(column(table, "Minimum"))
    assert lowest["-999"] and lowest[""] and Counter(column(table, "Maximum"))["9999"]
    assert max(map(str, column(table, "Datum"))) == "2026-11-22"
    assert len(set(zip(column(table, "Name"), column(table, "Datum"), strict=True))) == len(table.rows) < 3 * 730


def test_measured_levels_are_in_order() -> None:
    table = table_of("umweltmessnetz", State(first_day=FIRST_DAY, night=1))
    levels = [row[2:5] for row in table.rows if not {"-999", "9999", ""} & set(row[2:5])]

    assert len(levels) > 2100
    for minimum, maximum, mean in levels:
        assert 0 < float(minimum) <= float(mean) <= float(maximum) < 500


@pytest.mark.parametrize("source", ["spielplaetze", "baumkataster"])
def test_good_features_lie_in_the_city_and_have_a_key_of_their_own(source: str) -> None:
    table = table_of(source, State(first_day=FIRST_DAY, night=1))

    assert all(EAST[0] < east < EAST[1] and NORTH[0] < north < NORTH[1] for east, north in column(table, "geom"))
    assert len({row[0] for row in table.rows}) == len(table.rows)
    assert set(column(table, "stadtbezirk")) == {bezirk.name for bezirk in BEZIRKE}


def test_a_third_of_the_trees_is_spoilt_in_the_second_night() -> None:
    good = table_of("baumkataster", State(first_day=FIRST_DAY, night=1))
    bad = table_of("baumkataster", State(first_day=FIRST_DAY, night=2))

    changed = [(before, after) for before, after in zip(good.rows, bad.rows, strict=True) if before != after]
    assert len(changed) == len(good.rows) / 3
    for before, after in changed:
        assert after[-1] == (before[-1][1], before[-1][0])
        assert after[5] == pytest.approx(before[5] * 100) and after[5] > 60
        assert before[:5] == after[:5]


def test_residents_leave_a_few_small_cells_in_the_published_table() -> None:
    table = table_of("einwohnerstatistik", State(first_day=FIRST_DAY, night=1))
    edges = (0, 3, 6, 10, 15, 18, 25, 45, 65, 75, 85)
    cells: Counter[tuple[object, ...]] = Counter()
    for _, bezirk, age, sex, citizenship, number, _ in table.rows:
        band = max(edge for edge in edges if edge <= age)
        cells[bezirk, band, sex, citizenship == "Deutschland"] += number

    assert 178_000 < cells.total() < 182_000
    assert set(column(table, "stichtag")) == {date(2025, 12, 31)}
    small = sum(number in (1, 2) for number in cells.values())
    assert 0.02 < small / (len(BEZIRKE) * len(edges) * 4) < 0.06


def test_no_person_is_named_anywhere() -> None:
    playgrounds = table_of("spielplaetze", State(first_day=FIRST_DAY, night=1))
    residents = table_of("einwohnerstatistik", State(first_day=FIRST_DAY, night=1))

    assert set(column(playgrounds, "ansprechpartner")) == {f"Kolonne {number} Grünpflege" for number in range(1, 7)}
    assert set(column(residents, "sachbearbeitung")) == {f"Geheimwert {number}" for number in range(1, 5)}


def test_the_csv_has_the_columns_of_the_drop() -> None:
    header = csv_of(table_of("umweltmessnetz", State(first_day=FIRST_DAY, night=1))).split(b"\n", 1)[0]
    assert header == b"Name,Datum,Minimum,Maximum,Mittelwert,Zeitpunkt_Maximum"
