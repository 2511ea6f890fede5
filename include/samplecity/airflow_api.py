"""What do we ask of the running Airflow, and how? Its public REST API (v2), nothing else.

Only what playing a night needs: which DAGs it has read, start a run, follow its tasks, give up what was left open.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import requests
from pydantic import BaseModel, ConfigDict

SECONDS = 30
"""Time that one request may take; Airflow on two busy cores answers in well under one."""

SILENCE = 120
"""Seconds for which a silent server is waited for: starting again takes it 6 to 20, and a request that waits for
SQLite's write lock while it blocks the one that holds it gives up after 60."""

OPEN = ("queued", "running")


class AirflowRefused(Exception):
    """Airflow answered a request with an error; ``status`` is that of HTTP."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class AirflowSilent(Exception):
    """Airflow did not answer: it is still starting, or it has ended."""


class _Answer(BaseModel):
    """What we use of an answer; Airflow may say more."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Dag(_Answer):
    """A DAG as Airflow has it; ``last_parsed_time`` tells whether it has read the file since it started."""

    dag_id: str
    last_parsed_time: datetime | None


class ImportFailure(_Answer):
    """Why Airflow could not read a DAG file."""

    filename: str | None
    stack_trace: str
    timestamp: datetime


class DagRun(_Answer):
    """One run of a DAG."""

    dag_id: str
    dag_run_id: str
    state: str


class TaskInstance(_Answer):
    """One task of a run; ``state`` is None until Airflow has looked at it."""

    dag_id: str
    task_id: str
    state: str | None
    start_date: datetime | None
    end_date: datetime | None
    try_number: int


class AirflowApi:
    """A logged-in client; ``url`` without a final slash.

    While Airflow is silent, everything is asked again for SILENCE seconds, and ``check`` is called, which raises if
    there is nothing to wait for. Nothing that is asked does more when it is asked twice.
    """

    def __init__(self, url: str, user: str, password: str, check: Callable[[], None]) -> None:
        self._url = url
        self._check = check
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy, no netrc: this is our own loopback
        token = self._request("POST", "/auth/token", json={"username": user, "password": password})["access_token"]
        self._session.headers["Authorization"] = f"Bearer {token}"

    def close(self) -> None:
        """Close the connections; the server would wait for them when it stops."""
        self._session.close()

    def dags(self) -> dict[str, Dag]:
        """All DAGs that Airflow knows, by id."""
        return {row["dag_id"]: Dag.model_validate(row) for row in self._rows("/api/v2/dags", "dags")}

    def import_failures(self) -> list[ImportFailure]:
        """The DAG files that Airflow could not read."""
        return [ImportFailure.model_validate(row) for row in self._rows("/api/v2/importErrors", "import_errors")]

    def pause_all(self) -> None:
        """Let no run of any DAG begin another task."""
        self._set_paused(True)

    def unpause_all(self) -> None:
        """Let all runs go on."""
        self._set_paused(False)

    def _set_paused(self, paused: bool) -> None:
        every = {"dag_id_pattern": "~", "update_mask": "is_paused"}
        self._request("PATCH", "/api/v2/dags", params=every, json={"is_paused": paused})

    def trigger(self, dag: str, run: str) -> None:
        """Start a run of the DAG under that name; does nothing if there is one."""
        try:
            self._request("POST", f"/api/v2/dags/{dag}/dagRuns", json={"dag_run_id": run, "logical_date": None})
        except AirflowRefused as refusal:
            if refusal.status != requests.codes.conflict:
                raise

    def open_runs(self) -> list[DagRun]:
        """Every run that is waiting or running."""
        rows = self._rows("/api/v2/dags/~/dagRuns", "dag_runs", state=list(OPEN))
        return [DagRun.model_validate(row) for row in rows]

    def runs(self, run: str) -> dict[str, DagRun]:
        """The runs of that name, by DAG."""
        rows = self._rows("/api/v2/dags/~/dagRuns", "dag_runs", run_id_prefix_pattern=run)
        return {row["dag_id"]: DagRun.model_validate(row) for row in rows}

    def fail(self, run: DagRun) -> None:
        """Give up a run: it and its tasks end as failed and do not come back."""
        self._request("PATCH", f"/api/v2/dags/{run.dag_id}/dagRuns/{run.dag_run_id}", json={"state": "failed"})

    def tasks(self, run: str) -> list[TaskInstance]:
        """The tasks of the runs of that name."""
        path = "/api/v2/dags/~/dagRuns/~/taskInstances"
        return [
            TaskInstance.model_validate(row)
            for row in self._rows(path, "task_instances", run_id_prefix_pattern=run, order_by="id")
        ]

    def _rows(self, path: str, key: str, **which: str | list[str]) -> list[dict[str, Any]]:
        """Every row of a list, page by page. By GET: a POST, which Airflow offers too, writes into its audit log."""
        rows: list[dict[str, Any]] = []
        while True:
            page = self._request("GET", path, params={**which, "limit": "100", "offset": str(len(rows))})
            rows += page[key]
            if len(rows) >= page["total_entries"] or not page[key]:
                return rows

    def _request(
        self,
        method: str,
        path: str,
        params: Mapping[str, str | list[str]] | None = None,
        json: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        deadline = time.monotonic() + SILENCE
        while True:
            try:
                answer = self._session.request(method, self._url + path, params=params, json=json, timeout=SECONDS)
                break
            except requests.RequestException as error:
                if time.monotonic() > deadline:
                    raise AirflowSilent(f"Airflow does not answer {method} {path}: {error}") from error
            self._check()
            time.sleep(0.2)
        if not answer.ok:
            raise AirflowRefused(
                f"Airflow answered {method} {path} with {answer.status_code}: {answer.text[:500]}", answer.status_code
            )
        body: dict[str, Any] = answer.json()
        return body
