"""GML pages of a WFS, all attributes as text, coordinates as the source means them, east before north.

Pages of points that all look alike are read by a pattern, everything else by GDAL. Both put the axes into the order
east, north where the reference system's name says that they come in the order of the system's definition
(urn:ogc:def:crs:EPSG::, http://www.opengis.net/def/crs/); the older forms of the name (EPSG:4326,
http://www.opengis.net/gml/srs/epsg.xml#4326) go with east before north, as WFS 1.1 servers practise it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyogrio
import pyproj
import shapely

from stadtdaten.contracts.interfaces import Limits
from stadtdaten.contracts.model import City, Table
from stadtdaten.contracts.reading import Gml
from stadtdaten.extract.gml_alike import Alike, read_alike
from stadtdaten.extract.gml_page import Page, check_count, examine, feature_spans
from stadtdaten.faults import SchemaChanged, SourceUnreadable
from stadtdaten.frames import Repair
from stadtdaten.read.geodesy import unite
from stadtdaten.read.table import RawTable, match_columns
from stadtdaten.read.vector.gml_schema import schema_properties

OPTIONS = {"WRITE_GFS": "NO", "DOWNLOAD_SCHEMA": "NO", "EXPOSE_GML_ID": "YES", "CONSIDER_EPSG_AS_URN": "NO"}
"""GDAL leaves no files beside the page, asks no server for a schema, and does not guess what EPSG:4326 means."""

ENTITIES = {"&lt;": "<", "&gt;": ">", "&quot;": '"', "&apos;": "'", "&amp;": "&"}
"""XML 1.0, 4.6; the ampersand last, or it would make entities of its own."""

WHITE = " \t\r\n"
AS_DEFINED = re.compile(
    r"(?:urn:(?:x-)?ogc:def:crs:EPSG:[0-9.]*:|https?://www\.opengis\.net/def/crs/EPSG/[0-9.]+/)(\d+)"
)
EAST_NORTH = re.compile(r"(?:EPSG:|http://www\.opengis\.net/gml/srs/epsg\.xml#)(\d+)")
LONGITUDE_FIRST = re.compile(r"urn:ogc:def:crs:OGC:[0-9.]*:CRS84|https?://www\.opengis\.net/def/crs/OGC/[0-9.]+/CRS84")


@dataclass(frozen=True)
class _Part:
    """One page: its facts, its attributes by name, and its geometries by reference system (index: row of the page)."""

    page: Page
    text: Callable[[str], pa.Array]
    geometries: list[gpd.GeoSeries]


def read_gml(table: Table, reading: Gml, files: tuple[Path, ...], city: City, limits: Limits) -> RawTable:
    """The declared attributes as text, and the geometries in the source's CRS (None where no geometry is declared).

    Objects in several reference systems are brought into the city's, and counted. A schema beside the pages
    (``<table>.xsd``) tells of properties that are empty everywhere.

    Raises SourceUnreadable for no features, pages that GDAL reads differently than they are, features that come
    twice, properties with more than one value, arcs, objects some of which name a reference system and some none;
    SchemaChanged for properties that are gone.
    """
    # Without this GDAL infers types per page, and a postcode becomes a number. It is GDAL's switch for the process.
    pyogrio.set_gdal_config_options({"GML_FIELDTYPES": "ALWAYS_STRING"})
    parts = [part for file in files if (part := _part(table, reading, file, limits)).page.features]
    if not parts:
        raise SourceUnreadable(
            f"Tabelle „{table.id}“: Der WFS liefert keine Objekte.",
            next_step="Im Dienst nachsehen, ob der Objekttyp leer ist oder die Freigabe fehlt.",
        )
    types = frozenset[str]().union(*(part.page.types for part in parts))
    if len(types) > 1:
        raise SourceUnreadable(
            f"Tabelle „{table.id}“: Der WFS liefert mehrere Objekttypen ({len(types)}) unter einem Namen.",
            next_step="Im Vertrag (resource) einen einzelnen Objekttyp nennen.",
        )
    delivered = frozenset[str]().union(*(part.page.properties for part in parts))
    known = schema_properties(schema, *types) if (schema := files[0].parent / f"{table.id}.xsd").is_file() else set()
    matched = match_columns(table, sorted(delivered | known), [table.geometry.source] if table.geometry else [])
    _refuse_what_is_no_value(table, [part.page for part in parts])
    _refuse_repeated(table, [part.page for part in parts])
    cells = {
        column.source: pa.chunked_array([part.text(matched.names[column.source]) for part in parts], pa.string())
        for column in table.columns
        if column.type not in ("geometry", "marker")
    }
    _refuse_long_cells(table, cells, limits)
    repairs = [*matched.repairs]
    geometry = None if table.geometry is None else _geometries(table, reading, parts, city, repairs)
    return RawTable(cells, sum(part.page.features for part in parts), matched.drift, repairs, geometry)


def _part(table: Table, reading: Gml, file: Path, limits: Limits) -> _Part:
    alike = read_alike(file, table.id, limits)
    part = None if alike is None else _alike_part(table, reading, alike)
    if part is None:
        page = examine(file, table.id, limits)
        part = _gdal_part(table, reading, file, page, limits) if page.features else _Part(page, _nothing, [])
    check_count(part.page, table.id)
    return part


def _nothing(_name: str) -> pa.Array:
    return pa.array([], pa.string())


def _alike_part(table: Table, reading: Gml, found: Alike) -> _Part | None:
    """The page as the pattern has it; None if its points are not two numbers in a system whose name is understood."""

    wanted = {name for column in table.columns for name in (column.source, *column.aliases)}
    texts = {name: _unescaped(values) for name, values in found.texts.items() if name in wanted}

    def text(name: str) -> pa.Array:
        return texts[name] if name in texts else pa.nulls(found.page.features, pa.string())

    if table.geometry is None:
        return _Part(found.page, text, [])
    name = table.geometry.source
    if name not in found.points:
        return None
    written = pc.utf8_trim(pa.array(found.points[name], pa.binary()).cast(pa.string()), WHITE)
    given = pc.not_equal(written, "").to_numpy(zero_copy_only=False)
    numbers = pc.utf8_split_whitespace(written.filter(pa.array(given)))
    try:
        pairs = pc.list_flatten(numbers).cast(pa.float64()).to_numpy()
    except pa.ArrowInvalid:
        return None
    if (
        not given.any()
        or not pc.all(pc.equal(pc.list_value_length(numbers), 2)).as_py()
        or not np.isfinite(pairs).all()
    ):
        return None
    writing = _writing(found.systems[name]) if found.systems[name] else (None, False)
    if writing is None:
        return None
    crs, north_first = writing
    x, y = pairs.reshape(-1, 2).T[:: -1 if north_first and not reading.axes else 1]
    series = gpd.GeoSeries(shapely.points(x, y), index=np.flatnonzero(given), crs=crs)
    return _Part(found.page, text, [series])


def _unescaped(written: list[bytes]) -> pa.Array:
    """Texts as they are meant, without white space in front: as GDAL gives them, which reads what is not alike."""
    values = pa.array(written, pa.binary()).cast(pa.string())
    if pc.any(pc.match_substring(values, "&")).as_py():
        for entity, character in ENTITIES.items():
            values = pc.replace_substring(values, entity, character)
    return pc.utf8_ltrim(values, WHITE)


@lru_cache(maxsize=64)
def _writing(srs_name: str) -> tuple[pyproj.CRS, bool] | None:
    """The system of a srsName, and whether north comes before east in it; None if the form is none of the usual."""
    if LONGITUDE_FIRST.fullmatch(srs_name):
        return pyproj.CRS("OGC:CRS84"), False
    defined, plain = AS_DEFINED.fullmatch(srs_name), EAST_NORTH.fullmatch(srs_name)
    code = defined or plain
    if code is None:
        return None
    try:
        crs = pyproj.CRS.from_epsg(int(code[1]))
    except pyproj.exceptions.CRSError:
        return None
    return crs, bool(defined) and crs.axis_info[0].direction == "north"


def _gdal_part(table: Table, reading: Gml, file: Path, page: Page, limits: Limits) -> _Part:
    if len(page.types) > 1:
        return _Part(page, _nothing, [])  # an error in any case, and GDAL would ask which
    (layer,) = page.types
    frames = []
    for system_file, rows in _by_system(table, file, page, limits):
        frame = _frame(table, reading, system_file, layer)
        if len(frame) != len(rows):
            # GDAL reads what it can and is silent about the rest.
            raise SourceUnreadable(
                f"Tabelle „{table.id}“: Von {len(rows)} Objekten des WFS ließen sich {len(frame)} lesen.",
                next_step="Den Betrieb des WFS auf die unlesbaren Objekte hinweisen.",
            )
        frames.append(frame.set_index(rows))
    geometries = [frame.geometry for frame in frames if isinstance(frame, gpd.GeoDataFrame)]
    texts = pd.concat([pd.DataFrame(frame).drop(columns="geometry", errors="ignore") for frame in frames]).sort_index()

    def text(name: str) -> pa.Array:
        """One that is empty in every feature is unknown to GDAL."""
        if name not in texts:
            return pa.nulls(len(texts), pa.string())
        return pa.array(texts[name], pa.string(), from_pandas=True)

    return _Part(page, text, [each for each in geometries if each.notna().any()])


def _by_system(table: Table, file: Path, page: Page, limits: Limits) -> Iterator[tuple[Path, np.ndarray]]:
    """The page, or one file for each srsName in it: GDAL knows only one system for a file. With the rows of each."""
    systems = np.array(page.systems)
    different = np.unique(systems)
    if len(different) == 1:
        yield file, np.arange(page.features)
        return
    content = file.read_bytes()
    spans = feature_spans(file, table.id, limits)
    for number, system in enumerate(different):
        wanted = systems == system
        pieces, place = [], 0
        for (start, end), kept in zip(spans, wanted, strict=True):
            pieces.append(content[place : end if kept else start])
            place = end
        part = file.with_name(f"{file.stem}.{number}.part.gml")
        part.touch(mode=0o600)
        part.write_bytes(b"".join([*pieces, content[place:]]))
        try:
            yield part, np.flatnonzero(wanted)
        finally:
            part.unlink()


def _frame(table: Table, reading: Gml, file: Path, layer: str) -> pd.DataFrame:
    options = {**OPTIONS, "INVERT_AXIS_ORDER_IF_LAT_LONG": "NO" if reading.axes else "YES"}
    try:
        if table.geometry is not None:
            name = str(pyogrio.read_info(file, layer, **options)["geometry_name"])
            if name not in ("", table.geometry.source):  # a page may hold no geometry at all
                raise SchemaChanged(
                    f"Tabelle „{table.id}“: Die Geometrie heißt in der Quelle „{name}“, nicht "
                    f"„{table.geometry.source}“.",
                    next_step="Mit der Fachstelle klären, welche Geometrie gilt, und den Vertrag anpassen.",
                )
        frame: pd.DataFrame = pyogrio.read_dataframe(file, layer, use_arrow=True, **options)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, pyogrio.errors.GeometryError):
        raise SourceUnreadable(
            f"Tabelle „{table.id}“: Eine Seite des WFS ist kein GML, das gelesen werden kann.",
            next_step="Die Abfrage im Browser wiederholen und mit dem Betrieb des WFS klären.",
        ) from None
    except (NotImplementedError, shapely.errors.ShapelyError):
        raise SourceUnreadable(
            f"Tabelle „{table.id}“: Eine Seite des WFS enthält Kreisbögen oder Ringe, die nicht geschlossen sind; kein "
            "offenes Format der Veröffentlichung kann sie darstellen.",
            next_step="Den Betrieb des WFS um Geometrien aus geraden Strecken (Simple Features) bitten.",
        ) from None
    return frame


def _refuse_repeated(table: Table, pages: list[Page]) -> None:
    ids = pd.Series([each for page in pages for each in page.ids if each], dtype="str")
    repeated = int(ids.duplicated().sum())
    if repeated:
        raise SourceUnreadable(
            f"Tabelle „{table.id}“: {repeated} Objekte kommen auf mehreren Seiten des WFS vor.",
            next_step="Den Betrieb des WFS ansprechen: startIndex wirkt nicht oder die Reihenfolge wechselt.",
        )


def _refuse_what_is_no_value(table: Table, pages: list[Page]) -> None:
    """A cell holds one value: no elements, and not what two properties of one name say."""
    nested = frozenset[str]().union(*(page.nested for page in pages))
    repeated = frozenset[str]().union(*(page.repeated for page in pages))
    for column in table.columns:
        if column.source in repeated or (column.type != "geometry" and column.source in nested):
            what = "mehrere Angaben" if column.source in repeated else "verschachtelte Angaben"
            raise SourceUnreadable(
                f"Tabelle „{table.id}“, Spalte „{column.source}“: Die Quelle liefert {what} statt eines Werts.",
                next_step="Die Spalte aus dem Vertrag nehmen oder den Betrieb um eine flache Eigenschaft bitten.",
            )


def _refuse_long_cells(table: Table, cells: dict[str, pa.ChunkedArray], limits: Limits) -> None:
    for source, texts in cells.items():
        longest = pc.max(pc.utf8_length(texts)).as_py() or 0
        if longest > limits.cell:
            raise SourceUnreadable(
                f"Tabelle „{table.id}“, Spalte „{source}“: Eine Zelle hat {longest} Zeichen, erlaubt sind "
                f"{limits.cell}.",
                next_step="Prüfen, ob die Quelle das Richtige liefert; sonst limits.cell im Vertrag anheben.",
            )


def _geometries(table: Table, reading: Gml, parts: list[_Part], city: City, repairs: list[Repair]) -> gpd.GeoSeries:
    """All geometries in one reference system: the one that all name, or the city's where they name several."""
    column = table.geometry.name if table.geometry else ""
    rows = sum(part.page.features for part in parts)
    starts = np.cumsum([0, *(part.page.features for part in parts)])
    by_system: dict[str, list[gpd.GeoSeries]] = {}
    for start, part in zip(starts, parts, strict=False):
        for series in part.geometries:
            moved = gpd.GeoSeries(series.to_numpy(), index=series.index.to_numpy() + start, crs=series.crs)
            by_system.setdefault("" if series.crs is None else series.crs.to_string(), []).append(moved)
    members = [
        gpd.GeoSeries(
            np.concatenate([each.to_numpy() for each in some]),
            index=np.concatenate([each.index for each in some]),
            crs=some[0].crs,
        )
        for some in by_system.values()
    ]
    if len(members) > 1 and reading.crs is None:
        united = unite(table, members, city)
        count = sum(len(each) for each in members if each.crs != city.crs)
        names = ", ".join(sorted(by_system))
        detail = f"Objekte in {len(members)} Koordinatenreferenzsystemen ({names}) nach {city.crs} gebracht"
        repairs.append(Repair(kind="reference_systems", column=column, count=count, detail=detail))
        members = [united]
    values = np.full(rows, None, dtype=object)
    for each in members:
        values[each.index.to_numpy()] = each.to_numpy()
    crs = members[0].crs if len(members) == 1 else None
    return gpd.GeoSeries(values, crs=crs)
