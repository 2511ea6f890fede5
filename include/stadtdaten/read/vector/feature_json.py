"""Features written as JSON: GeoJSON (RFC 7946, and its forerunner of 2008 with a `crs` member) and ArcGIS JSON.

Read here and not by GDAL, because GDAL gives types to the properties (big integers become floats, `1.10` becomes 1.1)
and puts features into the order of their ids. Of ArcGIS JSON, GDAL forms the polygons: their rings come unsorted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyarrow as pa
import pyogrio
import pyproj
import shapely

from stadtdaten.contracts.interfaces import Limits
from stadtdaten.contracts.model import Table
from stadtdaten.faults import SourceUnreadable
from stadtdaten.frames import Repair
from stadtdaten.read.vector.layer import Layer, crs_called, geometries, malformed, not_simple

STRINGS = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)
"""Texts; one without an end reaches to the file's, or each quote in it would be tried as a beginning."""
BLANK = r"[ \t\n\r]*"
BLANKS = re.compile(rf"({BLANK})")
KEY = re.compile(rf'"((?:[^"\\\x00-\x1f]++|\\.)*+)"{BLANK}:{BLANK}')
OPEN = {"{": re.compile(rf"{BLANK}(\{{{BLANK}\}}?)"), "[": re.compile(rf"{BLANK}(\[{BLANK}\]?)")}
NEXT = {"}": re.compile(rf"{BLANK}([,}}]){BLANK}"), "]": re.compile(rf"{BLANK}([,\]]){BLANK}")}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

GEOJSON_TYPES = frozenset(
    {"Point", "LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon", "GeometryCollection"}
)
ESRI_CURVES = ("curveRings", "curvePaths")


