"""Where on earth are the coordinates? From what the file, the contract or the city's extent says to the city's CRS."""

from __future__ import annotations

import geopandas as gpd

from stadtdaten.contracts.model import City, Table
from stadtdaten.frames import Repair


def in_city_crs(table: Table, geometry: gpd.GeoSeries, city: City, repairs: list[Repair]) -> gpd.GeoSeries:
    """The geometries in the city's CRS (metres, east before north)."""
    name = table.geometry.name if table.geometry else ""
    if geometry.crs is None:
        geometry = geometry.set_crs(city.crs)
    if geometry.crs == city.crs:
        return geometry
    detail = f"von {geometry.crs.to_string()} nach {city.crs} umgerechnet"
    repairs.append(Repair(kind="reprojected", column=name, count=len(geometry), detail=detail))
    return geometry.to_crs(city.crs)
