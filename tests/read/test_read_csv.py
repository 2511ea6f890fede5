"""CSV: read exactly as declared, or stopped with counts and without values."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from stadtdaten.contracts import City, Table
from stadtdaten.contracts.interfaces import Limits
from stadtdaten.faults import Fault, SchemaChanged, SourceUnreadable
from stadtdaten.read import ReadTable, read_table

ReadText = Callable[..., ReadTable]
TEXTS: dict[str, Any] = {"aa": "string", "bb": "string"}


def cells(read: ReadTable) -> list[list[str | None]]:
    return [[None if pd.isna(cell) else cell for cell in row] for row in read.frame.to_numpy().tolist()]


def test_codes_keep_their_zeros_and_empty_cells_are_missing(read_text: ReadText) -> None:
    read = read_text("aa,bb\n007,\n0815,NA\n", TEXTS)
    assert cells(read) == [["007", None], ["0815", "NA"]]
    assert read.repairs == () and read.drift == ()


def test_undeclared_columns_are_reported_and_not_read(read_text: ReadText) -> None:
    read = read_text("neu,bb,,aa\n1,2,3,4\n", TEXTS)
    assert list(read.frame.columns) == ["aa", "bb"]
    assert cells(read) == [["4", "2"]]
    assert read.drift == ("neu", "(Spalte 3 ohne Namen)")


def test_a_column_that_is_gone_is_named_together_with_the_new_ones(read_text: ReadText) -> None:
    with pytest.raises(SchemaChanged, match=r"Spalten: bb\. Nicht erklärt sind: b_neu"):
        read_text("aa,b_neu\n1,2\n", TEXTS)


@pytest.mark.parametrize(
    ("content", "dialect"),
    [
        ("Mustermann,1980-03-12\nMusterfrau,1975-05-01\n", {}),
        ("Mustermann,1980-03-12\nMusterfrau,1975-05-01\n", {"delimiter": None}),
        ("Auskunft: Frau Muster,\naa,bb\nx,y\n", {"skip_rows": 0}),
    ],
)
def test_a_file_without_a_header_does_not_tell_its_first_row(
    read_text: ReadText, content: str, dialect: dict[str, Any]
) -> None:
    with pytest.raises(SchemaChanged, match=r"aa, bb.*Kopfzeile") as caught:
        read_text(content, {"aa": "string", "bb": "string"}, **dialect)
    assert "Muster" not in f"{caught.value} {caught.value.next_step} {caught.value.findings}"
    assert "1980" not in str(caught.value)


def test_a_declared_column_that_comes_twice_is_an_error(read_text: ReadText) -> None:
    with pytest.raises(SchemaChanged, match="mehrfach"):
        read_text("aa,bb,aa\n1,2,3\n", TEXTS)


@pytest.mark.parametrize("content", ["", "\n\n", "\ufeff", "aa,bb\n", "aa,bb"])
def test_a_file_without_rows_is_an_error(read_text: ReadText, content: str) -> None:
    with pytest.raises(SourceUnreadable, match=r"leer|keine Datenzeile"):
        read_text(content, TEXTS)


@pytest.mark.parametrize(
    ("content", "declared"),
    [
        ("aa,bb\nÄ,ö\n".encode("cp1252"), "utf-8"),
        ("aa,bb\nÄ,ö\n".encode(), "cp1252"),
        ("aa,bb\nÄ,ö\n".encode(), "iso-8859-15"),
        (b"aa,bb\n\x81,x\n", "cp1252"),
        (b"aa,bb\nx,y\n ", "utf-16"),
    ],
)
def test_a_wrong_encoding_is_an_error_that_names_the_declared_one(
    read_text: ReadText, content: bytes, declared: str
) -> None:
    with pytest.raises(SourceUnreadable, match=f"Zeichenkodierung {declared}"):
        read_text(content, TEXTS, encoding=declared)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "iso-8859-15", "utf-16"])
def test_every_declared_encoding_is_read(read_text: ReadText, encoding: str) -> None:
    assert cells(read_text("aa,bb\nÄß,€\n", TEXTS, encoding=encoding)) == [["Äß", "€"]]


@pytest.mark.parametrize("row", ["1,2,3", "1", "1,2\n4,5,6,7"])
def test_rows_of_another_width_are_an_error_without_their_content(read_text: ReadText, row: str) -> None:
    with pytest.raises(SourceUnreadable, match="1 Zeilen haben mehr oder weniger Zellen als die 2") as caught:
        read_text(f"aa,bb\nx,y\n{row.replace('1', 'geheim')}\n", TEXTS)
    assert "geheim" not in str(caught.value) + str(caught.value.__cause__) + str(caught.value.__context__)


@pytest.mark.parametrize(
    "content",
    ['aa,bb\n1,"offen\n2,zwei\n3,drei\n', 'aa,bb\n1,"zu"viel\n', 'aa,bb\n1,zoll"\n', 'aa,bb\n1,"x\n2,"y\n'],
)
@pytest.mark.parametrize("short_rows", [True, False])
def test_a_quote_that_does_not_close_is_an_error(read_text: ReadText, content: str, short_rows: bool) -> None:
    with pytest.raises(SourceUnreadable, match="Anführungszeichen"):
        read_text(content, TEXTS, short_rows=short_rows)


def test_another_delimiter_than_declared_is_a_changed_schema(read_text: ReadText) -> None:
    with pytest.raises(SchemaChanged, match="aa, bb"):
        read_text("aa;bb\n1;2\n", TEXTS)


@pytest.mark.parametrize("blank", ["\n", ",\n", ",\n\n,\n"])
def test_blank_rows_are_an_error_unless_declared(read_text: ReadText, blank: str) -> None:
    with pytest.raises(SourceUnreadable, match="Zeilen sind leer"):
        read_text(f"aa,bb\n1,2\n{blank}3,4\n", TEXTS)
    read = read_text(f"aa,bb\n1,2\n{blank}3,4\n", TEXTS, drop_blank_rows=True)
    assert cells(read) == [["1", "2"], ["3", "4"]]
    assert [(repair.kind, repair.count) for repair in read.repairs] == [("blank_row", blank.count("\n"))]


def test_short_rows_are_filled_only_where_declared(read_text: ReadText) -> None:
    read = read_text('aa,bb\n1\n2,"x\ny"\n', TEXTS, short_rows=True)
    assert cells(read) == [["1", None], ["2", "x\ny"]]
    assert [(repair.kind, repair.count) for repair in read.repairs] == [("short_row", 1)]
    with pytest.raises(SourceUnreadable, match="mehr oder weniger"):
        read_text("aa,bb\n1,2,3\n", TEXTS, short_rows=True)


def test_merged_cells_repeat_the_cell_above_only_where_declared(read_text: ReadText) -> None:
    read = read_text("aa,bb\n,1\nx,\n,2\n", TEXTS, fill_down=["aa"])
    assert cells(read) == [[None, "1"], ["x", None], ["x", "2"]]
    assert [(repair.kind, repair.column, repair.count) for repair in read.repairs] == [("filled_down", "aa", 1)]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_preamble_is_skipped_by_rows(read_text: ReadText, end: str) -> None:
    lines = ["Stadt Hamm, Stand 2026", "", "aa,bb", "1,2", ""]
    assert cells(read_text(end.join(lines), TEXTS, skip_rows=2)) == [["1", "2"]]


def test_replacement_characters_are_counted(read_text: ReadText) -> None:
    read = read_text("aa,bb\nM\ufffdller,1\nx,2\n", TEXTS)
    assert [(repair.kind, repair.column, repair.count) for repair in read.repairs] == [
        ("replacement_character", "aa", 1)
    ]


POINT: dict[str, Any] = {"aa": "string", "ort": "geometry"}


def test_points_come_from_the_declared_columns(read_text: ReadText, city: City) -> None:
    read = read_text("aa,x,y\n1,410000,5720000.5\n2,,\n", POINT, x="x", y="y")
    assert read.frame.crs == city.crs
    assert read.frame.geometry.iloc[0].coords[0] == (410000.0, 5720000.5)
    assert read.frame.geometry.iloc[1] is None
    assert read.drift == ()


def test_half_a_coordinate_is_an_error(read_text: ReadText) -> None:
    with pytest.raises(SourceUnreadable, match="„x“: 1 von 2"):
        read_text("aa,x,y\n1,410000,\n2,410000,5720000\n", POINT, x="x", y="y")


def test_a_coordinate_that_is_no_number_is_an_error(read_text: ReadText) -> None:
    with pytest.raises(SourceUnreadable, match="„y“: 1 von 1"):
        read_text("aa,x,y\n1,410000,Nord\n", POINT, x="x", y="y")


def test_a_coordinate_column_that_is_gone_is_a_changed_schema(read_text: ReadText) -> None:
    with pytest.raises(SchemaChanged, match="hoch"):
        read_text("aa,rechts\n1,410000\n", POINT, x="rechts", y="hoch")


# An A with tilde or circumflex is what a reader of UTF-8 as cp1252 sees in front of a sign: such a file is refused.
TEXT = st.text(st.characters(codec="cp1252", exclude_characters="\r\n\x00ÂÃ", exclude_categories=("Cc",)), max_size=8)
CELL = st.one_of(TEXT, st.sampled_from(['"', ";", ",", "a\nb", "a\r\nb", '"";', " x ", "ä", "€", "NA", "null", "0012"]))


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=6),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "cp1252", "utf-16"]),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    end=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    short_rows=st.booleans(),
)
def test_what_is_written_in_a_declared_dialect_is_read_back_exactly(
    table: Callable[..., Table], city: City, rows: list[tuple[str, str, str]], encoding: str, delimiter: str, end: str,
    quoting: Any, short_rows: bool,
) -> None:  # fmt: skip
    assume(all(any(cell.strip() for cell in row) for row in rows))
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=quoting)
    writer.writerows([("aa", "bb", "ümlaut"), *rows])
    probe = table(
        {"format": "csv", "encoding": encoding, "delimiter": delimiter, "short_rows": short_rows},
        {"aa": "string", "bb": "string", "cc": {"type": "string", "source": "ümlaut"}},
    )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "probe.csv"
        file.write_bytes(text.getvalue().encode(encoding))
        read = read_table(probe, (file,), city, Limits())
    assert cells(read) == [[cell or None for cell in row] for row in rows]
    assert read.repairs == ()


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=60), cut=st.integers(0, 40))
def test_damaged_bytes_are_read_or_stopped_and_never_crash(
    table: Callable[..., Table], city: City, data: bytes, cut: int
) -> None:
    whole = b'aa,bb\n"x ""1""",2\n' + data + b'\n"y\nz",4\n'
    probe = table({"format": "csv"}, {"aa": "string", "bb": "string"})
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "probe.csv"
        file.write_bytes(whole[: len(whole) - cut])
        try:
            read = read_table(probe, (file,), city, Limits())
        except Fault as fault:
            assert fault.message and fault.next_step
        else:
            assert list(read.frame.columns) == ["aa", "bb"]


def test_windows_text_declared_as_iso_is_an_error(read_text: ReadText) -> None:
    with pytest.raises(SourceUnreadable, match="iso-8859-15"):
        read_text("aa\n„Haus“ – 5 €\n".encode("cp1252"), {"aa": "string"}, encoding="iso-8859-15")
