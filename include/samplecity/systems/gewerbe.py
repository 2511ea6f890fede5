"""Who runs a business in the sample city? A made-up trade register (Gewerberegister), a row for each, from a database.

About 5,000 businesses at the end of the last quarter, most of them one person without employees. Some branches have two
or three firms in a Bezirk, and single large ones pay most of the tax, so that the published tables have cells to hide.
A street's name is not enough to tell the Bezirk. Every cell about a person holds ``MARK`` and a number of its own;
birth dates lie in ``BIRTH_YEAR``. Nobody here exists.
"""

from __future__ import annotations

import random
from datetime import date, timedelta

from samplecity.offers import Database, System, database_path
from samplecity.places import BEZIRKE
from samplecity.systems.geobasis import streets
from samplecity.systems.maengelmelder import FAMILY_NAMES, GIVEN_NAMES
from samplecity.tables import Cell, Column, Table

MARK = "Geheimwert"
BIRTH_YEAR = 1871
"""In which nobody who runs a business was born."""

BUSINESSES = 5_000

BRANCHES = (
    ("C", "10.71.0", "Backstube", 80, 9),
    ("C", "25.62.0", "Zerspanungstechnik", 110, 14),
    ("C", "28.99.0", "Maschinenbau", 40, 30),
    ("F", "41.20.1", "Hochbau", 160, 8),
    ("F", "43.21.0", "Elektrotechnik", 620, 4),
    ("G", "45.20.3", "Kfz-Werkstatt", 260, 3),
    ("G", "46.90.0", "Großhandel", 190, 6),
    ("G", "47.11.2", "Einkaufsmarkt", 1_050, 5),
    ("I", "55.10.1", "Hotel", 45, 7),
    ("I", "56.10.1", "Gaststätte", 640, 4),
    ("J", "62.01.9", "Softwarehaus", 330, 3),
    ("J", "63.11.0", "Rechenzentrum", 25, 12),
    ("S", "95.11.0", "Computerwerkstatt", 130, 2),
    ("S", "96.02.1", "Friseursalon", 1_320, 2),
)
"""Section and class of the WZ 2008, what such businesses are called, how many there are, employees of a usual one."""

COLUMNS = (
    Column("registernummer", "text"),
    Column("inhaber", "text"),
    Column("geburtsdatum", "date"),
    Column("betrieb", "text"),
    Column("strassenschluessel", "text"),
    Column("strasse", "text"),
    Column("hausnummer", "text"),
    Column("wz_abschnitt", "text"),
    Column("wz_code", "text"),
    Column("beschaeftigte", "integer"),
    Column("messbetrag", "decimal"),
    Column("angemeldet_am", "date"),
    Column("stichtag", "date"),
)


def businesses(first_day: date) -> Table:
    """The register at the end of the quarter before ``first_day``."""
    dice = random.Random("businesses")
    reference = _end_of_quarter(first_day)
    by_bezirk: dict[Cell, list[tuple[Cell, ...]]] = {bezirk.name: [] for bezirk in BEZIRKE}
    for street in streets().rows:
        by_bezirk[street[2]].append(street)
    shares = [bezirk.inhabitants for bezirk in BEZIRKE]
    rows = []
    for number in range(1, BUSINESSES + 1):
        section, code, kind, _, usual = dice.choices(BRANCHES, [weight for *_, weight, _ in BRANCHES])[0]
        key, street_name, *_ = dice.choice(by_bezirk[dice.choices(BEZIRKE, shares)[0].name])
        given, family = dice.choice(GIVEN_NAMES), dice.choice(FAMILY_NAMES)
        employees = int(dice.paretovariate(1.1) * usual / 3) if dice.random() < 0.45 else 0
        rows.append(
            (
                f"{MARK}-{number:05}",
                f"{given} {MARK}{number:05}-{family}",
                date(BIRTH_YEAR, 1, 1) + timedelta(days=number % 365),
                f"{given}s {kind} {MARK}{number:05}",
                key,
                street_name,
                f"{dice.randint(1, 180)} {MARK}{number:05}",
                section,
                code,
                employees,
                _tax_base(employees, dice),
                reference - timedelta(days=dice.randint(30, 12_000)),
                reference,
            )
        )
    return Table("betriebe", "Gewerberegister", COLUMNS, tuple(rows))


def _end_of_quarter(day: date) -> date:
    """The last day of the quarter that ended last before the day."""
    return date(day.year, 3 * ((day.month - 1) // 3) + 1, 1) - timedelta(days=1)


def _tax_base(employees: int, dice: random.Random) -> float:
    """3.5 % of the profit above the allowance, in euros; most businesses earn less than that."""
    profit = 22_000 * dice.lognormvariate(0, 0.6) + 14_000 * employees * dice.lognormvariate(0, 0.9)
    return round(0.035 * max(0.0, profit - 24_500))


SYSTEM = System(
    source="gewerbe",
    title="Gewerberegister (SQLite-Datenbank, Einzelangaben)",
    offers=(Database(lambda state: businesses(state.first_day)),),
    connections=lambda var, ports: {
        "gewerbe": {"conn_type": "generic", "host": f"sqlite:///{database_path(var, 'gewerbe').resolve()}"}
    },
)
