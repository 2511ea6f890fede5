"""Cells of the grid: named as in the census, never with too few points, also after subtraction."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from people import make_table
from stadtdaten.faults import GateFailed
from stadtdaten.privacy.columns import published_columns
from stadtdaten.privacy.treatments.grid import NAME

CITY = "EPSG:25832"
CORNER = (4_128_000, 3_178_000)
"""East and north in LAEA: the lower left corner of a square kilometre in Westphalia."""


def points(offsets):
    """Points in the city's CRS, given as metres east and north of the corner in the grid's CRS."""
    places = [None if each is None else shapely.Point(CORNER[0] + each[0], CORNER[1] + each[1]) for each in offsets]
    return gpd.GeoSeries(places, crs="EPSG:3035").to_crs(CITY).rename("wert")


@pytest.fixture(scope="module")
def column(one_column):
    """Points that become cells of 100 m, at least three in each."""
    return one_column("geometry", {"kind": "grid", "size": 100, "minimum": 3}, "location")


def names(column, offsets):
    """The published name of each point's cell, "" for none."""
    return column.treat(points(offsets))[0]["wert_gitter"].fillna("").tolist()


def test_enough_points_of_one_cell_are_shown_with_its_official_name(column):
    treated, numbers = column.treat(points([(250, 310), (299, 399), (201, 301)]))
    assert set(treated["wert_gitter"]) == {"CRS3035RES100mN3178300E4128200"}
    square = gpd.GeoSeries(treated["wert"], crs=CITY).to_crs("EPSG:3035")
    corners = shapely.get_coordinates(square.iloc[0]).round(2)
    assert corners.min(axis=0).tolist() == [4_128_200, 3_178_300]
    assert corners.max(axis=0).tolist() == [4_128_300, 3_178_400]
    assert numbers.columns[0].changed == 3
    assert column.complaints(treated) == []


def test_too_few_points_get_a_coarser_cell_and_too_few_for_that_none(column):
    far, missing = (5500, 5500), None
    spread = names(column, [(50, 50), (450, 450), (250, 250), far, missing])
    assert spread == ["CRS3035RES500mN3178000E4128000"] * 3 + ["", ""]
    assert names(column, [(50, 50), (950, 950), (50, 950)]) == ["CRS3035RES1000mN3178000E4128000"] * 3


def test_a_single_point_is_not_shown_by_the_coarse_cell_around_a_full_one(column):
    full = [(10, 10), (20, 20), (30, 30)]
    assert names(column, [*full, (450, 450)]) == ["CRS3035RES100mN3178000E4128000"] * 3 + [""]


def test_a_coarse_size_is_never_refined(one_column):
    column = one_column("geometry", {"kind": "grid", "size": 500, "minimum": 2}, "location")
    assert names(column, [(10, 10), (20, 20)]) == ["CRS3035RES500mN3178000E4128000"] * 2


def test_a_table_without_any_place_to_show_is_published_without(column):
    for offsets in ([], [None, (10, 10)]):
        treated, numbers = column.treat(points(offsets))
        assert treated["wert"].isna().all()
        assert treated["wert_gitter"].isna().all()
        assert numbers.columns[0].left_out == max(0, len(offsets) - 1)
        assert column.complaints(treated) == []


def area(name):
    """The cell as a square in LAEA."""
    size, north, east = map(int, NAME.fullmatch(name).groups())
    return shapely.box(east, north, east + size, north + size)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 1500), st.integers(0, 1500)), min_size=1, max_size=60)
    | st.lists(st.tuples(st.sampled_from([5, 15, 105, 405, 605]), st.sampled_from([5, 105, 1105])), min_size=1)
)
def test_whoever_subtracts_cells_from_each_other_finds_no_area_with_too_few_points(column, offsets):
    offsets = [(east + 0.5, north + 0.5) for east, north in offsets]  # on no edge, which belongs to two squares here
    shown = pd.Series(names(column, offsets))
    places = shapely.points(np.array(offsets) + CORNER)
    cells = {name: area(name) for name in shown[shown != ""].unique()}
    for name, cell in cells.items():
        finer = [other for other in cells.values() if other.area < cell.area and cell.contains(other)]
        remainder = cell.difference(shapely.unary_union(finer))
        assert (shown == name).sum() >= 3
        assert shapely.intersects(remainder, places).sum() == (shown == name).sum()


