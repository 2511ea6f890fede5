"""Files of features: text exactly as it is stored, no feature lost, and nothing understood by guessing."""

from __future__ import annotations

import json
import sqlite3
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from stadtdaten.contracts import City, Table
from stadtdaten.contracts.interfaces import Limits
from stadtdaten.faults import Fault, SchemaChanged, SourceUnreadable
from stadtdaten.read import ReadTable, read_table

MakeTable = Callable[..., Table]
Read = Callable[..., ReadTable]

COLUMNS: dict[str, Any] = {"nr": "string", "name": "string", "ort": {"type": "geometry", "source": "geometry"}}
HERE = (7.8, 51.67)


@pytest.fixture
def read(table: MakeTable, city: City) -> Read:
    def run(*files: Path, columns: dict[str, Any] | None = None, limits: Limits | None = None, **reading: Any) -> Any:
        return read_table(table(reading, columns or COLUMNS), files, city, limits or Limits())

    return run


def values(frame: pd.DataFrame, column: str) -> list[str | None]:
    return [None if pd.isna(value) else value for value in frame[column]]


# GeoJSON


def feature(position: Any = HERE, **properties: Any) -> dict[str, Any]:
    geometry = None if position is None else {"type": "Point", "coordinates": position}
    return {"type": "Feature", "properties": {"nr": "1", "name": "a", **properties}, "geometry": geometry}


@pytest.fixture
def geojson(tmp_path: Path, read: Read) -> Read:
    def run(*features: Any, root: dict[str, Any] | None = None, **keys: Any) -> ReadTable:
        file = tmp_path / "probe.geojson"
        document = {"type": "FeatureCollection", **(root or {}), "features": list(features)}
        file.write_text(json.dumps(document), encoding="utf-8")
        return read(file, format="geojson", **keys)

    return run


@pytest.fixture
def geojson_text(tmp_path: Path, read: Read) -> Read:
    def run(text: str, **keys: Any) -> ReadTable:
        file = tmp_path / "probe.geojson"
        file.write_text(text, encoding="utf-8")
        return read(file, format="geojson", **keys)

    return run


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ('"007"', "007"), ("12345678901234567890", "12345678901234567890"), ("1.10", "1.10"), ("1e400", "1e400"),
        ("59065", "59065"), ("true", "true"), ("null", None), ('"ä\\u00df"', "äß"), ("-0", "-0"),
    ],
)  # fmt: skip
def test_properties_are_text_exactly_as_written(geojson_text: Read, written: str, expected: str | None) -> None:
    text = (
        '{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"nr": "1", "name": %s}, '
        '"geometry": {"type": "Point", "coordinates": [7.8, 51.67]}}]}'
    )
    assert values(geojson_text(text % written).frame, "name") == [expected]


def test_features_keep_their_order_whatever_their_ids(geojson: Read) -> None:
    features = [{**feature(nr=str(number)), "id": 100 - number} for number in range(5)]
    assert values(geojson(*features).frame, "nr") == ["0", "1", "2", "3", "4"]


def test_coordinates_are_wgs84_with_longitude_first(geojson: Read, city: City) -> None:
    frame = geojson(feature(), feature(None)).frame
    assert frame.crs == city.crs
    expected = gpd.GeoSeries([shapely.Point(HERE)], crs="EPSG:4326").to_crs(city.crs).iloc[0]
    assert frame.geometry.iloc[0].distance(expected) < 0.001
    assert frame.geometry.iloc[1] is None


def test_swapped_coordinates_are_an_error_that_says_so(geojson: Read) -> None:
    with pytest.raises(SourceUnreadable, match="Achsen sind vertauscht"):
        geojson(feature(HERE[::-1]))


def test_metres_without_a_crs_member_are_an_error_that_names_the_system(geojson: Read) -> None:
    with pytest.raises(SourceUnreadable, match="Es passt EPSG:25832"):
        geojson(feature((415_000, 5_724_000)))


def test_a_crs_member_of_2008_counts_and_is_told(geojson: Read) -> None:
    root = {"crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::25832"}}}
    read = geojson(feature((415_000, 5_724_000)), root=root)
    assert read.frame.geometry.iloc[0].coords[0] == (415_000, 5_724_000)
    assert [(repair.kind, repair.nature) for repair in read.repairs] == [("crs", "detected")]


