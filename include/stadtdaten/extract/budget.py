"""What one extraction may still cost: time and bytes, counted against the contract's limits."""

from __future__ import annotations

import time

from stadtdaten.contracts.interfaces import Limits
from stadtdaten.faults import SourceUnavailable, SourceUnreadable

MEGABYTE = 1_000_000
"""Bytes of a megabyte as the contract counts them (SI, not 2**20)."""


class Budget:
    """The time, bytes and rows that one table may cost; starts counting when it is made."""

    def __init__(self, limits: Limits, table: str) -> None:
        self._limits = limits
        self._table = table
        self._deadline = time.monotonic() + limits.seconds
        self.bytes = 0

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
        if self.bytes + count > self._limits.megabytes * MEGABYTE:
            raise SourceUnreadable(
                f"Tabelle „{self._table}“: Die Quelle liefert mehr als die erlaubten {self._limits.megabytes} MB; "
                "das Lesen wurde abgebrochen.",
                next_step="Prüfen, ob die Quelle das Richtige liefert; sonst limits.megabytes im Vertrag anheben.",
            )

    def check_rows(self, count: int) -> None:
        """Raises SourceUnreadable if ``count`` rows in all pass the limit."""
        if count > self._limits.rows:
            raise SourceUnreadable(
                f"Tabelle „{self._table}“: Die Quelle liefert mehr als die erlaubten {self._limits.rows} Zeilen; "
                "das Lesen wurde abgebrochen.",
                next_step="Prüfen, ob die Quelle das Richtige liefert; sonst limits.rows im Vertrag anheben.",
            )

    def check_time(self) -> None:
        """Raises SourceUnavailable once the time is used up."""
        if self.seconds_left < 0:
            raise SourceUnavailable(
                f"Tabelle „{self._table}“: Die Quelle war nach {self._limits.seconds} Sekunden noch nicht fertig; "
                "das Lesen wurde abgebrochen.",
                next_step="Auslastung der Quelle klären; bei stetigem Wachstum limits.seconds im Vertrag anheben.",
            )
