"""Step 1: read the source, compare with what is live, keep a snapshot of what changed."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from stadtdaten.contracts import Dataset, Table
from stadtdaten.contracts.interfaces import Interface
from stadtdaten.extract import NotModified, fetch_table
from stadtdaten.faults import Fault, Superseded
from stadtdaten.frames import Endpoint, Manifest, Snapshot, TableLock
from stadtdaten.pipeline import incidents, publication
from stadtdaten.pipeline.changes import full_read_due, merged_into
from stadtdaten.pipeline.run import Run, SnapshotReference
from stadtdaten.pipeline.staging import at_work, discard, discard_left_behind, make_private, private_files
from stadtdaten.read import content_hash, read_table, write_frame

logger = logging.getLogger(__name__)


def take_snapshots(run: Run) -> list[SnapshotReference]:
    """Read every dataset of the source once.

    A fault of one dataset (a column gone, a file that is no table) is recorded and handed on as state ``failed``, so
    that the others go on. A fault of the whole source (server down, connection missing) is raised.

    What an earlier run of the source left unfinished ends here: it was killed, or this one takes over from it. So
    does what killed runs of other sources left of their snapshots: their own next run may be months away. What a lost
    portal or ledger should show is restored before the source is asked, whatever it delivers then.
    """
    run.ledger.upgrade()
    run.ledger.abort_open_attempts(run.contract.source)
    discard(run.settings.staging / run.contract.source)
    for dataset in run.contract.datasets:
        discard(run.settings.candidates / dataset.id)
    make_private(run.staging)
    try:
        with incidents.source_guard(run), at_work(run.staging):
            discard_left_behind(run.settings.staging)
            today = datetime.now(ZoneInfo(run.city.timezone)).date()
            for dataset in run.contract.datasets:
                incidents.watch_review(run, dataset, today)
                publication.restore(run, dataset.id)
            references = _take_all(run)
    except Superseded:
        raise
    except BaseException:
        # Nobody goes on with what was read before, be it a fault, a time-out of Airflow's or an interrupt.
        discard(run.staging)
        run.ledger.abort_open_attempts(run.contract.source)
        raise
    return references


class _Servers:
    """The servers that a source's datasets come from; one that was found to be down is not asked again."""

    def __init__(self, run: Run) -> None:
        self._connect = run.connect
        self.down: dict[str, Fault] = {}

    def endpoint(self, connection: str) -> Endpoint:
        """Where the server is; raises the Fault that is known to keep it from answering."""
        if connection not in self.down:
            try:
                return self._connect(connection)
            except Fault as fault:
                self.down[connection] = fault
        raise self.down[connection]

    @contextmanager
    def reach(self, connection: str) -> Iterator[Endpoint]:
        """Around asking a server; what keeps it from answering is remembered."""
        try:
            yield self.endpoint(connection)
        except Fault as fault:
            if fault.concerns_source and not isinstance(fault, Superseded):
                self.down[connection] = fault
            raise


def _take_all(run: Run) -> list[SnapshotReference]:
    """A snapshot of each dataset. One server that is down does not keep back what comes from others."""
    references: list[SnapshotReference] = []
    servers = _Servers(run)
    unread: list[Dataset] = []
    known = run.contract.connections
    for dataset in run.contract.datasets:
        try:
            for _, interface in run.contract.read_for(dataset):
                servers.endpoint(interface.connection)
            references.append(_take_snapshot(run, dataset, servers))
        except Superseded:
            raise
        except Fault as fault:
            if len(known) == 1 or (fault.retryable and not run.last_try):
                raise
            unread.append(dataset)
            references.append(_unread(run, dataset, fault))
    if servers.down and len(unread) == len(run.contract.datasets):
        raise next(iter(servers.down.values()))
    if servers.down:
        incidents.tell_partly_down(run, next(iter(servers.down.values())), unread)
    else:
        incidents.recover_source(run)
    return references


def _unread(run: Run, dataset: Dataset, fault: Fault) -> SnapshotReference:
    """A dataset whose server is known to be down."""
    attempt = run.ledger.start_attempt(run.contract.source, dataset.id, night=run.run_id, run_url=run.run_url)
    run.ledger.finish_attempt(attempt, "failed")
    return SnapshotReference(dataset=dataset.id, attempt=attempt, state="failed", folder="", reason=fault.message,
        next_step=fault.next_step,
    )  # fmt: skip


