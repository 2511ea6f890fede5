"""A real WFS (MapServer over a GeoPackage): our pages against the ones it really sends.

MapServer does not count (``numberMatched="unknown"``), links the next page, puts ``ms:`` before its types, and tells
nobody when rows come or go between two pages. It runs as CGI, as at most providers; the web server is ours.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest

from peers.probe import assert_same, read_through, tree_table, trees
from stadtdaten.contracts.interfaces import Limits, WfsInterface
from stadtdaten.faults import SourceInMotion, SourceUnavailable, SourceUnreadable
from stadtdaten.frames import Endpoint

MAPSERV = Path("/usr/lib/cgi-bin/mapserv")
MAP = """
MAP
  NAME "peer"
  EXTENT 402000 5714000 427000 5736000
  PROJECTION "init=epsg:25832" END
  WEB METADATA
    "ows_enable_request" "*"
    "ows_title" "Probe"
    "ows_onlineresource" "{url}"
    "ows_srs" "{srs}"
    "wfs_encoding" "UTF-8"
  END END
  LAYER
    NAME "baeume"
    TYPE POINT
    STATUS ON
    CONNECTIONTYPE OGR
    CONNECTION "{data}"
    DATA "baeume"
    PROJECTION "init=epsg:25832" END
    METADATA
      "wfs_title" "Bäume"
      "gml_include_items" "all"
      "gml_types" "auto"
      "gml_featureid" "kennung"
    END
  END
END
"""


@dataclass
class MapServer:
    """``before`` is called with each request's query; ``cut_after`` kills mapserv after so many bytes of an answer."""

    folder: Path
    url: str = ""
    before: Callable[[str], None] = lambda query: None
    cut_after: int | None = None
    queries: list[str] = field(default_factory=list)

    def serve(self, frame: gpd.GeoDataFrame, srs: str = "EPSG:25832 EPSG:4326") -> None:
        """Puts the frame behind the feature type ``ms:baeume``; the first of ``srs`` is the default one."""
        self.store(frame)
        (self.folder / "peer.map").write_text(
            MAP.format(url=self.url, data=self.folder / "baeume.gpkg", srs=srs), encoding="utf-8"
        )
        (self.folder / "mapserver.conf").write_text('CONFIG\n  ENV\n    MS_MAP_PATTERN "."\n  END\nEND\n')

    def store(self, frame: gpd.GeoDataFrame) -> None:
        """Replaces the data."""
        new = self.folder / "new.gpkg"
        frame.to_file(new, layer="baeume", engine="pyogrio")
        new.replace(self.folder / "baeume.gpkg")

    def process(self, query: str) -> subprocess.Popen[bytes]:
        environment = {
            "PATH": os.environ["PATH"], "REQUEST_METHOD": "GET", "QUERY_STRING": query,
            "MS_MAPFILE": str(self.folder / "peer.map"),
            "MAPSERVER_CONFIG_FILE": str(self.folder / "mapserver.conf"),
        }  # fmt: skip
        return subprocess.Popen([MAPSERV], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)


@pytest.fixture
def mapserver(tmp_path: Path) -> Iterator[MapServer]:
    folder = tmp_path / "mapserver"
    folder.mkdir()
    state = MapServer(folder)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            query = self.path.partition("?")[2]
            state.queries.append(query)
            state.before(query)
            with state.process(query) as process:
                assert process.stdout is not None
                self.send_response(200)
                while (line := process.stdout.readline().strip()) != b"":
                    name, _, value = line.decode().partition(":")
                    self.send_header(name, value.strip())
                self.end_headers()
                if state.cut_after is not None:
                    self.wfile.write(process.stdout.read(state.cut_after))
                    process.kill()
                else:
                    shutil.copyfileobj(process.stdout, self.wfile)

        def log_message(self, *_: Any) -> None:
            """Tests need no access log."""

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{httpd.server_port}/wfs?"
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield state
    finally:
        httpd.shutdown()
        thread.join()
        httpd.server_close()


def wfs(version: str, page_size: int = 1000) -> WfsInterface:
    return WfsInterface.model_validate(
        {"kind": "wfs", "connection": "peer", "version": version, "page_size": page_size}
    )


TABLE = tree_table("ms:baeume", {"format": "gml"}, "msGeometry")
VERSIONS = pytest.mark.parametrize("version", ["2.0.0", "1.1.0"])


