"""Which cells of tables that add up the same rows are held back?

Protected together
    ``primary`` says which cells may not be shown, ``secondary`` which others must not be either. Tables that add up the
    same rows share the cells with the same coordinates, so all are put into one system of cells.

How wide an interval stays
    A hidden count keeps one at least ``minimum`` wide (the largest, where linked tables have different ones). A hidden
    sum that breaks a rule keeps one twice as wide as its upper protection level (``primary``): whichever value in it
    somebody takes for the true one, that may be as far away as the rule demands. Where only the number of contributors
    is too small, the level is what the rule would demand if the largest had no other company than it takes to break it.
    Other hidden sums only help to protect these; their interval keeps ``SECONDARY_SHARE`` of the sum.
    Sums of nothing are shown like counts of nobody, and help no other.

    A hidden count keeps it above what a shown sum of the same rows tells: as many as the rules for sums ask for.

Contributors attack, too
    Whoever is the only contributor of a hidden sum knows it. Where one other sum is all that is hidden beside it in a
    total, this one is the rest, and so on. If that leads to a sum that breaks a rule, the first two together are taken
    for a cell of their own, which must keep an interval as well: something third is held back (A. Hundepool et al.:
    Statistical Disclosure Control, Wiley 2012, ch. 4.3: singletons). The audit cannot see who contributes; the tests
    attack in this way.

Over time
    What counts is the last release that had the stratum (``shown``). A cell that was held back then stays so as long as
    it is not empty: shown now, it could be put into the earlier table. This goes for cells that have changed, too: the
    sums around them tell by how much. A cell that was shown with today's value is known: holding it back would protect
    nothing. If what is known leaves a cell without protection, the table stops. The earlier cells are no unknowns of
    their own here; the attack on everything that was ever published has them and blocks what slips through. Tables
    that change often and have no date among their dimensions hold back ever more in this way, and in the end stop:
    they are to be published less often, with the reference date as a dimension.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from stadtdaten.contracts.model import Table
from stadtdaten.contracts.protection import MagnitudeTable, Suppression
from stadtdaten.faults import GateFailed
from stadtdaten.frames import PublishedCells
from stadtdaten.german import counted as counted_in_german
from stadtdaten.privacy.tables.cells import Cells
from stadtdaten.privacy.tables.counting import Counted
from stadtdaten.privacy.tables.lattice import Key, Lattice, Stratum
from stadtdaten.privacy.tables.linked import Place, declared, different_rows, places_of
from stadtdaten.privacy.tables.primary import (
    concentration,
    dominance_level,
    least_contributors,
    p_percent_level,
    too_few,
    too_small,
)
from stadtdaten.privacy.tables.secondary import NotProtectable, suppress
from stadtdaten.privacy.tables.shown import last_shown, still_known

SECONDARY_SHARE = 0.01
"""Width of the interval that a sum keeps which is held back for the sake of others, as a share of the sum."""

SLACK = 1.001
"""Intervals of sums are made this much wider than demanded, so that the rounding of the solver never matters."""

SCALE = 1e6
"""The largest sum is scaled to this before it goes to the solver, whose tolerances are absolute."""


@dataclass(frozen=True)
class Judged:
    """One table in one stratum; arrays have an entry per cell, and hold the truth.

    ``amounts`` are whole units, ``widths`` (in units too) what the interval of a cell keeps if it is held back.
    ``primary`` cells break a rule, ``single`` ones are sums of one contributor.
    """

    lattice: Lattice
    amounts: NDArray[np.int64]
    primary: NDArray[np.bool_]
    widths: NDArray[np.float64]
    single: NDArray[np.bool_]


@dataclass(frozen=True)
class HeldBack:
    """One table in one stratum, and the cells of it that are ``hidden``. ``widths`` are those of all linked tables."""

    judged: Judged
    hidden: NDArray[np.bool_]
    widths: NDArray[np.float64]


def hold_back(
    counted: Sequence[Counted], earlier: Sequence[PublishedCells], told: Collection[Mapping[Place, int]] = ()
) -> list[dict[Stratum, HeldBack]]:
    """The strata of each table (in the order of ``counted``), protected together.

    ``told`` is what the sums of the same rows tell of counts (``shown_sums``).
    Raises GateFailed("privacy") where what was published earlier leaves cells no protection, a value of a nested
    dimension has two parents, or linked tables do not have the same rows.
    """
    tables = [each.table for each in counted]
    before = last_shown(earlier, tables, counted[0].strata)
    found: list[dict[Stratum, HeldBack]] = [{} for _ in counted]
    unprotected = 0
    for stratum in counted[0].strata:
        judged = [_judge(each, stratum) for each in counted]
        try:
            system = _joined(judged)
            hidden = _hidden(system, before[stratum], counted[0], _least(system, stratum, counted, told))
        except _Disagreement:
            raise different_rows(tables) from None
        except NotProtectable as problem:
            unprotected += problem.count
            continue
        for strata, each, places in zip(found, judged, system.places, strict=True):
            strata[stratum] = HeldBack(each, hidden[places], system.widths[places])
    if unprotected:
        values = counted_in_german(
            unprotected, "Wert muss geheim bleiben, lässt sich aber", "Werte müssen geheim bleiben, lassen sich aber"
        )
        raise GateFailed(
            "privacy",
            f"{', '.join(table.id for table in tables)}: {values} aus dem errechnen, was schon veröffentlicht ist.",
            next_step="Gröbere Gruppen erklären, auf Summen verzichten oder Tabellen, die sich oft ändern, nur zu "
            "Stichtagen veröffentlichen (das Datum als Dimension ohne Summe).",
        )
    return found


def shown_sums(table: Table, cells: Mapping[Stratum, HeldBack]) -> dict[Place, int]:
    """Where a sum other than 0 is shown, and the least number of rows that it tells to be there."""
    least = least_contributors(table.magnitude_table) if table.magnitude_table is not None else 0
    return {
        place: least
        for stratum, each in cells.items()
        for place, shown in zip(
            places_of(table, stratum, each.judged.lattice.keys_of_cells()),
            ((each.judged.amounts > 0) & ~each.hidden).tolist(),
            strict=True,
        )
        if shown
    }


def _least(
    system: _System, stratum: Stratum, counted: Sequence[Counted], told: Collection[Mapping[Place, int]]
) -> NDArray[np.float64]:
    """What everybody knows each cell (n) to be at least if it is hidden: zeros are always shown in counts."""
    least = np.full(len(system.keys), 0.0 if isinstance(declared(counted[0].table), MagnitudeTable) else 1.0)
    if told:
        for each, places in zip(counted, system.places, strict=True):
            cells = places_of(each.table, stratum, (system.keys[number] for number in places))
            by_sums = np.array([[sums.get(cell, 0) for sums in told] for cell in cells], dtype=np.float64)
            least[places] = np.maximum(least[places], by_sums.max(axis=1))
    return least


def _judge(counted: Counted, stratum: Stratum) -> Judged:
    lattice = counted.lattice(stratum)
    amounts = counted.amounts[counted.strata[stratum]]
    spec = declared(counted.table)
    if isinstance(spec, MagnitudeTable):
        return _judge_sums(spec, lattice, amounts)
    if not isinstance(spec.protection, Suppression):
        raise ValueError(f"{counted.table.id} holds nothing back")
    counts = lattice.add_up(amounts)
    minimum = spec.protection.minimum
    small, none = too_small(counts, minimum), np.zeros(lattice.cells, dtype=np.bool_)
    return Judged(lattice, counts, small, np.full(lattice.cells, float(minimum)), none)


def _judge_sums(spec: MagnitudeTable, lattice: Lattice, amounts: NDArray[np.int64]) -> Judged:
    cell = concentration(lattice.places(), amounts, lattice.cells, spec.dominance.n if spec.dominance else 1)
    few = too_few(cell, spec.minimum)
    broken, level = few, np.zeros(lattice.cells)
    if spec.p_percent is not None:
        by_rule = p_percent_level(cell, spec.p_percent)
        broken = broken | (by_rule > 0)
        level = np.maximum(level, np.where(few, cell.largest * (spec.p_percent / 100), by_rule))
    if spec.dominance is not None:
        by_rule = dominance_level(cell, spec.dominance.k)
        broken = broken | (by_rule > 0)
        level = np.maximum(level, np.where(few, cell.largest * (100 / spec.dominance.k - 1), by_rule))
    widths = np.maximum(np.where(broken, 2 * level, 0.0), SECONDARY_SHARE * cell.total)
    return Judged(lattice, cell.total.astype(np.int64), broken, widths, cell.contributors == 1)


class _Disagreement(Exception):
    """Linked tables have different sums for the same cell."""


@dataclass(frozen=True)
class _System:
    """The n cells of all linked tables; arrays have an entry for each. ``places`` numbers the cells of each table."""

    keys: list[Key]
    places: list[NDArray[np.int64]]
    amounts: NDArray[np.int64]
    primary: NDArray[np.bool_]
    widths: NDArray[np.float64]
    single: NDArray[np.bool_]
    relations: scipy.sparse.csr_array


def _joined(judged: Sequence[Judged]) -> _System:
    """Cells with the same key are one. Raises _Disagreement."""
    numbers: dict[Key, int] = {}
    places = [
        np.array([numbers.setdefault(key, len(numbers)) for key in each.lattice.keys_of_cells()]) for each in judged
    ]
    amounts = np.full(len(numbers), -1, dtype=np.int64)
    primary, single = np.zeros((2, len(numbers)), dtype=np.bool_)
    widths = np.zeros(len(numbers))
    for each, place in zip(judged, places, strict=True):
        if ((amounts[place] != each.amounts) & (amounts[place] >= 0)).any():
            raise _Disagreement
        amounts[place] = each.amounts
        primary[place] |= each.primary
        single[place] |= each.single
        widths[place] = np.maximum(widths[place], each.widths)
    return _System(list(numbers), places, amounts, primary, widths, single, _relations(judged, places, len(numbers)))


def _relations(judged: Sequence[Judged], places: Sequence[NDArray[np.int64]], cells: int) -> scipy.sparse.csr_array:
    """The sums of all tables (m x cells), each once."""
    parts = []
    for each, place in zip(judged, places, strict=True):
        own = each.lattice.relations()
        parts.append(scipy.sparse.csr_array((own.data, place[own.indices], own.indptr), shape=(own.shape[0], cells)))
    joined = scipy.sparse.csr_array(scipy.sparse.vstack(parts))
    joined.sort_indices()
    rows = {
        (joined.indices[begin:end].tobytes(), joined.data[begin:end].tobytes()): row
        for row, (begin, end) in enumerate(zip(joined.indptr, joined.indptr[1:], strict=False))
    }
    return joined[sorted(rows.values())]


def _hidden(
    system: _System, before: Mapping[Key, float], counted: Counted, least: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """The cells (n) to hold back; ``before`` is what they were shown as. Raises NotProtectable."""
    shown = np.array([before.get(key, np.nan) for key in system.keys])
    withheld = np.array([key in before for key in system.keys]) & np.isnan(shown)
    primary: NDArray[np.bool_] = system.primary | (withheld & (system.amounts > 0))
    if not primary.any():
        return primary
    values = system.amounts / counted.units
    # A table of counts of the same rows, or knowledge of the place, tells where nobody contributes: no cover.
    known = (still_known(values, shown, system.relations) & ~primary) | (system.amounts == 0)
    sums = isinstance(counted.table.tabulation, MagnitudeTable)
    scale = SCALE / float(system.amounts.max()) if sums else 1.0
    cells = Cells(
        values=np.asarray(system.amounts * scale, dtype=np.float64),
        relations=system.relations,
        lower=least,
        primary=primary,
        width=system.widths * (SLACK * scale if sums else 1.0),
        known=known,
    )
    return _hidden_from_contributors(cells, system)


def _hidden_from_contributors(cells: Cells, system: _System) -> NDArray[np.bool_]:
    """The cells (n) to hold back, so that no single contributor of one can compute another one that breaks a rule.

    What was found to be held back stays so while pairs are added: to begin anew each time would take far longer, and
    hide little less.
    """
    pairs: dict[tuple[int, int], int] = {}
    hidden = suppress(cells)
    while found := {pair: row for pair, row in _exposed_pairs(cells, system, hidden).items() if pair not in pairs}:
        pairs |= found
        hidden = suppress(_with_pairs(replace(cells, primary=hidden), pairs))[: len(hidden)]
    return hidden


def _exposed_pairs(cells: Cells, system: _System, hidden: NDArray[np.bool_]) -> dict[tuple[int, int], int]:
    """Where contributors can begin to compute: two cells that are all that a relation (its number) holds back.

    The first is known to its only contributor, and gives away the second, and in the end one that breaks a rule.
    """
    incidence = scipy.sparse.csr_array(abs(cells.relations)).astype(np.int64)
    by_cell = incidence.tocsc()
    found = {}
    for one in np.flatnonzero(hidden & system.single).tolist():
        left = hidden.copy()
        left[one] = False
        while (alone := incidence @ left.astype(np.int64) == 1).any():
            left &= (incidence.T @ alone.astype(np.int64)) == 0
        left[one] = True
        if not (hidden & ~left & system.primary).any():
            continue
        for row in by_cell[:, [one]].indices.tolist():
            part = slice(incidence.indptr[row], incidence.indptr[row + 1])
            places = incidence.indices[part]
            others = places[hidden[places] & (places != one)]
            # A total that is nothing but its only part has the same contributor.
            if len(others) == 1 and cells.values[one] != -_sign(cells, row, one, others[0]) * cells.values[others[0]]:
                found[one, int(others[0])] = row
    return found


def _sign(cells: Cells, row: int, one: int, other: int) -> float:
    """1 for two parts of a total, -1 for a total and a part of it."""
    return float(cells.relations[row, one] * cells.relations[row, other])


def _with_pairs(cells: Cells, pairs: Mapping[tuple[int, int], int]) -> Cells:
    """The same with one cell more for each pair: what both are together in their relation, to be held back."""
    count, size = len(pairs), len(cells.values)
    rows = np.repeat(np.arange(count), 2)
    places = np.array(list(pairs)).ravel()
    signs = np.array([cells.relations[row, place] for pair, row in pairs.items() for place in pair])
    together = scipy.sparse.csr_array((signs, (rows, places)), shape=(count, size))
    values = together @ cells.values
    together = scipy.sparse.csr_array(scipy.sparse.diags_array(np.sign(values)) @ together)
    return Cells(
        values=np.concatenate([cells.values, np.abs(values)]),
        relations=scipy.sparse.csr_array(
            scipy.sparse.block_array([[cells.relations, None], [together, -scipy.sparse.eye_array(count)]])
        ),
        lower=np.concatenate([cells.lower, np.zeros(count)]),
        primary=np.concatenate([cells.primary, np.ones(count, dtype=np.bool_)]),
        width=np.concatenate([cells.width, cells.width[[other for _, other in pairs]]]),
        known=np.concatenate([cells.known, np.zeros(count, dtype=np.bool_)]),
    )
