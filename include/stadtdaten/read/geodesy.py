"""Where on earth are the coordinates? From what the contract, the file or the city's extent says to the city's CRS.

The contract's word counts before the file's, and where both are silent the evidence decides: of the reference systems
in German use, in both orders of the axes, exactly one must put the objects into the city. All geometries leave here
with two dimensions, because not all formats of the publication have a third.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from pyproj.aoi import AreaOfInterest
from pyproj.transformer import Transformer, TransformerGroup

from stadtdaten.contracts.model import City, Table
from stadtdaten.contracts.reading import Oparl, Xml
from stadtdaten.faults import Misconfigured, SourceUnreadable
from stadtdaten.frames import Repair

Axes = Literal["east_north", "north_east"]

CANDIDATES = (
    "EPSG:25831", "EPSG:25832", "EPSG:25833",  # ETRS89/UTM
    "EPSG:5649", "EPSG:4647", "EPSG:5650",  # the same with the zone in front of the easting
    "EPSG:31466", "EPSG:31467", "EPSG:31468", "EPSG:31469",  # DHDN, Gauß-Krüger in zones of 3 degrees
    "EPSG:4326", "EPSG:3857",
)  # fmt: skip
"""Reference systems in use in German administrations whose numbers alone tell them apart.

Missing are those that no evidence can tell from one of these, because they differ by less than a city's extent: ED50
(about 200 m), degrees on DHDN (about 100 m), UTM on WGS84 (less than 1 m). Who has them must say so (`reading.crs`).
"""

ENOUGH = 0.95
"""Share of the objects that must lie in the city to prove an unnamed reference system.

The systems' rectangles around a city do not overlap, so a few objects with data errors do not weaken the proof; whether
they may be published is for the quality gate to say. A file that mixes systems or axes falls below it and stops.
"""

MISPLACED = 0.05
"""With less than this share of the objects in the city, a named reference system or order of axes is wrong.

Above it single objects are, and the gate's message, which tells their count, says more than ours could.
"""

MARGIN = 0.001
"""By which a city's rectangle is widened on each side: 25 m of 25 km. Without its grid DHDN is off by up to 3 m."""

GRIDS = "/usr/share/proj"
"""Where Debian's proj-data puts the shift grids; PROJ of the Python wheel has none of its own."""


@dataclass(frozen=True)
class Writing:
    """How a source may have written its coordinates."""

    crs: str
    axes: Axes

    def __str__(self) -> str:
        return self.crs if self.axes == "east_north" else f"{self.crs} mit reading.axes: {self.axes}"


def in_city_crs(table: Table, geometry: gpd.GeoSeries, city: City, repairs: list[Repair]) -> gpd.GeoSeries:
    """The geometries in the city's CRS (metres, east before north) and with two dimensions.

    ``geometry`` has the CRS that the file names, or None, and east before north as far as the file tells; where
    `reading.axes` is given, coordinates must come as they are written. Nulls stay nulls.

    Raises SourceUnreadable if an unnamed system is not found out, if a named one puts (nearly) all objects elsewhere,
    or if it (or some object) cannot be converted; Misconfigured if the grid for an exact conversion is not installed.
    """
    reading = table.reading
    if isinstance(reading, Xml | Oparl):
        raise TypeError(f"{reading.format} has no geometries")
    values = _flat(table, geometry.to_numpy(), repairs)
    _refuse_no_numbers(table, values)
    points = _centres(values)
    if not len(points):
        return gpd.GeoSeries(values, index=geometry.index, crs=city.crs)
    named = reading.crs or _name(geometry.crs)
    if reading.axes:
        orders: tuple[Axes, ...] = (reading.axes,)
    else:
        orders = ("east_north",) if geometry.crs is not None and not reading.crs else ("east_north", "north_east")
    options = [Writing(crs, axes) for crs, axes in product((named,) if named else CANDIDATES, orders)]
    if len(options) == 1:
        (writing,) = options
        _refuse_misplaced(table, points, writing, city)
    else:
        writing = _proven(table, points, options, city)
    repairs += _told(table, writing, options, bool(reading.crs or reading.axes), len(points), city)
    if writing.axes == "north_east":
        values = shapely.transform(values, lambda x, y: (y, x), interleaved=False)
    if writing.crs != city.crs:
        values = _converted(table, values, writing.crs, city)
        detail = f"von {_short(writing.crs)} nach {city.crs} umgerechnet"
        repairs.append(Repair(kind="reprojected", column=_column(table), count=len(points), detail=detail))
    if reading.repair_geometry:
        values = _repaired(table, values, repairs)
    return gpd.GeoSeries(values, index=geometry.index, crs=city.crs)


