"""Moments: two-digit years, clocks, and the hour that autumn repeats: proven by the rows, or the table stops."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stadtdaten.contracts import City, Table
from stadtdaten.contracts.interfaces import Limits
from stadtdaten.faults import SourceUnreadable
from stadtdaten.frames import Repair
from stadtdaten.read import ReadTable, read_table
from stadtdaten.read.typed.numbers import Notation
from stadtdaten.read.typed.values import Values

MakeTable = Callable[..., Table]
ReadText = Callable[..., ReadTable]
BERLIN = ZoneInfo("Europe/Berlin")
BY_ORDER = {"type": "datetime", "double_hour": "by_order"}
FIRST_TWO_O_CLOCK = datetime(2025, 10, 26, 0, tzinfo=UTC)
"""02:00 on the clock, for the first time in that night."""


def moments(
    table: MakeTable, city: City, column: Any, cells: list[str], **more: list[str]
) -> tuple[pd.Series, list[Repair]]:
    """The column read from those cells; every further column is part of the key."""
    of = table({"format": "csv"}, {"um": column, **dict.fromkeys(more, "string")}, ["um", *more])
    values = Values(of, Notation(), city.timezone, Limits())
    read = values.read({name: pa.chunked_array([each]) for name, each in {"um": cells, **more}.items()})
    values.finish()
    return read["um"], values.repairs


def instants_of(read: pd.Series) -> list[datetime]:
    """In UTC: Python holds a doubled local time unequal to every instant."""
    return [stamp.to_pydatetime() for stamp in read.dt.tz_convert(UTC)]


def clock(instants: list[datetime]) -> list[str]:
    """What the city's clocks show."""
    return [instant.astimezone(BERLIN).strftime("%Y-%m-%d %H:%M") for instant in instants]


def night(step: int, before: int = 4, after: int = 12) -> list[datetime]:
    """A series over the autumn night: every ``step`` minutes, steps before and after the first 02:00."""
    return [FIRST_TWO_O_CLOCK + timedelta(minutes=step * number) for number in range(-before, after)]


@pytest.mark.parametrize(
    ("cell", "pattern", "expected"),
    [
        ("31.12.25 14:05", "%d.%m.%y %H:%M", "2025-12-31T14:05:00+01:00"),
        ("31.12.68 00:00", "%d.%m.%y %H:%M", "2068-12-31T00:00:00+01:00"),
        ("01.01.69 00:00", "%d.%m.%y %H:%M", "1969-01-01T00:00:00+01:00"),
        ("01.07.99 00:00", "%d.%m.%y %H:%M", "1999-07-01T00:00:00+02:00"),
        ("1.7.2025 9:05", "%d.%m.%Y %H:%M", "2025-07-01T09:05:00+02:00"),
        ("20250701090510", "%Y%m%d%H%M%S", "2025-07-01T09:05:10+02:00"),
        ("01.07.2025, 09 Uhr", "%d.%m.%Y, %H Uhr", "2025-07-01T09:00:00+02:00"),
        ("01.07.2025 09:05 +0000", "%d.%m.%Y %H:%M %z", "2025-07-01T11:05:00+02:00"),
        ("182/2025 09:05", "%j/%Y %H:%M", "2025-07-01T09:05:00+02:00"),
    ],
)  # fmt: skip
def test_a_moment_is_read_in_the_declared_format(
    table: MakeTable, city: City, cell: str, pattern: str, expected: str
) -> None:
    read, _ = moments(table, city, {"type": "datetime", "format": pattern}, [cell])
    assert read[0].isoformat() == expected


@pytest.mark.parametrize(
    "cell",
    ["31.02.25 10:00", "29.02.25 10:00", "31.04.25 10:00", "00.01.25 10:00", "01.13.25 10:00", "01.01.25 24:00",
     "01.01.25 10:60", "01.01.2025 10:00", "01.01.25 10:00:00", "01/01/25 10:00", "01.01.25"],
)  # fmt: skip
def test_a_moment_that_does_not_exist_or_is_written_otherwise_is_an_error(
    table: MakeTable, city: City, cell: str
) -> None:
    with pytest.raises(SourceUnreadable, match="„um“: 1 von 2 Werten sind kein Zeitpunkt"):
        moments(table, city, {"type": "datetime", "format": "%d.%m.%y %H:%M"}, ["28.02.25 10:00", cell])


@settings(max_examples=150, deadline=None)
@given(
    stamps=st.lists(
        st.integers(0, 98 * 365 * 24 * 60).map(lambda minute: datetime(1970, 1, 1) + timedelta(minutes=minute)),  # noqa: DTZ001
        min_size=1, max_size=5,
    ),
    pattern=st.sampled_from(
        ["%d.%m.%Y %H:%M", "%d.%m.%y %H:%M", "%Y-%m-%dT%H:%M:%S", "%m/%d/%Y %H.%M", "%y%m%d%H%M", "%j %Y %H %M"]
    ),
)  # fmt: skip
def test_every_moment_written_in_a_format_is_read_back(
    table: MakeTable, city: City, stamps: list[datetime], pattern: str
) -> None:
    column = {"type": "datetime", "format": pattern, "clock": "utc"}
    read, _ = moments(table, city, column, [stamp.strftime(pattern) for stamp in stamps])
    assert [stamp.astimezone(UTC).replace(tzinfo=None) for stamp in read] == stamps


