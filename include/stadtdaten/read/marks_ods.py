"""The marks of a sheet in an OpenDocument spreadsheet (ods): ODF 1.3 Part 3, chapter 9."""

from __future__ import annotations

import re
import zipfile
from itertools import product

from stadtdaten.read.marks import Cell, Malformed, Marks, Range, parse

CONTENT = "content.xml"
ERROR = re.compile(r"#(DIV/0!|N/A|NV|NAME\?|REF!|BEZUG!|VALUE!|WERT!|NUM!|ZAHL!|NULL!)|(Err|Fehler):\d{3}")
"""What a spreadsheet program shows in place of a result, in English and German."""


MOST_ALIKE = 1_000_000
"""Equal neighbours that are written as one cell; more of those that are told one by one are an attack on the memory."""


def ods_marks(archive: zipfile.ZipFile, sheet: str) -> Marks:
    """The marks of the sheet of that name; raises Malformed. Indentation by style is not seen, leading blanks are."""
    content = _Content(sheet)
    try:
        part = archive.open(CONTENT)
    except KeyError:
        raise Malformed from None
    with part:
        parse(part, content.start, content.end, content.text)
    return content.finished()


class _Content:
    """Handlers of a pass over content.xml."""

    def __init__(self, sheet: str) -> None:
        self._sheet = sheet
        self._found = 0
        self._marks = Marks()
        self._wanted = False
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
            if self._wanted:
                raise Malformed  # a table inside a cell has no place in a grid
            local = _without_prefixes(attributes)
            self._wanted = local.get("name") == self._sheet
            self._found += self._wanted
        elif self._wanted:
            self._start_in_sheet(name, _without_prefixes(attributes))

    def end(self, name: str) -> None:
        if not self._wanted:
            return
        match name:
            case "table":
                self._wanted = False
            case "table-row-group" | "table-column-group":
                self._folded.pop()
            case "table-row":
                self._row += self._row_repeats
            case "annotation":
                self._note -= 1
            case "p":
                self._paragraph = False
            case "table-cell" | "covered-table-cell":
                self._end_cell()

    def text(self, text: str) -> None:
        if self._paragraph and not self._note:
            self._shown += text

    def finished(self) -> Marks:
        if self._found != 1:
            raise Malformed
        marks = self._marks
        for first, count in self._hidden_columns:
            marks.hidden_columns.update(range(first, min(first + count, marks.columns)))
        for first, count, folded in self._hidden_rows:
            rows = marks.folded_rows if folded else marks.hidden_rows
            rows.update(range(first, min(first + count, marks.rows)))
        return marks

    def _start_in_sheet(self, name: str, attributes: dict[str, str]) -> None:
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
                self._start_cell(attributes)
            case "annotation":
                self._note += 1
            case "p":
                self._paragraph = True

    def _start_cell(self, attributes: dict[str, str]) -> None:
        self._repeats = int(attributes.get("number-columns-repeated", "1"))
        self._type = "error" if "error" in attributes.get("calcext-type", "") else attributes.get("value-type", "")
        self._formula = "formula" in attributes
        self._shown = ""
        wide, high = (int(attributes.get(f"number-{each}-spanned", "1")) for each in ("columns", "rows"))
        if wide > 1 or high > 1:
            self._marks.merged.append(Range(self._row, self._column, self._row + high - 1, self._column + wide - 1))

    def _end_cell(self) -> None:
        if self._type or self._shown or self._formula:
            self._marks.reach(self._row + self._row_repeats - 1, self._column + self._repeats - 1)
            if self._type == "error" or (self._formula and ERROR.fullmatch(self._shown)):
                self._marks.errors |= dict.fromkeys(self._cells(), self._shown)
            elif self._formula and not self._type:
                self._marks.uncomputed |= self._cells()
            if self._type == "percentage":
                self._marks.percents |= self._cells()
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
