"""Rows of a database, from the database to the frame."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stadtdaten.contracts import City, Table
from stadtdaten.contracts.interfaces import Limits, SqlInterface
from stadtdaten.extract import Fetched, fetch_table
from stadtdaten.faults import SchemaChanged, SourceUnreadable
from stadtdaten.frames import Endpoint
from stadtdaten.read import ReadTable, read_table

COLUMNS: dict[str, Any] = {
    "nr": "string", "anzahl": "integer", "anteil": "number", "am": "date", "um": "datetime",
    "frei": {"type": "boolean", "true": "1", "false": "0"},
}  # fmt: skip
ROW = ("007", 3, 0.1, "2026-02-01 00:00:00", "2026-07-01 12:00:00.500000", 1, "neu")


@pytest.fixture
def read_rows(tmp_path: Path, table: Callable[..., Table], city: City) -> Callable[..., ReadTable]:
    def read(*rows: tuple[Any, ...], columns: dict[str, Any] | None = None) -> ReadTable:
        with sqlite3.connect(tmp_path / "probe.sqlite") as connection:
            connection.execute("CREATE TABLE probe (nr, anzahl, anteil, am, um, frei, zusatz)")
            connection.executemany("INSERT INTO probe VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        connection.close()
        probe = table({"format": "rows"}, columns or COLUMNS)
        endpoint = Endpoint(url=f"sqlite:///{tmp_path}/probe.sqlite")
        fetched = fetch_table(SqlInterface(kind="sql", connection="probe"), probe, endpoint, tmp_path, Limits(), None)
        assert isinstance(fetched, Fetched)
        return read_table(probe, fetched.files, city, Limits())

    return read


def test_rows_become_typed_values(read_rows: Callable[..., ReadTable]) -> None:
    read = read_rows(ROW, (None,) * 7)
    assert {name: str(dtype) for name, dtype in read.frame.dtypes.items()} == {
        "nr": "str", "anzahl": "Int64", "anteil": "float64", "am": "datetime64[us]",
        "um": "datetime64[us, Europe/Berlin]", "frei": "boolean",
    }  # fmt: skip
    first = read.frame.iloc[0]
    assert first[["nr", "anzahl", "anteil", "frei"]].tolist() == ["007", 3, 0.1, True]
    assert first["um"].isoformat() == "2026-07-01T12:00:00.500000+02:00"
    assert read.frame.iloc[1].isna().all()
    assert read.drift == ("zusatz",)


def test_a_table_without_rows_is_an_error(read_rows: Callable[..., ReadTable]) -> None:
    with pytest.raises(SourceUnreadable, match="keine Zeile"):
        read_rows()


def test_a_value_of_another_type_is_an_error(read_rows: Callable[..., ReadTable]) -> None:
    with pytest.raises(SourceUnreadable, match="„anzahl“: 1 von 2"):
        read_rows(ROW, ("008", "drei", *ROW[2:]))


def test_nul_in_a_text_is_an_error_with_its_count(read_rows: Callable[..., ReadTable]) -> None:
    with pytest.raises(SourceUnreadable, match="„nr“: 1 von 2 Werten enthalten ein NUL-Zeichen") as caught:
        read_rows(ROW, ("gehe\0im", *ROW[1:]))
    assert "gehe" not in str(caught.value)


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), "nan", "Infinity"])
def test_what_is_no_finite_number_is_an_error(read_rows: Callable[..., ReadTable], value: Any) -> None:
    with pytest.raises(SourceUnreadable, match="„anteil“: 1 von 2 Werten sind keine Zahl"):
        read_rows(ROW, (*ROW[:2], value, *ROW[3:]))


def test_a_column_is_found_under_its_other_name(read_rows: Callable[..., ReadTable]) -> None:
    number = {"type": "string", "source": "kennung", "aliases": ["nr", "lfd. Nr."]}
    read = read_rows(ROW, columns={**COLUMNS, "nr": number})
    assert read.frame["nr"].tolist() == ["007"]
    assert [(each.kind, each.column, each.nature) for each in read.repairs] == [("alias", "kennung", "assumed")]


def test_a_renamed_column_is_named_together_with_the_new_one(read_rows: Callable[..., ReadTable]) -> None:
    with pytest.raises(SchemaChanged, match=r"1 erklärte Spalten: kennung\. Nicht erklärt sind: nr, zusatz"):
        read_rows(ROW, columns={**COLUMNS, "nr": {"type": "string", "source": "kennung"}})


def test_a_column_that_is_there_under_two_of_its_names_is_an_error(read_rows: Callable[..., ReadTable]) -> None:
    with pytest.raises(SchemaChanged, match="mehrfach"):
        read_rows(ROW, columns={**COLUMNS, "nr": {"type": "string", "source": "nr", "aliases": ["zusatz"]}})


def test_another_case_is_another_name(read_rows: Callable[..., ReadTable]) -> None:
    with pytest.raises(SchemaChanged, match=r"Spalten: NR\. Nicht erklärt sind: nr"):
        read_rows(ROW, columns={**COLUMNS, "nr": {"type": "string", "source": "NR"}})
