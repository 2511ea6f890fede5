"""What does secondary suppression cost, in seconds and in cells more than needed?

CPU seconds: suppression and attack compute on one thread, and what else the machine does is not their fault.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence

import numpy as np
import scipy.sparse
from exact_suppression import fewest_secondary
from numpy.typing import NDArray

from stadtdaten.privacy.tables.cells import Cells
from stadtdaten.privacy.tables.intervals import Equations, intervals
from stadtdaten.privacy.tables.secondary import suppress

MINIMUM = 3
LARGE_SEEDS = (1, 2, 3)
SMALL_SEEDS = range(60)
EXACT_SECONDS = 15.0

Dimension = Sequence[int]
"""The parent of each node; the first node is the total, whose parent is -1."""


def main() -> None:
    """Three linked hierarchical tables, then tables that can be solved exactly."""
    print(f"{'cells':>6}{'primary':>9}{'secondary':>11}{'suppress s':>12}{'attack s':>10}{'narrow':>8}")
    for seed in LARGE_SEEDS:
        cells = _large(seed)
        began = time.process_time()
        hidden = suppress(cells)
        suppressed = time.process_time()
        narrow = _narrow(cells, hidden)
        attacked = time.process_time()
        print(
            f"{len(hidden):>6}{cells.primary.sum():>9}{(hidden & ~cells.primary).sum():>11}"
            f"{suppressed - began:>12.1f}{attacked - suppressed:>10.1f}{narrow:>8}"
        )
    excess, unsolved = [], 0
    for seed in SMALL_SEEDS:
        cells = _small(seed)
        if cells.primary.any():
            fewest = fewest_secondary(cells, EXACT_SECONDS)
            if fewest is None:
                unsolved += 1
            elif fewest:
                excess.append(100 * ((suppress(cells) & ~cells.primary).sum() / fewest - 1))
    print(
        f"{len(excess)} tables of 42 to 90 cells solved exactly ({unsolved} not within {EXACT_SECONDS:.0f} s): "
        f"secondary cells above the optimum {np.mean(excess):.1f} % in the mean, {max(excess):.1f} % at worst"
    )


def _narrow(cells: Cells, hidden: NDArray[np.bool_]) -> int:
    """Number of hidden cells that an attack brings closer than they may be brought."""
    zeros = np.zeros(cells.relations.shape[0])
    lower, upper = np.where(hidden, cells.lower, cells.values), np.where(hidden, np.inf, cells.values)
    asked = np.flatnonzero(hidden)
    found = intervals(Equations(cells.relations, zeros, zeros, lower, upper), asked, cells.width[asked])
    return int((found.widths < cells.width[asked] - 1e-6).sum())


def _large(seed: int) -> Cells:
    """A table of 29 areas, 17 ages and 10 others (4,930 cells), and two with 4 of a fourth dimension linked to it."""
    dice = np.random.default_rng(seed)
    dimensions = [_tree(7, 3), _tree(4, 3), _tree(9, 0), _tree(4, 0)]
    areas, others = dice.lognormal(0, 0.6, (21, 1, 1, 1)), dice.lognormal(0, 1.2, (1, 1, 9, 1))
    counts = dice.poisson(dice.lognormal(0, 1.0, (21, 12, 9, 4)) * areas * others)
    return _cells(counts, dimensions, [(0, 1, 2), (0, 1, 3), (0, 2, 3)])


def _small(seed: int) -> Cells:
    dice = np.random.default_rng(seed)
    dimensions, tables = [
        ([_tree(5, 0), _tree(6, 0)], [(0, 1)]),
        ([_tree(3, 2), _tree(5, 0)], [(0, 1)]),
        ([_tree(3, 0), _tree(4, 0), _tree(3, 0)], [(0, 1, 2)]),
        ([_tree(2, 3), _tree(3, 0), _tree(3, 0)], [(0, 1), (0, 2), (1, 2)]),
        ([_tree(4, 0), _tree(5, 0), _tree(2, 0)], [(0, 1, 2)]),
    ][seed % 5]
    shape = [len(_leaves(dimension)) for dimension in dimensions]
    return _cells(dice.poisson(dice.lognormal(2.0, 1.2, shape)), dimensions, tables)


def _tree(groups: int, each: int) -> Dimension:
    return [-1, *[0] * groups, *(1 + group for group in range(groups) for _ in range(each))]


def _leaves(dimension: Dimension) -> list[int]:
    return [node for node in range(len(dimension)) if node not in dimension]


def _cells(counts: NDArray[np.int64], dimensions: Sequence[Dimension], tables: Sequence[tuple[int, ...]]) -> Cells:
    """The cells of all tables, each of which names its dimensions; ``counts`` has an axis per dimension."""
    full = counts.astype(np.float64)
    for axis, dimension in enumerate(dimensions):
        full = np.moveaxis(np.tensordot(_sums(dimension), full, axes=(1, axis)), 0, axis)
    number: dict[tuple[int, ...], int] = {}
    rows: list[dict[int, float]] = []
    for table in tables:
        nodes = [range(len(each)) if axis in table else range(1) for axis, each in enumerate(dimensions)]
        for place in itertools.product(*nodes):
            number.setdefault(place, len(number))
        for axis in table:
            for place in itertools.product(*nodes):
                parts = [node for node, parent in enumerate(dimensions[axis]) if parent == place[axis]]
                if parts:
                    children = [number[(*place[:axis], part, *place[axis + 1 :])] for part in parts]
                    rows.append({number[place]: -1.0, **dict.fromkeys(children, 1.0)})
    values = np.array([full[place] for place in number])
    entries = [(row, cell, sign) for row, terms in enumerate(rows) for cell, sign in terms.items()]
    where = ([row for row, _, _ in entries], [cell for _, cell, _ in entries])
    return Cells(
        values=values,
        relations=scipy.sparse.csr_array(([sign for *_, sign in entries], where), shape=(len(rows), len(values))),
        lower=np.ones(len(values)),
        primary=(values > 0) & (values < MINIMUM),
        width=np.full(len(values), float(MINIMUM)),
        known=np.zeros(len(values), dtype=np.bool_),
    )


def _sums(dimension: Dimension) -> NDArray[np.float64]:
    """Which leaves (columns) each node (rows) is the sum of."""
    leaves = _leaves(dimension)
    sums = np.zeros((len(dimension), len(leaves)))
    for column, leaf in enumerate(leaves):
        node = leaf
        while node >= 0:
            sums[node, column] = 1
            node = dimension[node]
    return sums


if __name__ == "__main__":
    main()
