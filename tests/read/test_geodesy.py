"""Coordinates come to the right place or stop: nothing is guessed, and nothing is off by metres."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from stadtdaten.contracts import City, Table
from stadtdaten.faults import SourceUnreadable
from stadtdaten.frames import Repair
from stadtdaten.read import geodesy
from stadtdaten.read.geodesy import CANDIDATES, in_city_crs, unite

MakeTable = Callable[..., Table]


@pytest.fixture(scope="session")
def located(table: MakeTable) -> MakeTable:
    """A table of geometries; the keys of its reading that concern geodesy may be given."""

    def make(**reading: object) -> Table:
        spec = {"format": "shapefile", **reading}
        return table(spec, {"nr": "string", "ort": {"type": "geometry", "source": "geometry"}})

    return make


def in_city(city: City, count: int = 40) -> np.ndarray:
    """Points in the city (metres, east before north), always the same."""
    random = np.random.default_rng(5)
    bounds = city.bounds
    return np.column_stack(
        [random.uniform(bounds.west, bounds.east, count), random.uniform(bounds.south, bounds.north, count)]
    )


def written(points: np.ndarray, city: City, crs: str, axes: str = "east_north") -> np.ndarray:
    """The points as a source writes them; Gauß-Krüger through the grid."""
    if geodesy.GRIDS not in pyproj.datadir.get_data_dir():
        pyproj.datadir.append_data_dir(geodesy.GRIDS)
    group = pyproj.transformer.TransformerGroup(city.crs, crs, always_xy=True, area_of_interest=AROUND)
    pairs = np.column_stack(group.transformers[0].transform(points[:, 0], points[:, 1]))
    return pairs if axes == "east_north" else pairs[:, ::-1]


AROUND = pyproj.aoi.AreaOfInterest(7.55, 51.55, 8.02, 51.80)


def series(points: np.ndarray, crs: str | None = None) -> gpd.GeoSeries:
    return gpd.GeoSeries(shapely.points(points), crs=crs)


def distance(found: gpd.GeoSeries, points: np.ndarray) -> float:
    return float(np.abs(shapely.get_coordinates(found.to_numpy()) - points).max())


@pytest.mark.parametrize("axes", ["east_north", "north_east"])
@pytest.mark.parametrize("crs", CANDIDATES)
def test_an_unnamed_system_is_found_out_by_the_city_alone(located: MakeTable, city: City, crs: str, axes: str) -> None:
    points, repairs = in_city(city), list[Repair]()
    found = in_city_crs(located(), series(written(points, city, crs, axes)), city, repairs)
    assert found.crs == city.crs
    assert distance(found, points) < 0.01
    natures = {(repair.kind, repair.nature) for repair in repairs if repair.kind != "reprojected"}
    assert natures == {("crs", "detected")} | ({("axes", "detected")} if axes == "north_east" else set())


@settings(max_examples=150, deadline=None)
@given(data=st.data(), crs=st.sampled_from(CANDIDATES), axes=st.sampled_from(["east_north", "north_east"]))
def test_points_written_in_any_system_come_back_to_their_place_or_stop(
    located: MakeTable, city: City, data: st.DataObject, crs: str, axes: str
) -> None:
    bounds = city.bounds
    pair = st.tuples(st.floats(bounds.west, bounds.east), st.floats(bounds.south, bounds.north))
    points = np.array(data.draw(st.lists(pair, min_size=1, max_size=5)))
    found = in_city_crs(located(), series(written(points, city, crs, axes)), city, [])
    utm = crs in ("EPSG:25831", "EPSG:25832", "EPSG:25833", "EPSG:4647", "EPSG:5649", "EPSG:5650")
    assert distance(found, points) < (0.001 if utm else 0.01)


@settings(max_examples=150, deadline=None)
@given(
    points=st.lists(st.tuples(st.floats(-1e8, 1e8), st.floats(-1e8, 1e8)), min_size=1, max_size=4),
)
def test_numbers_that_lie_nowhere_near_the_city_are_never_placed_elsewhere(
    located: MakeTable, city: City, points: list[tuple[float, float]]
) -> None:
    try:
        found = in_city_crs(located(), series(np.array(points)), city, [])
    except SourceUnreadable as fault:
        assert "reading.crs" in fault.next_step
    else:
        west, south, east, north = found.total_bounds
        bounds = city.bounds
        assert west > bounds.west - 100
        assert east < bounds.east + 100
        assert south > bounds.south - 100
        assert north < bounds.north + 100


def test_two_systems_that_both_fit_are_an_error(located: MakeTable, city: City) -> None:
    """A rectangle as wide as a state holds points of two zones at once."""
    wide = city.model_copy(update={"bounds": city.bounds.model_copy(update={"west": 200_000, "east": 900_000})})
    with pytest.raises(SourceUnreadable, match=r"EPSG:25832, .* und mit EPSG:25833") as caught:
        in_city_crs(located(), series(in_city(city)), wide, [])
    assert "reading.crs: EPSG:25832" in caught.value.next_step


def test_a_file_that_mixes_both_orders_of_axes_is_an_error(located: MakeTable, city: City) -> None:
    points = in_city(city)
    points[::3] = points[::3, ::-1]
    with pytest.raises(SourceUnreadable, match=r"Am besten passt EPSG:25832, Rechtswert vor Hochwert: 26 von 40"):
        in_city_crs(located(), series(points), city, [])


def test_a_few_data_errors_do_not_hide_the_system_and_are_left_to_the_gate(located: MakeTable, city: City) -> None:
    points = in_city(city)
    points[7] = (0, 0)
    found = in_city_crs(located(), series(points), city, [])
    assert shapely.get_coordinates(found.to_numpy())[7].tolist() == [0, 0]


def test_a_third_of_swapped_objects_in_a_named_system_is_left_to_the_gate(located: MakeTable, city: City) -> None:
    points = in_city(city)
    points[::3] = points[::3, ::-1]
    repairs: list[Repair] = []
    assert distance(in_city_crs(located(), series(points, city.crs), city, repairs), points) == 0
    assert repairs == []


def test_a_named_system_with_swapped_axes_is_an_error_that_says_so(located: MakeTable, city: City) -> None:
    with pytest.raises(SourceUnreadable, match="Achsen sind vertauscht: Es passt EPSG:25832, Hochwert vor") as caught:
        in_city_crs(located(), series(in_city(city)[:, ::-1], city.crs), city, [])
    assert "reading.axes: north_east" in caught.value.next_step


def test_a_wrong_zone_in_the_file_is_an_error_that_names_the_right_one(located: MakeTable, city: City) -> None:
    with pytest.raises(SourceUnreadable, match="genannte System ist falsch: Es passt EPSG:25832"):
        in_city_crs(located(), series(in_city(city), "EPSG:25833"), city, [])


def test_a_wrong_system_in_the_contract_is_an_error_as_well(located: MakeTable, city: City) -> None:
    table = located(crs="EPSG:31466", axes="east_north")
    with pytest.raises(SourceUnreadable, match="Es passt EPSG:31467"):
        in_city_crs(table, series(written(in_city(city), city, "EPSG:31467")), city, [])


def test_objects_of_another_city_are_an_error(located: MakeTable, city: City) -> None:
    with pytest.raises(SourceUnreadable, match="kein anderes der üblichen Systeme"):
        in_city_crs(located(), series(in_city(city) + 300_000, city.crs), city, [])


def test_the_contract_overrules_the_file_and_is_told_as_assumed(located: MakeTable, city: City) -> None:
    points, repairs = in_city(city), list[Repair]()
    found = in_city_crs(
        located(crs="EPSG:31467"), series(written(points, city, "EPSG:31467"), "EPSG:4326"), city, repairs
    )
    assert distance(found, points) < 0.01
    assert [(each.kind, each.nature) for each in repairs] == [("crs", "assumed"), ("reprojected", "repaired")]


def test_axes_of_the_contract_are_swapped_once(located: MakeTable, city: City) -> None:
    points = in_city(city)
    found = in_city_crs(located(axes="north_east"), series(points[:, ::-1], city.crs), city, [])
    assert distance(found, points) == 0


# Control points of the AdV (BETA2007testdaten.csv): DHDN / Gauß-Krüger zone 2 and the same point in ETRS89/UTM 32.
CONTROL = ((2598417.333192, 5930677.980308), (399340.601863, 5928794.177992))


def test_gauss_krueger_is_converted_as_the_land_surveys_control_point_says(located: MakeTable, city: City) -> None:
    north_sea = city.model_copy(
        update={
            "bounds": city.bounds.model_copy(
                update={"west": 390_000, "east": 410_000, "south": 5_920_000, "north": 5_940_000}
            ),
            "bounds_wgs84": city.bounds_wgs84.model_copy(
                update={"west": 7.3, "east": 7.7, "south": 53.4, "north": 53.6}
            ),
        }
    )
    given, expected = CONTROL
    found = in_city_crs(located(crs="EPSG:31466"), series(np.array([given])), north_sea, [])
    assert distance(found, np.array([expected])) < 0.001


def test_without_the_grid_gauss_krueger_would_be_off_by_decimetres(city: City) -> None:
    """Why a missing grid must stop the run: PROJ alone says nothing."""
    points = in_city(city)
    silent = pyproj.Transformer.from_pipeline(WITHOUT_GRID)
    wrong = np.column_stack(silent.transform(*written(points, city, "EPSG:31467").T))
    assert 0.1 < np.hypot(*(wrong - points).T).max() < 3


WITHOUT_GRID = (
    "+proj=pipeline +step +inv +proj=tmerc +lat_0=0 +lon_0=9 +x_0=3500000 +ellps=bessel +step +proj=push +v_3 "
    "+step +proj=cart +ellps=bessel +step +proj=helmert +x=598.1 +y=73.7 +z=418.2 +rx=0.202 +ry=0.045 +rz=-2.455 "
    "+s=6.7 +convention=position_vector +step +inv +proj=cart +ellps=GRS80 +step +proj=pop +v_3 +step +proj=utm "
    "+zone=32 +ellps=GRS80"
)

HIDDEN = """
from pathlib import Path
import geopandas as gpd, shapely
from stadtdaten.contracts import load_city
from stadtdaten.faults import Misconfigured
from stadtdaten.read import geodesy
from tests.read.test_geodesy import gauss_krueger_table
geodesy.GRIDS = "/nowhere"
city = load_city(Path("include/city.yaml"))
points = gpd.GeoSeries(shapely.points([[3417000, 5725000]]), crs=None)
try:
    geodesy.in_city_crs(gauss_krueger_table(), points, city, [])
