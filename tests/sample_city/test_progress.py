"""What a person sees while a night is played fits a terminal of 80 columns."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from rich.console import Console

from samplecity.airflow_api import TaskInstance
from samplecity.progress import STEPS, Progress

BEGAN = datetime(2026, 11, 23, 1, tzinfo=UTC)


@pytest.mark.parametrize("state", ["success", "failed", "running", "up_for_retry", "queued", "upstream_failed"])
def test_sources_datasets_and_all_steps_are_uncut_at_80_columns(state: str) -> None:
    output = StringIO()
    console = Console(width=80, file=output)
    tasks = [
        TaskInstance(
            dag_id="einwohnerstatistik",
            task_id=step if step == "snapshot" else f"baumkataster.{step}",
            state=state,
            start_date=BEGAN,
            end_date=BEGAN + timedelta(seconds=99.9),
            try_number=1,
        )
        for step in STEPS
    ]
    console.print(Progress(console, [("einwohnerstatistik", "baumkataster")])._table(tasks))
    lines = output.getvalue().splitlines()
    assert len(lines) == 2
    assert "…" not in output.getvalue()
    assert all(word in lines[0] for word in ("source", "dataset", *STEPS))
    assert "einwohnerstatistik baumkataster" in lines[1]
