"""JSON by path: values as they are written, one for each column and row, and no name that may be a value."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stadtdaten.contracts import City, Table
from stadtdaten.contracts.interfaces import Limits
from stadtdaten.faults import SchemaChanged, SourceUnreadable
from stadtdaten.read import ReadTable, read_table

MakeTable = Callable[..., Table]
Read = Callable[..., ReadTable]

COLUMNS: dict[str, Any] = {
    "nr": {"type": "string"}, "dienst": {"type": "string", "source": "service/name"},
    "anzahl": {"type": "integer"}, "offen": {"type": "boolean"},
}  # fmt: skip


def row(nr: Any = "1", **members: Any) -> dict[str, Any]:
    return {"nr": nr, "service": {"name": "Beleuchtung"}, "anzahl": 3, "offen": True, **members}


@pytest.fixture
def read_json(tmp_path: Path, table: MakeTable, city: City) -> Read:
    def read(*pages: Any, columns: Any = None, limits: Limits | None = None, **keys: Any) -> ReadTable:
        files = tuple(tmp_path / f"{number}.json" for number in range(len(pages)))
        for file, page in zip(files, pages, strict=True):
            file.write_bytes(page if isinstance(page, bytes) else json.dumps(page).encode())
        return read_table(table({"format": "json", **keys}, columns or COLUMNS), files, city, limits or Limits())

    return read


def values(read: ReadTable, column: str) -> list[Any]:
    return [None if pd.isna(value) else value for value in read.frame[column]]


def test_values_are_found_by_path_on_all_pages(read_json: Read) -> None:
    read = read_json([row()], [row("2", offen=False)])
    assert values(read, "nr") == ["1", "2"]
    assert values(read, "dienst") == ["Beleuchtung", "Beleuchtung"]
    assert values(read, "anzahl") == [3, 3]
    assert values(read, "offen") == [True, False]
    assert read.drift == ()


@pytest.mark.parametrize(("path", "document"), [("requests", {"requests": [row()]}), ("a/b", {"a": {"b": [row()]}})])
def test_the_list_is_found_by_path(read_json: Read, path: str, document: Any) -> None:
    assert values(read_json(document, rows=path), "nr") == ["1"]


@pytest.mark.parametrize("document", [{"requests": [row()]}, {}, [], {"requests": {"1": row()}}, "text", 1, None])
def test_a_document_without_the_list_is_an_error(read_json: Read, document: Any) -> None:
    with pytest.raises(SourceUnreadable, match=r"keine Liste|keine Zeile"):
        read_json(document, rows=None if document == {"requests": [row()]} or document == [] else "requests")


def test_rows_that_are_no_objects_are_an_error(read_json: Read) -> None:
    with pytest.raises(SourceUnreadable, match="keine Liste von Objekten"):
        read_json([row(), "Zeile"])


@pytest.mark.parametrize("written", ["1.10", "59063", "9007199254740993", "1e5"])
def test_a_number_in_a_text_column_stays_as_it_is_written(read_json: Read, written: str) -> None:
    content = json.dumps([row("?")]).replace('"?"', written).encode()
    assert values(read_json(content), "nr") == [written]


def test_a_number_that_is_none_is_an_error(read_json: Read) -> None:
    with pytest.raises(SourceUnreadable, match="Spalte „anzahl“") as caught:
        read_json([row(anzahl="viele 4711")])
    assert "4711" not in caught.value.message


@pytest.mark.parametrize("service", [None, {}, {"name": None}, []])
def test_a_missing_member_is_a_missing_value(read_json: Read, service: Any) -> None:
    read = read_json([row(), row("2", service=service)])
    assert values(read, "dienst") == ["Beleuchtung", None]
    assert read.drift == ()


def test_a_path_that_no_row_has_is_a_changed_schema(read_json: Read) -> None:
    with pytest.raises(SchemaChanged, match="service/name"):
        read_json([row(service={"titel": "Beleuchtung"})])


def test_an_object_in_place_of_a_value_is_an_error(read_json: Read) -> None:
    with pytest.raises(SourceUnreadable, match="„service/name“: 1 von 2 Zellen enthalten verschachtelte"):
        read_json([row(), row("2", service={"name": {"de": "Beleuchtung"}})])


def test_several_values_without_a_separator_are_an_error(read_json: Read) -> None:
    with pytest.raises(SourceUnreadable, match="„service/name“: 1 von 2 Zellen enthalten mehrere Werte"):
        read_json([row(), row("2", service=[{"name": "Licht"}, {"name": "Strom"}])])


@pytest.mark.parametrize(
    "service", [{"name": ["Licht", "Strom"]}, [{"name": "Licht"}, {"name": "Strom"}], [{"name": ["Licht", "Strom"]}]]
)
def test_several_values_are_joined_by_the_separator(read_json: Read, service: Any) -> None:
    columns = {**COLUMNS, "dienst": {"type": "string", "source": "service/name", "separator": "|"}}
    assert values(read_json([row(service=service)], columns=columns), "dienst") == ["Licht; Strom"]


def test_a_marker_beside_a_list_leaves_it_its_separator(read_json: Read) -> None:
    missing = {"source": "service/name", "missing": {"-": "keine Angabe"}}
    columns = {
        **COLUMNS,
        "dienst": {"type": "string", "separator": "|", **missing},
        "grund": {"type": "marker", **missing},
    }
    read = read_json([row(service={"name": ["Licht", "Strom"]}), row("2", service={"name": "-"})], columns=columns)
    assert (values(read, "dienst"), values(read, "grund")) == (["Licht; Strom", None], [None, "keine Angabe"])


def test_a_value_that_holds_the_separator_is_an_error(read_json: Read) -> None:
    columns = {**COLUMNS, "dienst": {"type": "string", "source": "service/name", "separator": "|"}}
    with pytest.raises(SourceUnreadable, match="das Trennzeichen"):
        read_json([row(service={"name": ["Licht|Strom", "Gas"]})], columns=columns)


def test_undeclared_members_are_drift_only_on_levels_of_which_something_is_declared(read_json: Read) -> None:
    more = {"votes": {"Marke4711 Meier": 1}, "notes": [{"Marke4711": 1}], "photo": None, "empty": []}
    read = read_json([row(**more, service={"name": "Licht", "code": 7, "by": {"Marke4711": 1}})])
    assert sorted(read.drift) == ["empty", "notes", "photo", "service/by", "service/code", "votes"]


def test_points_come_from_two_members(read_json: Read) -> None:
    columns = {**COLUMNS, "ort": {"type": "geometry", "source": "ort"}}
    keys: dict[str, Any] = {"columns": columns, "x": "at/long", "y": "at/lat", "crs": "EPSG:4326"}
    read = read_json([row(at={"long": 7.82, "lat": 51.68}), row("2", at={"long": None, "lat": None})], **keys)
    point, nowhere = read.frame["ort"]
    assert (round(point.x), round(point.y)) == (418417, 5726107)
    assert nowhere is None
    with pytest.raises(SourceUnreadable, match="ohne die zweite Koordinate"):
        read_json([row(at={"long": 7.82, "lat": None}), row("2", at={"long": 7.82, "lat": 51.68})], **keys)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "kein vollständiges JSON"),
        (json.dumps([row()]).encode()[:-2], "kein vollständiges JSON"),
        (b'[{"nr": NaN}]', "kein vollständiges JSON"),
        (b'[{"nr": "\xe4"}]', "kein vollständiges JSON"),
        (b'[{"nr": "1", "nr": "2"}]', "zweimal"),
        (b"[" * 5000 + b"]" * 5000, "tiefer geschachtelt"),
    ],
)
def test_what_is_no_json_is_an_error(read_json: Read, content: bytes, said: str) -> None:
    with pytest.raises(SourceUnreadable, match=said):
        read_json(content)


def test_a_byte_order_mark_does_no_harm(read_json: Read) -> None:
    assert values(read_json(b"\xef\xbb\xbf" + json.dumps([row()]).encode()), "nr") == ["1"]


def test_more_rows_than_allowed_are_an_error(read_json: Read) -> None:
    with pytest.raises(SourceUnreadable, match="2 Zeilen"):
        read_json([row("1"), row("2")], [row("3")], limits=Limits(rows=2))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(
        st.tuples(
            st.text(st.characters(exclude_categories=["C"])),
            st.none() | st.integers(-(10**9), 10**9),
            st.none() | st.booleans(),
        ),
        min_size=1,
    )
)
def test_what_was_written_is_read(read_json: Read, rows: list[tuple[Any, Any, Any]]) -> None:
    pages = [row(nr, anzahl=number, offen=truth) for nr, number, truth in rows]
    middle = len(pages) // 2
    read = read_json(pages[:middle], pages[middle:])
    assert values(read, "nr") == [nr or None for nr, _, _ in rows]
    assert values(read, "anzahl") == [number for _, number, _ in rows]
    assert values(read, "offen") == [truth for _, _, truth in rows]
