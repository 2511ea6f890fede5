"""OParl 1.1: the whole list of the right body, or only what changed, or a fault."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stadtdaten.contracts.interfaces import Limits, OparlInterface
from stadtdaten.contracts.model import Table
from stadtdaten.extract import Fetched, NotModified, fetch_table
from stadtdaten.faults import Fault, Misconfigured, SchemaChanged, SourceInMotion, SourceUnavailable, SourceUnreadable
from stadtdaten.frames import Endpoint, TableLock

SCHEMA = "https://schema.oparl.org/1.1/"
OLD, NEW = "2026-01-01T00:00:00+01:00", "2026-02-01T00:00:00+01:00"
Object = dict[str, Any]


class Council:
    """An OParl server in memory: address below ``/oparl`` to content; ``pages`` are those of the list of papers."""

    def __init__(self, url: str) -> None:
        self.root = f"{url}/oparl"
        self.body = self.object("Body", "body/1", paper=f"{self.root}/papers", name="Hamm")
        self.system = self.object(
            "System", "system", oparlVersion="https://schema.oparl.org/1.1/", body=f"{self.root}/bodies"
        )
        self.bodies = [self.body]
        self.pages: list[Object] = []
        self.others: dict[str, Object] = {}
        self.show(*(self.paper(number) for number in range(3)))

    def object(self, kind: str, path: str, **properties: Any) -> Object:
        return {"id": f"{self.root}/{path}", "type": SCHEMA + kind, "modified": OLD, **properties}

    def paper(self, number: int, **properties: Any) -> Object:
        return self.object("Paper", f"paper/{number}", body=self.body["id"], name=f"Vorlage {number}", **properties)

    def show(self, *papers: Object, size: int = 2) -> None:
        """The papers in pages of that size."""
        parts = [papers[start : start + size] for start in range(0, len(papers), size)] or [()]
        self.pages = [
            {
                "data": list(part),
                "pagination": {"totalElements": len(papers), "elementsPerPage": size},
                "links": {"next": f"{self.root}/papers?page={number}"} if number < len(parts) else {},
            }
            for number, part in enumerate(parts, 1)
        ]

    def content(self, request: Any) -> Object | None:
        path = request.path.removeprefix("/oparl/")
        if path == "papers":
            return self.pages[int(request.query.get("page", "0"))]
        own = {"system": self.system, "bodies": {"data": self.bodies, "links": {}}}
        return {**own, **self.others}.get(path)


@pytest.fixture
def council(server: Any) -> Iterator[Council]:
    council = Council(server.url)

    def reply(request: Any) -> Any:
        content = council.content(request)
        return server.plain(body=json.dumps(content).encode(), status=404 if content is None else 200)

    server.reply = reply
    yield council


def papers(*sources: str, resource: str = "paper", **reading: Any) -> Table:
    columns = [
        {
            "name": f"c{number}" if number else "id", "source": source, "type": "string", "class": "public",
            "title": source, "separator": "||" if number else None,
        }
        for number, source in enumerate(("id", *(sources or ("name",))))
    ]  # fmt: skip
    return Table.model_validate(
        {
            "id": "probe", "title": "Probe", "resource": resource, "reading": {"format": "oparl", **reading},
            "key": ["id"], "columns": columns, "large": True,
        }
    )  # fmt: skip


def fetch(
    council: Council, folder: Path, table: Table | None = None, lock: TableLock | None = None, **interface: Any
) -> Fetched | NotModified:
    api = OparlInterface(kind="oparl", connection="probe", **interface)
    endpoint = Endpoint(url=f"{council.root}/system?key=geheim")
    return fetch_table(api, table or papers(), endpoint, folder, Limits(rows=50), lock)


def ids(fetched: Fetched | NotModified) -> list[str]:
    """What came, in order: the last part of the ids of the listed objects, then those of the others."""
    assert isinstance(fetched, Fetched)
    found = []
    for file in fetched.files:
        page = json.loads(file.read_bytes())
        found += [each["id"].rpartition("/")[2] for each in page.get("data", [page])]
    return found


def fault(council: Council, folder: Path, table: Table | None = None, **interface: Any) -> Fault:
    with pytest.raises(Fault) as caught:
        fetch(council, folder, table, **interface)
    assert "geheim" not in caught.value.message
    return caught.value


def lock_of(fetched: Fetched | NotModified) -> TableLock:
    assert isinstance(fetched, Fetched)
    return TableLock(
        resource="paper", url=fetched.url, files=fetched.sources, source_bytes=0, content_hash="", rows=0, columns=()
    )


@pytest.mark.parametrize("number", [0, 1, 2, 3, 4])
def test_every_page_is_read_once_and_nothing_else_is_kept(
    server: Any, council: Council, tmp_path: Path, number: int
) -> None:
    council.show(*map(council.paper, range(number)))
    fetched = fetch(council, tmp_path)
    assert ids(fetched) == [str(each) for each in range(number)]
    assert isinstance(fetched, Fetched)
    assert set(tmp_path.iterdir()) == set(fetched.files)
    assert "geheim" not in fetched.url
    assert all(request.query["key"] == "geheim" for request in server.requests)


def test_a_next_link_that_leads_back_is_an_error(council: Council, tmp_path: Path) -> None:
    council.pages[1]["links"]["next"] = f"{council.root}/papers?page=1"
    council.pages[1]["data"].append(council.paper(9))
    council.pages[0]["pagination"] = council.pages[1]["pagination"] = {}
    assert "im Kreis" in fault(council, tmp_path).next_step


def test_pages_without_end_are_stopped_by_the_limit_of_rows(server: Any, council: Council, tmp_path: Path) -> None:
    def reply(request: Any) -> Any:
        at = len(server.requests)
        endless = {"data": [council.paper(at)], "links": {"next": f"{council.root}/papers?page={at}"}}
        content = endless if request.path.endswith("papers") else council.content(request)
        return server.plain(body=json.dumps(content).encode())

    server.reply = reply
    assert "50 Zeilen" in fault(council, tmp_path).message


@pytest.mark.parametrize("total", [2, 4])
def test_pages_that_are_not_the_whole_list_are_an_error(council: Council, tmp_path: Path, total: int) -> None:
    for page in council.pages:
        page["pagination"]["totalElements"] = total
    assert f"nennt {total} Objekte und liefert 3" in fault(council, tmp_path).message


def test_a_list_that_changes_while_it_is_read_is_read_again_later(council: Council, tmp_path: Path) -> None:
    council.pages[1]["pagination"]["totalElements"] = 4
    assert isinstance(fault(council, tmp_path), SourceInMotion)


@pytest.mark.parametrize("left", [0, 1])
def test_a_page_that_shrinks_is_an_error(council: Council, tmp_path: Path, left: int) -> None:
    council.show(*map(council.paper, range(5)))
    council.pages[1]["data"] = council.pages[1]["data"][:left]
    told = fault(council, tmp_path)
    assert f"Eine Seite enthält {left} Objekte statt 2" in told.message


def test_an_object_that_comes_twice_is_an_error(council: Council, tmp_path: Path) -> None:
    council.pages[1]["data"] = [council.paper(0)]
    assert "kamen schon vor" in fault(council, tmp_path).message


@pytest.mark.parametrize("key", ["next", "body", "reference"])
def test_another_server_is_not_followed(council: Council, other_server: Any, tmp_path: Path, key: str) -> None:
    table = None
    if key == "next":
        council.pages[0]["links"]["next"] = f"{other_server.url}/oparl/papers?page=1"
    elif key == "body":
        council.system["body"] = f"{other_server.url}/bodies"
    else:
        council.show(council.paper(1, originatorOrganization=[f"{other_server.url}/organization/1"]))
        table = papers("originatorOrganization/name")
    assert "anderen Server" in fault(council, tmp_path, table).message
    assert other_server.requests == []


def test_a_page_of_another_bodys_list_is_an_error(council: Council, tmp_path: Path) -> None:
    council.pages[1]["data"][0]["body"] = f"{council.root}/body/2"
    assert "anderen Körperschaft" in fault(council, tmp_path).message


@pytest.mark.parametrize("kind", ["https://schema.oparl.org/1.1/Person", "https://schema.oparl.org/2.0/Paper", None])
def test_objects_of_another_type_are_an_error(council: Council, tmp_path: Path, kind: str | None) -> None:
    council.pages[0]["data"][1]["type"] = kind
    assert "1 von 2 Objekten" in fault(council, tmp_path).message


@pytest.mark.parametrize("page", [{"data": [1], "links": {}}, {"data": [{}], "links": {}}, {"links": {}}, {"data": []}])
def test_what_is_no_page_of_a_list_is_an_error(council: Council, tmp_path: Path, page: Object) -> None:
    council.pages = [page]
    assert isinstance(fault(council, tmp_path), SourceUnreadable)


def test_a_system_of_an_unknown_version_is_an_error(council: Council, tmp_path: Path) -> None:
    council.system["oparlVersion"] = "https://schema.oparl.org/2.0/"
    assert "otherOparlVersions" in fault(council, tmp_path).next_step


def test_of_several_bodies_the_contract_names_one(council: Council, tmp_path: Path) -> None:
    council.bodies.append(council.object("Body", "body/2", paper=f"{council.root}/others"))
    assert isinstance(fault(council, tmp_path), Misconfigured)
    assert isinstance(fault(council, tmp_path, body=f"{council.root}/body/3"), Misconfigured)
    assert ids(fetch(council, tmp_path, body=council.body["id"])) == ["0", "1", "2"]


def test_a_list_that_oparl_or_the_body_does_not_have_is_told(council: Council, tmp_path: Path) -> None:
    assert "locationList" in fault(council, tmp_path, papers(resource="location")).next_step
    assert isinstance(fault(council, tmp_path, papers(resource="membership")), SchemaChanged)


def test_referenced_objects_are_fetched_once_and_only_where_a_column_asks(
    server: Any, council: Council, tmp_path: Path
) -> None:
    above = council.object("Organization", "organization/8", name="Rat")
    group = council.object("Organization", "organization/7", subOrganizationOf=above["id"])
    council.others = {"organization/7": group, "organization/8": above}
    council.show(*(council.paper(number, originatorOrganization=[group["id"]]) for number in range(3)))

    assert ids(fetch(council, tmp_path, papers("originatorOrganization"))) == ["0", "1", "2"]
    del server.requests[:]
    table = papers("originatorOrganization/name", "originatorOrganization/subOrganizationOf/name")
    assert ids(fetch(council, tmp_path, table)) == ["0", "1", "2", "7", "8"]
    assert len(server.requests) == 6


def test_a_reference_to_an_object_of_the_list_itself_is_not_fetched_again(council: Council, tmp_path: Path) -> None:
    council.show(council.paper(0), council.paper(1, relatedPaper=[council.paper(0)["id"]]))
    assert ids(fetch(council, tmp_path, papers("relatedPaper/name"))) == ["0", "1"]


def test_a_reference_that_answers_with_another_object_is_an_error(council: Council, tmp_path: Path) -> None:
    council.others = {"organization/7": council.object("Organization", "organization/8")}
    council.show(council.paper(0, originatorOrganization=[f"{council.root}/organization/7"]))
    assert "etwas anderem" in fault(council, tmp_path, papers("originatorOrganization/name")).message


def test_a_path_through_a_text_is_an_error_that_does_not_quote_it(council: Council, tmp_path: Path) -> None:
    council.show(council.paper(0, reference="geheim"))
    assert "reference/name" in fault(council, tmp_path, papers("reference/name")).message


WALLS = {
    "Cloudflare": b"<!DOCTYPE html><html><title>Just a moment...</title></html>",
    "Anubis": b"<!doctype html><html><title>Making sure you&#39;re not a bot!</title></html>",
    "": b"<html><body>Zugriff verweigert</body></html>",
}


@pytest.mark.parametrize("name", WALLS)
@pytest.mark.parametrize("status", [403, 200])
def test_a_wall_against_robots_is_told_by_name_and_asked_once(
    server: Any, council: Council, tmp_path: Path, name: str, status: int
) -> None:
    page = server.plain(body=WALLS[name], status=status, headers={"Content-Type": "text/html"})
    server.reply = lambda request: page
    told = fault(council, tmp_path)
    assert len(server.requests) == 1
    if status == 200 and not name:
        assert isinstance(told, SourceUnreadable)
        return
    assert isinstance(told, SourceUnavailable)
    assert "Sperre gegen automatische Abrufe" in told.message and name in told.message
    assert "Ausnahme" in told.next_step and "User-Agent" in told.next_step


def test_a_refusal_in_json_is_no_wall(server: Any, council: Council, tmp_path: Path) -> None:
    server.reply = lambda request: server.plain(body=b'{"error": "no"}', status=403)
    assert isinstance(fault(council, tmp_path), SourceUnreadable)


def test_a_server_that_asks_for_a_long_pause_is_left_in_peace(server: Any, council: Council, tmp_path: Path) -> None:
    server.reply = lambda request: server.plain(status=429, headers={"Retry-After": "3600"})
    assert isinstance(fault(council, tmp_path), SourceUnavailable)
    assert len(server.requests) == 1


@pytest.fixture
def changing() -> Table:
    return papers(incremental={})


def asked(server: Any) -> str | None:
    """The ``modified_since`` of the last request for the list."""
    found: str | None = [each for each in server.requests if each.path == "/oparl/papers"][-1].query.get(
        "modified_since"
    )
    return found


def test_only_what_changed_since_the_latest_change_is_asked_for(
    server: Any, council: Council, tmp_path: Path, changing: Table
) -> None:
    council.show(council.paper(0), council.paper(1) | {"modified": NEW})
    first = fetch(council, tmp_path, changing)
    assert isinstance(first, Fetched)
    assert (asked(server), first.only_changes) == (None, False)

    gone = council.object("Paper", "paper/0", deleted=True) | {"modified": "2026-03-01T00:00:00Z"}
    council.show(gone)
    second = fetch(council, tmp_path, changing, lock_of(first))
    assert isinstance(second, Fetched)
    assert (asked(server), second.only_changes, ids(second)) == ("2026-01-31T23:00:00+00:00", True, ["0"])

    council.show()
    assert isinstance(fetch(council, tmp_path, changing, lock_of(second)), NotModified)
    assert asked(server) == "2026-03-01T00:00:00+00:00"


def test_a_table_that_does_not_ask_for_changes_is_always_whole(server: Any, council: Council, tmp_path: Path) -> None:
    first = fetch(council, tmp_path)
    fetch(council, tmp_path, None, lock_of(first))
    assert asked(server) is None


def test_a_server_that_knows_no_filter_is_taken_for_the_whole_list(
    council: Council, tmp_path: Path, changing: Table
) -> None:
    council.show(council.paper(0), council.paper(1) | {"modified": NEW})
    again = fetch(council, tmp_path, changing, lock_of(fetch(council, tmp_path, changing)))
    assert isinstance(again, Fetched)
    assert not again.only_changes


def test_the_lock_of_another_list_is_not_asked_with(
    server: Any, council: Council, tmp_path: Path, changing: Table
) -> None:
    lock = lock_of(fetch(council, tmp_path, changing))
    fetch(council, tmp_path, changing, lock.model_copy(update={"resource": "person"}))
    assert asked(server) is None


@pytest.mark.parametrize("modified", [None, "gestern", "2026-01-01T00:00:00"])
def test_objects_that_do_not_say_when_they_changed_stop_a_table_read_by_changes(
    council: Council, tmp_path: Path, changing: Table, modified: str | None
) -> None:
    council.pages[1]["data"][0]["modified"] = modified
    assert "reading.incremental" in fault(council, tmp_path, changing).next_step


def test_a_change_in_the_future_is_no_mark(server: Any, council: Council, tmp_path: Path, changing: Table) -> None:
    council.show(council.paper(0) | {"modified": "2999-01-01T00:00:00Z"})
    fetch(council, tmp_path, changing, lock_of(fetch(council, tmp_path, changing)))
    assert asked(server) is None
