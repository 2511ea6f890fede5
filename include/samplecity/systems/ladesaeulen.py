"""The register of charging points of the federal network agency: one file for the country, ours cut out of it.

The traps are those of the real register: rows before the header, a header with line breaks, cp1252, decimal comma, line
breaks in cells, and operators' names that hold the delimiter without quotes. Some operators are private persons, so
every name here begins with a word that must be found nowhere behind the reader.
"""

from __future__ import annotations

import random
from datetime import timedelta

from samplecity.offers import System, Web, at_the_city
from samplecity.places import STREETS, degrees_of, some_bezirk, somewhere_in
from samplecity.state import State
from samplecity.tables import Column, Table
from samplecity.web import Answer, Request, etag_of

ROWS = 6000
SHARE = 27
"""Every so manieth charging point is one of ours."""

OPERATOR = "Betreibername"
"""How the name of every operator begins."""

DISTRICTS = (
    "Kreisfreie Stadt Münster", "Kreisfreie Stadt Dortmund", "Kreis Unna", "Kreis Soest", "Kreis Warendorf",
    "Kreisfreie Stadt Berlin", "Landkreis Hameln-Pyrmont", "Landkreis Würzburg", "Kreisfreie Stadt Hamburg",
)  # fmt: skip

HEADER = (
    "Ladeeinrichtungs-ID", "Betreiber", "Anzeigename (Karte)", "Status", "Art der Ladeeinrichtung",
    "Anzahl Ladepunkte", "Nennleistung\nLadeeinrichtung [kW]", "Inbetriebnahmedatum", "Straße", "Hausnummer",
    "Adresszusatz", "Postleitzahl", "Ort", "Kreis/kreisfreie Stadt", "Bundesland", "Breitengrad", "Längengrad",
    "Standortbezeichnung", "Informationen\nzum Parkraum", "Bezahlsysteme", "Öffnungszeiten",
)  # fmt: skip

PREAMBLE = (
    "Ladesäulenregister Bundesnetzagentur",
    "",
    "Letzte Aktualisierung vom: {day}",
    "",
    "Das Register enthält öffentlich zugängliche Ladeeinrichtungen,",
    "deren Betreiber der Veröffentlichung zugestimmt haben.",
    "",
    "Lizenz: CC BY 4.0",
    "Namensnennung: Bundesnetzagentur.de",
    "",
)


def charging_points(state: State) -> Table:
    """All charging points of the country, in small; every column is text as the register writes it."""
    dice = random.Random("charging points")
    rows = tuple(_charging_point(number, dice, state) for number in range(ROWS))
    return Table("Ladesaeulenregister.csv", "Ladesäulenregister", tuple(Column(name, "text") for name in HEADER), rows)


def _charging_point(number: int, dice: random.Random, state: State) -> tuple[str, ...]:
    if number % SHARE == 5:
        bezirk = some_bezirk(dice)
        town, postcode, district, state_name = "Hamm", bezirk.postcode, "Kreisfreie Stadt Hamm", "Nordrhein-Westfalen"
        longitude, latitude = degrees_of(somewhere_in(bezirk, dice))
    else:
        district = dice.choice(DISTRICTS)
        town, postcode, state_name = district.rpartition(" ")[2], f"{dice.randint(1067, 99998):05}", "Andernorts"
        longitude, latitude = 6.2 + 8.5 * dice.random(), 47.6 + 7 * dice.random()
    fast = dice.random() < 0.2
    since = state.first_day - timedelta(days=40 + int(dice.random() * 3000))
    operator = (
        f"{OPERATOR} {dice.randint(1, 400)}" + dice.choices(("", "; Elektrotechnik", "; Handel; Dienste"), (8, 1, 1))[0]
    )
    return (
        str(1_000_000 + number),
        operator,
        operator.partition(";")[0] if dice.random() < 0.5 else "",
        dice.choices(("In Betrieb", "In Wartung"), (97, 3))[0],
        "Schnellladeeinrichtung" if fast else "Normalladeeinrichtung",
        str(dice.choice((1, 2, 2, 2, 4))),
        dice.choice(("50", "150", "300", "62,5")) if fast else dice.choice(("11", "22", "22", "44", "7,4")),
        f"{since:%d.%m.%Y}",
        dice.choice(STREETS),
        f"{dice.randint(1, 180)}" + dice.choice(("", "", "", "a", "b")),
        dice.choice(("", "", "Parkhaus, Ebene 2", f"bei {operator.partition(';')[0]}")),
        postcode,
        town,
        district,
        state_name,
        f"{latitude:.6f}".replace(".", ","),
        f"{longitude:.6f}".replace(".", ","),
        dice.choice(("", "Kundenparkplatz", "Parkplatz\nZufahrt von Süden")),
        dice.choice(("", "Gebührenpflichtig", "Zeitlich begrenzt;Gebührenfrei")),
        dice.choice(("RFID-Karte", "RFID-Karte;Onlinezahlungsverfahren", "Kostenlos", "Kreditkarte (NFC)", "")),
        dice.choice(("247", "Eingeschränkt", "Keine Angabe")),
    )


def _register(table: Table, request: Request, url: str, state: State) -> Answer:
    """The file as the agency gives it out: quotes around line breaks and lists, but none around operators' names."""
    names = [column.name for column in table.columns]
    lines = [line.format(day=f"{state.first_day.replace(day=1):%d.%m.%Y}") for line in PREAMBLE]
    lines.append(";".join(_quoted(name, name) for name in names))
    lines += [";".join(_quoted(name, str(cell)) for name, cell in zip(names, row, strict=True)) for row in table.rows]
    body = "".join(f"{line}\r\n" for line in lines).encode("cp1252")
    return Answer(200, "text/csv", body, {"ETag": etag_of(body)})


def _quoted(column: str, cell: str) -> str:
    return f'"{cell}"' if "\n" in cell or (";" in cell and column != "Betreiber") else cell


SYSTEM = System(
    source="ladesaeulen",
    title="Ladesäulenregister der Bundesnetzagentur (CSV)",
    offers=(Web("ladesaeulen/Ladesaeulenregister.csv", charging_points, _register),),
    connections=lambda var, ports: {"ladesaeulen": at_the_city("ladesaeulen", ports)},
)
