"""Late sources, broken pipelines and clock changes are told apart."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stadtdaten.contracts.model import Freshness
from stadtdaten.freshness import cron, describe_age, next_expected, nightly_minute, state

BERLIN = ZoneInfo("Europe/Berlin")
MODIFIED = datetime(2026, 11, 1, 3, 0, tzinfo=BERLIN)
SECOND = timedelta(seconds=1)
DAILY = Freshness(frequency="DAILY", deadline=timedelta(days=2), grace=timedelta(days=1))


def test_a_dataset_is_late_one_second_after_deadline_and_grace_and_not_before() -> None:
    limit = MODIFIED.astimezone(UTC) + timedelta(days=3)
    assert state(DAILY, MODIFIED, limit, broken=False, now=limit) == "current"
    assert state(DAILY, MODIFIED, limit, broken=False, now=limit + SECOND) == "source_late"


def test_a_pipeline_that_did_not_look_is_broken_even_if_the_source_may_be_late() -> None:
    checked = MODIFIED.astimezone(UTC)
    silence = timedelta(hours=30)
    assert state(DAILY, MODIFIED, checked, broken=False, now=checked + silence) == "current"
    assert state(DAILY, MODIFIED, checked, broken=False, now=checked + silence + SECOND) == "broken"
    assert state(DAILY, MODIFIED, checked, broken=False, now=checked + timedelta(days=30)) == "broken"


def test_an_hourly_source_is_missed_after_two_hours() -> None:
    hourly = Freshness(frequency="HOURLY")
    checked = MODIFIED.astimezone(UTC)
    assert state(hourly, MODIFIED, checked, broken=False, now=checked + timedelta(hours=2)) == "current"
    assert state(hourly, MODIFIED, checked, broken=False, now=checked + timedelta(hours=2) + SECOND) == "broken"


def test_an_open_incident_is_broken_whatever_the_deadline() -> None:
    as_needed = Freshness(frequency="AS_NEEDED")
    assert state(as_needed, MODIFIED, MODIFIED, broken=True, now=MODIFIED) == "broken"
    assert state(DAILY, MODIFIED, MODIFIED, broken=True, now=MODIFIED) == "broken"


@pytest.mark.parametrize("frequency", ["AS_NEEDED", "IRREG", "NEVER", "NOT_PLANNED", "UNKNOWN", "OTHER"])
def test_a_frequency_without_period_is_never_late(frequency: str) -> None:
    freshness = Freshness.model_validate({"frequency": frequency})
    years_later = MODIFIED.astimezone(UTC) + timedelta(days=3650)
    assert next_expected(freshness, MODIFIED) is None
    assert state(freshness, MODIFIED, years_later, broken=False, now=years_later) == "no_deadline"


def test_a_declared_deadline_holds_for_a_frequency_without_period() -> None:
    freshness = Freshness(frequency="IRREG", deadline=timedelta(days=10), grace=timedelta(0))
    later = MODIFIED.astimezone(UTC) + timedelta(days=10) + SECOND
    assert state(freshness, MODIFIED, later, broken=False, now=later) == "source_late"


@pytest.mark.parametrize(
    ("modified", "due"),
    [
        # Sunday 29 March 2026 has 23 hours, Sunday 25 October 2026 has 25.
        (datetime(2026, 3, 28, 12, tzinfo=BERLIN), datetime(2026, 3, 29, 13, tzinfo=BERLIN)),
        (datetime(2026, 10, 24, 12, tzinfo=BERLIN), datetime(2026, 10, 25, 11, tzinfo=BERLIN)),
    ],
    ids=["spring", "autumn"],
)
def test_a_clock_change_does_not_move_a_deadline_by_an_hour(modified: datetime, due: datetime) -> None:
    freshness = Freshness(frequency="DAILY", grace=timedelta(0))
    assert next_expected(freshness, modified) == due
    assert state(freshness, modified, due, broken=False, now=due) == "current"
    assert state(freshness, modified, due, broken=False, now=due + SECOND) == "source_late"


def test_the_hour_that_comes_twice_is_two_hours() -> None:
    first = datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN)
    freshness = Freshness(frequency="HOURLY", grace=timedelta(0))
    assert next_expected(freshness, first) == first.replace(fold=1)
    second = first.replace(fold=1)
    assert state(freshness, first, second, broken=False, now=second) == "current"
    assert state(freshness, first, second, broken=False, now=(second.astimezone(UTC) + SECOND)) == "source_late"


def test_the_night_of_25_hours_is_not_a_broken_pipeline() -> None:
    before, after = datetime(2026, 10, 24, 1, 30, tzinfo=BERLIN), datetime(2026, 10, 25, 4, 59, tzinfo=BERLIN)
    assert state(DAILY, before, before, broken=False, now=after) == "current"


def test_a_moment_without_time_zone_is_refused() -> None:
    naive = datetime(2026, 11, 1, 3)  # noqa: DTZ001
    with pytest.raises(ValueError, match="time zone"):
        next_expected(DAILY, naive)
    with pytest.raises(ValueError, match="time zone"):
        state(DAILY, MODIFIED, MODIFIED, broken=False, now=naive)


@given(source=st.from_regex(r"[a-z][a-z0-9_]{1,62}", fullmatch=True))
def test_no_source_runs_outside_the_night_or_in_the_hour_of_the_clock_change(source: str) -> None:
    hour, minute = nightly_minute(source)
    assert hour in (1, 3, 4)
    assert 0 <= minute <= 59


def test_sources_spread_over_the_whole_night() -> None:
    minutes = [nightly_minute(f"quelle_{number}") for number in range(180)]
    assert len(set(minutes)) > 90
    assert {hour for hour, _ in minutes} == {1, 3, 4}


def test_a_source_has_the_same_minute_in_every_process() -> None:
    program = "from stadtdaten.freshness import nightly_minute; print(*nightly_minute('baumkataster'))"
    answers = {
        subprocess.run(
            [sys.executable, "-c", program], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    hour, minute = nightly_minute("baumkataster")
    assert answers == {f"{hour} {minute}\n"}


def test_hourly_sources_are_polled_every_hour_and_slower_ones_every_night() -> None:
    hour, minute = nightly_minute("umweltmessnetz")
    assert cron(Freshness(frequency="HOURLY"), "umweltmessnetz") == f"{minute} * * * *"
    for frequency in ("DAILY", "ANNUAL", "AS_NEEDED"):
        assert cron(Freshness.model_validate({"frequency": frequency}), "umweltmessnetz") == f"{minute} {hour} * * *"


@pytest.mark.parametrize(
    ("age", "text"),
    [
        (timedelta(seconds=-5), "0 s"),
        (timedelta(seconds=59), "59 s"),
        (timedelta(minutes=1), "1 min"),
        (timedelta(minutes=59, seconds=59), "59 min"),
        (timedelta(hours=23, minutes=59), "23 h"),
        (timedelta(days=2, hours=23), "2 d"),
    ],
)
def test_an_age_is_told_in_its_largest_full_unit(age: timedelta, text: str) -> None:
    assert describe_age(age) == text


def test_freshness_needs_nothing_that_is_slow_to_import() -> None:
    program = "import sys, stadtdaten.freshness; print(*{'pandas', 'pydantic', 'sqlalchemy'} & set(sys.modules))"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == ""
