"""Which cells may not be shown, whatever stands around them? The rules of primary confidentiality, as pure functions.

For sums, a rule and what it asks of a hidden cell are one formula: the upper protection level. It is positive where
the rule is broken, and then says by how much the largest possible value of the cell has to exceed the true one (A.
Hundepool et al.: Statistical Disclosure Control, Wiley 2012, ch. 4.2.2; Handbook on SDC, table 4.2).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stadtdaten.contracts.protection import MagnitudeTable


@dataclass(frozen=True)
class Concentration:
    """How the sum of each cell is made up: contributors with more than nothing, the largest, the second, the n largest.

    Sums are whole units, so floats hold them exactly.
    """

    contributors: NDArray[np.int64]
    total: NDArray[np.float64]
    largest: NDArray[np.float64]
    second: NDArray[np.float64]
    largest_n: NDArray[np.float64]


def concentration(places: Iterable[NDArray[np.int64]], amounts: NDArray[np.int64], cells: int, n: int) -> Concentration:
    """The concentration of every cell. ``places`` are arrays of the cell of each row, no cell in two of them.

    ``amounts`` are whole units, one per row and contributor, so the order of the rows has no influence.
    """
    contributors, total, largest, second, largest_n = np.zeros((5, cells), dtype=np.int64)
    for place in places:
        order = np.lexsort((-amounts, place))
        cell, amount = place[order], amounts[order]
        begins = np.flatnonzero(np.diff(cell, prepend=-1))
        rank = np.arange(len(cell)) - np.repeat(begins, np.diff(begins, append=len(cell)))
        np.add.at(contributors, cell, amount > 0)
        np.add.at(total, cell, amount)
        largest[cell[rank == 0]] = amount[rank == 0]
        second[cell[rank == 1]] = amount[rank == 1]
        np.add.at(largest_n, cell[rank < n], amount[rank < n])
    sums = (each.astype(np.float64) for each in (total, largest, second, largest_n))
    return Concentration(contributors, *sums)


def too_small(counts: NDArray[np.int64], minimum: int) -> NDArray[np.bool_]:
    """Counts of persons that are not 0 and below the minimum."""
    return (counts > 0) & (counts < minimum)


def too_few(cell: Concentration, minimum: int) -> NDArray[np.bool_]:
    """Sums that are not 0 and to which fewer than the minimum contribute."""
    return (cell.contributors > 0) & (cell.contributors < minimum)


def least_contributors(spec: MagnitudeTable) -> int:
    """How many contribute at least to a sum that is shown and not 0, as everybody can tell from the rules.

    By the (n,k) rule that is as many as n/k of the sum would need if all were equal. By the p % rule it takes the
    two largest, and others that make up p % of the largest.
    """
    least = spec.minimum
    if spec.dominance is not None:
        least = max(least, math.ceil(spec.dominance.n * 100 / spec.dominance.k))
    if spec.p_percent is not None:
        least = max(least, 2 + math.ceil(spec.p_percent / 100))
    return least


def dominance_level(cell: Concentration, k: float) -> NDArray[np.float64]:
    """Upper protection level of the (n,k) rule: positive where the n largest make up more than k % of the sum."""
    return cell.largest_n * (100 / k) - cell.total


def p_percent_level(cell: Concentration, p: float) -> NDArray[np.float64]:
    """Upper protection level of the p % rule.

    Positive where the second-largest, who knows its own part, could tell the largest one to within p %: where all
    others together are less than p % of the largest.
    """
    return cell.largest * (p / 100) - (cell.total - cell.largest - cell.second)
