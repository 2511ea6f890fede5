"""The chamberlain's budget by products (NKF): the Excel file that the budget office lays down on the SFTP server.

The traps are those of such files: rows before a header of two rows with merged cells, amounts typed in with thousand
dots beside real numbers, numbers of products with leading zeros, a hierarchy shown by indentation only, footnotes and a
sum. A hidden column, a hidden sheet, comments on cells and who made the file are nobody else's business (``INTERNAL``).
"""

from __future__ import annotations

import random
from datetime import date

from openpyxl.comments import Comment
from openpyxl.styles import Alignment
from openpyxl.utils import get_column_letter

from samplecity.offers import Drop, System, by_sftp
from samplecity.state import State
from samplecity.tables import Cell, Column, Table
from samplecity.workbook import file_of, laid_out

INTERNAL = "Nur für den Dienstgebrauch (Geheimwert)"
"""How everything begins that the budget office has hidden, or that its program wrote down about who worked on it."""

NOTES = "Bemerkung Kämmerei"
"""The hidden column."""

COLUMNS = (
    Column("Produkt", "text"),
    Column("Bezeichnung", "text"),
    Column("Ansatz / 2026", "decimal"),
    Column("Ansatz / 2025", "decimal"),
    Column("Ergebnis / 2024", "decimal"),
    Column("Stellen / Plan 2026", "decimal"),
    Column(NOTES, "text"),
)
"""The last column is hidden in the file."""

PRODUCTS: dict[str, dict[str, tuple[str, ...]]] = {
    "Innere Verwaltung": {
        "Politische Gremien": ("Rat und Ausschüsse", "Bezirksvertretungen"),
        "Verwaltungssteuerung": ("Verwaltungsführung", "Personalmanagement", "Informationstechnik"),
        "Finanzmanagement": ("Haushalt und Steuern", "Zahlungsabwicklung"),
    },
    "Sicherheit und Ordnung": {
        "Bürgerdienste": ("Einwohnerwesen", "Standesamt", "Kfz-Zulassung"),
        "Brandschutz": ("Feuerwehr", "Rettungsdienst"),
    },
    "Schulträgeraufgaben": {"Schulen": ("Grundschulen", "Weiterführende Schulen", "Förderschulen")},
    "Kultur und Wissenschaft": {"Kultur": ("Museum", "Musikschule", "Stadtbücherei")},
    "Soziale Leistungen": {"Grundversorgung": ("Hilfen zum Lebensunterhalt", "Unterkunft für Geflüchtete")},
    "Kinder-, Jugend- und Familienhilfe": {
        "Tagesbetreuung": ("Kindertageseinrichtungen", "Kindertagespflege"),
        "Jugendarbeit": ("Jugendzentren",),
    },
    "Gesundheitsdienste": {"Gesundheit": ("Gesundheitsschutz",)},
    "Sportförderung": {"Sport": ("Sportstätten", "Bäder")},
    "Räumliche Planung und Entwicklung, Geoinformationen": {"Planung": ("Stadtplanung", "Vermessung und Kataster")},
    "Bauen und Wohnen": {"Bauordnung": ("Baugenehmigungen", "Denkmalpflege")},
    "Ver- und Entsorgung": {"Entsorgung": ("Abfallwirtschaft", "Stadtentwässerung")},
    "Verkehrsflächen und -anlagen, ÖPNV": {"Verkehr": ("Gemeindestraßen", "Öffentlicher Personennahverkehr")},
    "Natur- und Landschaftspflege": {"Grün": ("Öffentliches Grün", "Friedhöfe")},
    "Umweltschutz": {"Umwelt": ("Klimaschutz", "Bodenschutz")},
    "Wirtschaft und Tourismus": {"Wirtschaft": ("Wirtschaftsförderung", "Tourismus")},
    "Allgemeine Finanzwirtschaft": {"Allgemeine Finanzen": ("Steuern und Zuweisungen",)},
    "Stiftungen": {"Stiftungen": ("Unselbständige Stiftungen",)},
}
"""Produktbereiche as the law numbers them (01 to 17, § 4 KomHVO NRW), each with made-up Produktgruppen and Produkte."""

REMARKS = (
    "Haushaltsplan 2026: Produktplan",
    "Teilergebnisse in Euro; Überschüsse positiv, Zuschussbedarf negativ",
    "Stand: vom Rat beschlossen",
)
FOOTNOTES = (
    "1) einschließlich Gewerbesteuerumlage",
    "2) vorläufiges Ergebnis",
    "Quelle: Kämmerei",
)


