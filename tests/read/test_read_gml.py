"""GML: coordinates as the source means them, text as it stands, and no feature lost."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stadtdaten.contracts import City, Table
from stadtdaten.contracts.interfaces import Limits
from stadtdaten.extract.gml_alike import count_alike, read_alike
from stadtdaten.extract.gml_page import examine
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


NOT_ALIKE = "<!-- for GDAL -->"


def page(*features: str) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?><wfs:FeatureCollection xmlns:wfs="http://www.opengis.net/wfs/2.0" '
        'xmlns:gml="http://www.opengis.net/gml/3.2" xmlns:g="urn:gruen" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="urn:gruen http://127.0.0.1:1/xsd" '
        f'numberMatched="unknown" numberReturned="{len(features)}">{"".join(features)}</wfs:FeatureCollection>'
    )


@pytest.fixture
def read_pages(tmp_path: Path, table: Callable[..., Table], city: City) -> Callable[..., ReadTable]:
    def read(*pages: str | bytes, columns: dict[str, Any] | None = None) -> ReadTable:
        files = []
        for number, text in enumerate(pages):
            file = tmp_path / f"probe.{number}.gml"
            file.write_bytes(text if isinstance(text, bytes) else text.encode())
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
        ("7.8 51.6", "EPSG:4326"),
        ("51.6 7.8", "http://www.opengis.net/def/crs/EPSG/0/4326"),
        ("51.6 7.8", "urn:x-ogc:def:crs:EPSG:6.9:4326"),
    ],
)
@pytest.mark.parametrize("alike", [True, False])
def test_degrees_are_converted_with_the_axes_their_name_says(
    read_pages: ReadPages, position: str, crs: str, alike: bool
) -> None:
    read = read_pages(page(feature(1, position, crs, "" if alike else NOT_ALIKE)))
    ((east, north),) = points(read)
    assert (east, north) == pytest.approx((416888.5, 5717232.7), abs=1)
    assert [(repair.kind, repair.column, repair.count) for repair in read.repairs] == [("reprojected", "geometrie", 1)]


def test_single_swapped_coordinates_reach_the_gate_as_swapped(read_pages: ReadPages) -> None:
    read = points(read_pages(page(feature(1, "5720000 410000"), feature(2))))
    assert read == [(5720000.0, 410000.0), (410000.0, 5720000.0)]


@pytest.mark.parametrize("split", [True, False])
def test_objects_in_several_reference_systems_are_brought_into_one_and_counted(
    read_pages: ReadPages, city: City, split: bool, tmp_path: Path
) -> None:
    features = [feature(1), feature(2, "51.6 7.8", WGS84), feature(3, "410003 5720003")]
    pages = [page(one) for one in features] if split else [page(*features)]
    read = read_pages(*pages)
    first, (east, north), third = points(read)
    assert (first, third) == ((410000.0, 5720000.0), (410003.0, 5720003.0))
    assert (east, north) == pytest.approx((416888.5, 5717232.7), abs=1)
    assert read.frame["nr"].tolist() == ["001", "002", "003"]
    assert read.frame.crs == city.crs
    assert ("reference_systems", 1) in [(repair.kind, repair.count) for repair in read.repairs]
    assert {file.name for file in tmp_path.iterdir()} == {f"probe.{number}.gml" for number in range(len(pages))}


BARE = feature(2).replace(f' srsName="{UTM}"', "")


@pytest.mark.parametrize("split", [True, False])
def test_objects_some_of_which_name_no_reference_system_are_an_error(read_pages: ReadPages, split: bool) -> None:
    pages = [page(feature(1)), page(BARE)] if split else [page(feature(1), BARE)]
    with pytest.raises(SourceUnreadable, match="1 von 2 Objekten nennen kein Koordinatenreferenzsystem"):
        read_pages(*pages)


def test_a_reply_without_any_reference_system_is_placed_by_evidence(read_pages: ReadPages) -> None:
    read = read_pages(page(BARE))
    assert points(read) == [(410000.0, 5720000.0)]
    assert [(repair.kind, repair.nature) for repair in read.repairs] == [("crs", "detected")]


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


WORDS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=8
)


def written(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.one_of(st.none(), WORDS, WORDS.map(lambda text: f"  {text} ")),
            st.one_of(st.none(), st.sampled_from(["1.5", "-2", "3e2", ""])),
            st.booleans(),
        ),
        min_size=1,
        max_size=6,
    ),
    st.sampled_from(["", "\n  ", "\r\n"]),
    st.sampled_from(["UTF-8", "ISO-8859-1"]),
)
def test_pages_read_by_pattern_are_what_gdal_reads(
    read_pages: ReadPages, rows: list[tuple[str | None, str | None, bool]], between: str, encoding: str
) -> None:
    features = []
    for number, (note, height, located) in enumerate(rows):
        text = feature(number).replace("<g:notiz/>", "" if note is None else f"<g:notiz>{written(note)}</g:notiz>")
        text = text.replace("<g:hoehe>12.50</g:hoehe>", "" if height is None else f"<g:hoehe>{height}</g:hoehe>")
        if not located and number:
            text = re.sub("<g:geom>.*</g:geom>", "", text)
        features.append(text.replace("><", f">{between}<"))
    head = "<g:notiz/>"
    features.insert(0, feature(99, more="").replace(head, "<g:notiz>x</g:notiz>"))
    whole = page(*features)
    try:
        content = whole.replace("UTF-8", encoding).encode(encoding)
    except UnicodeEncodeError:
        content = whole.encode()
    fast = read_pages(content)
    slow = read_pages(content.replace(b"<g:nr>0099", b"<!-- for GDAL --><g:nr>0099"))
    assert fast.frame.equals(slow.frame)
    assert (fast.repairs, fast.drift) == (slow.repairs, slow.drift)


def test_the_pattern_finds_the_facts_that_a_parser_finds(tmp_path: Path) -> None:
    corner = "<gml:lowerCorner>1 2</gml:lowerCorner>"
    extent = f'<gml:boundedBy><gml:Envelope srsName="{UTM}">{corner}</gml:Envelope></gml:boundedBy>'
    features = [
        feature(1),
        feature(2, more=extent),
        feature(3, more="<g:neu>a</g:neu>").replace("<g:hoehe>12.50</g:hoehe>", ""),
    ]
    file = tmp_path / "probe.gml"
    file.write_text(page(*features), encoding="utf-8")
    found = count_alike(file, "probe", Limits())
    facts = examine(file, "probe", Limits())
    assert found is not None
    for name in ("version", "features", "ids", "properties", "nested", "repeated", "types", "matched", "returned"):
        assert getattr(found, name) == getattr(facts, name), name
    assert found.properties == {"nr", "hoehe", "am", "notiz", "neu", "geom"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<g:nr>002", "<!-- --><g:nr>002"),
        ("<g:nr>002", "text<g:nr>002"),
        ("<g:nr>002", "<g:nr><![CDATA[002]]>"),
        ("<g:nr>002", "<g:nr>&#48;02"),
        ("<g:nr>002", "<g:nr>]]>02"),
        ("<g:nr>002", "<g:nr>\x0102"),
        ("<g:nr>002</g:nr>", "<g:nr>002</g:nr><g:nr>002</g:nr>"),
        ("<g:nr>002</g:nr>", "<g:nr>002</g:am>"),
        ('gml:id="baum.2"', 'gml:id="baum.2" gml:id="baum.2"'),
        ('gml:id="baum.2"', 'gml:id="baum.2" fid="b"'),
        ("</wfs:member><wfs:member>", "</wfs:member>x<wfs:member>"),
        ("</wfs:member><wfs:member>", "</wfs:member><wfs:other/><wfs:member>"),
        (
            "<gml:pos>410000 5720000</gml:pos></gml:Point></g:geom></g:baum></wfs:member></wfs",
            "<gml:pos/></gml:Point></g:geom></g:baum></wfs:member></wfs",
        ),
        ("</wfs:FeatureCollection>", ""),
        ("<?xml", "<!DOCTYPE x><?xml"),
        ('xmlns:gml="http://www.opengis.net/gml/3.2"', 'xmlns:gml="urn:other"'),
    ],
)
def test_a_page_that_is_out_of_the_ordinary_is_not_read_by_pattern(tmp_path: Path, old: str, new: str) -> None:
    text = page(feature(1), feature(2))
    assert old in text
    file = tmp_path / "probe.gml"
    file.write_text(text, encoding="utf-8")
    assert read_alike(file, "probe", Limits()) is not None
    file.write_text(text.replace(old, new), encoding="utf-8")
    assert read_alike(file, "probe", Limits()) is None


@pytest.mark.parametrize("more", ["", NOT_ALIKE])
def test_gml_in_latin_1_is_read_as_its_prolog_says(read_pages: ReadPages, more: str) -> None:
    text = (
        page(feature(1, more=more)).replace("<g:notiz/>", "<g:notiz>Süd-Ost</g:notiz>").replace("UTF-8", "ISO-8859-1")
    )
    assert read_pages(text.encode("latin-1")).frame["notiz"].tolist() == ["Süd-Ost"]


def test_latin_1_that_claims_to_be_utf_8_is_told_as_such(read_pages: ReadPages) -> None:
    text = page(feature(1)).replace("<g:notiz/>", "<g:notiz>Süd-Ost</g:notiz>")
    with pytest.raises(SourceUnreadable, match="nicht in der Kodierung geschrieben, die sie nennt"):
        read_pages(text.encode("latin-1"))


GML31 = (
    '<wfs:FeatureCollection xmlns:wfs="http://www.opengis.net/wfs" xmlns:gml="http://www.opengis.net/gml" '
    'xmlns:g="urn:gruen" numberOfFeatures="2">{}</wfs:FeatureCollection>'
)


@pytest.mark.parametrize("together", [True, False])
def test_gml_3_1_is_read_with_one_member_for_each_feature_or_for_all(read_pages: ReadPages, together: bool) -> None:
    features = [feature(number, "7.8 51.6", "EPSG:4326") for number in (1, 2)]
    if together:
        inner = "".join(each.removeprefix("<wfs:member>").removesuffix("</wfs:member>") for each in features)
        text = GML31.format(f"<gml:featureMembers>{inner}</gml:featureMembers>")
    else:
        text = GML31.format("".join(features).replace("wfs:member", "gml:featureMember"))
    read = read_pages(text)
    assert read.frame["nr"].tolist() == ["001", "002"]
    assert points(read)[0] == pytest.approx((416888.5, 5717232.7), abs=1)


@pytest.mark.parametrize("form", ["element", "type", "extended"])
def test_a_property_that_is_empty_everywhere_is_known_from_the_schema(
    read_pages: ReadPages, tmp_path: Path, form: str
) -> None:
    inner = '<x:sequence><x:element name="{}" type="x:string"/></x:sequence>'
    hoehe, other = inner.format("hoehe"), inner.format("fremd")
    body = {
        "element": f'<x:element name="baum"><x:complexType>{hoehe}</x:complexType></x:element>',
        "type": f'<x:element name="baum" type="g:T"/><x:complexType name="T">{hoehe}</x:complexType>',
        "extended": '<x:element name="baum" type="g:T"/><x:complexType name="T"><x:complexContent>'
        f'<x:extension base="g:B"/></x:complexContent></x:complexType><x:complexType name="B">{hoehe}</x:complexType>',
    }[form]
    bare = feature(1).replace("<g:hoehe>12.50</g:hoehe>", "")
    schema = tmp_path / "probe.xsd"
    schema.write_text(f'<x:schema xmlns:x="http://www.w3.org/2001/XMLSchema">{body}</x:schema>', encoding="utf-8")
    read = read_pages(page(bare))
    assert read.frame["hoehe"].isna().all()
    assert read.drift == ()
    foreign = body.replace("hoehe", "fremd") + f'<x:complexType name="other">{hoehe}</x:complexType>' + other
    schema.write_text(f'<x:schema xmlns:x="http://www.w3.org/2001/XMLSchema">{foreign}</x:schema>', encoding="utf-8")
    with pytest.raises(SchemaChanged, match="hoehe"):
        read_pages(page(bare))


def test_a_cell_longer_than_allowed_is_an_error_without_its_text(
    tmp_path: Path, table: Callable[..., Table], city: City
) -> None:
    file = tmp_path / "probe.gml"
    file.write_text(page(feature(1).replace("<g:notiz/>", f"<g:notiz>{'lang ' * 30}</g:notiz>")), encoding="utf-8")
    with pytest.raises(SourceUnreadable, match=r"„notiz“: Eine Zelle hat 150 Zeichen") as caught:
        read_table(table({"format": "gml"}, COLUMNS), (file,), city, Limits(cell=149))
    assert "lang" not in caught.value.message


def test_elements_nested_too_deep_are_an_error(tmp_path: Path, table: Callable[..., Table], city: City) -> None:
    file = tmp_path / "probe.gml"
    deep = "<g:a>" * 300 + "</g:a>" * 300
    file.write_text(page(feature(1).replace("<g:notiz/>", f"<g:notiz>{deep}</g:notiz>")), encoding="utf-8")
    with pytest.raises(SourceUnreadable, match="tiefer geschachtelt als 100 Ebenen"):
        read_table(table({"format": "gml"}, COLUMNS), (file,), city, Limits())