def unite(table: Table, members: Sequence[gpd.GeoSeries], city: City) -> gpd.GeoSeries:
    """Objects of one table that name different reference systems, as one series in the city's CRS, by their index.

    Each of ``members`` has its own CRS, east before north. Raises as in_city_crs, and SourceUnreadable where
    `reading.axes` is given: it cannot hold for several systems.
    """
    if getattr(table.reading, "axes", None):
        raise SourceUnreadable(
            f"Tabelle „{table.id}“: Die Objekte nennen {len(members)} Koordinatenreferenzsysteme; reading.axes gilt "
            "nur für eines.",
            next_step="Im Vertrag auch reading.crs angeben, wenn alle Objekte in einem System geschrieben sind, sonst "
            "reading.axes weglassen.",
        )
    bare = sum(len(part) for part in members if part.crs is None)
    if bare:
        raise SourceUnreadable(
            f"Tabelle „{table.id}“: {bare} von {sum(map(len, members))} Objekten nennen kein "
            "Koordinatenreferenzsystem, die übrigen schon.",
            next_step="Mit der Fachstelle klären, ob alle Objekte in einem System geschrieben sind, und es im Vertrag "
            "eintragen (reading.crs).",
        )
    parts = []
    for part in members:
        name, values = _name(part.crs), part.to_numpy()
        placed = values if name == city.crs else _converted(table, values, name, city)
        parts.append(gpd.GeoSeries(placed, index=part.index, crs=city.crs))
    return gpd.GeoSeries(pd.concat(parts).sort_index(), crs=city.crs)


def _column(table: Table) -> str:
    return table.geometry.name if table.geometry else ""


def _flat(table: Table, values: np.ndarray, repairs: list[Repair]) -> np.ndarray:
    """Without heights (z) and measures (m)."""
    high = int((shapely.has_z(values) | shapely.has_m(values)).sum())
    if not high:
        return values
    detail = "Höhen (z) und Messwerte (m) der Koordinaten weggelassen"
    repairs.append(Repair(kind="flattened", column=_column(table), count=high, detail=detail))
    flat: np.ndarray = shapely.force_2d(values)
    return flat


def _refuse_no_numbers(table: Table, values: np.ndarray) -> None:
    """Coordinates that are infinite or no number lie nowhere, and would be taken for an empty geometry."""
    coordinates, objects = shapely.get_coordinates(values, return_index=True)
    lost = len(np.unique(objects[~np.isfinite(coordinates).all(axis=1)]))
    if lost:
        raise SourceUnreadable(
            f"Tabelle „{table.id}“, Spalte „{_column(table)}“: {lost} von {len(values)} Objekten haben Koordinaten, "
            "die keine Zahlen sind.",
            next_step="Die Fachstelle bitten, die Koordinaten dieser Objekte zu prüfen.",
        )


def _centres(values: np.ndarray) -> np.ndarray:
    """x and y of the middle of every geometry's extent; without null and empty ones."""
    bounds = shapely.bounds(values)
    bounds = bounds[np.isfinite(bounds).all(axis=1)]
    centres: np.ndarray = (bounds[:, :2] + bounds[:, 2:]) / 2
    return centres


def _name(crs: pyproj.CRS | None) -> str:
    """The code of the horizontal system (EPSG:25832), its full text (WKT) where it has none, "" for None."""
    if crs is None:
        return ""
    if crs.is_bound and crs.source_crs is not None:  # a .prj with its own seven parameters: we know better ones
        crs = crs.source_crs
    if crs.is_compound:
        crs = crs.sub_crs_list[0]
    crs = crs.to_2d()
    # With less confidence PROJ takes an unknown datum on Bessel's ellipsoid for any system that has this projection.
    code = crs.to_authority(min_confidence=90)
    return ":".join(code) if code else crs.to_wkt()


def _short(crs: str) -> str:
    return f"„{pyproj.CRS(crs).name}“" if "[" in crs else crs


