"""Between which values must each unknown of a system of equations lie?

The mathematics of the attack, free of tables: linear programmes (HiGHS) for the smallest and the largest value of each
unknown that is asked for. Three things keep their number far below two per unknown. The system falls into parts that
share no equation. Every solution that was found for one unknown is evidence for all others of its part. And first,
programmes that pull at all open unknowns at once give such evidence cheaply; which ones they are has no influence on
what is found, only on how long it takes.

As everywhere in the field (A. Hundepool et al.: Statistical Disclosure Control, Wiley 2012, ch. 4), unknowns may take
any value, not only whole ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import highspy
import numpy as np
import scipy.sparse
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from stadtdaten.privacy.tables.solver import QuietHighs

TOLERANCE = 1e-6
"""Widths are compared with this allowance for the solver's rounding (its feasibility tolerance is 1e-7)."""

PRIMAL_SIMPLEX = 4
"""HiGHS's code for its option ``simplex_strategy``: as only the objective changes, the last solution stays feasible."""

PULLS = 40
"""Most programmes per part that pull at all open unknowns at once."""


class Contradiction(Exception):
    """No values fit all equations."""


@dataclass(frozen=True)
class Equations:
    """n unknowns x with ``lower <= x <= upper`` and m equations ``low <= relations @ x <= high``."""

    relations: scipy.sparse.csr_array
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]


@dataclass(frozen=True)
class Intervals:
    """The smallest and the largest value found for each unknown that was asked for, in its order.

    Where the interval is as wide as was asked for, the true one may be wider.
    """

    lowest: NDArray[np.float64]
    highest: NDArray[np.float64]

    @property
    def widths(self) -> NDArray[np.float64]:
        """How far apart they are."""
        return np.asarray(self.highest - self.lowest)


def intervals(equations: Equations, asked: NDArray[np.int64], enough: NDArray[np.float64]) -> Intervals:
    """The interval of each unknown in ``asked`` (numbers of unknowns); it is followed no further than ``enough``.

    Raises Contradiction if nothing fits the equations.
    """
    lowest, highest = np.full(len(asked), np.inf), np.full(len(asked), -np.inf)
    lower, upper, small = _without_fixed(equations)
    for place in np.flatnonzero(lower[asked] == upper[asked]):
        lowest[place] = highest[place] = lower[asked[place]]
    part_of, by_column = _parts(small.relations), small.relations.tocsc()
    open_ = np.flatnonzero(lower[asked] < upper[asked])
    for part in np.unique(part_of[asked[open_]]):
        members = np.flatnonzero(part_of == part)
        wanted = open_[part_of[asked[open_]] == part]
        rows = np.unique(by_column[:, members].indices)
        solver = Solver(
            Equations(
                small.relations[rows][:, members],
                small.low[rows],
                small.high[rows],
                small.lower[members],
                small.upper[members],
            )
        )
        low, high = _follow(solver, np.searchsorted(members, asked[wanted]), enough[wanted])
        lowest[wanted], highest[wanted] = low, high
    return Intervals(lowest, highest)


def _without_fixed(equations: Equations) -> tuple[NDArray[np.float64], NDArray[np.float64], Equations]:
    """Bounds of all unknowns, and the equations without those that are fixed by them, each equation once.

    An unknown is fixed where its bounds meet, and where an equation has no other unknown. The columns stay, those of
    fixed unknowns are empty. Comparing releases makes many equations the same.
    """
    relations = equations.relations.tocsr()
    low, high = equations.low.copy(), equations.high.copy()
    lower, upper = equations.lower.copy(), equations.upper.copy()
    while True:
        fixed = upper - lower <= TOLERANCE
        lower[fixed] = upper[fixed] = (lower[fixed] + upper[fixed]) / 2
        constant = relations[:, fixed] @ lower[fixed]
        low, high = low - constant, high - constant
        relations = (relations @ scipy.sparse.diags_array((~fixed).astype(np.float64))).tocsr()
        relations.eliminate_zeros()
        entries = np.diff(relations.indptr)
        if ((low > TOLERANCE) | (high < -TOLERANCE))[entries == 0].any():
            raise Contradiction("nothing fits the equations")
        single = np.flatnonzero((entries == 1) & (low == high))
        if not len(single):
            break
        columns = relations.indices[relations.indptr[single]]
        values = low[single] / relations.data[relations.indptr[single]]
        outside = (values < lower[columns] - TOLERANCE) | (values > upper[columns] + TOLERANCE)
        if outside.any():
            raise Contradiction("nothing fits the equations")
        lower[columns] = upper[columns] = values
    seen: dict[tuple[bytes, bytes, float, float], int] = {}
    for row in np.flatnonzero(entries):
        part = slice(relations.indptr[row], relations.indptr[row + 1])
        key = (relations.indices[part].tobytes(), relations.data[part].tobytes(), float(low[row]), float(high[row]))
        seen.setdefault(key, int(row))
    kept = np.array(list(seen.values()), dtype=np.int64)
    return lower, upper, Equations(relations[kept], low[kept], high[kept], lower, upper)


