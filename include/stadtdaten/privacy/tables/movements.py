"""How can hidden cells move while everything published stays as it is? One linear programme (HiGHS) per question.

A movement is what must be added to the true values to get another table that fits all sums: ``relations @ movement``
is 0, and no cell falls below what everybody knows it to be at least.
"""

from __future__ import annotations

import highspy
import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from stadtdaten.faults import GateFailed
from stadtdaten.privacy.tables.solver import QuietHighs

REWARD = 1e5
"""What a programme gains by moving its cell by one: more than any detour costs, so the cell goes as far as it can."""


class Movements:
    """The movements of n cells: two columns per cell, its way up and its way down.

    ``relations`` is m x n; ``slack`` (n) is how far each cell can go down. ``programmes`` counts what was solved.
    """

    def __init__(self, relations: scipy.sparse.csr_array, slack: NDArray[np.float64]) -> None:
        self.cells = len(slack)
        self.programmes = 0
        self._limits = np.concatenate([np.full(self.cells, highspy.kHighsInf), slack])
        self._costs = np.ones(2 * self.cells)
        self._model = _model(scipy.sparse.hstack([relations, -relations], format="csc"), self._limits, self._costs)

    def price(self, up: NDArray[np.float64], down: NDArray[np.float64]) -> None:
        """Set the cost of moving each cell by one."""
        self._costs = np.concatenate([up, down])
        self._model.changeColsCost(2 * self.cells, np.arange(2 * self.cells, dtype=np.int32), self._costs)

    def block(self, cells: NDArray[np.int64]) -> None:
        """From now on these cells do not move."""
        self._limit(cells, np.zeros(2 * len(cells)))

    def release(self, cells: NDArray[np.int64]) -> None:
        """These cells move again."""
        self._limit(cells, self._limits[np.concatenate([cells, cells + self.cells])])

    def furthest(self, cell: int, distance: float) -> NDArray[np.float64]:
        """The cheapest movement (n) that takes one cell ``distance`` up (down if negative), or as far as it can go.

        Raises GateFailed("privacy") if the solver fails.
        """
        there, back = (cell, cell + self.cells) if distance > 0 else (cell + self.cells, cell)
        self._model.changeColBounds(there, 0.0, min(abs(distance), self._limits[there]))
        self._model.changeColBounds(back, 0.0, 0.0)
        self._model.changeColCost(there, -REWARD)
        # From the empty basis only the few relations of this cell are violated: 20 times faster than a warm start.
        self._model.clearSolver()
        self._model.run()
        self.programmes += 1
        if self._model.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            raise GateFailed(
                "privacy",
                "Die Geheimhaltung konnte nicht berechnet werden: das Gleichungssystem der Tabelle ist nicht lösbar "
                f"(Status {self._model.modelStatusToString(self._model.getModelStatus())}).",
                next_step="Bitte an die Entwicklung wenden; bis dahin bleibt die letzte Veröffentlichung stehen.",
            )
        solution = np.asarray(self._model.getSolution().col_value, dtype=np.float64)
        self._model.changeColCost(there, self._costs[there])
        self.release(np.array([cell]))
        return np.asarray(solution[: self.cells] - solution[self.cells :])

    def _limit(self, cells: NDArray[np.int64], limits: NDArray[np.float64]) -> None:
        columns = np.concatenate([cells, cells + self.cells]).astype(np.int32)
        self._model.changeColsBounds(len(columns), columns, np.zeros(len(columns)), limits)


def _model(columns: scipy.sparse.csc_array, limits: NDArray[np.float64], costs: NDArray[np.float64]) -> QuietHighs:
    programme = highspy.HighsLp()
    programme.num_row_, programme.num_col_ = columns.shape
    programme.col_cost_ = costs
    programme.col_lower_, programme.col_upper_ = np.zeros(len(limits)), limits
    programme.row_lower_ = programme.row_upper_ = np.zeros(columns.shape[0])
    programme.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    programme.a_matrix_.start_ = columns.indptr.astype(np.int32)
    programme.a_matrix_.index_ = columns.indices.astype(np.int32)
    programme.a_matrix_.value_ = columns.data
    model = QuietHighs()
    model.setOptionValue("presolve", "off")
    model.passModel(programme)
    return model
