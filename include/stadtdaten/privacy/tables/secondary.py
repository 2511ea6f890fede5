"""Which further cells must be held back so that no protected cell can be computed from the sums around it?

The attacker, and therefore the rule
    The attacker knows every published cell, every sum that ties cells together (margins, hierarchies, cells that
    linked tables share), what was published before (``known``), which cells are held back, and the least that a
    hidden cell can be (``lower``). For each hidden cell this leaves an interval from the smallest to the largest value
    that fits. The rule: **the interval of every hidden cell, primary or secondary, is at least its ``width``.** It
    makes no difference between the two, so that ``attack`` can judge it from the published tables alone.
    This is the sliding protection level of the literature (M. Fischetti, J. J. Salazar: Models and algorithms for
    optimizing cell suppression in tabular data with linear constraints, JASA 95, 2000; A. Hundepool et al.:
    Statistical Disclosure Control, Wiley 2012, ch. 4).

The aim
    As few secondary cells as possible; of patterns equal in number the one with the smaller values. The number, and
    not the sum of the values, because each cell is a gap for a reader, and the large ones, which are sums, return in
    other tables as sums of what is left.

The method
    The exact minimum is an integer programme that takes a minute for 147 cells. Instead, as in J. P. Kelly,
    B. L. Golden, A. A. Assad (Cell suppression: disclosure protection for sensitive tabular data, Networks 22, 1992)
    and in the heuristics that J. Castro compares (Recent advances in optimization techniques for statistical tabular
    data protection, EJOR 216, 2012):

    1. *Derive*: one linear programme per unprotected cell moves it by its width and balances all relations at the
       smallest cost of cells moved; what moves is held back. The moved table is a *witness*: another table that fits
       everything published. It serves every cell that it moves.
    2. *Thin out*: derive again, from the primary cells alone, using none but the cells found so far, in another order
       and with other costs. What is not needed this time is published.
    3. *Clean up*: cell by cell, publish it where every primary cell still finds a witness; secondary cells that lose
       theirs are published as well.
    4. *Repair*: forget the secondary cells around a cell drawn at random, derive and clean up; keep what is not worse.

    Steps 2 to 4 are bounded by numbers of programmes and repairs, never by time. Last, *verification*: the witnesses
    at hand are checked, by arithmetic and without a solver, to prove the width of every hidden cell.
    As everywhere in the field, intervals are those of linear programmes; in tables of three and more dimensions the
    interval of whole numbers can be narrower. The tests attack small tables with integer programmes as well.

The result depends on the cells and relations only: they are taken in a fixed order, chance is seeded, and HiGHS runs
on one thread.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from stadtdaten.faults import GateFailed
from stadtdaten.privacy.tables.cells import Cells
from stadtdaten.privacy.tables.movements import Movements

Numbers = NDArray[np.float64]
Mask = NDArray[np.bool_]

TOLERANCE = 1e-6
"""Movements smaller than this are rounding of the solver (its feasibility tolerance is 1e-7)."""

PROGRAMMES = 1000
"""Linear programmes after which steps 2 to 4 end, for each set of connected cells. More makes large tables slow, and
found next to nothing more in small ones (``bench/suppression.py``)."""

HIDDEN_COST = 1e-3
"""Cost of moving a cell that is hidden anyway: nearly free, yet short detours win, which keeps witnesses small."""

REPAIRS = 60
"""Most repairs (step 4): very small tables need few programmes for each and are the best they can be long before."""

FORGOTTEN = 0.7
"""Share of the secondary cells around the drawn one that a repair forgets."""


class NotProtectable(Exception):
    """``count`` primary cells could be computed even if all cells were held back that are not known already."""

    def __init__(self, count: int) -> None:
        super().__init__(f"{count} primary cells cannot be protected")
        self.count = count


def suppress(cells: Cells) -> Mask:
    """Cells to hold back (n): all primary ones, and so many others that every one of them keeps its width.

    Raises NotProtectable where what is known already makes that impossible, GateFailed("privacy") if the solver fails.
    """
    hidden = cells.primary.copy()
    hideable = ~cells.known & (cells.values >= cells.lower)
    unprotected = int((cells.primary & ~hideable).sum())
    for part in _connected(cells.relations, np.flatnonzero(hideable)):
        if cells.primary[part].any():
            try:
                hidden[part] = _protected(_Problem.of(cells, part))
            except NotProtectable as failure:
                unprotected += failure.count
    if unprotected:
        raise NotProtectable(unprotected)
    return hidden


@dataclass(frozen=True)
class _Problem:
    """n cells that may be hidden, and the m relations among them; all others are public and do not move.

    ``slack`` is how far each cell can go down, ``cost`` what it costs to hide it.
    """

    relations: scipy.sparse.csr_array
    slack: Numbers
    width: Numbers
    primary: Mask
    cost: Numbers

    @classmethod
    def of(cls, cells: Cells, part: NDArray[np.int64]) -> _Problem:
        values = cells.values[part]
        # At most a thousandth apart: values decide between patterns of equal number only.
        cost = 1 + 1e-3 * np.log1p(values) / np.log1p(values.max(initial=1.0))
        relations = _among(cells.relations, part)
        return cls(relations, values - cells.lower[part], cells.width[part], cells.primary[part], cost)

    def only(self, part: NDArray[np.int64]) -> _Problem:
        relations = _among(self.relations, part)
        return _Problem(relations, self.slack[part], self.width[part], self.primary[part], self.cost[part])

    @cached_property
    def incidence(self) -> scipy.sparse.csr_array:
        """Which relation (rows) holds which cell (columns): ones."""
        return scipy.sparse.csr_array(abs(self.relations).sign().astype(np.int64))

    def movements(self) -> Movements:
        return Movements(self.relations, self.slack)

    def price_of(self, hidden: Mask) -> float:
        return float(self.cost[hidden].sum())


class _Stuck(Exception):
    """The cell cannot reach its width whatever else is hidden."""

    def __init__(self, cell: int) -> None:
        super().__init__()
        self.cell = cell


class _Evidence:
    """Witnesses, and how far they take each cell up and down: together the width that they prove."""

    def __init__(self, cells: int, witnesses: list[Numbers]) -> None:
        self.witnesses = witnesses
        stacked = np.array(witnesses).reshape(len(witnesses), cells)
        self.up = stacked.max(axis=0, initial=0.0)
        self.down = stacked.min(axis=0, initial=0.0)

    def add(self, witness: Numbers) -> None:
        self.witnesses.append(witness)
        self.up = np.maximum(self.up, witness)
        self.down = np.minimum(self.down, witness)

    def without(self, cells: NDArray[np.int64]) -> _Evidence:
        """What remains if these cells are published."""
        return _Evidence(len(self.up), [w for w in self.witnesses if (np.abs(w[cells]) <= TOLERANCE).all()])

    def lacking(self, hidden: Mask, width: Numbers) -> NDArray[np.int64]:
        """Hidden cells whose width is not proved."""
        return np.flatnonzero(hidden & ~self.proves(width))

    def proves(self, width: Numbers) -> Mask:
        return np.asarray(self.up - self.down >= width - TOLERANCE * np.maximum(1.0, width))

    def uses(self) -> NDArray[np.int64]:
        """Number of witnesses that move each cell."""
        uses = np.zeros(len(self.up), dtype=np.int64)
        for witness in self.witnesses:
            uses += np.abs(witness) > TOLERANCE
        return uses


@dataclass(frozen=True)
class _Pattern:
    """A solution: the hidden cells, and the witnesses that prove their widths."""

    hidden: Mask
    evidence: _Evidence


def _protected(problem: _Problem) -> Mask:
    """The cells to hold back of one connected problem."""
    movements = problem.movements()
    best = _first(problem, movements)
    dice = np.random.default_rng(0)
    budget = _Budget(PROGRAMMES)
    best = _clean(problem, _thin(problem, best, budget, dice), budget)
    best = _repair(problem, movements, best, budget, dice)
    _verify(problem, best)
    return best.hidden


def _first(problem: _Problem, movements: Movements) -> _Pattern:
    """Step 1 from the primary cells, the smallest first; cells that nothing protects are never hidden."""
    evidence = _Evidence(len(problem.slack), [])
    while True:
        try:
            return _derive(problem, movements, problem.primary, evidence, problem.cost, problem.slack)
        except _Stuck as stuck:
            if problem.primary[stuck.cell]:
                raise NotProtectable(_hopeless(problem, movements)) from None
            lost = np.array([stuck.cell])
            movements.block(lost)
            evidence = evidence.without(lost)


def _hopeless(problem: _Problem, movements: Movements) -> int:
    """Number of primary cells that do not reach their width even if all cells are hidden."""
    evidence = _Evidence(len(problem.slack), [])
    return sum(not _reaches(problem, movements, evidence, int(cell)) for cell in np.flatnonzero(problem.primary))


def _reaches(problem: _Problem, movements: Movements, evidence: _Evidence, cell: int) -> bool:
    """Find witnesses for the cell, up and then, as far as needed, down; False where they do not prove its width."""
    width = problem.width[cell]
    for direction in (1.0, -1.0):
        missing = width - (evidence.up[cell] - evidence.down[cell])
        if missing <= TOLERANCE * max(1.0, width):
            return True
        reached = evidence.up[cell] if direction > 0 else -evidence.down[cell]
        evidence.add(movements.furthest(cell, direction * (reached + missing)))
    return bool(evidence.proves(problem.width)[cell])


def _derive(
    problem: _Problem, movements: Movements, start: Mask, evidence: _Evidence, cost: Numbers, order: Numbers
) -> _Pattern:
    """Step 1: hide further cells until every hidden cell has its width; ``evidence`` grows.

    Raises _Stuck for a cell that does not reach it.
    """
    hidden = start | (evidence.uses() > 0)
    # A cell that can only go down a little takes little off another one: dear, for the same price of hiding it.
    down = cost * np.minimum(problem.width / np.maximum(problem.slack, TOLERANCE), 100.0).clip(1.0)
    priced = np.zeros(0, dtype=np.bool_)
    while len(open_cells := evidence.lacking(hidden, problem.width)):
        for cell in open_cells[np.argsort(order[open_cells], kind="stable")]:
            if not np.array_equal(priced, hidden):
                movements.price(np.where(hidden, HIDDEN_COST, cost), np.where(hidden, HIDDEN_COST, down))
                priced = hidden.copy()
            found = len(evidence.witnesses)
            if not _reaches(problem, movements, evidence, int(cell)):
                raise _Stuck(int(cell))
            for witness in evidence.witnesses[found:]:
                hidden |= np.abs(witness) > TOLERANCE
    return _Pattern(hidden, evidence)


class _Budget:
    """Programmes that may still be solved."""

    def __init__(self, programmes: int) -> None:
        self.left = programmes

    def spend(self, movements: Movements) -> None:
        self.left -= movements.programmes
        movements.programmes = 0


def _thin(problem: _Problem, best: _Pattern, budget: _Budget, dice: np.random.Generator) -> _Pattern:
    """Step 2, as long as it helps and half of the budget lasts."""
    until = budget.left // 2
    while budget.left > until:
        part = np.flatnonzero(best.hidden)
        inner = problem.only(part)
        movements = inner.movements()
        # Cells that serve many are cheap, and chance breaks ties in another way each time.
        cost = inner.cost * dice.uniform(0.7, 1.3, len(part)) / np.sqrt(1.0 + best.evidence.uses()[part])
        nothing = _Evidence(len(part), [])
        derived = _derive(inner, movements, inner.primary, nothing, cost, dice.random(len(part)))
        budget.spend(movements)
        if inner.price_of(derived.hidden) >= problem.price_of(best.hidden):
            break
        best = _widened(derived, part, len(best.hidden))
    return best


def _widened(inner: _Pattern, part: NDArray[np.int64], cells: int) -> _Pattern:
    """The pattern of some cells as a pattern of all ``cells``."""
    hidden = np.zeros(cells, dtype=np.bool_)
    hidden[part] = inner.hidden
    witnesses = np.zeros((len(inner.evidence.witnesses), len(hidden)))
    witnesses[:, part] = np.array(inner.evidence.witnesses).reshape(len(witnesses), len(part))
    return _Pattern(hidden, _Evidence(len(hidden), list(witnesses)))


def _clean(problem: _Problem, pattern: _Pattern, budget: _Budget) -> _Pattern:
    """Step 3, those cells first that serve the fewest witnesses, while the budget lasts."""
    part = np.flatnonzero(pattern.hidden)
    inner = problem.only(part)
    movements = inner.movements()
    hidden = np.ones(len(part), dtype=np.bool_)
    evidence = _Evidence(len(part), [witness[part] for witness in pattern.evidence.witnesses])
    secondary = np.flatnonzero(~inner.primary)
    for cell in secondary[np.argsort(evidence.uses()[secondary] - inner.cost[secondary], kind="stable")]:
        if budget.left <= 0:
            break
        if hidden[cell]:
            without = _published(inner, movements, hidden, evidence, int(cell))
            budget.spend(movements)
            if without is not None:
                hidden, evidence = without.hidden, without.evidence
    return _widened(_Pattern(hidden, evidence), part, len(pattern.hidden))


def _published(
    problem: _Problem, movements: Movements, hidden: Mask, evidence: _Evidence, cell: int
) -> _Pattern | None:
    """The pattern without the cell and without those secondary cells that need it; None where a primary cell does."""
    hidden = hidden.copy()
    gone: list[int] = []
    lost = _exposed(problem, hidden, np.array([cell]))
    while True:
        if problem.primary[lost].any():
            break
        hidden[lost] = False
        gone.extend(lost)
        movements.block(lost)
        evidence = evidence.without(lost)
        failed = next(
            (
                int(other)
                for other in sorted(evidence.lacking(hidden, problem.width), key=lambda c: not problem.primary[c])
                if not _reaches(problem, movements, evidence, int(other))
            ),
            None,
        )
        if failed is None:
            return _Pattern(hidden, evidence)
        lost = _exposed(problem, hidden, np.array([failed]))
    movements.release(np.array(gone, dtype=np.int64))
    return None


def _exposed(problem: _Problem, hidden: Mask, lost: NDArray[np.int64]) -> NDArray[np.int64]:
    """The cells that are known exactly once ``lost`` are: a relation with one hidden cell gives it away."""
    hidden = hidden.copy()
    found = [lost]
    while len(lost):
        hidden[lost] = False
        alone = problem.incidence @ hidden.astype(np.int64) == 1
        lost = np.flatnonzero((problem.incidence.T @ alone.astype(np.int64) > 0) & hidden)
        found.append(lost)
    return np.concatenate(found)


def _repair(
    problem: _Problem, movements: Movements, best: _Pattern, budget: _Budget, dice: np.random.Generator
) -> _Pattern:
    """Step 4, while the budget lasts."""
    for _ in range(REPAIRS):
        if budget.left <= 0 or not (best.hidden & ~problem.primary).any():
            break
        centre = dice.choice(np.flatnonzero(best.hidden))
        around = [np.abs(w) > TOLERANCE for w in best.evidence.witnesses if abs(w[centre]) > TOLERANCE]
        drawn = dice.random(len(best.hidden)) < FORGOTTEN
        forgotten = np.flatnonzero(np.any(around, axis=0) & ~problem.primary & drawn)
        start = best.hidden.copy()
        start[forgotten] = False
        cost = problem.cost * dice.uniform(0.5, 1.5, len(start))
        try:
            other = _derive(problem, movements, start, best.evidence.without(forgotten), cost, dice.random(len(start)))
        except _Stuck as stuck:
            movements.block(np.array([stuck.cell]))
            continue
        finally:
            budget.spend(movements)
        other = _clean(problem, other, budget)
        if problem.price_of(other.hidden) <= problem.price_of(best.hidden):
            best = other
    return best


def _verify(problem: _Problem, pattern: _Pattern) -> None:
    """Raise GateFailed("privacy") unless the witnesses prove, by arithmetic, what is claimed."""
    hidden, evidence = pattern.hidden, pattern.evidence
    witnesses = np.array(evidence.witnesses).reshape(len(evidence.witnesses), len(hidden))
    allowance = 10 * TOLERANCE * np.maximum(1.0, np.abs(witnesses).max(axis=1, initial=0.0))[:, np.newaxis]
    open_cells = (problem.primary & ~hidden) | (hidden & ~evidence.proves(problem.width))
    wrong = (
        (np.abs(witnesses @ problem.relations.T) > allowance).any()
        or (np.abs(witnesses[:, ~hidden]) > allowance).any()
        or (witnesses < -problem.slack - allowance).any()
    )
    if wrong or open_cells.any():
        raise GateFailed(
            "privacy",
            f"Die Geheimhaltung hält ihrer Prüfung nicht stand: {int(open_cells.sum())} von {int(hidden.sum())} "
            "Zellen sind nicht nachweislich geschützt.",
            next_step="Bitte an die Entwicklung wenden; bis dahin bleibt die letzte Veröffentlichung stehen.",
        )


def _among(relations: scipy.sparse.csr_array, part: NDArray[np.int64]) -> scipy.sparse.csr_array:
    """The relations that hold cells of ``part``, restricted to these."""
    restricted = scipy.sparse.csr_array(relations[:, part])
    restricted.eliminate_zeros()
    return scipy.sparse.csr_array(restricted[np.diff(restricted.indptr) > 0])


def _connected(relations: scipy.sparse.csr_array, hideable: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """The cells that may be hidden, in sets that no relation connects: one problem each."""
    among = _among(relations, hideable)
    number, label = connected_components(scipy.sparse.block_array([[None, among], [among.T, None]]), directed=False)
    labels = label[among.shape[0] :]
    order = np.argsort(labels, kind="stable")
    bounds = np.searchsorted(labels[order], np.arange(number + 1))
    return [hideable[order[low:high]] for low, high in itertools.pairwise(bounds) if high > low]
