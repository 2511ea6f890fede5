"""The whole way, from the sample city's servers to the portal: what a night does and what it leaves alone."""

from __future__ import annotations

import hashlib
import sqlite3
from datetime import UTC, datetime

import pytest
import requests
from rdflib import DCAT, RDF, Graph

from installation import Site, body
from official_shapes import Judge
from samplecity.delivery import advance
from stadtdaten.faults import GateFailed, Misconfigured, SourceUnavailable

SOURCES = {
    "umweltmessnetz": "pegelstaende",
    "spielplaetze": "spielplaetze",
    "einwohnerstatistik": "einwohner",
    "baumkataster": "baumkataster",
    "unfaelle": "unfaelle",
    "ladesaeulen": "ladesaeulen",
    "haushalt": "haushalt",
    "maengelmelder": "maengel",
    "vornamen": "vornamen",
    "gewerbe": "gewerbe_bestand",
    "marktstammdaten": "solaranlagen_privat",
    "mobilitaetsbefragung": "mobilitaetsbefragung",
}


@pytest.mark.parametrize(("source", "dataset"), SOURCES.items())
def test_a_good_night_publishes_and_the_next_one_touches_nothing(site: Site, source: str, dataset: str) -> None:
    assert set(site.refresh(source).values()) == {None}
    portal, releases = site.portal_files(), site.releases()
    page = requests.get(f"http://127.0.0.1:{site.city.ports.portal}/dataset/{dataset}/", timeout=60)
    live = site.run(source).live(dataset)

    assert set(site.refresh(source).values()) == {None}

    attempt = site.ledger.last_attempt(dataset)
    assert page.status_code == 200
    assert live is not None and live.release in page.text
    assert attempt is not None and attempt.outcome == "unchanged"
    assert site.portal_files() == portal
    assert site.releases() == releases
    assert site.mails() == []
    assert list((site.var / "staging").rglob("*.parquet")) == []


def test_the_catalogue_of_a_whole_night_has_no_violation_and_no_warning(site: Site, judge: Judge) -> None:
    datasets = {dataset for source in SOURCES for dataset in site.refresh(source)}
    base = f"http://127.0.0.1:{site.city.ports.portal}"
    for name, syntax in (("catalog.ttl", "turtle"), ("catalog.rdf", "xml"), ("catalog.jsonld", "json-ld")):
        answer = requests.get(f"{base}/{name}", timeout=60)
        graph = Graph().parse(data=answer.text, format=syntax)
        assert len(list(graph.subjects(RDF.type, DCAT.Dataset))) == len(datasets)
        assert judge(graph) == [], name


def test_the_ledger_proves_the_manifest_that_lies_in_the_store(site: Site) -> None:
    site.refresh("umweltmessnetz")
    live = site.run("umweltmessnetz").live("pegelstaende")
    assert live is not None
    kept = site.var / "releases" / "pegelstaende" / live.release / "manifest.json"
    with sqlite3.connect(site.var / "ledger.sqlite") as ledger:
        (recorded,) = ledger.execute("SELECT manifest_sha256 FROM release WHERE id = ?", (live.release,)).fetchone()
    assert recorded == hashlib.sha256(kept.read_bytes()).hexdigest()


def test_a_night_with_swapped_axes_is_held_back_once_told_and_recovers(site: Site) -> None:
    site.refresh("baumkataster")
    portal, releases = site.portal_files(), site.releases()

    advance(site.var, 2)
    first, again = site.refresh("baumkataster"), site.refresh("baumkataster")

    assert all(isinstance(each["baumkataster"], GateFailed) for each in (first, again))
    assert site.portal_files() == portal
    assert site.releases() == releases
    (incident,) = site.ledger.open_incidents()
    assert (incident.gate, incident.occurrences) == ("quality_raw", 2)
    (mail,) = site.mails()
    assert "vertauscht" in body(mail)
    assert "hoehe" in body(mail)
    assert incident.run_url in body(mail)

    advance(site.var, 1)
    assert site.refresh("baumkataster")["baumkataster"] is None

    assert site.ledger.open_incidents() == ()
    assert [mail["Subject"].split(":")[0] for mail in site.mails()] == [
        "[Offene Daten] Zurückgehalten",
        "[Offene Daten] Behoben",
    ]
    assert site.portal_files() == portal


def test_a_server_that_is_down_is_one_incident_of_the_source_and_over_when_it_answers(site: Site) -> None:
    site.refresh("spielplaetze")
    portal = site.portal_files()
    site.city.disturb("spielplaetze", "status_500")

    fault = site.refresh("spielplaetze")["spielplaetze"]
    site.refresh("spielplaetze")

    assert isinstance(fault, SourceUnavailable)
    (incident,) = site.ledger.open_incidents()
    assert (incident.source, incident.dataset) == ("spielplaetze", None)
    assert len(site.mails()) == 1
    assert site.portal_files() == portal

    site.city.disturb("spielplaetze", None)
    assert site.refresh("spielplaetze") == {"spielplaetze": None}
    assert site.ledger.open_incidents() == ()
    assert len(site.mails()) == 2


def test_a_passing_fault_tells_nobody_while_it_will_be_tried_again(site: Site) -> None:
    from stadtdaten.pipeline.snapshot import take_snapshots

    site.city.disturb("spielplaetze", "status_500")
    with pytest.raises(SourceUnavailable):
        take_snapshots(site.run("spielplaetze", last_try=False))
    assert site.ledger.open_incidents() == ()
    assert site.mails() == []


