"""A stored ledger follows the models, wherever and however often it is upgraded."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect

from stadtdaten.ledger import Ledger
from stadtdaten.ledger.migrations import config
from stadtdaten.ledger.models import Base

FORK = multiprocessing.get_context("fork")  # as Airflow starts its tasks
UPGRADE = "import sys; from stadtdaten.ledger import Ledger; Ledger(sys.argv[1]).upgrade()"


def test_a_model_changed_without_migration_is_noticed(ledger: Ledger, url: str) -> None:
    with create_engine(url).connect() as connection:
        context = MigrationContext.configure(connection, opts={"target_metadata": Base.metadata})
        assert compare_metadata(context, Base.metadata) == []
        assert set(inspect(connection).get_table_names()) == {*Base.metadata.tables, "alembic_version"}


def test_upgrading_again_keeps_what_is_stored(ledger: Ledger) -> None:
    attempt = ledger.start_attempt("baumkataster", "baumkataster")
    ledger.upgrade()
    stored = ledger.last_attempt("baumkataster")
    assert stored is not None
    assert stored.id == attempt


def test_a_downgrade_removes_every_table_of_the_ledger(ledger: Ledger, url: str) -> None:
    with create_engine(url).begin() as connection:
        command.downgrade(config(connection), "base")
        assert set(inspect(connection).get_table_names()) <= {"alembic_version"}


def upgrade_with_the_others(barrier: Barrier, url: str) -> None:
    barrier.wait(timeout=60)
    Ledger(url).upgrade()


def test_processes_that_upgrade_at_once_do_not_fail(url: str) -> None:
    barrier = FORK.Barrier(6)
    processes = [FORK.Process(target=upgrade_with_the_others, args=(barrier, url)) for _ in range(6)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(timeout=60)
    assert [process.exitcode for process in processes] == [0] * 6
    assert Ledger(url).open_incidents() == ()


def test_a_ledger_is_created_from_any_working_directory(tmp_path: Path) -> None:
    path = tmp_path / "100%" / "Büro" / "ledger.sqlite"
    subprocess.run([sys.executable, "-c", UPGRADE, f"sqlite:///{path}"], cwd="/", check=True, timeout=60)
    assert path.is_file()


def test_a_migration_that_fails_leaves_no_half_made_ledger(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from alembic.operations import Operations

    create_table = Operations.create_table

    def fail_at_the_last(self: Operations, name: str, *columns: object, **options: object) -> object:
        if name == "alert":
            raise OSError("disk full")
        return create_table(self, name, *columns, **options)

    monkeypatch.setattr(Operations, "create_table", fail_at_the_last)
    with pytest.raises(OSError, match="disk full"):
        Ledger(url).upgrade()
    with create_engine(url).connect() as connection:
        assert inspect(connection).get_table_names() == []
    monkeypatch.undo()
    Ledger(url).upgrade()
    assert Ledger(url).open_incidents() == ()
