"""The content hash and the frames on disk: the same table gives the same hash, any other another."""

from __future__ import annotations

import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stadtdaten.read import content_hash, load_frame, write_frame

KEY = ("nr",)


def sample() -> gpd.GeoDataFrame:
    frame = pd.DataFrame(
        {
            "nr": pd.array(["b", "a", "c"], dtype="str"),
            "name": pd.array(["Ä", None, ""], dtype="str"),
            "zahl": pd.array([1, None, 3], dtype="Int64"),
            "wert": [0.5, float("nan"), -0.0],
            "ja": pd.array([True, None, False], dtype="boolean"),
            "tag": pd.to_datetime(["2026-01-01", None, "2026-01-02"]).as_unit("us"),
            "um": pd.to_datetime(["2026-01-01 12:00", None, "2026-07-01 12:00"])
            .tz_localize("Europe/Berlin")
            .as_unit("us"),
        }
    )
    points = gpd.points_from_xy([1.0, 2.0, 3.0], [4.0, 5.0, 6.0])
    return gpd.GeoDataFrame(frame, geometry=gpd.GeoSeries(points, crs="EPSG:25832"))


MUTATIONS: dict[str, Callable[[gpd.GeoDataFrame], Any]] = {
    "a value": lambda frame: frame.assign(zahl=frame["zahl"].replace(3, 4)),
    "a missing value instead of an empty one": lambda frame: frame.assign(name=frame["name"].replace("", None)),
    "a missing number instead of zero": lambda frame: frame.assign(zahl=frame["zahl"].fillna(0)),
    "the sign of zero": lambda frame: frame.assign(wert=frame["wert"].replace(-0.0, 0.0).abs()),
    "the last bit": lambda frame: frame.assign(wert=frame["wert"] * (1 + 2**-52)),
    "a column's name": lambda frame: frame.rename(columns={"zahl": "anzahl"}),
    "a column's type": lambda frame: frame.assign(zahl=frame["zahl"].astype("Float64")),
    "a column's time zone": lambda frame: frame.assign(um=frame["um"].dt.tz_convert("UTC")),
    "a column less": lambda frame: frame.drop(columns="ja"),
    "the columns' order": lambda frame: frame[[*frame.columns[::-1]]],
    "a row less": lambda frame: frame.iloc[:2],
    "a row twice": lambda frame: frame.iloc[[0, 1, 2, 2]],
    "a point": lambda frame: frame.set_geometry(frame.geometry.translate(0.001)),
    "no point": lambda frame: frame.set_geometry(frame.geometry.where([True, True, False])),
    "the reference system": lambda frame: frame.set_crs("EPSG:25833", allow_override=True),
    "text moved to the next cell": lambda frame: frame.assign(nr=["bÄ", "a", "c"], name=["", None, ""]),
}


@pytest.mark.parametrize("what", MUTATIONS)
def test_a_change_changes_the_hash(what: str) -> None:
    changed = MUTATIONS[what](sample())
    assert content_hash(changed, KEY) != content_hash(sample(), KEY)


def test_order_index_and_copies_do_not_change_the_hash() -> None:
    frame = sample()
    shuffled = frame.iloc[[2, 0, 1]].set_index(pd.Index([7, 8, 9]))
    assert content_hash(shuffled, KEY) == content_hash(frame, KEY)


def test_rows_with_equal_keys_are_ordered_by_their_values() -> None:
    frame = pd.DataFrame({"nr": ["a", "a", "a"], "wert": [0.0, -0.0, float("nan")]})
    hashes = {content_hash(frame.iloc[list(order)], KEY) for order in ([0, 1, 2], [2, 1, 0], [1, 0, 2])}
    assert len(hashes) == 1


@settings(max_examples=100)
@given(
    rows=st.lists(st.tuples(st.text(max_size=3), st.floats(), st.none() | st.text(max_size=3)), min_size=1, max_size=8),
    data=st.data(),
)
def test_the_hash_is_the_same_in_every_order_of_rows(rows: list[tuple[Any, ...]], data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(len(rows))))
    frame = pd.DataFrame(rows, columns=["nr", "wert", "text"]).astype({"nr": "str", "text": "str"})
    assert content_hash(frame.iloc[order], KEY) == content_hash(frame, KEY)


@settings(max_examples=100)
@given(
    rows=st.lists(
        st.tuples(st.none() | st.sampled_from("ab"), st.none() | st.integers(0, 3), st.none() | st.integers(0, 2)),
        max_size=8,
    ),
    data=st.data(),
)
def test_the_hash_is_the_same_in_every_order_also_with_keys_that_repeat_or_miss_parts(
    rows: list[tuple[Any, ...]], data: st.DataObject
) -> None:
    frame = pd.DataFrame(rows, columns=["nr", "zahl", "wert"]).astype({"nr": "str", "zahl": "Int64", "wert": "Int64"})
    order = data.draw(st.permutations(range(len(rows))))
    for key in (("nr", "zahl"), ("zahl",), ("nr", "zahl", "wert"), ()):
        assert content_hash(frame.iloc[order], key) == content_hash(frame, key)


def test_the_hash_of_a_table_stays_what_it_was() -> None:
    """Another hash publishes every dataset anew: a change of its definition is meant, or it is a mistake."""
    frame = sample()
    assert content_hash(frame, KEY) == content_hash(frame.sort_values("nr"), KEY)
    assert content_hash(frame.sort_values("nr"), KEY).startswith("39e61acfe5e6afaa")


def test_the_hash_is_the_same_in_another_process(tmp_path: Path) -> None:
    write_frame(sample(), tmp_path / "probe.parquet")
    code = (
        "import sys, pathlib; from stadtdaten.read import *; "
        "print(content_hash(load_frame(pathlib.Path(sys.argv[1])), ('nr',)))"
    )
    process = [sys.executable, "-c", code, str(tmp_path / "probe.parquet")]
    told = subprocess.run(process, capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": "1"})
    assert told.stdout.strip() == content_hash(sample(), KEY)


@pytest.mark.parametrize("geographic", [True, False])
def test_a_frame_comes_back_from_disk_as_it_was_and_private(tmp_path: Path, geographic: bool) -> None:
    frame = sample() if geographic else pd.DataFrame(sample().drop(columns="geometry"))
    file = tmp_path / "probe.parquet"
    file.write_text("alt")
    file.chmod(0o644)
    write_frame(frame, file)
    loaded = load_frame(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert type(loaded) is type(frame)
    assert loaded.dtypes.to_dict() == frame.dtypes.to_dict()
    assert content_hash(loaded, KEY) == content_hash(frame, KEY)
