"""What can a reader of the published tables compute about the cells that are held back?

Written as the attacker would: it knows what is published and how the tables are declared (dimensions, totals, nested
areas, rules for sums), and shares nothing else with the protection but the linear solver. Each cell stands for the rows
at its coordinates, such as {Stadtbezirk Mitte, weiblich}; a total has no coordinate in its dimension. Cells of
different tables with the same coordinates are the same cell, which is how tables that count the same rows are linked.
In each table and along each dimension, the cell without a coordinate is the sum of those with one; also where no total
is published, as anybody can add up. A hidden count is at least 1, as zeros are always published; a hidden sum is at
least 0. A rounded count lies among those that are rounded to it: four zeros with a total of 10 are four times 2.

Counts of rows and sums of the same rows tell of each other: where a sum is shown and not 0, the count of that cell is
at least as large as the rules for sums ask for contributors; where a count is 0, so is the sum.

The rule: the interval of every hidden cell is as wide as its protection demands: ``protection.minimum`` for counts, for
sums what the protection says (``widths``), as the contributions are not published; and nobody can tell which count from
1 on was rounded to 0.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
import scipy.sparse
from numpy.typing import NDArray

from stadtdaten.contracts.model import Table
from stadtdaten.contracts.protection import CellKey, FrequencyTable, MagnitudeTable, RoundedCounts
from stadtdaten.privacy.columns import HIDDEN_SUFFIX
from stadtdaten.privacy.tables.intervals import TOLERANCE, Contradiction, Equations, Intervals, intervals
from stadtdaten.privacy.tables.linked import read_alike
from stadtdaten.privacy.tables.primary import least_contributors
from stadtdaten.privacy.tables.published import Declaration, declaration

Coordinates = frozenset[tuple[str, str]]
"""Source column and value of each dimension that is not a total, with all areas around a nested one."""

LEAST_SHARE = 0.01
"""A hidden sum of which no required width is known counts as recovered where its interval is narrower than this share
of it: what its rule would demand cannot be told without the contributions."""


class TableIncomplete(Exception):
    """The published tables lack a combination of dimension values, hold one twice or contradict their own totals."""


class OverlappingGroups(Exception):
    """One column of the source is grouped in two ways, and groups could be subtracted. Names a dimension."""


@dataclass(frozen=True)
class Attack:
    """What the attack found on one table: numbers of cells.

    ``hidden`` cells were attacked (held back, or rounded to 0); ``narrow`` of them have an interval narrower than their
    protection demands, ``known`` of these are determined exactly (counts: to less than 1).
    """

    hidden: int = 0
    known: int = 0
    narrow: int = 0


@dataclass(frozen=True)
class Publication:
    """One published table as the attacker holds it; ``release`` numbers the releases in their order, oldest 0.

    ``widths`` has a number for each row: the width that the interval of the cell must have if hidden; NaN where none is
    known. ``bounds`` (rows x 2) is the least and the most that a hidden cell can be by what other tables of the same
    rows show; None where there are none.
    """

    release: int
    reading: Declaration
    frame: pd.DataFrame
    widths: NDArray[np.float64]
    bounds: NDArray[np.float64] | None = None


@dataclass
class System:
    """All cells (n) of tables that count the same rows, in one stratum, and the sums that tie them together.

    ``values`` are NaN where nothing is published; ``lower`` and ``upper`` bound those. ``demanded`` is the width of the
    interval that a hidden cell must keep. ``hidden_in`` names, per hidden cell, the tables that hide it.
    ``relations`` (m x n): parts 1, total -1.
    """

    coordinates: list[tuple[int, Coordinates]] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    lower: list[float] = field(default_factory=list)
    upper: list[float] = field(default_factory=list)
    demanded: list[float] = field(default_factory=list)
    hidden_in: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    sums: bool = False
    places: dict[tuple[int, Coordinates], int] = field(default_factory=dict)
    totals: set[int] = field(default_factory=set)
    entries: list[tuple[NDArray[np.int64], NDArray[np.int64], float]] = field(default_factory=list)
    rows: int = 0

    def place(self, release: int, coordinates: Coordinates) -> int:
        """The number of the cell; a new one is unknown and not negative."""
        key = (release, coordinates)
        if key not in self.places:
            self.places[key] = len(self.values)
            self.coordinates.append(key)
            self.values.append(np.nan)
            self.lower.append(0.0)
            self.upper.append(np.inf)
            self.demanded.append(np.nan)
        return self.places[key]

    def add_sums(self, totals: NDArray[np.int64], parts: NDArray[np.int64]) -> None:
        """Each cell of ``totals`` (k) is the sum of the cells in its row of ``parts`` (k x p; -1: no cell)."""
        rows = np.arange(self.rows, self.rows + len(totals))
        there = parts >= 0
        self.entries.append((np.broadcast_to(rows[:, None], parts.shape)[there], parts[there], 1.0))
        self.entries.append((rows, totals, -1.0))
        self.totals.update(totals.tolist())
        self.rows += len(totals)

    def relations(self) -> scipy.sparse.csr_array:
        """The sums as a matrix (m x n)."""
        if not self.entries:
            return scipy.sparse.csr_array((0, len(self.values)))
        row, column, entry = (
            np.concatenate(each) for each in zip(*((r, c, np.full(len(r), e)) for r, c, e in self.entries), strict=True)
        )
        return scipy.sparse.csr_array((entry, (row, column)), shape=(self.rows, len(self.values)))


def attack(
    published: Mapping[str, pd.DataFrame],
    tables: Sequence[Table],
    widths: Mapping[str, NDArray[np.float64]] | None = None,
) -> dict[str, Attack]:
    """Attack the published tables of one dataset (frames by table id) together; the outcome by table id.

    ``widths`` by table id has, for each row of the published frame, the width its interval must have if hidden (NaN:
    by the rule of the module). Tables of the cell-key method are not attacked.
    Raises TableIncomplete where a table is no full cross product or totals contradict cells.
    """
    found: dict[str, Attack] = {}
    attacked = [each for each in publications_of(published, tables, widths or {}) if each.reading.method != "cell_key"]
    for publications in linked(attacked):
        systems = [assemble(parts) for parts in strata(publications).values()]
        found |= outcome(systems, [interval(system) for system in systems], publications)
    return found


def publications_of(
    published: Mapping[str, pd.DataFrame],
    tables: Sequence[Table],
    widths: Mapping[str, NDArray[np.float64]],
    release: int = 0,
) -> list[Publication]:
    """The tables of counts and sums, as the attacker holds them."""
    found: list[tuple[Table, Publication]] = []
    for table in tables:
        reading = declaration(table)
        if reading is not None:
            frame = published[table.id]
            width = widths.get(table.id, np.full(len(frame), np.nan))
            found.append((table, Publication(release, reading, frame, np.asarray(width, dtype=np.float64))))
    return [replace(each, bounds=_bounds(table, each, found)) for table, each in found]


def _bounds(
    table: Table, publication: Publication, all_published: Iterable[tuple[Table, Publication]]
) -> NDArray[np.float64] | None:
    """What the sums of the same rows tell of the cells of a table of counts, and the other way round."""
    told = [
        _told(other, each)
        for other, each in all_published
        if read_alike(table, other) and {_counts_rows(table), _counts_rows(other)} == {True, False}
    ]
    if not told:
        return None
    unknown = (0.0, np.inf)
    found = [[each.get(cell, unknown) for each in told] for cell in _cells(publication)]
    return np.array([(max(low for low, _ in row), min(high for _, high in row)) for row in found])


def _counts_rows(table: Table) -> bool | None:
    """True for counts of rows, False for sums, None for counts that the source has made."""
    if isinstance(table.tabulation, FrequencyTable):
        return True if table.tabulation.count is None else None
    return False


def _told(table: Table, publication: Publication) -> dict[frozenset[tuple[str, str, str]], tuple[float, float]]:
    """What the shown cells of one table tell of the same cells of the other kind: their least and most."""
    shown = publication.frame[publication.reading.measure].astype("Float64").to_numpy(dtype=np.float64, na_value=np.nan)
    if isinstance(table.tabulation, MagnitudeTable):
        least = float(least_contributors(table.tabulation))
        return {cell: (least, np.inf) for cell, value in zip(_cells(publication), shown, strict=True) if value > 0}
    if publication.reading.changed_by is not None:
        return {}  # what is shown as 0 need not be 0
    return {cell: (0.0, 0.0) for cell, value in zip(_cells(publication), shown, strict=True) if value == 0}


def _cells(publication: Publication) -> list[frozenset[tuple[str, str, str]]]:
    """Of each row: the source's column, the grouping and the value of each dimension that is not at its total.

    Of areas that divide each other the finest only.
    """
    reading, frame = publication.reading, publication.frame
    texts = {name: frame[name].map(_text).tolist() for name in reading.dimensions}
    divided = {parent: child for child, parent in reading.nested.items()}
    totals = {name: reading.total if name in reading.margins else None for name in reading.dimensions}
    return [
        frozenset(
            (reading.sources[name], reading.groups[name], texts[name][row])
            for name in reading.dimensions
            if texts[name][row] != totals[name]
            and (name not in divided or texts[divided[name]][row] == totals[divided[name]])
        )
        for row in range(len(frame))
    ]


def linked(publications: Iterable[Publication]) -> list[list[Publication]]:
    """The publications in groups that count the same rows."""
    groups: dict[str, list[Publication]] = {}
    for each in publications:
        groups.setdefault(each.reading.rows, []).append(each)
    return list(groups.values())


def strata(publications: Sequence[Publication]) -> dict[tuple[str, ...], list[Publication]]:
    """The publications cut by the values of the dimensions (such as the reference date) that all have without total.

    Raises OverlappingGroups where these are grouped in two ways: nobody could tell which strata belong together.
    """
    common = sorted(set.intersection(*(_split_by(each.reading) for each in publications)))
    _check_groups(publications, common)
    found: dict[tuple[str, ...], list[Publication]] = {}
    for each in publications:
        names = {source: name for name, source in each.reading.sources.items()}
        columns = [names[source] for source in common]
        frame = each.frame.reset_index(drop=True)
        if frame[list(each.reading.dimensions)].isna().any(axis=None):
            raise TableIncomplete("eine Dimension hat leere Werte")
        frame = frame.assign(**{name: frame[name].map(_text) for name in each.reading.dimensions})
        keys = zip(*(frame[name] for name in columns), strict=True) if columns else [()] * len(frame)
        places: dict[tuple[str, ...], list[int]] = defaultdict(list)
        for place, key in enumerate(keys):
            places[key].append(place)
        for key, rows in sorted(places.items()):
            bounds = None if each.bounds is None else each.bounds[rows]
            part = frame.iloc[rows].drop(columns=columns)
            cut = Publication(each.release, each.reading, part, each.widths[rows], bounds)
            found.setdefault(key, []).append(cut)
    return found


def _text(value: object) -> str:
    """A reference date is the same one, whether it is declared as a date or as a text."""
    return str(value).removesuffix(" 00:00:00")


def _split_by(reading: Declaration) -> set[str]:
    plain = set(reading.dimensions) - set(reading.margins) - set(reading.merged)
    return {reading.sources[name] for name in plain}


def assemble(publications: Sequence[Publication]) -> System:
    """The system of equations that the publications of one stratum make up, of one release or of several.

    Raises TableIncomplete and OverlappingGroups.
    """
    _check_groups(publications, {source for each in publications for source in each.reading.sources.values()})
    system = System(sums=publications[0].reading.method == "sums")
    around = _areas_around(publications)
    for each in publications:
        _add_table(system, each, around)
    return system


def _check_groups(publications: Sequence[Publication], sources: Collection[str]) -> None:
    groups: dict[str, str] = {}
    for each in publications:
        for name in each.reading.dimensions:
            source = each.reading.sources[name]
            if source in sources and groups.setdefault(source, each.reading.groups[name]) != each.reading.groups[name]:
                raise OverlappingGroups(name)


@dataclass(frozen=True)
class _Axis:
    """One dimension, or a chain of nested ones: its nodes from the total, (), down; ``codes`` places each row.

    ``parts`` lists for each node the nodes that it is the sum of.
    """

    names: tuple[str, ...]
    nodes: list[tuple[str, ...]]
    codes: NDArray[np.int64]
    parts: dict[int, list[int]]


def _chains(reading: Declaration, names: Sequence[str]) -> list[tuple[str, ...]]:
    """Dimensions with those that divide them, from the coarsest."""
    divided = {parent: child for child, parent in reading.nested.items()}
    chains = []
    for name in names:
        if name not in reading.nested:
            chain = [name]
            while chain[-1] in divided:
                chain.append(divided[chain[-1]])
            chains.append(tuple(chain))
    return chains


def _axis(publication: Publication, names: tuple[str, ...]) -> _Axis:
    reading = publication.reading
    codes, seen = pd.MultiIndex.from_frame(publication.frame[list(names)]).factorize()
    nodes = []
    for values in seen:
        with_total = names[0] in reading.margins
        depth = next((d for d, value in enumerate(values) if with_total and value == reading.total), len(values))
        if any(value != reading.total for value in values[depth:]):
            raise TableIncomplete("eine Summe ist nach Teilgebieten gegliedert")
        nodes.append(tuple(values[:depth]))
    wanted = {node[:depth] for node in nodes for depth in range(len(node) + 1)}
    if names[0] in reading.merged:
        wanted.add((reading.merged[names[0]],))
    order = sorted(wanted)
    number = {node: place for place, node in enumerate(order)}
    parts: dict[int, list[int]] = defaultdict(list)
    for node in order:
        if node:
            parts[number[node[:-1]]].append(number[node])
    return _Axis(names, order, np.array([number[node] for node in nodes], dtype=np.int64)[codes], dict(parts))


def _areas_around(publications: Sequence[Publication]) -> dict[tuple[str, str], Coordinates]:
    """For each nested area the areas around it, where there is one answer only."""
    found: dict[tuple[str, str], set[Coordinates]] = defaultdict(set)
    for each in publications:
        for chain in _chains(each.reading, [name for name in each.reading.dimensions if name in each.frame]):
            sources = [each.reading.sources[name] for name in chain]
            for values in each.frame[list(chain)].drop_duplicates().itertuples(index=False, name=None):
                for depth in range(1, len(chain)):
                    if each.reading.total not in values[: depth + 1]:
                        around = frozenset(zip(sources[:depth], values[:depth], strict=True))
                        found[sources[depth], values[depth]].add(around)
    return {area: around.pop() for area, around in found.items() if len(around) == 1}


def _add_table(system: System, publication: Publication, around: Mapping[tuple[str, str], Coordinates]) -> None:
    reading, frame = publication.reading, publication.frame
    names = [name for name in reading.dimensions if name in frame]
    axes = [_axis(publication, chain) for chain in _chains(reading, names)]
    shape = tuple(len(axis.nodes) for axis in axes)
    cells = np.ravel_multi_index(tuple(axis.codes for axis in axes), shape) if axes else np.zeros(len(frame), np.int64)
    if len(np.unique(cells)) != len(cells):
        raise TableIncomplete("Kombinationen stehen doppelt")
    shown = [len(axis.nodes) - (axis.names[0] not in reading.margins) for axis in axes]
    if not reading.merged and len(cells) != np.prod(shown, dtype=np.int64):
        raise TableIncomplete("Kombinationen fehlen")

    numbers = np.full(int(np.prod(shape, dtype=np.int64)), -1, dtype=np.int64)
    for place, nodes in enumerate(
        itertools.product(*([_coordinates(a, n, reading, around) for n in a.nodes] for a in axes))
    ):
        numbers[place] = system.place(publication.release, frozenset().union(*nodes))
    _add_values(system, publication, numbers[cells])
    grid = numbers.reshape(shape)
    absent = np.ones(shape, dtype=np.bool_)
    absent.ravel()[cells] = False
    for number, axis in enumerate(axes):
        merged = reading.merged.get(axis.names[0])
        lines, gone = np.moveaxis(grid, number, -1), np.moveaxis(absent, number, -1)
        for total, parts in axis.parts.items():
            totals, members = lines[..., total].ravel(), lines[..., parts].reshape(-1, len(parts))
            if merged is not None:  # who is not named is counted in the row of the others, where rows are published
                there = ~gone[..., parts].reshape(members.shape)
                members = np.where(there | np.array([axis.nodes[part] == (merged,) for part in parts]), members, -1)
                totals, members = totals[there.any(axis=1)], members[there.any(axis=1)]
            system.add_sums(totals, members)
    if reading.merged:
        _add_withheld(system, reading, axes, grid, absent)


def _coordinates(
    axis: _Axis, node: tuple[str, ...], reading: Declaration, around: Mapping[tuple[str, str], Coordinates]
) -> Coordinates:
    own = frozenset((reading.sources[name], value) for name, value in zip(axis.names, node, strict=False))
    return own.union(*(around.get(each, frozenset()) for each in own))


def _add_values(system: System, publication: Publication, numbers: NDArray[np.int64]) -> None:
    reading, frame = publication.reading, publication.frame
    if reading.changed_by is not None:
        _add_changed(system, publication, numbers, reading.changed_by)
        return
    shown = np.asarray(frame[reading.measure].astype("Float64").to_numpy(na_value=np.nan), dtype=np.float64)
    hidden = np.isnan(shown)
    if reading.measure + HIDDEN_SUFFIX in frame:
        hidden |= frame[reading.measure + HIDDEN_SUFFIX].fillna(True).to_numpy(dtype=np.bool_)
    for place, value, is_hidden, width, (least, most) in zip(
        numbers.tolist(),
        shown.tolist(),
        hidden.tolist(),
        publication.widths.tolist(),
        _limits(publication),
        strict=True,
    ):
        if is_hidden:
            system.hidden_in[place].append(reading.table)
            if np.isnan(system.values[place]):
                system.lower[place] = max(system.lower[place], least, 0.0 if system.sums else 1.0)
                system.upper[place] = min(system.upper[place], most)
            demanded = reading.minimum if np.isnan(width) and not system.sums else width
            system.demanded[place] = float(np.fmax(system.demanded[place], demanded))
        elif abs(system.values[place] - value) > TOLERANCE * max(1.0, value):
            raise TableIncomplete("zwei Tabellen zeigen für dieselben Personen verschiedene Werte")
        else:
            system.values[place] = value


def _limits(publication: Publication) -> list[tuple[float, float]]:
    """The least and the most of each row, as far as other tables tell."""
    if publication.bounds is None:
        return [(0.0, np.inf)] * len(publication.frame)
    return [(low, high) for low, high in publication.bounds.tolist()]


def _add_changed(
    system: System, publication: Publication, numbers: NDArray[np.int64], how: RoundedCounts | CellKey
) -> None:
    """Counts of which all that is shown is between which values they lie."""
    shown = publication.frame[publication.reading.measure].to_numpy(dtype=np.int64)
    for place, value, (least, most) in zip(numbers.tolist(), shown.tolist(), _limits(publication), strict=True):
        lowest, highest = _behind_noise(value, how) if isinstance(how, CellKey) else _rounded_to(value, how)
        system.lower[place], system.upper[place] = max(lowest, least), min(highest, most)
        if value == 0 and isinstance(how, RoundedCounts):
            system.hidden_in[place].append(publication.reading.table)
            system.demanded[place] = 1.0


def _rounded_to(value: int, how: RoundedCounts) -> tuple[int, int]:
    """The smallest and the largest count that is shown as this one; halves, which an even base has, go to even ones."""
    reach = how.base // 2
    if how.base % 2 == 0 and value // how.base % 2 == 1:
        reach -= 1
    if value == 0:
        return 0, max(how.to_zero, reach)
    return max(value - reach, how.to_zero + 1), value + reach


def _behind_noise(value: int, how: CellKey) -> tuple[int, int]:
    return max(value - how.maximum, int(value > 0)), value + how.maximum


def _add_withheld(
    system: System, reading: Declaration, axes: list[_Axis], grid: NDArray[np.int64], absent: NDArray[np.bool_]
) -> None:
    """Rare values that are not named, and a row of the others too small to show: nobody may learn more than that."""
    innermost = np.ix_(*(sorted(set(range(len(axis.nodes))) - set(axis.parts)) for axis in axes))
    for place in grid[innermost][absent[innermost]].tolist():
        if np.isnan(system.values[place]):
            system.hidden_in[place].append(reading.table)
            system.upper[place] = reading.minimum - 1
            system.demanded[place] = 1.0


def interval(system: System) -> Intervals:
    """The interval of each hidden cell, in the order of ``system.hidden_in``; of shown cells it is their value."""
    try:
        return solve(system, equations(system))
    except Contradiction:
        raise TableIncomplete("Summen und Werte widersprechen sich") from None


def equations(system: System) -> Equations:
    """The equations between the unknown cells (columns: cells without a value, in their order)."""
    values, relations = np.array(system.values), system.relations()
    unknown = np.isnan(values)
    constant = relations[:, ~unknown] @ values[~unknown]
    relations = relations[:, unknown].tocsr()
    open_rows = np.diff(relations.indptr) > 0
    largest = float(values[~unknown].max(initial=1.0))
    if (np.abs(constant[~open_rows]) > (1e-6 * largest if system.sums else 0.5)).any():
        raise TableIncomplete("Summen und Werte widersprechen sich")
    right = -constant[open_rows]
    # An upper bound keeps the programmes bounded; more than this no attacker needs to consider.
    upper = np.array(system.upper)[unknown]
    most = float(values[~unknown].sum() + upper[np.isfinite(upper)].sum())
    upper = np.minimum(upper, most + float(np.nansum(system.demanded)) + len(values))
    return Equations(relations[open_rows], right, right, np.array(system.lower)[unknown], upper)


def solve(system: System, known: Equations) -> Intervals:
    """The interval of each hidden cell in the order of ``system.hidden_in``."""
    values, cells = np.array(system.values), np.array(list(system.hidden_in), dtype=np.int64)
    unknown = np.isnan(values)
    column = np.cumsum(unknown) - 1
    lowest, highest = values[cells], values[cells]
    asked = np.flatnonzero(unknown[cells])
    if len(asked):
        demanded = np.array(system.demanded)[cells[asked]]
        # Without a demanded width the interval is followed to its ends.
        found = intervals(known, column[cells[asked]], np.where(np.isnan(demanded), np.inf, demanded))
        lowest[asked], highest[asked] = found.lowest, found.highest
    return Intervals(lowest, highest)


def narrow_cells(system: System, found: Intervals) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which hidden cells (in the order of ``system.hidden_in``) are narrower than demanded, and which known exactly."""
    cells = np.array(list(system.hidden_in), dtype=np.int64)
    demanded = np.array(system.demanded, dtype=np.float64)[cells]
    demanded = np.where(np.isnan(demanded), LEAST_SHARE * found.highest, demanded)
    # Of who is not named anybody may learn that there is none.
    none = (np.array(system.lower, dtype=np.float64)[cells] == 0) & (found.highest < TOLERANCE) & (not system.sums)
    narrow = (found.widths < demanded - TOLERANCE) & ~none
    exact = 1 - TOLERANCE if not system.sums else TOLERANCE * np.maximum(1.0, found.highest)
    return narrow, narrow & (found.widths < exact)


def outcome(
    systems: Sequence[System], found: Sequence[Intervals], publications: Sequence[Publication]
) -> dict[str, Attack]:
    """The numbers by table."""
    counts = {each.reading.table: [0, 0, 0] for each in publications}
    for system, intervals_found in zip(systems, found, strict=True):
        narrow, known = narrow_cells(system, intervals_found)
        for number, hiding in enumerate(system.hidden_in.values()):
            for table in hiding:
                counts[table][0] += 1
                counts[table][1] += int(known[number])
                counts[table][2] += int(narrow[number])
    return {table: Attack(*numbers) for table, numbers in counts.items()}
