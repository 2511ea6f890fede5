"""What can a reader compute who has kept every release of a dataset?

Two tables that are safe each by itself can reveal a cell together: one that was held back is shown the next night while
all totals stay as they were. So the new release is attacked together with all that was ever published of the dataset.

What an attacker assumes
    Between two releases anything may have changed, and an attacker who believes that learns nothing from comparing.
    The strongest realistic one believes that **as little has changed as the published figures allow**: of all histories
    that fit everything published, it takes those with the smallest sum of changes of the innermost cells. Where
    no figure forces a change, a hidden cell is then the same in both releases; where a total grew by one, one person
    was added, in one of the cells that the other totals leave open. The smallest sum is found by a linear
    programme; its reduced costs tell which cells are unchanged, grown or shrunk in every smallest history, which makes
    these equations exact and sparse (``intervals.cheapest``).

Counts that are rounded or have noise are compared with those of another method only, where each gives bounds to the
other. Between two releases of one such method the least change would be a guess and no proof: what is rounded to 0 and
then to 5 may have grown from anything to anything.

Which earlier tables a new one is compared with
    Those of the same id, and those that count the same rows. Where an earlier table has no successor of that kind with
    all its dimensions, its id and its reading may have been changed together: it is compared with every table that has
    a dimension in common with it, whatever that is called and wherever it is read. Only tables that were published side
    by side are not: they counted different rows, or they would have been linked then.

The rule: every cell hidden in the new release keeps its interval, and so does every cell hidden in an earlier one. A
cell that earlier releases alone give away is not held against the new one.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pandas as pd
import scipy.sparse
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from stadtdaten.contracts.model import Table
from stadtdaten.frames import PublishedCells
from stadtdaten.privacy.tables.attack import (
    Attack,
    Coordinates,
    Publication,
    System,
    TableIncomplete,
    assemble,
    equations,
    linked,
    narrow_cells,
    publications_of,
    strata,
)
from stadtdaten.privacy.tables.intervals import TOLERANCE, Contradiction, Equations, Intervals, cheapest, intervals
from stadtdaten.privacy.tables.published import decode, decode_declaration

_REDUCED_COST = 1e-6
"""Reduced costs below this are the solver's rounding."""


@dataclass(frozen=True)
class AttackOverTime:
    """What the attack with all earlier releases found on one table.

    ``now``: cells hidden in the new release; ``before``: cells hidden in earlier ones. Strata that have not changed
    since the release before are not attacked again: the new release adds nothing there. Where a table is compared with
    several others that are not linked, the numbers are those of the comparison that gave away most.
    """

    now: Attack
    before: Attack


def attack_over_time(
    published: Mapping[str, pd.DataFrame],
    tables: Sequence[Table],
    earlier: Sequence[PublishedCells],
    widths: Mapping[str, NDArray[np.float64]] | None = None,
) -> dict[str, AttackOverTime]:
    """Attack the new release (frames by table id) with all ``earlier`` ones of the dataset, oldest first.

    The outcome is by table id, also of tables that are no longer published; ``widths`` as in ``attack``.
    Raises TableIncomplete where the new release contradicts itself, OverlappingGroups where a column was grouped in
    another way before in a stratum that is published again.
    """
    order = {release: number for number, release in enumerate(dict.fromkeys(each.release for each in earlier))}
    old = [publication for each in earlier if (publication := _publication(each, order)) is not None]
    found: dict[str, AttackOverTime] = {}
    groups = linked(publications_of(published, tables, widths or {}, release=len(order)))
    for new, history in _histories(old, groups):
        related = [_with_sources_of_today(each, new) for each in history]
        for table, numbers in _attack_history([*related, *new], len(order)).items():
            other = found.get(table, _NOTHING)
            found[table] = AttackOverTime(
                max(other.now, numbers.now, key=_success), max(other.before, numbers.before, key=_success)
            )
    return found


_NOTHING = AttackOverTime(Attack(), Attack())


def _success(found: Attack) -> tuple[int, int, int]:
    return found.narrow, found.known, found.hidden


def _attack_history(publications: Sequence[Publication], newest: int) -> dict[str, AttackOverTime]:
    found: dict[str, AttackOverTime] = {}
    for stratum in strata(publications).values():
        for table, numbers in _attack_stratum(stratum, newest).items():
            before = found.get(table, _NOTHING)
            found[table] = AttackOverTime(_sum(before.now, numbers.now), _sum(before.before, numbers.before))
    return found


