"""Points on streets and blocks: what is published never depends on where exactly the point was."""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from stadtdaten.faults import GateFailed

CITY = "EPSG:25832"
WEST, EAST = shapely.LineString([(0, 0), (0, 100)]), shapely.LineString([(500, 0), (500, 100)])
BLOCK = shapely.box(200, 200, 300, 300)


@pytest.fixture
def column(one_column):
    """Points that become the middle of one of two streets or of a block, at least two in each."""
    column = one_column("geometry", {"kind": "snap", "reference": "strassen", "minimum": 2}, "location")
    return with_places(column, [WEST, EAST, BLOCK, None])


def with_places(column, places):
    """The same with other streets and blocks."""
    reference = gpd.GeoDataFrame(geometry=gpd.GeoSeries(places, crs=CITY))
    column.context = replace(column.context, references={"strassen": reference})
    return column


def points(*places):
    """Points in the city's CRS."""
    geometry = [None if place is None else shapely.Point(place) for place in places]
    return gpd.GeoSeries(geometry, crs=CITY).rename("wert")


def test_points_become_the_middle_of_their_street_or_block(column):
    treated, numbers = column.treat(points((9, 1), (-9, 99), (250, 250), (190, 250), (499, 1), None))
    shown = gpd.GeoSeries(treated["wert"])
    assert shown[:2].tolist() == [shapely.Point(0, 50)] * 2
    assert shown[2] == shown[3]
    assert BLOCK.contains(shown[2])
    assert shown[4:].isna().all(), "a street with one point, and no point"
    assert (numbers.columns[0].changed, numbers.columns[0].left_out) == (4, 1)
    assert column.complaints(treated) == []


@settings(max_examples=20, deadline=None)
@given(
    st.permutations([WEST, EAST, shapely.box(200, 900, 300, 990)]),
    st.permutations([(250, 0), (250, 50), (9, 9), (499, 9)]),
)
def test_the_order_of_streets_and_points_does_not_matter_where_two_are_equally_near(one_column, places, spots):
    column = one_column("geometry", {"kind": "snap", "reference": "strassen", "minimum": 2}, "location")
    treated, _ = with_places(column, places).treat(points(*spots))
    shown = dict(zip(spots, treated["wert"], strict=True))
    assert shown[(250, 0)] == shapely.Point(0, 50), "of two streets equally near, the western one"
    assert shown[(9, 9)] == shapely.Point(0, 50)
    assert shown[(499, 9)] is None


def test_the_middle_of_a_street_in_parts_lies_on_its_longest(column):
    parts = shapely.MultiLineString([[(0, 0), (0, 10)], [(50, 0), (50, 80)]])
    treated, _ = with_places(column, [parts]).treat(points((0, 1), (1, 1)))
    assert treated["wert"].tolist() == [shapely.Point(50, 40)] * 2


def test_a_list_without_places_stops_the_table(column):
    with pytest.raises(GateFailed, match="keine Orte"):
        with_places(column, [None]).treat(points((0, 0)))


def test_an_exact_point_left_is_found(column):
    treated, _ = column.treat(points((9, 1), (-9, 99), (3, 3)))
    treated.loc[0, "wert"] = shapely.Point(9, 1)
    assert column.complaints(treated)[0] == "1 von 3 Werten liegen nicht in der Mitte einer Straße oder eines Blocks."


def test_a_street_with_too_few_rows_is_found(column):
    treated, _ = column.treat(points((9, 1), (-9, 99)))
    assert column.complaints(treated.iloc[:1]) == ["1 von 1 Werten liegen an Orten mit weniger als 2 Zeilen."]
