"""Which natural monuments does the sample city have, and how does an old GIS hand them out: as a zipped shapefile.

The traps are those of German offices: Gauß-Krüger coordinates of zone 3 without a .prj that says so, dBASE names cut to
ten characters, umlauts in cp1252 of which only a byte in the header tells.
"""

from __future__ import annotations

import io
import random
import struct
import zipfile
from dataclasses import dataclass
from datetime import date

from samplecity.places import STREETS
from samplecity.state import State
from samplecity.tables import Cell, Column, Point, Table
from samplecity.web import Answer, Request, etag_of


@dataclass(frozen=True)
class Site:
    """Where a monument stands: ``utm`` in metres of ETRS89/UTM zone 32, and the same place as the surveyors wrote it,
    ``gauss_krueger`` in metres of DHDN / Gauß-Krüger zone 3, converted once with the land surveys' grid BETA2007.
    """

    bezirk: str
    utm: Point
    gauss_krueger: Point


SITES = (
    Site("Mitte", (418217.08, 5726800.26), (3418258.310, 5728650.545)),
    Site("Bockum-Hövel", (413625.60, 5726953.04), (3413665.008, 5728803.346)),
    Site("Uentrop", (424276.06, 5728515.44), (3424319.660, 5730366.459)),
    Site("Uentrop", (425685.38, 5726744.48), (3425729.564, 5728594.809)),
    Site("Rhynern", (421057.92, 5719923.59), (3421100.372, 5721771.179)),
    Site("Mitte", (418211.59, 5726505.26), (3418252.822, 5728355.429)),
    Site("Mitte", (416876.01, 5725556.15), (3416916.726, 5727405.932)),
    Site("Uentrop", (425028.68, 5726124.86), (3425072.613, 5727974.938)),
    Site("Uentrop", (424847.50, 5726641.10), (3424891.354, 5728491.381)),
    Site("Rhynern", (421766.81, 5721279.62), (3421809.523, 5723127.752)),
    Site("Heessen", (419519.30, 5728988.46), (3419561.013, 5730839.625)),
    Site("Rhynern", (421304.03, 5719154.23), (3421346.590, 5721001.517)),
    Site("Heessen", (418845.67, 5730019.93), (3418887.099, 5731871.500)),
    Site("Pelkum", (413155.83, 5721804.54), (3413195.121, 5723652.810)),
    Site("Pelkum", (415948.02, 5724508.19), (3415988.382, 5726357.550)),
    Site("Mitte", (416967.02, 5725012.51), (3417007.780, 5726862.078)),
    Site("Mitte", (418291.85, 5725894.44), (3418333.123, 5727744.368)),
    Site("Mitte", (418157.44, 5725688.61), (3418198.662, 5727538.455)),
    Site("Mitte", (417988.58, 5726404.75), (3418029.725, 5728254.877)),
    Site("Mitte", (417476.59, 5726682.27), (3417517.528, 5728532.502)),
    Site("Rhynern", (422016.05, 5721730.22), (3422058.855, 5723578.532)),
    Site("Mitte", (417068.86, 5727450.30), (3417109.626, 5729300.832)),
    Site("Uentrop", (423891.66, 5728081.36), (3423935.116, 5729932.202)),
    Site("Mitte", (418535.82, 5724527.29), (3418577.208, 5726376.679)),
    Site("Mitte", (418011.50, 5724805.81), (3418052.677, 5726655.305)),
    Site("Mitte", (419136.59, 5726187.38), (3419178.193, 5728037.431)),
)

SPECIES = (
    ("Stiel-Eiche", "Quercus robur"), ("Winter-Linde", "Tilia cordata"), ("Blut-Buche", "Fagus sylvatica"),
    ("Eibe", "Taxus baccata"), ("Gewöhnliche Rosskastanie", "Aesculus hippocastanum"),
)  # fmt: skip
REASONS = ("Schönheit", "Seltenheit", "Eigenart", "Schönheit und Eigenart")

COLUMNS = (
    Column("NUMMER", "text"),
    Column("BEZEICHNUN", "text"),
    Column("ART_BOTANI", "text"),
    Column("LAGE", "text"),
    Column("STADTBEZIR", "text"),
    Column("SCHUTZGRUN", "text"),
    Column("UNTER_SCHU", "date"),
    Column("UMFANG_CM", "integer"),
    Column("geom", "point"),
)
LENGTHS = {"text": 40, "date": 8, "integer": 9}
"""Bytes of a dBASE field by the column's type."""

