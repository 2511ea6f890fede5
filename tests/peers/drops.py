"""The trees as a German office lays them down in a file: cp1252, semicolon, decimal comma."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd

from peers.probe import tree_table
from stadtdaten.contracts.model import Table

READING = {
    "format": "csv", "encoding": "cp1252", "delimiter": ";", "decimal": ",", "thousands": "",
    "x": "rechts", "y": "hoch", "crs": "EPSG:25832",
}  # fmt: skip


def lay_down(frame: gpd.GeoDataFrame, path: Path) -> None:
    """Writes the file."""
    cells = frame.drop(columns="geometry").assign(rechts=frame.geometry.x, hoch=frame.geometry.y)
    cells.to_csv(path, sep=";", decimal=",", encoding="cp1252", index=False, lineterminator="\r\n")


def table(resource: str) -> Table:
    """The contract of files of that name or pattern."""
    return tree_table(resource, READING, "geometry")
