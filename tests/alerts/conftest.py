"""The tree register of the sample, an incident about it, and the moment in which its mail is written."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from stadtdaten.alerts import LiveFacts, Situation
from stadtdaten.contracts import City, Contract, load_city, load_contract
from stadtdaten.faults import Finding
from stadtdaten.frames import Incident

INCLUDE = Path(__file__).resolve().parents[2] / "include"


@pytest.fixture(scope="session")
def city() -> City:
    return load_city(INCLUDE / "city.yaml")


@pytest.fixture(scope="session")
def contract() -> Contract:
    return load_contract(INCLUDE / "contracts" / "baumkataster.yaml")


@pytest.fixture
def now() -> datetime:
    return datetime(2026, 11, 24, 2, 15, tzinfo=UTC)


@pytest.fixture
def incident() -> Incident:
    """The night of the swapped axes and impossible heights, seen twice."""
    return Incident(
        id=7,
        source="baumkataster",
        dataset="baumkataster",
        kind="gate_failed",
        gate="quality_raw",
        opened_at=datetime(2026, 11, 23, 2, 14, tzinfo=UTC),
        last_seen_at=datetime(2026, 11, 24, 2, 14, tzinfo=UTC),
        occurrences=2,
        message="Städtische Bäume: 2 von 14 Prüfungen der gelesenen Daten sind nicht bestanden.",
        findings=(
            Finding(
                "expect_column_geometries_to_be_within_bounds", "Lage: 1.200 Geometrien außerhalb.", "baeume",
                "geometrie", 1200, 1200,
            ),
            Finding(
                "expect_column_values_to_be_between", "Höhe: 3 Werte zu groß.", "baeume", "hoehe", 3, 12_000
            ),
        ),
        run_url="http://127.0.0.1:8080/dags/baumkataster/runs/x",
        live_release="abcdef012345",
    )  # fmt: skip


@pytest.fixture
def situation() -> Situation:
    live = LiveFacts(
        release="abcdef012345",
        created=datetime(2026, 11, 22, 1, tzinfo=UTC),
        rows=1195,
        page="http://127.0.0.1:8082/dataset/baumkataster/",
    )
    return Situation(
        live={"baumkataster": live},
        rows_before=1195,
        rows_now=1200,
        columns_new=("pflege_kz",),
        columns_gone=("krone_m",),
        runbook_url="http://127.0.0.1:8080/dags/baumkataster",
    )
