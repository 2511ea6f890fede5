"""Has every treatment been applied? Looks at the published columns alone and trusts nothing that was said of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import assert_never

import geopandas as gpd
import numpy as np
import pandas as pd

from stadtdaten.contracts.model import Column, Table
from stadtdaten.contracts.protection import (
    GRID_SUFFIX,
    Bands,
    Drop,
    FrequencyTable,
    Grid,
    Limits,
    Lookup,
    Mapping,
    Period,
    Prefix,
    Pseudonym,
    Rounded,
    Scrub,
    Snap,
    Street,
)
from stadtdaten.faults import Finding
from stadtdaten.privacy.context import Context
from stadtdaten.privacy.treatments.generalise import domain
from stadtdaten.privacy.treatments.grid import wrong_cells
from stadtdaten.privacy.treatments.pseudonym import FORM
from stadtdaten.privacy.treatments.snap import wrong_places
from stadtdaten.privacy.treatments.street import house_number_at

PERIODS = {
    "month": r"\d{4}-(?:0[1-9]|1[0-2])",
    "quarter": r"\d{4}-Q[1-4]",
    "half_year": r"\d{4}-H[12]",
    "year": r"\d{4}",
}


def untreated(frame: pd.DataFrame, table: Table, context: Context) -> Iterator[Finding]:
    """A finding for each column of the published ``frame`` that holds what its treatment cannot leave.

    Totals of a tabulation and labels of merged values are none. Not judged are counts and sums, which are of treated
    values but none themselves, and the quasi-identifiers of microdata, which were made coarser again for whole groups
    of records: the attacks on tables and on records judge those.
    """
    for column in table.columns:
        if column.treatment is None or not column.published:
            continue
        if table.microdata is not None and column.class_ == "quasi_identifier":
            continue
        if table.tabulation is not None and column.name == table.tabulation.measure:
            continue
        labels = _labels(column, table)
        values = frame[column.name]
        values = values[values.notna() & ~values.isin(labels)] if labels else values
        for what, count in _wrong(values, frame, column, context):
            yield Finding(
                "untreated", f"{count} von {len(frame)} Werten {what}.", table.id, column.name, count, len(frame)
            )


def _labels(column: Column, table: Table) -> tuple[str, ...]:
    """What tabulation writes into a dimension besides its values."""
    spec = table.tabulation
    if spec is None:
        return ()
    totals = (spec.total,) if column.name in spec.margins else ()
    merged = spec.merged if isinstance(spec, FrequencyTable) else {}
    return (*totals, *([merged[column.name]] if column.name in merged else []))


def _wrong(values: pd.Series, frame: pd.DataFrame, column: Column, context: Context) -> Iterator[tuple[str, int]]:
    """What is wrong, as a German half-sentence, and in how many rows."""
    match column.treatment:
        case Bands() | Mapping():
            yield from _counted("sind nicht vergröbert", ~values.isin(domain(column) or ()))
        case Lookup() as spec:
            known = context.references[spec.reference][spec.value].dropna().astype("str")
            yield from _counted("stehen nicht im Verzeichnis", ~values.isin([*known, spec.other]))
        case Period() as spec:
            yield from _counted("sind kein Zeitraum der erklärten Länge", _misfits(values, PERIODS[spec.unit]))
        case Prefix() as spec:
            yield from _counted(
                f"haben nicht genau {spec.length} Zeichen", values.notna() & (values.str.len() != spec.length)
            )
        case Limits() as spec:
            below = values < (-np.inf if spec.lowest is None else spec.lowest)
            above = values > (np.inf if spec.highest is None else spec.highest)
            yield from _counted("liegen jenseits der Grenzen", below.fillna(False) | above.fillna(False))
        case Rounded() as spec:
            multiples = values.astype("float64") / spec.to
            yield from _counted("sind nicht gerundet", (multiples - multiples.round()).abs() > 1e-6)
        case Pseudonym():
            yield from _counted("haben nicht die Form eines Pseudonyms", _misfits(values, FORM.pattern))
        case Street():
            numbered = values.dropna().map(house_number_at).notna()
            yield from _counted("enthalten eine Hausnummer", numbered)
        case Scrub() as spec:
            for title, pattern in spec.patterns.items():
                found = values.dropna().map(lambda text, search=re.compile(pattern).search: search(text) is not None)
                yield from _counted(f"enthalten noch: {title}", found)
        case Grid() as spec:
            cells = gpd.GeoSeries(values)
            yield from wrong_cells(cells, frame[column.name + GRID_SUFFIX], spec, context.crs)
        case Snap() as spec:
            reference = gpd.GeoDataFrame(context.references[spec.reference])
            yield from wrong_places(gpd.GeoSeries(values), spec, reference)
        case None | Drop():
            return
        case _:
            assert_never(column.treatment)


def _misfits(values: pd.Series, pattern: str) -> pd.Series:
    """Where a value that is not missing does not fit the pattern as a whole."""
    return values.notna() & ~values.astype("str").str.fullmatch(pattern).fillna(False).astype(bool)


def _counted(what: str, wrong: pd.Series) -> Iterator[tuple[str, int]]:
    if count := int(wrong.sum()):
        yield what, count
