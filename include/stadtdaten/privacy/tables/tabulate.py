"""How do rows become tables of counts and sums in which nobody can be found?

Dimensions without total (a reference date) split the rows into strata: each is a table of its own, with every
combination of the values seen in it, zeros included. Within one, ``lattice`` spans the cells and the sums that tie them
together, over dimensions with totals and areas that divide each other. Then one of three things happens, always to all
tables at once that add up the same rows (``linked``):

- cells are held back (``hold_back``): suppression of counts, and all sums;
- every count is changed (``rounding``, ``cell_key``), totals too, so they no longer add up exactly;
- rare values are not named (``rare``), in tables without totals.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stadtdaten.contracts.model import Table
from stadtdaten.contracts.protection import CellKey, FrequencyTable, MagnitudeTable, RoundedCounts, Suppression
from stadtdaten.frames import PublishedCells
from stadtdaten.privacy.columns import HIDDEN_SUFFIX
from stadtdaten.privacy.context import Context
from stadtdaten.privacy.tables.change import Changed, perturbed, rounded
from stadtdaten.privacy.tables.counting import Counted, count
from stadtdaten.privacy.tables.hold_back import HeldBack, hold_back, shown_sums
from stadtdaten.privacy.tables.lattice import Lattice, Stratum
from stadtdaten.privacy.tables.linked import Place, declared, different_rows, linked_sets, read_alike, strata
from stadtdaten.privacy.tables.rare import name_frequent
from stadtdaten.privacy.tables.shown import last_named


@dataclass(frozen=True)
class Tabulated:
    """The table to publish (``frame``, columns as ``published_columns`` says), and numbers of its cells.

    ``primary`` cells break a rule; ``secondary`` ones are held back for their sake or because they were held back
    before. ``changed`` cells were rounded to another value or got noise. ``unnamed`` values of a merged dimension were
    counted together, over all strata.

    ``widths`` (rows of ``frame``, units of the measure) is how wide the interval of a cell held back must stay, NaN for
    shown cells. It is made from the truth: for the audit only.
    """

    frame: pd.DataFrame
    cells: int
    primary: int = 0
    secondary: int = 0
    changed: int = 0
    unnamed: int = 0
    widths: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))


def tabulate(frames: Mapping[str, pd.DataFrame], tables: Sequence[Table], context: Context) -> dict[str, Tabulated]:
    """The tables of counts and of sums among the tables of one dataset, by table id.

    ``frames`` are the treated frames by table id. The rows of a published table are ordered by its dimensions, each in
    the order of its domain (bands and mappings as declared, others ascending) with the total last. The order of the
    rows of ``frames`` has no influence.
    Raises GateFailed("privacy") for missing dimension values, missing or negative measures, a value of a nested
    dimension with two parents, linked tables that cannot be protected together, and cells that earlier releases leave
    no protection; Misconfigured where a total could not be told from a value or a key is missing.
    """
    found: dict[str, Tabulated] = {}
    sums: list[tuple[Table, dict[Place, int]]] = []
    # Sums first: those that are shown tell of the counts, and the counts of them nothing that is not shown.
    for linked in sorted(linked_sets(tables), key=lambda each: each[0].magnitude_table is None):
        counted = [count(frames[table.id], table) for table in linked]
        if any(each.strata.keys() != counted[0].strata.keys() for each in counted):
            raise different_rows(linked)
        spec = declared(linked[0])
        if isinstance(spec, FrequencyTable) and spec.merged and isinstance(spec.protection, Suppression):
            minimum = spec.protection.minimum
            found |= {each.table.id: _with_rare_merged(each, spec, minimum, context.earlier) for each in counted}
        elif isinstance(spec, FrequencyTable) and isinstance(spec.protection, RoundedCounts):
            found |= {each.table.id: _changed(each, rounded(each, spec.protection)) for each in counted}
        elif isinstance(spec, FrequencyTable) and isinstance(spec.protection, CellKey):
            noisy = perturbed(counted, spec.protection, context.key(spec.protection.connection))
            found |= {each.table.id: _changed(each, cells) for each, cells in zip(counted, noisy, strict=True)}
        else:
            told = [cells for table, cells in sums if _counts_rows_of(linked[0], table)]
            safe = hold_back(counted, context.earlier, told)
            if isinstance(spec, MagnitudeTable):
                sums += [(table, shown_sums(table, cells)) for table, cells in zip(linked, safe, strict=True)]
            found |= {each.table.id: _held_back(each, cells) for each, cells in zip(counted, safe, strict=True)}
    return {table.id: found[table.id] for table in tables if table.id in found}


def _counts_rows_of(table: Table, sums: Table) -> bool:
    """Whether the table counts the rows that the other one adds up."""
    spec = declared(table)
    return isinstance(spec, FrequencyTable) and spec.count is None and read_alike(table, sums)


def _held_back(counted: Counted, cells: Mapping[Stratum, HeldBack]) -> Tabulated:
    frame, order = _spread({stratum: each.judged.lattice for stratum, each in cells.items()}, counted)
    hidden = np.concatenate([each.hidden for each in cells.values()])[order]
    amounts = np.concatenate([each.judged.amounts for each in cells.values()])[order]
    widths = np.concatenate([each.widths for each in cells.values()])[order] / counted.units
    primary = sum(int(each.judged.primary.sum()) for each in cells.values())
    return Tabulated(
        frame=_published(frame, counted, amounts, hidden),
        cells=len(frame),
        primary=primary,
        secondary=int(hidden.sum()) - primary,
        widths=np.where(hidden, widths, np.nan),
    )


def _changed(counted: Counted, cells: Mapping[Stratum, Changed]) -> Tabulated:
    frame, order = _spread({stratum: each.lattice for stratum, each in cells.items()}, counted)
    before = np.concatenate([each.before for each in cells.values()])
    after = np.concatenate([each.after for each in cells.values()])
    return Tabulated(
        frame=_published(frame, counted, after[order]),
        cells=len(frame),
        changed=int((before != after).sum()),
        widths=np.full(len(frame), np.nan),
    )


def _with_rare_merged(
    counted: Counted, spec: FrequencyTable, minimum: int, earlier: Sequence[PublishedCells]
) -> Tabulated:
    [(merged, label)] = spec.merged.items()
    names = strata(counted.table)
    at = names.index(merged)
    counts: dict[Stratum, dict[Hashable, int]] = {}
    for stratum, rows in counted.strata.items():
        if amount := int(counted.amounts[rows].sum()):
            counts.setdefault(stratum[:at] + stratum[at + 1 :], {})[stratum[at]] = amount
    before = last_named(earlier, counted.table, merged, counts)
    published: dict[Stratum, int] = {}
    unnamed = 0
    for stratum, values in counts.items():
        named = name_frequent(values, minimum, before.get(stratum))
        shown = named.counts if named.others is None else {**named.counts, label: named.others}
        published |= {(*stratum[:at], value, *stratum[at:]): amount for value, amount in shown.items()}
        unnamed += named.unnamed
    frame = pd.DataFrame(list(published), columns=list(names)).astype(
        {name: counted.frame[name].dtype for name in names}
    )
    order = _order(frame, counted)
    amounts = np.array(list(published.values()), dtype=np.int64)
    return Tabulated(
        frame=_published(_sorted(frame, order, counted), counted, amounts[order]),
        cells=len(frame),
        unnamed=unnamed,
        widths=np.full(len(frame), np.nan),
    )


def _spread(lattices: Mapping[Stratum, Lattice], counted: Counted) -> tuple[pd.DataFrame, NDArray[np.intp]]:
    """The dimensions of all cells in the order in which they are shown, and which cell each row is.

    Cells are numbered through the strata.
    """
    total = declared(counted.table).total
    frame = pd.concat([each.labels(total) for each in lattices.values()], ignore_index=True)
    lengths = [each.cells for each in lattices.values()]
    for name, values in zip(strata(counted.table), zip(*lattices, strict=True), strict=False):
        column = pd.Series(values, dtype=counted.frame[name].dtype).repeat(lengths)
        frame[name] = column.reset_index(drop=True)
    order = _order(frame, counted)
    return _sorted(frame, order, counted), order


def _order(frame: pd.DataFrame, counted: Counted) -> NDArray[np.intp]:
    """By the dimensions, each in the order of its values; totals and merged values, which are none of them, last."""
    ranks = []
    for name in declared(counted.table).dimensions:
        place = {value: rank for rank, value in enumerate(counted.orders[name])}
        ranks.append(frame[name].map(place).fillna(len(place)).to_numpy(dtype=np.int64))
    return np.lexsort(ranks[::-1])


def _sorted(frame: pd.DataFrame, order: NDArray[np.intp], counted: Counted) -> pd.DataFrame:
    return frame.loc[order, list(declared(counted.table).dimensions)].reset_index(drop=True)


def _published(
    frame: pd.DataFrame, counted: Counted, amounts: NDArray[np.int64], hidden: NDArray[np.bool_] | None = None
) -> pd.DataFrame:
    measure = declared(counted.table).measure
    if hidden is None:
        return frame.assign(**{measure: pd.array(amounts, dtype="Int64")})
    whole = counted.table.frequency_table is not None or counted.table.column(measure).type == "integer"
    values = pd.Series(amounts, dtype="Int64") if whole else pd.Series(amounts / counted.units, dtype="Float64")
    return frame.assign(
        **{measure: values.mask(pd.Series(hidden)), measure + HIDDEN_SUFFIX: pd.array(hidden, dtype="boolean")}
    )
