"""Which groups of records may be published: enough records (k), enough different sensitive values (l), sensitive
values spread as among all (t)?

l-diversity: Machanavajjhala et al. 2007, in its distinct form; t-closeness: Li, Li, Venkatasubramanian 2007, with the
Earth mover's distance, ordered for numbers and dates, equal for texts. All groups are judged at once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Indices = NDArray[np.int64]
Floats = NDArray[np.float64]

_ROUNDING = 1e-9
"""What a distance may exceed t by: sums of shares are not exact."""


@dataclass(frozen=True)
class Secret:
    """A sensitive column of n records: ``codes`` (n) from 0, in order where ``ordered``; ``shares`` of each code among
    all records. A missing value is a value like any other, the last one.
    """

    name: str
    codes: NDArray[np.int32]
    shares: Floats
    ordered: bool

    def among(self, rows: Indices) -> Secret:
        """The same with the shares among some of the records."""
        return replace(self, shares=_shares(self.codes[rows], len(self.shares)))

    def spread(self, rows: Indices, starts: Indices) -> Spread:
        """How the values are spread over the groups of ``rows`` that begin at ``starts``."""
        sizes = np.diff(starts, append=len(rows))
        codes = len(self.shares)
        keys = np.repeat(np.arange(len(starts)) * codes, sizes)
        keys += self.codes[rows]
        keys.sort()
        begins = np.flatnonzero(np.diff(keys, prepend=-1))
        counts = np.diff(begins, append=len(keys))
        group, code = np.divmod(keys[begins], codes)
        return Spread(self, sizes, group, code, counts)


@dataclass(frozen=True)
class Spread:
    """How often each value of ``secret`` occurs in each group: entry by entry its group, code and count, sorted."""

    secret: Secret
    sizes: Indices
    group: Indices
    code: Indices
    counts: Indices

    def distinct(self) -> Indices:
        """Number of different values of each group: its l."""
        return np.bincount(self.group, minlength=len(self.sizes))

    def distances(self) -> Floats:
        """Earth mover's distance of each group's values from those of all, 0 to 1: its t."""
        share = self.counts / self.sizes[self.group]
        return self._ordered(share) if self.secret.ordered else self._equal(share)

    def _equal(self, share: Floats) -> Floats:
        """Half the sum of the differences; a value that a group does not have differs by its share among all."""
        of_all = self.secret.shares[self.code]
        rest = np.bincount(self.group, np.abs(share - of_all) - of_all, minlength=len(self.sizes))
        return (rest + 1.0) / 2

    def _ordered(self, share: Floats) -> Floats:
        """Sum of the differences of the two cumulative shares over the number of values less one.

        Between two values that a group has, its cumulative share stands still while that of all rises: the sum over
        such a stretch comes from prefix sums, left and right of the place where the two cross.
        """
        of_all = np.cumsum(self.secret.shares)
        used = int(np.count_nonzero(self.secret.shares))
        if used < 2:
            return np.zeros(len(self.sizes))
        weight = (self.secret.shares > 0).astype(np.float64)  # a code that no record has is no step
        sums = np.concatenate([[0.0], np.cumsum(of_all * weight)])
        steps = np.concatenate([[0.0], np.cumsum(weight)])
        firsts = np.flatnonzero(np.diff(self.group, prepend=-1))
        total = np.cumsum(share)
        cumulative = total - np.repeat(np.append(0.0, total)[firsts], np.diff(firsts, append=len(self.group)))
        begin = self.code
        end = np.append(self.code[1:], 0)
        lasts = np.append(firsts[1:], len(self.group)) - 1
        end[lasts] = len(of_all)
        cumulative[lasts] = 1.0
        cross = np.clip(np.searchsorted(of_all, cumulative), begin, end)
        stretch = (
            cumulative * (2 * steps[cross] - steps[begin] - steps[end]) + sums[begin] + sums[end] - 2 * sums[cross]
        )
        before = sums[self.code[firsts]]  # the group has nothing yet
        moved = np.bincount(self.group, stretch, minlength=len(self.sizes)) + before
        return np.asarray(moved / (used - 1))


@dataclass(frozen=True)
class Conditions:
    """What every group must fulfil. ``least`` is l, at least 2 where there is a secret: a value that all of a group
    share is known of each of them. ``t`` is None without t-closeness.
    """

    k: int
    least: int
    t: float | None
    secrets: tuple[Secret, ...]

    def met(self, rows: Indices, starts: Indices) -> NDArray[np.bool_]:
        """Of each group of ``rows`` that begins at ``starts``, whether it may be published."""
        met = np.diff(starts, append=len(rows)) >= self.k
        for secret in self.secrets:
            spread = secret.spread(rows, starts)
            met &= spread.distinct() >= self.least
            if self.t is not None:
                met &= spread.distances() <= self.t + _ROUNDING
        return met

    def among(self, rows: Indices) -> Conditions:
        """The same where only some of the records are published."""
        return replace(self, secrets=tuple(secret.among(rows) for secret in self.secrets))


def secret(values: pd.Series) -> Secret:
    """The sensitive column: numbers, dates and moments are ordered, all else is not."""
    ordered = pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_bool_dtype(values.dtype)
    ordered = ordered or pd.api.types.is_datetime64_any_dtype(values.dtype)
    codes, found = pd.factorize(values, sort=True, use_na_sentinel=True)
    numbers: NDArray[np.int32] = np.where(codes < 0, len(found), codes).astype(np.int32)
    return Secret(str(values.name), numbers, _shares(numbers, len(found) + 1), ordered)


def _shares(codes: NDArray[np.int32], size: int) -> Floats:
    return np.asarray(np.bincount(codes, minlength=size) / max(1, len(codes)))
