"""Given names: frequent ones are counted, rare ones are named nowhere outside the registry office's own files.

Rare names of the sample office carry a mark. After each night, good or bad, everything outside the source is searched.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from installation import Site
from leaks import found_outside, staged
from samplecity.delivery import lay
from samplecity.faults import Fault as Disturbance
from samplecity.offers import drop_folder
from samplecity.systems.vornamen import LAST_LINE, MARK, ONLY_TOGETHER, YEARS, given_names
from stadtdaten.faults import Fault, GateFailed, SnapshotFailed, Unexpected

SOURCE = "vornamen"
MARKS = re.compile(MARK)
SEXES = {"w": "weiblich", "m": "männlich", "d": "divers oder ohne Angabe"}
OTHERS = "andere Vornamen"
Names = Counter[tuple[str, str, str]]
"""Year, sex and name to the number of children."""


@pytest.fixture
def site(whole_site: Site) -> Site:
    """The whole installation; a file has settled after a second."""
    whole_site.edit("include/contracts/vornamen.yaml", "connection: vornamen", "connection: vornamen, settle: 1")
    return whole_site


def true_counts(rows: Iterable[tuple[object, str, str, object]]) -> Names:
    """From year, name, sex and number of each row; positions are added up."""
    counts: Names = Counter()
    for year, name, sex, number in rows:
        counts[str(year), SEXES[sex], name] += int(str(number))
    return counts


def published(site: Site) -> Names:
    """The live release."""
    live = site.run(SOURCE).live(SOURCE)
    assert live is not None
    text = (site.var / "releases" / SOURCE / live.release / "vornamen.csv").read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    counts = Counter({(row["jahr"], row["geschlecht"], row["vorname"]): int(row["anzahl"]) for row in rows})
    assert len(counts) == len(rows)
    return counts


def file(site: Site, year: int) -> Path:
    return drop_folder(site.city.var, SOURCE) / f"vornamen_{year}.csv"


def change(site: Site, year: int, edit: Callable[[str], str]) -> None:
    """The office lays down another file for that year."""
    path = file(site, year)
    text = path.read_bytes().decode()
    assert edit(text) != text
    lay(path, edit(text).encode())


def line_of(site: Site, year: int, fits: str) -> str:
    """The first line of the file that fits the pattern."""
    return next(line for line in file(site, year).read_bytes().decode().splitlines() if re.search(fits, line))


def stopped(site: Site, log: pytest.LogCaptureFixture) -> Fault:
    """What stopped the night, after making sure that the public sees what it saw before, and no rare name."""
    portal, releases = site.portal_files(), site.releases()
    assert portal and releases
    faults = site.refresh(SOURCE)
    (fault,) = faults.values()
    assert fault is not None and not isinstance(fault, Unexpected)
    assert (site.portal_files(), site.releases()) == (portal, releases)
    assert found_outside(site, MARKS, log.text, faults) == []
    assert staged(site) == []
    return fault


def test_frequent_names_are_counted_and_no_rare_one_is_named(site: Site, everything: pytest.LogCaptureFixture) -> None:
    faults = site.refresh(SOURCE)

    assert faults == {SOURCE: None}
    true = true_counts((year, name, sex, number) for year, name, sex, number, *_ in given_names().rows)  # type: ignore[misc]
    rare = {name: count for name, count in true.items() if count < 5}
    assert len(rare) > 0.6 * len(true)
    named = Counter({name: count for name, count in published(site).items() if name[2] != OTHERS})
    assert named == true - Counter(rare)
    others: Names = Counter()
    for (year, sex, _), count in rare.items():
        others[year, sex, OTHERS] += count
    assert published(site) - named == Counter({name: count for name, count in others.items() if count >= 5})
    assert found_outside(site, MARKS, everything.text, faults) == []
    assert staged(site) == []


def test_a_name_that_is_frequent_only_as_first_and_further_name_together_is_counted(site: Site) -> None:
    site.refresh(SOURCE)

    counts = published(site)
    assert {counts[str(year), SEXES[sex], name] for year in YEARS for sex, name in ONLY_TOGETHER.items()} == {6}


@pytest.mark.parametrize(
    ("disturbance", "kind"),
    [
        ("half_file", "source_unreadable"),
        ("growing_file", "source_in_motion"),
        ("column_gone", "schema_changed"),
        ("duplicate_key", "quality_raw"),
        ("ninety_percent_lost", "quality_raw"),
    ],
)
def test_a_drop_that_is_not_in_order_keeps_what_is_live(
    site: Site, everything: pytest.LogCaptureFixture, disturbance: Disturbance, kind: str
) -> None:
    assert site.refresh(SOURCE) == {SOURCE: None}
    for year in YEARS:
        file(site, year).unlink()  # so that the next delivery is a new one
    site.city.disturb(SOURCE, disturbance)

    stopped(site, everything)

    assert {incident.kind for incident in site.ledger.open_incidents()} == {kind}


def test_a_half_file_that_ends_with_a_whole_line_is_told_from_a_whole_one(
    site: Site, everything: pytest.LogCaptureFixture
) -> None:
    site.refresh(SOURCE)
    change(site, 2024, lambda text: text[: text.index("\n", len(text) // 2) + 1])

    fault = stopped(site, everything)

    assert isinstance(fault, SnapshotFailed)
    assert "vornamen_2024.csv" in fault.message or "letzte" in fault.message


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_another_delimiter_changes_nothing(site: Site, delimiter: str) -> None:
    site.refresh(SOURCE)
    before = published(site)
    change(site, 2023, lambda text: text.replace(",", delimiter))

    assert site.refresh(SOURCE) == {SOURCE: None}

    assert published(site) == before


def test_a_file_that_holds_another_year_is_stopped(site: Site, everything: pytest.LogCaptureFixture) -> None:
    site.refresh(SOURCE)
    lay(file(site, 2024), file(site, 2023).read_bytes())

    assert isinstance(stopped(site, everything), SnapshotFailed | GateFailed)


def test_a_person_among_the_names_is_stopped_by_the_privacy_gate(
    site: Site, everything: pytest.LogCaptureFixture
) -> None:
    change(site, 2024, lambda text: text.replace("Emma,", f"Frau Dr. {MARK}-Brinkmann,"))

    faults = site.refresh(SOURCE)

    fault = faults[SOURCE]
    assert isinstance(fault, GateFailed) and fault.gate == "privacy"
    assert [(finding.column, finding.rule) for finding in fault.findings] == [("vorname", "personal_data")]
    assert site.portal_files() == {}
    assert found_outside(site, MARKS, everything.text, faults) == []
    assert staged(site) == []


def test_a_name_that_becomes_frequent_by_a_correction_stays_unnamed(
    site: Site, everything: pytest.LogCaptureFixture
) -> None:
    site.refresh(SOURCE)
    before = published(site)
    line = line_of(site, 2024, rf"^{MARK}w\d+,4,")
    change(site, 2024, lambda text: text.replace(line, line.replace(",4,", ",5,")))

    faults = site.refresh(SOURCE)

    assert faults == {SOURCE: None}
    assert published(site) - before == Counter({("2024", "weiblich", OTHERS): 1})
    assert found_outside(site, MARKS, everything.text, faults) == []


def test_real_names_of_a_large_city_are_counted_and_no_rare_one_is_named(
    site: Site, shared: Path, everything: pytest.LogCaptureFixture
) -> None:
    rows = []
    for year, real in zip(YEARS, (2015, 2016, 2018), strict=True):
        path = shared / "data" / "vornamen" / f"Vornamen_Koeln_{real}.csv"
        text = path.read_text(encoding="utf-8")
        delimiter = ";" if ";" in text.splitlines()[0] else ","
        names = [each for each in csv.DictReader(io.StringIO(text), delimiter=delimiter) if each["vorname"]]
        rows += [(year, each["vorname"], each["geschlecht"], each["anzahl"]) for each in names]
        lines = [
            delimiter.join(
                (each["anzahl"], each["vorname"], each["geschlecht"], each.get("position", "1"), f"{year}", "")
            )
            for each in names
        ]
        header = delimiter.join(("anzahl", "vorname", "geschlecht", "position", "jahr", "sachbearbeitung"))
        lay(file(site, year), "\n".join([header, *lines, LAST_LINE, ""]).encode())

    assert site.refresh(SOURCE) == {SOURCE: None}

    true = true_counts(rows)
    named = {name: count for name, count in published(site).items() if name[2] != OTHERS}
    assert named == {name: count for name, count in true.items() if count >= 5}
    assert 0.1 < len(named) / len(true) < 0.35
