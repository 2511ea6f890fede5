"""How much of what is personal in a labelled German corpus is found, and how much of what is found is personal?"""

from __future__ import annotations

from collections import Counter

import pytest

from privacy.text.corpus import KIND_BY_FIELD, corpus
from stadtdaten.privacy.text.detectors import find, find_personal_data

STRUCTURED = {"phone", "email", "iban", "tax", "social", "plate", "file", "birth"}


@pytest.fixture(scope="module", params=["tuning", "held_out"])
def measured(request: pytest.FixtureRequest) -> tuple[Counter[str], Counter[str], Counter[str], Counter[str]]:
    """Labels, labels found as a whole, spans found, spans that touch a label of their kind."""
    labels, found, spans, right = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    for text in corpus(request.param, 3000, seed=11):
        hits = find(text.text)
        for label in text.labels:
            labels[label.field] += 1
            found[label.field] += any(
                hit.kind == KIND_BY_FIELD[label.field] and hit.start <= label.start and label.end <= hit.end
                for hit in hits
            )
        for hit in hits:
            spans[hit.kind] += 1
            right[hit.kind] += any(
                hit.kind == KIND_BY_FIELD[label.field] and label.start < hit.end and hit.start < label.end
                for label in text.labels
            )
    return labels, found, spans, right


def test_no_more_than_one_in_a_hundred_structured_numbers_is_missed(measured):
    labels, found, _, _ = measured
    assert {field: found[field] / labels[field] for field in STRUCTURED if found[field] < 0.99 * labels[field]} == {}
    assert all(labels[field] > 50 for field in STRUCTURED)


def test_no_more_than_one_in_twenty_names_with_title_or_greeting_is_missed(measured):
    labels, found, _, _ = measured
    fields = ("titled", "signed", "lower", "reversed")
    assert {field: found[field] / labels[field] for field in fields if found[field] < 0.95 * labels[field]} == {}


def test_usual_names_without_title_and_addresses_are_found(measured):
    labels, found, _, _ = measured
    assert found["plain"] >= 0.85 * labels["plain"]  # a tenth has a given name that no list holds
    assert found["address"] >= 0.95 * labels["address"]


def test_no_more_than_one_hit_in_twenty_is_a_false_alarm(measured):
    _, _, spans, right = measured
    assert {kind: right[kind] / spans[kind] for kind in spans if right[kind] < 0.95 * spans[kind]} == {}


def test_the_corpus_is_the_same_every_time():
    assert corpus("held_out", 50, seed=3) == corpus("held_out", 50, seed=3)


def test_the_quick_look_at_a_column_loses_nothing():
    for text in corpus("held_out", 400, seed=5) + corpus("tuning", 400, seed=5):
        in_column = {hit.kind for hit in find_personal_data([text.text])}
        assert {span.kind for span in find(text.text)} <= in_column, text.text
