"""The federal register of energy units (Marktstammdatenregister): solar units of the country, a part of them ours.

The traps are those of the real export: a ZIP archive with several XML files in UTF-16, a catalogue beside them, codes
instead of words, elements that a unit lacks where there is nothing to say, coordinates of large units only. Most
operators are private persons, who put their name even into that of the unit: every value about one of them holds
``MARK``, which must be found nowhere behind the reader. Nobody and no firm here exists.
"""

from __future__ import annotations

import io
import random
import zipfile
from datetime import date, timedelta
from functools import lru_cache
from xml.sax.saxutils import escape

from samplecity.offers import System, Web, at_the_city
from samplecity.places import STREETS, degrees_of, some_bezirk, somewhere_in
from samplecity.state import State
from samplecity.tables import Cell, Column, Table
from samplecity.web import Answer, Request, etag_of

ARCHIVE = "Gesamtdatenexport.zip"
MEMBER = "EinheitenSolar_1.xml"

ROWS = 6000
"""Units of the whole country, in small: really there are some five million."""

OURS = "05915000"
"""Municipality key of the city."""

NEIGHBOURS = {"05978004": "Bergkamen", "05974040": "Soest", "05515000": "Münster", "05570004": "Ahlen"}

MARK = "Geheimwert"
"""Every value about a private person holds it."""

PRIVATE, FIRM = "Natürliche Person", "Organisation"

FIRMS = (
    ("Wohnungsgenossenschaft Lippeaue eG", "Eingetragene Genossenschaft"),
    ("Stadtbetriebe Ahsetal GmbH", "Gesellschaft mit beschränkter Haftung"),
    ("Solarpark Zechenhalde GmbH & Co. KG", "GmbH & Co. KG"),
    ("Möbelhaus Westwall AG", "Aktiengesellschaft"),
    ("Logistikzentrum Hafenstraße GmbH", "Gesellschaft mit beschränkter Haftung"),
    ("Sportverein Grün-Weiß 1919 e. V.", "Eingetragener Verein"),
    ("Autohaus Heinrich Kamphues GmbH", "Gesellschaft mit beschränkter Haftung"),
    ("Beispielstadt, Gebäudewirtschaft", "Körperschaft des öffentlichen Rechts"),
)
"""Name and legal form; one bears the name of a made-up founder."""

GIVEN_NAMES = ("Anneliese", "Bernd", "Claudia", "Dieter", "Elif", "Friedhelm", "Gisela", "Hüseyin", "Ingrid", "Jürgen")

BALCONY, ROOF, GROUND = "2961", "853", "852"
"""Codes of the register for the kind of a unit."""

RUNS, SHUT_DOWN, PLANNED = "35", "38", "31"
"""Codes of the register for the state of a unit."""

COLUMNS = tuple(
    Column(name, "decimal" if name in ("Laengengrad", "Breitengrad", "Bruttoleistung") else "text")
    for name in (
        "EinheitMastrNummer", "AnlagenbetreiberMastrNummer", "DatumLetzteAktualisierung", "Gemeinde",
        "Gemeindeschluessel", "Postleitzahl", "Strasse", "Hausnummer", "Ort", "Laengengrad", "Breitengrad",
        "NameStromerzeugungseinheit", "Inbetriebnahmedatum", "EinheitBetriebsstatus", "Bruttoleistung",
        "ArtDerSolaranlage", "Anlagenbetreiber/Personenart", "Anlagenbetreiber/Rechtsform", "Anlagenbetreiber/Name",
        "Anlagenbetreiber/Email", "Anlagenbetreiber/Telefon",
    )
)  # fmt: skip
"""A name with a slash is an element in an element."""


def solar_units(state: State) -> Table:
    """All solar units of the country; two of five are ours, and seven of eight belong to private persons."""
    dice = random.Random("solar units")
    rows = tuple(_unit(number, state.first_day, dice) for number in range(ROWS))
    return Table(ARCHIVE, "Solareinheiten im Marktstammdatenregister", COLUMNS, rows)


