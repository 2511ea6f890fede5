"""Has a database table changed since the last release, and from where on? Told by a column that rises with changes.

One inexpensive question (how many rows, and the column's highest value) stands for a conditional request. It does not
see a row that changed without a higher value, nor a row that went while another came: these show when all rows are
read again (``reading.incremental.full_after``).
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from stadtdaten.faults import SourceUnreadable
from stadtdaten.frames import TableLock

logger = logging.getLogger(__name__)

SORTABLE_TEXT = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?)?")
"""Text whose alphabetical order is that of the moments it stands for (ISO 8601, local): SQLite has no other dates."""

_PARSERS: dict[str, Callable[[str], Any]] = {
    "int": int,
    "Decimal": Decimal,
    "date": date.fromisoformat,
    "datetime": datetime.fromisoformat,
    "str": str,
}


@dataclass(frozen=True)
class Extent:
    """How far a table reaches: its number of rows (at least one) and the rising column's highest value."""

    rows: int
    highest: Any

    def notation(self) -> str:
        """Text that ``known_extent`` reads again: ``480 datetime 2026-11-23T01:00:00``."""
        value = self.highest
        if isinstance(value, datetime) and value.tzinfo is not None:
            value = value.astimezone(UTC)
        text = value.isoformat() if isinstance(value, date) else str(value)
        return f"{self.rows} {type(self.highest).__name__} {text}"

    def continues(self, earlier: Extent) -> bool:
        """Whether this can be the earlier extent after additions and changes: nothing has obviously been deleted."""
        if _kind(self.highest) != _kind(earlier.highest) or self.rows < earlier.rows:
            return False
        return bool(self.highest >= earlier.highest)


def question(source: sa.TableClause, column: str) -> sa.Select[int, int, Any]:
    """The statement that asks for the extent: rows, rows with a value in the column, and its highest value."""
    rising: sa.ColumnClause[Any] = sa.column(column)
    return sa.select(sa.func.count(), sa.func.count(rising), sa.func.max(rising)).select_from(source)


def current_extent(connection: sa.Connection, source: sa.TableClause, column: str, table: str) -> Extent | None:
    """What the database says; None without rows, and where a value lies in the future: all rows must be read then,
    because changes made today are lower. Raises SourceUnreadable where changes cannot be told by the column at all.
    """
    rows, given, highest = connection.execute(question(source, column)).one()
    if rows == 0:
        return None
    if given < rows:
        raise SourceUnreadable(
            f"Tabelle „{table}“, Spalte „{column}“: {rows - given} von {rows} Zeilen haben keinen Wert; ob sie sich "
            "geändert haben, ist nicht zu erkennen.",
            next_step="Die Fachstelle bitten, die Spalte in jeder Zeile zu führen; bis dahin reading.incremental aus "
            "dem Vertrag nehmen.",
        )
    if not _tells_changes(highest):
        raise SourceUnreadable(
            f"Tabelle „{table}“, Spalte „{column}“: Der höchste Wert ist weder ganze Zahl noch Datum oder Zeitpunkt "
            "nach ISO 8601; an ihm sind Änderungen nicht zu erkennen.",
            next_step="In der Datenbank eine Sicht mit einer Spalte anlegen, die mit jeder Änderung steigt, oder "
            "reading.incremental aus dem Vertrag nehmen.",
        )
    if _in_the_future(highest):
        logger.warning("%s: the highest value of %s lies in the future; all rows are read", table, column)
        return None
    return Extent(rows, highest)


def known_extent(previous: TableLock | None, resource: str, url: str) -> Extent | None:
    """What the lock of the last release says; None where it is of another table or says nothing."""
    if previous is None or (previous.resource, previous.url) != (resource, url) or len(previous.files) != 1:
        return None
    rows, _, rest = previous.files[0].etag.partition(" ")
    kind, _, text = rest.partition(" ")
    return Extent(int(rows), _PARSERS[kind](text)) if kind in _PARSERS and rows.isdigit() else None


def _tells_changes(highest: Any) -> bool:
    if isinstance(highest, str):
        return SORTABLE_TEXT.fullmatch(highest) is not None
    if isinstance(highest, Decimal):
        return highest.is_finite()
    return type(highest).__name__ in _PARSERS


def _in_the_future(highest: Any) -> bool:
    """Later than any clock on earth shows, be it one that nobody set."""
    day = date.fromisoformat(highest[:10]) if isinstance(highest, str) else highest
    if isinstance(day, datetime):
        day = day.date()
    return isinstance(day, date) and day > datetime.now(UTC).date() + timedelta(days=2)


def _kind(value: Any) -> tuple[type, bool]:
    """Values of one kind can be compared: moments with a time zone and those without cannot."""
    return type(value), isinstance(value, datetime) and value.tzinfo is not None
