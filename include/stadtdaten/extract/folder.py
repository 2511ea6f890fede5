"""Files in a mounted folder: what lies in it and what is written in them."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from stadtdaten.contracts.interfaces import FolderInterface, Limits
from stadtdaten.contracts.model import Table
from stadtdaten.extract.budget import Budget
from stadtdaten.extract.drop import Entry, Listing, take
from stadtdaten.extract.options import check_options
from stadtdaten.extract.outcome import Fetched, NotModified
from stadtdaten.faults import Misconfigured, SourceUnavailable, SourceUnreadable
from stadtdaten.frames import Endpoint, TableLock

CHUNK = 1 << 20


def fetch_from_folder(
    interface: FolderInterface,
    table: Table,
    endpoint: Endpoint,
    folder: Path,
    limits: Limits,
    previous: TableLock | None,
) -> Fetched | NotModified:
    """The files of the connection's folder that the table means; see ``drop.take``.

    Raises SourceUnavailable if the folder is not there (not mounted), SourceUnreadable if a file or folder may not be
    read or leads out of it, Misconfigured for an address that is no folder of this machine.
    """
    check_options(endpoint, table.id, ())
    parts = urlsplit(endpoint.url)
    base = Path(unquote(parts.path))
    if parts.scheme not in ("file", "fs", "") or parts.netloc not in ("", "localhost") or not base.is_absolute():
        raise Misconfigured(
            f"Tabelle „{table.id}“: Die Adresse der Verbindung ist kein Ordner dieses Rechners.",
            next_step="Die Verbindung in Airflow prüfen (host = file:///pfad/des/ordners).",
        )
    try:
        if not base.is_dir():
            raise SourceUnavailable(
                f"Tabelle „{table.id}“: Der Ordner der Verbindung ist nicht da.",
                next_step="Prüfen, ob das Laufwerk auf dem Worker eingebunden ist.",
            )
        drop = _Folder(table.id, base.resolve(strict=True))
        return take(drop, table, interface.settle, base.as_uri(), folder, Budget(limits, table.id), previous)
    except PermissionError:
        raise SourceUnreadable(
            f"Tabelle „{table.id}“: Der Ordner oder eine Datei darin darf nicht gelesen werden.",
            next_step="Dem Konto der Pipeline auf dem Worker das Lesen erlauben.",
        ) from None


class _Folder:
    """A drop; ``base`` is the real path of the connection's folder, out of which nothing leads."""

    def __init__(self, table: str, base: Path) -> None:
        self._table = table
        self._base = base

    def listing(self, folder: str, wanted: Callable[[str], bool]) -> Listing:
        entries, others = [], []
        try:
            with os.scandir(self._inside(folder)) as found:
                for each in found:
                    name = f"{folder}/{each.name}" if folder else each.name
                    if not wanted(each.name):
                        others += [each.name] if each.is_file(follow_symlinks=False) else []
                    elif (entry := self._entry(name)) is not None:
                        entries.append(entry)
        except (FileNotFoundError, NotADirectoryError):
            raise SourceUnreadable(
                f"Tabelle „{self._table}“: Den Ordner „{folder}“ gibt es nicht.",
                next_step="Mit dem Betrieb der Quelle klären, wohin die Dateien gezogen sind; sonst resource im "
                "Vertrag anpassen.",
            ) from None
        return Listing(entries, others)

    def read(self, entry: Entry) -> Iterator[bytes]:
        # The path is real (no links); NONBLOCK, lest something else put in its place meanwhile holds us for ever.
        descriptor = os.open(self._inside(entry.name), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return
            while piece := file.read(CHUNK):
                yield piece

    def _entry(self, name: str) -> Entry | None:
        """The file, or None if it is none or has gone since the folder was listed."""
        try:
            found = self._inside(name).stat()
        except FileNotFoundError:
            return None
        if not stat.S_ISREG(found.st_mode):
            return None
        # The inode and its time of change show a file that was replaced by one with the old time (cp -p, rsync -t).
        changed = f"{found.st_mtime_ns}-{found.st_ctime_ns}-{found.st_ino}"
        # Whether it is still being written is another question: every write sets the time of change to now.
        return Entry(name, found.st_size, changed, time.time() - found.st_mtime)

    def _inside(self, name: str) -> Path:
        """The real path of what lies there. Raises SourceUnreadable if a link leads out of the folder."""
        try:
            path = (self._base / name).resolve(strict=True)
        except RuntimeError:  # so Python tells links that lead to each other
            raise SourceUnreadable(
                f"Tabelle „{self._table}“: Eine Verknüpfung im Ordner der Verbindung führt im Kreis.",
                next_step="Mit dem Betrieb der Quelle klären, warum; die Datei selbst in den Ordner legen.",
            ) from None
        if not path.is_relative_to(self._base):
            raise SourceUnreadable(
                f"Tabelle „{self._table}“: Eine Verknüpfung führt aus dem Ordner der Verbindung hinaus; ihr wird nicht "
                "gefolgt.",
                next_step="Mit dem Betrieb der Quelle klären, warum; die Datei selbst in den Ordner legen.",
            )
        return path
