"""The files of a table: what every program must be able to read, and the same bytes whenever the rows are the same."""

from __future__ import annotations

import csv
import hashlib
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import geopandas
import pandas
import pyarrow.parquet
import pytest
import shapely
from frictionless import Resource
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stadtdaten.contracts import City, Table
from stadtdaten.faults import GateFailed, Misconfigured
from stadtdaten.frames import PublishedColumn
from stadtdaten.standards.csv_file import flatten, write_csv
from stadtdaten.standards.files import write_files

Dictionary = Callable[[Table], tuple[PublishedColumn, ...]]


def lines(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def complaints(folder: Path, table: str) -> list[str]:
    """What frictionless finds wrong in a CSV file against its own Table Schema."""
    resource = Resource(path=f"{table}.csv", schema=f"{table}.schema.json", basepath=str(folder))
    report = resource.validate()
    return [error.message for task in report.tasks for error in task.errors] + [e.message for e in report.errors]


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


# --- CSV and Table Schema -------------------------------------------------------------------------------------------


def test_csv_is_plain_utf8_with_crlf_and_iso_values(
    as_published: Dictionary, gauges: Table, gauge_rows: pandas.DataFrame, city: City, tmp_path: Path
) -> None:
    write_files(gauge_rows, gauges, as_published(gauges), tmp_path, city)
    assert (tmp_path / "tageswerte.csv").read_bytes().decode("utf-8").split("\r\n") == [
        "messstelle,datum,minimum,maximum,mittelwert,zeitpunkt_maximum",
        "05915000,2026-10-26,1e-07,33.25,2.0,2026-10-26T06:00:00.250000+01:00",
        '"Süddinker, alt",2026-10-24,,,,',
        '"Süddinker, alt",2026-10-25,-3.0,80.0,1.0,2026-10-25T02:30:00+01:00',
        "Westtünnen,2026-10-25,0.30000000000000004,12.5,,2026-10-25T02:30:00+02:00",
        "",
    ]


def test_every_csv_file_fits_its_table_schema(
    as_published: Dictionary, gauges: Table, gauge_rows: pandas.DataFrame, trees: Table,
    tree_rows: geopandas.GeoDataFrame, areas: Table,
    area_rows: geopandas.GeoDataFrame, residents: Table, resident_rows: pandas.DataFrame,
    resident_columns: tuple[PublishedColumn, ...], city: City, tmp_path: Path,
) -> None:  # fmt: skip
    for table, rows, columns in (
        (gauges, gauge_rows, as_published(gauges)),
        (trees, tree_rows, as_published(trees)),
        (areas, area_rows, as_published(areas)),
        (residents, resident_rows, resident_columns),
    ):
        write_files(rows, table, columns, tmp_path, city)
        assert complaints(tmp_path, table.id) == []


@pytest.mark.parametrize(
    ("right", "wrong"),
    [("2026-10-24", "24.10.2026"), ("33.25", '"33,25"'), ("02:30:00+01:00", "halb drei"), ("05915000,", ",")],
)
def test_the_table_schema_notices_a_value_of_the_wrong_type(
    as_published: Dictionary,
    gauges: Table,
    gauge_rows: pandas.DataFrame,
    city: City,
    tmp_path: Path,
    right: str,
    wrong: str,
) -> None:
    write_files(gauge_rows, gauges, as_published(gauges), tmp_path, city)
    path = tmp_path / "tageswerte.csv"
    path.write_bytes(path.read_bytes().replace(right.encode(), wrong.encode(), 1))
    assert complaints(tmp_path, "tageswerte") != []


def test_the_table_schema_is_the_data_dictionary(
    as_published: Dictionary, gauges: Table, gauge_rows: pandas.DataFrame, city: City, tmp_path: Path
) -> None:
    write_files(gauge_rows, gauges, as_published(gauges), tmp_path, city)
    schema = json.loads((tmp_path / "tageswerte.schema.json").read_text("utf-8"))
    assert schema["primaryKey"] == ["messstelle", "datum"]
    assert schema["missingValues"] == [""]
    assert schema["fields"][1:3] == [
        {
            "name": "datum", "type": "date", "title": "Tag der Messung", "description": "Kalendertag nach Ortszeit",
            "constraints": {"required": True},
        },
        {"name": "minimum", "type": "number", "title": "Niedrigster Wasserstand", "unit": "cm"},
    ]  # fmt: skip


def test_points_become_coordinates_in_degrees_and_metres(
    as_published: Dictionary, trees: Table, tree_rows: geopandas.GeoDataFrame, city: City, tmp_path: Path
) -> None:
    write_files(tree_rows, trees, as_published(trees), tmp_path, city)
    header, first, second, third = lines(tmp_path / "baeume.csv")
    assert header[-4:] == ["laenge", "breite", "ostwert", "nordwert"]
    assert first[0] == "B-1"
    assert second[-2:] == ["414000.123", "5725000.5"]
    assert third[-4:] == ["", "", "", ""]
    assert 7.5 < float(first[-4]) < 8.1
    assert 51.5 < float(first[-3]) < 51.8
    assert all(len(value.split(".")[1]) <= 6 for value in first[-4:-2])


def test_areas_become_well_known_text_in_degrees(
    as_published: Dictionary, areas: Table, area_rows: geopandas.GeoDataFrame, city: City, tmp_path: Path
) -> None:
    write_files(area_rows, areas, as_published(areas), tmp_path, city)
    header, first, second = lines(tmp_path / "gebiete.csv")
    assert header == ["kennung", "stand", "erfasst", "gesperrt", "flaeche"]
    assert first[:4] == ["01", "2026-07-01", "2026-07-01T12:00:00+02:00", "true"]
    assert second[1:4] == ["", "", ""]
    assert shapely.from_wkt(first[4]).geom_type == "Polygon"
    assert second[4].startswith("MULTIPOLYGON (((7.")


def test_a_column_named_like_a_coordinate_is_a_configuration_error(
    as_published: Dictionary, trees: Table, tree_rows: geopandas.GeoDataFrame, city: City, tmp_path: Path
) -> None:
    columns = tuple(
        column.model_copy(update={"name": "breite"}) if column.name == "hoehe" else column
        for column in as_published(trees)
    )
    with pytest.raises(Misconfigured, match="breite"):
        write_files(tree_rows.rename(columns={"hoehe": "breite"}), trees, columns, tmp_path, city)


def test_counts_stay_whole_and_a_suppressed_count_is_empty(
    residents: Table, resident_rows: pandas.DataFrame, resident_columns: tuple[PublishedColumn, ...], city: City,
    tmp_path: Path,
) -> None:  # fmt: skip
    write_files(resident_rows, residents, resident_columns, tmp_path, city)
    rows = lines(tmp_path / "bevoelkerung.csv")[1:]
    assert [row[2] for row in rows] == ["6 bis 9", "10 bis 14", "85 und älter", "Insgesamt"]
    assert [row[5:] for row in rows] == [["", "true"], ["40", "false"], ["60", "false"], ["100", "false"]]


texts = st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8)
numbers = st.none() | st.floats(allow_nan=False, allow_infinity=False)
integers = st.none() | st.integers(-(2**63), 2**63 - 1)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(texts, numbers, integers), min_size=1, max_size=6))
def test_what_is_written_as_csv_reads_back_as_it_was(
    tmp_path: Path, rows: list[tuple[str | None, float | None, int | None]]
) -> None:
    columns = tuple(
        PublishedColumn(name=kind, title=kind, type=kind)  # type: ignore[arg-type]
        for kind in ("string", "number", "integer")
    )
    frame = pandas.DataFrame(
        {
            "string": pandas.array([row[0] for row in rows], dtype="str"),
            "number": pandas.array([row[1] for row in rows], dtype="float64"),
            "integer": pandas.array([row[2] for row in rows], dtype="Int64"),
        }
    )
    write_csv(frame, columns, tmp_path / "x.csv")
    read = lines(tmp_path / "x.csv")[1:]
    assert [row[0] for row in read] == [row[0] or "" for row in rows]
    assert [float(row[1]) if row[1] else None for row in read] == [row[1] for row in rows]
    assert [int(row[2]) if row[2] else None for row in read] == [row[2] for row in rows]