def _parts(relations: scipy.sparse.csr_array) -> NDArray[np.int64]:
    """The number of the part of each unknown (column)."""
    rows, columns = relations.shape
    graph = scipy.sparse.block_array([[None, relations], [relations.T, None]], format="csr")
    if not rows:
        return np.arange(columns)
    _, labels = connected_components(graph, directed=False)
    return np.asarray(labels[rows:], dtype=np.int64)


def _follow(
    solver: Solver, asked: NDArray[np.int64], enough: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    lowest, highest = np.full(len(asked), np.inf), np.full(len(asked), -np.inf)

    def pull(places: NDArray[np.int64], directions: NDArray[np.float64]) -> None:
        found = solver.furthest(asked[places], directions)[asked]
        np.minimum(lowest, found, out=lowest)
        np.maximum(highest, found, out=highest)

    def still_open() -> NDArray[np.int64]:
        return np.flatnonzero(highest - lowest < enough - TOLERANCE)

    signs = np.random.default_rng(0)
    for number in range(PULLS if len(asked) > 1 else 0):
        before = still_open()
        if not len(before):
            break
        directions = signs.choice([-1.0, 1.0], len(before)) if number > 1 else np.full(len(before), 1.0 - 2 * number)
        pull(before, directions)
        if number > 1 and len(still_open()) > 0.95 * len(before):
            break
    for place in range(len(asked)):
        for direction in (1.0, -1.0):
            if not np.isfinite(lowest[place]) or highest[place] - lowest[place] < enough[place] - TOLERANCE:
                pull(np.array([place]), np.array([direction]))
    return lowest, highest


def cheapest(equations: Equations, costs: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Values (n) of least cost, and the reduced cost of each unknown.

    The solutions of least cost are exactly those in which each unknown with a reduced cost other than 0 stays at its
    bound (complementary slackness), whichever of them was found. Raises Contradiction if nothing fits the equations.
    """
    solution = Solver(equations, costs).model.getSolution()
    return np.asarray(solution.col_value, dtype=np.float64), np.asarray(solution.col_dual, dtype=np.float64)


class Solver:
    """The linear programme of a system of equations: solved once for ``costs``, then for other objectives."""

    def __init__(self, equations: Equations, costs: NDArray[np.float64] | None = None) -> None:
        rows, columns = equations.relations.shape
        matrix = equations.relations.tocsr()
        programme = highspy.HighsLp()
        programme.num_row_, programme.num_col_ = rows, columns
        programme.col_cost_ = np.zeros(columns) if costs is None else costs
        programme.col_lower_, programme.col_upper_ = equations.lower, equations.upper
        programme.row_lower_, programme.row_upper_ = equations.low, equations.high
        programme.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        programme.a_matrix_.start_ = matrix.indptr.astype(np.int32)
        programme.a_matrix_.index_ = matrix.indices.astype(np.int32)
        programme.a_matrix_.value_ = matrix.data.astype(np.float64)
        self.model = QuietHighs()
        self.model.passModel(programme)
        self._run()
        # From here on only the objective changes: no presolve, which would throw the last solution away.
        self.model.setOptionValue("presolve", "off")
        self.model.setOptionValue("simplex_strategy", PRIMAL_SIMPLEX)

    def furthest(self, unknowns: NDArray[np.int64], directions: NDArray[np.float64]) -> NDArray[np.float64]:
        """A solution (n) that takes the unknowns as far as possible up (1.0) or down (-1.0), in sum."""
        places = unknowns.astype(np.int32)
        self.model.changeColsCost(len(places), places, -directions)
        self._run()
        solution = np.asarray(self.model.getSolution().col_value, dtype=np.float64)
        self.model.changeColsCost(len(places), places, np.zeros(len(places)))
        return solution

    def _run(self) -> None:
        self.model.run()
        status = self.model.getModelStatus()
        if status == highspy.HighsModelStatus.kInfeasible:
            raise Contradiction("nothing fits the equations")
        if status not in (highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kModelEmpty):
            raise Contradiction(f"not solvable ({self.model.modelStatusToString(status)})")
