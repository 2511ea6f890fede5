"""Rows of a database as ``extract.sql`` keeps them: text in one Parquet file, in one fixed notation."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq

from stadtdaten.contracts.model import Table
from stadtdaten.extract.sql import UNDECLARED
from stadtdaten.faults import SourceUnreadable
from stadtdaten.read.table import RawTable, match_columns


def read_rows(table: Table, path: Path) -> RawTable:
    """The declared columns as text. Raises SourceUnreadable without rows, SchemaChanged for columns that are gone."""
    stored = pq.read_table(path)
    rest = json.loads((stored.schema.metadata or {}).get(UNDECLARED, b"[]"))
    matched = match_columns(table, [*stored.column_names, *rest])
    if not stored.num_rows:
        raise SourceUnreadable(
            f"Tabelle „{table.id}“: Die Datenbank liefert keine Zeile.",
            next_step="Mit der Fachstelle klären, ob die Tabelle gerade neu befüllt wird.",
        )
    cells = {name: stored.column(found) for name, found in matched.names.items()}
    return RawTable(cells, stored.num_rows, matched.drift, matched.repairs)
