"""Which tables of a dataset add up the same rows, and so have to be protected as one?

Tables are linked if they read the same resource in the same way and count (or add up) the same. Two protections of the
same numbers, chosen apart, undo each other: what one table holds back, another shows or lets compute. So linked tables
are refused here if they cannot be protected together.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence

from stadtdaten.contracts.model import Table
from stadtdaten.contracts.protection import FrequencyTable, MagnitudeTable, Suppression
from stadtdaten.faults import Finding, GateFailed
from stadtdaten.privacy.tables.lattice import Key, Stratum

Place = frozenset[tuple[str, str, Hashable]]
"""A cell whatever the table and the names of its columns: the source's column, the treatment and the value."""


def declared(table: Table) -> FrequencyTable | MagnitudeTable:
    """How the table is made. Raises ValueError for one that is no tabulation."""
    if table.tabulation is None:
        raise ValueError(f"{table.id} is no table of counts or sums")
    return table.tabulation


def strata(table: Table) -> tuple[str, ...]:
    """The dimensions without total, by name: each combination of their values is a table of its own."""
    spec = declared(table)
    return tuple(sorted(set(spec.dimensions) - set(spec.margins)))


def places_of(table: Table, stratum: Stratum, keys: Iterable[Key]) -> list[Place]:
    """Where the cells of a stratum lie."""
    columns = {name: table.column(name) for name in declared(table).dimensions}
    groups = {name: "" if c.treatment is None else c.treatment.model_dump_json() for name, c in columns.items()}
    common = list(zip(strata(table), stratum, strict=True))
    return [frozenset((columns[name].source, groups[name], value) for name, value in (*common, *key)) for key in keys]


def linked_sets(tables: Sequence[Table]) -> list[list[Table]]:
    """The tabulations among ``tables``, those together that add up the same rows.

    Raises GateFailed("privacy") if tables of one set cannot be protected together.
    """
    sets: dict[tuple[object, ...], list[Table]] = {}
    for table in tables:
        if table.tabulation is not None:
            sets.setdefault(_rows(table), []).append(table)
    for linked in sets.values():
        findings = tuple(_contradictions(linked))
        if findings:
            raise GateFailed(
                "privacy",
                f"Die Tabellen {', '.join(table.id for table in linked)} zählen dieselben Zeilen und lassen sich nicht "
                f"gemeinsam schützen: {'; '.join(finding.message for finding in findings)}",
                next_step="Im Vertrag für diese Tabellen dieselben Gruppen, dieselben Dimensionen ohne Summe und "
                "dasselbe Verfahren (protection) erklären oder auf eine der Tabellen verzichten.",
                findings=findings,
            )
    return list(sets.values())


def read_alike(one: Table, other: Table) -> bool:
    """Whether both are made of the same rows, whatever they count or add up of them."""
    return _read(one) == _read(other)


def different_rows(linked: Sequence[Table]) -> GateFailed:
    """For tables that should add up the same rows and do not."""
    return GateFailed(
        "privacy",
        f"Die Tabellen {', '.join(table.id for table in linked)} sollen dieselben Zeilen zählen, haben aber "
        "verschiedene.",
        next_step="Die Quelle hat sich vermutlich zwischen zwei Abrufen geändert: den Lauf wiederholen.",
    )


def _rows(table: Table) -> tuple[object, ...]:
    """What two tables have in common that add up the same rows."""
    spec = declared(table)
    if isinstance(spec, MagnitudeTable):
        measured = table.column(spec.magnitude).source
    else:
        measured = "" if spec.count is None else table.column(spec.count).source
    return *_read(table), type(spec), measured


def _read(table: Table) -> tuple[object, ...]:
    return frozenset((table.resource, *table.further_resources)), table.reading.model_dump_json()


def _contradictions(linked: Sequence[Table]) -> Iterator[Finding]:
    """One finding for each thing in which a table differs from an earlier one and must not."""
    for number, table in enumerate(linked):
        for other in linked[:number]:
            yield from _groups(table, other)
            if set(strata(table)) != set(strata(other)):
                yield Finding(
                    "linked_tables",
                    f"{other.id} und {table.id} haben verschiedene Dimensionen ohne Summe.", table.id,
                )  # fmt: skip
            if not _same_protection(declared(table), declared(other)):
                yield Finding(
                    "linked_tables", f"{other.id} und {table.id} haben verschiedene Schutzverfahren.", table.id
                )


def _groups(table: Table, other: Table) -> Iterator[Finding]:
    """Different groups of the same values overlap, and the difference of two of them is a smaller group."""
    mine = {table.column(name).source: table.column(name) for name in declared(table).dimensions}
    others = {other.column(name).source: other.column(name) for name in declared(other).dimensions}
    names = {column.name: source for source, column in others.items()}
    for source, column in mine.items():
        twin = others.get(source)
        if twin is not None and (twin.name, twin.treatment) != (column.name, column.treatment):
            yield Finding(
                "overlapping_groups",
                f"{other.id} und {table.id} gruppieren dieselbe Spalte der Quelle verschieden (Spalte {column.name}); "
                "Gruppen, die sich überschneiden, lassen sich voneinander abziehen.",
                table.id, column.name,
            )  # fmt: skip
        elif twin is None and column.name in names:
            yield Finding(
                "linked_tables",
                f"Die Spalte {column.name} stammt in {other.id} und {table.id} aus verschiedenen Spalten der Quelle.",
                table.id, column.name,
            )  # fmt: skip


def _same_protection(one: FrequencyTable | MagnitudeTable, two: FrequencyTable | MagnitudeTable) -> bool:
    """Whether both can be protected at once; minimum counts and rules for sums may differ, the stricter one holds."""
    if isinstance(one, MagnitudeTable) or isinstance(two, MagnitudeTable):
        return True  # both are: frequencies and sums are never linked
    if one.merged or two.merged:
        return False
    if isinstance(one.protection, Suppression) and isinstance(two.protection, Suppression):
        return True
    return one.protection == two.protection
