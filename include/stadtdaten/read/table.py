"""What the reader hands on: the typed frame, what was put right on the way, and what the contract does not know."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd
import pyarrow as pa

from stadtdaten.contracts.model import Table
from stadtdaten.faults import SchemaChanged
from stadtdaten.frames import Repair


@dataclass(frozen=True)
class ReadTable:
    """``frame`` has the contract's columns in the contract's order and types (a GeoDataFrame in the city's CRS where
    a geometry is declared); ``drift`` names the source's undeclared columns.
    """

    frame: pd.DataFrame
    repairs: tuple[Repair, ...]
    drift: tuple[str, ...]


@dataclass(frozen=True)
class RawTable:
    """A source's table before its values are understood: text by source column, null where the source has none."""

    cells: dict[str, pa.ChunkedArray]
    rows: int
    drift: tuple[str, ...]
    repairs: list[Repair] = field(default_factory=list)


def undeclared(table: Table, wanted: list[str], found: list[str]) -> tuple[str, ...]:
    """The source's columns that nobody asked for. Raises SchemaChanged if a wanted one is missing or there twice."""
    rest = tuple(name or f"(Spalte {number} ohne Namen)" for number, name in enumerate(found, 1) if name not in wanted)
    missing = [name for name in wanted if name not in found]
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
            next_step="Mit der Fachstelle klären, ob die Spalten umbenannt wurden, und den Vertrag anpassen.",
        )
    twice = [name for name in wanted if found.count(name) > 1]
    if twice:
        raise SchemaChanged(
            f"Tabelle „{table.id}“: {len(twice)} erklärte Spalten kommen in der Quelle mehrfach vor: {_listed(twice)}.",
            next_step="Mit der Fachstelle klären, welche gilt; die Quelle muss die Namen eindeutig machen.",
        )
    return rest


def _listed(names: list[str] | tuple[str, ...]) -> str:
    """Column names for a message, not more and not longer than one can read."""
    return ", ".join(" ".join(name.split())[:60] for name in names[:20]) + (" …" if len(names) > 20 else "")
