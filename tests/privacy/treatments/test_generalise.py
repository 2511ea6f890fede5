"""What leaves a table, how coarse, and what stops it."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from people import TODAY, anonymise_one
from stadtdaten.contracts.protection import Bands
from stadtdaten.faults import GateFailed, SchemaChanged
from stadtdaten.privacy.columns import published_columns
from stadtdaten.privacy.treatments import treat

SECRET = "Geheimwert"


def test_an_undeclared_column_stops_the_table(sites):
    frame = pd.DataFrame({"kennung": ["1"], "strasse": ["a"], "bemerkung": ["b"], "melderin": [SECRET]}, dtype="str")
    with pytest.raises(GateFailed) as caught:
        anonymise_one(frame, sites)
    assert caught.value.gate == "privacy"
    assert [finding.column for finding in caught.value.findings] == ["melderin"]
    assert SECRET not in f"{caught.value} {caught.value.findings}"


def test_a_missing_declared_column_is_a_change_of_the_schema(sites):
    with pytest.raises(SchemaChanged, match="bemerkung"):
        anonymise_one(pd.DataFrame({"kennung": ["1"], "strasse": ["a"]}, dtype="str"), sites)


def test_values_hidden_in_index_and_attrs_do_not_leave(sites):
    frame = pd.DataFrame({"kennung": ["1"], "strasse": ["a"], "bemerkung": ["b"]}, index=[SECRET], dtype="str")
    frame.attrs["quelle"] = SECRET
    published, report = anonymise_one(frame, sites)
    assert isinstance(published.index, pd.RangeIndex)
    assert published.attrs == {}
    assert report.sentence.startswith("Die Daten wurden nicht anonymisiert")


def test_bands_are_labelled_as_in_german_statistics(counted, residents):
    treated, _ = treat(residents([("Mitte", age, "w", 1) for age in (0, 2, 3, 5, 6, 99)]), counted, TODAY)
    assert list(treated["alter"]) == ["0 bis 2", "0 bis 2", "3 bis 5", "3 bis 5", "6 und älter", "6 und älter"]
    assert "amt" not in treated.columns


@given(st.lists(st.integers(0, 120), min_size=1, max_size=30))
def test_every_age_lies_in_the_band_that_its_label_says(counted, residents, ages):
    labels = treat(residents([("Mitte", age, "w", 1) for age in ages]), counted, TODAY)[0]["alter"]
    for age, label in zip(ages, labels, strict=True):
        low, *high = [int(word) for word in label.split() if word.isdigit()]
        assert low <= age <= (high[0] if high else 10**6)


def test_a_missing_age_and_one_below_the_first_band_stop_the_table(counted, residents):
    frame = residents([("Mitte", 1, "w", 1), ("Mitte", -7, "w", 1), ("Mitte", 1, "m", 1)])
    frame.loc[2, "alter"] = pd.NA
    with pytest.raises(GateFailed, match="2 von 3") as caught:
        anonymise_one(frame, counted)
    assert "-7" not in str(caught.value)


def test_unlisted_and_missing_values_of_a_mapping_become_other(counted, residents):
    frame = residents([("Mitte", 1, "w", 1), ("Mitte", 1, "x", 1), ("Mitte", 1, "m", 1)])
    frame.loc[2, "geschlecht"] = pd.NA
    assert list(treat(frame, counted, TODAY)[0]["geschlecht"]) == ["weiblich", "ohne Angabe", "ohne Angabe"]


def test_bands_of_one_year_have_no_range(counted, residents):
    column = counted.column("alter").model_copy(update={"treatment": Bands(kind="bands", edges=(0, 1, 6))})
    table = counted.model_copy(update={"columns": tuple(column if c.name == "alter" else c for c in counted.columns)})
    treated, _ = treat(residents([("Mitte", 0, "w", 1), ("Mitte", 1, "w", 1)]), table, TODAY)
    assert list(treated["alter"]) == ["0", "1 bis 5"]


def test_what_is_published_is_what_is_announced(counted, residents):
    published, _ = anonymise_one(residents([("Mitte", 1, "w", 9), ("Nord", 7, "m", 5)]), counted)
    columns = published_columns(counted)
    assert list(published.columns) == [column.name for column in columns]
    assert [column.type for column in columns] == ["date", "string", "string", "string", "integer", "boolean"]
    assert columns[-1].name == "anzahl_geheim"
