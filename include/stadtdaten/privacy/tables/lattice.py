"""Which cells does a table with totals have, and which sums tie them together?

A dimension with a total is an axis; dimensions that divide each other (Stadtbezirk, Sozialraum) are one axis with
several levels. The nodes of an axis are the total and the values of every level; the cells of a table are all
combinations of nodes, zeros included. Each row counts in one node per level of each axis.
"""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import pandas as pd
import scipy.sparse
from numpy.typing import NDArray

from stadtdaten.contracts.protection import FrequencyTable, MagnitudeTable

Amount = TypeVar("Amount", np.int64, np.uint64)

Key = frozenset[tuple[str, Hashable]]
"""A cell whatever the table: (dimension, value) for every dimension that is not at its total. Of dimensions that divide
each other only the finest is named, as its value has one parent."""


Stratum = tuple[Hashable, ...]
"""The values of the dimensions that have no total, in the order of their names."""


class SeveralParents(Exception):
    """``count`` values of the dimension ``name`` lie in more than one value of the dimension it divides."""

    def __init__(self, name: str, count: int) -> None:
        super().__init__(name, count)
        self.name = name
        self.count = count


def chains(spec: FrequencyTable | MagnitudeTable) -> tuple[tuple[str, ...], ...]:
    """The margins by axis, each from the coarsest level to the finest, in the order of the dimensions."""
    divided_by = {parent: child for child, parent in spec.nested.items()}
    found = []
    for name in spec.dimensions:
        if name in spec.margins and name not in spec.nested:
            chain = [name]
            while chain[-1] in divided_by:
                chain.append(divided_by[chain[-1]])
            found.append(tuple(chain))
    return tuple(found)


def key(levels: Sequence[Sequence[str]], nodes: Sequence[Sequence[Hashable]]) -> Key:
    """The key of a cell; ``nodes`` are the values on each axis from the coarsest down, none for the total."""
    return frozenset((level[len(node) - 1], node[-1]) for level, node in zip(levels, nodes, strict=True) if node)


@dataclass(frozen=True)
class Axis:
    """One dimension with its total, or several that divide each other.

    ``nodes`` are the values from the coarsest level down to the node's own; the first, (), is the total. ``codes``
    (rows x levels + 1) is the node of each row at each level, the total first. ``relations`` (sums x nodes) has -1 for
    a node that is divided and 1 for its parts.
    """

    levels: tuple[str, ...]
    nodes: tuple[tuple[Hashable, ...], ...]
    codes: NDArray[np.int64]
    relations: scipy.sparse.csr_array


def axis(rows: pd.DataFrame, levels: tuple[str, ...], orders: Mapping[str, Sequence[Hashable]]) -> Axis:
    """The axis that the rows (at least one) span; ``orders`` holds the values of each level in their order.

    Raises SeveralParents.
    """
    nodes: list[tuple[Hashable, ...]] = [()]
    parents: list[int] = []
    codes = [np.zeros(len(rows), dtype=np.int64)]
    for name in levels:
        present = set(rows[name].unique())
        labels = [label for label in orders[name] if label in present]
        code = np.asarray(pd.Categorical(rows[name], categories=labels).codes, dtype=np.int64)
        child, parent = np.divmod(np.unique(code * len(nodes) + codes[-1]), len(nodes))
        if len(child) > len(labels):
            raise SeveralParents(name, int((np.bincount(child) > 1).sum()))
        codes.append(code + len(nodes))
        nodes += [(*nodes[above], label) for above, label in zip(parent.tolist(), labels, strict=True)]
        parents += parent.tolist()
    divided, of = np.unique(np.array(parents), return_inverse=True)
    entries = np.concatenate([np.ones(len(parents)), -np.ones(len(divided))])
    place = (
        np.concatenate([of, np.arange(len(divided))]),
        np.concatenate([np.arange(1, len(nodes)), divided]),
    )
    relations = scipy.sparse.csr_array((entries, place), shape=(len(divided), len(nodes)))
    return Axis(levels, tuple(nodes), np.column_stack(codes), relations)


@dataclass(frozen=True)
class Lattice:
    """All cells of one table, numbered like the entries of an array with the axes' nodes as its dimensions.

    Without axes there is one cell. ``rows`` is the number of rows.
    """

    axes: tuple[Axis, ...]
    rows: int

    @property
    def cells(self) -> int:
        """Number of cells."""
        return int(np.prod([len(each.nodes) for each in self.axes], dtype=np.int64))

    def places(self) -> Iterator[NDArray[np.int64]]:
        """The cells that each row counts in: one array (rows) per combination of levels, no cell in two of them."""
        for depths in itertools.product(*(range(each.codes.shape[1]) for each in self.axes)):
            place = np.zeros(self.rows, dtype=np.int64)
            for each, depth in zip(self.axes, depths, strict=True):
                place = place * len(each.nodes) + each.codes[:, depth]
            yield place

    def add_up(self, amounts: NDArray[Amount]) -> NDArray[Amount]:
        """The sum of the rows' amounts in every cell; unsigned numbers wrap around at 2**64."""
        sums = np.zeros(self.cells, dtype=amounts.dtype)
        for place in self.places():
            np.add.at(sums, place, amounts)
        return sums

    def relations(self) -> scipy.sparse.csr_array:
        """Every sum of the table (sums x cells): 1 for its parts, -1 for the total."""
        parts, before, after = [scipy.sparse.csr_array((0, self.cells))], 1, self.cells
        for each in self.axes:
            after //= len(each.nodes)
            one = scipy.sparse.kron(scipy.sparse.eye_array(before), each.relations)
            parts.append(scipy.sparse.csr_array(scipy.sparse.kron(one, scipy.sparse.eye_array(after))))
            before *= len(each.nodes)
        return scipy.sparse.csr_array(scipy.sparse.vstack(parts))

    def keys_of_cells(self) -> list[Key]:
        """The key of every cell."""
        levels = [each.levels for each in self.axes]
        return [key(levels, nodes) for nodes in itertools.product(*(each.nodes for each in self.axes))]

    def labels(self, total: str) -> pd.DataFrame:
        """The value of every dimension (columns) for every cell, ``total`` where it is not divided so far."""
        padded = [[(*node, *[total] * (len(each.levels) - len(node))) for node in each.nodes] for each in self.axes]
        values = [list(itertools.chain.from_iterable(nodes)) for nodes in itertools.product(*padded)]
        names = [name for each in self.axes for name in each.levels]
        return pd.DataFrame(values, columns=names, index=pd.RangeIndex(self.cells), dtype="str")
