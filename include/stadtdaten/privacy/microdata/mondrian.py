"""Which records are published together? Local recoding by Mondrian: cut a group as long as its parts may be published.

LeFevre, DeWitt, Ramakrishnan 2006: a group is cut on the quasi-identifier of which it takes most, else on the next one.
Numbers and texts are cut at their median between two values (strict), values of a hierarchy into the nodes below the
one that covers the group: parts that cannot stand alone stay together as the rest. All groups are cut at once, level
by level, so there is no Python per record.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stadtdaten.privacy.microdata.axes import Axis
from stadtdaten.privacy.microdata.conditions import Conditions
from stadtdaten.privacy.microdata.groups import Groups

Indices = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


def partition(axes: Sequence[Axis], strata: Groups, conditions: Conditions) -> Groups:
    """The smallest groups that cuts give. Every group of ``strata`` meets ``conditions``, and so does every result.

    Which records are together depends on their values only, not on the order of the rows.
    """
    finished: list[Groups] = []
    groups = strata
    while len(groups):
        extent = widths(axes, groups)
        ranking = np.argsort(-extent, axis=0, kind="stable")
        cuttable = groups.sizes >= 2 * conditions.k
        pending = np.flatnonzero(cuttable)
        cut: list[Groups] = []
        whole = ~cuttable
        for choice in ranking:
            failed = []
            for number, axis in enumerate(axes):
                chosen = pending[choice[pending] == number]
                wide = extent[number, chosen] > 0
                failed.append(chosen[~wide])
                chosen = chosen[wide]
                if len(chosen):
                    parts, done = _cut(axis, groups.only(chosen), conditions)
                    cut.append(parts)
                    failed.append(chosen[~done])
            pending = np.sort(np.concatenate(failed))
            if not len(pending):
                break
        whole[pending] = True
        finished.append(groups.only(whole))
        groups = Groups.joined(cut)
    return Groups.joined(finished)


def widths(axes: Sequence[Axis], groups: Groups) -> Floats:
    """How much of each axis (rows) each group (columns) takes."""
    result = np.empty((len(axes), len(groups)))
    for number, axis in enumerate(axes):
        codes = axis.codes[groups.rows]
        low, high = np.minimum.reduceat(codes, groups.starts), np.maximum.reduceat(codes, groups.starts)
        result[number] = axis.width(low, high)
    return result


def _cut(axis: Axis, groups: Groups, conditions: Conditions) -> tuple[Groups, Flags]:
    """The parts of the groups that can be cut on the axis, and which these are."""
    groups = groups.sorted_by(axis.codes, axis.size)
    starts = axis.parts(axis.codes[groups.rows], groups.starts, conditions.k)
    owner = np.searchsorted(groups.starts, starts, side="right") - 1
    several = np.bincount(owner, minlength=len(groups)) > 1
    parts = Groups(groups.rows, starts).only(several[owner])
    owner = owner[several[owner]]
    if not len(parts):
        return parts, several
    rest, done = _rest(parts, owner, len(groups), conditions)
    done &= several
    kept = np.flatnonzero(done[owner] & ~rest)
    left = np.flatnonzero(done[owner] & rest)
    together = parts.only(left)
    sizes = np.bincount(owner[left], weights=parts.sizes[left]).astype(np.int64)
    return Groups.joined([parts.only(kept), Groups.sized(together.rows, sizes[sizes > 0])]), done


def _rest(parts: Groups, owner: Indices, groups: int, conditions: Conditions) -> tuple[Flags, Flags]:
    """Which parts go into the rest of their group, and which groups are cut at all that way.

    Where the rest cannot be published either, the smallest of the other parts joins it; if that is not enough, there
    is no cut.
    """
    rest = ~conditions.met(parts.rows, parts.starts)
    broken = _broken(parts, owner, rest, conditions)
    if len(broken):
        alone = np.flatnonzero(~rest & np.isin(owner, broken))
        alone = alone[np.lexsort((parts.sizes[alone], owner[alone]))]
        rest[alone[np.diff(owner[alone], prepend=-1) > 0]] = True
        broken = _broken(parts, owner, rest, conditions)
    done = np.bincount(owner[~rest], minlength=groups) + (np.bincount(owner[rest], minlength=groups) > 0) > 1
    done[broken] = False
    return rest, done


def _broken(parts: Groups, owner: Indices, rest: Flags, conditions: Conditions) -> Indices:
    """The groups whose rest cannot be published."""
    together = parts.only(rest)
    if not len(together):
        return np.empty(0, dtype=np.int64)
    owners, firsts = np.unique(owner[rest], return_index=True)
    return owners[~conditions.met(together.rows, together.starts[firsts])]


@dataclass(frozen=True)
class Trimmed:
    """Groups without their outliers."""

    groups: Groups
    left_out: Indices


def trim(axes: Sequence[Axis], groups: Groups, conditions: Conditions, budget: int) -> Trimmed:
    """Leave out records at the end of an axis where that makes the rest of the group so much more precise that less is
    lost in all (a record left out counts as lost entirely); at most ``budget``, the most worthwhile first.

    Fewer than k records are left out at one end of one group: k would be a group of their own.
    """
    sizes = groups.sizes
    losses = np.minimum(widths(axes, groups), 1.0)
    mean = losses.mean(axis=0)
    best = np.zeros(len(groups))
    plan = np.zeros((3, len(groups)), dtype=np.int64)  # axis, first and last record that stay, counted along the axis
    plan[2] = sizes
    for number, axis in enumerate(axes):
        along = groups.sorted_by(axis.codes, axis.size)
        codes = axis.codes[along.rows]
        for fewer in range(1, conditions.k):
            roomy = np.flatnonzero((sizes - fewer >= conditions.k) & (losses[number] > 0))
            if not len(roomy):
                break
            for skipped in (0, fewer):
                first = along.starts[roomy] + skipped
                last = first + sizes[roomy] - fewer - 1
                width = np.minimum(axis.width(codes[first], codes[last]), 1.0)
                gain = (losses[number, roomy] - width) / len(axes) * (sizes[roomy] - fewer)
                worth = (gain - fewer * (1 - mean[roomy])) / fewer
                better = worth > best[roomy] + 1e-12
                chosen = roomy[better]
                best[chosen] = worth[better]
                plan[:, chosen] = [
                    np.full(len(chosen), number), np.full(len(chosen), skipped), (sizes[chosen] - fewer + skipped)
                ]  # fmt: skip
    leave = np.zeros(len(groups.rows), dtype=np.bool_)
    candidates = np.flatnonzero(best > 0)
    rows = groups.rows.copy()
    for number, axis in enumerate(axes):
        concerned = candidates[plan[0, candidates] == number]
        if len(concerned):
            place = np.arange(len(rows)) - np.repeat(groups.starts, sizes)
            mine = np.isin(groups.of_each_row, concerned)
            rows[mine] = groups.only(concerned).sorted_by(axis.codes, axis.size).rows
            leave |= mine & ((place < np.repeat(plan[1], sizes)) | (place >= np.repeat(plan[2], sizes)))
    stays = Groups(rows, groups.starts)
    kept = Groups.sized(rows[~leave], sizes - np.bincount(stays.of_each_row[leave], minlength=len(groups)))
    met = conditions.met(kept.rows, kept.starts)
    order = candidates[met[candidates]]
    order = order[np.argsort(-best[order], kind="stable")]
    cost = (sizes - (plan[2] - plan[1]))[order]
    trimmed = np.zeros(len(groups), dtype=np.bool_)
    trimmed[order[np.cumsum(cost) <= budget]] = True
    leave &= np.repeat(trimmed, sizes)
    return Trimmed(
        Groups.sized(rows[~leave], sizes - np.bincount(stays.of_each_row[leave], minlength=len(groups))), rows[leave]
    )
