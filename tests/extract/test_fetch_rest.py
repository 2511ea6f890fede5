"""JSON over REST: all rows once, or a fault, and the key stays where it belongs."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from stadtdaten.contracts.interfaces import Interface, Limits
from stadtdaten.contracts.model import Table
from stadtdaten.extract import Fetched, fetch_table
from stadtdaten.faults import Fault, Misconfigured, SourceInMotion, SourceUnavailable, SourceUnreadable
from stadtdaten.frames import Endpoint

KEY = "schluessel-4711"
BY_NUMBER = {"by": "page", "parameter": "page", "first": 1, "size_parameter": "page_size"}
BY_OFFSET = {"by": "offset", "parameter": "offset", "size_parameter": "limit"}
BY_LINK = {"by": "link", "member": "links/next", "size_parameter": "limit"}
BY_HEADER = {"by": "link"}
PAGINGS = [BY_NUMBER, {**BY_NUMBER, "first": 0}, BY_OFFSET, BY_LINK, BY_HEADER]
Answer = Callable[[Any], Any]


def rows(*numbers: int) -> list[dict[str, Any]]:
    return [{"id": number, "name": f"Meldung {number}"} for number in numbers]


@pytest.fixture
def meldungen(table: Callable[..., Table]) -> Table:
    return in_list(table("json", "requests.json?sort=id"), "result/requests")


def in_list(table: Table, path: str | None) -> Table:
    return table.model_copy(update={"reading": table.reading.model_copy(update={"rows": path})})


def serve(server: Any, answer: Answer, status: int = 200, **headers: str) -> None:
    """Let ``answer`` give the content (JSON, or bytes as they are) for a request."""
    kind = server.plain

    def reply(request: Any) -> Any:
        content = answer(request)
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        return kind(body=body, status=status, headers={"Content-Type": "application/json", **headers})

    server.reply = reply


def serve_pages(server: Any, paging: dict[str, Any], numbers: list[int], size: int = 2, total: bool = True) -> None:
    """A server whose pages hold ``size`` rows at most, whatever is asked for."""

    def reply(request: Any) -> Any:
        asked = request.query
        start = int(asked.get("offset", "0"))
        if paging["by"] == "page":
            start = (int(asked["page"]) - paging["first"]) * size
        more = f"requests.json?offset={start + size}" if start + size < len(numbers) else None
        result = {"requests": rows(*numbers[start : start + size]), **({"total": len(numbers)} if total else {})}
        link = {"Link": f'<requests.json?page=first>; rel="first", <{more}>; rel="next"'} if more else {}
        in_header = paging["by"] == "link" and "member" not in paging
        links = {"links": {"next": more}} if not in_header else {}
        return server.plain(body=json.dumps({"result": result, **links}).encode(), headers=link if in_header else {})

    server.reply = reply


def fetch(
    server: Any, table: Table, folder: Path, paging: dict[str, Any] | None = None, **keys: Any
) -> list[dict[str, Any]]:
    """All rows that came, in their order; keys that are no Endpoint's or Limits' are the interface's."""
    options = keys.pop("options", {"api_key_header": "X-Api-Key"})
    limits = keys.pop("limits", Limits())
    size = {"page_size": 2} if paging and "size_parameter" in paging else {}
    interface = TypeAdapter[Interface](Interface).validate_python(
        {"kind": "rest", "connection": "probe", "paging": paging, **size, **keys}
    )
    endpoint = Endpoint(url=f"{server.url}/api", password=KEY if options else "", options=options)
    fetched = fetch_table(interface, table, endpoint, folder, limits, None)
    assert isinstance(fetched, Fetched)
    assert fetched.url == f"{server.url}/api/requests.json"
    assert {path.name for path in folder.iterdir()} == {file.name for file in fetched.files}
    pages = [json.loads(file.read_bytes()) for file in fetched.files]
    return [row for page in pages for row in (page if isinstance(page, list) else page["result"]["requests"])]


def fault(server: Any, table: Table, folder: Path, paging: dict[str, Any] | None = None, **keys: Any) -> Fault:
    with pytest.raises(Fault) as caught:
        fetch(server, table, folder, paging, **keys)
    assert KEY not in caught.value.message + caught.value.next_step
    return caught.value