@lru_cache(maxsize=256)
def _rectangle(crs: str, city: City) -> tuple[float, float, float, float]:
    """The city's rectangle in that system: west, south, east, north, in its units."""
    bounds = city.bounds
    x, y = MARGIN * (bounds.east - bounds.west), MARGIN * (bounds.north - bounds.south)
    transformer = Transformer.from_crs(city.crs, crs, always_xy=True)
    west, south, east, north = transformer.transform_bounds(
        bounds.west - x, bounds.south - y, bounds.east + x, bounds.north + y
    )
    return west, south, east, north


def _inside(points: np.ndarray, writing: Writing, city: City) -> int:
    """How many of the points lie in the city if they are written so."""
    x, y = points.T if writing.axes == "east_north" else points.T[::-1]
    west, south, east, north = _rectangle(writing.crs, city)
    return int(((west <= x) & (x <= east) & (south <= y) & (y <= north)).sum())


def _fitting(points: np.ndarray, options: Sequence[Writing], city: City) -> list[Writing]:
    return [writing for writing in options if _inside(points, writing, city) >= ENOUGH * len(points)]


def _refuse_misplaced(table: Table, points: np.ndarray, writing: Writing, city: City) -> None:
    inside = _inside(points, writing, city)
    if inside >= MISPLACED * len(points):
        return
    others = dict.fromkeys([writing.crs, *CANDIDATES])
    axes: tuple[Axes, ...] = ("east_north", "north_east")
    fitting = _fitting(points, [Writing(crs, order) for crs, order in product(others, axes)], city)
    message = (
        f"Tabelle „{table.id}“: {len(points) - inside} von {len(points)} Objekten liegen nicht in {city.name}, wenn "
        f"ihre Koordinaten in {_short(writing.crs)} geschrieben sind"
    )
    if not fitting:
        raise SourceUnreadable(
            f"{message}; auch kein anderes der üblichen Systeme legt sie dorthin.",
            next_step="Mit der Fachstelle klären, ob es der richtige Ausschnitt ist und in welchem "
            "Koordinatenreferenzsystem er geschrieben ist (reading.crs, reading.axes).",
        )
    wrong = "Die Achsen sind vertauscht" if fitting[0].crs == writing.crs else "Das genannte System ist falsch"
    raise SourceUnreadable(
        f"{message}. {wrong}: Es passt {' oder '.join(_said(each) for each in fitting)}.",
        next_step="Die Fachstelle um Berichtigung bitten. Bleibt die Quelle so, im Vertrag eintragen: "
        f"{' oder '.join(_lines(each) for each in fitting)}.",
    )


def _proven(table: Table, points: np.ndarray, options: Sequence[Writing], city: City) -> Writing:
    """The one writing that puts the objects into the city."""
    fitting = _fitting(points, options, city)
    if len(fitting) == 1:
        return fitting[0]
    tried = ", ".join(dict.fromkeys(_short(writing.crs) for writing in options))
    message = f"Tabelle „{table.id}“: Wie die Koordinaten geschrieben sind, sagt die Quelle nicht vollständig"
    if fitting:
        raise SourceUnreadable(
            f"{message}, und in {city.name} liegen die Objekte mit {' und mit '.join(map(_said, fitting))}.",
            next_step="Mit der Fachstelle klären, was gilt, und im Vertrag eintragen: "
            f"{' oder '.join(map(_lines, fitting))}.",
        )
    best = max(options, key=lambda writing: _inside(points, writing, city))
    found = _inside(points, best, city)
    closest = f" Am besten passt {_said(best)}: {found} von {len(points)} Objekten." if found else ""
    raise SourceUnreadable(
        f"{message}, und nirgends liegen {ENOUGH:.0%} der {len(points)} Objekte in {city.name}.{closest}",
        next_step=f"Mit der Fachstelle klären, was gilt, und im Vertrag reading.crs und reading.axes eintragen. "
        f"Versucht wurden, in beiden Reihenfolgen der Achsen: {tried}.",
    )


def _said(writing: Writing) -> str:
    order = "Rechtswert vor Hochwert" if writing.axes == "east_north" else "Hochwert vor Rechtswert"
    return f"{_short(writing.crs)}, {order}"


def _lines(writing: Writing) -> str:
    """The contract's lines that settle it."""
    return f"reading.crs: {_short(writing.crs)} und reading.axes: {writing.axes}"