def _histories(
    old: Sequence[Publication], groups: Sequence[list[Publication]]
) -> Iterator[tuple[list[Publication], list[Publication]]]:
    """Linked tables of today and the earlier ones to attack them with.

    Earlier tables without a successor come by the rows they count: two that counted different rows are not one table.
    """
    side_by_side = _side_by_side(old)
    today = [each for new in groups for each in new]
    left = [each for each in old if not any(_succeeds(one, each) for one in today)]
    for new in groups:
        names, rows = {each.reading.table for each in new}, {each.reading.rows for each in new}
        yield new, [each for each in old if each.reading.table in names or each.reading.rows in rows]
        others: dict[str, list[Publication]] = {}
        for each in left:
            reading = each.reading
            if reading.table in names or reading.rows in rows or not any(_comparable(each, one) for one in new):
                continue
            if not any(_same(one, _form(each)) and _same(two, _form(n)) for one, two in side_by_side for n in new):
                others.setdefault(reading.rows, []).append(each)
        yield from ((new, history) for history in others.values())


def _succeeds(new: Publication, old: Publication) -> bool:
    """Whether all that the earlier table tells of is in the new one, as far as id and reading say."""
    if new.reading.table != old.reading.table and new.reading.rows != old.reading.rows:
        return False
    return set(old.reading.dimensions) <= set(new.reading.dimensions)


def _comparable(old: Publication, new: Publication) -> bool:
    """Whether both are counts or both sums, over a dimension that both have by its published name or its source."""
    one, other = old.reading, new.reading
    shared = {*one.sources, *one.sources.values()} & {*other.sources, *other.sources.values()}
    return (one.method == "sums") == (other.method == "sums") and bool(shared)


class _Form(NamedTuple):
    """What makes two published tables of different releases the same one."""

    table: str
    rows: str
    dimensions: frozenset[str]


def _form(publication: Publication) -> _Form:
    reading = publication.reading
    return _Form(reading.table, reading.rows, frozenset(reading.dimensions))


def _same(one: _Form, other: _Form) -> bool:
    """An id may be given to another table, but not together with its dimensions."""
    return one.rows == other.rows or (one.table, one.dimensions) == (other.table, other.dimensions)


def _side_by_side(old: Sequence[Publication]) -> set[tuple[_Form, _Form]]:
    """Tables that were in one release and counted different rows there, as pairs in both orders."""
    releases: dict[int, set[_Form]] = {}
    for each in old:
        releases.setdefault(each.release, set()).add(_form(each))
    pairs = (pair for forms in releases.values() for pair in itertools.permutations(forms, 2))
    return {(one, other) for one, other in pairs if one.rows != other.rows}


def _publication(cells: PublishedCells, order: Mapping[str, int]) -> Publication | None:
    reading = decode_declaration(cells.content)
    if reading is None:
        return None
    frame = decode(cells.content)
    return Publication(order[cells.release], reading, frame, np.full(len(frame), np.nan))


def _with_sources_of_today(old: Publication, new: Sequence[Publication]) -> Publication:
    """The same; a dimension whose column of the source no new table has is the new one that is published by its name.

    Sources rename their columns, and the persons in them stay the same.
    """
    today = {name: source for each in new for name, source in each.reading.sources.items()}
    used, own = set(today.values()), set(old.reading.sources.values())
    sources = {
        name: today[name] if source not in used and name in today and today[name] not in own else source
        for name, source in old.reading.sources.items()
    }
    return replace(old, reading=old.reading.model_copy(update={"sources": sources}))


def _sum(one: Attack, other: Attack) -> Attack:
    return Attack(one.hidden + other.hidden, one.known + other.known, one.narrow + other.narrow)


def _attack_stratum(publications: Sequence[Publication], newest: int) -> dict[str, AttackOverTime]:
    versions = _versions(publications)
    if versions[-1][0].release != newest or len(versions) == 1:
        return {}
    ways = {each.reading.changed_by for version in versions for each in version}
    if len(ways) == 1 and None not in ways:
        return {}
    system, narrow, known = _narrow_cells(versions)
    given_away = _given_away(versions[:-1]) if narrow.any() else set()
    previous = versions[-2][0].release
    counts: dict[str, NDArray[np.int64]] = {}
    for number, (cell, hiding) in enumerate(system.hidden_in.items()):
        release, coordinates = system.coordinates[cell]
        lost = (previous if release == newest else release, coordinates) in given_away
        for table in hiding:
            rows = counts.setdefault(table, np.zeros((2, 3), dtype=np.int64))
            rows[int(release != newest)] += (1, known[number] and not lost, narrow[number] and not lost)
    return {table: AttackOverTime(*(Attack(*map(int, row)) for row in rows)) for table, rows in counts.items()}


