"""Where children and pupils of the sample city go: day-care centres and numbers of pupils as the offices export them,
schools from an ArcGIS FeatureServer.

The traps are those of a Ruhr city's file: metres with a decimal comma in columns of which only the name says that they
are UTM, several values in a cell joined by ``||``, addresses on the web with and without scheme, and two columns about
people that are declared in no contract.
"""

from __future__ import annotations

import csv
import io
import random
from datetime import date

from samplecity.feature_api import feature_server
from samplecity.offers import System, Web, at_the_city
from samplecity.places import STREETS, some_bezirk, somewhere_in
from samplecity.pupils import pupils
from samplecity.state import State
from samplecity.tables import Column, Table
from samplecity.web import Answer, Request, etag_of

NUMBER = 118

BODIES = (
    ("Stadt Hamm", 0.3), ("Evangelischer Kirchenkreis", 0.25), ("Katholische Kirchengemeinde", 0.25),
    ("Arbeiterwohlfahrt", 0.1), ("Deutsches Rotes Kreuz", 0.05), ("Elterninitiative", 0.05),
)  # fmt: skip
"""Who runs a centre, and which share of them."""

OFFERS = ("Unter 3 Jahren", "Ab 3 Jahren", "Inklusion", "Familienzentrum", "Sprachförderung", "Ganztag")

KITA_COLUMNS = tuple(
    Column(name, "text")
    for name in (
        "kita_id", "name", "traeger", "str_hausnr", "plz_ort", "stadtbezirk", "plaetze", "angebote", "internet",
        "telefon", "leitung", "rechts_utm", "hoch_utm",
    )
)  # fmt: skip


def day_care_centres() -> Table:
    """118 day-care centres, ordered by their number; one in ten has no address on the web."""
    dice = random.Random("day care")
    return Table(
        "kitas.csv", "Kindertageseinrichtungen", KITA_COLUMNS, tuple(_centre(number, dice) for number in range(NUMBER))
    )


def _centre(number: int, dice: random.Random) -> tuple[str, ...]:
    bezirk, street = some_bezirk(dice), dice.choice(STREETS)
    body = dice.choices([name for name, _ in BODIES], [share for _, share in BODIES])[0]
    offers = [offer for offer in OFFERS if dice.random() < 0.5] or ["Ab 3 Jahren"]
    address = f"www.kita-{number + 1}.example"
    east, north = somewhere_in(bezirk, dice)
    return (
        f"KT{number + 1:04}",
        f"Kita {street}",
        body,
        f"{street} {1 + int(dice.random() * 90)}",
        f"{bezirk.postcode} Hamm",
        bezirk.name,
        str(20 + 5 * int(dice.random() * 21)),
        "||".join(offers) + ("||" if dice.random() < 0.1 else ""),
        dice.choices((address, f"https://{address}/", ""), (5, 4, 1))[0],
        f"02381 000-{number:03}",
        "Leitung der Einrichtung",
        _german(east),
        _german(north),
    )


SCHOOLS = 130

SCHOOL_TYPES = (
    ("02", "Grundschule", 220),
    ("04", "Hauptschule", 300),
    ("10", "Realschule", 520),
    ("20", "Gymnasium", 780),
)
"""Code of the state's statistics, its meaning, and the usual number of pupils."""

SCHOOL_COLUMNS = (
    Column("schulnr", "text"), Column("name", "text"), Column("schulform", "text"), Column("stadtbezirk", "text"),
    Column("schueler", "integer"), Column("stand", "date"), Column("schulleitung", "text"), Column("geom", "text"),
)  # fmt: skip


def schools(first_day: date) -> Table:
    """130 schools, more than the service gives at once; types stay codes, as a coded domain delivers them."""
    dice = random.Random("schools")
    rows = []
    for number in range(SCHOOLS):
        bezirk, street = some_bezirk(dice), dice.choice(STREETS)
        code, kind, pupils = dice.choices(SCHOOL_TYPES, (12, 1, 3, 3))[0]
        east, north = somewhere_in(bezirk, dice)
        many = round(pupils * dice.uniform(0.6, 1.4))
        place = f"{east:.2f} {north:.2f}"
        day = date(first_day.year - (first_day.month < 10), 10, 15)
        head = "Leitung laut Schulakte"
        rows.append((f"{190_000 + number}", f"{kind} {street}", code, bezirk.name, many, day, head, place))
    return Table("0", "Schulen", SCHOOL_COLUMNS, tuple(rows))


def _german(metres: float) -> str:
    return f"{metres:.2f}".replace(".", ",")


def _export(table: Table, request: Request, url: str, state: State) -> Answer:
    """The file as the offices' software writes it: semicolons, every cell in quotes."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow([column.name for column in table.columns])
    writer.writerows(table.rows)
    body = text.getvalue().encode()
    return Answer(200, "text/csv; charset=utf-8", body, {"ETag": etag_of(body)})


SYSTEM = System(
    source="bildung",
    title="Kindertageseinrichtungen und Schülerzahlen (CSV), Schulen (ArcGIS FeatureServer)",
    offers=(
        Web("bildung/kitas.csv", lambda state: day_care_centres(), _export),
        Web("bildung/schuelerzahlen.csv", lambda state: pupils(schools(state.first_day), state.first_day), _export),
        Web("schulen/FeatureServer", lambda state: schools(state.first_day), feature_server, "/0?f=json"),
    ),
    connections=lambda var, ports: {
        "bildung": at_the_city("bildung", ports),
        "bildung_schulen": at_the_city("schulen/FeatureServer", ports),
    },
)
