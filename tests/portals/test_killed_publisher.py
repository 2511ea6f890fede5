"""Whenever a publisher is killed, visitors see the old or the new release, and the next run ends at the same portal."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from sample_releases import CITY
from stadtdaten.frames import Manifest
from stadtdaten.portals import StaticPortal
from stadtdaten.releases import ReleaseStore

TESTS = Path(__file__).resolve().parents[1]
Seen = tuple[str, str, str]
"""The release that the page names, that the catalogue describes, and whose data is served."""


@pytest.fixture
def publish_and_kill(tmp_path: Path) -> Iterator[Callable[[int, Path, Manifest], str]]:
    """Publish into a folder, killed before the given change: ``killed`` or ``finished``."""
    process = subprocess.Popen(
        [sys.executable, Path(__file__).with_name("publisher_to_kill.py")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(TESTS)},
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None

    def job(change: int, folder: Path, manifest: Manifest) -> str:
        print(
            json.dumps([change, str(folder), str(tmp_path / "releases"), manifest.dataset, manifest.release]),
            file=process.stdin,
            flush=True,
        )
        return process.stdout.readline().strip()

    yield job
    process.stdin.close()
    process.stdout.close()
    process.wait(timeout=60)


def look(folder: Path, releases: Sequence[Manifest]) -> Seen | None:
    """What a visitor sees now; None if the portal was switched between the three looks."""
    before = (folder / "public").readlink()
    page = (folder / "public/dataset/pegelstaende/index.html").read_text()
    catalogue = (folder / "public/catalog.ttl").read_text()
    data = (folder / "public/dataset/pegelstaende/tageswerte.csv").read_bytes()
    if (folder / "public").readlink() != before:
        return None
    named = re.search(r'data-release="(\w+)"', page)
    assert named
    served = hashlib.sha256(data).hexdigest()
    described = [one.release for one in releases if one.files[0].sha256 in catalogue]
    return named[1], " and ".join(described), {one.files[0].sha256: one.release for one in releases}[served]


def tree(folder: Path) -> dict[str, str | bytes]:
    """Every entry of the portal but the lock, with its content."""
    return {
        path.relative_to(folder).as_posix(): str(path.readlink())
        if path.is_symlink()
        else path.read_bytes()
        if path.is_file()
        else ""
        for path in folder.rglob("*")
        if path.name != ".lock"
    }


def test_a_publisher_killed_at_any_point_leaves_the_old_or_the_new_release(
    tmp_path: Path,
    store: ReleaseStore,
    first: Manifest,
    second: Manifest,
    others: Manifest,
    publish_and_kill: Callable[[int, Path, Manifest], str],
) -> None:
    old, new = (first.release,) * 3, (second.release,) * 3

    def publish(folder: Path, manifest: Manifest) -> bool:
        portal = StaticPortal(folder, "http://portal.example/", CITY, False, store)
        with store.local_folder(manifest.dataset, manifest.release) as kept:
            return portal.reconcile(manifest, kept)

    before, after = tmp_path / "before", tmp_path / "after"
    publish(before, others)
    publish(before, first)
    shutil.copytree(before, after, symlinks=True)
    publish(after, second)
    expected = tree(after)

    outcomes: set[Seen] = set()
    for change in range(1000):
        folder = tmp_path / f"portal-{change}"
        shutil.copytree(before, folder, symlinks=True)
        observed: set[Seen | None] = set()
        done = threading.Event()

        def poll(folder: Path = folder, observed: set[Seen | None] = observed, done: threading.Event = done) -> None:
            while not done.wait(0.002):
                observed.add(look(folder, (first, second)))

        visitor = threading.Thread(target=poll)
        visitor.start()
        try:
            outcome = publish_and_kill(change, folder, second)
            left = look(folder, (first, second))
            publish(folder, second)
        finally:
            done.set()
            visitor.join()
        assert observed - {None} <= {old, new}, f"killed before change {change}"
        assert left in {old, new}, f"killed before change {change}"
        assert tree(folder) == expected, f"killed before change {change}"
        outcomes.add(left)
        shutil.rmtree(folder)
        if outcome == "finished":
            break
    assert outcome == "finished"
    assert change > 15
    assert outcomes == {old, new}
