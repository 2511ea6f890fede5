"""Publishes a release in a child process that is killed before its n-th change of the file system.

Reads one job per line from standard input: how many changes to allow, the portal's folder, the store, dataset and
release; answers ``killed`` or ``finished``. One process forks every child, so that imports are paid once.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from sample_releases import CITY
from stadtdaten.portals import StaticPortal
from stadtdaten.portals.pages import render
from stadtdaten.releases import ReleaseStore

CHANGES = ("os.rename", "os.symlink", "os.mkdir", "os.remove", "os.rmdir", "os.utime")
"""Audit events. Pages are written between them, into a folder that nobody sees, so those writes need no point each."""


def die_before(change: int) -> None:
    """Kill this process like ``kill -9`` right before the given change (counted from 0)."""
    seen = 0

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal seen
        if event in CHANGES:
            if seen == change:
                os.kill(os.getpid(), signal.SIGKILL)
            seen += 1

    sys.addaudithook(watch)


def main() -> None:
    """Work off the jobs."""
    render(CITY, "http://portal.example/", False, [])  # compiles the templates once, for all children
    for line in sys.stdin:
        change, folder, releases, dataset, release = json.loads(line)
        store = ReleaseStore(releases)
        manifest = store.manifest(dataset, release)
        child = os.fork()
        if child == 0:
            portal = StaticPortal(Path(folder), "http://portal.example/", CITY, False, store)
            with store.local_folder(dataset, release) as kept:
                die_before(change)
                portal.reconcile(manifest, kept)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        sys.stdout.write("killed\n" if os.WIFSIGNALED(status) else "finished\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
