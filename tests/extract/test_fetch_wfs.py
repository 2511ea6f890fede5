"""WFS paging: the whole feature type, once, or a fault."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stadtdaten.contracts.interfaces import Limits, WfsInterface
from stadtdaten.contracts.model import Table
from stadtdaten.extract import Fetched, fetch_table
from stadtdaten.faults import Fault, SourceInMotion, SourceUnreadable
from stadtdaten.frames import Endpoint

WFS = WfsInterface(kind="wfs", connection="probe", page_size=2)
MakeTable = Callable[..., Table]
FIVE = [f"baum.{number}" for number in range(5)]


def page(ids: list[str], matched: int | str, following: str = "", returned: int | None = None) -> bytes:
    members = "".join(
        f'<wfs:member><g:baum gml:id="{identifier}"><g:id>{identifier}</g:id><g:name/></g:baum></wfs:member>'
        for identifier in ids
    )
    link = f' next="{following.replace("&", "&amp;")}"' if following else ""
    return (
        '<?xml version="1.0" encoding="UTF-8"?><wfs:FeatureCollection xmlns:wfs="http://www.opengis.net/wfs/2.0" '
        'xmlns:gml="http://www.opengis.net/gml/3.2" xmlns:g="urn:gruen" '
        f'numberMatched="{matched}" numberReturned="{len(ids) if returned is None else returned}"{link}>{members}'
        "</wfs:FeatureCollection>"
    ).encode()


def serve(server: Any, pages: Callable[[int], bytes], status: int = 200) -> None:
    """Let ``pages`` answer with the page that begins at the asked startIndex."""
    kind = type(server.reply(None))
    server.reply = lambda request: kind(
        body=pages(int(request.query.get("startIndex", "0"))), status=status, headers={"Content-Type": "text/xml"}
    )


def fetch(server: Any, table: Table, folder: Path, limits: Limits | None = None) -> Fetched:
    fetched = fetch_table(WFS, table, Endpoint(url=server.url + "/wfs?map=gruen"), folder, limits or Limits(), None)
    assert isinstance(fetched, Fetched)
    return fetched


@pytest.fixture
def baeume(table: MakeTable) -> Table:
    return table("gml", "gruen:baeume")


def fault(server: Any, table: Table, folder: Path, limits: Limits | None = None) -> Fault:
    with pytest.raises(Fault) as caught:
        fetch(server, table, folder, limits)
    return caught.value


@pytest.mark.parametrize("matched", [5, "unknown"])
@pytest.mark.parametrize("link", ["", "same", "foreign"])
def test_every_page_is_read_once(server: Any, baeume: Table, tmp_path: Path, matched: int | str, link: str) -> None:
    def pages(start: int) -> bytes:
        host = {"": "", "same": server.url, "foreign": "http://innen.invalid"}[link]
        more = f"{host}/wfs?map=gruen&startIndex={start + 2}" if host and start + 2 < 5 else ""
        return page(FIVE[start : start + 2], matched, more)

    serve(server, pages)
    fetched = fetch(server, baeume, tmp_path)
    assert [file.read_bytes().count(b"<wfs:member>") for file in fetched.files] == [2, 2, 1]
    assert fetched.source_bytes >= sum(file.stat().st_size for file in fetched.files)
    asked = server.requests[0].query
    assert asked == {
        "map": "gruen", "service": "WFS", "version": "2.0.0", "request": "GetFeature", "typeNames": "gruen:baeume",
        "count": "2", "startIndex": "0",
    }  # fmt: skip
    assert fetched.url.startswith(f"{server.url}/wfs?service=WFS")


def test_an_empty_feature_type_is_delivered_as_such(server: Any, baeume: Table, tmp_path: Path) -> None:
    serve(server, lambda start: page([], 0))
    assert len(fetch(server, baeume, tmp_path).files) == 1


def test_a_page_missing_from_a_wfs_is_an_error(server: Any, baeume: Table, tmp_path: Path) -> None:
    serve(server, lambda start: page(FIVE[start : start + 2] if start < 2 else [], 5))
    found = fault(server, baeume, tmp_path)
    assert isinstance(found, SourceUnreadable)
    assert "nennt 5 Objekte und liefert 2" in found.message


def test_more_features_than_promised_are_an_error(server: Any, baeume: Table, tmp_path: Path) -> None:
    serve(server, lambda start: page(FIVE[:2], 1))
    assert "nennt 1 Objekte und liefert 2" in fault(server, baeume, tmp_path).message


def test_a_server_that_ignores_the_start_index_is_an_error(server: Any, baeume: Table, tmp_path: Path) -> None:
    serve(server, lambda start: page(FIVE[:2], "unknown"))
    assert "kamen schon vor" in fault(server, baeume, tmp_path).message


def test_a_feature_twice_on_one_page_is_an_error(server: Any, baeume: Table, tmp_path: Path) -> None:
    serve(server, lambda start: page([FIVE[0], FIVE[0]], 2))
    assert "kamen schon vor" in fault(server, baeume, tmp_path).message


def test_a_total_that_changes_between_pages_is_tried_again_later(server: Any, baeume: Table, tmp_path: Path) -> None:
    serve(server, lambda start: page(FIVE[start : start + 2], 5 if start == 0 else 6))
    assert isinstance(fault(server, baeume, tmp_path), SourceInMotion)


def test_a_page_with_fewer_features_than_it_says_is_an_error(server: Any, baeume: Table, tmp_path: Path) -> None:
    serve(server, lambda start: page(FIVE[:1], 2, returned=2))
    assert "nennt 2 Objekte und enthält 1" in fault(server, baeume, tmp_path).message


@pytest.mark.parametrize("status", [200, 400, 500])
def test_an_exception_report_is_an_error_with_any_status(
    server: Any, baeume: Table, tmp_path: Path, status: int
) -> None:
    report = (
        b'<?xml version="1.0"?><ows:ExceptionReport xmlns:ows="http://www.opengis.net/ows/1.1" version="2.0.0">'
        b'<ows:Exception exceptionCode="InvalidParameterValue"><ows:ExceptionText>Eiche 4711</ows:ExceptionText>'
        b"</ows:Exception></ows:ExceptionReport>"
    )
    serve(server, lambda start: report, status)
    found = fault(server, baeume, tmp_path)
    assert isinstance(found, SourceUnreadable)
    assert "InvalidParameterValue" in found.message
    assert "4711" not in found.message
    assert len(server.requests) == 1


@pytest.mark.parametrize("cut", [60, 300, 420])
def test_a_truncated_page_is_an_error(server: Any, baeume: Table, tmp_path: Path, cut: int) -> None:
    serve(server, lambda start: page(FIVE[:2], 2)[:-cut])
    found = fault(server, baeume, tmp_path)
    assert isinstance(found, SourceUnreadable)
    assert "kein vollständiges XML" in found.message


def test_a_page_with_an_entity_is_refused(server: Any, baeume: Table, tmp_path: Path) -> None:
    evil = b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
    serve(server, lambda start: page(FIVE[:2], 2).replace(b"?>", b"?>" + evil, 1).replace(b"<g:name/>", b"&e;"))
    assert "DOCTYPE" in fault(server, baeume, tmp_path).message


def test_a_number_of_features_beyond_reason_counts_as_unknown(server: Any, baeume: Table, tmp_path: Path) -> None:
    serve(server, lambda start: page(FIVE if start == 0 else [], "9" * 5000))
    assert len(fetch(server, baeume, tmp_path).files) == 1


def test_another_document_than_a_feature_collection_is_refused(server: Any, baeume: Table, tmp_path: Path) -> None:
    serve(server, lambda start: page(FIVE[:2], 2).replace(b"wfs/2.0", b"wfs"))
    assert "Version 2.0" in fault(server, baeume, tmp_path).message


def test_a_web_page_instead_of_gml_is_an_error(server: Any, baeume: Table, tmp_path: Path) -> None:
    serve(server, lambda start: b"<!DOCTYPE html><html><body>Anmeldung</body></html>")
    assert "HTML" in fault(server, baeume, tmp_path).message


def test_more_features_than_allowed_stop_at_the_first_page(server: Any, baeume: Table, tmp_path: Path) -> None:
    serve(server, lambda start: page(FIVE[start : start + 2], 5))
    assert "4 Zeilen" in fault(server, baeume, tmp_path, Limits(rows=4)).message
    assert len(server.requests) == 1


def test_a_total_that_counts_only_the_first_page_is_an_error(server: Any, baeume: Table, tmp_path: Path) -> None:
    serve(server, lambda start: page(FIVE[start : start + 2], 2, "http://innen.invalid/wfs" if start == 0 else ""))
    assert "nennt 2 Objekte und liefert 4" in fault(server, baeume, tmp_path).message


def test_a_full_page_that_counts_only_itself_is_not_the_whole_layer(server: Any, baeume: Table, tmp_path: Path) -> None:
    kind = type(server.reply(None))
    server.reply = lambda request: kind(
        body=page([], 5) if request.query.get("resultType") == "hits" else page(FIVE[:2], 2)
    )
    assert "auf Nachfrage aber 5" in fault(server, baeume, tmp_path).message


def test_a_link_behind_the_last_page_adds_nothing(server: Any, baeume: Table, tmp_path: Path) -> None:
    serve(server, lambda start: page(FIVE[start : start + 2], 5, f"{server.url}/wfs?startIndex={start + 2}"))
    assert len(fetch(server, baeume, tmp_path).files) == 3


def test_a_link_that_is_no_address_is_counted_on(server: Any, baeume: Table, tmp_path: Path) -> None:
    link = server.url.rpartition(":")[0] + ":${port}/wfs"
    serve(server, lambda start: page(FIVE[start : start + 2], 5, link if start < 4 else ""))
    assert len(fetch(server, baeume, tmp_path).files) == 3


def test_a_server_that_neither_counts_nor_names_features_and_repeats_its_page_is_stopped_at_once(
    server: Any, baeume: Table, tmp_path: Path
) -> None:
    seconds = itertools.count()

    def same_page(_start: int) -> bytes:
        nameless = page(["", ""], "unknown")
        return nameless.replace(b"numberMatched", b'timeStamp="12:00:%02d" numberMatched' % next(seconds))

    serve(server, same_page)
    caught = fault(server, baeume, tmp_path)
    assert isinstance(caught, SourceUnreadable)
    assert "noch einmal" in caught.message
    assert len(server.requests) == 3  # two pages, and between them the question for the total


def test_a_total_that_is_another_after_the_last_page_is_tried_again_later(
    server: Any, baeume: Table, tmp_path: Path
) -> None:
    kind = type(server.reply(None))

    def reply(request: Any) -> Any:
        start = int(request.query.get("startIndex", "0"))
        hits = request.query.get("resultType") == "hits"
        return kind(page([], 6) if hits else page(FIVE[start : start + 2], 5))

    server.reply = reply
    found = fault(server, baeume, tmp_path)
    assert isinstance(found, SourceInMotion)
    assert "von 5 auf 6" in found.message


@pytest.mark.parametrize("number", [0, 1, 2, 4, 5])
@pytest.mark.parametrize("matched", [True, False])
def test_pages_are_whole_at_every_number_of_features(
    server: Any, baeume: Table, tmp_path: Path, number: int, matched: bool
) -> None:
    serve(server, lambda start: page(FIVE[:number][start : start + 2], number if matched else "unknown"))
    fetched = fetch(server, baeume, tmp_path)
    sizes = [file.read_bytes().count(b"<wfs:member>") for file in fetched.files]
    assert sizes == ([2] * (number // 2) + [1] * (number % 2) or [0])
    assert {path.name for path in tmp_path.iterdir()} == {file.name for file in fetched.files}


def test_a_server_limit_below_the_page_size_loses_nothing(server: Any, baeume: Table, tmp_path: Path) -> None:
    serve(server, lambda start: page(FIVE[start : start + 1], 5))
    assert len(fetch(server, baeume, tmp_path).files) == 5


def test_links_without_end_are_stopped_by_the_limit_of_rows(server: Any, baeume: Table, tmp_path: Path) -> None:
    serve(server, lambda start: page([f"b.{start}"], "unknown", f"{server.url}/wfs?startIndex={start + 1}"))
    assert "9 Zeilen" in fault(server, baeume, tmp_path, Limits(rows=9)).message


@pytest.mark.parametrize("schema", [True, False])
def test_the_schema_is_asked_for_once_where_a_declared_property_is_missing(
    server: Any, baeume: Table, tmp_path: Path, schema: bool
) -> None:
    kind = type(server.reply(None))
    report = b'<ows:ExceptionReport xmlns:ows="http://www.opengis.net/ows/1.1"/>'

    def reply(request: Any) -> Any:
        if request.query["request"] == "DescribeFeatureType":
            assert request.query["typeName"] == "gruen:baeume"
            return kind(b"<schema/>" if schema else report)
        start = int(request.query["startIndex"]) if "startIndex" in request.query else 5
        return kind(page(FIVE[start : start + 2], 5).replace(b"<g:name/>", b""))

    server.reply = reply
    fetch(server, baeume, tmp_path)
    assert (tmp_path / "probe.xsd").is_file() is schema
    assert [request.query["request"] for request in server.requests].count("DescribeFeatureType") == 1


class Old:
    """A WFS 1.1 with ``number`` features; ``paging`` says what it does with startIndex."""

    def __init__(self, number: int, paging: str, counts: bool = True) -> None:
        self.number = number
        self.paging = paging
        self.counts = counts
        self.most = 1000

    def answer(self, query: dict[str, str]) -> bytes:
        assert query["version"] == "1.1.0"
        assert query["typeName"] == "gruen:baeume"
        if query.get("resultType") == "hits":
            return self._page([], self.number if self.counts else None)
        if "startIndex" in query and self.paging == "exception":
            return b'<ows:ExceptionReport xmlns:ows="http://www.opengis.net/ows"/>'
        start = int(query.get("startIndex", "0")) if self.paging == "works" else 0
        size = min(int(query.get("maxFeatures", "1000")), self.most)
        some = range(start, min(start + size, self.number))
        return self._page([f"baum.{each}" for each in some], len(some))

    def _page(self, ids: list[str], number: int | None) -> bytes:
        count = "" if number is None else f' numberOfFeatures="{number}"'
        members = "".join(f'<g:baum gml:id="{each}"><g:id>{each}</g:id><g:name/></g:baum>' for each in ids)
        return (
            '<wfs:FeatureCollection xmlns:wfs="http://www.opengis.net/wfs" xmlns:gml="http://www.opengis.net/gml" '
            f'xmlns:g="urn:gruen"{count}><gml:featureMembers>{members}</gml:featureMembers></wfs:FeatureCollection>'
        ).encode()


OLD_WFS = WfsInterface(kind="wfs", connection="probe", version="1.1.0", page_size=2)


def fetch_old(server: Any, old: Old, table: Table, folder: Path, limits: Limits | None = None) -> list[int]:
    """How many features each page holds."""
    kind = type(server.reply(None))
    server.reply = lambda request: kind(old.answer(request.query))
    fetched = fetch_table(OLD_WFS, table, Endpoint(url=server.url + "/wfs"), folder, limits or Limits(), None)
    assert isinstance(fetched, Fetched)
    assert {path.name for path in folder.iterdir()} == {file.name for file in fetched.files}
    return [file.read_bytes().count(b"<g:baum ") for file in fetched.files]


@pytest.mark.parametrize("number", [0, 1, 2, 4, 5])
@pytest.mark.parametrize("paging", ["works", "ignored", "exception"])
def test_a_wfs_1_1_is_read_in_pages_only_where_they_work(
    server: Any, baeume: Table, tmp_path: Path, number: int, paging: str
) -> None:
    sizes = fetch_old(server, Old(number, paging), baeume, tmp_path)
    in_pages = [2] * (number // 2) + [1] * (number % 2) or [0]
    assert sizes == (in_pages if paging == "works" else [number])


def test_a_wfs_1_1_that_does_not_count_is_read_in_one_request(server: Any, baeume: Table, tmp_path: Path) -> None:
    assert fetch_old(server, Old(5, "works", counts=False), baeume, tmp_path) == [5]


def test_a_wfs_1_1_that_cuts_its_answer_off_is_an_error(server: Any, baeume: Table, tmp_path: Path) -> None:
    old = Old(5, "ignored")
    old.most = 3
    with pytest.raises(SourceUnreadable, match="kamen schon vor"):
        fetch_old(server, old, baeume, tmp_path)


def test_a_wfs_1_1_that_changes_while_it_is_read_is_tried_again_later(
    server: Any, baeume: Table, tmp_path: Path
) -> None:
    old = Old(5, "works")
    first = old.answer

    def answer(query: dict[str, str]) -> bytes:
        old.number += query.get("startIndex") == "4"
        return first(query)

    old.answer = answer  # type: ignore[method-assign]
    with pytest.raises(SourceInMotion, match="von 5 auf 6"):
        fetch_old(server, old, baeume, tmp_path)


def test_a_feature_that_a_change_moved_to_the_next_page_of_a_wfs_1_1_is_tried_again_later(
    server: Any, baeume: Table, tmp_path: Path
) -> None:
    class Growing(Old):
        """After the probe of two pages a feature comes in at the front."""

        asked = 0

        def answer(self, query: dict[str, str]) -> bytes:
            self.asked += "startIndex" in query
            if self.asked > 3 and "startIndex" in query:
                self.number = 6
                query = {**query, "startIndex": str(int(query["startIndex"]) - 1)}
            return super().answer(query)

    with pytest.raises(SourceInMotion, match="von 5 auf 6"):
        fetch_old(server, Growing(5, "works"), baeume, tmp_path)


def test_an_answer_in_another_version_than_declared_is_an_error(server: Any, baeume: Table, tmp_path: Path) -> None:
    kind = type(server.reply(None))
    server.reply = lambda request: kind(page(FIVE[:2], 2))
    with pytest.raises(SourceUnreadable, match=r"Version 1\.1, sondern der Version 2\.0"):
        fetch_table(OLD_WFS, baeume, Endpoint(url=server.url + "/wfs"), tmp_path, Limits(), None)
