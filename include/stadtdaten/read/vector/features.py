"""Features from files: which module reads a format, and how the pages of one table become one."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyogrio
import shapely

from stadtdaten.contracts.interfaces import Limits
from stadtdaten.contracts.model import Table
from stadtdaten.contracts.reading import Features
from stadtdaten.faults import SourceUnreadable
from stadtdaten.read.table import RawTable, match_columns, summed
from stadtdaten.read.vector.dbf import read_dbf
from stadtdaten.read.vector.feature_json import read_esrijson, read_geojson
from stadtdaten.read.vector.geopackage import read_geopackage
from stadtdaten.read.vector.kml import read_kml
from stadtdaten.read.vector.layer import Layer, malformed, not_simple


def read_features(table: Table, reading: Features, files: tuple[Path, ...], limits: Limits) -> RawTable:
    """The declared attributes as text, and the geometries in the source's CRS (None where no geometry is declared).

    Of a shapefile, ``files`` are the .shp files, with the others beside them. Raises SourceUnreadable for no features,
    features that come twice, files in different reference systems, and as the formats' own modules do; SchemaChanged
    for attributes that are gone.
    """
    layers = [_layer(table, reading, file, limits) for file in files]
    rows = sum(layer.rows for layer in layers)
    if not rows:
        raise SourceUnreadable(
            f"Tabelle „{table.id}“: Die Quelle liefert keine Objekte.",
            next_step="Mit der Fachstelle klären, ob der Export gelaufen ist oder die Freigabe fehlt.",
        )
    if rows > limits.rows:
        raise SourceUnreadable(
            f"Tabelle „{table.id}“: Die Quelle liefert mehr als die erlaubten {limits.rows} Objekte.",
            next_step="Ist das richtig, limits.rows im Vertrag erhöhen.",
        )
    _refuse_repeated(table, layers)
    full = [layer for layer in layers if layer.rows]
    first = full[0].names
    others = dict.fromkeys(name for layer in full for name in layer.names if name not in first)
    found = [*first, *others]  # a name that one file has twice stays there twice
    matched = match_columns(table, found)
    cells = {
        source: pa.chunked_array([_cells(layer, name) for layer in full], pa.string())
        for source, name in matched.names.items()
    }
    repairs = [*matched.repairs, *summed(repair for layer in full for repair in layer.repairs)]
    geometry = None if table.geometry is None else _geometry(table, full)
    return RawTable(cells, rows, matched.drift, repairs, geometry)


def _layer(table: Table, reading: Features, file: Path, limits: Limits) -> Layer:
    match reading.format:
        case "geojson":
            return read_geojson(table, file, limits)
        case "esrijson":
            return read_esrijson(table, file, limits)
        case "shapefile":
            return _shapefile(table, reading, file)
        case "geopackage":
            return read_geopackage(table, reading, file, limits)
        case "kml":
            return read_kml(table, reading, file, limits)
        case "dbf":
            return read_dbf(table, reading, file)[0]


def _shapefile(table: Table, reading: Features, file: Path) -> Layer:
    """The records of a shapefile (ESRI, 1998): one shape in .shp and .shx for each record of .dbf, in their order."""
    beside = {each.suffix.lower(): each for each in file.parent.glob(f"{file.stem}.*")}
    missing = [suffix for suffix in (".shx", ".dbf") if suffix not in beside]
    if missing:
        raise malformed(table, f"ist eine Shape-Datei, zu der {' und '.join(missing)} fehlt")
    attributes, deleted = read_dbf(table, reading, beside[".dbf"])
    length = int.from_bytes(file.read_bytes()[24:28], "big") * 2  # in words of 16 bits
    shapes = (beside[".shx"].stat().st_size - 100) // 8
    if file.stat().st_size < length or shapes != len(deleted):
        raise malformed(
            table, f"ist unvollständig: .shx nennt {shapes} Objekte, .dbf {len(deleted)}, oder .shp ist abgeschnitten"
        )
    try:
        meta, read = pyogrio.read_arrow(file, columns=[], return_fids=True)
        geometry = shapely.from_wkb(read.column(read.num_columns - 1).to_numpy())
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError):
        raise malformed(table, "ist keine lesbare Shape-Datei") from None
    except (NotImplementedError, shapely.errors.ShapelyError):
        raise not_simple(table) from None
    if not np.array_equal(read.column(0).to_numpy(), np.flatnonzero(~deleted)):
        raise malformed(table, "ist eine Shape-Datei, deren Objekte nicht zu den Sätzen ihrer dBASE-Tabelle passen")
    return Layer(
        attributes.names, attributes.rows, attributes.text, gpd.GeoSeries(geometry, crs=meta["crs"]), attributes.repairs
    )


def _cells(layer: Layer, name: str) -> pa.Array:
    return layer.text(name) if name in layer.names else pa.nulls(layer.rows, pa.string())


def _refuse_repeated(table: Table, layers: list[Layer]) -> None:
    ids = pd.Series([each for layer in layers for each in layer.ids], dtype="str")
    repeated = int(ids.duplicated().sum())
    if repeated:
        raise SourceUnreadable(
            f"Tabelle „{table.id}“: {repeated} Objekte kommen mehrfach vor (gleiche id).",
            next_step="Den Betrieb der Quelle ansprechen: Seiten überlappen sich, oder die ids sind nicht eindeutig.",
        )


def _geometry(table: Table, layers: list[Layer]) -> gpd.GeoSeries:
    parts = [layer.geometry for layer in layers if layer.geometry is not None]
    if len(parts) < len(layers):
        raise SourceUnreadable(
            f"Tabelle „{table.id}“: Die Quelle enthält keine Geometrien.",
            next_step="Im Vertrag die richtige Ebene nennen (reading.layer) oder die Geometrie herausnehmen.",
        )
    systems = {None if part.crs is None else part.crs.to_wkt() for part in parts}
    if len(systems) > 1:
        raise SourceUnreadable(
            f"Tabelle „{table.id}“: Die Dateien nennen {len(systems)} verschiedene Koordinatenreferenzsysteme.",
            next_step="Mit der Fachstelle klären, welches gilt, und im Vertrag eintragen (reading.crs).",
        )
    return gpd.GeoSeries(np.concatenate([part.to_numpy() for part in parts]), crs=parts[0].crs)
