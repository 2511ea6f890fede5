"""Where do the points of a column lie? Grid and streets take points only; anything else has no single place."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from stadtdaten.contracts.model import Column, Table
from stadtdaten.faults import Finding, GateFailed


def positions(points: gpd.GeoSeries, table: Table, column: Column) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Eastings and northings in the units of the column; NaN where the geometry is missing or empty.

    Raises GateFailed("privacy") if a geometry is no point.
    """
    values = points.to_numpy()
    there = ~shapely.is_missing(values) & ~shapely.is_empty(values)
    others = int((there & (shapely.get_type_id(values) != shapely.GeometryType.POINT)).sum())
    if others:
        raise GateFailed(
            "privacy",
            f"Tabelle {table.id}, Spalte {column.name}: {others} von {len(points)} Geometrien sind keine Punkte und "
            "lassen sich nicht vergröbern.",
            next_step="In der Quelle Punkte liefern lassen oder die Spalte weglassen (treatment: {kind: drop}).",
            findings=(
                Finding("points", "Geometrien, die keine Punkte sind.", table.id, column.name, others, len(points)),
            ),
        )
    places = np.where(there, values, None)  # an empty point has no coordinate to ask for
    return shapely.get_x(places), shapely.get_y(places)
