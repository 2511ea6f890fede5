"""A table that is a table or view of a database: its declared columns, read only, as text in one Parquet file.

Values are written as text in one fixed notation (ISO 8601, decimal point, ``true``/``false``; NULL stays NULL), so
that what a column is follows from the contract and not from the driver, whose types differ from database to database
and, in SQLite, from row to row.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url

from stadtdaten.contracts.interfaces import Limits
from stadtdaten.contracts.model import Table
from stadtdaten.extract.budget import Budget
from stadtdaten.extract.outcome import Fetched
from stadtdaten.faults import Misconfigured, SchemaChanged, SourceUnavailable, SourceUnreadable
from stadtdaten.frames import Endpoint

BATCH = 20_000
"""Rows fetched at a time."""

UNDECLARED = b"undeclared_columns"
"""Key in the Parquet file's metadata: JSON list of the source's columns that were not asked for (names only)."""


def fetch_rows(table: Table, endpoint: Endpoint, folder: Path, limits: Limits) -> Fetched:
    """The declared columns of all rows in one Parquet file whose columns are text.

    ``source_bytes`` counts the bytes of the values. Raises SchemaChanged if the table or a column is gone,
    SourceUnavailable if the database does not answer, SourceUnreadable beyond the limits, for missing rights and for
    values that are no text, number, date or boolean, Misconfigured for an address without a driver.
    """
    budget = Budget(limits, table.id)
    target = folder / f"{table.id}.rows.parquet"
    url = _address(endpoint, table.id)
    # Driver errors quote statements and values: their text must not travel on, hence "from None" throughout.
    try:
        with closing(_Database(url, limits.seconds)) as database:
            selected, undeclared = _columns(database.engine, table)
            with database.engine.connect() as connection:
                _write(connection, table, selected, undeclared, target, budget)
    except (sa.exc.NoSuchModuleError, ImportError):
        raise Misconfigured(
            f"Tabelle „{table.id}“: Für die Datenbank der Verbindung ist kein Treiber installiert.",
            next_step="Die Adresse der Verbindung prüfen oder den Treiber in die Installation aufnehmen.",
        ) from None
    except sa.exc.ProgrammingError:
        raise SourceUnreadable(
            f"Tabelle „{table.id}“: Die Datenbank weist die Abfrage zurück.",
            next_step="Prüfen, ob das Datenbankkonto der Pipeline die Tabelle lesen darf.",
        ) from None
    except sa.exc.SQLAlchemyError:
        raise SourceUnavailable(
            f"Tabelle „{table.id}“: Die Datenbank ist nicht erreichbar oder bricht die Abfrage ab.",
            next_step="Abwarten, der Lauf wird wiederholt; hält es an, den Betrieb der Datenbank ansprechen.",
        ) from None
    return Fetched((target,), _without_secrets(url), (), budget.bytes)


class _Database:
    """An engine that only reads: by the file's mode in SQLite, by the transaction's in PostgreSQL.

    PostgreSQL ends a statement that takes longer than ``seconds``: a view that is calculated for hours would hold us
    before the first row.
    """

    def __init__(self, url: URL, seconds: int) -> None:
        name = url.get_backend_name()
        if name == "sqlite":
            file = f"file:{quote(url.database or '')}?mode=ro"
            self.engine = sa.create_engine("sqlite://", creator=lambda: sqlite3.connect(file, uri=True))
        elif name == "postgresql":
            self.engine = sa.create_engine(
                url, poolclass=sa.pool.NullPool, execution_options={"postgresql_readonly": True},
                connect_args={"connect_timeout": 10},
            )  # fmt: skip

            def limit(connection: sa.Connection) -> None:
                # LOCAL, so that it also works behind a pooler; by a cursor of its own, which is never a streaming one.
                with closing(connection.connection.cursor()) as cursor:
                    cursor.execute(f"SET LOCAL statement_timeout = {seconds * 1000}")

            sa.event.listen(self.engine, "begin", limit)
        else:
            self.engine = sa.create_engine(url, poolclass=sa.pool.NullPool)

    def close(self) -> None:
        self.engine.dispose()


def _address(endpoint: Endpoint, table: str) -> URL:
    try:
        url = make_url(endpoint.url)
    except sa.exc.ArgumentError:
        raise Misconfigured(
            f"Tabelle „{table}“: Die Adresse der Verbindung ist keine Datenbankadresse.",
            next_step="Die Verbindung in Airflow prüfen (host = SQLAlchemy-Adresse ohne Zugangsdaten).",
        ) from None
    return url.set(username=endpoint.login, password=endpoint.password or None) if endpoint.login else url


def _without_secrets(url: URL) -> str:
    """The address without user, password and query (built anew: ``URL.set`` leaves what it is given None for)."""
    return URL.create(url.drivername, host=url.host, port=url.port, database=url.database).render_as_string()


def _place(table: Table) -> tuple[str | None, str]:
    """Schema and name in ``resource``. Raises Misconfigured for anything but ``name`` and ``schema.name``."""
    *schema, name = table.resource.split(".")
    if len(schema) > 1 or not all([*schema, name]):
        raise Misconfigured(
            f"Tabelle „{table.id}“: „{table.resource}“ ist kein Tabellenname der Form „tabelle“ oder „schema.tabelle“.",
            next_step="resource im Vertrag berichtigen; enthält der Name selbst einen Punkt, in der Datenbank eine "
            "Sicht ohne Punkt anlegen.",
        )
    return (schema[0] if schema else None), name


def _columns(engine: sa.Engine, table: Table) -> tuple[list[str], list[str]]:
    """Source names of the declared columns, and the columns of the source that are not declared."""
    schema, name = _place(table)
    try:
        found = [str(column["name"]) for column in sa.inspect(engine).get_columns(name, schema)]
    except sa.exc.NoSuchTableError:
        raise SchemaChanged(
            f"Tabelle „{table.id}“: In der Datenbank gibt es „{table.resource}“ nicht mehr.",
            next_step="Mit der Fachstelle klären, wie die Tabelle jetzt heißt, und resource im Vertrag anpassen.",
        ) from None
    declared = [column.source for column in table.columns]
    undeclared = [column for column in found if column not in declared]
    missing = [column for column in declared if column not in found]
    if missing:
        raise SchemaChanged(
            f"Tabelle „{table.id}“: Es fehlen {len(missing)} erklärte Spalten: {', '.join(missing)}. "
            f"Nicht erklärt sind: {', '.join(undeclared) or 'keine'}.",
            next_step="Mit der Fachstelle klären, ob die Spalten umbenannt wurden, und den Vertrag anpassen.",
        )
    return declared, undeclared


def _write(
    connection: sa.Connection, table: Table, columns: list[str], undeclared: list[str], target: Path, budget: Budget
) -> None:
    schema, name = _place(table)
    source = sa.table(name, *(sa.column(column) for column in columns), schema=schema)
    fields = pa.schema(
        [pa.field(column, pa.string()) for column in columns],
        metadata={UNDECLARED: json.dumps(undeclared, ensure_ascii=False).encode()},
    )
    target.unlink(missing_ok=True)
    target.touch(mode=0o600)
    rows = 0
    result = connection.execution_options(stream_results=True, max_row_buffer=BATCH).execute(sa.select(source))
    with pq.ParquetWriter(target, fields) as writer:
        while batch := result.fetchmany(BATCH):
            rows += len(batch)
            budget.check_rows(rows)
            budget.check_time()
            values = pa.RecordBatch.from_arrays(
                [
                    _text(column, values, table.id)
                    for column, values in zip(columns, zip(*batch, strict=True), strict=True)
                ],
                schema=fields,
            )
            budget.spend_bytes(values.nbytes)
            writer.write_batch(values)


def _text(column: str, values: Sequence[Any], table: str) -> pa.Array:
    """One column as text. Raises SourceUnreadable for types that have no fixed notation (bytes, arrays, JSON)."""
    if all(value is None or type(value) is str for value in values):
        return pa.array(values, pa.string())
    unknown = sum(type(value) not in _NOTATION for value in values)
    if unknown:
        raise SourceUnreadable(
            f"Tabelle „{table}“, Spalte „{column}“: {unknown} Werte sind weder Text noch Zahl, Datum oder "
            "Wahrheitswert.",
            next_step="In der Datenbank eine Sicht anlegen, die die Spalte als Text oder Zahl liefert.",
        )
    return pa.array([_NOTATION[type(value)](value) for value in values], pa.string())


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
