"""A contract that would let people be found does not load."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from people import make_dataset, make_table

NAME = [{"kind": "name", "legal_basis": "§ 43 GO NRW"}]
PUBLIC = {"name": "nummer", "type": "string", "class": "public"}
BY_LAW = {
    "legal_basis": "§ 43 GO NRW",
    "outcome": "personal_data_by_law",
    "office": "Leitung Büro des Rates",
    "date": "2026-01-01",
    "next_review": "2028-01-01",
}


@pytest.mark.parametrize(
    ("class_", "kind"),
    [("quasi_identifier", "string"), ("sensitive", "string"), ("count", "integer"), ("magnitude", "number")],
)
def test_an_expected_kind_does_not_free_a_column_from_the_protection_of_tables(class_: str, kind: str) -> None:
    with pytest.raises(ValidationError, match="needs the table to be"):
        make_table([PUBLIC, {"name": "wer", "type": kind, "class": class_, "expected": NAME}])


@pytest.mark.parametrize("class_", ["identifier", "free_text", "location"])
def test_people_are_shown_as_they_are_only_if_the_release_record_says_so(class_: str) -> None:
    table = make_table([PUBLIC, {"name": "wer", "type": "string", "class": class_, "expected": NAME}])
    with pytest.raises(ValidationError, match="personal_data_by_law"):
        make_dataset(table)
    assert make_dataset(table, release=BY_LAW).personal


def test_a_lookup_that_gives_back_what_it_is_given_is_refused() -> None:
    lookup = {"kind": "lookup", "reference": "strassen", "key": "strasse", "value": "strasse", "other": "unbekannt"}
    column = {"name": "anschrift", "type": "string", "class": "location", "treatment": lookup}
    reference = make_table([{"name": "strasse", "type": "string", "class": "public"}], id="strassen")
    references: list[dict[str, Any]] = [
        {
            "interface": {"kind": "sql", "connection": "strassen"},
            "table": reference.model_dump(by_alias=True, exclude_unset=True),
        }
    ]
    with pytest.raises(ValidationError, match="key and value of the lookup are the same"):
        make_dataset(make_table([PUBLIC, column]), references=references)


def test_a_pseudonym_beside_protected_records_is_refused() -> None:
    """Five records that look alike and have one pseudonym are one person."""
    pseudonym = {"kind": "pseudonym", "connection": "schluessel", "rotation": "year"}
    person = {"name": "person", "type": "string", "class": "identifier", "treatment": pseudonym}
    with pytest.raises(ValidationError, match="is one person"):
        make_table([{"name": "alter", "type": "integer", "class": "quasi_identifier"}, person], microdata={"k": 5})


def test_a_sum_of_two_contributors_cannot_be_declared_safe() -> None:
    columns = [PUBLIC, {"name": "betrag", "type": "number", "class": "magnitude"}]
    spec = {"dimensions": ["nummer"], "magnitude": "betrag", "dominance": {"n": 1, "k": 90}}
    assert make_table(columns, magnitude_table={**spec, "minimum": 3})
    with pytest.raises(ValidationError, match="greater than or equal to 3"):
        make_table(columns, magnitude_table={**spec, "minimum": 2})


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_limit_that_limits_nothing_is_refused(number: float) -> None:
    for treatment in ({"kind": "limits", "highest": number}, {"kind": "rounded", "to": number}):
        with pytest.raises(ValidationError, match="finite number"):
            make_table([{"name": "einkommen", "type": "number", "class": "public", "treatment": treatment}])


QUARTER = {"name": "stichtag", "type": "period", "class": "public"}
DAY = {"name": "stichtag", "type": "date", "class": "public"}


def keyed(date: dict[str, Any], *margins: str) -> Any:
    columns = [{"name": "bezirk", "type": "string", "class": "quasi_identifier"}, date]
    protection = {"kind": "cell_key", "connection": "schluessel"}
    spec = {"dimensions": ["bezirk", date["name"]], "margins": ["bezirk", *margins], "protection": protection}
    return make_table(columns, frequency_table=spec)


@pytest.mark.parametrize("date", [DAY, QUARTER, DAY | {"treatment": {"kind": "period", "unit": "quarter"}}])
def test_a_table_with_noise_has_a_reference_date(date: dict[str, Any]) -> None:
    assert keyed(date).frequency_table.protection.kind == "cell_key"


@pytest.mark.parametrize(
    ("date", "margins"),
    [
        (DAY | {"name": "zuzug", "class": "quasi_identifier"}, ()),  # of the person, not of the table
        (DAY | {"treatment": {"kind": "period", "unit": "year"}}, ("stichtag",)),
        (DAY | {"type": "string"}, ()),
    ],
)
def test_noise_that_averages_out_over_the_nights_is_refused(date: dict[str, Any], margins: tuple[str, ...]) -> None:
    with pytest.raises(ValidationError, match="needs a reference date: the noise averages out"):
        keyed(date, *margins)


def test_a_period_covered_that_would_become_a_range_is_refused() -> None:
    day = {"name": "tag", "type": "date", "class": "quasi_identifier"}
    with pytest.raises(ValidationError, match="must not become text"):
        make_table([day], temporal="tag", microdata={"k": 5})
