"""What stands in a workbook is read as it is seen; what is hidden, ambiguous, broken or hostile never gets through."""

from __future__ import annotations

import io
import re
import struct
import zipfile
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import msoffcrypto.format.ooxml
import odf.opendocument
import odf.table
import odf.text
import openpyxl
import pytest
import xlwt
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl.comments import Comment
from openpyxl.styles import Alignment
from openpyxl.utils.datetime import MAC_EPOCH
from openpyxl.workbook import Workbook
from openpyxl.worksheet.filters import CustomFilter, CustomFilters, FilterColumn
from openpyxl.worksheet.table import Table as ExcelTable
from openpyxl.worksheet.worksheet import Worksheet

from stadtdaten.contracts import City, Table
from stadtdaten.contracts.interfaces import Limits
from stadtdaten.faults import Fault, SchemaChanged, SourceUnreadable
from stadtdaten.read import ReadTable, read_table

Row = list[Any]
Spec = dict[str, Any]
ReadBook = Callable[..., ReadTable]
TEXTS: Spec = {"aa": "string", "bb": "string"}
SECRET = "nur für den Dienstgebrauch"


def book(*rows: Row, title: str = "Daten") -> tuple[Workbook, Worksheet]:
    """A workbook with one sheet of these rows."""
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    assert isinstance(sheet, Worksheet)
    sheet.title = title
    for row in rows:
        sheet.append(row)
    return workbook, sheet


def xlsx(workbook: Workbook) -> bytes:
    file = io.BytesIO()
    workbook.save(file)
    return file.getvalue()


def xls(rows: list[Row], change: Callable[[xlwt.Workbook, xlwt.Worksheet], None] | None = None) -> bytes:
    workbook = xlwt.Workbook()
    sheet = workbook.add_sheet("Daten")
    for number, row in enumerate(rows):
        for column, cell in enumerate(row):
            if cell is not None:
                style = "DD.MM.YYYY" if isinstance(cell, date) else "General"
                sheet.write(number, column, cell, xlwt.easyxf(num_format_str=style))
    if change is not None:
        change(workbook, sheet)
    file = io.BytesIO()
    workbook.save(file)
    return file.getvalue()


def ods_cell(value: Any) -> Any:
    if value is None:
        return odf.table.TableCell()
    kinds: list[tuple[type, str, str, str]] = [
        (bool, "boolean", "booleanvalue", str(value).lower()),
        (int | float, "float", "value", repr(value)),  # type: ignore[list-item]
        (date, "date", "datevalue", value.isoformat() if isinstance(value, date) else ""),
    ]
    for kind, name, attribute, text in kinds:
        if isinstance(value, kind):
            return odf.table.TableCell(valuetype=name, **{attribute: text})
    cell = odf.table.TableCell(valuetype="string")
    for line in str(value).split("\n"):
        paragraph = odf.text.P()
        bare = line.lstrip(" ")
        if bare != line:
            paragraph.addElement(odf.text.S(c=len(line) - len(bare)))
        paragraph.addText(bare)
        cell.addElement(paragraph)
    return cell


def ods(rows: list[Row], hidden_columns: tuple[int, ...] = (), seen: dict[int, str] | None = None) -> bytes:
    """``seen``: row to its visibility."""
    document = odf.opendocument.OpenDocumentSpreadsheet()
    sheet = odf.table.Table(name="Daten")
    document.spreadsheet.addElement(sheet)
    for column in range(max(map(len, rows))):
        sheet.addElement(odf.table.TableColumn(visibility="collapse" if column in hidden_columns else "visible"))
    for number, row in enumerate(rows):
        line = odf.table.TableRow(visibility=(seen or {}).get(number, "visible"))
        for value in row:
            line.addElement(value if isinstance(value, odf.element.Element) else ods_cell(value))
        sheet.addElement(line)
    file = io.BytesIO()
    document.write(file)
    return file.getvalue()


@pytest.fixture
def read_book(tmp_path: Path, table: Callable[..., Table], city: City) -> ReadBook:
    """Reads a workbook (or its bytes) by the reading given."""

    def read(
        content: Workbook | bytes, columns: Spec, *more: bytes, limits: Limits | None = None, **reading: Any
    ) -> ReadTable:
        files = []
        for number, each in enumerate((content, *more)):
            files.append(tmp_path / f"probe-{number}.source")
            files[-1].write_bytes(each if isinstance(each, bytes) else xlsx(each))
        probe = table({"format": "sheet", **reading}, columns)
        return read_table(probe, tuple(files), city, limits or Limits())

    return read


def cells(read: ReadTable) -> list[Row]:
    return [[None if cell is None or cell != cell else cell for cell in row] for row in read.frame.to_numpy().tolist()]


def told(read: ReadTable) -> dict[str, int]:
    return {repair.kind: repair.count for repair in read.repairs}


ROWS: list[Row] = [["aa", "bb"], ["x", "y"], ["z", "w"]]
WHOLE_XLSX, WHOLE_ODS = xlsx(book(*ROWS)[0]), ods(ROWS)


