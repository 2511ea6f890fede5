"""Late corrections: of rows with the same key the one that arrived last counts (order of files, then of rows)."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd

from stadtdaten.contracts.model import Table
from stadtdaten.faults import Finding, SourceUnreadable
from stadtdaten.frames import Repair


def with_corrections(table: Table, frame: pd.DataFrame, repairs: list[Repair]) -> pd.DataFrame:
    """The frame without rows that a later one with the same key replaces; each kind of them is counted in ``repairs``:
    ``repeated`` rows came again as they were, ``corrected`` ones with other values.

    Raises SourceUnreadable if a part of a key is missing: rows without a name cannot replace each other.
    """
    key = list(table.key)
    nameless = frame[key].isna()
    if nameless.to_numpy().any():
        column = str(nameless.sum().idxmax())
        count = int(nameless[column].sum())
        message = f"Spalte „{column}“: {count} von {len(frame)} Werten des Schlüssels fehlen"
        raise SourceUnreadable(
            f"Tabelle „{table.id}“: {message}; spätere Korrekturen lassen sich so nicht zuordnen.",
            next_step="Mit der Fachstelle klären, was diese Zeilen sind, oder den Schlüssel im Vertrag (key) ändern.",
            findings=(Finding("key", message, table.id, column, count, len(frame)),),
        )
    replaced = frame.duplicated(key, keep="last").to_numpy()
    if not replaced.any():
        return frame
    several = frame.loc[frame.duplicated(key, keep=False)].sort_values(key, kind="stable")
    following = several.groupby(key, sort=False, observed=True).ngroup().to_numpy()
    same_key = following[:-1] == following[1:]
    repeated = same_key & _equal_to_next(several)
    counts = {"corrected": int(same_key.sum() - repeated.sum()), "repeated": int(repeated.sum())}
    details = {"corrected": "durch eine spätere Zeile ersetzt", "repeated": "gleiche Zeile kam noch einmal"}
    repairs += [Repair(kind=kind, count=count, detail=details[kind]) for kind, count in counts.items() if count]
    return frame.loc[~replaced].reset_index(drop=True)


def _equal_to_next(rows: pd.DataFrame) -> np.ndarray:
    """For each row but the last: whether the next one has the same values, missing ones included."""
    equal = np.ones(max(len(rows) - 1, 0), bool)
    for name in rows.columns:
        values = rows[name].to_wkb() if isinstance(rows[name], gpd.GeoSeries) else rows[name]
        codes, _ = pd.factorize(values, use_na_sentinel=False)
        equal &= codes[:-1] == codes[1:]
    return equal
