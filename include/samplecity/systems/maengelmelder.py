"""The register of complaints (Mängelmelder): GeoReport v2 (Open311) as JSON in pages, with an API key.

Whoever reports leaves a name, a number and a mailbox, a photo and a text about themselves and their neighbours, and the
point is the house in front of which it happened. The city's own answer repeats some of it. Every such value holds one
of ``MARKS``, which must be found nowhere behind the anonymisation; names, numbers and plates are otherwise built as
German ones are. Nobody here exists.
"""

from __future__ import annotations

import json
import random
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from samplecity.feature_api import positions
from samplecity.offers import System, Web, at_the_city
from samplecity.places import STREETS, degrees_of, some_bezirk, somewhere_in
from samplecity.state import State
from samplecity.systems.geobasis import streets
from samplecity.tables import Cell, Column, Point, Table
from samplecity.web import Answer, Request

KEY = "beispiel-schluessel-fuer-den-maengelmelder"
LARGEST_PAGE = 100
"""More reports than that the register never gives at once, whatever is asked for."""

NUMBER = 640
SPOTS = 80
"""Places where things go wrong again and again: most reports are about one of them."""

LIGHTS = 260
LIT_STREETS = 45
"""Streets whose lamps fail; there are 220."""

LAMPS = (0.2, 0.5, 0.8)
"""Where along a street its lamps stand. Each has a number, which is painted on it."""

PSEUDONYMS = "beispiel-schluessel-fuer-die-kennungen-der-leuchten"
"""Key of the pseudonyms. A real one is random and known to nobody."""

DAYS = 240
BERLIN = ZoneInfo("Europe/Berlin")

MARKS = ("Geheimwert", "geheimwert", "GW 4711", "4711815", "4711-815", "4711.0815")
"""Every value about a person holds one of these."""

SERVICES = (
    ("1001", "Wilder Müll", "Abfallwirtschafts- und Stadtreinigungsbetrieb", 34),
    ("1002", "Schlagloch", "Tiefbau- und Grünflächenamt", 22),
    ("1003", "Grünpflege", "Tiefbau- und Grünflächenamt", 14),
    ("1004", "Defektes Verkehrszeichen", "Tiefbau- und Grünflächenamt", 8),
    ("1005", "Abgestelltes Fahrzeug", "Bürgeramt", 9),
    ("1006", "Graffiti", "Tiefbau- und Grünflächenamt", 7),
    ("1007", "Spielplatz beschädigt", "Tiefbau- und Grünflächenamt", 6),
)
"""Code, name, responsible office, and how often it is reported."""

GIVEN_NAMES = ("Anneliese", "Bernd", "Claudia", "Dieter", "Elif", "Friedhelm", "Gisela", "Hüseyin", "Ingrid", "Jürgen")
FAMILY_NAMES = (
    "Brinkmann", "Kaltenbach", "Westermann", "Öztürk", "Nowak", "Schulze", "Lüdenscheidt", "Haverkamp", "Pieper",
    "Große-Wilde",
)  # fmt: skip

TEXTS = (
    "Liegt seit Tagen vor der Einfahrt. Ich bin {name}, erreichbar unter {phone}.",
    "Das war bestimmt wieder {other} aus Nr. {house}, der Wagen mit dem Kennzeichen {plate} stand daneben.",
    "Bitte melden bei {mail}. Mit freundlichen Grüßen {name}",
    "Mein Sohn ist dort gestürzt, Rückruf an {name}, Tel. {phone}, IBAN für die Kosten folgt.",
    "Schon dreimal gemeldet, Kassenzeichen {file}. {name}",
)
"""What people write: {other} is a neighbour."""

PLAIN_ANSWERS = (
    "Vielen Dank für die Meldung, der Mangel wurde behoben.",
    "Der Auftrag ist an den Bauhof gegangen.",
    "Bei der Kontrolle wurde nichts mehr vorgefunden.",
    "Zuständig ist der Landesbetrieb; die Meldung wurde weitergegeben.",
)
PERSONAL_ANSWERS = (
    "Nach Rücksprache mit {form} {family} behoben.",
    "{form} {family} wurde unter Tel. {phone} zurückgerufen.",
    "Das Fahrzeug mit dem Kennzeichen {plate} wurde abgeschleppt.",
    "Weitere Fragen bitte an {mail}.",
    "Der Vorgang wird unter dem Kassenzeichen {file} abgerechnet.",
)
"""The city's answer as it should not be: one in five."""

COLUMNS = tuple(
    Column(name, "decimal" if name in ("lat", "long") else "text")
    for name in (
        "service_request_id", "service_name", "service_code", "status", "status_notes", "agency_responsible",
        "description", "requested_datetime", "address", "lat", "long", "media_url",
        "reporter/name", "reporter/email", "reporter/phone",
    )
)  # fmt: skip
"""A name with a slash is a member of a nested object."""


def complaints(state: State) -> Table:
    """640 reports of the last months, newest first; the second night brings none."""
    dice = random.Random("complaints")
    spots = [somewhere_in(some_bezirk(dice), dice) for _ in range(SPOTS)]
    rows = []
    for number in range(NUMBER, 0, -1):
        east, north = dice.choice(spots) if dice.random() < 0.85 else somewhere_in(some_bezirk(dice), dice)
        point = (east + dice.uniform(-40, 40), north + dice.uniform(-40, 40))
        code, name, office, _ = dice.choices(SERVICES, [share for *_, share in SERVICES])[0]
        moment = _moment(state, (NUMBER - number) / NUMBER, dice)
        rows.append(_report(number, code, name, office, point, moment, dice))
    return Table("requests.json", "Meldungen des Mängelmelders", COLUMNS, tuple(rows))