@pytest.mark.parametrize("content", [xlsx(book(*ROWS)[0]), xls(ROWS), ods(ROWS)], ids=["xlsx", "xls", "ods"])
def test_every_kind_of_workbook_is_read_whatever_its_name(read_book: ReadBook, content: bytes) -> None:
    read = read_book(content, TEXTS)
    assert cells(read) == ROWS[1:]
    assert (read.repairs, read.drift) == ((), ())


def test_hidden_sheets_rows_and_columns_are_counted_and_never_read(read_book: ReadBook) -> None:
    workbook, sheet = book(["aa", "intern", "bb"], ["x", SECRET, "y"], [SECRET, SECRET, SECRET], ["z", SECRET, "w"])
    sheet.column_dimensions["B"].hidden = True
    sheet.row_dimensions[3].hidden = True
    for state in ("hidden", "veryHidden"):
        other = workbook.create_sheet(state)
        other.sheet_state = state
        other.append(["aa", "bb"])
        other.append([SECRET, SECRET])
    read = read_book(workbook, TEXTS)
    assert cells(read) == [["x", "y"], ["z", "w"]]
    assert told(read) == {"hidden_sheet": 2, "hidden_column": 1, "hidden_row": 1}
    assert {repair.nature for repair in read.repairs} == {"detected"}
    assert read.drift == ()
    assert SECRET not in repr(read)


def test_rows_and_columns_without_height_or_width_are_hidden(read_book: ReadBook) -> None:
    workbook, _ = book(["aa", "intern", "bb"], ["x", SECRET, "y"], [SECRET, SECRET, SECRET])
    content = changed(xlsx(workbook), "xl/worksheets/sheet1.xml", b'<row r="3"', b'<row r="3" ht="0" customHeight="1"')
    content = changed(content, "xl/worksheets/sheet1.xml", b"<sheetData>",
                      b'<cols><col min="2" max="2" width="0" customWidth="1"/></cols><sheetData>')  # fmt: skip
    read = read_book(content, TEXTS)
    assert cells(read) == [["x", "y"]]
    assert told(read) == {"hidden_column": 1, "hidden_row": 1}


def test_hidden_parts_of_old_and_open_workbooks_are_never_read(read_book: ReadBook) -> None:
    rows: list[Row] = [["aa", "intern", "bb"], ["x", SECRET, "y"], [SECRET, SECRET, SECRET]]

    def hide(workbook: xlwt.Workbook, sheet: xlwt.Worksheet) -> None:
        sheet.col(1).hidden = True
        sheet.row(2).hidden = True
        workbook.add_sheet("Notizen").visibility = 1

    old = read_book(xls(rows, hide), TEXTS, folded_rows="omit")
    assert cells(old) == [["x", "y"]]
    assert told(old) == {"hidden_sheet": 1, "hidden_column": 1, "folded_row": 1}
    open_document = read_book(ods(rows, hidden_columns=(1,), seen={2: "collapse"}), TEXTS)
    assert cells(open_document) == [["x", "y"]]
    assert told(open_document) == {"hidden_column": 1, "hidden_row": 1}


def test_a_declared_column_that_was_hidden_is_a_changed_schema_that_says_so(read_book: ReadBook) -> None:
    workbook, sheet = book(*ROWS)
    sheet.column_dimensions["B"].hidden = True
    with pytest.raises(SchemaChanged, match="1 Spalten ausgeblendet"):
        read_book(workbook, TEXTS)


def filtered() -> Workbook:
    workbook, sheet = book(*ROWS, ["hidden", "by the filter"])
    sheet.auto_filter.ref = "A1:B4"
    sheet.auto_filter.add_filter_column(0, ["x", "z"])
    sheet.row_dimensions[4].hidden = True
    return workbook


def filtered_in_a_table() -> Workbook:
    workbook, sheet = book(*ROWS, ["hidden", "by the filter"])
    table = ExcelTable(displayName="Tabelle1", ref="A1:B4")
    sheet.add_table(table)
    table._initialise_columns()
    assert table.autoFilter is not None
    condition = CustomFilters(customFilter=[CustomFilter(operator="notEqual", val="hidden")])
    table.autoFilter.filterColumn.append(FilterColumn(colId=0, customFilters=condition))
    sheet.row_dimensions[4].hidden = True
    return workbook


def collapsed() -> Workbook:
    workbook, sheet = book(*ROWS, ["hidden", "by the filter"])
    sheet.row_dimensions.group(4, 4, hidden=True)
    return workbook


FOLDED = [*ROWS, ["hidden", "by the filter"]]


