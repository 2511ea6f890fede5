"""Periods, prefixes, limits, rounding and lookups: what they make of values, and that the audit finds what is left."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from people import make_table
from stadtdaten.faults import GateFailed
from stadtdaten.privacy.treatments import treat, untreated

SECRET = "Geheimwert 17"


@pytest.mark.parametrize(
    ("unit", "texts"),
    [
        ("month", ["2025-03", "2025-12"]),
        ("quarter", ["2025-Q1", "2025-Q4"]),
        ("half_year", ["2025-H1", "2025-H2"]),
        ("year", ["2025", "2025"]),
    ],
)
def test_a_date_becomes_its_period_and_a_missing_one_stays_missing(one_column, unit, texts):
    column = one_column("date", {"kind": "period", "unit": unit})
    days = pd.Series(pd.to_datetime(["2025-03-31", "2025-12-01", None]).as_unit("us"))
    treated, numbers = column.treat(days)
    assert treated["wert"].dtype == "str"
    assert treated["wert"].dropna().tolist() == texts
    assert treated["wert"].isna().tolist() == [False, False, True]
    assert (numbers.columns[0].changed, numbers.columns[0].left_out) == (2, 0)
    assert column.complaints(treated) == []


def test_a_moment_lies_in_the_month_that_the_citys_clock_shows(one_column):
    column = one_column("datetime", {"kind": "period", "unit": "month"})
    moments = pd.Series(pd.to_datetime(["2025-02-28T23:30Z"])).dt.tz_convert("Europe/Berlin").dt.as_unit("us")
    assert column.treat(moments)[0]["wert"].tolist() == ["2025-03"]


def test_a_day_where_only_months_are_allowed_is_found(one_column):
    column = one_column("date", {"kind": "period", "unit": "month"})
    assert column.complaints(pd.Series(["2025-03", "2025-03-01", "2025-13"], dtype="str")) == [
        "2 von 3 Werten sind kein Zeitraum der erklärten Länge."
    ]


def test_a_code_keeps_its_first_characters_and_a_shorter_one_is_left_out(one_column):
    column = one_column("string", {"kind": "prefix", "length": 3})
    treated, numbers = column.treat(pd.Series(["59063", "59", "590", None], dtype="str"))
    assert treated["wert"].dropna().tolist() == ["590", "590"]
    assert (numbers.columns[0].changed, numbers.columns[0].left_out) == (1, 1)
    assert column.complaints(treated) == []
    assert column.complaints(pd.Series(["59063", "590"], dtype="str")) == [
        "1 von 2 Werten haben nicht genau 3 Zeichen."
    ]


def test_numbers_beyond_the_limits_become_the_limits(one_column):
    column = one_column("integer", {"kind": "limits", "lowest": 2, "highest": 10})
    treated, numbers = column.treat(pd.Series([-5, 2, 7, 99, None], dtype="Int64"))
    assert treated["wert"].dtype == "Int64"
    assert treated["wert"].dropna().tolist() == [2, 2, 7, 10]
    assert numbers.columns[0].changed == 2
    assert column.complaints(treated) == []
    assert column.complaints(pd.Series([2, 11, None], dtype="Int64")) == ["1 von 3 Werten liegen jenseits der Grenzen."]


@given(st.lists(st.integers(-(10**15), 10**15), min_size=1), st.integers(1, 1000))
def test_whole_numbers_are_rounded_exactly_and_halves_to_the_even_multiple(one_column, numbers, step):
    column = one_column("integer", {"kind": "rounded", "to": step})
    treated, _ = column.treat(pd.Series(numbers, dtype="Int64"))
    assert treated["wert"].tolist() == [round(Fraction(number, step)) * step for number in numbers]
    assert column.complaints(treated) == []


@pytest.mark.parametrize(
    ("value", "step", "expected"),
    [(0.15, 0.1, 0.2), (0.25, 0.1, 0.2), (0.35, 0.1, 0.4), (12.5, 5, 10.0), (-7.5, 5, -10.0)],
)
def test_halves_as_written_in_decimals_go_to_the_even_multiple(one_column, value, step, expected):
    column = one_column("number", {"kind": "rounded", "to": step})
    treated, _ = column.treat(pd.Series([value, None]))
    assert treated["wert"].tolist()[0] == expected
    assert column.complaints(treated) == []


def test_an_exact_amount_among_rounded_ones_is_found(one_column):
    column = one_column("number", {"kind": "rounded", "to": 0.5})
    assert column.complaints(pd.Series([1.5, 1.7, None])) == ["1 von 3 Werten sind nicht gerundet."]


def test_whole_numbers_cannot_be_rounded_to_fractions(one_column):
    with pytest.raises(ValidationError, match="whole number"):
        one_column("integer", {"kind": "rounded", "to": 2.5})


@pytest.fixture
def streets(one_column):
    """Texts that are looked up in a list of streets."""
    column = one_column(
        "string",
        {"kind": "lookup", "reference": "strassen", "key": "name", "value": "bezirk", "other": "unbekannt"},
        "location",
    )
    reference = pd.DataFrame(
        {"name": ["Ostring", "Westring", "Westring"], "bezirk": ["Mitte", "Nord", "Nord"]}, dtype="str"
    )
    column.context = replace(column.context, references={"strassen": reference})
    return column


def test_a_street_becomes_its_district_and_what_is_not_listed_other(streets):
    treated, numbers = streets.treat(pd.Series(["Westring", SECRET, None], dtype="str"))
    assert treated["wert"].tolist() == ["Nord", "unbekannt", "unbekannt"]
    assert numbers.columns[0].changed == 2
    assert streets.complaints(treated) == []


def test_a_street_in_two_districts_stops_the_table_without_its_name(streets):
    reference = pd.DataFrame({"name": [SECRET, SECRET], "bezirk": ["Mitte", "Nord"]}, dtype="str")
    streets.context = replace(streets.context, references={"strassen": reference})
    with pytest.raises(GateFailed, match="1 Einträge") as caught:
        streets.treat(pd.Series(["Westring"], dtype="str"))
    assert SECRET not in f"{caught.value} {caught.value.next_step} {caught.value.findings}"


def test_a_street_left_among_districts_is_found(streets):
    assert streets.complaints(pd.Series(["Nord", "Westring"], dtype="str")) == [
        "1 von 2 Werten stehen nicht im Verzeichnis."
    ]


def test_totals_and_merged_values_of_a_table_are_no_untreated_values(one_column):
    columns = [
        {"name": "plz", "type": "string", "class": "quasi_identifier", "treatment": {"kind": "prefix", "length": 3}},
    ]
    table = make_table(columns, key=[], frequency_table={"dimensions": ["plz"], "margins": ["plz"]})
    context = one_column("string", {"kind": "street"}).context
    published = pd.DataFrame({"plz": ["590", "Insgesamt"]}, dtype="str")
    assert list(untreated(published, table, context)) == []
    assert len(list(untreated(published.replace("590", "59063"), table, context))) == 1


def test_a_sum_of_limited_values_may_be_beyond_the_limit(one_column):
    columns = [
        {"name": "branche", "type": "string", "class": "public"},
        {"name": "umsatz", "type": "integer", "class": "magnitude", "treatment": {"kind": "limits", "highest": 9}},
    ]
    sums = {"dimensions": ["branche"], "magnitude": "umsatz", "p_percent": 10}
    table = make_table(columns, key=[], magnitude_table=sums)
    published = pd.DataFrame({"branche": pd.Series(["Handel"], dtype="str"), "umsatz": pd.Series([27], dtype="Int64")})
    assert list(untreated(published, table, one_column("string", {"kind": "street"}).context)) == []


@given(st.permutations(range(6)))
def test_the_order_of_the_rows_does_not_matter(one_column, order):
    column = one_column("string", {"kind": "prefix", "length": 2})
    values = pd.Series(["59063", "5", "44", None, "59063", "abc"], dtype="str")
    straight, _ = treat(values.to_frame("wert"), column.table, column.context)
    mixed, _ = treat(values.iloc[order].to_frame("wert"), column.table, column.context)
    assert mixed["wert"].fillna("").tolist() == straight["wert"].fillna("").iloc[order].tolist()
