"""How is a database reached, and what keeps the connector from writing there whatever its account may do?

PostgreSQL: read-only transactions that see one state of the database (REPEATABLE READ), and the server ends a
statement that takes too long. SQLite: the file is opened read-only, one transaction sees one state. Oracle: read-only
transactions. Microsoft SQL Server knows no such thing: there the account itself must be one that only reads.

**Oracle and Microsoft SQL Server were never run**: tests compile the statements for them, no more. Their drivers
(oracledb, pyodbc) are not installed here.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url

from stadtdaten.faults import Misconfigured
from stadtdaten.frames import Endpoint

OPTIONS: Mapping[str, frozenset[str]] = {
    "sqlite": frozenset(),
    "postgresql": frozenset({"sslmode", "sslrootcert", "sslcert", "sslkey"}),
    "mssql": frozenset({"driver", "Encrypt", "TrustServerCertificate"}),
    "oracle": frozenset({"service_name"}),
}
"""Kind of database to the options that its connection may have; none of them can hold a secret."""

CONNECT_SECONDS = 10


def address_of(endpoint: Endpoint, table: str) -> URL:
    """The whole address, with login and options. Raises Misconfigured; no part of the address is in the message."""
    try:
        url = make_url(endpoint.url)
    except (sa.exc.ArgumentError, ValueError):
        raise Misconfigured(
            f"Tabelle „{table}“: Die Adresse der Verbindung ist keine Datenbankadresse.",
            next_step="Die Verbindung in Airflow prüfen (host = SQLAlchemy-Adresse ohne Zugangsdaten).",
        ) from None
    known = OPTIONS.get(url.get_backend_name())
    if known is None:
        raise Misconfigured(
            f"Tabelle „{table}“: Datenbanken dieser Art werden nicht gelesen.",
            next_step="Gelesen werden PostgreSQL, SQLite, Microsoft SQL Server und Oracle.",
        )
    if url.username or url.password:
        raise Misconfigured(
            f"Tabelle „{table}“: In der Adresse der Verbindung stehen Zugangsdaten.",
            next_step="Sie aus der Adresse nehmen und in Airflow als Login und Password der Verbindung eintragen.",
        )
    unknown = sorted({*url.query, *endpoint.options} - known)
    if unknown:
        raise Misconfigured(
            f"Tabelle „{table}“: Die Verbindung hat {len(unknown)} Optionen, die hier nicht vorgesehen sind: "
            f"{', '.join(unknown)}.",
            next_step=f"Vorgesehen sind: {', '.join(sorted(known)) or 'keine'}.",
        )
    url = url.update_query_dict(endpoint.options)
    return url.set(username=endpoint.login, password=endpoint.password or None) if endpoint.login else url


def without_secrets(url: URL) -> str:
    """The address without user, password and query (built anew: ``URL.set`` leaves what it is given None for)."""
    return URL.create(url.drivername, host=url.host, port=url.port, database=url.database).render_as_string()


@contextmanager
def reading(url: URL, seconds: int) -> Iterator[sa.Connection]:
    """A connection that only reads; PostgreSQL ends a statement after ``seconds``.

    Raises SQLAlchemyError, and ImportError where the driver is not installed.
    """
    engine = _engine(url)
    at_begin = {
        "sqlite": "BEGIN",
        # LOCAL, so that it also works behind a pooler.
        "postgresql": f"SET LOCAL statement_timeout = {seconds * 1000}",
        "oracle": "SET TRANSACTION READ ONLY",
    }.get(url.get_backend_name())

    def begin(connection: sa.Connection) -> None:
        if at_begin is not None:
            # By a cursor of its own, which is never a streaming one.
            with closing(connection.connection.cursor()) as cursor:
                cursor.execute(at_begin)

    sa.event.listen(engine, "begin", begin)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def _engine(url: URL) -> sa.Engine:
    match url.get_backend_name():
        case "sqlite":
            return sa.create_engine("sqlite://", creator=lambda: _sqlite(url), poolclass=sa.pool.NullPool)
        case "postgresql":
            return sa.create_engine(
                url,
                poolclass=sa.pool.NullPool,
                isolation_level="REPEATABLE READ",
                execution_options={"postgresql_readonly": True},
                connect_args={"connect_timeout": CONNECT_SECONDS},
            )
        case _:
            return sa.create_engine(url, poolclass=sa.pool.NullPool)


def _sqlite(url: URL) -> sqlite3.Connection:
    file = f"file:{quote(url.database or '')}?mode=ro"
    connection = sqlite3.connect(file, uri=True, isolation_level=None)
    # SQLite checks no encoding: without this, text that is not UTF-8 would count as a database that is down.
    connection.text_factory = _decoded
    return connection


def _decoded(data: bytes) -> Any:
    return data.decode()
