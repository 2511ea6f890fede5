"""Real geodata of German cities: the same objects from every format, at the same place."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely

from stadtdaten.contracts import City, Table
from stadtdaten.contracts.interfaces import Limits
from stadtdaten.contracts.model import Bounds
from stadtdaten.read import ReadTable, read_table

MakeTable = Callable[..., Table]
Read = Callable[..., ReadTable]

BOUNDS = {
    "bochum": (363_000, 5_697_000, 385_500, 5_711_500),
    "koeln": (344_000, 5_632_000, 371_500, 5_662_500),
    "flensburg": (521_000, 6_066_000, 535_000, 6_078_000),
    "hamm": (402_000, 5_714_000, 438_000, 5_736_000),
}
"""Extents in EPSG:25832; Hamm with the gauge of a neighbour."""


@pytest.fixture
def read_geo(shared: Path, table: MakeTable, city: City) -> Read:
    """Reads a file of ../shared/data as one of its city's tables."""

    def read(file: str, reading: dict[str, Any], columns: dict[str, Any]) -> ReadTable:
        west, south, east, north = BOUNDS[file.split("/")[0]]
        bounds = Bounds(west=west, south=south, east=east, north=north)
        here = city.model_copy(update={"bounds": bounds, "bounds_wgs84": in_degrees(bounds, city)})
        return read_table(table(reading, columns), (shared / "data" / file,), here, Limits())

    return read


def in_degrees(bounds: Bounds, city: City) -> Bounds:
    box = gpd.GeoSeries([shapely.box(bounds.west, bounds.south, bounds.east, bounds.north)], crs=city.crs)
    west, south, east, north = box.to_crs("EPSG:4326").total_bounds
    return Bounds(west=west, south=south, east=east, north=north)


def plain(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream, delimiter=";"))


def kinds(read: ReadTable) -> set[tuple[str, str]]:
    return {(repair.kind, repair.nature) for repair in read.repairs}


POINT = {"geometrie": {"type": "geometry", "source": "geometrie"}}
ATTRIBUTES = ("poi_id", "name", "str_hausnr", "plz_ort", "kategorie", "link", "angelegt", "geaendert")
POI: dict[str, Any] = dict.fromkeys(ATTRIBUTES, "string") | POINT


@pytest.mark.parametrize(("name", "rows"), [("daycare_centers", 195), ("playgrounds", 352), ("schools", 298)])
def test_bochums_shapefiles_equal_their_csv_siblings(read_geo: Read, shared: Path, name: str, rows: int) -> None:
    file = f"bochum/{name}/bochum_{name}"
    read = read_geo(f"{file}.shp", {"format": "shapefile"}, POI)
    sibling = plain(shared / "data" / f"{file}.csv")
    assert len(read.frame) == len(sibling) == rows
    for column in ATTRIBUTES:
        # The shapefile's cells end after 254 bytes, and blanks at their end are its own.
        expected = [row[column].encode()[:254].decode(errors="ignore").strip() for row in sibling]
        assert read.frame[column].fillna("").str.strip().tolist() == expected, column
    points = shapely.get_coordinates(read.frame.geometry.to_numpy())
    expected_points = [(float(row["rechts_utm"]), float(row["hoch_utm"])) for row in sibling]
    assert np.abs(points - expected_points).max() < 1
    assert ("crs", "detected") not in kinds(read)  # the .prj says it


@pytest.mark.parametrize(("name", "rows"), [("daycare_centers", 195), ("playgrounds", 352), ("schools", 298)])
def test_bochums_points_equal_what_a_plain_csv_reader_sees(read_geo: Read, shared: Path, name: str, rows: int) -> None:
    file = f"bochum/{name}/bochum_{name}.csv"
    dialect = {"format": "csv", "delimiter": ";", "x": "rechts_utm", "y": "hoch_utm"}
    columns: dict[str, Any] = {
        "poi_id": "string", "name": "string", "beschreib": "string",
        "erstkateg": {"type": "boolean", "true": "1", "false": "0"}, "geaendert": "date", **POINT,
    }  # fmt: skip
    read = read_geo(file, dialect, columns)
    sibling = plain(shared / "data" / file)
    assert len(read.frame) == len(sibling) == rows
    assert read.frame["name"].fillna("").tolist() == [row["name"] for row in sibling]
    assert read.frame["beschreib"].fillna("").tolist() == [row["beschreib"] for row in sibling]
    assert read.frame["geaendert"].dt.strftime("%Y-%m-%d").fillna("").tolist() == [row["geaendert"] for row in sibling]
    assert [point.coords[0] for point in read.frame.geometry] == [
        (float(row["rechts_utm"]), float(row["hoch_utm"])) for row in sibling
    ]
    assert len(read.drift) == 11
    assert "rechts_utm" not in read.drift
    assert ("crs", "detected") in kinds(read)


