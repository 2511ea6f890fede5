"""What does a person see while a night is played? On a terminal a table that moves, else one line per event."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from rich.console import Console, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.spinner import Spinner
from rich.table import Table

from samplecity.airflow_api import TaskInstance

STEPS = ("snapshot", "candidate", "decide", "publish", "verify")
ENDED = {"success": "green", "failed": "red", "upstream_failed": "bright_black", "skipped": "bright_black"}

WAITING = {"scheduled": "waits", "queued": "waits", "up_for_retry": "retry"}

ROOMY = 100
"""Characters from which on the columns stand further apart; at 80 they just fit."""


class Progress:
    """Follows the tasks of a night; ``datasets`` are (source, dataset) in the order in which they are shown."""

    def __init__(self, console: Console, datasets: Sequence[tuple[str, str]]) -> None:
        self._console = console
        self._datasets = datasets
        self._began = time.monotonic()
        self._seen: dict[tuple[str, str, int], str | None] = {}
        self._live: Live | None = None

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show the table while the context lasts, where there is a terminal."""
        if not self._console.is_terminal:
            yield
            return
        with Live(self._table([]), console=self._console, refresh_per_second=8) as self._live:
            yield

    def update(self, tasks: list[TaskInstance]) -> None:
        """Show the tasks as they are now."""
        if self._live is not None:
            self._live.update(self._table(tasks))
            return
        for task in sorted(tasks, key=_moment):
            key = (task.dag_id, task.task_id, task.try_number)
            if self._seen.get(key) != task.state and task.state in ("running", "success", "failed", "up_for_retry"):
                self._say(task)
            self._seen[key] = task.state

    def _say(self, task: TaskInstance) -> None:
        dataset, _, step = task.task_id.rpartition(".")
        name = f"{task.dag_id} / {dataset}" if dataset else task.dag_id
        what = {"running": "begins", "success": "done", "failed": "stopped", "up_for_retry": "will be tried again"}
        took = "" if task.state == "running" else f" after {_seconds(task):.1f} s"
        self._console.print(
            f"{time.monotonic() - self._began:6.1f} s  {name:<40} {step:<9} {what[task.state or '']}{took}",
            highlight=False, markup=False,
        )  # fmt: skip

    def _table(self, tasks: list[TaskInstance]) -> Table:
        gap = 2 if self._console.width >= ROOMY else 1
        table = Table(box=None, padding=(0, gap, 0, 0), pad_edge=False)
        table.add_column("source", overflow="fold")
        table.add_column("dataset", overflow="fold")
        for step in STEPS:
            table.add_column(step, min_width=8, no_wrap=True)
        by_key = {(task.dag_id, task.task_id): task for task in tasks}
        for source, dataset in self._datasets:
            cells = [by_key.get((source, step if step == "snapshot" else f"{dataset}.{step}")) for step in STEPS]
            table.add_row(escape(source), escape(dataset), *map(_cell, cells))
        return table


def _cell(task: TaskInstance | None) -> RenderableType:
    if task is None or task.state is None:
        return ""
    if task.state == "running":
        return Spinner("dots", text=f"{_seconds(task):.0f} s")
    if task.state not in ENDED:
        return f"[bright_black]{WAITING.get(task.state, task.state)}"
    words = {"success": f"✓ {_seconds(task):.1f} s", "failed": f"✗ {_seconds(task):.1f} s"}
    return f"[{ENDED[task.state]}]{words.get(task.state, '–')}"


def _seconds(task: TaskInstance) -> float:
    if task.start_date is None:
        return 0.0
    return ((task.end_date or datetime.now(UTC)) - task.start_date).total_seconds()


def _moment(task: TaskInstance) -> datetime:
    return task.end_date or task.start_date or datetime.max.replace(tzinfo=UTC)