# --- order and identity ---------------------------------------------------------------------------------------------


def test_a_second_run_on_shuffled_rows_gives_the_same_bytes(
    as_published: Dictionary, trees: Table, tree_rows: geopandas.GeoDataFrame, areas: Table,
    area_rows: geopandas.GeoDataFrame, city: City,
    tmp_path: Path,
) -> None:  # fmt: skip
    first, second = tmp_path / "1", tmp_path / "2"
    for folder, step in ((first, 1), (second, -1)):
        folder.mkdir()
        for table, rows in ((trees, tree_rows), (areas, area_rows)):
            write_files(rows.iloc[::step].reset_index(drop=True), table, as_published(table), folder, city)
    assert digests(first) == digests(second)
    assert len(digests(first)) == 10


def test_writing_again_into_the_same_folder_gives_the_same_bytes(
    as_published: Dictionary, trees: Table, tree_rows: geopandas.GeoDataFrame, city: City, tmp_path: Path
) -> None:
    write_files(tree_rows, trees, as_published(trees), tmp_path, city)
    before = digests(tmp_path)
    write_files(tree_rows, trees, as_published(trees), tmp_path, city)
    assert digests(tmp_path) == before


def test_rows_whose_key_is_not_published_keep_nothing_of_their_order(
    as_published: Dictionary, trees: Table, tree_rows: geopandas.GeoDataFrame, city: City, tmp_path: Path
) -> None:
    columns = tuple(column for column in as_published(trees) if column.name != "baum_id")
    first, second = tmp_path / "1", tmp_path / "2"
    for folder, step in ((first, 1), (second, -1)):
        folder.mkdir()
        rows = tree_rows.drop(columns="baum_id").iloc[::step].reset_index(drop=True)
        write_files(rows, trees, columns, folder, city)
    assert digests(first) == digests(second)
    assert "primaryKey" not in json.loads((first / "baeume.schema.json").read_text("utf-8"))


