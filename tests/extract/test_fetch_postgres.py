"""A real PostgreSQL, through both of its drivers: what our connection may do there, and what its types become."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from stadtdaten.contracts import load_city
from stadtdaten.contracts.interfaces import Limits, SqlInterface
from stadtdaten.contracts.model import Table
from stadtdaten.extract import Fetched, NotModified, fetch_table
from stadtdaten.extract.database import reading
from stadtdaten.faults import SchemaChanged, SourceUnavailable, SourceUnreadable
from stadtdaten.frames import Endpoint, TableLock
from stadtdaten.read import ReadTable, read_table

SQL = SqlInterface(kind="sql", connection="probe")


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """The address of a server of its own, without driver and login; its superuser is "dienst"."""
    initdb, pg_ctl = shutil.which("initdb"), shutil.which("pg_ctl")
    if initdb is None or pg_ctl is None:
        pytest.skip("needs PostgreSQL's initdb and pg_ctl on the PATH")
    account = "nobody" if os.geteuid() == 0 else None  # PostgreSQL refuses to run as root
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="pg", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o777)
        options = f"-p {port} -k {folder} -h 127.0.0.1 -F"
        quiet = {"check": True, "user": account, "cwd": folder, "stdout": subprocess.DEVNULL}
        subprocess.run([initdb, "-D", folder / "db", "-A", "trust", "-U", "dienst", "-N"], **quiet)  # type: ignore[call-overload]
        control = [pg_ctl, "-D", folder / "db", "-w", "-l", folder / "log"]
        subprocess.run([*control, "-o", options, "start"], **quiet)  # type: ignore[call-overload]
        yield f"127.0.0.1:{port}/postgres"
        subprocess.run([*control, "-m", "immediate", "stop"], **quiet)  # type: ignore[call-overload]


@pytest.fixture(params=["psycopg", "psycopg2"])
def url(request: pytest.FixtureRequest, postgres: str) -> str:
    """The same server through each driver."""
    execute(
        postgres,
        "DROP SCHEMA IF EXISTS statistik CASCADE",
        "CREATE SCHEMA statistik",
        "CREATE TABLE statistik.personen (id numeric(10,2), name timestamptz, notiz jsonb)",
        "INSERT INTO statistik.personen VALUES (12.50, '2026-10-25 01:30+00', null), (null, null, null)",
        "DROP ROLE IF EXISTS gast",
        "CREATE ROLE gast LOGIN",
    )
    return f"postgresql+{request.param}://{postgres}"


def execute(postgres: str, *statements: str) -> None:
    engine = sa.create_engine(f"postgresql+psycopg://dienst@{postgres.rpartition('://')[2]}")
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()


def ask(
    table: Table, url: str, folder: Path, limits: Limits | None = None, login: str = "dienst",
    previous: Fetched | None = None,
) -> Fetched | NotModified:  # fmt: skip
    endpoint = Endpoint(url=url, login=login, password="kennwort")
    lock = previous and TableLock(
        resource=table.resource, url=previous.url, files=previous.sources, source_bytes=1, content_hash="", rows=1,
        columns=(),
    )  # fmt: skip
    return fetch_table(SQL, table, endpoint, folder, limits or Limits(), lock)


def fetch(table: Table, url: str, folder: Path, limits: Limits | None = None, login: str = "dienst") -> Fetched:
    fetched = ask(table, url, folder, limits, login)
    assert isinstance(fetched, Fetched)
    return fetched


def rows_of(fetched: Fetched) -> list[dict[str, Any]]:
    return pq.read_table(fetched.files[0]).to_pylist()


def declared(resource: str, columns: dict[str, str], **more: Any) -> Table:
    full = [{"name": f"c{n}", "source": each, "title": each, "class": "public", "type": kind}
            for n, (each, kind) in enumerate(columns.items())]  # fmt: skip
    spec = {"id": "probe", "title": "Probe", "resource": resource, "key": ["c0"], "reading": {"format": "rows"}}
    return Table.model_validate(spec | {"columns": full} | more)


def test_rows_of_a_schema_arrive_as_text_in_one_notation(url: str, table: Callable[..., Table], tmp_path: Path) -> None:
    fetched = fetch(table("rows", "statistik.personen"), url, tmp_path)
    assert rows_of(fetched) == [{"id": "12.50", "name": "2026-10-25T01:30:00+00:00"}, {"id": None, "name": None}]
    assert fetched.url == url


def test_every_type_that_has_a_notation_arrives_exactly(url: str, tmp_path: Path) -> None:
    values = {
        "numeric": ("12345678901234567890.123456789012", "12345678901234567890.123456789012"),
        "numeric(40)": ("'NaN'", "NaN"),
        "float8": ("'Infinity'", "inf"),
        "bigint": ("9223372036854775807", "9223372036854775807"),
        "date": ("'2026-02-28'", "2026-02-28"),
        "timestamp": ("'2026-10-25 02:30:00.000001'", "2026-10-25T02:30:00.000001"),
        "timestamptz": ("'2026-07-01 12:00 Europe/Berlin'", "2026-07-01T10:00:00+00:00"),
        "boolean": ("true", "true"),
        "char(5)": ("'ab'", "ab   "),
        "uuid": ("'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
        "time": ("'13:05'", "13:05:00"),
    }
    columns = ", ".join(f'"{kind}" {kind}' for kind in values)
    execute(
        url, f"CREATE TABLE statistik.typen ({columns})",
        f"INSERT INTO statistik.typen VALUES ({', '.join(given for given, _ in values.values())})",
    )  # fmt: skip
    probe = declared("statistik.typen", dict.fromkeys(values, "string"))
    assert rows_of(fetch(probe, url, tmp_path)) == [{kind: expected for kind, (_, expected) in values.items()}]


def test_awkward_names_of_tables_and_columns_are_read(url: str, tmp_path: Path) -> None:
    names = ["id", "order", "group", "Größe qm", "GROSS", "a.b", "Anteil %", 'mit "Anführung"', "x" * 63]
    columns = ", ".join('"' + name.replace('"', '""').replace("%", "%%") + '" text' for name in names)
    execute(url, f'CREATE TABLE statistik."Kfz Übersicht" ({columns})')
    execute(url, """INSERT INTO statistik."Kfz Übersicht" VALUES ('1','2','3','4','5','6','7','8','9')""")
    probe = declared("statistik.Kfz Übersicht", dict.fromkeys(names, "string"))
    assert rows_of(fetch(probe, url, tmp_path)) == [dict(zip(names, "123456789", strict=True))]


@pytest.mark.parametrize("kind", ["bytea", "jsonb", "interval", "text[]", "money"])
def test_types_without_a_notation_are_refused_by_name_even_if_empty(url: str, tmp_path: Path, kind: str) -> None:
    execute(url, f"CREATE TABLE statistik.bunt (id text, wert {kind})", "INSERT INTO statistik.bunt VALUES ('1')")
    with pytest.raises(SourceUnreadable, match=r"1 erklärte Spalten .*: wert"):
        fetch(declared("statistik.bunt", {"id": "string", "wert": "string"}), url, tmp_path)
    assert rows_of(fetch(declared("statistik.bunt", {"id": "string"}), url, tmp_path)) == [{"id": "1"}]


@pytest.mark.parametrize(
    "value",
    [
        "int4range(1, 3)",
        "'infinity'::timestamp",
        "'-infinity'::timestamptz",
        "'-infinity'::date",
        "'0044-03-15 BC'::date",
    ],
)
def test_values_that_no_text_stands_for_are_refused(url: str, tmp_path: Path, value: str) -> None:
    execute(url, f"CREATE VIEW statistik.sonderbar AS SELECT '4711' AS id, {value} AS wert")
    probe = declared("statistik.sonderbar", {"id": "string", "wert": "string"})
    with pytest.raises(SourceUnreadable) as caught:
        fetch(probe, url, tmp_path)
    assert "4711" not in str(caught.value)


MEASURE = """
import resource, sys
from pathlib import Path
from stadtdaten.contracts.interfaces import Limits
from stadtdaten.contracts.model import Table
from stadtdaten.extract.sql import fetch_rows
from stadtdaten.frames import Endpoint

