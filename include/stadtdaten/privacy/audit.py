"""May this table leave? The last judge before files are written; it trusts nothing that anonymisation says it did.

It compares the frame with the list of published columns, looks for treatments that were not applied, for patterns of
personal data in every text, and attacks frequency tables as a reader could. Findings name table, column, kind and
count, never a value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pandas as pd

from stadtdaten.contracts.model import Dataset, Table
from stadtdaten.contracts.protection import FrequencyTable
from stadtdaten.faults import Finding, GateFailed
from stadtdaten.privacy.columns import HIDDEN_SUFFIX, published_columns
from stadtdaten.privacy.context import Context
from stadtdaten.privacy.tables.attack import TableIncomplete, attack
from stadtdaten.privacy.text.detectors import find_personal_data
from stadtdaten.privacy.treatments.generalise import domain


def audit(frames: Mapping[str, pd.DataFrame], dataset: Dataset, context: Context) -> None:
    """Raise GateFailed("privacy") with every finding unless the anonymised tables of the dataset may be published.

    ``frames`` has a table with the columns of ``published_columns`` for each of the dataset's tables.
    """
    findings = tuple(finding for table in dataset.tables for finding in _table(frames[table.id], table))
    if findings:
        raise GateFailed(
            "privacy",
            f"Datensatz {dataset.id} darf nicht veröffentlicht werden: "
            + "; ".join(
                f"Tabelle {f.table}, Spalte {f.column}: {f.message}" if f.column else f"Tabelle {f.table}: {f.message}"
                for f in findings
            ),
            next_step="Ein Fehler der Datenschutzprüfung lässt sich nicht übergehen. Die genannten Spalten in der "
            "Quelle bereinigen oder im Vertrag vergröbern oder weglassen (treatment).",
            findings=findings,
        )


def _table(frame: pd.DataFrame, table: Table) -> tuple[Finding, ...]:
    findings = tuple(_columns(frame, table))
    if findings:  # the other checks need the columns
        return findings
    findings = (*_treatments(frame, table), *_personal_data(frame, table))
    if table.frequency_table is not None:
        findings += tuple(_cells(frame, table, table.frequency_table))
    return findings


def _columns(frame: pd.DataFrame, table: Table) -> Iterator[Finding]:
    wanted = [column.name for column in published_columns(table)]
    for name in frame.columns:
        if name not in wanted:
            yield Finding(
                "undeclared_column", "Die Spalte ist nicht zur Veröffentlichung erklärt.", table.id, str(name)
            )
    for name in wanted:
        if name not in frame.columns:
            yield Finding("missing_column", "Die erklärte Spalte fehlt.", table.id, name)
    if sorted(map(str, frame.columns)) == sorted(wanted) and list(frame.columns) != wanted:
        yield Finding("column_order", "Die Spalten stehen nicht in der erklärten Reihenfolge.", table.id)
    if frame.columns.has_duplicates:
        yield Finding("column_order", "Ein Spaltenname kommt mehrfach vor.", table.id)
    if not isinstance(frame.index, pd.RangeIndex) or frame.attrs:
        yield Finding("hidden_values", "Zeilenindex oder Anhänge der Tabelle könnten Angaben mitführen.", table.id)


def _treatments(frame: pd.DataFrame, table: Table) -> Iterator[Finding]:
    for column in table.columns:
        allowed = domain(column)
        if allowed is None or column.name not in frame.columns:
            continue
        spec = table.frequency_table
        totals = (spec.total,) if spec is not None and column.name in spec.margins else ()
        outside = int((~frame[column.name].isin([*allowed, *totals])).sum())
        if outside:
            yield Finding(
                "untreated", f"{outside} Werte sind nicht vergröbert.", table.id, column.name, outside, len(frame)
            )


def _personal_data(frame: pd.DataFrame, table: Table) -> Iterator[Finding]:
    for column in published_columns(table):
        if column.type == "geometry" or pd.api.types.is_numeric_dtype(frame[column.name].dtype):
            continue
        texts = [text for text in frame[column.name].dropna() if isinstance(text, str)]
        for hit in find_personal_data(texts):
            yield Finding(
                "personal_data",
                f"{hit.count} von {len(frame)} Werten sehen aus wie: {hit.kind}.",
                table.id,
                column.name,
                hit.count,
                len(frame),
            )


def _cells(frame: pd.DataFrame, table: Table, spec: FrequencyTable) -> Iterator[Finding]:
    counts, hidden = frame[spec.measure], frame[spec.measure + HIDDEN_SUFFIX]
    unmarked = int((hidden.isna() | (hidden.fillna(False) != counts.isna())).sum())
    if unmarked:
        yield Finding(
            "hidden_cells",
            f"{unmarked} Werte sind anders gekennzeichnet als gezeigt.", table.id, spec.measure, unmarked, len(frame),
        )  # fmt: skip
        return
    small = int(((counts > 0) & (counts < spec.protection.minimum)).fillna(False).sum())
    if small:
        yield Finding(
            "small_cells",
            f"{small} Werte sind kleiner als {spec.protection.minimum} und nicht geheim.",
            table.id, spec.measure, small, len(frame),
        )  # fmt: skip
    try:
        result = attack(frame, spec)
    except TableIncomplete as problem:
        yield Finding("incomplete_table", f"Die Tabelle ist nicht vollständig ({problem}).", table.id, spec.measure)
        return
    if result.narrow:
        yield Finding(
            "recoverable_cells",
            f"{result.narrow} von {result.hidden} geheimen Werten lassen sich aus den Summen errechnen oder zu eng "
            f"eingrenzen, {result.known} davon genau.",
            table.id, spec.measure, result.narrow, result.hidden,
        )  # fmt: skip
