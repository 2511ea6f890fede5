"""What does a quasi-identifier look like to local recoding: its values as codes, where they may be cut, how a group of
them is written?

Codes are numbered so that what belongs together stands together: numbers and dates by size, texts by alphabet (a
leading number counts as a number), values of a hierarchy as the leaves of its tree. So a group is seldom more than the
interval from its lowest to its highest code. A missing value is a value of its own, the last one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stadtdaten.faults import Finding, GateFailed

Codes = NDArray[np.int32]
Indices = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

MISSING = "ohne Angabe"
"""How a missing value is written where it is one of several, and alone."""

_FAR = 2.0
"""Where a missing number lies on a scale of 0 to 1: so far off that a group with and without numbers is cut first."""


class Axis(Protocol):
    """One quasi-identifier of n records."""

    @property
    def name(self) -> str:
        """Name of the column."""

    @property
    def codes(self) -> Codes:
        """The code of each record (n), from 0."""

    @property
    def size(self) -> int:
        """Number of codes."""

    def width(self, low: Codes, high: Codes) -> Floats:
        """How much of the axis each group from code ``low`` to ``high`` takes, to choose where to cut: 0 if one value.

        At least the group's loss, and 1 or more where a group is all of it.
        """

    def parts(self, codes: Codes, starts: Indices, least: int) -> Indices:
        """Where the groups would be cut. ``codes`` are sorted within the groups that begin at ``starts``; the answer
        has the beginnings of all parts, ``starts`` among them. A group for which there is no cut keeps its one part.
        """

    def written(self, codes: Codes, starts: Indices) -> tuple[NDArray[np.object_], Floats]:
        """Each group as published, and its loss: the normalised certainty penalty, 0 (one value) to 1 (Xu et al. 2006:
        range / whole range of a number, number of values / number of all values of a category).
        """


@dataclass(frozen=True)
class Scale:
    """Numbers or dates: ``values`` are the distinct ones, rising; groups become ranges.

    The ends of a range are values that occur: who must not learn them declares the column rounded or in bands.
    """

    name: str
    codes: Codes
    values: Floats
    text: Callable[[float], str]
    missing: bool

    @property
    def size(self) -> int:
        """The distinct values, and one for the missing."""
        return len(self.values) + self.missing

    def _positions(self) -> Floats:
        span = self.values[-1] - self.values[0] if len(self.values) > 1 else 1.0
        positions = (self.values - self.values[0]) / span if len(self.values) else self.values
        return np.append(positions, _FAR) if self.missing else positions

    def width(self, low: Codes, high: Codes) -> Floats:
        """See Axis."""
        positions = self._positions()
        return positions[high] - positions[low]

    def parts(self, codes: Codes, starts: Indices, least: int) -> Indices:
        """See Axis: in two, beside the median."""
        return _halves(codes, starts, least)

    def written(self, codes: Codes, starts: Indices) -> tuple[NDArray[np.object_], Floats]:
        """See Axis: "25 bis 34", "25" for one value, "25 bis 34; ohne Angabe" with missing ones among them."""
        low, high = np.minimum.reduceat(codes, starts), np.maximum.reduceat(codes, starts)
        mixed = (high == len(self.values)) & (low < len(self.values))
        known = np.maximum.reduceat(np.where(codes < len(self.values), codes, -1), starts)
        top = np.where(mixed, known, high)
        loss = np.where(mixed, 1.0, self.width(low, high))
        ends = np.unique(np.concatenate([low, top]))
        texts = {code: MISSING if code == len(self.values) else self.text(self.values[code]) for code in ends.tolist()}
        triples, group = np.unique((low.astype(np.int64) * self.size + top) * 2 + mixed, return_inverse=True)
        written = []
        for triple in triples.tolist():
            first, last = texts[triple // 2 // self.size], texts[triple // 2 % self.size]
            written.append((first if first == last else f"{first} bis {last}") + (f"; {MISSING}" if triple % 2 else ""))
        return np.array(written, dtype=object)[group], loss


@dataclass(frozen=True)
class Listing:
    """Texts without a hierarchy: groups become lists of the values that occur in them, side by side."""

    name: str
    codes: Codes
    values: tuple[str, ...]

    @property
    def size(self) -> int:
        """The distinct texts."""
        return len(self.values)

    def width(self, low: Codes, high: Codes) -> Floats:
        """See Axis."""
        return np.where(low == high, 0.0, (high - low + 1) / self.size)

    def parts(self, codes: Codes, starts: Indices, least: int) -> Indices:
        """See Axis: in two, beside the median."""
        return _halves(codes, starts, least)

    def written(self, codes: Codes, starts: Indices) -> tuple[NDArray[np.object_], Floats]:
        """See Axis."""
        group = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(codes)))
        pairs = np.unique(group * self.size + codes)
        group, codes = np.divmod(pairs, self.size)
        firsts = np.searchsorted(group, np.arange(len(starts)))
        counts = np.diff(firsts, append=len(group))
        texts = np.array(self.values, dtype=object)[codes[firsts]]
        for several in np.flatnonzero(counts > 1):
            present = codes[firsts[several] : firsts[several] + counts[several]]
            texts[several] = "; ".join(self.values[code] for code in present)
        return texts, np.where(counts == 1, 0.0, counts / self.size)


@dataclass(frozen=True)
class Tree:
    """Texts with a hierarchy: a group becomes the lowest label that covers it.

    ``nodes`` (depth + 1 x leaves) is the number of each leaf's node at each depth, the root (0) first and the leaf
    itself last; ``labels`` and ``leaves`` are the text of each node and how many leaves are below it. Groups that only
    the root covers are written as a list of the nodes below it.
    """

    name: str
    codes: Codes
    nodes: NDArray[np.int32]
    labels: tuple[str, ...]
    leaves: NDArray[np.int64]

    @property
    def size(self) -> int:
        """The declared texts, and one for the missing."""
        return len(self.nodes[0])

    def _depth(self, low: Codes, high: Codes) -> Indices:
        """Depth of the lowest node that covers the leaves from low to high."""
        return np.asarray((self.nodes[:, low] == self.nodes[:, high]).sum(axis=0) - 1)

    def width(self, low: Codes, high: Codes) -> Floats:
        """See Axis."""
        return np.where(low == high, 0.0, self.leaves[self.nodes[self._depth(low, high), low]] / self.size)

    def parts(self, codes: Codes, starts: Indices, least: int) -> Indices:
        """See Axis: into the nodes right below the one that covers the group."""
        ends = np.append(starts[1:], len(codes)) - 1
        below = np.minimum(self._depth(codes[starts], codes[ends]) + 1, len(self.nodes) - 1)
        node = self.nodes[np.repeat(below, ends - starts + 1), codes]
        begins = np.empty(len(codes), dtype=np.bool_)
        begins[0] = True
        np.not_equal(node[1:], node[:-1], out=begins[1:])
        begins[starts] = True
        return np.flatnonzero(begins)

    def written(self, codes: Codes, starts: Indices) -> tuple[NDArray[np.object_], Floats]:
        """See Axis."""
        low, high = np.minimum.reduceat(codes, starts), np.maximum.reduceat(codes, starts)
        node = self.nodes[self._depth(low, high), low]
        texts = np.array(self.labels, dtype=object)[node]
        ends = np.append(starts[1:], len(codes))
        for group in np.flatnonzero(node == 0):
            below = np.unique(self.nodes[1, codes[starts[group] : ends[group]]])
            texts[group] = "; ".join(self.labels[each] for each in below)
        return texts, self.width(low, high)


def _halves(codes: Codes, starts: Indices, least: int) -> Indices:
    """Each group in two at the border between two values that is nearest to its middle, each half ``least`` or more.

    Equal values stay together (strict cuts, LeFevre et al. 2006, 3.1): no value belongs to two groups that a cut made.
    """
    sizes = np.diff(starts, append=len(codes))
    group = np.repeat(np.arange(len(starts)), sizes)
    middle = codes[starts + sizes // 2]
    below = np.add.reduceat(codes < middle[group], starts, dtype=np.int64)
    upto = np.add.reduceat(codes <= middle[group], starts, dtype=np.int64)
    nearer = np.where(np.abs(2 * below - sizes) <= np.abs(2 * upto - sizes), below, upto)
    possible = (nearer >= least) & (sizes - nearer >= least)
    return np.sort(np.concatenate([starts, starts[possible] + nearer[possible]]))


def axis(values: pd.Series, table: str, hierarchy: Mapping[str, tuple[str, ...]] | None) -> Axis:
    """The axis of a treated column. Raises GateFailed("privacy") for values that the hierarchy does not name."""
    name = str(values.name)
    if hierarchy is not None:
        return _tree(values, table, hierarchy)
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        zone = values.dt.tz
        moments = values if zone is None else values.dt.tz_convert("UTC").dt.tz_localize(None)
        microseconds = moments.astype("datetime64[us]").to_numpy().astype(np.int64)
        numbers: Floats = np.where(values.isna(), np.nan, microseconds)
        return _scale(name, numbers, _day if zone is None else _clock(zone))
    if pd.api.types.is_bool_dtype(values.dtype):
        texts = values.map({True: "ja", False: "nein"}).astype("str")
    elif pd.api.types.is_numeric_dtype(values.dtype):
        whole = pd.api.types.is_integer_dtype(values.dtype)
        return _scale(name, values.to_numpy(dtype=np.float64, na_value=np.nan), _whole if whole else _decimal)
    else:
        texts = values.astype("str")
    codes, found = pd.factorize(texts.fillna(MISSING))
    names = [str(text) for text in found]
    order = sorted(range(len(names)), key=lambda code: (names[code] == MISSING, *_natural(names[code])))
    rank = np.empty(len(names), dtype=np.int32)
    rank[order] = np.arange(len(names), dtype=np.int32)
    return Listing(name, rank[codes], tuple(names[code] for code in order))


def _whole(value: float) -> str:
    return str(int(value))


def _decimal(value: float) -> str:
    return np.format_float_positional(value, precision=12, fractional=False, trim="-").replace(".", ",")


def _day(value: float) -> str:
    return str(np.datetime64(int(value), "us").astype("datetime64[D]"))


def _clock(zone: tzinfo) -> Callable[[float], str]:
    def text(value: float) -> str:
        return datetime.fromtimestamp(value / 1e6, zone).isoformat(timespec="seconds")

    return text


def _scale(name: str, numbers: Floats, text: Callable[[float], str]) -> Scale:
    missing = np.isnan(numbers)
    values, codes = np.unique(numbers, return_inverse=True)  # the missing ones come last, as one
    known = values[~np.isnan(values)]
    return Scale(name, codes.astype(np.int32), known, text, bool(missing.any()))


def _natural(text: str) -> tuple[float, str]:
    """Bands stand by their first number: "5 bis 9" before "10 bis 14"."""
    number = re.match(r"\d{1,15}(?!\d)", text)
    return (float(number[0]) if number else np.inf, text)


def _tree(values: pd.Series, table: str, hierarchy: Mapping[str, tuple[str, ...]]) -> Tree:
    texts = values.astype("str")
    unknown = int((texts.notna() & ~texts.isin(list(hierarchy))).sum())
    name = str(values.name)
    if unknown:
        raise GateFailed(
            "privacy",
            f"Tabelle {table}, Spalte {name}: {unknown} von {len(values)} Werten kommen in ihrer Hierarchie nicht vor "
            "und gehören zu keiner Gruppe.",
            next_step="Die Werte in der Quelle klären oder im Vertrag unter microdata.hierarchies ergänzen.",
            findings=(Finding("hierarchy", "Werte ohne Gruppe.", table, name, unknown, len(values)),),
        )
    depth = max(map(len, hierarchy.values()), default=0) + 1
    # From the root down; where a branch is shorter, its leaf is repeated.
    paths = {
        leaf: (*reversed(groups), *[leaf] * (depth - len(groups)))
        for leaf, groups in (*hierarchy.items(), *(((MISSING, ()),) if texts.isna().any() else ()))
    }
    order = sorted(paths, key=lambda leaf: [(leaf == MISSING, *_natural(label)) for label in paths[leaf]])
    numbers: dict[tuple[str, ...], int] = {(): 0}
    for leaf in order:
        for end in range(1, depth + 1):
            numbers.setdefault(paths[leaf][:end], len(numbers))
    nodes: NDArray[np.int32] = np.empty((depth + 1, len(order)), dtype=np.int32)
    for end in range(depth + 1):
        nodes[end] = [numbers[paths[leaf][:end]] for leaf in order]
    leaves = np.zeros(len(numbers), dtype=np.int64)
    for row in nodes:
        present, counts = np.unique(row, return_counts=True)
        leaves[present] = np.maximum(leaves[present], counts)
    rank = pd.Series(np.arange(len(order), dtype=np.int32), index=pd.Index(order))
    codes: NDArray[np.int32] = rank.reindex(texts.fillna(MISSING)).to_numpy().astype(np.int32)
    return Tree(name, codes, nodes, ("", *(path[-1] for path in list(numbers)[1:])), leaves)
