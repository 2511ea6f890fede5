"""How is one night played? Every source's DAG is run once by the real scheduler, and followed to its end."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from samplecity.airflow_api import OPEN, AirflowApi, Dag, DagRun, TaskInstance

READ_SECONDS = 60
"""Time in which Airflow must have read all DAG files; it takes 2 to 5 s, on a busy computer 15."""

NIGHT_SECONDS = 900
"""Time after which a night is given up. One takes 10 to 60 s."""

READING_PAUSE, PLAYING_PAUSE = 0.3, 1.0
"""Seconds between two questions. Each list of tasks costs Airflow a tenth of a second that the tasks lack."""

Follow = Callable[[list[TaskInstance]], None]
"""Called again and again with the tasks as they are; raises to end the night early."""


class NightFailed(Exception):
    """The night could not be played to its end; the message says why."""


def give_up_open_runs(airflow: AirflowApi) -> list[DagRun]:
    """Mark as failed whatever a killed run left open, before a scheduler can resume it; which runs those were."""
    runs = airflow.open_runs()
    for run in runs:
        airflow.fail(run)
    return runs


def wait_until_read(
    airflow: AirflowApi, sources: Sequence[str], since: datetime, check: Callable[[], None]
) -> dict[str, str]:
    """Wait until Airflow has read every source's DAG after ``since``: before that it would run an older one.

    Returns the reason for each source whose DAG Airflow cannot read, or has not found in time; the others can run.
    """
    deadline = time.monotonic() + READ_SECONDS
    while True:
        check()
        dags = airflow.dags()
        broken = {
            Path(failure.filename or "").stem: failure.stack_trace.strip().splitlines()[-1]
            for failure in airflow.import_failures()
            if failure.timestamp >= since
        }
        waiting = [source for source in sources if source not in broken and not _read_since(dags.get(source), since)]
        if not waiting:
            return {source: broken[source] for source in sources if source in broken}
        if time.monotonic() > deadline:
            broken |= {source: f"it has found no DAG {source!r} there in {READ_SECONDS} s" for source in waiting}
            return {source: broken[source] for source in sources if source in broken}
        time.sleep(READING_PAUSE)


def play(airflow: AirflowApi, sources: Sequence[str], run: str, follow: Follow) -> dict[str, str]:
    """Run the DAG of every source under the name ``run``; the final state of each, by source.

    A source that Airflow would try again in some minutes is given up: in the sample city nothing is down for a
    moment, so what failed once fails again. Raises NightFailed if the night does not end within NIGHT_SECONDS.
    """
    # Else the first tasks write to SQLite while the last runs are made, and Airflow's api-server waits for itself.
    airflow.pause_all()
    for source in sources:
        airflow.trigger(source, run)
    airflow.unpause_all()
    deadline = time.monotonic() + NIGHT_SECONDS
    while True:
        tasks = airflow.tasks(run)
        runs = airflow.runs(run)
        follow(tasks)
        for source in {task.dag_id for task in tasks if task.state == "up_for_retry"}:
            if source in runs and runs[source].state in OPEN:
                airflow.fail(runs[source])
        if all(source in runs and runs[source].state not in OPEN for source in sources):
            return {source: runs[source].state for source in sources}
        if time.monotonic() > deadline:
            late = ", ".join(source for source in sources if source not in runs or runs[source].state in OPEN)
            raise NightFailed(f"{late} did not end within {NIGHT_SECONDS} s")
        time.sleep(PLAYING_PAUSE)


def _read_since(dag: Dag | None, since: datetime) -> bool:
    return dag is not None and dag.last_parsed_time is not None and dag.last_parsed_time >= since