@VERSIONS
@pytest.mark.parametrize(("rows", "page_size"), [(1, 10), (9, 10), (10, 10), (11, 10), (20, 10), (2500, 1000)])
def test_every_page_comes_once_whatever_the_last_one_holds(
    mapserver: MapServer, tmp_path: Path, version: str, rows: int, page_size: int
) -> None:
    expected = trees(rows)
    mapserver.serve(expected)
    read = read_through(wfs(version, page_size), TABLE, Endpoint(url=mapserver.url), tmp_path)
    assert_same(read, expected, metres=1e-6)


DEGREES = "EPSG:4326 EPSG:25832"
"""MapServer writes six decimals of a degree, and latitude before longitude in either version."""


def test_degrees_in_the_order_of_the_standard_end_where_the_trees_stand(mapserver: MapServer, tmp_path: Path) -> None:
    expected = trees()
    mapserver.serve(expected, srs=DEGREES)
    read = read_through(wfs("2.0.0"), TABLE, Endpoint(url=mapserver.url), tmp_path)
    assert_same(read, expected, metres=0.1)


def test_degrees_under_a_name_that_leaves_their_order_open_are_read_as_the_contract_says(
    mapserver: MapServer, tmp_path: Path
) -> None:
    expected = trees()
    mapserver.serve(expected, srs=DEGREES)  # WFS 1.1 gives them as "EPSG:4326", which GDAL and others read as lon, lat
    with pytest.raises(SourceUnreadable, match="Achsen sind vertauscht") as caught:
        read_through(wfs("1.1.0"), TABLE, Endpoint(url=mapserver.url), tmp_path)
    assert "reading.axes" in caught.value.next_step

    settled = tree_table("ms:baeume", {"format": "gml", "axes": "north_east"}, "msGeometry")
    again = tmp_path / "again"
    again.mkdir()
    assert_same(read_through(wfs("1.1.0"), settled, Endpoint(url=mapserver.url), again), expected, metres=0.1)


@VERSIONS
def test_an_empty_feature_type_is_an_error(mapserver: MapServer, tmp_path: Path, version: str) -> None:
    mapserver.serve(trees(1).iloc[:0])
    with pytest.raises(SourceUnreadable, match="keine Objekte"):
        read_through(wfs(version), TABLE, Endpoint(url=mapserver.url), tmp_path)


@VERSIONS
def test_a_feature_type_that_the_server_does_not_know_is_an_error(
    mapserver: MapServer, tmp_path: Path, version: str
) -> None:
    mapserver.serve(trees(1))
    unknown = tree_table("ms:straeucher", {"format": "gml"}, "msGeometry")
    with pytest.raises(SourceUnreadable, match="Fehler"):
        read_through(wfs(version), unknown, Endpoint(url=mapserver.url), tmp_path)


@VERSIONS
def test_a_tree_inserted_between_pages_is_an_error(mapserver: MapServer, tmp_path: Path, version: str) -> None:
    mapserver.serve(trees(2400).iloc[1:])
    shifted = {"pending": True}

    def insert(query: str) -> None:
        if "startindex=1000" in query.lower() and shifted.pop("pending", False):
            mapserver.store(trees(2400))

    mapserver.before = insert
    with pytest.raises((SourceUnreadable, SourceInMotion, SourceUnavailable)):
        read_through(wfs(version), TABLE, Endpoint(url=mapserver.url), tmp_path)
    assert not shifted


@VERSIONS
def test_a_tree_felled_between_pages_is_an_error(mapserver: MapServer, tmp_path: Path, version: str) -> None:
    mapserver.serve(trees(2400))
    shifted = {"pending": True}

    def delete(query: str) -> None:
        if "startindex=1000" in query.lower() and shifted.pop("pending", False):
            mapserver.store(trees(2400).iloc[1:])

    mapserver.before = delete
    with pytest.raises((SourceUnreadable, SourceInMotion, SourceUnavailable)):
        read_through(wfs(version), TABLE, Endpoint(url=mapserver.url), tmp_path)
    assert not shifted


@VERSIONS
def test_a_server_killed_in_the_middle_of_a_page_is_an_error(
    mapserver: MapServer, tmp_path: Path, version: str
) -> None:
    mapserver.serve(trees())

    def end(query: str) -> None:
        if "startindex=1000" in query.lower():
            mapserver.cut_after = 200_000  # from now on

    mapserver.before = end
    with pytest.raises((SourceUnreadable, SourceInMotion, SourceUnavailable)):
        read_through(wfs(version), TABLE, Endpoint(url=mapserver.url), tmp_path, Limits(seconds=4))
    assert mapserver.cut_after is not None
