"""Free text: what the contract adds to the detectors is taken out too, and found if it is not."""

from __future__ import annotations

import pandas as pd
import pytest


@pytest.fixture
def column(one_column):
    """Free text in which notices of the office have a number of their own."""
    return one_column("string", {"kind": "scrub", "patterns": {"Vorgang": r"V-\d{6}"}}, "free_text")


def test_texts_are_scrubbed_and_missing_ones_stay_missing(column):
    texts = ["Laterne defekt", "Wie in V-123456 gemeldet", "Bitte an geheimwert17@example.org", None]
    treated, numbers = column.treat(pd.Series(texts, dtype="str"))
    assert treated["wert"][0] == "Laterne defekt"
    assert treated["wert"][1] == "Wie in [Vorgang] gemeldet"
    assert "geheimwert17" not in treated["wert"][2]
    assert treated["wert"].isna().tolist() == [False, False, False, True]
    assert numbers.columns[0].changed == 2
    assert column.complaints(treated) == []


def test_a_declared_pattern_left_in_a_text_is_found(column):
    texts = pd.Series(["Wie in V-123456 gemeldet", "Laterne defekt", None], dtype="str")
    assert column.complaints(texts) == ["1 von 3 Werten enthalten noch: Vorgang."]
