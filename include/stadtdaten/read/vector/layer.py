"""What a file of features is before the contract's columns are looked for in it: one shape for all formats."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import pyarrow as pa
import pyproj
import shapely

from stadtdaten.contracts.model import Table
from stadtdaten.faults import SourceUnreadable
from stadtdaten.frames import Repair


@dataclass(frozen=True)
class Layer:
    """One layer of one file. ``text`` gives an attribute as text, null where there is none, and raises SourceUnreadable
    if it cannot be read; only declared attributes are asked for. ``geometry`` is None in a table without geometries;
    ``ids`` are the features' own ids, where they have some.
    """

    names: tuple[str, ...]
    rows: int
    text: Callable[[str], pa.Array]
    geometry: gpd.GeoSeries | None = None
    repairs: list[Repair] = field(default_factory=list)
    ids: tuple[str, ...] = ()


def malformed(table: Table, what: str) -> SourceUnreadable:
    """The fault for a file that is not what its format says; ``what`` continues "Die Datei ..."."""
    return SourceUnreadable(
        f"Tabelle „{table.id}“: Die Datei {what}.",
        next_step="Mit der Fachstelle klären, ob der Export gelaufen und vollständig ist.",
    )


def choose(table: Table, found: list[str], wanted: str | None) -> str:
    """The layer to read; raises SourceUnreadable if the contract names none of several, or one that is not there."""
    if wanted is None and len(found) == 1:
        return found[0]
    if wanted in found:
        return wanted
    listed = ", ".join(f"„{name[:60]}“" for name in found[:20]) or "keine"
    problem = f"enthält keine Ebene „{wanted}“" if wanted else f"enthält {len(found)} Ebenen statt einer"
    raise SourceUnreadable(
        f"Tabelle „{table.id}“: Die Datei {problem}. Vorhanden: {listed}.",
        next_step="Im Vertrag unter reading.layer die Ebene nennen.",
    )


def crs_called(table: Table, name: str) -> pyproj.CRS:
    """The reference system of that name (code, URN or WKT); raises SourceUnreadable for one that PROJ does not know."""
    try:
        return pyproj.CRS.from_user_input(name)
    except pyproj.exceptions.CRSError:
        raise SourceUnreadable(
            f"Tabelle „{table.id}“: Die Datei nennt ein Koordinatenreferenzsystem, das es nicht gibt.",
            next_step="Mit der Fachstelle klären, welches gilt, und im Vertrag eintragen (reading.crs).",
        ) from None


def not_simple(table: Table) -> SourceUnreadable:
    """The fault for geometries that are no Simple Features (OGC 06-103r4)."""
    return SourceUnreadable(
        f"Tabelle „{table.id}“: Die Datei enthält Geometrien, die nicht aus Punkten, Strecken und geschlossenen Ringen "
        "bestehen (Kreisbögen, offene Ringe, Körper oder Unvollständiges); kein offenes Format der Veröffentlichung "
        "kann sie darstellen.",
        next_step="Die Fachstelle um Geometrien aus geraden Strecken (Simple Features) bitten.",
    )


def geometries(table: Table, wkb: list[bytes | None], crs: pyproj.CRS | None) -> gpd.GeoSeries:
    """Geometries from well-known binary; raises SourceUnreadable for any that is no Simple Feature."""
    try:
        values = shapely.from_wkb(np.array(wkb, dtype=object))
    except (NotImplementedError, shapely.errors.ShapelyError):
        raise not_simple(table) from None
    return gpd.GeoSeries(values, crs=crs)
