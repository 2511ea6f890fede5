"""What happens when something stops a dataset: one incident, one alert, the attempt closed, nothing lost.

Every step runs inside a guard. A Fault is recorded and passed on. Any other exception is an error of ours; its text
may hold values of the data, so only its type and its place go further.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Literal

from stadtdaten import alerts
from stadtdaten.contracts import Dataset
from stadtdaten.faults import Fault, GateFailed, Superseded, Unexpected
from stadtdaten.frames import REVIEW_DUE, Incident, Manifest
from stadtdaten.pipeline.run import Run
from stadtdaten.privacy.admission import review_due

logger = logging.getLogger(__name__)


@contextmanager
def guard(run: Run, dataset: str, attempt: int) -> Iterator[None]:
    """Around a step of one dataset: record what stops it, then raise it as a Fault.

    Raises Superseded, and records nothing, once a newer run of the source has taken over.
    """
    try:
        with _only_faults():
            _require_newest(run, dataset, attempt)
            yield
    except Fault as fault:
        _require_newest(run, dataset, attempt)
        if fault.retryable and not run.last_try:
            logger.warning("%s: %s (will be tried again)", dataset, fault.message)
            raise
        run.ledger.finish_attempt(attempt, "held_back" if isinstance(fault, GateFailed) else "failed")
        if not fault.concerns_source:
            _open(run, dataset, fault)
        raise


@contextmanager
def source_guard(run: Run) -> Iterator[None]:
    """Around what concerns the whole source: its server is down, its connection is missing."""
    try:
        with _only_faults():
            yield
    except Fault as fault:
        if isinstance(fault, Superseded) or (fault.retryable and not run.last_try):
            raise
        _open(run, None, fault)
        raise


def tell_partly_down(run: Run, fault: Fault, unread: Sequence[Dataset]) -> None:
    """One incident of the source, where one of its servers is not to be read and the datasets of the others go on."""
    titles = ", ".join(f"„{dataset.title}“" for dataset in unread)
    told = type(fault)(
        f"{fault.message} Nicht gelesen: {titles}; die übrigen Datensätze der Quelle kommen von anderen Servern "
        "und sind nicht betroffen.",
        next_step=fault.next_step,
    )
    _open(run, None, told)


def watch_review(run: Run, dataset: Dataset, today: date) -> None:
    """Announce, once, that the dataset's release record ends; or that it was renewed."""
    if not review_due(dataset, today):
        if run.ledger.withdraw_notice(dataset.id, datetime.now(UTC)):
            deliver_alerts(run)
        return
    record = dataset.release
    run.ledger.open_incident(
        run.contract.source,
        dataset.id,
        REVIEW_DUE,
        "",
        f"Die Freigabe zur Veröffentlichung endet am {record.next_review:%d.%m.%Y}. Danach wird nichts Neues mehr "
        "veröffentlicht; was online ist, bleibt online.",
        (),
        run.run_url,
        datetime.now(UTC),
        f"Die Freigabe neu prüfen lassen ({record.office}, Datenschutz) und im Vertrag `release.date` und "
        "`release.next_review` eintragen.",
    )
    deliver_alerts(run)


def settle(run: Run, attempt: int, live: Manifest, outcome: Literal["published", "unchanged"]) -> None:
    """The dataset is well: close the attempt and whatever incident was open, and tell that it is over."""
    run.ledger.finish_attempt(
        attempt,
        outcome,
        release=live.release,
        rows_published=live.rows_published,
        held_back=live.cells_held_back,
    )
    run.ledger.recover(live.dataset, datetime.now(UTC))
    deliver_alerts(run)


def recover_source(run: Run) -> None:
    """The source answers again: close the incident of the source as a whole."""
    if run.ledger.recover_source(run.contract.source, datetime.now(UTC)):
        deliver_alerts(run)