@pytest.mark.parametrize("broken", ["B-1", None])
def test_a_key_that_does_not_identify_its_rows_is_stopped(
    as_published: Dictionary,
    trees: Table,
    tree_rows: geopandas.GeoDataFrame,
    city: City,
    tmp_path: Path,
    broken: str | None,
) -> None:
    tree_rows.loc[0, "baum_id"] = broken
    with pytest.raises(GateFailed, match="baum_id") as caught:
        write_files(tree_rows, trees, as_published(trees), tmp_path, city)
    assert caught.value.findings[0].count == (2 if broken else 1)
    assert "B-1" not in caught.value.message
    assert list(tmp_path.iterdir()) == []


def test_a_column_that_is_not_in_the_data_dictionary_reaches_no_file(
    as_published: Dictionary, trees: Table, tree_rows: geopandas.GeoDataFrame, city: City, tmp_path: Path
) -> None:
    with pytest.raises(GateFailed, match="sachbearbeitung") as caught:
        write_files(tree_rows.assign(sachbearbeitung="x"), trees, as_published(trees), tmp_path, city)
    assert caught.value.gate == "privacy"
    with pytest.raises(GateFailed, match="hoehe"):
        write_files(tree_rows.drop(columns="hoehe"), trees, as_published(trees), tmp_path, city)
    assert list(tmp_path.iterdir()) == []


def test_an_infinite_number_is_stopped(
    as_published: Dictionary, trees: Table, tree_rows: geopandas.GeoDataFrame, city: City, tmp_path: Path
) -> None:
    tree_rows.loc[0, "hoehe"] = float("inf")
    with pytest.raises(GateFailed) as caught:
        write_files(tree_rows, trees, as_published(trees), tmp_path, city)
    assert [(found.column, found.count, found.total) for found in caught.value.findings] == [("hoehe", 1, 3)]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("empty", ["POINT EMPTY", "POLYGON EMPTY"])
def test_an_empty_geometry_is_stopped(
    as_published: Dictionary, trees: Table, tree_rows: geopandas.GeoDataFrame, city: City, tmp_path: Path, empty: str
) -> None:
    tree_rows.loc[0, "geometrie"] = shapely.from_wkt(empty)
    with pytest.raises(GateFailed) as caught:
        write_files(tree_rows, trees, as_published(trees), tmp_path, city)
    assert caught.value.gate == "quality_public"
    assert [(found.column, found.count, found.total) for found in caught.value.findings] == [("geometrie", 1, 3)]
    assert list(tmp_path.iterdir()) == []


