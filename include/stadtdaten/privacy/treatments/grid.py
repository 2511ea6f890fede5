"""In which cell of the European grid does a point lie, and how coarse must the cell be so that enough others are there?

The grid is that of the INSPIRE data specification on geographical grid systems and of the census: squares of 100, 500
or 1000 metres in ETRS89-LAEA (EPSG:3035), named after their side and lower left corner:
``CRS3035RES100mN2689300E4337000``.

Which size a point gets
    First, cells of the declared size with at least ``minimum`` points are shown. Of the points that are left, those
    get the next coarser cell of whom it holds at least ``minimum``; points already shown do not count. What is then
    left has no place.
    So nothing is gained by subtracting the fine cells from the coarse one around them: in what is left of its area lie
    exactly the points that are shown with it, at least ``minimum``, and they lie in at least two fine cells, for one
    alone would have been shown. Had the points already shown counted, the coarse cell could have hidden a single one
    among its neighbours, and subtraction would have found it.
    This holds for one release. Who has two, and recognises a row by its other columns, can learn that it lay in both
    of its cells; therefore what is published beside a place is to be coarse as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from stadtdaten.contracts.model import Column, Table
from stadtdaten.contracts.protection import Grid
from stadtdaten.privacy.treatments.points import positions

LAEA = "EPSG:3035"
SIZES = (100, 500, 1000)
"""Sides of the cells in metres; each divides the next."""

NAME = re.compile(r"CRS3035RES(100|500|1000)mN([1-9]\d{6})E([1-9]\d{6})")
"""Side, north and east of the lower left corner in metres."""

LEAST = 10**6
"""Metres: cells with smaller coordinates, or ten times as large ones, have no name. Europe lies between; a point of
another place, such as 0 0 for none, has no cell."""

MILLIMETRE = 3
"""Decimals of coordinates in metres: what the conversion between the reference systems leaves open lies below."""


def in_grid(
    points: gpd.GeoSeries, spec: Grid, crs: str, table: Table, column: Column
) -> tuple[gpd.GeoSeries, pd.Series]:
    """The cell (a square, in ``crs``) and its name for each point (in ``crs``, metres); missing where none is shown.

    Raises GateFailed("privacy") if a geometry is no point.
    """
    east, north = _transformed(*positions(points, table, column), crs, LAEA)
    sizes = _sizes(east, north, spec)
    shown = sizes > 0
    names = np.full(len(points), None, dtype=object)
    names[shown] = [
        f"CRS3035RES{size}mN{int(n // size * size)}E{int(e // size * size)}"
        for size, n, e in zip(sizes[shown], north[shown], east[shown], strict=True)
    ]
    texts = pd.Series(names, index=points.index, dtype="str")
    return squares(texts, crs), texts


def _sizes(east: NDArray[np.float64], north: NDArray[np.float64], spec: Grid) -> NDArray[np.int64]:
    """The side of each point's cell; 0 for none. Coordinates in LAEA, NaN for a missing point."""
    sizes = np.zeros(len(east), dtype=np.int64)
    within = (east >= LEAST) & (east < 10 * LEAST) & (north >= LEAST) & (north < 10 * LEAST)
    for size in SIZES[SIZES.index(spec.size) :]:
        left = np.flatnonzero((sizes == 0) & within)
        cells = (east[left] // size).astype(np.int64) * 10**7 + (north[left] // size).astype(np.int64)
        _, cell, points = np.unique(cells, return_inverse=True, return_counts=True)
        sizes[left[points[cell] >= spec.minimum]] = size
    return sizes


def squares(names: pd.Series, crs: str) -> gpd.GeoSeries:
    """The cell of each name (missing stays missing) as a polygon in ``crs``, metres to the millimetre.

    The sides are straight lines in ``crs``; those of the grid's own projection deviate by less than that.
    """
    cell, distinct = pd.factorize(names)
    size, north, east = pd.Series(distinct, dtype="str").str.extract(NAME).astype("float64").to_numpy().T
    corners = [(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)]
    rings = np.stack(
        [np.column_stack(_transformed(east + right * size, north + up * size, LAEA, crs)) for right, up in corners],
        axis=1,
    )
    cells = np.array([*shapely.polygons(rings.round(MILLIMETRE)), None], dtype=object)  # the last one: no name, -1
    return gpd.GeoSeries(cells[cell], index=names.index, crs=crs)


def _transformed(
    east: NDArray[np.float64], north: NDArray[np.float64], source: str, target: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """To the millimetre, so that a corner that is converted back stands where it stood; NaN stays NaN."""
    transformer = pyproj.Transformer.from_crs(source, target, always_xy=True)
    there = np.isfinite(east) & np.isfinite(north)
    result = np.full((2, len(east)), np.nan)
    result[:, there] = np.round(transformer.transform(east[there], north[there]), MILLIMETRE)
    return result[0], result[1]


def wrong_cells(geometry: gpd.GeoSeries, names: pd.Series, spec: Grid, crs: str) -> Iterator[tuple[str, int]]:
    """What is wrong with published cells, as a German half-sentence and the number of rows."""
    distinct = pd.Series(names.dropna().unique(), dtype="str")
    parts = distinct.str.extract(NAME).astype("float64")
    side = parts[0]
    aligned = (parts[1] % side == 0) & (parts[2] % side == 0) & (side >= spec.size)
    whole = distinct.str.fullmatch(NAME.pattern).astype(bool)
    if count := int(names.isin(distinct[~(aligned & whole)]).sum()):
        yield "nennen keine Zelle des Gitters in erlaubter Größe", count
        return
    shown = names.notna()
    expected = squares(names, crs)
    same = shapely.equals_exact(
        shapely.normalize(geometry.to_numpy()), shapely.normalize(expected.to_numpy()), tolerance=0.01
    )
    if count := int((np.where(shown, ~same, ~geometry.isna() & ~geometry.is_empty)).sum()):
        yield "zeigen einen anderen Ort als die Zelle, die sie nennen", count
    rows = names.map(names.value_counts())
    if count := int((rows < spec.minimum).sum()):
        yield f"liegen in Zellen mit weniger als {spec.minimum} Zeilen", count
