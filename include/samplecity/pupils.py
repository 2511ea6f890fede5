"""How many pupils has each class level of the sample city's schools? The school statistics of two years.

Few pupils are neither boy nor girl, and the last years of some schools are almost empty: the published table has small
counts to hide. Who answers for a school's numbers is named, with a mark and a number of its own (``MARK``).
"""

from __future__ import annotations

import random
from datetime import date

from samplecity.tables import Cell, Column, Table

MARK = "Geheimwert"
YEARS = 2

LEVELS = {"02": range(1, 5), "04": range(5, 11), "10": range(5, 11), "20": range(5, 14)}
"""Type of school (code of the state's statistics) to its class levels."""

COLUMNS = tuple(
    Column(name, "integer" if name == "anzahl" else "text")
    for name in (
        "schuljahr", "schulnr", "schulform", "jahrgang", "geschlecht", "stadtbezirk", "anzahl", "ansprechperson",
    )
)  # fmt: skip


def pupils(schools: Table, first_day: date) -> Table:
    """Pupils by school, class level and sex in the two school years before ``first_day``; no rows for nobody."""
    dice = random.Random("pupils")
    newest = first_day.year - (first_day.month < 10)
    rows: list[tuple[Cell, ...]] = []
    for year in range(newest - YEARS + 1, newest + 1):
        for number, _, kind, bezirk, many, *_ in schools.rows:
            levels = LEVELS[str(kind)]
            for level in levels:
                boys, girls = (round(int(str(many)) / len(levels) * dice.uniform(0.35, 0.65)) for _ in range(2))
                others = dice.choices((0, 1, 2), (90, 8, 2))[0]
                for sex, count in (("m", boys), ("w", girls), ("d", others)):
                    if count:
                        clerk = f"Frau {MARK}{number}"
                        rows.append(
                            (f"{year}/{(year + 1) % 100:02}", number, kind, f"{level:02}", sex, bezirk, count, clerk)
                        )
    return Table("schuelerzahlen.csv", "Schülerinnen und Schüler", COLUMNS, tuple(rows))
