"""Can somebody be found among published records? The attack on what is published, trusting nothing that made it.

The attacker knows of a person what quasi-identifiers and exact columns say, and that the person is in the table. Every
record whose region holds the person is a candidate. Regions may overlap: that only adds candidates, so the smallest
group is the effective k. It gets worse with a second table: another dataset that shows the same columns, or an earlier
release, narrows the candidates down to those that fit both.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stadtdaten.contracts.model import Table
from stadtdaten.contracts.protection import Microdata
from stadtdaten.faults import Finding
from stadtdaten.frames import PublishedCells
from stadtdaten.privacy.microdata.conditions import secret
from stadtdaten.privacy.microdata.records import Roles, roles
from stadtdaten.privacy.microdata.regions import Regions, meeting, regions, values_of_groups
from stadtdaten.privacy.tables.published import decode, decode_declaration

_ROUNDING = 1e-9


def attack_records(
    frame: pd.DataFrame, table: Table, earlier: Sequence[PublishedCells] = (), others: Sequence[PublishedCells] = ()
) -> Iterator[Finding]:
    """What an attacker learns from the published ``frame`` of a table with ``microdata`` that nobody may learn.

    ``earlier`` are releases of the same dataset, ``others`` other published datasets; those that are no records (tables
    of counts and sums) are passed over.
    """
    spec = table.microdata
    if spec is None:
        raise ValueError(f"table {table.id} has no microdata")
    if not len(frame):
        return
    columns = roles(table)
    yield from _singled_out(frame, table, spec, columns)
    yield from _known_secrets(frame, table, spec, columns)
    for other in others:
        if decode_declaration(other.content) is None:
            yield from _linked(frame, table, spec, columns, other)
    for release in earlier:
        if release.table == table.id and columns.sensitive:
            yield from _over_time(frame, table, spec, columns, release)


def _singled_out(frame: pd.DataFrame, table: Table, spec: Microdata, columns: Roles) -> Iterator[Finding]:
    alike = _group_sizes(frame, columns.quasi)
    few = int((alike < spec.k).sum())
    if few:
        yield Finding(
            "k_anonymity",
            f"{few} von {len(frame)} Datensätzen gleichen in den Merkmalen, die andere kennen können, weniger als "
            f"{spec.k - 1} anderen; {int((alike == 1).sum())} sind einmalig.",
            table.id, count=few, total=len(frame),
        )  # fmt: skip
    exact = _group_sizes(frame, (*columns.quasi, *columns.exact))
    for name in columns.exact:  # only the columns that add to it
        without = _group_sizes(frame, (*columns.quasi, *(each for each in columns.exact if each != name)))
        more = int(((exact < spec.k) & (exact < without)).sum())
        if more and not few:
            yield Finding(
                "singling_out",
                f"{more} von {len(frame)} Datensätzen lassen sich mit dieser Spalte von den anderen ihrer Gruppe "
                f"unterscheiden und gleichen dann weniger als {spec.k - 1} anderen.",
                table.id, name, more, len(frame),
            )  # fmt: skip


def _group_sizes(frame: pd.DataFrame, names: Sequence[str]) -> pd.Series:
    """For each record, how many look like it; missing values look like each other."""
    return frame.groupby(list(names), dropna=False)[names[0]].transform("size")


def _known_secrets(frame: pd.DataFrame, table: Table, spec: Microdata, columns: Roles) -> Iterator[Finding]:
    group = frame.groupby([*columns.quasi, *columns.exact], dropna=False).ngroup().to_numpy()
    rows = np.argsort(group, kind="stable")
    sizes = np.bincount(group)
    starts = np.cumsum(sizes) - sizes
    for name in columns.sensitive:
        spread = secret(frame[name]).spread(rows, starts)
        different = spread.distinct()
        same = int(sizes[different == 1].sum())
        if same:
            yield Finding(
                "homogeneity",
                f"{same} von {len(frame)} Datensätzen liegen in Gruppen, in denen alle denselben Wert haben: Wer "
                "jemanden in der Gruppe weiß, kennt den Wert.",
                table.id, name, same, len(frame),
            )  # fmt: skip
        few = int(sizes[(different < (spec.l or 2)) & (different > 1)].sum())
        if few:
            yield Finding(
                "l_diversity",
                f"{few} von {len(frame)} Datensätzen liegen in Gruppen mit weniger als {spec.l} verschiedenen Werten.",
                table.id, name, few, len(frame),
            )  # fmt: skip
        far = int(sizes[spread.distances() > (spec.t or 1) + _ROUNDING].sum())
        if far:
            yield Finding(
                "t_closeness",
                f"{far} von {len(frame)} Datensätzen liegen in Gruppen, deren Werte um mehr als {spec.t:g} anders "
                "verteilt sind als in der ganzen Tabelle.",
                table.id, name, far, len(frame),
            )  # fmt: skip


def _linked(
    frame: pd.DataFrame, table: Table, spec: Microdata, columns: Roles, published: PublishedCells
) -> Iterator[Finding]:
    """Records of another dataset that fit fewer than k records here by all columns that both show."""
    other = decode(published.content)
    shared = [name for name in (*columns.quasi, *columns.exact, *columns.sensitive) if name in other.columns]
    if not set(shared) & set(columns.quasi) or not len(other):
        return
    ours, theirs = (each.groupby(shared, dropna=False).size().reset_index(name="_rows") for each in (frame, other))
    own, others = meeting(_compared(ours, theirs, shared, table, spec), (len(ours), len(theirs)))
    candidates = np.bincount(others, weights=ours["_rows"].to_numpy()[own], minlength=len(theirs))
    found = (candidates > 0) & (candidates < spec.k) & (theirs["_rows"].to_numpy() < spec.k)
    count = int(ours["_rows"].to_numpy()[np.unique(own[found[others]])].sum())
    if count:
        yield Finding(
            "linkage",
            f"{count} von {len(frame)} Datensätzen lassen sich mit dem veröffentlichten Datensatz {published.dataset} "
            f"(Tabelle {published.table}) verknüpfen: Nach {', '.join(shared)} passen dort weniger als {spec.k}.",
            table.id, shared[-1], count, len(frame),
        )  # fmt: skip


def _over_time(
    frame: pd.DataFrame, table: Table, spec: Microdata, columns: Roles, release: PublishedCells
) -> Iterator[Finding]:
    """What this and an earlier release give away together.

    Intersection: somebody who is in both must have a secret that occurs in both groups; fewer than l common ones tell
    too much. Newcomers: where a group only grew (or only shrank), what was added is known of who came. Exact columns
    that have no value in common (a reference date) only tell the releases apart.
    """
    old = decode(release.content)
    known = [name for name in columns.quasi if name in old.columns]
    known += [name for name in columns.exact if name in old.columns and bool(frame[name].isin(old[name]).any())]
    secrets = [name for name in columns.sensitive if name in old.columns]
    if not known or not secrets or not len(old):
        return
    least = spec.l or 2
    new_groups, old_groups = (each.groupby(known, dropna=False) for each in (frame, old))
    ours, theirs = (each.size().reset_index(name="_rows") for each in (new_groups, old_groups))
    own, others = meeting(_compared(ours, theirs, known, table, spec), (len(ours), len(theirs)))
    now_as_then, then_as_now = _twins(ours[known], theirs[known])
    for name in secrets:
        here, there = values_of_groups((new_groups.ngroup(), frame[name]), (old_groups.ngroup(), old[name]))
        common = here.common(own, there, others)
        few = np.flatnonzero((common > 0) & (common < least))
        # A group that both show covers all of an overlap it takes part in: its values are candidates on both sides.
        now = here.joined(own[few], then_as_now[others[few]])
        then = there.joined(others[few], now_as_then[own[few]])
        pairs = np.arange(len(few))
        few = few[now.common(pairs, then, pairs) < least]
        count = int(ours["_rows"].to_numpy()[np.unique(own[few])].sum())
        if count:
            yield Finding(
                "intersection",
                f"{count} von {len(frame)} Datensätzen liegen in Gruppen, die sich mit einer Gruppe der "
                f"Veröffentlichung vom {release.published_at:%d.%m.%Y} überschneiden und mit ihr weniger als {least} "
                "Werte gemeinsam haben.",
                table.id, name, count, len(frame),
            )  # fmt: skip
        count = _in_groups_that_only_grew_or_shrank(frame, old, known, name, least)
        if count:
            yield Finding(
                "newcomers",
                f"{count} von {len(frame)} Datensätzen liegen in Gruppen, die sich seit der Veröffentlichung vom "
                f"{release.published_at:%d.%m.%Y} nur um weniger als {least} verschiedene Werte unterscheiden: Wer "
                "dazukam oder ging, ist zu erkennen.",
                table.id, name, count, len(frame),
            )  # fmt: skip


def _twins(ours: pd.DataFrame, theirs: pd.DataFrame) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each group of one table the number of the group of the other that is written alike; -1 without one."""
    texts = pd.concat([ours, theirs]).astype("str")
    number = texts.groupby(list(texts.columns), dropna=False).ngroup().to_numpy()
    sides = (number[: len(ours)], number[len(ours) :])
    place = np.full((2, int(number.max()) + 1), -1, dtype=np.int64)
    for side, numbers in enumerate(sides):
        place[side, numbers] = np.arange(len(numbers))
    return place[1, sides[0]], place[0, sides[1]]


