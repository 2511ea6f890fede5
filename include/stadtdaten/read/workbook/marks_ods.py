"""The marks of a sheet in an OpenDocument spreadsheet (ods): ODF 1.3 Part 3, chapter 9."""

from __future__ import annotations

import re
import zipfile
from itertools import product
from typing import IO

from stadtdaten.read.workbook.marks import Cell, Malformed, Marks, Protected, Range, parse

ERROR = re.compile(r"#(DIV/0!|N/A|NV|NAME\?|REF!|BEZUG!|VALUE!|WERT!|NUM!|ZAHL!|NULL!)|(Err|Fehler):\d{3}")
"""What a spreadsheet program shows in place of a result, in English and German."""


MOST_ALIKE = 1_000_000
"""Equal neighbours that are written as one cell; more of those that are told one by one are an attack on the memory."""


def ods_marks(archive: zipfile.ZipFile) -> dict[str, Marks]:
    """The marks of each sheet by its name; raises Malformed. Indentation by style is not seen, leading blanks are."""
    content = _Content()
    with _opened(archive, "META-INF/manifest.xml") as part:
        parse(part, _refuse_encryption)
    with _opened(archive, "content.xml") as part:
        parse(part, content.start, content.end, content.text)
    return content.sheets


def _opened(archive: zipfile.ZipFile, path: str) -> IO[bytes]:
    try:
        return archive.open(path)
    except KeyError:
        raise Malformed from None


def _refuse_encryption(name: str, _attributes: dict[str, str]) -> None:
    if name == "encryption-data":
        raise Protected


class _Content:
    """Handlers of a pass over content.xml."""

    def __init__(self) -> None:
        self.sheets: dict[str, Marks] = {}
        self._marks: Marks | None = None
        """Of the sheet that is open."""
        self._folded: list[bool] = []
        """For each open group of rows or columns: whether it is collapsed."""
        self._hidden_columns: list[tuple[int, int]] = []
        self._hidden_rows: list[tuple[int, int, bool]] = []
        self._row = self._column = self._declared = 0
        self._row_repeats = self._repeats = 1
        self._type = self._shown = ""
        self._formula = self._paragraph = False
        self._note = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "table":
            sheet = _without_prefixes(attributes)["name"]
            if self._marks is not None or sheet in self.sheets:
                raise Malformed  # a table inside a cell has no place in a grid
            self._marks = self.sheets[sheet] = Marks()
            self._hidden_columns, self._hidden_rows = [], []
            self._row = self._declared = 0
        elif self._marks is not None:
            self._start_in_sheet(self._marks, name, _without_prefixes(attributes))

    def end(self, name: str) -> None:
        if self._marks is None:
            return
        match name:
            case "table":
                self._end_sheet(self._marks)
            case "table-row-group" | "table-column-group":
                self._folded.pop()
            case "table-row":
                self._row += self._row_repeats
            case "annotation":
                self._note -= 1
            case "p":
                self._paragraph = False
            case "table-cell" | "covered-table-cell":
                self._end_cell(self._marks)

    def text(self, text: str) -> None:
        if self._paragraph and not self._note:
            self._shown += text

    def _end_sheet(self, marks: Marks) -> None:
        for first, count in self._hidden_columns:
            marks.hidden_columns.update(range(first, min(first + count, marks.columns)))
        for first, count, folded in self._hidden_rows:
            rows = marks.folded_rows if folded else marks.hidden_rows
            rows.update(range(first, min(first + count, marks.rows)))
        self._marks = None

    def _start_in_sheet(self, marks: Marks, name: str, attributes: dict[str, str]) -> None:
        match name:
            case "table-row-group" | "table-column-group":
                self._folded.append(attributes.get("display") == "false")
            case "table-column":
                count = int(attributes.get("number-columns-repeated", "1"))
                if attributes.get("visibility", "visible") != "visible" or any(self._folded):
                    self._hidden_columns.append((self._declared, count))
                self._declared += count
            case "table-row":
                self._column = 0
                self._row_repeats = int(attributes.get("number-rows-repeated", "1"))
                seen = attributes.get("visibility", "visible")
                folded = seen == "filter" or any(self._folded)
                if seen != "visible" or folded:
                    self._hidden_rows.append((self._row, self._row_repeats, folded))
            case "table-cell" | "covered-table-cell":
                self._start_cell(marks, attributes)
            case "annotation":
                self._note += 1
            case "p":
                self._paragraph = True

    def _start_cell(self, marks: Marks, attributes: dict[str, str]) -> None:
        self._repeats = int(attributes.get("number-columns-repeated", "1"))
        self._type = "error" if "error" in attributes.get("calcext-type", "") else attributes.get("value-type", "")
        self._formula = "formula" in attributes
        self._shown = ""
        wide, high = (int(attributes.get(f"number-{each}-spanned", "1")) for each in ("columns", "rows"))
        if wide > 1 or high > 1:
            marks.merged.append(Range(self._row, self._column, self._row + high - 1, self._column + wide - 1))

    def _end_cell(self, marks: Marks) -> None:
        if self._type or self._shown or self._formula:
            marks.reach(self._row + self._row_repeats - 1, self._column + self._repeats - 1)
            if self._type == "error" or (self._formula and ERROR.fullmatch(self._shown)):
                marks.errors |= dict.fromkeys(self._cells(), self._shown)
            elif self._formula and not self._type:
                marks.uncomputed |= self._cells()
            if self._type == "percentage":
                marks.percents |= self._cells()
        self._column += self._repeats

    def _cells(self) -> set[Cell]:
        if self._row_repeats * self._repeats > MOST_ALIKE:
            raise Malformed
        rows = range(self._row, self._row + self._row_repeats)
        return set(product(rows, range(self._column, self._column + self._repeats)))


def _without_prefixes(attributes: dict[str, str]) -> dict[str, str]:
    """LibreOffice repeats the type of a value in a namespace of its own, and knows errors only there."""
    return {
        "calcext-type" if name == "calcext:value-type" else name.rpartition(":")[2]: value
        for name, value in attributes.items()
    }
