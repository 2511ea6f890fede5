"""From bytes to a typed frame, exactly as the contract declares; every repair is told, nothing is guessed.

A module per format brings files to text by column (``RawTable``), ``values`` turns text into typed values, ``geodesy``
brings coordinates into the city's reference system.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import assert_never
from zoneinfo import ZoneInfo

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from stadtdaten.contracts.interfaces import Limits
from stadtdaten.contracts.model import City, Table
from stadtdaten.contracts.reading import Csv, Features, Gml, Json, Oparl, Rows, Sheet, Xml
from stadtdaten.read.corrections import with_corrections
from stadtdaten.read.delimited.csv_file import read_csv
from stadtdaten.read.files import load_frame, write_frame
from stadtdaten.read.fingerprint import content_hash
from stadtdaten.read.geodesy import in_city_crs
from stadtdaten.read.json_file import read_json
from stadtdaten.read.merge import merge_changes
from stadtdaten.read.oparl import read_oparl
from stadtdaten.read.rows import read_rows
from stadtdaten.read.table import RawTable, ReadTable
from stadtdaten.read.typed.values import Notation, Values
from stadtdaten.read.vector.features import read_features
from stadtdaten.read.vector.gml import read_gml
from stadtdaten.read.workbook.sheet import read_sheet
from stadtdaten.read.xml_file import read_xml

__all__ = ["ReadTable", "content_hash", "load_frame", "merge_changes", "read_table", "write_frame"]


def read_table(table: Table, files: tuple[Path, ...], city: City, limits: Limits) -> ReadTable:
    """The table in ``files`` as a frame of the contract's columns; see ReadTable for its shape.

    Types: string, period and marker "str", integer "Int64", number "float64", boolean "boolean", date datetime64[us]
    at midnight, datetime datetime64[us] in the city's time zone, geometry in the city's CRS (metres, east before
    north). Raises SourceUnreadable (naming columns and counts, never values) and SchemaChanged.
    """
    raw, notation = _raw(table, files, city, limits)
    values = Values(table, notation, city.timezone, limits)
    repairs = [*raw.repairs]
    columns = values.read(raw.cells)
    values.finish()
    if table.geometry is not None:
        assert raw.geometry is not None  # noqa: S101  every reader gives one where it is declared
        columns[table.geometry.name] = in_city_crs(table, raw.geometry, city, repairs)
    frame = pd.DataFrame({column.name: columns[column.name] for column in table.columns})
    if table.geometry is not None:
        frame = gpd.GeoDataFrame(frame, geometry=table.geometry.name)
    repairs += values.repairs
    if table.corrections:
        frame = with_corrections(table, frame, repairs)
    return ReadTable(frame, tuple(repairs), raw.drift, raw.deleted)


def _raw(table: Table, files: tuple[Path, ...], city: City, limits: Limits) -> tuple[RawTable, Notation]:
    match table.reading:
        case Csv() as dialect:
            raw, notation = read_csv(table, dialect, files, limits)
            return _with_points(table, dialect, raw, Values(table, notation, city.timezone, limits)), notation
        case Gml() as gml:
            return read_gml(table, gml, files, city, limits), Notation()
        case Oparl() as reading:
            today = datetime.now(ZoneInfo(city.timezone)).date()
            return read_oparl(table, reading, files, limits, today), Notation()
        case Rows():
            return read_rows(table, files[0]), Notation()
        case Sheet() as layout:
            raw, notation = read_sheet(table, layout, files, limits)
            return _with_points(table, layout, raw, Values(table, notation, city.timezone, limits)), notation
        case Features() as reading:
            return read_features(table, reading, files, limits), _notation(reading)
        case Xml() as reading:
            return read_xml(table, reading, files, limits), _notation(reading)
        case Json() as reading:
            notation = _notation(reading)
            raw = read_json(table, reading, files, limits)
            return _with_points(table, reading, raw, Values(table, notation, city.timezone, limits)), notation
        case _:
            assert_never(table.reading)


def _notation(reading: Features | Xml | Json) -> Notation:
    """How numbers are written in text; formats that know numbers write them with a point."""
    return Notation(reading.decimal or ".", reading.thousands or "")


def _with_points(table: Table, layout: Csv | Sheet | Json, raw: RawTable, values: Values) -> RawTable:
    """Points from the columns x and y, as they stand; without a reference system of their own."""
    if layout.x is None or layout.y is None:
        return raw
    x, y = (values.coordinate(name, raw.cells[name]) for name in (layout.x, layout.y))
    half = int((np.isnan(x) != np.isnan(y)).sum())
    values.fail("coordinates", layout.x, half, raw.rows, "sind ohne die zweite Koordinate oder umgekehrt")
    values.finish()
    points = shapely.points(x, y)
    points[np.isnan(x) | np.isnan(y)] = None
    return replace(raw, repairs=[*raw.repairs, *values.repairs], geometry=gpd.GeoSeries(points))
