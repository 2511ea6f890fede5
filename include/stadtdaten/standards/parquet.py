"""How does a table become a file for analysis that keeps every type?

Parquet with zstd; with geometry GeoParquet 1.1. GeoParquet is in WGS 84, its default: the tools that read it from the
web take coordinates for degrees; who needs the city's CRS takes the GeoPackage.
"""

from __future__ import annotations

from pathlib import Path

import geopandas
import pandas


def write_parquet(frame: pandas.DataFrame, path: Path) -> None:
    """Write rows without geometry."""
    frame.to_parquet(path, index=False, compression="zstd")


def write_geoparquet(degrees: geopandas.GeoDataFrame, path: Path) -> None:
    """Write rows whose geometry is in WGS 84 (degrees)."""
    degrees.to_parquet(path, index=False, compression="zstd", schema_version="1.1.0")
