"""How do rows become a table of counts with totals in which no small cell can be found?

Dimensions that get no total (a reference date) split the rows into strata: each stratum is a table of its own, with
every combination of the dimension values seen in it, zeros included. Within one, a total stands for every subset of
the dimensions in ``margins``. Cells below ``minimum`` (but not zeros) are primary, ``secondary`` adds the rest.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stadtdaten.contracts.model import Table
from stadtdaten.contracts.protection import FrequencyTable
from stadtdaten.faults import Finding, GateFailed, Misconfigured
from stadtdaten.privacy.columns import HIDDEN_SUFFIX
from stadtdaten.privacy.tables.secondary import suppress_grid
from stadtdaten.privacy.treatments.generalise import domain


@dataclass(frozen=True)
class Tabulation:
    """The table to publish and what was held back in it (numbers of cells)."""

    frame: pd.DataFrame
    primary: int
    secondary: int


def tabulate(frame: pd.DataFrame, table: Table, spec: FrequencyTable) -> Tabulation:
    """The frequency table of treated rows: dimensions, count (Int64, NA where held back), ``<count>_geheim``.

    Rows are ordered by the dimensions, each in the order of its domain (bands and mappings as declared, others
    ascending) with the total last. The order of the rows of ``frame`` has no influence.
    Raises GateFailed("privacy") for a missing dimension value or a missing or negative count, Misconfigured where a
    total could not be told from a value.
    """
    _check_rows(frame, table, spec)
    strata = [name for name in spec.dimensions if name not in spec.margins]
    spanning = [name for name in spec.dimensions if name in spec.margins]
    groups = frame.groupby(strata, sort=True) if strata else [((), frame)]
    parts, primary, secondary = [], 0, 0
    for key, rows in groups:
        values = {name: _ordered(rows[name], table, name) for name in spanning}
        counts = _with_totals(_counts(rows, values, spec.measure))
        small = (counts > 0) & (counts < spec.protection.minimum)
        hidden = suppress_grid(counts, spec.protection.minimum)
        primary += int(small.sum())
        secondary += int((hidden & ~small).sum())
        labels = itertools.product(*([*values[name], spec.total] for name in spanning))
        part = pd.DataFrame(list(labels), columns=spanning, dtype="str")
        for name, value in zip(strata, key, strict=True):
            part[name] = pd.Series(value, index=part.index).astype(frame[name].dtype)
        part[spec.measure] = pd.Series(counts.ravel(), dtype="Int64").mask(hidden.ravel())
        part[spec.measure + HIDDEN_SUFFIX] = pd.Series(hidden.ravel(), dtype="boolean")
        parts.append(part)
    return Tabulation(_arranged(pd.concat(parts, ignore_index=True), table, spec), primary, secondary)


def _check_rows(frame: pd.DataFrame, table: Table, spec: FrequencyTable) -> None:
    for name in spec.margins:
        if not pd.api.types.is_string_dtype(frame[name].dtype):
            raise Misconfigured(
                f"Tabelle {table.id}: die Dimension {name} bekommt Summen, ist aber kein Text.",
                next_step="Im Vertrag Altersgruppen (bands) oder eine Zuordnung (mapping) erklären oder sie aus "
                "margins nehmen.",
            )
        if (frame[name] == spec.total).any():
            raise Misconfigured(
                f"Tabelle {table.id}: die Spalte {name} enthält selbst die Bezeichnung der Summen "
                "(frequency_table.total).",
                next_step="Im Vertrag eine andere Bezeichnung wählen oder die Summenzeilen in der Quelle weglassen.",
            )
    checks = {name: frame[name].isna() for name in spec.dimensions}
    checks[spec.measure] = frame[spec.measure].isna() | (frame[spec.measure] < 0).fillna(True)
    findings = tuple(
        Finding("frequency_table", "Werte fehlen oder sind negativ.", table.id, name, int(bad.sum()), len(frame))
        for name, bad in checks.items()
        if bad.any()
    )
    if findings or frame.empty:
        raise GateFailed(
            "privacy",
            f"Tabelle {table.id} lässt sich nicht auszählen: "
            + ("; ".join(f"{f.column}: {f.count} von {f.total} Werten fehlen oder sind negativ" for f in findings)
               or "sie hat keine Zeile")
            + ".",
            next_step="Die Werte in der Quelle klären; ohne sie stimmen die Summen nicht.",
            findings=findings,
        )  # fmt: skip


def _ordered(values: pd.Series, table: Table, name: str) -> list[str]:
    seen = set(values)
    known = domain(table.column(name))
    return sorted(seen) if known is None else [value for value in known if value in seen]


def _counts(rows: pd.DataFrame, values: dict[str, list[str]], count: str) -> NDArray[np.int64]:
    """Sums of ``count``, one axis per dimension."""
    shape = tuple(len(labels) for labels in values.values())
    places = [pd.Categorical(rows[name], categories=labels).codes for name, labels in values.items()]
    sums = np.zeros(int(np.prod(shape)), dtype=np.int64)
    np.add.at(sums, np.ravel_multi_index(tuple(np.asarray(place, dtype=np.int64) for place in places), shape),
              rows[count].to_numpy(dtype=np.int64))  # fmt: skip
    return sums.reshape(shape)


def _with_totals(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    for axis in range(counts.ndim):
        counts = np.concatenate([counts, counts.sum(axis=axis, keepdims=True)], axis=axis)
    return counts


def _arranged(frame: pd.DataFrame, table: Table, spec: FrequencyTable) -> pd.DataFrame:
    """Columns in published order, rows by the dimensions in their order with totals last."""
    ranks = pd.DataFrame(index=frame.index)
    for name in spec.dimensions:
        if name in spec.margins:
            order = [*_ordered(frame[name][frame[name] != spec.total], table, name), spec.total]
            ranks[name] = pd.Categorical(frame[name], categories=order).codes
        else:
            ranks[name] = frame[name].rank(method="dense")
    columns = [*spec.dimensions, spec.measure, spec.measure + HIDDEN_SUFFIX]
    return frame.loc[ranks.sort_values(list(spec.dimensions), kind="stable").index, columns].reset_index(drop=True)