def test_a_mail_server_that_is_down_loses_no_alert(site: Site) -> None:
    from stadtdaten.frames import Endpoint

    site.endpoints["smtp_default"] = Endpoint(url="smtp://127.0.0.1:9")
    site.city.disturb("umweltmessnetz", "html")
    site.refresh("umweltmessnetz")
    assert site.mails() == []

    del site.endpoints["smtp_default"]
    site.refresh("umweltmessnetz")
    site.refresh("umweltmessnetz")
    assert len(site.mails()) == 1


def test_a_changed_contract_rebuilds_although_the_source_is_the_same(site: Site) -> None:
    site.refresh("umweltmessnetz")
    before = site.run("umweltmessnetz").live("pegelstaende")
    site.edit("include/contracts/umweltmessnetz.yaml", "title: Messstelle", "title: Pegel")

    assert site.refresh("umweltmessnetz") == {"pegelstaende": None}

    after = site.run("umweltmessnetz").live("pegelstaende")
    assert before is not None and after is not None
    assert after.release != before.release
    assert after.inputs.previous == before.release
    assert after.metadata.issued == before.metadata.issued


def test_a_portal_that_lost_a_dataset_gets_it_back(site: Site) -> None:
    import shutil

    site.refresh("umweltmessnetz")
    shutil.rmtree(site.var / "portal")

    assert site.refresh("umweltmessnetz") == {"pegelstaende": None}
    assert site.run("umweltmessnetz").live("pegelstaende") is not None


def test_a_missing_connection_is_an_incident_that_names_it(site: Site) -> None:
    run = site.run("umweltmessnetz")
    fault = Misconfigured("Die Airflow-Connection 'umweltmessnetz' fehlt.")

    def refuse(name: str):  # type: ignore[no-untyped-def]
        if name == "smtp_default":
            return site.connect(name)
        raise fault

    from dataclasses import replace

    from stadtdaten.pipeline.whole import refresh

    with pytest.raises(Misconfigured):
        refresh(replace(run, connect=refuse))
    (incident,) = site.ledger.open_incidents()
    assert incident.kind == "misconfigured"
    assert "umweltmessnetz" in incident.message


def test_rollback_makes_the_older_release_live_without_rebuilding_it(site: Site) -> None:
    from stadtdaten.pipeline.publication import rollback

    site.refresh("umweltmessnetz")
    first = site.run("umweltmessnetz").live("pegelstaende")
    site.edit("include/contracts/umweltmessnetz.yaml", "title: Messstelle", "title: Pegel")
    site.refresh("umweltmessnetz")
    releases = site.releases()
    assert first is not None

    rollback(site.run("umweltmessnetz"), "pegelstaende", first.release)

    live = site.run("umweltmessnetz").live("pegelstaende")
    assert live is not None and live.release == first.release
    assert site.releases() == releases
    with pytest.raises(Misconfigured, match="schon live"):
        rollback(site.run("umweltmessnetz"), "pegelstaende", first.release)
    with pytest.raises(Misconfigured, match="gibt es nicht"):
        rollback(site.run("umweltmessnetz"), "pegelstaende", "000000000000")


def test_a_rollback_stands_until_the_source_delivers_something_else(site: Site) -> None:
    from stadtdaten.pipeline.publication import rollback

    site.refresh("baumkataster")
    first = site.run("baumkataster").live("baumkataster")
    site.edit("include/contracts/baumkataster.yaml", "title: Baumnummer", "title: Nummer")
    site.refresh("baumkataster")
    assert first is not None
    rollback(site.run("baumkataster"), "baumkataster", first.release)
    portal = site.portal_files()

    site.refresh("baumkataster")

    attempt = site.ledger.last_attempt("baumkataster")
    assert attempt is not None and (attempt.outcome, attempt.release) == ("unchanged", first.release)
    assert site.portal_files() == portal

    site.edit("include/contracts/baumkataster.yaml", "title: Nummer", "title: Nummer des Baums")
    assert site.refresh("baumkataster")["baumkataster"] is None
    after = site.run("baumkataster").live("baumkataster")
    assert after is not None and after.inputs.previous == first.release
    assert site.ledger.withdrawn_release("baumkataster", "static") == ""


def test_an_error_of_ours_is_told_by_type_and_place_and_never_by_its_text(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from stadtdaten.pipeline import candidate

    def break_down(*_: object) -> None:
        raise ValueError("Erika Mustermann, 059 Hamm")

    site.keep_only("einwohnerstatistik", "einwohner")
    monkeypatch.setattr(candidate, "anonymise", break_down)
    fault = site.refresh("einwohnerstatistik")["einwohner"]

    assert fault is not None and fault.kind == "unexpected"
    told = [fault.message, fault.next_step, caplog.text, *(body(mail) for mail in site.mails())]
    assert not any("Mustermann" in text for text in told)
    assert "ValueError" in fault.message
    assert len(site.mails()) == 1
    assert site.portal_files() == {}


def test_attempts_a_killed_run_left_open_are_aborted(site: Site) -> None:
    site.ledger.upgrade()
    attempt = site.ledger.start_attempt("umweltmessnetz", "pegelstaende", night="killed", run_url="")
    assert site.ledger.abort_open_attempts() == 1
    found = site.ledger.last_attempt("pegelstaende")
    assert found is not None and found.id == attempt
    assert found.outcome == "aborted" and found.ended is not None and found.ended <= datetime.now(UTC)
