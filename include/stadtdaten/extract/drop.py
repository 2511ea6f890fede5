"""Which files of a drop does the table mean, and has their writer finished?

Whoever puts files down somewhere (a station, a statistics office) tells nobody when they are whole. So a file is taken
only if it stands still: one that changed within the last ``settle`` seconds is looked at again after as many, and what
was read must have the size and time of change that the listings before and after show.

What tells a new content from the old is size and time of change. A file read within the grain of its clock (GRAIN)
after its last change could be written again without either of them showing it (Git calls that racy): its lock holds no
time, so it is read again next time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Protocol

from stadtdaten import german
from stadtdaten.contracts.model import Table
from stadtdaten.extract.archive import own_names, unpack
from stadtdaten.extract.budget import Budget
from stadtdaten.extract.names import fits, near, printable
from stadtdaten.extract.outcome import Fetched, NotModified
from stadtdaten.extract.transport import looks_like_html
from stadtdaten.faults import Misconfigured, SourceInMotion, SourceUnreadable
from stadtdaten.frames import SourceFile, TableLock

GRAIN = 2.0
"""Coarsest clock of a file system in seconds (FAT; SFTP and FTP tell whole seconds)."""


MOST_NAMES = 200_000
"""Files of a folder on a server: hourly ones of 20 years. More would be a listing without an end."""


@dataclass(frozen=True)
class Entry:
    """A file as a listing shows it; ``name`` is its path below the connection's address.

    ``changed`` is what the source says of its last change ("" if nothing), ``age`` the seconds since then (negative
    for a time to come, None if unknown).
    """

    name: str
    size: int
    changed: str
    age: float | None


@dataclass(frozen=True)
class Listing:
    """A folder's wanted files, and the names of its other files."""

    entries: list[Entry]
    others: list[str]


class TooManyNames(Exception):
    """A listing goes on beyond MOST_NAMES; without a text, because that could quote it."""


def too_many_names(table: str) -> SourceUnreadable:
    """The fault for a listing beyond MOST_NAMES."""
    return SourceUnreadable(
        f"Tabelle „{table}“: Im Ordner der Quelle liegen mehr als {MOST_NAMES} Dateien; das Lesen wurde abgebrochen.",
        next_step="Den Betrieb der Quelle bitten, alte Dateien wegzuräumen oder die der Tabelle in einen eigenen "
        "Ordner zu legen.",
    )


class Drop(Protocol):
    """A place where files are put down, open for reading."""

    def listing(self, folder: str, wanted: Callable[[str], bool]) -> Listing:
        """The files of a folder (a path below the connection's address, "" for itself)."""

    def read(self, entry: Entry) -> Iterator[bytes]:
        """The file's bytes, to its end."""


def take(
    drop: Drop, table: Table, settle: int, url: str, folder: Path, budget: Budget, previous: TableLock | None
) -> Fetched | NotModified:
    """The files that the table's resources fit, by resource and name, in ``folder``; ``url`` is the drop's address.

    NotModified if names, sizes and times are those of ``previous``. Raises SourceUnreadable if nothing fits, or for a
    web page or an empty file; SourceInMotion for files that are being written or change while they are read.
    """
    shown = f"{url.rstrip('/')}/{table.resource}"
    entries = _wanted(drop, table)
    now = tuple(map(_source, entries))
    dated = all(file.last_modified for file in now)
    if dated and previous is not None and (previous.url, previous.files) == (shown, now):
        return NotModified()
    if settle and any(entry.age is None or entry.age < settle for entry in entries):
        time.sleep(min(settle, max(budget.seconds_left, 0.0)))
        budget.check_time()
        entries = _still_the_same(drop, table, entries, "wird gerade geschrieben")
    targets = [folder / name for name in own_names(table, [entry.name for entry in entries])]
    for entry, target in zip(entries, targets, strict=True):
        _keep(drop, table, entry, target, budget)
    _still_the_same(drop, table, entries, "wurde geändert, während sie gelesen wurde")
    return Fetched(unpack(table, targets, budget), shown, tuple(map(_source, entries)), budget.bytes)


def _source(entry: Entry) -> SourceFile:
    racy = entry.age is None or entry.age < GRAIN
    return SourceFile(name=entry.name, size=entry.size, last_modified="" if racy else entry.changed)


