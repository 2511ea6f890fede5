"""Rows of a database: only what is declared, only reading, no secret and no value in a message."""

from __future__ import annotations

import datetime
import json
import sqlite3
import stat
from collections.abc import Callable, Sequence
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mssql, oracle, postgresql, sqlite

from stadtdaten.contracts.interfaces import Limits, SqlInterface
from stadtdaten.contracts.model import Table
from stadtdaten.extract import Fetched, NotModified, fetch_table
from stadtdaten.extract.budget import Budget
from stadtdaten.extract.database import address_of, reading, without_secrets
from stadtdaten.extract.rising import Extent, question
from stadtdaten.extract.row_file import UNDECLARED, as_text
from stadtdaten.extract.sql import selection, source_of
from stadtdaten.faults import Fault, Misconfigured, SchemaChanged, SourceInMotion, SourceUnavailable, SourceUnreadable
from stadtdaten.frames import Endpoint, TableLock

SQL = SqlInterface(kind="sql", connection="probe")
MakeTable = Callable[..., Table]


def fill(file: Path, *statements: str, rows: tuple[str, Sequence[Sequence[Any]]] | None = None) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        for statement in statements:
            connection.execute(statement)
        if rows is not None:
            connection.executemany(*rows)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    file = tmp_path / "fach verfahren#1.sqlite"
    people = [(number, f"ä{number}", "x") for number in range(50_000)]
    fill(
        file,
        'CREATE TABLE "Personen Liste" (id INTEGER, name TEXT, notiz TEXT)',
        rows=('INSERT INTO "Personen Liste" VALUES (?, ?, ?)', [*people, (None, None, None)]),
    )
    return file


def fetch(
    table: Table,
    url: str,
    folder: Path,
    limits: Limits | None = None,
    options: dict[str, str] | None = None,
    **login: str,
) -> Fetched:
    endpoint = Endpoint(url=url, options=options or {}, **login)
    fetched = fetch_table(SQL, table, endpoint, folder, limits or Limits(), None)
    assert isinstance(fetched, Fetched)
    return fetched


def rows_of(fetched: Fetched) -> list[dict[str, Any]]:
    return pq.read_table(fetched.files[0]).to_pylist()


# What arrives


def test_the_declared_columns_arrive_and_the_others_are_named(database: Path, table: MakeTable, tmp_path: Path) -> None:
    fetched = fetch(table("rows", "Personen Liste"), f"sqlite:///{database}", tmp_path)
    stored = pq.read_table(fetched.files[0])
    assert stored.column_names == ["id", "name"]
    assert stored.num_rows == 50_001
    assert stored.slice(49_999).to_pylist() == [{"id": "49999", "name": "ä49999"}, {"id": None, "name": None}]
    assert json.loads(stored.schema.metadata[UNDECLARED]) == ["notiz"]
    assert stat.S_IMODE(fetched.files[0].stat().st_mode) == 0o600
    assert fetched.source_bytes > 50_000 * 8
    assert fetched.total_rows is None


def test_of_a_table_without_its_column_no_row_is_read(database: Path, table: MakeTable, tmp_path: Path) -> None:
    fill(database, 'ALTER TABLE "Personen Liste" RENAME COLUMN name TO bezeichnung')
    stored = pq.read_table(fetch(table("rows", "Personen Liste"), f"sqlite:///{database}", tmp_path).files[0])
    assert (stored.num_rows, stored.column_names) == (0, ["id"])
    assert json.loads(stored.schema.metadata[UNDECLARED]) == ["bezeichnung", "notiz"]


def test_a_table_that_is_gone_is_a_changed_schema(database: Path, table: MakeTable, tmp_path: Path) -> None:
    with pytest.raises(SchemaChanged, match="einwohner"):
        fetch(table("rows", "einwohner"), f"sqlite:///{database}", tmp_path)


def test_a_view_is_read_like_a_table(database: Path, table: MakeTable, tmp_path: Path) -> None:
    fill(database, 'CREATE VIEW kurz AS SELECT id, name FROM "Personen Liste" LIMIT 2')
    assert len(rows_of(fetch(table("rows", "kurz"), f"sqlite:///{database}", tmp_path))) == 2


def test_a_database_that_is_gone_is_unavailable_and_not_created(table: MakeTable, tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable):
        fetch(table("rows", "einwohner"), f"sqlite:///{tmp_path}/weg.sqlite", tmp_path)
    assert not (tmp_path / "weg.sqlite").exists()


