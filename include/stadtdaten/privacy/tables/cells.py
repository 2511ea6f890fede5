"""What is a set of tables to the mathematics of protection: cells, and the sums that tie them together.

``tabulate`` makes it from rows, ``secondary`` says which cells to hold back. The attack does not use it: it starts
again from what is published.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse
from numpy.typing import NDArray


@dataclass(frozen=True)
class Cells:
    """The n cells of one table, or of several that are linked by cells they share, as a system of equations.

    ``values`` are the true values (n, not negative). ``relations`` (m x n) has a row for each sum: 1 for its parts, -1
    for the total; ``relations @ values`` is 0. ``lower`` is what everybody knows a hidden cell to be at least: 1 for
    counts, as zeros are always published, 0 for sums of magnitudes. ``primary`` cells must be held back. ``width`` is
    how wide the interval of each cell must stay once it is hidden. ``known`` cells are public already, from an earlier
    release: holding them back helps nobody, so they cannot be chosen (nor be primary).
    """

    values: NDArray[np.float64]
    relations: scipy.sparse.csr_array
    lower: NDArray[np.float64]
    primary: NDArray[np.bool_]
    width: NDArray[np.float64]
    known: NDArray[np.bool_]