def test_swapped_columns_of_bochums_schools_are_found_out(read_geo: Read) -> None:
    dialect = {"format": "csv", "delimiter": ";", "x": "hoch_utm", "y": "rechts_utm"}
    file = "bochum/schools/bochum_schools.csv"
    right = {**dialect, "x": "rechts_utm", "y": "hoch_utm"}
    columns = {"poi_id": "string", **POINT}
    swapped = read_geo(file, dialect, columns)
    assert swapped.frame.geometry.geom_equals(read_geo(file, right, columns).frame.geometry).all()
    assert ("axes", "detected") in kinds(swapped)


def test_bochums_natural_monuments_keep_their_umlauts_and_stand_where_their_columns_say(read_geo: Read) -> None:
    """Their CSV sibling is of another year: other monuments, other numbers."""
    columns = {
        "flur": {"type": "string", "source": "Flurstück"}, "rechts": {"type": "number", "source": "Rechtswert"},
        "hoch": {"type": "number", "source": "Hochwert"}, **POINT,
    }  # fmt: skip
    read = read_geo("bochum/natural_monuments/bochum_natural_monuments.shp", {"format": "shapefile"}, columns)
    assert len(read.frame) == 40
    assert read.frame["flur"].iloc[0] == "1101-4-541"
    points = shapely.get_coordinates(read.frame.geometry.to_numpy())
    near = (np.abs(points - read.frame[["rechts", "hoch"]].to_numpy()) < 1).all(axis=1)
    assert near.sum() == 37  # three were mistyped by hand in the source
    assert ("encoding", "detected") in kinds(read)


def test_bochums_environmental_zone_loses_its_heights_and_says_so(read_geo: Read) -> None:
    columns = {"typ": {"type": "string", "source": "Typ"}, "flaeche": {"type": "number", "source": "Shape_Area"}}
    read = read_geo("bochum/environmental_zone/bochum_environmental_zone.shp", {"format": "shapefile"}, columns | POINT)
    assert len(read.frame) == 1
    assert not read.frame.geometry.has_z.any()
    assert ("flattened", "repaired") in kinds(read)
    assert read.frame.geometry.area.iloc[0] == pytest.approx(read.frame["flaeche"].iloc[0], rel=1e-3)


def test_koelns_districts_agree_in_every_format(read_geo: Read) -> None:
    """The shapefile is in UTM with a false easting of 2,500,000, which no EPSG code has."""
    folder = "koeln/geo/stadtbezirke"
    columns = {"nr": {"type": "string", "source": "STB_NR"}, "name": {"type": "string", "source": "STB_NAME"}, **POINT}
    shape = read_geo(f"{folder}/_source/Stadtbezirk/Stadtbezirk.shp", {"format": "shapefile"}, columns)
    frames = [shape.frame.sort_values("nr", ignore_index=True)]
    for file in ("stadtbezirke.geojson", "stadtbezirke.kml"):
        other = read_geo(f"{folder}/{file}", {"format": file.split(".")[1]}, columns)
        frames.append(other.frame.sort_values("nr", ignore_index=True))
    assert [len(frame) for frame in frames] == [9, 9, 9]
    for frame in frames[1:]:
        assert frame[["nr", "name"]].equals(frames[0][["nr", "name"]])
        for one, two in zip(frames[0].geometry, frame.geometry, strict=True):
            assert shapely.hausdorff_distance(one, two) < 0.05


def test_flensburgs_trees_are_found_to_be_gauss_krueger_and_stand_in_flensburg(read_geo: Read, shared: Path) -> None:
    names = {"x": "rechtswert,N,19,11", "y": "hochwert,N,19,11"}
    columns = {"nummer": {"type": "string", "source": "baumnummer,C,20"}, **POINT}
    read = read_geo("flensburg/lebende-baeume.csv", {"format": "csv", "delimiter": ",", **names}, columns)
    assert len(read.frame) == 18_697
    assert any("EPSG:31467 erkannt" in repair.detail for repair in read.repairs)
    west, south, east, north = BOUNDS["flensburg"]
    assert read.frame.geometry.within(shapely.box(west, south, east, north)).mean() > 0.99
    swapped = {"x": names["y"], "y": names["x"]}
    again = read_geo("flensburg/lebende-baeume.csv", {"format": "csv", "delimiter": ",", **swapped}, columns)
    assert again.frame.geometry.geom_equals(read.frame.geometry).all()
    assert ("axes", "detected") in kinds(again)


@pytest.mark.parametrize(
    ("file", "x", "y", "key"),
    [
        ("lanuv_pegel_stationen_hamm.csv", "X", "Y", "Name"),
        ("lanuv_niederschlag_station_hamm.csv", "X", "Y", "Name"),
        ("uba_station_hamm.csv", "station_longitude_d", "station_latitude_d", "station_code"),
    ],
)
def test_hamms_stations_in_degrees_are_found_out(read_geo: Read, file: str, x: str, y: str, key: str) -> None:
    columns = {"name": {"type": "string", "source": key}, **POINT}
    read = read_geo(f"hamm/{file}", {"format": "csv", "delimiter": ",", "x": x, "y": y}, columns)
    assert any("EPSG:4326 erkannt" in repair.detail for repair in read.repairs)
    west, south, east, north = BOUNDS["hamm"]
    assert read.frame.geometry.within(shapely.box(west, south, east, north)).all()
