"""How do offices lay out a table in Excel? Title and remarks above it, merged headers, footnotes below it."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Sequence
from datetime import date, datetime, time
from itertools import groupby

from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from samplecity.tables import Table

SEPARATOR = " / "
"""Between the parts of a column's name that stand in header rows of their own."""

CHANGED = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*")


def laid_out(table: Table, sheet: str, remarks: Sequence[str], footnotes: Sequence[str]) -> tuple[Workbook, int]:
    """A workbook with the table on its only sheet, and the number of its first data row (from 1).

    There is a blank row between ``remarks`` and header, and one between table and ``footnotes``. The first part of a
    column's name is merged over all neighbours that share it; a name of one part is merged over both header rows.
    """
    workbook = Workbook()
    page = workbook.worksheets[0]
    page.title = sheet
    for remark in remarks:
        page.append([remark])
        page.merge_cells(start_row=page.max_row, start_column=1, end_row=page.max_row, end_column=len(table.columns))
    _append_header(page, [column.name for column in table.columns])
    first = page.max_row + 1
    for row in table.rows:
        page.append(list(row))
    page.append([])
    for footnote in footnotes:
        page.append([footnote])
    return workbook, first


def _append_header(page: Worksheet, names: Sequence[str]) -> None:
    top = page.max_row + 2
    parts = [name.split(SEPARATOR, 1) for name in names]
    column = 1
    for upper, group in groupby(parts, key=lambda each: each[0]):
        members = list(group)
        page.cell(top, column, upper)
        if len(members[0]) == 1:
            page.merge_cells(start_row=top, start_column=column, end_row=top + 1, end_column=column)
        elif len(members) > 1:
            page.merge_cells(start_row=top, start_column=column, end_row=top, end_column=column + len(members) - 1)
        for offset, each in enumerate(members):
            if len(each) > 1:
                lower = each[1]
                page.cell(top + 1, column + offset, int(lower) if lower.isdigit() else lower)
        column += len(members)


def file_of(workbook: Workbook, saved: date) -> bytes:
    """The workbook as an xlsx file that was saved on that day: the same bytes whenever it is made."""
    unstable, stable = io.BytesIO(), io.BytesIO()
    workbook.save(unstable)
    moment = datetime.combine(saved, time(9))
    with zipfile.ZipFile(unstable) as source, zipfile.ZipFile(stable, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "docProps/core.xml":
                content = CHANGED.sub(rb"\g<1>" + f"{moment.isoformat()}Z".encode(), content)
            target.writestr(zipfile.ZipInfo(name, moment.timetuple()[:6]), content)
    return stable.getvalue()