except Misconfigured as fault:
    print(fault.message, fault.next_step)
"""


def gauss_krueger_table() -> Table:
    column = {"title": "x", "class": "public", "source": "geometry", "type": "geometry", "name": "ort"}
    key = {"title": "x", "class": "public", "source": "nr", "type": "string", "name": "nr"}
    return Table.model_validate(
        {
            "id": "probe", "title": "Probe", "resource": "probe", "reading": {"format": "shapefile"}, "key": ["nr"],
            "columns": [key, column],
        }
    )  # fmt: skip


def test_a_missing_grid_stops_and_names_the_package(pytestconfig: pytest.Config) -> None:
    run = subprocess.run(
        [sys.executable, "-c", HIDDEN], cwd=pytestconfig.rootpath, capture_output=True, text=True, check=True
    )
    assert "fehlt das Gitter de_adv_BETA2007.tif" in run.stdout
    assert "apt-get install proj-data" in run.stdout


def test_a_system_of_unknown_datum_is_an_error_and_no_guess(located: MakeTable, city: City) -> None:
    """A .prj without datum: the projection of Gauß-Krüger zone 3 on Bessel's ellipsoid could be any of six systems."""
    bare = "+proj=tmerc +lat_0=0 +lon_0=9 +k=1 +x_0=3500000 +y_0=0 +ellps=bessel +units=m"
    with pytest.raises(SourceUnreadable, match="keine anerkannte Umrechnung"):
        in_city_crs(located(), series(written(in_city(city), city, "EPSG:31467"), bare), city, [])


