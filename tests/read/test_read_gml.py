"""GML: coordinates as the source means them, text as it stands, and no feature lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stadtdaten.contracts import City, Table
from stadtdaten.contracts.interfaces import Limits
from stadtdaten.faults import SchemaChanged, SourceUnreadable
from stadtdaten.read import ReadTable, read_table

COLUMNS: dict[str, Any] = {
    "nr": "string", "hoehe": "number", "am": "date", "notiz": "string",
    "geometrie": {"type": "geometry", "source": "geom"},
}  # fmt: skip
UTM = "urn:ogc:def:crs:EPSG::25832"
WGS84 = "urn:ogc:def:crs:EPSG::4326"


def feature(number: int, position: str = "410000 5720000", crs: str = UTM, more: str = "") -> str:
    return (
        f'<wfs:member><g:baum gml:id="baum.{number}"><g:nr>00{number}</g:nr><g:hoehe>12.50</g:hoehe>'
        f"<g:am>2026-02-01</g:am><g:notiz/>{more}<g:geom>"
        f'<gml:Point gml:id="p.{number}" srsName="{crs}"><gml:pos>{position}</gml:pos></gml:Point>'
        "</g:geom></g:baum></wfs:member>"
    )


def page(*features: str) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?><wfs:FeatureCollection xmlns:wfs="http://www.opengis.net/wfs/2.0" '
        'xmlns:gml="http://www.opengis.net/gml/3.2" xmlns:g="urn:gruen" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="urn:gruen http://127.0.0.1:1/xsd" '
        f'numberMatched="unknown" numberReturned="{len(features)}">{"".join(features)}</wfs:FeatureCollection>'
    )


@pytest.fixture
def read_pages(tmp_path: Path, table: Callable[..., Table], city: City) -> Callable[..., ReadTable]:
    def read(*pages: str, columns: dict[str, Any] | None = None) -> ReadTable:
        files = []
        for number, text in enumerate(pages):
            file = tmp_path / f"probe.{number}.gml"
            file.write_text(text, encoding="utf-8")
            files.append(file)
        return read_table(table({"format": "gml"}, columns or COLUMNS), tuple(files), city, Limits())

    return read


ReadPages = Callable[..., ReadTable]


def points(read: ReadTable) -> list[tuple[float, ...]]:
    return [tuple(round(value, 4) for value in point.coords[0]) for point in read.frame.geometry]


def test_all_pages_become_one_frame(read_pages: ReadPages, city: City, tmp_path: Path) -> None:
    read = read_pages(page(feature(1), feature(2)), page(feature(3, "410003.5 5720003")))
    assert read.frame["nr"].tolist() == ["001", "002", "003"]
    assert read.frame["hoehe"].tolist() == [12.5] * 3
    assert read.frame["am"].dtype == "datetime64[us]"
    assert read.frame["notiz"].isna().all()
    assert read.frame.crs == city.crs
    assert read.frame.index.tolist() == [0, 1, 2]
    assert points(read) == [(410000.0, 5720000.0), (410000.0, 5720000.0), (410003.5, 5720003.0)]
    assert read.repairs == () and read.drift == ()
    assert {file.suffix for file in tmp_path.iterdir()} == {".gml"}


@pytest.mark.parametrize(
    ("position", "crs"),
    [
        ("51.6 7.8", WGS84),
        ("7.8 51.6", "urn:ogc:def:crs:OGC:1.3:CRS84"),
        ("7.8 51.6", "http://www.opengis.net/gml/srs/epsg.xml#4326"),
    ],
)
def test_degrees_are_converted_with_the_axes_their_name_says(read_pages: ReadPages, position: str, crs: str) -> None:
    read = read_pages(page(feature(1, position, crs)))
    ((east, north),) = points(read)
    assert (east, north) == pytest.approx((416888.5, 5717232.7), abs=1)
    assert [(repair.kind, repair.column, repair.count) for repair in read.repairs] == [("reprojected", "geometrie", 1)]


def test_single_swapped_coordinates_reach_the_gate_as_swapped(read_pages: ReadPages) -> None:
    read = points(read_pages(page(feature(1, "5720000 410000"), feature(2))))
    assert read == [(5720000.0, 410000.0), (410000.0, 5720000.0)]


@pytest.mark.parametrize("split", [True, False])
def test_reference_systems_that_change_are_an_error(read_pages: ReadPages, split: bool) -> None:
    features = [feature(1), feature(2, "51.6 7.8", WGS84)]
    pages = [page(one) for one in features] if split else [page(*features)]
    with pytest.raises(SourceUnreadable, match="Koordinatenreferenzsystem"):
        read_pages(*pages)


def test_a_missing_reference_system_is_an_error(read_pages: ReadPages) -> None:
    with pytest.raises(SourceUnreadable, match="Koordinatenreferenzsystem"):
        read_pages(page(feature(1).replace(f' srsName="{UTM}"', "")))


def test_a_layer_without_features_is_an_error(read_pages: ReadPages) -> None:
    with pytest.raises(SourceUnreadable, match="keine Objekte"):
        read_pages(page())


def test_a_truncated_page_is_an_error(read_pages: ReadPages) -> None:
    with pytest.raises(SourceUnreadable, match="kein vollständiges XML"):
        read_pages(page(feature(1), feature(2))[:-40])


def test_a_feature_on_two_pages_is_an_error(read_pages: ReadPages) -> None:
    with pytest.raises(SourceUnreadable, match="1 Objekte kommen auf mehreren Seiten"):
        read_pages(page(feature(1), feature(2)), page(feature(2)))


def test_another_feature_type_among_the_features_is_an_error(read_pages: ReadPages) -> None:
    with pytest.raises(SourceUnreadable, match="mehrere Objekttypen"):
        read_pages(page(feature(1), feature(2).replace("g:baum", "g:bank")))


def test_a_property_that_is_gone_is_named_together_with_the_new_one(read_pages: ReadPages) -> None:
    with pytest.raises(SchemaChanged, match=r"Spalten: hoehe\. Nicht erklärt sind: hoehe_m"):
        read_pages(page(feature(1).replace("g:hoehe", "g:hoehe_m")))


def test_a_geometry_that_is_gone_is_a_changed_schema(read_pages: ReadPages) -> None:
    with pytest.raises(SchemaChanged, match="geom"):
        read_pages(page(feature(1).replace("g:geom", "g:lage")))


def test_a_new_property_is_reported_also_if_it_is_empty(read_pages: ReadPages) -> None:
    assert read_pages(page(feature(1, more="<g:neu/>"))).drift == ("neu",)


def test_a_property_missing_on_one_page_is_missing_there_only(read_pages: ReadPages) -> None:
    read = read_pages(page(feature(1).replace("<g:hoehe>12.50</g:hoehe>", "")), page(feature(2)))
    assert read.frame["hoehe"].isna().tolist() == [True, False]


def test_a_page_without_any_geometry_has_missing_ones(read_pages: ReadPages, city: City) -> None:
    bare = "<wfs:member>" + feature(2).partition("<wfs:member>")[2]
    bare = bare[: bare.index("<g:geom>")] + bare[bare.index("</g:geom>") + len("</g:geom>") :]
    read = read_pages(page(feature(1)), page(bare))
    assert read.frame.geometry.isna().tolist() == [False, True]
    assert read.frame.crs == city.crs
    with pytest.raises(SchemaChanged, match="geom"):
        read_pages(page(bare))


def test_nested_values_are_an_error(read_pages: ReadPages) -> None:
    with pytest.raises(SourceUnreadable, match=r"notiz.*verschachtelt"):
        read_pages(page(feature(1).replace("<g:notiz/>", "<g:notiz><g:text>x</g:text></g:notiz>")))


ARC = (
    f'<gml:Curve gml:id="k.1" srsName="{UTM}"><gml:segments><gml:Arc><gml:posList>410000 5720000 410001 5720001 '
    "410002 5720000</gml:posList></gml:Arc></gml:segments></gml:Curve>"
)
OPEN_RING = (
    f'<gml:Polygon gml:id="k.1" srsName="{UTM}"><gml:exterior><gml:LinearRing><gml:posList>410000 5720000 410010 '
    "5720000 410010 5720010</gml:posList></gml:LinearRing></gml:exterior></gml:Polygon>"
)


@pytest.mark.filterwarnings("ignore:Non closed ring detected")
@pytest.mark.parametrize("shape", [ARC, OPEN_RING])
def test_a_shape_that_no_published_format_can_hold_is_an_error(read_pages: ReadPages, shape: str) -> None:
    point = f'<gml:Point gml:id="p.1" srsName="{UTM}"><gml:pos>410000 5720000</gml:pos></gml:Point>'
    with pytest.raises(SourceUnreadable, match="Kreisbögen oder Ringe"):
        read_pages(page(feature(1).replace(point, shape)))


@pytest.mark.parametrize("again", ["<g:nr>009</g:nr>", "<g:Nr>009</g:Nr>", "<gml:nr>009</gml:nr>"])
def test_a_property_that_a_feature_has_twice_is_an_error_without_the_value(read_pages: ReadPages, again: str) -> None:
    with pytest.raises(SourceUnreadable, match="„nr“: Die Quelle liefert mehrere Angaben") as caught:
        read_pages(page(feature(1), feature(2, more=again)))
    assert "009" not in caught.value.message
