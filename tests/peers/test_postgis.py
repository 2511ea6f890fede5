"""A real PostgreSQL with PostGIS: many rows through the server's cursor, at one moment, whatever happens meanwhile."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from peers.probe import assert_same, read_through, tree_table, trees
from peers.server import free_port
from stadtdaten.contracts.interfaces import SqlInterface
from stadtdaten.faults import SourceUnavailable
from stadtdaten.frames import Endpoint

SQL = SqlInterface(kind="sql", connection="peer")
TABLE = tree_table("kataster.baeume", {"format": "rows"}, "geom")
SLOW = tree_table("kataster.langsam", {"format": "rows"}, "geom")
ROWS = 45_000
"""More than two of the batches that the connector fetches at a time."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A cluster of its own in a temporary folder; PostgreSQL refuses to run as root and is then run as postgres."""
    tools = max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    account = "postgres" if os.geteuid() == 0 else None
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="postgis", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        if account:
            shutil.chown(folder, account)

        def run(*command: str | Path) -> None:
            subprocess.run(command, check=True, user=account, cwd=folder, stdout=subprocess.DEVNULL)

        run(tools / "initdb", "-D", folder / "db", "-A", "trust", "-U", "betrieb", "-N", "-E", "UTF8")
        control = (tools / "pg_ctl", "-D", folder / "db", "-w", "-l", folder / "log")
        run(*control, "-o", f"-p {port} -k {folder} -h 127.0.0.1 -F", "start")
        try:
            yield f"postgresql+psycopg://127.0.0.1:{port}/postgres"
        finally:
            run(*control, "-m", "immediate", "stop")


@pytest.fixture
def engine(address: str) -> Iterator[sa.Engine]:
    """The administrator's connection to the trees, as PostGIS keeps them."""
    engine = sa.create_engine(sa.make_url(address).set(username="betrieb"), poolclass=sa.pool.NullPool)
    expected = trees(ROWS)
    rows = expected.drop(columns="geometry").astype(object).where(lambda frame: frame.notna(), None)
    with engine.begin() as connection:
        for statement in (
            "CREATE EXTENSION IF NOT EXISTS postgis",
            "DROP SCHEMA IF EXISTS kataster CASCADE",
            "CREATE SCHEMA kataster",
            "CREATE TABLE kataster.baeume (kennung char(6) PRIMARY KEY, gattung text, hoehe numeric(8,3), "
            "pflanzjahr smallint, geom geometry(Point, 25832))",
            "DROP ROLE IF EXISTS pipeline",
            "CREATE ROLE pipeline LOGIN",
            "GRANT USAGE ON SCHEMA kataster TO pipeline",
            "ALTER DEFAULT PRIVILEGES IN SCHEMA kataster GRANT SELECT ON TABLES TO pipeline",
            "GRANT SELECT ON kataster.baeume TO pipeline",
        ):
            connection.execute(sa.text(statement))
        with connection.connection.cursor() as cursor:
            copy = "COPY kataster.baeume FROM STDIN"
            with cursor.copy(copy) as sink:  # type: ignore[attr-defined]  psycopg's own
                for values, wkt in zip(rows.itertuples(index=False), expected.geometry.to_wkt(), strict=True):
                    sink.write_row((*values, f"SRID=25832;{wkt}"))
    yield engine
    with engine.begin() as connection:
        connection.execute(sa.text("DROP OWNED BY pipeline"))
    engine.dispose()


@pytest.fixture
def endpoint(address: str) -> Endpoint:
    return Endpoint(url=address, login="pipeline")


@contextmanager
def halfway(engine: sa.Engine, act: Callable[[sa.Connection], None]) -> Iterator[None]:
    """Lets the view ``kataster.langsam`` wait at its row 30,000 for a lock of ours, acts, and releases the lock."""
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                "CREATE VIEW kataster.langsam AS SELECT kennung, gattung, hoehe, pflanzjahr, geom FROM kataster.baeume "
                "WHERE kennung <> '030000' OR pg_advisory_xact_lock_shared(7)::text IS NOT NULL"
            )
        )
    with engine.connect() as holder:
        holder.execute(sa.text("SELECT pg_advisory_lock(7)"))
        holder.commit()
        done: list[str] = []

        def wait_and_act() -> None:
            waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            while not holder.scalar(sa.text(waiting)):
                holder.execute(sa.text("SELECT pg_sleep(0.02)"))
            act(holder)
            holder.commit()
            holder.execute(sa.text("SELECT pg_advisory_unlock(7)"))
            holder.commit()
            done.append("acted")

        thread = threading.Thread(target=wait_and_act)
        thread.start()
        try:
            yield
        finally:
            thread.join(60)
    assert done


def test_every_row_and_point_of_a_postgis_table_comes(engine: sa.Engine, endpoint: Endpoint, tmp_path: Path) -> None:
    assert_same(read_through(SQL, TABLE, endpoint, tmp_path), trees(ROWS), metres=0)


def test_a_geometry_that_the_contract_does_not_declare_is_drift_and_never_read(
    engine: sa.Engine, endpoint: Endpoint, tmp_path: Path
) -> None:
    without = tree_table("kataster.baeume", {"format": "rows"})
    read = read_through(SQL, without, endpoint, tmp_path)
    assert_same(read, trees(ROWS), metres=0)
    assert read.drift == ("geom",)


def test_rows_written_while_we_read_do_not_mix_into_it(engine: sa.Engine, endpoint: Endpoint, tmp_path: Path) -> None:
    def write(connection: sa.Connection) -> None:
        connection.execute(sa.text("DELETE FROM kataster.baeume WHERE kennung > '040000'"))
        connection.execute(sa.text("INSERT INTO kataster.baeume (kennung) VALUES ('099999')"))
        connection.execute(sa.text("UPDATE kataster.baeume SET gattung = 'Fichte'"))

    with halfway(engine, write):
        read = read_through(SQL, SLOW, endpoint, tmp_path)
    assert_same(read, trees(ROWS), metres=0)


def test_a_server_that_ends_our_connection_in_the_middle_is_an_error(
    engine: sa.Engine, endpoint: Endpoint, tmp_path: Path
) -> None:
    def end(connection: sa.Connection) -> None:
        connection.execute(sa.text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'pipeline'"))

    with halfway(engine, end), pytest.raises(SourceUnavailable):
        read_through(SQL, SLOW, endpoint, tmp_path)
