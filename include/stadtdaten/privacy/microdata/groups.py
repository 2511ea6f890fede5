"""Records in groups: row numbers group by group, and where each group begins."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Groups:
    """``rows`` are the records of group 0, then those of group 1, ...; ``starts`` where each begins; none is empty."""

    rows: Indices
    starts: Indices

    @classmethod
    def sized(cls, rows: Indices, sizes: Indices) -> Groups:
        """Groups of these sizes, one after the other."""
        return cls(rows, np.cumsum(sizes) - sizes)

    @classmethod
    def joined(cls, parts: list[Groups]) -> Groups:
        """The groups of all parts, in their order."""
        if not parts:
            return cls(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))
        return cls.sized(np.concatenate([part.rows for part in parts]), np.concatenate([part.sizes for part in parts]))

    def __len__(self) -> int:
        """Number of groups."""
        return len(self.starts)

    @property
    def sizes(self) -> Indices:
        """Records of each group."""
        return np.diff(self.starts, append=len(self.rows))

    @property
    def of_each_row(self) -> Indices:
        """The number of the group of each of ``rows``."""
        return np.repeat(np.arange(len(self)), self.sizes)

    def only(self, chosen: NDArray[np.int64] | NDArray[np.bool_]) -> Groups:
        """Some of the groups, in the order given."""
        starts, sizes = self.starts[chosen], self.sizes[chosen]
        begins = np.cumsum(sizes) - sizes
        return Groups(self.rows[np.arange(sizes.sum()) + np.repeat(starts - begins, sizes)], begins)

    def sorted_by(self, codes: NDArray[np.int32], size: int) -> Groups:
        """The same groups, each with its records by rising code (0 to ``size``)."""
        keys = self.of_each_row
        keys *= size
        keys += codes[self.rows]
        return Groups(self.rows[np.argsort(keys)], self.starts)
