"""OGC API Features: the whole collection, once, or a fault."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from stadtdaten.contracts.interfaces import Limits, OgcFeaturesInterface
from stadtdaten.contracts.model import Table
from stadtdaten.extract import Fetched, fetch_table
from stadtdaten.extract.json_page import depth_of
from stadtdaten.faults import Fault, SourceInMotion, SourceUnreadable
from stadtdaten.frames import Endpoint

API = OgcFeaturesInterface(kind="ogc_features", connection="probe", page_size=2)
MakeTable = Callable[..., Table]
ITEMS = "/api/collections/strassen/items"


def feature(number: int) -> dict[str, Any]:
    return {
        "type": "Feature", "id": f"s.{number}", "geometry": {"type": "Point", "coordinates": [7.8, 51.6]},
        "properties": {"id": str(number), "name": None},
    }  # fmt: skip


def page(features: Sequence[dict[str, Any]], following: str = "", **members: Any) -> dict[str, Any]:
    links = [{"rel": "self", "href": "/api"}]
    if following:
        links.append({"rel": "next", "type": "text/html", "href": "/html"})
        links.append({"rel": "next", "type": "application/geo+json", "href": following})
    return {"type": "FeatureCollection", "features": list(features), "links": links, **members}


def serve(server: Any, pages: Callable[[int, int], dict[str, Any] | bytes], status: int = 200) -> None:
    """Let ``pages`` answer by the asked offset and the number of requests before."""
    kind = type(server.reply(None))

    def reply(request: Any) -> Any:
        answer = pages(int(request.query.get("offset", "0")), len(server.requests) - 1)
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        return kind(body=body, status=status, headers={"Content-Type": "application/geo+json"})

    server.reply = reply


@pytest.fixture
def strassen(table: MakeTable) -> Table:
    return table("geojson", "strassen")


def fetch(server: Any, table: Table, folder: Path, limits: Limits | None = None) -> list[int]:
    """How many features each page holds."""
    fetched = fetch_table(API, table, Endpoint(url=server.url + "/api?key=geheim"), folder, limits or Limits(), None)
    assert isinstance(fetched, Fetched)
    assert "geheim" not in fetched.url
    assert {path.name for path in folder.iterdir()} == {file.name for file in fetched.files}
    return [len(json.loads(file.read_bytes())["features"]) for file in fetched.files]


def fault(server: Any, table: Table, folder: Path, limits: Limits | None = None) -> Fault:
    with pytest.raises(Fault) as caught:
        fetch(server, table, folder, limits)
    return caught.value


@pytest.mark.parametrize("counted", [True, False])
@pytest.mark.parametrize("host", ["same", "relative", "foreign"])
@pytest.mark.parametrize("number", [0, 1, 2, 4, 5])
def test_every_page_is_read_once(
    server: Any, strassen: Table, tmp_path: Path, number: int, host: str, counted: bool
) -> None:
    start_of = {"same": f"{server.url}{ITEMS}?", "relative": "items?", "foreign": "http://innen.invalid/items?"}[host]

    def pages(offset: int, _before: int) -> dict[str, Any]:
        some = [feature(each) for each in range(offset, min(offset + 2, number))]
        more = f"{start_of}f=json&limit=2&offset={offset + 2}" if offset + 2 < number else ""
        return page(some, more, **({"numberMatched": number} if counted else {}), numberReturned=len(some))

    serve(server, pages)
    assert fetch(server, strassen, tmp_path) == ([2] * (number // 2) + [1] * (number % 2) or [0])
    assert {request.path for request in server.requests} == {ITEMS}
    assert server.requests[0].query == {"key": "geheim", "f": "json", "limit": "2"}


def test_a_last_link_that_leads_to_an_empty_page_adds_nothing(server: Any, strassen: Table, tmp_path: Path) -> None:
    serve(server, lambda offset, _: page([feature(offset)], f"{ITEMS}?offset={offset + 1}") if offset < 2 else page([]))
    assert fetch(server, strassen, tmp_path) == [1, 1]


def test_a_server_that_gives_less_than_asked_without_a_link_is_asked_for_the_rest(
    server: Any, strassen: Table, tmp_path: Path
) -> None:
    serve(server, lambda offset, _: page([feature(offset)], numberMatched=3))
    assert fetch(server, strassen, tmp_path) == [1, 1, 1]


def test_a_server_that_ignores_the_offset_is_an_error(server: Any, strassen: Table, tmp_path: Path) -> None:
    serve(server, lambda _offset, _: page([feature(0), feature(1)], numberMatched=3))
    assert "kamen schon vor" in fault(server, strassen, tmp_path).message


def test_links_that_lead_in_a_circle_are_an_error(server: Any, strassen: Table, tmp_path: Path) -> None:
    def pages(_offset: int, before: int) -> dict[str, Any]:
        return page([feature(before)], f"{ITEMS}?page={before % 2}")

    serve(server, pages)
    assert "zurück" in fault(server, strassen, tmp_path).message
    assert len(server.requests) == 3


def test_links_without_end_are_stopped_by_the_limit_of_rows(server: Any, strassen: Table, tmp_path: Path) -> None:
    serve(server, lambda _, before: page([feature(before)], f"{ITEMS}?page={before}"))
    assert "9 Zeilen" in fault(server, strassen, tmp_path, Limits(rows=9)).message


def test_empty_pages_that_link_on_are_an_error(server: Any, strassen: Table, tmp_path: Path) -> None:
    serve(server, lambda _, before: page([feature(0)] if before == 0 else [], f"{ITEMS}?page={before}"))
    assert "leeren Seite" in fault(server, strassen, tmp_path).message


def test_a_number_that_changes_between_pages_is_tried_again_later(server: Any, strassen: Table, tmp_path: Path) -> None:
    serve(server, lambda offset, before: page([feature(offset)], numberMatched=3 + before))
    found = fault(server, strassen, tmp_path)
    assert isinstance(found, SourceInMotion)
    assert "änderte sich" in found.message


def test_a_page_missing_at_the_end_is_an_error(server: Any, strassen: Table, tmp_path: Path) -> None:
    serve(server, lambda offset, _: page([feature(0)] if offset == 0 else [], numberMatched=3))
    found = fault(server, strassen, tmp_path)
    assert isinstance(found, SourceUnreadable)
    assert "nennt 3 Objekte und liefert 1" in found.message


def test_a_page_with_fewer_features_than_it_says_is_an_error(server: Any, strassen: Table, tmp_path: Path) -> None:
    serve(server, lambda *_: page([feature(0)], numberReturned=2))
    assert "nennt 2 Objekte und enthält 1" in fault(server, strassen, tmp_path).message


def test_features_without_ids_that_come_again_are_an_error(server: Any, strassen: Table, tmp_path: Path) -> None:
    nameless = {name: value for name, value in feature(0).items() if name != "id"}
    serve(server, lambda _, before: page([nameless], f"{ITEMS}?page={before}", timeStamp=f"12:00:{before}"))
    assert "noch einmal" in fault(server, strassen, tmp_path).message


def test_an_unknown_collection_is_a_readable_fault_without_its_text(
    server: Any, strassen: Table, tmp_path: Path
) -> None:
    serve(server, lambda *_: b'{"title": "NotFound", "detail": "Eiche 4711"}', 404)
    found = fault(server, strassen, tmp_path)
    assert isinstance(found, SourceUnreadable)
    assert "HTTP 404" in found.message
    assert "4711" not in found.message


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (json.dumps(page([feature(0)])).encode()[:-30], "kein vollständiges JSON"),
        (b'{"type": "FeatureCollection", "features": [NaN]}', "kein vollständiges JSON"),
        (b'{"type": "FeatureCollection", "features": ["\xe4"]}', "kein vollständiges JSON"),
        (b"[]", "kein JSON-Objekt"),
        (b'{"type": "Feature"}', "FeatureCollection"),
        (b'{"type": "FeatureCollection", "features": [1]}', "etwas anderes als Objekte"),
        (b"<!DOCTYPE html><html></html>", "HTML"),
        (b'{"a": ' + b"[" * 200_000 + b"]" * 200_000 + b"}", "tiefer geschachtelt als 100"),
    ],
)
def test_what_is_no_page_of_features_is_an_error(
    server: Any, strassen: Table, tmp_path: Path, body: bytes, said: str
) -> None:
    serve(server, lambda *_: body)
    found = fault(server, strassen, tmp_path)
    assert isinstance(found, SourceUnreadable)
    assert said in found.message


@pytest.mark.parametrize(
    ("text", "depth"), [(b"", 0), (b"1", 0), (b'{"[[[": "]\\"[["}', 1), (b'[{"a": [1, 2], "b": {}}, []]', 3)]
)
def test_depth_counts_containers_and_no_brackets_in_strings(text: bytes, depth: int) -> None:
    assert depth_of(text) == depth
