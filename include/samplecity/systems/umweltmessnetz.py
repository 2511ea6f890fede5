"""The environmental measuring network: river gauges in the state office's file, weather stations of its own by FTP.

Two years up to the day before the first night: missing days, sentinels (-999 sensor failed, 9999 out of range), empty
cells, and times of day in local time without an offset, none of them ambiguous or non-existent.

The weather stations lay down a file a day each, as their loggers write it: local time without an offset, decimal comma,
two makes of logger that name a column differently, sentinels, and corrections in a second file of the day.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from email.utils import format_datetime
from functools import cache
from zoneinfo import ZoneInfo

from samplecity.offers import Drop, System, Web, at_the_city, by_ftp
from samplecity.state import State
from samplecity.tables import Cell, Column, Table, csv_of
from samplecity.web import Answer, Request, etag_of

DAYS = 730
BERLIN = ZoneInfo("Europe/Berlin")


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


WEATHER_DAYS = 14

WEATHER_STATIONS = {"Heessen": 0.0, "Mitte": 0.9, "Uentrop": -0.4}
"""Weather station to how much warmer it is there than outside of the city (K)."""

OTHER_MAKE = "Uentrop"
"""The station whose logger names the temperature differently and also writes its battery's voltage."""

WEATHER_COLUMNS = tuple(
    Column(name, "text")
    for name in ("Datei", "Station", "Zeit", "Lufttemperatur [°C]", "Feuchte [%]", "Niederschlag [mm]", "Akku [V]")
)

LOGGER_FAILED = {("Mitte", 3): range(4, 9)}
NOT_CALIBRATED = {("Heessen", 5): range(10, 16)}
"""Station and day before the first one to the hours that are written wrong and corrected in a second file."""


def weather(first_day: date) -> Table:
    """Hourly values of 14 days without a change of clocks, and of the last night before them in which an hour came
    twice: 1,083 hours, six of them twice, by station and time. The first column is the file in which a row stands.
    """
    days = [first_day - timedelta(days=before) for before in range(1, WEATHER_DAYS + 3)]
    days = [day for day in days if _hours(day) == 24][:WEATHER_DAYS]
    night = next(day for day in (days[-1] - timedelta(days=ago) for ago in range(1, 800)) if _hours(day) == 25)
    rows: list[tuple[Cell, ...]] = []
    for station in WEATHER_STATIONS:
        for day in (night, *reversed(days)):
            before = (first_day - day).days
            name = f"wetter/{station}_{day:%Y%m%d}"
            hours = [_weather_row(f"{name}.csv", station, day, before, hour) for hour in range(_hours(day))]
            rows += hours
            wrong = NOT_CALIBRATED.get((station, before), ())
            rows += [(f"{name}_korrektur.csv", *hours[hour][1:3], *_corrected(hours[hour][3:])) for hour in wrong]
    return Table("wetter", "Stundenwerte der Wetterstationen", WEATHER_COLUMNS, tuple(rows))


def _hours(day: date) -> int:
    """Hours of the day on the city's clock: 24, or 23 and 25 when the clocks change."""
    start, end = (datetime.combine(each, time(), BERLIN).astimezone(UTC) for each in (day, day + timedelta(days=1)))
    return round((end - start) / timedelta(hours=1))


def _weather_row(file: str, station: str, day: date, before: int, hour: int) -> tuple[Cell, ...]:
    """The values of the hour that begins so many hours after midnight."""
    moment = (datetime.combine(day, time(), BERLIN).astimezone(UTC) + timedelta(hours=hour)).astimezone(BERLIN)
    dice = random.Random(f"weather {station} {moment.astimezone(UTC)}")
    season = -math.cos((day.timetuple().tm_yday - 20) / 365.25 * 2 * math.pi)
    daily = -math.cos((moment.hour - 3) / 24 * 2 * math.pi)
    warmth = round(10.5 + WEATHER_STATIONS[station] + 8.5 * season + 3.5 * daily + dice.uniform(-1.5, 1.5), 1)
    rain = round(_rain(day) * dice.random() / 2, 1) if dice.random() < 0.3 else 0.0
    cells = [f"{warmth:.1f}", f"{round(86 - 12 * daily - 6 * dice.random())}", f"{rain:.1f}"]
    if hour in LOGGER_FAILED.get((station, before), ()):
        cells = ["-99.9", "-99", ""]
    if hour in NOT_CALIBRATED.get((station, before), ()):
        cells[0] = f"{warmth + 7:.1f}"
    volts = f"{12.4 + 0.3 * dice.random():.1f}"
    return (file, station, f"{moment:%d.%m.%Y %H:%M}", *(cell.replace(".", ",") for cell in (*cells, volts)))


def _corrected(cells: tuple[Cell, ...]) -> tuple[Cell, ...]:
    return (f"{float(str(cells[0]).replace(',', '.')) - 7:.1f}".replace(".", ","), *cells[1:])


def _weather_files(table: Table, state: State) -> dict[str, bytes]:
    """A file for each station and day, in cp1252 as the loggers write it."""
    names = [column.name for column in table.columns][1:]
    files: dict[str, list[tuple[Cell, ...]]] = {}
    for row in table.rows:
        files.setdefault(str(row[0]), []).append(row[1:])
    return {name: _logged(names, rows, other_make=f"/{OTHER_MAKE}_" in name) for name, rows in files.items()}


def _logged(names: list[str], rows: list[tuple[Cell, ...]], *, other_make: bool) -> bytes:
    kept = [number for number, name in enumerate(names) if other_make or name != "Akku [V]"]
    header = [names[number] for number in kept]
    if other_make:
        header = ["Temp. [°C]" if name == "Lufttemperatur [°C]" else name for name in header]
    lines = [header, *([str(row[number]) for number in kept] for row in rows)]
    return "".join(";".join(line) + "\r\n" for line in lines).encode("cp1252")


SYSTEM = System(
    source="umweltmessnetz",
    title="Umweltmessnetz: Tageswerte der Pegel (CSV), Stundenwerte der Wetterstationen (FTP)",
    offers=(
        Web("umweltmessnetz/pegel/tageswerte.csv", lambda state: gauges(state.first_day), _daily_file),
        Drop(lambda state: weather(state.first_day), _weather_files),
    ),
    connections=lambda var, ports: {
        "umweltmessnetz": at_the_city("umweltmessnetz", ports),
        "umweltmessnetz_ablage": by_ftp("umweltmessnetz", ports),
    },
)
