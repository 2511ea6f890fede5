"""Which further cells must be held back so that no small cell can be computed from a table's totals?

The attacker, and therefore the rule
    The attacker knows every published cell, every additive relation (a total is the sum of its parts, along every
    dimension), which cells are held back, that counts are whole numbers, and that zeros are always published, so a
    hidden cell is at least 1. For each hidden cell this leaves an interval from the smallest to the largest value
    that fits the published table. The rule: **the interval of every hidden cell is at least ``minimum`` wide.** As
    it starts at 1 or above, it reaches beyond ``minimum``: nobody can tell whether the cell is small. The rule makes
    no difference between primary and secondary cells, so that the attack in ``attack`` can judge it from the
    published table alone.
    This is the sliding protection level of the literature (M. Fischetti, J. J. Salazar: Models and algorithms for
    optimizing cell suppression in tabular data with linear constraints, JASA 95, 2000; A. Hundepool et al.:
    Statistical Disclosure Control, Wiley 2012, and its Handbook on SDC, ch. 4), with ``minimum`` as the level.

The method
    Exact minimal suppression is an integer programme that takes minutes for a few hundred cells. Instead, as in
    Kelly, Golden, Assad (Networks 22, 1992), one linear programme per cell moves that cell up by ``minimum`` and
    balances all relations at the smallest cost of moved cells; what moves is held back. The moved table is a
    *witness*: a second table that fits everything published. Afterwards, superfluous cells are published again, the
    largest first, as long as witnesses for all other hidden cells exist. As everywhere in the field, intervals are
    those of the linear programmes; in tables of three and more dimensions the interval of whole numbers can be
    narrower. The tests attack small tables with integer programmes as well.
    Holding back every non-zero cell always protects (all counts may be multiplied), so a solution exists.

The result depends on the table only: cells are taken in a fixed order and HiGHS runs on one thread.
"""

from __future__ import annotations

import highspy
import numpy as np
from numpy.typing import NDArray

from stadtdaten.faults import GateFailed
from stadtdaten.privacy.tables.solver import QuietHighs

TOLERANCE = 1e-6
"""Movements smaller than this are rounding of the solver (its feasibility tolerance is 1e-7)."""

PRIMAL_SIMPLEX = 4
"""HiGHS's code for its option ``simplex_strategy``."""

CLEANING_PROGRAMMES = 2000
"""Most programmes spent on publishing superfluous cells again: bounds the time for large tables. It is a number and
no time, so that the same table gives the same pattern on any machine."""

HIDDEN_COST = 1e-3
"""Cost of moving a cell that is hidden anyway: nearly free, yet short detours win, which keeps witnesses small."""


def suppress(counts: NDArray[np.int64], minimum: int) -> NDArray[np.bool_]:
    """Cells to hold back so that every one of them keeps an interval at least ``minimum`` wide.

    ``counts`` has one axis per dimension, the last index of each axis being the total of the others. The answer has
    the same shape and holds the primary cells (0 < count < minimum) and the secondary ones.
    Raises GateFailed("privacy") if the solver fails.
    """
    pattern = np.zeros(counts.shape, dtype=np.bool_)
    positions = np.flatnonzero(counts)
    values = counts.ravel()[positions].astype(np.float64)
    if (values < minimum).any():
        protection = _Protection(values, _relations(counts.shape)[positions], minimum)
        protection.protect()
        protection.publish_superfluous()
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
    """The state of one table's protection; cells are numbered 0..n-1 over the non-zero cells.

    ``witnesses`` (rows) are movements of the cells (columns) that leave everything published as it is.
    """

    def __init__(
        self,
        values: NDArray[np.float64],
        relations: NDArray[np.int64],
        minimum: int,
    ) -> None:
        self.values = values
        self.relations = relations
        self.minimum = minimum
        self.primary = values < minimum
        self.hidden = self.primary.copy()
        self.witnesses = np.zeros((0, len(values)))

    def protect(self) -> None:
        """Hide further cells until witnesses give every hidden cell its interval; smallest cells first."""
        solver = _Moves(self.values, self.relations)
        solver.set_costs(self._costs())
        found: list[NDArray[np.float64]] = []
        reach = _Reach(self.witnesses)
        while len(open_cells := np.flatnonzero(self.hidden & (reach.width < self.minimum - TOLERANCE))):
            for cell in open_cells[np.argsort(self.values[open_cells], kind="stable")]:
                if reach.width[cell] >= self.minimum - TOLERANCE:
                    continue
                witness = solver.cheapest(int(cell), self.minimum)
                found.append(witness)
                reach.add(witness)
                moved = (np.abs(witness) > TOLERANCE) & ~self.hidden
                if moved.any():
                    self.hidden |= moved
                    solver.set_costs(self._costs())
        self.witnesses = np.array(found)

    def publish_superfluous(self) -> None:
        """Publish secondary cells again, largest first, while every cell still hidden keeps its interval."""
        cells = np.flatnonzero(self.hidden)
        values, primary, witnesses = self.values[cells], self.primary[cells], self.witnesses[:, cells]
        hidden = np.ones(len(cells), dtype=np.bool_)
        solver = _Bounds(values, self.relations[cells], self.minimum)
        secondary = np.flatnonzero(~primary)
        for cell in secondary[np.argsort(-values[secondary], kind="stable")]:
            if solver.programmes >= CLEANING_PROGRAMMES:
                break
            alive = witnesses[np.abs(witnesses[:, cell]) <= TOLERANCE]
            hidden[cell] = False
            solver.fix(int(cell))
            complete = self._completed(alive, hidden, solver)
            if complete is None:
                hidden[cell] = True
                solver.release(int(cell))
            else:
                witnesses = complete
        self.hidden[cells] = hidden

    def _costs(self) -> NDArray[np.float64]:
        return np.where(self.hidden, HIDDEN_COST, self.values)

    def _completed(
        self, witnesses: NDArray[np.float64], hidden: NDArray[np.bool_], solver: _Bounds
    ) -> NDArray[np.float64] | None:
        """The witnesses and those that ``hidden`` needs besides; None where a cell cannot get its interval."""
        reach = _Reach(witnesses)
        found = [witnesses]
        for cell in np.flatnonzero(hidden & (reach.width < self.minimum - TOLERANCE)):
            for direction in (1.0, -1.0):
                if reach.width[cell] < self.minimum - TOLERANCE:
                    witness = solver.furthest(int(cell), direction)
                    found.append(witness[np.newaxis])
                    reach.add(witness)
            if reach.width[cell] < self.minimum - TOLERANCE:
                return None
        return np.vstack(found)


