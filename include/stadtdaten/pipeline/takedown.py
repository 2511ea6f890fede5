"""Something personal got out: how does every release of a dataset disappear, at once, and never come back?

First the tombstone, so that no night, restore or rollback brings anything back; then the portal; then the bytes. Killed
in between, the command is simply called again. What was counted of the tables is kept (``published_cells``), because
the next release must withstand whoever has a copy of the old ones.

No contract is asked: neither a mistake in one nor a dataset that has left them may keep anything online.
"""

from __future__ import annotations

import logging
import os
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from stadtdaten.contracts import City, ContractError, load_city
from stadtdaten.faults import Misconfigured, PublicationFailed, ReleaseDamaged
from stadtdaten.frames import Manifest, Portal, Tombstone
from stadtdaten.ledger import Ledger
from stadtdaten.pipeline.staging import discard
from stadtdaten.portals import StaticPortal
from stadtdaten.releases import ReleaseStore
from stadtdaten.settings import Settings

logger = logging.getLogger(__name__)

WHOM_TO_CALL = (
    "Datenschutzbeauftragte der Stadt: Meldung an die Aufsicht binnen 72 Stunden (Art. 33 DSGVO), wenn ein Risiko "
    "für Menschen besteht; Benachrichtigung der Betroffenen bei hohem Risiko (Art. 34 DSGVO).",
    "Betrieb des Portals: in CKAN den Datensatz endgültig löschen (purge) und Dateien aus Ablage, Sicherungen und "
    "Zwischenspeichern (Cache, CDN) entfernen.",
    "Betrieb von Open.NRW, GovData und data.europa.eu: den geharvesteten Eintrag sofort löschen, nicht erst mit dem "
    "nächsten Abruf.",
    "Suchmaschinen und Webarchive: Löschung der Adressen aus Index und Archiv beantragen.",
    "Wer die Daten bekanntermaßen nutzt: zur Löschung auffordern.",
)
"""Whom the city must reach besides: what we cannot take back ourselves."""


@dataclass(frozen=True)
class Takedown:
    """What was taken down; ``facts`` is the file with the facts for the report of the breach."""

    tombstone: Tombstone
    facts: Path


@dataclass(frozen=True)
class Reach:
    """Where something of the dataset may be."""

    dataset: str
    settings: Settings
    city: City
    ledger: Ledger
    store: ReleaseStore
    portal: Portal


def reach(dataset: str, settings: Settings) -> Reach:
    """Open ledger, store and portal. Raises Misconfigured where none of them has ever heard of the dataset."""
    try:
        city = load_city(settings.city)
    except ContractError as error:
        raise Misconfigured(
            f"Die Datei der Stadt ist nicht lesbar: {error}",
            next_step="`stadtdaten check` nennt Zeile und Abhilfe. Bis dahin das Portal vom Netz nehmen.",
        ) from None
    ledger, store = Ledger(settings.ledger), ReleaseStore(settings.releases)
    ledger.upgrade()
    portal = StaticPortal(settings.portal, settings.portal_url, city, settings.portal_sample, store)
    recorded = store.names(dataset) or ledger.last_attempt(dataset) or ledger.tombstone(dataset)
    if not recorded and not portal.live(dataset):
        raise Misconfigured(
            f"Von einem Datensatz {dataset} wissen Archiv, Verlauf und Portal nichts.",
            next_step="Die Kennung prüfen: Auf dem Portal steht sie in der Adresse der Seite (/dataset/KENNUNG/).",
        )
    return Reach(dataset, settings, city, ledger, store, portal)


def take_down(within: Reach) -> Takedown:
    """Withdraw and erase every release of the dataset, and write down the facts.

    Raises PublicationFailed if visitors still get something; the command is to be repeated then.
    """
    dataset, settings, ledger = within.dataset, within.settings, within.ledger
    kept = _readable(within)
    now = datetime.now(UTC)
    before = ledger.tombstone(dataset)
    half_done = before is not None and not any(manifest.created > before.at for manifest in kept)
    tombstone = Tombstone(dataset=dataset, at=now, releases=tuple(within.store.names(dataset)))
    if before is not None and half_done:
        tombstone = before
    ledger.bury(tombstone)
    attempt = ledger.last_attempt(dataset)
    sources = {manifest.source for manifest in kept} | ({attempt.source} if attempt else set())
    for source in sources:
        ledger.abort_open_attempts(source)
    facts = _facts_file(settings, tombstone)
    if not facts.exists():
        _write_facts(within, tombstone, kept, facts)
    within.portal.withdraw(dataset)
    for manifest in kept:
        within.portal.verify_withdrawn(manifest)
    within.store.erase(dataset)
    shutil.rmtree(settings.candidates / dataset, ignore_errors=True)
    for source in sources:
        discard(settings.staging / source)
    logger.warning("%s: taken down, %d releases erased", dataset, len(tombstone.releases))
    return Takedown(tombstone, facts)


