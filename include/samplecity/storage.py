"""Why can state not be kept? One sentence, with what to do, for the errors of a disk and of the ledger's file."""

from __future__ import annotations

import errno
import shutil
import sqlite3
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from stadtdaten.faults import Fault

ALMOST_NOTHING = 20_000_000
"""Free bytes below which a failure is told together with how little is free."""

_ON_DISK = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EACCES: "it is not allowed to us",
    errno.EPERM: "it is not allowed to us",
    errno.EROFS: "the disk is read-only",
    errno.ENOTDIR: "a file is where a folder should be",
    errno.EISDIR: "a folder is where a file should be",
    errno.EIO: "the disk has an error",
    errno.ESTALE: "the network drive is gone",
}
_IN_SQLITE = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_READONLY: "it is read-only",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened",
    sqlite3.SQLITE_IOERR: "the disk is full or has an error",
    sqlite3.SQLITE_BUSY: "another program has locked it",
}
_DAMAGED = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)


def explained(error: Exception, var: Path) -> str:
    """The sentence for an error that comes from the disk or the ledger's file; a fault's own words; else empty."""
    cause: BaseException | None = error
    if isinstance(cause, Fault):  # it speaks for all databases; here it is known which file it is, and what was wrong
        cause = cause.__context__
    if isinstance(cause, DBAPIError):
        cause = cause.orig
    if isinstance(cause, sqlite3.Error):
        return _explained_sqlite(cause, var / "ledger.sqlite")
    if isinstance(cause, OSError) and cause.errno in _ON_DISK:
        what = cause.filename if cause.filename is not None else var
        return f"{what} cannot be read or written: {_ON_DISK[cause.errno]}. {_AFTERWARDS}"
    if isinstance(error, Fault):
        return f"{error.message} {error.next_step}".strip()
    return ""


def shortage(var: Path) -> str:
    """How little is free on the disk, if that may be why something failed; else empty."""
    try:
        free = shutil.disk_usage(var).free
    except OSError:
        return ""
    return f"Only {free / 1e6:.0f} MB are free on the disk of {var}." if free < ALMOST_NOTHING else ""


_AFTERWARDS = "Everything of ours has ended; put that right and start again."


def _explained_sqlite(error: sqlite3.Error, ledger: Path) -> str:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the lowest byte is the kind, the rest its detail
    if code in _DAMAGED:
        return (
            f"The ledger {ledger} is damaged ({error}). Move it away (mv {ledger} {ledger}.damaged) and start again: "
            "portal and releases are kept, only the record of earlier runs begins anew."
        )
    if code in _IN_SQLITE:
        return f"The ledger {ledger} cannot be written: {_IN_SQLITE[code]}. {_AFTERWARDS}"
    return ""
