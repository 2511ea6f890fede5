"""From bytes to a typed frame, exactly as the contract declares; every repair is told, nothing is guessed.

``csv_file``, ``gml`` and ``rows`` bring each format to text by column, ``values`` turns text into typed values.
"""

from __future__ import annotations

from pathlib import Path
from typing import assert_never

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from stadtdaten.contracts.model import City, Csv, Gml, Rows, Table
from stadtdaten.read.csv_file import read_csv
from stadtdaten.read.files import load_frame, write_frame
from stadtdaten.read.fingerprint import content_hash
from stadtdaten.read.gml import read_gml
from stadtdaten.read.rows import read_rows
from stadtdaten.read.table import RawTable, ReadTable
from stadtdaten.read.values import Notation, Values

__all__ = ["ReadTable", "content_hash", "load_frame", "read_table", "write_frame"]


def read_table(table: Table, files: tuple[Path, ...], city: City) -> ReadTable:
    """The table in ``files`` as a frame of the contract's columns; see ReadTable for its shape.

    Types: string "str", integer "Int64", number "float64", boolean "boolean", date datetime64[us] at midnight,
    datetime datetime64[us] in the city's time zone, geometry in the city's CRS (metres, east before north).
    Raises SourceUnreadable (naming columns and counts, never values) and SchemaChanged.
    """
    match table.reading:
        case Csv() as dialect:
            raw = read_csv(table, dialect, _only(table, files))
            values = Values(table.id, Notation(dialect.decimal, dialect.thousands), city.timezone)
            geometry = _points(table, dialect, raw, values, city)
        case Gml():
            raw, geometry = read_gml(table, files, city)
            values = Values(table.id, Notation(), city.timezone)
        case Rows():
            raw, geometry = read_rows(table, _only(table, files)), None
            values = Values(table.id, Notation(), city.timezone)
        case _:
            assert_never(table.reading)
    columns: dict[str, pd.Series] = {}
    for column in table.columns:
        if column.type == "geometry":
            assert geometry is not None  # noqa: S101  the readers above give one wherever it is declared
            columns[column.name] = geometry
        else:
            columns[column.name] = values.read(column, raw.cells[column.source])
    values.finish()
    frame = pd.DataFrame(columns)
    if table.geometry is not None:
        frame = gpd.GeoDataFrame(frame, geometry=table.geometry.name)
    return ReadTable(frame, (*raw.repairs, *values.repairs), raw.drift)


def _only(table: Table, files: tuple[Path, ...]) -> Path:
    if len(files) != 1:
        raise ValueError(f"table {table.id} is read from one file, not from {len(files)}")
    return files[0]


def _points(table: Table, dialect: Csv, raw: RawTable, values: Values, city: City) -> gpd.GeoSeries | None:
    """Points from the columns x and y, as they stand: swapped columns give swapped points for the gate to find."""
    if table.geometry is None:
        return None
    assert dialect.x is not None and dialect.y is not None  # noqa: S101  the contract demands them with a geometry
    x, y = (values.coordinate(name, raw.cells[name]) for name in (dialect.x, dialect.y))
    half = int((np.isnan(x) != np.isnan(y)).sum())
    values.fail("coordinates", dialect.x, half, raw.rows, "sind ohne die zweite Koordinate oder umgekehrt")
    points = shapely.points(x, y)
    points[np.isnan(x) | np.isnan(y)] = None
    return gpd.GeoSeries(points, crs=city.crs)