@pytest.mark.parametrize("cell", ["2025-02-30T10:00", "2025-02-28T10:00:00.1234567", "2025-02-28 25:00"])
def test_an_iso_time_beside_which_others_are_odd_is_read_or_stopped(table: MakeTable, city: City, cell: str) -> None:
    cells = ["2025-07-01T10:00:00.5", "2025-07-01 10:00", "2025-07-01T10:00:00Z", cell]
    if "02-28T" in cell:
        read, _ = moments(table, city, "datetime", cells)
        assert [each.microsecond for each in read] == [500000, 0, 0, 123456]
        assert [each.hour for each in read] == [10, 10, 12, 10]
    else:
        with pytest.raises(SourceUnreadable, match="1 von 4 Werten sind kein Zeitpunkt"):
            moments(table, city, "datetime", cells)


def test_a_clock_without_summer_time_has_no_double_and_no_lost_hour(table: MakeTable, city: City) -> None:
    cells = ["2025-10-26 02:30", "2025-03-30 02:30", "2025-07-01 12:00", "2025-01-01 12:00"]
    read, repairs = moments(table, city, {"type": "datetime", "clock": "winter"}, cells)
    assert [each.isoformat() for each in read] == [
        "2025-10-26T02:30:00+01:00", "2025-03-30T03:30:00+02:00", "2025-07-01T13:00:00+02:00",
        "2025-01-01T12:00:00+01:00",
    ]  # fmt: skip
    assert [(repair.kind, repair.count, repair.nature) for repair in repairs] == [("clock", 4, "assumed")]


def test_a_clock_of_utc_is_read_as_such_and_an_offset_still_counts(table: MakeTable, city: City) -> None:
    cells = ["2025-10-26 00:30", "2025-10-26 01:30", "2025-07-01T12:00:00+02:00"]
    read, repairs = moments(table, city, {"type": "datetime", "clock": "utc"}, cells)
    assert [each.isoformat() for each in read] == [
        "2025-10-26T02:30:00+02:00", "2025-10-26T02:30:00+01:00", "2025-07-01T12:00:00+02:00"
    ]  # fmt: skip
    assert [repair.count for repair in repairs] == [2]


