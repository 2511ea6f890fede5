"""The complaints register: what is published of it, and that nobody in it can be found anywhere else.

The sample register puts a mark into every value about a person. After each night, good or bad, every byte outside the
source is searched for one, and for the API key and the key of the pseudonyms.
"""

from __future__ import annotations

import csv
import io
import json
import re
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from installation import Site
from samplecity.faults import Fault as Disturbance
from samplecity.state import read_state
from samplecity.systems.geobasis import streets
from samplecity.systems.maengelmelder import KEY, MARKS, PSEUDONYMS, complaints, lights
from stadtdaten.faults import Fault, GateFailed, Misconfigured, SnapshotFailed, Unexpected
from stadtdaten.frames import Endpoint
from stadtdaten.privacy.treatments.grid import NAME
from stadtdaten.privacy.treatments.pseudonym import FORM

SECRETS = tuple(mark.encode() for mark in (*MARKS, KEY, PSEUDONYMS))
Report = dict[str, Any]
CONTRACT = "include/contracts/maengelmelder.yaml"


def found_outside(site: Site, log: str, faults: dict[str, Fault | None]) -> list[str]:
    """Where a mark or the key can be read outside the source itself."""
    source = site.var / "samplecity"
    files = [path for path in site.var.rglob("*") if path.is_file() and source not in path.parents]
    mails = [part.get_content() for mail in site.mails() for part in mail.walk() if not part.is_multipart()]
    told = [
        "".join(traceback.format_exception(fault)) + repr((fault.next_step, fault.findings))
        for fault in faults.values()
        if fault is not None
    ]
    texts = {"log": [log], "mail": mails, "fault": told}
    return [
        *(str(path.relative_to(site.var)) for path in files if _holds(path.name.encode() + _content(path))),
        *(place for place, parts in texts.items() for part in parts if _holds(str(part).encode())),
    ]


def _content(path: Path) -> bytes:
    """What can be read in a file; Parquet is packed."""
    return str(pq.read_table(path).to_pylist()).encode() if path.suffix == ".parquet" else path.read_bytes()


def _holds(content: bytes) -> bool:
    return any(secret in content for secret in SECRETS)


def staged(site: Site) -> list[Path]:
    return [path for path in (site.var / "staging").rglob("*") if path.is_file()]


def reports(site: Site) -> list[Report]:
    """The register's own reports, as its answer has them."""
    table = complaints(read_state(site.var))
    rows = []
    for row in table.rows:
        report: Report = {}
        for column, cell in zip(table.columns, row, strict=True):
            group, _, name = column.name.rpartition("/")
            (report.setdefault(group, {}) if group else report)[name] = cell
        rows.append(report)
    return rows


def serve(site: Site, tmp_path: Path, changed: list[Report]) -> None:
    """The register delivers these reports from now on, in one page."""
    file = tmp_path / "requests.json"
    file.write_text(json.dumps({"total": len(changed), "requests": changed}), encoding="utf-8")
    site.city.serve_file(file, "maengelmelder/requests.json")


def published(site: Site, dataset: str, name: str) -> list[dict[str, str]]:
    """The rows of a published CSV file."""
    (path,) = [
        path for path in (site.var / "portal" / "public").resolve().rglob(f"{name}*.csv") if dataset in path.as_posix()
    ]
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"))))


def test_a_good_night_publishes_the_reports_without_anybody_in_them(
    whole_site: Site, everything: pytest.LogCaptureFixture
) -> None:
    faults = whole_site.refresh("maengelmelder")

    assert faults == {"maengel": None, "leuchtenstoerungen": None}
    rows = published(whole_site, "maengel", "meldungen")
    assert len(rows) == 640
    assert {row["stand"] for row in rows} == {"offen", "erledigt"}
    assert all(re.fullmatch(r"20\d\d-\d\d", row["monat"]) for row in rows)
    personal = [str(each["status_notes"]) for each in reports(whole_site) if _holds(str(each["status_notes"]).encode())]
    assert len(personal) > 50, "the city's answers hold personal data before they are scrubbed"
    assert sum("[" in row["antwort"] for row in rows) == len(personal)
    assert "Vielen Dank für die Meldung, der Mangel wurde behoben." in {row["antwort"] for row in rows}
    assert found_outside(whole_site, everything.text, faults) == []
    assert staged(whole_site) == []


