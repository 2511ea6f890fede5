"""What the public is told is true, is German, and tells nothing that the files hold back."""

from __future__ import annotations

import re

import pandas as pd
import pytest

from people import anonymise_one, make_table
from stadtdaten.contracts import Table
from stadtdaten.privacy.change_note import on_columns
from stadtdaten.privacy.treatments import TreatmentNumbers
from stadtdaten.privacy.treatments.apply import ColumnNumbers


@pytest.fixture
def by_sex() -> Table:
    return make_table(
        [
            {"name": "bezirk", "type": "string", "class": "quasi_identifier"},
            {"name": "geschlecht", "type": "string", "class": "quasi_identifier"},
            {"name": "anzahl", "type": "integer", "class": "count"},
        ],
        frequency_table={
            "count": "anzahl",
            "dimensions": ["bezirk", "geschlecht"],
            "margins": ["bezirk", "geschlecht"],
        },
    )


@pytest.fixture
def names() -> Table:
    return make_table(
        [{"name": "vorname", "type": "string", "class": "quasi_identifier"}],
        frequency_table={"dimensions": ["vorname"], "merged": {"vorname": "andere"}},
    )


def counts(*amounts: int) -> pd.DataFrame:
    frame = pd.DataFrame({"bezirk": ["Mitte", "Mitte", "Nord", "Nord"], "geschlecht": ["m", "w"] * 2})
    return frame.astype("str").assign(anzahl=pd.array(amounts, dtype="Int64"))


def test_the_number_of_small_cells_is_told_to_nobody(by_sex: Table) -> None:
    """Six tables fit what is shown; in one alone a single cell is small, so whoever is told that knows all cells."""
    frame, report = anonymise_one(counts(2, 5, 5, 3), by_sex)
    same, other = anonymise_one(counts(1, 6, 6, 2), by_sex)
    assert int(frame["anzahl_geheim"].sum()) == 4
    assert frame.equals(same)
    assert (report.primary_suppressed, other.primary_suppressed) == (1, 2)
    assert report.sentence == other.sentence
    assert {int(each) for each in re.findall(r"\d+", report.sentence)} == {9, 4, 3}


def test_how_many_rare_names_there_are_is_told_to_nobody(names: Table) -> None:
    """If three rare names count three children, each of them is the only one."""
    frequent = ["Ahmet"] * 5
    three = pd.DataFrame({"vorname": [*frequent, "X", "Y", "Z"]}, dtype="str")
    two = pd.DataFrame({"vorname": [*frequent, "X", "X", "Y"]}, dtype="str")
    (shown, report), (same, other) = anonymise_one(three, names), anonymise_one(two, names)
    assert shown.equals(same)
    assert report.sentence == other.sentence


def test_a_table_without_totals_is_not_said_to_have_some(by_sex: Table, names: Table) -> None:
    frame = pd.DataFrame({"vorname": ["Ahmet"] * 5}, dtype="str")
    assert "ergänzt" not in anonymise_one(frame, names)[1].sentence
    assert "um Summen ergänzt" in anonymise_one(counts(5, 5, 5, 5), by_sex)[1].sentence


@pytest.mark.parametrize("kind", ["grid", "snap"])
def test_one_column_is_told_in_the_singular(sites: Table, kind: str) -> None:
    one = TreatmentNumbers(1, (ColumnNumbers("kennung", kind, 1, 0),))
    two = TreatmentNumbers(1, (*one.columns, ColumnNumbers("bemerkung", kind, 1, 0)))
    assert "zeigt „Kennung“ " in next(iter(on_columns(sites, one)))
    assert "zeigen „Kennung“ und „Bemerkung“ " in next(iter(on_columns(sites, two)))
