"""A sheet of a workbook (xlsx, xlsm, xls, ods) as a grid of text cells: what a person sees, and nothing hidden.

python-calamine gives the cells' values, the modules ``marks_...`` what else the file says about them (``xls_file`` both
for old workbooks). The grid then goes the way of every grid (``layout``). Comments, document properties and other
sheets never reach it.

Hidden sheets, rows and columns are counted and never read: offices hide what is not meant for others. Rows that a
filter or a collapsed outline hides are another thing: how somebody last looked at the sheet. Whether they belong to
the data cannot be known, so they stop the table until the contract says (``reading.folded_rows``).

The stored value of a cell counts, not its look: 0,25 for a cell that shows 25 %, 5915000 for one that shows 05915000.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from python_calamine import (
    CalamineError,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from stadtdaten.contracts.interfaces import Limits
from stadtdaten.contracts.model import Column, Table
from stadtdaten.contracts.reading import Sheet
from stadtdaten.faults import Finding, SchemaChanged, SourceUnreadable
from stadtdaten.frames import Repair
from stadtdaten.read.layout import SEARCHED, Header, find_header, tabulate
from stadtdaten.read.table import RawTable, joined
from stadtdaten.read.typed.account import Account
from stadtdaten.read.typed.notation import find_notation
from stadtdaten.read.typed.values import Notation
from stadtdaten.read.workbook.marks import Cell, Malformed, Marks, Protected, Range
from stadtdaten.read.workbook.marks_ods import ods_marks
from stadtdaten.read.workbook.marks_xlsx import position, xlsx_marks
from stadtdaten.read.workbook.package import check_package
from stadtdaten.read.workbook.typed_cells import ERROR, UNCOMPUTED, Value, as_declared, as_name, as_text, without_marks
from stadtdaten.read.workbook.xls_file import xls_sheets

COMPOUND_FILE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""Start of xls files, and of encrypted xlsx files (MS-CFB 2.2)."""

MOST_CELLS = 50_000_000
"""calamine holds the whole rectangle of a sheet in memory, 24 bytes for each cell, blank ones included."""

BLANKS_OF_INDENT = 3
"""Blanks that a step of indentation by style is as wide as (ECMA-376 Part 1, 18.8.1)."""

CHUNK = 10_000
"""Rows turned to text at a time."""


@dataclass(frozen=True)
class _Book:
    """A workbook, of whatever format: its sheets' names, and their marks and rows (from A1, blank ones included)."""

    visible: Sequence[str]
    hidden: Sequence[str]
    marks: Callable[[str], Marks]
    rows: Callable[[str], Iterator[list[Value]]]


@dataclass(frozen=True)
class _Grid:
    """What can be seen of a sheet: text columns, and which row and column of the sheet each row and column was."""

    cells: pa.Table
    rows: Sequence[int]
    columns: Sequence[int]


def read_sheet(table: Table, reading: Sheet, files: tuple[Path, ...], limits: Limits) -> tuple[RawTable, Notation]:
    """The declared columns (and those that the reading names) as text, and how their numbers are written.

    Several workbooks are one table, in their order. Raises SourceUnreadable for a file that is no workbook, protected
    by a password, damaged or beyond the limits, for a sheet that is not there, hidden or ambiguous, for folded rows
    without a word about them, and for error cells and formulas without a result in wanted columns; else as ``layout``
    and ``notation`` do.
    """
    tables = [_read_file(table, reading, path, limits) for path in files]
    notation, repairs = find_notation(table, reading, [each.cells for each in tables])
    whole = joined(table, tables, limits)
    cells = _without_marks(table, whole, notation)
    return replace(whole, cells=cells, repairs=[*whole.repairs, *repairs]), notation