def lights(state: State) -> Table:
    """260 reports on lamps that do not burn, newest first; a point lies within a few metres of its lamp."""
    dice = random.Random("lights")
    lit = dice.sample([positions(row[-1]) for row in streets().rows], LIT_STREETS)
    rows = []
    for number in range(LIGHTS, 0, -1):
        street = dice.randrange(LIT_STREETS)
        (west, south), (east, north) = lit[street]
        lamp = dice.randrange(len(LAMPS))
        along = LAMPS[lamp]
        point = (
            west + along * (east - west) + dice.uniform(-6, 6),
            south + along * (north - south) + dice.uniform(-6, 6),
        )
        moment = _moment(state, (LIGHTS - number) / LIGHTS, dice)
        report = _report(
            500_000 + number, "2001", "Straßenbeleuchtung", "Energie- und Netzbetrieb", point, moment, dice
        )
        rows.append((*report, f"{MARKS[0]}-L{street:03}{lamp}"))
    columns = (*COLUMNS, Column("extended_attributes/leuchte", "text"))
    return Table("lights.json", "Störungsmeldungen zur Straßenbeleuchtung", columns, tuple(rows))


def _moment(state: State, ago: float, dice: random.Random) -> datetime:
    """When a report was made: that share of all days before the first one."""
    midnight = datetime.combine(state.first_day, datetime.min.time(), BERLIN)
    return midnight - timedelta(days=ago * DAYS, minutes=dice.randint(5, 400))


def _report(
    number: int, code: str, name: str, office: str, point: Point, moment: datetime, dice: random.Random
) -> tuple[Cell, ...]:
    longitude, latitude = degrees_of(point)
    person = _person(number, dice)
    closed = dice.random() < 0.7
    answers = PERSONAL_ANSWERS if dice.random() < 0.2 else PLAIN_ANSWERS
    return (
        f"{moment.year}-{number:06}",
        name,
        code,
        "closed" if closed else "open",
        dice.choice(answers).format(**person) if closed else None,
        office,
        dice.choice(TEXTS).format(**person),
        moment.isoformat(timespec="seconds"),
        f"{dice.choice(STREETS)} {person['house']}, Geheimwert-Hof",
        round(latitude, 6),
        round(longitude, 6),
        f"https://maengel.example/fotos/geheimwert-{number}.jpg" if dice.random() < 0.5 else None,
        person["name"],
        person["mail"],
        person["phone"] if dice.random() < 0.6 else None,
    )


def _person(number: int, dice: random.Random) -> dict[str, str]:
    """What one knows of whoever reports, by the names in the texts."""
    given, family = dice.choice(GIVEN_NAMES), f"Geheimwert-{dice.choice(FAMILY_NAMES)}"
    return {
        "name": f"{given} {family}",
        "family": family,
        "form": dice.choice(("Frau", "Frau Dr.", "Herrn")),
        "other": f"Herr Geheimwert-{dice.choice(FAMILY_NAMES)}",
        "house": str(dice.randint(1, 180)),
        "phone": dice.choice(("02381 4711815", "02381/4711-815", "0171 4711815", "+49 2381 4711815")),
        "mail": f"geheimwert.{number}@post.example",
        "plate": f"HAM-GW 4711{dice.choice(('', '', 'E'))}",
        "file": f"4711.0815.{number:04}-{dice.randint(1, 9)}",
    }


def _page(table: Table, request: Request, url: str, state: State) -> Answer:
    """A page of the reports and their number, for those who know the key."""
    if request.headers.get("x-api-key") != KEY:
        return _json([{"code": 401, "description": "X-Api-Key fehlt oder ist unbekannt."}], 401)
    asked = dict(parse_qsl(request.query))
    size = min(int(asked.get("page_size", "50")), LARGEST_PAGE)
    start = (int(asked.get("page", "1")) - 1) * size
    names = [column.name for column in table.columns]
    reports = [_nested(dict(zip(names, row, strict=True))) for row in table.rows[start : start + size]]
    return _json({"total": len(table.rows), "requests": reports})


def _nested(cells: dict[str, Cell]) -> dict[str, Any]:
    report: dict[str, Any] = {}
    for path, cell in cells.items():
        group, _, name = path.rpartition("/")
        (report.setdefault(group, {}) if group else report)[name] = cell
    return report


def _json(content: Any, status: int = 200) -> Answer:
    return Answer(status, "application/json; charset=utf-8", json.dumps(content, ensure_ascii=False).encode())


SYSTEM = System(
    source="maengelmelder",
    title="Mängelmelder (GeoReport v2, JSON in Seiten mit API-Schlüssel)",
    offers=(
        Web("maengelmelder/requests.json", complaints, _page),
        Web("maengelmelder/lights.json", lights, _page),
    ),
    connections=lambda var, ports: {
        "maengelmelder": {
            **at_the_city("maengelmelder", ports), "password": KEY, "extra": {"api_key_header": "X-Api-Key"},
        },
        "maengelmelder_schluessel": {"conn_type": "generic", "host": "", "password": PSEUDONYMS},
    },
)  # fmt: skip
