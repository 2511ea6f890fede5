"""The real Airflow, started, killed and started again; with DAGs that do nothing, so that it takes seconds."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import psutil
import pytest
import requests

from sample_releases import CITY, gauges
from samplecity.folder import claim
from samplecity.ports import VARIABLES
from samplecity.script import load_script
from samplecity.services import end_all, processes
from stadtdaten.ledger import Ledger
from stadtdaten.portals import StaticPortal
from stadtdaten.releases import ReleaseStore
from stadtdaten.settings import settings_from_environment

from .test_preflight import free_ports

ROOT = Path(__file__).resolve().parents[2]
PORTS = (*VARIABLES.values(), "AIRFLOW_PORT")
MOMENTS = ("sample-city.log", "begins", "Stopping")
"""When the driver is killed, while it starts, plays or ends: a log file that has appeared, or a word it has printed."""

pytestmark = pytest.mark.airflow


@dataclass(frozen=True)
class Installation:
    """A checkout with dummy DAGs, its state and its ports."""

    home: Path
    var: Path
    environment: dict[str, str]

    @contextmanager
    def command(self, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
        """`samplecity ...` as another process; what it says is in ``said``."""
        with self.said.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "samplecity.cli", *arguments],
                env=self.environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            )  # fmt: skip
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    @property
    def said(self) -> Path:
        return self.home / "said.txt"

    def wait_for(self, moment: str, process: subprocess.Popen[bytes]) -> None:
        """Until the moment has come. Fails if the process ends before."""
        deadline = time.monotonic() + 400
        while not ((self.var / "log" / moment).exists() or moment in self.said.read_text()):
            assert process.poll() is None, self.said.read_text()
            assert time.monotonic() < deadline, f"{moment!r} never came:\n{self.said.read_text()}"
            time.sleep(0.02)


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    home, var = tmp_path / "home", tmp_path / "var"
    (home / "include").mkdir(parents=True)
    (home / "plugins").mkdir()
    (home / "dags").mkdir()
    shutil.copytree(ROOT / "include" / "contracts", home / "include" / "contracts")
    shutil.copy(ROOT / "include" / "city.yaml", home / "include")
    for contract in (home / "include" / "contracts").glob("*.yaml"):
        shutil.copy(Path(__file__).with_name("dummy_dags.py"), home / "dags" / f"{contract.stem}.py")
    claim(var, home)
    _publish_something(home, var)
    named = {"STADTDATEN_HOME": str(home), "STADTDATEN_VAR": str(var), "PYTHONUNBUFFERED": "1"}
    ports = {name: str(port) for name, port in zip(PORTS, free_ports(len(PORTS)), strict=True)}
    yield Installation(home, var, {**os.environ, **named, **ports})
    end_all(var)


def _publish_something(home: Path, var: Path) -> None:
    """Let the portal show a release of every dataset of the script, as the dummies publish nothing."""
    settings = settings_from_environment({"STADTDATEN_HOME": str(home), "STADTDATEN_VAR": str(var)})
    candidate, store = home / "candidate", ReleaseStore(settings.releases)
    made = gauges(candidate)
    portal = StaticPortal(settings.portal, settings.portal_url, CITY, True, store)
    for dataset in load_script().again.datasets:
        manifest = made.model_copy(
            update={"dataset": dataset, "metadata": made.metadata.model_copy(update={"dataset": dataset})}
        )
        store.keep(candidate, manifest)
        portal.reconcile(manifest, candidate)


def airflow_states(var: Path) -> set[str]:
    with closing(sqlite3.connect(var / "airflow" / "airflow.db")) as database:
        return {state for (state,) in database.execute("SELECT DISTINCT state FROM dag_run")}


@pytest.mark.timeout(1500)  # starts Airflow four times; 2 min on two cores that have nothing else to do
def test_killed_at_any_moment_the_next_start_cleans_up_and_ends_well(installation: Installation) -> None:
    var = installation.var
    left: list[psutil.Process] = []
    told = ""
    for moment in MOMENTS:
        with installation.command("refresh") as driver:
            installation.wait_for(moment, driver)
            driver.kill()
            driver.wait()
        told += installation.said.read_text()
        left += processes(var)
        shutil.rmtree(var / "log")
    (var / "staging" / "spielplaetze").mkdir(parents=True, exist_ok=True)
    with installation.command("refresh", "--json") as driver:
        code = driver.wait(500)
    said = installation.said.read_text()
    assert code == 0, said
    assert left
    # What is killed while it stops may leave nothing; what is killed before leaves all services.
    assert told.count("that an earlier, killed run had left") == 2
    assert not [process for process in left if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]
    assert processes(var) == []
    assert airflow_states(var) <= {"success", "failed"}
    assert not (var / "staging").exists()
    assert Ledger(f"sqlite:///{var / 'ledger.sqlite'}").abort_open_attempts() == 0
    rows = json.loads(said[said.index("[\n") : said.rindex("]") + 1])
    # The dummies tell of the last night as it is played first, however often it is played.
    expected = {dataset: each.outcome for dataset, each in load_script().nights[-1].datasets.items()}
    assert {row["dataset"]: row["outcome"] for row in rows} == expected


@pytest.mark.timeout(600)
def test_a_dag_file_that_cannot_be_read_or_is_missing_stops_its_own_source_alone(installation: Installation) -> None:
    (installation.home / "dags" / "spielplaetze.py").write_text("raise ValueError('a contract is broken')\n")
    (installation.home / "dags" / "baumkataster.py").unlink()
    with installation.command("refresh", "--json") as driver:
        code = driver.wait(500)
    said = installation.said.read_text()
    assert code == 1, said
    assert "ValueError: a contract is broken" in said
    assert "dags/baumkataster.py is missing" in said[: said.index("Night 1")]
    rows = json.loads(said[said.index("[\n") : said.rindex("\n]\n") + 2])
    differing = {row["dataset"] for row in rows if row["difference"]}
    assert differing == {"spielplaetze", "baumkataster", "naturdenkmale"}
    assert processes(installation.var) == []


def test_up_runs_until_down_and_nobody_else_may_start_meanwhile(installation: Installation) -> None:
    with installation.command("up") as driver:
        installation.wait_for("Ctrl-C ends", driver)
        assert requests.get(f"http://127.0.0.1:{installation.environment['AIRFLOW_PORT']}/", timeout=60).ok
        assert listening_elsewhere(installation.var) == []
        second = samplecity(installation, "refresh")
        assert second.returncode == 1
        assert f"`make up` (pid {driver.pid})" in second.stderr
        ended = samplecity(installation, "down")
        assert ended.returncode == 0
        assert "Ended `make up`" in ended.stdout
        assert driver.wait(60) == 0
    assert processes(installation.var) == []
    assert "Nothing is running" in samplecity(installation, "down").stdout
    assert samplecity(installation, "clean").returncode == 0
    assert not installation.var.exists()


def test_a_service_that_crashes_is_named_and_ends_the_others(installation: Installation) -> None:
    with installation.command("up") as driver:
        installation.wait_for("Ctrl-C ends", driver)
        processors = [each for each in processes(installation.var) if "dag-processor" in _of(each.cmdline)]
        min(processors, key=lambda each: each.pid).kill()  # the first; its children read the DAG files
        assert driver.wait(60) == 1
    assert "dag-processor ended unexpectedly (killed by SIGKILL)" in installation.said.read_text()
    assert processes(installation.var) == []


@pytest.mark.timeout(600)
def test_an_api_server_that_crashes_in_native_code_is_started_again_and_told(installation: Installation) -> None:
    with installation.command("refresh", "--json") as driver:
        installation.wait_for("begins", driver)
        port = int(installation.environment["AIRFLOW_PORT"])
        servers = [
            process
            for process in processes(installation.var)
            for connection in _of(partial(process.net_connections, "inet"))
            if connection.status == psutil.CONN_LISTEN and connection.laddr[1] == port
        ]
        min(servers, key=lambda each: each.pid).send_signal(signal.SIGSEGV)
        code = driver.wait(500)
    said = installation.said.read_text()
    assert "api-server crashed (SIGSEGV) and was started again" in said
    # A task that was running when the server crashed may fail, which is told; the next night is as if nothing had been.
    differences = [line for line in said.splitlines() if line.startswith("Not as expected")]
    assert all("night 1, " in line for line in differences), differences
    assert code == (1 if differences else 0)
    assert "Night 2" in said
    assert processes(installation.var) == []


def samplecity(installation: Installation, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "samplecity.cli", *arguments],
        env=installation.environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


Found = TypeVar("Found")


def _of(asked: Callable[[], list[Found]]) -> list[Found]:
    """What a process says of itself; nothing if it has ended meanwhile, as those do that read a DAG file."""
    try:
        return asked()
    except psutil.NoSuchProcess:
        return []


def listening_elsewhere(var: Path) -> list[str]:
    """Addresses other than the loopback on which a service listens."""
    return [
        f"{process.pid} {connection.laddr}"
        for process in processes(var)
        for connection in _of(partial(process.net_connections, "inet"))
        if connection.status == psutil.CONN_LISTEN and connection.laddr[0] != "127.0.0.1"
    ]
