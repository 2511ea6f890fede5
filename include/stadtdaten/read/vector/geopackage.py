"""GeoPackage (OGC 12-128r19): a layer's attributes as they are stored, and its geometries.

Read here and not by GDAL, because a column of SQLite may hold values of other types than it declares (`n/a` among
integers), which GDAL turns into zeros and nulls without a word.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import geopandas as gpd
import pyarrow as pa
import pyproj

from stadtdaten.contracts.interfaces import Limits
from stadtdaten.contracts.model import Table
from stadtdaten.contracts.reading import Features
from stadtdaten.faults import SourceUnreadable
from stadtdaten.read.vector.layer import Layer, choose, crs_called, geometries, malformed

ENVELOPE_BYTES = {0: 0, 1: 32, 2: 48, 3: 48, 4: 64}
"""Length of the envelope by bits 1 to 3 of the flags (12-128r19, 2.1.3)."""


def read_geopackage(table: Table, reading: Features, path: Path, limits: Limits) -> Layer:
    """The layer's rows in the order of their ids; booleans as true and false.

    Raises SourceUnreadable for a file that is no GeoPackage or is damaged, several layers of which the contract names
    none, binary values in a declared column, and geometries that are no Simple Features.
    """
    address = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(address, uri=True)) as database:
            database.execute("PRAGMA trusted_schema = OFF")
            return _layer(table, reading, database, limits)
    except sqlite3.Error:
        raise malformed(table, "ist kein lesbares GeoPackage") from None


def _layer(table: Table, reading: Features, database: sqlite3.Connection, limits: Limits) -> Layer:
    listed = database.execute(
        "SELECT c.table_name FROM gpkg_contents c JOIN sqlite_master m ON m.name = c.table_name "
        "WHERE c.data_type IN ('features', 'attributes') AND m.type = 'table' ORDER BY 1"
    )
    name = choose(table, [row[0] for row in listed], reading.layer)
    declared = {row[1]: str(row[2]).upper() for row in database.execute("SELECT * FROM pragma_table_info(?)", (name,))}
    placed = database.execute(
        "SELECT g.column_name, s.organization, s.organization_coordsys_id, s.definition, s.srs_id "
        "FROM gpkg_geometry_columns g JOIN gpkg_spatial_ref_sys s USING (srs_id) WHERE g.table_name = ?",
        (name,),
    ).fetchone()
    columns = ", ".join(_quoted(column) for column in declared)
    # One more than may be, so that the reader of all files notices.
    query = f"SELECT {columns} FROM {_quoted(name)} ORDER BY rowid LIMIT {limits.rows + 1}"  # noqa: S608  quoted
    rows = database.execute(query).fetchall()
    position = {column: number for number, column in enumerate(declared)}

    def text(column: str) -> pa.Array:
        boolean = declared[column] == "BOOLEAN"
        return pa.array([_text(table, column, row[position[column]], boolean) for row in rows], pa.string())

    geometry: gpd.GeoSeries | None = None
    if placed is not None:
        blobs = [row[position[placed[0]]] for row in rows]
        geometry = geometries(table, [_wkb(table, blob) for blob in blobs], _crs(table, *placed[1:]))
    names = tuple(column for column in declared if placed is None or column != placed[0])
    return Layer(names, len(rows), text, geometry)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(table: Table, column: str, value: Any, boolean: bool) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bytes):
        raise SourceUnreadable(
            f"Tabelle „{table.id}“, Spalte „{column}“: Die Zellen enthalten Binärdaten statt Text oder Zahlen.",
            next_step="Die Spalte aus dem Vertrag nehmen.",
        )
    if boolean and value in (0, 1):
        return "true" if value else "false"
    return repr(value).removesuffix(".0")


def _wkb(table: Table, blob: Any) -> bytes | None:
    if blob is None:
        return None
    envelope = ENVELOPE_BYTES.get((blob[3] >> 1) & 7) if isinstance(blob, bytes) and len(blob) > 8 else None
    if envelope is None or blob[:2] != b"GP":
        raise malformed(table, "enthält Geometrien, die nicht wie in einem GeoPackage geschrieben sind")
    return bytes(blob[8 + envelope :])


def _crs(table: Table, organization: str, code: int, definition: str, srs_id: int) -> pyproj.CRS | None:
    if srs_id in (0, -1):  # "undefined", geographic and Cartesian (12-128r19, 1.1.2.1.2)
        return None
    return crs_called(table, f"EPSG:{code}" if organization.upper() == "EPSG" else definition)
