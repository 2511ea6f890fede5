"""Where does read data lie until it is anonymous, and what makes sure that none is left behind?

Below the zone's staging every run has a folder, and every dataset one in it. Whoever works on one holds it: a file
beside it that is locked by the kernel, which lets go when the process ends, however it ends. So what nobody holds any
more is told apart from what is worked on, and from what waits for the run's next step and has no such file at all.
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from stadtdaten.faults import Misconfigured

logger = logging.getLogger(__name__)

LONGEST_RUN = timedelta(hours=6)
"""A run that lasts longer is ended by Airflow; what has waited so long for its next step is waited for by nobody."""

HELD = ".held"
"""Ending of the file beside a folder that says that it is worked on."""


def make_private(folder: Path) -> None:
    """A folder only we may enter (0700), like the two above it: what lies in it is personal until proven otherwise."""
    folder.mkdir(parents=True, exist_ok=True)
    for each in (folder, folder.parent, folder.parent.parent):
        each.chmod(0o700)


@contextmanager
def private_files() -> Iterator[None]:
    """Whatever this process writes meanwhile is ours alone (0600), also what libraries write that know nothing of it.

    The umask is the whole process's, so nothing that others are to read may be written in here.
    """
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


@contextmanager
def at_work(folder: Path) -> Iterator[None]:
    """Hold the folder of a run or of a dataset: if this process dies in here, the next run of any source deletes it."""
    mark = folder.with_name(folder.name + HELD)
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)  # gone where a newer run has taken over
    # Locked before it gets its name: nobody may ever find it unlocked while we live.
    descriptor, unfinished = tempfile.mkstemp(prefix=f".{folder.name}.", dir=folder.parent)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        Path(unfinished).replace(mark)
        yield
    finally:
        mark.unlink(missing_ok=True)
        os.close(descriptor)


def discard_left_behind(staging: Path) -> None:
    """Delete what dead runs left, of whatever source: they were killed at work, or nobody came for what they read.

    Raises Misconfigured where it cannot be deleted.
    """
    for mark in _marks(staging):
        try:
            with mark.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                logger.warning("staging: deleting what a killed run of %s has left", mark.relative_to(staging).parts[0])
                discard(mark.with_name(mark.name.removesuffix(HELD)))
                mark.unlink(missing_ok=True)
        except (BlockingIOError, FileNotFoundError):  # it lives, or has ended since we looked
            continue
    living = {mark.relative_to(staging).parts[1].removesuffix(HELD) for mark in _marks(staging)}
    for run in staging.glob("*/*/"):
        if run.name not in living and _age(run) > LONGEST_RUN:
            logger.warning("staging: deleting what a run of %s has left and nobody came for", run.parent.name)
            discard(run)


def _marks(staging: Path) -> list[Path]:
    """The files that say what is worked on. Folders may vanish meanwhile, which ``os.walk`` bears."""
    return [Path(folder, name) for folder, _, names in os.walk(staging) for name in names if name.endswith(HELD)]


def _age(folder: Path) -> timedelta:
    """Time since something in the folder last changed; none at all if it is gone meanwhile."""
    try:
        newest = max(path.stat().st_mtime for path in (folder, *folder.rglob("*")))
    except FileNotFoundError:
        return timedelta(0)
    return timedelta(seconds=time.time() - newest)


def discard(folder: Path) -> None:
    """Delete the folder, if it is there. Raises Misconfigured if that fails: read data must not stay unnoticed."""
    while folder.exists():
        try:
            shutil.rmtree(folder)
        except FileNotFoundError:  # somebody else is deleting it too; together until nothing is left
            continue
        except OSError as error:
            raise Misconfigured(
                f"Gelesene Daten konnten nicht gelöscht werden ({error.strerror}): {folder}",
                next_step="Den Ordner von Hand löschen und Rechte und Datenträger prüfen; er kann Personenbezug haben.",
            ) from None
