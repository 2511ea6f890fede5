"""The accident atlas of the statistical offices: a zipped file per year with all of the country, and a few rows ours.

The traps are those of the real atlas, laid on three years: the header changes (``LICHT``, ``STRZUSTAND``,
``IstSonstig``), the file is called .csv or .txt and begins with a byte order mark or not, a description lies beside it,
coordinates have a decimal comma. And 05 5 15 000 is Münster, 05 9 15 000 is Hamm.
"""

from __future__ import annotations

import csv
import io
import random
import zipfile
from functools import partial

from samplecity.offers import System, Web, at_the_city
from samplecity.places import degrees_of, some_bezirk, somewhere_in
from samplecity.state import State
from samplecity.tables import Column, Table
from samplecity.web import Answer, Request, etag_of

ROWS = 20_000
"""Accidents of a year in the whole country, in small: really there are some 250,000."""

OURS = ("05", "9", "15", "000")
"""Land, Regierungsbezirk, Kreis and Gemeinde of the city."""

NEIGHBOURS = (("05", "5", "15", "000"), ("05", "9", "13", "000"), ("05", "9", "78", "004"), ("05", "9", "74", "040"))
"""Münster, Dortmund, Bergkamen and Soest: each shares some of our numbers."""

VEHICLES = ("IstRad", "IstPKW", "IstFuss", "IstKrad", "IstGkfz")
AREA = ("ULAND", "UREGBEZ", "UKREIS", "UGEMEINDE")
WHAT = ("UJAHR", "UMONAT", "USTUNDE", "UWOCHENTAG", "UKATEGORIE", "UART", "UTYP1")
PLACE = ("LINREFX", "LINREFY", "XGCSWGS84", "YGCSWGS84")

HEADERS = {
    2022: ("OBJECTID", *AREA, *WHAT, "ULICHTVERH", *VEHICLES, "IstSonstige", *PLACE, "STRZUSTAND"),
    2023: ("FID", "OBJECTID", *AREA, *WHAT, "LICHT", "IstStrasse", *VEHICLES, "IstSonstig", *PLACE),
    2024: ("OID_", "UIDENTSTLAE", *AREA, *WHAT, "ULICHTVERH", *VEHICLES, "IstSonstige", "IstStrassenzustand", *PLACE),
}
SHARES = {2022: 61, 2023: 66, 2024: 64}
"""Every so manieth accident of the year is one of ours."""

MEMBERS = {
    2022: "csv/Unfallorte2022_LinRef.csv",
    2023: "csv/Unfallorte2023_LinRef.txt",
    2024: "csv/Unfallorte2024_LinRef.csv",
}
BYTE_ORDER_MARK = {2024}


def accidents(year: int) -> Table:
    """All accidents with injured persons of that year; about 300 of them in the city."""
    dice = random.Random(f"accidents {year}")
    header = HEADERS[year]
    rows = []
    for number in range(ROWS):
        cells = _accident(year, number, dice)
        rows.append(tuple(cells[name] for name in header))
    columns = tuple(Column(name, "text") for name in header)
    return Table(f"Unfallorte{year}_EPSG25832_CSV.zip", f"Unfallorte {year}", columns, tuple(rows))


def _accident(year: int, number: int, dice: random.Random) -> dict[str, str]:
    if number % SHARES[year] == 7:
        area, (east, north) = OURS, somewhere_in(some_bezirk(dice), dice)
        longitude, latitude = degrees_of((east, north))
    else:
        area = _elsewhere(dice)
        longitude, latitude = 6.2 + 8.5 * dice.random(), 47.6 + 7 * dice.random()
        east, north = 500_000 + (longitude - 9) * 68_000, latitude * 111_200
    light, road = str(dice.choices((0, 1, 2), (75, 5, 20))[0]), str(dice.choices((0, 1, 2), (70, 28, 2))[0])
    other = str(int(dice.random() < 0.05))
    return {
        **dict.fromkeys(("OBJECTID", "FID", "OID_"), str(number + 1)),
        "UIDENTSTLAE": f"{area[0]}{year % 100}{number:012}",
        **dict(zip(AREA, area, strict=True)),
        "UJAHR": str(year), "UMONAT": f"{dice.randint(1, 12):02}",
        "USTUNDE": f"{min(23, max(0, round(dice.gauss(14, 5)))):02}", "UWOCHENTAG": str(dice.randint(1, 7)),
        "UKATEGORIE": str(dice.choices((1, 2, 3), (1, 17, 82))[0]), "UART": str(dice.randint(0, 9)),
        "UTYP1": str(dice.randint(1, 7)),
        "ULICHTVERH": light, "LICHT": light, "STRZUSTAND": road, "IstStrasse": road, "IstStrassenzustand": road,
        **{vehicle: str(int(dice.random() < 0.3)) for vehicle in VEHICLES},
        "IstSonstige": other, "IstSonstig": other,
        "LINREFX": _german(east, 3), "LINREFY": _german(north, 3),
        "XGCSWGS84": _german(longitude, 9), "YGCSWGS84": _german(latitude, 9),
    }  # fmt: skip


def _elsewhere(dice: random.Random) -> tuple[str, str, str, str]:
    if dice.random() < 0.02:
        return dice.choice(NEIGHBOURS)
    land = dice.choice((1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16))
    return f"{land:02}", str(dice.randint(0, 7)), f"{dice.randint(1, 79):02}", f"{dice.randint(0, 150):03}"


def _german(number: float, decimals: int) -> str:
    return f"{number:.{decimals}f}".replace(".", ",")


def _archive(year: int, table: Table, request: Request, url: str, state: State) -> Answer:
    """The year as the offices give it out: the file and its description in one archive."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow([column.name for column in table.columns])
    writer.writerows(table.rows)
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        mark = "\ufeff" if year in BYTE_ORDER_MARK else ""
        archive.writestr(zipfile.ZipInfo("csv/"), b"")
        archive.writestr(_member(MEMBERS[year]), (mark + text.getvalue()).encode())
        archive.writestr(_member("csv/Datensatzbeschreibung.txt"), f"Unfallorte {year}, Merkmale\r\n".encode())
    content = body.getvalue()
    return Answer(200, "application/zip", content, {"ETag": etag_of(content)})


def _member(name: str) -> zipfile.ZipInfo:
    """A member whose time is always the same, so that equal data is an equal archive."""
    member = zipfile.ZipInfo(name)
    member.compress_type = zipfile.ZIP_DEFLATED
    return member


SYSTEM = System(
    source="unfaelle",
    title="Unfallatlas der Statistischen Ämter (gezippte CSV-Dateien)",
    offers=tuple(
        Web(
            f"unfaelle/Unfallorte{year}_EPSG25832_CSV.zip",
            lambda state, year=year: accidents(year),  # type: ignore[misc]
            partial(_archive, year),
        )
        for year in HEADERS
    ),
    connections=lambda var, ports: {"unfaelle": at_the_city("unfaelle", ports)},
)
