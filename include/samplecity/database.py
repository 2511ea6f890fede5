"""How does an office's database come to be? Tables in a SQLite file."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from samplecity.tables import Table

SQL_TYPES = {"text": "TEXT", "integer": "INTEGER", "decimal": "REAL", "date": "DATE"}


def write_database(path: Path, table: Table) -> None:
    """Write the table anew; others in the file stay. Readers see the old one or the new one, never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".tmp")
    unfinished.unlink(missing_ok=True)
    if path.exists():
        shutil.copyfile(path, unfinished)
    columns = ", ".join(f"{_quoted(column.name)} {SQL_TYPES[column.type]}" for column in table.columns)
    places = ", ".join("?" for _ in table.columns)
    with closing(sqlite3.connect(unfinished)) as database, database:
        database.execute(f"DROP TABLE IF EXISTS {_quoted(table.resource)}")
        database.execute(f"CREATE TABLE {_quoted(table.resource)} ({columns})")
        rows = [
            tuple(str(cell) if column.type == "date" else cell for column, cell in zip(table.columns, row, strict=True))
            for row in table.rows
        ]
        database.executemany(f"INSERT INTO {_quoted(table.resource)} VALUES ({places})", rows)
    unfinished.replace(path)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
