"""House numbers: in whatever way they are written, none remains."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stadtdaten.privacy.treatments.street import house_number_at, without_house_number

STREETS = st.sampled_from(
    ("Am Stadtbad", "Musterstr.", "Straße des 17. Juni", "Platz des 18. März", "3. Querstraße", "1.-Mai-Straße")
) | st.sampled_from(("Weißdornweg", "Bürgermeister-Öztürk-Allee", "An der Ahse", "Am Weißen Haus", "Neumarkt"))
NUMBERS = st.builds(
    "{}{}{}{}".format,
    st.sampled_from([" ", "  ", "", " Nr. ", " Nr.", " Haus-Nr.: ", " Hausnummer ", ", ", " #", "\u00a0"]),
    st.integers(1, 9999),
    st.sampled_from(["", "a", " a", "-7", " – 9", "/3", " 1/2", "½", " c Hinterhaus", ". OG", ", 59065 Hamm"]),
    st.sampled_from(["", " ", " Haus 2", " (bei Geheimwert 3)", " Whg. 12"]),
)


@given(STREETS, NUMBERS)
def test_whatever_its_form_the_house_number_is_cut_and_the_street_stays(street, number):
    assert without_house_number(street + number) == street


@given(st.text(st.sampled_from("aß .,-/0159½²٣³ⅣNrHausJuni"), max_size=30))
def test_no_number_remains_of_any_text(text):
    street = without_house_number(text)
    assert street is None or house_number_at(street) is None


@pytest.mark.parametrize("address", ["Nr. 3", "Haus 2", "12a", "59065 Hamm, Ostring 3", "A 5", " ", "C4, 12"])
def test_a_number_without_street_is_left_out(address):
    assert without_house_number(address) is None


@pytest.mark.parametrize(
    ("address", "street"), [("Ostring Haus 2", "Ostring"), ("Ostring A 5", "Ostring"), ("Ostring 5. Mai", "Ostring")]
)
def test_what_announces_the_number_goes_with_it(address, street):
    assert without_house_number(address) == street


def test_a_house_number_left_is_found_and_a_date_in_a_name_is_none(one_column):
    column = one_column("string", {"kind": "street"}, "location")
    treated, numbers = column.treat(pd.Series(["Ostring 3", "Ostring", "Nr. 3", None], dtype="str"))
    assert treated["wert"].dropna().tolist() == ["Ostring", "Ostring"]
    assert (numbers.columns[0].changed, numbers.columns[0].left_out) == (1, 1)
    assert column.complaints(treated) == []
    left = pd.Series(["Ostring 3", "Straße des 17. Juni", "Weg ½", None], dtype="str")
    assert column.complaints(left) == ["2 von 4 Werten enthalten eine Hausnummer."]
