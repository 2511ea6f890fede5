"""A real OGC API Features (pygeoapi over GeoJSON): its links, its page limit, its idea of JSON or HTML."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import pytest

from peers.probe import ROWS, assert_same, read_through, tree_table, trees
from peers.server import free_port, running
from stadtdaten.contracts.interfaces import Limits, OgcFeaturesInterface
from stadtdaten.faults import SourceInMotion, SourceUnavailable, SourceUnreadable
from stadtdaten.frames import Endpoint

PYTHON = Path(__file__).resolve().parents[2] / ".venv-peers" / "bin" / "python"
TABLE = tree_table("baeume", {"format": "geojson"}, "geometry")


@dataclass(frozen=True)
class Pygeoapi:
    folder: Path
    endpoint: Endpoint

    def serve(self, frame: gpd.GeoDataFrame, name: str = "baeume.geojson") -> None:
        """Puts the frame behind the collection, or beside it to take its place between two pages (baeume.next)."""
        new = self.folder / "new.geojson"
        frame.to_crs("OGC:CRS84").to_file(new, driver="GeoJSON", engine="pyogrio", COORDINATE_PRECISION=9)
        new.replace(self.folder / name)


@pytest.fixture
def pygeoapi(tmp_path: Path) -> Iterator[Pygeoapi]:
    folder = tmp_path / "pygeoapi"
    folder.mkdir()
    port = free_port()
    state = Pygeoapi(folder, Endpoint(url=f"http://127.0.0.1:{port}"))
    state.serve(trees())
    script = Path(__file__).with_name("pygeoapi_server.py")
    with running([PYTHON, script, folder, str(port)], port, tmp_path / "log"):
        yield state


def features(page_size: int = 1000) -> OgcFeaturesInterface:
    return OgcFeaturesInterface(kind="ogc_features", connection="peer", page_size=page_size)


def test_every_page_comes_once_whatever_the_last_one_holds(pygeoapi: Pygeoapi, tmp_path: Path) -> None:
    for rows, page_size in ((1, 10), (9, 10), (10, 10), (11, 10), (20, 10), (ROWS, 1000), (ROWS, 500)):
        expected = trees(rows)
        pygeoapi.serve(expected)
        folder = tmp_path / f"{rows}-{page_size}"
        folder.mkdir()
        assert_same(read_through(features(page_size), TABLE, pygeoapi.endpoint, folder), expected, metres=0.001)


def test_a_server_that_caps_the_page_below_what_was_asked_for_loses_nothing(pygeoapi: Pygeoapi, tmp_path: Path) -> None:
    assert_same(read_through(features(100_000), TABLE, pygeoapi.endpoint, tmp_path), trees(), metres=0.001)


def test_a_collection_that_the_server_does_not_know_is_an_error(pygeoapi: Pygeoapi, tmp_path: Path) -> None:
    unknown = tree_table("straeucher", {"format": "geojson"}, "geometry")
    with pytest.raises(SourceUnreadable, match="404"):
        read_through(features(), unknown, pygeoapi.endpoint, tmp_path)


@pytest.mark.parametrize("after", ["inserted", "felled"])
def test_a_tree_inserted_or_felled_between_pages_is_an_error(pygeoapi: Pygeoapi, tmp_path: Path, after: str) -> None:
    full, without_the_first = trees(), trees().iloc[1:]
    before, later = (without_the_first, full) if after == "inserted" else (full, without_the_first)
    pygeoapi.serve(before)
    pygeoapi.serve(later, "baeume.next")
    with pytest.raises((SourceUnreadable, SourceInMotion)):
        read_through(features(), TABLE, pygeoapi.endpoint, tmp_path)
    assert not (pygeoapi.folder / "baeume.next").exists()


def test_a_server_that_ends_between_pages_is_an_error(pygeoapi: Pygeoapi, tmp_path: Path) -> None:
    (pygeoapi.folder / "stop").touch()
    with pytest.raises(SourceUnavailable):
        read_through(features(), TABLE, pygeoapi.endpoint, tmp_path, Limits(seconds=10))
