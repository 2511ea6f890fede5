"""A real PostgreSQL: what our connection may do there, and what its types become."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from stadtdaten.contracts.interfaces import Limits, SqlInterface
from stadtdaten.contracts.model import Table
from stadtdaten.extract import Fetched, fetch_table
from stadtdaten.extract.sql import _Database
from stadtdaten.faults import SourceUnavailable, SourceUnreadable
from stadtdaten.frames import Endpoint

SQL = SqlInterface(kind="sql", connection="probe")


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """The address of a server of its own, without a login; its superuser is "dienst"."""
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
        yield f"postgresql+psycopg://127.0.0.1:{port}/postgres"
        subprocess.run([*control, "-m", "immediate", "stop"], **quiet)  # type: ignore[call-overload]


@pytest.fixture
def filled(postgres: str) -> str:
    engine = sa.create_engine(sa.make_url(postgres).set(username="dienst"))
    with engine.begin() as connection:
        for statement in (
            "DROP SCHEMA IF EXISTS statistik CASCADE",
            "CREATE SCHEMA statistik",
            "CREATE TABLE statistik.personen (id numeric(10,2), name timestamptz, notiz jsonb)",
            "INSERT INTO statistik.personen VALUES (12.50, '2026-10-25 01:30+00', null), (null, null, null)",
            "DROP ROLE IF EXISTS gast",
            "CREATE ROLE gast LOGIN",
        ):
            connection.execute(sa.text(statement))
    engine.dispose()
    return postgres


def fetch(table: Callable[..., Table], url: str, folder: Path, login: str) -> Fetched:
    probe, endpoint = table("rows", "statistik.personen"), Endpoint(url=url, login=login, password="kennwort")
    fetched = fetch_table(SQL, probe, endpoint, folder, Limits(), None)
    assert isinstance(fetched, Fetched)
    return fetched


def test_rows_of_a_schema_arrive_as_text_in_one_notation(
    filled: str, table: Callable[..., Table], tmp_path: Path
) -> None:
    fetched = fetch(table, filled, tmp_path, "dienst")
    assert pq.read_table(fetched.files[0]).to_pylist() == [
        {"id": "12.50", "name": "2026-10-25T01:30:00+00:00"},
        {"id": None, "name": None},
    ]
    assert fetched.url == filled


def test_postgresql_refuses_to_write_through_our_connection(filled: str) -> None:
    database = _Database(sa.make_url(filled).set(username="dienst"), 600)
    with database.engine.connect() as connection, pytest.raises(sa.exc.DBAPIError, match="read-only transaction"):
        connection.execute(sa.text("DELETE FROM statistik.personen"))
    database.close()


def test_an_account_without_rights_is_told_without_the_statement(
    filled: str, table: Callable[..., Table], tmp_path: Path
) -> None:
    with pytest.raises(SourceUnreadable, match="weist die Abfrage zurück") as caught:
        fetch(table, filled, tmp_path, "gast")
    assert "SELECT" not in str(caught.value) + str(caught.value.__cause__)


def test_a_view_that_is_calculated_for_too_long_is_ended_by_the_server(
    filled: str, table: Callable[..., Table], tmp_path: Path
) -> None:
    engine = sa.create_engine(sa.make_url(filled).set(username="dienst"))
    with engine.begin() as connection:
        connection.execute(
            sa.text("CREATE VIEW statistik.langsam AS SELECT '1'::text AS id, pg_sleep(30)::text AS name")
        )
    engine.dispose()
    probe, endpoint = table("rows", "statistik.langsam"), Endpoint(url=filled, login="dienst", password="kennwort")
    before = time.monotonic()
    with pytest.raises(SourceUnavailable):
        fetch_table(SQL, probe, endpoint, tmp_path, Limits(seconds=1), None)
    assert time.monotonic() - before < 10