def test_a_crs_member_that_nobody_knows_is_an_error(geojson: Read) -> None:
    with pytest.raises(SourceUnreadable, match="das es nicht gibt"):
        geojson(feature(), root={"crs": {"type": "name", "properties": {"name": "EPSG:999999"}}})


def test_a_crs_member_of_null_lets_the_city_decide(geojson: Read) -> None:
    read = geojson(feature((415_000, 5_724_000)), root={"crs": None})
    assert ("crs", "detected") in {(repair.kind, repair.nature) for repair in read.repairs}


@pytest.mark.parametrize("nested", [{"a": 1}, ["a"]])
def test_nested_values_are_an_error_only_where_they_are_declared(geojson: Read, nested: Any) -> None:
    assert geojson(feature(more=nested)).drift == ("more",)
    with pytest.raises(SourceUnreadable, match="„name“: 1 von 1 Zellen enthalten verschachtelte"):
        geojson(feature(name=nested))


def test_a_feature_that_comes_twice_is_an_error(geojson: Read) -> None:
    with pytest.raises(SourceUnreadable, match="1 Objekte kommen mehrfach vor"):
        geojson({**feature(), "id": 7}, {**feature(nr="2"), "id": 7})


def test_a_feature_on_two_pages_is_an_error(tmp_path: Path, read: Read) -> None:
    pages = []
    for number in (1, 2):
        file = tmp_path / f"{number}.json"
        file.write_text(json.dumps({"type": "FeatureCollection", "features": [{**feature(), "id": "baum.1"}]}))
        pages.append(file)
    with pytest.raises(SourceUnreadable, match="mehrfach"):
        read(*pages, format="geojson")


def test_pages_become_one_table_also_where_one_lacks_a_property(tmp_path: Path, read: Read) -> None:
    first, second, empty = (tmp_path / f"{number}.json" for number in range(3))
    lacking = feature(nr="2")
    del lacking["properties"]["name"]
    for file, features in ((first, [feature()]), (second, [lacking]), (empty, [])):
        file.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    frame = read(first, second, empty, format="geojson").frame
    assert values(frame, "nr") == ["1", "2"]
    assert values(frame, "name") == ["a", None]


def test_no_features_are_an_error(geojson: Read) -> None:
    with pytest.raises(SourceUnreadable, match="keine Objekte"):
        geojson()


def test_more_features_than_the_limit_are_an_error(geojson: Read, geopackage: Path, read: Read) -> None:
    with pytest.raises(SourceUnreadable, match="mehr als die erlaubten 1 Objekte"):
        geojson(feature(), feature(), limits=Limits(rows=1))
    with pytest.raises(SourceUnreadable, match="mehr als die erlaubten 1 Objekte"):
        read(geopackage, format="geopackage", limits=Limits(rows=1))


def test_what_is_found_out_on_every_page_is_told_once(tmp_path: Path, read: Read) -> None:
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::25832"}}
    pages = [tmp_path / "1.json", tmp_path / "2.json"]
    for page in pages:
        page.write_text(
            json.dumps({"type": "FeatureCollection", "crs": crs, "features": [feature((415_000, 5_724_000))]})
        )
    assert [(repair.kind, repair.count) for repair in read(*pages, format="geojson").repairs] == [("crs", 2)]


def test_a_property_that_is_gone_is_a_changed_schema(geojson: Read) -> None:
    with pytest.raises(SchemaChanged, match="name"):
        geojson({**feature(), "properties": {"nr": "1", "Name": "x"}})


@pytest.mark.parametrize(
    "geometry",
    [
        {"type": "Polygon", "coordinates": [[[7.8, 51.6], [7.9, 51.6], [7.9, 51.7]]]},
        {"type": "Circle", "coordinates": HERE}, {"type": "Point", "coordinates": ["7.8", "51.6"]},
        {"type": "Point"}, {"type": "LineString", "coordinates": [HERE]}, [7.8, 51.6],
    ],
)  # fmt: skip
def test_geometries_that_are_no_simple_features_are_an_error(geojson: Read, geometry: Any) -> None:
    with pytest.raises(SourceUnreadable, match="geschlossenen Ringen"):
        geojson({**feature(), "geometry": geometry})


WHOLE = json.dumps({"type": "FeatureCollection", "features": [feature(), feature(nr="2")]})


@pytest.mark.parametrize("crs", [{}, {"properties": None}, {"type": "link", "properties": {"href": "x"}}, "EPSG:25832"])
def test_a_crs_member_without_a_name_is_an_error(geojson: Read, crs: Any) -> None:
    with pytest.raises(SourceUnreadable, match="nicht mit Namen"):
        geojson(feature(), root={"crs": crs})