def _take_snapshot(run: Run, dataset: Dataset, servers: _Servers) -> SnapshotReference:
    attempt = run.ledger.start_attempt(run.contract.source, dataset.id, night=run.run_id, run_url=run.run_url)
    reference = SnapshotReference(
        dataset=dataset.id, attempt=attempt, state="failed", folder="", reason="", next_step=""
    )
    folder = run.staging / dataset.id
    try:
        with incidents.guard(run, dataset.id, attempt):
            live = run.live(dataset.id)
            with private_files():
                locks = _read_tables(run, dataset, servers, folder, live)
            snapshot = Snapshot(
                source=run.contract.source, dataset=dataset.id, folder=folder, taken_at=datetime.now(UTC), tables=locks
            )
            drift = tuple(column for lock in locks.values() for column in lock.drift)
            rows = snapshot.rows_of(dataset)
            run.ledger.record_snapshot(attempt, rows_read=rows, drift=drift)
            delivered = live and _delivered(run, dataset, locks, live)
            if live is None or delivered is None:
                with private_files():
                    (folder / "lock.json").write_text(snapshot.model_dump_json(indent=2), encoding="utf-8")
                logger.info("%s: %d rows read", dataset.id, rows)
                return {**reference, "state": "changed", "folder": str(folder)}
            discard(folder)
            publication.confirm(run, live, withdrawn="" if delivered is live else delivered.release)
    except Fault as fault:
        discard(folder)
        if fault.concerns_source or (fault.retryable and not run.last_try):
            raise
        return {**reference, "reason": fault.message, "next_step": fault.next_step}
    logger.info("%s: unchanged, release %s stays live", dataset.id, live.release)
    incidents.settle(run, attempt, live, "unchanged")
    return {**reference, "state": "unchanged"}


def _delivered(run: Run, dataset: Dataset, locks: dict[str, TableLock], live: Manifest) -> Manifest | None:
    """The release that the source still delivers: what is live, or what a rollback took away; None if neither."""
    if run.force:
        return None
    known = (live, _withdrawn(run, dataset.id))
    return next((each for each in known if each is not None and _same(run, dataset, locks, each)), None)


def _read_tables(
    run: Run, dataset: Dataset, servers: _Servers, folder: Path, live: Manifest | None
) -> dict[str, TableLock]:
    """A lock for each table and reference of the dataset.

    The source is asked conditionally only where an unchanged source means nothing to do.
    """
    make_private(folder)
    wanted = run.contract.read_for(dataset)
    locks: dict[str, TableLock | None] = {}
    if live is not None and not run.force and _same_recipe(run, dataset, live):
        now = datetime.now(UTC)
        for table, interface in wanted:
            known = None if full_read_due(run, dataset, table, now) else live
            locks[table.id] = _read(run, table, interface, servers, folder, known)
        if all(lock is None for lock in locks.values()):
            return {table.id: live.locks[table.id] for table, _ in wanted}
    for table, interface in wanted:
        if locks.get(table.id) is None:
            locks[table.id] = _read(run, table, interface, servers, folder, None)
    return {table.id: lock for table, _ in wanted if (lock := locks[table.id]) is not None}


def _read(
    run: Run, table: Table, interface: Interface, servers: _Servers, folder: Path, live: Manifest | None
) -> TableLock | None:
    """Fetch and read one table into the snapshot; None if the source says it has not changed since ``live``."""
    download = folder / f"{table.id}.download"
    make_private(download)
    previous = live.locks.get(table.id) if live is not None else None
    with servers.reach(interface.connection) as endpoint:
        fetched = fetch_table(interface, table, endpoint, download, run.contract.limits, previous)
    if isinstance(fetched, NotModified):
        return None
    result = read_table(table, fetched.files, run.city, run.contract.limits)
    if live is not None and fetched.only_changes:
        whole = merged_into(run, live, table, result, fetched.total_rows)
        if whole is None:
            return _read(run, table, interface, servers, folder, None)
        result = whole
    for repair in result.repairs:
        logger.info(
            "%s: %s, %d × %s (%s)", table.id, repair.column or "file", repair.count, repair.detail, repair.nature
        )
    write_frame(result.frame, folder / f"{table.id}.parquet")
    discard(download)
    return TableLock(
        resource=table.resource,
        url=fetched.url,
        files=fetched.sources,
        source_bytes=fetched.source_bytes,
        content_hash=content_hash(result.frame, table.key),
        rows=len(result.frame),
        columns=tuple(result.frame.columns),
        crs=run.city.crs if table.geometry else "",
        repairs=result.repairs,
        drift=result.drift,
    )


def _withdrawn(run: Run, dataset: str) -> Manifest | None:
    """The release that a rollback took away: as long as the source delivers only that, the rollback stands."""
    release = run.ledger.withdrawn_release(dataset, run.portal.name)
    return run.store.manifest(dataset, release) if release and run.store.has(dataset, release) else None


def _same_recipe(run: Run, dataset: Dataset, live: Manifest) -> bool:
    """Whether the live release was made with today's contract, suites and code."""
    now = run.inputs(dataset, live.inputs.content, live.inputs.previous)
    return now == live.inputs


def _same(run: Run, dataset: Dataset, locks: dict[str, TableLock], known: Manifest) -> bool:
    content = {table: lock.content_hash for table, lock in locks.items()}
    return run.inputs(dataset, content, known.inputs.previous) == known.inputs
