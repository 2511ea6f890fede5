"""Workbooks of offices from their folder or server to the portal: what is hidden in them never gets there."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from openpyxl.workbook import Workbook

from installation import Site
from samplecity import housing
from samplecity.offers import drop_folder
from samplecity.shelf import age
from samplecity.state import read_state
from samplecity.systems import haushalt
from samplecity.tables import Cell
from stadtdaten.faults import Fault

BUDGET = "haushalt/produktplan.xlsx"
STOCK = "einwohnerstatistik/gebaeude_und_wohnungen.xlsx"
STATISTICS = ("gebaeudebestand", "baufertigstellungen")


def laid_down(site: Site, path: str) -> Path:
    source, _, name = path.partition("/")
    return drop_folder(site.var, source) / name


def change(site: Site, path: str, how: Callable[[Workbook], None]) -> None:
    """The office lays down another workbook."""
    file = laid_down(site, path)
    workbook = openpyxl.load_workbook(file)
    how(workbook)
    workbook.save(file)
    age(file, 600)


def published(site: Site, source: str, dataset: str) -> pd.DataFrame:
    """What a visitor downloads, as text; empty cells are missing."""
    live = site.run(source).live(dataset)
    assert live is not None
    (file,) = (site.var / "releases" / dataset / live.release).glob("*.csv")
    return pd.read_csv(file, dtype=str, keep_default_na=False, na_values=[""])


@pytest.fixture
def office(site: Site) -> Site:
    """An installation that reads only the files of the statistics office, and does not wait whether they still grow:
    anonymising its database takes seconds, too.
    """
    contract = site.home / "include" / "contracts" / "einwohnerstatistik.yaml"
    head, _, rest = contract.read_text(encoding="utf-8").partition("  - id: einwohner\n")
    files = rest[rest.index("  - id: gebaeudebestand\n") :]
    at_once = files.replace("einwohnerstatistik_ablage}", "einwohnerstatistik_ablage, settle: 0}")
    assert at_once != files
    contract.write_text(head + at_once, encoding="utf-8")
    return site


def statistics(site: Site) -> dict[str, Fault | None]:
    """What stopped the datasets that come as files."""
    faults = site.refresh("einwohnerstatistik")
    return {dataset: faults[dataset] for dataset in STATISTICS}


def held(fault: Fault | None) -> str:
    assert fault is not None
    return fault.message + "".join(finding.message for finding in fault.findings)


def stock_rows(site: Site) -> list[tuple[Cell, ...]]:
    """What stands in the workbook, in the order of a release: by its key."""
    return sorted(housing.housing(read_state(site.var).first_day).rows, key=lambda row: (row[0], row[1]))


def outside_the_sample_city(site: Site) -> list[Path]:
    """Every file that the pipeline made: snapshots, releases, portal, ledger, mails."""
    return [path for path in site.var.rglob("*") if path.is_file() and site.var / "samplecity" not in path.parents]


def holds(path: Path, text: str) -> bool:
    content = path.read_bytes()
    if path.suffix == ".xlsx" and zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as parts:
            content = b"".join(parts.read(name) for name in parts.namelist())
    return text.encode() in content


def test_a_good_night_publishes_the_budget(site: Site) -> None:
    assert site.refresh("haushalt") == {"haushalt": None}
    rows = haushalt.budget().rows
    frame = published(site, "haushalt", "haushalt")
    assert list(frame["nummer"]) == [row[0] for row in rows]
    assert list(frame["bezeichnung"]) == [row[1] for row in rows]
    assert [float(cell) for cell in frame["ansatz"]] == [row[2] for row in rows]
    assert [float(cell) for cell in frame["ergebnis"]] == [row[4] for row in rows]
    assert (frame["ansatz_vorjahr"] == "0").sum() + (frame["ansatz_vorjahr"] == "0.0").sum() >= 3
    names = {str(row[0]): row[1] for row in rows}
    assert list(frame["produktbereich"]) == [names[number[:2]] for number in frame["nummer"]]
    assert list(frame["produktgruppe"].fillna("")) == [
        names[number[:4]] if len(number) > 2 else "" for number in frame["nummer"]
    ]


def test_a_good_night_publishes_the_tables_of_the_statistics_office(office: Site) -> None:
    assert statistics(office) == dict.fromkeys(STATISTICS)
    stock, completed = (published(office, "einwohnerstatistik", dataset) for dataset in STATISTICS)
    first_day = read_state(office.var).first_day
    assert list(stock["wohnungen"]) == [str(row[5]) for row in stock_rows(office)]
    assert list(completed["quartal"].unique()[:5]) == [
        f"{first_day.year - 4}-Q1", f"{first_day.year - 4}-Q2", f"{first_day.year - 4}-Q3", f"{first_day.year - 4}-Q4",
        f"{first_day.year - 3}-Q1",
    ]  # fmt: skip
    assert len(completed) == len(housing.completed(first_day).rows)


def test_a_second_night_without_a_new_file_publishes_nothing(site: Site) -> None:
    site.refresh("haushalt")
    before = site.portal_files(), site.releases()
    assert site.refresh("haushalt") == {"haushalt": None}
    assert (site.portal_files(), site.releases()) == before


@pytest.mark.parametrize(
    ("source", "path", "internal"),
    [("haushalt", BUDGET, haushalt.INTERNAL), ("einwohnerstatistik", STOCK, housing.INTERNAL)],
)
def test_what_an_office_has_hidden_is_found_nowhere_but_in_its_own_file(
    office: Site, source: str, path: str, internal: str
) -> None:
    assert holds(laid_down(office, path), internal)
    office.refresh(source)
    files = outside_the_sample_city(office)
    assert any(file.suffix == ".csv" for file in files)
    assert [file for file in files if holds(file, internal)] == []


def test_hidden_parts_are_told_with_their_number(site: Site) -> None:
    site.refresh("haushalt")
    run = site.run("haushalt")
    live = run.live("haushalt")
    assert live is not None
    repairs = {repair.kind: repair.count for repair in live.locks["produktplan"].repairs}
    assert (repairs["hidden_sheet"], repairs["hidden_column"]) == (1, 1)


def test_a_sheet_that_an_office_makes_visible_is_still_not_read(site: Site) -> None:
    change(site, BUDGET, lambda workbook: setattr(workbook["Abstimmung"], "sheet_state", "visible"))
    assert site.refresh("haushalt") == {"haushalt": None}
    assert [file for file in outside_the_sample_city(site) if holds(file, haushalt.INTERNAL)] == []


def test_a_hidden_column_that_becomes_visible_is_drift_and_not_published(site: Site) -> None:
    change(site, BUDGET, lambda workbook: setattr(workbook["Produktplan"].column_dimensions["G"], "hidden", False))
    assert site.refresh("haushalt") == {"haushalt": None}
    live = site.run("haushalt").live("haushalt")
    assert live is not None
    assert live.locks["produktplan"].drift == (haushalt.NOTES,)
    assert [file for file in outside_the_sample_city(site) if holds(file, haushalt.INTERNAL)] == []


def test_the_signs_of_official_statistics_keep_their_meaning(office: Site) -> None:
    office.refresh("einwohnerstatistik")
    frame = published(office, "einwohnerstatistik", "gebaeudebestand")
    rows = stock_rows(office)
    meanings = {".": "geheim gehalten", "x": "nicht anwendbar: kein Vorjahr in der Tabelle", "...": "fällt später an"}
    for name, place in {"wohnheime": 4, "veraenderung": 7, "leerstand": 8}.items():
        source = [row[place] for row in rows]
        assert list(frame[f"{name}_zeichen"].fillna("")) == [meanings.get(str(cell), "") for cell in source]
        assert list(frame[name].isna()) == [str(cell) in meanings for cell in source]
    nothing = [row[4] == "-" for row in rows]
    assert any(nothing)
    assert list(frame["wohnheime"] == "0") == nothing


def rename_a_title(workbook: Workbook) -> None:
    for row in workbook["Bestand"].iter_rows():
        for cell in row:
            if cell.value == "Wohnheime":
                cell.value = "Heime"


def new_sign(workbook: Workbook) -> None:
    workbook["Bestand"]["E8"] = "/"


def filter_out(workbook: Workbook) -> None:
    sheet = workbook["Bestand"]
    sheet.auto_filter.ref = "A4:J40"
    sheet.auto_filter.add_filter_column(1, ["Mitte"])
    sheet.row_dimensions[8].hidden = True


def divide_by_zero(workbook: Workbook) -> None:
    workbook["Bestand"]["H30"] = "#DIV/0!"


@pytest.mark.parametrize(
    ("how", "kind", "told"),
    [
        (rename_a_title, "schema_changed", "Gebäude / Wohnheime"),
        (new_sign, "source_unreadable", "„wohnheime“: 1 von 28"),
        (filter_out, "source_unreadable", "blendet 1 Zeilen aus"),
        (divide_by_zero, "source_unreadable", "1 von 28 Werten sind Fehler"),
    ],
)
def test_a_changed_workbook_stops_and_the_last_release_stays(
    office: Site, how: Callable[[Workbook], None], kind: str, told: str
) -> None:
    office.refresh("einwohnerstatistik")
    before = office.releases()
    change(office, STOCK, how)
    faults = statistics(office)
    assert told in held(faults["gebaeudebestand"])
    assert faults["baufertigstellungen"] is None
    assert office.releases() == before
    (incident,) = office.ledger.open_incidents()
    assert (incident.dataset, incident.kind) == ("gebaeudebestand", kind)
    assert incident.next_step


def test_numbers_of_products_without_their_leading_zero_stop_the_budget(site: Site) -> None:
    site.refresh("haushalt")
    before = site.releases()

    def typed(workbook: Workbook) -> None:
        cell = workbook["Produktplan"]["A8"]
        cell.value = int(str(cell.value))

    change(site, BUDGET, typed)
    (fault,) = site.refresh("haushalt").values()
    assert fault is not None
    assert {finding.column for finding in fault.findings} == {"nummer"}
    assert site.releases() == before


@pytest.mark.parametrize(
    "fault", ["column_gone", "no_rows", "ninety_percent_lost", "duplicate_key", "half_file", "html"]
)
def test_a_spoilt_budget_never_reaches_the_portal(site: Site, fault: str) -> None:
    site.refresh("haushalt")
    before = site.portal_files()
    site.city.disturb("haushalt", fault)  # type: ignore[arg-type]
    (stopped,) = site.refresh("haushalt").values()
    assert stopped is not None
    after = {path: content for path, content in site.portal_files().items() if path.startswith("daten/")}
    assert after == {path: content for path, content in before.items() if path.startswith("daten/")}


def test_an_export_without_its_last_row_is_half_a_file_and_nothing_of_it_gets_out(office: Site) -> None:
    file = laid_down(office, "einwohnerstatistik/baufertigstellungen.csv")
    rows = file.read_bytes().splitlines(keepends=True)
    assert rows[-1].startswith(b"1)")
    file.write_bytes(b"".join(rows[: len(rows) // 2]))
    age(file, 600)

    faults = statistics(office)

    assert "trailer" in held(faults["baufertigstellungen"])
    assert faults["gebaeudebestand"] is None
    assert office.run("einwohnerstatistik").live("baufertigstellungen") is None
    (incident,) = office.ledger.open_incidents()
    assert (incident.dataset, incident.kind) == ("baufertigstellungen", "source_in_motion")
