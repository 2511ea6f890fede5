"""Tables, files and a city to read with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stadtdaten.contracts import City, Table, load_city
from stadtdaten.contracts.interfaces import Limits
from stadtdaten.read import ReadTable, read_table

Spec = dict[str, Any]
MakeTable = Callable[..., Table]
ReadText = Callable[..., ReadTable]


@pytest.fixture(scope="session")
def city() -> City:
    return load_city(Path(__file__).resolve().parents[2] / "include" / "city.yaml")


@pytest.fixture(scope="session")
def table() -> MakeTable:
    """A table with the reading and the columns given (name to type, or to the column's further keys)."""

    def make(reading: Spec, columns: dict[str, str | Spec], key: list[str] | None = None) -> Table:
        full = []
        for name, given in columns.items():
            keys: Spec = {"type": given} if isinstance(given, str) else given
            full.append({"name": name, "source": name, "title": name, "class": "public", **keys})
        return Table.model_validate(
            {
                "id": "probe", "title": "Probe", "resource": "probe", "reading": reading,
                "key": key or [next(iter(columns))], "columns": full,
            }
        )  # fmt: skip

    return make


@pytest.fixture
def read_text(tmp_path: Path, table: MakeTable, city: City) -> ReadText:
    """Reads text (or bytes) as a CSV file of the dialect given; in UTF-8 with commas unless it says otherwise."""

    def read(content: str | bytes, columns: dict[str, str | Spec], **dialect: Any) -> ReadTable:
        file = tmp_path / "probe.csv"
        file.write_bytes(content if isinstance(content, bytes) else content.encode(dialect.get("encoding", "utf-8")))
        reading = {"format": "csv", "encoding": "utf-8", "delimiter": ",", **dialect}
        return read_table(table(reading, columns), (file,), city, Limits())

    return read
