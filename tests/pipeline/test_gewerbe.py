"""The trade register: counts and sums are published, no business and nobody who runs one can be found.

Every personal cell of the sample register carries a mark. After each night, good or bad, everything outside the source
is searched.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from installation import Site
from leaks import found_outside, staged
from samplecity.database import write_database
from samplecity.faults import Fault as Disturbance
from samplecity.offers import database_path
from samplecity.state import read_state
from samplecity.systems.geobasis import streets
from samplecity.systems.gewerbe import BIRTH_YEAR, MARK, businesses
from samplecity.tables import Table
from stadtdaten.faults import Fault, GateFailed, SnapshotFailed, Unexpected

SOURCE, DATASET = "gewerbe", "gewerbe_bestand"
MARKS = re.compile(rf"{MARK}|\b{BIRTH_YEAR}-\d\d-\d\d")
TOTAL = "Insgesamt"
SECTIONS = {
    "C": "Verarbeitendes Gewerbe", "F": "Baugewerbe", "G": "Handel und Kfz-Werkstätten", "I": "Gastgewerbe",
    "J": "Information und Kommunikation", "S": "Sonstige Dienstleistungen",
}  # fmt: skip
SIZES = ["0", "1 bis 9", "10 bis 49", "50 und mehr"]
Row = dict[str, Any]


def register(site: Site) -> Table:
    return businesses(read_state(site.var).first_day)


def rows_of(site: Site) -> list[Row]:
    table = register(site)
    return [dict(zip([column.name for column in table.columns], row, strict=True)) for row in table.rows]


def store(site: Site, rows: list[Row]) -> None:
    """The register holds these rows from now on."""
    table = register(site)
    cells = tuple(tuple(row.values()) for row in rows)
    write_database(database_path(site.var, SOURCE), Table(table.resource, table.title, table.columns, cells))


def grouped(rows: list[Row]) -> pd.DataFrame:
    """The businesses with their groups, worked out here and not by the pipeline."""
    bezirk = {row[0]: row[2] for row in streets().rows}
    return pd.DataFrame(
        {
            "abschnitt": [SECTIONS[row["wz_abschnitt"]] for row in rows],
            "abteilung": [row["wz_code"][:2] for row in rows],
            "stadtbezirk": [bezirk[row["strassenschluessel"]] for row in rows],
            "groesse": [SIZES[int(np.digitize(row["beschaeftigte"], [1, 10, 50]))] for row in rows],
            "messbetrag": [row["messbetrag"] for row in rows],
        }
    )


def inside(frame: pd.DataFrame, cell: dict[str, str]) -> pd.DataFrame:
    """The businesses of a published cell."""
    for name, value in cell.items():
        if value != TOTAL:
            frame = frame[frame[name] == value]
    return frame


def published(site: Site, table: str) -> pd.DataFrame:
    """A table of the live release; dimensions are text."""
    live = site.run(SOURCE).live(DATASET)
    assert live is not None
    frame = pd.read_csv(
        site.var / "releases" / DATASET / live.release / f"{table}.csv", encoding="utf-8-sig", dtype=str
    )
    measure = frame.columns[-2]
    frame[measure] = frame[measure].astype(float)
    frame[f"{measure}_geheim"] = frame[f"{measure}_geheim"] == "true"
    return frame


def cells_of(frame: pd.DataFrame) -> list[dict[str, str]]:
    dimensions = [name for name in frame.columns[:-2] if name != "stichtag"]
    return [{str(name): str(value) for name, value in row.items()} for row in frame[dimensions].to_dict("records")]


def stopped(site: Site, log: pytest.LogCaptureFixture) -> Fault:
    """What stopped the night, after making sure that the public sees what it saw before, and nobody's data."""
    portal, releases = site.portal_files(), site.releases()
    assert portal and releases
    faults = site.refresh(SOURCE)
    (fault,) = faults.values()
    assert fault is not None and not isinstance(fault, Unexpected)
    assert (site.portal_files(), site.releases()) == (portal, releases)
    assert found_outside(site, MARKS, log.text, faults) == []
    assert staged(site) == []
    return fault


