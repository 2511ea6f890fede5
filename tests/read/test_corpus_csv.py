"""Delimited files as cities really publish them: read with nothing declared that can be found out."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from stadtdaten.contracts import City, Table
from stadtdaten.contracts.interfaces import Limits
from stadtdaten.faults import SourceUnreadable
from stadtdaten.read import ReadTable, read_table

MakeTable = Callable[..., Table]
Columns = dict[str, dict[str, Any]]
GOLD = (
    ("budget/gesamtergebnisplan", 7),
    ("budget/ergebnisplan_produktbereiche", 9),
    ("budget/bezirke_produktgruppen", 13),
    ("elections/result_stadtbezirk", 101),
    ("elections/result_stimmbezirk", 101),
)


def rows_of(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def columns_of(rows: list[list[str]]) -> Columns:
    """A contract's columns for a clean file, by its own header and cells."""
    columns: Columns = {}
    for number, (name, *cells) in enumerate(zip(*rows, strict=True)):
        given = [cell for cell in cells if cell]
        if all(re.fullmatch(r"-?(0|[1-9]\d*)", cell) for cell in given):
            kind = "integer"
        else:
            kind = "number" if all(re.fullmatch(r"-?\d+\.\d+", cell) for cell in given) else "string"
        if name != "_unnamed":
            columns[f"c_{number}"] = {"type": kind, "source": name}
    return columns


def read(table: Table, city: City, *files: Path) -> ReadTable:
    return read_table(table, files, city, Limits())


def detected(found: ReadTable) -> set[str]:
    return {repair.detail for repair in found.repairs if repair.nature == "detected"}


@pytest.mark.parametrize(("name", "width"), GOLD)
def test_a_raw_file_of_cologne_is_its_cleaned_twin_cell_by_cell(
    shared: Path, table: MakeTable, city: City, name: str, width: int
) -> None:
    folder = shared / "data" / "koeln" / name
    clean = folder / f"{folder.name}.csv"
    raw = folder / "_source" / clean.name
    probe = table({"format": "csv"}, columns_of(rows_of(clean)))
    twin, source = read(probe, city, clean), read(probe, city, raw)
    assert source.frame.shape == (len(rows_of(clean)) - 1, width)
    pd.testing.assert_frame_equal(source.frame, twin.frame, check_exact=True)
    assert set(source.frame.dtypes.astype(str)) >= {"Int64"}
    assert "Trennzeichen „;“" in detected(source) and "Trennzeichen „,“" in detected(twin)
    assert any(detail.startswith("Dezimalzeichen „,“") for detail in detected(source))


ELECTION: Columns = {
    "datum": {"type": "date", "source": "wahltermin_datum", "format": "%d.%m.%Y"},
    "wahl": {"type": "string", "source": "wahl"},
    "ags": {"type": "string", "source": "AGS"},
    "bezirk": {"type": "string", "source": "Bez-Nr"},
}


def test_siblings_with_different_delimiters_are_one_table(shared: Path, table: MakeTable, city: City) -> None:
    folder = shared / "data" / "bochum" / "elections"
    files = [folder / f"bochum_national_election_20170924_{name}.csv" for name in ("Bochum_I", "Bochum_II_Herne")]
    columns = {
        **ELECTION,
        "cdu_erst": {"type": "integer", "source": "CDU"},
        "cdu_zweit": {"type": "integer", "source": "CDU#2"},
    }
    found = read(table({"format": "csv"}, columns), city, *files)
    assert found.frame.groupby("ags").size().to_dict() == {"5911000": 254, "5916000": 124}
    assert found.frame.iloc[0][["cdu_erst", "cdu_zweit"]].tolist() == [232, 219]
    assert detected(found) >= {"Trennzeichen „;“", "Trennzeichen „,“"}


def test_replacement_characters_that_were_baked_in_are_reported(shared: Path, table: MakeTable, city: City) -> None:
    file = shared / "data" / "bochum" / "elections" / "bochum_mayoral_election_20150913_runoff_2050927.csv"
    dialect = {"format": "csv", "delimiter": ",", "skip_rows": 1, "header_rows": 0}
    columns = {
        "wahl": {"type": "string", "source": "#2"}, "eiskirch": {"type": "integer", "source": "#13"},
        "franz": {"type": "integer", "source": "#14"},
    }  # fmt: skip
    found = read(table(dialect, columns), city, file)
    assert found.frame.iloc[0, 1:].tolist() == [196, 203]
    assert [(each.column, each.count) for each in found.repairs if each.kind == "replacement_character"] == [
        ("wahl", 333)
    ]


@pytest.mark.parametrize("name", ["mayoral_election_20150913", "mayoral_election_20150913_runoff_2050927"])
@pytest.mark.parametrize("short_rows", [True, False])
def test_a_header_with_delimiters_in_its_names_is_refused(
    shared: Path, table: MakeTable, city: City, name: str, short_rows: bool
) -> None:
    file = shared / "data" / "bochum" / "elections" / f"bochum_{name}.csv"
    with pytest.raises(SourceUnreadable, match=r"Zellen als die|Keine Zeile reicht"):
        read(table({"format": "csv", "short_rows": short_rows}, ELECTION), city, file)


def test_sports_facilities_are_found_out(shared: Path, table: MakeTable, city: City) -> None:
    dialect = {
        "format": "csv", "drop_blank_rows": True, "short_rows": True, "fill_down": ["Art", "Bezeichnung", "Adresse"],
    }  # fmt: skip
    columns = {
        "art": {"type": "string", "source": "Art"}, "masse": {"type": "string", "source": "Maße"},
        "licht": {"type": "boolean", "source": "Beleuchtung vorhanden", "true": "ja", "false": "nein"},
    }  # fmt: skip
    folder = shared / "data" / "bochum" / "sports_facilities"
    found = read(table(dialect, columns), city, folder / "bochum_sports_facilities.csv")
    assert detected(found) == {"Zeichenkodierung cp1252", "Trennzeichen „;“"}
    assert {each.kind: each.count for each in found.repairs if each.kind in ("short_row", "blank_row")} == {
        "short_row": 82, "blank_row": 40,
    }  # fmt: skip
    assert len(found.frame) == 128


def test_first_names_of_all_years_are_one_table(shared: Path, table: MakeTable, city: City) -> None:
    files = sorted((shared / "data" / "vornamen").glob("*.csv"))
    columns = {"vorname": "string", "anzahl": "integer", "geschlecht": "string"}
    found = read(table({"format": "csv"}, columns), city, *files)
    assert len(found.frame) == sum(len(file.read_text("utf-8").splitlines()) - 1 for file in files)
    assert found.frame["anzahl"].min() >= 1
    assert found.drift == ("position",)
    assert [each.count for each in found.repairs if each.kind == "delimiter"] == [8, 1]


def test_rows_that_broken_quoting_made_one_cell_are_refused(shared: Path, table: MakeTable, city: City) -> None:
    file = shared / "data" / "musterdatenkatalog" / "Musterdatenkatalog_Informationstabelle.csv"
    columns = {"satz": {"type": "string", "source": "MUSTERDATENSATZ"}, "uri": {"type": "string", "source": "URI"}}
    with pytest.raises(SourceUnreadable, match="45 Zeilen haben mehr oder weniger Zellen als die 12"):
        read(table({"format": "csv"}, columns), city, file)
