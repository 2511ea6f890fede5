"""May this dataset be published at all today? Its release record must be in force; what was taken down stays down."""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

from stadtdaten.contracts.model import Dataset
from stadtdaten.faults import GateFailed
from stadtdaten.frames import Manifest, Tombstone

NOTICE = timedelta(days=30)
"""How long before the end of a release record those who answer for it are told."""


def admit(dataset: Dataset, today: date, tombstone: Tombstone | None, zone: ZoneInfo) -> None:
    """Raise GateFailed("privacy") unless the release record of the dataset is in force on the day.

    After a takedown only a record that was made on a later day counts: the decision that let it out does not. ``zone``
    is the city's, by whose clock days are told.
    """
    record = dataset.release
    if record.date > today:
        raise GateFailed(
            "privacy",
            f"Datensatz {dataset.id}: Die Freigabe gilt erst ab {record.date:%d.%m.%Y}.",
            next_step="Den Tag abwarten oder im Vertrag `release.date` berichtigen.",
        )
    if record.next_review < today:
        raise GateFailed(
            "privacy",
            f"Datensatz {dataset.id}: Die Freigabe ist am {record.next_review:%d.%m.%Y} abgelaufen; seither wird "
            "nichts Neues veröffentlicht.",
            next_step=f"Die Freigabe neu prüfen lassen ({record.office}, Datenschutz) und im Vertrag `release.date` "
            "und `release.next_review` eintragen.",
        )
    taken_down = tombstone.at.astimezone(zone).date() if tombstone is not None else None
    if taken_down is not None and record.date <= taken_down:
        raise GateFailed(
            "privacy",
            f"Datensatz {dataset.id}: Er wurde am {taken_down:%d.%m.%Y} wegen einer Datenpanne zurückgezogen; die "
            "Freigabe ist älter.",
            next_step="Die Ursache beheben, den Datensatz neu prüfen lassen und eine Freigabe mit späterem Datum "
            "(`release.date`) eintragen.",
        )


def review_due(dataset: Dataset, today: date) -> bool:
    """Whether the release record ends within ``NOTICE``, or has ended."""
    return today >= dataset.release.next_review - NOTICE


def refuse_taken_down(manifest: Manifest, tombstone: Tombstone | None) -> None:
    """Raise GateFailed("privacy") for a release that was made before the takedown of its dataset."""
    if tombstone is not None and manifest.created <= tombstone.at:
        raise GateFailed(
            "privacy",
            f"Die Fassung {manifest.release} des Datensatzes {manifest.dataset} wurde am {tombstone.at:%d.%m.%Y} wegen "
            "einer Datenpanne zurückgezogen und darf nie wieder veröffentlicht werden.",
            next_step="Den Datensatz nach neuer Freigabe neu bauen lassen.",
        )