class _Reach:
    """How far witnesses take each cell up and down: together the width of the interval that they prove."""

    def __init__(self, witnesses: NDArray[np.float64]) -> None:
        self.up = witnesses.max(axis=0, initial=0.0)
        self.down = witnesses.min(axis=0, initial=0.0)

    def add(self, witness: NDArray[np.float64]) -> None:
        """Take one more witness into account."""
        self.up = np.maximum(self.up, witness)
        self.down = np.minimum(self.down, witness)

    @property
    def width(self) -> NDArray[np.float64]:
        """Proved width per cell."""
        return np.asarray(self.up - self.down)


class _Moves:
    """The programme that moves one cell up at the smallest cost: a column for each cell's way up and way down."""

    def __init__(self, values: NDArray[np.float64], relations: NDArray[np.int64]) -> None:
        self.cells = len(values)
        both = np.vstack([relations, -relations])
        limits = np.concatenate([np.full(self.cells, highspy.kHighsInf), values - 1])
        self.limits = limits
        self.model = _model(both, np.zeros(2 * self.cells), limits)

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

    def __init__(self, values: NDArray[np.float64], relations: NDArray[np.int64], distance: float) -> None:
        self.low = 1 - values
        self.distance = distance
        self.programmes = 0
        self.model = _model(relations, self.low, np.full(len(values), highspy.kHighsInf))
        # Only the objective changes from one programme to the next, so the last optimum stays feasible.
        self.model.setOptionValue("simplex_strategy", PRIMAL_SIMPLEX)

    def fix(self, cell: int) -> None:
        """Treat the cell as published."""
        self.model.changeColBounds(cell, 0.0, 0.0)

    def release(self, cell: int) -> None:
        """Treat the cell as hidden again."""
        self.model.changeColBounds(cell, self.low[cell], highspy.kHighsInf)

    def furthest(self, cell: int, direction: float) -> NDArray[np.float64]:
        """The movement that takes the cell furthest up (1.0) or down (-1.0), at most ``distance``."""
        self.programmes += 1
        low = max(self.low[cell], -self.distance)
        self.model.changeColBounds(cell, low, self.distance)
        self.model.changeColCost(cell, -direction)
        solution = _solution(self.model)
        self.model.changeColCost(cell, 0.0)
        self.release(cell)
        return solution


def _model(relations: NDArray[np.int64], low: NDArray[np.float64], high: NDArray[np.float64]) -> highspy.Highs:
    """A programme whose columns (one per row of ``relations``) keep every relation balanced."""
    columns, axes = relations.shape
    numbers, index = np.unique(np.abs(relations), return_inverse=True)
    rows = len(numbers)
    programme = highspy.HighsLp()
    programme.num_col_, programme.num_row_ = columns, rows
    programme.col_cost_ = np.zeros(columns)
    programme.col_lower_, programme.col_upper_ = low, high
    programme.row_lower_ = programme.row_upper_ = np.zeros(rows)
    programme.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    programme.a_matrix_.start_ = np.arange(columns + 1, dtype=np.int32) * axes
    programme.a_matrix_.index_ = index.ravel().astype(np.int32)
    programme.a_matrix_.value_ = np.sign(relations).ravel().astype(np.float64)
    model = QuietHighs()
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
