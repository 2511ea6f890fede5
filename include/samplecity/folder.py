"""Which folder holds our state, and what in it is ours? Nothing else is ever deleted.

A folder that is used for the first time has to be empty and gets a mark; only a folder that carries it, or unmistakably
our state, is cleaned, and then of the entries that we create.
"""

from __future__ import annotations

import shutil
from pathlib import Path

MARK = ".stadtdaten-var"
ENTRIES = frozenset(
    {
        "airflow", "candidates", "ledger.sqlite", "ledger.sqlite-journal", "ledger.sqlite-shm", "ledger.sqlite-wal",
        "log", "mailbox", "portal", "releases", "run", "samplecity", "screenshots", "staging", MARK,
    }
)  # fmt: skip
"""Everything that we and our tests create directly in the folder."""

OF_THE_DISK = frozenset({"lost+found"})
"""What a file system creates where it is mounted."""


class NotOurs(Exception):
    """The folder is somebody else's; the message says why we think so and what to do."""


def claim(var: Path, home: Path) -> None:
    """Mark the folder as ours, making it where there is none. Raises NotOurs if it is not, OSError if it cannot."""
    _refuse_precious(var, home)
    var.mkdir(parents=True, exist_ok=True)
    strangers = sorted({entry.name for entry in var.iterdir()} - OF_THE_DISK)
    if strangers and not _is_ours(var, home):
        raise NotOurs(
            f"{var} holds other things ({', '.join(strangers[:3])}): name an empty or new folder for the state."
        )
    (var / MARK).touch()


def empty(var: Path, home: Path) -> list[str]:
    """Delete our state, and the folder if nothing else is in it; the names of what is not ours and stays.

    A folder on which a disk is mounted cannot go and stays empty. Raises NotOurs, OSError.
    """
    require_ours(var, home)
    for name in [*sorted(ENTRIES - {MARK}), MARK]:  # the mark last: a cleaning that was interrupted can be repeated
        entry = var / name
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink(missing_ok=True)
    left = sorted(entry.name for entry in var.iterdir())
    if not left and not var.is_mount():
        var.rmdir()
    return sorted(set(left) - OF_THE_DISK)


def require_ours(var: Path, home: Path) -> None:
    """Raises NotOurs if the folder is not a folder of our state."""
    _refuse_precious(var, home)
    if not var.is_dir():
        raise NotOurs(f"{var} is not a folder: remove it yourself, or name another folder for the state.")
    if any(var.iterdir()) and not _is_ours(var, home):
        raise NotOurs(f"{var} does not look like our state (there is no {MARK} in it): nothing was deleted.")


def _refuse_precious(var: Path, home: Path) -> None:
    for precious, what in ((home.resolve(), "the checkout"), (Path.home().resolve(), "your home")):
        if precious.is_relative_to(var):
            raise NotOurs(f"{var} is {what} or holds it: name a folder of its own for the state, e.g. {home / 'var'}.")


def _is_ours(var: Path, home: Path) -> bool:
    return (var / MARK).is_file() or (var / "samplecity" / "state.json").is_file() or var == home.resolve() / "var"
