"""The portal shows exactly the releases it was given, atomically, and says when it does not."""

from __future__ import annotations

import errno
import shutil
import threading
from pathlib import Path
from urllib.request import urlopen

import pytest
from sample_releases import CITY, gauges
from stadtdaten.faults import PublicationFailed, ReleaseDamaged
from stadtdaten.frames import Manifest
from stadtdaten.portals import StaticPortal, generation
from stadtdaten.releases import ReleaseStore


def publish(portal: StaticPortal, store: ReleaseStore, manifest: Manifest) -> bool:
    """What the pipeline does."""
    with store.local_folder(manifest.dataset, manifest.release) as folder:
        return portal.reconcile(manifest, folder)


def stand(folder: Path) -> dict[str, tuple[int, bytes | str]]:
    """Every entry with its time of change and its content."""
    return {
        path.relative_to(folder).as_posix(): (
            path.lstat().st_mtime_ns,
            str(path.readlink()) if path.is_symlink() else path.read_bytes() if path.is_file() else "",
        )
        for path in [folder, *sorted(folder.rglob("*"))]
    }


def test_a_published_release_is_what_a_visitor_gets(
    portal: StaticPortal, store: ReleaseStore, first: Manifest, others: Manifest
) -> None:
    assert portal.live("pegelstaende") is None
    assert publish(portal, store, first)
    assert publish(portal, store, others)
    for manifest in (first, others):
        portal.verify(manifest)
        live = portal.live(manifest.dataset)
        assert live is not None
        assert (live.release, live.since) == (manifest.release, manifest.created)
    with urlopen(portal.page("einwohner")) as page:
        assert b"geheim gehalten" in page.read()


def test_publishing_what_is_live_touches_nothing(
    portal: StaticPortal, store: ReleaseStore, first: Manifest, others: Manifest, tmp_path: Path
) -> None:
    publish(portal, store, first)
    publish(portal, store, others)
    before = stand(tmp_path / "portal")
    assert not publish(portal, store, first)
    assert not publish(portal, store, others)
    assert stand(tmp_path / "portal") == before


def test_locks_and_evidence_never_reach_the_portal(
    portal: StaticPortal, store: ReleaseStore, first: Manifest, tmp_path: Path
) -> None:
    publish(portal, store, first)
    files = [path for path in (tmp_path / "portal").rglob("*") if path.is_file()]
    assert {path.name for path in (tmp_path / "portal" / "daten").rglob("*") if path.is_file()} == {
        "tageswerte.csv", "tageswerte.parquet", "tageswerte.schema.json",
    }  # fmt: skip
    assert not [path for path in files if b"intern.example" in path.read_bytes()]
