"""Steps 3 to 5: decide, publish, verify. Here a candidate becomes what the public sees."""

from __future__ import annotations

import logging
import shutil
from datetime import UTC, datetime
from pathlib import Path

from stadtdaten.faults import GateFailed, Misconfigured, PublicationFailed, ReleaseDamaged
from stadtdaten.frames import Manifest
from stadtdaten.pipeline import cells, incidents
from stadtdaten.pipeline.run import CandidateReference, ReleaseReference, Run
from stadtdaten.privacy.admission import refuse_taken_down
from stadtdaten.quality.gates import portal_gate
from stadtdaten.releases import read_manifest

logger = logging.getLogger(__name__)


def decide(run: Run, reference: CandidateReference) -> ReleaseReference:
    """Compare the candidate with what is live (portal gate) and keep it as a release.

    Raises GateFailed where columns vanished or too many rows are gone; the candidate is then thrown away.
    """
    folder = Path(reference["folder"])
    try:  # around the guard: a run that was taken over leaves no candidate, either
        with incidents.guard(run, reference["dataset"], reference["attempt"]):
            manifest = read_manifest(folder)
            dataset = run.contract.dataset(manifest.dataset)
            refuse_taken_down(manifest, run.ledger.tombstone(manifest.dataset))
            portal_gate(manifest, run.live(manifest.dataset), dataset)
            run.store.keep(folder, manifest)
            try:  # taken down by somebody while we were at it
                refuse_taken_down(manifest, run.ledger.tombstone(manifest.dataset))
            except GateFailed:
                run.store.erase(manifest.dataset)
                raise
            run.ledger.record_release(run.store.manifest(manifest.dataset, manifest.release))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return ReleaseReference(dataset=manifest.dataset, attempt=reference["attempt"], release=manifest.release)


def publish(run: Run, reference: ReleaseReference) -> ReleaseReference:
    """Bring the portal to the release. Raises PublicationFailed; what was live stays live then."""
    with incidents.guard(run, reference["dataset"], reference["attempt"]):
        manifest = run.store.manifest(reference["dataset"], reference["release"])
        _reconcile(run, manifest)
    return reference


def verify(run: Run, reference: ReleaseReference) -> ReleaseReference:
    """Read the portal as a visitor; what it shows must be the release. Then the night is done for this dataset."""
    with incidents.guard(run, reference["dataset"], reference["attempt"]):
        manifest = run.store.manifest(reference["dataset"], reference["release"])
        run.portal.verify(manifest)
    incidents.settle(run, reference["attempt"], manifest, "published")
    return reference


def confirm(run: Run, live: Manifest, withdrawn: str) -> None:
    """The source is unchanged: visitors must still get what is live; what has drifted on the portal is put right.

    ``withdrawn`` is the release that a rollback took away, where one is in force. Raises PublicationFailed.
    """
    _record_live(run, live, withdrawn)
    try:
        run.portal.verify(live)
    except PublicationFailed as drift:
        logger.warning("%s", drift.message)
        for finding in drift.findings:
            logger.warning("  %s", finding.message)
        _reconcile(run, live, withdrawn)
        run.portal.verify(live)


def restore(run: Run, dataset: str) -> None:
    """After a loss of the portal or the ledger, bring back what the store and the other of the two still know.

    A portal that shows nothing of the dataset gets what was live before (by the ledger) or the newest release that
    is whole, except one that a rollback took away: this does not wait for a good night. A ledger that does not know
    what is live is told. Does nothing on any other night. Raises PublicationFailed.
    """
    live = run.portal.live(dataset)
    known = run.ledger.live_release(dataset, run.portal.name)
    if live is not None:
        if known is None and run.store.has(dataset, live.release):
            _record_live(run, run.store.manifest(dataset, live.release))
        return
    withdrawn = run.ledger.withdrawn_release(dataset, run.portal.name)
    kept = [manifest for manifest in run.store.releases(dataset) if manifest.release != withdrawn]
    for manifest in sorted(kept, key=lambda each: each.release != known):  # stable: the others stay newest first
        try:
            _reconcile(run, manifest, withdrawn)
        except (ReleaseDamaged, GateFailed) as fault:
            logger.warning("%s", fault.message)
            continue
        run.portal.verify(manifest)
        logger.warning("%s: the portal showed nothing; release %s is restored", dataset, manifest.release)
        return


def rollback(run: Run, dataset: str, release: str) -> Manifest:
    """Make an older release live again: the same act as publishing, with an older release.

    What was live is recorded as withdrawn: while the source delivers the same data under the same contract, suites
    and code, the nights leave the rollback alone. Anything new is published again, and so is a forced run.
    The release must be whole in the store (ReleaseDamaged otherwise) and differ from what is live (Misconfigured).
    """
    tombstone = run.ledger.tombstone(dataset)
    if tombstone is not None and release in tombstone.releases:
        raise GateFailed(
            "privacy",
            f"Datensatz {dataset}: Die Fassung {release} wurde am {tombstone.at:%d.%m.%Y} wegen einer Datenpanne "
            "zurückgezogen und gelöscht.",
            next_step="Nur eine neue Fassung nach neuer Freigabe kann veröffentlicht werden.",
        )
    if not run.store.has(dataset, release):
        known = ", ".join(manifest.release for manifest in run.store.releases(dataset)) or "keine"
        raise Misconfigured(
            f"Datensatz {dataset}: Die Veröffentlichung {release} gibt es nicht.",
            next_step=f"Vorhanden sind: {known}.",
        )
    live = run.portal.live(dataset)
    if live is not None and live.release == release:
        raise Misconfigured(
            f"Datensatz {dataset}: Die Veröffentlichung {release} ist schon live.",
            next_step="Eine andere Veröffentlichung nennen; `stadtdaten status` zeigt, was live ist.",
        )
    manifest = run.store.manifest(dataset, release)
    # After several steps back it is still the first that the source delivers.
    withdrawn = run.ledger.withdrawn_release(dataset, run.portal.name) or (live.release if live else "")
    _reconcile(run, manifest, withdrawn)
    run.portal.verify(manifest)
    return manifest


def _reconcile(run: Run, manifest: Manifest, withdrawn: str = "") -> None:
    refuse_taken_down(manifest, run.ledger.tombstone(manifest.dataset))
    run.store.check(manifest.dataset, manifest.release)
    if withdrawn:
        # Also before the act: if we are killed in it, the nights must not undo the rollback.
        _record_live(run, manifest, withdrawn)
    with run.store.local_folder(manifest.dataset, manifest.release) as folder:
        # Before the act: what may have been seen counts as seen.
        run.ledger.keep_cells(cells.cells_of(folder, manifest))
        changed = run.portal.reconcile(manifest, folder)
    try:  # taken down by somebody while we were at it
        refuse_taken_down(manifest, run.ledger.tombstone(manifest.dataset))
    except GateFailed:
        run.portal.withdraw(manifest.dataset)
        raise
    _record_live(run, manifest, withdrawn)
    logger.info("%s: release %s is live%s", manifest.dataset, manifest.release, "" if changed else " already")


def _record_live(run: Run, manifest: Manifest, withdrawn: str = "") -> None:
    """Also the release itself: the ledger may be younger than it."""
    run.ledger.record_release(manifest)
    run.ledger.mark_live(manifest.dataset, manifest.release, run.portal.name, datetime.now(UTC), withdrawn)
