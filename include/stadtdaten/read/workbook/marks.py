"""What does a workbook's file say about cells beside their values? Readers of values do not tell any of it.

Hidden rows and columns, merged cells, indentation by style, errors and formulas without a result are read in a pass of
their own, one module per family of formats. Positions are (row, column) from 0 at cell A1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO
from xml.parsers import expat

Cell = tuple[int, int]
Start = Callable[[str, dict[str, str]], None]
End = Callable[[str], None]
Text = Callable[[str], None]


@dataclass(frozen=True)
class Range:
    """Cells of a rectangle, last row and column included; ``last_row`` may be far below the sheet's content."""

    first_row: int
    first_column: int
    last_row: int
    last_column: int


@dataclass
class Marks:
    """The marks of one sheet; ``rows`` and ``columns`` reach from A1 to the last cell with content.

    ``folded_rows`` are hidden by a filter or a collapsed outline, that is by how somebody last looked at the sheet, or
    may be so; ``hidden_rows`` were hidden on purpose. ``errors`` holds the sign of the error (`#DIV/0!`), ``indents``
    the steps of indentation; ``percents`` are numbers shown as percent, ``uncomputed`` formulas without a result.
    """

    rows: int = 0
    columns: int = 0
    hidden_rows: set[int] = field(default_factory=set)
    folded_rows: set[int] = field(default_factory=set)
    hidden_columns: set[int] = field(default_factory=set)
    merged: list[Range] = field(default_factory=list)
    errors: dict[Cell, str] = field(default_factory=dict)
    uncomputed: set[Cell] = field(default_factory=set)
    indents: dict[Cell, int] = field(default_factory=dict)
    percents: set[Cell] = field(default_factory=set)

    def reach(self, row: int, column: int) -> None:
        """There is content in that cell."""
        self.rows, self.columns = max(self.rows, row + 1), max(self.columns, column + 1)


class Malformed(Exception):
    """The file is not what its format demands; without a text, because that could quote it."""


class Protected(Malformed):
    """The file is encrypted with a password."""


def parse(document: IO[bytes], start: Start, end: End | None = None, text: Text | None = None) -> None:
    """Pass once over an XML document; names come without their prefixes.

    A document type declaration is refused, so no entity can be declared (OWASP, XML External Entity Prevention).
    Raises Malformed.
    """
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse
    parser.StartElementHandler = lambda name, attributes: start(_local(name), attributes)
    if end is not None:
        parser.EndElementHandler = lambda name: end(_local(name))
    if text is not None:
        parser.CharacterDataHandler = text
    try:
        parser.ParseFile(document)
    except (expat.ExpatError, LookupError, ValueError):  # an attribute or encoding that is not there, no number
        raise Malformed from None


def _local(name: str) -> str:
    return name.rpartition(":")[2]


def _refuse(*_declared: object) -> None:
    raise Malformed
