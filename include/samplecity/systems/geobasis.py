"""What the survey office of the sample city offers: districts, streets and land values, by three services.

The traps are those of real ones: a WFS 2.0 that does not count, writes ISO-8859-1 and has no schema to give; land
values from a WFS 1.1 in two reference systems, one of them with latitude first, and with a column about owners that is
declared in no contract.
"""

from __future__ import annotations

import math
import random
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from samplecity.feature_api import collection_service, positions
from samplecity.offers import System, Web, at_the_city
from samplecity.places import BEZIRKE, STREETS, degrees_of, some_bezirk, somewhere_in
from samplecity.state import State
from samplecity.tables import Cell, Column, Point, Table
from samplecity.web import Answer, Request
from samplecity.wfs import exception_report

STREETS_OF_A_NAME = 5
"""A name comes in so many districts."""

DISTRICT_COLUMNS = (
    Column("schluessel", "text"), Column("bezeichnung", "text"), Column("flaeche_ha", "decimal"),
    Column("geom", "text"),
)  # fmt: skip
STREET_COLUMNS = (
    Column("strassenschluessel", "text"), Column("name", "text"), Column("stadtbezirk", "text"),
    Column("widmung", "text"), Column("geom", "text"),
)  # fmt: skip
VALUE_COLUMNS = (
    Column("zone", "text"), Column("stadtbezirk", "text"), Column("nutzung", "text"), Column("brw_eur_qm", "integer"),
    Column("stichtag", "date"), Column("eigentuemer", "text"), Column("geom", "text"),
)  # fmt: skip
USES = (("Wohnbaufläche", 160, 320), ("Gewerbliche Baufläche", 35, 80), ("Landwirtschaft", 6, 11), ("Forst", 1, 2))


def districts() -> Table:
    """The seven Stadtbezirke as octagons."""
    rows = []
    for number, bezirk in enumerate(BEZIRKE, 1):
        radius = 1.6 * bezirk.reach
        area = round(2 * math.sqrt(2) * radius**2 / 10_000, 1)
        rows.append((f"05915000{number:02}", bezirk.name, area, _ring(bezirk.centre, radius)))
    return Table("geobasis:stadtbezirke", "Stadtbezirke", DISTRICT_COLUMNS, tuple(rows))


def streets() -> Table:
    """220 streets with two ends each, ordered by their key."""
    dice = random.Random("streets")
    rows = []
    for number in range(len(STREETS) * STREETS_OF_A_NAME):
        bezirk = some_bezirk(dice)
        east, north = somewhere_in(bezirk, dice)
        ends = f"{east:.2f} {north:.2f} {east + dice.uniform(50, 600):.2f} {north + dice.uniform(-300, 300):.2f}"
        use = dice.choices(("Gemeindestraße", "Kreisstraße", "Landesstraße"), (8, 1, 1))[0]
        rows.append((f"{number + 1:05}", STREETS[number % len(STREETS)], bezirk.name, use, ends))
    return Table("strassen", "Straßen", STREET_COLUMNS, tuple(rows))


