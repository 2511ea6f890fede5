"""Frames on disk: Parquet, or GeoParquet where there is a geometry, readable by their owner only (personal data)."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyarrow.parquet as pq


def write_frame(frame: pd.DataFrame, path: Path) -> None:
    """Write the frame to ``path`` (mode 0600), replacing what is there."""
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    frame.to_parquet(path, index=False)


def load_frame(path: Path) -> pd.DataFrame:
    """The frame written by ``write_frame``, with the same columns, types and CRS."""
    geographic = b"geo" in (pq.read_schema(path).metadata or {})
    return gpd.read_parquet(path) if geographic else pd.read_parquet(path)