def _readable(within: Reach) -> list[Manifest]:
    """What the store can tell of the dataset's releases, newest first; a damaged one keeps nothing online."""
    kept = []
    for name in within.store.names(within.dataset):
        try:
            kept.append(within.store.manifest(within.dataset, name))
        except ReleaseDamaged as fault:
            logger.warning("%s", fault.message)
    return sorted(kept, key=lambda manifest: (manifest.created, manifest.release), reverse=True)


def _shown(within: Reach) -> str:
    try:
        live = within.portal.live(within.dataset)
    except PublicationFailed as fault:
        logger.warning("%s", fault.message)
        return "vom Portal nicht zu erfahren"
    return f"Fassung {live.release}" if live else "keine Fassung"


def _facts_file(settings: Settings, tombstone: Tombstone) -> Path:
    return settings.var / "takedowns" / f"{tombstone.dataset}-{tombstone.at:%Y%m%dT%H%M%SZ}.md"


def _write_facts(within: Reach, tombstone: Tombstone, kept: list[Manifest], file: Path) -> None:
    """The facts for the report: names, counts and times, never a value."""
    zone = ZoneInfo(within.city.timezone)
    since = within.ledger.published_since(within.dataset)
    unreadable = sorted(set(tombstone.releases) - {manifest.release for manifest in kept})
    lines = [
        f"# Rückzug des Datensatzes {within.dataset}",
        "",
        f"- Zurückgezogen: {tombstone.at.astimezone(zone):%d.%m.%Y, %H:%M} Uhr",
        f"- Erste bekannte Fassung: {f'{since.astimezone(zone):%d.%m.%Y, %H:%M} Uhr' if since else 'unbekannt'}",
        f"- Zuletzt sichtbar: {_shown(within)} unter {within.portal.page(within.dataset)}",
        *_last_described(kept),
        "",
        "## Fassungen",
        "",
        "| Fassung | erstellt | Zeilen | Dateien | Byte |",
        "|---|---|---|---|---|",
    ]
    for manifest in reversed(kept):
        created = f"{manifest.created.astimezone(zone):%d.%m.%Y, %H:%M}"
        size = sum(each.size for each in manifest.files)
        lines.append(f"| {manifest.release} | {created} | {manifest.rows_published} | {len(manifest.files)} | {size} |")
    lines += [f"| {name} | nicht mehr lesbar | | | |" for name in unreadable]
    published: dict[str, dict[str, None]] = {}
    for manifest in reversed(kept):
        for table, columns in manifest.metadata.columns.items():
            published.setdefault(table, {}).update(dict.fromkeys(column.title for column in columns))
    lines += ["", "## Jemals veröffentlichte Spalten", ""]
    lines += [f"- {table}: {', '.join(titles)}" for table, titles in published.items()]
    lines += [
        "",
        "## Noch einzutragen",
        "",
        "- Was wurde sichtbar, und von wie vielen Menschen ungefähr?",
        "- Wodurch, und wie wurde es bemerkt?",
        "- Zugriffe laut Protokoll des Webservers seit der ersten Fassung:",
        "- Getroffene Maßnahmen und wer benachrichtigt wurde:",
        "",
        "## Wen die Stadt außerdem erreichen muss",
        "",
        *(f"- {each}" for each in WHOM_TO_CALL),
        "",
    ]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.parent.chmod(0o700)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
        out.write("\n".join(lines))


def _last_described(kept: list[Manifest]) -> list[str]:
    """How the newest release that can be read described itself."""
    if not kept:
        return ["- Titel, Quelle und Rechtsgrundlage: im Archiv nicht mehr lesbar"]
    newest = kept[0].metadata
    return [
        f"- Titel: {newest.title}",
        f"- Quelle: {newest.source}; fachlich zuständig: {newest.owner}",
        f"- Rechtsgrundlage der Freigabe: {newest.legal_basis}",
    ]
