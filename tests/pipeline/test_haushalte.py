"""Households: a little noise on every count, always the same; without its key nothing new is published."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter

import pytest

from installation import Site
from leaks import found_outside, staged
from samplecity.households import households
from samplecity.state import read_state
from samplecity.systems.einwohnerstatistik import KEY
from stadtdaten.faults import Misconfigured
from stadtdaten.frames import Endpoint

SOURCE, DATASET = "einwohnerstatistik", "haushalte"
CONTRACT = f"include/contracts/{SOURCE}.yaml"
MARKS = re.compile(f"Geheimwert|{KEY}")
DIMENSIONS = ("stadtbezirk", "sozialraum", "wohnbereich", "personen", "kinder")
TOTAL = "Insgesamt"
LARGEST_NOISE = 4
Cell = tuple[str, ...]


@pytest.fixture
def site(whole_site: Site) -> Site:
    """The source without its other datasets."""
    whole_site.keep_only(SOURCE, DATASET)
    return whole_site


def true_counts(site: Site) -> Counter[Cell]:
    """The households of each published cell, totals included."""
    counts: Counter[Cell] = Counter()
    for _, bezirk, space, area, size, children, count, _ in households(read_state(site.var).first_day).rows:
        persons = str(size) if int(str(size)) < 6 else "6 und mehr"
        with_children = {"j": "mit Kindern", "n": "ohne Kinder"}[str(children)]
        places = ((bezirk, space, area), (bezirk, space, TOTAL), (bezirk, TOTAL, TOTAL), (TOTAL, TOTAL, TOTAL))
        for place in places:
            for many in (persons, TOTAL):
                for kind in (with_children, TOTAL):
                    counts[(*map(str, place), many, kind)] += int(str(count))
    return counts


def published(site: Site) -> dict[Cell, int]:
    """The live release."""
    live = site.run(SOURCE).live(DATASET)
    assert live is not None
    text = (site.var / "releases" / DATASET / live.release / f"{DATASET}.csv").read_text(encoding="utf-8-sig")
    return {tuple(row[name] for name in DIMENSIONS): int(row["anzahl"]) for row in csv.DictReader(io.StringIO(text))}


def rebuild(site: Site) -> None:
    """From now on the contract is another one: the next night builds the same numbers anew."""
    site.edit(CONTRACT, "title: Anzahl Haushalte", "title: Haushalte")


def test_every_count_of_households_has_a_little_noise_and_no_small_one_is_shown(
    site: Site, everything: pytest.LogCaptureFixture
) -> None:
    faults = site.refresh(SOURCE)

    assert faults == {DATASET: None}
    true, shown = true_counts(site), published(site)
    assert len(shown) == 924
    assert set(true) <= set(shown)
    assert sum(count in (1, 2) for count in true.values()) > 10, "there are small counts to hide"
    assert not {1, 2} & set(shown.values())
    noise = Counter(value - true[cell] for cell, value in shown.items() if true[cell])
    assert max(map(abs, noise)) == LARGEST_NOISE
    assert noise[0] < noise.total() / 2
    assert {value for cell, value in shown.items() if not true[cell]} == {0}, "nobody stays nobody"
    assert found_outside(site, MARKS, everything.text, faults) == []
    assert staged(site) == []


def test_the_same_households_have_the_same_noise_wherever_they_are_counted(site: Site) -> None:
    site.refresh(SOURCE)

    shown = published(site)
    twins = [
        (shown[cell], shown[cell[0], TOTAL, TOTAL, *cell[3:]])
        for cell in shown
        if cell[0] == cell[1] != TOTAL and cell[2] == TOTAL
    ]  # a Bezirk that is one Sozialraum
    assert len(twins) == 5 * 7 * 3
    assert all(one == other for one, other in twins)


def test_counting_again_tells_nothing_more(site: Site) -> None:
    site.refresh(SOURCE)
    before, release = published(site), site.run(SOURCE).live(DATASET)
    rebuild(site)

    assert site.refresh(SOURCE) == {DATASET: None}

    assert site.run(SOURCE).live(DATASET) != release
    assert published(site) == before


@pytest.mark.parametrize("password", ["", "Geheimwert-zu-kurz"])
def test_without_a_fit_key_nothing_new_is_published_and_what_is_live_stays(
    site: Site, everything: pytest.LogCaptureFixture, password: str
) -> None:
    site.refresh(SOURCE)
    before = site.portal_files()
    rebuild(site)
    site.endpoints[f"{SOURCE}_schluessel"] = Endpoint(url="", password=password)

    faults = site.refresh(SOURCE)

    fault = faults[DATASET]
    assert isinstance(fault, Misconfigured)
    assert "Schlüssel ist leer" in fault.message
    assert "openssl rand" in fault.next_step
    assert site.portal_files() == before
    assert found_outside(site, MARKS, everything.text, faults) == []
    assert staged(site) == []
