"""Who lives in the sample city? Counts of made-up persons by Bezirk, year of age, sex and citizenship.

About 180,000 persons. Old foreign residents are few in some Bezirke, so that the published table has small cells.
What says which clerk counted is nobody else's business.
"""

from __future__ import annotations

import math
import random
from datetime import date

from samplecity import housing
from samplecity.households import households
from samplecity.offers import Database, Drop, System, database_path, drop_folder
from samplecity.places import BEZIRKE
from samplecity.tables import Cell, Column, Table

KEY = "beispiel-schluessel-fuer-das-cell-key-verfahren"
"""Of the cell-key method (households). A real one is random and known to nobody."""

INHABITANTS = 180_000
OLDEST = 104

FOREIGN_SHARE = {
    "Mitte": 0.26, "Uentrop": 0.10, "Rhynern": 0.05, "Pelkum": 0.14, "Herringen": 0.22, "Bockum-Hövel": 0.16,
    "Heessen": 0.19,
}  # fmt: skip

CITIZENSHIPS = {
    "Türkei": 27, "Syrien": 17, "Polen": 11, "Rumänien": 9, "Bulgarien": 7, "Ukraine": 8, "Irak": 5, "Italien": 4,
    "Griechenland": 3, "Afghanistan": 3, "Marokko": 3, "Kosovo": 2, "Kroatien": 1,
}  # fmt: skip
"""Citizenship other than German to its weight."""

COLUMNS = (
    Column("stichtag", "date"),
    Column("stadtbezirk", "text"),
    Column("alter_jahre", "integer"),
    Column("geschlecht", "text"),
    Column("staat", "text"),
    Column("anzahl", "integer"),
    Column("sachbearbeitung", "text"),
)


def residents(first_day: date) -> Table:
    """Counts at the end of the year before ``first_day``; combinations without anybody have no row."""
    reference = date(first_day.year - 1, 12, 31)
    dice = random.Random("residents")
    rows: list[tuple[Cell, ...]] = []
    for bezirk in BEZIRKE:
        for citizenship, share in _citizenships(bezirk.name):
            persons = INHABITANTS * bezirk.inhabitants * share
            ages = _ages(german=citizenship == "Deutschland")
            for age in range(OLDEST + 1):
                for sex, part in (("m", _men(age)), ("w", 1 - _men(age))):
                    number = _whole(persons * ages[age] * part, dice)
                    if number:
                        clerk = f"Geheimwert {1 + int(dice.random() * 4)}"
                        rows.append((reference, bezirk.name, age, sex, citizenship, number, clerk))
    return Table("einwohner", "Einwohner am Stichtag", COLUMNS, tuple(rows))


def _citizenships(bezirk: str) -> list[tuple[str, float]]:
    foreign = FOREIGN_SHARE[bezirk]
    weights = sum(CITIZENSHIPS.values())
    return [("Deutschland", 1 - foreign), *((state, foreign * w / weights) for state, w in CITIZENSHIPS.items())]


def _ages(*, german: bool) -> list[float]:
    """Share of each year of age, 0 to 104: a bulge of the baby boomers, or the younger shape of migration."""
    if german:
        weights = [(1 + 0.55 * math.exp(-(((age - 61) / 9) ** 2))) * _alive(age, 82, 8) for age in range(OLDEST + 1)]
    else:
        weights = [(0.6 + math.exp(-(((age - 34) / 15) ** 2))) * _alive(age, 62, 5.2) for age in range(OLDEST + 1)]
    total = sum(weights)
    return [weight / total for weight in weights]


def _alive(age: int, half: float, width: float) -> float:
    return 1 / (1 + math.exp((age - half) / width))


def _men(age: int) -> float:
    """Share of men: a little above half at birth, a third in old age."""
    return 0.513 - 0.18 * _alive(-age, -80, 6)


def _whole(expected: float, dice: random.Random) -> int:
    """A whole number of persons near the expected one."""
    return max(0, math.floor(expected * (0.9 + 0.2 * dice.random()) + dice.random()))


SYSTEM = System(
    source="einwohnerstatistik",
    title="Einwohnerstatistik (SQLite-Datenbank, Excel und CSV in einem Ordner)",
    offers=(
        Database(lambda state: residents(state.first_day)),
        Database(lambda state: households(state.first_day)),
        Drop(lambda state: housing.housing(state.first_day), housing.files),
    ),
    connections=lambda var, ports: {
        "einwohnerstatistik": {
            "conn_type": "generic", "host": f"sqlite:///{database_path(var, 'einwohnerstatistik').resolve()}"
        },
        "einwohnerstatistik_ablage": {
            "conn_type": "generic", "host": drop_folder(var, "einwohnerstatistik").resolve().as_uri()
        },
        "einwohnerstatistik_schluessel": {"conn_type": "generic", "host": "", "password": KEY},
    },
)  # fmt: skip