@pytest.mark.parametrize("cut", range(1, len(WHOLE), 11))
def test_half_a_file_is_an_error(geojson_text: Read, cut: int) -> None:
    with pytest.raises(SourceUnreadable):
        geojson_text(WHOLE[:cut])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (WHOLE.replace("7.8", "NaN"), "kein vollständiges JSON"),
        (WHOLE.replace('"name": "a"', '"name": "a", "name": "b"'), "zweimal im selben Objekt"),
        (WHOLE.replace('"name": "a"', '"name": Infinity'), "kein vollständiges JSON"),
        (WHOLE + "x", "kein vollständiges JSON"),
        (WHOLE.replace("FeatureCollection", "Topology"), "keine GeoJSON-FeatureCollection"),
        ("<html>Wartung</html>", "kein vollständiges JSON"),
        ("[" * 100_000, "100000 Ebenen tief"),
        (WHOLE.replace('"a"', "[" * 120 + "]" * 120), "erlaubt sind 100"),
    ],
)
def test_what_is_no_geojson_is_an_error(geojson_text: Read, text: str, message: str) -> None:
    with pytest.raises(SourceUnreadable, match=message):
        geojson_text(text)


def test_brackets_in_text_do_not_count_as_depth(geojson: Read) -> None:
    assert values(geojson(feature(name="[{" * 500 + '\\"')).frame, "name") == ["[{" * 500 + '\\"']


JSON_VALUES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()


@settings(max_examples=100, deadline=None)
@given(cells=st.lists(JSON_VALUES, min_size=1, max_size=6))
def test_any_value_comes_back_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, table: MakeTable, city: City, cells: list[Any]
) -> None:
    file = tmp_path_factory.mktemp("json") / "probe.geojson"
    features = [feature(nr=str(number), name=cell) for number, cell in enumerate(cells)]
    file.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    try:
        frame = read_table(table({"format": "geojson"}, COLUMNS), (file,), city, Limits()).frame
    except SourceUnreadable as fault:
        assert "NUL" in fault.message  # the one character that no format of the publication can carry
        return
    # An empty cell is a missing value in every format.
    expected = [cell if isinstance(cell, str) else None if cell is None else json.dumps(cell) for cell in cells]
    assert values(frame, "name") == [each or None for each in expected]


# ArcGIS


def esri(*features: dict[str, Any], **root: Any) -> dict[str, Any]:
    return {
        "geometryType": "esriGeometryPoint", "spatialReference": {"wkid": 102100, "latestWkid": 25832},
        "fields": [
            {"name": "OBJECTID", "type": "esriFieldTypeOID"}, {"name": "nr", "type": "esriFieldTypeString"},
            {"name": "name", "type": "esriFieldTypeString"}, {"name": "am", "type": "esriFieldTypeDate"},
        ],
        "features": list(features), **root,
    }  # fmt: skip


def esri_feature(geometry: Any, number: int = 1, **attributes: Any) -> dict[str, Any]:
    return {
        "attributes": {"OBJECTID": number, "nr": str(number), "name": "a", "am": None, **attributes},
        "geometry": geometry,
    }


@pytest.fixture
def arcgis(tmp_path: Path, read: Read) -> Read:
    def run(document: dict[str, Any], **keys: Any) -> ReadTable:
        file = tmp_path / "probe.json"
        file.write_text(json.dumps(document), encoding="utf-8")
        return read(file, format="esrijson", **keys)

    return run


def test_arcgis_features_keep_order_text_and_place(arcgis: Read) -> None:
    read = arcgis(
        esri(
            esri_feature({"x": 415_000, "y": 5_724_000}, 9, name=1.10), esri_feature({"x": "NaN", "y": "NaN"}, 3),
            esri_feature(None, 5),
        )
    )  # fmt: skip
    assert values(read.frame, "nr") == ["9", "3", "5"]
    assert read.frame.geometry.iloc[0].coords[0] == (415_000, 5_724_000)
    assert read.frame.geometry.isna().tolist() == [False, True, True]
    assert read.drift == ("OBJECTID", "am")


