"""Rows of a database as ``extract.row_file`` keeps them: text in one Parquet file, in one fixed notation.

Geometries of PostGIS are EWKB, whose SRID is the EPSG code of their reference system (0: the database does not say).
"""

from __future__ import annotations

import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pyproj
import shapely

from stadtdaten.contracts.model import Table
from stadtdaten.extract.row_file import UNDECLARED
from stadtdaten.faults import SourceUnreadable
from stadtdaten.read.table import RawTable, match_columns


def read_rows(table: Table, path: Path) -> RawTable:
    """The declared columns as text, and the geometries with their reference system.

    Raises SourceUnreadable without rows and for geometries that cannot be used (curves, several reference systems),
    SchemaChanged for columns that are gone.
    """
    stored = pq.read_table(path)
    rest = json.loads((stored.schema.metadata or {}).get(UNDECLARED, b"[]"))
    shape = [table.geometry.source] if table.geometry is not None else []
    matched = match_columns(table, [*stored.column_names, *rest], shape)
    if not stored.num_rows:
        raise SourceUnreadable(
            f"Tabelle „{table.id}“: Die Datenbank liefert keine Zeile.",
            next_step="Mit der Fachstelle klären, ob die Tabelle gerade neu befüllt wird.",
        )
    cells = {name: stored.column(found) for name, found in matched.names.items() if name not in shape}
    geometry = _geometries(table.id, matched.names[shape[0]], stored.column(matched.names[shape[0]])) if shape else None
    return RawTable(cells, stored.num_rows, matched.drift, matched.repairs, geometry)


def _geometries(table: str, column: str, ewkb: pa.ChunkedArray) -> gpd.GeoSeries:
    given = pc.is_valid(ewkb).to_numpy()
    try:
        shapes = shapely.from_wkb(ewkb.to_numpy())
    except (shapely.errors.GEOSException, NotImplementedError):
        unreadable = sum(not _is_readable(each) for each in ewkb.to_pylist())
        raise SourceUnreadable(
            f"Tabelle „{table}“, Spalte „{column}“: {unreadable} von {len(ewkb)} Geometrien sind nicht lesbar "
            "(Kurven und Körper kennen die offenen Formate nicht).",
            next_step="In der Datenbank eine Sicht anlegen, die sie mit ST_CurveToLine in Linien und Flächen wandelt.",
        ) from None
    codes = np.unique(shapely.get_srid(shapes[given]))
    if len(codes) > 1:
        raise SourceUnreadable(
            f"Tabelle „{table}“, Spalte „{column}“: Die Geometrien haben {len(codes)} verschiedene Bezugssysteme "
            f"(SRID {', '.join(map(str, codes[:5]))}).",
            next_step="In der Datenbank eine Sicht anlegen, die alle mit ST_Transform in eines bringt.",
        )
    code = int(codes[0]) if len(codes) else 0
    return gpd.GeoSeries(shapely.set_srid(shapes, 0), crs=_reference_system(table, column, code))


def _is_readable(ewkb: bytes | None) -> bool:
    try:
        shapely.from_wkb(ewkb)
    except (shapely.errors.GEOSException, NotImplementedError):
        return False
    return True


def _reference_system(table: str, column: str, srid: int) -> pyproj.CRS | None:
    if srid == 0:
        return None
    try:
        return pyproj.CRS.from_epsg(srid)
    except pyproj.exceptions.CRSError:
        raise SourceUnreadable(
            f"Tabelle „{table}“, Spalte „{column}“: SRID {srid} ist kein Schlüssel eines bekannten Bezugssystems.",
            next_step="In der Datenbank eine Sicht anlegen, die mit ST_Transform in das Bezugssystem der Stadt bringt.",
        ) from None
