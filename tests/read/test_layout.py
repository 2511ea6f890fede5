"""What offices put around and between their data: left out, filled in or refused, as declared, and counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stadtdaten.contracts import Table
from stadtdaten.contracts.interfaces import Limits
from stadtdaten.contracts.reading import Csv
from stadtdaten.faults import SchemaChanged, SourceInMotion, SourceUnreadable
from stadtdaten.read import ReadTable
from stadtdaten.read.delimited import csv_file
from stadtdaten.read.layout import read_grid
from stadtdaten.read.table import RawTable

ReadText = Callable[..., ReadTable]
MakeTable = Callable[..., Table]
TEXTS: dict[str, Any] = {"aa": "string", "bb": "string"}


def cells(read: ReadTable) -> list[list[Any]]:
    frame = read.frame.astype(object)
    rows: list[list[Any]] = frame.where(frame.notna(), None).to_numpy().tolist()
    return rows


def told(read: ReadTable | RawTable) -> dict[str, tuple[str, int, str]]:
    return {repair.kind: (repair.column, repair.count, repair.nature) for repair in read.repairs}


def grid(rows: Sequence[Sequence[str | None]]) -> pa.Table:
    return pa.table(
        [pa.array(column, pa.string()) for column in zip(*rows, strict=True)], [*map(str, range(len(rows[0])))]
    )


def test_a_header_is_found_behind_a_preamble_and_the_preamble_is_told(read_text: ReadText) -> None:
    read = read_text("Stadt Hamm\n\nStand: 2026, Auszug\naa,bb\n1,2\n", TEXTS)
    assert cells(read) == [["1", "2"]]
    assert told(read) == {"preamble": ("", 3, "detected")}


def test_a_line_break_in_a_header_is_a_space_and_outer_space_is_nothing(read_text: ReadText) -> None:
    read = read_text('" aa ","b\r\n b"\n1,2\n', {"aa": "string", "b_b": {"type": "string", "source": "b b"}})
    assert cells(read) == [["1", "2"]]


def test_merged_cells_of_an_upper_header_row_belong_to_the_columns_on_their_right(read_text: ReadText) -> None:
    columns = {
        "bezirk": {"type": "string", "source": "Bezirk"},
        "maenner": {"type": "integer", "source": "Einwohner / m"},
        "frauen": {"type": "integer", "source": "Einwohner / w"},
        "flaeche": {"type": "number", "source": "Fläche / ha"},
    }
    content = "Stand 2025,,,\nBezirk,Einwohner,,Fläche\n,m,w,ha\nMitte,1,2,3.5\n"
    assert cells(read_text(content, columns, header_rows=2)) == [["Mitte", 1, 2, 3.5]]


def test_columns_without_a_header_are_called_by_their_number(read_text: ReadText) -> None:
    columns = {"aa": {"type": "string", "source": "#1"}, "bb": {"type": "string", "source": "#3"}}
    read = read_text("1,2,3\n4,5,6\n", columns, header_rows=0)
    assert cells(read) == [["1", "3"], ["4", "6"]]
    assert read.drift == ("#2",)


def test_the_second_column_of_a_name_is_meant_only_by_its_number(read_text: ReadText) -> None:
    columns = {"aa": {"type": "string", "source": "CDU"}, "bb": {"type": "string", "source": "CDU#2"}}
    assert cells(read_text("CDU,CDU,SPD,SPD\n1,2,3,4\n", columns)) == [["1", "2"]]
    with pytest.raises(SchemaChanged, match="mehrfach"):
        read_text("CDU,CDU\n1,2\n", {"aa": {"type": "string", "source": "CDU"}})


@pytest.mark.parametrize("content", ["aa,bb,,\n1,2\n3,4\n", "aa,bb\n1,2,,\n3,4,,\n", "aa,bb,\n1,2,\n3,4,\n"])
def test_empty_cells_at_the_end_of_header_or_rows_are_no_columns(read_text: ReadText, content: str) -> None:
    read = read_text(content, TEXTS)
    assert cells(read) == [["1", "2"], ["3", "4"]]
    assert read.drift == ()


@pytest.mark.parametrize(
    "content", ["aa,bb\n1,2,\n3,4\n", "aa,bb,\n1,2,\n3,4\n", "aa,bb\n1,2,x\n3,4,y\n", "aa,bb,cc\n1,2\n3,4\n"]
)
def test_rows_whose_cells_may_be_in_the_wrong_columns_are_an_error(read_text: ReadText, content: str) -> None:
    with pytest.raises(SourceUnreadable, match="mehr oder weniger Zellen"):
        read_text(content, TEXTS)


def test_a_header_that_no_row_reaches_is_an_error_even_where_rows_may_be_short(read_text: ReadText) -> None:
    with pytest.raises(SourceUnreadable, match="Keine Zeile reicht"):
        read_text("aa,bb,Eiskirch, SPD\n1,2,3\n4,5,6\n", TEXTS, short_rows=True)


def test_delimiters_without_quotes_stay_in_the_overflowing_column(read_text: ReadText) -> None:
    read = read_text("nr,aa,bb\n1,Strom, Gas, Netz,x\n2,y,z\n", TEXTS, overflow="aa")
    assert cells(read) == [["Strom, Gas, Netz", "x"], ["y", "z"]]
    assert told(read) == {"overflow": ("aa", 1, "repaired")}


def test_delimiters_at_the_end_of_lines_do_not_overflow(read_text: ReadText) -> None:
    read = read_text("aa,bb\nx,y,\nStrom, Gas,z,\n", TEXTS, overflow="aa")
    assert cells(read) == [["x", "y"], ["Strom, Gas", "z"]]


def test_notes_and_sums_are_left_out_and_counted(read_text: ReadText) -> None:
    read = read_text(
        "aa,bb\nx,1\n,Summe 1\n* vorläufig; mit, vielen, Kommas\nQuelle: Amt\n", TEXTS, notes=["*", "Quelle", "Summe"]
    )
    assert cells(read) == [["x", "1"]]
    assert told(read) == {"note_row": ("", 3, "repaired")}


def test_a_file_without_its_trailer_is_half_a_file_and_worth_another_try(read_text: ReadText) -> None:
    assert cells(read_text("aa,bb\nx,1\nEnde der Datei\n", TEXTS, trailer="Ende")) == [["x", "1"]]
    for half in ("aa,bb\nx,1\n", "aa,bb\nx,1\nEnde\ny,2\n"):
        with pytest.raises(SourceInMotion, match="unvollständig") as caught:
            read_text(half, TEXTS, trailer="Ende")
        assert caught.value.retryable
    with pytest.raises(SourceUnreadable, match="2-mal"):
        read_text("aa,bb\nx,1\nEnde\ny,2\nEnde\n", TEXTS, trailer="Ende")


def test_a_repeated_header_is_an_error_unless_declared(read_text: ReadText) -> None:
    content = "aa,bb\n1,2\n aa ,bb\n3,4\n"
    with pytest.raises(SourceUnreadable, match="1 Zeilen wiederholen die Kopfzeile"):
        read_text(content, TEXTS)
    read = read_text(content, TEXTS, repeated_headers=True)
    assert cells(read) == [["1", "2"], ["3", "4"]]
    assert told(read) == {"repeated_header": ("", 1, "repaired")}


def test_footnote_marks_are_cut_off_and_counted_by_column(read_text: ReadText) -> None:
    columns = {"aa": "string", "bb": "integer"}
    read = read_text("aa,bb\nMitte 1),12 1)\nUentrop,13*\nPelkum 1) *,14\n", columns, footnote_marks=["1)", "*"])
    assert cells(read) == [["Mitte", 12], ["Uentrop", 13], ["Pelkum", 14]]
    assert {(repair.column, repair.count) for repair in read.repairs} == {("aa", 2), ("bb", 2)}


def test_a_cell_that_ends_on_two_footnote_marks_at_once_is_an_error(read_text: ReadText) -> None:
    dialect = {"footnote_marks": ["1)", "11)"]}
    assert cells(read_text("aa,bb\nx,12 11)\n", {"bb": "integer"}, **dialect)) == [[12]]
    with pytest.raises(SourceUnreadable, match="„bb“: 1 Zellen enden auf mehr als eines"):
        read_text("aa,bb\nx,1211)\n", {"bb": "integer"}, **dialect)


def test_indentation_is_told_as_levels(read_text: ReadText) -> None:
    columns = {
        "bereich": {"type": "string", "source": "Bereich"}, "gruppe": {"type": "string", "source": "Gruppe"},
        "produkt": {"type": "string", "source": "Produkt"}, "name": {"type": "string", "source": "Bezeichnung"},
    }  # fmt: skip
    content = "Bezeichnung\n01 Verwaltung\n  0101 Räte\n    010101 Rat\n  0102 Gleichstellung\n02 Ordnung\n"
    dialect = {"indented": "Bezeichnung", "levels": ["Bereich", "Gruppe", "Produkt"]}
    read = read_text(content, columns, **dialect)
    assert cells(read) == [
        ["01 Verwaltung", None, None, "01 Verwaltung"],
        ["01 Verwaltung", "0101 Räte", None, "0101 Räte"],
        ["01 Verwaltung", "0101 Räte", "010101 Rat", "010101 Rat"],
        ["01 Verwaltung", "0102 Gleichstellung", None, "0102 Gleichstellung"],
        ["02 Ordnung", None, None, "02 Ordnung"],
    ]
    assert told(read) == {"indentation": ("Bezeichnung", 3, "repaired")}
    with pytest.raises(SourceUnreadable, match="auf 2 Arten eingerückt, erklärt sind 3"):
        read_text("Bezeichnung\n01\n  0101\n", columns, **dialect)


def test_only_the_rows_asked_for_are_kept_and_the_others_counted(read_text: ReadText) -> None:
    content = "ags,aa,bb\n05915000,1,2\n05911000,3,4\n05915000 ,5,6\n"
    read = read_text(content, TEXTS, where={"ags": ["05915000"]})
    assert cells(read) == [["1", "2"], ["5", "6"]]
    assert told(read) == {"filtered": ("", 1, "assumed")}
    with pytest.raises(SourceUnreadable, match="Von 3 gelesenen Zeilen passt keine"):
        read_text(content, TEXTS, where={"ags": ["5915000"]})


def test_a_row_is_filtered_by_what_its_merged_cell_says(read_text: ReadText) -> None:
    read = read_text("aa,bb\nHamm,1\n,2\nBochum,3\n,4\n", TEXTS, fill_down=["aa"], where={"aa": ["Hamm"]})
    assert cells(read) == [["Hamm", "1"], ["Hamm", "2"]]


def test_more_rows_than_allowed_stop(table: MakeTable) -> None:
    probe, reading = table({"format": "csv"}, TEXTS), Csv(format="csv")
    rows = [["aa", "bb"], ["1", "2"], ["3", "4"]]
    assert read_grid(probe, reading, grid(rows), Limits(rows=2)).rows == 2
    with pytest.raises(SourceUnreadable, match="mehr als die erlaubten 1"):
        read_grid(probe, reading, grid(rows), Limits(rows=1))


def test_a_grid_is_read_like_a_file(table: MakeTable) -> None:
    reading = Csv(format="csv", notes=("Quelle",))
    probe = table({"format": "csv"}, TEXTS)
    rows = [["Titel", "", ""], ["", "", ""], ["aa", "bb", ""], ["1", "2", ""], ["Quelle", "", ""]]
    raw = read_grid(probe, reading, grid(rows), Limits())
    assert {name: column.to_pylist() for name, column in raw.cells.items()} == {"aa": ["1"], "bb": ["2"]}
    assert told(raw) == {"preamble": ("", 2, "detected"), "note_row": ("", 1, "repaired")}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(widths=st.lists(st.sampled_from([1, 2, 3, 3, 3]), min_size=1, max_size=80), block=st.sampled_from([32, 64, 200]))
def test_rows_of_unusual_width_stay_in_their_places(read_text: ReadText, widths: list[int], block: int) -> None:
    rows = [[f"{number}-{column}" for column in range(width)] for number, width in enumerate(widths)]
    content = "aa,bb,cc\n" + "".join(",".join(row) + "\n" for row in [["x", "y", "z"], *rows])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_file, "BLOCK", block)
        read = read_text(content, {**TEXTS, "cc": "string"}, short_rows=True)
    assert cells(read)[1:] == [row + [None] * (3 - len(row)) for row in rows]
