"""A night that does not end as the script says is noticed, whatever way it differs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from samplecity.script import Expected, Night
from samplecity.summary import Row, rows, table
from stadtdaten.contracts import Contract, load_contract
from stadtdaten.faults import Finding
from stadtdaten.frames import CheckResult
from stadtdaten.ledger import Ledger, Outcome
from stadtdaten.settings import Settings, settings_from_environment

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime.now(UTC)
BEFORE = NOW - timedelta(days=3)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    found = settings_from_environment({"STADTDATEN_HOME": str(ROOT), "STADTDATEN_VAR": str(tmp_path)})
    Ledger(found.ledger).upgrade()
    return found


@pytest.fixture
def contract() -> Contract:
    return load_contract(ROOT / "include" / "contracts" / "baumkataster.yaml")


def night(outcome: str = "published", count: int = 10) -> Night:
    expected = Expected.model_validate({"outcome": outcome, "rows": count})
    return Night(night=1, story="Probe", datasets={"baumkataster": expected})


def attempt(settings: Settings, outcome: Outcome | None, count: int = 10) -> int:
    ledger = Ledger(settings.ledger)
    number = ledger.start_attempt("baumkataster", "baumkataster")
    ledger.record_snapshot(number, count, ())
    if outcome:
        ledger.finish_attempt(number, outcome, rows_published=count)
    return number


def the_row(settings: Settings, contract: Contract, expected: Night, *, resumed: bool = False) -> Row:
    (row,) = rows([contract], settings, expected, NOW, resumed=resumed)
    return row


@pytest.mark.parametrize("outcome", ["published", "unchanged", "held_back"])
def test_a_night_as_expected_has_no_difference(settings: Settings, contract: Contract, outcome: Outcome) -> None:
    attempt(settings, outcome)
    assert the_row(settings, contract, night(outcome)).difference == ""


def test_a_dataset_that_was_not_run_is_a_difference(settings: Settings, contract: Contract) -> None:
    row = the_row(settings, contract, night())
    assert row.difference == "expected published, but it is not run"


def test_an_attempt_of_an_earlier_night_does_not_count(settings: Settings, contract: Contract) -> None:
    attempt(settings, "published")
    (row,) = rows([contract], settings, night(), datetime.now(UTC), resumed=False)
    assert row.outcome == "not run"


def test_an_attempt_that_never_ended_is_a_difference(settings: Settings, contract: Contract) -> None:
    attempt(settings, None)
    assert "not ended" in the_row(settings, contract, night()).difference


def test_a_bad_night_that_was_published_is_a_difference(settings: Settings, contract: Contract) -> None:
    attempt(settings, "published")
    assert the_row(settings, contract, night("held_back")).difference == "expected held back, but it is published"


def test_rows_that_got_lost_are_a_difference(settings: Settings, contract: Contract) -> None:
    attempt(settings, "published", 9)
    assert the_row(settings, contract, night()).difference == "expected 10 rows read, but there were 9"


def test_what_a_killed_run_had_published_may_be_unchanged_when_its_night_resumes(
    settings: Settings, contract: Contract
) -> None:
    attempt(settings, "unchanged")
    assert the_row(settings, contract, night()).difference
    assert the_row(settings, contract, night(), resumed=True).difference == ""


def test_a_dataset_without_a_readable_contract_is_still_in_the_table(settings: Settings) -> None:
    (row,) = rows([], settings, night(), NOW, resumed=False)
    assert row.outcome == "not run"
    assert row.difference


def test_the_table_tells_what_is_held_back_and_since_when(settings: Settings, contract: Contract) -> None:
    ledger = Ledger(settings.ledger)
    number = attempt(settings, "held_back", 2400)
    failed = CheckResult(table="t", stage="raw", expectation="e", severity="critical", success=False)
    warned = failed.model_copy(update={"severity": "warning"})
    ledger.record_checks(number, [failed, warned, failed.model_copy(update={"success": True})])
    finding = Finding(rule="e", message="Probe")
    ledger.open_incident("baumkataster", "baumkataster", "quality_raw", "quality_raw", "x", [finding], "", BEFORE)
    row = the_row(settings, contract, night("held_back", 2400))
    assert (row.checks_passed, row.checks_warned, row.checks_failed) == (1, 1, 1)
    shown = printed(row, 110)
    assert "2,400 rows" in shown
    assert "1/1/1" in shown
    assert f"still held back since {BEFORE.astimezone():%d %b}" in shown


def test_no_figure_is_cut_off_on_a_terminal_of_80_columns(settings: Settings, contract: Contract) -> None:
    attempt(settings, "published", 5_000_000)
    shown = printed(the_row(settings, contract, night(count=5_000_000)), 80)
    assert shown.count("5,000,000") == 2
    assert "…" not in shown
    assert "published" in shown.splitlines()[-2]


def printed(row: Row, width: int) -> str:
    output = StringIO()
    Console(width=width, file=output).print(table([row], NOW, width))
    return output.getvalue()