def fetched(folder, resource_name):
    table = Table.model_validate_json(sys.argv[1]).model_copy(update={"resource": resource_name})
    fetch_rows(table, Endpoint(url=sys.argv[2], login="dienst"), Path(folder), Limits(), None)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

before = fetched(sys.argv[3], "statistik.klein")
print(fetched(sys.argv[3], "statistik.gross") - before)
"""


def test_a_million_rows_are_never_in_memory_at_once(url: str, tmp_path: Path) -> None:
    rows = "SELECT n AS id, repeat(md5(n::text), 4) AS name FROM generate_series(1, {}) AS n"
    execute(
        url, f"CREATE VIEW statistik.klein AS {rows.format(20_000)}",
        f"CREATE VIEW statistik.gross AS {rows.format(1_000_000)}",
    )  # fmt: skip
    probe = declared("statistik.gross", {"id": "integer", "name": "string"})
    grown = subprocess.run(
        [sys.executable, "-c", MEASURE, probe.model_dump_json(by_alias=True), url, tmp_path],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert pq.read_metadata(tmp_path / "probe.rows.parquet").num_rows == 1_000_000
    assert int(grown.stdout) < 60_000  # kB, of 130 MB of values


def test_postgresql_refuses_to_write_through_our_connection(url: str) -> None:
    with (
        reading(sa.make_url(url).set(username="dienst"), 600) as connection,
        pytest.raises(sa.exc.DBAPIError, match="read-only transaction"),
    ):
        connection.execute(sa.text("DELETE FROM statistik.personen"))


def test_an_account_without_rights_is_told_without_the_statement(
    url: str, table: Callable[..., Table], tmp_path: Path
) -> None:
    with pytest.raises(SourceUnreadable, match="weist die Abfrage zurück") as caught:
        fetch(table("rows", "statistik.personen"), url, tmp_path, login="gast")
    assert "SELECT" not in str(caught.value) + str(caught.value.__cause__)


def test_a_view_that_is_calculated_for_too_long_is_ended_by_the_server(
    url: str, table: Callable[..., Table], tmp_path: Path
) -> None:
    execute(url, "CREATE VIEW statistik.langsam AS SELECT '1'::text AS id, pg_sleep(30)::text AS name")
    before = time.monotonic()
    with pytest.raises(SourceUnavailable):
        fetch(table("rows", "statistik.langsam"), url, tmp_path, Limits(seconds=1))
    assert time.monotonic() - before < 10


def test_a_server_without_tls_is_not_read_where_the_connection_demands_it(
    url: str, table: Callable[..., Table], tmp_path: Path
) -> None:
    endpoint = Endpoint(url=url, login="dienst", password="kennwort", options={"sslmode": "require"})
    with pytest.raises(SourceUnavailable):
        fetch_table(SQL, table("rows", "statistik.personen"), endpoint, tmp_path, Limits(), None)


def stock(kind: str) -> Table:
    reading = {"format": "rows", "incremental": {"column": "order"}}
    typed = {"monat": "string", "order": kind}
    return declared("statistik.kfz", typed, reading=reading, large=True)


@pytest.mark.parametrize(
    ("kind", "declared_as", "values"),
    [
        ("timestamptz", "datetime", ["2026-10-25 02:30+02", "2026-10-25 02:30+01", "2026-10-26 00:00+01"]),
        ("timestamp", "datetime", ["2026-10-24 02:30", "2026-10-25 02:30", "2026-10-26 00:00:00.000001"]),
        ("date", "date", ["2026-10-24", "2026-10-25", "2026-10-26"]),
        ("bigint", "integer", ["9", "10", "9007199254740993"]),
        ("numeric(20)", "integer", ["9", "10", "9007199254740993"]),
    ],
)
def test_changes_are_told_by_columns_of_every_kind(
    url: str, tmp_path: Path, kind: str, declared_as: str, values: list[str]
) -> None:
    execute(
        url, f'CREATE TABLE statistik.kfz (monat text, "order" {kind})',
        f"INSERT INTO statistik.kfz VALUES ('a', '{values[0]}'), ('b', '{values[1]}')",
    )  # fmt: skip
    known = fetch(stock(declared_as), url, tmp_path)
    assert isinstance(ask(stock(declared_as), url, tmp_path, previous=known), NotModified)
    execute(url, f"INSERT INTO statistik.kfz VALUES ('c', '{values[2]}'), ('d', '{values[1]}')")
    fetched = ask(stock(declared_as), url, tmp_path, previous=known)
    assert isinstance(fetched, Fetched)
    assert [row["monat"] for row in rows_of(fetched)] == ["b", "c", "d"]
    assert fetched.total_rows == 4
    execute(url, "DELETE FROM statistik.kfz WHERE monat = 'a'")
    again = ask(stock(declared_as), url, tmp_path, previous=fetched)
    assert isinstance(again, Fetched)
    assert (again.total_rows, len(rows_of(again))) == (None, 3)


def test_a_rising_column_that_is_gone_or_a_table_that_is_gone_is_told(url: str, tmp_path: Path) -> None:
    execute(url, "CREATE TABLE statistik.kfz (monat text, stand date)", "INSERT INTO statistik.kfz VALUES ('a', now())")
    assert rows_of(fetch(stock("date"), url, tmp_path)) == []
    execute(url, "DROP TABLE statistik.kfz")
    with pytest.raises(SchemaChanged, match=r"statistik\.kfz"):
        fetch(stock("date"), url, tmp_path)


@pytest.fixture
def postgis(url: str) -> str:
    try:
        execute(url, "CREATE EXTENSION IF NOT EXISTS postgis")
    except (sa.exc.NotSupportedError, sa.exc.OperationalError):
        pytest.skip("needs PostGIS (Debian: postgresql-15-postgis-3)")
    execute(
        url, "CREATE TABLE statistik.orte (id text, lage geometry)",
        "INSERT INTO statistik.orte VALUES ('1', ST_SetSRID(ST_MakePoint(412345.5, 5725000.25), 25832)), ('2', NULL)",
    )  # fmt: skip
    return url


def read_places(url: str, folder: Path, **reading: Any) -> ReadTable:
    columns = {"id": "string", "lage": "geometry"}
    probe = declared("statistik.orte", columns, reading={"format": "rows", **reading})
    city = load_city(Path(__file__).resolve().parents[2] / "include" / "city.yaml")
    return read_table(probe, fetch(probe, url, folder).files, city, Limits())


def test_geometries_of_postgis_arrive_exactly_in_the_citys_system(postgis: str, tmp_path: Path) -> None:
    frame = read_places(postgis, tmp_path).frame
    assert str(frame.crs) == "EPSG:25832"
    assert [None if shape is None else shape.wkt for shape in frame.geometry] == ["POINT (412345.5 5725000.25)", None]


@pytest.mark.parametrize("kind", ["geometry", "geography"])
def test_geometries_in_degrees_are_converted_by_their_srid(postgis: str, tmp_path: Path, kind: str) -> None:
    execute(
        postgis, f"ALTER TABLE statistik.orte ALTER lage TYPE {kind} USING ST_Transform(lage, 4326)::{kind}"
    )  # fmt: skip
    point = read_places(postgis, tmp_path).frame.geometry[0]
    assert (point.x, point.y) == pytest.approx((412345.5, 5725000.25), abs=1e-3)


def test_geometries_without_srid_need_the_contract_or_evidence(postgis: str, tmp_path: Path) -> None:
    execute(postgis, "UPDATE statistik.orte SET lage = ST_SetSRID(lage, 0)")
    read = read_places(postgis, tmp_path, crs="EPSG:25832")
    assert read.frame.geometry[0].x == 412345.5


@pytest.mark.parametrize(
    ("geometry", "told"),
    [
        ("ST_SetSRID(ST_MakePoint(7.8, 51.6), 4326)", r"2 verschiedene Bezugssysteme \(SRID 4326, 25832\)"),
        ("ST_GeomFromEWKT('SRID=25832;CIRCULARSTRING(0 0, 1 1, 2 0)')", "1 von 3 Geometrien sind nicht lesbar"),
    ],
)
def test_geometries_that_cannot_be_used_stop_the_table(postgis: str, tmp_path: Path, geometry: str, told: str) -> None:
    execute(postgis, f"INSERT INTO statistik.orte VALUES ('3', {geometry})")
    with pytest.raises(SourceUnreadable, match=told):
        read_places(postgis, tmp_path)


def test_a_srid_that_nobody_knows_stops_the_table(postgis: str, tmp_path: Path) -> None:
    execute(postgis, "UPDATE statistik.orte SET lage = ST_SetSRID(lage, 990001)")
    with pytest.raises(SourceUnreadable, match="SRID 990001 ist kein Schlüssel"):
        read_places(postgis, tmp_path)


def test_a_geometry_column_that_is_gone_is_named(postgis: str, tmp_path: Path) -> None:
    execute(postgis, "ALTER TABLE statistik.orte RENAME COLUMN lage TO ort")
    with pytest.raises(SchemaChanged, match="lage"):
        read_places(postgis, tmp_path)


def test_a_geometry_that_nobody_declared_does_not_disturb(postgis: str, tmp_path: Path) -> None:
    fetched = fetch(declared("statistik.orte", {"id": "string"}), postgis, tmp_path)
    assert rows_of(fetched) == [{"id": "1"}, {"id": "2"}]
