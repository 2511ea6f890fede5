"""The sources about persons: what says who somebody is holds the mark that tests look for, and nothing else does."""

from __future__ import annotations

from datetime import date

import pytest

from samplecity.state import State
from samplecity.systems import marktstammdaten, mobilitaetsbefragung
from samplecity.systems.marktstammdaten import FIRM, OURS, PRIVATE, solar_units
from samplecity.systems.mobilitaetsbefragung import persons
from samplecity.tables import Table

STATE = State(first_day=date(2026, 11, 23), night=1)
OF_AN_OPERATOR = {
    "EinheitMastrNummer", "AnlagenbetreiberMastrNummer", "Strasse", "Hausnummer", "NameStromerzeugungseinheit",
    "Anlagenbetreiber/Name", "Anlagenbetreiber/Email", "Anlagenbetreiber/Telefon",
}  # fmt: skip
OF_A_PERSON = {"Haushalt", "Person", "Ansprechperson", "Telefon", "Bemerkung"}


def marked(table: Table, mark: str) -> list[tuple[dict[str, object], set[str]]]:
    """Each row with the names of its columns that hold the mark."""
    rows = [dict(zip((column.name for column in table.columns), row, strict=True)) for row in table.rows]
    return [(row, {name for name, cell in row.items() if mark in str(cell)}) for row in rows]


def test_every_value_about_a_private_operator_holds_the_mark_and_none_about_a_firm() -> None:
    rows = marked(solar_units(STATE), marktstammdaten.MARK)
    kinds = [row["Anlagenbetreiber/Personenart"] for row, _ in rows]
    assert set(kinds) == {PRIVATE, FIRM}
    assert all(
        found == (OF_AN_OPERATOR if kind == PRIVATE else set()) for kind, (_, found) in zip(kinds, rows, strict=True)
    )
    assert sum(row["Gemeindeschluessel"] == OURS for row, _ in rows) == 2400


def test_every_value_that_says_who_was_asked_holds_the_mark() -> None:
    rows = marked(persons(STATE), mobilitaetsbefragung.MARK)
    assert all(found == OF_A_PERSON - (set() if row["Bemerkung"] else {"Bemerkung"}) for row, found in rows)
    assert sum(row["Bemerkung"] is not None for row, _ in rows) > 400


@pytest.mark.parametrize("first_day", [date(2024, 2, 29), date(2027, 1, 1)])
def test_nobody_is_asked_after_today_and_no_plant_runs_before_it_is_built(first_day: date) -> None:
    state = State(first_day=first_day, night=1)
    days = [row["Befragt am"] for row, _ in marked(persons(state), mobilitaetsbefragung.MARK)]
    assert {str(day)[-4:] for day in days} == {str(first_day.year - 1)}
    since = [row["Inbetriebnahmedatum"] for row, _ in marked(solar_units(state), marktstammdaten.MARK)]
    assert max(str(day) for day in since if day) < first_day.isoformat()
