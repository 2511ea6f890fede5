"""Do the published tables of counts and sums of a dataset keep what their contract promises?

The judge of tables in the audit: first what can be seen, then what ``attack`` can compute from the new release alone,
then what ``over_time`` can compute from all that was ever published.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stadtdaten.contracts.model import Table
from stadtdaten.contracts.protection import CellKey, FrequencyTable, RoundedCounts, Suppression
from stadtdaten.faults import Finding
from stadtdaten.frames import PublishedCells
from stadtdaten.privacy.columns import HIDDEN_SUFFIX
from stadtdaten.privacy.tables.attack import OverlappingGroups, TableIncomplete, attack
from stadtdaten.privacy.tables.over_time import attack_over_time


def judge_tables(
    published: Mapping[str, pd.DataFrame],
    tables: Sequence[Table],
    earlier: Sequence[PublishedCells],
    widths: Mapping[str, NDArray[np.float64]] | None = None,
) -> Iterator[Finding]:
    """What is wrong with the published tables (frames by table id); nothing if they may be published.

    ``tables`` are the dataset's tables of counts and sums, ``earlier`` all that was ever published of it, oldest first;
    ``widths`` as in ``attack.attack``.
    """
    counted = [table for table in tables if table.tabulation is not None]
    seen = [finding for table in counted for finding in _in_plain_sight(published[table.id], table)]
    yield from seen
    if seen or not counted:
        return
    recovered = list(_recovered(published, counted, widths))
    yield from recovered or _recovered_over_time(published, counted, earlier, widths)


def _recovered(
    published: Mapping[str, pd.DataFrame], tables: Sequence[Table], widths: Mapping[str, NDArray[np.float64]] | None
) -> Iterator[Finding]:
    try:
        found = attack(published, tables, widths)
    except TableIncomplete as problem:
        yield _of_all("incomplete_table", f"Die Tabelle ist nicht vollständig ({problem}).", tables)
        return
    except OverlappingGroups as problem:
        yield _of_all("overlapping_groups", _groups_message(problem, "in einer anderen Tabelle"), tables)
        return
    for table in tables:
        result = found.get(table.id)
        if result is not None and result.narrow:
            rounded = isinstance(getattr(table.tabulation, "protection", None), RoundedCounts)
            hidden = "auf 0 gerundeten" if rounded else "geheimen"
            yield Finding(
                "recoverable_cells",
                f"{result.narrow} von {result.hidden} {hidden} Werten lassen sich aus den Summen errechnen oder zu eng "
                f"eingrenzen, {result.known} davon genau.",
                table.id, _measure(table), result.narrow, result.hidden,
            )  # fmt: skip


def _recovered_over_time(
    published: Mapping[str, pd.DataFrame],
    tables: Sequence[Table],
    earlier: Sequence[PublishedCells],
    widths: Mapping[str, NDArray[np.float64]] | None,
) -> Iterator[Finding]:
    try:
        found = attack_over_time(published, tables, earlier, widths)
    except TableIncomplete as problem:
        message = f"Die Tabelle lässt sich nicht mit früheren Veröffentlichungen vergleichen ({problem})."
        yield _of_all("incomplete_table", message, tables)
        return
    except OverlappingGroups as problem:
        yield _of_all("overlapping_groups", _groups_message(problem, "früher"), tables)
        return
    for table, result in sorted(found.items()):
        for when, numbers in (("", result.now), (" früher", result.before)):
            if numbers.narrow:
                yield Finding(
                    "recoverable_over_time",
                    f"{numbers.narrow} von {numbers.hidden}{when} geheimen Werten lassen sich durch Vergleich mit "
                    f"früheren Veröffentlichungen errechnen oder zu eng eingrenzen, {numbers.known} davon genau."
                    + ("" if table in published else _GONE),
                    table, "", numbers.narrow, numbers.hidden,
                )  # fmt: skip


_GONE = (
    " Eine Tabelle dieses Namens gibt es nicht mehr; heißt die neue, die dieselben Personen zählt, wieder so (id), "
    "bleibt geheim, was es war. Zählt sie andere, gehört sie in einen eigenen Datensatz."
)


def _in_plain_sight(frame: pd.DataFrame, table: Table) -> Iterator[Finding]:
    spec, measure = table.tabulation, _measure(table)
    values = frame[measure]
    protection = spec.protection if isinstance(spec, FrequencyTable) else None
    if isinstance(protection, RoundedCounts | CellKey):
        bad = values.isna() | (values < 0).fillna(True)
        if isinstance(protection, RoundedCounts):
            bad |= (values % protection.base != 0).fillna(True)
        else:
            bad |= values.between(1, protection.hidden_counts).fillna(True)
        if count := int(bad.sum()):
            message = f"{count} Werte sind nicht gerundet." if protection.kind == "rounding" else (
                f"{count} Werte fehlen, sind negativ oder liegen zwischen 1 und {protection.hidden_counts}."
            )  # fmt: skip
            yield Finding("small_cells", message, table.id, measure, count, len(frame))
        return
    hidden = frame.get(measure + HIDDEN_SUFFIX, pd.Series(False, index=frame.index))
    if unmarked := int((hidden.isna() | (hidden.fillna(False) != values.isna())).sum()):
        message = f"{unmarked} Werte sind anders gekennzeichnet als gezeigt."
        yield Finding("hidden_cells", message, table.id, measure, unmarked, len(frame))
    if negative := int((values < 0).fillna(False).sum()):
        yield Finding("negative_cells", f"{negative} Werte sind negativ.", table.id, measure, negative, len(frame))
    if isinstance(protection, Suppression):
        small = int(((values > 0) & (values < protection.minimum)).fillna(False).sum())
        if small:
            message = f"{small} Werte sind kleiner als {protection.minimum} und nicht geheim."
            yield Finding("small_cells", message, table.id, measure, small, len(frame))


def _measure(table: Table) -> str:
    return table.tabulation.measure if table.tabulation is not None else ""


def _of_all(rule: str, message: str, tables: Sequence[Table]) -> Finding:
    """A finding about tables that are attacked together: it names the first."""
    return Finding(rule, message, tables[0].id, _measure(tables[0]))


def _groups_message(problem: OverlappingGroups, where: str) -> str:
    return f"Die Gruppen von {problem} sind anders gebildet als {where}; sie ließen sich voneinander abziehen."