@pytest.mark.parametrize(
    "content",
    [
        xlsx(filtered()), xlsx(filtered_in_a_table()), xlsx(collapsed()), ods(FOLDED, seen={3: "filter"}),
        xls(FOLDED, lambda _, sheet: setattr(sheet.row(3), "hidden", True)),
    ],
    ids=["filter", "filter of a table", "outline", "ods", "xls"],
)  # fmt: skip
def test_rows_hidden_by_a_filter_stop_the_table_until_the_contract_says(read_book: ReadBook, content: bytes) -> None:
    with pytest.raises(SourceUnreadable, match="blendet 1 Zeilen aus") as caught:
        read_book(content, TEXTS)
    assert "reading.folded_rows" in caught.value.next_step
    whole = read_book(content, TEXTS, folded_rows="read")
    assert cells(whole) == FOLDED[1:]
    assert told(whole) == told(read_book(content, TEXTS, folded_rows="omit")) == {"folded_row": 1}
    assert cells(read_book(content, TEXTS, folded_rows="omit")) == ROWS[1:]


def test_rows_hidden_under_a_filter_without_a_condition_are_hidden_on_purpose(read_book: ReadBook) -> None:
    workbook, sheet = book(*ROWS, [SECRET, SECRET])
    sheet.auto_filter.ref = "A1:B4"
    sheet.row_dimensions[4].hidden = True
    read = read_book(workbook, TEXTS)
    assert told(read) == {"hidden_row": 1}
    assert cells(read) == ROWS[1:]


def test_several_visible_sheets_are_ambiguous_until_one_is_named(read_book: ReadBook) -> None:
    workbook, _ = book(*ROWS, title="2024")
    workbook.create_sheet("2025").append(["aa", "bb"])
    with pytest.raises(SourceUnreadable, match="2 sichtbare Tabellenblätter: „2024“, „2025“") as caught:
        read_book(workbook, TEXTS)
    assert "reading.sheet" in caught.value.next_step
    assert cells(read_book(workbook, TEXTS, sheet="2024")) == ROWS[1:]


@pytest.mark.parametrize(("sheet", "state"), [("Notizen", "ist ausgeblendet"), ("2023", "fehlt")])
def test_a_sheet_that_is_hidden_or_gone_is_an_error(read_book: ReadBook, sheet: str, state: str) -> None:
    workbook, _ = book(*ROWS)
    workbook.create_sheet("Notizen").sheet_state = "hidden"
    with pytest.raises(SourceUnreadable, match=f"„{sheet}“ {state}.* Sichtbar sind: „Daten“"):
        read_book(workbook, TEXTS, sheet=sheet)


@pytest.mark.parametrize(("area", "expected"), [("D3:E4", [["5", "6"]]), ("D3:E", [["5", "6"], ["7", "8"]])])
def test_of_several_tables_on_a_sheet_only_the_area_is_read(
    read_book: ReadBook, area: str, expected: list[Row]
) -> None:
    workbook, _ = book(
        ["aa", "bb"], ["1", "2"], [None, None, None, "aa", "bb"], [None, None, None, "5", "6"],
        ["cc", "dd", None, "7", "8"],
    )  # fmt: skip
    assert cells(read_book(workbook, TEXTS, area=area)) == expected


BUDGET: Spec = {
    "nr": {"type": "string", "source": "Nr."},
    "ansatz": {"type": "number", "source": "Ansatz / 2025"},
    "vorjahr": {"type": "number", "source": "Ansatz / 2024"},
    "rest": {"type": "number", "source": "Summe"},
}


def budget() -> tuple[Workbook, Worksheet]:
    workbook, sheet = book(
        ["Haushaltsplan der Stadt"], [], ["Nr.", "Ansatz", None, None], [None, 2024, 2025, "Summe"], ["01", 1, 2, 3]
    )
    for merged in ("A1:D1", "A3:A4", "B3:C3"):
        sheet.merge_cells(merged)
    return workbook, sheet


def test_a_merged_title_names_the_columns_below_it_and_no_others(read_book: ReadBook) -> None:
    workbook, _ = budget()
    read = read_book(workbook, BUDGET, header_rows=2)
    assert cells(read) == [["01", 2.0, 1.0, 3.0]]
    assert told(read) == {"preamble": 2}


def test_a_title_centred_without_merged_cells_names_all_columns_up_to_the_next(read_book: ReadBook) -> None:
    workbook, _ = book(["Nr.", "Ansatz", None, "Summe"], [None, 2024, 2025, None], ["01", 1, 2, 3])
    assert cells(read_book(workbook, BUDGET, header_rows=2)) == [["01", 2.0, 1.0, 3.0]]


def test_a_merged_title_that_begins_in_a_hidden_column_names_the_others(read_book: ReadBook) -> None:
    workbook, sheet = budget()
    sheet.column_dimensions["B"].hidden = True
    columns = {name: keys for name, keys in BUDGET.items() if name != "vorjahr"}
    assert cells(read_book(workbook, columns, header_rows=2)) == [["01", 2.0, 3.0]]