def test_seven_parameters_in_the_file_do_not_replace_the_grid(located: MakeTable, city: City) -> None:
    bound = pyproj.crs.BoundCRS(
        pyproj.CRS("EPSG:31467"),
        pyproj.CRS("EPSG:4326"),
        pyproj.crs.coordinate_operation.ToWGS84Transformation(
            pyproj.CRS("EPSG:4314"), 598.1, 73.7, 418.2, 0.202, 0.045, -2.455, 6.7
        ),
    )
    points = in_city(city)
    found = in_city_crs(located(), series(written(points, city, "EPSG:31467")).set_crs(bound), city, [])
    assert distance(found, points) < 0.01


def test_objects_that_cannot_be_converted_are_counted(located: MakeTable, city: City) -> None:
    pairs = written(in_city(city), city, "EPSG:31467")
    pairs[3] = (0, 0)
    with pytest.raises(SourceUnreadable, match="1 Objekte liegen außerhalb des Gebiets"):
        in_city_crs(located(crs="EPSG:31467"), series(pairs), city, [])


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_coordinates_that_are_no_numbers_are_counted(located: MakeTable, city: City, wrong: float) -> None:
    points = in_city(city)
    points[3, 0] = points[5, 1] = wrong
    with pytest.raises(SourceUnreadable, match="2 von 40 Objekten haben Koordinaten, die keine Zahlen sind"):
        in_city_crs(located(), series(points, city.crs), city, [])


