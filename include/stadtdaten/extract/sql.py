"""A table that is a table or view of a database: its declared columns, read only, as text in one Parquet file.

Names are those that SQLAlchemy tells: exactly as in the database, but in small letters where Oracle has them all in
capitals. Which of a database's columns are the contract's is for ``read`` to say. Geometries come from PostgreSQL with
PostGIS only.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import HSTORE, MONEY

from stadtdaten.contracts.interfaces import Limits
from stadtdaten.contracts.model import Table
from stadtdaten.contracts.reading import Incremental, Rows
from stadtdaten.extract.budget import Budget
from stadtdaten.extract.database import address_of, reading, without_secrets
from stadtdaten.extract.outcome import Fetched, NotModified
from stadtdaten.extract.rising import Extent, current_extent, known_extent
from stadtdaten.extract.row_file import RowFile
from stadtdaten.faults import Misconfigured, SchemaChanged, SourceInMotion, SourceUnavailable, SourceUnreadable
from stadtdaten.frames import Endpoint, SourceFile, TableLock

BATCH = 5_000
"""Rows fetched at a time: the only ones in memory."""


def fetch_rows(
    table: Table, endpoint: Endpoint, folder: Path, limits: Limits, previous: TableLock | None
) -> Fetched | NotModified:
    """The declared columns of all rows in one Parquet file whose columns are text (a geometry: EWKB).

    Where the contract says ``reading.incremental`` and ``previous`` is the lock of what is live: NotModified after one
    statement if number of rows and highest value are still the same; else only the rows from that value on (``>=``,
    for others may have got the same value since) with ``total_rows``; all rows where some were obviously deleted.

    The file has no rows if a declared column is gone or there twice: its names say which. ``source_bytes`` counts the
    bytes of the values. Raises SchemaChanged if the table is gone, SourceUnavailable if the database does not answer,
    SourceUnreadable beyond the limits, for missing rights and for values that are no text, number, date or boolean,
    Misconfigured for an address, an option or a driver that is missing.
    """
    budget = Budget(limits, table.id)
    url = address_of(endpoint, table.id)
    incremental = table.reading.incremental if isinstance(table.reading, Rows) else None
    known = known_extent(previous, table.resource, without_secrets(url)) if incremental else None
    with _faults(table.id), reading(url, limits.seconds) as connection:
        now = _extent(connection, table, incremental, budget) if incremental else None
        if now is not None and now == known:
            return NotModified()
        names = _columns(connection, table)
        path = folder / f"{table.id}.rows.parquet"
        target = RowFile(path, table.id, names.selected, names.geometry, names.undeclared)
        changed = _changed(incremental, known, now)
        rows = 0 if changed is None else target.write(_rows(connection, table, names, changed), budget)
        only_changes = rows > 0
        if not only_changes:
            rows = target.write(_rows(connection, table, names), budget)
    if now is not None and not only_changes and names.complete and rows != now.rows:
        raise SourceInMotion(
            f"Tabelle „{table.id}“: Die Tabelle hat sich geändert, während sie gelesen wurde ({now.rows} Zeilen "
            f"angekündigt, {rows} gelesen).",
            next_step="Abwarten, der Lauf wird wiederholt; hält es an, den Lauf in eine ruhige Stunde legen.",
        )
    source = SourceFile(name=table.resource, etag=now.notation() if now else "", size=budget.bytes)
    total = now.rows if now is not None and only_changes else None
    return Fetched((path,), without_secrets(url), (source,), budget.bytes, only_changes, total)


def _changed(
    incremental: Incremental | None, known: Extent | None, now: Extent | None
) -> sa.ColumnElement[bool] | None:
    """Which rows are new or changed; None where only all rows can tell."""
    if incremental is None or known is None or now is None or not now.continues(known):
        return None
    condition: sa.ColumnElement[bool] = sa.column(incremental.column) >= known.highest
    return condition


@contextmanager
def _faults(table: str) -> Iterator[None]:
    """Errors of drivers as faults. They quote statements and values: their text must not travel on (``from None``)."""
    try:
        yield
    except (sa.exc.NoSuchModuleError, ImportError):
        raise Misconfigured(
            f"Tabelle „{table}“: Für die Datenbank der Verbindung ist kein Treiber installiert.",
            next_step="Die Adresse der Verbindung prüfen oder den Treiber in die Installation aufnehmen "
            "(Microsoft SQL Server: pyodbc, Oracle: oracledb).",
        ) from None
    except sa.exc.ProgrammingError:
        raise SourceUnreadable(
            f"Tabelle „{table}“: Die Datenbank weist die Abfrage zurück.",
            next_step="Prüfen, ob das Datenbankkonto der Pipeline die Tabelle lesen darf.",
        ) from None
    except sa.exc.SQLAlchemyError:
        raise SourceUnavailable(
            f"Tabelle „{table}“: Die Datenbank ist nicht erreichbar oder bricht die Abfrage ab.",
            next_step="Abwarten, der Lauf wird wiederholt; hält es an, den Betrieb der Datenbank ansprechen.",
        ) from None


@contextmanager
def _values_of_drivers(table: str) -> Iterator[None]:
    """What a driver raises while it makes Python values of the database's: ValueError, OverflowError or DataError."""
    try:
        yield
    except (sa.exc.DataError, ValueError, OverflowError):
        raise SourceUnreadable(
            f"Tabelle „{table}“: Die Datenbank liefert Werte, die kein Text in ihrer Kodierung oder kein Datum der "
            "Jahre 1 bis 9999 sind.",
            next_step="Die Fachstelle um Berichtigung bitten oder eine Sicht anlegen, die sie als NULL liefert.",
        ) from None


