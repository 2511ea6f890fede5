"""Stands for a real DAG file as ``<source>.py``: its tasks only tell the ledger what the script expects."""

from __future__ import annotations

import time
from pathlib import Path

from airflow.sdk import DAG, TaskGroup, chain, task

from samplecity.script import load_script
from samplecity.state import read_state
from stadtdaten.contracts import Contract, load_contract
from stadtdaten.ledger import Ledger
from stadtdaten.settings import settings_from_environment


def dummy(contract: Contract) -> DAG:
    with DAG(dag_id=contract.source, schedule=None, max_active_runs=1) as dag:

        @task.branch(retries=0)
        def snapshot() -> list[str]:
            settings = settings_from_environment()
            ledger = Ledger(settings.ledger)
            expected = load_script().nights[read_state(settings.var).night - 1].datasets
            changed = []
            for dataset in contract.datasets:
                attempt = ledger.start_attempt(contract.source, dataset.id)
                ledger.record_snapshot(attempt, expected[dataset.id].rows, ())
                (settings.staging / contract.source).mkdir(parents=True, exist_ok=True)
                time.sleep(0.5)
                ledger.finish_attempt(attempt, expected[dataset.id].outcome)
                if expected[dataset.id].outcome == "published":
                    changed.append(f"{dataset.id}.candidate")
            return changed

        start = snapshot()
        for dataset in contract.datasets:
            with TaskGroup(dataset.id) as group:
                chain(*(task(task_id=step)(lambda: None)() for step in ("candidate", "decide", "publish", "verify")))
            chain(start, group)
    return dag


source = Path(__file__).stem
globals()[source] = dummy(load_contract(settings_from_environment().contracts / f"{source}.yaml"))
