"""How do numbers, dates and codes become coarser? Values in, values of the same rows out.

A missing value stays missing, except where the treatment has a word for it: it lies in no band, which stops the table,
and a mapping or a lookup gives it ``other`` like every value that is not listed.
"""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd

from stadtdaten.contracts.model import Column, Table
from stadtdaten.contracts.protection import Bands, Limits, Lookup, Mapping, Period, Prefix, Rounded
from stadtdaten.faults import Finding, GateFailed


def domain(column: Column) -> tuple[str, ...] | None:
    """The values that a treated column can have, in the order in which they are shown; None if nothing tells them."""
    if isinstance(column.treatment, Bands):
        return _labels(column.treatment)
    if isinstance(column.treatment, Mapping):
        return tuple(dict.fromkeys([*column.treatment.values.values(), column.treatment.other]))
    return None


def _labels(bands: Bands) -> tuple[str, ...]:
    """``[0, 3, 6]`` gives "0 bis 2", "3 bis 5", "6 und älter"; a band of one year is just "0"."""
    closed = [
        str(low) if high - low == 1 else f"{low} bis {high - 1}"
        for low, high in zip(bands.edges, bands.edges[1:], strict=False)
    ]
    return (*closed, bands.last.format(low=bands.edges[-1]))


def in_bands(values: pd.Series, bands: Bands, table: Table, column: Column) -> pd.Series:
    """The label of each value's band. Raises GateFailed("privacy") if a value is missing or below the first edge."""
    outside = int((values.isna() | (values < bands.edges[0]).fillna(True)).sum())
    if outside:
        raise GateFailed(
            "privacy",
            f"Tabelle {table.id}, Spalte {column.name}: {outside} von {len(values)} Werten fehlen oder liegen unter "
            f"der ersten Grenze {bands.edges[0]} und gehören zu keiner Gruppe.",
            next_step="Die Werte in der Quelle klären oder die Grenzen (edges) im Vertrag anpassen.",
            findings=(Finding("bands", "Werte ohne Gruppe.", table.id, column.name, count=outside, total=len(values)),),
        )
    number = np.searchsorted(np.array(bands.edges), values.to_numpy(dtype=np.int64), side="right") - 1
    return pd.Series(np.array(_labels(bands), dtype=object)[number], index=values.index, dtype="str")


def mapped(values: pd.Series, mapping: Mapping) -> pd.Series:
    """The declared coarser value of each value."""
    return values.map(mapping.values).fillna(mapping.other).astype("str")


def looked_up(values: pd.Series, lookup: Lookup, reference: pd.DataFrame) -> pd.Series:
    """What the reference has for each text. Raises GateFailed("privacy") if it has two values for one key."""
    pairs = reference[[lookup.key, lookup.value]].dropna().drop_duplicates()
    twice = int(pairs.loc[pairs[lookup.key].duplicated(), lookup.key].nunique())
    if twice:
        raise GateFailed(
            "privacy",
            f"Verzeichnis {lookup.reference}: {twice} Einträge der Spalte {lookup.key} haben mehrere Werte der Spalte "
            f"{lookup.value}; welcher gilt, ist nicht zu entscheiden.",
            next_step="Das Verzeichnis berichtigen oder im Vertrag eine Spalte nehmen (key), deren Einträge eindeutig "
            "sind.",
            findings=(Finding("lookup", "Mehrdeutige Einträge.", lookup.reference, lookup.key, twice, len(reference)),),
        )
    coarser = dict(zip(pairs[lookup.key], pairs[lookup.value].astype("str"), strict=True))
    return values.map(coarser).fillna(lookup.other).astype("str")


def in_periods(values: pd.Series, period: Period) -> pd.Series:
    """``2025-03``, ``2025-Q1``, ``2025-H1`` or ``2025``: of dates, or of moments in the zone in which they are kept,
    which is the city's."""
    days = values.dt
    years = days.year.astype("Int64").astype("string").str.zfill(4)
    match period.unit:
        case "month":
            texts = years + "-" + days.month.astype("Int64").astype("string").str.zfill(2)
        case "quarter":
            texts = years + "-Q" + days.quarter.astype("Int64").astype("string")
        case "half_year":
            texts = years + "-H" + ((days.quarter.astype("Int64") + 1) // 2).astype("string")
        case "year":
            texts = years
    return pd.Series(texts.astype("str"))


def prefixes(values: pd.Series, prefix: Prefix) -> pd.Series:
    """The first characters; missing where there are fewer, for that is another kind of code."""
    return values.where(values.str.len() >= prefix.length).str[: prefix.length].astype("str")


def limited(values: pd.Series, limits: Limits) -> pd.Series:
    """Values beyond a limit replaced by it; a whole number stays one: the limit 2.5 is 3 from below, 2 from above."""
    lowest, highest = limits.lowest, limits.highest
    if pd.api.types.is_integer_dtype(values.dtype):
        lowest = None if lowest is None else int(np.ceil(lowest))
        highest = None if highest is None else int(np.floor(highest))
    return values.clip(lower=lowest, upper=highest)


def rounded(values: pd.Series, spec: Rounded) -> pd.Series:
    """The nearest multiple, halves to the even one; whole numbers exactly, others as they are written in decimals.

    0.15 is not quite 1.5 tenths in binary: what is a half to nine places is one.
    """
    if pd.api.types.is_integer_dtype(values.dtype):
        step = int(spec.to)
        multiple, rest = values // step, values % step
        up = (2 * rest > step) | ((2 * rest == step) & (multiple % 2 == 1))
        return (multiple + up.astype(multiple.dtype)) * step
    exponent = Decimal(repr(spec.to)).as_tuple().exponent
    places = max(0, -int(exponent))
    return pd.Series((np.rint((values / spec.to).round(9)) * spec.to).round(places))