class _Repeated(ValueError):
    """A JSON object with two members of one name."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _Repeated
    return members


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no JSON")


PLAIN = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_no_number)
WRITTEN = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_no_number, parse_int=str, parse_float=str)
"""Numbers stay as they are written; only true, false and null have a type of their own."""


def read_geojson(table: Table, path: Path, limits: Limits) -> Layer:
    """The features of a FeatureCollection; in WGS84, longitude first, unless a `crs` member says otherwise.

    Raises SourceUnreadable for anything else, for JSON that is not well-formed or too deep, and geometries that are no
    Simple Features.
    """
    document = _Document(table, path, limits)
    properties: list[dict[str, Any]] = []
    shapes: list[str | None] = []
    ids: list[str] = []
    rest: dict[str, Any] = {}
    for feature in document.features("properties", rest):
        properties.append(feature["properties"] or {})
        shapes.append(_geojson_shape(table, feature["geometry"]))
        if feature.get("id") is not None:
            ids.append(str(feature["id"]))
    if rest.get("type") != "FeatureCollection":
        raise malformed(table, "ist keine GeoJSON-FeatureCollection")
    try:
        values = shapely.from_geojson(np.array(shapes, dtype=object))
    except shapely.errors.ShapelyError:
        raise not_simple(table) from None
    crs, repairs = _geojson_crs(table, rest)
    return _layer(table, properties, gpd.GeoSeries(values, crs=crs), repairs, ids)


def read_esrijson(table: Table, path: Path, limits: Limits) -> Layer:
    """The features of a query to an ArcGIS server, in the system of its `spatialReference`; dates as ISO 8601 in UTC.

    Raises SourceUnreadable as read_geojson does, and for an error in place of the answer.
    """
    document = _Document(table, path, limits)
    attributes: list[dict[str, Any]] = []
    shapes: list[Any] = []
    rest: dict[str, Any] = {}
    for feature in document.features("attributes", rest):
        attributes.append(feature["attributes"] or {})
        shapes.append(feature["geometry"])
    fields = rest.get("fields")
    if "error" in rest or not isinstance(fields, list) or not all(isinstance(field, dict) for field in fields):
        raise malformed(table, "ist keine Antwort eines ArcGIS-Servers mit Objekten und Feldern")
    kinds = {str(field.get("name")): str(field.get("type")) for field in fields}
    for name, kind in kinds.items():
        if kind == "esriFieldTypeDate":
            for each in attributes:
                each[name] = _moment(table, name, each.get(name))
    keys = [name for name, kind in kinds.items() if kind == "esriFieldTypeOID"]
    ids = [str(each[keys[0]]) for each in attributes if keys and each.get(keys[0]) is not None]
    geometry = _esri_geometries(table, rest, shapes)
    return _layer(table, attributes, geometry, [], ids, tuple(kinds))


class _Document:
    """Walks through a JSON file feature by feature, so that never all of them are there as Python objects."""

    def __init__(self, table: Table, path: Path, limits: Limits) -> None:
        self._table = table
        data = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
        depth = _depth(data)
        if depth > limits.depth:
            raise SourceUnreadable(
                f"Tabelle „{table.id}“: Die Datei ist {depth} Ebenen tief verschachtelt, erlaubt sind {limits.depth}.",
                next_step="Die Datei ansehen; ist sie in Ordnung, im Vertrag limits.depth erhöhen.",
            )
        try:
            self._text = data.decode()
        except UnicodeDecodeError:
            raise malformed(table, "ist kein JSON in UTF-8 (RFC 8259)") from None
        self._at = 0

    def features(self, attributes: str, rest: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """The items of the root's array ``features``; its other members go into ``rest``."""
        for key in self._members():
            if key == "features" and self._text.startswith("[", self._at):
                for _ in self._items():
                    yield self._feature(attributes)
            else:
                rest[key] = self._value(PLAIN)
        self._take(BLANKS)
        if self._at != len(self._text):
            raise self._broken()

    def _feature(self, attributes: str) -> dict[str, Any]:
        """A feature's members: attributes as written, geometry as (parsed, text); both None if missing."""
        feature: dict[str, Any] = {attributes: None, "geometry": None}
        for key in self._members():
            start = self._at
            value = self._value(WRITTEN if key == attributes else PLAIN)
            feature[key] = (value, self._text[start : self._at]) if key == "geometry" and value is not None else value
        if not isinstance(feature[attributes], dict | None):
            raise self._broken()
        return feature

    def _value(self, decoder: json.JSONDecoder) -> Any:
        """The value that stands here."""
        try:
            value, self._at = decoder.raw_decode(self._text, self._at)
        except _Repeated:
            raise malformed(self._table, "nennt eine Eigenschaft zweimal im selben Objekt") from None
        except (ValueError, RecursionError):
            raise self._broken() from None
        return value

    def _members(self) -> Iterator[str]:
        seen = set()
        if self._take(OPEN["{"]).endswith("}"):
            return
        while True:
            key = self._take(KEY)
            if "\\" in key:
                key = self._unescaped(key)
            if key in seen:
                raise malformed(self._table, "nennt eine Eigenschaft zweimal im selben Objekt")
            seen.add(key)
            yield key
            if self._take(NEXT["}"]) == "}":
                return

    def _items(self) -> Iterator[None]:
        if self._take(OPEN["["]).endswith("]"):
            return
        while True:
            yield
            if self._take(NEXT["]"]) == "]":
                return

    def _take(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._at)
        if found is None:
            raise self._broken()
        self._at = found.end()
        return found[1]

    def _unescaped(self, key: str) -> str:
        try:
            return str(json.loads(f'"{key}"'))
        except ValueError:
            raise self._broken() from None

    def _broken(self) -> SourceUnreadable:
        return malformed(self._table, "ist kein vollständiges JSON")


def _depth(data: bytes) -> int:
    """How deep containers are nested, found without building any."""
    signs = np.frombuffer(STRINGS.sub(b"", data), dtype=np.uint8)
    signs = signs[np.isin(signs, np.frombuffer(b"[]{}", dtype=np.uint8))]
    steps = np.where((signs == ord("[")) | (signs == ord("{")), 1, -1)
    return int(steps.cumsum().max(initial=0))


def _layer(
    table: Table,
    records: list[dict[str, Any]],
    geometry: gpd.GeoSeries,
    repairs: list[Repair],
    ids: list[str],
    names: tuple[str, ...] = (),
) -> Layer:
    def text(name: str) -> pa.Array:
        values = [record.get(name) for record in records]
        nested = sum(isinstance(value, dict | list) for value in values)
        if nested:
            raise SourceUnreadable(
                f"Tabelle „{table.id}“, Spalte „{name}“: {nested} von {len(values)} Zellen enthalten verschachtelte "
                "Angaben statt eines Werts.",
                next_step="Die Spalte aus dem Vertrag nehmen oder die Fachstelle um eine flache Eigenschaft bitten.",
            )
        return pa.array([_cell(value) for value in values], pa.string())

    found = names or tuple(dict.fromkeys(name for record in records for name in record))
    return Layer(found, len(records), text, geometry, repairs, tuple(ids))


