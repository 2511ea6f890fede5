"""The travel survey: records of persons are published, and whoever is among them cannot be found.

The tests count in the published file itself how many persons look alike; they ask nothing that made it. What says who
somebody is carries a mark, and after each night, good or bad, everything outside the source is searched for it.
"""

from __future__ import annotations

import csv
import io
import os
import re
import stat
import subprocess
import sys
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from installation import Site
from leaks import found_outside, staged
from samplecity.delivery import lay
from samplecity.faults import Fault as Disturbance
from samplecity.offers import drop_folder
from samplecity.state import read_state
from samplecity.systems.mobilitaetsbefragung import FILE, MARK, files, persons
from stadtdaten.faults import Fault, GateFailed, Unexpected

SOURCE = "mobilitaetsbefragung"
CONTRACT = f"include/contracts/{SOURCE}.yaml"
MARKS = re.compile(MARK, re.IGNORECASE)
SECRETS = ("einkommen", "verkehrsmittel")
Person = dict[str, Any]
Record = dict[str, str]


def asked(site: Site) -> list[Person]:
    """All persons as the office's file has them."""
    table = persons(read_state(site.var))
    return [dict(zip((column.name for column in table.columns), row, strict=True)) for row in table.rows]


def drop(site: Site, changed: list[Person]) -> None:
    """The office lays down a file with these persons."""
    state = read_state(site.var)
    table = replace(persons(state), rows=tuple(tuple(person.values()) for person in changed))
    lay(drop_folder(site.var, SOURCE) / FILE, files(table, state)[FILE])


