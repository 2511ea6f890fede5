"""The mail tells what on-call needs, in German, and nothing can be smuggled through it."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stadtdaten.alerts import Situation, compose
from stadtdaten.alerts.compose import MOST_FINDINGS
from stadtdaten.contracts import City, Contract
from stadtdaten.faults import Fault, Finding
from stadtdaten.frames import Incident

SENDER = "opendata-pipeline@stadt.example"
HEADERS = [
    "From", "To", "Cc", "Subject", "Date", "Message-ID", "Content-Language", "Auto-Submitted", "MIME-Version",
    "Content-Type",
]  # fmt: skip


def body(message: EmailMessage, subtype: str = "plain") -> str:
    """The text of one alternative; line breaks and no-break spaces as blanks."""
    part = message.get_body((subtype,))
    assert part is not None
    return " ".join(part.get_content().split())


def test_the_mail_reaches_on_call_with_the_owner_office_in_copy(
    incident: Incident, city: City, contract: Contract, situation: Situation, now: datetime
) -> None:
    message = compose(incident, city, contract, situation, SENDER, now)
    read = message_from_bytes(message.as_bytes(), policy=policy.default)
    assert read["To"].addresses[0].addr_spec == "opendata-bereitschaft@stadt.hamm.de"
    assert read["Cc"].addresses[0].addr_spec == "gruenflaechen@stadt.hamm.de"
    assert read["From"].addresses[0].addr_spec == SENDER
    assert read["Subject"] == (
        "[Offene Daten] Zurückgehalten: Städtische Bäume – Prüfung vor der Veröffentlichung nicht bestanden"
    )
    assert read["Date"].datetime == now
    assert read["Auto-Submitted"] == "auto-generated"
    assert [name for name in HEADERS if len(read.get_all(name, [])) != 1] == []


def test_a_long_name_of_an_expectation_does_not_squeeze_the_sentence_beside_it(
    incident: Incident, city: City, contract: Contract, situation: Situation, now: datetime
) -> None:
    part = compose(incident, city, contract, situation, SENDER, now).get_body(("html",))
    assert part is not None
    html = part.get_content()
    assert "td:first-child { min-width: 16rem }" in html
    assert "td.rule { font-size: 0.8rem; overflow-wrap: anywhere; word-break: break-word }" in html
    assert f'<td class="rule">{incident.findings[0].rule}</td>' in html


@pytest.mark.parametrize("subtype", ["plain", "html"])
def test_the_mail_says_what_happened_what_is_live_and_what_to_do(
    incident: Incident, city: City, contract: Contract, situation: Situation, now: datetime, subtype: str
) -> None:
    text = body(compose(incident, city, contract, situation, SENDER, now), subtype)
    for wanted in (
        "2 von 14 Prüfungen der gelesenen Daten sind nicht bestanden",
        "Seit 23.11.2026, 03:14 Uhr, zuletzt 24.11.2026, 03:14 Uhr (2 Mal).",
        "Datensatz: Städtische Bäume (baumkataster), Quelle: Baumkataster (baumkataster).",
        "expect_column_geometries_to_be_within_bounds",
        "1.200 von 1.200 (100 %)",
        "3 von 12.000 (unter 0,1 %)",
        "1.200 statt 1.195 (5 mehr, 0,4 %)",
        "Neue Spalten der Quelle (werden nicht veröffentlicht): pflege_kz.",
        "Weggefallene Spalten der Quelle: krone_m.",
        "Fassung abcdef012345 vom 22.11.2026 (vor 2 Tagen) mit 1.195 Zeilen",
        "http://127.0.0.1:8082/dataset/baumkataster/",
        "Rechts- und Hochwert sind vertauscht",
        "Umstellung der Einheit",
        "http://127.0.0.1:8080/dags/baumkataster/runs/x",
        "Tiefbau- und Grünflächenamt, gruenflaechen@stadt.hamm.de",
    ):
        assert wanted in text


def test_the_html_is_well_formed_and_names_its_language_and_table_headings(
    incident: Incident, city: City, contract: Contract, situation: Situation, now: datetime
) -> None:
    part = compose(incident, city, contract, situation, SENDER, now).get_body(("html",))
    assert part is not None
    html = part.get_content().replace("<!DOCTYPE html>", "")
    root = ElementTree.fromstring(html.replace('<meta charset="utf-8">', "").replace('initial-scale=1">', '"/>'))
    assert root.get("lang") == "de"
    headings = root.findall(".//th")
    assert [heading.get("scope") for heading in headings] == ["col"] * 5
    assert all(len(row.findall("td")) == 5 for row in root.findall(".//tbody/tr"))
    assert root.findall(".//img") == []


def test_the_suggested_step_of_the_fault_comes_first_of_three(
    incident: Incident, city: City, contract: Contract, situation: Situation, now: datetime
) -> None:
    own = incident.model_copy(update={"next_step": "Den Dienst ansehen."})
    text = body(compose(own, city, contract, situation, SENDER, now))
    steps = text.partition("Nächste Schritte")[2].partition("Nachsehen")[0]
    assert "1. Den Dienst ansehen. 2. " in steps
    assert "3. " in steps
    assert "4. " not in steps


def test_a_dataset_that_was_never_published_is_not_said_to_be_live(
    incident: Incident, city: City, contract: Contract, now: datetime
) -> None:
    text = body(compose(incident, city, contract, Situation(live={}), SENDER, now))
    assert "Auf dem Portal ist noch nichts veröffentlicht." in text
    assert "Fassung" not in text
    assert "Änderung seit dem letzten guten Lauf" not in text


def test_a_fault_of_the_whole_source_names_all_its_datasets(
    incident: Incident, city: City, contract: Contract, situation: Situation, now: datetime
) -> None:
    whole = incident.model_copy(
        update={"dataset": None, "kind": "source_unavailable", "gate": "", "findings": (), "message": "Keine Antwort."}
    )
    one_server = contract.model_copy(update={"datasets": contract.datasets[:1]})
    message = compose(whole, city, one_server, situation, SENDER, now)
    assert message["Subject"] == "[Offene Daten] Nicht aktualisiert: Baumkataster – Quelle nicht erreichbar"
    assert "betroffen sind alle ihre Datensätze: Städtische Bäume." in body(message)
    assert "Ergebnisse der Prüfung" not in body(message)


def test_a_source_with_several_servers_is_not_said_to_be_down_as_a_whole(
    incident: Incident, city: City, contract: Contract, situation: Situation, now: datetime
) -> None:
    partly = incident.model_copy(
        update={"dataset": None, "kind": "source_unavailable", "gate": "", "findings": (), "message": "Keine Antwort."}
    )
    assert len(contract.connections) == 2
    assert "alle ihre Datensätze" not in body(compose(partly, city, contract, situation, SENDER, now))


def test_a_dataset_that_has_left_the_contract_is_still_told_of(
    incident: Incident, city: City, contract: Contract, situation: Situation, now: datetime
) -> None:
    gone = incident.model_copy(update={"dataset": "altbaeume"})
    message = compose(gone, city, contract, situation, SENDER, now)
    assert message["Subject"].startswith("[Offene Daten] Zurückgehalten: altbaeume")
    assert "Was Bürgerinnen und Bürger jetzt sehen" not in body(message)


def test_every_kind_of_fault_has_a_subject_of_its_own(
    incident: Incident, city: City, contract: Contract, situation: Situation, now: datetime
) -> None:
    kinds = {fault.kind for fault in Fault.__subclasses__()} - {"gate_failed", "snapshot_failed", "superseded"}
    told = incident.model_copy(update={"gate": ""})
    subjects = {
        compose(told.model_copy(update={"kind": kind}), city, contract, situation, SENDER, now)["Subject"]
        for kind in kinds
    }
    assert len(subjects) == len(kinds)


def test_recovery_answers_the_first_mail_and_asks_for_nothing(
    incident: Incident, city: City, contract: Contract, situation: Situation, now: datetime
) -> None:
    first = compose(incident, city, contract, situation, SENDER, now)
    closed = incident.model_copy(update={"closed_at": datetime(2026, 11, 25, 2, 14, tzinfo=UTC)})
    message = compose(closed, city, contract, situation, SENDER, now + timedelta(days=1))
    assert message["Subject"].startswith("[Offene Daten] Behoben: Städtische Bäume")
    assert message["In-Reply-To"] == first["Message-ID"] != message["Message-ID"]
    assert "seit 25.11.2026, 03:14 Uhr vorbei" in body(message)
    assert "Nächste Schritte" not in body(message)


def test_a_mail_composed_again_has_the_same_message_id(
    incident: Incident, city: City, contract: Contract, situation: Situation, now: datetime
) -> None:
    again = incident.model_copy(update={"occurrences": 3, "message": "Anders."})
    ids = {
        compose(each, city, contract, situation, SENDER, moment)["Message-ID"]
        for each, moment in ((incident, now), (again, now + timedelta(days=1)))
    }
    assert ids == {f"<{incident.message_key('opened')}@stadt.example>"}


def test_hundreds_of_findings_are_counted_instead_of_listed(
    incident: Incident, city: City, contract: Contract, situation: Situation, now: datetime
) -> None:
    many = incident.model_copy(update={"findings": (Finding("regel", "Etwas ist falsch."),) * 300})
    text = body(compose(many, city, contract, situation, SENDER, now))
    assert text.count("Etwas ist falsch.") == MOST_FINDINGS
    assert "Dazu 280 weitere Ergebnisse" in text


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(
    text=st.text(min_size=1, max_size=60).filter(str.strip) | st.just("Bäume\r\nBcc: alle@stadt.example\r\n\r\nHallo")
)
def test_no_text_can_add_a_header_or_markup(
    incident: Incident, city: City, contract: Contract, situation: Situation, now: datetime, text: str
) -> None:
    hostile = f"{text}\nX-Fremd: ja <script>"
    dataset = contract.datasets[0].model_copy(update={"title": hostile})
    owner = contract.owner.model_copy(update={"name": hostile})
    evil = contract.model_copy(update={"datasets": (dataset,), "owner": owner, "title": hostile})
    told = incident.model_copy(
        update={"message": hostile, "findings": (Finding("regel", hostile, "baeume", hostile, 1, 2),)}
    )
    evil_city = city.model_copy(update={"portal_title": hostile, "name": hostile})
    message = compose(told, evil_city, evil, situation, SENDER, now)
    read = message_from_bytes(message.as_bytes(), policy=policy.default)
    assert sorted(read.keys()) == sorted(HEADERS)
    assert [address.addr_spec for address in read["Cc"].addresses] == [contract.owner.email]
    part = read.get_body(("html",))
    assert part is not None
    assert "<script>" not in part.get_content()
