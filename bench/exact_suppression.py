"""What is the smallest number of secondary suppressions? The exact answer, for tables of up to about 100 cells.

The integer programme of M. Fischetti and J. J. Salazar (JASA 95, 2000), solved by cuts: the master programme chooses
cells; where the interval of a chosen cell is too narrow, the duals of the two linear programmes that measured it say
which cells could widen it, of which one or more are demanded. First with fractions of cells, then with whole ones.
"""

from __future__ import annotations

import time

import highspy
import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from stadtdaten.privacy.tables.cells import Cells
from stadtdaten.privacy.tables.solver import QuietHighs

CEILING = 1e4
"""Furthest that a cell may go up; as no cut counts a cell more than once, its size hardly matters."""


def fewest_secondary(cells: Cells, seconds: float) -> int | None:
    """Smallest number of secondary cells; None where it takes longer."""
    began = time.monotonic()
    free = np.flatnonzero(~cells.known & (cells.values >= cells.lower))
    relations = scipy.sparse.csc_array(cells.relations[:, free])
    primary, width = cells.primary[free], cells.width[free]
    intervals = _Intervals(relations, cells.values[free] - cells.lower[free])
    master = _model(scipy.sparse.csc_array((0, len(free))), primary.astype(np.float64), np.ones(len(free)))
    master.changeColsCost(len(free), np.arange(len(free), dtype=np.int32), np.ones(len(free)))
    master.setOptionValue("mip_abs_gap", 0.99)
    master.setOptionValue("time_limit", seconds)
    whole = False
    while time.monotonic() - began < seconds:
        master.run()
        chosen = np.clip(master.getSolution().col_value, 0, 1)
        if whole:
            chosen = np.round(chosen)
        cuts = intervals.cuts(chosen, width, 1e-6 if whole else 1e-2)
        for cut in cuts:
            columns = np.flatnonzero(cut).astype(np.int32)
            master.addRow(0.0, highspy.kHighsInf, len(columns), columns, cut[columns])
        if not cuts and whole:
            return int(chosen.sum() - primary.sum())
        if not cuts:
            whole = True
            kinds = np.array([highspy.HighsVarType.kInteger] * len(free))
            master.changeColsIntegrality(len(free), np.arange(len(free), dtype=np.int32), kinds)
    return None


class _Intervals:
    """How wide the interval of each cell is where each cell may move by its chosen share."""

    def __init__(self, relations: scipy.sparse.csc_array, slack: NDArray[np.float64]) -> None:
        self.slack = slack
        self.model = _model(relations, -slack, np.full(len(slack), CEILING))

    def cuts(self, chosen: NDArray[np.float64], width: NDArray[np.float64], least: float) -> list[NDArray[np.float64]]:
        """What must not be negative, as coefficients of the cells, where an interval falls short by ``least``."""
        columns = np.arange(len(chosen), dtype=np.int32)
        self.model.changeColsBounds(len(chosen), columns, -self.slack * chosen, CEILING * chosen)
        found = []
        for cell in np.flatnonzero(chosen > 1e-3):
            (up, needs_up), (down, needs_down) = self._furthest(int(cell), 1.0), self._furthest(int(cell), -1.0)
            if up + down < width[cell] * chosen[cell] - least:
                cut = np.minimum((needs_up + needs_down) / width[cell], 1.0)
                cut[cut < 1e-9] = 0.0
                cut[cell] -= 1.0
                if cut @ chosen < -1e-7:
                    found.append(cut)
        return found

    def _furthest(self, cell: int, direction: float) -> tuple[float, NDArray[np.float64]]:
        """How far the cell goes, and how much each cell's bounds contribute to it."""
        self.model.changeColCost(cell, -direction)
        self.model.run()
        duals = np.asarray(self.model.getSolution().col_dual)
        distance = -self.model.getObjectiveValue()
        self.model.changeColCost(cell, 0.0)
        return distance, np.maximum(-duals, 0) * CEILING + np.maximum(duals, 0) * self.slack


def _model(relations: scipy.sparse.csc_array, lower: NDArray[np.float64], upper: NDArray[np.float64]) -> QuietHighs:
    programme = highspy.HighsLp()
    programme.num_row_, programme.num_col_ = relations.shape
    programme.col_cost_ = np.zeros(len(lower))
    programme.col_lower_, programme.col_upper_ = lower, upper
    programme.row_lower_ = programme.row_upper_ = np.zeros(relations.shape[0])
    programme.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    programme.a_matrix_.start_ = relations.indptr.astype(np.int32)
    programme.a_matrix_.index_ = relations.indices.astype(np.int32)
    programme.a_matrix_.value_ = relations.data
    model = QuietHighs()
    model.passModel(programme)
    return model