@pytest.mark.parametrize("counted", [True, False])
@pytest.mark.parametrize("paging", PAGINGS)
@pytest.mark.parametrize("number", [0, 1, 2, 4, 5])
def test_every_page_is_read_once(
    server: Any, meldungen: Table, tmp_path: Path, paging: dict[str, Any], number: int, counted: bool
) -> None:
    serve_pages(server, paging, list(range(number)), total=counted)
    total = {"total": "result/total"} if counted else {}
    assert fetch(server, meldungen, tmp_path, paging, **total) == rows(*range(number))
    assert {request.query["sort"] for request in server.requests} == {"id"}


@pytest.mark.parametrize("paging", PAGINGS)
def test_a_server_that_gives_less_than_asked_is_asked_for_the_rest(
    server: Any, meldungen: Table, tmp_path: Path, paging: dict[str, Any]
) -> None:
    serve_pages(server, paging, [1, 2, 3], size=1)
    assert fetch(server, meldungen, tmp_path, paging) == rows(1, 2, 3)


def test_a_server_that_counts_pages_by_the_size_asked_for_but_gives_less_loses_nothing(
    server: Any, meldungen: Table, tmp_path: Path
) -> None:
    def pages(request: Any) -> Any:
        asked = int(request.query["page_size"])
        start = (int(request.query["page"]) - 1) * asked
        return {"result": {"requests": rows(*range(7)[start : start + min(asked, 3)])}}

    serve(server, pages)
    assert fetch(server, meldungen, tmp_path, BY_NUMBER, page_size=100) == rows(*range(7))


def test_a_list_without_anything_around_it_is_read_in_one(server: Any, meldungen: Table, tmp_path: Path) -> None:
    serve(server, lambda _: rows(1, 2, 3))
    assert fetch(server, in_list(meldungen, None), tmp_path) == rows(1, 2, 3)
    assert [request.query for request in server.requests] == [{"sort": "id"}]


@pytest.mark.parametrize(
    ("options", "sent"),
    [({"api_key_header": "X-Api-Key"}, "header"), ({"api_key_parameter": "api_key"}, "query"), ({}, "nowhere")],
)
@pytest.mark.parametrize("paging", PAGINGS)
def test_the_key_goes_with_every_request_and_nowhere_else(
    server: Any, meldungen: Table, tmp_path: Path, paging: dict[str, Any], options: dict[str, str], sent: str,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)
    serve_pages(server, paging, [1, 2, 3])
    assert len(fetch(server, meldungen, tmp_path, paging, options=options)) == 3
    assert len(server.requests) >= 2
    for request in server.requests:
        assert ("X-Api-Key" in request.headers) == (sent == "header")
        assert request.headers.get("X-Api-Key", KEY) == KEY
        assert request.query.get("api_key") == (KEY if sent == "query" else None)
    assert KEY not in caplog.text


def test_a_link_that_repeats_the_key_does_not_double_it(server: Any, meldungen: Table, tmp_path: Path) -> None:
    def pages(request: Any) -> Any:
        more = None if "page" in request.query else f"requests.json?page=2&api_key={KEY}"
        return {"result": {"requests": rows(2 if more is None else 1)}, "links": {"next": more}}

    serve(server, pages)
    assert len(fetch(server, meldungen, tmp_path, BY_LINK, options={"api_key_parameter": "api_key"})) == 2
    assert server.requests[1].query == {"page": "2", "api_key": KEY, "sort": "id"}


@pytest.mark.parametrize(
    ("password", "options", "login"),
    [
        ("", {"api_key_header": "X-Api-Key"}, ""),
        ("geheim\r\nX-Admin: 1", {"api_key_header": "X-Api-Key"}, ""),
        ("geheim", {"api_key_header": "X-Api-Key", "api_key_parameter": "key"}, ""),
        ("geheim", {"api_key_header": "X-Api-Key"}, "amt"),
        ("geheim", {"api_key_header": "X-Api-Key: 1"}, ""),
        ("geheim", {"api_key": "X-Api-Key"}, ""),
    ],
)
def test_a_connection_that_does_not_say_how_the_key_is_sent_is_misconfigured(
    server: Any, meldungen: Table, tmp_path: Path, password: str, options: dict[str, str], login: str
) -> None:
    interface = TypeAdapter[Interface](Interface).validate_python({"kind": "rest", "connection": "probe"})
    endpoint = Endpoint(url=server.url, login=login, password=password, options=options)
    with pytest.raises(Misconfigured) as caught:
        fetch_table(interface, meldungen, endpoint, tmp_path, Limits(), None)
    assert "geheim" not in caught.value.message
    assert not server.requests


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize(
    ("options", "said"),
    [({"api_key_header": "X-Api-Key"}, "weist den API-Schlüssel"), ({}, "verlangt einen API-Schlüssel")],
)
def test_a_refused_key_is_ours_to_mend(
    server: Any, meldungen: Table, tmp_path: Path, status: int, options: dict[str, str], said: str
) -> None:
    serve(server, lambda _: {"error": f"unknown key {KEY}"}, status)
    found = fault(server, meldungen, tmp_path, options=options)
    assert isinstance(found, Misconfigured)
    assert said in found.message and f"HTTP {status}" in found.message


