"""A source that Airflow does not know is named, and never keeps the others from being played."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest

from samplecity import night
from samplecity.airflow_api import AirflowApi, Dag, ImportFailure
from samplecity.ports import Ports
from samplecity.refresh import _with_dag_file
from samplecity.start import Place
from stadtdaten.contracts import load_contract

ROOT = Path(__file__).resolve().parents[2]
STARTED = datetime.now(UTC)


class Airflow:
    """Has read one DAG, failed at one file, and knows nothing of any other."""

    def dags(self) -> dict[str, Dag]:
        return {"sound": Dag(dag_id="sound", last_parsed_time=STARTED)}

    def import_failures(self) -> list[ImportFailure]:
        return [ImportFailure(filename="broken.py", stack_trace="...\nValueError: x", timestamp=STARTED)]


def test_a_dag_that_airflow_never_finds_is_named_and_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(night, "READ_SECONDS", 0)
    airflow = cast(AirflowApi, Airflow())
    unread = night.wait_until_read(airflow, ["sound", "broken", "absent"], STARTED, lambda: None)
    assert unread == {"broken": "ValueError: x", "absent": "it has found no DAG 'absent' there in 0 s"}


def test_a_missing_dag_file_is_noticed_before_anything_starts(tmp_path: Path) -> None:
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "spielplaetze.py").touch()
    sources = ("baumkataster", "spielplaetze")
    contracts = [load_contract(ROOT / "include" / "contracts" / f"{source}.yaml") for source in sources]
    found, complaints = _with_dag_file(Place(tmp_path, tmp_path / "var", Ports(), 8080), contracts)
    assert [contract.source for contract in found] == ["spielplaetze"]
    assert complaints == ["baumkataster: its DAG file dags/baumkataster.py is missing, so it cannot be run"]
