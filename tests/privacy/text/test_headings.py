"""What no detector can tell by its text alone is told by the heading of its column."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from people import audit_one, make_table
from stadtdaten.faults import GateFailed

SAID = {
    "a date below Geburtsdatum": ("Geburtsdatum", "string", pd.Series(["04.03.1970"], dtype="str"), "Geburtsdatum"),
    "a typed date": ("GEB_DAT", "date", pd.to_datetime(pd.Series(["1970-03-04"])), "Geburtsdatum"),
    "a holder": ("Halterin oder Halter", "string", pd.Series(["Yilmaz"], dtype="str"), "Name"),
    "an owner of a business": ("Inhaber/in", "string", pd.Series(["Budde"], dtype="str"), "Name"),
    "a surname": ("Nachname", "string", pd.Series(["Meier"], dtype="str"), "Name"),
    "a plate without hyphen": ("Kennzeichen", "string", pd.Series(["UN AB 123"], dtype="str"), "Kfz-Kennzeichen"),
    "a file number": ("Aktenzeichen", "string", pd.Series(["32.1-2025/4711"], dtype="str"), "Aktenzeichen|Akten-"),
    "an extension": ("Telefon", "string", pd.Series(["17-1234"], dtype="str"), "Telefonnummer"),
    "a number that lost its zero": ("tel_nr", "integer", pd.Series([2381171234]), "Telefonnummer"),
}


def table_of(kind: str, **more: Any):
    number = {"name": "nummer", "type": "string", "class": "public"}
    return make_table([number, {"name": "angabe", "type": kind, "class": "public", **more}])


@pytest.mark.parametrize("what", SAID)
def test_a_public_column_whose_heading_says_what_it_holds_is_stopped(what: str) -> None:
    title, kind, values, said = SAID[what]
    frame = pd.DataFrame({"nummer": pd.Series(["1"], dtype="str"), "angabe": values})
    with pytest.raises(GateFailed, match=f"1 von 1 Werten sehen aus wie: (?:{said})") as caught:
        audit_one(frame, table_of(kind, source=title))
    assert str(values[0]) not in f"{caught.value.message}{caught.value.findings}"


@pytest.mark.parametrize(
    "title",
    ["Telefonzellen", "Mobilität", "Namen der Straße", "Gemeindekennzeichen", "Tag", "Behälter", "Haltestelle"],
)
def test_other_headings_say_nothing(title: str) -> None:
    frame = pd.DataFrame({"nummer": ["1"], "angabe": ["12345 AB"]}, dtype="str")
    audit_one(frame, table_of("string", title=title))


def test_an_expected_kind_may_stand_below_its_heading() -> None:
    frame = pd.DataFrame({"nummer": ["1"], "angabe": ["17-1234"]}, dtype="str")
    phone = {"kind": "phone", "legal_basis": "Telefon einer Schule"}
    audit_one(frame, table_of("string", title="Telefon", expected=[phone]))