@pytest.mark.parametrize("place", [(0, 0), (-3_000_000, 0), (1e9, 1e9)])
def test_a_place_beyond_the_grid_has_no_cell(column, place):
    somewhere_else = gpd.GeoSeries([shapely.Point(place)] * 3 + [shapely.Point()] * 3, crs=CITY).rename("wert")
    treated, _ = column.treat(somewhere_else)
    assert treated["wert_gitter"].isna().all() and treated["wert"].isna().all()
    assert column.complaints(treated) == []


@settings(max_examples=20, deadline=None)
@given(st.permutations(range(9)))
def test_the_order_of_the_rows_does_not_matter(column, order):
    offsets = [(10, 10), (20, 20), (30, 30), (450, 450), (440, 30), (300, 30), (900, 900), None, (10, 99)]
    straight = names(column, offsets)
    assert names(column, [offsets[place] for place in order]) == [straight[place] for place in order]


def test_a_geometry_that_is_no_point_stops_the_table(column):
    lines = gpd.GeoSeries([shapely.LineString([(0, 0), (1, 1)]), shapely.Point(1, 1)], crs=CITY).rename("wert")
    with pytest.raises(GateFailed, match="1 von 2 Geometrien"):
        column.treat(lines)


@pytest.fixture
def published(column):
    """Four points in a cell of 100 m and four around it in one of 500 m."""
    offsets = [(10, 10), (20, 20), (30, 30), (40, 40), (250, 250), (350, 350), (450, 450), (150, 150), None]
    return column.treat(points(offsets))[0]


def test_what_was_treated_passes(column, published):
    assert sorted(published["wert_gitter"].value_counts()) == [4, 4]
    assert column.complaints(published) == []


@pytest.mark.parametrize(
    "name",
    ["CRS3035RES100mN3178050E4128000", "CRS3035RES500mN3178100E4128000", "CRS3035RES10mN3178000E4128000", "Ostring 3"],
)
def test_a_name_of_no_cell_is_found(column, published, name):
    published.loc[0, "wert_gitter"] = name
    assert column.complaints(published) == ["1 von 9 Werten nennen keine Zelle des Gitters in erlaubter Größe."]


def test_an_exact_point_left_is_found(column, published):
    published.loc[0, "wert"] = points([(10, 10)])[0]
    assert column.complaints(published) == ["1 von 9 Werten zeigen einen anderen Ort als die Zelle, die sie nennen."]


def test_a_place_without_name_is_found(column, published):
    published.loc[8, "wert"] = published.loc[0, "wert"]
    assert column.complaints(published) == ["1 von 9 Werten zeigen einen anderen Ort als die Zelle, die sie nennen."]


def test_a_cell_with_too_few_rows_is_found(column, published):
    assert column.complaints(published.drop(index=[0, 1]).reset_index(drop=True)) == [
        "2 von 7 Werten liegen in Zellen mit weniger als 3 Zeilen."
    ]


def test_a_finer_cell_than_declared_is_found(one_column, published):
    coarse = one_column("geometry", {"kind": "grid", "size": 500, "minimum": 3}, "location")
    assert coarse.complaints(published) == ["4 von 9 Werten nennen keine Zelle des Gitters in erlaubter Größe."]


def test_the_names_of_the_cells_are_announced_behind_the_geometry(column, published):
    columns = published_columns(column.table)
    assert [(each.name, each.type) for each in columns] == [("wert", "geometry"), ("wert_gitter", "string")]
    assert list(published.columns) == ["wert", "wert_gitter"]
    assert published.geometry.crs == CITY


def test_a_declared_column_cannot_have_the_name_of_the_added_one(column):
    spec = {"kind": "grid", "size": 100}
    with pytest.raises(ValidationError, match="ort_gitter is added"):
        make_table(
            [
                {"name": "ort_gitter", "type": "string", "class": "public"},
                {"name": "ort", "type": "geometry", "class": "location", "treatment": spec},
            ]
        )
