"""What did the last release with a stratum show of its cells, and which of it can still be taken for true?"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Sequence

import numpy as np
import pandas as pd
import scipy.sparse
from numpy.typing import NDArray

from stadtdaten.contracts.model import Table
from stadtdaten.frames import PublishedCells
from stadtdaten.privacy.tables.lattice import Key, Stratum, chains, key
from stadtdaten.privacy.tables.linked import declared, strata
from stadtdaten.privacy.tables.published import Declaration, declaration, decode, decode_declaration


def last_shown(
    earlier: Sequence[PublishedCells], linked: Sequence[Table], wanted: Collection[Stratum]
) -> dict[Stratum, dict[Key, float]]:
    """The published value of every cell, NaN where it was held back, by stratum.

    Each stratum of each table is taken from the newest release that had it; where linked tables share a cell, the
    newest counts.
    """
    shown: dict[Stratum, dict[Key, float]] = {stratum: {} for stratum in wanted}
    missing = {table.id: set(wanted) for table in linked}
    for table, frame in _newest_first(earlier, linked):
        parts = frame.groupby(list(strata(table)), sort=False) if strata(table) else [((), frame)]
        for stratum, part in parts:
            if stratum in missing[table.id]:
                missing[table.id].discard(stratum)
                shown[stratum] = _values(part, table) | shown[stratum]
        if not any(missing.values()):
            break
    return shown


def last_named(
    earlier: Sequence[PublishedCells], table: Table, merged: str, wanted: Collection[Stratum]
) -> dict[Stratum, dict[Hashable, int]]:
    """The published counts by value of the dimension ``merged``, for the strata that the others make up.

    Each stratum is taken from the newest release that had it, and is missing where none had.
    """
    others = [name for name in strata(table) if name != merged]
    named: dict[Stratum, dict[Hashable, int]] = {}
    for _, frame in _newest_first(earlier, [table]):
        parts = frame.groupby(others, sort=False) if others else [((), frame)]
        for stratum, part in parts:
            if stratum in wanted and stratum not in named:
                counts = part[declared(table).measure]
                named[stratum] = {value: int(count) for value, count in zip(part[merged], counts, strict=True)}
        if len(named) == len(wanted):
            break
    return named


def _newest_first(earlier: Sequence[PublishedCells], tables: Sequence[Table]) -> Iterator[tuple[Table, pd.DataFrame]]:
    """What was published of the tables (``earlier``: oldest first).

    Releases of another form (other dimensions, groups or method) have other cells and are passed over: the attack on
    all that was ever published looks at them.
    """
    by_id = {table.id: table for table in tables}
    for published in reversed(earlier):
        table = by_id.get(published.table)
        if table is not None and _form(decode_declaration(published.content)) == _form(declaration(table)):
            yield table, decode(published.content)


def _form(reading: Declaration | None) -> Declaration | None:
    """What makes cells the same; how strictly they are protected may change, and what the source calls its columns."""
    return None if reading is None else reading.model_copy(update={"rows": "", "minimum": 0.0, "sources": {}})


def _values(part: pd.DataFrame, table: Table) -> dict[Key, float]:
    spec = declared(table)
    levels = chains(spec)
    nodes_by_axis = [
        [tuple(label for label in labels if label != spec.total) for labels in zip(*map(part.get, names), strict=True)]
        for names in levels
    ]
    values = part[spec.measure].astype("Float64").to_numpy(dtype=np.float64, na_value=np.nan)
    cells = zip(*nodes_by_axis, strict=True) if levels else [()] * len(part)
    return {key(levels, nodes): float(value) for nodes, value in zip(cells, values, strict=True)}


def still_known(
    values: NDArray[np.float64], before: NDArray[np.float64], relations: scipy.sparse.csr_array
) -> NDArray[np.bool_]:
    """Which of the cells (n) a reader of the earlier release rightly takes for known today.

    ``before`` is what was shown, NaN where nothing was. A cell is known if its value is the same and at least one sum
    that contains it is the same too, or none was shown: where every sum has changed, nobody can tell that a cell has
    not. ``relations`` as in ``Cells``.
    """
    shown, same = ~np.isnan(before), before == values
    parts, totals = relations > 0, relations < 0
    above_same, above_shown = np.zeros((2, len(values)), dtype=np.bool_)
    while True:
        grown = [(parts.T @ (totals @ (own | above))) > 0 for own, above in ((same, above_same), (shown, above_shown))]
        if (grown[0] == above_same).all() and (grown[1] == above_shown).all():
            return np.asarray(same & (above_same | ~above_shown))
        above_same, above_shown = grown