def _unit(number: int, first_day: date, dice: random.Random) -> tuple[Cell, ...]:
    bezirk = some_bezirk(dice)
    longitude, latitude = degrees_of(somewhere_in(bezirk, dice))
    if number % 5 < 2:
        key, town, postcode = OURS, "Hamm", bezirk.postcode
    else:
        key = dice.choice(list(NEIGHBOURS))
        town, postcode = NEIGHBOURS[key], f"{dice.randint(1067, 99998):05}"
    private = dice.random() < 0.875
    kind = dice.choices((BALCONY, ROOF, GROUND), (45, 55, 0) if private else (0, 85, 15))[0]
    since = _commissioned(first_day, kind, dice)
    status = dice.choices((RUNS, SHUT_DOWN, PLANNED), (95, 3, 2))[0]
    power = _power(kind, private, dice)
    located = power >= 30
    return (
        f"SEE-{MARK}-{number}" if private else f"SEE9{number:011}",
        f"ABR-{MARK}-{number}" if private else f"ABR9{number % len(FIRMS):011}",
        (first_day - timedelta(days=dice.randint(3, 900))).isoformat(),
        town,
        key,
        postcode,
        f"{MARK}-Straße {number}" if private else dice.choice(STREETS),
        f"{dice.randint(1, 180)} {MARK}" if private else str(dice.randint(1, 180)),
        town,
        round(longitude, 6) if located else None,
        round(latitude, 6) if located else None,
        *_named(number, private, dice),
        None if status == PLANNED else since.isoformat(),
        status,
        power,
        kind,
        *_operator(number, private, dice),
    )


def _commissioned(first_day: date, kind: str, dice: random.Random) -> date:
    """Ever more each year; units on balconies only in the last four."""
    years = 4 if kind == BALCONY else 18
    return first_day - timedelta(days=40 + int(365 * years * (1 - dice.random() ** 0.4)))


def _power(kind: str, private: bool, dice: random.Random) -> float:
    """Kilowatts: below 2 on a balcony, up to 20 on a house, some hundreds on a hall or in a field."""
    if kind == BALCONY:
        return round(dice.uniform(0.3, 2.0), 3)
    if private:
        return round(dice.triangular(2.5, 20, 8), 3)
    return round(dice.triangular(15, 400, 60) * (4 if kind == GROUND else 1), 3)


def _named(number: int, private: bool, dice: random.Random) -> tuple[str | None]:
    """The name of a unit, which is free text."""
    if private:
        return (dice.choice((f"PV {MARK}{number}", f"Balkon Familie {MARK}-{number}")),)
    return (dice.choice((None, f"PV Halle {dice.randint(1, 9)}", "Dachanlage Süd")),)


def _operator(number: int, private: bool, dice: random.Random) -> tuple[Cell, ...]:
    """Kind of person, legal form, name, mailbox and telephone of the operator."""
    if private:
        name = f"{dice.choice(GIVEN_NAMES)} {MARK}-{number}"
        return PRIVATE, None, name, f"{MARK}.{number}@post.example", f"02381 {MARK} {number}"
    firm, form = FIRMS[number % len(FIRMS)]
    return FIRM, form, firm, f"energie@firma{number % len(FIRMS)}.example", None


@lru_cache(maxsize=2)
def packed(table: Table) -> bytes:
    """The archive as the agency gives it out: UTF-16 with a byte order mark, no element where there is no value."""
    units = "".join(f"<EinheitSolar>{_elements(table, row)}</EinheitSolar>\r\n" for row in table.rows)
    document = f'<?xml version="1.0" encoding="utf-16"?>\r\n<EinheitenSolar>\r\n{units}</EinheitenSolar>\r\n'
    catalogue = '<?xml version="1.0" encoding="utf-16"?>\r\n<Katalogwerte></Katalogwerte>\r\n'
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, text in ((MEMBER, document), ("Katalogwerte.xml", catalogue)):
            member = zipfile.ZipInfo(name)  # whose time is always the same, so that equal data is an equal archive
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, text.encode("utf-16"))
    return body.getvalue()


def _elements(table: Table, row: tuple[Cell, ...]) -> str:
    groups: dict[str, list[str]] = {}
    for column, cell in zip(table.columns, row, strict=True):
        group, _, name = column.name.rpartition("/")
        if cell is not None:
            groups.setdefault(group, []).append(f"<{name}>{escape(str(cell))}</{name}>")
    return "".join(
        f"<{group}>{''.join(within)}</{group}>" if group else "".join(within) for group, within in groups.items()
    )


def _archive(table: Table, request: Request, url: str, state: State) -> Answer:
    content = packed(table)
    return Answer(200, "application/zip", content, {"ETag": etag_of(content)})


SYSTEM = System(
    source="marktstammdaten",
    title="Marktstammdatenregister der Bundesnetzagentur (gezipptes XML)",
    offers=(Web(f"marktstammdaten/{ARCHIVE}", solar_units, _archive),),
    connections=lambda var, ports: {"marktstammdaten": at_the_city("marktstammdaten", ports)},
)