def _in_groups_that_only_grew_or_shrank(
    frame: pd.DataFrame, old: pd.DataFrame, known: Sequence[str], name: str, least: int
) -> int:
    """Records in groups that are written alike in both, where all who were there still are (or the other way round)
    and fewer than ``least`` different values came (or went).
    """
    both = pd.concat([frame.assign(_sign=1), old.assign(_sign=-1)])
    both = both.assign(**{each: both[each].astype("str") for each in (*known, name)})
    group = both.groupby(list(known), dropna=False).ngroup().to_numpy()
    value = both.groupby([*known, name], dropna=False).ngroup().to_numpy()
    sign = both["_sign"].to_numpy()
    change = np.bincount(value, weights=sign)
    owner = np.empty(len(change), dtype=np.int64)
    owner[value] = group
    groups = int(group.max()) + 1
    came = np.bincount(owner[change > 0], minlength=groups)
    left = np.bincount(owner[change < 0], minlength=groups)
    new, former = (np.bincount(group[sign == side], minlength=groups) for side in (1, -1))
    told = (new > 0) & (former > 0) & (np.minimum(came, left) == 0) & (came + left > 0) & (came + left < least)
    return int(new[told].sum())


def _compared(
    ours: pd.DataFrame, theirs: pd.DataFrame, names: Sequence[str], table: Table, spec: Microdata
) -> list[tuple[Regions, Regions]]:
    return [regions(table.column(name), ours[name], theirs[name], spec.hierarchies.get(name)) for name in names]
