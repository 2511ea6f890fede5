"""Years, half-years, quarters, months and weeks, however Germans write them, in one form that sorts: ``2025``,
``2025-H1``, ``2025-Q3``, ``2025-09``, ``2025-W37`` (ISO 8601 where it has one, also for the count of weeks).

Only what can mean one thing is read. ``3/2025`` may be a month or a quarter, ``2008/09`` a month or a school year:
both are refused.
"""

from __future__ import annotations

import re
from datetime import date

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from stadtdaten.german import MONTHS
from stadtdaten.read.typed.account import Account

YEAR = r"(?P<year>[12][0-9]{3})"
SPELLINGS = {
    "": (YEAR,),
    "H": (
        rf"{YEAR}[-/ ]?H(?P<part>[12])", rf"H(?P<part>[12])[-/ ]{YEAR}",
        rf"(?P<part>[12]|I|II)\. ?(?:Halbjahr|Hj\.?) {YEAR}",
    ),
    "Q": (
        rf"{YEAR}[-/ ]?Q(?P<part>[1-4])", rf"Q(?P<part>[1-4])[-/ ]{YEAR}", rf"Quartal (?P<part>[1-4])[/ ]{YEAR}",
        rf"(?P<part>[1-4]|I|II|III|IV)\. ?(?:Quartal|Vierteljahr|Vj\.?) {YEAR}",
    ),
    "M": (rf"{YEAR}-(?P<part>[0-9][0-9])", rf"(?P<part>[0-9][0-9])[./]{YEAR}", rf"(?P<part>[^\W\d]+)\.? {YEAR}"),
    "W": (
        rf"{YEAR}-W(?P<part>[0-9][0-9])", rf"KW ?(?P<part>[0-9][0-9]?)[/ ]{YEAR}",
        rf"(?P<part>[0-9][0-9]?)\. ?KW[/ ]{YEAR}",
    ),
}  # fmt: skip
"""Kind of period to the spellings of a whole cell."""

ROMAN = {"I": 1, "II": 2, "III": 3, "IV": 4}
MONTH_NAMES = {
    **{name.casefold(): number for number, name in enumerate(MONTHS, 1)},
    **{name.casefold()[:3]: number for number, name in enumerate(MONTHS, 1)},
    "mrz": 3, "jän": 1, "jänner": 1, "sept": 9,
}  # fmt: skip


def read_period(cells: pa.ChunkedArray, account: Account) -> pd.Series:
    """Text in the one form, "str"; each distinct cell is understood once."""
    encoded = cells.combine_chunks().dictionary_encode()
    spelled = encoded.dictionary.to_pylist()
    normal = pa.array([normal_form(cell) for cell in spelled], pa.large_string())
    codes = encoded.indices
    periods = normal.take(codes)
    lost = periods.null_count - cells.null_count
    account.fail("period", lost, len(cells), "sind kein Zeitraum, oder ihre Schreibweise ist mehrdeutig")
    respelled = pa.array([cell != form for cell, form in zip(spelled, normal.to_pylist(), strict=True)], pa.bool_())
    changed = int(pc.sum(respelled.take(codes)).as_py() or 0) - lost
    account.tell("period", changed, "Zeitraum in die einheitliche Form gebracht")
    return pd.Series(periods.to_pandas(), dtype="str")


def normal_form(cell: str) -> str | None:
    """The period in the one form; None if the cell is none, or could be several."""
    for kind, spellings in SPELLINGS.items():
        for spelling in spellings:
            if found := re.fullmatch(spelling, cell):
                return _written(kind, found["year"], found["part"] if kind else "")
    return None


def _written(kind: str, year: str, part: str) -> str | None:
    match kind:
        case "":
            return year
        case "M":
            number = int(part) if part.isdecimal() else MONTH_NAMES.get(part.casefold(), 0)
            return f"{year}-{number:02d}" if 1 <= number <= 12 else None
        case "W":
            try:
                date.fromisocalendar(int(year), int(part), 1)
            except ValueError:
                return None
            return f"{year}-W{int(part):02d}"
        case _:
            return f"{year}-{kind}{ROMAN.get(part, part)}"