def test_a_stray_multipoint_among_points_does_not_take_the_coordinate_columns_away(
    as_published: Dictionary, trees: Table, tree_rows: geopandas.GeoDataFrame, city: City, tmp_path: Path
) -> None:
    tree_rows.loc[0, "geometrie"] = shapely.MultiPoint([(414_000, 5_725_000), (414_001, 5_725_000)])
    with pytest.raises(GateFailed) as caught:
        write_files(tree_rows, trees, as_published(trees), tmp_path, city)
    assert caught.value.gate == "quality_public"
    assert [(found.column, found.count, found.total) for found in caught.value.findings] == [("geometrie", 1, 2)]
    assert list(tmp_path.iterdir()) == []


def test_a_multipoint_of_one_point_is_a_point_in_csv(
    as_published: Dictionary, trees: Table, tree_rows: geopandas.GeoDataFrame, city: City, tmp_path: Path
) -> None:
    as_points, _ = flatten(tree_rows, as_published(trees), city)
    tree_rows.loc[0, "geometrie"] = shapely.MultiPoint([tree_rows.loc[0, "geometrie"]])
    as_multipoints, _ = flatten(tree_rows, as_published(trees), city)
    pandas.testing.assert_frame_equal(as_points, as_multipoints)


def test_release_files_say_what_was_written(
    as_published: Dictionary, trees: Table, tree_rows: geopandas.GeoDataFrame, city: City, tmp_path: Path
) -> None:
    files = write_files(tree_rows, trees, as_published(trees), tmp_path, city)
    assert [(file.format, file.media_type, file.path) for file in files] == [
        ("CSV", "text/csv", "baeume.csv"),
        ("GEOJSON", "application/geo+json", "baeume.geojson"),
        ("GPKG", "application/geopackage+sqlite3", "baeume.gpkg"),
        ("PARQUET", "application/vnd.apache.parquet", "baeume.parquet"),
    ]
    for file in files:
        content = (tmp_path / file.path).read_bytes()
        assert (file.rows, file.size, file.sha256) == (3, len(content), hashlib.sha256(content).hexdigest())
    assert {path.name for path in tmp_path.iterdir()} == {file.path for file in files} | {"baeume.schema.json"}
    assert files[0].conforms_to == "baeume.schema.json"
    assert files[2].conforms_to == "http://www.opengis.net/def/crs/EPSG/0/25832"


def test_a_table_without_geometry_is_csv_only_and_a_large_one_parquet_too(
    as_published: Dictionary, gauges: Table, gauge_rows: pandas.DataFrame, city: City, tmp_path: Path
) -> None:
    columns = as_published(gauges)
    small = gauges.model_copy(update={"large": False})
    assert [file.format for file in write_files(gauge_rows, small, columns, tmp_path, city)] == ["CSV"]
    assert [file.format for file in write_files(gauge_rows, gauges, columns, tmp_path, city)] == ["CSV", "PARQUET"]
    schema = pyarrow.parquet.read_schema(tmp_path / "tageswerte.parquet")
    assert str(schema.field("datum").type) == "date32[day]"
    assert str(schema.field("zeitpunkt_maximum").type) == "timestamp[us, tz=Europe/Berlin]"


def test_an_empty_table_is_written_without_rows(
    as_published: Dictionary, trees: Table, tree_rows: geopandas.GeoDataFrame, city: City, tmp_path: Path
) -> None:
    files = write_files(tree_rows.iloc[:0], trees, as_published(trees), tmp_path, city)
    assert [file.rows for file in files] == [0, 0, 0, 0]
    assert len(lines(tmp_path / "baeume.csv")) == 1


# --- geodata --------------------------------------------------------------------------------------------------------


def test_geojson_is_rfc_7946(
    as_published: Dictionary, areas: Table, area_rows: geopandas.GeoDataFrame, city: City, tmp_path: Path
) -> None:
    write_files(area_rows, areas, as_published(areas), tmp_path, city)
    text = (tmp_path / "gebiete.geojson").read_text("utf-8")
    collection = json.loads(text)
    assert "crs" not in collection
    first, second = collection["features"]
    shell, hole = first["geometry"]["coordinates"]
    assert shapely.LinearRing(shell).is_ccw
    assert not shapely.LinearRing(hole).is_ccw
    assert all(7.5 < x < 8.1 and 51.5 < y < 51.8 for x, y in shell)
    assert all(len(str(value).split(".")[1]) <= 6 for point in shell for value in point)
    assert first["properties"] == {
        "kennung": "01", "stand": "2026-07-01", "erfasst": "2026-07-01T12:00:00+02:00", "gesperrt": True,
    }  # fmt: skip
    assert second["properties"] == {"kennung": "02", "stand": None, "erfasst": None, "gesperrt": None}


