"""How do the sample city's households live? Counts of made-up households by area, size, and with or without children.

About 90,000 households in 27 Wohnbereiche, which make up nine Sozialräume, which make up the seven Bezirke: two Bezirke
have two Sozialräume each, the others are one. Large households without children are few, so there are small counts.
"""

from __future__ import annotations

import random
from datetime import date

from samplecity.places import BEZIRKE
from samplecity.tables import Cell, Column, Table

HOUSEHOLDS = 90_000
AREAS = 3
"""Wohnbereiche in each Sozialraum."""

DIVIDED = ("Mitte", "Bockum-Hövel")
"""Bezirke with two Sozialräume."""

SIZES = {1: 0.41, 2: 0.31, 3: 0.13, 4: 0.1, 5: 0.034, 6: 0.01, 7: 0.004, 8: 0.002}
"""Persons in a household to the share of such households."""

WITH_CHILDREN = {1: 0.0, 2: 0.12, 3: 0.62, 4: 0.85, 5: 0.92, 6: 0.95, 7: 0.96, 8: 0.97}

COLUMNS = (
    Column("stichtag", "date"), Column("stadtbezirk", "text"), Column("sozialraum", "text"),
    Column("wohnbereich", "text"), Column("personen", "integer"), Column("kinder", "text"),
    Column("anzahl", "integer"), Column("sachbearbeitung", "text"),
)  # fmt: skip


def households(first_day: date) -> Table:
    """Counts at the end of the year before ``first_day``; combinations without any household have no row."""
    dice = random.Random("households")
    rows: list[tuple[Cell, ...]] = []
    spaces = [
        (bezirk, f"{bezirk.name}{side}")
        for bezirk in BEZIRKE
        for side in ((" Nord", " Süd") if bezirk.name in DIVIDED else ("",))
    ]
    for number, (bezirk, space) in enumerate(spaces, 1):
        share = HOUSEHOLDS * bezirk.inhabitants / (AREAS * (2 if bezirk.name in DIVIDED else 1))
        for area in range(1, AREAS + 1):
            for size, part in SIZES.items():
                for children, of_them in (("j", WITH_CHILDREN[size]), ("n", 1 - WITH_CHILDREN[size])):
                    count = int(share * part * of_them * dice.uniform(0.8, 1.2) + dice.random()) if of_them else 0
                    if count:
                        clerk = f"Geheimwert {dice.randint(1, 4)}"
                        reference = date(first_day.year - 1, 12, 31)
                        rows.append((reference, bezirk.name, space, f"{number:02}{area}", size, children, count, clerk))
    return Table("haushalte", "Haushalte am Stichtag", COLUMNS, tuple(rows))
