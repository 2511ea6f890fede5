"""The complaints register: it keeps its pages for those who know the key, and marks whatever is about a person."""

from __future__ import annotations

from datetime import date

import pytest
import requests

from samplecity.city import SampleCity
from samplecity.state import State
from samplecity.systems.maengelmelder import KEY, MARKS, complaints, lights
from samplecity.tables import Table

STATE = State(first_day=date(2026, 11, 23), night=1)
PERSONAL = ("description", "address", "media_url", "reporter/name", "reporter/email", "reporter/phone")
LAMP = "extended_attributes/leuchte"
"""Leads to a place, as it stands on the lamp."""


@pytest.mark.parametrize("table", [complaints(STATE), lights(STATE)], ids=["complaints", "lights"])
def test_every_value_about_a_person_holds_a_mark(table: Table) -> None:
    names = [column.name for column in table.columns]
    for row in table.rows:
        cells = dict(zip(names, row, strict=True))
        personal = [name for name in (*PERSONAL, LAMP) if name in names]
        unmarked = [name for name in personal if cells[name] and not any(mark in str(cells[name]) for mark in MARKS)]
        assert unmarked == []
        public = {name: cell for name, cell in cells.items() if name not in (*personal, "status_notes")}
        assert not any(mark in str(public) for mark in MARKS)


@pytest.mark.parametrize("headers", [{}, {"X-Api-Key": "falsch"}, {"Authorization": KEY}])
def test_nobody_without_the_key_is_answered(standing_city: SampleCity, headers: dict[str, str]) -> None:
    answer = requests.get(f"{standing_city.url()}/maengelmelder/requests.json", headers=headers, timeout=60)
    assert answer.status_code == 401
    assert "requests" not in answer.json()[0]


def test_the_pages_hold_every_report_once(standing_city: SampleCity) -> None:
    ids = []
    for page in range(1, 9):
        answer = requests.get(
            f"{standing_city.url()}/maengelmelder/requests.json?page={page}&page_size=1000",
            headers={"X-Api-Key": KEY},
            timeout=60,
        ).json()
        assert answer["total"] == 640
        ids += [each["service_request_id"] for each in answer["requests"]]
    assert len(ids) == len(set(ids)) == 640