def _read_file(table: Table, reading: Sheet, path: Path, limits: Limits) -> RawTable:
    """The columns with the marks of ``typed_cells`` that only the whole table can do without."""
    repairs: list[Repair] = []
    try:
        book = _opened(table, path, limits)
        name = _wanted_sheet(table, reading, book, repairs)
        marks = book.marks(name)
        _check_size(table, [marks])
        grid = _grid(table, reading, book.rows(name), marks, repairs)
    except (PasswordError, Protected):
        raise SourceUnreadable(
            f"Tabelle „{table.id}“: Die Arbeitsmappe ist mit einem Kennwort geschützt.",
            next_step="Die Fachstelle bitten, sie ohne Kennwort zu liefern; die Pipeline nimmt keine Kennwörter an.",
        ) from None
    except (CalamineError, Malformed):
        raise _unreadable(table, "ist keine lesbare Arbeitsmappe (xlsx, xlsm, xls, ods)") from None
    try:
        header = _header(table, reading, grid, marks.merged)
        cells = _as_declared(table, header, grid.cells.slice(header.body))
        raw = tabulate(table, reading, header, [cells], limits)
    except SchemaChanged as fault:
        hidden = sum(repair.count for repair in repairs if repair.kind == "hidden_column")
        if not hidden:
            raise
        raise SchemaChanged(
            f"{fault.message} In der Tabelle sind {hidden} Spalten ausgeblendet, die nie gelesen werden.",
            next_step="Mit der Fachstelle klären, ob eine gebrauchte Spalte ausgeblendet wurde. " + fault.next_step,
        ) from None
    return replace(raw, repairs=[*repairs, *raw.repairs])


def _opened(table: Table, path: Path, limits: Limits) -> _Book:
    """The workbook, going by its first bytes and never by its name."""
    with path.open("rb") as file:
        start = file.read(len(COMPOUND_FILE))
    if start == COMPOUND_FILE:
        sheets = xls_sheets(path)
        _check_size(table, [sheet.marks for sheet in sheets.values()])
        return _Book(
            [name for name, sheet in sheets.items() if sheet.visible],
            [name for name, sheet in sheets.items() if not sheet.visible],
            lambda name: sheets[name].marks,
            lambda name: sheets[name].rows(),
        )
    if not start.startswith(b"PK"):
        raise Malformed
    names = check_package(table, path, limits)
    if "xl/workbook.bin" in names:
        raise _unreadable(table, "ist eine binäre Arbeitsmappe (xlsb), deren ausgeblendete Teile niemand sieht")
    if "xl/workbook.xml" in names:
        return _calamine_book(path, xlsx_marks)
    with zipfile.ZipFile(path) as archive:
        known = ods_marks(archive)
    _check_size(table, known.values())  # calamine reads all sheets of such a file at once
    return _calamine_book(path, lambda _, name: known.get(name))


def _calamine_book(path: Path, marks_of: Callable[[zipfile.ZipFile, str], Marks | None]) -> _Book:
    with path.open("rb") as file:
        book = CalamineWorkbook.from_filelike(file)
    sheets = [sheet for sheet in book.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]

    def marks(name: str) -> Marks:
        with zipfile.ZipFile(path) as archive:
            found = marks_of(archive, name)
        if found is None:
            raise Malformed
        return found

    def rows(name: str) -> Iterator[list[Value]]:
        sheet = book.get_sheet_by_name(name)
        blank: list[Value] = [""] * (sheet.start[1] if sheet.start else 0)
        return (blank + row for row in sheet.iter_rows())

    return _Book(
        [sheet.name for sheet in sheets if sheet.visible == SheetVisibleEnum.Visible],
        [sheet.name for sheet in sheets if sheet.visible != SheetVisibleEnum.Visible],
        marks,
        rows,
    )


def _unreadable(table: Table, what: str) -> SourceUnreadable:
    return SourceUnreadable(
        f"Tabelle „{table.id}“: Die Datei {what}.",
        next_step="Die Datei ansehen; die Fachstelle bitten, sie als Excel-Arbeitsmappe (.xlsx) zu speichern.",
    )