def _versions(publications: Sequence[Publication]) -> list[list[Publication]]:
    """The publications of one stratum by release, without releases that show the same as the one before."""
    by_release: dict[int, list[Publication]] = {}
    for each in sorted(publications, key=lambda each: (each.release, each.reading.table)):
        by_release.setdefault(each.release, []).append(each)
    versions: list[list[Publication]] = []
    for version in by_release.values():
        if not versions or list(map(_digest, versions[-1])) != list(map(_digest, version)):
            versions.append(version)
    return versions


def _digest(publication: Publication) -> str:
    """The same for the same table, whatever the order of its rows."""
    frame = publication.frame.astype({publication.reading.measure: "Float64"})
    lines = sorted(map(repr, frame.itertuples(index=False, name=None)))
    return hashlib.sha256("\n".join([publication.reading.model_dump_json(), *lines]).encode()).hexdigest()


def _given_away(versions: Sequence[list[Publication]]) -> set[tuple[int, Coordinates]]:
    """The hidden cells, by release, that these releases reveal without any later one."""
    system, narrow, _ = _narrow_cells(versions)
    return {system.coordinates[cell] for cell, is_narrow in zip(system.hidden_in, narrow, strict=True) if is_narrow}


def _narrow_cells(
    versions: Sequence[list[Publication]],
) -> tuple[System, NDArray[np.bool_], NDArray[np.bool_]]:
    """The system of all versions, and which of its hidden cells are too narrow and which are known."""
    system = assemble([each for version in versions for each in version])
    demanded = {c: w for (_, c), w in zip(system.coordinates, system.demanded, strict=True) if not np.isnan(w)}
    for cell in system.hidden_in:
        if np.isnan(system.demanded[cell]):  # a sum of an earlier release: what protects it now
            system.demanded[cell] = demanded.get(system.coordinates[cell][1], np.nan)
    try:
        found = _intervals(system, _same_cells(system, versions))
    except Contradiction:
        raise TableIncomplete("Summen und Werte widersprechen sich") from None
    return system, *narrow_cells(system, found)


def _same_cells(system: System, versions: Sequence[list[Publication]]) -> NDArray[np.int64]:
    """Pairs (k x 2) of the same innermost cell in two releases that follow each other, the older first.

    A cell whose values were not seen in one of the two was zero there, and is added to the system.
    """
    pairs = []
    for old, new in itertools.pairwise(versions):
        releases = [old[0].release, new[0].release]
        leaves = [
            {
                coordinates
                for cell, (release, coordinates) in enumerate(system.coordinates)
                if release == each and cell not in system.totals
            }
            for each in releases
        ]
        # Who is not named was counted with the others: of that, absence says nothing.
        full = [{frozenset(name for name, _ in leaf) for leaf in found} for found in leaves]
        merged = any(each.reading.merged for each in (*old, *new))
        for coordinates in sorted(leaves[0] | leaves[1], key=sorted):
            names = frozenset(name for name, _ in coordinates)
            for release, known in zip(releases, full, strict=True):
                if (release, coordinates) not in system.places and names in known and not merged:
                    system.values[system.place(release, coordinates)] = 0.0
            pair = [system.places.get((release, coordinates), -1) for release in releases]
            if -1 not in pair:
                pairs.append(pair)
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def _intervals(system: System, pairs: NDArray[np.int64]) -> Intervals:
    """The interval of each hidden cell, in the order of ``system.hidden_in``, in the histories of least change."""
    unknown = np.isnan(np.array(system.values))
    pairs = pairs[unknown[pairs].any(axis=1)]
    plain = equations(system)
    release = np.array([release for release, _ in system.coordinates])
    steps = [pairs[release[pairs[:, 0]] == each] for each in np.unique(release[pairs[:, 0]])]
    # Where one history has the least change in every step, those of least change in all are the ones that have it.
    # That is many small programmes in place of a large one; only if there is none, the large one has to say.
    try:
        return _in_histories(system, _least_change(system, plain, steps))
    except Contradiction:
        return _in_histories(system, _least_change(system, plain, [pairs]))


def _in_histories(system: System, history: Equations) -> Intervals:
    unknown = np.isnan(np.array(system.values))
    column, merged = _merged(history)
    cells = np.array(list(system.hidden_in), dtype=np.int64)
    lowest = np.array(system.values)[cells]
    highest = lowest.copy()
    asked = np.flatnonzero(unknown[cells])
    if len(asked):
        demanded = np.array(system.demanded)[cells[asked]]
        columns = column[(np.cumsum(unknown) - 1)[cells[asked]]]
        each, back = np.unique(columns, return_inverse=True)
        enough = np.zeros(len(each))
        np.maximum.at(enough, back, np.where(np.isnan(demanded), np.inf, demanded))
        found = intervals(merged, each, enough)
        lowest[asked], highest[asked] = found.lowest[back], found.highest[back]
    return Intervals(lowest, highest)


