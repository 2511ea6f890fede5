"""What one extraction may still cost: time and bytes, counted against the contract's limits."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from stadtdaten.contracts.interfaces import Limits
from stadtdaten.faults import SourceUnavailable, SourceUnreadable

MEGABYTE = 1_000_000
"""Bytes of a megabyte as the contract counts them (SI, not 2**20)."""


class Budget:
    """The time, bytes and rows that one table may cost; starts counting when it is made."""

    def __init__(self, limits: Limits, table: str) -> None:
        self.limits = limits
        self._table = table
        self._deadline = time.monotonic() + limits.seconds
        self.bytes = 0
        self._unpacked = 0

    @property
    def seconds_left(self) -> float:
        """Seconds until the limit; negative once it is passed."""
        return self._deadline - time.monotonic()

    def spend_bytes(self, count: int) -> None:
        """Book ``count`` bytes for good. Raises SourceUnreadable beyond the limit."""
        self.check_bytes(count)
        self.bytes += count

    def check_bytes(self, count: int) -> None:
        """Raises SourceUnreadable if ``count`` more bytes would pass the limit."""
        if self.bytes + count > self.limits.megabytes * MEGABYTE:
            raise SourceUnreadable(
                f"Tabelle „{self._table}“: Die Quelle liefert mehr als die erlaubten {self.limits.megabytes} MB; "
                "das Lesen wurde abgebrochen.",
                next_step="Prüfen, ob die Quelle das Richtige liefert; sonst limits.megabytes im Vertrag anheben.",
            )

    def spend_unpacked(self, count: int) -> None:
        """Book ``count`` bytes that came out of an archive. Raises SourceUnreadable beyond the limit."""
        self._unpacked += count
        if self._unpacked > self.limits.unpacked_megabytes * MEGABYTE:
            raise SourceUnreadable(
                f"Tabelle „{self._table}“: Ausgepackt sind es mehr als die erlaubten "
                f"{self.limits.unpacked_megabytes} MB; das Auspacken wurde abgebrochen.",
                next_step="Prüfen, ob die Quelle das Richtige liefert; sonst limits.unpacked_megabytes im Vertrag "
                "anheben.",
            )

    def check_rows(self, count: int) -> None:
        """Raises SourceUnreadable if ``count`` rows in all pass the limit."""
        if count > self.limits.rows:
            raise SourceUnreadable(
                f"Tabelle „{self._table}“: Die Quelle liefert mehr als die erlaubten {self.limits.rows} Zeilen; "
                "das Lesen wurde abgebrochen.",
                next_step="Prüfen, ob die Quelle das Richtige liefert; sonst limits.rows im Vertrag anheben.",
            )

    @contextmanager
    def ending(self, close: Callable[[], object]) -> Iterator[None]:
        """Call ``close`` if the time ends before the block does: for libraries that wait as long as a byte comes.

        What they raise then is for the caller to catch; ``check_time`` says why it was.
        """
        timer = threading.Timer(max(self.seconds_left, 0.0) + 0.01, close)  # not before check_time says so
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def check_time(self) -> None:
        """Raises SourceUnavailable once the time is used up."""
        if self.seconds_left < 0:
            raise SourceUnavailable(
                f"Tabelle „{self._table}“: Die Quelle war nach {self.limits.seconds} Sekunden noch nicht fertig; "
                "das Lesen wurde abgebrochen.",
                next_step="Auslastung der Quelle klären; bei stetigem Wachstum limits.seconds im Vertrag anheben.",
            ) from None  # asked behind an error of a library, whose text may hold an address
