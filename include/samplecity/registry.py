"""How does the statistics office's database come to be? One SQLite file with the table ``einwohner``."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from samplecity.tables import Table

SQL_TYPES = {"text": "TEXT", "integer": "INTEGER", "date": "DATE"}


def registry_path(var: Path) -> Path:
    """File of the database."""
    return var / "samplecity" / "einwohner.sqlite"


def write_registry(path: Path, table: Table) -> None:
    """Write the database anew; readers see the old one or the new one, never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".tmp")
    unfinished.unlink(missing_ok=True)
    columns = ", ".join(f"{column.name} {SQL_TYPES[column.type]}" for column in table.columns)
    places = ", ".join("?" for _ in table.columns)
    with closing(sqlite3.connect(unfinished)) as database, database:
        database.execute(f"CREATE TABLE {table.resource} ({columns})")
        rows = [
            tuple(str(cell) if column.type == "date" else cell for column, cell in zip(table.columns, row, strict=True))
            for row in table.rows
        ]
        database.executemany(f"INSERT INTO {table.resource} VALUES ({places})", rows)
    unfinished.replace(path)
