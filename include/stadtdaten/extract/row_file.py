"""How are rows of a database kept for the reader? As text in one Parquet file, which only its owner may read.

Values are written in one fixed notation (ISO 8601, decimal point, ``true``/``false``; NULL stays NULL), so that what a
column is follows from the contract and not from the driver, whose types differ from database to database and, in
SQLite, from row to row. Geometries are EWKB, which names their SRID.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from stadtdaten.extract.budget import Budget
from stadtdaten.faults import SourceUnreadable

UNDECLARED = b"undeclared_columns"
"""Key in the file's metadata: JSON list of the source's columns that were not asked for (names only)."""

INFINITE = r"^(9999-12-31T23:59:59\.999999|0001-01-01)"
"""What psycopg2 makes of PostgreSQL's ``infinity`` and ``-infinity`` (other drivers refuse them).

The date 9999-12-31 is let through: people write it for an open end, and mean the same.
"""


class RowFile:
    """The file of one table; ``columns`` are those asked for, ``geometry`` the one of them that holds EWKB."""

    def __init__(
        self, path: Path, table: str, columns: Sequence[str], geometry: str | None, undeclared: Sequence[str]
    ) -> None:
        self.path = path
        self._table = table
        self._columns = columns
        self._geometry = geometry
        self._fields = pa.schema(
            [pa.field(name, pa.binary() if name == geometry else pa.string()) for name in columns],
            metadata={UNDECLARED: json.dumps(undeclared, ensure_ascii=False).encode()},
        )

    def write(self, batches: Iterable[Sequence[Sequence[Any]]], budget: Budget) -> int:
        """Write the file anew with these rows; how many they are.

        Raises SourceUnreadable beyond the limits, and for values that are no text, number, date or boolean.
        """
        self.path.unlink(missing_ok=True)
        self.path.touch(mode=0o600)
        rows = 0
        with pq.ParquetWriter(self.path, self._fields) as writer:
            for batch in batches:
                rows += len(batch)
                budget.check_rows(rows)
                budget.check_time()
                values = self._record_batch(batch, budget)
                budget.spend_bytes(values.nbytes)
                writer.write_batch(values)
        return rows

    def _record_batch(self, batch: Sequence[Sequence[Any]], budget: Budget) -> pa.RecordBatch:
        return pa.RecordBatch.from_arrays(
            [
                _ewkb(values) if name == self._geometry else as_text(name, values, self._table, budget)
                for name, values in zip(self._columns, zip(*batch, strict=True), strict=True)
            ],
            schema=self._fields,
        )


def _ewkb(values: Sequence[Any]) -> pa.Array:
    return pa.array([None if value is None else bytes(value) for value in values], pa.binary())


def as_text(column: str, values: Sequence[Any], table: str, budget: Budget) -> pa.Array:
    """One column as text. Raises SourceUnreadable for types that have no fixed notation (bytes, arrays, JSON) and for
    cells beyond the limit: a text cut off would be a wrong text.
    """
    if all(value is None or type(value) is str for value in values):
        cells = pa.array(values, pa.string())
    else:
        unknown = sum(type(value) not in _NOTATION for value in values)
        if unknown:
            raise SourceUnreadable(
                f"Tabelle „{table}“, Spalte „{column}“: {unknown} Werte sind weder Text noch Zahl, Datum oder "
                "Wahrheitswert.",
                next_step="In der Datenbank eine Sicht anlegen, die die Spalte als Text oder Zahl liefert.",
            )
        cells = pa.array([_NOTATION[type(value)](value) for value in values], pa.string())
        infinite = int(pc.sum(pc.match_substring_regex(cells, INFINITE)).as_py() or 0)
        if infinite:
            raise SourceUnreadable(
                f"Tabelle „{table}“, Spalte „{column}“: {infinite} Werte sind kein Zeitpunkt, sondern „unendlich“.",
                next_step="In der Datenbank eine Sicht anlegen, die sie als NULL liefert.",
            )
    long = int(pc.sum(pc.greater(pc.utf8_length(cells), budget.limits.cell)).as_py() or 0)
    if long:
        raise SourceUnreadable(
            f"Tabelle „{table}“, Spalte „{column}“: {long} Werte sind länger als die erlaubten {budget.limits.cell} "
            "Zeichen; das Lesen wurde abgebrochen.",
            next_step="Prüfen, ob die Spalte das Richtige enthält; sonst limits.cell im Vertrag anheben.",
        )
    return cells


_NOTATION: dict[type, Any] = {
    type(None): lambda value: None,
    str: lambda value: value,
    bool: lambda value: "true" if value else "false",
    int: str,
    float: repr,
    Decimal: lambda value: format(value, "f"),
    date: date.isoformat,
    datetime: datetime.isoformat,
    time: time.isoformat,
    UUID: str,
}
