"""The canaries in the real Airflow: what knows of persons goes well, goes wrong and is killed, and shows nobody.

As ``tests/pipeline/test_canaries.py``, but with Airflow's database (XCom, rendered fields), its logs and the services'.
What goes wrong is put into copies of the DAG files: it happens inside the tasks, and quotes the rows as libraries do.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from marks import find_marks, holds_mark
from samplecity.city import connections
from samplecity.folder import claim
from samplecity.ports import Ports
from samplecity.script import load_script
from samplecity.services import end_all
from samplecity.state import State, begin, set_night
from samplecity.systems import SYSTEMS, maengelmelder
from stadtdaten.ledger import Ledger

from .test_preflight import free_ports
from .test_refresh import PORTS, Installation

ROOT = Path(__file__).resolve().parents[2]
FIRST_DAY = date(2026, 11, 23)

pytestmark = pytest.mark.airflow

IN_THE_TASK = """

from stadtdaten import airflow_dags


def _troubled(source, context, prepared=airflow_dags._run):
{trouble}
    return prepared(source, context)


airflow_dags._run = _troubled
"""
"""Goes to the end of a DAG file: before each step, the trouble is put into the step's modules."""

QUOTING_THE_ROWS = """
    from stadtdaten.pipeline import candidate

    def quotes_the_rows(frames, *others):
        rows = "".join(frame.to_csv() for frame in frames.values())
        try:
            raise KeyError(rows)
        except KeyError as error:
            raise ValueError(rows) from error

    candidate.anonymise = quotes_the_rows
"""

QUOTING_WHAT_IS_READ = """
    from stadtdaten.pipeline import snapshot

    def quotes_the_rows(frame, path):
        raise ValueError(frame.to_csv())

    snapshot.write_frame = quotes_the_rows
"""

KILLED = """
    import os
    import signal

    from stadtdaten.pipeline import candidate

    def dies(*arguments):
        os.kill(os.getpid(), signal.SIGKILL)

    candidate.anonymise = dies
"""

LEAVING_A_PERSON = """
    from dataclasses import replace

    from stadtdaten.pipeline import candidate

    # Joined when it runs: the copy of the DAG file and its bytecode are searched as well and must not hold the marks.
    person = "Herr Dieter " + "".join(("Geheim", "wert")) + "-Brinkmann, Tel. 02381 " + "".join(("4711", "815"))
    careful = candidate.anonymise

    def careless(frames, *others):
        done = careful(frames, *others)
        return {table: replace(each, frame=spoilt(each.frame)) for table, each in done.items()}

    def spoilt(frame):
        import pandas as pd

        column = next(name for name in frame.columns if pd.api.types.is_string_dtype(frame[name].dtype))
        return frame.assign(**{column: pd.Series([person] * len(frame), index=frame.index, dtype=frame[column].dtype)})

    if candidate.anonymise.__name__ != "careless":
        candidate.anonymise = careless
    candidate._check = lambda *arguments: ()
"""

TELLING_A_KEY = """
    import logging

    logging.getLogger(source).warning("the key is %s.", airflow_dags._connection("maengelmelder").password)
"""

TROUBLES = {
    "einwohnerstatistik": QUOTING_THE_ROWS,
    "gewerbe": LEAVING_A_PERSON,
    "maengelmelder": TELLING_A_KEY,
    "ratsinformation": QUOTING_WHAT_IS_READ,
    "vornamen": KILLED,
}
"""What happens to which source; all others that know of persons have a good night."""

FAILED = {
    "einwohnerstatistik": "einwohner.candidate",
    "gewerbe": "gewerbe_bestand.candidate",
    "ratsinformation": "sitzungen.candidate",
    "vornamen": "vornamen.candidate",
}