def _wanted_sheet(table: Table, reading: Sheet, book: _Book, repairs: list[Repair]) -> str:
    visible = book.visible
    if book.hidden:
        detail = "ausgeblendete Tabellenblätter: nicht gelesen"
        repairs.append(Repair(kind="hidden_sheet", count=len(book.hidden), detail=detail, nature="detected"))
    wanted = [name for name in visible if reading.sheet in (name, None)]
    if len(wanted) == 1:
        return wanted[0]
    listed = ", ".join(f"„{name[:60]}“" for name in visible[:20]) or "keines"
    if reading.sheet is None:
        raise SourceUnreadable(
            f"Tabelle „{table.id}“: Die Arbeitsmappe hat {len(visible)} sichtbare Tabellenblätter: {listed}.",
            next_step="Im Vertrag mit reading.sheet sagen, welches gemeint ist.",
        )
    state = "ist ausgeblendet und wird deshalb nicht gelesen" if reading.sheet in book.hidden else "fehlt"
    raise SourceUnreadable(
        f"Tabelle „{table.id}“: Das Tabellenblatt „{reading.sheet}“ {state}. Sichtbar sind: {listed}.",
        next_step="Mit der Fachstelle klären, ob das Blatt umbenannt oder versehentlich ausgeblendet wurde; sonst "
        "reading.sheet im Vertrag anpassen.",
    )


def _check_size(table: Table, sheets: Iterable[Marks]) -> None:
    for marks in sheets:
        if marks.rows * marks.columns > MOST_CELLS:
            raise SourceUnreadable(
                f"Tabelle „{table.id}“: Ein Tabellenblatt reicht über {marks.rows} Zeilen und {marks.columns} Spalten, "
                f"mehr als {MOST_CELLS} Zellen.",
                next_step="Meist steht weit unten oder rechts eine vergessene Zelle: Mit Strg+Ende ansehen und die "
                "Fachstelle bitten, sie zu löschen.",
            )


def _grid(table: Table, reading: Sheet, given: Iterator[list[Value]], marks: Marks, repairs: list[Repair]) -> _Grid:
    """The visible cells of the area, as marked text; blank rows at the end and blank columns are no part of it."""
    area = _area(reading.area, marks)
    every_row = range(area.first_row, area.last_row + 1)
    every_column = range(area.first_column, area.last_column + 1)
    left_out = marks.hidden_rows | _folded_rows(table, reading, marks, every_row, repairs)
    rows = [row for row in every_row if row not in left_out]
    columns = [column for column in every_column if column not in marks.hidden_columns]
    hidden_rows, hidden_columns = sum(row in marks.hidden_rows for row in every_row), len(every_column) - len(columns)
    for kind, count, what in (("row", hidden_rows, "Zeilen"), ("column", hidden_columns, "Spalten")):
        if count:
            detail = f"ausgeblendete {what}: nicht gelesen"
            repairs.append(Repair(kind=f"hidden_{kind}", count=count, detail=detail, nature="detected"))
    texts, covered = _texts(given, marks, rows, columns)
    if covered:
        detail = "Zellen unter einer verbundenen Zelle, die niemand sieht: nicht gelesen"
        repairs.append(Repair(kind="covered_cell", count=covered, detail=detail, nature="detected"))
    percents = sum(row not in left_out and column in columns for row, column in marks.percents if row in every_row)
    if percents:
        detail = "Zahlen im Prozentformat: gelesen ist der gespeicherte Anteil (0,25 für 25 %)"
        repairs.append(Repair(kind="percent_format", count=percents, detail=detail, nature="detected"))
    kept = [number for number, column in enumerate(texts) if reading.header_rows == 0 or _has_content(column)]
    texts = [_indented(reading, texts[number], rows, columns[number], marks) for number in kept]
    cells = pa.table(texts, [str(columns[number]) for number in kept])
    last = max((_last_content(column) for column in texts), default=0)
    return _Grid(cells.slice(0, last), rows[:last], [columns[number] for number in kept])


def _area(declared: str | None, marks: Marks) -> Range:
    """The declared part of the sheet as far as there is content; by default all of it."""
    whole = Range(0, 0, marks.rows - 1, marks.columns - 1)
    if declared is None:
        return whole
    start, _, end = declared.partition(":")
    first_row, first_column = position(start)
    last_row, last_column = position(end if end[-1].isdigit() else f"{end}{marks.rows}")
    return Range(first_row, first_column, min(last_row, whole.last_row), min(last_column, whole.last_column))


