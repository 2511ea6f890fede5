"""GML pages of a WFS through GDAL, all attributes as text, coordinates as the source means them.

GDAL puts the axes into the order east, north where the reference system's name (urn:ogc:def:crs:...) says that they
come as latitude, longitude. Nothing else is swapped: a source that delivers swapped values is the quality gate's
business.
"""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyogrio
import shapely

from stadtdaten.contracts.model import Table
from stadtdaten.extract.gml_page import Page, examine
from stadtdaten.faults import SchemaChanged, SourceUnreadable
from stadtdaten.read.table import RawTable, match_columns

OPTIONS = {"WRITE_GFS": "NO", "DOWNLOAD_SCHEMA": "NO", "EXPOSE_GML_ID": "YES"}
"""GDAL leaves no files beside the page and asks no server for a schema."""


def read_gml(table: Table, files: tuple[Path, ...]) -> RawTable:
    """The declared attributes as text, and the geometries in the source's CRS (None where no geometry is declared).

    Raises SourceUnreadable for no features, pages that GDAL reads differently than they are, features that come
    twice, properties with more than one value, arcs, an unknown reference system or several; SchemaChanged for
    properties that are gone.
    """
    pages = [(file, examine(file, table.id)) for file in files]
    full = [file for file, page in pages if page.features]
    if not full:
        raise SourceUnreadable(
            f"Tabelle „{table.id}“: Der WFS liefert keine Objekte.",
            next_step="Im Dienst nachsehen, ob der Objekttyp leer ist oder die Freigabe fehlt.",
        )
    # Without this GDAL infers types per page, and a postcode becomes a number. It is GDAL's switch for the process.
    pyogrio.set_gdal_config_options({"GML_FIELDTYPES": "ALWAYS_STRING"})
    found = sorted(set[str]().union(*(page.properties for _, page in pages)))
    matched = match_columns(table, found, [table.geometry.source] if table.geometry else [])
    types = frozenset[str]().union(*(page.types for _, page in pages))
    if len(types) > 1:
        raise SourceUnreadable(
            f"Tabelle „{table.id}“: Der WFS liefert mehrere Objekttypen ({len(types)}) unter einem Namen.",
            next_step="Im Vertrag (resource) einen einzelnen Objekttyp nennen.",
        )
    _refuse_what_is_no_value(table, [page for _, page in pages])
    frames = [_page(table, file, *types) for file in full]
    _refuse_losses(table, sum(page.features for _, page in pages), frames)
    cells = {
        column.source: pa.chunked_array([_text(frame, matched.names[column.source]) for frame in frames], pa.string())
        for column in table.columns
        if column.type != "geometry"
    }
    geometry = None if table.geometry is None else _geometries(table, frames)
    return RawTable(cells, sum(len(frame) for frame in frames), matched.drift, matched.repairs, geometry)


def _page(table: Table, file: Path, layer: str) -> pd.DataFrame:
    try:
        if table.geometry is not None:
            name = str(pyogrio.read_info(file, layer, **OPTIONS)["geometry_name"])
            if name not in ("", table.geometry.source):  # a page may hold no geometry at all
                raise SchemaChanged(
                    f"Tabelle „{table.id}“: Die Geometrie heißt in der Quelle „{name}“, nicht "
                    f"„{table.geometry.source}“.",
                    next_step="Mit der Fachstelle klären, welche Geometrie gilt, und den Vertrag anpassen.",
                )
        frame: pd.DataFrame = pyogrio.read_dataframe(file, layer, use_arrow=True, **OPTIONS)
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


def _refuse_losses(table: Table, promised: int, frames: list[pd.DataFrame]) -> None:
    """GDAL reads what it can and is silent about the rest: compare with the count of the pages' own members."""
    read = sum(len(frame) for frame in frames)
    if read != promised:
        raise SourceUnreadable(
            f"Tabelle „{table.id}“: Von {promised} Objekten des WFS ließen sich {read} lesen.",
            next_step="Den Betrieb des WFS auf die unlesbaren Objekte hinweisen.",
        )
    ids = pd.concat([frame["gml_id"] for frame in frames if "gml_id" in frame])
    repeated = int(ids[ids.notna() & (ids != "")].duplicated().sum())
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


def _text(frame: pd.DataFrame, name: str) -> pa.Array:
    """One page of an attribute; one that is empty in every feature is unknown to GDAL, here null."""
    if name not in frame:
        return pa.nulls(len(frame), pa.string())
    return pa.array(frame[name], pa.string(), from_pandas=True)


def _geometries(table: Table, frames: list[pd.DataFrame]) -> gpd.GeoSeries:
    located = [frame for frame in frames if isinstance(frame, gpd.GeoDataFrame)]
    systems = {None if frame.crs is None else frame.crs.to_string() for frame in located} or {None}
    if len(systems) > 1 or None in systems:
        raise SourceUnreadable(
            f"Tabelle „{table.id}“: Das Koordinatenreferenzsystem der Objekte fehlt oder wechselt.",
            next_step="Den Betrieb des WFS ansprechen: Jedes Objekt braucht denselben srsName.",
        )
    nothing = np.array([None], dtype=object)
    points = [
        frame.geometry.to_numpy() if isinstance(frame, gpd.GeoDataFrame) else nothing.repeat(len(frame))
        for frame in frames
    ]
    return gpd.GeoSeries(np.concatenate(points), crs=located[0].crs)
