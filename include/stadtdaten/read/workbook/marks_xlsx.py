"""The marks of a sheet in an Excel workbook (xlsx, xlsm): Office Open XML, ECMA-376 Part 1, chapter 18.

Only the parts of the wanted sheet are opened: other sheets, comments and document properties stay unread.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
from typing import IO

from stadtdaten.read.workbook.marks import Malformed, Marks, Range, parse

WORKBOOK = "xl/workbook.xml"
PERCENT_FORMATS = frozenset({9, 10})
"""Built-in formats `0%` and `0.00%` (18.8.30)."""

REFERENCE = re.compile(r"\$?([A-Z]{1,3})\$?([0-9]{1,7})")
TRUE = ("1", "true")


def xlsx_marks(archive: zipfile.ZipFile, sheet: str) -> Marks:
    """The marks of the sheet of that name; raises Malformed."""
    path = _sheet_path(archive, sheet)
    indents, percents = _styles(archive)
    content = _Sheet(indents, percents)
    with _opened(archive, path) as part:
        parse(part, content.start, content.end, content.text)
    for table in _related(archive, path, "/table").values():
        with _opened(archive, table) as part:
            parse(part, content.filter)
    return content.finished()


class _Sheet:
    """Handlers of a pass over a worksheet part, and of ``filter`` over the tables in it."""

    def __init__(self, indents: dict[str, int], percents: frozenset[str]) -> None:
        self._marks = Marks()
        self._indents, self._percents = indents, percents
        self._hidden_columns: list[tuple[int, int]] = []
        self._told_columns: list[range] = []
        self._others_hidden = False
        """Whether columns of which nothing is told are hidden."""
        self._collapsed: set[int] = set()
        self._filters: list[Range] = []
        self._filter: Range | None = None
        self._row = self._column = -1
        self._style = self._type = ""
        self._value = ""
        self._formula = self._inside = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        match name:
            case "c":
                self._cell(attributes)
            case "v" | "t":
                self._inside = True
            case "f":
                self._formula = True
            case "row":
                self._start_row(attributes)
            case "sheetFormatPr":
                self._others_hidden = float(attributes.get("defaultColWidth", "1")) == 0
            case "col":
                reach = range(int(attributes["min"]) - 1, int(attributes["max"]))
                self._told_columns.append(reach)
                if attributes.get("hidden") in TRUE or float(attributes.get("width", "1")) == 0:
                    self._hidden_columns.append((reach.start, reach.stop - 1))
            case "mergeCell":
                self._marks.merged.append(_range(attributes["ref"]))
            case _:
                self.filter(name, attributes)

    def filter(self, name: str, attributes: dict[str, str]) -> None:
        """A filter hides rows only if one of its columns has a condition."""
        if name == "autoFilter":
            self._filter = _range(attributes["ref"])
        elif name == "filterColumn" and self._filter is not None:
            self._filters.append(self._filter)

    def text(self, text: str) -> None:
        if self._inside:
            self._value += text

    def end(self, name: str) -> None:
        if name in ("v", "t"):
            self._inside = False
        elif name == "c":
            self._end_cell()

    def finished(self) -> Marks:
        marks = self._marks
        for first, last in self._hidden_columns:
            marks.hidden_columns.update(range(first, min(last + 1, marks.columns)))
        if self._others_hidden:
            told = {
                column for reach in self._told_columns for column in range(reach.start, min(reach.stop, marks.columns))
            }
            marks.hidden_columns.update(set(range(marks.columns)) - told)
        filtered = {row for row in marks.hidden_rows for each in self._filters if each.first_row < row <= each.last_row}
        marks.folded_rows = filtered | self._collapsed
        marks.hidden_rows -= marks.folded_rows
        return marks

    def _start_row(self, attributes: dict[str, str]) -> None:
        self._row = int(attributes["r"]) - 1 if "r" in attributes else self._row + 1
        self._column = -1
        if attributes.get("hidden") in TRUE or float(attributes.get("ht", "1")) == 0:
            self._marks.hidden_rows.add(self._row)
            if attributes.get("outlineLevel", "0") != "0":
                self._collapsed.add(self._row)

    def _cell(self, attributes: dict[str, str]) -> None:
        if "r" in attributes:
            row, self._column = position(attributes["r"])
            if row != self._row:
                raise Malformed
        else:
            self._column += 1
        self._style, self._type = attributes.get("s", "0"), attributes.get("t", "n")
        self._formula, self._value = False, ""

    def _end_cell(self) -> None:
        if not (self._value or self._formula):
            return
        cell = (self._row, self._column)
        self._marks.reach(*cell)
        if self._type == "e":
            self._marks.errors[cell] = self._value
        elif not self._value and self._type != "str":  # the empty text is a result, which has the type str
            self._marks.uncomputed.add(cell)
        if self._style in self._indents:
            self._marks.indents[cell] = self._indents[self._style]
        if self._style in self._percents and self._type == "n":
            self._marks.percents.add(cell)


def _sheet_path(archive: zipfile.ZipFile, sheet: str) -> str:
    ids: list[str] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        if name == "sheet" and attributes.get("name") == sheet:
            ids.extend(value for key, value in attributes.items() if key.endswith(":id"))

    with _opened(archive, WORKBOOK) as part:
        parse(part, start)
    paths = _related(archive, WORKBOOK, "/worksheet")
    if len(ids) != 1 or ids[0] not in paths:
        raise Malformed
    return paths[ids[0]]


def _related(archive: zipfile.ZipFile, path: str, kind: str) -> dict[str, str]:
    """Paths of the parts that a part is related to by that kind, by the relationship's id."""
    folder, name = posixpath.split(path)
    relations = f"{folder}/_rels/{name}.rels"
    found: dict[str, str] = {}

    def start(name: str, attributes: dict[str, str]) -> None:
        if name == "Relationship" and attributes["Type"].endswith(kind):
            found[attributes["Id"]] = posixpath.normpath(posixpath.join("/", folder, attributes["Target"])).lstrip("/")

    if relations in archive.namelist():
        with _opened(archive, relations) as part:
            parse(part, start)
    return found