def test_more_rows_than_allowed_stop_the_reading(database: Path, table: MakeTable, tmp_path: Path) -> None:
    with pytest.raises(SourceUnreadable, match="30000 Zeilen"):
        fetch(table("rows", "Personen Liste"), f"sqlite:///{database}", tmp_path, Limits(rows=30_000))


def test_a_text_that_is_too_long_is_refused_and_not_cut(database: Path, table: MakeTable, tmp_path: Path) -> None:
    fill(database, "UPDATE \"Personen Liste\" SET name = printf('%.1001c', 'x') WHERE id < 3")
    with pytest.raises(SourceUnreadable, match="„name“: 3 Werte sind länger als die erlaubten 1000 Zeichen"):
        fetch(table("rows", "Personen Liste"), f"sqlite:///{database}", tmp_path, Limits(cell=1000))
    whole = rows_of(fetch(table("rows", "Personen Liste"), f"sqlite:///{database}", tmp_path, Limits(cell=1001)))
    assert len(whole[0]["name"]) == 1001


def test_binary_values_are_an_error_without_the_value(database: Path, table: MakeTable, tmp_path: Path) -> None:
    fill(database, "UPDATE \"Personen Liste\" SET name = x'4711' WHERE id < 3")
    with pytest.raises(SourceUnreadable, match="„name“: 3 Werte"):
        fetch(table("rows", "Personen Liste"), f"sqlite:///{database}", tmp_path)


@pytest.mark.parametrize("kind", ["BLOB", "JSON"])
def test_columns_without_a_notation_as_text_are_refused_by_name_even_if_empty(
    database: Path, table: MakeTable, tmp_path: Path, kind: str
) -> None:
    fill(database, f"CREATE TABLE foto (id TEXT, name {kind})", "INSERT INTO foto VALUES ('1', NULL)")
    with pytest.raises(SourceUnreadable, match=r"1 erklärte Spalten enthalten .*: name"):
        fetch(table("rows", "foto"), f"sqlite:///{database}", tmp_path)


def test_binary_columns_that_nobody_declared_are_not_read(database: Path, table: MakeTable, tmp_path: Path) -> None:
    fill(database, "CREATE TABLE foto (id TEXT, name TEXT, bild BLOB)", "INSERT INTO foto VALUES ('1', 'Park', x'ff')")
    assert rows_of(fetch(table("rows", "foto"), f"sqlite:///{database}", tmp_path)) == [{"id": "1", "name": "Park"}]


def test_text_that_is_not_utf8_is_an_error_of_the_data_and_not_of_the_network(
    database: Path, table: MakeTable, tmp_path: Path
) -> None:
    fill(database, "UPDATE \"Personen Liste\" SET name = CAST(x'5374726fdf65' AS TEXT) WHERE id = 7")
    with pytest.raises(SourceUnreadable, match="Kodierung"):
        fetch(table("rows", "Personen Liste"), f"sqlite:///{database}", tmp_path)


def test_every_type_of_a_driver_has_one_notation() -> None:
    values = [
        datetime.date(2026, 2, 28), datetime.datetime(2026, 2, 28, 13, 5, tzinfo=datetime.UTC),
        Decimal("1E+3"), Decimal("0.10"), Decimal("12345678901234567890.123456789"), 1.5, 7, 2**70,
        float("nan"), True, "Straße", None,
    ]  # fmt: skip
    assert as_text("spalte", values, "probe", Budget(Limits(), "probe")).to_pylist() == [
        "2026-02-28", "2026-02-28T13:05:00+00:00", "1000", "0.10", "12345678901234567890.123456789", "1.5", "7",
        "1180591620717411303424", "nan", "true", "Straße", None,
    ]  # fmt: skip


def test_a_geometry_in_a_database_without_postgis_is_our_mistake(
    database: Path, table: MakeTable, tmp_path: Path
) -> None:
    probe = table("rows", "Personen Liste")
    name = probe.columns[1].model_copy(update={"type": "geometry"})
    with pytest.raises(Misconfigured, match="PostGIS"):
        fetch(
            probe.model_copy(update={"columns": (probe.columns[0], name)}), f"sqlite:///{database}", tmp_path
        )  # fmt: skip


# What is sent to databases that are not there: the statements of fetch_rows, compiled and never run

AWKWARD = ["id", "order", "group", "Größe qm", "Straße", "GROSS", "a.b", "Anteil %", "x" * 31, "y" * 128]


