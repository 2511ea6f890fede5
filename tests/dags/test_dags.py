"""The DAG files: every contract has one, each parses light and fast, a broken contract breaks its own DAG alone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from stadtdaten.faults import Fault

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted(path.stem for path in (ROOT / "include" / "contracts").glob("*.yaml"))

LOAD = """
import importlib.util, json, sys
from airflow.exceptions import AirflowException
from stadtdaten.faults import Fault
out = {}
for name in sys.argv[2:]:
    spec = importlib.util.spec_from_file_location(f"dag_{name}", f"{sys.argv[1]}/{name}.py")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        out[name] = {"error": f"{type(error).__name__}: {error}"}
        continue
    dag = module.dag
    out[name] = {
        "dag_id": dag.dag_id, "doc": dag.doc_md, "tasks": sorted(dag.task_dict), "cron": dag.schedule.expression,
        "timezone": str(dag.schedule.timezone), "catchup": dag.catchup, "runs": dag.max_active_runs,
        "queues": sorted({task.queue for task in dag.tasks}),
        "fails_at_once": {
            task.task_id: sorted(
                kind.__name__ for kind in Fault.__subclasses__()
                if task.retry_policy.evaluate(kind.__new__(kind), 1, 2).action.value == "fail"
            ) for task in dag.tasks if task.retries
        },
        "edges": sorted(f"{a.task_id}>{b}" for a in dag.tasks for b in a.downstream_task_ids),
    }
heavy = ("pandas", "geopandas", "great_expectations", "pyarrow", "rdflib", "scipy", "shapely", "requests.adapters")
print(json.dumps({"dags": out, "heavy": [name for name in heavy if name in sys.modules]}))
"""


def load(home: Path, tmp_path: Path, *names: str) -> dict[str, Any]:
    """Load DAG files in a process of its own, as Airflow's DAG processor does."""
    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(tmp_path / "airflow"),
        "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "STADTDATEN_HOME": str(home),
    }
    done = subprocess.run(
        [sys.executable, "-c", LOAD, str(home / "dags"), *names],
        env=environment, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return load(ROOT, tmp_path_factory.mktemp("airflow"), *SOURCES)


def test_every_contract_has_a_dag_file_and_every_dag_file_a_contract() -> None:
    assert sorted(path.stem for path in (ROOT / "dags").glob("*.py")) == SOURCES


def test_parsing_imports_neither_pandas_nor_great_expectations(loaded: dict[str, Any]) -> None:
    assert loaded["heavy"] == []


@pytest.mark.parametrize("source", SOURCES)
def test_a_dag_reads_as_its_contract_says(loaded: dict[str, Any], source: str) -> None:
    from stadtdaten.contracts import load_contract

    contract = load_contract(ROOT / "include" / "contracts" / f"{source}.yaml")
    dag = loaded["dags"][source]
    assert dag["dag_id"] == source
    assert dag["timezone"] == "Europe/Berlin"
    assert (dag["catchup"], dag["runs"]) == (False, 1)
    assert dag["queues"] == [contract.zone]
    steps = ("candidate", "decide", "publish", "verify")
    assert set(dag["tasks"]) == {"snapshot", *(f"{each.id}.{step}" for each in contract.datasets for step in steps)}
    for each in contract.datasets:
        assert f"snapshot>{each.id}.candidate" in dag["edges"]
        assert f"{each.id}.publish>{each.id}.verify" in dag["edges"]


@pytest.mark.parametrize("source", SOURCES)
def test_a_runbook_is_german_and_says_what_to_do_and_whom_to_ask(loaded: dict[str, Any], source: str) -> None:
    doc = loaded["dags"][source]["doc"]
    for part in ("**Was hier läuft.**", "**Was ein Fehlschlag bedeutet.**", "**Was zu tun ist.**", "**Wen fragen.**"):
        assert part in doc


@pytest.mark.parametrize("source", SOURCES)
def test_only_what_may_pass_is_tried_again(loaded: dict[str, Any], source: str) -> None:
    fails = loaded["dags"][source]["fails_at_once"]
    lasting = sorted(kind.__name__ for kind in Fault.__subclasses__() if not kind.retryable)
    assert {"SourceUnreadable", "SchemaChanged", "Misconfigured", "Unexpected"} <= set(lasting)
    assert fails["snapshot"] == lasting
    assert {task.rpartition(".")[2] for task in fails} == {"snapshot", "publish", "verify"}
    assert all(each == lasting for each in fails.values())


def test_a_broken_contract_breaks_its_own_dag_alone_and_says_where(tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(ROOT / "include" / "contracts", home / "include" / "contracts")
    shutil.copy(ROOT / "include" / "city.yaml", home / "include" / "city.yaml")
    shutil.copytree(ROOT / "dags", home / "dags", ignore=shutil.ignore_patterns("__pycache__"))
    broken = home / "include" / "contracts" / "baumkataster.yaml"
    broken.write_text(broken.read_text(encoding="utf-8").replace("frequency: WEEKLY", "frequenz: WEEKLY"), "utf-8")

    dags = load(home, tmp_path, *SOURCES)["dags"]

    assert [name for name, dag in dags.items() if "error" in dag] == ["baumkataster"]
    error = dags["baumkataster"]["error"]
    line = 1 + broken.read_text(encoding="utf-8").splitlines().index("freshness: {frequenz: WEEKLY, grace: P2D}")
    assert f"baumkataster.yaml:{line}: freshness.frequenz: unknown key 'frequenz'" in error
    assert "did you mean 'frequency'?" in error
