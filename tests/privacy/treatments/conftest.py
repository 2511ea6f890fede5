"""Tables of one treated column, treated and judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import pandas as pd
import pytest

from people import make_table
from stadtdaten.contracts import Table
from stadtdaten.privacy.context import Context
from stadtdaten.privacy.treatments import TreatmentNumbers, treat, untreated

KEY = "Geheimwert-" + "0123456789abcdef" * 2

Treated = tuple[pd.DataFrame, TreatmentNumbers]


class OneColumn:
    """A table whose only column is ``wert``, and what treatment and audit make of it."""

    def __init__(self, column_type: str, treatment: Mapping[str, Any], class_: str = "public") -> None:
        column = {"name": "wert", "type": column_type, "class": class_, "treatment": dict(treatment)}
        self.table: Table = make_table([column], key=[])
        self.context = Context(today=date(2026, 2, 3), key=lambda connection: KEY)

    def treat(self, values: pd.Series) -> Treated:
        """What is published of these values."""
        return treat(values.to_frame("wert"), self.table, self.context)

    def complaints(self, published: pd.DataFrame | pd.Series) -> list[str]:
        """What the audit says of a published column."""
        frame = published.to_frame("wert") if isinstance(published, pd.Series) else published
        return [finding.message for finding in untreated(frame, self.table, self.context)]


@pytest.fixture(scope="session")
def one_column() -> Callable[..., OneColumn]:
    """Makes a table of one column: type, treatment, and class (public)."""
    return OneColumn


@pytest.fixture(scope="session")
def key() -> str:
    """A key that is long enough."""
    return KEY