def published(site: Site) -> list[Record]:
    """The records of the live release's CSV file."""
    live = site.run(SOURCE).live(SOURCE)
    assert live is not None
    text = (site.var / "releases" / SOURCE / live.release / "befragte.csv").read_text(encoding="utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def groups(records: list[Record]) -> list[list[Record]]:
    """The records that look alike to somebody who knows all of a person but the secrets."""
    alike: defaultdict[tuple[str, ...], list[Record]] = defaultdict(list)
    for record in records:
        alike[tuple(value for name, value in record.items() if name not in SECRETS)].append(record)
    return list(alike.values())


def holds(record: Record, person: Person) -> bool:
    """Whether a record could be the person's: each value is true, only coarser."""

    def within(text: str, value: int) -> bool:
        low, _, high = text.partition(" bis ")
        return int(low) <= value <= int(high or low)

    return (
        within(record["alter"], min(person["Alter"], 85))
        and within(record["haushaltsgroesse"], min(person["Haushaltsgröße"], 5))
        and (record["einkommen"], record["verkehrsmittel"])
        == (person["Haushaltsnettoeinkommen"], person["Hauptverkehrsmittel"])
    )


def test_five_look_alike_and_have_three_incomes_in_what_is_published(
    whole_site: Site, everything: pytest.LogCaptureFixture
) -> None:
    faults = whole_site.refresh(SOURCE)

    assert faults == {SOURCE: None}
    records = published(whole_site)
    assert list(records[0]) == [
        "jahr", "alter", "geschlecht", "postleitzahl", "haushaltsgroesse", "taetigkeit", "einkommen", "verkehrsmittel",
    ]  # fmt: skip
    alike = groups(records)
    assert min(map(len, alike)) >= 5
    for secret in SECRETS:
        assert min(len({record[secret] for record in group}) for group in alike) >= 3
    assert len(alike) > 200, "still told apart enough to be of use"
    assert found_outside(whole_site, MARKS, everything.text, faults) == []
    assert staged(whole_site) == []


def test_groups_are_mixed_like_all_and_nobody_is_invented(whole_site: Site) -> None:
    assert whole_site.refresh(SOURCE) == {SOURCE: None}
    records, people = published(whole_site), asked(whole_site)
    for secret in SECRETS:
        shares = {value: count / len(records) for value, count in Counter(row[secret] for row in records).items()}
        for group in groups(records):
            counts = Counter(record[secret] for record in group)
            assert sum(abs(counts[value] / len(group) - share) for value, share in shares.items()) / 2 <= 0.4 + 1e-9
    assert 0.95 * len(people) <= len(records) <= len(people)
    told = Counter((record["einkommen"], record["verkehrsmittel"]) for record in records)
    assert told <= Counter((person["Haushaltsnettoeinkommen"], person["Hauptverkehrsmittel"]) for person in people)
    assert all(any(holds(record, person) for person in people) for record in records[::50])


DISTURBANCES: tuple[Disturbance, ...] = ("column_gone", "duplicate_key", "half_file", "empty", "html", "no_rows")


def test_a_file_that_cannot_be_read_leaves_nobody(whole_site: Site, everything: pytest.LogCaptureFixture) -> None:
    for disturbance in DISTURBANCES:
        whole_site.city.disturb(SOURCE, disturbance)

        faults = whole_site.refresh(SOURCE)

        (fault,) = faults.values()
        assert isinstance(fault, Fault) and not isinstance(fault, Unexpected), disturbance
        assert not any(SOURCE in name for name in whole_site.portal_files()), disturbance
        assert found_outside(whole_site, MARKS, everything.text, faults) == [], disturbance
        assert staged(whole_site) == [], disturbance


def _age_in_words(person: Person) -> None:
    person["Alter"] = f"achtzig ({MARK})"


def _occupation_in_words(person: Person) -> None:
    person["Tätigkeit"] = f"Chauffeur von {MARK}"


def _from_elsewhere(person: Person) -> None:
    person["PLZ"] = "44135"


def _without_income(person: Person) -> None:
    person["Haushaltsnettoeinkommen"] = None


def _year_of_birth(person: Person) -> None:
    person["Alter"] = 1961


def _asked_tomorrow(person: Person) -> None:
    person["Befragt am"] = "31.12.2099"


BAD = (_age_in_words, _occupation_in_words, _from_elsewhere, _without_income, _year_of_birth, _asked_tomorrow)


def test_a_bad_file_leaves_the_last_good_release_and_tells_nobody(
    whole_site: Site, everything: pytest.LogCaptureFixture
) -> None:
    assert set(whole_site.refresh(SOURCE).values()) == {None}
    portal, releases = whole_site.portal_files(), whole_site.releases()
    for change in BAD:
        people = asked(whole_site)
        change(people[11])
        drop(whole_site, people)

        faults = whole_site.refresh(SOURCE)

        fault = faults[SOURCE]
        assert isinstance(fault, Fault) and not isinstance(fault, Unexpected), change
        assert (whole_site.portal_files(), whole_site.releases()) == (portal, releases), change
        assert found_outside(whole_site, MARKS, everything.text, faults) == [], change
        assert staged(whole_site) == [], change


def test_one_person_more_in_the_same_survey_gives_nobody_away(
    whole_site: Site, everything: pytest.LogCaptureFixture
) -> None:
    assert set(whole_site.refresh(SOURCE).values()) == {None}
    before = whole_site.portal_files()
    people = asked(whole_site)
    drop(whole_site, [*people, {**people[0], "Haushalt": f"HH-{MARK}-neu"}])

    faults = whole_site.refresh(SOURCE)

    fault = faults[SOURCE]
    assert isinstance(fault, GateFailed)
    assert fault.gate == "privacy"
    assert {finding.rule for finding in fault.findings} <= {"intersection", "newcomers"}
    assert whole_site.portal_files() == before
    assert found_outside(whole_site, MARKS, everything.text, faults) == []


def test_the_same_people_asked_again_a_year_later_are_compared_with_themselves(whole_site: Site) -> None:
    assert set(whole_site.refresh(SOURCE).values()) == {None}
    before = whole_site.portal_files()
    (year,) = {record["jahr"] for record in published(whole_site)}
    people = asked(whole_site)
    for person in people:
        person["Befragt am"] = person["Befragt am"].replace(year, str(int(year) - 1))
    drop(whole_site, people[: len(people) * 9 // 10])

    fault = whole_site.refresh(SOURCE)[SOURCE]

    assert isinstance(fault, GateFailed)
    assert {finding.rule for finding in fault.findings} == {"intersection", "newcomers"}
    assert whole_site.portal_files() == before


def test_too_many_exact_columns_are_held_back_and_the_way_out_passes(
    whole_site: Site, everything: pytest.LogCaptureFixture
) -> None:
    exact = "{name: alter, source: Alter, type: integer, unit: Jahre, class: public"
    whole_site.edit(CONTRACT, exact.replace("public", "quasi_identifier"), exact)
    trips = "{name: wege, source: Wege am Stichtag, type: integer, class: "
    whole_site.edit(
        CONTRACT,
        f"{trips}sensitive, title: Wege am Stichtag, treatment: {{kind: drop}}}}",
        f"{trips}public, title: W}}",
    )
    whole_site.edit(f"expectations/{SOURCE}/befragte.public.json", '"verkehrsmittel"]}', '"verkehrsmittel", "wege"]}')

    faults = whole_site.refresh(SOURCE)

    fault = faults[SOURCE]
    assert isinstance(fault, GateFailed)
    assert fault.gate == "privacy"
    assert "k_anonymity" in {finding.rule for finding in fault.findings}
    assert "Spalte alter wegzulassen (treatment: drop) oder als quasi_identifier zu erklären" in fault.next_step
    assert not any(SOURCE in name for name in whole_site.portal_files())
    assert found_outside(whole_site, MARKS, everything.text, faults) == []

    whole_site.edit(CONTRACT, exact, exact.replace("public", "quasi_identifier"))
    assert whole_site.refresh(SOURCE) == {SOURCE: None}
    assert min(map(len, groups(published(whole_site)))) >= 5


def test_an_identifier_that_is_declared_public_is_stopped_by_the_privacy_gate(
    whole_site: Site, everything: pytest.LogCaptureFixture
) -> None:
    column = "{name: ansprechperson, source: Ansprechperson, type: string, class: "
    whole_site.edit(
        CONTRACT,
        f"{column}identifier, title: Ansprechperson, treatment: {{kind: drop}}}}",
        f"{column}public, title: A}}",
    )

    faults = whole_site.refresh(SOURCE)

    fault = faults[SOURCE]
    assert isinstance(fault, GateFailed)
    assert fault.gate == "privacy"
    assert "ansprechperson" in fault.next_step
    assert found_outside(whole_site, MARKS, everything.text, faults) == []
    assert staged(whole_site) == []


def test_a_killed_night_keeps_the_persons_to_itself_until_the_next_one(whole_site: Site) -> None:
    killed = subprocess.run(
        [
            sys.executable, str(Path(__file__).with_name("site_to_kill.py")), whole_site.settings.model_dump_json(),
            SOURCE, "after_fetch",
        ],
        env={**os.environ, **whole_site.city.connections()},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert killed.returncode == 77, killed.stderr
    left = staged(whole_site)
    assert left
    for path in left:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    outside = found_outside(whole_site, MARKS, killed.stdout + killed.stderr, {})
    assert all(place.startswith("staging/") for place in outside)

    assert whole_site.refresh(SOURCE) == {SOURCE: None}

    assert staged(whole_site) == []
    assert found_outside(whole_site, MARKS, "", {}) == []
