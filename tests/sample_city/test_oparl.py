"""The council information system speaks OParl 1.1: lists, pages, filters, and objects under their own ids."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from samplecity.city import SampleCity
from samplecity.delivery import advance
from samplecity.systems.ratsinformation import LISTS, MEETINGS

Object = dict[str, Any]


def get(address: str, **query: str) -> Object:
    answer = requests.get(address, params=query, timeout=60)
    assert answer.status_code == 200
    found: Object = answer.json()
    return found


def objects(address: str, **query: str) -> list[Object]:
    """All objects of a list, along ``links.next``."""
    page = get(address, **query)
    found = list(page["data"])
    while "next" in page["links"]:
        page = get(page["links"]["next"])
        found += page["data"]
    assert len(found) == page["pagination"]["totalElements"]
    return found


@pytest.fixture
def body(city: SampleCity) -> Object:
    system = get(city.url("ratsinformation/system"))
    assert system["id"] == city.url("ratsinformation/system")
    (only,) = objects(system["body"])
    return only


@pytest.mark.parametrize("name", LISTS)
def test_every_list_holds_objects_of_one_type_that_are_found_under_their_ids(body: Object, name: str) -> None:
    found = objects(body[name])
    assert len({each["type"] for each in found}) == 1
    assert len({each["id"] for each in found}) == len(found) > 10
    assert get(found[0]["id"]) == found[0]


def test_a_deleted_meeting_is_told_only_to_who_asks_for_changes(city: SampleCity, body: Object) -> None:
    before = objects(body["meeting"])
    advance(city.var, 2)
    assert len(objects(body["meeting"])) == MEETINGS - 1
    changed = objects(body["meeting"], modified_since="2026-06-01T00:00:00+00:00")
    gone = {each["id"] for each in before} - {each["id"] for each in objects(body["meeting"])}
    assert {each["id"] for each in changed if each.get("deleted")} == gone
    assert [set(get(each)) for each in gone] == [{"id", "type", "created", "modified", "deleted"}]
    assert [each["cancelled"] for each in changed if not each.get("deleted")] == [True]


def test_filters_stay_on_the_next_pages(body: Object) -> None:
    since = {"modified_since": "2026-01-02T12:00:00+00:00", "limit": "7"}
    found = objects(body["paper"], **since)
    assert 7 < len(found) < len(objects(body["paper"]))
    assert min(each["modified"] for each in found) >= since["modified_since"]


def test_an_object_that_never_was_is_not_found(city: SampleCity, body: Object) -> None:
    assert requests.get(f"{body['person']}/99999", timeout=60).status_code == 404
