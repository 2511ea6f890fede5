"""Numbers of pupils: every one rounded, none of 1 or 2 to be seen, and nobody who answers for them named anywhere."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter

import pytest
import requests

from installation import Site
from leaks import found_outside, staged
from samplecity.faults import Fault as Disturbance
from samplecity.pupils import MARK, pupils
from samplecity.state import read_state
from samplecity.systems.bildung import schools
from stadtdaten.faults import GateFailed, SnapshotFailed

DATASET = "schuelerzahlen"
MARKS = re.compile(MARK)
DIMENSIONS = ("schuljahr", "schulform", "jahrgangsstufe", "geschlecht", "stadtbezirk")
TYPES = {"02": "Grundschule", "04": "Hauptschule", "10": "Realschule", "20": "Gymnasium"}
SEXES = {"m": "männlich", "w": "weiblich", "d": "divers oder ohne Angabe"}
TOTAL = "Insgesamt"
Counts = Counter[tuple[str, ...]]


@pytest.fixture
def site(whole_site: Site) -> Site:
    """The source without its other datasets."""
    whole_site.keep_only("bildung", DATASET)
    return whole_site


def true_counts(site: Site) -> Counts:
    """The pupils of each published cell, totals included."""
    first_day = read_state(site.var).first_day
    counts: Counts = Counter()
    for year, _, kind, level, sex, bezirk, count, _ in pupils(schools(first_day), first_day).rows:
        for form in (TYPES[str(kind)], TOTAL):
            for grade in (str(level), TOTAL):
                for who in (SEXES[str(sex)], TOTAL):
                    for place in (str(bezirk), TOTAL):
                        counts[str(year), form, grade, who, place] += int(str(count))
    return counts


def published(site: Site) -> dict[tuple[str, ...], int]:
    """The live release."""
    live = site.run("bildung").live(DATASET)
    assert live is not None
    text = (site.var / "releases" / DATASET / live.release / f"{DATASET}.csv").read_text(encoding="utf-8-sig")
    return {tuple(row[name] for name in DIMENSIONS): int(row["anzahl"]) for row in csv.DictReader(io.StringIO(text))}


def test_every_number_of_pupils_is_rounded_and_no_small_one_is_shown(
    site: Site, everything: pytest.LogCaptureFixture
) -> None:
    faults = site.refresh("bildung")

    assert faults == {DATASET: None}
    true, shown = true_counts(site), published(site)
    assert len(shown) == 4480
    assert set(true) <= set(shown)
    assert sum(count in (1, 2) for count in true.values()) > 100, "there are small numbers to hide"
    assert all(value % 5 == 0 for value in shown.values())
    assert all(abs(value - true[cell]) <= 2 for cell, value in shown.items())
    assert {shown[cell] for cell, count in true.items() if count <= 2} == {0}
    assert found_outside(site, MARKS, everything.text, faults) == []
    assert staged(site) == []


@pytest.mark.parametrize("disturbance", ["half_file", "column_gone", "duplicate_key", "ninety_percent_lost"])
def test_a_delivery_that_is_not_in_order_keeps_what_is_live(
    site: Site, everything: pytest.LogCaptureFixture, disturbance: Disturbance
) -> None:
    assert site.refresh("bildung") == {DATASET: None}
    before = site.portal_files()
    site.city.disturb("bildung", disturbance)

    faults = site.refresh("bildung")

    (fault,) = faults.values()
    assert isinstance(fault, SnapshotFailed | GateFailed)
    assert site.portal_files() == before
    assert found_outside(site, MARKS, everything.text, faults) == []
    assert staged(site) == []


def test_the_source_does_name_who_answers_for_the_numbers(site: Site) -> None:
    answer = requests.get(site.city.url("bildung/schuelerzahlen.csv"), timeout=60)
    assert len(set(re.findall(rf"{MARK}\d+", answer.text))) == 130
