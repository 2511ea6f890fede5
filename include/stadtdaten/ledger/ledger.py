"""What can be written into the ledger and asked of it; each method is one transaction.

Several processes use it at once (Airflow tasks, the terminal, the board). On SQLite a transaction that writes takes
the write lock when it begins (``BEGIN IMMEDIATE``): one that reads first and writes later would be refused at once,
without waiting, if another had written in between.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    NullPool,
    Select,
    create_engine,
    delete,
    event,
    insert,
    or_,
    select,
    text,
    update,
)  # fmt: skip
from sqlalchemy.exc import ArgumentError, DatabaseError, DataError, IntegrityError, NoSuchModuleError, ProgrammingError
from sqlalchemy.orm import Session, contains_eager, sessionmaker
from tenacity import retry, retry_if_exception, stop_after_delay, wait_random

from stadtdaten.faults import Finding, Misconfigured
from stadtdaten.frames import REVIEW_DUE, AlertEvent, CheckResult, Incident, Manifest, PublishedCells, Tombstone
from stadtdaten.ledger.models import (
    AlertRow,
    AttemptRow,
    CellsContentRow,
    CellsRow,
    CheckRow,
    IncidentRow,
    LiveRow,
    ReleaseRow,
    TakedownRow,
)
from stadtdaten.ledger.values import Alert, Attempt, Outcome
from stadtdaten.releases.manifest import manifest_text

CLAIM = timedelta(minutes=10)
"""How long a claimed alert belongs to its claimer; after that its process is taken for dead."""

GOOD: tuple[Outcome, ...] = ("published", "unchanged")

_BUSY_MILLISECONDS = 30_000
_UPGRADE_LOCK = 0x57AD7DA7  # any number that nobody else uses for PostgreSQL's advisory locks in this database


class LedgerUnavailable(Misconfigured):
    """The ledger's database does not answer, or is none; its server may come back within the night."""

    retryable = True


