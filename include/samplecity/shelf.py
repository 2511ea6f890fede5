"""How do the servers show the files that offices dropped, in order and out of order? The same over SFTP and FTP."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Event
from typing import BinaryIO

from samplecity.faults import Fault

LOGIN = "abholung"
PASSWORD = "nur-in-der-beispielstadt"  # noqa: S105  opens nothing but made-up files on the loopback interface

PAUSE = 1.0
"""Seconds before each piece of a slow file."""


class ConnectionCut(Exception):
    """The server is to break off this very moment."""


class Shelf:
    """The dropped files below ``root``, a folder for each source; ``faults`` tells which source has which fault now."""

    def __init__(self, root: Path, faults: Callable[[], Mapping[str, Fault]]) -> None:
        self.root = root
        self._faults = faults
        self.closing = Event()
        root.mkdir(parents=True, exist_ok=True)

    def is_on(self, fault: Fault) -> bool:
        """Whether any source has the fault: for those that hit before anybody has said what he wants."""
        return fault in self._faults().values()

    def fault_of(self, path: Path) -> Fault | None:
        """The fault of the source that dropped the file."""
        parts = path.relative_to(self.root).parts
        return self._faults().get(parts[0]) if parts else None

    def look(self, path: Path) -> os.stat_result:
        """What a listing shows of the file. One that grows has grown since the last look."""
        if self.fault_of(path) == "growing_file" and path.is_file():
            with path.open("ab") as file:
                file.write(b"\n")
        return path.stat()

    def open(self, path: Path) -> Reading:
        """The file, open for reading. One that changes while it is read is written anew now, at the same length."""
        if self.fault_of(path) == "changed_while_reading":
            path.write_bytes(path.read_bytes()[::-1])
        return Reading(path.open("rb"), self.fault_of(path), self.closing)


class Reading:
    """An open file, with the fault of its source."""

    def __init__(self, file: BinaryIO, fault: Fault | None, closing: Event) -> None:
        self.name = file.name
        self._file = file
        self._fault = fault
        self._half = os.fstat(file.fileno()).st_size // 2
        self._closing = closing

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._file.closed

    def seek(self, offset: int) -> None:
        """Go on from there."""
        self._file.seek(offset)

    def read(self, size: int) -> bytes:
        """The next bytes. Raises ConnectionCut in the middle of a file that is to be cut."""
        if self._fault == "slow":
            self._closing.wait(PAUSE)
        if self._fault == "cut":
            if self._file.tell() >= self._half:
                raise ConnectionCut
            size = min(size, self._half - self._file.tell())
        return self._file.read(size)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def age(path: Path, seconds: float) -> None:
    """Let the file be as old as that: it was laid down long ago, so that nobody waits whether it still grows."""
    then = time.time() - seconds
    os.utime(path, (then, then))