def test_arcgis_dates_are_dates(arcgis: Read) -> None:
    columns = {**COLUMNS, "am": "date"}
    read = arcgis(esri(esri_feature({"x": 415_000, "y": 5_724_000}, am=1_767_225_600_000)), columns=columns)
    assert read.frame["am"].dt.strftime("%Y-%m-%d").tolist() == ["2026-01-01"]
    columns["am"] = "datetime"
    read = arcgis(esri(esri_feature({"x": 415_000, "y": 5_724_000}, am=1_767_225_600_000)), columns=columns)
    assert read.frame["am"].dt.strftime("%Y-%m-%d %H:%M").tolist() == ["2026-01-01 01:00"]


def ring(west: float, south: float, size: float) -> list[list[float]]:
    """Clockwise, as ArcGIS writes outer rings."""
    east, north = west + size, south + size
    return [[west, south], [west, north], [east, north], [east, south], [west, south]]


def test_arcgis_rings_become_polygons_with_holes(arcgis: Read) -> None:
    outer, hole = ring(415_000, 5_724_000, 100), ring(415_020, 5_724_020, 10)[::-1]
    other = ring(416_000, 5_724_000, 50)
    document = esri(esri_feature({"rings": [hole, other, outer]}), geometryType="esriGeometryPolygon")
    assert arcgis(document).frame.geometry.area.tolist() == [100**2 - 10**2 + 50**2]


def test_arcgis_curves_are_an_error(arcgis: Read) -> None:
    curve = {"curveRings": [[[415_000, 5_724_000], {"c": [[415_010, 5_724_000], [415_005, 5_724_005]]}]]}
    with pytest.raises(SourceUnreadable, match="Kreisbögen"):
        arcgis(esri(esri_feature(curve), geometryType="esriGeometryPolygon"))


def test_an_arcgis_error_in_place_of_features_is_an_error(arcgis: Read) -> None:
    with pytest.raises(SourceUnreadable, match="keine Antwort eines ArcGIS-Servers"):
        arcgis({"error": {"code": 400, "message": "Invalid query"}})


@pytest.mark.parametrize(
    ("reference", "crs"),
    [({"wkid": 25832}, False), ({"wkt": "EPSG:25832"}, False), (None, True), ({}, True), ([25832], True)],
)
def test_arcgis_names_the_system_or_the_city_decides(arcgis: Read, reference: Any, crs: bool) -> None:
    read = arcgis(esri(esri_feature({"x": 415_000, "y": 5_724_000}), spatialReference=reference))
    assert read.frame.geometry.iloc[0].coords[0] == (415_000, 5_724_000)
    assert bool(read.repairs) == crs


@pytest.mark.parametrize("fields", [None, {}, ["nr"]])
def test_arcgis_features_without_fields_are_an_error(arcgis: Read, fields: Any) -> None:
    with pytest.raises(SourceUnreadable, match="keine Antwort eines ArcGIS-Servers"):
        arcgis(esri(esri_feature(None), fields=fields))


def test_an_arcgis_object_that_comes_twice_is_an_error(arcgis: Read) -> None:
    point = {"x": 415_000, "y": 5_724_000}
    with pytest.raises(SourceUnreadable, match="mehrfach"):
        arcgis(esri(esri_feature(point, 4), esri_feature(point, 4)))


# Shapefiles and dBASE

Fields = list[tuple[str, str, int, int]]


def dbf(fields: Fields, rows: list[list[bytes]], code_page: int = 0, deleted: tuple[int, ...] = ()) -> bytes:
    """A dBASE III table; cells shorter than their field are filled with blanks."""
    width = 1 + sum(length for _, _, length, _ in fields)
    head = struct.pack("<BBBBIHH17xB2x", 3, 126, 1, 1, len(rows), 33 + 32 * len(fields), width, code_page)
    for name, kind, length, decimals in fields:
        head += struct.pack("<11sc4xBB14x", name.encode("cp1252"), kind.encode(), length, decimals)
    body = b"".join(
        (b"*" if number in deleted else b" ")
        + b"".join(cell.ljust(length) for cell, (_, _, length, _) in zip(row, fields, strict=True))
        for number, row in enumerate(rows)
    )
    return head + b"\r" + body + b"\x1a"


FIELDS: Fields = [("nr", "C", 6, 0), ("name", "C", 12, 0)]
DBF_COLUMNS: dict[str, Any] = {"nr": "string", "name": "string"}


