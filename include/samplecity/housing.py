"""How many buildings and dwellings does the sample city have? Two files that the statistics office lays down.

An Excel table with merged headers, remarks, footnotes, the signs of official statistics in place of numbers, a hidden
column and a hidden sheet (``INTERNAL``); and a CSV file as spreadsheet programs write it: cp1252, semicolons, remarks
above and a footnote below.
"""

from __future__ import annotations

import csv
import io
import random
from datetime import date

from openpyxl.utils import get_column_letter

from samplecity.places import BEZIRKE
from samplecity.state import State
from samplecity.tables import Cell, Column, Table
from samplecity.workbook import file_of, laid_out

INTERNAL = "Zählblatt, nicht zur Weitergabe (Geheimwert)"
"""How every cell begins that the office has hidden."""

WORKING = "Kontrollwert"
"""The hidden column."""

YEARS = 4
DWELLINGS = 92_000
COLUMNS = (
    Column("Stichtag", "date"),
    Column("Stadtbezirk", "text"),
    Column("Gebäude / Wohngebäude", "integer"),
    Column("Gebäude / mit 1 Wohnung", "integer"),
    Column("Gebäude / Wohnheime", "integer"),
    Column("Wohnungen / insgesamt", "integer"),
    Column("Wohnungen / Fläche je Wohnung in m²", "decimal"),
    Column("Wohnungen / Veränderung zum Vorjahr in %", "decimal"),
    Column("Wohnungen / leer stehend in %", "decimal"),
    Column(WORKING, "text"),
)
COMPLETED = (
    Column("Quartal", "text"),
    Column("Stadtbezirk", "text"),
    Column("Wohngebäude", "text"),
    Column("Wohnungen", "text"),
    Column("Wohnfläche (1.000 m²)", "text"),
)


def housing(first_day: date) -> Table:
    """Stocks at the end of the last four years before ``first_day`` by Bezirk.

    Instead of a number: ``.`` kept secret (few hostels), ``-`` exactly nothing, ``x`` not applicable (no year before),
    ``...`` to come later (last year's vacancies).
    """
    dice = random.Random("housing")
    rows: list[tuple[Cell, ...]] = []
    share = {bezirk.name: 0.38 + 0.2 * dice.random() for bezirk in BEZIRKE}
    dwellings = {bezirk.name: int(DWELLINGS * bezirk.inhabitants) for bezirk in BEZIRKE}
    for year in range(first_day.year - YEARS, first_day.year):
        for bezirk in BEZIRKE:
            before = dwellings[bezirk.name]
            dwellings[bezirk.name] = now = int(before * (1 + 0.015 * dice.random()))
            buildings = int(now * share[bezirk.name])
            hostels = dice.choice((0, 1, 2, 4, 6, 9))
            first, last = year == first_day.year - YEARS, year == first_day.year - 1
            rows.append(
                (
                    date(year, 12, 31),
                    bezirk.name,
                    buildings,
                    int(buildings * 0.6),
                    {0: "-", 1: ".", 2: "."}.get(hostels, hostels),
                    now,
                    round(76 + 20 * dice.random(), 1),
                    "x" if first else round(100 * (now / before - 1), 2),
                    "..." if last else round(2 + 4 * dice.random(), 1),
                    f"{INTERNAL} {dice.random():.4f}",
                )
            )
    return Table("gebaeude_und_wohnungen.xlsx", "Gebäude- und Wohnungsbestand", COLUMNS, tuple(rows))


def completed(first_day: date) -> Table:
    """Dwellings completed by quarter and Bezirk in the four years before ``first_day``, as the office writes them."""
    dice = random.Random("completed")
    rows = []
    for year in range(first_day.year - YEARS, first_day.year):
        for quarter in ("I", "II", "III", "IV"):
            for bezirk in BEZIRKE:
                buildings = int(60 * bezirk.inhabitants * dice.random() * 2)
                dwellings = buildings + int(buildings * 2 * dice.random())
                area = f"{dwellings * (0.07 + 0.04 * dice.random()):.2f}".replace(".", ",")
                figures = (str(buildings), str(dwellings), area) if buildings else ("-", "-", "-")
                rows.append((f"{quarter}. Quartal {year}", bezirk.name, *figures))
    return Table("baufertigstellungen.csv", "Baufertigstellungen", COMPLETED, tuple(rows))


def files(table: Table, state: State) -> dict[str, bytes]:
    """Both files; ``table`` is the one of the workbook."""
    saved = date(state.first_day.year, 3, 1)
    return {table.resource: _workbook(table, saved), completed(state.first_day).resource: _export(state.first_day)}


def _workbook(table: Table, saved: date) -> bytes:
    """A reference date stands once, in a cell merged over all its rows."""
    remarks = ("Gebäude- und Wohnungsbestand nach Stadtbezirken", "Fortschreibung der Statistikstelle")
    footnotes = (
        "Zeichenerklärung: . geheim zu halten; - nichts vorhanden; x nicht anwendbar; ... fällt später an",
        "1) Wohngebäude ohne Wohnheime",
    )
    names = [column.name for column in table.columns]
    workbook, first = laid_out(table, "Bestand", remarks, footnotes)
    page = workbook.worksheets[0]
    if table.columns[0].type == "date":
        for start in range(first, first + len(table.rows), len(BEZIRKE)):
            end = min(start + len(BEZIRKE), first + len(table.rows)) - 1
            if len({page.cell(row, 1).value for row in range(start, end + 1)}) == 1 and start < end:
                page.merge_cells(start_row=start, start_column=1, end_row=end, end_column=1)
    if WORKING in names:
        page.column_dimensions[get_column_letter(names.index(WORKING) + 1)].hidden = True
    notes = workbook.create_sheet("Zählblatt")
    notes.sheet_state = "hidden"
    notes.append([f"{INTERNAL}: Einzelangaben"])
    return file_of(workbook, saved)


def _export(first_day: date) -> bytes:
    table = completed(first_day)
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(["Baufertigstellungen in Wohngebäuden nach Stadtbezirken"])
    writer.writerow([f"Statistikstelle, Stand {first_day.year}"])
    writer.writerow([])
    writer.writerow([column.name for column in table.columns])
    writer.writerows(table.rows)
    writer.writerow(["1) nur Neubau, ohne Umbau im Bestand"])
    return text.getvalue().encode("cp1252")
