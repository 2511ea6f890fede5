"""From a workbook's typed cells to the text that its column would hold if everything were written out, and back to one
meaning: numbers in the table's notation, dates in the column's format, booleans in its two words.

How a column is written is known only once the header is found. Until then a typed cell carries a mark, U+FFFF: a
noncharacter that no text may hold (The Unicode Standard, 23.7).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

from stadtdaten.contracts.model import Column
from stadtdaten.read.typed.account import Account
from stadtdaten.read.typed.arrow import count_true
from stadtdaten.read.workbook.marks import Malformed

MARK = "\uffff"
DATE, TRUE, FALSE, ERROR, UNCOMPUTED = (MARK + kind for kind in "dtfeu")

Value = int | float | str | bool | time | date | datetime | timedelta
"""What python-calamine gives for a cell; an empty one is the empty text."""


def as_text(value: Value) -> str:
    """The cell as marked text. Whole numbers need no mark: `2024` is `2024` in every notation. Raises Malformed."""
    match value:
        case str():
            if MARK in value:
                raise Malformed
            return value
        case bool():
            return TRUE if value else FALSE
        case int() | float():
            plain = repr(value)
            if "e" in plain:
                plain = format(Decimal(plain), "f")
            return plain.removesuffix(".0").replace(".", MARK)
        case datetime() | date():
            return DATE + value.isoformat()
        case time():
            return value.isoformat()
        case timedelta():  # `[h]:mm`: more than a day
            seconds = round(value.total_seconds())
            return f"{seconds // 3600:02}:{seconds % 3600 // 60:02}:{seconds % 60:02}"


def as_declared(cells: pa.Array, column: Column | None) -> pa.Array:
    """Dates as the column's format writes them and booleans in its words; by default ISO 8601, `true` and `false`.

    A moment that the format would shorten (a time of day in a date) stays as it is, for ``values`` to complain.
    """
    if not count_true(pc.match_substring(cells, MARK)):
        return cells
    words = {TRUE: column.true if column else "true", FALSE: column.false if column else "false"}
    pattern = column.format if column else ""

    def written(cell: str) -> str:
        return _date(cell.removeprefix(DATE), pattern) if cell.startswith(DATE) else words.get(cell, cell)

    return _each(cells, written)


def without_marks(cells: pa.ChunkedArray, missing: Iterable[str], decimal: str, account: Account) -> pa.ChunkedArray:
    """The text of a column's data with numbers in the table's notation; errors and formulas without a result fail.

    An error that is declared as a missing marker (`#DIV/0!: nicht berechenbar`) is one.
    """
    if not count_true(pc.match_substring(cells, MARK)):
        return cells
    declared = pa.array([ERROR + marker for marker in missing], pa.string())
    errors = pc.and_not(pc.starts_with(cells, ERROR), pc.is_in(cells, value_set=declared))
    account.fail("error_cell", count_true(errors), len(cells), "sind Fehler wie #DIV/0!")
    lost = count_true(pc.equal(cells, UNCOMPUTED))
    account.fail("formula", lost, len(cells), "sind Formeln ohne gespeichertes Ergebnis")

    def written(cell: str) -> str:
        return cell.removeprefix(ERROR).removeprefix(UNCOMPUTED).replace(MARK, decimal)

    return pa.chunked_array([_each(cells.combine_chunks(), written)])


def as_name(cell: str) -> str:
    """A cell of a header as it stands in a column's name: the German decimal sign, ISO dates, no errors."""
    if cell.startswith(DATE):
        return cell.removeprefix(DATE)
    return "" if cell[:2] in (TRUE, FALSE, ERROR, UNCOMPUTED) else cell.replace(MARK, ",")


def _date(iso: str, pattern: str) -> str:
    moment = datetime.fromisoformat(iso)
    text = moment.strftime(pattern) if pattern else iso
    return text if not pattern or datetime.strptime(text, pattern) == moment else iso  # noqa: DTZ007  wall clock


def _each(cells: pa.Array, written: Callable[[str], str]) -> pa.Array:
    """Every distinct text is written once: a column has few days and few numbers, or no marks."""
    encoded = cells.dictionary_encode()
    return pa.array([written(each) for each in encoded.dictionary.to_pylist()], pa.string()).take(encoded.indices)
