"""Which stronger setting would let a dataset through that its audit has stopped? Found by trying, never applied.

Each try is the whole stage again, anonymisation and audit, on the same rows with one setting of the contract made
stronger, weakest first. The first that passes is named in the fault; whether to use it is for people to decide.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pandas as pd
from pydantic import ValidationError

from stadtdaten.contracts.model import Dataset, Table
from stadtdaten.contracts.protection import Suppression
from stadtdaten.faults import Fault, Finding, GateFailed
from stadtdaten.privacy.anonymisation import anonymise
from stadtdaten.privacy.audit import audit
from stadtdaten.privacy.context import Context

logger = logging.getLogger(__name__)

TRIES = 8
"""Most settings tried; each costs as much as the stage itself."""

MINIMA = (5, 10, 20)
"""Smallest counts in use by official statistics."""

Change = Callable[[dict[str, Any]], None]


@contextmanager
def what_would_pass(frames: Mapping[str, pd.DataFrame], dataset: Dataset, context: Context) -> Iterator[None]:
    """Around the audit of what was made of the typed ``frames``: a privacy failure also says what would pass."""
    try:
        yield
    except GateFailed as failure:
        if failure.gate != "privacy":
            raise
        setting = _first_that_passes(frames, dataset, context, failure.findings)
        tried = f"Durch Ausprobieren gefunden: {setting} würde genügen." if setting else (
            "Keine der ausprobierten strengeren Einstellungen genügt."
        )  # fmt: skip
        raise GateFailed(
            "privacy", failure.message, next_step=f"{failure.next_step} {tried}".strip(), findings=failure.findings
        ) from None


def _first_that_passes(
    frames: Mapping[str, pd.DataFrame], dataset: Dataset, context: Context, findings: Sequence[Finding]
) -> str:
    for number, (setting, variant) in enumerate(_variants(dataset, findings)):
        if number == TRIES:
            break
        try:
            anonymised = anonymise(frames, variant, context)
            widths = {table: each.widths for table, each in anonymised.items() if each.widths is not None}
            audit({table: each.frame for table, each in anonymised.items()}, variant, context, widths)
        except Fault as fault:
            logger.info("%s: %s would not do (%s)", dataset.id, setting, fault.kind)
            continue
        return setting
    return ""


def _variants(dataset: Dataset, findings: Sequence[Finding]) -> Iterator[tuple[str, Dataset]]:
    """Stronger datasets with the German name of what was changed."""
    columns: dict[str, set[str]] = {}
    for finding in findings:
        columns.setdefault(finding.table, set()).add(finding.column)
    for table in dataset.tables:
        if table.id in columns:
            for setting, change in _changes(table, columns[table.id]):
                variant = _changed(dataset, table, change)
                if variant is not None:
                    yield setting, variant


def _changes(table: Table, columns: set[str]) -> Iterator[tuple[str, Change]]:
    where = f"der Tabelle {table.id}"
    spec = table.frequency_table
    if spec is not None and isinstance(spec.protection, Suppression):
        for minimum in (each for each in MINIMA if each > spec.protection.minimum):
            yield f"in {where} `protection.minimum: {minimum}`", _at("frequency_table", "protection", minimum=minimum)
    if table.magnitude_table is not None:
        for minimum in (each for each in MINIMA if each > table.magnitude_table.minimum):
            yield f"in {where} `minimum: {minimum}`", _at("magnitude_table", minimum=minimum)
    if table.microdata is not None:
        for factor in (2, 4):
            k = table.microdata.k * factor
            yield f"in {where} `k: {k}`", _at("microdata", k=k)
    sensitive = [name for name in sorted(columns) if any(column.name == name for column in table.columns)]
    if sensitive:
        names = ", ".join(sensitive)
        yield f"in {where} das Weglassen von {names} (`treatment: {{kind: drop}}`)", _dropping(sensitive)


def _at(*path: str, **values: Any) -> Change:
    def change(table: dict[str, Any]) -> None:
        place = table
        for name in path:
            place = place[name]
        place.update(values)

    return change


def _dropping(names: Sequence[str]) -> Change:
    def change(table: dict[str, Any]) -> None:
        for column in table["columns"]:
            if column["name"] in names:
                column["treatment"] = {"kind": "drop"}
                column.pop("expected", None)

    return change


def _changed(dataset: Dataset, table: Table, change: Change) -> Dataset | None:
    """The dataset with the table changed; None where the contract's own rules forbid it."""
    described = dataset.model_dump(by_alias=True)
    change(described["tables"][dataset.tables.index(table)])
    try:
        return Dataset.model_validate(described)
    except ValidationError:
        return None
