"""Encoding, delimiter and notation are found out beyond doubt, or the file is stopped with the candidates named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stadtdaten.contracts import City, Table
from stadtdaten.contracts.interfaces import Limits
from stadtdaten.faults import SourceUnreadable
from stadtdaten.read import ReadTable, read_table

MakeTable = Callable[..., Table]
ReadFiles = Callable[..., ReadTable]
TEXTS: dict[str, Any] = {"aa": "string", "bb": "string"}


@pytest.fixture
def read_files(tmp_path: Path, table: MakeTable, city: City) -> ReadFiles:
    """Reads files of the given bytes as one table, with only that declared of the dialect which is given."""

    def read(*contents: bytes, columns: dict[str, Any] = TEXTS, **dialect: Any) -> ReadTable:
        files = [tmp_path / f"probe_{number}.csv" for number in range(len(contents))]
        for file, content in zip(files, contents, strict=True):
            file.write_bytes(content)
        return read_table(table({"format": "csv", **dialect}, columns), tuple(files), city, Limits())

    return read


def found(read: ReadTable) -> dict[str, str]:
    return {repair.kind: repair.detail for repair in read.repairs if repair.nature == "detected"}


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("aa;bb\nä;ö\n".encode(), "utf-8"),
        ("\ufeffaa;bb\nä;ö\n".encode(), "utf-8"),
        ("aa;bb\nä;ö\n".encode("utf-16"), "utf-8"),
        ("aa;bb\nä;ö\n".encode("cp1252"), "cp1252"),
        ("aa;bb\nä;„ö“ – 5 €\n".encode("cp1252"), "cp1252"),
    ],
)
def test_an_encoding_that_alone_explains_the_bytes_is_found_and_told(
    read_files: ReadFiles, content: bytes, encoding: str
) -> None:
    read = read_files(content)
    assert read.frame["aa"].tolist() == ["ä"]
    assert found(read) == {"encoding": f"Zeichenkodierung {encoding}", "delimiter": "Trennzeichen „;“"}


def test_plain_letters_leave_nothing_to_find_out(read_files: ReadFiles) -> None:
    assert found(read_files(b"aa,bb\na,o\n", delimiter=",")) == {}


def test_bytes_that_two_encodings_read_differently_stop_the_file(read_files: ReadFiles) -> None:
    content = "aa;bb\nä;5 €\n".encode("iso-8859-15")
    with pytest.raises(SourceUnreadable, match="cp1252 und iso-8859-15") as caught:
        read_files(content)
    assert "reading.encoding" in caught.value.next_step
    assert read_files(content, encoding="iso-8859-15").frame["bb"].tolist() == ["5 €"]


@pytest.mark.parametrize(
    "content", ["aa;bb\nä;".encode() + "ö\n".encode("cp1252"), "aa;bb\nä;–\x81\n".encode("latin-1", "replace")]
)
@pytest.mark.parametrize("declared", [{}, {"encoding": "cp1252"}])
def test_a_file_of_several_encodings_or_none_is_stopped(
    read_files: ReadFiles, content: bytes, declared: dict[str, Any]
) -> None:
    with pytest.raises(SourceUnreadable, match=r"Kodierung|Zeichenkodierung|weder"):
        read_files(content, **declared)


def test_utf_16_without_its_mark_is_named(read_files: ReadFiles) -> None:
    with pytest.raises(SourceUnreadable, match="UTF-16 ohne Kennung"):
        read_files("aa;bb\n1;2\n".encode("utf-16-le"))


@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
def test_the_delimiter_is_the_one_that_brings_all_names_into_the_header(read_files: ReadFiles, delimiter: str) -> None:
    content = delimiter.join(["aa", "x; y, z"]) + "\n" + delimiter.join(["bb", "aa"]) + "\n" + f"1{delimiter}2\n"
    assert read_files(content.encode()).frame.to_numpy().tolist() == [["2", "1"]]


def test_two_delimiters_that_both_bring_the_names_stop_the_file(read_files: ReadFiles) -> None:
    content = b"aa;bb\naa,bb\n1,2\n"
    with pytest.raises(SourceUnreadable, match="jedem von „;“, „,“") as caught:
        read_files(content)
    assert "reading.delimiter" in caught.value.next_step
    assert read_files(content, delimiter=",").frame.to_numpy().tolist() == [["1", "2"]]


def test_a_single_column_needs_no_delimiter_unless_its_cells_hold_one(read_files: ReadFiles) -> None:
    assert read_files(b"aa\nx\n", columns={"aa": "string"}).frame["aa"].tolist() == ["x"]
    with pytest.raises(SourceUnreadable, match="Trennzeichen ist nicht eindeutig"):
        read_files(b"aa\nx;y\n", columns={"aa": "string"})


NUMBERS: dict[str, Any] = {"nr": "integer", "wert": "number"}


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["1.234", "5,5"], [1234, 5.5]),
        (["1", "1.234,5"], [1, 1234.5]),
        (["1,234", "0.5"], [1234, 0.5]),
        (["12", "1 234,50"], [12, 1234.5]),
        (["12", "1.234567"], [12, 1.234567]),
        (["12", "-,5"], [12, -0.5]),
    ],
)
def test_a_notation_that_alone_explains_the_numbers_is_found(
    read_files: ReadFiles, cells: list[str], values: list[float]
) -> None:
    read = read_files(f"nr;wert\n{cells[0]};{cells[1]}\n".encode(), columns=NUMBERS)
    assert read.frame.iloc[0].tolist() == values
    assert "Dezimalzeichen" in found(read)["notation"]


@pytest.mark.parametrize("cell", ["1.234", "1,234", "-12.345"])
def test_a_thousand_that_may_be_one_and_a_bit_stops_the_table(read_files: ReadFiles, cell: str) -> None:
    content = f"nr;wert\n1;{cell}\n2;7\n".encode()
    with pytest.raises(SourceUnreadable, match=r"Dezimalzeichen .* oder Dezimalzeichen") as caught:
        read_files(content, columns=NUMBERS)
    assert "reading.decimal" in caught.value.next_step
    assert cell not in caught.value.message
    assert len(read_files(content, columns=NUMBERS, decimal=cell.strip("-123456789")).frame) == 2


def test_thousand_dots_beside_coordinates_with_points_are_not_read_as_decimals(read_files: ReadFiles) -> None:
    columns = {"lat": "number", "wert": "number"}
    content = b"lat;wert\n51.68;1.250\n51.6;2.100\n"
    with pytest.raises(SourceUnreadable, match="Spalte „wert“: Ob der Punkt") as caught:
        read_files(content, columns=columns)
    assert "reading.decimal" in caught.value.next_step
    assert read_files(content, columns=columns, decimal=".").frame["wert"].tolist() == [1.25, 2.1]
    below_one = content + b"51.7;-0.250\n"
    assert read_files(below_one, columns=columns).frame["wert"].tolist() == [1.25, 2.1, -0.25]


def test_whole_numbers_with_one_comma_are_not_taken_for_thousands(read_files: ReadFiles) -> None:
    columns = {"nr": "integer"}
    with pytest.raises(SourceUnreadable, match="Komma vor drei Ziffern") as caught:
        read_files(b"nr\n1,250\n12,500\n", columns=columns, delimiter=";")
    assert "reading.thousands" in caught.value.next_step
    assert read_files(b"nr\n1,250\n", columns=columns, delimiter=";", thousands=",").frame["nr"].tolist() == [1250]
    assert read_files(b"nr\n1,250,000\n1,250\n", columns=columns, delimiter=";").frame["nr"].tolist()[1] == 1250


def test_numbers_in_two_notations_stop_the_table(read_files: ReadFiles) -> None:
    with pytest.raises(SourceUnreadable, match="mehreren Schreibweisen"):
        read_files(b"nr;wert\n1;1.5\n2;1,5\n", columns=NUMBERS)


def test_files_of_one_table_may_differ_in_delimiter_and_encoding_but_not_in_notation(read_files: ReadFiles) -> None:
    first, second = b"nr;wert\n1;1,5\n", 'wert\tnr\tort\n"2,5"\t2\tWürde\n'.encode("cp1252")
    read = read_files(first, second, columns=NUMBERS)
    assert read.frame.to_numpy().tolist() == [[1, 1.5], [2, 2.5]]
    assert read.drift == ("ort",)
    with pytest.raises(SourceUnreadable, match="Dateien der Tabelle schreiben ihre Zahlen verschieden"):
        read_files(first, b"nr;wert\n1;1.5\n", columns=NUMBERS)


def test_markers_and_whole_numbers_are_no_evidence_of_a_notation(read_files: ReadFiles) -> None:
    columns = {"nr": "integer", "wert": {"type": "number", "missing": {".": "geheim", "...": "später"}}}
    read = read_files(b"nr;wert\n1;.\n2;...\n3;12\n", columns=columns)
    assert read.frame["wert"].tolist()[2] == 12
    assert "notation" not in found(read)
