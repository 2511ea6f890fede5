"""What does a whole table look like of which only the changes were read? The last release with the changes in it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from stadtdaten.contracts.model import Table
from stadtdaten.frames import Repair
from stadtdaten.read.table import ReadTable


def merge_changes(table: Table, changes: ReadTable, released: Path, total_rows: int | None) -> ReadTable | None:
    """The table as a full read would give it, except for the order of its rows; None where that cannot be had.

    ``changes`` are the rows that are new or changed since the release whose Parquet file is ``released``, and the keys
    of those deleted where the source names them; by the contract (``reading.incremental``) that file holds every row
    and column as read. ``total_rows`` is how many rows the source has, where it tells: with a row deleted there, or
    changed in its key, the merged rows are more. None also where changes have the same key, or the file has other
    columns.
    """
    key = list(table.key)
    kept = pd.read_parquet(released)
    if list(kept.columns) != list(changes.frame.columns) or changes.frame.duplicated(key).any():
        return None
    rows = pd.concat([kept.astype(changes.frame.dtypes.to_dict()), changes.frame], ignore_index=True)
    frame = rows.drop_duplicates(key, keep="last", ignore_index=True)
    if changes.deleted:
        frame = frame[~frame[key[0]].isin(changes.deleted)].reset_index(drop=True)
    if total_rows is not None and len(frame) != total_rows:
        return None
    taken_over = len(frame) - len(changes.frame)
    detail = f"{len(changes.frame)} neue oder geänderte Zeilen gelesen, die übrigen aus der letzten Veröffentlichung"
    note = Repair(kind="incremental", count=taken_over, detail=detail, nature="assumed")
    return ReadTable(frame, (*changes.repairs, note), changes.drift)
