"""The source systems over their real protocols, in order and out of order."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import requests
import sqlalchemy as sa

from samplecity.city import SampleCity
from samplecity.delivery import advance
from samplecity.faults import DataFault
from samplecity.offers import Web, database_path
from samplecity.systems import SYSTEMS
from stadtdaten.contracts import load_contract

CONTRACTS = Path(__file__).resolve().parents[2] / "include" / "contracts"
GAUGES = "umweltmessnetz/pegel/tageswerte.csv"


@pytest.mark.parametrize("header", [("ETag", "If-None-Match"), ("Last-Modified", "If-Modified-Since")])
def test_a_client_with_the_current_copy_gets_304(city: SampleCity, header: tuple[str, str]) -> None:
    first = requests.get(city.url(GAUGES), timeout=60)
    again = requests.get(city.url(GAUGES), headers={header[1]: first.headers[header[0]]}, timeout=60)

    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]


def test_an_old_tag_gets_the_file_even_with_a_current_date(city: SampleCity) -> None:
    date = requests.get(city.url(GAUGES), timeout=60).headers["Last-Modified"]
    answer = requests.get(city.url(GAUGES), headers={"If-None-Match": '"old"', "If-Modified-Since": date}, timeout=60)
    assert answer.status_code == 200 and len(answer.content) > 100_000


def test_an_unreadable_date_is_ignored(city: SampleCity) -> None:
    assert requests.get(city.url(GAUGES), headers={"If-Modified-Since": "gestern"}, timeout=60).status_code == 200


def test_the_next_night_needs_no_restart_and_keeps_the_other_sources_byte_for_byte(city: SampleCity) -> None:
    addresses = {
        "gauges": city.url(GAUGES),
        "playgrounds": city.url("spielplaetze?service=WFS&request=GetFeature&typeNames=gruen:spielplaetze"),
        "trees": city.url("baumkataster?service=WFS&request=GetFeature&typeNames=gruen:baeume"),
    }
    first = {name: requests.get(address, timeout=60) for name, address in addresses.items()}
    advance(city.var, 2)
    second = {name: requests.get(address, timeout=60) for name, address in addresses.items()}

    changed = {name for name in addresses if first[name].content != second[name].content}
    assert changed == {"trees"}
    assert first["gauges"].headers["ETag"] == second["gauges"].headers["ETag"]


def test_the_database_answers_through_sqlalchemy(city: SampleCity) -> None:
    engine = sa.create_engine(f"sqlite:///{database_path(city.var, 'einwohnerstatistik')}")
    with engine.connect() as connection:
        rows, persons = connection.execute(sa.text("SELECT count(*), sum(anzahl) FROM einwohner")).one()
    engine.dispose()
    assert (rows, persons) == (11520, 179861)


def test_the_database_is_the_same_after_a_restart(city: SampleCity) -> None:
    def content() -> list[str]:
        with closing(sqlite3.connect(database_path(city.var, "einwohnerstatistik"))) as database:
            return list(database.iterdump())

    before = content()
    city.disturb("einwohnerstatistik", "duplicate_key")
    changed = content()
    city.disturb("einwohnerstatistik", None)
    assert content() == before != changed


def test_every_source_column_of_the_contracts_is_delivered(city: SampleCity) -> None:
    header = requests.get(city.url(GAUGES), timeout=60).text.split("\n")[0].split(",")
    with closing(sqlite3.connect(database_path(city.var, "einwohnerstatistik"))) as database:
        columns = [row[1] for row in database.execute("PRAGMA table_info(einwohner)")]
    described = {
        source: requests.get(city.url(f"{source}?service=WFS&version=2.0.0&request=DescribeFeatureType"), timeout=60)
        for source in ("spielplaetze", "baumkataster")
    }

    def declared(source: str) -> list[str]:
        return [column.source for column in load_contract(CONTRACTS / f"{source}.yaml").datasets[0].tables[0].columns]

    assert header == declared("umweltmessnetz")
    assert columns == declared("einwohnerstatistik")
    for source, answer in described.items():
        assert all(f'name="{column}"' in answer.text for column in declared(source))


def test_a_connection_cut_in_the_middle_is_noticed_by_the_client(city: SampleCity) -> None:
    city.disturb("umweltmessnetz", "cut")
    with pytest.raises((requests.exceptions.ChunkedEncodingError, requests.exceptions.ConnectionError)):
        requests.get(city.url(GAUGES), timeout=60)


def test_a_slow_source_makes_the_client_wait(city: SampleCity) -> None:
    city.disturb("umweltmessnetz", "slow")
    with pytest.raises(requests.exceptions.ConnectionError, match="Read timed out"):
        requests.get(city.url(GAUGES), timeout=0.3)


def test_half_a_file_is_a_complete_answer(city: SampleCity) -> None:
    whole = requests.get(city.url(GAUGES), timeout=60).content
    city.disturb("umweltmessnetz", "half_file")
    answer = requests.get(city.url(GAUGES), timeout=60)
    assert answer.status_code == 200 and answer.content == whole[: len(whole) // 2]


def test_a_disturbed_source_does_not_answer_304(city: SampleCity) -> None:
    tag = requests.get(city.url(GAUGES), timeout=60).headers["ETag"]
    city.disturb("umweltmessnetz", "html")
    answer = requests.get(city.url(GAUGES), headers={"If-None-Match": tag}, timeout=60)
    assert answer.status_code == 200 and answer.text.startswith("<!DOCTYPE html>")


@pytest.mark.parametrize(("fault", "status"), [("status_500", 500), ("status_403", 403), ("empty", 200)])
def test_an_answer_without_data(city: SampleCity, fault: str, status: int) -> None:
    city.disturb("umweltmessnetz", fault)
    answer = requests.get(city.url(GAUGES), timeout=60)
    assert answer.status_code == status and b"Westtuennen" not in answer.content


def test_right_bytes_under_a_wrong_name(city: SampleCity) -> None:
    city.disturb("umweltmessnetz", "wrong_content_type")
    answer = requests.get(city.url(GAUGES), timeout=60)
    assert answer.headers["Content-Type"].startswith("text/html") and answer.text.startswith("Name,Datum")


def test_an_exception_report_comes_with_status_200(city: SampleCity) -> None:
    city.disturb("baumkataster", "exception_report")
    answer = requests.get(city.url("baumkataster?request=GetFeature&typeNames=gruen:baeume"), timeout=60)
    assert answer.status_code == 200 and "ExceptionReport" in answer.text


@pytest.mark.parametrize(
    ("fault", "lines", "header"),
    [
        ("column_gone", 2178, "Name,Minimum,Maximum,Mittelwert,Zeitpunkt_Maximum"),
        ("new_column", 2178, "Name,Datum,Minimum,Maximum,Mittelwert,Zeitpunkt_Maximum,neue_spalte"),
        ("ninety_percent_lost", 219, "Name,Datum,Minimum,Maximum,Mittelwert,Zeitpunkt_Maximum"),
        ("duplicate_key", 2179, "Name,Datum,Minimum,Maximum,Mittelwert,Zeitpunkt_Maximum"),
        ("no_rows", 1, "Name,Datum,Minimum,Maximum,Mittelwert,Zeitpunkt_Maximum"),
    ],
)
def test_spoilt_data_arrives_as_a_file(city: SampleCity, fault: DataFault, lines: int, header: str) -> None:
    city.disturb("umweltmessnetz", fault)
    delivered = requests.get(city.url(GAUGES), timeout=60).text.splitlines()
    assert (len(delivered), delivered[0]) == (lines, header)


@pytest.mark.parametrize(("fault", "rows"), [("no_rows", 0), ("ninety_percent_lost", 1152), ("duplicate_key", 11521)])
def test_spoilt_data_arrives_in_the_database(city: SampleCity, fault: DataFault, rows: int) -> None:
    city.disturb("einwohnerstatistik", fault)
    with closing(sqlite3.connect(database_path(city.var, "einwohnerstatistik"))) as database:
        assert database.execute("SELECT count(*) FROM einwohner").fetchone() == (rows,)


def test_a_fault_ends_and_touches_no_other_source(city: SampleCity) -> None:
    city.disturb("spielplaetze", "html")
    assert requests.get(city.url(GAUGES), timeout=60).text.startswith("Name,")
    city.disturb("spielplaetze", None)
    assert requests.get(city.url("spielplaetze?request=GetCapabilities"), timeout=60).text.startswith("<?xml")


def test_the_switch_can_be_turned_over_http(city: SampleCity) -> None:
    answer = requests.post(city.url("_stoerung"), json={"source": "umweltmessnetz", "fault": "status_500"}, timeout=60)
    assert answer.status_code == 200
    assert requests.get(city.url(GAUGES), timeout=60).status_code == 500


@pytest.mark.parametrize(
    "body",
    [
        {"source": "umweltmessnetz", "fault": "htm"},
        {"source": "umweltmesnetz", "fault": "html"},
        {"source": "kfz_bestand", "fault": "html"},
        {"source": "umweltmessnetz"},
    ],
)
def test_a_fault_that_cannot_be_is_refused(city: SampleCity, body: dict[str, str]) -> None:
    assert requests.post(city.url("_stoerung"), json=body, timeout=60).status_code == 400
    assert requests.get(city.url(GAUGES), timeout=60).status_code == 200


def test_a_form_of_a_foreign_page_cannot_turn_the_switch(city: SampleCity) -> None:
    answer = requests.post(
        city.url("_stoerung"), data='{"source": "umweltmessnetz", "fault": "html"}',
        headers={"Content-Type": "text/plain"}, timeout=60,
    )  # fmt: skip
    assert answer.status_code == 405


def test_a_real_file_is_served_with_its_own_tag(city: SampleCity, tmp_path: Path) -> None:
    file = tmp_path / "schulen.csv"
    file.write_bytes("Name;Straße\n".encode("cp1252"))
    address = city.serve_file(file, "schulen/schulen.csv")

    first = requests.get(address, timeout=60)
    assert first.content == file.read_bytes() and first.headers["Content-Type"] == "text/csv"
    assert requests.get(address, headers={"If-None-Match": first.headers["ETag"]}, timeout=60).status_code == 304
    file.write_bytes(b"Name\n")
    assert requests.get(address, headers={"If-None-Match": first.headers["ETag"]}, timeout=60).content == b"Name\n"
    city.disturb("schulen", "status_403")
    assert requests.get(address, timeout=60).status_code == 403


def test_what_is_not_there_is_404(city: SampleCity) -> None:
    for path in ("umweltmessnetz", "umweltmessnetz/pegel", "einwohnerstatistik", "../etc/passwd", "spielplaetze/x"):
        assert requests.get(city.url(path), timeout=60).status_code == 404


def test_the_start_page_leads_to_every_source(standing_city: SampleCity) -> None:
    page = requests.get(standing_city.url(), timeout=60).text
    assert all(source in page for source in SYSTEMS)
    links = re.findall(r'href="([^"]+)"', page)
    assert len(links) == sum(isinstance(offer, Web) for system in SYSTEMS.values() for offer in system.offers)
    for link in links:
        status = requests.get(standing_city.url() + link.replace("&amp;", "&"), timeout=60).status_code
        assert status == (401 if "maengelmelder" in link else 200)  # that register wants a key