def test_a_key_does_not_follow_a_link_or_redirect_to_another_server(
    server: Any, other_server: Any, meldungen: Table, tmp_path: Path
) -> None:
    link = f"{other_server.url}/api/requests.json?page=2"
    serve(server, lambda _: {"result": {"requests": rows(1)}, "links": {"next": link}})
    assert "anderen Server" in fault(server, meldungen, tmp_path, BY_LINK).message
    server.reply = lambda _: server.plain(status=302, headers={"Location": link})
    assert "anderen Server" in fault(server, meldungen, tmp_path, BY_LINK).message
    assert not other_server.requests


@pytest.mark.parametrize("link", [7, {"href": "x"}, "http://[", "ftp://127.0.0.1/x"])
def test_a_link_that_is_none_is_an_error(server: Any, meldungen: Table, tmp_path: Path, link: Any) -> None:
    serve(server, lambda _: {"result": {"requests": rows(1)}, "links": {"next": link}})
    assert "anderen Server" in fault(server, meldungen, tmp_path, BY_LINK).message


def test_a_server_that_asks_for_a_long_wait_is_left_in_peace(server: Any, meldungen: Table, tmp_path: Path) -> None:
    serve(server, lambda _: {}, 429, **{"Retry-After": "3600"})
    assert isinstance(fault(server, meldungen, tmp_path), SourceUnavailable)
    assert len(server.requests) == 1


def test_a_server_that_asks_for_a_short_wait_is_asked_again(server: Any, meldungen: Table, tmp_path: Path) -> None:
    def reply(_request: Any) -> Any:
        if len(server.requests) == 1:
            return server.plain(status=429, headers={"Retry-After": "0"})
        return server.plain(body=json.dumps({"result": {"requests": rows(1)}}).encode())

    server.reply = reply
    assert fetch(server, meldungen, tmp_path) == rows(1)


@pytest.mark.parametrize("paging", [BY_NUMBER, BY_OFFSET])
def test_a_page_that_repeats_is_an_error(server: Any, meldungen: Table, tmp_path: Path, paging: dict[str, Any]) -> None:
    serve(server, lambda _: {"result": {"requests": rows(1, 2)}})
    assert "kamen schon vor" in fault(server, meldungen, tmp_path, paging).message


def test_a_page_without_keys_that_repeats_is_an_error(server: Any, meldungen: Table, tmp_path: Path) -> None:
    serve(server, lambda _: {"result": {"requests": [{"name": "x"}]}})
    assert "noch einmal" in fault(server, meldungen, tmp_path, BY_NUMBER).message


def test_links_that_lead_in_a_circle_are_an_error(server: Any, meldungen: Table, tmp_path: Path) -> None:
    def pages(request: Any) -> Any:
        number = len(server.requests)
        return {"result": {"requests": rows(number)}, "links": {"next": f"requests.json?page={number % 2}"}}

    serve(server, pages)
    assert "zurück" in fault(server, meldungen, tmp_path, BY_LINK).message
    assert len(server.requests) == 3


@pytest.mark.parametrize("paging", [BY_NUMBER, BY_OFFSET, BY_LINK])
def test_a_list_without_end_is_stopped_by_the_limit_of_rows(
    server: Any, meldungen: Table, tmp_path: Path, paging: dict[str, Any]
) -> None:
    def pages(_request: Any) -> Any:
        number = len(server.requests)
        return {"result": {"requests": rows(number)}, "links": {"next": f"requests.json?page={number}"}}

    serve(server, pages)
    assert "9 Zeilen" in fault(server, meldungen, tmp_path, paging, limits=Limits(rows=9)).message