def test_every_published_cell_and_street_has_three_reports(whole_site: Site) -> None:
    assert set(whole_site.refresh("maengelmelder").values()) == {None}

    cells = Counter(row["lage_gitter"] for row in published(whole_site, "maengel", "meldungen"))
    assert all(NAME.fullmatch(name) for name in cells if name)
    assert {name.partition("mN")[0] for name in cells if name} >= {"CRS3035RES100", "CRS3035RES500"}
    assert min(count for name, count in cells.items() if name) >= 3
    (places,) = (whole_site.var / "portal" / "public").resolve().rglob("stoerungen*.geojson")
    shapes = [json.dumps(each["geometry"]) for each in json.loads(places.read_bytes())["features"] if each["geometry"]]
    assert len(shapes) > 150
    assert len(set(shapes)) < len(streets().rows)
    assert min(Counter(shapes).values()) >= 3


def test_reports_on_the_same_lamp_can_be_told_and_its_number_cannot(whole_site: Site) -> None:
    assert whole_site.refresh("maengelmelder")["leuchtenstoerungen"] is None

    lamps = Counter(str(row[-1]) for row in lights(read_state(whole_site.var)).rows)
    assert all(number.startswith(MARKS[0]) for number in lamps)
    shown = [row["leuchte"] for row in published(whole_site, "leuchtenstoerungen", "stoerungen")]
    assert sorted(Counter(shown).values()) == sorted(lamps.values())
    assert all(FORM.fullmatch(pseudonym) for pseudonym in shown)


@pytest.mark.parametrize("password", ["", "Geheimwert-zu-kurz"])
def test_without_a_fit_key_there_is_no_pseudonym_and_what_is_live_stays(
    whole_site: Site, everything: pytest.LogCaptureFixture, password: str
) -> None:
    whole_site.refresh("maengelmelder")
    before = published(whole_site, "leuchtenstoerungen", "stoerungen")
    whole_site.edit(CONTRACT, "title: Kennung der Leuchte", "title: Kennung")  # another contract: built anew
    whole_site.endpoints["maengelmelder_schluessel"] = Endpoint(url="", password=password)

    faults = whole_site.refresh("maengelmelder")

    assert faults["maengel"] is None
    fault = faults["leuchtenstoerungen"]
    assert isinstance(fault, Misconfigured)
    assert "Schlüssel ist leer" in fault.message
    assert published(whole_site, "leuchtenstoerungen", "stoerungen") == before
    assert found_outside(whole_site, everything.text, faults) == []
    assert staged(whole_site) == []


@pytest.mark.parametrize("disturbance", ["column_gone", "duplicate_key", "half_file", "status_403"])
def test_a_register_that_cannot_be_read_leaves_nobody(
    whole_site: Site, everything: pytest.LogCaptureFixture, disturbance: Disturbance
) -> None:
    whole_site.city.disturb("maengelmelder", disturbance)

    faults = whole_site.refresh("maengelmelder")

    assert isinstance(faults.get("maengel", faults.get("maengelmelder")), Fault)
    assert not any(isinstance(fault, Unexpected) for fault in faults.values())
    assert not any("maengel/" in name for name in whole_site.portal_files())
    assert found_outside(whole_site, everything.text, faults) == []
    assert staged(whole_site) == []


def _name_as_category(report: Report) -> None:
    report["service_name"] = f"Beschwerde über Herrn {report['reporter']['name']}"


def _name_as_office(report: Report) -> None:
    report["agency_responsible"] = "Frau Dr. Geheimwert-Brinkmann, Tel. 02381 4711815"


