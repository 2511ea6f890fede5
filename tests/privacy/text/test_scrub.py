"""Scrubbed text holds nothing personal any more, and is otherwise what it was."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from privacy.text.corpus import corpus
from stadtdaten.privacy.text.detectors import find
from stadtdaten.privacy.text.scrub import scrub
from stadtdaten.privacy.text.writing import as_read

CORPUS = [text.text for text in corpus("held_out", 150, seed=2) + corpus("tuning", 150, seed=2)]
CUSTOMER = {"Kundennummer": r"\bKd\.-Nr\. \d+"}

pieces = st.one_of(
    st.sampled_from(CORPUS),
    st.sampled_from(
        ["Herr ", "Frau ", "Dr. ", "Müller", "Hans ", "Az. ", "12 O ", "345/21", "02381", " 17", "-345", "@", "a.b",
        ".de",
         "geb. ", "1.2.1970", "DE89 3704 0044 ", "0532 0130 00", "[Name]", "[Telefonnummer]", "Am Stadtbad ", "3",
         "HAM-",
         "XY 12", " ", "\n", ", ", "[", "]", "Kd.-Nr. ", "4711", "Kassenzeichen ", "* "]
    ),
    st.text(max_size=8),
)  # fmt: skip
texts = st.lists(pieces, max_size=8).map("".join)


@given(text=texts)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_after_scrubbing_the_detectors_find_nothing(text):
    (scrubbed,) = scrub([text], CUSTOMER)
    assert find(scrubbed) == ()


@given(text=texts)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_scrubbing_twice_changes_nothing(text):
    once = scrub([text], CUSTOMER)
    assert scrub(once, CUSTOMER) == once


@given(text=texts)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_stays_is_a_part_of_the_text_as_read_in_its_order(text):
    (scrubbed,) = scrub([text], CUSTOMER)
    read, at = as_read(text), 0
    for piece in re.split(r"\[[^\[\]]*\]", scrubbed):
        at = read.index(piece, at) + len(piece)


@pytest.mark.parametrize(
    "text", ["Die Laterne ist aus, seit 3 Wochen.", "", "Produkt 01.02.03: 12,5 Stellen", "a\nb  c"]
)
def test_text_without_persons_stays_as_it_is(text):
    assert scrub([text], {}) == [text]


def test_a_label_is_never_left_standing_in_the_open():
    for text in corpus("held_out", 300, seed=4):
        (scrubbed,) = scrub([text.text], {})
        for label in text.labels:
            value = text.text[label.start : label.end]
            if label.field != "plain":
                assert value not in scrubbed, text.text


def test_two_detectors_that_overlap_leave_no_rest_behind():
    assert scrub(["IBAN DE89 3704 0044 0532 0130 00 MfG H. Schulze"], {}) == ["IBAN [IBAN] MfG [Name]"]


def test_a_mistyped_account_number_goes_too():
    assert scrub(["DE89 3704 0044 0532 0130 01"], {}) == ["[IBAN]"]


def test_what_the_contract_adds_is_taken_out():
    assert scrub(["Unter Kd.-Nr. 4711 gemeldet"], CUSTOMER) == ["Unter [Kundennummer] gemeldet"]


def test_a_pattern_that_fits_its_own_title_ends():
    assert scrub(["Name der Straße"], {"Name": "Name"}) == ["[Name] der Straße"]