def personal_sources() -> list[str]:
    first = State(first_day=FIRST_DAY, night=1)
    return [
        source
        for source, system in SYSTEMS.items()
        if any(holds_mark(str(offer.table(first).rows), ["Geheimwert"]) for offer in system.offers)
    ]


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    home, var, temporary = tmp_path / "home", tmp_path / "var", tmp_path / "temporary"
    for folder in (home / "include" / "contracts", home / "expectations", home / "dags", home / "plugins", temporary):
        folder.mkdir(parents=True)
    shutil.copy(ROOT / "include" / "city.yaml", home / "include")
    for source in personal_sources():
        shutil.copy(ROOT / "include" / "contracts" / f"{source}.yaml", home / "include" / "contracts")
        shutil.copytree(ROOT / "expectations" / source, home / "expectations" / source)
        text = (ROOT / "dags" / f"{source}.py").read_text(encoding="utf-8")
        if source in TROUBLES:
            text += IN_THE_TASK.format(trouble=TROUBLES[source])
        (home / "dags" / f"{source}.py").write_text(text, encoding="utf-8")
    claim(var, home)
    begin(var, FIRST_DAY)
    set_night(var, len(load_script().nights))  # one night is played, not all of them
    named = {"STADTDATEN_HOME": str(home), "STADTDATEN_VAR": str(var), "TMPDIR": str(temporary)}
    ports = {name: str(port) for name, port in zip(PORTS, free_ports(len(PORTS)), strict=True)}
    yield Installation(home, var, {**os.environ, "PYTHONUNBUFFERED": "1", **named, **ports})
    end_all(var)


def leaks(installation: Installation, *left_out: str) -> list[str]:
    """Where a mark is found outside the sources themselves."""
    without = [installation.var / name for name in ("samplecity", *left_out)]
    return find_marks(installation.home.parent, maengelmelder.MARKS, without=without)


def told_passwords(installation: Installation) -> list[str]:
    """Where a connection's password is found outside the sources themselves."""
    described = connections(installation.var, Ports.any()).values()
    passwords = {json.loads(each).get("password", "") for each in described}
    without = [
        installation.var / "samplecity",
        # The LocalExecutor of Airflow 3.3.2 repeats there what a task logs, and masks nothing; the CeleryExecutor,
        # which docker-compose.yaml uses, does not repeat it.
        installation.var / "log" / "scheduler.log",
    ]
    wanted = [password for password in passwords if len(password) >= 20]
    assert wanted
    return find_marks(installation.home.parent, wanted, without=without)


def task_logs(installation: Installation) -> str:
    folder = installation.var / "airflow" / "logs"
    return "".join(path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.log")))


def states(installation: Installation) -> dict[tuple[str, str], str]:
    """Source and task to the state of its last run."""
    with closing(sqlite3.connect(installation.var / "airflow" / "airflow.db")) as database:
        rows = database.execute(
            "SELECT task_instance.dag_id, task_id, task_instance.state FROM task_instance "
            "JOIN dag_run USING (dag_id, run_id) ORDER BY dag_run.id"
        ).fetchall()
    return {(source, task): state for source, task, state in rows}


@pytest.mark.timeout(900)  # starts Airflow twice; 2 min on two cores that have nothing else to do
def test_nobody_is_found_after_nights_that_went_well_went_wrong_and_were_killed(installation: Installation) -> None:
    staging = installation.var / "staging"
    with installation.command("refresh") as driver:
        deadline = time.monotonic() + 240
        while not list(staging.glob("**/*.parquet")):
            assert driver.poll() is None, installation.said.read_text()
            assert time.monotonic() < deadline, "nothing was ever read"
            time.sleep(0.02)
        driver.send_signal(signal.SIGKILL)
        driver.wait()
        end_all(installation.var)
    assert leaks(installation, "staging") == []

    with installation.command("refresh", "--json") as driver:
        assert driver.wait(600) == 1, "the troubles are not in the script"

    assert leaks(installation) == []
    assert told_passwords(installation) == []
    assert not staging.exists()
    found = states(installation)
    assert {source: found[source, task] for source, task in FAILED.items()} == dict.fromkeys(FAILED, "failed")
    assert found["maengelmelder", "maengel.verify"] == "success"
    logs = task_logs(installation)
    assert "ValueError" in logs, "the type of an unforeseen error is told"
    assert "the key is ***." in logs, "Airflow masks the password of a connection that was read"
    ledger = Ledger(f"sqlite:///{installation.var / 'ledger.sqlite'}")
    held_back = ledger.last_attempt("gewerbe_bestand")
    assert held_back is not None
    assert held_back.outcome == "held_back"