def test_what_lies_under_a_merged_cell_is_not_read(read_book: ReadBook) -> None:
    under = f'<c r="C3" t="inlineStr"><is><t>{SECRET}</t></is></c></row><row r="4">'
    content = changed(xlsx(budget()[0]), "xl/worksheets/sheet1.xml", b'</row><row r="4">', under.encode())
    read = read_book(content, BUDGET, header_rows=2)
    assert cells(read) == [["01", 2.0, 1.0, 3.0]]
    assert told(read)["covered_cell"] == 1


TYPED: Spec = {
    "tag": {"type": "date", "format": "%d.%m.%Y"},
    "iso": "date",
    "zeit": "datetime",
    "ja": {"type": "boolean", "true": "ja", "false": "nein"},
    "zahl": "number",
    "ganz": "integer",
    "text": "string",
}


def test_typed_cells_are_read_as_if_they_were_written_out(read_book: ReadBook) -> None:
    day, moment = date(2025, 12, 31), datetime(2025, 6, 30, 14, 5, 1)  # noqa: DTZ001  a wall clock
    workbook, _ = book(
        [*TYPED],
        [day, day, moment, True, 1234567.25, 1234567, 5915000],
        ["31.12.2025", "2025-12-31", "2025-06-30T14:05:01", "nein", "1.234.567,5", "1.234", "05915000"],
    )
    frame = read_book(workbook, TYPED).frame
    assert [each.date() for each in frame["tag"]] == [each.date() for each in frame["iso"]] == [day, day]
    assert [each.replace(tzinfo=None) for each in frame["zeit"]] == [moment, moment]
    assert frame["ja"].tolist() == [True, False]
    assert frame["zahl"].tolist() == [1234567.25, 1234567.5]
    assert frame["ganz"].tolist() == [1234567, 1234]
    assert frame["text"].tolist() == ["5915000", "05915000"]  # a number has no leading zero, and none is invented


@pytest.mark.parametrize("value", [0.1, 1e-7, 123456.789, 1e15, 2.5e20, -0.25, 1 / 3])
@pytest.mark.parametrize("decimal", [",", "."])
def test_numbers_are_read_to_the_last_digit(read_book: ReadBook, value: float, decimal: str) -> None:
    workbook, _ = book(["aa"], [value])
    assert read_book(workbook, {"aa": "number"}, decimal=decimal).frame["aa"].tolist() == [value]


def test_text_that_two_notations_read_differently_stops_beside_typed_numbers(read_book: ReadBook) -> None:
    workbook, _ = book(["aa"], [1234.5], ["1.234"])
    with pytest.raises(SourceUnreadable, match="nicht eindeutig") as caught:
        read_book(workbook, {"aa": "number"})
    assert "reading.decimal" in caught.value.next_step
    read = read_book(workbook, {"aa": "number"}, decimal=",", thousands=".")
    assert read.frame["aa"].tolist() == [1234.5, 1234.0]


def test_a_time_of_day_in_a_date_column_is_an_error(read_book: ReadBook) -> None:
    workbook, _ = book(["tag"], [datetime(2025, 12, 31, 14, 5)])  # noqa: DTZ001  a wall clock
    with pytest.raises(SourceUnreadable, match="„tag“: 1 von 1"):
        read_book(workbook, {"tag": {"type": "date", "format": "%d.%m.%Y"}})


def test_a_number_that_was_taken_for_a_date_is_an_error(read_book: ReadBook) -> None:
    workbook, _ = book(["aa"], [date(2025, 2, 1)])
    with pytest.raises(SourceUnreadable, match="„aa“: 1 von 1 Werten sind keine Zahl"):
        read_book(workbook, {"aa": "number"})


def test_days_of_the_date_system_of_1904_are_right(read_book: ReadBook) -> None:
    workbook, sheet = book(["aa"])
    workbook.epoch = MAC_EPOCH
    sheet.append([date(2025, 12, 31)])
    assert [each.date() for each in read_book(workbook, {"aa": "date"}).frame["aa"]] == [date(2025, 12, 31)]


def test_times_and_durations_are_text(read_book: ReadBook) -> None:
    workbook, _ = book(["aa", "bb"], [time(7, 30), timedelta(hours=30, minutes=5)])
    assert cells(read_book(workbook, TEXTS)) == [["07:30:00", "30:05:00"]]


def test_days_times_and_durations_of_an_old_workbook_are_what_they_show(read_book: ReadBook) -> None:
    def fill(_: xlwt.Workbook, sheet: xlwt.Worksheet) -> None:
        shown = [
            (46022, "DD.MM.YYYY"), (46022.5, "DD.MM.YYYY hh:mm"), (0.3125, "hh:mm"), (1.25, "[h]:mm"),
            (1234.5, "[Red]0.00"), (True, "General"),
        ]  # fmt: skip
        for column, (value, pattern) in enumerate(shown):
            sheet.write(1, column, value, xlwt.easyxf(num_format_str=pattern))

    names = ["tag", "zeit", "uhr", "dauer", "zahl", "ja"]
    read = read_book(xls([names], fill), dict.fromkeys(names, "string"))
    assert cells(read) == [["2025-12-31", "2025-12-31T12:00:00", "07:30:00", "30:00:00", "1234.5", "true"]]