@pytest.mark.parametrize("change", [_name_as_category, _name_as_office])
def test_a_person_in_a_column_that_is_public_is_stopped_by_the_privacy_gate(
    whole_site: Site, tmp_path: Path, everything: pytest.LogCaptureFixture, change: Callable[[Report], None]
) -> None:
    changed = reports(whole_site)
    for report in changed[::40]:
        change(report)
    serve(whole_site, tmp_path, changed)

    faults = whole_site.refresh("maengelmelder")

    fault = faults["maengel"]
    assert isinstance(fault, GateFailed)
    assert fault.gate == "privacy"
    assert {finding.column for finding in fault.findings} <= {"art", "zustaendig"}
    assert {finding.count for finding in fault.findings} == {16}
    assert found_outside(whole_site, everything.text, faults) == []
    assert staged(whole_site) == []


def _wrong_point(report: Report) -> None:
    report["lat"] = "bei Geheimwert-Nowak"


def _wrong_moment(report: Report) -> None:
    report["requested_datetime"] = "als Geheimwert-Nowak anrief"


def _nested_text(report: Report) -> None:
    report["description"] = {"Geheimwert-Nowak": report["description"]}


def _without_number(report: Report) -> None:
    report["service_request_id"] = None


@pytest.mark.parametrize("change", [_wrong_point, _wrong_moment, _nested_text, _without_number])
def test_a_report_that_cannot_be_read_leaves_nobody(
    whole_site: Site, tmp_path: Path, everything: pytest.LogCaptureFixture, change: Callable[[Report], None]
) -> None:
    changed = reports(whole_site)
    change(changed[7])
    serve(whole_site, tmp_path, changed)

    faults = whole_site.refresh("maengelmelder")

    assert isinstance(faults["maengel"], SnapshotFailed | GateFailed)
    assert found_outside(whole_site, everything.text, faults) == []
    assert staged(whole_site) == []


def test_an_undeclared_member_is_told_by_name_and_never_published(
    whole_site: Site, tmp_path: Path, everything: pytest.LogCaptureFixture
) -> None:
    changed = reports(whole_site)
    for report in changed:
        report["neighbour"] = "Herr Geheimwert-Nowak"
        report["votes"] = {"Geheimwert-Nowak": 1}
        report["reporter"]["iban"] = "Geheimwert"
    serve(whole_site, tmp_path, changed)

    faults = whole_site.refresh("maengelmelder")

    assert faults["maengel"] is None
    attempt = whole_site.ledger.last_attempt("maengel")
    assert attempt is not None
    assert sorted(attempt.drift) == ["neighbour", "reporter/iban", "service_code", "votes"]
    assert found_outside(whole_site, everything.text, faults) == []
    assert staged(whole_site) == []


def test_a_personal_column_that_is_declared_public_is_stopped_by_the_privacy_gate(
    whole_site: Site, everything: pytest.LogCaptureFixture
) -> None:
    column = "&melder_email {name: melder_email, source: reporter/email, type: string, class: "
    whole_site.edit(
        CONTRACT, f"{column}identifier, title: E-Mail, treatment: {{kind: drop}}}}", f"{column}public, title: E-Mail}}"
    )
    whole_site.edit(
        "expectations/maengelmelder/meldungen.public.json", '"lage_gitter"]', '"lage_gitter", "melder_email"]'
    )

    faults = whole_site.refresh("maengelmelder")

    fault = faults["maengel"]
    assert isinstance(fault, GateFailed)
    assert fault.gate == "privacy"
    assert ("melder_email", 640) in {(finding.column, finding.count) for finding in fault.findings}
    assert found_outside(whole_site, everything.text, faults) == []
    assert staged(whole_site) == []


def test_a_key_that_is_refused_is_told_and_never_shown(whole_site: Site, everything: pytest.LogCaptureFixture) -> None:
    real = whole_site.connect("maengelmelder")
    whole_site.endpoints["maengelmelder"] = Endpoint(
        url=real.url, password=f"{MARKS[0]}-falsch", options=dict(real.options)
    )

    faults = whole_site.refresh("maengelmelder")

    (incident, *_) = whole_site.ledger.open_incidents()
    assert incident.kind == Misconfigured.kind
    assert "weist den API-Schlüssel" in incident.message
    assert found_outside(whole_site, everything.text, faults) == []
