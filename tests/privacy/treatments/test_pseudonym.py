"""Pseudonyms: nobody can be followed for longer than declared, nothing can be joined, no key no pseudonym."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pandas as pd
import pytest

from people import make_table
from stadtdaten.faults import Misconfigured
from stadtdaten.privacy.text.detectors import find_personal_data
from stadtdaten.privacy.treatments import treat

SPEC = {"kind": "pseudonym", "connection": "kennungen", "rotation": "quarter"}
VALUES = pd.Series(["Geheimwert 1", "Geheimwert 2", "Geheimwert 1", None], dtype="str")


@pytest.fixture
def column(one_column):
    """An identifier that becomes a pseudonym, another one each quarter."""
    return one_column("string", SPEC, "identifier")


def on(column, day):
    """What is published on that day."""
    column.context = replace(column.context, today=day)
    return column.treat(VALUES)[0]["wert"].fillna("").tolist()


def test_equal_values_have_equal_pseudonyms_and_others_have_others(column):
    first, second, again, missing = on(column, date(2026, 2, 3))
    assert first == again != second
    assert missing == ""
    assert column.complaints(column.treat(VALUES)[0]) == []


def test_nobody_is_followed_beyond_the_period(column):
    assert on(column, date(2026, 1, 1)) == on(column, date(2026, 3, 31))
    assert not set(on(column, date(2026, 3, 31))[:3]) & set(on(column, date(2026, 4, 1))[:3])


def test_the_same_person_cannot_be_joined_across_columns_and_tables(column):
    both = make_table(
        [{"name": name, "type": "string", "class": "public", "treatment": SPEC} for name in ("wert", "zwei")]
    )
    frame = pd.DataFrame({"wert": VALUES, "zwei": VALUES})
    treated, _ = treat(frame, both, column.context)
    assert not set(treated["wert"].dropna()) & set(treated["zwei"].dropna())
    elsewhere, _ = treat(frame, both.model_copy(update={"id": "andere"}), column.context)
    assert not set(treated["wert"].dropna()) & set(elsewhere["wert"].dropna())


def test_whoever_has_not_the_key_cannot_try_all_values(column, key):
    ours = on(column, date(2026, 2, 3))
    column.context = replace(column.context, key=lambda connection: key[::-1])
    assert not set(ours[:3]) & set(column.treat(VALUES)[0]["wert"].dropna())


@pytest.mark.parametrize("secret", ["", "kurz", " " * 40, "geheim" * 8])
def test_an_empty_or_short_key_is_refused(column, secret):
    column.context = replace(column.context, key=lambda connection: secret)
    with pytest.raises(Misconfigured, match="kennungen") as caught:
        column.treat(VALUES)
    assert not secret.strip() or secret not in caught.value.message


def test_a_value_left_among_pseudonyms_is_found_also_a_plain_hash(column):
    published = column.treat(VALUES)[0]
    published.loc[0, "wert"] = "5d41402abc4b2a76"
    assert column.complaints(published) == ["1 von 4 Werten haben nicht die Form eines Pseudonyms."]


def test_no_pseudonym_looks_like_personal_data(one_column):
    column = one_column("integer", SPEC, "identifier")
    treated, _ = column.treat(pd.Series(range(20_000), dtype="Int64"))
    assert treated["wert"].nunique() == 20_000
    assert list(find_personal_data(treated["wert"].tolist())) == []
