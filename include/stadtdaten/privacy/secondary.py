"""Which further cells must be held back so that no small cell can be computed from a table's totals?

The attacker, and therefore the rule
    The attacker knows every published cell, every additive relation (a total is the sum of its parts, along every
    dimension), which cells are held back, that counts are whole numbers, and that zeros are always published, so a
    hidden cell is at least 1. For each hidden cell this leaves an interval from the smallest to the largest value
    that fits the published table. The rule: **the interval of every hidden cell is at least ``minimum`` wide.** As
    it starts at 1 or above, it reaches beyond ``minimum``: nobody can tell whether the cell is small. The rule makes
    no difference between primary and secondary cells, so that the attack in ``attack`` can judge it from the
    published table alone.
    This is the sliding protection level of the literature (S. Fischetti, J. J. Salazar: Models and algorithms for
    optimizing cell suppression in tabular data with linear constraints, JASA 95, 2000; A. Hundepool et al.:
    Statistical Disclosure Control, Wiley 2012, and its Handbook on SDC, ch. 4), with ``minimum`` as the level.

The method
    Exact minimal suppression is an integer programme that takes minutes for a few hundred cells. Instead, as in
    Kelly, Golden, Assad (Networks 22, 1992), one linear programme per cell moves that cell up by ``minimum`` and
    balances all relations at the smallest cost of moved cells; what moves is held back. The moved table is a
    *witness*: a second table that fits everything published. Afterwards, superfluous cells are published again, the
    dearest first, as long as witnesses for all other hidden cells exist. Witnesses are whole numbers (a fractional
    optimum is solved again as an integer programme), so the intervals are those of counts and not of fractions.
    Holding back every non-zero cell always protects (all counts may be multiplied), so a solution exists.

The result depends on the table only: cells are taken in a fixed order and HiGHS runs on one thread.
"""

from __future__ import annotations

import highspy
import numpy as np
from numpy.typing import NDArray

from stadtdaten.faults import GateFailed

TOLERANCE = 1e-6
"""Movements smaller than this are rounding of the solver (its feasibility tolerance is 1e-7)."""

HIDDEN_COST = 1e-3
"""Cost of moving a cell that is hidden anyway: nearly free, yet short detours win, which keeps witnesses small."""


def suppress(counts: NDArray[np.int64], minimum: int) -> NDArray[np.bool_]:
    """Cells to hold back so that every one of them keeps an interval at least ``minimum`` wide.

    ``counts`` has one axis per dimension, the last index of each axis being the total of the others. The answer has
    the same shape and holds the primary cells (0 < count < minimum) and the secondary ones.
    Raises GateFailed("privacy") if the solver fails.
    """
    positions = np.flatnonzero(counts)
    values = counts.ravel()[positions].astype(np.float64)
    hidden = values < minimum
    pattern = np.zeros(counts.shape, dtype=np.bool_)
    if hidden.any():
        protection = _Protection(values, _relations(counts.shape)[positions], counts.shape, hidden, minimum)
        protection.protect_all()
        protection.publish_superfluous()
        protection.protect_all()
        pattern.ravel()[positions[protection.hidden]] = True
    return pattern


