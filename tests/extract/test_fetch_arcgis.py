"""ArcGIS FeatureServer: the whole layer, once, or a fault."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stadtdaten.contracts.interfaces import ArcgisInterface, Limits
from stadtdaten.contracts.model import Table
from stadtdaten.extract import Fetched, fetch_table
from stadtdaten.faults import Fault, SourceInMotion, SourceUnavailable, SourceUnreadable
from stadtdaten.frames import Endpoint

ARCGIS = ArcgisInterface(kind="arcgis", connection="probe", page_size=2)
MakeTable = Callable[..., Table]
Answer = dict[str, Any] | bytes
LAYER = "/arcgis/Schulen/FeatureServer/0"


class Layer:
    """A layer as a FeatureServer answers for it; ``spoil`` changes an answer by the request's query."""

    def __init__(self, number: int, *, paging: bool = True, most: int = 1000, cut: int = 1000) -> None:
        self.ids = [10 * each for each in range(1, number + 1)]
        self.about: dict[str, Any] = {
            "objectIdField": "OBJECTID", "maxRecordCount": most,
            "advancedQueryCapabilities": {"supportsPagination": paging},
        }  # fmt: skip
        self.cut = cut
        self.spoil: Callable[[dict[str, str], Answer], Answer] = lambda _query, answer: answer

    def answer(self, path: str, query: dict[str, str]) -> Answer:
        assert query["f"] == "json"
        if path == LAYER:
            return self.spoil(query, self.about)
        assert path == f"{LAYER}/query"
        return self.spoil(query, self._query(query))

    def _query(self, query: dict[str, str]) -> dict[str, Any]:
        if "returnCountOnly" in query:
            return {"count": len(self.ids)}
        if "returnIdsOnly" in query:
            return {"objectIdFieldName": "OBJECTID", "objectIds": self.ids[::-1] or None}
        assert query["outFields"] == "*"
        chosen = self.ids
        if asked := re.fullmatch(r"OBJECTID>=(\d+) AND OBJECTID<=(\d+)", query["where"]):
            chosen = [each for each in chosen if int(asked[1]) <= each <= int(asked[2])]
        start = int(query.get("resultOffset", "0"))
        size = min(int(query.get("resultRecordCount", "1000")), self.cut)
        return {
            "fields": [{"name": "OBJECTID", "type": "esriFieldTypeOID"}],
            "spatialReference": {"wkid": 25832, "latestWkid": 25832},
            "features": [{"attributes": {"OBJECTID": each}} for each in chosen[start : start + size]],
            **({"exceededTransferLimit": True} if start + size < len(chosen) else {}),
        }


@pytest.fixture
def schulen(table: MakeTable) -> Table:
    return table("esrijson", "0")


def serve(server: Any, layer: Layer) -> None:
    kind = type(server.reply(None))

    def reply(request: Any) -> Any:
        answer = layer.answer(request.path, request.query)
        return kind(answer if isinstance(answer, bytes) else json.dumps(answer).encode())

    server.reply = reply


def fetch(server: Any, layer: Layer, table: Table, folder: Path, limits: Limits | None = None) -> list[list[int]]:
    """The object ids of each page."""
    serve(server, layer)
    endpoint = Endpoint(url=f"{server.url}/arcgis/Schulen/FeatureServer?token=geheim")
    fetched = fetch_table(ARCGIS, table, endpoint, folder, limits or Limits(), None)
    assert isinstance(fetched, Fetched)
    assert fetched.url == server.url + LAYER
    assert {path.name for path in folder.iterdir()} == {file.name for file in fetched.files}
    assert all(request.query["token"] == "geheim" for request in server.requests)
    pages = [json.loads(file.read_bytes())["features"] for file in fetched.files]
    return [[feature["attributes"]["OBJECTID"] for feature in page] for page in pages]


def fault(server: Any, layer: Layer, table: Table, folder: Path, limits: Limits | None = None) -> Fault:
    with pytest.raises(Fault) as caught:
        fetch(server, layer, table, folder, limits)
    return caught.value