def deliver_alerts(run: Run) -> None:
    """Send what is waiting to be sent, also what an earlier run could not send.

    A mail server that is down, or a mail that cannot be written, stops nothing: the alert stays in the ledger, is
    logged and goes out with the next run.
    """
    for alert in run.ledger.claim_alerts(datetime.now(UTC)):
        try:
            with _only_faults():
                message, server = _mail(run, alert.incident), run.connect("smtp_default")
            alerts.send(message, server)
        except (alerts.AlertNotSent, Fault) as error:
            run.ledger.alert_failed(alert.id, str(error))
            logger.error("Alarm %s nicht zugestellt: %s", alert.message_id, error)
        else:
            run.ledger.alert_sent(alert.id, datetime.now(UTC))


def _mail(run: Run, incident: Incident) -> EmailMessage:
    """The mail about an incident, which may be another source's whose mail could not be sent earlier."""
    concerned = run if incident.source == run.contract.source else run.of(incident.source)
    live: dict[str, alerts.LiveFacts | None] = {}
    before = None
    for dataset in concerned.contract.datasets:
        try:
            manifest = concerned.live(dataset.id)
        except Fault:  # often the very reason for the mail
            live[dataset.id] = None
            continue
        if manifest is None:
            continue
        live[dataset.id] = alerts.LiveFacts(
            release=manifest.release,
            created=manifest.metadata.modified,
            rows=manifest.rows_published,
            page=run.portal.page(dataset.id),
        )
        if dataset.id == incident.dataset:
            before = manifest.rows_read
    last = run.ledger.last_attempt(incident.dataset) if incident.dataset else None
    situation = alerts.Situation(
        live=live,
        rows_before=before,
        rows_now=last.rows_read if last and last.rows_read else None,
        columns_new=last.drift if last else (),
        runbook_url=incident.run_url.partition("/runs/")[0],
    )
    return alerts.compose(
        incident, concerned.city, concerned.contract, situation, run.settings.mail_from, datetime.now(UTC)
    )


def _require_newest(run: Run, dataset: str, attempt: int) -> None:
    """Raise Superseded if a later run of the source has begun: by hand, by schedule, or after this one was killed."""
    newest = run.ledger.last_attempt(dataset)
    if newest is not None and (newest.id != attempt or newest.outcome == "aborted"):
        raise Superseded(
            f"Datensatz {dataset}: Ein neuerer Lauf der Quelle hat übernommen, dieser endet hier.",
            next_step="Den neueren Lauf abwarten.",
        ) from None


def _open(run: Run, dataset: str | None, fault: Fault) -> None:
    incident, new = run.ledger.open_incident(
        run.contract.source,
        dataset,
        fault.gate if isinstance(fault, GateFailed) else fault.kind,
        fault.gate if isinstance(fault, GateFailed) else "",
        fault.message,
        fault.findings,
        run.run_url,
        datetime.now(UTC),
        fault.next_step,
    )
    logger.error("Vorfall %d%s: %s", incident.id, " (neu)" if new else f", {incident.occurrences}. Mal", fault.message)
    for finding in fault.findings:
        logger.error("  %s", finding.message)
    deliver_alerts(run)


@contextmanager
def _only_faults() -> Iterator[None]:
    """Turn an exception nobody foresaw into a Fault that tells its type and place, never its text."""
    try:
        yield
    except Fault:
        raise
    except Exception as error:  # noqa: BLE001  it is raised again, without its text
        frames = traceback.extract_tb(error.__traceback__)
        for frame in frames:
            logger.error("  %s:%s in %s", frame.filename, frame.lineno, frame.name)
        ours = next((frame for frame in reversed(frames) if "stadtdaten" in Path(frame.filename).parts), frames[-1])
        raise Unexpected(
            f"Unerwarteter Fehler {type(error).__name__} in {Path(ours.filename).name}, Zeile {ours.lineno}.",
            next_step="Das Protokoll nennt die Stellen im Programm; bitte dem Entwicklungsteam melden.",
        ) from None
