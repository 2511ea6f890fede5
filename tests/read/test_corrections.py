"""Late corrections: the row that arrived last counts, and every replaced one is counted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stadtdaten.contracts import City, Table
from stadtdaten.contracts.interfaces import Limits
from stadtdaten.faults import SourceUnreadable
from stadtdaten.frames import Repair
from stadtdaten.read import read_table
from stadtdaten.read.corrections import with_corrections


def gauge(key: list[str], **options: Any) -> Table:
    columns = {"station": "string", "tag": "date", "wert": "number"}
    return Table.model_validate(
        {
            "id": "probe", "title": "Probe", "resource": "probe",
            "reading": {"format": "csv", "delimiter": ";", "decimal": ".", "thousands": ""},
            "key": key, "corrections": True, **options,
            "columns": [
                {"name": name, "source": name, "title": name, "class": "public", "type": kind}
                for name, kind in columns.items()
            ],
        }
    )  # fmt: skip


def frame_of(rows: Sequence[tuple[str | None, str, float | None]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["station", "tag", "wert"])
    frame["tag"] = pd.to_datetime(frame["tag"]).dt.as_unit("us")
    return frame.astype({"station": "str", "wert": "float64"})


def test_a_later_row_replaces_an_earlier_one_with_the_same_key(tmp_path: Path, city: City) -> None:
    file = tmp_path / "probe.csv"
    file.write_text(
        "station;tag;wert\na;2026-01-01;1\nb;2026-01-01;2\na;2026-01-01;3\nb;2026-01-01;2\na;2026-01-02;4\n"
    )
    read = read_table(gauge(["station", "tag"]), (file,), city, Limits())
    assert read.frame["wert"].tolist() == [3.0, 2.0, 4.0]
    counts = {repair.kind: repair.count for repair in read.repairs}
    assert (counts["corrected"], counts["repeated"]) == (1, 1)


def test_without_rows_of_the_same_key_nothing_is_told() -> None:
    repairs: list[Repair] = []
    frame = frame_of([("a", "2026-01-01", 1), ("b", "2026-01-01", None)])
    assert with_corrections(gauge(["station", "tag"]), frame, repairs) is frame
    assert repairs == []


def test_a_missing_value_and_a_moved_point_are_corrections_too() -> None:
    frame = frame_of(
        [("a", "2026-01-01", None), ("a", "2026-01-01", 1), ("b", "2026-01-01", None), ("b", "2026-01-01", None)]
    )
    points = gpd.GeoDataFrame(frame, geometry=gpd.points_from_xy([1, 1, 2, 3], [1, 1, 1, 1]), crs="EPSG:25832")
    repairs: list[Repair] = []
    kept = with_corrections(gauge(["station"]), points, repairs)
    assert isinstance(kept, gpd.GeoDataFrame) and kept.geometry.x.tolist() == [1, 3]
    assert {repair.kind: repair.count for repair in repairs} == {"corrected": 2}


def test_rows_without_a_whole_key_are_an_error_and_replace_nothing() -> None:
    frame = frame_of([("a", "2026-01-01", 1), (None, "2026-01-01", 2), (None, "2026-01-01", 3)])
    with pytest.raises(SourceUnreadable, match="„station“: 2 von 3 Werten des Schlüssels fehlen"):
        with_corrections(gauge(["station", "tag"]), frame, [])


@settings(max_examples=150, deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from("abc"), st.sampled_from(["2026-01-01", "2026-01-02"]), st.sampled_from([1.0, 2.0, None])
        ),
        max_size=12,
    )
)
def test_what_is_left_is_what_a_dictionary_would_keep(rows: list[tuple[str, str, float | None]]) -> None:
    last: dict[tuple[str, str], float | None] = {}
    expected = {"corrected": 0, "repeated": 0}
    for station, day, value in rows:
        if (station, day) in last:
            expected["repeated" if last[station, day] == value else "corrected"] += 1
        last[station, day] = value
    repairs: list[Repair] = []
    kept = with_corrections(gauge(["station", "tag"]), frame_of(rows), repairs)
    found = zip(kept["station"], kept["tag"].dt.strftime("%Y-%m-%d"), kept["wert"], strict=True)
    assert {(station, day): None if np.isnan(value) else value for station, day, value in found} == last
    assert {"corrected": 0, "repeated": 0, **{repair.kind: repair.count for repair in repairs}} == expected
