"""KML (OGC 12-007r2): Placemarks with their ExtendedData as text; always WGS84, longitude first.

Attributes are read here and not by GDAL, which gives types to them and loses those that no schema declares. The layer
of a Placemark is the Folder or Document that it stands in.
"""

from __future__ import annotations

import re
from collections import deque
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import geopandas as gpd
import numpy as np
import pyarrow as pa
import shapely

from stadtdaten.contracts.interfaces import Limits
from stadtdaten.contracts.model import Table
from stadtdaten.contracts.reading import Features
from stadtdaten.faults import SourceUnreadable
from stadtdaten.read.vector.layer import Layer, choose, malformed, not_simple
from stadtdaten.read.xml_stream import elements

CONTAINERS = ("Folder", "Document")
SHAPES = ("Point", "LineString", "LinearRing", "Polygon", "MultiGeometry")
NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
POSITION = re.compile(f"{NUMBER},{NUMBER}(?:,{NUMBER})?")
OTHER_SHAPES = ("Model", "Track", "MultiTrack")


def read_kml(table: Table, reading: Features, path: Path, limits: Limits) -> Layer:
    """The Placemarks of the layer: `name`, `description` (HTML as it stands) and the names of the ExtendedData.

    Raises SourceUnreadable for several layers of which the contract names none, a Placemark that says something twice,
    geometries that are no Simple Features, and as xml_stream.elements does.
    """
    containers = _Containers()
    called: dict[int, str] = {}
    found: list[tuple[int, Element]] = []
    for _, element in elements(table, path, limits, containers.is_wanted):
        container = containers.of_wanted.popleft()
        if element.tag == "name":
            called[container] = (element.text or "").strip()
        else:
            found.append((container, element))
    layers: dict[str, list[Element]] = {}
    for container, element in found:
        layers.setdefault(called.get(container, ""), []).append(element)
    if not layers:
        raise malformed(table, "enthält keine Placemarks")
    placemarks = layers[choose(table, list(layers), reading.layer)]
    records = [_record(table, each) for each in placemarks]
    names = tuple(dict.fromkeys(name for record in records for name in record))

    def text(name: str) -> pa.Array:
        return pa.array([record.get(name) for record in records], pa.string())

    try:
        shapes = [_shape(table, each) for each in placemarks]
    except (ValueError, shapely.errors.ShapelyError):  # coordinates that are no numbers, lines of one point
        raise not_simple(table) from None
    geometry = gpd.GeoSeries(np.array(shapes, dtype=object), crs="EPSG:4326")
    return Layer(names, len(records), text, geometry)


class _Containers:
    """In which container does each Placemark stand? By number, for not all have a name, and names are not unique.

    ``of_wanted`` holds the container of every wanted element, in their order; 0 stands for none.
    """

    def __init__(self) -> None:
        self.of_wanted: deque[int] = deque()
        self._open: list[int] = []
        self._count = 0

    def is_wanted(self, names: list[str]) -> bool:
        """Whether it is a Placemark or a container's name; asked at each element, in their order."""
        depth = sum(name in CONTAINERS for name in names)
        if names[-1] in CONTAINERS:
            self._count += 1
            self._open = [*self._open[: depth - 1], self._count]
            return False
        wanted = names[-1] == "Placemark" or (len(names) > 1 and names[-1] == "name" and names[-2] in CONTAINERS)
        if wanted:
            self.of_wanted.append(self._open[depth - 1] if depth else 0)
        return wanted


def _record(table: Table, placemark: Element) -> dict[str, str | None]:
    said = [(each.tag, each.text) for each in placemark if each.tag in ("name", "description")]
    for data in placemark.iterfind("ExtendedData/SchemaData/SimpleData"):
        said.append((data.get("name", ""), data.text))
    for data in placemark.iterfind("ExtendedData/Data"):
        said.append((data.get("name", ""), data.findtext("value")))
    record = dict(said)
    if len(record) != len(said):
        raise SourceUnreadable(
            f"Tabelle „{table.id}“: Ein Placemark nennt eine Angabe zweimal.",
            next_step="Mit der Fachstelle klären, welche gilt; die Quelle muss die Namen eindeutig machen.",
        )
    return record


def _shape(table: Table, element: Element) -> Any:
    """The geometry of a Placemark or MultiGeometry; None if it has none."""
    if any(each.tag in OTHER_SHAPES for each in element):
        raise not_simple(table)
    shapes = [_one(table, each) for each in element if each.tag in SHAPES]
    if element.tag == "MultiGeometry":
        return shapely.geometrycollections(shapes) if len({type(each) for each in shapes}) > 1 else _many(shapes)
    if len(shapes) > 1:
        raise not_simple(table)
    return shapes[0] if shapes else None


def _one(table: Table, element: Element) -> Any:
    match element.tag:
        case "Point":
            return shapely.Point(_positions(element)[0])
        case "LineString":
            return shapely.LineString(_positions(element))
        case "LinearRing":
            return shapely.LineString(_closed(table, element))
        case "Polygon":
            outer = element.find("outerBoundaryIs/LinearRing")
            if outer is None:
                raise not_simple(table)
            holes = [_closed(table, ring) for ring in element.iterfind("innerBoundaryIs/LinearRing")]
            return shapely.Polygon(_closed(table, outer), holes)
        case _:
            return _shape(table, element)


def _many(shapes: list[Any]) -> Any:
    build = {
        shapely.Point: shapely.multipoints,
        shapely.LineString: shapely.multilinestrings,
        shapely.Polygon: shapely.multipolygons,
    }
    return build.get(type(shapes[0]), shapely.geometrycollections)(shapes) if shapes else None


def _positions(element: Element) -> list[tuple[float, ...]]:
    """Longitude, latitude and, where given, altitude. Raises ValueError for anything else."""
    tuples = (element.findtext("coordinates") or "").split()
    if not all(POSITION.fullmatch(each) for each in tuples):
        raise ValueError("no list of coordinates")
    positions = [tuple(float(number) for number in each.split(",")) for each in tuples]
    if len({len(each) for each in positions}) != 1:
        raise ValueError("no list of coordinates")
    return positions


def _closed(table: Table, ring: Element) -> list[tuple[float, ...]]:
    positions = _positions(ring)
    if positions[0] != positions[-1] or len(positions) < 4:
        raise not_simple(table)
    return positions
