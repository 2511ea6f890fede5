"""Bad input gets a clear error and nothing is lost: each broken thing, fed through the whole pipeline."""

from __future__ import annotations

import json

import pytest

from installation import Site, body

BROKEN = [
    # what is broken, source, dataset, the fault's kind or gate, what the incident says
    ("empty", "umweltmessnetz", "pegelstaende", "source_unreadable", "leer"),
    ("html", "umweltmessnetz", "pegelstaende", "source_unreadable", "HTML"),
    ("html", "spielplaetze", "spielplaetze", "source_unreadable", "HTML"),
    ("half_file", "spielplaetze", "spielplaetze", "source_unreadable", ""),
    ("exception_report", "spielplaetze", "spielplaetze", "source_unreadable", ""),
    ("status_403", "spielplaetze", "spielplaetze", "source_unreadable", "403"),
    ("no_rows", "spielplaetze", "spielplaetze", "source_unreadable", ""),
    ("no_rows", "einwohnerstatistik", "einwohner", "source_unreadable", ""),
    ("column_gone", "umweltmessnetz", "pegelstaende", "schema_changed", "Datum"),
    ("column_gone", "spielplaetze", "spielplaetze", "schema_changed", ""),
    ("column_gone", "einwohnerstatistik", "einwohner", "schema_changed", ""),
    ("ninety_percent_lost", "umweltmessnetz", "pegelstaende", "", ""),
    ("ninety_percent_lost", "spielplaetze", "spielplaetze", "", ""),
    ("ninety_percent_lost", "einwohnerstatistik", "einwohner", "", ""),
    ("duplicate_key", "umweltmessnetz", "pegelstaende", "quality_raw", "messstelle"),
    ("duplicate_key", "einwohnerstatistik", "einwohner", "quality_raw", ""),
]


@pytest.mark.parametrize(("broken", "source", "dataset", "kind", "says"), BROKEN)
def test_broken_input_stops_before_the_portal_and_is_told(
    site: Site, broken: str, source: str, dataset: str, kind: str, says: str
) -> None:
    site.keep_only(source, dataset)
    assert site.refresh(source) == {dataset: None}
    portal, releases = site.portal_files(), site.releases()
    site.city.disturb(source, broken)  # type: ignore[arg-type]

    (fault,) = site.refresh(source).values()

    assert fault is not None
    assert site.portal_files() == portal
    assert site.releases() == releases
    (incident,) = site.ledger.open_incidents()
    assert kind in ("", incident.kind)
    assert says in incident.message + " ".join(finding.message for finding in incident.findings)
    assert incident.next_step
    (mail,) = site.mails()
    assert incident.message.split("\n")[0][:60] in " ".join(body(mail).split())
    assert "Fassung" in body(mail), "the mail says what citizens still see"
    assert list((site.var / "staging").rglob("*.parquet")) == []

    site.city.disturb(source, None)
    assert site.refresh(source) == {dataset: None}
    assert site.ledger.open_incidents() == ()


def test_a_new_column_is_reported_and_never_published(site: Site) -> None:
    site.city.disturb("umweltmessnetz", "new_column")
    assert site.refresh("umweltmessnetz") == {"pegelstaende": None}

    attempt = site.ledger.last_attempt("pegelstaende")
    assert attempt is not None and attempt.drift == ("neue_spalte",)
    data = [path for path in (site.var / "portal").rglob("*") if path.is_file() and path.suffix in {".csv", ".json"}]
    assert data
    assert not any("neue_spalte" in path.read_text(encoding="utf-8") for path in data if path.name != "manifest.json")


def test_a_misspelt_expectation_is_no_pass(site: Site) -> None:
    site.refresh("umweltmessnetz")
    portal = site.portal_files()
    path = site.home / "expectations" / "umweltmessnetz" / "tageswerte.raw.json"
    suite = json.loads(path.read_text(encoding="utf-8"))
    suite["expectations"][0]["type"] += "x"
    path.write_text(json.dumps(suite, ensure_ascii=False, indent=2), encoding="utf-8")

    (fault,) = site.refresh("umweltmessnetz").values()

    assert fault is not None and fault.kind == "misconfigured"
    assert "tageswerte.raw.json" in fault.message
    assert site.portal_files() == portal


def test_a_table_without_suites_cannot_be_published(site: Site) -> None:
    (site.home / "expectations" / "umweltmessnetz" / "tageswerte.public.json").unlink()
    (fault,) = site.refresh("umweltmessnetz").values()
    assert fault is not None and fault.kind == "misconfigured"
    assert site.portal_files() == {}


def test_a_broken_contract_is_told_with_file_and_line(site: Site) -> None:
    from stadtdaten.faults import Misconfigured

    site.edit("include/contracts/umweltmessnetz.yaml", "licence:", "lizenz:")
    with pytest.raises(Misconfigured, match=r"umweltmessnetz.yaml:\d+") as caught:
        site.run("umweltmessnetz")
    assert "lizenz" in caught.value.message


def test_a_mistake_in_a_suite_is_told_with_its_place_in_the_checkout_and_apart_from_the_german(site: Site) -> None:
    site.edit("expectations/umweltmessnetz/tageswerte.raw.json", '"severity": "critical"', '"severity": "critcal"')
    site.refresh("umweltmessnetz")
    (incident,) = site.ledger.open_incidents()
    assert "in expectations/umweltmessnetz/tageswerte.raw.json sind nicht brauchbar" in incident.message
    assert "„severity 'critcal' is not allowed“ (Vorschlag: „did you mean 'critical'?“)" in incident.message
    assert str(site.home) not in incident.message