@pytest.fixture
def read_dbf(tmp_path: Path, read: Read) -> Read:
    def run(content: bytes, cpg: str | None = None, **keys: Any) -> ReadTable:
        (tmp_path / "probe.dbf").write_bytes(content)
        if cpg is not None:
            (tmp_path / "probe.cpg").write_text(cpg)
        return read(tmp_path / "probe.dbf", format="dbf", **{"columns": DBF_COLUMNS, **keys})

    return run


@pytest.mark.parametrize(
    ("kind", "decimals", "cell", "expected"),
    [
        ("C", 0, b" 007", " 007"), ("C", 0, b"", None), ("C", 0, b"ab\0\0\0", "ab"), ("N", 0, b"   059065", "059065"),
        ("N", 4, b"12.5000", "12.5000"), ("F", 2, b" 1.5e+003", "1.5e+003"), ("D", 0, b"20260131", "2026-01-31"),
        ("D", 0, b"00000000", None), ("L", 0, b"T", "true"), ("L", 0, b"n", "false"), ("L", 0, b"?", None),
    ],
)  # fmt: skip
def test_dbase_cells_are_text_exactly_as_stored(
    read_dbf: Read, kind: str, decimals: int, cell: bytes, expected: str | None
) -> None:
    fields: Fields = [("nr", "C", 6, 0), ("name", kind, 12 if kind in "CNF" else len(cell), decimals)]
    assert values(read_dbf(dbf(fields, [[b"1", cell]])).frame, "name") == [expected]


@pytest.mark.parametrize("cell", [b"2026013x", b"1.1.2026"])
def test_a_dbase_date_that_is_none_is_an_error(read_dbf: Read, cell: bytes) -> None:
    fields: Fields = [("nr", "C", 6, 0), ("name", "D", 8, 0)]
    with pytest.raises(SourceUnreadable, match="„name“: 1 von 1"):
        read_dbf(dbf(fields, [[b"1", cell]]), columns={"nr": "string", "name": "date"})


UMLAUT = "Höxter Weg"


@pytest.mark.parametrize(
    ("encoding", "code_page", "cpg", "reading"),
    [
        ("utf-8", 0, "UTF-8", {}), ("cp1252", 0x57, None, {}), ("cp1252", 0x03, None, {}), ("cp850", 0x02, None, {}),
        ("cp1252", 0, "ANSI 1252\n", {}), ("cp1252", 0, "ISO 8859-1", {}), ("cp850", 0, None, {"encoding": "cp850"}),
        ("utf-8", 0x57, "utf-8", {}),
    ],
)  # fmt: skip
def test_umlauts_are_read_as_the_cpg_file_the_header_or_the_contract_says(
    read_dbf: Read, encoding: str, code_page: int, cpg: str | None, reading: dict[str, str]
) -> None:
    read = read_dbf(dbf(FIELDS, [[b"1", UMLAUT.encode(encoding)]], code_page), cpg, **reading)
    assert values(read.frame, "name") == [UMLAUT]
    assert [repair.kind for repair in read.repairs] == ([] if reading else ["encoding"])


def test_umlauts_in_an_unnamed_encoding_are_an_error_that_names_the_contracts_line(read_dbf: Read) -> None:
    with pytest.raises(SourceUnreadable, match="in welcher Zeichenkodierung") as caught:
        read_dbf(dbf(FIELDS, [[b"1", UMLAUT.encode("cp1252")]]))
    assert "reading.encoding" in caught.value.next_step


@pytest.mark.parametrize(("encoding", "cpg"), [("utf-8", "1252"), ("cp1252", "UTF-8")])
def test_umlauts_in_another_encoding_than_named_are_an_error(read_dbf: Read, encoding: str, cpg: str) -> None:
    with pytest.raises(SourceUnreadable, match="nicht in der genannten Zeichenkodierung"):
        read_dbf(dbf(FIELDS, [[b"1", UMLAUT.encode(encoding)]]), cpg)


def test_deleted_records_are_left_out_and_counted(read_dbf: Read) -> None:
    read = read_dbf(dbf(FIELDS, [[b"1", b"a"], [b"2", b"b"], [b"3", b"c"]], deleted=(1,)))
    assert values(read.frame, "nr") == ["1", "3"]
    assert [(repair.kind, repair.count) for repair in read.repairs] == [("deleted_record", 1)]


