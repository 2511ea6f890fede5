"""The register of energy units: private plants are only added up, and nobody who runs one is found anywhere.

Every value about a private operator carries a mark. It is declared in no contract, so it may not even reach staging.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from installation import Site
from leaks import found_outside, staged
from samplecity.faults import Fault as Disturbance
from samplecity.state import read_state
from samplecity.systems.marktstammdaten import ARCHIVE, FIRM, MARK, MEMBER, OURS, PRIVATE, RUNS, packed, solar_units
from stadtdaten.faults import Fault, GateFailed, Unexpected
from stadtdaten.pipeline.snapshot import take_snapshots

SOURCE = "marktstammdaten"
PRIVATE_PLANTS, FIRMS_PLANTS = "solaranlagen_privat", "solaranlagen_gewerblich"
MARKS = re.compile(MARK, re.IGNORECASE)
KINDS = {"2961": "Steckersolargerät", "853": "auf oder an Gebäuden"}
TOTAL = "Insgesamt"
Unit = dict[str, Any]
Cell = tuple[str, str, str]
"""Post code, kind and year; each may be the total."""


def units(site: Site) -> list[Unit]:
    """All units of the country, as the register has them."""
    table = solar_units(read_state(site.var))
    return [dict(zip((column.name for column in table.columns), row, strict=True)) for row in table.rows]


def of_the_city(found: list[Unit], operator: str) -> list[Unit]:
    return [
        unit
        for unit in found
        if (unit["Gemeindeschluessel"], unit["EinheitBetriebsstatus"], unit["Anlagenbetreiber/Personenart"])
        == (OURS, RUNS, operator)
    ]


def archive_of(site: Site, changed: list[Unit]) -> bytes:
    table = solar_units(read_state(site.var))
    return packed(replace(table, rows=tuple(tuple(unit.values()) for unit in changed)))


def serve(site: Site, tmp_path: Path, content: bytes) -> None:
    """The agency gives out this archive from now on."""
    file = tmp_path / ARCHIVE
    file.write_bytes(content)
    site.city.serve_file(file, f"{SOURCE}/{ARCHIVE}")


def respelled(content: bytes, change: Callable[[str], str]) -> bytes:
    """The archive with the text of its document changed."""
    packed_again = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(packed_again, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(name, change(data.decode("utf-16")).encode("utf-16") if name == MEMBER else data)
    return packed_again.getvalue()


def published(site: Site, dataset: str, table: str) -> list[dict[str, str]]:
    """The rows of the live release's CSV file."""
    live = site.run(SOURCE).live(dataset)
    assert live is not None
    text = (site.var / "releases" / dataset / live.release / f"{table}.csv").read_text(encoding="utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def cells_of(unit: Unit) -> list[Cell]:
    """The eight cells to which a unit belongs."""
    postcode, kind, year = unit["Postleitzahl"], KINDS[unit["ArtDerSolaranlage"]], unit["Inbetriebnahmedatum"][:4]
    return [(a, b, c) for a in (postcode, TOTAL) for b in (kind, TOTAL) for c in (year, TOTAL)]


def as_cells(rows: list[dict[str, str]], measure: str) -> dict[Cell, float | None]:
    """Published values; None where one is held back."""
    assert all((row[measure] == "") == (row[f"{measure}_geheim"] == "true") for row in rows)
    return {
        (row["postleitzahl"], row["art"], row["jahr"]): float(row[measure]) if row[measure] else None for row in rows
    }


def test_private_plants_of_the_city_are_added_up_and_those_of_firms_listed(whole_site: Site) -> None:
    assert whole_site.refresh(SOURCE) == {PRIVATE_PLANTS: None, FIRMS_PLANTS: None}

    counts: Counter[Cell] = Counter()
    power: defaultdict[Cell, float] = defaultdict(float)
    for unit in of_the_city(units(whole_site), PRIVATE):
        for cell in cells_of(unit):
            counts[cell] += 1
            power[cell] += unit["Bruttoleistung"]
    numbers = as_cells(published(whole_site, PRIVATE_PLANTS, "solaranlagen_zahl"), "anzahl")
    sums = as_cells(published(whole_site, PRIVATE_PLANTS, "solaranlagen_leistung"), "leistung")
    assert counts.keys() <= numbers.keys() == sums.keys()
    assert all(value == counts[cell] for cell, value in numbers.items() if value is not None)
    assert all(value == pytest.approx(power[cell]) for cell, value in sums.items() if value is not None)
    small = [cell for cell, count in counts.items() if count < 3]
    assert small
    assert all(numbers[cell] is None and sums[cell] is None for cell in small)
    assert numbers[TOTAL, TOTAL, TOTAL] == 1967
    assert sum(value is not None for value in numbers.values()) > 0.8 * len(numbers)

    rows = published(whole_site, FIRMS_PLANTS, FIRMS_PLANTS)
    expected = of_the_city(units(whole_site), FIRM)
    assert {row["einheit"]: row["betreiber"] for row in rows} == {
        unit["EinheitMastrNummer"]: unit["Anlagenbetreiber/Name"] for unit in expected
    }
    assert len(rows) == len(expected) == 307
    assert {row["laengengrad"] == "" for row in rows if float(row["leistung"]) < 30} == {True}
    assert {row["laengengrad"] == "" for row in rows if float(row["leistung"]) >= 30} == {False}


def test_no_private_operator_is_kept_anywhere(whole_site: Site, everything: pytest.LogCaptureFixture) -> None:
    take_snapshots(whole_site.run(SOURCE))
    assert any(path.suffix == ".parquet" for path in staged(whole_site))
    numbers = re.compile(
        rf"{MARK}(?!-\d+['\"]?\s*[,}}\]])", re.IGNORECASE
    )  # all but numbers of units, which are the key
    assert found_outside(whole_site, numbers, everything.text, {}) == []

    faults = whole_site.refresh(SOURCE)

    assert set(faults.values()) == {None}
    assert found_outside(whole_site, MARKS, everything.text, faults) == []
    assert staged(whole_site) == []


def test_a_plant_that_dwarfs_all_others_is_told_by_no_sum(whole_site: Site, tmp_path: Path) -> None:
    found = units(whole_site)
    giant = next(unit for unit in of_the_city(found, PRIVATE) if unit["Inbetriebnahmedatum"] > "2024")
    giant["Bruttoleistung"] = 990.0
    serve(whole_site, tmp_path, archive_of(whole_site, found))

    assert set(whole_site.refresh(SOURCE).values()) == {None}

    numbers = as_cells(published(whole_site, PRIVATE_PLANTS, "solaranlagen_zahl"), "anzahl")
    sums = as_cells(published(whole_site, PRIVATE_PLANTS, "solaranlagen_leistung"), "leistung")
    exact = cells_of(giant)[0]
    assert (numbers[exact] or 0) > 10
    assert sums[exact] is None


UNREADABLE: tuple[Disturbance, ...] = ("half_file", "no_rows", "status_403", "html")


def test_an_export_that_cannot_be_read_leaves_nobody(whole_site: Site, everything: pytest.LogCaptureFixture) -> None:
    for disturbance in UNREADABLE:
        whole_site.city.disturb(SOURCE, disturbance)

        faults = whole_site.refresh(SOURCE)

        assert None not in faults.values(), disturbance
        assert not any(isinstance(fault, Unexpected) for fault in faults.values()), disturbance
        assert not any("solaranlagen" in name for name in whole_site.portal_files()), disturbance
        assert found_outside(whole_site, MARKS, everything.text, faults) == [], disturbance
        assert staged(whole_site) == [], disturbance


def test_a_plant_that_is_there_twice_holds_back_the_sums_alone(
    whole_site: Site, everything: pytest.LogCaptureFixture
) -> None:
    whole_site.city.disturb(SOURCE, "duplicate_key")

    faults = whole_site.refresh(SOURCE)

    assert isinstance(faults[PRIVATE_PLANTS], GateFailed)
    assert faults[FIRMS_PLANTS] is None
    assert found_outside(whole_site, MARKS, everything.text, faults) == []
    assert staged(whole_site) == []


def _key_renamed(text: str) -> str:
    return text.replace("Gemeindeschluessel>", "GemeindeSchluessel>")


def _city_gone(text: str) -> str:
    return text.replace(f"<Gemeindeschluessel>{OURS}<", "<Gemeindeschluessel>5915000<")


def _power_with_units(text: str) -> str:
    return re.sub(r"<Bruttoleistung>([\d.]+)<", rf"<Bruttoleistung>\1 kW {MARK}<", text)


def _power_in_watts(text: str) -> str:
    return re.sub(r"<Bruttoleistung>([\d.]+)<", lambda hit: f"<Bruttoleistung>{float(hit[1]) * 1e6:.0f}<", text)


def _cut_off(text: str) -> str:
    return text[: len(text) // 2]


def _with_doctype(text: str) -> str:
    return text.replace("\r\n<EinheitenSolar>", f'\r\n<!DOCTYPE x [<!ENTITY e "{MARK}">]><EinheitenSolar>', 1)


BAD = (_key_renamed, _city_gone, _power_with_units, _power_in_watts, _cut_off, _with_doctype)


def test_a_bad_export_leaves_the_last_good_release_and_tells_nobody(
    whole_site: Site, tmp_path: Path, everything: pytest.LogCaptureFixture
) -> None:
    assert set(whole_site.refresh(SOURCE).values()) == {None}
    portal, releases = whole_site.portal_files(), whole_site.releases()
    good = archive_of(whole_site, units(whole_site))
    for change in BAD:
        serve(whole_site, tmp_path, respelled(good, change))

        faults = whole_site.refresh(SOURCE)

        assert len(faults) == 2, change
        assert all(isinstance(fault, Fault) and not isinstance(fault, Unexpected) for fault in faults.values()), change
        assert (whole_site.portal_files(), whole_site.releases()) == (portal, releases), change
        assert found_outside(whole_site, MARKS, everything.text, faults) == [], change
        assert staged(whole_site) == [], change


def test_a_merchant_among_the_organisations_is_held_back(
    whole_site: Site, tmp_path: Path, everything: pytest.LogCaptureFixture
) -> None:
    found = units(whole_site)
    merchant = of_the_city(found, FIRM)[3]
    merchant["Anlagenbetreiber/Rechtsform"] = "Eingetragener Kaufmann"
    merchant["Anlagenbetreiber/Name"] = f"Bernd {MARK} e. K."

    serve(whole_site, tmp_path, archive_of(whole_site, found))

    faults = whole_site.refresh(SOURCE)

    fault = faults[FIRMS_PLANTS]
    assert isinstance(fault, GateFailed)
    assert {finding.column for finding in fault.findings} == {"rechtsform"}
    assert found_outside(whole_site, MARKS, everything.text, faults) == []


def test_a_telephone_number_in_a_firms_name_is_stopped_by_the_privacy_gate(
    whole_site: Site, tmp_path: Path, everything: pytest.LogCaptureFixture
) -> None:
    found = units(whole_site)
    for unit in of_the_city(found, FIRM)[:4]:
        unit["Anlagenbetreiber/Name"] = f"{MARK} GmbH, Tel. 02381 4711815"

    serve(whole_site, tmp_path, archive_of(whole_site, found))

    faults = whole_site.refresh(SOURCE)

    fault = faults[FIRMS_PLANTS]
    assert isinstance(fault, GateFailed)
    assert fault.gate == "privacy"
    assert {(finding.column, finding.count) for finding in fault.findings} == {("betreiber", 4)}
    assert found_outside(whole_site, MARKS, everything.text, faults) == []


def test_a_small_cell_that_grows_stays_secret_because_it_was(whole_site: Site, tmp_path: Path) -> None:
    assert set(whole_site.refresh(SOURCE).values()) == {None}
    found = units(whole_site)
    counts = Counter(cells_of(unit)[0] for unit in of_the_city(found, PRIVATE))
    small = next(cell for cell, count in sorted(counts.items()) if count == 2)
    grown = dict(next(unit for unit in of_the_city(found, PRIVATE) if cells_of(unit)[0] == small))
    grown["EinheitMastrNummer"] = f"SEE-{MARK}-neu"
    serve(whole_site, tmp_path, archive_of(whole_site, [*found, grown]))

    assert whole_site.refresh(SOURCE)[PRIVATE_PLANTS] is None

    after = as_cells(published(whole_site, PRIVATE_PLANTS, "solaranlagen_zahl"), "anzahl")
    assert after[TOTAL, TOTAL, TOTAL] == sum(counts.values()) + 1
    assert after[small] is None, "three less the one that the total grew by are the two that were secret"
