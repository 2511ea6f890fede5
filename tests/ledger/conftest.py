"""Ledgers to test against: SQLite always, PostgreSQL where its programs are installed."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from stadtdaten.ledger import Ledger


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a fresh PostgreSQL database that listens on a Unix socket only."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
    if not installed:
        pytest.skip("needs PostgreSQL (Debian: postgresql)")
    programs = installed[-1].parent
    # PostgreSQL refuses to run as root; its package brings a user.
    user = "postgres" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
    # A socket's path may have at most 107 bytes, more than a test's own folder leaves.
    folder = Path(tempfile.mkdtemp(prefix="ledger-"))
    shutil.chown(folder, user)
    data = folder / "data"

    def run(program: str, *arguments: str) -> None:
        subprocess.run(
            [programs / program, *arguments], user=user, cwd=folder, check=True, stdout=subprocess.DEVNULL, timeout=60
        )

    try:
        run("initdb", "-D", str(data), "-A", "trust", "-U", "ledger", "--no-sync")
        settings = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
        run("pg_ctl", "-D", str(data), "-w", "-l", str(folder / "log"), "-o", settings, "start")
        try:
            yield f"postgresql+psycopg2://ledger@/postgres?host={folder}"
        finally:
            run("pg_ctl", "-D", str(data), "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of an empty ledger database, of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'not yet there' / 'ledger.sqlite'}"
    url: str = request.getfixturevalue("postgresql")
    schema = f"s{abs(hash(request.node.nodeid))}"
    from sqlalchemy import create_engine, text

    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    engine.dispose()
    return f"{url}&options=-csearch_path%3D{schema}"


@pytest.fixture
def ledger(url: str) -> Ledger:
    """An upgraded ledger."""
    ledger = Ledger(url)
    ledger.upgrade()
    return ledger