GOOD = dbf(FIELDS, [[b"1", b"a"], [b"2", b"b"]])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (GOOD[:-10], "bricht ab"), (GOOD[:20], "keine dBASE-Tabelle"), (b"PK" + GOOD[2:], "keine dBASE-Tabelle"),
        (GOOD[:10] + b"\x30\x00" + GOOD[12:], "Kopf, der nicht zu ihren Sätzen passt"),
        (GOOD.replace(b" 1 ", b"x1 "), "Sätze, die nicht dort beginnen"),
    ],
)  # fmt: skip
def test_a_damaged_dbase_table_is_an_error(read_dbf: Read, content: bytes, message: str) -> None:
    with pytest.raises(SourceUnreadable, match=message):
        read_dbf(content)


def test_a_memo_is_an_error_only_where_it_is_declared(read_dbf: Read) -> None:
    content = dbf([*FIELDS, ("memo", "M", 10, 0)], [[b"1", b"a", b"17"]])
    assert read_dbf(content).drift == ("memo",)
    with pytest.raises(SourceUnreadable, match="Feldtyp 'M'"):
        read_dbf(content, columns={**DBF_COLUMNS, "memo": "string"})


def test_a_field_that_is_there_twice_is_a_changed_schema(read_dbf: Read) -> None:
    with pytest.raises(SchemaChanged, match="mehrfach"):
        read_dbf(dbf([*FIELDS, ("name", "C", 3, 0)], [[b"1", b"a", b"b"]]))


@pytest.fixture
def shapefile(tmp_path: Path) -> Path:
    """Three points in the city, EPSG:25832."""
    points = gpd.points_from_xy([415_000, 415_100, 415_200], [5_724_000] * 3)
    frame = gpd.GeoDataFrame({"nr": ["1", "2", "3"], "name": ["ä", "b", "c"]}, geometry=points, crs="EPSG:25832")
    frame.to_file(tmp_path / "probe.shp", engine="pyogrio")
    return tmp_path / "probe.shp"


def test_a_shapefile_is_read_with_its_own_system_and_encoding(shapefile: Path, read: Read) -> None:
    frame = read(shapefile, format="shapefile").frame
    assert values(frame, "name") == ["ä", "b", "c"]
    assert [point.x for point in frame.geometry] == [415_000, 415_100, 415_200]


def test_a_record_that_is_deleted_takes_its_shape_with_it(shapefile: Path, read: Read) -> None:
    path = shapefile.with_suffix(".dbf")
    content = bytearray(path.read_bytes())
    start, width = struct.unpack("<HH", content[8:12])
    content[start + width] = 0x2A
    path.write_bytes(content)
    frame = read(shapefile, format="shapefile").frame
    assert values(frame, "nr") == ["1", "3"]
    assert [point.x for point in frame.geometry] == [415_000, 415_200]


@pytest.mark.parametrize("suffix", [".shx", ".dbf"])
def test_a_shapefile_without_one_of_its_files_is_an_error(shapefile: Path, read: Read, suffix: str) -> None:
    shapefile.with_suffix(suffix).unlink()
    with pytest.raises(SourceUnreadable, match=f"zu der {suffix} fehlt"):
        read(shapefile, format="shapefile")


@pytest.mark.parametrize("suffix", [".shp", ".shx", ".dbf"])
def test_a_shapefile_that_is_cut_off_is_an_error(shapefile: Path, read: Read, suffix: str) -> None:
    path = shapefile.with_suffix(suffix)
    path.write_bytes(path.read_bytes()[:-15])
    with pytest.raises(SourceUnreadable, match=r"unvollständig|bricht ab"):
        read(shapefile, format="shapefile")


def test_a_shapefile_without_prj_is_placed_by_the_city(shapefile: Path, read: Read) -> None:
    shapefile.with_suffix(".prj").unlink()
    result = read(shapefile, format="shapefile")
    assert [point.x for point in result.frame.geometry] == [415_000, 415_100, 415_200]
    assert ("crs", "detected") in {(repair.kind, repair.nature) for repair in result.repairs}


# GeoPackage


@pytest.fixture
def geopackage(tmp_path: Path) -> Path:
    points = gpd.points_from_xy([415_000, 415_100], [5_724_000] * 2)
    data = {"nr": ["007", "2"], "name": ["ä", None], "zahl": [59065, 2], "wert": [1.5, 2.0], "da": [True, False]}
    frame = gpd.GeoDataFrame(data, geometry=points, crs="EPSG:25832")
    frame.to_file(tmp_path / "probe.gpkg", layer="orte", engine="pyogrio")
    return tmp_path / "probe.gpkg"