class Ledger:
    """The ledger at an SQLAlchemy URL (``sqlite:///...`` or ``postgresql://...``); ``upgrade`` creates it.

    Every method raises LedgerUnavailable where the database cannot be used; the URL itself is checked here
    (Misconfigured).
    """

    def __init__(self, url: str) -> None:
        try:
            # No pool: Airflow forks its task processes, and a connection must not cross a fork.
            engine = create_engine(url, poolclass=NullPool)
        except (ArgumentError, NoSuchModuleError, ImportError):
            raise Misconfigured(
                "Die Adresse der Verlaufsdatenbank ist keine SQLAlchemy-Adresse, oder ihr Treiber fehlt.",
                next_step="STADTDATEN_LEDGER prüfen, zum Beispiel sqlite:////pfad/ledger.sqlite.",
            ) from None
        if engine.dialect.name == "sqlite":
            event.listen(engine, "connect", _prepare_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
        self._engine = engine
        self._writing = engine.execution_options(writes=True)
        self._reader = sessionmaker(engine)
        self._writer = sessionmaker(self._writing)

    def upgrade(self) -> None:
        """Create the ledger or bring it to the current models; safe when several processes start at once."""
        # Only here: Alembic costs a tenth of a second that most processes need not spend.
        from alembic import command

        from stadtdaten.ledger.migrations import config

        with self._available():
            if self._engine.dialect.name == "sqlite" and self._engine.url.database:
                Path(self._engine.url.database).parent.mkdir(parents=True, exist_ok=True)
                _use_wal(self._engine)
            with self._writing.begin() as connection:
                if connection.dialect.name == "postgresql":
                    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _UPGRADE_LOCK})
                command.upgrade(config(connection), "head")

    # Attempts and their checks

    def start_attempt(self, source: str, dataset: str, night: str | None = None, run_url: str = "") -> int:
        """Record that an attempt begins now; its id."""
        row = AttemptRow(
            source=source, dataset=dataset, night=night, started=datetime.now(UTC), rows_read=0, rows_published=0,
            held_back=0, release="", live_release="", drift=[], run_url=run_url, pid=os.getpid(),
        )  # fmt: skip
        with self._write() as session:
            session.add(row)
            session.flush()
            return row.id

    def record_snapshot(self, attempt: int, rows_read: int, drift: Iterable[str]) -> None:
        """Record what was read: rows over all tables, and columns that the contract does not declare."""
        with self._write() as session:
            row = session.get_one(AttemptRow, attempt)
            row.rows_read, row.drift = rows_read, list(drift)

    def record_checks(self, attempt: int, results: Sequence[CheckResult]) -> None:
        """Record outcomes of expectations."""
        if results:
            with self._write() as session:
                session.execute(insert(CheckRow), [{"attempt_id": attempt, **dict(result)} for result in results])

    def finish_attempt(
        self, attempt: int, outcome: Outcome, release: str = "", rows_published: int = 0, held_back: int = 0
    ) -> None:
        """Record how the attempt ended, now; ``held_back`` counts suppressed cells."""
        with self._write() as session:
            row = session.get_one(AttemptRow, attempt)
            row.ended, row.outcome, row.release = datetime.now(UTC), outcome, release
            row.rows_published, row.held_back = rows_published, held_back
            row.live_release = _shown(session, row.dataset)

    def abort_open_attempts(self, source: str | None = None) -> int:
        """Close every attempt, or every one of the source, that has not ended; how many there were.

        Its processes are dead, or their run is superseded by the caller's.
        """
        attempts = select(AttemptRow).where(AttemptRow.ended.is_(None))
        if source is not None:
            attempts = attempts.where(AttemptRow.source == source)
        with self._write() as session:
            rows = session.scalars(attempts).all()
            for row in rows:
                row.ended, row.outcome = datetime.now(UTC), "aborted"
                row.live_release = _shown(session, row.dataset)
            return len(rows)

    def last_attempt(self, dataset: str) -> Attempt | None:
        """The newest attempt, which may still run."""
        with self._read() as session:
            row = session.scalar(_newest(dataset))
            return None if row is None else _attempt(row)

    def last_good_attempt(self, dataset: str) -> Attempt | None:
        """The newest attempt that ended with the dataset published or unchanged."""
        with self._read() as session:
            row = session.scalar(_newest(dataset).where(AttemptRow.outcome.in_(GOOD)))
            return None if row is None else _attempt(row)

    def checks(self, attempt: int) -> tuple[CheckResult, ...]:
        """The attempt's recorded expectations, in the order they were recorded."""
        with self._read() as session:
            rows = session.scalars(select(CheckRow).where(CheckRow.attempt_id == attempt).order_by(CheckRow.id))
            return tuple(
                CheckResult.model_validate({name: getattr(row, name) for name in CheckResult.model_fields})
                for row in rows
            )

    # Releases and what is live

    def record_release(self, manifest: Manifest) -> None:
        """Record a release, with the hash of its ``manifest.json``; again the same is no change."""
        row = ReleaseRow(
            dataset=manifest.dataset, id=manifest.release, source=manifest.source, created=manifest.created,
            rows=manifest.rows_published, files=len(manifest.files), size=sum(file.size for file in manifest.files),
            manifest_sha256=hashlib.sha256(manifest_text(manifest).encode()).hexdigest(),
            previous=manifest.inputs.previous,
        )  # fmt: skip
        with self._write() as session:
            _put(session, row)

    def mark_live(self, dataset: str, release: str, portal: str, at: datetime, withdrawn: str = "") -> None:
        """Record what the portal shows from ``at`` on; again the same keeps the older moment.

        ``withdrawn`` is the release that a rollback took away; without it no rollback is in force.
        """
        with self._write() as session:
            row = session.get(LiveRow, (dataset, portal), with_for_update=True)
            if row is not None and row.release == release:
                row.withdrawn = withdrawn
            else:
                live = LiveRow(dataset=dataset, portal=portal, release=release, withdrawn=withdrawn, since=at)
                _put(session, live)

    def live_release(self, dataset: str, portal: str) -> str | None:
        """The release that the portal shows of the dataset; None if none."""
        with self._read() as session:
            row = session.get(LiveRow, (dataset, portal))
            return None if row is None else row.release

    def withdrawn_release(self, dataset: str, portal: str) -> str:
        """The release that a rollback took away from the portal; empty where no rollback is in force."""
        with self._read() as session:
            row = session.get(LiveRow, (dataset, portal))
            return "" if row is None else row.withdrawn

    # Takedowns

    def bury(self, tombstone: Tombstone) -> None:
        """Record that the dataset was taken down: nothing of it is live any more, and no rollback is in force."""
        row = TakedownRow(dataset=tombstone.dataset, at=tombstone.at, releases=list(tombstone.releases))
        with self._write() as session:
            session.merge(row)
            session.execute(delete(LiveRow).where(LiveRow.dataset == tombstone.dataset))

    def tombstone(self, dataset: str) -> Tombstone | None:
        """The newest takedown of the dataset; None if there was none."""
        newest = select(TakedownRow).where(TakedownRow.dataset == dataset).order_by(TakedownRow.at.desc()).limit(1)
        with self._read() as session:
            row = session.scalar(newest)
            return None if row is None else Tombstone(dataset=row.dataset, at=row.at, releases=tuple(row.releases))

    def published_since(self, dataset: str) -> datetime | None:
        """When the oldest recorded release of the dataset was made; None if none was."""
        oldest = select(ReleaseRow.created).where(ReleaseRow.dataset == dataset).order_by(ReleaseRow.created).limit(1)
        with self._read() as session:
            return session.scalar(oldest)

    # Published cells

    def keep_cells(self, cells: Sequence[PublishedCells]) -> None:
        """Keep for good what a release shows of tables about people; again the same is no change.

        To be called before any portal shows it: what may have been seen counts as seen.
        """
        with self._write() as session:
            for each in cells:
                key = (each.dataset, each.table, each.release)
                if session.get(CellsRow, key) is not None:
                    continue
                sha256 = hashlib.sha256(each.content).hexdigest()
                if session.get(CellsContentRow, sha256) is None:
                    _put(session, CellsContentRow(sha256=sha256, content=each.content))
                row = CellsRow(
                    dataset=each.dataset, table=each.table, release=each.release, published_at=each.published_at,
                    sha256=sha256,
                )  # fmt: skip
                _put(session, row)

    def published_cells(self, dataset: str) -> tuple[PublishedCells, ...]:
        """What was ever published of the dataset's tables about people, oldest first."""
        with self._read() as session:
            chosen = _cells().where(CellsRow.dataset == dataset)
            rows = session.scalars(chosen.join(CellsRow.content).options(contains_eager(CellsRow.content)))
            return tuple(_published_cells(row) for row in rows)

    def published_cells_of_others(self, dataset: str) -> tuple[PublishedCells, ...]:
        """What the newest release of each other dataset shows of its tables about people."""
        with self._read() as session:
            rows = session.scalars(_cells().where(CellsRow.dataset != dataset))
            newest = {(row.dataset, row.table): row for row in rows}  # contents of the older are not read
            return tuple(_published_cells(newest[key]) for key in sorted(newest))

    # Incidents

    def open_incident(
        self,
        source: str,
        dataset: str | None,
        fault_kind: str,
        gate: str,
        message: str,
        findings: Sequence[Finding],
        run_url: str,
        at: datetime,
        next_step: str = "",
    ) -> tuple[Incident, bool]:
        """Open an incident and queue its alert, or bring the open one of the same dataset and kind up to date.

        ``dataset`` None means the whole source. The flag says whether it is new; only a new one gets an alert.
        """
        with self._write() as session:
            row = session.scalar(_open_of_kind(source, dataset, fault_kind))
            new = row is None
            if row is None:
                row = IncidentRow(source=source, dataset=dataset, kind=fault_kind, opened_at=at, occurrences=0)
            _bring_up_to_date(row, gate, message, findings, run_url, at, next_step)
            row.live_release = "" if dataset is None else _shown(session, dataset)
            if new:
                try:
                    with session.begin_nested():
                        session.add(row)
                except IntegrityError:
                    # PostgreSQL only: another process opened it since the look above.
                    row, new = session.scalars(_open_of_kind(source, dataset, fault_kind)).one(), False
                    _bring_up_to_date(row, gate, message, findings, run_url, at, next_step)
                else:
                    _queue_alert(session, row, "opened", at)
            return _stored(session, row), new

    def recover(self, dataset: str, at: datetime) -> list[Incident]:
        """Close the dataset's open incidents, but no notice, and queue an alert for each; those closed."""
        with self._write() as session:
            return _close(session, (IncidentRow.dataset == dataset) & (IncidentRow.kind != REVIEW_DUE), at)

    def withdraw_notice(self, dataset: str, at: datetime) -> list[Incident]:
        """Close the notice that the dataset's release record ends, and queue an alert; those closed."""
        with self._write() as session:
            return _close(session, (IncidentRow.dataset == dataset) & (IncidentRow.kind == REVIEW_DUE), at)

    def recover_source(self, source: str, at: datetime) -> list[Incident]:
        """Close the open incidents of the source as a whole (it answers again), not those of its datasets."""
        with self._write() as session:
            return _close(session, (IncidentRow.source == source) & IncidentRow.dataset.is_(None), at)

    def open_incidents(self) -> tuple[Incident, ...]:
        """All open incidents, oldest first."""
        with self._read() as session:
            rows = session.scalars(select(IncidentRow).where(IncidentRow.closed_at.is_(None)).order_by(IncidentRow.id))
            return tuple(_incident(row) for row in rows)

    # Alerts

    def claim_alerts(self, at: datetime) -> tuple[Alert, ...]:
        """Take the alerts that nobody has sent and nobody else is sending, oldest first.

        The claimer must call ``alert_sent`` or ``alert_failed`` for each. If it dies instead, the alert can be
        claimed again after ``CLAIM`` and goes out under the same Message-ID. That an incident opened is no longer
        told once it is closed: the recovery mail says both.
        """
        with self._write() as session:
            rows = session.scalars(
                select(AlertRow)
                .join(AlertRow.incident)
                .options(contains_eager(AlertRow.incident))
                .where(
                    AlertRow.sent_at.is_(None),
                    or_(AlertRow.claimed_at.is_(None), AlertRow.claimed_at <= at - CLAIM),
                    or_(AlertRow.event == "recovered", IncidentRow.closed_at.is_(None)),
                )
                .order_by(AlertRow.id)
                .with_for_update(of=AlertRow, skip_locked=True)
            ).all()
            for row in rows:
                row.claimed_at, row.attempts = at, row.attempts + 1
            return tuple(
                Alert(
                    id=row.id, incident=_incident(row.incident), event=cast(AlertEvent, row.event),
                    message_id=row.message_id, created_at=row.created_at, attempts=row.attempts,
                )
                for row in rows
            )  # fmt: skip

    def alert_sent(self, alert: int, at: datetime) -> None:
        """The mail server has taken the mail: it is never sent again."""
        with self._write() as session:
            session.execute(update(AlertRow).where(AlertRow.id == alert).values(sent_at=at, error=""))

    def alert_failed(self, alert: int, error: str) -> None:
        """The mail could not be sent; the next claim gets it again."""
        with self._write() as session:
            session.execute(update(AlertRow).where(AlertRow.id == alert).values(claimed_at=None, error=error))

    @contextmanager
    def _read(self) -> Iterator[Session]:
        with self._available(), self._reader() as session:
            yield session

    @contextmanager
    def _write(self) -> Iterator[Session]:
        with self._available(), self._writer.begin() as session:
            yield session

    @contextmanager
    def _available(self) -> Iterator[None]:
        """An error of the database quotes statements and values: only where it is and what kind of error goes on."""
        try:
            yield
        except (DatabaseError, sqlite3.DatabaseError, PermissionError, FileExistsError) as error:
            if isinstance(error, IntegrityError | DataError | ProgrammingError):
                raise  # the database is well: that is an error of ours
            cause = error.orig if isinstance(error, DatabaseError) else error
            where = self._engine.url.set(query={}).render_as_string(hide_password=True)
            raise LedgerUnavailable(
                f"Die Verlaufsdatenbank {where} ist nicht erreichbar oder beschädigt ({type(cause).__name__}).",
                next_step="Datenbankserver, Adresse (STADTDATEN_LEDGER), Rechte und Datenträger prüfen. Eine "
                "beschädigte SQLite-Datei aus der Sicherung wiederherstellen oder beiseitelegen: Der nächste Lauf "
                "lernt vom Portal, was live ist.",
            ) from None


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # The driver must not begin transactions by itself: _begin_sqlite does.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {_BUSY_MILLISECONDS}")
    connection.execute("PRAGMA foreign_keys = ON")