def _folded_rows(table: Table, reading: Sheet, marks: Marks, area: range, repairs: list[Repair]) -> set[int]:
    """The folded rows that are left out."""
    folded = {row for row in marks.folded_rows if row in area}
    if not folded:
        return folded
    if reading.folded_rows is None:
        raise SourceUnreadable(
            f"Tabelle „{table.id}“: Ein Filter oder eine Gliederung blendet {len(folded)} Zeilen aus; ob sie zu den "
            "Daten gehören, steht nicht fest.",
            next_step="Mit der Fachstelle klären und im Vertrag reading.folded_rows (read oder omit) eintragen, oder "
            "die Datei ohne Filter liefern lassen.",
        )
    what = "gelesen" if reading.folded_rows == "read" else "nicht gelesen"
    detail = f"durch Filter oder Gliederung ausgeblendete Zeilen: {what}"
    repairs.append(Repair(kind="folded_row", count=len(folded), detail=detail, nature="assumed"))
    return set() if reading.folded_rows == "read" else folded


def _texts(
    given: Iterator[list[Value]], marks: Marks, rows: Sequence[int], columns: Sequence[int]
) -> tuple[list[pa.ChunkedArray], int]:
    """The columns as marked text, and how many cells with content lie under a merged cell. Raises Malformed."""
    special = {cell: ERROR + sign for cell, sign in marks.errors.items()} | dict.fromkeys(marks.uncomputed, UNCOMPUTED)
    under, shown_in = _covered(marks), _moved_titles(marks)
    wanted = set(rows)
    chunks: list[list[pa.Array]] = [[] for _ in columns]
    covered = 0
    visible = ((number, row) for number, row in _whole_rows(given, marks) if number in wanted)
    while block := list(islice(visible, CHUNK)):
        numbers = [number for number, _ in block]
        for chunk, column in zip(chunks, columns, strict=True):
            texts = [as_text(row[column]) for _, row in block]
            for index in np.flatnonzero(under[numbers, column]):
                covered += texts[index] != ""
                title = shown_in.get((numbers[index], column))
                texts[index] = "" if title is None else as_text(block[index][1][title])
            if special:
                texts = [special.get((number, column), text) for number, text in zip(numbers, texts, strict=True)]
            chunk.append(pa.array(texts, pa.string()))
    return [pa.chunked_array(chunk, pa.string()) for chunk in chunks], covered


def _whole_rows(given: Iterator[list[Value]], marks: Marks) -> Iterator[tuple[int, list[Value]]]:
    """All rows with their numbers, as wide as the marks; those behind the last value may hold formulas without one.

    Raises Malformed for content of which the marks know nothing.
    """
    number = -1
    for number, row in enumerate(given):
        if number >= marks.rows or len(row) > marks.columns:
            if any(cell != "" for cell in (row if number >= marks.rows else row[marks.columns :])):
                raise Malformed
            row = row[: marks.columns]
        if number < marks.rows:
            yield number, row + [""] * (marks.columns - len(row))
    for rest in range(number + 1, marks.rows):
        yield rest, [""] * marks.columns


def _moved_titles(marks: Marks) -> dict[Cell, int]:
    """Where merged cells begin in a hidden column, their text is seen in the next one: that cell to the column."""
    moved: dict[Cell, int] = {}
    for each in marks.merged:
        if each.first_column in marks.hidden_columns:
            reach = range(each.first_column, min(each.last_column + 1, marks.columns))
            seen = next((column for column in reach if column not in marks.hidden_columns), None)
            if seen is not None:
                moved[each.first_row, seen] = each.first_column
    return moved


def _covered(marks: Marks) -> np.ndarray:
    """For each cell whether another one, with which it is merged, lies over it. Raises Malformed."""
    covered = np.zeros((marks.rows, marks.columns), bool)
    area = 0
    for each in marks.merged:
        part = covered[each.first_row : each.last_row + 1, each.first_column : each.last_column + 1]
        area += part.size
        if area > covered.size:
            raise Malformed  # merged cells never overlap
        if part.size:
            part[...] = True
            part[0, 0] = False
    return covered