def _least_change(system: System, plain: Equations, steps: Sequence[NDArray[np.int64]]) -> Equations:
    """``plain`` with all that holds in every history of least change in each step: which cells grow, shrink, stay.

    A step is the pairs of cells (k x 2) of the releases whose change is to be least.
    """
    unknown = np.isnan(np.array(system.values))
    release = np.array([release for release, _ in system.coordinates])
    by_column = plain.relations.tocsc()
    found = plain
    for pairs in steps:
        change, right = _changes(system, pairs)
        columns = np.flatnonzero(np.isin(release[unknown], release[pairs]))
        rows = np.unique(by_column[:, columns].indices)
        small = Equations(
            plain.relations[rows][:, columns], plain.low[rows], plain.high[rows],
            plain.lower[columns], plain.upper[columns],
        )  # fmt: skip
        low, high, fixed = _step(small, change[:, columns], right)
        lower, upper = found.lower.copy(), found.upper.copy()
        lower[columns], upper[columns] = np.fmax(lower[columns], fixed), np.fmin(upper[columns], fixed)
        found = Equations(
            scipy.sparse.vstack([found.relations, change], format="csr"),
            np.concatenate([found.low, low]), np.concatenate([found.high, high]), lower, upper,
        )  # fmt: skip
    if (found.lower > found.upper + TOLERANCE).any():
        raise Contradiction("no history has the least change in every step")
    return found


def _changes(system: System, pairs: NDArray[np.int64]) -> tuple[scipy.sparse.csr_array, NDArray[np.float64]]:
    """Each pair's change as an equation: coefficients of the unknowns (k x unknowns), and what a change of 0 makes."""
    values = np.array(system.values)
    unknown = np.isnan(values)
    column = np.cumsum(unknown) - 1
    known = np.where(unknown, 0.0, values)
    rows, columns, entries = [], [], []
    for end, sign in ((1, 1.0), (0, -1.0)):
        there = np.flatnonzero(unknown[pairs[:, end]])
        rows.append(there)
        columns.append(column[pairs[there, end]])
        entries.append(np.full(len(there), sign))
    place = (np.concatenate(rows), np.concatenate(columns))
    shape = (len(pairs), int(unknown.sum()))
    change = scipy.sparse.csr_array((np.concatenate(entries), place), shape=shape)
    return change, known[pairs[:, 0]] - known[pairs[:, 1]]


def _step(
    plain: Equations, change: scipy.sparse.csr_array, right: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """What holds whenever the sum of changes is least: bounds of each change, values of fixed unknowns (else NaN)."""
    count, unknowns = change.shape
    unit = scipy.sparse.eye_array(count)
    # Unknowns, then growth and shrinking of each pair.
    solution, reduced = cheapest(
        Equations(
            scipy.sparse.block_array([[plain.relations, None, None], [change, -unit, unit]], format="csr"),
            np.concatenate([plain.low, right]),
            np.concatenate([plain.high, right]),
            np.concatenate([plain.lower, np.zeros(2 * count)]),
            np.concatenate([plain.upper, np.full(2 * count, np.inf)]),
        ),
        np.concatenate([np.zeros(unknowns), np.ones(2 * count)]),
    )
    bound = np.abs(reduced) > _REDUCED_COST
    fixed, grows, shrinks = bound[:unknowns], ~bound[unknowns : unknowns + count], ~bound[unknowns + count :]
    return (
        np.where(shrinks, -np.inf, right),
        np.where(grows, np.inf, right),
        np.where(fixed, solution[:unknowns], np.nan),
    )


def _merged(history: Equations) -> tuple[NDArray[np.int64], Equations]:
    """The same with one unknown for all that are equal; which one it is for each. Makes the programmes small."""
    relations = history.relations
    entries = np.diff(relations.indptr)
    same = (history.low == history.high) & (history.low == 0) & (entries == 2)
    candidates = relations[same]
    same[np.flatnonzero(same)] = np.asarray(candidates.sum(axis=1)).ravel() == 0
    ends = relations[same].indices.reshape(-1, 2)
    size = relations.shape[1]
    graph = scipy.sparse.csr_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(size, size))
    count, column = connected_components(graph, directed=False)
    lower, upper = np.full(count, -np.inf), np.full(count, np.inf)
    np.maximum.at(lower, column, history.lower)
    np.minimum.at(upper, column, history.upper)
    onto = scipy.sparse.csr_array((np.ones(size), (np.arange(size), column)), shape=(size, count))
    kept = ~same
    relations = (relations[kept] @ onto).tocsr()
    relations.eliminate_zeros()
    return column, Equations(relations, history.low[kept], history.high[kept], lower, upper)