def _is_busy(error: BaseException) -> bool:
    return isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode == sqlite3.SQLITE_BUSY


@retry(
    retry=retry_if_exception(_is_busy),
    wait=wait_random(0.01, 0.1),
    stop=stop_after_delay(_BUSY_MILLISECONDS / 1000),
    reraise=True,
)
def _use_wal(engine: Engine) -> None:
    """Let readers and a writer work at once; the file remembers it.

    SQLite makes this switch without heeding busy_timeout: when two processes create the ledger, one is told that it
    is locked (seen once in 240 starts).
    """
    connection = engine.raw_connection()
    try:
        connection.cursor().execute("PRAGMA journal_mode = WAL")
    finally:
        connection.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _put(session: Session, row: ReleaseRow | LiveRow | CellsRow | CellsContentRow) -> None:
    """Insert or update by primary key."""
    try:
        with session.begin_nested():
            session.merge(row)
    except IntegrityError:
        # PostgreSQL only: another process inserted it between our look and our insert; now it can be seen.
        session.merge(row)


def _cells() -> Select[CellsRow]:
    """All published cells, oldest first."""
    return select(CellsRow).order_by(CellsRow.published_at, CellsRow.release, CellsRow.table)


def _published_cells(row: CellsRow) -> PublishedCells:
    return PublishedCells(
        dataset=row.dataset, table=row.table, release=row.release, published_at=row.published_at,
        content=row.content.content,
    )  # fmt: skip


