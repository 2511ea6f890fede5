"""Two publications of the same persons that nobody protects together are refused when the contract is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from pydantic import ValidationError

from people import make_dataset
from stadtdaten.contracts import Table
from stadtdaten.contracts.model import Contract

COLUMNS = [
    {"name": "bezirk", "type": "string", "class": "quasi_identifier"},
    {"name": "groesse", "type": "string", "class": "quasi_identifier"},
    {"name": "umsatz", "type": "number", "class": "magnitude"},
    {"name": "name", "type": "string", "class": "identifier"},
]
CSV = {"format": "csv"}
MITTE, NORD = ({**CSV, "where": {"bezirk": [each]}} for each in ("Mitte", "Nord"))


def table(name: str, published: Sequence[str], /, **more: Any) -> Table:
    """A table of ``COLUMNS`` in which only those are published."""
    kept: dict[str, Any] = {"treatment": None}
    columns = [
        {"source": each["name"], "title": each["name"], **each}
        | (kept if each["name"] in published else {"treatment": {"kind": "drop"}})
        for each in COLUMNS
    ]
    return Table.model_validate(
        {"id": name, "title": name, "resource": "firmen.csv", "reading": CSV, "key": [], "columns": columns, **more}
    )


def counts(name: str, *dimensions: str, **more: Any) -> Table:
    spec = {"dimensions": dimensions, "margins": dimensions}
    return table(name, dimensions, frequency_table=spec, **more)


def sums(name: str, *dimensions: str, magnitude: str = "umsatz", **more: Any) -> Table:
    spec = {"dimensions": dimensions, "margins": dimensions, "magnitude": magnitude, "p_percent": 10}
    return table(name, [*dimensions, magnitude], magnitude_table=spec, **more)


def contract(*datasets: Sequence[Table]) -> Contract:
    made = [
        make_dataset(*tables).model_dump(by_alias=True, exclude_unset=True) | {"id": f"firmen_{number}"}
        for number, tables in enumerate(datasets)
    ]
    return Contract.model_validate(
        {
            "source": "firmen", "title": "Firmen", "description": "Firmen.",
            "owner": {"name": "Statistikstelle", "email": "statistik@stadt.example"},
            "interface": {"kind": "http", "connection": "firmen"}, "freshness": {"frequency": "DAILY"},
            "datasets": made,
        }
    )  # fmt: skip


def test_the_same_rows_counted_in_two_datasets_are_refused() -> None:
    with pytest.raises(ValidationError, match="belong in one dataset"):
        contract([counts("eins", "bezirk")], [counts("zwei", "groesse")])


def test_the_same_rows_counted_and_shown_row_by_row_are_refused() -> None:
    with pytest.raises(ValidationError, match="only tables of counts and sums"):
        contract([counts("eins", "bezirk"), table("zwei", ["bezirk"], microdata={"k": 5})])


@pytest.mark.parametrize(
    "more", [{"reading": MITTE}, {"further_resources": ["firmen_2024.csv"]}], ids=["a selection", "one year more"]
)
def test_counts_of_some_of_the_rows_that_are_counted_beside_are_refused(more: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="subtracted"):
        contract([counts("eins", "bezirk"), counts("zwei", "bezirk", **more)])


def test_sums_of_what_is_also_counted_in_groups_are_refused() -> None:
    bands = {"kind": "bands", "edges": [0, 10, 50]}
    grouped = {"name": "klasse", "source": "umsatz", "title": "Klasse", "type": "integer", "treatment": bands}
    spec = {"dimensions": ["klasse"], "margins": ["klasse"]}
    classes = Table.model_validate(
        {"id": "klassen", "title": "Klassen", "resource": "firmen.csv", "reading": CSV, "key": [],
         "columns": [grouped | {"class": "quasi_identifier"}], "frequency_table": spec}
    )  # fmt: skip
    with pytest.raises(ValidationError, match="its groups would tell"):
        contract([classes, sums("summen", "bezirk")])


def counts_of(counted: str) -> Table:
    """All persons or one part of them (``counted``) by district, as wide tables have them side by side."""
    columns = [COLUMNS[0], {"name": counted, "type": "integer", "class": "count"}]
    return Table.model_validate(
        {"id": counted, "title": counted, "resource": "firmen.csv", "reading": CSV, "key": [],
         "columns": [{"source": each["name"], "title": each["name"], **each} for each in columns],
         "frequency_table": {"dimensions": ["bezirk"], "margins": ["bezirk"], "count": counted}}
    )  # fmt: skip


@pytest.mark.parametrize("other", [counts_of("maenner"), counts("zeilen", "bezirk")], ids=["a part", "the rows"])
def test_a_part_of_the_persons_that_is_counted_beside_all_of_them_is_refused(other: Table) -> None:
    """Of 50 persons 48 are women: the 2 men that a table of their own holds back."""
    with pytest.raises(ValidationError, match="a part of the other"):
        contract([counts_of("einwohner"), other])


def test_tables_that_share_no_row_or_are_protected_together_are_accepted() -> None:
    apart = contract([counts("eins", "bezirk", reading=MITTE)], [counts("zwei", "bezirk", reading=NORD)])
    together = contract([counts("eins", "bezirk"), counts("zwei", "groesse"), sums("drei", "bezirk")])

    assert len(apart.datasets) == 2
    assert len(together.datasets[0].tables) == 3
