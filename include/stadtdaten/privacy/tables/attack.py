"""What can a reader of the published table compute about the cells that are held back?

Written as the attacker would: it knows the published table alone, recognises totals by their label, and shares
nothing but the solver with the protection in ``secondary``. Unknown are the innermost cells that are held back; every
total, published or not, is a sum over innermost cells. As zeros are always published, a hidden cell is at least 1.
Linear programmes (HiGHS) give the smallest and largest value of every hidden cell.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import highspy
import numpy as np
import pandas as pd
import scipy.sparse
from numpy.typing import NDArray

from stadtdaten.contracts.protection import FrequencyTable
from stadtdaten.privacy.columns import HIDDEN_SUFFIX
from stadtdaten.privacy.tables.solver import QuietHighs

TOLERANCE = 1e-6
"""Widths are compared with this allowance for the solver's rounding."""


class TableIncomplete(Exception):
    """The published table lacks a combination of dimension values, holds one twice or contradicts its own totals."""


@dataclass(frozen=True)
class Attack:
    """What the attack found: numbers of cells.

    ``hidden`` cells were attacked; ``known`` of them are determined exactly (interval narrower than 1), ``narrow``
    (which include the known) have an interval narrower than the minimum.
    """

    hidden: int
    known: int
    narrow: int


def attack(frame: pd.DataFrame, spec: FrequencyTable) -> Attack:
    """Attack the published frequency table, each stratum (dimensions without totals) for itself.

    Raises TableIncomplete where the table is no full cross product or its totals contradict its cells.
    """
    strata = [name for name in spec.dimensions if name not in spec.margins]
    parts = [part for _, part in frame.groupby(strata, sort=False, dropna=False)] if strata else [frame]
    widths = np.concatenate([_widths(part, spec) for part in parts]) if parts else np.zeros(0)
    return Attack(
        hidden=len(widths),
        known=int((widths < 1 - TOLERANCE).sum()),
        narrow=int((widths < spec.protection.minimum - TOLERANCE).sum()),
    )


def _widths(part: pd.DataFrame, spec: FrequencyTable) -> NDArray[np.float64]:
    """Interval width of each hidden cell of one stratum; widths of ``minimum`` and more are lower bounds."""
    values, hidden = _grid(part, spec)
    inner_shape = tuple(length - 1 for length in values.shape)
    inner = tuple(slice(0, length) for length in inner_shape)
    sums = _sums(values.shape)
    unknown = hidden[inner].ravel()
    constant = sums[:, ~unknown] @ values[inner].ravel()[~unknown]
    sums = sums[:, unknown].tocsr()
    flat_hidden = hidden.ravel()
    open_sums = np.diff(sums.indptr) > 0
    if (np.abs(constant - values.ravel())[~flat_hidden & ~open_sums] > 0.5).any():
        raise TableIncomplete("Summen und Werte widersprechen sich")
    rows = np.flatnonzero(open_sums)
    low = np.where(flat_hidden, 1.0, values.ravel())[rows] - constant[rows]
    high = np.where(flat_hidden, np.inf, values.ravel())[rows] - constant[rows]
    # An upper bound keeps the programmes bounded; more than this no attacker needs to consider.
    ceiling = float(values.ravel()[~flat_hidden].sum() + spec.protection.minimum * values.size)
    solver = _Solver(sums[rows], low, high, ceiling)
    return solver.widths(sums[np.flatnonzero(flat_hidden)], float(spec.protection.minimum))