def _cell(value: Any) -> str | None:
    """As JSON writes it: a decoder that leaves numbers alone gives text, true, false or null."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)


def _geojson_shape(table: Table, geometry: tuple[Any, str] | None) -> str | None:
    if geometry is None:
        return None
    value, text = geometry
    if not isinstance(value, dict) or value.get("type") not in GEOJSON_TYPES:
        raise not_simple(table)
    return text


def _geojson_crs(table: Table, root: dict[str, Any]) -> tuple[pyproj.CRS | None, list[Repair]]:
    """RFC 7946, 4: always WGS84. The specification of 2008 (3) allows a `crs` member, and null where none is known."""
    if "crs" not in root:
        return pyproj.CRS("EPSG:4326"), []
    member = root["crs"]
    if member is None:
        return None, []
    properties = member.get("properties") if isinstance(member, dict) else None
    name = properties.get("name") if isinstance(properties, dict) else None
    if not isinstance(name, str):
        raise malformed(table, "nennt ihr Koordinatenreferenzsystem nicht mit Namen (crs)")
    crs = crs_called(table, name)
    detail = f"Die Datei nennt selbst „{crs.name}“ (GeoJSON von 2008; RFC 7946 kennt nur WGS84)"
    return crs, [Repair(kind="crs", count=1, detail=detail, nature="detected")]


def _moment(table: Table, name: str, value: Any) -> str | None:
    """ArcGIS writes dates as milliseconds since 1970 in UTC."""
    if value is None:
        return None
    try:
        moment = EPOCH + timedelta(milliseconds=int(value))
    except (ValueError, OverflowError):
        raise malformed(table, f"hat in „{name}“ ein Datum, das keine Zahl von Millisekunden ist") from None
    declared = [column.type for column in table.columns if name in (column.source, *column.aliases)]
    if declared == ["date"] and moment.time() == EPOCH.time():
        return moment.date().isoformat()
    return moment.isoformat(timespec="milliseconds" if moment.microsecond else "seconds").replace("+00:00", "Z")


def _esri_crs(table: Table, reference: Any) -> pyproj.CRS | None:
    """The system with the latest number: EPSG's, or from 100,000 on ESRI's own; None where there is none."""
    if not isinstance(reference, dict):
        return None
    code, text = reference.get("latestWkid") or reference.get("wkid"), reference.get("wkt")
    if isinstance(code, int):
        return crs_called(table, f"EPSG:{code}" if code < 100_000 else f"ESRI:{code}")
    return crs_called(table, text) if isinstance(text, str) else None


def _esri_geometries(table: Table, root: dict[str, Any], shapes: list[Any]) -> gpd.GeoSeries:
    crs = _esri_crs(table, root.get("spatialReference"))
    features = []
    for number, shape in enumerate(shapes):
        value = None if shape is None else shape[0]
        if value is not None and (not isinstance(value, dict) or any(key in value for key in ESRI_CURVES)):
            raise not_simple(table)
        if value is not None and value.get("x", 0) in (None, "NaN"):  # how ArcGIS writes an empty point
            value = None
        features.append({"attributes": {"number": number}, "geometry": value})
    page = {
        "geometryType": root.get("geometryType"), "fields": [{"name": "number", "type": "esriFieldTypeInteger"}],
        "features": features,
    }  # fmt: skip
    if not features:
        return gpd.GeoSeries([], crs=crs)
    try:
        _, read = pyogrio.read_arrow(json.dumps(page).encode())
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError):
        raise malformed(table, "hat Geometrien, die kein ArcGIS-JSON sind") from None
    wkb = read.column(read.num_columns - 1).to_pylist()
    if read.column("number").to_pylist() != list(range(len(features))) or any(
        (shape is None) != (feature["geometry"] is None) for shape, feature in zip(wkb, features, strict=True)
    ):
        raise not_simple(table)
    return geometries(table, wkb, crs)
