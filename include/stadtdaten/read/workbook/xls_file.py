"""An old Excel workbook (xls, BIFF): values and marks of its sheets, read with xlrd.

calamine is no choice here: it believes the lengths in a damaged file and asks for more memory than there is, which ends
the whole process. xlrd is slower, and old workbooks are small (at most 65,536 rows).
"""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import time, timedelta
from functools import partial
from pathlib import Path

import xlrd
from xlrd.biffh import XLRDError
from xlrd.compdoc import CompDocError
from xlrd.xldate import xldate_as_datetime

from stadtdaten.read.workbook.marks import Malformed, Marks, Protected, Range
from stadtdaten.read.workbook.typed_cells import Value

ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")
"""Stream that holds an encrypted xlsx file in a compound file (MS-OFFCRYPTO 2.3.4.4)."""


@dataclass(frozen=True)
class OldSheet:
    """A sheet; ``rows`` yields each row from the first with its cells from A on, shorter where the rest is blank."""

    visible: bool
    marks: Marks
    rows: Callable[[], Iterator[list[Value]]]


def xls_sheets(path: Path) -> dict[str, OldSheet]:
    """Each sheet by its name; raises Malformed.

    xlrd does not tell whether a filter hides a row, so every hidden row counts as folded; and the format keeps a
    result with every formula, so none is without.
    """
    content = path.read_bytes()
    if ENCRYPTED_PACKAGE in content:
        raise Protected
    try:
        with xlrd.open_workbook(
            file_contents=content, logfile=io.StringIO(), formatting_info=True, ragged_rows=True
        ) as book:
            return {
                sheet.name: OldSheet(sheet.visibility == 0, _marks(book, sheet), partial(_rows, book, sheet))
                for sheet in book.sheets()
            }
    except XLRDError as error:
        raise Protected if "encrypted" in str(error) else Malformed from None
    # What xlrd makes of a damaged file, besides its own error.
    except (
        CompDocError,
        AssertionError,
        AttributeError,
        LookupError,
        OverflowError,
        TypeError,
        ValueError,
        struct.error,
    ):
        raise Malformed from None


def _rows(book: xlrd.book.Book, sheet: xlrd.sheet.Sheet) -> Iterator[list[Value]]:
    for row in range(sheet.nrows):
        yield [_value(book, cell) for cell in sheet.row(row)]


def _value(book: xlrd.book.Book, cell: xlrd.sheet.Cell) -> Value:
    """As calamine gives it: days without a time of day are dates, times of day times, `[h]:mm` a duration."""
    match cell.ctype:
        case xlrd.XL_CELL_TEXT:
            return str(cell.value)
        case xlrd.XL_CELL_NUMBER:
            return float(cell.value)
        case xlrd.XL_CELL_BOOLEAN:
            return bool(cell.value)
        case xlrd.XL_CELL_DATE:
            return _moment(book, cell)
        case _:
            return ""


def _moment(book: xlrd.book.Book, cell: xlrd.sheet.Cell) -> Value:
    days = float(cell.value)
    shown = book.format_map[book.xf_list[cell.xf_index or 0].format_key].format_str
    try:
        if "[" in re.sub(r"\[(\$[^\]]*|[A-Za-z]{3,})\]", "", shown):  # what is left are durations, not colours
            return timedelta(days=days)
        moment = xldate_as_datetime(days, book.datemode)
    except (OverflowError, ValueError):
        raise Malformed from None
    if days < 1:
        return moment.time()
    return moment.date() if moment.time() == time() else moment


def _marks(book: xlrd.book.Book, sheet: xlrd.sheet.Sheet) -> Marks:
    marks = Marks()
    indents = [style.alignment.indent_level if style.alignment else 0 for style in book.xf_list]
    percents = [
        "%" in re.sub(r'"[^"]*"|\\.', "", book.format_map[style.format_key].format_str) for style in book.xf_list
    ]
    for row in range(sheet.nrows):
        for column, cell in enumerate(sheet.row(row)):
            if cell.ctype in (xlrd.XL_CELL_EMPTY, xlrd.XL_CELL_BLANK):
                continue
            marks.reach(row, column)
            style = cell.xf_index or 0
            if cell.ctype == xlrd.XL_CELL_ERROR:
                marks.errors[row, column] = xlrd.error_text_from_code.get(int(cell.value), "")
            if indents[style]:
                marks.indents[row, column] = indents[style]
            if cell.ctype == xlrd.XL_CELL_NUMBER and percents[style]:
                marks.percents.add((row, column))
    marks.folded_rows = {row for row, info in sheet.rowinfo_map.items() if info.hidden and row < marks.rows}
    marks.hidden_columns = {
        column
        for column, info in sheet.colinfo_map.items()
        if (info.hidden or not info.width) and column < marks.columns
    }
    marks.merged = [Range(top, left, bottom - 1, right - 1) for top, bottom, left, right in sheet.merged_cells]
    return marks