KINDS = {"text": "C", "date": "D", "integer": "N"}
ANSI = 0x57
"""Language driver of a dBASE table that an ESRI program on a German computer writes: code page 1252."""


def monuments() -> Table:
    """26 natural monuments, ordered by their number."""
    dice = random.Random("natural monuments")
    rows = []
    for number, site in enumerate(SITES, 1):
        german, botanical = dice.choice(SPECIES)
        street = dice.choice(STREETS)
        since = date(1936 + int(dice.random() * 70), 1 + int(dice.random() * 12), 1)
        rows.append(
            (
                f"ND {number:02}", german, botanical, street, site.bezirk, dice.choice(REASONS), since,
                180 + int(dice.random() * 350), site.utm,
            )
        )  # fmt: skip
    return Table("naturdenkmale.zip", "Naturdenkmale", COLUMNS, tuple(rows))


def zipped_shapefile(table: Table, request: Request, url: str, state: State) -> Answer:
    """The monuments as a shapefile in an archive: .shp, .shx and .dbf, no .prj and no .cpg."""
    surveyed = {site.utm: site.gauss_krueger for site in SITES}
    place = [column.type for column in table.columns].index("point")
    points = [surveyed[row[place]] for row in table.rows if isinstance(row[place], tuple)]  # type: ignore[index]
    parts = {
        "Naturdenkmale/Naturdenkmale.shp": _shapes(points),
        "Naturdenkmale/Naturdenkmale.shx": _index(points),
        "Naturdenkmale/Naturdenkmale.dbf": _dbase(table),
        "Naturdenkmale/Liesmich.txt": "Naturdenkmale, Stand laut Verordnung\r\n".encode("cp1252"),
    }
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(zipfile.ZipInfo(name), content)  # its time is always the same, so equal data is equal
    content = body.getvalue()
    return Answer(200, "application/zip", content, {"ETag": etag_of(content)})


def _head(points: list[Point], bytes_of_records: int) -> bytes:
    """The header that .shp and .shx share (ESRI, Shapefile Technical Description, 1998): lengths in 16-bit words."""
    easts, norths = [point[0] for point in points] or [0.0], [point[1] for point in points] or [0.0]
    return struct.pack(">i20xi", 9994, (100 + bytes_of_records) // 2) + struct.pack(
        "<ii8d", 1000, 1, min(easts), min(norths), max(easts), max(norths), 0, 0, 0, 0
    )


def _shapes(points: list[Point]) -> bytes:
    records = [
        struct.pack(">ii", number, 10) + struct.pack("<idd", 1, *point) for number, point in enumerate(points, 1)
    ]
    return _head(points, 28 * len(points)) + b"".join(records)


def _index(points: list[Point]) -> bytes:
    records = [struct.pack(">ii", (100 + 28 * number) // 2, 10) for number in range(len(points))]
    return _head(points, 8 * len(points)) + b"".join(records)


def _dbase(table: Table) -> bytes:
    """A dBASE III table of all columns that are no points."""
    places = [place for place, column in enumerate(table.columns) if column.type != "point"]
    fields = [table.columns[place] for place in places]
    width = 1 + sum(LENGTHS[field.type] for field in fields)
    head = struct.pack("<4BIHH17xB2x", 3, 125, 1, 1, len(table.rows), 33 + 32 * len(fields), width, ANSI)
    for field in fields:
        name = field.name[:10].encode("cp1252")
        head += struct.pack("<11sc4xB15x", name, KINDS[field.type].encode(), LENGTHS[field.type])
    records = [b" " + b"".join(_cell(row[place], table.columns[place].type) for place in places) for row in table.rows]
    return head + b"\r" + b"".join(records) + b"\x1a"


def _cell(cell: Cell, kind: str) -> bytes:
    text = f"{cell:%Y%m%d}" if isinstance(cell, date) else "" if cell is None else str(cell)
    filled = text.rjust(LENGTHS[kind]) if kind == "integer" else text.ljust(LENGTHS[kind])
    return filled.encode("cp1252")
