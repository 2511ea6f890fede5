"""How does a value become a pseudonym that nobody without the key can undo or guess?

HMAC-SHA-256 (RFC 2104): without the key, trying all possible values (names, numbers of the population register) is of
no use, as it would be with a plain hash. The key of a column and period is derived from the connection's password, so
- the same value has the same pseudonym within the period, also in later releases;
- in the next period it has another one: nobody can be followed for longer than the rotation allows. (Rows that are
  published again in the new period can be linked by what else they show; the audit of records looks at that.);
- in another column or table it has another one: what no contract declares cannot be joined.
64 bits make it improbable (3 in 10^8) that two of a million values get the same pseudonym. They are written as 16
consonants: hexadecimal digits would now and then look like a telephone number, to our detectors, or like a floating
point number, to Excel; with vowels they would form words.
"""

from __future__ import annotations

import hmac
import re
from datetime import date
from typing import Literal

import pandas as pd

from stadtdaten.contracts.protection import Pseudonym
from stadtdaten.privacy.context import Context
from stadtdaten.privacy.keys import derived_key

LETTERS = "bcdfghjklmnpqrst"
"""One for each value of four bits."""

FORM = re.compile(f"[{LETTERS}]{{16}}")

_WRITTEN = str.maketrans("0123456789abcdef", LETTERS)


def pseudonyms(values: pd.Series, spec: Pseudonym, context: Context, domain: str) -> pd.Series:
    """A pseudonym for each value (text or whole number); ``domain`` tells tables and columns apart.

    Raises Misconfigured if the key is missing or too short.
    """
    purpose = f"stadtdaten pseudonym {domain} {_period(context.today, spec.rotation)}"
    title = f"Pseudonyme, Verbindung {spec.connection}"
    key = derived_key(context.key(spec.connection), purpose, title)
    distinct = values.dropna().unique()
    by_value = {
        value: hmac.digest(key, str(value).encode(), "sha256")[:8].hex().translate(_WRITTEN) for value in distinct
    }
    return values.map(by_value, na_action="ignore").astype("str")


def _period(day: date, rotation: Literal["month", "quarter", "year"]) -> str:
    match rotation:
        case "month":
            return f"{day.year}-{day.month:02}"
        case "quarter":
            return f"{day.year}-Q{(day.month + 2) // 3}"
        case "year":
            return str(day.year)
