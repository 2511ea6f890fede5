"""What was noticed while one column was read: repairs that are told, and failures that stop the table."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

from stadtdaten.faults import Finding
from stadtdaten.frames import Repair


@dataclass
class Account:
    """Kept apart for each column, so that columns can be read at the same time and are told in their order.

    ``met`` counts the missing markers of the contract.
    """

    table: str
    column: str
    repairs: list[Repair] = field(default_factory=list)
    failures: list[Finding] = field(default_factory=list)
    met: Counter[str] = field(default_factory=Counter)

    def tell(
        self, kind: str, count: int, detail: str, nature: Literal["repaired", "detected", "assumed"] = "repaired"
    ) -> None:
        """Keep a repair of ``count`` cells; nothing if there are none."""
        if count:
            self.repairs.append(Repair(kind=kind, column=self.column, count=count, detail=detail, nature=nature))

    def fail(self, rule: str, count: int, total: int, what: str) -> None:
        """Keep a failure of ``count`` cells; ``what`` continues the sentence "n von m Werten ..."."""
        if count:
            message = f"Spalte „{self.column}“: {count} von {total} Werten {what}"
            self.failures.append(Finding(rule, message, self.table, self.column, count, total))
