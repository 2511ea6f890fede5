"""The environmental measuring network: daily values of river gauges in the state office's file, with its traps.

Two years up to the day before the first night: missing days, sentinels (-999 sensor failed, 9999 out of range), empty
cells, and times of day in local time without an offset, none of them ambiguous or non-existent.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from email.utils import format_datetime
from functools import cache

from samplecity.offers import System, Web, at_the_city
from samplecity.state import State
from samplecity.tables import Cell, Column, Table, csv_of
from samplecity.web import Answer, Request, etag_of

DAYS = 730


@dataclass(frozen=True)
class Station:
    """A gauge: usual low and mean level in cm, and how far days of rain lift it."""

    name: str
    low: float
    mean: float
    lift: float


STATIONS = (
    Station("Sueddinker", low=15, mean=47, lift=9),
    Station("Westtuennen", low=77, mean=120, lift=11),
    Station("Kesseler_3", low=60, mean=140, lift=16),
)

# Days before the first night, per station, so that every first day has the same number of rows.
MISSING = {"Sueddinker": {88, 301, 302, 303, 304}, "Westtuennen": {41, 42, 517}, "Kesseler_3": {5, 233, 234, 690, 691}}
FAILED = {"Sueddinker": {87, 305}, "Westtuennen": {150, 151, 152, 153}, "Kesseler_3": {412}}
OUT_OF_RANGE = {"Sueddinker": {19}, "Westtuennen": {260}, "Kesseler_3": {120, 121}}
NOT_MEASURED = {"Sueddinker": {500}, "Westtuennen": {43, 329}, "Kesseler_3": {235}}

COLUMNS = tuple(
    Column(name, "text") for name in ("Name", "Datum", "Minimum", "Maximum", "Mittelwert", "Zeitpunkt_Maximum")
)


def gauges(first_day: date) -> Table:
    """Daily values in cm of all stations, ordered by station and day; about 2,170 rows."""
    rows = [row for station in STATIONS for row in _rows(station, first_day)]
    return Table("pegel/tageswerte.csv", "Tageswerte der Pegel", COLUMNS, tuple(rows))


def _rows(station: Station, first_day: date) -> list[tuple[Cell, ...]]:
    rows: list[tuple[Cell, ...]] = []
    for before in range(DAYS, 0, -1):
        day = first_day - timedelta(days=before)
        if before in MISSING[station.name]:
            continue
        cells = [station.name, day.isoformat()]
        if before in FAILED[station.name]:
            cells += ["-999", "-999", "-999", ""]
        elif before in NOT_MEASURED[station.name]:
            cells += ["", "", "", ""]
        else:
            minimum, maximum, mean, moment = _measured(station, day)
            cells += [f"{minimum:.1f}", f"{maximum:.1f}", f"{mean:.2f}", moment]
            if before in OUT_OF_RANGE[station.name]:
                cells[3:6] = ["9999", cells[4], ""]
        rows.append(tuple(cells))
    return rows


def _measured(station: Station, day: date) -> tuple[float, float, float, str]:
    season = math.cos((day.timetuple().tm_yday - 30) / 365.25 * 2 * math.pi)
    rain = sum(_rain(day - timedelta(days=ago)) * math.exp(-ago / 3) for ago in range(12))
    level = station.low + (station.mean - station.low) * (0.6 + 0.4 * season) + station.lift * rain
    dice = random.Random(f"gauge {station.name} {day}")
    spread = 1 + 4 * dice.random() + station.lift * 0.4 * _rain(day)
    minimum, maximum = round(level - spread * 0.6, 1), round(level + spread, 1)
    mean = round(minimum + (maximum - minimum) * (0.3 + 0.3 * dice.random()), 2)
    minute = 10 * int(dice.random() * 144)
    if day.month in (3, 10) and day.weekday() == 6 and day.day >= 25 and minute // 60 == 2:
        minute += 180  # the hour that a night of clock change skips or repeats
    return minimum, maximum, mean, f"{day:%d.%m.%Y} {minute // 60:02d}:{minute % 60:02d}"


@cache
def _rain(day: date) -> float:
    """Rain of the day over the whole catchment, 0 to 9: dry on three days of four, seldom heavy."""
    dice = random.Random(f"rain {day}")
    return max(0.01, dice.random()) ** -0.5 - 1 if dice.random() < 0.25 else 0.0


def _daily_file(table: Table, request: Request, url: str, state: State) -> Answer:
    """The file as the measuring network drops it every night, five minutes past midnight of local winter time."""
    body = csv_of(table)
    dropped = datetime.combine(state.first_day - timedelta(days=1), time(23, 5), UTC)
    headers = {
        "ETag": etag_of(body),
        "Last-Modified": format_datetime(dropped, usegmt=True),
        "Cache-Control": "no-cache",
    }
    return Answer(200, "text/csv; charset=utf-8", body, headers)


SYSTEM = System(
    source="umweltmessnetz",
    title="Umweltmessnetz: Tageswerte der Pegel (CSV)",
    offers=(Web("umweltmessnetz/pegel/tageswerte.csv", lambda state: gauges(state.first_day), _daily_file),),
    connections=lambda var, ports: {"umweltmessnetz": at_the_city("umweltmessnetz", ports)},
)