def test_percent_is_read_as_the_stored_share_and_said(read_book: ReadBook) -> None:
    workbook, sheet = book(["aa", "intern"], [0.25, 0.5], [0.5, 0.5])
    for row in (2, 3):
        sheet.cell(row, 1).number_format = sheet.cell(row, 2).number_format = "0.0 %"
    sheet.column_dimensions["B"].hidden = True
    read = read_book(workbook, {"aa": "number"})
    assert read.frame["aa"].tolist() == [0.25, 0.5]
    assert told(read)["percent_format"] == 2


def test_error_cells_stop_the_table_with_their_number(read_book: ReadBook) -> None:
    workbook, _ = book(["aa", "bb"], [1, "#DIV/0!"], [2, "#N/A"], [3, 4])
    columns: Spec = {"aa": "number", "bb": "number"}
    with pytest.raises(SourceUnreadable, match="„bb“: 2 von 3 Werten sind Fehler"):
        read_book(workbook, columns)
    columns["bb"] = {"type": "number", "missing": {"#DIV/0!": "nicht berechenbar", "#N/A": "nicht da"}}
    assert cells(read_book(workbook, columns)) == [[1.0, None], [2.0, None], [3.0, 4.0]]
    assert cells(read_book(workbook, {"aa": "number"})) == [[1.0], [2.0], [3.0]]


def test_error_cells_of_old_and_open_workbooks_stop_the_table(read_book: ReadBook) -> None:
    old = xls([["aa"], [1]], lambda _, sheet: sheet.row(2).set_cell_error(0, 0x07))
    failed = odf.table.TableCell(valuetype="string", formula="of:=1/0")
    failed.addElement(odf.text.P(text="#DIV/0!"))
    for content in (old, ods([["aa"], [1], [failed]])):
        with pytest.raises(SourceUnreadable, match="„aa“: 1 von 2 Werten sind Fehler"):
            read_book(content, {"aa": "string"})


def test_a_formula_without_a_result_is_an_error_and_not_an_empty_cell(read_book: ReadBook) -> None:
    workbook, _ = book(["aa"], [1], ["=A2*2"])
    with pytest.raises(SourceUnreadable, match="„aa“: 1 von 2 Werten sind Formeln ohne gespeichertes Ergebnis"):
        read_book(workbook, {"aa": "number"})


def test_the_stored_result_of_a_formula_is_read(read_book: ReadBook) -> None:
    content = changed(
        xlsx(book(["aa", "bb"], ["=2+3", '=""'])[0]), "xl/worksheets/sheet1.xml", b"2+3</f><v />", b"2+3</f><v>5</v>"
    )
    content = changed(content, "xl/worksheets/sheet1.xml", b'<c r="B2"', b'<c r="B2" t="str"')
    assert cells(read_book(content, TEXTS)) == [["5", None]]


HIERARCHY: Spec = {
    "bereich": {"type": "string", "source": "Produktbereich"},
    "gruppe": {"type": "string", "source": "Produktgruppe"},
    "name": {"type": "string", "source": "Bezeichnung"},
}
LEVELS: Spec = {"indented": "Bezeichnung", "levels": ["Produktbereich", "Produktgruppe"]}


@pytest.mark.parametrize("by_style", [True, False])
def test_a_hierarchy_is_read_from_blanks_and_from_indentation_by_style(read_book: ReadBook, by_style: bool) -> None:
    workbook, sheet = book(["Bezeichnung"])
    for number, (depth, text) in enumerate([(0, "Innere Verwaltung"), (1, "Rat"), (1, "Personal"), (0, "Sport")], 2):
        sheet.append([text if by_style else "    " * depth + text])
        if by_style:
            sheet.cell(number, 1).alignment = Alignment(indent=2 * depth)
    read = read_book(workbook, HIERARCHY, **LEVELS)
    assert cells(read) == [
        ["Innere Verwaltung", None, "Innere Verwaltung"],
        ["Innere Verwaltung", "Rat", "Rat"],
        ["Innere Verwaltung", "Personal", "Personal"],
        ["Sport", None, "Sport"],
    ]
    assert told(read) == {"indentation": 2}


def test_indentation_of_other_columns_changes_nothing(read_book: ReadBook) -> None:
    workbook, sheet = book(*ROWS)
    sheet.cell(2, 1).alignment = Alignment(indent=1)
    assert cells(read_book(workbook, TEXTS)) == ROWS[1:]


def test_comments_and_properties_are_not_read(read_book: ReadBook) -> None:
    workbook, sheet = book(*ROWS)
    sheet["A2"].comment = Comment(SECRET, "Sachbearbeitung")
    workbook.properties.creator = SECRET
    read = read_book(workbook, TEXTS)
    assert cells(read) == ROWS[1:]
    annotated = ods_cell("x")
    note = odf.office.Annotation()
    note.addElement(odf.text.P(text=SECRET))
    annotated.addElement(note)
    assert cells(read_book(ods([["aa", "bb"], [annotated, "y"]]), TEXTS)) == [["x", "y"]]


