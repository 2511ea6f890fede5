"""Where can a person be, going by what a record shows of a quasi-identifier? Read back from published texts alone.

Two tables are compared group by group: which groups of one could hold the same person as which of the other.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
import pandas as pd
import scipy.sparse
from numpy.typing import NDArray

from stadtdaten.contracts.model import Column
from stadtdaten.privacy.microdata.axes import MISSING

Indices = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_BLOCK = 4_000_000
"""Pairs of groups that are looked at together: bounds the memory to some tens of MiB."""

_NUMBER = r"-?\d+(?:,\d+)?(?:e[+-]?\d+)?"
_RANGE = re.compile(rf"({_NUMBER})(?: bis ({_NUMBER}))?")


class Regions(Protocol):
    """What one column shows of the groups of one table."""

    def pairs(self, part: slice, other: Self) -> tuple[Indices, Indices]:
        """All pairs (own group, counted within ``part``, and other's group) that have a value in common."""

    def meet(self, own: Indices, other: Self, others: Indices) -> Flags:
        """Of each given pair, whether it has a value in common."""


@dataclass(frozen=True)
class Ranges:
    """Numbers, or moments in days: from ``low`` to ``high``, or missing (then ``low`` > ``high``), or both."""

    low: Floats
    high: Floats
    missing: Flags

    def pairs(self, part: slice, other: Ranges) -> tuple[Indices, Indices]:
        """See Regions."""
        meet = (self.low[part, None] <= other.high) & (other.low <= self.high[part, None])
        own, others = np.nonzero(meet | (self.missing[part, None] & other.missing))
        return own, others

    def meet(self, own: Indices, other: Ranges, others: Indices) -> Flags:
        """See Regions."""
        meet = (self.low[own] <= other.high[others]) & (other.low[others] <= self.high[own])
        return np.asarray(meet | (self.missing[own] & other.missing[others]))


@dataclass(frozen=True)
class Sets:
    """Texts: ``members`` (groups x values) is 1 where the group may have the value."""

    members: scipy.sparse.csr_array

    def pairs(self, part: slice, other: Sets) -> tuple[Indices, Indices]:
        """See Regions."""
        common = (self.members[part] @ other.members.T).tocoo()
        return common.row.astype(np.int64), common.col.astype(np.int64)

    def meet(self, own: Indices, other: Sets, others: Indices) -> Flags:
        """See Regions."""
        return self.common(own, other, others) > 0

    def common(self, own: Indices, other: Sets, others: Indices) -> Indices:
        """How many values each pair has in common."""
        counts = [np.empty(0)]
        for begin in range(0, len(own), _PAIRS):
            part = slice(begin, begin + _PAIRS)
            counts.append(np.asarray(self.members[own[part]].multiply(other.members[others[part]]).sum(axis=1)))
        return np.concatenate(counts).astype(np.int64)

    def joined(self, groups: Indices, more: Indices) -> Sets:
        """Each of ``groups`` with what the group beside it in ``more`` may have (-1: nothing)."""
        added = self.members[np.maximum(more, 0)].multiply((more >= 0)[:, None].astype(np.int32))
        return Sets(scipy.sparse.csr_array((self.members[groups] + added) > 0).astype(np.int32))


_PAIRS = 200_000


def ranges(values: pd.Series) -> Ranges:
    """Of published texts ("25 bis 34; ohne Angabe"), numbers or dates. What cannot be read may be anywhere."""
    if pd.api.types.is_numeric_dtype(values.dtype):
        numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
        return Ranges(np.nan_to_num(numbers, nan=np.inf), np.nan_to_num(numbers, nan=-np.inf), np.isnan(numbers))
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        return ranges(values.map(lambda moment: moment.isoformat(), na_action="ignore").astype("str"))
    texts = values.astype("str").fillna(MISSING)
    codes, found = pd.factorize(texts)
    read = np.array([_read(str(text)) for text in found]).reshape(-1, 3)[codes]
    return Ranges(read[:, 0], read[:, 1], read[:, 2].astype(np.bool_))


def _read(text: str) -> tuple[float, float, float]:
    known = text.removesuffix(MISSING).removesuffix("; ")
    missing = float(text.endswith(MISSING))
    if not known:
        return np.inf, -np.inf, missing
    if number := _RANGE.fullmatch(known):
        low, high = (float(each.replace(",", ".")) for each in (number[1], number[2] or number[1]))
        return low, high, missing
    ends = known.split(" bis ")
    try:
        days = [pd.Timestamp(end) for end in (ends[0], ends[-1])]
    except ValueError:
        return -np.inf, np.inf, 1.0
    first, last = (moment.tz_localize("UTC") if moment.tz is None else moment for moment in days)
    return first.timestamp() / 86_400, last.timestamp() / 86_400, missing


def sets(values: Sequence[pd.Series], hierarchy: Mapping[str, tuple[str, ...]] | None = None) -> list[Sets]:
    """Of published texts, in each of the tables, over the same values: lists ("a; b") and labels of the hierarchy."""
    below: dict[str, set[str]] = {}
    for leaf, groups in (hierarchy or {}).items():
        for label in (leaf, *groups):
            below.setdefault(label, set()).add(leaf)
    numbers: dict[str, int] = {}
    found = []
    for series in values:
        codes, texts = pd.factorize(series.astype("str").fillna(MISSING))
        leaves = [{leaf for part in str(text).split("; ") for leaf in below.get(part, {part})} for text in texts]
        members = [sorted(numbers.setdefault(leaf, len(numbers)) for leaf in each) for each in leaves]
        found.append((codes, members))
    result = []
    for codes, members in found:
        begins = np.concatenate([[0], np.cumsum([len(each) for each in members], dtype=np.int64)])
        columns = np.array([number for each in members for number in each], dtype=np.int64)
        matrix = scipy.sparse.csr_array(
            (np.ones(len(columns), dtype=np.int32), columns, begins), shape=(len(members), len(numbers))
        )
        result.append(Sets(matrix[codes]))
    return result


def values_of_groups(*tables: tuple[pd.Series, pd.Series]) -> list[Sets]:
    """Which values occur in the groups of each table: its records' group numbers and values, as they are."""
    found = pd.Index(pd.concat([values.astype("str").fillna(MISSING) for _, values in tables]).unique())
    result = []
    for groups, values in tables:
        codes = found.get_indexer(pd.Index(values.astype("str").fillna(MISSING)))
        pairs = np.unique(groups.to_numpy() * len(found) + codes)
        group, code = np.divmod(pairs, len(found))
        shape = (int(groups.max()) + 1, len(found))
        result.append(Sets(scipy.sparse.csr_array((np.ones(len(pairs), dtype=np.int32), (group, code)), shape=shape)))
    return result


def regions(
    column: Column, own: pd.Series, other: pd.Series, hierarchy: Mapping[str, tuple[str, ...]] | None
) -> tuple[Regions, Regions]:
    """The column in two tables, ready to be compared."""
    plain = column.treatment is None or column.treatment.kind in ("limits", "rounded")
    if plain and column.type in ("integer", "number", "date", "datetime"):
        return ranges(own), ranges(other)
    one, another = sets([own, other], hierarchy)
    return one, another


def meeting(compared: Sequence[tuple[Regions, Regions]], groups: tuple[int, int]) -> tuple[Indices, Indices]:
    """All pairs of groups of two tables that have a value in common in every compared column.

    It begins with the column that leaves the fewest pairs, judged by a sample; ``groups`` are how many each table has,
    1 or more.
    """
    sample = [np.unique(np.linspace(0, number - 1, 300).astype(np.int64)) for number in groups]
    first, second = (each.ravel() for each in np.meshgrid(*sample, indexing="ij"))
    order = sorted(compared, key=lambda pair: int(pair[0].meet(first, pair[1], second).sum()))
    step = max(1, _BLOCK // groups[1])
    found = []
    for begin in range(0, groups[0], step):
        own, others = order[0][0].pairs(slice(begin, begin + step), order[0][1])
        own = own + begin
        for one, another in order[1:]:
            meet = one.meet(own, another, others)
            own, others = own[meet], others[meet]
        found.append((own, others))
    return np.concatenate([own for own, _ in found]), np.concatenate([others for _, others in found])