def _newest(dataset: str) -> Select[AttemptRow]:
    return select(AttemptRow).where(AttemptRow.dataset == dataset).order_by(AttemptRow.id.desc()).limit(1)


def _attempt(row: AttemptRow) -> Attempt:
    return Attempt.model_validate({name: getattr(row, name) for name in Attempt.model_fields})


def _shown(session: Session, dataset: str) -> str:
    """The release that citizens see: where portals differ, the one that changed last."""
    newest = select(LiveRow.release).where(LiveRow.dataset == dataset).order_by(LiveRow.since.desc()).limit(1)
    return session.scalar(newest) or ""


def _open_of_kind(source: str, dataset: str | None, kind: str) -> Select[IncidentRow]:
    return (
        select(IncidentRow)
        .where(
            IncidentRow.closed_at.is_(None), IncidentRow.source == source, IncidentRow.kind == kind,
            IncidentRow.dataset.is_(None) if dataset is None else IncidentRow.dataset == dataset,
        )
        .with_for_update()
    )  # fmt: skip


def _bring_up_to_date(
    row: IncidentRow, gate: str, message: str, findings: Sequence[Finding], run_url: str, at: datetime, next_step: str
) -> None:
    row.gate, row.message, row.next_step, row.run_url = gate, message, next_step, run_url
    row.findings = [asdict(finding) for finding in findings]
    row.last_seen_at, row.occurrences = at, row.occurrences + 1


def _close(session: Session, which: ColumnElement[bool], at: datetime) -> list[Incident]:
    rows = session.scalars(
        select(IncidentRow).where(which, IncidentRow.closed_at.is_(None)).order_by(IncidentRow.id).with_for_update()
    ).all()
    for row in rows:
        row.closed_at = at
        _queue_alert(session, row, "recovered", at)
    return [_stored(session, row) for row in rows]


def _queue_alert(session: Session, row: IncidentRow, event: AlertEvent, at: datetime) -> None:
    session.add(
        AlertRow(
            incident_id=row.id, event=event, message_id=_incident(row).message_key(event), created_at=at, error="",
            attempts=0,
        )
    )  # fmt: skip


def _stored(session: Session, row: IncidentRow) -> Incident:
    """The incident as the database will hand it out, moments in UTC."""
    session.flush()
    session.refresh(row)
    return _incident(row)


def _incident(row: IncidentRow) -> Incident:
    return Incident.model_validate({name: getattr(row, name) for name in Incident.model_fields})
