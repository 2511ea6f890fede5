from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from people import make_dataset, make_table
from stadtdaten.contracts import Dataset
from stadtdaten.faults import GateFailed
from stadtdaten.frames import Tombstone
from stadtdaten.privacy.admission import admit, review_due

CITY = ZoneInfo("Europe/Berlin")


@pytest.fixture
def dataset() -> Dataset:
    """Its release record is of 2026-01-01 and to be reviewed on 2028-01-01."""
    return make_dataset(
        make_table([{"name": "art", "type": "string", "class": "public"}]),
        release={
            "legal_basis": "§ 16a EGovG NRW",
            "outcome": "no_personal_data",
            "office": "Leitung des Umweltamts",
            "date": "2026-01-01",
            "next_review": "2028-01-01",
        },
    )


@pytest.mark.parametrize("today", [date(2026, 1, 1), date(2028, 1, 1)])
def test_a_record_in_force_admits(dataset: Dataset, today: date) -> None:
    assert admit(dataset, today, None, CITY) is None


@pytest.mark.parametrize(("today", "said"), [(date(2025, 12, 31), "erst ab"), (date(2028, 1, 2), "abgelaufen")])
def test_a_record_not_in_force_stops_publication(dataset: Dataset, today: date, said: str) -> None:
    with pytest.raises(GateFailed, match=said) as caught:
        admit(dataset, today, None, CITY)
    assert caught.value.gate == "privacy"
    assert caught.value.next_step


def test_the_end_of_a_record_is_due_thirty_days_ahead(dataset: Dataset) -> None:
    assert not review_due(dataset, date(2027, 12, 1))
    assert review_due(dataset, date(2027, 12, 2))


def test_after_a_takedown_the_old_decision_admits_nothing(dataset: Dataset) -> None:
    tombstone = Tombstone(dataset=dataset.id, at=datetime(2026, 1, 1, 23, tzinfo=UTC), releases=("a",))
    with pytest.raises(GateFailed, match="Datenpanne"):
        admit(dataset, date(2026, 6, 1), tombstone, CITY)


def test_a_later_decision_admits_again(dataset: Dataset) -> None:
    tombstone = Tombstone(dataset=dataset.id, at=datetime(2025, 12, 31, 10, tzinfo=UTC), releases=("a",))
    assert admit(dataset, date(2026, 6, 1), tombstone, CITY) is None


def test_a_decision_of_the_day_of_the_takedown_by_the_citys_clock_admits_nothing(dataset: Dataset) -> None:
    half_past_midnight = Tombstone(dataset=dataset.id, at=datetime(2025, 12, 31, 23, 30, tzinfo=UTC), releases=("a",))
    with pytest.raises(GateFailed, match=r"am 01\.01\.2026 wegen einer Datenpanne"):
        admit(dataset, date(2026, 6, 1), half_past_midnight, CITY)
