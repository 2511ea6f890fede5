"""The table that every peer serves, how it is read through our connectors, and what must come back of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from stadtdaten.contracts.interfaces import Interface, Limits
from stadtdaten.contracts.load import load_city
from stadtdaten.contracts.model import Table
from stadtdaten.extract import Fetched, fetch_table
from stadtdaten.frames import Endpoint
from stadtdaten.read import ReadTable, read_table

CITY = load_city(Path(__file__).resolve().parents[2] / "include" / "city.yaml")
ROWS = 2500

GENERA = ("Ahorn, Feld-", "Weißdorn; „Paul's Scarlet“", 'Linde "Örebro" <&>', "Rosskastanie\tgefüllt", "Ulme")


def trees(count: int = ROWS) -> gpd.GeoDataFrame:
    """``count`` trees inside the city (metres, EPSG:25832), with umlauts, delimiters, quotes and empty cells."""
    number = np.arange(count)
    return gpd.GeoDataFrame(
        {
            "kennung": [f"0{each:05}" for each in number],
            "gattung": [GENERA[each % len(GENERA)] for each in number],
            "hoehe": number / 8 - 10.5,
            "pflanzjahr": pd.array(number % 120 + 1905, dtype="Int64"),
        },
        geometry=shapely.points(403_000.25 + number * 8.5, 5_716_000.125 + number * 7.25),
        crs=CITY.crs,
    ).assign(pflanzjahr=lambda frame: frame["pflanzjahr"].mask(number % 7 == 3))


def tree_table(resource: str, reading: dict[str, Any], geometry: str | None = None) -> Table:
    """The contract of the trees; ``geometry`` is what the source calls the geometry, None where it has none."""
    types = {"kennung": "string", "gattung": "string", "hoehe": "number", "pflanzjahr": "integer"}
    columns = [
        {"name": name, "source": name, "type": kind, "class": "public", "title": name} for name, kind in types.items()
    ]
    if geometry is not None:
        columns.append(
            {"name": "geometry", "source": geometry, "type": "geometry", "class": "public", "title": "Standort"}
        )
    return Table.model_validate(
        {
            "id": "baeume", "title": "Bäume", "resource": resource, "reading": reading, "key": ["kennung"],
            "columns": columns,
        }
    )  # fmt: skip


def read_through(
    interface: Interface, table: Table, endpoint: Endpoint, folder: Path, limits: Limits | None = None
) -> ReadTable:
    """The table as the pipeline would read it, from the first byte to the typed frame."""
    limits = limits or Limits(seconds=60)
    fetched = fetch_table(interface, table, endpoint, folder, limits, None)
    assert isinstance(fetched, Fetched)
    return read_table(table, fetched.files, CITY, limits)


def assert_same(read: ReadTable, expected: gpd.GeoDataFrame, metres: float) -> None:
    """Every cell is what was put in, and every point at most so many metres from where it was put."""
    found = read.frame.sort_values("kennung", ignore_index=True)
    names = [name for name in expected.columns if name != "geometry"]
    pd.testing.assert_frame_equal(
        pd.DataFrame(found[names]), pd.DataFrame(expected[names]), check_exact=True, check_index_type=False
    )
    if "geometry" in found:
        assert found.crs == expected.crs
        assert found.geometry.distance(expected.geometry, align=False).max() <= metres
