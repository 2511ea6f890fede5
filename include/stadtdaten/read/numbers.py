"""How numbers are written: decimal sign, grouping, units, signs of minus; anything else is no number.

Grouping must be whole (``1.234.567``; never ``1.23.456``). The blank between groups may be a space, a no-break space
or a narrow one, the apostrophe straight or curly. A minus may be typographic (``\u221212``, ``\u201312``), and may
stand behind the decimals as SAP writes it (``123,45-``) in a column without any other minus; behind a whole number it
is refused, because ``65-`` may as well be an open range.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from stadtdaten.contracts.model import Column
from stadtdaten.read.account import Account
from stadtdaten.read.arrow import count_true, null_where

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
        return rf"^-?(?:{grouped}0*[0-9]{{1,19}})$"


def read_number(column: Column, cells: pa.ChunkedArray, notation: Notation, account: Account) -> pd.Series:
    """float64; NaN where the cell is null. ``cells`` is text without outer space, or already float64."""
    values, lost = (cells, 0) if pa.types.is_float64(cells.type) else _parsed(column, cells, notation, account)
    lost += count_true(pc.invert(pc.is_finite(values)))
    account.fail("number", lost, len(cells), "sind keine Zahl")
    return pd.Series(_without_markers(column, values, account).to_numpy())


def read_integer(column: Column, cells: pa.ChunkedArray, notation: Notation, account: Account) -> pd.Series:
    """Int64, exact. ``cells`` is text without outer space, or already int64."""
    values, lost = (cells, 0) if pa.types.is_int64(cells.type) else _parsed(column, cells, notation, account)
    account.fail("integer", lost, len(cells), "sind keine ganze Zahl")
    values = _without_markers(column, values, account)
    return pd.Series(values.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get))


def read_coordinate(cells: pa.ChunkedArray, notation: Notation, account: Account) -> np.ndarray:
    """float64; NaN where the cell is null."""
    values = cells if pa.types.is_float64(cells.type) else numbers_in(cells, notation)
    numbers: np.ndarray = values.to_numpy()
    lost = pc.is_valid(cells).to_numpy() & ~np.isfinite(numbers)
    account.fail("number", int(lost.sum()), len(cells), "sind keine Zahl")
    return numbers


def numbers_in(cells: pa.ChunkedArray, notation: Notation) -> pa.ChunkedArray:
    """float64; null where the text is no number."""
    misfits = pc.invert(pc.match_substring_regex(cells, notation.number))
    return pc.cast(_plain(null_where(cells, misfits), notation), pa.float64())


def numeric_markers(column: Column) -> dict[str, float]:
    """The missing markers that stand for a number, however that is written in the cells."""
    return {marker: float(marker) for marker in column.missing if NUMERIC_MARKER.fullmatch(marker)}


def _without_markers(column: Column, values: pa.ChunkedArray, account: Account) -> pa.ChunkedArray:
    for marker, number in numeric_markers(column).items():
        met = pc.equal(values, pa.scalar(number, pa.float64()))
        account.met[marker] += count_true(met)
        values = null_where(values, met)
    return values


def _parsed(
    column: Column, cells: pa.ChunkedArray, notation: Notation, account: Account
) -> tuple[pa.ChunkedArray, int]:
    """The values of the text, null where it is none, and how often it is none."""
    whole = column.type == "integer"
    pattern = notation.integer if whole else notation.number
    misfits = pc.invert(pc.match_substring_regex(cells, pattern))
    lost = count_true(misfits)
    if lost:  # most columns have none, and pay for nothing that follows
        cells = _mended(column, cells, pc.fill_null(misfits, False), notation, account)
        misfits = pc.invert(pc.match_substring_regex(cells, pattern))
        lost = count_true(misfits)
        cells = null_where(cells, misfits)
    plain = _plain(cells, notation)
    if not whole:
        return pc.cast(plain, pa.float64()), lost
    try:
        return pc.cast(plain, pa.int64()), lost
    except pa.ArrowInvalid:  # nothing but a number of 19 digits can be too large
        too_large = pc.greater(pc.abs(pc.cast(plain, pa.decimal128(38, 0))), pa.scalar(2**63 - 1))
        return pc.cast(null_where(plain, too_large), pa.int64()), lost + count_true(too_large)


def _mended(
    column: Column, cells: pa.ChunkedArray, misfits: pa.ChunkedArray, notation: Notation, account: Account
) -> pa.ChunkedArray:
    """The cells, with those among the misfits rewritten that say a number beyond doubt."""
    whole = cells.combine_chunks()
    mask = misfits.combine_chunks()
    rest = whole.filter(mask)
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
    if not count_true(pc.starts_with(pc.replace_with_mask(whole, mask, rest), "-")):
        behind = rf"^([0-9].*{re.escape(notation.decimal)}[0-9]+)-$"
        rest = _rewritten(rest, behind, r"-\1", account, "minus", "Minuszeichen hinter der Zahl")
    if column.type == "integer":
        for number in numeric_markers(column).values():  # -999 is met here also as -999,0
            met = pc.equal(numbers_in(rest, notation), number)
            rest = pc.if_else(pc.fill_null(met, False), pa.scalar(f"{number:.0f}", rest.type), rest)
    return pa.chunked_array([pc.replace_with_mask(whole, mask, rest)])


def _rewritten(rest: pa.Array, pattern: str, by: str, account: Account, kind: str, detail: str) -> pa.Array:
    new = pc.replace_substring_regex(rest, pattern, by)
    account.tell(kind, count_true(pc.not_equal(new, rest)), detail)
    return new


def _plain(cells: pa.ChunkedArray, notation: Notation) -> pa.ChunkedArray:
    """Numbers of the notation as Arrow reads them: without groups, with a point."""
    if notation.thousands in GROUPS:
        cells = pc.replace_substring_regex(cells, notation.group, "")
    elif notation.thousands:
        cells = pc.replace_substring(cells, notation.thousands, "")
    return cells if notation.decimal == "." else pc.replace_substring(cells, notation.decimal, ".")