def budget() -> Table:
    """Produktbereiche, each followed by its Produktgruppen and their Produkte; upper levels hold the sums."""
    dice = random.Random("budget")
    rows: list[tuple[Cell, ...]] = []
    for area, (area_name, groups) in enumerate(PRODUCTS.items(), 1):
        at_area = len(rows)
        rows.append((f"{area:02}", area_name))
        for group, (group_name, products) in enumerate(groups.items(), 1):
            at_group = len(rows)
            rows.append((f"{area:02}{group:02}", group_name))
            for product, name in enumerate(products, 1):
                amounts = _amounts(dice, income=area_name == "Allgemeine Finanzwirtschaft")
                rows.append((f"{area:02}{group:02}{product:02}", name, *amounts, f"{INTERNAL} {dice.random():.6f}"))
            rows[at_group] += _sums(rows[at_group + 1 :])
        rows[at_area] += _sums([row for row in rows[at_area + 1 :] if len(str(row[0])) == 4])
    return Table("produktplan.xlsx", "Produktplan", COLUMNS, tuple(rows))


def _amounts(dice: random.Random, *, income: bool) -> tuple[int, int, int, float]:
    """Result of two plans and of the last closed year in euros, and posts."""
    plan = round(480_000_000 if income else -int(10 ** (5.2 + 2.2 * dice.random())), -3)
    before = round(int(plan * (0.9 + 0.15 * dice.random())), -3)
    posts = 0 if income else round(2 * abs(plan) ** 0.3) / 2
    return plan, before, int(plan * (0.8 + 0.3 * dice.random())), posts


def _sums(rows: list[tuple[Cell, ...]]) -> tuple[Cell, ...]:
    numbers = [[row[column] for row in rows] for column in range(2, 6)]
    sums = (sum(each for each in column if isinstance(each, int | float)) for column in numbers)
    return (*sums, f"{INTERNAL}, Summe")


def product_plan(table: Table, saved: date) -> bytes:
    """The workbook as the budget office makes it."""
    total = _sums([row for row in table.rows if len(str(row[0])) == 2]) if table.columns == COLUMNS else ()
    rows = tuple(_typed_in(number, row) for number, row in enumerate(table.rows))
    shown = Table(table.resource, table.title, table.columns, (*rows, ("Summe", None, *total)))
    workbook, first = laid_out(shown, "Produktplan", REMARKS, FOOTNOTES)
    page = workbook.worksheets[0]
    names = [column.name for column in table.columns]
    for number, row in enumerate(table.rows, first):
        page.cell(number, 1).number_format = "@"
        if "Bezeichnung" in names:
            depth = len(str(row[0])) // 2 - 1
            page.cell(number, names.index("Bezeichnung") + 1).alignment = Alignment(indent=2 * depth)
    if NOTES in names:
        page.column_dimensions[get_column_letter(names.index(NOTES) + 1)].hidden = True
    notes = workbook.create_sheet("Abstimmung")
    notes.sheet_state = "hidden"
    notes.append([f"{INTERNAL}: offene Punkte vor der Beratung"])
    for cell in (page.cell(first, 1), page.cell(first + 3, 1)):
        cell.comment = Comment(f"{INTERNAL}: noch mit der Fachstelle klären", f"{INTERNAL}, Sachgebiet Haushalt")
    workbook.properties.creator = f"{INTERNAL}, Sachgebiet Haushalt"
    workbook.properties.lastModifiedBy = f"{INTERNAL}, Leitung"
    workbook.properties.description = f"{INTERNAL}: Entwurf"
    return file_of(workbook, saved)


def _typed_in(number: int, row: tuple[Cell, ...]) -> tuple[Cell, ...]:
    """Every fifth result is text with thousand dots, as somebody typed it in; some names point to a footnote."""
    cells = list(row)
    if number % 5 == 2 and isinstance(cells[4], int):
        cells[4] = f"{cells[4]:,}".replace(",", ".")
    if number % 7 == 4 and isinstance(cells[3], int) and len(str(cells[0])) == 6:
        cells[3] = "-"
    if cells[1] == "Steuern und Zuweisungen":
        cells[1] = f"{cells[1]} 1)"
    return tuple(cells)


def _files(table: Table, state: State) -> dict[str, bytes]:
    return {table.resource: product_plan(table, date(2025, 12, 16))}


SYSTEM = System(
    source="haushalt",
    title="Haushaltsplan nach Produkten (Excel über SFTP)",
    offers=(Drop(lambda state: budget(), _files),),
    connections=lambda var, ports: {"haushalt": by_sftp("haushalt", var, ports)},
)
