"""Tables of counts with hierarchies, and several of them linked, as systems of cells."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from stadtdaten.privacy.tables.cells import Cells

Dimension = Sequence[int]
"""The parent of each node; the first node is the total, whose parent is -1."""


def flat(values: int) -> Dimension:
    """A total and its values."""
    return [-1, *[0] * values]


def tree(groups: int, each: int) -> Dimension:
    """A total, groups, and as many values in each group."""
    return [-1, *[0] * groups, *(1 + group for group in range(groups) for _ in range(each))]


def leaves(dimension: Dimension) -> list[int]:
    """The nodes that nothing divides."""
    return [node for node in range(len(dimension)) if node not in dimension]


def tables_of_cells(
    counts: NDArray[np.int64], dimensions: Sequence[Dimension], tables: Sequence[Sequence[int]], minimum: int = 3
) -> Cells:
    """The cells of all tables; ``counts`` has an axis per dimension, ``tables`` names the dimensions of each table."""
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
        primary=(values > 0) & (values < minimum),
        width=np.full(len(values), float(minimum)),
        known=np.zeros(len(values), dtype=np.bool_),
    )


def shared(cells: Cells, known: Sequence[int]) -> Cells:
    """The same cells, some of which have been published already."""
    mask = cells.known.copy()
    mask[list(known)] = True
    return replace(cells, known=mask, primary=cells.primary & ~mask)


SMALL: list[tuple[list[Dimension], list[tuple[int, ...]]]] = [
    ([flat(5), flat(6)], [(0, 1)]),
    ([tree(3, 2), flat(5)], [(0, 1)]),
    ([flat(3), flat(4), flat(3)], [(0, 1, 2)]),
    ([tree(2, 3), flat(3), flat(3)], [(0, 1), (0, 2), (1, 2)]),
    ([flat(4), flat(5), flat(2)], [(0, 1, 2)]),
]
"""Dimensions and tables small enough for the exact optimum."""


def small(seed: int) -> Cells:
    """Random counts, many of them small, in one of the shapes of ``SMALL``."""
    dice = np.random.default_rng(seed)
    dimensions, tables = SMALL[seed % len(SMALL)]
    shape = [len(leaves(dimension)) for dimension in dimensions]
    return tables_of_cells(dice.poisson(dice.lognormal(2.0, 1.2, shape)), dimensions, tables)


def _sums(dimension: Dimension) -> NDArray[np.float64]:
    """Which leaves (columns) each node (rows) is the sum of."""
    ends = leaves(dimension)
    sums = np.zeros((len(dimension), len(ends)))
    for column, leaf in enumerate(ends):
        node = leaf
        while node >= 0:
            sums[node, column] = 1
            node = dimension[node]
    return sums
