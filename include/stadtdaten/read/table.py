"""What a reader hands on, and which of a source's columns are the contract's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import geopandas as gpd
import pandas as pd
import pyarrow as pa

from stadtdaten.contracts.interfaces import Limits
from stadtdaten.contracts.model import Table
from stadtdaten.faults import SchemaChanged, SourceUnreadable
from stadtdaten.frames import Repair


@dataclass(frozen=True)
class ReadTable:
    """``frame`` has the contract's columns in the contract's order and types (a GeoDataFrame in the city's CRS where
    a geometry is declared); ``drift`` names the source's undeclared columns. ``deleted`` are the keys (of one column)
    of rows that the source says it has deleted.
    """

    frame: pd.DataFrame
    repairs: tuple[Repair, ...]
    drift: tuple[str, ...]
    deleted: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class RawTable:
    """A source's table before its values are understood.

    ``cells`` is text by the column's ``source`` (also where the source used an alias), null where the source has none;
    ``geometry`` are the geometries as the file has them, with its reference system if it names one; ``deleted`` the
    keys of rows that the source says it has deleted.
    """

    cells: dict[str, pa.ChunkedArray]
    rows: int
    drift: tuple[str, ...]
    repairs: list[Repair] = field(default_factory=list)
    geometry: gpd.GeoSeries | None = None
    deleted: tuple[str, ...] = field(default=(), repr=False)


def joined(table: Table, parts: Sequence[RawTable], limits: Limits) -> RawTable:
    """The parts of a table that comes in several files, in their order; each kind of repair once, with its sum.

    Raises SourceUnreadable if they have more rows in all than the limits allow.
    """
    rows = sum(part.rows for part in parts)
    if rows > limits.rows:
        raise SourceUnreadable(
            f"Tabelle „{table.id}“: Die {len(parts)} Dateien haben zusammen mehr als die erlaubten {limits.rows} "
            "Zeilen.",
            next_step="Ist das richtig, limits.rows im Vertrag erhöhen.",
        )
    cells = {
        source: pa.chunked_array([chunk for part in parts for chunk in part.cells[source].chunks], pa.string())
        for source in parts[0].cells
    }
    repairs = summed(repair for part in parts for repair in part.repairs)
    return RawTable(cells, rows, tuple(dict.fromkeys(name for part in parts for name in part.drift)), repairs)


def summed(repairs: Iterable[Repair]) -> list[Repair]:
    """Each kind of repair once, with the sum of its counts."""
    counts: Counter[Repair] = Counter()
    for repair in repairs:
        counts[repair.model_copy(update={"count": 0})] += repair.count
    return [repair.model_copy(update={"count": count}) for repair, count in counts.items()]


@dataclass(frozen=True)
class Matched:
    """Where the contract's columns are: ``names`` maps a column's ``source`` to its name in the source."""

    names: dict[str, str]
    drift: tuple[str, ...]
    repairs: list[Repair]


def match_columns(table: Table, found: Sequence[str], further: Sequence[str] = ()) -> Matched:
    """The declared columns (and ``further`` ones, such as those of coordinates) among the names ``found``.

    Raises SchemaChanged if a wanted column is missing, there twice, or there under two of its names.
    """
    aliases = {column.source: column.aliases for column in table.columns}
    wanted = [*dict.fromkeys(column.source for column in table.columns if column.type != "geometry"), *further]
    present = {name: [each for each in (name, *aliases.get(name, ())) if each in found] for name in wanted}
    taken = {each for names in present.values() for each in names}
    taken |= {column.source for column in table.columns if column.type == "geometry"}
    rest = tuple(name or f"(Spalte {number} ohne Namen)" for number, name in enumerate(found, 1) if name not in taken)
    missing = [name for name, names in present.items() if not names]
    if missing and len(missing) == len(wanted):
        # Most likely no header at all: what stands in its place are values, and no name of it may be told.
        raise SchemaChanged(
            f"Tabelle „{table.id}“: Keine der {len(wanted)} erklärten Spalten ist da: {_listed(missing)}. "
            f"Die Quelle hat {len(found)} Spalten mit anderen Namen, oder ihr fehlt die Kopfzeile.",
            next_step="Die Quelle ansehen: Fehlt die Kopfzeile, steht etwas vor ihr (reading.skip_rows), oder trennt "
            "ein anderes Zeichen? Sonst mit der Fachstelle klären, ob die Spalten umbenannt wurden.",
        )
    if missing:
        raise SchemaChanged(
            f"Tabelle „{table.id}“: Es fehlen {len(missing)} erklärte Spalten: {_listed(missing)}. "
            f"Nicht erklärt sind: {_listed(rest) or 'keine'}.",
            next_step="Mit der Fachstelle klären, ob die Spalten umbenannt wurden, und den Vertrag anpassen (source "
            "oder, wenn beide Namen vorkommen, aliases).",
        )
    twice = [name for name, names in present.items() if len(names) > 1 or list(found).count(names[0]) > 1]
    if twice:
        raise SchemaChanged(
            f"Tabelle „{table.id}“: {len(twice)} erklärte Spalten kommen in der Quelle mehrfach vor: {_listed(twice)}.",
            next_step="Mit der Fachstelle klären, welche gilt; die Quelle muss die Namen eindeutig machen.",
        )
    names = {name: each[0] for name, each in present.items()}
    repairs = [
        Repair(kind="alias", column=name, count=1, detail=f"heißt in der Quelle „{found_as}“", nature="assumed")
        for name, found_as in names.items()
        if name != found_as
    ]
    return Matched(names, rest, repairs)


def _listed(names: Sequence[str]) -> str:
    """Column names for a message, not more and not longer than one can read."""
    return ", ".join(" ".join(name.split())[:60] for name in names[:20]) + (" …" if len(names) > 20 else "")