def edit(geopackage: Path, statement: str, *values: Any) -> None:
    """Change a GeoPackage without the functions that its triggers need."""
    with sqlite3.connect(geopackage) as database:
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f'DROP TRIGGER "{name}"')
        database.execute(statement, values)


GPKG_COLUMNS = {**COLUMNS, "zahl": "string", "wert": "string", "da": "boolean"}


def test_a_geopackage_is_read_as_it_is_stored(geopackage: Path, read: Read) -> None:
    frame = read(geopackage, format="geopackage", columns=GPKG_COLUMNS).frame
    assert values(frame, "nr") == ["007", "2"]
    assert values(frame, "name") == ["ä", None]
    assert values(frame, "zahl") == ["59065", "2"]
    assert values(frame, "wert") == ["1.5", "2"]
    assert frame["da"].tolist() == [True, False]
    assert [point.x for point in frame.geometry] == [415_000, 415_100]


def test_text_among_the_integers_of_a_geopackage_is_not_lost(geopackage: Path, read: Read) -> None:
    edit(geopackage, "UPDATE orte SET zahl = 'n/a' WHERE nr = '2'")
    assert values(read(geopackage, format="geopackage", columns=GPKG_COLUMNS).frame, "zahl") == ["59065", "n/a"]


def test_several_layers_are_an_error_that_names_them(geopackage: Path, read: Read) -> None:
    gpd.read_file(geopackage).to_file(geopackage, layer="mehr", engine="pyogrio")
    with pytest.raises(SourceUnreadable, match=r"2 Ebenen statt einer\. Vorhanden: „mehr“, „orte“") as caught:
        read(geopackage, format="geopackage")
    assert "reading.layer" in caught.value.next_step
    assert len(read(geopackage, format="geopackage", layer="orte").frame) == 2
    with pytest.raises(SourceUnreadable, match="keine Ebene „weg“"):
        read(geopackage, format="geopackage", layer="weg")


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\0", b"<html></html>"])
def test_what_is_no_geopackage_is_an_error(tmp_path: Path, read: Read, content: bytes) -> None:
    (tmp_path / "probe.gpkg").write_bytes(content)
    with pytest.raises(SourceUnreadable, match="kein lesbares GeoPackage"):
        read(tmp_path / "probe.gpkg", format="geopackage")


def test_binary_cells_are_an_error(geopackage: Path, read: Read) -> None:
    edit(geopackage, "UPDATE orte SET name = x'00ff' WHERE nr = '2'")
    with pytest.raises(SourceUnreadable, match="Binärdaten"):
        read(geopackage, format="geopackage")


ARC = struct.pack("<BII6d", 1, 8, 3, 415_000, 5_724_000, 415_010, 5_724_010, 415_020, 5_724_000)


@pytest.mark.parametrize(
    ("blob", "message"),
    [
        (b"GP\0\x01" + struct.pack("<i", 25832) + ARC, "Kreisbögen"),
        (b"GP\0\x01" + struct.pack("<i", 25832), "wie in"),
        (b"XX\0\x01" + struct.pack("<i", 25832) + ARC, "wie in einem GeoPackage"), (ARC[:20], "wie in"),
        (b"GP\0\x01" + struct.pack("<i", 25832) + ARC[:12], "Kreisbögen"), ("Punkt", "wie in einem GeoPackage"),
    ],
)  # fmt: skip
def test_geometries_that_a_geopackage_may_not_hold_are_an_error(
    geopackage: Path, read: Read, blob: Any, message: str
) -> None:
    edit(geopackage, "UPDATE orte SET geom = ? WHERE nr = '2'", blob)
    with pytest.raises(SourceUnreadable, match=message):
        read(geopackage, format="geopackage")


# KML


def kml(*placemarks: str, folder: str = "Orte") -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document>'
        f"<Folder><name>{folder}</name>{''.join(placemarks)}</Folder></Document></kml>"
    )


def placemark(shape: str = "<Point><coordinates>7.8,51.67,0</coordinates></Point>", number: str = "007") -> str:
    return (
        f"<Placemark><name>Ort</name><description><![CDATA[<b>fett</b>]]></description><ExtendedData>"
        f'<Data name="nr"><value>{number}</value></Data></ExtendedData>{shape}</Placemark>'
    )


@pytest.fixture
def read_kml(tmp_path: Path, read: Read) -> Read:
    def run(text: str, **keys: Any) -> ReadTable:
        (tmp_path / "probe.kml").write_text(text, encoding="utf-8")
        return read(tmp_path / "probe.kml", format="kml", **keys)

    return run