def test_a_text_that_looks_like_json_stays_a_text(
    as_published: Dictionary, trees: Table, tree_rows: geopandas.GeoDataFrame, city: City, tmp_path: Path
) -> None:
    texts = ["[1, 2]", '{"art": "Linde"}', "007"]
    write_files(tree_rows.assign(art_deutsch=texts), trees, as_published(trees), tmp_path, city)
    features = json.loads((tmp_path / "baeume.geojson").read_text("utf-8"))["features"]
    assert sorted(str(feature["properties"]["art_deutsch"]) for feature in features) == sorted(texts)
    assert {type(feature["properties"]["art_deutsch"]) for feature in features} == {str}


def test_geojson_keeps_a_row_without_position(
    as_published: Dictionary, trees: Table, tree_rows: geopandas.GeoDataFrame, city: City, tmp_path: Path
) -> None:
    write_files(tree_rows, trees, as_published(trees), tmp_path, city)
    features = json.loads((tmp_path / "baeume.geojson").read_text("utf-8"))["features"]
    assert [feature["geometry"] is None for feature in features] == [False, False, True]
    assert features[0]["properties"]["pflanzjahr"] is None
    assert features[1]["properties"]["pflanzjahr"] == 1984


def test_geopackage_keeps_the_citys_crs_and_the_exact_coordinates(
    as_published: Dictionary, trees: Table, tree_rows: geopandas.GeoDataFrame, city: City, tmp_path: Path
) -> None:
    write_files(tree_rows, trees, as_published(trees), tmp_path, city)
    read = geopandas.read_file(tmp_path / "baeume.gpkg", layer="baeume")
    assert read.crs == city.crs
    assert read.set_index("baum_id").geometry["B-2"].equals(tree_rows.geometry[0])
    assert read["pflanzjahr"].tolist()[1:] == [1984, 2020]


def test_geopackage_keeps_a_column_that_is_named_like_its_row_number(
    as_published: Dictionary, areas: Table, area_rows: geopandas.GeoDataFrame, city: City, tmp_path: Path
) -> None:
    named = areas.column("kennung").model_copy(update={"name": "fid"})
    table = areas.model_copy(update={"columns": (named, *areas.columns[1:]), "key": ("fid",)})
    write_files(area_rows.rename(columns={"kennung": "fid"}), table, as_published(table), tmp_path, city)
    assert geopandas.read_file(tmp_path / "gebiete.gpkg")["fid"].tolist() == ["01", "02"]


def test_geopackage_has_dates_as_dates_and_moments_in_utc(
    as_published: Dictionary, areas: Table, area_rows: geopandas.GeoDataFrame, city: City, tmp_path: Path
) -> None:
    write_files(area_rows, areas, as_published(areas), tmp_path, city)
    connection = sqlite3.connect(tmp_path / "gebiete.gpkg")
    rows = connection.execute("select kennung, stand, erfasst, gesperrt from gebiete order by fid").fetchall()
    connection.close()
    assert rows == [("01", "2026-07-01", "2026-07-01T10:00:00Z", 1), ("02", None, None, None)]


def test_geoparquet_is_version_1_1_in_degrees(
    as_published: Dictionary, trees: Table, tree_rows: geopandas.GeoDataFrame, city: City, tmp_path: Path
) -> None:
    write_files(tree_rows, trees, as_published(trees), tmp_path, city)
    geo = json.loads(pyarrow.parquet.read_schema(tmp_path / "baeume.parquet").metadata[b"geo"])
    assert geo["version"] == "1.1.0"
    assert geo["primary_column"] == "geometrie"
    read = geopandas.read_parquet(tmp_path / "baeume.parquet")
    assert read.crs.name == "WGS 84 (CRS84)"
    west, south, east, north = read.total_bounds
    assert 7.5 < west < east < 8.1
    assert 51.5 < south < north < 51.8


def test_a_frame_without_geometry_comes_back_as_it_is(
    as_published: Dictionary, gauges: Table, gauge_rows: pandas.DataFrame, city: City
) -> None:
    flat, columns = flatten(gauge_rows, as_published(gauges), city)
    assert flat is gauge_rows
    assert columns == as_published(gauges)