def _wanted(drop: Drop, table: Table) -> list[Entry]:
    found: dict[str, Entry] = {}
    for resource in (table.resource, *table.further_resources):
        where, pattern = _parts(table, resource)
        listing = drop.listing(where, partial(_fits, pattern))
        if not listing.entries:
            like = near(pattern, listing.others)
            others = german.counted(len(listing.others), "Datei", "Dateien")
            raise SourceUnreadable(
                f"Tabelle „{table.id}“: Keine Datei passt auf „{resource}“; im Ordner liegen sonst {others}."
                f"{f' Ähnlich heißt „{like}“.' if like else ''}",
                next_step="Im Ordner nachsehen, ob die Lieferung fehlt oder anders heißt; dann den Betrieb der Quelle "
                "ansprechen oder resource im Vertrag anpassen.",
            )
        found |= {entry.name: entry for entry in sorted(listing.entries, key=lambda each: each.name)}
    unreadable = sum(not name.isprintable() for name in found)
    if unreadable:
        raise SourceUnreadable(
            f"Tabelle „{table.id}“: {unreadable} Dateien haben Namen mit Steuerzeichen oder in falscher Kodierung.",
            next_step="Den Betrieb der Quelle bitten, die Dateien umzubenennen.",
        )
    return list(found.values())


def _parts(table: Table, resource: str) -> tuple[str, str]:
    """Folder and pattern of the names in it."""
    path = PurePosixPath(resource)
    where = "" if str(path.parent) == "." else str(path.parent)
    if path.is_absolute() or ".." in path.parts or not path.name or set("*?[") & set(where):
        raise Misconfigured(
            f"Tabelle „{table.id}“: „{resource}“ ist kein Pfad und kein Muster für Dateien unterhalb der Verbindung.",
            next_step="resource im Vertrag berichtigen: ein Pfad ohne „..“, mit einem Muster nur im Namen der Datei.",
        )
    return where, path.name


def _fits(pattern: str, name: str) -> bool:
    """As in a shell, a pattern does not mean hidden files: under such names many programs write what they rename."""
    return fits(pattern, name) and name.startswith(".") == pattern.startswith(".")


def _still_the_same(drop: Drop, table: Table, before: list[Entry], otherwise: str) -> list[Entry]:
    """The entries as they are now. Raises SourceInMotion if size or time of one is another, or it is gone."""
    now = {entry.name: entry for entry in _wanted(drop, table)}
    for entry in before:
        again = now.get(entry.name)
        if again is None or (again.size, again.changed) != (entry.size, entry.changed):
            raise _moving(table, entry, otherwise)
    return [now[entry.name] for entry in before]


def _keep(drop: Drop, table: Table, entry: Entry, target: Path, budget: Budget) -> None:
    budget.check_bytes(entry.size)
    size = 0
    target.touch(mode=0o600, exist_ok=False)
    with target.open("wb") as file:
        for piece in drop.read(entry):
            budget.check_time()
            budget.spend_bytes(len(piece))
            if not size and looks_like_html("", piece):
                raise SourceUnreadable(
                    f"Tabelle „{table.id}“: Die Datei „{printable(entry.name)}“ ist eine Webseite (HTML).",
                    next_step="Den Betrieb der Quelle ansprechen: Meist wurde eine Fehlermeldung als Datei abgelegt.",
                )
            size += file.write(piece)
    if size != entry.size:
        raise _moving(table, entry, "hat eine andere Länge als angekündigt")
    if not size:
        raise SourceUnreadable(
            f"Tabelle „{table.id}“: Die Datei „{printable(entry.name)}“ ist leer (0 Byte).",
            next_step="Den Betrieb der Quelle ansprechen: Die Lieferung ist abgebrochen oder war leer.",
        )


def _moving(table: Table, entry: Entry, what: str) -> SourceInMotion:
    return SourceInMotion(
        f"Tabelle „{table.id}“: Die Datei „{printable(entry.name)}“ {what}.",
        next_step="Abwarten, der Lauf wird wiederholt; hält es an, die Uhrzeit der Lieferung mit dem Betrieb der "
        "Quelle abstimmen.",
    )
