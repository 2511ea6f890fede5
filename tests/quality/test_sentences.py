"""What people read is German, right in number and date, and never rounds a fault away."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stadtdaten.quality.sentences import sentence, share

BETWEEN = "expect_column_values_to_be_between"


def said(kind: str, unexpected: int = 3, **kwargs: Any) -> str:
    text = sentence(kind, {"column": "x", **kwargs}, "t", not unexpected, 2400, unexpected, {})
    return text.replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("kwargs", "predicate"),
    [
        ({"min_value": 0.0, "max_value": 60.5}, "außerhalb von 0 bis 60,5"),
        ({"min_value": 1700, "max_value": 2027}, "außerhalb von 1700 bis 2027"),
        ({"min_value": 402000.0}, "kleiner als 402.000"),
        ({"min_value": 0, "strict_min": True}, "nicht größer als 0"),
        ({"max_value": "2026-11-23T00:00:00"}, "größer als 23.11.2026"),
        ({"max_value": 5, "strict_max": True}, "nicht kleiner als 5"),
    ],
)
def test_bounds_are_written_as_in_german(kwargs: dict[str, Any], predicate: str) -> None:
    assert said(BETWEEN, **kwargs) == f"Spalte x: 3 von 2.400 Werten (0,1 %) {predicate}."


def test_a_code_that_looks_like_a_date_stays_a_code() -> None:
    assert "gleich 20200101." in said("expect_column_values_to_not_be_in_set", value_set=["20200101"])


def test_an_expectation_without_a_sentence_of_its_own_gets_the_general_one() -> None:
    assert said("expect_column_values_to_be_increasing") == (
        "Spalte x: 3 von 2.400 Werten (0,1 %) entgegen der Regel expect_column_values_to_be_increasing."
    )
    text = sentence("expect_column_mean_to_be_between", {"column": "x"}, "t", False, 0, 0, {"observed_value": 4711})
    assert text == "Spalte x: Regel expect_column_mean_to_be_between nicht eingehalten."


@given(part=st.floats(min_value=0, max_value=1))
def test_a_share_is_nothing_or_all_only_when_it_is(part: float) -> None:
    assert (share(part) == "0\u00a0%") == (part == 0)
    assert (share(part) == "100\u00a0%") == (part == 1)
