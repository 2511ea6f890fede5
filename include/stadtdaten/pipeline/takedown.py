"""Something personal got out: how does every release of a dataset disappear, at once, and never come back?

First the tombstone, so that no night, restore or rollback brings anything back; then the portal; then the bytes. Killed
in between, the command is simply called again. What was counted of the tables is kept (``published_cells``), because
the next release must withstand whoever has a copy of the old ones.
"""

from __future__ import annotations

import logging
import os
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from stadtdaten.contracts import Dataset
from stadtdaten.faults import PublicationFailed, ReleaseDamaged
from stadtdaten.frames import Manifest, Tombstone
from stadtdaten.pipeline.run import Run
from stadtdaten.pipeline.staging import discard

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


def take_down(run: Run, dataset: Dataset) -> Takedown:
    """Withdraw and erase every release of the dataset, and write down the facts.

    Raises PublicationFailed if visitors still get something; the command is to be repeated then.
    """
    run.ledger.upgrade()
    kept = _readable(run, dataset)
    now = datetime.now(UTC)
    before = run.ledger.tombstone(dataset.id)
    half_done = before is not None and not any(manifest.created > before.at for manifest in kept)
    tombstone = Tombstone(dataset=dataset.id, at=now, releases=tuple(run.store.names(dataset.id)))
    if before is not None and half_done:
        tombstone = before
    run.ledger.bury(tombstone)
    run.ledger.abort_open_attempts(run.contract.source)
    facts = _facts_file(run, tombstone)
    if not facts.exists():
        _write_facts(run, dataset, tombstone, kept, facts)
    run.portal.withdraw(dataset.id)
    for manifest in kept:
        run.portal.verify_withdrawn(manifest)
    run.store.erase(dataset.id)
    shutil.rmtree(run.settings.candidates / dataset.id, ignore_errors=True)
    discard(run.settings.staging / run.contract.source)
    logger.warning("%s: taken down, %d releases erased", dataset.id, len(tombstone.releases))
    return Takedown(tombstone, facts)


def _readable(run: Run, dataset: Dataset) -> list[Manifest]:
    """What the store can tell of the dataset's releases, newest first; a damaged one keeps nothing online."""
    kept = []
    for name in run.store.names(dataset.id):
        try:
            kept.append(run.store.manifest(dataset.id, name))
        except ReleaseDamaged as fault:
            logger.warning("%s", fault.message)
    return sorted(kept, key=lambda manifest: (manifest.created, manifest.release), reverse=True)


def _shown(run: Run, dataset: Dataset) -> str:
    try:
        live = run.portal.live(dataset.id)
    except PublicationFailed as fault:
        logger.warning("%s", fault.message)
        return "vom Portal nicht zu erfahren"
    return f"Fassung {live.release}" if live else "keine Fassung"


def _facts_file(run: Run, tombstone: Tombstone) -> Path:
    return run.settings.var / "takedowns" / f"{tombstone.dataset}-{tombstone.at:%Y%m%dT%H%M%SZ}.md"


def _write_facts(run: Run, dataset: Dataset, tombstone: Tombstone, kept: list[Manifest], file: Path) -> None:
    """The facts for the report: names, counts and times, never a value."""
    zone = ZoneInfo(run.city.timezone)
    since = run.ledger.published_since(dataset.id)
    unreadable = sorted(set(tombstone.releases) - {manifest.release for manifest in kept})
    lines = [
        f"# Rückzug des Datensatzes {dataset.title} ({dataset.id})",
        "",
        f"- Zurückgezogen: {tombstone.at.astimezone(zone):%d.%m.%Y, %H:%M} Uhr",
        f"- Erste bekannte Fassung: {f'{since.astimezone(zone):%d.%m.%Y, %H:%M} Uhr' if since else 'unbekannt'}",
        f"- Zuletzt sichtbar: {_shown(run, dataset)} unter {run.portal.page(dataset.id)}",
        f"- Quelle: {run.contract.title} ({run.contract.source}); verantwortlich: {dataset.release.office}",
        f"- Rechtsgrundlage der Freigabe: {dataset.release.legal_basis} (Freigabe vom {dataset.release.date:%d.%m.%Y})",
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
