"""May this table leave? The last judge before files are written; it trusts nothing that anonymisation says it did.

It compares the frame with the list of published columns, looks for treatments that were not applied, for patterns of
personal data in every text, and attacks frequency tables as a reader could. Findings name table, column, kind and
count, never a value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stadtdaten.contracts.model import Dataset, Table
from stadtdaten.contracts.protection import PERSONAL_KIND_TITLES
from stadtdaten.faults import Finding, GateFailed
from stadtdaten.frames import DatasetMetadata
from stadtdaten.privacy.columns import published_columns
from stadtdaten.privacy.context import Context
from stadtdaten.privacy.files import audit_file
from stadtdaten.privacy.microdata.attack import attack_records
from stadtdaten.privacy.tables.findings import judge_tables
from stadtdaten.privacy.text.detectors import find_personal_data
from stadtdaten.privacy.text.headings import headed
from stadtdaten.privacy.text.metadata import find_in_metadata
from stadtdaten.privacy.treatments import untreated

SHORTEST_ID, LONGEST_ID = 10**9, 10**18
"""Numbers of people (tax ids have eleven digits) lie between; a 64-bit number is exact up to there."""


def audit(
    frames: Mapping[str, pd.DataFrame],
    dataset: Dataset,
    context: Context,
    widths: Mapping[str, NDArray[np.float64]] | None = None,
) -> None:
    """Raise GateFailed("privacy") with every finding unless the anonymised tables of the dataset may be published.

    ``frames`` has a table with the columns of ``published_columns`` for each of the dataset's tables; ``widths`` by
    table id how wide the interval of each held back cell must be, where only the protection can tell (sums).
    """
    findings = tuple(finding for table in dataset.tables for finding in _columns(frames[table.id], table))
    if not findings:  # the other checks need the columns
        findings = tuple(_contents(frames, dataset, context, widths or {}))
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


def audit_finished(metadata: DatasetMetadata, folder: Path, files: Sequence[str]) -> None:
    """Raise GateFailed("privacy") if the metadata or a finished file (paths below ``folder``) tells of a person."""
    findings = (
        *find_in_metadata(_texts(metadata)),
        *(finding for path in files for finding in audit_file(folder / path)),
    )
    if findings:
        raise GateFailed(
            "privacy",
            f"Datensatz {metadata.dataset}: Angaben über den Datensatz oder Eigenschaften seiner Dateien nennen "
            f"Personen: {' '.join(finding.message for finding in findings)}",
            next_step="Im Vertrag Ämter und Funktionspostfächer nennen statt Personen.",
            findings=findings,
        )


def _texts(metadata: DatasetMetadata) -> dict[str, str]:
    texts = {
        "Titel": metadata.title,
        "Beschreibung": metadata.description,
        "Schlagwörter": "; ".join(metadata.keywords),
        "Namensnennung": metadata.attribution,
        "Herkunft": metadata.provenance,
        "Stelle": metadata.owner,
        "Rechtsgrundlage": metadata.legal_basis,
    }
    for table, columns in metadata.columns.items():
        texts[f"Titel der Tabelle {table}"] = metadata.table_titles[table]
        for column in columns:
            texts[f"Spalte {column.name}"] = f"{column.title}; {column.description}"
    return texts


def _contents(
    frames: Mapping[str, pd.DataFrame],
    dataset: Dataset,
    context: Context,
    widths: Mapping[str, NDArray[np.float64]],
) -> Iterator[Finding]:
    for table in dataset.tables:
        frame = frames[table.id]
        yield from untreated(frame, table, context)
        yield from _personal_data(frame, table)
        if table.microdata is not None:
            yield from attack_records(frame, table, context.earlier, context.others)
    yield from judge_tables(frames, dataset.tables, context.earlier, widths)


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


def _personal_data(frame: pd.DataFrame, table: Table) -> Iterator[Finding]:
    expected = {column.name: {each.kind for each in column.expected} for column in table.columns}
    # What a treatment has left is judged by itself: a pseudonym below "Nachname" is no name.
    headings = {each.name: (each.title, each.name, each.source) for each in table.columns if each.treatment is None}
    for column in published_columns(table):
        if column.type == "geometry":
            continue
        values = frame[column.name].dropna()
        hits = {hit.kind: hit for hit in headed(headings.get(column.name, ()), values)}
        hits |= {hit.kind: hit for hit in find_personal_data(_as_texts(values))}
        for hit in hits.values():
            if hit.kind in expected.get(column.name, ()):
                continue
            yield Finding(
                "personal_data",
                f"{hit.count} von {len(frame)} Werten sehen aus wie: {PERSONAL_KIND_TITLES[hit.kind]}.",
                table.id,
                column.name,
                hit.count,
                len(frame),
            )


def _as_texts(values: pd.Series) -> list[str]:
    """The texts among the values, and whole numbers long enough to be somebody's (tax id, account)."""
    if pd.api.types.is_bool_dtype(values.dtype):
        return []
    if pd.api.types.is_numeric_dtype(values.dtype):
        long = values[(values >= SHORTEST_ID) & (values < LONGEST_ID)]
        return [str(int(value)) for value in long if value == int(value)]
    return [text for text in values if isinstance(text, str)]
