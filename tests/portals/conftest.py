"""A portal over a store that already holds two nights of one dataset and one of another, and a real web server."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from sample_releases import CITY, gauges, residents
from stadtdaten.frames import Manifest
from stadtdaten.portals import StaticPortal
from stadtdaten.releases import ReleaseStore


class QuietHandler(SimpleHTTPRequestHandler):
    """Python's own web server, without a line per request."""

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def store(tmp_path: Path) -> ReleaseStore:
    """An empty store."""
    return ReleaseStore(str(tmp_path / "releases"))


@pytest.fixture
def first(tmp_path: Path, store: ReleaseStore) -> Manifest:
    """First night of the gauges, kept."""
    manifest = gauges(tmp_path / "first")
    store.keep(tmp_path / "first", manifest)
    return manifest


@pytest.fixture
def second(tmp_path: Path, store: ReleaseStore, first: Manifest) -> Manifest:
    """Second night of the gauges, kept."""
    manifest = gauges(tmp_path / "second", night=2, previous=first.release)
    store.keep(tmp_path / "second", manifest)
    return manifest


@pytest.fixture
def others(tmp_path: Path, store: ReleaseStore) -> Manifest:
    """First night of the residents, kept."""
    manifest = residents(tmp_path / "others")
    store.keep(tmp_path / "others", manifest)
    return manifest


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Address at which Python's web server serves the portal's public folder."""
    handler = partial(QuietHandler, directory=str(tmp_path / "portal" / "public"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture
def portal(tmp_path: Path, address: str, store: ReleaseStore) -> StaticPortal:
    """An empty portal."""
    return StaticPortal(tmp_path / "portal", address, CITY, False, store)
