"""Objects of OParl as rows: by path, through references; what is not in force or not asked for is no row."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stadtdaten.contracts import City, Table
from stadtdaten.contracts.interfaces import Limits
from stadtdaten.contracts.reading import Oparl
from stadtdaten.extract.oparl_path import NoObject, follow
from stadtdaten.faults import SchemaChanged, SourceUnreadable
from stadtdaten.read import ReadTable, read_table
from stadtdaten.read.oparl import read_oparl
from stadtdaten.read.oparl_standard import PROPERTIES, knows

ROOT = "https://rat.example/oparl"
Object = dict[str, Any]
Read = Callable[..., ReadTable]


def member(number: int, **properties: Any) -> Object:
    return {"id": f"{ROOT}/membership/{number}", "organization": f"{ROOT}/organization/1", **properties}


def person(number: int, *memberships: Object | str, **properties: Any) -> Object:
    return {"id": f"{ROOT}/person/{number}", "name": f"Name {number}", "membership": [*memberships], **properties}


COUNCIL = {"id": f"{ROOT}/organization/1", "name": "Rat", "classification": "Rat"}


@pytest.fixture
def read(tmp_path: Path, table: Callable[..., Table], city: City) -> Read:
    """Reads objects of the list ``resource``, with the further ``others``; columns are by source."""

    def run(
        objects: list[Object], columns: dict[str, Any], *others: Object, resource: str = "person", **reading: Any
    ) -> ReadTable:
        files = []
        for number, content in enumerate(({"data": objects, "links": {}}, *others)):
            file = tmp_path / f"{number}.json"
            file.write_text(json.dumps(content), encoding="utf-8")
            files.append(file)
        named = {
            f"c{number}": {"source": source, **(given if isinstance(given, dict) else {"type": given})}
            for number, (source, given) in enumerate(columns.items())
        }
        probe = table({"format": "oparl", **reading}, named).model_copy(update={"resource": resource})
        return read_table(probe, tuple(files), city, Limits())

    return run


def rows(result: ReadTable) -> list[list[Any]]:
    frame = result.frame.astype(object)
    return frame.where(frame.notna(), None).to_numpy().tolist()


def today_in_hamm() -> date:
    return datetime.now(ZoneInfo("Europe/Berlin")).date()


def test_paths_lead_through_embedded_and_referenced_objects_and_end_at_ids(read: Read) -> None:
    home = {"id": f"{ROOT}/location/1", "room": "12"}
    group = {"id": f"{ROOT}/organization/7", "name": "Fraktion", "subOrganizationOf": COUNCIL["id"]}
    one = person(1, member(1, onBehalfOf=group["id"]), locationObject=home)
    result = read(
        [one, person(2)],
        {
            "id": "string", "locationObject": "string", "locationObject/room": "string",
            "membership/onBehalfOf": "string", "membership/onBehalfOf/subOrganizationOf/name": "string",
        },
        group,
        COUNCIL,
    )  # fmt: skip
    assert rows(result) == [
        [one["id"], home["id"], "12", group["id"], "Rat"],
        [f"{ROOT}/person/2", None, None, None, None],
    ]


def test_values_come_as_they_are_written(read: Read) -> None:
    meeting = {
        "id": f"{ROOT}/meeting/1", "start": "2026-03-29T17:00:00+02:00", "cancelled": False, "name": "0017",
        "x:ort": {"laenge": 7.10},
    }  # fmt: skip
    columns = {"id": "string", "start": "datetime", "cancelled": "boolean", "name": "string", "x:ort/laenge": "string"}
    ((_, start, cancelled, name, length),) = rows(read([meeting], columns, resource="meeting"))
    assert (start.isoformat(), cancelled, name) == ("2026-03-29T17:00:00+02:00", False, "0017")
    assert length == "7.1"


def test_numbers_keep_their_zeros(read: Read, tmp_path: Path) -> None:
    file = tmp_path / "raw.json"
    file.write_text('{"data": [{"id": "https://a/1", "x:nr": 1.10}], "links": {}}', encoding="utf-8")
    columns = [
        {"name": name, "source": source, "type": "string", "class": "public", "title": name}
        for name, source in (("id", "id"), ("nr", "x:nr"))
    ]
    table = Table.model_validate(
        {
            "id": "probe",
            "title": "Probe",
            "resource": "paper",
            "reading": {"format": "oparl"},
            "key": ["id"],
            "columns": columns,
        }
    )
    assert isinstance(table.reading, Oparl)
    raw = read_oparl(table, table.reading, (file,), Limits(), today_in_hamm())
    assert raw.cells["x:nr"].to_pylist() == ["1.10"]


def test_each_membership_is_a_row_with_its_own_values(read: Read) -> None:
    deleted = {"id": f"{ROOT}/membership/9", "deleted": True}
    people = [
        person(1, member(1, role="Vorsitz"), member(2, role="Mitglied"), deleted),
        person(2),
        person(3, member(3)),
    ]
    result = read(people, {"membership/id": "string", "name": "string", "membership/role": "string"}, each="membership")
    assert [row[1:] for row in rows(result)] == [["Name 1", "Vorsitz"], ["Name 1", "Mitglied"], ["Name 3", None]]


def test_memberships_that_are_only_named_are_rows_as_well(read: Read) -> None:
    own = member(5, role="Mitglied")
    result = read([person(1, own["id"])], {"membership/role": "string", "name": "string"}, own, each="membership")
    assert rows(result) == [["Mitglied", "Name 1"]]


@pytest.mark.parametrize(
    ("start", "end", "shown"),
    [(None, None, True), (0, None, True), (1, None, False), (-9, 0, True), (-9, -1, False), (None, 3, True)],
)
def test_who_is_not_in_office_today_is_no_row(read: Read, start: int | None, end: int | None, shown: bool) -> None:
    def day(offset: int | None) -> str | None:
        return None if offset is None else str(today_in_hamm() + timedelta(days=offset))

    dates = {"startDate": day(start), "endDate": day(end)}
    people = [person(1, member(1)), person(2, member(2, **dates))]
    result = read(people, {"name": "string"}, each="membership", current=True)
    assert rows(result) == [["Name 1"], ["Name 2"]][: 1 + shown]
    assert [(repair.kind, repair.count, repair.nature) for repair in result.repairs] == (
        [] if shown else [("filtered", 1, "assumed")]
    )


@pytest.mark.parametrize("unreadable", ["31.10.2030", "", 0, {}])
def test_an_end_of_office_that_is_no_date_publishes_nobody(read: Read, unreadable: Any) -> None:
    people = [person(1, member(1)), person(2, member(2, endDate=unreadable))]
    if unreadable == "":
        assert len(rows(read(people, {"name": "string"}, each="membership", current=True))) == 2
        return
    with pytest.raises(SourceUnreadable, match="1 Objekte haben in startDate oder endDate kein Datum"):
        read(people, {"name": "string"}, each="membership", current=True)


def test_only_rows_with_the_asked_values_are_kept_and_the_others_counted(read: Read) -> None:
    other = {**COUNCIL, "id": f"{ROOT}/organization/2", "classification": "Ausschuss"}
    people = [
        person(1, member(1, votingRight=True)),
        person(2, member(2, votingRight=False)),
        person(3, member(3, votingRight=True, organization=other["id"])),
        person(4, member(4)),
    ]
    where = {"membership/organization/classification": ["Rat"], "membership/votingRight": ["true"]}
    result = read(people, {"name": "string"}, COUNCIL, other, each="membership", where=where)
    assert rows(result) == [["Name 1"]]
    assert [repair.count for repair in result.repairs] == [3]


def test_a_filter_that_leaves_nobody_is_told(read: Read) -> None:
    with pytest.raises(SourceUnreadable, match="keine Zeile; 1 wurden ausgelassen"):
        read([person(1)], {"name": "string"}, where={"gender": ["x"]})


def test_a_list_is_joined_by_its_separator(read: Read) -> None:
    one = person(1, title=["Prof.", "Dr."], phone=[])
    columns = {"title": {"type": "string", "separator": "||"}, "phone": {"type": "string", "separator": "||"}}
    assert rows(read([one], columns)) == [["Prof.; Dr.", None]]


@pytest.mark.parametrize(
    ("title", "separator", "told"),
    [(["a", "b"], None, "mehrere Werte"), (["a||", "b"], "||", "Trennzeichen")],
)
def test_a_list_that_cannot_be_joined_is_an_error(
    read: Read, title: list[str], separator: str | None, told: str
) -> None:
    with pytest.raises(SourceUnreadable, match=rf"„title“: 1 von 1 Zeilen enthalten .*{told}"):
        read([person(1, title=title)], {"title": {"type": "string", "separator": separator}})


@pytest.mark.parametrize("path", ["nmae", "membership/rolle", "x:telefon"])
def test_a_path_that_nothing_knows_is_a_column_gone(read: Read, path: str) -> None:
    with pytest.raises(SchemaChanged, match=path):
        read([person(1, member(1))], {"id": "string", path: "string"})


def test_a_path_through_a_text_is_an_error(read: Read) -> None:
    with pytest.raises(SourceUnreadable, match=r"„name/kurz“: Der Pfad führt durch einen Wert"):
        read([person(1)], {"id": "string", "name/kurz": "string"})


def test_what_the_standard_knows_may_be_missing_everywhere(read: Read) -> None:
    columns = {"id": "string", "life": "string", "membership/onBehalfOf/name": "string"}
    assert rows(read([person(1)], columns)) == [[f"{ROOT}/person/1", None, None]]


def test_an_old_name_is_found_and_both_at_once_are_an_error(read: Read) -> None:
    columns = {"id": "string", "x:neu": {"type": "string", "aliases": ["x:alt"]}}
    assert rows(read([person(1, **{"x:alt": "a"})], columns))[0][1] == "a"
    with pytest.raises(SchemaChanged, match="mehrfach"):
        read([person(1, **{"x:alt": "a", "x:neu": "b"})], columns)


def test_what_a_server_adds_to_the_standard_is_drift(read: Read) -> None:
    result = read([person(1, gender="w", **{"x:lohn": 1, "x:amt": {"nr": 2}})], {"id": "string", "x:amt/nr": "string"})
    assert result.drift == ("x:lohn",)


def test_deleted_objects_are_told_by_id_and_are_no_rows(read: Read) -> None:
    gone = {"id": f"{ROOT}/person/2", "deleted": True}
    result = read([person(1), gone], {"id": "string"})
    assert (len(result.frame), result.deleted) == (1, (gone["id"],))
    assert str(gone["id"]) not in repr(result)
    only = read([gone], {"id": "string"})
    assert (len(only.frame), only.deleted) == (0, (gone["id"],))


def test_an_empty_list_is_an_error(read: Read) -> None:
    with pytest.raises(SourceUnreadable, match="keine Zeile"):
        read([], {"id": "string"})


def test_more_rows_than_allowed_are_an_error(tmp_path: Path, read: Read, city: City) -> None:
    file = tmp_path / "page.json"
    file.write_text(json.dumps({"data": [person(1), person(2)], "links": {}}), encoding="utf-8")
    column = {"name": "id", "source": "id", "type": "string", "class": "public", "title": "id"}
    table = Table.model_validate(
        {
            "id": "probe",
            "title": "Probe",
            "resource": "person",
            "reading": {"format": "oparl"},
            "key": [],
            "columns": [column],
        }
    )
    with pytest.raises(SourceUnreadable, match="erlaubten 1 Zeilen"):
        read_table(table, (file,), city, Limits(rows=1))


def test_every_kind_of_object_has_an_id_and_knows_its_own_properties() -> None:
    assert all({"id", "modified", "deleted"} <= names for names in PROPERTIES.values())
    assert knows("Person", ("membership", "organization", "name"))
    assert not knows("Person", ("membership", "organization", "reference"))


leaves = st.none() | st.booleans() | st.text(max_size=3) | st.sampled_from([f"{ROOT}/1", f"{ROOT}/2"])
things = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner), max_leaves=12
)


@given(things, things, st.lists(st.sampled_from("ab"), max_size=5))
def test_a_path_ends_whatever_refers_to_whatever(thing: Any, other: Any, steps: list[str]) -> None:
    """Also where objects refer to each other: every step is one less, and what comes out is never a list or nothing."""
    known = {f"{ROOT}/1": {"a": thing, "b": f"{ROOT}/1"}, f"{ROOT}/2": {"a": other}}
    missing: set[str] = set()
    try:
        values = follow(thing, steps, known, missing)
    except NoObject:
        return
    assert not missing
    assert all(value is not None and not isinstance(value, list) for value in values)
