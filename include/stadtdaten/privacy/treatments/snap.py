"""To which street or block does a point belong, and are there enough others?

What is published is the middle of the street (line) or block (polygon), never a place that depends on the point.
"""

from __future__ import annotations

from collections.abc import Iterator

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from stadtdaten.contracts.model import Column, Table
from stadtdaten.contracts.protection import Snap
from stadtdaten.faults import GateFailed
from stadtdaten.privacy.treatments.points import positions


def snapped(
    points: gpd.GeoSeries, spec: Snap, reference: gpd.GeoDataFrame, table: Table, column: Column
) -> gpd.GeoSeries:
    """The middle of each point's place; missing where fewer than ``minimum`` points have it. Both in the city's CRS.

    Of places equally near it is the one whose middle lies furthest west (then south). Raises GateFailed("privacy") if
    a geometry is no point or the reference has no place.
    """
    places, middles = _places(reference)
    if not len(places):
        raise GateFailed(
            "privacy",
            f"Tabelle {table.id}, Spalte {column.name}: Das Verzeichnis {spec.reference} enthält keine Orte.",
            next_step="Die Quelle des Verzeichnisses prüfen.",
        )
    east, north = positions(points, table, column)
    there = np.flatnonzero(np.isfinite(east))
    nearest = shapely.STRtree(places).query_nearest(shapely.points(east[there], north[there]), all_matches=True)
    nearest = nearest[:, np.lexsort((nearest[1], nearest[0]))]
    _, first = np.unique(nearest[0], return_index=True)
    place = nearest[1][first]
    enough = np.bincount(place, minlength=len(places))[place] >= spec.minimum
    shown = np.full(len(points), None, dtype=object)
    shown[there[enough]] = middles[place[enough]]
    return gpd.GeoSeries(shown, index=points.index, crs=points.crs)


def wrong_places(geometry: gpd.GeoSeries, spec: Snap, reference: gpd.GeoDataFrame) -> Iterator[tuple[str, int]]:
    """What is wrong with published places, as a German half-sentence and the number of rows."""
    shown = geometry[geometry.notna() & ~geometry.is_empty].to_wkb()
    _, middles = _places(reference)
    if count := int((~shown.isin(shapely.to_wkb(middles))).sum()):
        yield "liegen nicht in der Mitte einer Straße oder eines Blocks", count
    if count := int((shown.map(shown.value_counts()) < spec.minimum).sum()):
        yield f"liegen an Orten mit weniger als {spec.minimum} Zeilen", count


def _places(reference: gpd.GeoDataFrame) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
    """The reference's geometries and the middle of each, ordered by the middles, one place for each of them."""
    places = reference.geometry.to_numpy()
    places = places[~shapely.is_missing(places) & ~shapely.is_empty(places)]
    middles = _middles(places)
    corners = np.column_stack([shapely.get_x(middles), shapely.get_y(middles)]).reshape(len(places), 2)
    _, first = np.unique(corners, axis=0, return_index=True)
    return places[first], middles[first]


def _middles(places: NDArray[np.object_]) -> NDArray[np.object_]:
    """Half way along a line (of several parts: of the longest), a point inside a polygon."""
    middles: NDArray[np.object_] = shapely.point_on_surface(places)
    line = np.isin(shapely.get_type_id(places), (shapely.GeometryType.LINESTRING, shapely.GeometryType.MULTILINESTRING))
    parts, owner = shapely.get_parts(places[line], return_index=True)
    order = np.lexsort((-shapely.length(parts), owner))
    _, longest = np.unique(owner[order], return_index=True)
    middles[line] = shapely.line_interpolate_point(parts[order][longest], 0.5, normalized=True)
    return middles
