"""What does a source system hold? Columns and rows, independent of the protocol that delivers them."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import date
from typing import Literal

Point = tuple[float, float]
Cell = str | int | float | date | Point | None


@dataclass(frozen=True)
class Column:
    """A column as the source names it; a point is a pair of metres in EPSG:25832, east before north."""

    name: str
    type: Literal["text", "integer", "decimal", "date", "point"]


@dataclass(frozen=True)
class Table:
    """``resource`` is what a client asks for: a path, a feature type or a database table."""

    resource: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]


def csv_of(table: Table) -> bytes:
    """The table as comma-separated UTF-8 with one header row; None becomes an empty cell."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([column.name for column in table.columns])
    writer.writerows(table.rows)
    return text.getvalue().encode()
