"""Step 2: from a snapshot to a finished candidate. Everything personal ends here.

Raw suite → anonymise → public suite → privacy audit → files and metadata → manifest. The snapshot is deleted
whatever happens; what is left holds nothing that may not be published.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from stadtdaten import read
from stadtdaten.contracts import Dataset, Table
from stadtdaten.faults import Misconfigured, SnapshotFailed
from stadtdaten.frames import AnonymisationReport, CheckResult, Inputs, Manifest, Snapshot, Stage
from stadtdaten.pipeline import cells, incidents
from stadtdaten.pipeline.run import CandidateReference, Run, SnapshotReference
from stadtdaten.pipeline.staging import at_work, discard
from stadtdaten.privacy.admission import admit
from stadtdaten.privacy.anonymisation import anonymise
from stadtdaten.privacy.audit import audit, audit_finished
from stadtdaten.privacy.columns import published_columns
from stadtdaten.privacy.context import Context
from stadtdaten.privacy.stronger import what_would_pass
from stadtdaten.quality.checks import run_suite
from stadtdaten.quality.gates import gate
from stadtdaten.quality.suites import SuiteError, load_suite, suite_path
from stadtdaten.releases import release_id, write_candidate_manifest
from stadtdaten.standards.describe import describe
from stadtdaten.standards.files import write_files

logger = logging.getLogger(__name__)

Frames = dict[str, Any]
"""Table id to its pandas or geopandas frame."""


def build_candidate(run: Run, reference: SnapshotReference) -> CandidateReference:
    """Check, anonymise, check again, audit and write one dataset.

    Raises the Fault that stopped it; a dataset whose snapshot already failed fails here again, so that its own row
    in Airflow turns red.
    """
    if reference["state"] == "failed":
        raise SnapshotFailed(reference["reason"], next_step=reference["next_step"])
    dataset = run.contract.dataset(reference["dataset"])
    snapshot_folder = Path(reference["folder"])
    if not snapshot_folder.exists():
        raise SnapshotFailed(
            f"Datensatz {dataset.id}: Die gelesenen Daten sind nicht mehr da; sie werden nach jedem Versuch gelöscht.",
            next_step="Den ganzen Lauf neu starten, nicht nur diese Aufgabe.",
        )
    with incidents.guard(run, dataset.id, reference["attempt"]), at_work(snapshot_folder):
        try:
            snapshot = Snapshot.model_validate_json((snapshot_folder / "lock.json").read_text(encoding="utf-8"))
            folder = _build(run, dataset, snapshot, reference["attempt"])
        finally:
            discard(snapshot_folder)
    return CandidateReference(dataset=dataset.id, attempt=reference["attempt"], folder=str(folder))


def _build(run: Run, dataset: Dataset, snapshot: Snapshot, attempt: int) -> Path:
    admit(dataset, _day(run, snapshot), run.ledger.tombstone(dataset.id), ZoneInfo(run.city.timezone))
    raw = _load(snapshot, dataset.tables)
    references = _load(snapshot, [reference.table for reference in dataset.references])
    with _log_group("Rohdaten prüfen"):
        checks = _check(run, dataset, raw | references, "raw", attempt)
    context = _context(run, dataset, snapshot, references)
    with _log_group("Anonymisieren"):
        anonymised = anonymise(raw, dataset, context)
        for table, each in anonymised.items():
            logger.info("%s: %s", table, each.report.sentence)
    public = {table: each.frame for table, each in anonymised.items()}
    with _log_group("Veröffentlichbare Daten prüfen"):
        checks += _check(run, dataset, public, "public", attempt)
    with _log_group("Datenschutz nachprüfen"):
        widths = {table: each.widths for table, each in anonymised.items() if each.widths is not None}
        with what_would_pass(raw, dataset, context):
            audit(public, dataset, context, widths)
    return _write(run, dataset, snapshot, public, checks, [each.report for each in anonymised.values()], attempt)


def _day(run: Run, snapshot: Snapshot) -> date:
    return snapshot.taken_at.astimezone(ZoneInfo(run.city.timezone)).date()


def _load(snapshot: Snapshot, tables: Sequence[Table]) -> Frames:
    return {table.id: read.load_frame(snapshot.folder / f"{table.id}.parquet") for table in tables}


def _context(run: Run, dataset: Dataset, snapshot: Snapshot, references: Frames) -> Context:
    """What anonymisation and audit may look at besides the rows."""
    return Context(
        today=_day(run, snapshot),
        crs=run.city.crs,
        references=references,
        earlier=cells.history(run, dataset.id),
        others=run.ledger.published_cells_of_others(dataset.id),
        key=lambda connection: run.connect(connection).password,
    )


@contextmanager
def _log_group(title: str) -> Iterator[None]:
    """A foldable group of log lines on Airflow's pages; what stops the step is told after it, unfolded."""
    logger.info("::group::%s", title)
    try:
        yield
    finally:
        logger.info("::endgroup::")