def test_several_workbooks_are_one_table(read_book: ReadBook) -> None:
    first, second = (xlsx(book(["aa", "bb"], [each, 1.5])[0]) for each in ("x", "y"))
    read = read_book(first, {"aa": "string", "bb": "number"}, second)
    assert cells(read) == [["x", 1.5], ["y", 1.5]]


def changed(content: bytes, part: str, old: bytes, new: bytes) -> bytes:
    """The package with a text in one of its parts replaced; the old one must be there."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as target:
        assert old in source.read(part), source.read(part)[:2000]
        for info in source.infolist():
            data = source.read(info)
            target.writestr(info.filename, data.replace(old, new) if info.filename == part else data)
    return file.getvalue()


def bomb() -> bytes:
    return changed(xlsx(book(*ROWS)[0]), "xl/theme/theme1.xml", b"<?xml", b" " * 30_000_000 + b"<?xml")


def test_a_bomb_in_a_workbook_is_not_unpacked(read_book: ReadBook) -> None:
    with pytest.raises(SourceUnreadable, match="mehr als 200-mal so groß") as caught:
        read_book(bomb(), TEXTS)
    assert "limits.ratio" in caught.value.next_step
    with pytest.raises(SourceUnreadable, match="mehr als die erlaubten 20 MB"):
        read_book(bomb(), TEXTS, limits=Limits(ratio=100_000, unpacked_megabytes=20))
    with pytest.raises(SourceUnreadable, match="Teile hat, erlaubt sind 3"):
        read_book(bomb(), TEXTS, limits=Limits(members=3))


def test_a_bomb_whose_directory_lies_about_its_size_is_not_unpacked(read_book: ReadBook) -> None:
    content = bomb()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        size = archive.getinfo("xl/theme/theme1.xml").file_size
    lying = content.replace(struct.pack("<I", size), struct.pack("<I", 1000))
    assert lying != content
    with pytest.raises(SourceUnreadable, match="mehr als 200-mal so groß"):
        read_book(lying, TEXTS)
    with pytest.raises(SourceUnreadable, match="beschädigt"):
        read_book(lying, TEXTS, limits=Limits(ratio=100_000))


def test_two_parts_of_one_name_are_refused(read_book: ReadBook) -> None:
    file = io.BytesIO(xlsx(book(*ROWS)[0]))
    with zipfile.ZipFile(file, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("xl/worksheets/sheet1.xml", "<worksheet/>")
    with pytest.raises(SourceUnreadable, match="beschädigt"):
        read_book(file.getvalue(), TEXTS)


@pytest.mark.parametrize("part", ["xl/workbook.xml", "xl/worksheets/sheet1.xml", "xl/styles.xml"])
def test_entities_are_refused(read_book: ReadBook, part: str) -> None:
    content = xlsx(book(*ROWS)[0])
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        start = re.match(rb"(<\?xml[^>]*>)?\s*", archive.read(part))
        root = archive.read(part)[start.end() if start else 0 :]
    hostile = changed(content, part, root, b'<!DOCTYPE x [<!ENTITY e "aaaa">]>' + root)
    with pytest.raises(SourceUnreadable, match="keine lesbare Arbeitsmappe"):
        read_book(hostile, TEXTS)


def test_entities_in_shared_texts_are_never_expanded(read_book: ReadBook) -> None:
    texts = b"""<!DOCTYPE sst [<!ENTITY e "expanded">]>
        <sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>a&e;b</t></si></sst>"""
    content = changed(xlsx(book(["aa", "bb"], ["x", "y"])[0]), "xl/worksheets/sheet1.xml",
                      b't="inlineStr"><is><t>x</t></is>', b't="s"><v>0</v>')  # fmt: skip
    relation = b'<Relationship Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings"'
    content = changed(content, "xl/_rels/workbook.xml.rels", b"</Relationships>",
                      relation + b' Target="sharedStrings.xml" Id="rId99"/></Relationships>')  # fmt: skip
    file = io.BytesIO(content)
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("xl/sharedStrings.xml", texts)
    try:
        read = cells(read_book(file.getvalue(), TEXTS))
    except SourceUnreadable as fault:
        read = [[str(fault)]]
    assert "expanded" not in repr(read)


def test_a_forgotten_cell_far_away_does_not_fill_the_memory(read_book: ReadBook) -> None:
    workbook, sheet = book(*ROWS)
    sheet["XFD1048576"] = "x"
    with pytest.raises(SourceUnreadable, match=r"1048576 Zeilen und 16384 Spalten.*Zellen"):
        read_book(workbook, TEXTS)
    far = odf.table.TableCell(valuetype="string", numbercolumnsrepeated=16384)
    far.addElement(odf.text.P(text="x"))
    repeated = ods([["aa", "bb"], [far]])
    repeated = changed(
        repeated, "content.xml", b"<table:table-row ", b'<table:table-row table:number-rows-repeated="500000" '
    )
    with pytest.raises(SourceUnreadable, match="Zellen"):
        read_book(repeated, TEXTS)


def test_more_rows_or_longer_cells_than_allowed_are_an_error(read_book: ReadBook) -> None:
    with pytest.raises(SourceUnreadable, match="mehr als die erlaubten 1 Zeilen"):
        read_book(book(*ROWS)[0], TEXTS, limits=Limits(rows=1))
    with pytest.raises(SourceUnreadable, match=r"limits\.cell"):
        read_book(book(["aa"], ["x" * 20])[0], {"aa": "string"}, limits=Limits(cell=10))


def test_a_workbook_with_a_password_is_an_error_that_says_so(read_book: ReadBook) -> None:
    file = io.BytesIO()
    msoffcrypto.format.ooxml.OOXMLFile(io.BytesIO(xlsx(book(*ROWS)[0]))).encrypt("geheim", file)
    with pytest.raises(SourceUnreadable, match="mit einem Kennwort geschützt"):
        read_book(file.getvalue(), TEXTS)


@pytest.mark.parametrize(
    "content",
    [b"", b"PK", b"<html><table><tr><td>aa</td></tr></table></html>", b"aa;bb\n1;2\n", xls(ROWS)[:600],
     xlsx(book(*ROWS)[0])[:-40]],
    ids=["nothing", "two bytes", "html", "csv", "half an xls", "half an xlsx"],
)  # fmt: skip
def test_what_is_no_whole_workbook_is_an_error(read_book: ReadBook, content: bytes) -> None:
    with pytest.raises(SourceUnreadable, match=r"keine lesbare Arbeitsmappe|beschädigt"):
        read_book(content, TEXTS)


@pytest.mark.parametrize("content", [WHOLE_XLSX, WHOLE_ODS], ids=["xlsx", "ods"])
def test_an_encoding_that_nobody_knows_is_an_error(read_book: ReadBook, content: bytes) -> None:
    part = "xl/worksheets/sheet1.xml" if content is WHOLE_XLSX else "content.xml"
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        root = re.sub(rb"^<\?xml[^>]*>", b"", archive.read(part))
        old = archive.read(part)
    with pytest.raises(SourceUnreadable, match="keine lesbare Arbeitsmappe"):
        read_book(changed(content, part, old, b'<?xml version="1.0" encoding="UTFB8"?>' + root), TEXTS)


def test_a_binary_workbook_is_refused_because_its_hidden_parts_cannot_be_seen(read_book: ReadBook) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("xl/workbook.bin", b"")
    with pytest.raises(SourceUnreadable, match="binäre Arbeitsmappe"):
        read_book(file.getvalue(), TEXTS)


def test_an_empty_sheet_is_an_error(read_book: ReadBook) -> None:
    with pytest.raises(SourceUnreadable, match="leer"):
        read_book(book()[0], TEXTS)


TEXT = st.text(st.characters(codec="cp1252", exclude_categories=("Cc",)), min_size=1, max_size=8).filter(
    lambda text: not text.startswith("=") and text == text.strip() and not text.startswith("#")
)
CODE = st.from_regex(r"0[0-9]{4}", fullmatch=True)
NUMBER = st.one_of(
    st.integers(-(10**9), 10**9), st.decimals(-(10**6), 10**6, places=2).map(float), st.sampled_from([0, 0.5, 1e-5])
)
DAY = st.dates(date(1901, 1, 1), date(2099, 12, 31))
FRAME = st.lists(st.tuples(TEXT, CODE, NUMBER, st.one_of(st.none(), DAY)), min_size=1, max_size=6)
PROPERTY: Spec = {
    "aa": "string",
    "code": {"type": "string", "source": "Schlüssel"},
    "zahl": {"type": "number", "source": "Werte / Zahl"},
    "tag": {"type": "date", "source": "Werte / Tag", "format": "%d.%m.%Y"},
}


def german(number: float) -> str:
    """As an office would type it: 1.234,50."""
    return f"{number:,.6f}".rstrip("0").rstrip(".").replace(",", "_").replace(".", ",").replace("_", ".")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=FRAME, typed=st.lists(st.booleans(), min_size=6, max_size=6), kind=st.sampled_from(["xlsx", "xls", "ods"]),
    preamble=st.integers(0, 3), hidden=st.sets(st.integers(0, 4), max_size=2), note=st.booleans(),
    hidden_row=st.booleans(), decimal=st.sampled_from([",", None]),
)  # fmt: skip
def test_what_is_written_in_any_layout_is_read_back_exactly_or_stops(
    table: Callable[..., Table], city: City, tmp_path: Path, rows: list[tuple[Any, ...]], typed: list[bool], kind: str,
    preamble: int, hidden: set[int], note: bool, hidden_row: bool, decimal: str | None,
) -> None:  # fmt: skip
    grid: list[Row] = [[f"Vorbemerkung {number}"] for number in range(preamble)]
    grid += [["aa", "Schlüssel", "Werte", None], [None, None, "Zahl", "Tag"]]
    for (text, code, number, day), as_typed in zip(rows, typed, strict=False):
        cells_ = [text, code, number, day] if as_typed else [text, code, german(number), day and f"{day:%d.%m.%Y}"]
        grid.append(cells_)
    if hidden_row:
        grid.insert(preamble + 2, [SECRET] * 4)
    if note:
        grid.append(["Fußnote: vorläufig"])
    for place in sorted(hidden, reverse=True):
        grid = [[*row[:place], SECRET, *row[place:]] if len(row) >= place else row for row in grid]
    places = [place + index for index, place in enumerate(sorted(hidden))]
    content = written(kind, grid, places, preamble + 2 if hidden_row else None)
    file = tmp_path / "probe.source"
    file.write_bytes(content)
    reading = {"format": "sheet", "header_rows": 2, "notes": ["Fußnote:"], "decimal": decimal, "folded_rows": "omit"}
    try:
        read = read_table(table(reading, PROPERTY), (file,), city, Limits())
    except SourceUnreadable as fault:
        assert decimal is None, fault  # only the notation may be in doubt
        assert "Schreibweise" in str(fault)
        return
    expected = [[text, code, float(number), day] for text, code, number, day in rows]
    days = [None if day != day else day.date() for day in read.frame["tag"]]
    assert [[*row[:3], day] for row, day in zip(cells(read), days, strict=True)] == expected
    assert SECRET not in repr(read)


def written(kind: str, grid: list[Row], hidden_columns: list[int], hidden_row: int | None) -> bytes:
    if kind == "ods":
        return ods(grid, tuple(hidden_columns), {} if hidden_row is None else {hidden_row: "collapse"})
    if kind == "xls":

        def hide(_: xlwt.Workbook, sheet: xlwt.Worksheet) -> None:
            for column in hidden_columns:
                sheet.col(column).hidden = True
            if hidden_row is not None:
                sheet.row(hidden_row).hidden = True

        return xls(grid, hide)
    workbook, sheet = book(*grid)
    for column in hidden_columns:
        sheet.column_dimensions[openpyxl.utils.get_column_letter(column + 1)].hidden = True
    if hidden_row is not None:
        sheet.row_dimensions[hidden_row + 1].hidden = True
    return xlsx(workbook)


WHOLE = {kind: written(kind, ROWS, [], None) for kind in ("xlsx", "xls", "ods")}


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(["xlsx", "xls", "ods"]), place=st.floats(0, 1, exclude_max=True),
    damage=st.binary(min_size=1, max_size=8), cut=st.booleans(), inside=st.booleans(),
)  # fmt: skip
def test_damaged_workbooks_are_read_or_stopped_and_never_crash(
    table: Callable[..., Table], city: City, tmp_path: Path, kind: str, place: float, damage: bytes, cut: bool,
    inside: bool,
) -> None:  # fmt: skip
    content = damaged_part(WHOLE[kind], place, damage) if inside and kind != "xls" else WHOLE[kind]
    if content is WHOLE[kind]:
        at = int(place * len(content))
        content = content[:at] + damage + (b"" if cut else content[at + len(damage) :])
    file = tmp_path / "probe.source"
    file.write_bytes(content)
    try:
        read = read_table(table({"format": "sheet"}, TEXTS), (file,), city, Limits())
    except Fault as fault:
        assert fault.message and fault.next_step
    else:
        assert list(read.frame.columns) == ["aa", "bb"]


def test_an_old_workbook_with_absurd_lengths_does_not_take_the_process_with_it(read_book: ReadBook) -> None:
    whole = WHOLE["xls"]
    with pytest.raises(Fault):  # calamine would ask for 149 GB
        read_book(whole[:1822] + bytes([111, 25, 33]) + whole[1825:], {"gibt_es_nicht": "string"})


def damaged_part(content: bytes, place: float, damage: bytes) -> bytes:
    """The package, whole as a package, with damage in one of its parts."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as target:
        parts = {info.filename: source.read(info) for info in source.infolist()}
        at = int(place * sum(map(len, parts.values())))
        for name, data in parts.items():
            hit = 0 <= at < len(data)
            target.writestr(name, data[:at] + damage + data[at + len(damage) :] if hit else data)
            at -= len(data)
    return file.getvalue()


def test_columns_are_hidden_where_the_sheet_hides_all_that_it_does_not_name(read_book: ReadBook) -> None:
    workbook, sheet = book(["aa", "bb", "intern"], ["x", "y", SECRET])
    sheet.sheet_format.defaultColWidth = 0
    sheet.column_dimensions["A"].width = sheet.column_dimensions["B"].width = 12
    read = read_book(workbook, TEXTS)
    assert cells(read) == [["x", "y"]]
    assert told(read) == {"hidden_column": 1}
    assert read.drift == ()