@pytest.mark.parametrize("paging", [True, False])
@pytest.mark.parametrize("number", [0, 1, 2, 4, 5])
def test_every_object_is_read_once(server: Any, schulen: Table, tmp_path: Path, number: int, paging: bool) -> None:
    layer = Layer(number, paging=paging)
    pages = fetch(server, layer, schulen, tmp_path)
    assert [len(page) for page in pages] == ([2] * (number // 2) + [1] * (number % 2) or [0])
    assert [each for page in pages for each in page] == layer.ids
    ordered = [request.query.get("orderByFields") for request in server.requests if "outFields" in request.query]
    assert number == 0 or set(ordered) == {"OBJECTID"}


@pytest.mark.parametrize("layer", [Layer(5, most=1), Layer(5, cut=1), Layer(5, paging=False, cut=1)])
def test_a_server_limit_below_the_page_size_loses_nothing(
    server: Any, schulen: Table, tmp_path: Path, layer: Layer
) -> None:
    pages = fetch(server, layer, schulen, tmp_path)
    assert [each for page in pages for each in page] == layer.ids


@pytest.mark.parametrize("paging", [True, False])
@pytest.mark.parametrize("change", ["inserted", "deleted"])
def test_a_layer_that_changes_while_it_is_read_is_tried_again_later(
    server: Any, schulen: Table, tmp_path: Path, change: str, paging: bool
) -> None:
    layer = Layer(5, paging=paging)

    def change_after_the_first_page(query: dict[str, str], answer: Answer) -> Answer:
        if "outFields" in query and len(layer.ids) == 5:
            if change == "inserted":
                layer.ids.append(999)
            else:
                del layer.ids[0]
        return answer

    layer.spoil = change_after_the_first_page
    found = fault(server, layer, schulen, tmp_path)
    assert isinstance(found, SourceInMotion)
    assert "änderte sich" in found.message


def test_a_server_that_ignores_the_offset_is_an_error(server: Any, schulen: Table, tmp_path: Path) -> None:
    layer = Layer(5)
    layer.spoil = lambda query, answer: (
        Layer(2)._query({**query, "resultOffset": "0"}) if "outFields" in query else answer
    )
    assert "kamen schon vor" in fault(server, layer, schulen, tmp_path).message


def test_objects_that_never_come_are_an_error(server: Any, schulen: Table, tmp_path: Path) -> None:
    layer = Layer(3)
    layer.spoil = lambda query, answer: {"count": 4} if "returnCountOnly" in query else answer
    found = fault(server, layer, schulen, tmp_path)
    assert isinstance(found, SourceUnreadable)
    assert "nennt 4 Objekte und liefert 3" in found.message


@pytest.mark.parametrize(("code", "kind"), [(400, SourceUnreadable), (499, SourceUnreadable), (503, SourceUnavailable)])
@pytest.mark.parametrize("where", ["about", "outFields"])
def test_an_error_with_status_200_is_an_error_without_its_text(
    server: Any, schulen: Table, tmp_path: Path, where: str, code: int, kind: type[Fault]
) -> None:
    layer = Layer(3)

    def spoil(query: dict[str, str], answer: Answer) -> Answer:
        error = {"error": {"code": code, "message": "Eiche 4711", "details": []}}
        return error if where in query or (where == "about" and set(query) == {"f", "token"}) else answer

    layer.spoil = spoil
    found = fault(server, layer, schulen, tmp_path)
    assert isinstance(found, kind)
    assert str(code) in found.message
    assert "4711" not in found.message + found.next_step


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ({"objectIdField": None}, "objectIdField"),
        ({"objectIdField": "1=1 OR x"}, "objectIdField"),
        ({"fields": [{"name": "NR", "type": "esriFieldTypeOID"}], "objectIdField": ""}, "ohne Objektnummer"),
    ],
)
def test_a_layer_without_object_ids_is_refused(
    server: Any, schulen: Table, tmp_path: Path, about: dict[str, Any], said: str
) -> None:
    layer = Layer(3)
    layer.about |= about
    assert said in fault(server, layer, schulen, tmp_path).message


@pytest.mark.parametrize(
    ("body", "said"), [(b'{"features": [', "kein vollständiges JSON"), (b"<html></html>", "HTML"), (b"{}", "features")]
)
def test_what_is_no_page_of_objects_is_an_error(
    server: Any, schulen: Table, tmp_path: Path, body: bytes, said: str
) -> None:
    layer = Layer(3)
    layer.spoil = lambda query, answer: body if "outFields" in query else answer
    assert said in fault(server, layer, schulen, tmp_path).message


def test_more_objects_than_allowed_stop_before_any_is_read(server: Any, schulen: Table, tmp_path: Path) -> None:
    assert "4 Zeilen" in fault(server, Layer(5), schulen, tmp_path, Limits(rows=4)).message
    assert len(server.requests) == 2
