"""How numbers are written: decimal sign, grouping, units, signs of minus; anything else is no number.

Grouping must be whole (``1.234.567``; never ``1.23.456``). The blank between groups may be a space, a no-break space
or a narrow one, the apostrophe straight or curly. A minus may be typographic (``\u221212``, ``\u201312``), and may
stand behind the decimals as SAP writes it (``123,45-``) in a column without any other minus; behind a whole number it
is refused, because ``65-`` may as well be an open range.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from stadtdaten.contracts.model import Column
from stadtdaten.read.typed.account import Account
from stadtdaten.read.typed.arrow import Cells, count_true, null_where
from stadtdaten.read.typed.cells import fits, is_text, trimmed, without_markers

BLANKS = " \u00a0\u202f"
GROUPS = {" ": f"[{BLANKS}]", "'": "['\u2019]"}
"""Thousands separator of the contract to what may stand for it, where that is not the character alone."""

NUMERIC_MARKER = re.compile(r"[+-]?\d+(\.\d+)?")
"""In the contract's own notation."""

TYPOGRAPHIC_MINUS = "[\u2212\u2013]"


@dataclass(frozen=True)
class Notation:
    """How numbers are written in a source: decimal sign and thousands separator ("" for none)."""

    decimal: str = "."
    thousands: str = ""

    @property
    def group(self) -> str:
        """Regular expression of the sign between groups of three digits; "" for none."""
        return GROUPS.get(self.thousands, re.escape(self.thousands))

    @property
    def number(self) -> str:
        """Regular expression of a whole cell that is a number, without plus."""
        decimal = re.escape(self.decimal)
        whole = rf"(?:[0-9]{{1,3}}(?:{self.group}[0-9]{{3}})+|[0-9]+)" if self.group else "[0-9]+"
        return rf"^-?(?:{whole}(?:{decimal}[0-9]+)?|{decimal}[0-9]+)(?:[eE][+-]?[0-9]+)?$"

    @property
    def integer(self) -> str:
        """Regular expression of a whole cell that is a whole number of at most 19 digits, without plus."""
        grouped = rf"[0-9]{{1,3}}(?:{self.group}[0-9]{{3}}){{1,6}}|" if self.group else ""
        return rf"^-?(?:{grouped}[0-9]{{1,19}})$"


def read_number(column: Column, cells: pa.ChunkedArray, notation: Notation, account: Account) -> pd.Series:
    """float64; NaN where the cell is empty or a missing marker. ``cells`` is text, or already float64."""
    values, lost = _parsed(column, cells.combine_chunks(), notation, account) if is_text(cells) else (cells, 0)
    lost += count_true(pc.invert(pc.is_finite(values)))
    account.fail("number", lost, len(cells), "sind keine Zahl")
    return pd.Series(_without_numeric_markers(column, cells, values, account).to_numpy(zero_copy_only=False))


def read_integer(column: Column, cells: pa.ChunkedArray, notation: Notation, account: Account) -> pd.Series:
    """Int64, exact; missing where the cell is empty or a missing marker. ``cells`` is text, or already int64."""
    values, lost = _parsed(column, cells.combine_chunks(), notation, account) if is_text(cells) else (cells, 0)
    account.fail("integer", lost, len(cells), "sind keine ganze Zahl")
    values = _without_numeric_markers(column, cells, values, account)
    return pd.Series(values.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get))


def read_coordinate(cells: pa.ChunkedArray, notation: Notation, account: Account) -> np.ndarray:
    """float64; NaN where the cell is empty. ``cells`` is text, or already float64."""
    if is_text(cells):
        bare = trimmed(cells.combine_chunks(), account)
        cells = null_where(bare, pc.equal(bare, ""))
    numbers: np.ndarray = (numbers_in(cells, notation) if is_text(cells) else cells).to_numpy(zero_copy_only=False)
    lost = pc.is_valid(cells).to_numpy(zero_copy_only=False) & ~np.isfinite(numbers)
    account.fail("number", int(lost.sum()), len(cells), "sind keine Zahl")
    return numbers


def numbers_in(cells: pa.Array, notation: Notation) -> pa.Array:
    """float64; null where the text is no number."""
    misfits = pc.invert(fits(cells, notation.number))
    return pc.cast(_plain(null_where(cells, misfits), notation), pa.float64())


def numeric_markers(column: Column) -> dict[str, float]:
    """The missing markers that stand for a number, however that is written in the cells."""
    return {marker: float(marker) for marker in column.missing if NUMERIC_MARKER.fullmatch(marker)}


def _without_numeric_markers(column: Column, cells: Cells, values: Cells, account: Account) -> Cells:
    for marker, number in numeric_markers(column).items():
        met = _equal(values, marker, number)
        if is_text(cells):
            # The marker as written counts also where the table's notation reads it as another number.
            met = pc.or_(met, pc.and_(pc.equal(cells, marker), pc.is_valid(values)))
        account.met[marker] += count_true(met)
        values = null_where(values, met)
    return values


def _equal(values: Cells, marker: str, number: float) -> Cells:
    """Where the values are the marker's number; whole ones exactly, because a float64 is exact only up to 2^53."""
    if not pa.types.is_integer(values.type):
        return pc.equal(values, pa.scalar(number, pa.float64()))
    exact = Decimal(marker)
    if exact != exact.to_integral_value() or not -(2**63) <= exact < 2**63:
        return pc.and_not(pc.is_null(values), pc.is_null(values))  # nowhere
    return pc.equal(values, pa.scalar(int(exact), pa.int64()))