@pytest.mark.parametrize(
    ("dialect", "quoted"),
    [
        (mssql.dialect(), ["id", "[order]", "[group]", "[Größe qm]", "[Straße]", "[GROSS]", "[a.b]", "[Anteil %]"]),
        (oracle.dialect(), ["id", '"order"', '"group"', '"Größe qm"', '"Straße"', '"GROSS"', '"a.b"', '"Anteil %"']),
        (postgresql.dialect(), ["id", '"order"', '"group"', '"Größe qm"', '"Straße"', '"GROSS"', '"a.b"']),
        (sqlite.dialect(), ["id", '"order"', '"group"', '"Größe qm"', '"Straße"', '"GROSS"', '"a.b"']),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_awkward_names_are_quoted_in_every_dialect(dialect: sa.Dialect, quoted: list[str], table: MakeTable) -> None:
    source = source_of(table("rows", "dbo.Kfz Übersicht"))
    since = sa.column("order") >= datetime.datetime(2026, 11, 1, tzinfo=datetime.UTC)
    sent = " ".join(str(selection(source, AWKWARD, None).where(since).compile(dialect=dialect)).split())
    place = "dbo.[Kfz Übersicht]" if dialect.name == "mssql" else 'dbo."Kfz Übersicht"'
    order = quoted[1]
    assert sent.startswith(f"SELECT {', '.join(quoted)}")
    assert sent.endswith(f"{'x' * 31}, {'y' * 128} FROM {place} WHERE {order} >= :order_1") or (
        dialect.name in ("postgresql", "sqlite") and f"{'y' * 128} FROM {place} WHERE {order} >= " in sent
    )
    asked = " ".join(str(question(source, "order").compile(dialect=dialect)).split())
    assert asked == f"SELECT count(*) AS count_1, count({order}) AS count_2, max({order}) AS max_1 FROM {place}"


@pytest.mark.parametrize(
    ("url", "driver"), [("mssql+pyodbc://db.example/kfz", "pyodbc"), ("oracle+oracledb://db.example/kfz", "oracledb")]
)
def test_a_driver_that_is_not_installed_is_named(table: MakeTable, tmp_path: Path, url: str, driver: str) -> None:
    with pytest.raises(Misconfigured, match="Treiber") as caught:
        fetch(table("rows", "dbo.kfz"), url, tmp_path)
    assert driver in caught.value.next_step


# Nothing is written


def test_nothing_can_be_written(database: Path, table: MakeTable, tmp_path: Path) -> None:
    database.chmod(0o600)
    before = database.read_bytes()
    fetch(table("rows", "Personen Liste"), f"sqlite:///{database}", tmp_path)
    assert database.read_bytes() == before
    assert not list(tmp_path.glob("*-journal")) + list(tmp_path.glob("*-wal"))


def test_sqlite_refuses_to_write_through_our_connection(database: Path) -> None:
    with (
        reading(sa.make_url(f"sqlite:///{database}"), 600) as connection,
        pytest.raises(sa.exc.OperationalError, match="readonly"),
    ):
        connection.execute(sa.text('DELETE FROM "Personen Liste"'))


def test_one_state_of_the_database_is_seen_while_others_write(database: Path) -> None:
    fill(database, "PRAGMA journal_mode=WAL")
    with reading(sa.make_url(f"sqlite:///{database}"), 600) as connection:
        count = sa.text('SELECT count(*) FROM "Personen Liste"')
        before = connection.execute(count).scalar_one()
        fill(database, 'DELETE FROM "Personen Liste" WHERE id < 100')
        assert connection.execute(count).scalar_one() == before


# Addresses, options and secrets


def test_a_password_is_in_no_message(table: MakeTable, tmp_path: Path) -> None:
    with pytest.raises(Fault) as caught:
        fetch(
            table("rows", "einwohner"), "postgresql+psycopg://127.0.0.1:1/statistik?sslkey=geheim", tmp_path,
            login="dienst", password="kennwort",
        )  # fmt: skip
    assert isinstance(caught.value, SourceUnavailable)
    told = str(caught.value) + caught.value.next_step + str(caught.value.__cause__)
    assert not any(secret in told for secret in ("kennwort", "dienst", "geheim"))


@pytest.mark.parametrize(
    "url",
    [
        "mssql+pyodbc:///?odbc_connect=DRIVER%3DODBC;SERVER%3Ddb;UID%3Ddienst;PWD%3Dkennwort",
        "postgresql+psycopg://dienst:kennwort@127.0.0.1:1/statistik",
        "postgresql+psycopg://127.0.0.1:1/statistik?password=kennwort&user=dienst",
        "postgresql+psycopg://127.0.0.1:kennwort/dienst",
    ],
)
def test_an_address_that_holds_a_password_is_refused_without_it(table: MakeTable, tmp_path: Path, url: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        fetch(table("rows", "einwohner"), url, tmp_path)
    told = str(caught.value) + caught.value.next_step + str(caught.value.__cause__)
    assert not any(secret in told for secret in ("kennwort", "dienst"))


def test_the_address_kept_has_no_login(database: Path, table: MakeTable, tmp_path: Path) -> None:
    login = {"login": "dienst", "password": "kennwort"}
    fetched = fetch(table("rows", "Personen Liste"), f"sqlite:///{database}", tmp_path, **login)
    assert fetched.url == sa.URL.create("sqlite", database=str(database)).render_as_string()
    url = sa.make_url("postgresql+psycopg://dienst:kennwort@db.example:5433/statistik?sslkey=geheim")
    assert without_secrets(url) == "postgresql+psycopg://db.example:5433/statistik"


def test_options_of_the_connection_reach_the_driver() -> None:
    endpoint = Endpoint(url="postgresql+psycopg://db/x", options={"sslmode": "verify-full", "sslrootcert": "/ca.pem"})
    assert dict(address_of(endpoint, "probe").query) == {"sslmode": "verify-full", "sslrootcert": "/ca.pem"}


def test_an_option_that_is_not_known_is_named_without_its_value(
    database: Path, table: MakeTable, tmp_path: Path
) -> None:
    with pytest.raises(Misconfigured, match="sslmodus") as caught:
        fetch(table("rows", "Personen Liste"), f"sqlite:///{database}", tmp_path, options={"sslmodus": "geheim"})
    assert "geheim" not in str(caught.value) + caught.value.next_step


@pytest.mark.parametrize("url", ["kein url", "unbekannt://host/db", "mysql://host/db", "postgresql+quatsch://host/db"])
def test_an_address_without_a_driver_is_our_mistake(table: MakeTable, tmp_path: Path, url: str) -> None:
    with pytest.raises(Misconfigured):
        fetch(table("rows", "einwohner"), url, tmp_path)


@pytest.mark.parametrize("resource", ["stadt.dbo.personen", ".personen", "personen.", "a..b"])
def test_a_table_name_with_more_than_schema_and_name_is_told(
    database: Path, table: MakeTable, tmp_path: Path, resource: str
) -> None:
    with pytest.raises(Misconfigured, match=r"schema\.tabelle"):
        fetch(table("rows", resource), f"sqlite:///{database}", tmp_path)


# Only what changed

KFZ = {
    "id": "kfz", "title": "Kfz", "resource": "kfz", "large": True, "key": ["monat"],
    "reading": {"format": "rows", "incremental": {"column": "geaendert"}},
    "columns": [
        {"name": name, "source": name, "title": name, "type": kind, "class": "public"}
        for name, kind in (("monat", "string"), ("anzahl", "integer"), ("geaendert", "datetime"))
    ],
}  # fmt: skip


@pytest.fixture
def stock(tmp_path: Path) -> Path:
    file = tmp_path / "kfz.sqlite"
    months = [(f"2026-{month:02}", 100 + month, f"2026-{month:02}-28 03:00:00") for month in range(1, 10)]
    fill(
        file,
        "CREATE TABLE kfz (monat TEXT, anzahl INTEGER, geaendert TIMESTAMP)",
        rows=("INSERT INTO kfz VALUES (?, ?, ?)", months),
    )
    return file


def ask(file: Path, folder: Path, previous: Fetched | None) -> Fetched | NotModified:
    lock = previous and TableLock(
        resource="kfz", url=previous.url, files=previous.sources, source_bytes=1, content_hash="", rows=1, columns=()
    )
    return fetch_table(SQL, Table.model_validate(KFZ), Endpoint(url=f"sqlite:///{file}"), folder, Limits(), lock)


def first(file: Path, folder: Path) -> Fetched:
    fetched = ask(file, folder, None)
    assert isinstance(fetched, Fetched)
    assert fetched.total_rows is None
    return fetched


def test_an_unchanged_table_is_told_by_one_statement(
    stock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = first(stock, tmp_path)
    known.files[0].unlink()
    statements: list[str] = []
    monkeypatch.setattr(
        "stadtdaten.extract.database._sqlite",
        lambda url: _traced(sqlite3.connect(url.database or "", isolation_level=None), statements),
    )
    assert isinstance(ask(stock, tmp_path, known), NotModified)
    assert [each for each in statements if each.startswith("SELECT")] == [
        "SELECT count(*) AS count_1, count(geaendert) AS count_2, max(geaendert) AS max_1 \nFROM kfz"
    ]
    assert not known.files[0].exists()


def _traced(connection: sqlite3.Connection, statements: list[str]) -> sqlite3.Connection:
    connection.set_trace_callback(statements.append)
    return connection


def test_only_rows_from_the_highest_value_on_are_read(stock: Path, tmp_path: Path) -> None:
    known = first(stock, tmp_path)
    fill(
        stock, "UPDATE kfz SET anzahl = 1, geaendert = '2026-10-01 03:00:00' WHERE monat = '2026-02'",
        "INSERT INTO kfz VALUES ('2026-10', 5, '2026-09-28 03:00:00')",
    )  # fmt: skip
    fetched = ask(stock, tmp_path, known)
    assert isinstance(fetched, Fetched)
    assert {row["monat"] for row in rows_of(fetched)} == {"2026-02", "2026-09", "2026-10"}
    assert fetched.total_rows == 10
    assert fetched.sources[0].etag == "10 str 2026-10-01 03:00:00"


@pytest.mark.parametrize("what", ["monat = '2026-03'", "monat = '2026-09'", "monat > '2026-02'"])
def test_after_a_deletion_all_rows_are_read(stock: Path, tmp_path: Path, what: str) -> None:
    known = first(stock, tmp_path)
    fill(stock, f"DELETE FROM kfz WHERE {what}")
    fetched = ask(stock, tmp_path, known)
    assert isinstance(fetched, Fetched)
    assert fetched.total_rows is None
    assert len(rows_of(fetched)) == int(fetched.sources[0].etag.split()[0]) < 9


def test_a_lock_of_another_database_is_no_beginning(stock: Path, tmp_path: Path) -> None:
    known = first(stock, tmp_path)
    other = tmp_path / "andere.sqlite"
    other.write_bytes(stock.read_bytes())
    fetched = ask(other, tmp_path, known)
    assert isinstance(fetched, Fetched)
    assert fetched.total_rows is None


def test_a_row_without_a_value_in_the_rising_column_stops_the_table(stock: Path, tmp_path: Path) -> None:
    fill(stock, "UPDATE kfz SET geaendert = NULL WHERE monat = '2026-03'")
    with pytest.raises(SourceUnreadable, match="„geaendert“: 1 von 9 Zeilen haben keinen Wert"):
        ask(stock, tmp_path, None)


@pytest.mark.parametrize("value", ["'31.12.2026'", "'neu'", "3.5", "x'ff'", "'2026-10-01 03:00:00+02:00'"])
def test_a_rising_column_that_does_not_rise_with_time_stops_the_table(stock: Path, tmp_path: Path, value: str) -> None:
    fill(stock, f"UPDATE kfz SET geaendert = {value}")
    with pytest.raises(SourceUnreadable, match="Änderungen nicht zu erkennen"):
        ask(stock, tmp_path, None)


def test_a_value_in_the_future_hides_no_change(stock: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    fill(stock, "UPDATE kfz SET geaendert = '2206-09-28 03:00:00' WHERE monat = '2026-09'")
    known = first(stock, tmp_path)
    assert "lies in the future" in caplog.text
    fill(stock, "UPDATE kfz SET anzahl = 1, geaendert = '2026-10-01 03:00:00' WHERE monat = '2026-02'")
    fetched = ask(stock, tmp_path, known)
    assert isinstance(fetched, Fetched)
    assert len(rows_of(fetched)) == 9


def test_a_table_that_changes_while_it_is_read_is_read_again_later(
    stock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stadtdaten.extract.sql.current_extent", lambda *_: Extent(10, "2026-09-28 03:00:00"))
    with pytest.raises(SourceInMotion, match="10 Zeilen angekündigt, 9 gelesen"):
        ask(stock, tmp_path, None)


def test_a_rising_column_that_is_gone_is_found_missing_and_not_taken_for_a_text(stock: Path, tmp_path: Path) -> None:
    known = first(stock, tmp_path)
    fill(stock, "ALTER TABLE kfz RENAME COLUMN geaendert TO stand")
    fetched = ask(stock, tmp_path, known)
    assert isinstance(fetched, Fetched)
    assert fetched.total_rows is None
    assert rows_of(fetched) == []