def _styles(archive: zipfile.ZipFile) -> tuple[dict[str, int], frozenset[str]]:
    """Cell formats by their number: the indentation of those that have one, and which show percent."""
    path = next(iter(_related(archive, WORKBOOK, "/styles").values()), None)
    codes: dict[str, bool] = {}
    indents: dict[str, int] = {}
    percents: set[str] = set()
    inside, number = False, -1

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal inside, number
        if name == "numFmt":
            codes[attributes["numFmtId"]] = "%" in re.sub(r'"[^"]*"|\\.', "", attributes["formatCode"])
        elif name == "cellXfs":
            inside = True
        elif name == "xf" and inside:
            number += 1
            code = attributes.get("numFmtId", "0")
            if codes.get(code, int(code) in PERCENT_FORMATS):
                percents.add(str(number))
        elif name == "alignment" and inside and int(attributes.get("indent", "0")) > 0:
            indents[str(number)] = int(attributes["indent"])

    def end(name: str) -> None:
        nonlocal inside
        if name == "cellXfs":
            inside = False

    if path is not None:
        with _opened(archive, path) as part:
            parse(part, start, end)
    return indents, frozenset(percents)


def _opened(archive: zipfile.ZipFile, path: str) -> IO[bytes]:
    try:
        return archive.open(path)
    except KeyError:
        raise Malformed from None


def position(reference: str) -> tuple[int, int]:
    """Row and column of `B7`, from 0."""
    fits = REFERENCE.fullmatch(reference)
    if fits is None:
        raise Malformed
    column = 0
    for letter in fits[1]:
        column = column * 26 + ord(letter) - ord("A") + 1
    return int(fits[2]) - 1, column - 1


def _range(reference: str) -> Range:
    first, _, last = reference.partition(":")
    return Range(*position(first), *position(last or first))
