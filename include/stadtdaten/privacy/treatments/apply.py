"""What leaves a table at all, and how coarse is it? The allow-list, and each column's treatment.

Default deny: a column that the contract does not declare stops the table instead of being passed over, because its
presence means that an earlier room did not do its work.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

import geopandas as gpd
import pandas as pd

from stadtdaten.contracts.model import Column, Table
from stadtdaten.contracts.protection import (
    GRID_SUFFIX,
    Bands,
    Drop,
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
from stadtdaten.faults import Finding, GateFailed, SchemaChanged
from stadtdaten.privacy.context import Context
from stadtdaten.privacy.text.scrub import scrub
from stadtdaten.privacy.treatments.generalise import in_bands, in_periods, limited, looked_up, mapped, prefixes, rounded
from stadtdaten.privacy.treatments.grid import in_grid
from stadtdaten.privacy.treatments.pseudonym import pseudonyms
from stadtdaten.privacy.treatments.snap import snapped
from stadtdaten.privacy.treatments.street import without_house_number


@dataclass(frozen=True)
class ColumnNumbers:
    """What a treatment did to the values of one column: how many it changed, and how many it left out altogether."""

    column: str
    kind: str
    changed: int
    left_out: int


@dataclass(frozen=True)
class TreatmentNumbers:
    """What the treatments did to a table of ``rows`` rows; ``columns`` are those published with a treatment."""

    rows: int
    columns: tuple[ColumnNumbers, ...]


def treat(frame: pd.DataFrame, table: Table, context: Context) -> tuple[pd.DataFrame, TreatmentNumbers]:
    """The published columns of ``frame`` (typed by the contract) with their treatment applied, in contract order.

    Behind a geometry that became cells of the grid stand their names. The result has a fresh RangeIndex and no
    ``attrs``: both could carry what no column shows. A treatment takes the whole column, before any rows are added up.
    Raises GateFailed("privacy") for an undeclared column or for values that a treatment cannot take, SchemaChanged for
    a declared column that is missing, Misconfigured for an unfit key.
    """
    _refuse_unless_declared(frame, table)
    treated = frame[[column.name for column in table.columns if column.published]].reset_index(drop=True)
    treated.attrs = {}
    numbers = []
    for column in table.columns:
        if column.treatment is None or not column.published:
            continue
        before = treated[column.name]
        if isinstance(column.treatment, Grid):
            treated[column.name], names = in_grid(gpd.GeoSeries(before), column.treatment, context.crs, table, column)
            treated.insert(list(treated.columns).index(column.name) + 1, column.name + GRID_SUFFIX, names)
        else:
            treated[column.name] = _treated(before, column, table, context)
        numbers.append(_numbers(before, treated[column.name], column))
    return treated, TreatmentNumbers(rows=len(treated), columns=tuple(numbers))


def _refuse_unless_declared(frame: pd.DataFrame, table: Table) -> None:
    declared = [column.name for column in table.columns]
    undeclared = [str(name) for name in frame.columns if name not in declared]
    if undeclared:
        raise GateFailed(
            "privacy",
            f"Tabelle {table.id}: {len(undeclared)} Spalte(n) sind im Vertrag nicht erklärt und dürfen nicht "
            "veröffentlicht werden.",
            next_step="Jede Spalte im Vertrag erklären (nicht zu veröffentlichende mit treatment: {kind: drop}).",
            findings=tuple(
                Finding("undeclared_column", f"Spalte {name} ist nicht erklärt.", table.id, name) for name in undeclared
            ),
        )
    missing = [name for name in declared if name not in frame.columns]
    if missing:
        raise SchemaChanged(
            f"Tabelle {table.id}: erklärte Spalte(n) fehlen: {', '.join(missing)}.",
            next_step="Die Quelle oder den Vertrag berichtigen.",
        )


def _treated(values: pd.Series, column: Column, table: Table, context: Context) -> pd.Series:
    match column.treatment:
        case Bands() as spec:
            return in_bands(values, spec, table, column)
        case Mapping() as spec:
            return mapped(values, spec)
        case Lookup() as spec:
            return looked_up(values, spec, context.references[spec.reference])
        case Period() as spec:
            return in_periods(values, spec)
        case Prefix() as spec:
            return prefixes(values, spec)
        case Limits() as spec:
            return limited(values, spec)
        case Rounded() as spec:
            return rounded(values, spec)
        case Pseudonym() as spec:
            return pseudonyms(values, spec, context, f"{table.id}.{column.name}")
        case Snap() as spec:
            reference = gpd.GeoDataFrame(context.references[spec.reference])
            return pd.Series(snapped(gpd.GeoSeries(values), spec, reference, table, column))
        case Street():
            return pd.Series(values.map(without_house_number, na_action="ignore").astype("str"))
        case Scrub() as spec:
            texts = values.dropna()
            clean = pd.Series(scrub(texts.tolist(), spec.patterns), index=texts.index, dtype="str")
            return clean.reindex(values.index)
        case None | Drop() | Grid():
            raise AssertionError("taken care of before")
        case _:
            assert_never(column.treatment)


def _numbers(before: pd.Series, after: pd.Series, column: Column) -> ColumnNumbers:
    kept = before.notna() & after.notna()
    # Of another type, or a place: no value is what it was.
    comparable = before.dtype == after.dtype and column.type != "geometry"
    changed = kept & (before != after).fillna(False) if comparable else kept
    return ColumnNumbers(
        column=column.name,
        kind=column.treatment.kind if column.treatment else "",
        changed=int(changed.sum()),
        left_out=int((before.notna() & after.isna()).sum()),
    )