def _check(run: Run, dataset: Dataset, frames: Frames, stage: Stage, attempt: int) -> tuple[CheckResult, ...]:
    """Run every table's suite of the stage, record the results, then let the gate decide."""
    results: tuple[CheckResult, ...] = ()
    for table in frames:
        path = suite_path(run.settings.expectations, run.contract.source, table, stage)
        try:
            suite = load_suite(path)
        except SuiteError as error:
            places = "; ".join(
                f"Zeile {problem.line}: „{problem.message}“" + (f" (Vorschlag: „{problem.fix}“)" if problem.fix else "")
                for problem in error.problems
            )
            raise Misconfigured(
                f"Datensatz {dataset.id}: Die Prüfregeln in {path.relative_to(run.settings.home)} sind nicht "
                f"brauchbar. Meldung des Prüfprogramms: {places}",
                next_step="Die genannte Zeile berichtigen; `stadtdaten check` prüft alle Regeln.",
            ) from None
        results += run_suite(suite, frames[table], table, stage)
    run.ledger.record_checks(attempt, results)
    for result in results:
        state = "ok" if result.success else result.severity
        logger.info("%-8s %s %s %s", state, result.table, result.expectation, result.column)
    gate(results, dataset.id, stage)
    return results


def _write(
    run: Run,
    dataset: Dataset,
    snapshot: Snapshot,
    frames: Frames,
    checks: Sequence[CheckResult],
    reports: Sequence[AnonymisationReport],
    attempt: int,
) -> Path:
    """Files, metadata, evidence and, last, the manifest."""
    live = run.live(dataset.id)
    content = {table: lock.content_hash for table, lock in snapshot.tables.items()}
    inputs: Inputs = run.inputs(dataset, content, live.release if live else "")
    folder = run.settings.candidates / dataset.id / str(attempt)
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    now = datetime.now(UTC).replace(microsecond=0)
    earlier = run.store.releases(dataset.id)
    files = tuple(
        file
        for table in dataset.tables
        for file in write_files(
            frames[table.id], table, published_columns(table), folder, run.city
        )
    )  # fmt: skip
    # The release's name is public. Made of the hash of what was read, it would tell, guess by guess, what is held back.
    release = release_id(inputs.model_copy(update={"content": {file.path: file.sha256 for file in files}}))
    _write_evidence(folder / "evidence", snapshot, checks, reports)
    cells.write_cells(folder, frames, dataset.tables)
    rows = {table: len(frame) for table, frame in frames.items()}
    manifest = Manifest(
        release=release,
        source=run.contract.source,
        dataset=dataset.id,
        created=now,
        inputs=inputs,
        locks=snapshot.tables,
        rows_read=snapshot.rows_of(dataset),
        rows_published=sum(rows.values()),
        rows_by_table=rows,
        files=files,
        metadata=describe(
            run.contract,
            dataset,
            frames,
            reports,
            issued=earlier[-1].metadata.issued if earlier else now,
            modified=now,
        ),
        checks=tuple(checks),
        anonymisation=tuple(reports),
        personal=dataset.personal,
        evidence=_other_files(folder, {file.path for file in files}),
    )
    audit_finished(manifest.metadata, folder, [file.path for file in files])
    write_candidate_manifest(folder, manifest)
    logger.info("%s: candidate %s with %d files", dataset.id, release, len(files))
    return folder


def _write_evidence(
    folder: Path, snapshot: Snapshot, checks: Sequence[CheckResult], reports: Sequence[AnonymisationReport]
) -> None:
    folder.mkdir()
    (folder / "lock.json").write_text(
        snapshot.model_dump_json(indent=2, exclude={"folder"}) + "\n", encoding="utf-8"
    )  # fmt: skip
    for name, values in (("checks", checks), ("anonymisation", reports)):
        lines = ",\n".join(value.model_dump_json() for value in values)
        (folder / f"{name}.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def _other_files(folder: Path, listed: set[str]) -> dict[str, str]:
    """Every file of the candidate that is no ReleaseFile (schemas, evidence), with its SHA-256."""
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    names = {path.relative_to(folder).as_posix(): path for path in found}
    return {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in names.items() if name not in listed}
