"""How does a table look as CSV that every program reads the same way?

UTF-8 without byte order mark, comma, decimal point, CRLF and quotes only where needed (RFC 4180), one header row;
an empty field is a missing value; codes keep their zeros; ISO 8601 dates and times with offset; ``true``/``false``;
numbers in the shortest form that reads back to the same number.

CSV knows no geometry. Points become four columns, so that a spreadsheet and a map both find what they need:
``laenge`` and ``breite`` (WGS 84, degrees, 6 decimals, about 0.1 m) and ``ostwert`` and ``nordwert`` (the city's
CRS, metres, 3 decimals). Any other geometry stays one column: well-known text in WGS 84 with 6 decimals.

A table is of points or of something else, never both: one stray multipoint would take away the coordinate columns
that everybody reads. A multipoint of a single point, as many servers write points, counts as that point. A table
without a single geometry counts as one of points.
"""

from __future__ import annotations

from pathlib import Path

import geopandas
import numpy
import pandas
import shapely

from stadtdaten.contracts import City
from stadtdaten.faults import Finding, GateFailed, Misconfigured
from stadtdaten.frames import PublishedColumn
from stadtdaten.standards.geodata import WGS84

DEGREE_DECIMALS = 6
"""As RFC 7946 §11.2 recommends: about 10 cm, and not more precise than a municipal register."""

METRE_DECIMALS = 3


def flatten(
    frame: pandas.DataFrame, columns: tuple[PublishedColumn, ...], city: City
) -> tuple[pandas.DataFrame, tuple[PublishedColumn, ...]]:
    """The table without geometry type, and its data dictionary: what stands in the CSV file.

    A frame without geometry comes back as it is. Raises Misconfigured where a declared column already has the name
    of a coordinate column, GateFailed where only some of the geometries are points.
    """
    geometry = next((column for column in columns if column.type == "geometry"), None)
    if geometry is None:
        return frame, columns
    shapes = _single(frame[geometry.name])
    points = shapes.geom_type.dropna() == "Point"
    if points.any() and not points.all():
        _refuse_mixture(geometry.name, int((~points).sum()), len(points))
    if points.all():
        parts, described = _point_columns(shapes, city)
    else:
        parts, described = _text_column(shapes, geometry)
    taken = sorted({column.name for column in columns if column is not geometry} & {one.name for one in described})
    if taken:
        raise Misconfigured(
            f"Die Spalten {', '.join(taken)} heißen wie die Koordinatenspalten der CSV-Datei.",
            next_step="Im Kontrakt andere Namen für diese Spalten wählen.",
        )
    flat = pandas.DataFrame(frame.drop(columns=geometry.name))
    at = columns.index(geometry)
    for offset, (name, values) in enumerate(parts.items()):
        flat.insert(at + offset, name, values)
    return flat, (*columns[:at], *described, *columns[at + 1 :])


def write_csv(flat: pandas.DataFrame, columns: tuple[PublishedColumn, ...], path: Path) -> None:
    """Write a flattened table (rows in their final order) to ``path``."""
    text = pandas.DataFrame({column.name: _as_text(flat[column.name], column.type) for column in columns})
    text.to_csv(path, index=False, encoding="utf-8", lineterminator="\r\n", na_rep="")


def _iso_text(values: pandas.Series, kind: str) -> pandas.Series:
    """Dates as ``2026-11-23``, datetimes as ``2026-11-23T01:30:00+01:00``; missing values stay missing."""
    moments = values.dropna().unique()
    texts = {moment: (moment.date() if kind == "date" else moment).isoformat() for moment in moments}
    return values.map(texts).astype("str")


def _as_text(values: pandas.Series, kind: str) -> pandas.Series:
    if kind in ("date", "datetime"):
        return _iso_text(values, kind)
    if kind == "boolean":
        return values.map({True: "true", False: "false"}).astype("str")
    return values


def _point_columns(
    shapes: geopandas.GeoSeries, city: City
) -> tuple[dict[str, numpy.ndarray], tuple[PublishedColumn, ...]]:
    degrees, metres = shapes.to_crs(WGS84), shapes.to_crs(city.crs)
    values = {
        "laenge": degrees.x.to_numpy().round(DEGREE_DECIMALS),
        "breite": degrees.y.to_numpy().round(DEGREE_DECIMALS),
        "ostwert": metres.x.to_numpy().round(METRE_DECIMALS),
        "nordwert": metres.y.to_numpy().round(METRE_DECIMALS),
    }
    described = (
        PublishedColumn(name="laenge", title="Geografische Länge (WGS 84)", type="number", unit="°"),
        PublishedColumn(name="breite", title="Geografische Breite (WGS 84)", type="number", unit="°"),
        PublishedColumn(name="ostwert", title=f"Ostwert ({city.crs})", type="number", unit="m"),
        PublishedColumn(name="nordwert", title=f"Nordwert ({city.crs})", type="number", unit="m"),
    )
    return values, described


def _single(shapes: geopandas.GeoSeries) -> geopandas.GeoSeries:
    """Each multipoint of one point as that point; every other geometry as it is."""
    alone = (shapes.geom_type == "MultiPoint") & (shapely.get_num_geometries(shapes.to_numpy()) == 1)
    return shapes.where(~alone, shapes.centroid) if alone.any() else shapes


def _refuse_mixture(column: str, others: int, total: int) -> None:
    message = f"In der Spalte {column} sind {others} von {total} Geometrien keine einzelnen Punkte, die übrigen schon."
    raise GateFailed(
        "quality_public",
        message,
        next_step="Mit der Fachstelle klären, ob die Tabelle Punkte oder etwas anderes enthält: Die Spalten der "
        "CSV-Datei hängen davon ab.",
        findings=(Finding("mixed_geometries", message, "", column, others, total),),
    )


def _text_column(
    shapes: geopandas.GeoSeries, geometry: PublishedColumn
) -> tuple[dict[str, numpy.ndarray], tuple[PublishedColumn, ...]]:
    text = shapely.to_wkt(shapes.to_crs(WGS84).to_numpy(), rounding_precision=DEGREE_DECIMALS)
    note = "Well-Known Text, geografische Länge und Breite in WGS 84"
    described = geometry.model_copy(
        update={"type": "string", "description": f"{geometry.description} ({note})" if geometry.description else note}
    )
    return {geometry.name: text}, (described,)
