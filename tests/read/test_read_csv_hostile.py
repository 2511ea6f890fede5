"""CSV that looks harmless and would be read wrong, or would cost too much: each is stopped, or read as it is meant."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stadtdaten.contracts import City, Table
from stadtdaten.contracts.interfaces import Limits
from stadtdaten.faults import SchemaChanged, SourceUnreadable
from stadtdaten.read import ReadTable, read_table

MakeTable = Callable[..., Table]
ReadFile = Callable[..., ReadTable]
TEXTS: dict[str, Any] = {"aa": "string", "bb": "string"}


@pytest.fixture
def read_file(tmp_path: Path, table: MakeTable, city: City) -> ReadFile:
    """Reads a file with only that declared which is given."""

    def read(content: str | bytes, columns: dict[str, Any] = TEXTS, **reading: Any) -> ReadTable:
        file = tmp_path / "probe.csv"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_table(table({"format": "csv", **reading}, columns), (file,), city, Limits())

    return read


@pytest.mark.parametrize("cell", ["1022025", "112025", "0102202", "1.2.2025"])
def test_a_date_without_signs_that_lost_a_zero_is_an_error(read_file: ReadFile, cell: str) -> None:
    with pytest.raises(SourceUnreadable, match="1 von 2 Werten sind kein Datum"):
        read_file(f"aa;tag\nx;01022025\ny;{cell}\n", {"aa": "string", "tag": {"type": "date", "format": "%d%m%Y"}})


def test_a_moment_without_signs_that_lost_a_zero_is_an_error(read_file: ReadFile) -> None:
    column = {"type": "datetime", "format": "%Y%m%d%H%M%z"}
    assert len(read_file("aa;zeit\nx;202501020304+0100\n", {"aa": "string", "zeit": column}).frame) == 1
    with pytest.raises(SourceUnreadable, match="1 von 1 Werten sind kein Zeitpunkt"):
        read_file("aa;zeit\nx;20251020304+0100\n", {"aa": "string", "zeit": column})


@pytest.mark.parametrize("reading", [{}, {"repeated_headers": True}, {"encoding": "utf-8"}])
@pytest.mark.parametrize("codec", ["utf-8", "utf-16-le"])
def test_files_put_behind_each_other_are_an_error(read_file: ReadFile, codec: str, reading: dict[str, Any]) -> None:
    if codec == "utf-16-le":
        reading = {name: value for name, value in reading.items() if name != "encoding"}
    with pytest.raises(SourceUnreadable, match="beginnt eine weitere"):
        read_file("\ufeffaa;bb\nx;y\n\ufeffaa;bb\nu;v\n".encode(codec), **reading)


@pytest.mark.parametrize("reading", [{}, {"overflow": "bb"}])
def test_a_long_cell_in_a_row_of_unusual_width_is_judged_as_any_other(
    read_file: ReadFile, reading: dict[str, Any]
) -> None:
    content = "aa;bb\n" + "x;y\n" * 5 + "x;" + "z" * 200_000 + ";q\n"
    if reading:
        assert read_file(content, **reading).frame["bb"].str.len().max() == 200_002
    else:
        with pytest.raises(SourceUnreadable, match="1 Zeilen haben mehr"):
            read_file(content)


@pytest.mark.parametrize("content", ["aa;bb" + ";" * 20_000 + "\nx;y\n", "aa;bb\nx;y\nx;y" + ";1" * 20_000 + "\n"])
def test_a_row_of_countless_cells_is_stopped_before_it_costs(read_file: ReadFile, content: str) -> None:
    with pytest.raises(SourceUnreadable, match="mehr als 16384 Zellen"):
        read_file(content)


def test_a_file_without_line_ends_is_not_called_empty(read_file: ReadFile) -> None:
    with pytest.raises(SourceUnreadable, match="erste Zeile ist länger"):
        read_file(b"aa;bb;" + b"x" * (1 << 21))


def test_the_line_with_which_excel_tells_the_delimiter_is_no_row(read_file: ReadFile) -> None:
    columns = {"aa": {"type": "string", "source": "#1"}, "bb": {"type": "string", "source": "#2"}}
    read = read_file("sep=;\nx;y\n", columns, header_rows=0)
    assert read.frame.to_numpy().tolist() == [["x", "y"]]
    assert [repair.kind for repair in read.repairs] == ["preamble", "delimiter"]
    assert read_file("sep=|\r\naa|b;b\r\nx|y\r\n", {"aa": "string"}).drift == ("b;b",)
    assert len(read_file("sep=;\naa;bb\nx;y\n", skip_rows=1).frame) == 1


@pytest.mark.parametrize("codec", ["cp850", "mac-roman"])
def test_umlauts_of_dos_and_mac_os_are_not_read_as_those_of_windows(read_file: ReadFile, codec: str) -> None:
    content = "aa;bb\nMärz;Börse\nx;später\n".encode(codec)
    with pytest.raises(SourceUnreadable, match="cp850"):
        read_file(content)
    assert len(read_file(content, encoding="cp1252").frame) == 2  # the contract's word counts


def test_quotes_and_accents_of_windows_are_still_found_out(read_file: ReadFile) -> None:
    read = read_file("aa;bb\n„Ärzte”;Škoda – Dušan\n".encode("cp1252"))
    assert read.frame.to_numpy().tolist() == [["„Ärzte”", "Škoda – Dušan"]]


def test_a_quote_before_the_header_that_swallows_another_header_is_an_error(read_file: ReadFile) -> None:
    with pytest.raises(SourceUnreadable, match="Anführungszeichen"):
        read_file('"Stand 2025\naa;bb\nx;y\n"\naa;bb\nu;v\n')
    assert len(read_file('"Stadt Hamm\nStand 2025"\naa;bb\nu;v\n').frame) == 1


@pytest.mark.parametrize(
    "content",
    [
        "aa;bb\n\nbb;aa\nx;y\n",
        "aa;bb;alt\nx;y;z\naa;bb;neu\nx;y;z\n",
        "Felder:;aa;bb\naa;bb;cc\nx;y;z\n",
        "aa;bb;Hinweis\naa;bb;cc\nx;y;z\n",
        "aa;bb;cc\nx;y;z\ncc;aa;bb\nz;x;y\n",
    ],
)
def test_a_second_header_unlike_the_first_is_no_data(read_file: ReadFile, content: str) -> None:
    with pytest.raises(SourceUnreadable, match="nennen alle erklärten Spalten") as caught:
        read_file(content, drop_blank_rows=True, repeated_headers=True)
    assert "skip_rows" in caught.value.next_step


def test_values_that_are_also_names_of_columns_are_data(read_file: ReadFile) -> None:
    assert len(read_file("aa;bb;cc\naa;cc;x\nbb;x;cc\n").frame) == 2


@pytest.mark.parametrize("name", ["Gebu\u0308hr €", "Gebühr\u00a0€", "Ge\u00adbühr €", "\u200bGebühr €", "Gebühr  €"])
def test_a_name_that_looks_the_same_is_the_same_and_told(read_file: ReadFile, name: str) -> None:
    asked = {"aa": {"type": "string", "source": "Gebühr €"}, "bb": "string"}
    read = read_file(f"{name};bb\nx;y\n", asked)
    assert read.frame.to_numpy().tolist() == [["x", "y"]]
    assert [(repair.column, repair.nature) for repair in read.repairs if repair.kind == "header"] == [
        ("Gebühr €", "assumed")
    ]
    exact = read_file(f"{name};bb\nx;y\n", {"aa": {"type": "string", "source": name.strip("\u200b")}, "bb": "string"})
    assert exact.frame["aa"].tolist() == ["x"]
    with pytest.raises(SchemaChanged, match="mehrfach"):
        read_file(f"{name};bb;Gebühr €\nx;y;z\n", asked)


def test_a_data_row_taken_for_the_header_is_not_told(read_file: ReadFile) -> None:
    columns: dict[str, Any] = {**TEXTS, "cc": "string"}
    with pytest.raises(SchemaChanged, match="fehlen 1 erklärte Spalten: cc") as caught:
        read_file("aa;bb;cc\n;;Mustermann\nu;v;w\n", columns, header_rows=2)
    assert "Muster" not in f"{caught.value} {caught.value.next_step}"


@pytest.mark.parametrize("mark", ["1", "2 ", "-", "."])
def test_a_footnote_mark_that_could_be_the_end_of_a_number_is_refused(table: MakeTable, mark: str) -> None:
    with pytest.raises(ValueError, match="could be part of a number"):
        table({"format": "csv", "footnote_marks": ["1)", mark]}, TEXTS)


@pytest.mark.parametrize("further", ["", 'x;"y\nz"\n', "x;y;\n"])
def test_a_text_that_is_written_as_a_formula_is_the_text_that_excel_shows(read_file: ReadFile, further: str) -> None:
    read = read_file('aa;bb\n="00123";y\n"=""00124""";=""\n' + further, short_rows=True)
    assert read.frame["aa"].tolist()[:2] == ["00123", "00124"]
    assert read.frame["bb"].isna().tolist()[:2] == [False, True]
    assert {repair.column: repair.count for repair in read.repairs if repair.kind == "formula"} == {"aa": 2, "bb": 1}


@pytest.mark.parametrize("cell", ['="a;b"', '="a', '="a"b', '="a\nb"'])
def test_a_formula_that_is_more_than_a_text_is_an_error(read_file: ReadFile, cell: str) -> None:
    with pytest.raises(SourceUnreadable, match="Anführungszeichen"):
        read_file(f"aa;bb\n{cell};y\n")


def test_umlauts_that_the_source_has_encoded_twice_are_told(read_file: ReadFile) -> None:
    read = read_file("aa;bb\nMÃ¤rz;ÃŸ\nMärz;São Paulo\nÃ„rzte;SÃO\n")
    told = {repair.column: (repair.count, repair.nature) for repair in read.repairs if repair.kind == "encoded_twice"}
    assert told == {"aa": (2, "detected"), "bb": (1, "detected")}
    assert read.frame["aa"].tolist()[0] == "MÃ¤rz"
