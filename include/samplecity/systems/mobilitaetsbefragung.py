"""The household travel survey: a CSV file of the statistics office, one row for each person who was asked.

What such a survey knows is what makes somebody easy to find: age, household, occupation, where they live, and on top of
it their income and how they get about. Some people are rare (a woman of 96, a household of nine). The household's
number, whom to call and what was said besides hold ``MARK``, which must be found nowhere behind the anonymisation.
Nobody here exists.
"""

from __future__ import annotations

import csv
import io
import random
from datetime import date, timedelta

from samplecity.offers import Drop, System, drop_folder
from samplecity.places import some_bezirk
from samplecity.state import State
from samplecity.tables import Cell, Column, Table

FILE = "mobilitaetsbefragung.csv"
HOUSEHOLDS = 2300

MARK = "Geheimwert"
"""Every value that says who somebody is, and every remark, holds it."""

COLUMNS = tuple(
    Column(name, "integer" if name in ("Alter", "Haushaltsgröße", "Wege am Stichtag") else "text")
    for name in (
        "Haushalt", "Person", "Ansprechperson", "Telefon", "PLZ", "Haushaltsgröße", "Alter", "Geschlecht", "Tätigkeit",
        "Führerschein", "Hauptverkehrsmittel", "Wege am Stichtag", "Haushaltsnettoeinkommen", "Befragt am", "Bemerkung",
    )
)  # fmt: skip

INCOMES = (
    "unter 1.500 €", "1.500 bis unter 2.500 €", "2.500 bis unter 3.500 €", "3.500 bis unter 5.000 €",
    "5.000 € und mehr", "keine Angabe",
)  # fmt: skip

REMARKS = (
    "Frau {mark}-{number} bittet um Rückruf wegen der Bushaltestelle.",
    "Herr {mark}-{number} fährt seit dem Unfall nicht mehr Auto.",
    "{mark}-{number}: pflegt die Mutter, daher so viele Wege.",
)


def persons(state: State) -> Table:
    """4,859 persons of the households that took part in the year before ``first_day``."""
    dice = random.Random("travel survey")
    rows = tuple(row for number in range(1, HOUSEHOLDS + 1) for row in _household(number, state.first_day, dice))
    return Table(FILE, "Haushaltsbefragung zur Mobilität", COLUMNS, rows)


def _household(number: int, first_day: date, dice: random.Random) -> list[tuple[Cell, ...]]:
    size = dice.choices((1, 2, 3, 4, 5, 6, 7, 9), (40, 33, 12, 10, 3, 1.2, 0.5, 0.3))[0]
    first = dice.choices((dice.randint(19, 44), dice.randint(45, 66), dice.randint(67, 98)), (38, 37, 25))[0]
    ages = [first, *(_other_age(first, place, dice) for place in range(1, size))]
    jobs = [_occupation(age, dice) for age in ages]
    earners = sum(job.startswith(("in Vollzeit", "in Teilzeit", "selbst")) for job in jobs)
    income = (
        INCOMES[5] if dice.random() < 0.08 else INCOMES[min(4, max(0, round(dice.gauss(0.8 + 1.2 * earners, 1.1))))]
    )
    asked = date(first_day.year - 1, 3, 2) + timedelta(days=dice.randint(0, 110))
    postcode = some_bezirk(dice).postcode
    contact = f"{MARK}-{number}"
    rows: list[tuple[Cell, ...]] = []
    for person, (age, job) in enumerate(zip(ages, jobs, strict=True), 1):
        licence = age >= 18 and dice.random() < (0.9 if age < 75 else 0.65)
        mode = _mode(age, licence, dice)
        sex = dice.choices(("m", "w", "d"), (49.5, 50.2, 0.3))[0]
        trips = max(0, round(dice.gauss(3.1, 1.4)))
        remark = dice.choice(REMARKS).format(mark=MARK, number=number) if dice.random() < 0.12 else None
        rows.append(
            (
                f"HH-{MARK}-{number:05}", f"P-{MARK}-{person}", contact, f"02381 {MARK} {number}", postcode, size, age,
                sex, job, "ja" if licence else "nein", mode, trips, income, f"{asked:%d.%m.%Y}", remark,
            )
        )  # fmt: skip
    return rows


def _other_age(first: int, place: int, dice: random.Random) -> int:
    """Partner first, then children (whose age tells the parents')."""
    if place == 1 and dice.random() < 0.85:
        return min(99, max(18, first + round(dice.gauss(0, 4))))
    return max(0, min(45, first - dice.randint(20, 40)))


def _occupation(age: int, dice: random.Random) -> str:
    if age < 6:
        return "noch nicht in der Schule"
    if age < 18:
        return "in der Schule"
    if age < 25 and dice.random() < 0.6:
        return "in Ausbildung oder Studium"
    if age >= 66 or (age > 60 and dice.random() < 0.35):
        return "in Rente oder Pension"
    return dice.choices(
        ("in Vollzeit beschäftigt", "in Teilzeit beschäftigt", "selbstständig", "arbeitslos", "im Haushalt tätig"),
        (52, 26, 8, 7, 7),
    )[0]


def _mode(age: int, licence: bool, dice: random.Random) -> str:
    weights = (62, 16, 9, 13) if licence else (24, 24, 28, 24)
    if age < 10:
        weights = (48, 14, 8, 30)
    return dice.choices(("Auto", "Fahrrad", "Bus und Bahn", "zu Fuß"), weights)[0]


def files(table: Table, state: State) -> dict[str, bytes]:
    """The file as the office's program writes it: cp1252, semicolons, quotes around every text."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n", quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow([column.name for column in table.columns])
    writer.writerows([["" if cell is None else cell for cell in row] for row in table.rows])
    return {FILE: text.getvalue().encode("cp1252")}


SYSTEM = System(
    source="mobilitaetsbefragung",
    title="Mobilitätsbefragung (CSV in einem Ordner)",
    offers=(Drop(persons, files),),
    connections=lambda var, ports: {
        "mobilitaetsbefragung": {
            "conn_type": "generic", "host": drop_folder(var, "mobilitaetsbefragung").resolve().as_uri()
        },
    },
)  # fmt: skip