def _parsed(column: Column, cells: pa.Array, notation: Notation, account: Account) -> tuple[pa.Array, int]:
    """The values of the text, null where it is none, and how often it is neither empty nor a marker nor a number.

    What is a number as it stands is most of a column, and pays for nothing else.
    """
    whole = column.type == "integer"
    misfits = pc.fill_null(pc.invert(fits(cells, notation.integer if whole else notation.number)), False)
    lost = 0
    if pc.any(misfits).as_py():
        only_plus = not count_true(pc.starts_with(cells, "-"))
        rest, lost = _mended(column, cells.filter(misfits), notation, only_plus, account)
        cells = pc.replace_with_mask(cells, misfits, rest)
    plain = _plain(cells, notation)
    if not whole:
        return pc.cast(plain, pa.float64()), lost
    try:
        return pc.cast(plain, pa.int64()), lost
    except pa.ArrowInvalid:  # nothing but a number of 19 digits can be too large
        too_large = pc.greater(pc.abs(pc.cast(plain, pa.decimal128(38, 0))), pa.scalar(2**63 - 1))
        return pc.cast(null_where(plain, too_large), pa.int64()), lost + count_true(too_large)


def _mended(
    column: Column, rest: pa.Array, notation: Notation, no_minus_elsewhere: bool, account: Account
) -> tuple[pa.Array, int]:
    """What is not yet a number, rewritten where it says one beyond doubt, and how many cells do not.

    Null where a cell is empty, a marker, or lost.
    """
    rest = without_markers(column, trimmed(rest, account), account)
    if column.zero:
        nothing = pc.is_in(rest, value_set=pa.array(column.zero, rest.type))
        account.tell("zero_mark", count_true(nothing), "Zeichen für genau nichts als 0 gelesen")
        rest = pc.if_else(nothing, pa.scalar("0", rest.type), rest)
    if column.signs:
        sign = "|".join(re.escape(each) for each in sorted(column.signs, key=len, reverse=True))
        cut = rf"^(?:(?:{sign})[{BLANKS}]*(.*)|(.*?)[{BLANKS}]*(?:{sign}))$"
        rest = _rewritten(rest, cut, r"\1\2", account, "sign", "Einheit in der Zelle abgeschnitten")
    rest = _rewritten(rest, f"^{TYPOGRAPHIC_MINUS}", "-", account, "minus", "typografisches Minuszeichen")
    rest = pc.replace_substring_regex(rest, r"^\+([0-9])", r"\1")
    if no_minus_elsewhere and not count_true(pc.starts_with(rest, "-")):
        behind = rf"^([0-9].*{re.escape(notation.decimal)}[0-9]+)-$"
        rest = _rewritten(rest, behind, r"-\1", account, "minus", "Minuszeichen hinter der Zahl")
    if column.type == "integer":
        for number in numeric_markers(column).values():  # -999 is met here also as -999,0
            met = pc.equal(numbers_in(rest, notation), number)
            rest = pc.if_else(pc.fill_null(met, False), pa.scalar(f"{number:.0f}", rest.type), rest)
    misfits = pc.invert(fits(rest, notation.integer if column.type == "integer" else notation.number))
    return null_where(rest, misfits), count_true(misfits)


def _rewritten(rest: pa.Array, pattern: str, by: str, account: Account, kind: str, detail: str) -> pa.Array:
    new = pc.replace_substring_regex(rest, pattern, by)
    account.tell(kind, count_true(pc.not_equal(new, rest)), detail)
    return new


def _plain(cells: pa.Array, notation: Notation) -> pa.Array:
    """Numbers of the notation as Arrow reads them: without groups, with a point."""
    if notation.thousands in GROUPS:
        cells = pc.replace_substring_regex(cells, notation.group, "")
    dropped = "" if notation.thousands in GROUPS else notation.thousands
    if not dropped and notation.decimal == ".":
        return cells
    # One pass over all bytes, which takes a fifth of the time that replacing in each text takes.
    texts = (pc.fill_null(cells, "") if cells.null_count else cells).cast(pa.large_string())
    lengths = pc.binary_length(texts)
    if dropped and dropped.encode() in _bytes_of(texts):
        lengths = pc.subtract(lengths, pc.count_substring(texts, dropped))
    ends = np.concatenate([[0], np.cumsum(lengths.to_numpy(), dtype="int64")])
    swap = bytes.maketrans(notation.decimal.encode(), b".")
    data = _bytes_of(texts).translate(swap, dropped.encode())
    plain = pa.LargeStringArray.from_buffers(len(texts), pa.py_buffer(ends), pa.py_buffer(data))
    return null_where(plain, pc.is_null(cells)) if cells.null_count else plain


def _bytes_of(texts: pa.LargeStringArray) -> bytes:
    """All texts without anything between them."""
    _, offsets, data = texts.buffers()
    if data is None:
        return b""
    ends = np.frombuffer(offsets, "int64")[texts.offset : texts.offset + len(texts) + 1]
    return bytes(memoryview(data)[int(ends[0]) : int(ends[-1])])