@pytest.mark.parametrize("step", [1, 5, 10, 15, 20, 30, 60])
@pytest.mark.parametrize("newest_first", [False, True])
def test_the_double_hour_is_told_apart_by_the_order_of_the_rows(
    table: MakeTable, city: City, step: int, newest_first: bool
) -> None:
    instants = night(step, after=60 // step * 3)
    instants = instants[::-1] if newest_first else instants
    read, repairs = moments(table, city, BY_ORDER, clock(instants))
    assert instants_of(read) == instants
    assert [(repair.kind, repair.count, repair.nature) for repair in repairs] == [
        ("double_hour", 120 // step, "assumed")
    ]


def test_each_series_has_an_order_of_its_own(table: MakeTable, city: City) -> None:
    instants = night(30)
    cells = [cell for cell in clock(instants) for _ in range(2)]
    read, _ = moments(table, city, BY_ORDER, cells, station=["a", "b"] * len(instants))
    assert instants_of(read) == [instant for instant in instants for _ in range(2)]


def test_a_night_that_is_delivered_again_is_read_the_same_way_again(table: MakeTable, city: City) -> None:
    instants = night(15)
    read, _ = moments(table, city, BY_ORDER, clock(instants * 2))
    assert instants_of(read) == instants * 2


UNPROVEN = {
    "one pass only": ["01:45", "02:00", "02:15", "02:30", "02:45", "03:00"],
    "one pass with a row that is late": ["01:45", "02:00", "02:30", "02:15", "02:45", "03:00"],
    "a single time": ["01:30", "02:30", "03:30"],
    "twice, with nothing around that shows the direction": ["02:00", "02:00"],
    "three passes": ["01:30", "02:00", "02:30", "02:00", "02:30", "02:00", "02:30", "03:00"],
    "times that are not in order": ["01:30", "02:30", "02:00", "02:00", "02:30", "03:00"],
    "the row before is later": ["03:00", "02:00", "02:30", "02:00", "02:30", "03:30"],
    "the row behind is earlier": ["01:30", "02:00", "02:30", "02:00", "02:30", "01:00"],
    "another time between": ["01:30", "02:00", "02:30", "03:00", "02:00", "02:30", "03:30"],
}


@pytest.mark.parametrize("what", UNPROVEN)
def test_an_order_that_does_not_prove_the_double_hour_is_an_error(table: MakeTable, city: City, what: str) -> None:
    cells = [f"2025-10-26 {each}" for each in UNPROVEN[what]]
    count = sum(each.startswith("02") for each in UNPROVEN[what])
    with pytest.raises(
        SourceUnreadable, match=f"{count} von {len(cells)} Werten liegen in der doppelten Stunde"
    ) as caught:
        moments(table, city, BY_ORDER, cells)
    assert "clock" in caught.value.next_step


def test_series_that_share_a_night_but_not_a_key_are_an_error(table: MakeTable, city: City) -> None:
    """The station is no part of the key: its rows look like one series with four passes."""
    instants = [*night(30), *night(30)]
    cells = [cell for pair in zip(clock(instants[:16]), clock(instants[16:]), strict=True) for cell in pair]
    with pytest.raises(SourceUnreadable, match="8 von 32 Werten liegen in der doppelten Stunde"):
        moments(table, city, BY_ORDER, cells)


@settings(max_examples=300, deadline=None)
@given(step=st.sampled_from([10, 15, 20, 30, 60]), before=st.integers(0, 3), after=st.integers(0, 3), data=st.data())
def test_a_night_in_any_order_is_read_right_or_stopped(
    table: MakeTable, city: City, step: int, before: int, after: int, data: st.DataObject
) -> None:
    """Two rows of one time on the clock are the same to every reader; so right means the right instants in order."""
    instants = night(step, before, 120 // step + after)
    if data.draw(st.booleans()):
        shuffled = data.draw(st.permutations(instants))
    else:  # nearly in order: some neighbours change places
        shuffled = list(instants)
        for at in data.draw(st.lists(st.integers(0, len(instants) - 2), max_size=3)):
            shuffled[at], shuffled[at + 1] = shuffled[at + 1], shuffled[at]
    try:
        read, _ = moments(table, city, BY_ORDER, clock(shuffled))
    except SourceUnreadable as fault:
        assert [finding.rule for finding in fault.findings] == ["ambiguous_time"]
        assert clock(shuffled) != clock(instants) or before + after == 0
        return
    assert sorted(instants_of(read)) == instants
    doubled = [
        instant
        for instant in instants_of(read)
        if FIRST_TWO_O_CLOCK <= instant < FIRST_TWO_O_CLOCK + timedelta(hours=2)
    ]
    assert doubled == sorted(doubled, reverse=doubled[0] > doubled[-1])


@settings(max_examples=300, deadline=None)
@given(step=st.sampled_from([5, 15, 20, 30, 60]), newest_first=st.booleans(), data=st.data())
def test_a_night_with_gaps_is_read_right_or_stopped(
    table: MakeTable, city: City, step: int, newest_first: bool, data: st.DataObject
) -> None:
    instants = [each for each in night(step, 3, 120 // step + 3) if data.draw(st.integers(0, 9)) < 8]
    instants = instants[::-1] if newest_first else instants
    try:
        read, _ = moments(table, city, BY_ORDER, clock(instants))
    except SourceUnreadable:
        return
    assert instants_of(read) == instants


def test_the_car_parks_of_muenster_have_their_double_hour(
    tmp_path: Path, table: MakeTable, city: City, shared: Path
) -> None:
    file = shared / "data" / "muenster_parking" / "2019-2023" / "2019-10-27.csv"
    columns = {
        "um": {**BY_ORDER, "source": "Datum und Uhrzeit"},
        "theater": {"type": "integer", "source": "PH Theater"},
    }
    dialect = {"format": "csv", "encoding": "utf-8", "delimiter": ",", "decimal": ".", "thousands": ""}
    rows = list(csv.DictReader(file.open(encoding="utf-8")))
    doubled = [number for number, row in enumerate(rows) if row["Datum und Uhrzeit"].startswith("2019-10-27 02")]
    read = read_table(table(dialect, columns), (file,), city, Limits())
    assert len(doubled) == 8
    assert [each.isoformat() for each in read.frame["um"].iloc[doubled]] == [
        f"2019-10-27T02:{minute:02}:00{offset}" for offset in ("+02:00", "+01:00") for minute in (0, 15, 30, 45)
    ]
    assert [each.strftime("%Y-%m-%d %H:%M") for each in read.frame["um"]] == [row["Datum und Uhrzeit"] for row in rows]
    assert read.frame["um"].is_unique
    with pytest.raises(SourceUnreadable, match="8 von 239 Werten liegen in der doppelten Stunde"):
        columns["um"] = {"type": "datetime", "source": "Datum und Uhrzeit"}
        read_table(table(dialect, columns), (file,), city, Limits())


def test_the_weather_of_bochum_is_the_same_with_and_without_offsets(
    tmp_path: Path, table: MakeTable, city: City, shared: Path
) -> None:
    """Its first hours of the month stand behind the first day; the night of October is in order."""
    station = shared / "data" / "bochum" / "weather_stations" / "943CC6451BFB"
    rows = list(csv.DictReader((station / "bochum_ecowitt_gw2001_943CC6451BFB_2024-10.csv").open(encoding="utf-8")))
    cells = [row["datetime"] for row in rows]
    told, _ = moments(table, city, "datetime", cells)
    naive, repairs = moments(table, city, BY_ORDER, [cell[:19] for cell in cells])
    assert [each.isoformat(" ") for each in told] == cells
    assert not told.is_monotonic_increasing
    assert naive.equals(told)
    assert [(repair.kind, repair.count) for repair in repairs] == [("double_hour", 24)]
