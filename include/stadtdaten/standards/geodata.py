"""How does a table with geometry become files that maps and GIS open without asking for its CRS?

GeoJSON (RFC 7946) in WGS 84 for the web; GeoPackage (OGC 12-128) in the city's own CRS, with the coordinates exactly
as published, for GIS. GeoParquet stands in ``parquet``. GDAL writes both through Arrow, several times faster than
Python does, and the same rows in the same order give the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import geopandas
import pyogrio

WGS84 = "OGC:CRS84"
"""WGS 84 with longitude first: the CRS of RFC 7946 and the default of GeoParquet 1.1."""

FIXED_DATE = "1970-01-01T00:00:00.000Z"
"""``last_change`` inside every GeoPackage: the time of writing would make equal data unequal, and the metadata
say when the data changed."""


def crs_iri(crs: str) -> str:
    """The OGC address of a CRS: ``EPSG:25832`` gives ``http://www.opengis.net/def/crs/EPSG/0/25832``."""
    authority, code = crs.split(":")
    version = "1.3" if authority == "OGC" else "0"
    return f"http://www.opengis.net/def/crs/{authority}/{version}/{code}"


def write_geojson(degrees: geopandas.GeoDataFrame, path: Path) -> None:
    """Write rows whose geometry is in WGS 84 (degrees): no ``crs`` member, right-hand rings, 6 decimals.

    Dates and datetimes become ISO 8601 text, datetimes with offset, as in the CSV file.
    """
    path.unlink(missing_ok=True)
    # A text stays a text, also one such as "[1,2]".
    options = {
        "RFC7946": "YES", "COORDINATE_PRECISION": "6", "WRITE_NAME": "NO", "AUTODETECT_JSON_STRINGS": "NO",
    }  # fmt: skip
    pyogrio.write_dataframe(degrees, path, driver="GeoJSON", use_arrow=True, layer_options=options)


def write_geopackage(frame: geopandas.GeoDataFrame, layer: str, path: Path) -> None:
    """Write rows in the frame's own CRS as the one layer of a GeoPackage; datetimes become UTC, as OGC 12-128 asks."""
    path.unlink(missing_ok=True)
    zoned = frame.select_dtypes("datetimetz")
    in_utc = frame.assign(**{name: zoned[name].dt.tz_convert("UTC") for name in zoned})
    # GDAL takes a column named like its row number for the row number, and loses it.
    options = {"GEOMETRY_NAME": frame.geometry.name, "FID": "_fid" if "fid" in frame.columns else "fid"}
    with _fixed_date():
        pyogrio.write_dataframe(in_utc, path, driver="GPKG", layer=layer, use_arrow=True, layer_options=options)


@contextmanager
def _fixed_date() -> Iterator[None]:
    """GDAL's clock stands still inside; the option is global to the process, so it is taken back afterwards."""
    before = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": FIXED_DATE})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": before})
