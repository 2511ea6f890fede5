"""The marks of a sheet in an old Excel workbook (xls, BIFF), read with xlrd."""

from __future__ import annotations

import io
import re
import struct
from pathlib import Path

import xlrd
from xlrd.biffh import XLRDError
from xlrd.compdoc import CompDocError

from stadtdaten.read.marks import Malformed, Marks, Protected, Range

ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")
"""Stream that holds an encrypted xlsx file in a compound file (MS-OFFCRYPTO 2.3.4.4)."""


def xls_marks(path: Path) -> dict[str, Marks]:
    """The marks of each sheet by its name; raises Malformed.

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
            return {sheet.name: _marks(book, sheet) for sheet in book.sheets()}
    except XLRDError as error:
        raise Protected if "encrypted" in str(error) else Malformed from None
    # What xlrd makes of a damaged file, besides its own error.
    except (
        CompDocError,
        AssertionError,
        AttributeError,
        IndexError,
        KeyError,
        TypeError,
        ValueError,
        struct.error,
    ):
        raise Malformed from None


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
