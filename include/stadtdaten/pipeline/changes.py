"""When may a table be read by its changes alone, and what do they make together with the live release?"""

from __future__ import annotations

import hashlib
import logging
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

from stadtdaten.contracts import Dataset, Table
from stadtdaten.frames import Manifest
from stadtdaten.pipeline.run import Run
from stadtdaten.read import ReadTable, merge_changes

logger = logging.getLogger(__name__)


def full_read_due(run: Run, dataset: Dataset, table: Table, now: datetime) -> bool:
    """Whether all rows are to be read whatever the source says: once in every ``incremental.full_after``.

    The first run of each such period does it. The periods of different datasets begin at different moments, so that
    not all of them are read in the same night.
    """
    if table.incremental is None:
        return False
    last = run.ledger.last_good_attempt(dataset.id)
    period = table.incremental.full_after
    return last is None or _number(dataset.id, last.started, period) != _number(dataset.id, now, period)


def _number(dataset: str, moment: datetime, period: timedelta) -> int:
    shift = timedelta(seconds=zlib.crc32(dataset.encode()))
    return (moment - datetime(1970, 1, 1, tzinfo=UTC) + shift) // period


def merged_into(run: Run, live: Manifest, table: Table, changes: ReadTable, total_rows: int | None) -> ReadTable | None:
    """The whole table, from the rows that changed since the live release and those that it holds.

    None where only a full read can tell: the source has deleted rows (``total_rows`` is what it has, where it tells),
    or the release's Parquet file is not what was recorded.
    """
    recorded = next(file for file in live.files if file.table == table.id and file.format == "PARQUET")
    with run.store.local_folder(live.dataset, live.release) as folder:
        path: Path = folder / recorded.path
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != recorded.sha256:
            logger.warning("%s: %s of release %s is damaged; all rows are read", table.id, recorded.path, live.release)
            return None
        merged = merge_changes(table, changes, path, total_rows)
    if merged is None:
        logger.info("%s: rows were deleted or renamed in the source; all rows are read", table.id)
    return merged
