"""A night that does not end as the script says is noticed, whatever way it differs."""

from __future__ import annotations

import shutil
import time
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console

from sample_releases import CITY, FIRST_NIGHT, gauges
from samplecity.script import Expected, Night
from samplecity.summary import Row, rows, table
from stadtdaten.contracts import Contract, load_contract
from stadtdaten.faults import Finding
from stadtdaten.frames import CheckResult
from stadtdaten.ledger import Ledger, Outcome
from stadtdaten.portals import StaticPortal
from stadtdaten.releases import ReleaseStore
from stadtdaten.settings import Settings, settings_from_environment

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime.now(UTC)
BEFORE = NOW - timedelta(days=3)
SOURCE, DATASET = "umweltmessnetz", "pegelstaende"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """An installation whose portal shows one release of the gauges."""
    found = settings_from_environment({"STADTDATEN_HOME": str(ROOT), "STADTDATEN_VAR": str(tmp_path)})
    Ledger(found.ledger).upgrade()
    manifest = gauges(tmp_path / "candidate")
    store = ReleaseStore(found.releases)
    store.keep(tmp_path / "candidate", manifest)
    StaticPortal(found.portal, found.portal_url, CITY, True, store).reconcile(manifest, tmp_path / "candidate")
    return found


@pytest.fixture
def contract() -> Contract:
    return load_contract(ROOT / "include" / "contracts" / "umweltmessnetz.yaml")


def night(outcome: str = "published", count: int = 10) -> Night:
    expected = Expected.model_validate({"outcome": outcome, "rows": count})
    return Night(night=1, story="Probe", datasets={DATASET: expected})


def attempt(settings: Settings, outcome: Outcome | None, count: int = 10) -> int:
    ledger = Ledger(settings.ledger)
    number = ledger.start_attempt(SOURCE, DATASET)
    ledger.record_snapshot(number, count, ())
    if outcome:
        ledger.finish_attempt(number, outcome, rows_published=count)
    return number


def the_row(
    settings: Settings, contract: Contract, expected: Night, *, resumed: bool = False, began: datetime = FIRST_NIGHT
) -> Row:
    """``began`` is by default the moment when the release was made, so that it is new in this night."""
    (row,) = rows([contract], CITY, settings, expected, began, {}, resumed=resumed)
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
    row = the_row(settings, contract, night(), began=datetime.now(UTC))
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
    (row,) = rows([], CITY, settings, night(), NOW, {}, resumed=False)
    assert row.outcome == "not run"
    assert row.difference


def test_the_table_tells_what_is_held_back_and_since_when(settings: Settings, contract: Contract) -> None:
    ledger = Ledger(settings.ledger)
    number = attempt(settings, "held_back", 2400)
    failed = CheckResult(table="t", stage="raw", expectation="e", severity="critical", success=False)
    warned = failed.model_copy(update={"severity": "warning"})
    ledger.record_checks(number, [failed, warned, failed.model_copy(update={"success": True})])
    finding = Finding(rule="e", message="Probe")
    ledger.open_incident(
        SOURCE, DATASET, "quality_raw", "quality_raw", "Die Höhen sind unmöglich.", [finding], "", BEFORE
    )
    row = the_row(settings, contract, night("held_back", 2400), began=NOW)
    assert (row.checks_passed, row.checks_warned, row.checks_failed) == (1, 1, 1)
    shown = printed(row, 130)
    assert "2,400 rows" in shown
    assert "1/1/1" in shown
    assert f"still held back since {BEFORE.astimezone(ZoneInfo('Europe/Berlin')):%d %b}" in shown
    assert "Die Höhen sind unmöglich." in shown


def test_times_are_the_citys_whatever_the_machines_zone(
    settings: Settings, contract: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    held_back = the_row(settings, contract, night()).model_copy(
        update={"outcome": "held_back", "held_back_since": datetime(2026, 11, 23, 16, 6, tzinfo=UTC)}
    )
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        shown = printed(held_back, 130, datetime(2026, 11, 23, 17, 30, tzinfo=UTC))
    finally:
        monkeypatch.undo()
        time.tzset()
    assert "since 17:06" in shown


def test_a_dataset_that_the_portal_does_not_show_is_a_difference(settings: Settings, contract: Contract) -> None:
    attempt(settings, "published")
    shutil.rmtree(settings.portal)
    row = the_row(settings, contract, night())
    assert (row.live, row.release, row.page) == (False, "", "")
    assert row.difference == "nothing of it is live on the portal"


def test_a_portal_that_cannot_tell_what_it_shows_is_a_difference(settings: Settings, contract: Contract) -> None:
    attempt(settings, "unchanged")
    (settings.portal / "public" / "live.json").write_text("{")
    assert "live.json" in the_row(settings, contract, night("unchanged")).difference


def test_a_lost_ledger_does_not_hide_what_is_live(settings: Settings, contract: Contract) -> None:
    assert Ledger(settings.ledger).live_release(DATASET, "static") is None
    attempt(settings, "unchanged")
    row = the_row(settings, contract, night("unchanged"))
    assert row.live
    assert ReleaseStore(settings.releases).has(DATASET, row.release)
    assert row.difference == ""


def test_a_release_that_was_restored_is_as_expected(settings: Settings, contract: Contract) -> None:
    attempt(settings, "published")
    assert the_row(settings, contract, night("unchanged")).difference == "expected unchanged, but it is published"
    row = the_row(settings, contract, night("unchanged"), began=NOW)
    assert row.difference == ""
    assert "published (restored)" in printed(row, 80)


def test_a_release_that_the_store_had_lost_and_that_was_made_anew_is_as_expected(
    settings: Settings, contract: Contract
) -> None:
    attempt(settings, "published")
    (row,) = rows([contract], CITY, settings, night("unchanged"), FIRST_NIGHT, {DATASET: "1" * 12}, resumed=False)
    assert (row.difference, row.restored) == ("", True)


@pytest.mark.parametrize("width", [80, 100, 120, 160])
def test_everything_about_a_dataset_is_shown_uncut_at_any_width(
    settings: Settings, contract: Contract, width: int
) -> None:
    row = the_row(settings, contract, night()).model_copy(
        update={
            "rows_read": 5_000_000,
            "rows_published": 4_999_999,
            "cells_held_back": 11_520,
            "outcome": "held_back",
            "held_back_since": BEFORE,
        }
    )
    lines = printed(row, width).splitlines()
    shown = " ".join(lines)
    assert max(map(len, lines)) <= width
    assert len(lines) == (3 if width >= 120 else 4)
    for value in (DATASET, "5,000,000", "4,999,999", "11,520 cells", "0/0/0", row.release[:8], "live"):
        assert value in shown
    assert "still held back since" in shown
    assert "of 2 d" in shown


def printed(row: Row, width: int, now: datetime = NOW) -> str:
    output = StringIO()
    Console(width=width, file=output).print(table([row], now, width, CITY), end="")
    return output.getvalue()
