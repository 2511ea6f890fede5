"""A single table taken through anonymisation and audit, as the tests of privacy do it: a dataset of its own."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd

from stadtdaten.contracts import Dataset, Table
from stadtdaten.frames import AnonymisationReport
from stadtdaten.privacy import anonymisation, audit
from stadtdaten.privacy.context import Context

TODAY = Context(today=date(2026, 1, 15))


def make_table(columns: list[dict[str, Any]], **more: Any) -> Table:
    """A table whose columns have their name as source and title."""
    return Table.model_validate(
        {
            "id": "personen",
            "title": "Personen",
            "resource": "personen",
            "reading": {"format": "rows"},
            "key": [columns[0]["name"]],
            "columns": [{"source": column["name"], "title": column["name"].title(), **column} for column in columns],
            **more,
        }
    )


def make_dataset(*tables: Table, **more: Any) -> Dataset:
    """A dataset of these tables, to be published anonymously (or as ``more`` says)."""
    return Dataset.model_validate(
        {
            "id": "personen",
            "title": "Personen",
            "description": "Personen der Beispielstadt.",
            "keywords": ["Personen"],
            "themes": ["SOCI"],
            "licence": "dl-zero-de/2.0",
            "provenance": "Ausgedacht.",
            "release": {
                "legal_basis": "§ 16a EGovG NRW",
                "outcome": "anonymised",
                "office": "Leitung der Statistikstelle",
                "date": "2026-01-01",
                "next_review": "2028-01-01",
            },
            "tables": [table.model_dump(by_alias=True, exclude_unset=True) for table in tables],
            **more,
        }
    )


def anonymise_one(
    frame: pd.DataFrame, table: Table, context: Context = TODAY, **more: Any
) -> tuple[pd.DataFrame, AnonymisationReport]:
    """What may be published of the table, and the report on it."""
    anonymised = anonymisation.anonymise({table.id: frame}, make_dataset(table, **more), context)[table.id]
    return anonymised.frame, anonymised.report


def audit_one(frame: pd.DataFrame, table: Table, context: Context = TODAY, **more: Any) -> None:
    """Raise GateFailed unless the published frame may leave."""
    audit.audit({table.id: frame}, make_dataset(table, **more), context)
