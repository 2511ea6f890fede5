"""Dropped files through the whole pipeline: the weather stations by FTP, the budget by SFTP, in good nights and bad."""

from __future__ import annotations

import pytest

from installation import Site
from samplecity.faults import Fault
from samplecity.offers import drop_folder
from stadtdaten.contracts import load_contract
from stadtdaten.frames import Repair

WEATHER, GAUGES = "wetterdaten", "pegelstaende"


@pytest.fixture
def site(whole_site: Site) -> Site:
    """The whole installation; a file has settled after a second."""
    whole_site.edit(
        "include/contracts/umweltmessnetz.yaml",
        "connection: umweltmessnetz_ablage",
        "connection: umweltmessnetz_ablage, settle: 1",
    )
    return whole_site


def repairs(site: Site) -> dict[str, Repair]:
    live = site.run("umweltmessnetz").live(WEATHER)
    assert live is not None
    return {f"{repair.kind} {repair.column}".strip(): repair for repair in live.locks["stundenwerte"].repairs}


def test_files_of_several_stations_become_one_table_with_corrections_and_both_double_hours(site: Site) -> None:
    assert site.refresh("umweltmessnetz") == {GAUGES: None, WEATHER: None}
    live = site.run("umweltmessnetz").live(WEATHER)
    assert live is not None
    lock = live.locks["stundenwerte"]
    assert (lock.rows, len(lock.files), lock.drift) == (1083, 46, ("Akku [V]",))
    told = repairs(site)
    assert told["double_hour zeitpunkt"].count == 6
    assert told["corrected"].count == 6
    assert told["alias Lufttemperatur [°C]"].nature == "assumed"
    assert told["missing_marker lufttemperatur"].count == 5


def test_both_hours_of_the_autumn_night_are_published_an_hour_apart(site: Site) -> None:
    site.refresh("umweltmessnetz")
    live = site.run("umweltmessnetz").live(WEATHER)
    assert live is not None
    folder = site.var / "releases" / WEATHER / live.release
    (file,) = (file for file in live.files if file.format == "CSV")
    lines = (folder / file.path).read_text(encoding="utf-8-sig").splitlines()
    twice = [line for line in lines if "T02:00" in line and line.startswith("Mitte")]
    night = [line for line in twice if sum(line[:22] == other[:22] for other in twice) == 2]
    assert len(night) == 2
    assert {"+02:00" in line for line in night} == {True, False}


def test_nothing_new_is_told_from_the_listing(site: Site) -> None:
    site.refresh("umweltmessnetz")
    site.city.disturb("umweltmessnetz", "cut")  # whoever reads a dropped file now fails
    site.endpoints["umweltmessnetz"] = site.connect("umweltmessnetz")
    assert site.refresh("umweltmessnetz")[WEATHER] is None
    attempt = site.ledger.last_attempt(WEATHER)
    assert attempt is not None and attempt.outcome == "unchanged"


@pytest.mark.parametrize(
    ("fault", "kind", "says"),
    [
        ("half_file", "source_unreadable", ""),
        ("growing_file", "source_in_motion", "wird gerade geschrieben"),
        (
            "renamed_file",
            "source_unreadable",
            "Keine Datei passt auf „wetter/*.csv“; im Ordner liegen sonst 46 Dateien",
        ),
    ],
)
def test_a_drop_that_is_not_in_order_keeps_what_is_live(site: Site, fault: Fault, kind: str, says: str) -> None:
    site.refresh("umweltmessnetz")
    before = site.run("umweltmessnetz").live(WEATHER)
    for path in drop_folder(site.city.var, "umweltmessnetz").rglob("*.csv"):
        path.unlink()  # so that the next delivery is a new one
    site.city.disturb("umweltmessnetz", fault)
    site.refresh("umweltmessnetz")
    assert site.run("umweltmessnetz").live(WEATHER) == before
    incidents = {incident.kind: incident.message for incident in site.ledger.open_incidents()}
    assert says in incidents[kind]

    site.city.disturb("umweltmessnetz", None)
    assert site.refresh("umweltmessnetz") == {GAUGES: None, WEATHER: None}
    assert site.ledger.open_incidents() == ()


def test_a_server_with_another_host_key_gets_no_login(site: Site) -> None:
    site.city.disturb("haushalt", "wrong_host_key")
    site.refresh("haushalt")
    (incident,) = site.ledger.open_incidents()
    assert incident.kind == "server_not_trusted"
    assert "SHA256:" in incident.message and "keine Anmeldung" in incident.message
    assert "host_key" in incident.next_step


def test_a_changed_host_key_is_told_although_another_fault_is_open(site: Site) -> None:
    connection = site.connect("haushalt")
    site.endpoints["haushalt"] = connection.model_copy(update={"options": {}})
    site.refresh("haushalt")
    del site.endpoints["haushalt"]
    site.city.disturb("haushalt", "wrong_host_key")
    site.refresh("haushalt")

    subjects = [str(mail["Subject"]) for mail in site.mails()]
    assert len(subjects) == 2 and "weist" in subjects[1]


def test_every_source_column_of_the_weather_is_delivered(site: Site) -> None:
    contract = load_contract(site.home / "include" / "contracts" / "umweltmessnetz.yaml")
    names = {column.source for column in contract.dataset(WEATHER).tables[0].columns}
    file = next(drop_folder(site.city.var, "umweltmessnetz").rglob("Mitte_*.csv"))
    header = file.read_text(encoding="cp1252").splitlines()[0].split(";")
    assert names == set(header)
