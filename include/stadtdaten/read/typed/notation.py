"""Which signs a table's numbers are written with, where the contract does not say.

`1.234` is one thousand or one and a bit; only other cells can tell. Every cell of the columns of numbers counts, and
what two notations read as different numbers stops the table.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stadtdaten.contracts.model import Column, Table
from stadtdaten.contracts.reading import Csv, Features, Sheet, Xml
from stadtdaten.faults import SourceUnreadable
from stadtdaten.frames import Repair
from stadtdaten.read.typed.numbers import Notation

DECIMALS = (".", ",")
THOUSANDS = ("", ".", ",", " ", "'")
ZEROS = np.arange(256, dtype=np.uint8)
ZEROS[ord("1") : ord("9") + 1] = ord("0")
"""Each byte to itself, digits to 0: what is left of a cell is how it is written."""

SIGNS = "+-\u2212\u2013"
Shapes = frozenset[tuple[str, bool]]
"""Ways of writing (`000.000,00`), each with whether its column is of whole numbers."""


def find_notation(
    table: Table, declared: Csv | Sheet | Features | Xml, files: Sequence[Mapping[str, pa.ChunkedArray]]
) -> tuple[Notation, list[Repair]]:
    """The notation of all number columns (and of x and y), and what was found out.

    ``files`` are text cells by the column's source for each of the table's files. Each file must be unambiguous of its
    own, and all must agree; SourceUnreadable names the candidates otherwise.
    """
    if declared.decimal is not None and declared.thousands is not None:
        return Notation(declared.decimal, declared.thousands), []
    candidates = [
        Notation(decimal, thousands)
        for decimal in ([declared.decimal] if declared.decimal is not None else DECIMALS)
        for thousands in ([declared.thousands] if declared.thousands is not None else THOUSANDS)
        if decimal != thousands
    ]
    agreed = candidates
    for cells in files:
        by_column = _shapes(table, declared, cells, candidates)
        shapes: Shapes = frozenset().union(*by_column.values())
        fitting = [each for each in candidates if all(_plain(shape, whole, each) for shape, whole in shapes)]
        if not fitting:
            raise SourceUnreadable(
                f"Tabelle „{table.id}“: Die Zahlen einer Datei sind in mehreren Schreibweisen geschrieben; keine passt "
                "zu allen.",
                next_step="Mit der Fachstelle klären, welches Dezimal- und welches Tausenderzeichen gilt, und beide im "
                "Vertrag (reading.decimal, reading.thousands) eintragen.",
            )
        if len({tuple(_plain(shape, whole, each) for shape, whole in sorted(shapes)) for each in fitting}) > 1:
            raise SourceUnreadable(
                f"Tabelle „{table.id}“: Die Schreibweise der Zahlen ist nicht eindeutig: "
                + " oder ".join(_told(each) for each in _distinct(fitting, shapes))
                + ".",
                next_step="In der Quelle klären, was gilt, und im Vertrag reading.decimal und reading.thousands "
                "eintragen.",
            )
        if declared.decimal is None:
            _refuse_borrowed_points(table, cells, by_column, fitting[0], candidates)
        if declared.thousands is None and fitting[0].thousands == ",":
            _refuse_unproven_commas(table, [shape for shape, _ in shapes])
        agreed = [each for each in agreed if each in fitting]
    if not agreed:
        raise SourceUnreadable(
            f"Tabelle „{table.id}“: Die Dateien der Tabelle schreiben ihre Zahlen verschieden.",
            next_step="Die Dateien müssen dieselbe Schreibweise haben; sonst als eigene Tabellen erklären.",
        )
    if len(agreed) == len(candidates):
        return agreed[0], []
    return agreed[0], [Repair(kind="notation", count=len(files), detail=_told(agreed[0]), nature="detected")]


def _refuse_borrowed_points(
    table: Table,
    cells: Mapping[str, pa.ChunkedArray],
    by_column: Mapping[str, Shapes],
    found: Notation,
    candidates: Sequence[Notation],
) -> None:
    """Beside coordinates with a decimal point, amounts may still have thousand dots: a column whose points all stand
    before three digits must prove of its own that they are decimal signs.
    """
    if found.decimal != ".":
        return
    for column in table.columns:
        shapes = by_column.get(column.source, frozenset()) if column.type == "number" else frozenset()
        meanings = {
            tuple(_plain(shape, whole, each) for shape, whole in sorted(shapes))
            for each in candidates
            if all(_plain(shape, whole, each) for shape, whole in shapes)
        }
        below_one = pc.any(pc.match_substring_regex(cells[column.source], r"^\D*0\.")).as_py() if shapes else False
        if len(meanings) > 1 and not below_one:
            raise SourceUnreadable(
                f"Tabelle „{table.id}“: Spalte „{column.name}“: Ob der Punkt vor drei Ziffern Tausender trennt, sagt "
                "die Spalte nicht; andere Spalten haben Dezimalpunkte.",
                next_step='In der Quelle klären, was gilt. Sind es Dezimalpunkte, im Vertrag reading.decimal: "." '
                "eintragen; sonst muss die Quelle alle Zahlen gleich schreiben.",
            )


def _refuse_unproven_commas(table: Table, shapes: Sequence[str]) -> None:
    """Whole numbers with one comma before three digits are most likely decimal numbers, declared as whole ones."""
    if any("," in shape for shape in shapes) and not any("." in shape or shape.count(",") > 1 for shape in shapes):
        raise SourceUnreadable(
            f"Tabelle „{table.id}“: Ganze Zahlen sind mit einem Komma vor drei Ziffern geschrieben; es kann Tausender "
            "trennen oder ein Dezimalzeichen sein.",
            next_step='In der Quelle klären, was gilt: Trennt es Tausender, im Vertrag reading.thousands: "," '
            "eintragen; sonst die Spalte als number erklären.",
        )


def _shapes(
    table: Table,
    declared: Csv | Sheet | Features | Xml,
    cells: Mapping[str, pa.ChunkedArray],
    candidates: Sequence[Notation],
) -> dict[str, Shapes]:
    """How the numbers of each column are written; cells that are a number in no notation are no evidence."""
    columns: list[tuple[str, Column | None]] = [
        (column.source, column) for column in table.columns if column.type in ("integer", "number")
    ]
    if isinstance(declared, Csv | Sheet):
        columns += [(name, None) for name in (declared.x, declared.y) if name is not None]
    found: dict[str, Shapes] = {}
    for source, column in columns:
        whole = column is not None and column.type == "integer"
        shapes = set()
        signs = [_zeros(sign) for sign in column.signs] if column is not None else []
        for text in _written(cells[source]):
            shape = text
            for sign in signs:
                shape = shape.replace(sign, "")
            shape = shape.strip().strip(SIGNS).strip()
            if any(_plain(shape, whole, each) for each in candidates):
                shapes.add((shape, whole))
        found[source] = found.get(source, frozenset()) | shapes
    return found


def _written(cells: pa.ChunkedArray) -> set[str]:
    found: set[str] = set()
    for chunk in cells.chunks:
        _, ends, data = chunk.buffers()
        if data is None:
            continue
        zeros = pa.py_buffer(ZEROS[np.frombuffer(data, np.uint8)])
        shapes = pa.Array.from_buffers(chunk.type, len(chunk), [None, ends, zeros], offset=chunk.offset)
        found.update(shapes.unique().to_pylist())
    return found


def _zeros(text: str) -> str:
    return re.sub("[1-9]", "0", text)


def _plain(shape: str, whole: bool, notation: Notation) -> str:
    """The shape in plain notation (decimal point, no thousands); "" if it is no number in this one."""
    if re.fullmatch(notation.integer if whole else notation.number, shape) is None:
        return ""
    return (re.sub(notation.group, "", shape) if notation.group else shape).replace(notation.decimal, ".")


def _distinct(fitting: Sequence[Notation], shapes: Shapes) -> list[Notation]:
    """One notation for each way to understand the shapes."""
    meanings = {tuple(_plain(shape, whole, each) for shape, whole in sorted(shapes)): each for each in fitting[::-1]}
    return list(meanings.values())[::-1]


def _told(notation: Notation) -> str:
    thousands = {"": "ohne Tausenderzeichen", " ": "Tausender mit Leerzeichen"}
    return f"Dezimalzeichen „{notation.decimal}“, " + thousands.get(
        notation.thousands, f"Tausenderzeichen „{notation.thousands}“"
    )
