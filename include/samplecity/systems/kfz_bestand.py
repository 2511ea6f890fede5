"""How many vehicles are registered? Made-up city totals at the end of each month, from the licensing office's database.

60 months up to the one before the first night. In night 2 the office corrects a month that is long published, as
happens when de-registrations arrive late: only ``geaendert_am`` tells which.
"""

from __future__ import annotations

import random
from datetime import date, timedelta

from samplecity.offers import Database, System, database_path
from samplecity.state import State
from samplecity.tables import Cell, Column, Table

MONTHS = 60
CORRECTED = 14
"""The month that is corrected in night 2, counted back from the newest."""

GROUPS = {
    "Personenkraftwagen": 97_000, "Krafträder": 9_200, "Lastkraftwagen": 7_800, "Zugmaschinen": 2_300, "Busse": 190,
    "Anhänger": 11_400, "Sonstige Kraftfahrzeuge": 900,
}  # fmt: skip
"""Group of vehicles, in the office's order, to their number in the first month."""

DRIVES = {"Benzin": 0.58, "Diesel": 0.32, "Elektro": 0.03, "Hybrid": 0.05, "Sonstige": 0.02}
"""Kind of drive to its share in the first month; trailers have none."""

COLUMNS = (
    Column("monat", "date"),
    Column("group", "text"),
    Column("order", "integer"),
    Column("Antrieb / Kraftstoff", "text"),
    Column("anzahl", "integer"),
    Column("geaendert_am", "text"),
)


def vehicles(state: State) -> Table:
    """A row for each month, group and kind of drive: 1,860 rows."""
    rows: list[tuple[Cell, ...]] = []
    for before in range(MONTHS - 1, -1, -1):
        day = _end_of_month(state.first_day, before)
        entered = f"{day + timedelta(days=1)} 04:10:00"
        for order, (group, number) in enumerate(GROUPS.items(), 1):
            for drive, share in _drives(group, MONTHS - before).items():
                dice = random.Random(f"{day} {group} {drive}")
                count = round(number * share * (1 + 0.0008 * (MONTHS - before)) * (0.998 + 0.004 * dice.random()))
                changed = entered
                if state.night > 1 and before == CORRECTED and drive == "Diesel":
                    count, changed = round(count * 0.97), f"{state.first_day + timedelta(days=1)} 01:30:00"
                rows.append((day, group, order, drive, count, changed))
    return Table("bestand", "Kraftfahrzeugbestand", COLUMNS, tuple(rows))


def _end_of_month(first_day: date, before: int) -> date:
    """The last day of the month that lies so many months before the one that ended last."""
    month = first_day.year * 12 + first_day.month - 1 - before
    return date(month // 12, month % 12 + 1, 1) - timedelta(days=1)


def _drives(group: str, month: int) -> dict[str, float]:
    """Shares of the kinds of drive: every month more electric and hybrid vehicles, and fewer with Diesel engines."""
    if group == "Anhänger":
        return {"ohne Antrieb": 1.0}
    growth = 0.0009 * month
    moved = {"Elektro": growth, "Hybrid": growth, "Diesel": -2 * growth}
    return {drive: share + moved.get(drive, 0.0) for drive, share in DRIVES.items()}


SYSTEM = System(
    source="kfz_bestand",
    title="Kfz-Bestand (SQLite-Datenbank)",
    offers=(Database(vehicles),),
    connections=lambda var, ports: {
        "kfz_bestand": {"conn_type": "generic", "host": f"sqlite:///{database_path(var, 'kfz_bestand').resolve()}"}
    },
)
