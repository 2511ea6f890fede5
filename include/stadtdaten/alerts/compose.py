"""What does the mail about an incident say?

Everything that on-call staff need before the first coffee: what happened and since when, what citizens see meanwhile,
what is likely behind it, what to do, whom to ask. Made of names, counts and the sentences of faults only. Plain text
and HTML are rendered from the same sections, so they cannot disagree.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from stadtdaten.alerts.causes import advice
from stadtdaten.contracts import City, Contract
from stadtdaten.faults import Finding
from stadtdaten.frames import AlertEvent, Incident
from stadtdaten.german import number, share

MOST_FINDINGS = 20
"""More findings than this are counted instead of listed: nobody reads them in a mail."""

STEPS = 3

_GATES = {
    "quality_raw": "Prüfung vor der Veröffentlichung nicht bestanden",
    "quality_public": "Prüfung vor der Veröffentlichung nicht bestanden",
    "privacy": "Datenschutzprüfung nicht bestanden",
    "portal": "Vergleich mit der veröffentlichten Fassung nicht bestanden",
}
_KINDS = {
    "source_unavailable": "Quelle nicht erreichbar",
    "server_not_trusted": "Server der Quelle weist sich nicht aus",
    "source_in_motion": "Lieferung noch in Bewegung",
    "source_unreadable": "Lieferung nicht lesbar",
    "schema_changed": "Spalten der Quelle fehlen",
    "misconfigured": "Fehler in der Einrichtung",
    "publication_failed": "Veröffentlichung fehlgeschlagen",
    "release_damaged": "archivierte Fassung beschädigt",
    "review_due": "Freigabe zur Veröffentlichung",
    "unexpected": "unerwarteter Fehler der Pipeline",
}


@dataclass(frozen=True)
class LiveFacts:
    """What the portal shows of one dataset: ``created`` is when that release was made, ``page`` where it is seen."""

    release: str
    created: datetime
    rows: int
    page: str


@dataclass(frozen=True)
class Situation:
    """What only the pipeline knows about the moment of the mail.

    ``live`` holds each affected dataset that the portal shows, with None where that cannot be found out. Rows are
    those read from the source, ``None`` where a run did not get that far; ``columns_new`` are columns of the source
    that the contract does not declare, ``columns_gone`` declared ones that it no longer has. ``runbook_url`` is the
    source's page in Airflow.
    """

    live: Mapping[str, LiveFacts | None]
    rows_before: int | None = None
    rows_now: int | None = None
    columns_new: tuple[str, ...] = ()
    columns_gone: tuple[str, ...] = ()
    runbook_url: str = ""


@dataclass(frozen=True)
class Section:
    """One part of the mail; a part has what it needs of paragraphs, a table, numbered steps and links."""

    title: str
    paragraphs: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    steps: tuple[str, ...] = ()
    links: tuple[tuple[str, str], ...] = ()


FINDING_HEADINGS = ("Ergebnis", "Prüfung", "Tabelle", "Spalte", "Betroffen")

_templates = Environment(
    loader=PackageLoader("stadtdaten.alerts"),
    autoescape=select_autoescape(enabled_extensions=("html.j2",)),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def compose(
    incident: Incident, city: City, contract: Contract, situation: Situation, sender: str, now: datetime
) -> EmailMessage:
    """The mail about the incident as it stands: that it opened, or, once it is closed, that it is over.

    To the people on call, with the owner's office in copy. The Message-ID depends on incident and event alone, so a
    mail that is sent again is recognised as the same by mail servers and readers.
    """
    zone = ZoneInfo(city.timezone)
    title = _line(_title(incident, contract))
    if incident.notice:
        subject = f"{'Bald prüfen' if incident.closed_at is None else 'Erledigt'}: {title} – {_reason(incident)}"
        sections = tuple(_announced(incident, title, contract, situation, zone, now))
    elif incident.closed_at is None:
        subject = f"{_verb(incident)}: {title} – {_reason(incident)}"
        sections = tuple(_opened(incident, title, contract, situation, zone, now))
    else:
        subject = f"Behoben: {title} – {_reason(incident)}"
        sections = tuple(_recovered(incident, incident.closed_at, title, contract, situation, zone, now))

    message = EmailMessage()
    message["From"] = Address(display_name=_line(city.portal_title), addr_spec=sender)
    message["To"] = Address(addr_spec=city.on_call)
    if contract.owner.email != city.on_call:
        message["Cc"] = Address(display_name=_line(contract.owner.name), addr_spec=contract.owner.email)
    message["Subject"] = f"[Offene Daten] {subject}"
    message["Date"] = now.astimezone(zone)
    message["Message-ID"] = _message_id(incident, incident.event, sender)
    if incident.event == "recovered":
        message["In-Reply-To"] = message["References"] = _message_id(incident, "opened", sender)
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no absence notes, please
    page = {"subject": subject, "sections": sections, "headings": FINDING_HEADINGS, "city": _line(city.name)}
    message.set_content(_templates.get_template("mail.txt.j2").render(page), cte="quoted-printable")
    html = _templates.get_template("mail.html.j2").render(page)
    message.add_alternative(html, subtype="html", cte="quoted-printable")
    message["Content-Language"] = "de"  # last: set_content moves it away from the mail as a whole
    return message


def _opened(
    incident: Incident, title: str, contract: Contract, situation: Situation, zone: ZoneInfo, now: datetime
) -> Iterator[Section]:
    since = f"Seit {_moment(incident.opened_at, zone)}"
    if incident.occurrences > 1:
        since += f", zuletzt {_moment(incident.last_seen_at, zone)} ({number(incident.occurrences)} Mal)"
    yield Section("Was ist passiert", (_line(incident.message), f"{since}.", _concerned(incident, title, contract)))
    if incident.findings:
        rest = len(incident.findings) - MOST_FINDINGS
        more = (f"Dazu {number(rest)} weitere Ergebnisse, siehe Lauf in Airflow.",) if rest > 0 else ()
        yield Section("Ergebnisse der Prüfung", more, rows=tuple(_row(f) for f in incident.findings[:MOST_FINDINGS]))
    changes = tuple(_changes(situation))
    if changes:
        yield Section("Änderung seit dem letzten guten Lauf", changes)
    yield from _shown(incident, contract, situation, zone, now)
    likely = advice(incident)
    yield Section("Wahrscheinliche Ursache", tuple(each.cause for each in likely))
    own = (_line(incident.next_step),) if incident.next_step else ()
    yield Section("Nächste Schritte", steps=(*own, *likely[0].steps)[:STEPS])
    yield from _links(("Lauf in Airflow", incident.run_url), ("Anleitung zur Quelle", situation.runbook_url))
    yield _contacts(contract)


def _recovered(
    incident: Incident,
    closed_at: datetime,
    title: str,
    contract: Contract,
    situation: Situation,
    zone: ZoneInfo,
    now: datetime,
) -> Iterator[Section]:
    lasted = (
        f"Die Störung begann {_moment(incident.opened_at, zone)}, wurde zuletzt {_moment(incident.last_seen_at, zone)} "
        f"festgestellt und ist seit {_moment(closed_at, zone)} vorbei."
    )
    yield Section("Was ist passiert", (lasted, "Es ist nichts weiter zu tun.", _concerned(incident, title, contract)))
    yield Section("Was war die Störung", (_line(incident.message),))
    yield from _shown(incident, contract, situation, zone, now)
    yield from _links(("Letzter gescheiterter Lauf in Airflow", incident.run_url))


def _announced(
    incident: Incident, title: str, contract: Contract, situation: Situation, zone: ZoneInfo, now: datetime
) -> Iterator[Section]:
    """Nothing is wrong yet; or, once it is closed, any more."""
    if incident.closed_at is not None:
        renewed = "Die Freigabe wurde erneuert. Es ist nichts weiter zu tun."
        yield Section("Worum es geht", (renewed, _concerned(incident, title, contract)))
        return
    yield Section("Worum es geht", (_line(incident.message), _concerned(incident, title, contract)))
    yield from _shown(incident, contract, situation, zone, now)
    yield Section("Nächste Schritte", steps=(_line(incident.next_step),))
    yield _contacts(contract)


def _title(incident: Incident, contract: Contract) -> str:
    """Title of what is concerned; the id of a dataset that has left the contract since."""
    if incident.dataset is None:
        return contract.title
    titles = {dataset.id: dataset.title for dataset in contract.datasets}
    return titles.get(incident.dataset, incident.dataset)


def _concerned(incident: Incident, title: str, contract: Contract) -> str:
    if incident.dataset is not None:
        return f"Datensatz: {title} ({incident.dataset}), Quelle: {_line(contract.title)} ({contract.source})."
    if len(contract.connections) > 1:  # one server may be down and the others up: the message names the datasets
        return f"Quelle: {title} ({contract.source})."
    titles = ", ".join(_line(dataset.title) for dataset in contract.datasets)
    return f"Quelle: {title} ({contract.source}), betroffen sind alle ihre Datensätze: {titles}."


def _changes(situation: Situation) -> Iterator[str]:
    before, now = situation.rows_before, situation.rows_now
    if before is not None and now is not None:
        if now == before:
            yield f"Zeilen der Quelle: unverändert {number(now)}."
        else:
            change = f"{number(abs(now - before))} {'mehr' if now > before else 'weniger'}"
            if before:
                change += f", {share(abs(now - before) / before)}"
            yield f"Zeilen der Quelle: {number(now)} statt {number(before)} ({change})."
    if situation.columns_new:
        yield f"Neue Spalten der Quelle (werden nicht veröffentlicht): {', '.join(map(_line, situation.columns_new))}."
    if situation.columns_gone:
        yield f"Weggefallene Spalten der Quelle: {', '.join(map(_line, situation.columns_gone))}."


def _shown(
    incident: Incident, contract: Contract, situation: Situation, zone: ZoneInfo, now: datetime
) -> Iterator[Section]:
    paragraphs, links = [], []
    for dataset in contract.datasets:
        if incident.dataset not in (None, dataset.id):
            continue
        title = _line(dataset.title)
        if dataset.id not in situation.live:
            paragraphs.append(f"{title}: Auf dem Portal ist noch nichts veröffentlicht.")
            continue
        live = situation.live[dataset.id]
        if live is None:
            paragraphs.append(f"{title}: Was das Portal zeigt, ließ sich nicht feststellen.")
            continue
        paragraphs.append(
            f"{title}: Fassung {live.release} vom {_date(live.created, zone)} ({_ago(now - live.created)}) "
            f"mit {number(live.rows)} Zeilen."
        )
        links.append((f"{title} auf dem Portal", live.page))
    if paragraphs:
        yield Section("Was Bürgerinnen und Bürger jetzt sehen", tuple(paragraphs), links=tuple(links))


def _links(*links: tuple[str, str]) -> Iterator[Section]:
    given = tuple((label, url) for label, url in links if url)
    if given:
        yield Section("Nachsehen", links=given)


def _contacts(contract: Contract) -> Section:
    return Section("Wen fragen", (f"Zuständig für die Daten: {_line(contract.owner.name)}, {contract.owner.email}",))


def _row(finding: Finding) -> tuple[str, ...]:
    affected = "Tabelle insgesamt"
    if finding.total:
        affected = f"{number(finding.count)} von {number(finding.total)} ({share(finding.share)})"
    return (_line(finding.message), finding.rule, finding.table or "–", _line(finding.column) or "–", affected)


def _verb(incident: Incident) -> str:
    return "Zurückgehalten" if incident.gate else "Nicht aktualisiert"


def _reason(incident: Incident) -> str:
    return _GATES.get(incident.gate) or _KINDS.get(incident.kind, "Störung")


def _message_id(incident: Incident, event: AlertEvent, sender: str) -> str:
    return f"<{incident.message_key(event)}@{sender.rpartition('@')[2]}>"


def _line(text: str) -> str:
    """The text on one line: a line break in a title or message must not become a header of the mail."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def _date(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%d.%m.%Y}"


def _moment(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%d.%m.%Y, %H:%M} Uhr"


def _ago(age: timedelta) -> str:
    """``vor 3 Tagen``: in the largest full unit."""
    minutes = int(age.total_seconds()) // 60
    for size, one, many in ((24 * 60, "einem Tag", "Tagen"), (60, "einer Stunde", "Stunden")):
        count = minutes // size
        if count >= 1:
            return f"vor {one}" if count == 1 else f"vor {number(count)} {many}"
    return "vor weniger als einer Stunde"