def test_what_is_shown_is_right_and_what_would_tell_of_a_business_is_not_shown(
    whole_site: Site, everything: pytest.LogCaptureFixture
) -> None:
    faults = whole_site.refresh(SOURCE)

    assert faults == {DATASET: None}
    true = grouped(rows_of(whole_site))
    counts, sums = published(whole_site, "betriebe"), published(whole_site, "messbetraege")
    for frame, measure in ((counts, "anzahl"), (sums, "messbetrag")):
        parts = [inside(true, cell) for cell in cells_of(frame)]
        right = [len(part) if measure == "anzahl" else part["messbetrag"].sum() for part in parts]
        hidden = frame[f"{measure}_geheim"]
        assert frame[measure].isna().tolist() == hidden.tolist()
        assert frame.loc[~hidden, measure].tolist() == [
            n for n, secret in zip(right, hidden, strict=True) if not secret
        ]
        assert 0 < hidden.mean() < 0.5
    assert not counts["anzahl"].isin([1, 2]).any()
    unsafe = []
    for cell in cells_of(sums):
        amounts = inside(true, cell)["messbetrag"].sort_values(ascending=False).tolist()
        few = 0 < sum(amount > 0 for amount in amounts) < 3
        dominant = sum(amounts[:2]) > 0.85 * sum(amounts)
        told = sum(amounts[2:]) < 0.1 * amounts[0]
        unsafe.append(few or dominant or told)
    assert sum(unsafe) > 0, "the register has cells that break a rule"
    assert sums.loc[unsafe, "messbetrag_geheim"].all()
    assert sums["messbetrag_geheim"].sum() > sum(unsafe), "others are hidden for their sake"
    assert found_outside(whole_site, MARKS, everything.text, faults) == []
    assert staged(whole_site) == []


def test_a_register_or_directory_that_is_not_in_order_keeps_what_is_live(
    whole_site: Site, everything: pytest.LogCaptureFixture
) -> None:
    assert whole_site.refresh(SOURCE) == {DATASET: None}
    disturbances: list[tuple[str, Disturbance, type[Fault]]] = [
        (SOURCE, "column_gone", SnapshotFailed),
        (SOURCE, "duplicate_key", GateFailed),
        (SOURCE, "ninety_percent_lost", GateFailed),
        ("geobasis", "status_403", SnapshotFailed),
        ("geobasis", "duplicate_key", GateFailed),
    ]
    for source, disturbance, kind in disturbances:
        whole_site.city.disturb(source, disturbance)

        assert isinstance(stopped(whole_site, everything), kind)

        whole_site.city.disturb(source, None)


@pytest.mark.parametrize(
    "cells",
    [
        pytest.param({"beschaeftigte": f"drei {MARK}"}, id="text for a number"),
        pytest.param({"strassenschluessel": f"bei {MARK}"}, id="text for a key"),
        pytest.param({"wz_abschnitt": MARK}, id="a section that is none"),
        pytest.param({"messbetrag": -4711.0}, id="a negative amount"),
        pytest.param({"beschaeftigte": None}, id="no number"),
    ],
)
def test_one_spoilt_row_stops_the_night_without_telling_it(
    whole_site: Site, everything: pytest.LogCaptureFixture, cells: Row
) -> None:
    rows = rows_of(whole_site)
    rows[7] |= cells
    store(whole_site, rows)

    faults = whole_site.refresh(SOURCE)

    assert isinstance(faults[DATASET], SnapshotFailed | GateFailed)
    assert whole_site.portal_files() == {}
    assert found_outside(whole_site, MARKS, everything.text, faults) == []
    assert staged(whole_site) == []


def without_the_first(rows: list[Row]) -> list[Row]:
    return rows[1:]


def grown(rows: list[Row]) -> list[Row]:
    """The first business without employees gets sixty."""
    at = next(number for number, row in enumerate(rows) if row["beschaeftigte"] == 0)
    return [*rows[:at], rows[at] | {"beschaeftigte": 60}, *rows[at + 1 :]]


@pytest.mark.parametrize("change", [without_the_first, grown])
def test_what_was_held_back_stays_so_when_one_business_changes(
    whole_site: Site, everything: pytest.LogCaptureFixture, change: Callable[[list[Row]], list[Row]]
) -> None:
    assert whole_site.refresh(SOURCE) == {DATASET: None}
    before = published(whole_site, "betriebe")
    store(whole_site, change(rows_of(whole_site)))

    faults = whole_site.refresh(SOURCE)

    assert faults == {DATASET: None}
    after = published(whole_site, "betriebe")
    assert (after["anzahl"] != before["anzahl"])[~before["anzahl_geheim"]].any(), "the change shows in the totals"
    assert after.loc[before["anzahl_geheim"], "anzahl_geheim"].all()
    assert found_outside(whole_site, MARKS, everything.text, faults) == []


def test_a_change_that_would_reveal_a_business_is_held_back_by_the_comparison_with_the_last_release(
    whole_site: Site, everything: pytest.LogCaptureFixture
) -> None:
    assert whole_site.refresh(SOURCE) == {DATASET: None}
    rows = rows_of(whole_site)
    districts = {row[0]: row[2] for row in streets().rows}
    large = next(row for row in rows if row["beschaeftigte"] >= 50)
    home = districts[large["strassenschluessel"]]
    large["strassenschluessel"] = next(key for key, name in districts.items() if name != home)
    store(whole_site, rows)

    fault = stopped(whole_site, everything)

    assert isinstance(fault, GateFailed) and fault.gate == "privacy"
    assert {finding.table for finding in fault.findings} == {"betriebe"}
    assert "früheren Veröffentlichungen" in fault.message