def _relations(shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Per cell (rows, in C order) and axis (columns): 1 + number of its relation, negative where it is the total."""
    cells = int(np.prod(shape))
    index = np.indices(shape).reshape(len(shape), cells)
    relations = np.empty((cells, len(shape)), dtype=np.int64)
    first = 1
    for axis, length in enumerate(shape):
        others = [other for other in range(len(shape)) if other != axis]
        rest = tuple(shape[other] for other in others)
        number = np.ravel_multi_index(tuple(index[others]), rest) if rest else np.zeros(cells, dtype=np.int64)
        relations[:, axis] = np.where(index[axis] == length - 1, -1, 1) * (first + number)
        first += cells // length
    return relations


class _Protection:
    """The state of one table's protection; cells are numbered 0..n-1 over the non-zero cells."""

    def __init__(
        self,
        values: NDArray[np.float64],
        relations: NDArray[np.int64],
        shape: tuple[int, ...],
        hidden: NDArray[np.bool_],
        minimum: int,
    ) -> None:
        self.values = values
        self.hidden = hidden.copy()
        self.minimum = float(minimum)
        self.primary = hidden
        self.relations = relations
        self.rows = sum(int(np.prod(shape)) // length for length in shape)
        self.cost = values
        self.witnesses = np.zeros((0, len(values)))

    def protect_all(self) -> None:
        """Hide further cells until witnesses give every hidden cell its interval; smallest cells first."""
        solver: _Moves | None = None
        while True:
            open_cells = np.flatnonzero(self.hidden & (self._reach(self.witnesses) < self.minimum - TOLERANCE))
            if not len(open_cells):
                return
            if solver is None:
                solver = _Moves(self.values, self.relations, self.rows)
                solver.set_costs(np.where(self.hidden, HIDDEN_COST, self.cost))
            for cell in open_cells[np.argsort(self.values[open_cells], kind="stable")]:
                if self._reach(self.witnesses[:, [cell]])[0] >= self.minimum - TOLERANCE:
                    continue
                witness = solver.cheapest(int(cell), self.minimum)
                self.witnesses = np.vstack([self.witnesses, witness])
                new = (np.abs(witness) > TOLERANCE) & ~self.hidden
                if new.any():
                    self.hidden |= new
                    solver.set_costs(np.where(self.hidden, HIDDEN_COST, self.cost))

    def publish_superfluous(self) -> None:
        """Publish secondary cells again, largest first, while every cell still hidden keeps its interval."""
        secondary = np.flatnonzero(self.hidden & ~self.primary)
        cells = np.flatnonzero(self.hidden)
        solver = _Bounds(self.values[cells], self.relations[cells], self.rows, self.minimum)
        place = {int(cell): number for number, cell in enumerate(cells)}
        for cell in secondary[np.argsort(-self.values[secondary], kind="stable")]:
            alive = self.witnesses[np.abs(self.witnesses[:, cell]) <= TOLERANCE]
            rest = self.hidden.copy()
            rest[cell] = False
            solver.fix(place[int(cell)])
            alive = self._repaired(alive, rest, cells, place, solver)
            if alive is None:
                solver.release(place[int(cell)])
            else:
                self.hidden, self.witnesses = rest, alive

    def _repaired(
        self,
        witnesses: NDArray[np.float64],
        hidden: NDArray[np.bool_],
        cells: NDArray[np.int64],
        place: dict[int, int],
        solver: _Bounds,
    ) -> NDArray[np.float64] | None:
        """The witnesses plus those that are missing for ``hidden``; None where a cell cannot get its interval."""
        for cell in np.flatnonzero(hidden):
            for direction in (1.0, -1.0):
                if self._reach(witnesses[:, [cell]])[0] >= self.minimum - TOLERANCE:
                    break
                witness = np.zeros(len(self.values))
                witness[cells] = solver.furthest(place[int(cell)], direction)
                witnesses = np.vstack([witnesses, witness])
            else:
                if self._reach(witnesses[:, [cell]])[0] < self.minimum - TOLERANCE:
                    return None
        return witnesses

    @staticmethod
    def _reach(witnesses: NDArray[np.float64]) -> NDArray[np.float64]:
        """Width of the interval that the witnesses (rows) prove for each cell (column)."""
        up = witnesses.max(axis=0, initial=0.0)
        down = witnesses.min(axis=0, initial=0.0)
        return np.asarray(up - down)


class _Moves:
    """The programme that moves one cell up at the smallest cost: a column for each cell's way up and way down."""

    def __init__(self, values: NDArray[np.float64], relations: NDArray[np.int64], rows: int) -> None:
        self.cells = len(values)
        both = np.vstack([relations, -relations])
        limits = np.concatenate([np.full(self.cells, highspy.kHighsInf), values - 1])
        self.limits = limits
        self.model = _model(both, rows, np.zeros(2 * self.cells), limits)

    def set_costs(self, costs: NDArray[np.float64]) -> None:
        """Cost of moving each cell by one."""
        self.costs = costs
        both = np.concatenate([costs, costs])
        self.model.changeColsCost(len(both), np.arange(len(both), dtype=np.int32), both)

    def cheapest(self, cell: int, distance: float) -> NDArray[np.float64]:
        """The cheapest movement of all cells that takes ``cell`` up by ``distance``."""
        down = self.cells + cell
        self.model.changeColBounds(cell, distance, distance)
        self.model.changeColBounds(down, 0.0, 0.0)
        # From the empty basis only the few relations of this cell are violated: 20 times faster than a warm start.
        self.model.clearSolver()
        solution = _solution(self.model)
        self.model.changeColBounds(cell, 0.0, self.limits[cell])
        self.model.changeColBounds(down, 0.0, self.limits[down])
        return np.asarray(solution[: self.cells] - solution[self.cells :])


class _Bounds:
    """The programme that asks how far one cell can go when only hidden cells move: a column per hidden cell."""

    def __init__(self, values: NDArray[np.float64], relations: NDArray[np.int64], rows: int, distance: float) -> None:
        self.low = 1 - values
        self.distance = distance
        self.model = _model(relations, rows, self.low, np.full(len(values), highspy.kHighsInf))

    def fix(self, cell: int) -> None:
        """Treat the cell as published."""
        self.model.changeColBounds(cell, 0.0, 0.0)

    def release(self, cell: int) -> None:
        """Treat the cell as hidden again."""
        self.model.changeColBounds(cell, self.low[cell], highspy.kHighsInf)

    def furthest(self, cell: int, direction: float) -> NDArray[np.float64]:
        """The movement that takes the cell furthest up (1.0) or down (-1.0), at most ``distance``."""
        low = max(self.low[cell], -self.distance)
        self.model.changeColBounds(cell, low, self.distance)
        self.model.changeColCost(cell, -direction)
        solution = _solution(self.model)
        self.model.changeColCost(cell, 0.0)
        self.release(cell)
        return solution


def _model(
    relations: NDArray[np.int64], rows: int, low: NDArray[np.float64], high: NDArray[np.float64]
) -> highspy.Highs:
    """A programme whose columns (one per row of ``relations``) keep every relation balanced."""
    columns, axes = relations.shape
    programme = highspy.HighsLp()
    programme.num_col_, programme.num_row_ = columns, rows
    programme.col_cost_ = np.zeros(columns)
    programme.col_lower_, programme.col_upper_ = low, high
    programme.row_lower_ = programme.row_upper_ = np.zeros(rows)
    programme.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    programme.a_matrix_.start_ = np.arange(columns + 1, dtype=np.int32) * axes
    programme.a_matrix_.index_ = (np.abs(relations) - 1).ravel().astype(np.int32)
    programme.a_matrix_.value_ = np.sign(relations).ravel().astype(np.float64)
    model = highspy.Highs()
    model.setOptionValue("output_flag", False)
    model.setOptionValue("threads", 1)
    model.setOptionValue("presolve", "off")
    model.passModel(programme)
    return model


def _solution(model: highspy.Highs) -> NDArray[np.float64]:
    model.run()
    if model.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        raise GateFailed(
            "privacy",
            "Die Geheimhaltung konnte nicht berechnet werden: das Gleichungssystem der Tabelle ist nicht lösbar "
            f"(Status {model.modelStatusToString(model.getModelStatus())}).",
            next_step="Bitte an die Entwicklung wenden; bis dahin bleibt die letzte Veröffentlichung stehen.",
        )
    return np.asarray(model.getSolution().col_value, dtype=np.float64)
