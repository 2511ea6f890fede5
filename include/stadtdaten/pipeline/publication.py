"""Steps 3 to 5: decide, publish, verify. Here a candidate becomes what the public sees."""

from __future__ import annotations

import logging
import shutil
from datetime import UTC, datetime
from pathlib import Path

from stadtdaten.faults import Misconfigured
from stadtdaten.frames import Manifest
from stadtdaten.pipeline import incidents
from stadtdaten.pipeline.run import CandidateReference, ReleaseReference, Run
from stadtdaten.privacy.admission import release_allowed_on
from stadtdaten.quality.gates import portal_gate
from stadtdaten.releases import read_manifest

logger = logging.getLogger(__name__)


def decide(run: Run, reference: CandidateReference) -> ReleaseReference:
    """Compare the candidate with what is live (portal gate) and keep it as a release.

    Raises GateFailed where columns vanished or too many rows are gone; the candidate is then thrown away.
    """
    folder = Path(reference["folder"])
    with incidents.guard(run, reference["dataset"], reference["attempt"]):
        try:
            manifest = read_manifest(folder)
            dataset = run.contract.dataset(manifest.dataset)
            portal_gate(manifest, run.live(manifest.dataset), dataset)
            run.store.keep(folder, manifest)
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
    run.ledger.finish_attempt(
        reference["attempt"],
        "published",
        release=manifest.release,
        rows_published=manifest.rows_published,
        held_back=manifest.cells_held_back,
    )
    incidents.recover_dataset(run, manifest.dataset)
    return reference


def rollback(run: Run, dataset: str, release: str) -> Manifest:
    """Make an older release live again: the same act as publishing, with an older release.

    What was live is recorded as withdrawn: while the source delivers the same data under the same contract, suites
    and code, the nights leave the rollback alone. Anything new is published again, and so is a forced run.
    The release must be whole in the store (ReleaseDamaged otherwise) and differ from what is live (Misconfigured).
    """
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
    _reconcile(run, manifest, withdrawn=live.release if live else "")
    run.portal.verify(manifest)
    return manifest


def _reconcile(run: Run, manifest: Manifest, withdrawn: str = "") -> None:
    release_allowed_on(manifest, run.portal.sample)
    run.store.check(manifest.dataset, manifest.release)
    with run.store.local_folder(manifest.dataset, manifest.release) as folder:
        changed = run.portal.reconcile(manifest, folder)
    run.ledger.mark_live(manifest.dataset, manifest.release, run.portal.name, datetime.now(UTC), withdrawn)
    logger.info("%s: release %s is live%s", manifest.dataset, manifest.release, "" if changed else " already")
