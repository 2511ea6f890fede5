"""Which tables of a contract tell of the same persons, and is what they tell protected as one?

What one table holds back, another one of the same rows can show or let compute. Tables of counts and of sums of one
dataset are protected and attacked together; nothing else is. So whatever else two tables of the same rows could be is
refused here, before a row is read. That two resources hold the same persons (a view of a database table) nobody can
tell from their names: this is for the data-protection check of the release.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stadtdaten.contracts.protection import FrequencyTable, MagnitudeTable

if TYPE_CHECKING:
    from stadtdaten.contracts.model import Table


@dataclass(frozen=True)
class Source:
    """A table, the dataset (id) that publishes it and the connection that it is read from."""

    table: Table
    dataset: str
    connection: str


def contradictions(sources: Sequence[Source]) -> Iterator[str]:
    """What must not stand in one contract: an English sentence for each pair of tables."""
    for one, other in itertools.combinations(sources, 2):
        tables = (one.table, other.table)
        personal = any(column.class_ != "public" for table in tables for column in table.columns)
        protected = any(table.tabulation or table.microdata for table in tables)
        if personal and protected and one.connection == other.connection and _overlap(*tables):
            problem = "they belong in one dataset" if one.dataset != other.dataset else _problem(*tables)
            if problem:
                yield f"tables {one.table.id} and {other.table.id} publish the same rows about people: {problem}"


def _problem(one: Table, other: Table) -> str:
    if one.tabulation is None or other.tabulation is None:
        return "only tables of counts and sums can be protected together"
    if _resources(one) != _resources(other) or one.reading != other.reading:
        return "both must read all the same rows, or the one can be subtracted from the other"
    specs = (one.tabulation, other.tabulation)
    if all(isinstance(spec, FrequencyTable) for spec in specs) and _counted(one) != _counted(other):
        return "they count it by different columns, of which one can be a part of the other (women of all persons)"
    for table, counted in ((one, other), (other, one)):
        if isinstance(table.tabulation, MagnitudeTable) and counted.tabulation is not None:
            summed = table.column(table.tabulation.magnitude).source
            if summed in {counted.column(name).source for name in counted.tabulation.dimensions}:
                return f"{summed} is summed up, and its groups would tell between which values each part lies"
    return ""


def _counted(table: Table) -> str:
    """The column of the source that is counted; empty where every row is one person."""
    count = table.frequency_table.count if table.frequency_table is not None else None
    return table.column(count).source if count is not None else ""


def _overlap(one: Table, other: Table) -> bool:
    """Whether a row can be in both."""
    if not _resources(one) & _resources(other):
        return False
    if any(_option(one, name) != _option(other, name) for name in ("member", "sheet", "layer", "rows", "each")):
        return False
    wanted: dict[str, tuple[str, ...]] = _option(one, "where") or {}
    others: dict[str, tuple[str, ...]] = _option(other, "where") or {}
    return all(set(wanted[name]) & set(others[name]) for name in wanted.keys() & others.keys())


def _resources(table: Table) -> set[str]:
    return {table.resource, *table.further_resources}


def _option(table: Table, name: str) -> Any:
    """What the format of the table says about which part of its resource is read; None where it has no such option."""
    return getattr(table.reading, name, None)
