"""How are counts rounded so that small ones say nothing (the rule of German school statistics)?

Each count by itself, totals too: the parts need not add up to their total. What a reader can tell of a count is the
interval that is rounded to what is shown, and nothing narrower, as long as every table rounds to the same base.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stadtdaten.contracts.protection import RoundedCounts


def round_counts(counts: NDArray[np.int64], spec: RoundedCounts) -> NDArray[np.int64]:
    """The nearest multiple of ``base`` for each count (any shape, not negative); 0 for 0 to ``to_zero``.

    A count in the middle of two multiples, which only an even base has, goes to the even multiple: upwards as often as
    downwards, so that sums are not biased. With base 10, 15 becomes 20 and 25 too.
    """
    multiple, rest = np.divmod(counts, spec.base)
    up = (2 * rest > spec.base) | ((2 * rest == spec.base) & (multiple % 2 == 1))
    return np.where(counts <= spec.to_zero, 0, (multiple + up) * spec.base)
