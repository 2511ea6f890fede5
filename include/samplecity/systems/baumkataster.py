"""Which trees stand in the sample city, and what does the register deliver in a bad night?"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date

from samplecity.monuments import monuments, zipped_shapefile
from samplecity.offers import System, Web, at_the_city
from samplecity.places import BEZIRKE, some_bezirk, somewhere_in
from samplecity.tables import Cell, Column, Table
from samplecity.wfs import CAPABILITIES, feature_service

NUMBER = 2400


@dataclass(frozen=True)
class Species:
    """A species with the height (m) and crown width (m) it reaches as a street tree, and its share in the stock."""

    genus: str
    botanical: str
    german: str
    height: float
    crown: float
    share: float


SPECIES = (
    Species("Acer", "Acer platanoides", "Spitz-Ahorn", 22, 14, 12),
    Species("Acer", "Acer pseudoplatanus", "Berg-Ahorn", 25, 15, 10),
    Species("Acer", "Acer campestre", "Feld-Ahorn", 13, 9, 7),
    Species("Tilia", "Tilia cordata", "Winter-Linde", 24, 14, 13),
    Species("Tilia", "Tilia platyphyllos", "Sommer-Linde", 28, 17, 5),
    Species("Quercus", "Quercus robur", "Stiel-Eiche", 27, 18, 12),
    Species("Quercus", "Quercus rubra", "Rot-Eiche", 23, 16, 3),
    Species("Carpinus", "Carpinus betulus", "Hainbuche", 17, 11, 6),
    Species("Fagus", "Fagus sylvatica", "Rot-Buche", 27, 18, 4),
    Species("Platanus", "Platanus x hispanica", "Ahornblättrige Platane", 28, 20, 5),
    Species("Aesculus", "Aesculus hippocastanum", "Gewöhnliche Rosskastanie", 22, 16, 4),
    Species("Betula", "Betula pendula", "Hänge-Birke", 20, 9, 6),
    Species("Fraxinus", "Fraxinus excelsior", "Gewöhnliche Esche", 27, 15, 4),
    Species("Robinia", "Robinia pseudoacacia", "Robinie", 20, 11, 3),
    Species("Sorbus", "Sorbus aucuparia", "Eberesche", 11, 6, 3),
    Species("Prunus", "Prunus avium", "Vogel-Kirsche", 16, 9, 2),
    Species("Alnus", "Alnus glutinosa", "Schwarz-Erle", 19, 9, 2),
    Species("Ginkgo", "Ginkgo biloba", "Ginkgo", 17, 7, 1),
)

COLUMNS = (
    Column("baum_id", "text"),
    Column("gattung", "text"),
    Column("art_bot", "text"),
    Column("art_dtsch", "text"),
    Column("pflanzjahr", "integer"),
    Column("hoehe_m", "decimal"),
    Column("krone_m", "decimal"),
    Column("umfang_cm", "decimal"),
    Column("stadtbezirk", "text"),
    Column("geom", "point"),
)


def trees(first_day: date) -> Table:
    """2,400 trees, ordered by Bezirk and number; one in twenty has the planting year 0, which means unknown.

    A tree's height, crown (m) and girth (cm) grow with its age towards what its species reaches.
    """
    dice = random.Random("trees")
    rows = sorted(_tree(number, first_day, dice) for number in range(1, NUMBER + 1))
    return Table("gruen:baeume", "Bäume auf städtischen Flächen", COLUMNS, tuple(row for _, row in rows))


def spoilt_trees(first_day: date) -> Table:
    """The same trees, every third with its axes swapped and its height in centimetres where metres are promised."""
    good = trees(first_day)
    rows = tuple(_spoilt(row) if number % 3 == 0 else row for number, row in enumerate(good.rows))
    return Table(good.resource, good.title, good.columns, rows)


def _tree(number: int, first_day: date, dice: random.Random) -> tuple[str, tuple[Cell, ...]]:
    bezirk = some_bezirk(dice)
    species = dice.choices(SPECIES, [kind.share for kind in SPECIES])[0]
    age = 2 + int(90 * dice.random() ** 1.7)
    grown = (1 - 0.5 ** (age / 18)) * (0.8 + 0.25 * dice.random())
    tree_id = f"B{1 + BEZIRKE.index(bezirk)}{number:05d}"
    return tree_id, (
        tree_id,
        species.genus,
        species.botanical,
        species.german,
        0 if dice.random() < 0.05 else first_day.year - age,
        round(2.5 + (species.height - 2.5) * grown, 1),
        round(1.0 + (species.crown - 1.0) * grown, 1),
        round(14 + 2.1 * age * (0.8 + 0.4 * dice.random())),
        bezirk.name,
        somewhere_in(bezirk, dice),
    )


def _spoilt(row: tuple[Cell, ...]) -> tuple[Cell, ...]:
    cells = dict(zip((column.name for column in COLUMNS), row, strict=True))
    match cells["hoehe_m"], cells["geom"]:
        case float(height), (float(east), float(north)):
            return tuple({**cells, "hoehe_m": round(height * 100, 1), "geom": (north, east)}.values())
    raise TypeError("a tree has a height and a point")


SYSTEM = System(
    source="baumkataster",
    title="Baumkataster (WFS 2.0) und Naturdenkmale (Shape-Datei)",
    offers=(
        Web(
            "baumkataster",
            lambda state: trees(state.first_day) if state.night == 1 else spoilt_trees(state.first_day),
            feature_service,
            CAPABILITIES,
        ),
        Web("gruendaten/naturdenkmale.zip", lambda state: monuments(), zipped_shapefile),
    ),
    connections=lambda var, ports: {
        "baumkataster": at_the_city("baumkataster", ports),
        "baumkataster_dateien": at_the_city("gruendaten", ports),
    },
)
