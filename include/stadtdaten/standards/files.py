"""Which files does a published table get, and in which order do its rows stand?

Every table gets CSV with a Table Schema; with geometry also GeoJSON, GeoPackage and GeoParquet; a large table also
Parquet. The order depends on the rows alone, never on the source's order, so the same rows give the same bytes, and
the order tells nothing about columns that were dropped.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import geopandas
import numpy
import pandas
import pyarrow

from stadtdaten.contracts import City, Table
from stadtdaten.faults import Finding, GateFailed
from stadtdaten.frames import PublishedColumn, ReleaseFile
from stadtdaten.standards.csv_file import flatten, write_csv
from stadtdaten.standards.geodata import WGS84, crs_iri, write_geojson, write_geopackage
from stadtdaten.standards.parquet import write_geoparquet, write_parquet
from stadtdaten.standards.table_schema import write_table_schema

MEDIA_TYPES = {
    "CSV": "text/csv",
    "GEOJSON": "application/geo+json",
    "GPKG": "application/geopackage+sqlite3",
    "PARQUET": "application/vnd.apache.parquet",
}
"""Code of the EU file-type table to the IANA media type."""

FORMAT_TITLES = {"CSV": "CSV", "GEOJSON": "GeoJSON", "GPKG": "GeoPackage", "PARQUET": "Parquet"}


def write_files(
    frame: pandas.DataFrame, table: Table, columns: tuple[PublishedColumn, ...], folder: Path, city: City
) -> tuple[ReleaseFile, ...]:
    """Write all files of one table into ``folder``; ``<table>.schema.json`` is written too but is no ReleaseFile.

    ``frame`` is anonymised, with exactly ``columns`` and its geometry in the city's CRS. Raises GateFailed: privacy
    where the frame has other columns than ``columns``; quality_public where the published key does not identify its
    rows (the Table Schema would promise what the file does not hold), a number is infinite, a geometry is empty, or
    only some geometries are points.
    """
    _demand_columns(frame, columns, table)
    key = published_key(table, columns)
    _demand_key(frame, key, table)
    _demand_finite(frame, table)
    _demand_positions(frame, table)
    rows = in_order(frame, table, key)
    flat, flat_columns = flatten(rows, columns, city)
    schema = f"{table.id}.schema.json"
    write_csv(flat, flat_columns, folder / f"{table.id}.csv")
    write_table_schema(table.title, flat_columns, key, folder / schema)
    written = [("CSV", f"{table.id}.csv", schema)]

    dates = {column.name: pandas.ArrowDtype(pyarrow.date32()) for column in columns if column.type == "date"}
    typed = rows.astype(dates)
    if isinstance(typed, geopandas.GeoDataFrame):
        degrees = typed.to_crs(WGS84)
        write_geojson(degrees, folder / f"{table.id}.geojson")
        write_geopackage(typed, table.id, folder / f"{table.id}.gpkg")
        write_geoparquet(degrees, folder / f"{table.id}.parquet")
        written += [
            ("GEOJSON", f"{table.id}.geojson", crs_iri(WGS84)),
            ("GPKG", f"{table.id}.gpkg", crs_iri(city.crs)),
            ("PARQUET", f"{table.id}.parquet", crs_iri(WGS84)),
        ]
    elif table.large:
        write_parquet(typed, folder / f"{table.id}.parquet")
        written.append(("PARQUET", f"{table.id}.parquet", ""))
    return tuple(
        _release_file(folder, name, code, table, len(rows), conforms_to) for code, name, conforms_to in written
    )


def published_key(table: Table, columns: tuple[PublishedColumn, ...]) -> tuple[str, ...]:
    """The columns that identify a published row; empty where a key column was dropped or made coarser.

    The rows of a table of counts or sums are identified by its dimensions, records about people by nothing.
    """
    if table.tabulation is not None:
        return table.tabulation.dimensions
    if table.microdata is not None:
        return ()
    published = {column.name for column in columns}
    survives = all(name in published and table.column(name).treatment is None for name in table.key)
    return table.key if survives else ()


def in_order(frame: pandas.DataFrame, table: Table, key: tuple[str, ...]) -> pandas.DataFrame:
    """The rows in their published order: by key, or by every column where no key survived.

    A table of counts or sums stays as it is: anonymisation has ordered it, bands rising and totals in their place.
    """
    if table.tabulation is not None:
        return frame
    if key:
        return frame.sort_values(list(key), kind="stable", ignore_index=True)
    sortable = pandas.DataFrame(frame.copy())
    for name in frame.columns[frame.dtypes == "geometry"]:
        sortable[name] = frame[name].to_wkb()
    order = sortable.sort_values(list(sortable.columns), kind="stable").index
    return frame.loc[order].reset_index(drop=True)


def _demand_columns(frame: pandas.DataFrame, columns: tuple[PublishedColumn, ...], table: Table) -> None:
    """The last door before the public: what is not in the data dictionary is in no file."""
    names = [column.name for column in columns]
    if list(frame.columns) == names:
        return
    differing = sorted(set(frame.columns) ^ set(names)) or list(frame.columns)
    raise GateFailed(
        "privacy",
        f"Die Tabelle {table.id} hat nicht die Spalten, die zur Veröffentlichung erklärt sind; es unterscheiden sich: "
        f"{', '.join(differing)}.",
        next_step="Das ist ein Fehler der Anonymisierung, nicht der Daten: die Entwicklung verständigen.",
    )


def _demand_key(frame: pandas.DataFrame, key: tuple[str, ...], table: Table) -> None:
    if not key:
        return
    wrong = int((frame.duplicated(list(key), keep=False) | frame[list(key)].isna().any(axis=1)).sum())
    if wrong:
        message = (
            f"In der Tabelle {table.id} erkennen die Schlüsselspalten {', '.join(key)} {wrong} von {len(frame)} "
            "Zeilen nicht eindeutig (mehrfach oder leer)."
        )
        raise GateFailed(
            "quality_public",
            message,
            next_step="Die Fachstelle fragen, was eine Zeile kennzeichnet, und Daten oder Schlüssel berichtigen.",
            findings=(Finding("primary_key", message, table.id, ", ".join(key), wrong, len(frame)),),
        )


def _demand_finite(frame: pandas.DataFrame, table: Table) -> None:
    """JSON has no infinity: GDAL would leave such a value out of the GeoJSON file without an error."""
    infinite = numpy.isinf(frame.select_dtypes("float")).sum()
    findings = tuple(
        Finding(
            "finite", f"In der Spalte {name} sind {count} von {len(frame)} Zahlen unendlich.", table.id, str(name),
            int(count), len(frame),
        )
        for name, count in infinite.items() if count
    )  # fmt: skip
    if findings:
        raise GateFailed(
            "quality_public",
            f"Die Tabelle {table.id} enthält unendliche Zahlen, die kein offenes Format darstellen kann.",
            next_step="Die Fachstelle nach der Bedeutung fragen und im Kontrakt als fehlenden Wert erklären.",
            findings=findings,
        )


def _demand_positions(frame: pandas.DataFrame, table: Table) -> None:
    """GeoJSON has no empty point, and GDAL breaks down on one; a row without position has no geometry at all."""
    if not isinstance(frame, geopandas.GeoDataFrame):
        return
    name = str(frame.geometry.name)
    empty = int(frame.geometry.is_empty.sum())
    if empty:
        message = f"In der Spalte {name} der Tabelle {table.id} sind {empty} von {len(frame)} Geometrien leer."
        raise GateFailed(
            "quality_public",
            message,
            next_step="Die Fachstelle bitten, unbekannte Lagen ohne Geometrie zu liefern statt mit einer leeren.",
            findings=(Finding("empty_geometry", message, table.id, name, empty, len(frame)),),
        )


def _release_file(folder: Path, name: str, code: str, table: Table, rows: int, conforms_to: str) -> ReleaseFile:
    path = folder / name
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return ReleaseFile(
        path=name, title=f"{table.title} ({FORMAT_TITLES[code]})", format=code, media_type=MEDIA_TYPES[code],
        table=table.id, rows=rows, size=path.stat().st_size, sha256=digest, conforms_to=conforms_to,
    )  # fmt: skip
