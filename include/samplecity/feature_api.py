"""How do an OGC API Features (OGC 17-069r4) and an ArcGIS FeatureServer answer? One collection or layer each, as JSON.

Geometries stand in the table's last column as text: pairs of metres in EPSG:25832, east before north, joined by blanks.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import parse_qsl

from samplecity.places import degrees_of
from samplecity.state import State
from samplecity.tables import Cell, Table
from samplecity.web import Answer, Request

GEOJSON = "application/geo+json"
JSON = "application/json"
LARGEST_PAGE = 100
"""More objects than that neither service gives at once, whatever is asked for."""

ESRI_TYPES = {"text": "String", "integer": "Integer", "decimal": "Double", "date": "Date"}


def positions(cell: Cell) -> list[tuple[float, float]]:
    """The points of a geometry's cell."""
    numbers = [float(each) for each in str(cell).split()]
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def collection_service(table: Table, request: Request, url: str, state: State) -> Answer:
    """OGC API Features: the collection's items in pages with links; degrees, longitude first."""
    asked = dict(parse_qsl(request.query))
    inner = request.path.partition(url.rpartition("/")[2])[2].strip("/")
    if inner != f"collections/{table.resource}/items":
        known = [{"id": table.resource, "title": table.title, "itemType": "feature"}]
        return _json({"collections": known, "links": []}) if inner in ("", "collections") else _problem(404, "NotFound")
    start, limit = int(asked.get("offset", "0")), min(int(asked.get("limit", "10")), LARGEST_PAGE)
    rows = table.rows[start : start + limit]
    links = [{"rel": "self", "type": GEOJSON, "href": f"{url}/{inner}?f=json&limit={limit}&offset={start}"}]
    if start + limit < len(table.rows):
        links.append({**links[0], "rel": "next", "href": f"{url}/{inner}?f=json&limit={limit}&offset={start + limit}"})
    features = [_feature(table, row, number) for number, row in enumerate(rows, start + 1)]
    page = {"type": "FeatureCollection", "links": links, "numberMatched": len(table.rows), "features": features}
    return _json({**page, "numberReturned": len(features)}, GEOJSON)


def feature_server(table: Table, request: Request, url: str, state: State) -> Answer:
    """ArcGIS REST: layer 0 with ``query``; errors come with status 200, as its servers send them."""
    asked = dict(parse_qsl(request.query))
    inner = request.path.partition(url.rpartition("/")[2])[2].strip("/")
    fields = [{"name": "OBJECTID", "type": "esriFieldTypeOID"}] + [
        {"name": column.name, "type": f"esriFieldType{ESRI_TYPES[column.type]}"} for column in table.columns[:-1]
    ]
    if inner in ("", "0"):
        about = {"name": table.title, "geometryType": "esriGeometryPoint", "objectIdField": "OBJECTID"}
        paging = {"advancedQueryCapabilities": {"supportsPagination": True}, "maxRecordCount": LARGEST_PAGE}
        return _json({**about, **paging, "fields": fields})
    if inner != "0/query" or asked.get("where") != "1=1":
        return _json({"error": {"code": 400, "message": "Invalid or missing input parameters.", "details": []}})
    if asked.get("returnCountOnly") == "true":
        return _json({"count": len(table.rows)})
    start = int(asked.get("resultOffset", "0"))
    size = min(int(asked.get("resultRecordCount", str(LARGEST_PAGE))), LARGEST_PAGE)
    features = [
        {"attributes": {"OBJECTID": number, **_attributes(table, row, _milliseconds)}, "geometry": _esri_point(row[-1])}
        for number, row in enumerate(table.rows[start : start + size], start + 1)
    ]
    page: dict[str, Any] = {
        "objectIdFieldName": "OBJECTID", "geometryType": "esriGeometryPoint", "fields": fields, "features": features,
        "spatialReference": {"wkid": 25832, "latestWkid": 25832},
    }  # fmt: skip
    return _json({**page, **({"exceededTransferLimit": True} if start + size < len(table.rows) else {})})


def _feature(table: Table, row: tuple[Cell, ...], number: int) -> dict[str, Any]:
    line = [[round(degree, 6) for degree in degrees_of(point)] for point in positions(row[-1])]
    return {
        "type": "Feature", "id": number, "geometry": {"type": "LineString", "coordinates": line},
        "properties": _attributes(table, row, str),
    }  # fmt: skip


def _attributes(table: Table, row: tuple[Cell, ...], of_date: Callable[[date], Any]) -> dict[str, Any]:
    cells = zip(table.columns[:-1], row[:-1], strict=True)
    return {column.name: of_date(cell) if isinstance(cell, date) else cell for column, cell in cells}


def _milliseconds(day: date) -> int:
    """Since 1970, in UTC: how Esri JSON writes dates."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)


def _esri_point(cell: Cell) -> dict[str, float]:
    ((east, north),) = positions(cell)
    return {"x": east, "y": north}


def _json(content: dict[str, Any], media_type: str = JSON) -> Answer:
    return Answer(200, media_type, json.dumps(content, ensure_ascii=False).encode())


def _problem(status: int, title: str) -> Answer:
    return Answer(status, "application/problem+json", json.dumps({"title": title}).encode())
