"""What leaves a table at all, and how coarse is it? The allow-list and the treatments of single columns.

Default deny: a column that the contract does not declare stops the table instead of being passed over, because its
presence means that an earlier room did not do its work.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from stadtdaten.contracts.model import Column, Table
from stadtdaten.contracts.protection import Bands, Mapping
from stadtdaten.faults import Finding, GateFailed, SchemaChanged


def treat(frame: pd.DataFrame, table: Table) -> pd.DataFrame:
    """The published columns of ``frame`` (typed by the contract) with their treatment applied, in contract order.

    The result has a fresh RangeIndex and no ``attrs``: both could carry what no column shows.
    Raises GateFailed("privacy") for an undeclared column or a value that no band takes, SchemaChanged for a declared
    column that is missing.
    """
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
    treated = frame[[column.name for column in table.columns if column.published]].reset_index(drop=True)
    treated.attrs = {}
    for column in table.columns:
        if isinstance(column.treatment, Bands):
            treated[column.name] = _in_bands(treated[column.name], column.treatment, column, table)
        elif isinstance(column.treatment, Mapping):
            treated[column.name] = _mapped(treated[column.name], column.treatment)
    return treated


def domain(column: Column) -> tuple[str, ...] | None:
    """The values that a treated column can have, in the order in which they are shown; None if it is not treated."""
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


def _in_bands(values: pd.Series, bands: Bands, column: Column, table: Table) -> pd.Series:
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


def _mapped(values: pd.Series, mapping: Mapping) -> pd.Series:
    # A missing value is not listed either, so it becomes `other` like any unlisted one.
    return values.map(mapping.values).fillna(mapping.other).astype("str")