def _grid(part: pd.DataFrame, spec: FrequencyTable) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Counts (0 where hidden) and hidden cells, one axis per dimension with the total as its last index."""
    names = [name for name in spec.dimensions if name in spec.margins]
    orders = [[*sorted(set(part[name].dropna()) - {spec.total}), spec.total] for name in names]
    shape = tuple(len(order) for order in orders)
    codes = [pd.Categorical(part[name], categories=o).codes for name, o in zip(names, orders, strict=True)]
    place = [np.asarray(code, dtype=np.int64) for code in codes]
    if any((code < 0).any() for code in place):
        raise TableIncomplete("eine Dimension hat leere Werte")
    cells = np.ravel_multi_index(tuple(place), shape)
    if len(cells) != np.prod(shape) or len(np.unique(cells)) != len(cells):
        raise TableIncomplete("Kombinationen fehlen oder stehen doppelt")
    values, hidden = np.zeros(shape), np.zeros(shape, dtype=np.bool_)
    values.ravel()[cells] = part[spec.measure].fillna(0).to_numpy(dtype=np.float64)
    hidden.ravel()[cells] = part[spec.measure + HIDDEN_SUFFIX].to_numpy(dtype=np.bool_)
    return values, hidden


def _sums(shape: tuple[int, ...]) -> scipy.sparse.csc_array:
    """Which innermost cells (columns) each cell (rows) is the sum of."""
    inner_shape = tuple(length - 1 for length in shape)
    index = np.indices(inner_shape).reshape(len(shape), -1)
    columns = np.arange(index.shape[1])
    rows = []
    for total_axes in itertools.product([False, True], repeat=len(shape)):
        place = [np.full_like(i, n - 1) if t else i for i, n, t in zip(index, shape, total_axes, strict=True)]
        rows.append(np.ravel_multi_index(tuple(place), shape))
    entries = (np.concatenate(rows), np.tile(columns, len(rows)))
    ones = np.ones(len(entries[0]))
    return scipy.sparse.csc_array((ones, entries), shape=(int(np.prod(shape)), len(columns)))


class _Solver:
    """All tables that fit what is published: one column per unknown cell, one row per sum over unknown cells."""

    def __init__(
        self, sums: scipy.sparse.csr_array, low: NDArray[np.float64], high: NDArray[np.float64], ceiling: float
    ) -> None:
        self.columns = sums.shape[1]
        programme = highspy.HighsLp()
        programme.num_row_, programme.num_col_ = sums.shape
        programme.col_cost_ = np.zeros(self.columns)
        programme.col_lower_, programme.col_upper_ = np.ones(self.columns), np.full(self.columns, ceiling)
        programme.row_lower_, programme.row_upper_ = low, high
        programme.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        programme.a_matrix_.start_ = sums.indptr.astype(np.int32)
        programme.a_matrix_.index_ = sums.indices.astype(np.int32)
        programme.a_matrix_.value_ = sums.data
        self.model = QuietHighs()
        self.model.passModel(programme)

    def widths(self, cells: scipy.sparse.csr_array, enough: float) -> NDArray[np.float64]:
        """Width of each cell's interval; each row of ``cells`` says which unknowns the cell is the sum of.

        Every table found for one cell is evidence for all: a cell whose values in two of them lie ``enough`` apart
        is not asked again.
        """
        if not self.columns:
            return np.zeros(cells.shape[0])
        smallest, largest = np.full(cells.shape[0], np.inf), np.full(cells.shape[0], -np.inf)
        for cell in range(cells.shape[0]):
            for direction in (1.0, -1.0):
                if largest[cell] - smallest[cell] >= enough - TOLERANCE:
                    break
                found = cells @ self._extreme(cells[[cell]], direction)
                smallest, largest = np.minimum(smallest, found), np.maximum(largest, found)
        return np.asarray(largest - smallest)

    def _extreme(self, cell: scipy.sparse.csr_array, direction: float) -> NDArray[np.float64]:
        members = cell.indices.astype(np.int32)
        self.model.changeColsCost(len(members), members, np.full(len(members), -direction))
        self.model.run()
        status = self.model.getModelStatus()
        self.model.changeColsCost(len(members), members, np.zeros(len(members)))
        if status == highspy.HighsModelStatus.kInfeasible:
            raise TableIncomplete("Summen und Werte widersprechen sich")
        if status != highspy.HighsModelStatus.kOptimal:
            raise TableIncomplete(f"das Gleichungssystem ist nicht lösbar ({self.model.modelStatusToString(status)})")
        return np.asarray(self.model.getSolution().col_value, dtype=np.float64)
