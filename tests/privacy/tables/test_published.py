"""What is kept of a published table can be read again after years, and costs little."""

from __future__ import annotations

import itertools

import geopandas
import numpy as np
import pandas as pd
from pandas.testing import assert_frame_equal
from shapely import Point

from published_tables import counts, publish, sums
from stadtdaten.privacy.tables.published import declaration, decode, decode_declaration, encode

CELLS = {cell: 3 + n for n, cell in enumerate(itertools.product(("Mitte", "Nord"), ("männlich", "weiblich")))}


def test_a_table_comes_back_with_its_types_and_its_reading() -> None:
    table = counts("bezirk", "geschlecht", minimum=5)
    frame = publish(table, CELLS, {("Mitte", "weiblich")}).assign(tag=pd.Timestamp("2025-12-31"))
    content = encode(frame, table)
    assert_frame_equal(decode(content), frame)
    assert decode_declaration(content) == declaration(table)
    sum_table = sums("bezirk")
    amounts = publish(sum_table, {("Mitte",): 1.5}, {("Mitte",)})
    assert_frame_equal(decode(encode(amounts, sum_table)), amounts)


def test_the_same_table_gives_the_same_bytes() -> None:
    table = counts("bezirk", "geschlecht")
    assert encode(publish(table, CELLS, set()), table) == encode(publish(table, CELLS, set()), table)


def test_geometries_are_not_kept() -> None:
    table = counts("bezirk").model_copy(update={"frequency_table": None})
    frame = geopandas.GeoDataFrame({"bezirk": ["Mitte"], "lage": [Point(1, 2)]}, geometry="lage", crs="EPSG:25832")
    content = encode(frame, table)
    assert list(decode(content).columns) == ["bezirk"]
    assert decode_declaration(content) is None


def test_a_large_table_takes_three_bytes_a_cell() -> None:
    """Kept forever, every night that changes it."""
    table = counts("jahr", "alter", "bezirk", "geschlecht", margins=["alter", "bezirk", "geschlecht"])
    names = itertools.product([str(2000 + n) for n in range(10)], *([f"{k}{n}" for n in range(9)] for k in "abg"))
    cells = dict(zip(names, np.random.default_rng(0).poisson(60, 7290).tolist(), strict=True))
    frame = publish(table, cells, set())
    assert len(frame) == 10_000
    assert len(encode(frame, table)) < 30_000