def _told(
    table: Table, writing: Writing, options: Sequence[Writing], declared: bool, count: int, city: City
) -> list[Repair]:
    """What was found out or taken from the contract about the coordinates, for the lock."""
    column = _column(table)
    if len(options) == 1:
        detail = f"laut Vertrag {_said(writing)}"
        return [Repair(kind="crs", column=column, count=count, detail=detail, nature="assumed")] if declared else []
    proof = f"nur so liegen die Objekte in {city.name}"
    repairs = []
    if len({each.crs for each in options}) > 1:
        detail = f"{writing.crs} erkannt: {proof}"
        repairs.append(Repair(kind="crs", column=column, count=count, detail=detail, nature="detected"))
    else:
        detail = f"laut Vertrag {writing.crs}"
        repairs.append(Repair(kind="crs", column=column, count=count, detail=detail, nature="assumed"))
    if writing.axes == "north_east" and len({each.axes for each in options}) > 1:
        detail = f"Hochwert vor Rechtswert erkannt: {proof}"
        repairs.append(Repair(kind="axes", column=column, count=count, detail=detail, nature="detected"))
    return repairs


def _converted(table: Table, values: np.ndarray, crs: str, city: City) -> np.ndarray:
    transformer = _transformer(crs, city)
    converted: np.ndarray = shapely.transform(values, transformer.transform, interleaved=False)
    lost = int((~shapely.is_empty(values) & ~shapely.is_missing(values)).sum() - len(_centres(converted)))
    if lost:
        raise SourceUnreadable(
            f"Tabelle „{table.id}“: {lost} Objekte liegen außerhalb des Gebiets, in dem sich {_short(crs)} in "
            f"{city.crs} umrechnen lässt.",
            next_step="Die Fachstelle bitten, die Koordinaten dieser Objekte zu prüfen.",
        )
    return converted


@lru_cache(maxsize=32)
def _transformer(crs: str, city: City) -> Transformer:
    """The best conversion to the city's CRS, coordinates as east and north; never one that lacks its grid.

    From DHDN to ETRS89 the land surveys (AdV) give a grid for all of Germany, BETA2007 (NTv2, within 1 m everywhere
    and centimetres inside a state); the seven parameters that PROJ would take in its place err by up to 3 m. A state's
    own finer grid may be missing: what counts is that there is one.
    """
    if GRIDS not in pyproj.datadir.get_data_dir():
        pyproj.datadir.append_data_dir(GRIDS)
    around = city.bounds_wgs84
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Best transformation is not available")  # told below, as a fault
        group = TransformerGroup(
            crs, city.crs, always_xy=True, allow_ballpark=False,
            area_of_interest=AreaOfInterest(around.west, around.south, around.east, around.north),
        )  # fmt: skip
    best = group.transformers[0] if group.transformers else None
    if best is not None and (group.best_available or "gridshift" in best.definition):
        return best
    grids = [grid.short_name for each in group.unavailable_operations for grid in each.grids if not grid.available]
    if grids:
        raise Misconfigured(
            f"Auf diesem Rechner fehlt das Gitter {grids[0]}, ohne das {_short(crs)} nur auf Meter genau in "
            f"{city.crs} umgerechnet werden kann.",
            next_step="Auf allen Rechnern, die Quellen lesen, ausführen: apt-get install proj-data (84 kB davon sind "
            "das Gitter BETA2007). Danach den Lauf neu starten.",
        )
    raise SourceUnreadable(
        f"Von {_short(crs)} nach {city.crs} gibt es keine anerkannte Umrechnung.",
        next_step="Im Vertrag (reading.crs) das Koordinatenreferenzsystem mit seinem EPSG-Code nennen.",
    )


def _repaired(table: Table, values: np.ndarray, repairs: list[Repair]) -> np.ndarray:
    """Invalid polygons made valid (OGC Simple Features) where they stay polygons; the rest is the gate's business."""
    areas = np.isin(shapely.get_type_id(values), (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON))
    broken = np.flatnonzero(areas & ~shapely.is_valid(values))
    if not len(broken):
        return values
    made = shapely.make_valid(values[broken], method="structure", keep_collapsed=False)
    still = np.isin(shapely.get_type_id(made), (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON))
    good = still & ~shapely.is_empty(made)
    values = values.copy()
    values[broken[good]] = made[good]
    if good.any():
        detail = "ungültige Fläche (etwa mit Überschneidung) gültig gemacht"
        repairs.append(Repair(kind="geometry", column=_column(table), count=int(good.sum()), detail=detail))
    return values