def source_of(table: Table) -> sa.TableClause:
    """Schema and name in ``resource``. Raises Misconfigured for anything but ``name`` and ``schema.name``."""
    *schema, name = table.resource.split(".")
    if len(schema) > 1 or not all([*schema, name]):
        raise Misconfigured(
            f"Tabelle „{table.id}“: „{table.resource}“ ist kein Tabellenname der Form „tabelle“ oder „schema.tabelle“.",
            next_step="resource im Vertrag berichtigen; enthält der Name selbst einen Punkt, in der Datenbank eine "
            "Sicht ohne Punkt anlegen.",
        )
    return sa.table(name, schema=schema[0] if schema else None)


def selection(source: sa.TableClause, columns: Sequence[str], geometry: str | None) -> sa.Select[Any]:
    """The statement that asks for the columns of all rows; ``geometry`` is the one that comes as EWKB (PostGIS)."""

    def asked(name: str) -> sa.ColumnElement[Any]:
        column: sa.ColumnClause[Any] = sa.column(name)
        return sa.func.ST_AsEWKB(sa.cast(column, _Geometry)).label(name) if name == geometry else column

    return sa.select(*map(asked, columns)).select_from(source)


class _Geometry(sa.types.UserDefinedType[bytes]):
    """PostGIS' type, to which its ``geography`` is cast."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """Its name in a statement."""
        return "geometry"


@dataclass(frozen=True)
class _Names:
    """Columns of the source: those to select, those that nobody declared, and which of the former is the geometry.

    ``complete``: each declared column is there under exactly one of its names.
    """

    selected: list[str]
    undeclared: list[str]
    geometry: str | None
    complete: bool


def _extent(connection: sa.Connection, table: Table, incremental: Incremental, budget: Budget) -> Extent | None:
    """What there is now; None if there is nothing, or no such table or column (which is told when they are looked up).
    """  # fmt: skip
    try:
        with _values_of_drivers(table.id):
            return current_extent(connection, source_of(table), incremental.column, table.id)
    except sa.exc.DatabaseError:
        budget.check_time()
        connection.rollback()
        return None


def _columns(connection: sa.Connection, table: Table) -> _Names:
    source = source_of(table)
    try:
        with warnings.catch_warnings():
            # Of PostGIS and the like: values of a type unknown to SQLAlchemy are judged one by one.
            warnings.filterwarnings("ignore", "Did not recognize type", sa.exc.SAWarning)
            columns = sa.inspect(connection).get_columns(source.name, source.schema)
    except sa.exc.NoSuchTableError:
        raise SchemaChanged(
            f"Tabelle „{table.id}“: In der Datenbank gibt es „{table.resource}“ nicht mehr.",
            next_step="Mit der Fachstelle klären, wie die Tabelle jetzt heißt, und resource im Vertrag anpassen.",
        ) from None
    _demand_postgis(connection, table)
    found = {str(column["name"]): column["type"] for column in columns}
    present = {
        column.name: [name for name in (column.source, *column.aliases) if name in found] for column in table.columns
    }
    selected = list(dict.fromkeys(name for names in present.values() for name in names))
    geometry = next(iter(present[table.geometry.name]), None) if table.geometry else None
    _demand_values(table, {name: found[name] for name in selected if name != geometry})
    undeclared = [name for name in found if name not in selected]
    return _Names(selected, undeclared, geometry, complete=all(len(names) == 1 for names in present.values()))


def _demand_postgis(connection: sa.Connection, table: Table) -> None:
    if table.geometry is not None and connection.dialect.name != "postgresql":
        raise Misconfigured(
            f"Tabelle „{table.id}“: Geometrien werden nur aus PostgreSQL mit PostGIS gelesen.",
            next_step="Die Tabelle aus einem WFS oder einer Datei lesen oder die Geometrie aus dem Vertrag nehmen.",
        )


def _demand_values(table: Table, types: dict[str, sa.types.TypeEngine[Any]]) -> None:
    """Such columns have no fixed notation as text (money is written as the server's language has it).

    Told by type, because a column may be empty by chance, and a JSON value may be a bare text or number.
    """
    unfit = [
        name
        for name, kind in types.items()
        if isinstance(kind, sa.JSON | HSTORE | MONEY) or kind.python_type in (bytes, list, timedelta)
    ]
    if unfit:
        raise SourceUnreadable(
            f"Tabelle „{table.id}“: {len(unfit)} erklärte Spalten enthalten Binärdaten, Listen, JSON, Zeitspannen oder "
            f"Geldbeträge: {', '.join(unfit)}.",
            next_step="In der Datenbank eine Sicht anlegen, die diese Spalten als Text oder Zahl liefert.",
        )


def _rows(
    connection: sa.Connection, table: Table, names: _Names, *where: sa.ColumnElement[bool]
) -> Iterator[Sequence[sa.Row[Any]]]:
    """Batches of rows through a cursor on the server's side, where there is such a thing (PostgreSQL: a named one)."""
    if not names.complete:
        return
    statement = selection(source_of(table), names.selected, names.geometry).where(*where)
    streaming = connection.execution_options(stream_results=True, max_row_buffer=BATCH)
    with _values_of_drivers(table.id), streaming.execute(statement) as result:
        while batch := result.fetchmany(BATCH):
            yield batch