def test_empty_pages_that_link_on_are_an_error(server: Any, meldungen: Table, tmp_path: Path) -> None:
    def pages(_request: Any) -> Any:
        number = len(server.requests)
        return {"result": {"requests": []}, "links": {"next": f"requests.json?page={number}"}}

    serve(server, pages)
    assert "leeren Seite" in fault(server, meldungen, tmp_path, BY_LINK).message


def test_a_row_added_while_paging_is_noticed(server: Any, meldungen: Table, tmp_path: Path) -> None:
    def pages(request: Any) -> Any:
        newest_first = [3, 2, 1] if len(server.requests) == 1 else [4, 3, 2, 1]
        start = int(request.query["offset"])
        return {"result": {"requests": rows(*newest_first[start : start + 2]), "total": len(newest_first)}}

    serve(server, pages)
    counted = fault(server, meldungen, tmp_path, BY_OFFSET, total="result/total")
    assert isinstance(counted, SourceInMotion)
    server.requests.clear()
    assert "1 Objekte auf Seite 2 der Quelle kamen schon vor" in fault(server, meldungen, tmp_path, BY_OFFSET).message


@pytest.mark.parametrize("paging", [None, *PAGINGS])
def test_fewer_rows_than_the_server_counts_are_an_error(
    server: Any, meldungen: Table, tmp_path: Path, paging: dict[str, Any] | None
) -> None:
    serve_pages(server, paging or BY_OFFSET, [1, 2, 3], total=False)
    inner = server.reply

    def reply(request: Any) -> Any:
        answer = inner(request)
        page = json.loads(answer.body)
        page["result"]["total"] = 5
        return server.plain(body=json.dumps(page).encode(), headers=answer.headers)

    server.reply = reply
    found = fault(server, meldungen, tmp_path, paging, total="result/total")
    assert isinstance(found, SourceUnreadable)
    assert "nennt 5 Objekte" in found.message


@pytest.mark.parametrize("total", [None, "3", True, -1, {}])
def test_a_count_that_is_none_is_an_error(server: Any, meldungen: Table, tmp_path: Path, total: Any) -> None:
    serve(server, lambda _: {"result": {"requests": rows(1), "total": total}})
    assert "Zahl aller Zeilen" in fault(server, meldungen, tmp_path, total="result/total").message


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (json.dumps({"result": {"requests": rows(1)}}).encode()[:-3], "kein vollständiges JSON"),
        (b"", "kein vollständiges JSON"),
        (b'{"result": {"requests": [NaN]}}', "kein vollständiges JSON"),
        (b'{"error": {"code": 7, "message": "Meldung 4711"}}', "ohne die Liste der Zeilen"),
        (b'{"result": {"requests": {"1": {}}}}', "ohne die Liste der Zeilen"),
        (b'{"result": {"requests": ["Meldung 4711"]}}', "ohne die Liste der Zeilen"),
        (b"[]", "ohne die Liste der Zeilen"),
        (b"<!DOCTYPE html><html></html>", "HTML"),
        (b"[" * 200_000 + b"]" * 200_000, "tiefer geschachtelt als 100"),
    ],
)
def test_what_is_no_page_of_rows_is_an_error(
    server: Any, meldungen: Table, tmp_path: Path, body: bytes, said: str
) -> None:
    serve(server, lambda _: body)
    found = fault(server, meldungen, tmp_path)
    assert isinstance(found, SourceUnreadable)
    assert said in found.message
    assert "4711" not in found.message


@pytest.mark.parametrize("paging", [None, BY_HEADER])
def test_a_page_size_that_would_not_be_sent_is_refused(paging: dict[str, Any] | None) -> None:
    with pytest.raises(ValidationError, match="size_parameter"):
        TypeAdapter[Interface](Interface).validate_python(
            {"kind": "rest", "connection": "probe", "paging": paging, "page_size": 2}
        )


def test_a_later_correction_may_come_twice(server: Any, meldungen: Table, tmp_path: Path) -> None:
    serve(server, lambda _: {"result": {"requests": rows(1, 1)}})
    assert "kamen schon vor" in fault(server, meldungen, tmp_path).message
    assert len(fetch(server, meldungen.model_copy(update={"corrections": True}), tmp_path)) == 2
