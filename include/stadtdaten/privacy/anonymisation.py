"""How do the typed tables of a dataset become ones that may be published, and what does the public learn about it?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stadtdaten.contracts.model import Dataset, Table
from stadtdaten.contracts.protection import MagnitudeTable, Suppression
from stadtdaten.frames import AnonymisationReport
from stadtdaten.privacy import change_note
from stadtdaten.privacy.context import Context
from stadtdaten.privacy.microdata.records import Records, anonymise_records
from stadtdaten.privacy.tables.tabulate import Tabulated, tabulate
from stadtdaten.privacy.treatments import TreatmentNumbers, treat


@dataclass(frozen=True)
class Anonymised:
    """What may be published of a table, what was done to it, and, for the audit, how wide the interval of each cell
    that is held back must be (rows of ``frame``; None where nothing is held back). ``widths`` are never published."""

    frame: pd.DataFrame
    report: AnonymisationReport
    widths: NDArray[np.float64] | None = None


def anonymise(frames: Mapping[str, pd.DataFrame], dataset: Dataset, context: Context) -> dict[str, Anonymised]:
    """Every table of the dataset, by its id, with exactly its ``published_columns``.

    ``frames`` holds all declared columns of each table, typed by the contract (a GeoDataFrame stays one while its
    geometry is published). All tables at once, because tables of the same rows are protected together.
    Raises GateFailed("privacy") where a rule of the contract cannot be met, SchemaChanged, Misconfigured.
    """
    treated = {table.id: treat(frames[table.id], table, context) for table in dataset.tables}
    added_up = [table for table in dataset.tables if table.tabulation is not None]
    tabulated = tabulate({table.id: treated[table.id][0] for table in added_up}, added_up, context)
    anonymised: dict[str, Anonymised] = {}
    for table in dataset.tables:
        frame, numbers = treated[table.id]
        if table.tabulation is not None:
            anonymised[table.id] = _cells(table, numbers, tabulated[table.id])
        elif table.microdata is not None:
            anonymised[table.id] = _records(table, numbers, anonymise_records(frame, table))
        else:
            notes = list(change_note.on_columns(table, numbers))
            anonymised[table.id] = Anonymised(frame, _report(table, numbers, notes))
    return anonymised


def _cells(table: Table, numbers: TreatmentNumbers, tabulated: Tabulated) -> Anonymised:
    notes = [*change_note.on_columns(table, numbers), *change_note.on_cells(table, tabulated)]
    spec = table.tabulation
    if isinstance(spec, MagnitudeTable):
        minimum = spec.minimum
    else:
        minimum = spec.protection.minimum if spec is not None and isinstance(spec.protection, Suppression) else 0
    report = _report(
        table, numbers, notes,
        cells=tabulated.cells, primary_suppressed=tabulated.primary, secondary_suppressed=tabulated.secondary,
        minimum=minimum, changed=tabulated.changed,
    )  # fmt: skip
    return Anonymised(tabulated.frame, report, tabulated.widths)


def _records(table: Table, numbers: TreatmentNumbers, records: Records) -> Anonymised:
    measured = records.numbers
    notes = [*change_note.on_columns(table, numbers), *change_note.on_records(table, measured)]
    report = _report(
        table, numbers, notes,
        left_out=measured.left_out, k=measured.k, l=measured.l or 0, t=measured.t, information_loss=measured.loss,
    )  # fmt: skip
    return Anonymised(records.frame, report)


def _report(table: Table, numbers: TreatmentNumbers, notes: list[str], **more: Any) -> AnonymisationReport:
    """The report on the table; values that treatments changed or left out count only where rows are published."""
    rows_published = table.tabulation is None
    changed = sum(each.changed for each in numbers.columns) if rows_published else 0
    left_out = sum(each.left_out for each in numbers.columns) if rows_published else 0
    return AnonymisationReport(
        table=table.id,
        dropped_columns=tuple(column.name for column in table.columns if not column.published),
        treated_columns=tuple(each.column for each in numbers.columns),
        notes=change_note.in_all(table, notes),
        **{**more, "changed": changed + more.get("changed", 0), "left_out": left_out + more.get("left_out", 0)},
    )
