"""Can these rows be counted or added up at all, and how, so that neither their order nor rounding matters?"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stadtdaten.contracts.model import Table
from stadtdaten.contracts.protection import FrequencyTable
from stadtdaten.faults import Finding, GateFailed, Misconfigured
from stadtdaten.german import counted
from stadtdaten.privacy.tables.lattice import Lattice, SeveralParents, Stratum, axis, chains
from stadtdaten.privacy.tables.linked import declared, strata
from stadtdaten.privacy.treatments.generalise import domain

LARGEST_TOTAL = 2.0**53
"""Up to here 64-bit floats hold every whole number, which keeps sums exact."""

MOST_DECIMALS = 9
"""Amounts are rounded to as many."""


@dataclass(frozen=True)
class Counted:
    """The rows of one table made ready.

    ``amounts`` (one per row) are what is added up, in whole units; ``units`` of them make 1 of the measure. ``strata``
    has the positions of the rows of each stratum, in their order. ``orders`` has the values of each dimension in the
    order in which they are shown.
    """

    table: Table
    frame: pd.DataFrame
    amounts: NDArray[np.int64]
    units: int
    strata: dict[Stratum, NDArray[np.intp]]
    orders: dict[str, list[Hashable]]

    def lattice(self, stratum: Stratum) -> Lattice:
        """The cells that the rows of the stratum span. Raises GateFailed("privacy") for a value with two parents."""
        rows = self.frame.iloc[self.strata[stratum]]
        spec = declared(self.table)
        try:
            return Lattice(tuple(axis(rows, levels, self.orders) for levels in chains(spec)), len(rows))
        except SeveralParents as problem:
            parent = spec.nested[problem.name]
            values = counted(problem.count, f"Wert von {problem.name} liegt", f"Werte von {problem.name} liegen")
            message = f"{values} in mehr als einem Wert von {parent}."
            raise GateFailed(
                "privacy",
                f"Tabelle {self.table.id} lässt sich nicht auszählen: {message}",
                next_step="Die Zuordnung in der Quelle klären oder nested im Vertrag streichen.",
                findings=(Finding("nested", message, self.table.id, problem.name, problem.count),),
            ) from None


def count(frame: pd.DataFrame, table: Table) -> Counted:
    """Make the treated rows of a table ready.

    Raises GateFailed("privacy") for a missing dimension value, a missing or negative measure and a table without rows;
    Misconfigured where a total could not be told from a value.
    """
    spec = declared(table)
    _check_labels(frame, table)
    if isinstance(spec, FrequencyTable) and spec.count is None:
        measured = pd.Series(1, index=frame.index, dtype="Int64")
    else:
        measured = frame[spec.measure]
    _check_values(frame, measured, table)
    values = np.array(measured, dtype=np.float64)
    units = 10 ** _decimals(values)
    frame = frame.reset_index(drop=True)
    names = list(strata(table))
    groups = frame.groupby(names, sort=True).indices if names else {(): np.arange(len(frame))}
    by_stratum = {each if isinstance(each, tuple) else (each,): np.asarray(rows) for each, rows in groups.items()}
    return Counted(
        table=table,
        frame=frame,
        amounts=np.rint(values * units).astype(np.int64),
        units=units,
        strata={each: by_stratum[each] for each in sorted(by_stratum)},
        orders={name: _ordered(frame[name], table, name) for name in spec.dimensions},
    )


def _check_labels(frame: pd.DataFrame, table: Table) -> None:
    spec = declared(table)
    labels = dict.fromkeys(spec.margins, spec.total) | (spec.merged if isinstance(spec, FrequencyTable) else {})
    for name, label in labels.items():
        if not pd.api.types.is_string_dtype(frame[name].dtype):
            raise Misconfigured(
                f"Tabelle {table.id}: die Dimension {name} bekommt Summen, ist aber kein Text.",
                next_step="Im Vertrag Altersgruppen (bands) oder eine Zuordnung (mapping) erklären oder sie aus "
                "margins nehmen.",
            )
        if (frame[name] == label).any():
            raise Misconfigured(
                f"Tabelle {table.id}: die Spalte {name} enthält selbst die Bezeichnung der Summen (total, merged).",
                next_step="Im Vertrag eine andere Bezeichnung wählen oder die Summenzeilen in der Quelle weglassen.",
            )


def _check_values(frame: pd.DataFrame, measured: pd.Series, table: Table) -> None:
    spec = declared(table)
    checks = {name: frame[name].isna() for name in spec.dimensions}
    checks[spec.measure] = measured.isna() | (measured < 0).fillna(True)
    findings = tuple(
        Finding("tabulation", "Werte fehlen oder sind negativ.", table.id, name, int(bad.sum()), len(frame))
        for name, bad in checks.items()
        if bad.any()
    )
    if findings:
        problem = "; ".join(f"{f.column}: {f.count} von {f.total} Werten fehlen oder sind negativ" for f in findings)
    elif frame.empty:
        problem = "sie hat keine Zeile"
    elif not float(measured.to_numpy(dtype=np.float64).sum()) < LARGEST_TOTAL:
        problem = f"{spec.measure}: die Summe ist zu groß, um genau zu sein"
    else:
        return
    raise GateFailed(
        "privacy",
        f"Tabelle {table.id} lässt sich nicht auszählen: {problem}.",
        next_step="Die Werte in der Quelle klären; ohne sie stimmen die Summen nicht.",
        findings=findings,
    )


def _decimals(values: NDArray[np.float64]) -> int:
    """The decimals that the values have, as far as their sum stays exact."""
    largest = float(values.max()) * len(values)  # the sum itself would depend on the order of the rows
    for decimals in range(MOST_DECIMALS):
        if (np.round(values, decimals) == values).all() or largest * 10.0 ** (decimals + 1) >= LARGEST_TOTAL:
            return decimals
    return MOST_DECIMALS


def _ordered(values: pd.Series, table: Table, name: str) -> list[Hashable]:
    seen = set(values.unique())
    known = domain(table.column(name))
    return sorted(seen) if known is None else [value for value in known if value in seen]
