"""Which playgrounds does the sample city have? Points in the shape of the columns of a Ruhr city's POI service."""

from __future__ import annotations

import random
from datetime import date, timedelta

from samplecity.offers import System, Web, at_the_city
from samplecity.places import STREETS, some_bezirk, somewhere_in
from samplecity.tables import Cell, Column, Table
from samplecity.wfs import CAPABILITIES, feature_service

NUMBER = 160

KINDS = {
    "Spielplätze allgemein": ("Spielplatz", 0.64, (400, 2500)),
    "Bolzplätze": ("Bolzplatz", 0.24, (600, 3000)),
    "Jugendplätze": ("Jugendplatz", 0.05, (300, 1200)),
    "Naturerlebnisflächen": ("Naturspielraum", 0.04, (1000, 6000)),
    "Wasserspielplätze": ("Wasserspielplatz", 0.03, (500, 2000)),
}
"""Category to what its places are called, its share, and the usual area in m²."""

COLUMNS = (
    Column("poi_id", "text"),
    Column("name", "text"),
    Column("str_hausnr", "text"),
    Column("plz_ort", "text"),
    Column("kategorie", "text"),
    Column("stadtbezirk", "text"),
    Column("flaeche_qm", "decimal"),
    Column("ansprechpartner", "text"),  # declared in no contract: shows that such a column is never published
    Column("geaendert", "date"),
    Column("geom", "point"),
)


def playgrounds(first_day: date) -> Table:
    """160 playgrounds, ordered by their id; a fifth has no date of change."""
    dice = random.Random("playgrounds")
    rows: list[tuple[Cell, ...]] = []
    for number in range(NUMBER):
        bezirk, street = some_bezirk(dice), dice.choice(STREETS)
        kind = dice.choices(list(KINDS), [share for _, share, _ in KINDS.values()])[0]
        called, _, (smallest, largest) = KINDS[kind]
        address = street if dice.random() < 0.6 else f"{street} {1 + int(dice.random() * 90)}"
        changed = first_day - timedelta(days=10 + int(dice.random() * 2500))
        rows.append(
            (
                str(612_000 + 7 * number),
                f"{called} {street}",
                address,
                f"{bezirk.postcode} Hamm",
                kind,
                bezirk.name,
                round(smallest + dice.random() * (largest - smallest), 1),
                f"Kolonne {1 + int(dice.random() * 6)} Grünpflege",
                changed if dice.random() < 0.8 else None,
                somewhere_in(bezirk, dice),
            )
        )
    return Table("gruen:spielplaetze", "Spiel- und Bolzplätze", COLUMNS, tuple(rows))


SYSTEM = System(
    source="spielplaetze",
    title="Spielplätze (WFS 2.0)",
    offers=(Web("spielplaetze", lambda state: playgrounds(state.first_day), feature_service, CAPABILITIES),),
    connections=lambda var, ports: {"spielplaetze": at_the_city("spielplaetze", ports)},
)