def _indented(
    reading: Sheet, texts: pa.ChunkedArray, rows: Sequence[int], column: int, marks: Marks
) -> pa.ChunkedArray:
    """The column with indentation by style written as blanks, if it may be the one whose indentation counts."""
    if reading.indented is None:
        return texts
    cells = texts.to_pylist()
    name = re.sub(r"#\d+$", "", reading.indented).rpartition(" / ")[2]
    if reading.header_rows and not any(" ".join(cell.split()) == name for cell in cells[:SEARCHED]):
        return texts
    blanks = [" " * (BLANKS_OF_INDENT * marks.indents.get((row, column), 0)) for row in rows]
    return pa.chunked_array([[blank + cell for blank, cell in zip(blanks, cells, strict=True)]], pa.string())


def _has_content(column: pa.ChunkedArray) -> bool:
    return bool(pc.any(pc.not_equal(column, "")).as_py())


def _last_content(column: pa.ChunkedArray) -> int:
    """Number of rows up to the last cell with content."""
    places = np.flatnonzero(pc.not_equal(column, "").to_numpy())
    return int(places[-1]) + 1 if places.size else 0


def _header(table: Table, reading: Sheet, grid: _Grid, merged: Sequence[Range]) -> Header:
    """The header, whose merged cells name exactly the columns that they reach over.

    Upper header rows without any merged cell are filled to the right, as ``layout`` does: their titles are centred
    over several columns by style.
    """
    rows = [
        [" ".join(as_name(cell).split()) for cell in row]
        for row in zip(*(column.to_pylist() for column in grid.cells.slice(0, SEARCHED).columns), strict=True)
    ]
    if reading.header_rows == 0:
        return find_header(table, reading, rows)
    upper = [_spread(row, number, grid.columns, merged) for number, row in zip(grid.rows, rows, strict=False)]
    joined = []
    for start in range(len(rows) - reading.header_rows + 1):
        last = start + reading.header_rows - 1
        parts = zip(*upper[start:last], rows[last], strict=True)
        joined.append([" / ".join(filter(None, each)) for each in parts] if any(rows[last]) else [""] * len(rows[last]))
    found = find_header(table, reading.model_copy(update={"header_rows": 1}), joined)
    body = found.first + reading.header_rows
    return Header(found.first, body, found.names, tuple(tuple(row) for row in rows[found.first : body]))


def _spread(row: Sequence[str], number: int, columns: Sequence[int], merged: Sequence[Range]) -> list[str]:
    """The cells of a row with the text of merged cells in all their columns."""
    wide = [
        each for each in merged if each.first_row <= number <= each.last_row and each.first_column < each.last_column
    ]
    spread = list(row)
    for index, column in enumerate(columns):
        if index and not spread[index]:
            reach = any(each.first_column < column <= each.last_column for each in wide)
            spread[index] = spread[index - 1] if reach or not wide else ""
    return spread


def _as_declared(table: Table, header: Header, cells: pa.Table) -> pa.Table:
    columns: list[pa.ChunkedArray] = []
    declared = {name: each for each in _value_columns(table) for name in (each.source, *each.aliases)}
    for number, column in enumerate(cells.columns):
        meant = declared.get(header.names[number]) if number < len(header.names) else None
        columns.append(pa.chunked_array([as_declared(column.combine_chunks(), meant)], pa.string()))
    return pa.table(columns, cells.column_names)


def _without_marks(table: Table, raw: RawTable, notation: Notation) -> dict[str, pa.ChunkedArray]:
    missing = {column.source: column.missing for column in _value_columns(table)}
    findings: list[Finding] = []
    columns = {}
    for source, cells in raw.cells.items():
        account = Account(table.id, source)
        columns[source] = without_marks(cells, missing.get(source, ()), notation.decimal, account)
        findings += account.failures
    if findings:
        raise SourceUnreadable(
            f"Tabelle „{table.id}“: " + "; ".join(finding.message for finding in findings) + ".",
            next_step="Die Arbeitsmappe in einem Tabellenprogramm öffnen, neu berechnen und speichern lassen. Gehört "
            "ein Fehlerwert zu den Daten, ihn im Vertrag unter missing der Spalte mit seiner Bedeutung erklären.",
            findings=tuple(findings),
        )
    return columns


def _value_columns(table: Table) -> list[Column]:
    return [column for column in table.columns if column.type not in ("marker", "geometry")]