def test_a_placemark_is_read_with_its_html_untouched(read_kml: Read) -> None:
    read = read_kml(kml(placemark()), columns={**COLUMNS, "text": {"type": "string", "source": "description"}})
    assert values(read.frame, "nr") == ["007"]
    assert values(read.frame, "text") == ["<b>fett</b>"]
    assert not read.frame.geometry.has_z.any()


TRIANGLE = "7.8,51.67 7.81,51.67 7.81,51.68"
CLOSED = f"{TRIANGLE} 7.8,51.67"


def polygon(coordinates: str) -> str:
    ring = f"<LinearRing><coordinates>{coordinates}</coordinates></LinearRing>"
    return f"<Polygon><outerBoundaryIs>{ring}</outerBoundaryIs></Polygon>"


def test_several_polygons_become_one_geometry(read_kml: Read) -> None:
    frame = read_kml(kml(placemark(f"<MultiGeometry>{polygon(CLOSED)}{polygon(CLOSED)}</MultiGeometry>"))).frame
    assert frame.geometry.geom_type.tolist() == ["MultiPolygon"]


@pytest.mark.parametrize(
    "shape",
    [
        polygon(TRIANGLE), "<Model/>", "<Point><coordinates>7,8,51,67</coordinates></Point>",
        "<Point><coordinates>Hamm</coordinates></Point>", "<Point><coordinates>nan,51.6</coordinates></Point>",
        "<Point><coordinates>7_8,51.6</coordinates></Point>", "<Point/>", polygon(CLOSED) * 2,
    ],
)  # fmt: skip
def test_kml_that_is_no_simple_feature_is_an_error(read_kml: Read, shape: str) -> None:
    with pytest.raises(SourceUnreadable, match="geschlossenen Ringen"):
        read_kml(kml(placemark(shape)))


def test_the_folders_of_a_kml_file_are_its_layers(read_kml: Read) -> None:
    second = kml(placemark(number="2"), folder="Mehr").split("<Document>")[1].split("</Document>")[0]
    text = kml(placemark()).replace("</Document>", f"{second}</Document>")
    with pytest.raises(SourceUnreadable, match=r"2 Ebenen statt einer\. Vorhanden: „Orte“, „Mehr“"):
        read_kml(text)
    assert values(read_kml(text, layer="Mehr").frame, "nr") == ["2"]


def test_a_placemark_that_says_something_twice_is_an_error(read_kml: Read) -> None:
    with pytest.raises(SourceUnreadable, match="nennt eine Angabe zweimal"):
        read_kml(kml(placemark().replace("</ExtendedData>", '<Data name="nr"><value>8</value></Data></ExtendedData>')))


def test_half_a_kml_file_is_an_error(read_kml: Read) -> None:
    with pytest.raises(SourceUnreadable, match="kein vollständiges XML"):
        read_kml(kml(placemark())[:-8])


# No message tells a value


@pytest.mark.parametrize("cut", range(5, len(WHOLE), 37))
def test_no_message_about_a_damaged_file_tells_a_value(geojson_text: Read, cut: int) -> None:
    secret = WHOLE.replace('"a"', '"Erika Geheim"')
    with pytest.raises(Fault) as caught:
        geojson_text(secret[:cut])
    assert "Geheim" not in caught.value.message + caught.value.next_step
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_a_text_without_an_end_is_told_at_once(geojson_text: Read) -> None:
    with pytest.raises(SourceUnreadable, match="kein vollständiges JSON"):  # a second for each quote if tried in turn
        geojson_text('{"type": "' + '\\"' * 200_000)


def test_a_placemark_of_a_folder_without_a_name_is_not_of_the_folder_before(tmp_path: Path, read: Read) -> None:
    mark = "<Placemark><name>{}</name><Point><coordinates>7.8,51.67</coordinates></Point></Placemark>"
    file = tmp_path / "probe.kml"
    file.write_text(
        '<kml xmlns="http://www.opengis.net/kml/2.2"><Document><name>D</name>'
        f"<Folder><name>A</name>{mark.format('eins')}</Folder><Folder>{mark.format('zwei')}</Folder></Document></kml>",
        encoding="utf-8",
    )
    columns = {"name": "string", "ort": {"type": "geometry", "source": "geometry"}}
    frame = read(file, columns=columns, format="kml", layer="A").frame
    assert values(frame, "name") == ["eins"]
