"""Rows of a database: only what is declared, only reading, no secret and no value in a message."""

from __future__ import annotations

import datetime
import json
import sqlite3
import stat
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from stadtdaten.contracts.interfaces import Limits, SqlInterface
from stadtdaten.contracts.model import Table
from stadtdaten.extract import Fetched, fetch_table
from stadtdaten.extract.sql import UNDECLARED, _Database, _text, _without_secrets
from stadtdaten.faults import Fault, Misconfigured, SchemaChanged, SourceUnavailable, SourceUnreadable
from stadtdaten.frames import Endpoint

SQL = SqlInterface(kind="sql", connection="probe")
MakeTable = Callable[..., Table]


@pytest.fixture
def database(tmp_path: Path) -> Path:
    file = tmp_path / "fach verfahren#1.sqlite"
    with sqlite3.connect(file) as connection:
        connection.execute('CREATE TABLE "Personen Liste" (id INTEGER, name TEXT, notiz TEXT)')
        connection.executemany(
            'INSERT INTO "Personen Liste" VALUES (?, ?, ?)', [(number, f"ä{number}", "x") for number in range(50_000)]
        )
        connection.execute('INSERT INTO "Personen Liste" VALUES (NULL, NULL, NULL)')
    connection.close()
    return file


def fetch(table: Table, url: str, folder: Path, limits: Limits | None = None, **login: str) -> Fetched:
    fetched = fetch_table(SQL, table, Endpoint(url=url, **login), folder, limits or Limits(), None)
    assert isinstance(fetched, Fetched)
    return fetched


def test_the_declared_columns_arrive_and_the_others_are_named(database: Path, table: MakeTable, tmp_path: Path) -> None:
    fetched = fetch(table("rows", "Personen Liste"), f"sqlite:///{database}", tmp_path)
    stored = pq.read_table(fetched.files[0])
    assert stored.column_names == ["id", "name"]
    assert stored.num_rows == 50_001
    assert stored.slice(49_999).to_pylist() == [{"id": "49999", "name": "ä49999"}, {"id": None, "name": None}]
    assert json.loads(stored.schema.metadata[UNDECLARED]) == ["notiz"]
    assert stat.S_IMODE(fetched.files[0].stat().st_mode) == 0o600
    assert fetched.source_bytes > 50_000 * 8


def test_a_column_that_is_gone_is_named_together_with_the_new_ones(
    database: Path, table: MakeTable, tmp_path: Path
) -> None:
    with sqlite3.connect(database) as connection:
        connection.execute('ALTER TABLE "Personen Liste" RENAME COLUMN name TO bezeichnung')
    connection.close()
    with pytest.raises(SchemaChanged, match=r"Spalten: name\. Nicht erklärt sind: bezeichnung, notiz"):
        fetch(table("rows", "Personen Liste"), f"sqlite:///{database}", tmp_path)


def test_a_table_that_is_gone_is_a_changed_schema(database: Path, table: MakeTable, tmp_path: Path) -> None:
    with pytest.raises(SchemaChanged, match="einwohner"):
        fetch(table("rows", "einwohner"), f"sqlite:///{database}", tmp_path)


def test_a_database_that_is_gone_is_unavailable_and_not_created(table: MakeTable, tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable):
        fetch(table("rows", "einwohner"), f"sqlite:///{tmp_path}/weg.sqlite", tmp_path)
    assert not (tmp_path / "weg.sqlite").exists()


def test_nothing_can_be_written(database: Path, table: MakeTable, tmp_path: Path) -> None:
    database.chmod(0o600)
    before = database.read_bytes()
    fetch(table("rows", "Personen Liste"), f"sqlite:///{database}", tmp_path)
    assert database.read_bytes() == before
    assert not list(tmp_path.glob("*-journal")) + list(tmp_path.glob("*-wal"))


def test_a_password_is_in_no_message(table: MakeTable, tmp_path: Path) -> None:
    with pytest.raises(Fault) as caught:
        fetch(
            table("rows", "einwohner"), "postgresql+psycopg://127.0.0.1:1/statistik?sslkey=geheim", tmp_path,
            login="dienst", password="kennwort",
        )  # fmt: skip
    assert isinstance(caught.value, SourceUnavailable)
    told = str(caught.value) + caught.value.next_step + str(caught.value.__cause__)
    assert not any(secret in told for secret in ("kennwort", "dienst", "geheim"))


def test_the_address_kept_has_no_login(database: Path, table: MakeTable, tmp_path: Path) -> None:
    login = {"login": "dienst", "password": "kennwort"}
    fetched = fetch(table("rows", "Personen Liste"), f"sqlite:///{database}?timeout=7", tmp_path, **login)
    assert fetched.url == sa.URL.create("sqlite", database=str(database)).render_as_string()
    url = sa.make_url("postgresql+psycopg://dienst:kennwort@db.example:5433/statistik?sslkey=geheim")
    assert _without_secrets(url) == "postgresql+psycopg://db.example:5433/statistik"


@pytest.mark.parametrize("url", ["kein url", "unbekannt://host/db"])
def test_an_address_without_a_driver_is_our_mistake(table: MakeTable, tmp_path: Path, url: str) -> None:
    with pytest.raises(Misconfigured):
        fetch(table("rows", "einwohner"), url, tmp_path)


def test_more_rows_than_allowed_stop_the_reading(database: Path, table: MakeTable, tmp_path: Path) -> None:
    with pytest.raises(SourceUnreadable, match="30000 Zeilen"):
        fetch(table("rows", "Personen Liste"), f"sqlite:///{database}", tmp_path, Limits(rows=30_000))


def test_binary_values_are_an_error_without_the_value(database: Path, table: MakeTable, tmp_path: Path) -> None:
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE \"Personen Liste\" SET name = x'4711' WHERE id < 3")
    connection.close()
    with pytest.raises(SourceUnreadable, match="„name“: 3 Werte"):
        fetch(table("rows", "Personen Liste"), f"sqlite:///{database}", tmp_path)


def test_every_type_of_a_driver_has_one_notation() -> None:
    values = [
        datetime.date(2026, 2, 28), datetime.datetime(2026, 2, 28, 13, 5, tzinfo=datetime.UTC),
        Decimal("1E+3"), Decimal("0.10"), 1.5, 7,
        True, "Straße", None,
    ]  # fmt: skip
    assert _text("spalte", values, "probe").to_pylist() == [
        "2026-02-28", "2026-02-28T13:05:00+00:00", "1000", "0.10", "1.5", "7", "true", "Straße", None,
    ]  # fmt: skip


def test_sqlite_refuses_to_write_through_our_connection(database: Path) -> None:
    store = _Database(sa.make_url(f"sqlite:///{database}"), 600)
    with store.engine.connect() as connection, pytest.raises(sa.exc.OperationalError, match="readonly"):
        connection.execute(sa.text('DELETE FROM "Personen Liste"'))
    store.close()


@pytest.mark.parametrize("resource", ["stadt.dbo.personen", ".personen", "personen.", "a..b"])
def test_a_table_name_with_more_than_schema_and_name_is_told(
    database: Path, table: MakeTable, tmp_path: Path, resource: str
) -> None:
    with pytest.raises(Misconfigured, match=r"schema\.tabelle"):
        fetch(table("rows", resource), f"sqlite:///{database}", tmp_path)
