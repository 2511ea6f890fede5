"""What do the first rows of a published CSV file look like to a person?"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import Literal

from stadtdaten.frames import PublishedColumn
from stadtdaten.privacy.columns import HIDDEN_SUFFIX

ROWS = 10


@dataclass(frozen=True)
class Cell:
    """One value as shown; ``kind`` says whether there is one, or why not."""

    text: str
    kind: Literal["value", "missing", "secret"] = "value"


@dataclass(frozen=True)
class Preview:
    """Titles of the columns and the first rows, each as long as ``titles``; ``numeric`` are indexes of columns."""

    titles: tuple[str, ...]
    numeric: frozenset[int]
    rows: tuple[tuple[Cell, ...], ...]

    def has(self, kind: str) -> bool:
        """Whether any cell is of that kind (a legend explains only what is there)."""
        return any(cell.kind == kind for row in self.rows for cell in row)


def first_rows(path: Path, columns: Sequence[PublishedColumn]) -> Preview:
    """The first ``ROWS`` rows, values as Germans write them; held back counts become a dot, as statistics prints them.

    Columns of the file that are not in ``columns`` (coordinates) are shown as they are, under their own name.
    """
    declared = {column.name: column for column in columns}
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(islice(csv.DictReader(file), ROWS))
        names = list(rows[0]) if rows else list(declared)
    secret = {name for name in names if name.endswith(HIDDEN_SUFFIX) and name.removesuffix(HIDDEN_SUFFIX) in declared}
    shown = [name for name in names if name not in secret]
    return Preview(
        titles=tuple(declared[name].title if name in declared else name for name in shown),
        numeric=frozenset(
            index
            for index, name in enumerate(shown)
            if name in declared and declared[name].type in ("integer", "number")
        ),
        rows=tuple(tuple(_cell(row, name, declared.get(name)) for name in shown) for row in rows),
    )


def _cell(row: dict[str, str], name: str, column: PublishedColumn | None) -> Cell:
    value = row[name]
    if value == "":
        return Cell(".", "secret") if row.get(name + HIDDEN_SUFFIX) == "true" else Cell("–", "missing")
    kind = column.type if column else "string"
    if kind == "number":
        return Cell(value.replace(".", ","))
    if kind == "integer":
        return Cell(value)
    if kind == "boolean":
        return Cell("ja" if value == "true" else "nein")
    if kind == "date":
        return Cell(f"{date.fromisoformat(value):%d.%m.%Y}")
    if kind == "datetime":
        return Cell(f"{datetime.fromisoformat(value):%d.%m.%Y, %H:%M} Uhr")
    return Cell(value if len(value) <= 80 else value[:79] + "…")
