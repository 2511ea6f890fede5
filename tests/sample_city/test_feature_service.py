"""The WFS: what OGC clients get, at the borders of its pages and for requests it does not serve."""

from __future__ import annotations

import subprocess
import sys
from xml.etree import ElementTree

import pytest
import requests

from samplecity.city import SampleCity

WFS, GML, GRUEN = (
    "{http://www.opengis.net/wfs/2.0}", "{http://www.opengis.net/gml/3.2}", "{https://geodaten.example/gruen}",
)  # fmt: skip


def ask(standing_city: SampleCity, **parameters: str | int) -> requests.Response:
    asked = {"service": "WFS", "version": "2.0.0", "request": "GetFeature", "typeNames": "gruen:spielplaetze"}
    return requests.get(standing_city.url("spielplaetze"), params={**asked, **parameters}, timeout=60)


def collection(standing_city: SampleCity, **parameters: str | int) -> ElementTree.Element:
    answer = ask(standing_city, **parameters)
    assert answer.status_code == 200, answer.text
    return ElementTree.fromstring(answer.content)


@pytest.mark.parametrize(
    ("start", "count", "returned", "has_previous", "has_next"),
    [
        (0, 50, 50, False, True),
        (150, 50, 10, True, False),
        (110, 50, 50, True, False),
        (159, 1, 1, True, False),
        (160, 50, 0, True, False),
        (0, 160, 160, False, False),
        (0, 159, 159, False, True),
        (0, 1, 1, False, True),
        (0, 0, 0, False, False),
    ],
)
def test_pages_at_their_borders(
    standing_city: SampleCity, start: int, count: int, returned: int, has_previous: bool, has_next: bool
) -> None:
    page = collection(standing_city, startIndex=start, count=count)

    assert page.get("numberMatched") == "160"
    assert page.get("numberReturned") == str(returned) == str(len(page.findall(f"{WFS}member")))
    assert ("previous" in page.attrib, "next" in page.attrib) == (has_previous, has_next)


@pytest.mark.parametrize("size", [50, 53, 160])
def test_following_next_gives_every_feature_once(standing_city: SampleCity, size: int) -> None:
    ids = []
    page = collection(standing_city, count=size)
    while True:
        ids += [member[0].get(f"{GML}id") for member in page.findall(f"{WFS}member")]
        if "next" not in page.attrib:
            break
        page = ElementTree.fromstring(requests.get(page.get("next"), timeout=60).content)
    assert ids == [f"spielplaetze.{number}" for number in range(1, 161)]


def test_hits_count_without_features(standing_city: SampleCity) -> None:
    answer = collection(standing_city, resultType="hits")
    assert (answer.get("numberMatched"), answer.get("numberReturned"), len(answer)) == ("160", "0", 0)


def test_points_are_metres_east_before_north_in_25832(standing_city: SampleCity) -> None:
    point = collection(standing_city, count=1).find(f".//{GML}Point")
    east, north = map(float, point.find(f"{GML}pos").text.split())
    assert point.get("srsName") == "urn:ogc:def:crs:EPSG::25832"
    assert 402_000 < east < 427_000 and 5_714_000 < north < 5_736_000


def test_a_missing_value_has_no_element(standing_city: SampleCity) -> None:
    features = collection(standing_city).findall(f".//{GRUEN}spielplaetze")
    without = [feature for feature in features if feature.find(f"{GRUEN}geaendert") is None]
    assert 0 < len(without) < len(features) / 2


def test_parameter_names_do_not_depend_on_case(standing_city: SampleCity) -> None:
    address = standing_city.url(
        "spielplaetze?SERVICE=WFS&REQUEST=GetFeature&TYPENAMES=gruen:spielplaetze&STARTINDEX=2&COUNT=1"
    )
    page = ElementTree.fromstring(requests.get(address, timeout=60).content)
    assert page.find(f".//{GRUEN}spielplaetze").get(f"{GML}id") == "spielplaetze.3"


@pytest.mark.parametrize(
    ("parameters", "code", "locator"),
    [
        ({"typeNames": "gruen:hecken"}, "InvalidParameterValue", "typeNames"),
        ({"typeNames": ""}, "MissingParameterValue", "typeNames"),
        ({"count": "-1"}, "InvalidParameterValue", "count"),
        ({"startIndex": "zwei"}, "InvalidParameterValue", "startindex"),
        ({"srsName": "EPSG:4326"}, "InvalidParameterValue", "srsName"),
        ({"resultType": "alles"}, "InvalidParameterValue", "resultType"),
        ({"version": "1.1.0"}, "VersionNegotiationFailed", "version"),
        ({"service": "WMS"}, "InvalidParameterValue", "service"),
        ({"request": "Transaction"}, "OperationNotSupported", "request"),
        ({"request": ""}, "MissingParameterValue", "request"),
        ({"bbox": "1,2,3,4"}, "OptionNotSupported", "bbox"),
    ],
)
def test_what_cannot_be_served_is_an_exception_report(
    standing_city: SampleCity, parameters: dict[str, str], code: str, locator: str
) -> None:
    answer = ask(standing_city, **parameters)
    exception = ElementTree.fromstring(answer.content)[0]
    assert answer.status_code == 400
    assert (exception.get("exceptionCode"), exception.get("locator")) == (code, locator)


def test_gdal_reads_the_service_as_a_client_of_its_own(standing_city: SampleCity) -> None:
    # In a process of its own: GDAL keeps Python waiting while it reads, and with it the server in this process.
    program = (
        "import pyogrio; frame = pyogrio.read_dataframe('WFS:{}', layer='gruen:baeume');"
        "print(len(frame), frame.crs.to_epsg(), frame['baum_id'].nunique(), frame['hoehe_m'].dtype)"
    ).format(standing_city.url("baumkataster"))
    read = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert read.stdout.split() == ["2400", "25832", "2400", "float64"]
