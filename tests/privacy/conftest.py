"""Tables with people in them, as contracts declare them and as readers type them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from people import make_table
from stadtdaten.contracts import Table

COLUMNS: list[dict[str, Any]] = [
    {"name": "stichtag", "type": "date", "class": "public"},
    {"name": "bezirk", "type": "string", "class": "quasi_identifier"},
    {
        "name": "alter",
        "type": "integer",
        "class": "quasi_identifier",
        "treatment": {"kind": "bands", "edges": [0, 3, 6]},
    },
    {
        "name": "geschlecht",
        "type": "string",
        "class": "quasi_identifier",
        "treatment": {"kind": "mapping", "values": {"w": "weiblich", "m": "männlich"}, "other": "ohne Angabe"},
    },
    {"name": "anzahl", "type": "integer", "class": "count"},
    {"name": "amt", "type": "string", "class": "identifier", "treatment": {"kind": "drop"}},
]


@pytest.fixture(scope="session")
def counted() -> Table:
    """Residents by reference date (a stratum), district, age and sex, minimum 3."""
    return make_table(
        COLUMNS,
        frequency_table={
            "count": "anzahl",
            "dimensions": ["stichtag", "bezirk", "alter", "geschlecht"],
            "margins": ["bezirk", "alter", "geschlecht"],
        },
    )


@pytest.fixture(scope="session")
def residents() -> Callable[[list[tuple[str, int, str, int]]], pd.DataFrame]:
    """Makes a typed frame for ``counted`` from (district, age, sex, number of persons)."""

    def frame(rows: list[tuple[str, int, str, int]], day: str = "2025-12-31") -> pd.DataFrame:
        data = pd.DataFrame(rows, columns=["bezirk", "alter", "geschlecht", "anzahl"])
        data.insert(0, "stichtag", pd.Timestamp(day))
        data["amt"] = "Sachbearbeitung"
        text = dict.fromkeys(["bezirk", "geschlecht", "amt"], "str")
        return data.astype({**text, "alter": "Int64", "anzahl": "Int64", "stichtag": "datetime64[us]"})

    return frame


@pytest.fixture(scope="session")
def sites() -> Table:
    """Places without any person, each with its address: what most tables are."""
    address = {"kind": "address", "legal_basis": "Anschrift einer öffentlichen Einrichtung"}
    return make_table(
        [
            {"name": "kennung", "type": "string", "class": "public"},
            {"name": "strasse", "type": "string", "class": "public", "expected": [address]},
            {"name": "bemerkung", "type": "string", "class": "public"},
        ]
    )
