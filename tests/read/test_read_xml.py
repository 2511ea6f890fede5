"""XML by path: a value has one place, and no document can harm us."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stadtdaten.contracts import City, Table
from stadtdaten.contracts.interfaces import Limits
from stadtdaten.faults import SchemaChanged, SourceUnreadable
from stadtdaten.read import ReadTable, read_table

MakeTable = Callable[..., Table]
Read = Callable[..., ReadTable]

COLUMNS: dict[str, Any] = {
    "nr": {"type": "string", "source": "@id"}, "plz": {"type": "string", "source": "Standort/Plz"},
    "leistung": {"type": "number", "source": "Leistung"}, "einheit": {"type": "string", "source": "Leistung/@uom"},
}  # fmt: skip


def unit(number: str = "1", plz: str = "<Plz>04229</Plz>", more: str = "") -> str:
    return (
        f'<m:Einheit id="{number}"><Standort>{plz}</Standort><Leistung uom="kW">9,5</Leistung><Art>Dach</Art>'
        f"{more}</m:Einheit>"
    )


def document(*units: str, head: str = '<?xml version="1.0" encoding="UTF-8"?>') -> str:
    return f'{head}<m:Einheiten xmlns:m="urn:m" xmlns="urn:n">{"".join(units)}</m:Einheiten>'


@pytest.fixture
def read_xml(tmp_path: Path, table: MakeTable, city: City) -> Read:
    def read(text: str | bytes, limits: Limits | None = None, columns: Any = None, **keys: Any) -> ReadTable:
        file = tmp_path / "probe.xml"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        reading = {"format": "xml", "rows": "Einheiten/Einheit", "decimal": ",", **keys}
        return read_table(table(reading, columns or COLUMNS), (file,), city, limits or Limits())

    return read


def values(frame: pd.DataFrame, column: str) -> list[Any]:
    return [None if pd.isna(value) else value for value in frame[column]]


def test_values_are_found_by_path_in_any_namespace(read_xml: Read) -> None:
    read = read_xml(document(unit(), unit("2")))
    assert values(read.frame, "nr") == ["1", "2"]
    assert values(read.frame, "plz") == ["04229", "04229"]
    assert values(read.frame, "leistung") == [9.5, 9.5]
    assert values(read.frame, "einheit") == ["kW", "kW"]
    assert read.drift == ("Standort", "Art")


def test_rows_of_others_are_not_kept(read_xml: Read) -> None:
    units = (unit(), unit("2", "<Plz>59065</Plz>"), unit("3", ""), unit("4", "<Plz> 59067 </Plz>"))
    read = read_xml(document(*units), where={"Standort/Plz": ["59065", "59067"], "Art": ["Dach"]})
    assert values(read.frame, "nr") == ["2", "4"]
    assert [(each.kind, each.count) for each in read.repairs if each.kind == "filtered"] == [("filtered", 2)]
    assert read.drift == ("Standort",)


def test_the_limit_of_rows_counts_those_that_are_kept(read_xml: Read) -> None:
    many = [unit(str(number)) for number in range(20)]
    text = document(*many, unit("20", "<Plz>59065</Plz>"))
    assert len(read_xml(text, Limits(rows=1), where={"Standort/Plz": ["59065"]}).frame) == 1


def test_a_file_without_any_row_of_ours_is_an_error(read_xml: Read) -> None:
    with pytest.raises(SourceUnreadable, match="Von 2 gelesenen Zeilen passt keine zu where"):
        read_xml(document(unit(), unit("2")), where={"Standort/Plz": ["59065"]})


def test_a_path_of_where_that_is_gone_is_a_changed_schema(read_xml: Read) -> None:
    with pytest.raises(SchemaChanged, match="Gemeindeschluessel"):
        read_xml(document(unit(), unit("2")), where={"Standort/Gemeindeschluessel": ["05915000"]})


@pytest.mark.parametrize("more", ["<Plz>04229</Plz><Plz>59065</Plz>", "<Plz>59065</Plz><Plz>04229</Plz>"])
def test_a_row_that_is_ours_and_is_not_is_an_error(read_xml: Read, more: str) -> None:
    with pytest.raises(SourceUnreadable, match="1 von 2 Zeilen enthalten das Element mehrfach"):
        read_xml(document(unit(plz="<Plz>59065</Plz>"), unit("2", more)), where={"Standort/Plz": ["59065"]})


@pytest.mark.parametrize(
    "plz", ["", "<Plz/>", '<Plz xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="true"/>']
)
def test_a_missing_child_is_a_missing_value(read_xml: Read, plz: str) -> None:
    assert values(read_xml(document(unit(), unit("2", plz))).frame, "plz") == ["04229", None]


def test_a_child_that_is_there_twice_is_an_error(read_xml: Read) -> None:
    with pytest.raises(SourceUnreadable, match="„Standort/Plz“: 1 von 2 Zeilen enthalten das Element mehrfach"):
        read_xml(document(unit(), unit("2", "<Plz>1</Plz><Plz>2</Plz>")))


def test_a_child_that_repeats_through_its_parent_is_an_error_as_well(read_xml: Read) -> None:
    with pytest.raises(SourceUnreadable, match="mehrfach"):
        read_xml(document(unit(more="<Standort><Plz>59065</Plz></Standort>")))


def test_a_child_with_elements_in_it_is_an_error(read_xml: Read) -> None:
    with pytest.raises(SourceUnreadable, match="mit weiteren Elementen darin"):
        read_xml(document(unit(plz="<Plz><Wert>1</Wert></Plz>")))


def test_what_is_not_declared_may_repeat(read_xml: Read) -> None:
    assert len(read_xml(document(unit(more="<Art>Wand</Art>"))).frame) == 1


def test_a_path_that_no_row_has_is_a_changed_schema(read_xml: Read) -> None:
    with pytest.raises(SchemaChanged, match="Standort/Plz"):
        read_xml(document(unit(plz="<PLZ>59065</PLZ>")))


@pytest.mark.parametrize("rows", ["Einheiten/Anlage", "Einheit", "Einheiten"])
def test_rows_that_are_not_there_are_an_error(read_xml: Read, rows: str) -> None:
    with pytest.raises((SourceUnreadable, SchemaChanged), match=r"kein Element|Es fehlen|Keine der"):
        read_xml(document(unit()), rows=rows)


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
FOREIGN = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize("doctype", [BOMB, FOREIGN, "<!DOCTYPE x>", '<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd">'])
def test_a_document_type_declaration_is_refused(read_xml: Read, doctype: str) -> None:
    with pytest.raises(SourceUnreadable, match="DOCTYPE"):
        read_xml(document(unit(plz="<Plz>&a;</Plz>"), head=f'<?xml version="1.0"?>{doctype}'))


def test_elements_that_are_too_deep_are_an_error(read_xml: Read) -> None:
    with pytest.raises(SourceUnreadable, match="mehr als 100 Ebenen"):
        read_xml(document(unit(more="<a>" * 200 + "</a>" * 200)))


@pytest.mark.parametrize("more", ["<Text>{}</Text>", '<Text titel="{}"/>', "<Text>{}<b/>{}</Text>"])
def test_a_value_beyond_the_limit_is_an_error(read_xml: Read, more: str) -> None:
    with pytest.raises(SourceUnreadable, match="mehr als 50 Zeichen"):
        read_xml(document(unit(more=more.replace("{}", "x" * 51))), limits=Limits(cell=50))


def test_more_rows_than_the_limit_are_an_error(read_xml: Read) -> None:
    with pytest.raises(SourceUnreadable, match="mehr als die erlaubten 2 Zeilen"):
        read_xml(document(unit("1"), unit("2"), unit("3")), limits=Limits(rows=2))


WHOLE = document(unit(), unit("2"))


@pytest.mark.parametrize("cut", range(0, len(WHOLE), 13))
def test_half_a_file_is_an_error(read_xml: Read, cut: int) -> None:
    with pytest.raises(SourceUnreadable, match="kein vollständiges XML"):
        read_xml(WHOLE[:cut])


def test_an_encoding_that_nobody_knows_is_an_error(read_xml: Read) -> None:
    with pytest.raises(SourceUnreadable, match="kein vollständiges XML"):
        read_xml(document(unit(), head='<?xml version="1.0" encoding="x-hamm"?>'))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1", "windows-1252", "iso-8859-15"])
def test_the_files_own_encoding_counts(read_xml: Read, encoding: str) -> None:
    head = f'<?xml version="1.0" encoding="{encoding}"?>'
    text = document(unit(plz="<Plz>Höxter</Plz>"), head=head).encode(encoding)
    assert values(read_xml(text).frame, "plz") == ["Höxter"]


# XML can carry no other control characters, and normalises the ends of lines.
TEXTS = st.text(st.characters(min_codepoint=32, exclude_characters="\ufffe\uffff", exclude_categories=["Cs"]))


@settings(max_examples=100, deadline=None)
@given(rows=st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=5))
def test_any_text_comes_back_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, table: MakeTable, city: City, rows: list[tuple[str, str]]
) -> None:
    file = tmp_path_factory.mktemp("xml") / "probe.xml"
    body = "".join(f"<z k={quoteattr(one)}><t>{escape(two)}</t></z>" for one, two in rows)
    file.write_text(f"<w>{body}</w>", encoding="utf-8")
    columns = {"kk": {"type": "string", "source": "@k"}, "tt": {"type": "string", "source": "t"}}
    frame = read_table(table({"format": "xml", "rows": "w/z"}, columns), (file,), city, Limits()).frame
    assert [(one or "", two or "") for one, two in zip(values(frame, "kk"), values(frame, "tt"), strict=True)] == rows


def test_the_type_that_a_schema_gives_an_element_is_no_value_of_it(
    tmp_path: Path, table: MakeTable, city: City
) -> None:
    file = tmp_path / "probe.xml"
    xsi = "http://www.w3.org/2001/XMLSchema-instance"
    file.write_text(f'<w xmlns:x="{xsi}"><z type="Linde" x:type="Baum"/></w>', encoding="utf-8")
    columns = {"kind": {"type": "string", "source": "@type"}}
    frame = read_table(table({"format": "xml", "rows": "w/z"}, columns), (file,), city, Limits()).frame
    assert values(frame, "kind") == ["Linde"]


def test_attributes_that_differ_by_their_namespace_alone_are_an_error(
    tmp_path: Path, table: MakeTable, city: City
) -> None:
    file = tmp_path / "probe.xml"
    file.write_text('<w xmlns:a="urn:a"><z nr="1" a:nr="2"/></w>', encoding="utf-8")
    columns = {"nr": {"type": "string", "source": "@nr"}}
    with pytest.raises(SourceUnreadable, match="nur im Namensraum"):
        read_table(table({"format": "xml", "rows": "w/z"}, columns), (file,), city, Limits())