def test_heights_are_left_out_and_counted(located: MakeTable, city: City) -> None:
    points, repairs = in_city(city), list[Repair]()
    high = gpd.GeoSeries(shapely.points(np.column_stack([points, np.full(len(points), 63.0)])), crs=city.crs)
    found = in_city_crs(located(), high, city, repairs)
    assert not found.has_z.any()
    assert [(each.kind, each.count) for each in repairs] == [("flattened", len(points))]


BOW_TIE = "POLYGON ((410000 5720000, 410100 5720100, 410100 5720000, 410000 5720100, 410000 5720000))"


def test_invalid_areas_stay_as_they_are_for_the_gate(located: MakeTable, city: City) -> None:
    found = in_city_crs(located(), gpd.GeoSeries.from_wkt([BOW_TIE], crs=city.crs), city, [])
    assert not found.is_valid.all()


def test_invalid_areas_are_repaired_and_counted_where_the_contract_says_so(located: MakeTable, city: City) -> None:
    repairs: list[Repair] = []
    given = gpd.GeoSeries.from_wkt([BOW_TIE, "POINT (410000 5720000)"], crs=city.crs)
    found = in_city_crs(located(repair_geometry=True), given, city, repairs)
    assert found.is_valid.all()
    assert list(found.geom_type) == ["MultiPolygon", "Point"]
    assert [(each.kind, each.count) for each in repairs] == [("geometry", 1)]


def test_an_area_without_extent_is_not_repaired_into_nothing(located: MakeTable, city: City) -> None:
    line = "POLYGON ((410000 5720000, 410100 5720000, 410000 5720000))"
    found = in_city_crs(
        located(repair_geometry=True), gpd.GeoSeries.from_wkt([line, line.replace("57200", "57201")], crs=city.crs),
        city, [],
    )  # fmt: skip
    assert not found.is_valid.any()
    assert not found.is_empty.any()


def test_a_table_without_any_geometry_needs_no_evidence(located: MakeTable, city: City) -> None:
    found = in_city_crs(located(), gpd.GeoSeries([None, None]), city, [])
    assert found.isna().all()
    assert found.crs == city.crs


def test_members_in_different_systems_become_one_series(located: MakeTable, city: City) -> None:
    points = in_city(city, 6)
    first = gpd.GeoSeries(shapely.points(points[::2]), index=[0, 2, 4], crs=city.crs)
    second = gpd.GeoSeries(shapely.points(written(points[1::2], city, "EPSG:31467")), index=[1, 3, 5], crs="EPSG:31467")
    together = unite(located(), [first, second], city)
    assert list(together.index) == [0, 1, 2, 3, 4, 5]
    assert distance(in_city_crs(located(), together, city, []), points) < 0.01


def test_members_without_a_system_among_others_are_an_error(located: MakeTable, city: City) -> None:
    named, bare = series(in_city(city), city.crs), series(in_city(city))
    with pytest.raises(SourceUnreadable, match="40 von 80 Objekten nennen kein"):
        unite(located(), [named, bare], city)


def test_axes_of_the_contract_cannot_hold_for_several_systems(located: MakeTable, city: City) -> None:
    with pytest.raises(SourceUnreadable, match="nur für eines"):
        unite(located(axes="north_east"), [series(in_city(city), city.crs)], city)