def land_values(state: State) -> Table:
    """28 zones, four uses in each Stadtbezirk, with the value of the first of January; one column is about owners."""
    dice = random.Random("land values")
    day = state.first_day.replace(month=1, day=1)
    rows = []
    for number, bezirk in enumerate(BEZIRKE, 1):
        for use, (name, low, high) in enumerate(USES, 1):
            east, north = bezirk.centre
            centre = (east + 400.0 * (use % 2), north + 400.0 * (use // 2))
            owner = f"Eigentümer laut Grundbuch Blatt {dice.randint(10_000, 99_999)}"
            value = dice.randint(low, high)
            rows.append((f"{number}{use:02}", bezirk.name, name, value, day, owner, _ring(centre, 180.0)))
    return Table("boris:bodenrichtwerte", "Bodenrichtwerte", VALUE_COLUMNS, tuple(rows))


def _ring(centre: Point, radius: float) -> str:
    """A closed octagon."""
    corners = [math.radians(22.5 + 45 * each) for each in (*range(8), 0)]
    east, north = centre
    return " ".join(f"{east + radius * math.cos(each):.2f} {north + radius * math.sin(each):.2f}" for each in corners)


def _wfs_2(table: Table, request: Request, url: str, state: State) -> Answer:
    """WFS 2.0 without a count, in ISO-8859-1, and without a schema."""
    asked = _asked(request)
    if asked.get("REQUEST") != "GetFeature" or asked.get("TYPENAMES") != table.resource:
        return exception_report("OperationNotSupported", "request", "Nur GetFeature für diesen Typ.", status=200)
    start, count = int(asked.get("STARTINDEX", "0")), int(asked.get("COUNT", "1000"))
    rows = () if asked.get("RESULTTYPE") == "hits" else table.rows[start : start + count]
    members = "".join(
        f"<wfs:member>{_object(table, row, 'urn:ogc:def:crs:EPSG::25832')}</wfs:member>\n" for row in rows
    )
    text = (
        '<?xml version="1.0" encoding="ISO-8859-1"?>\n'
        '<wfs:FeatureCollection xmlns:wfs="http://www.opengis.net/wfs/2.0" '
        'xmlns:gml="http://www.opengis.net/gml/3.2" xmlns:geobasis="https://geodaten.example/geobasis" '
        f'numberMatched="unknown" numberReturned="{len(rows)}">\n{members}</wfs:FeatureCollection>\n'
    )
    return Answer(200, "application/gml+xml; version=3.2; charset=ISO-8859-1", text.encode("iso-8859-1"))


def _wfs_1(table: Table, request: Request, url: str, state: State) -> Answer:
    """WFS 1.1: no pages, two reference systems; every fourth zone in degrees, latitude first."""
    asked = _asked(request)
    if asked.get("REQUEST") != "GetFeature" or asked.get("TYPENAME") != table.resource:
        return exception_report("OperationNotSupported", "request", "Nur GetFeature für diesen Typ.", status=200)
    hits = asked.get("RESULTTYPE") == "hits"
    rows = () if hits else table.rows[: int(asked.get("MAXFEATURES", "100000"))]
    systems = ("urn:x-ogc:def:crs:EPSG:4326", *("urn:x-ogc:def:crs:EPSG:25832",) * 3)
    members = "".join(_object(table, row, systems[number % 4]) for number, row in enumerate(rows))
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<wfs:FeatureCollection xmlns:wfs="http://www.opengis.net/wfs" '
        'xmlns:gml="http://www.opengis.net/gml" xmlns:boris="https://geodaten.example/boris" '
        f'numberOfFeatures="{len(table.rows) if hits else len(rows)}">\n'
        f"<gml:featureMembers>{members}</gml:featureMembers></wfs:FeatureCollection>\n"
    )
    return Answer(200, "text/xml; subtype=gml/3.1.1; charset=UTF-8", text.encode())


def _asked(request: Request) -> dict[str, str]:
    return {name.upper(): value for name, value in parse_qsl(request.query)}


def _object(table: Table, row: tuple[Cell, ...], system: str) -> str:
    prefix, _, name = table.resource.partition(":")
    cells = "".join(
        f"<{prefix}:{column.name}>{escape(str(cell))}</{prefix}:{column.name}>"
        for column, cell in zip(table.columns[:-1], row[:-1], strict=True)
    )
    points = positions(row[-1])
    if system.endswith(":4326"):
        points = [(latitude, longitude) for longitude, latitude in map(degrees_of, points)]
    ring = " ".join(f"{first:.7f} {second:.7f}" for first, second in points)
    area = (
        f'<gml:Polygon gml:id="{name}.{row[0]}.geom" srsName="{system}"><gml:exterior><gml:LinearRing>'
        f"<gml:posList>{ring}</gml:posList></gml:LinearRing></gml:exterior></gml:Polygon>"
    )
    shape = f"<{prefix}:geom>{area}</{prefix}:geom>"
    return f'<{table.resource} gml:id="{name}.{row[0]}">{cells}{shape}</{table.resource}>'


LOOK = "?service=WFS&request=GetFeature&version={}&{}={}"

SYSTEM = System(
    source="geobasis",
    title="Geobasis: Stadtbezirke (WFS 2.0), Straßen (OGC API Features), Bodenrichtwerte (WFS 1.1)",
    offers=(
        Web(
            "geobasis/wfs",
            lambda state: districts(),
            _wfs_2,
            LOOK.format("2.0.0", "typeNames", "geobasis:stadtbezirke"),
        ),
        Web("geobasis/ogc", lambda state: streets(), collection_service, "/collections/strassen/items?f=json"),
        Web("geobasis/boris", land_values, _wfs_1, LOOK.format("1.1.0", "typeName", "boris:bodenrichtwerte")),
    ),
    connections=lambda var, ports: {
        "geobasis_wfs": at_the_city("geobasis/wfs", ports),
        "geobasis_ogc": at_the_city("geobasis/ogc", ports),
        "geobasis_boris": at_the_city("geobasis/boris", ports),
    },
)
