"""Which part of an address is the street? Everything before the house number.

What remains holds no number but those that belong to a street's name: the day in a date (Straße des 17. Juni) and an
ordinal at the start (3. Querstraße). Where that is doubtful, too much is cut and never too little: of "Straße 101", as
some cities have it, "Straße" remains, and of an address that starts with its postcode nothing.
"""

from __future__ import annotations

import re
from unicodedata import normalize

from stadtdaten.german import MONTHS

_STREET = r"(?:stra(?:ß|ss)e|str\.?|weg|platz|allee|ring|gasse|ufer|damm|pfad|stieg|steig|reihe|hof)"
IN_NAMES = re.compile(
    rf"(?:\b(?:des|vom|am)\s|^)\d{{1,2}}\.[\s-]?(?:{'|'.join(MONTHS)})(?![^\W\d_])"
    rf"|^\d{{1,2}}\.\s?[^\W\d_]*{_STREET}(?![^\W\d_])",
    re.IGNORECASE,
)
"""Numbers that are part of a street's name."""

NEXT_PART = re.compile(r"[,;(\[/|\n\r\t]")
"""Starts what is no street any more: part of town, second address, remark."""

ANNOUNCEMENTS = re.compile(
    r"(?:^|[\s-])(?:(?:haus-?)?(?:nr|nummer|no|hnr|hsnr)[.:]*|[^\W\d_])$"  # Nr., Haus-Nr.:, the letter of A 12
    rf"|(?:^|(?P<street>{_STREET})\s*)haus$"  # but not that of "Am Weißen Haus"
    r"|[\s:#–-]+$",
    re.IGNORECASE,
)
"""What stands before a house number and means nothing without it."""


def without_house_number(address: str) -> str | None:
    """``Am Stadtbad 12a`` and ``Am Stadtbad Nr. 12, Hinterhaus`` as ``Am Stadtbad``; None if no street remains."""
    street = NEXT_PART.split(normalize("NFKC", address).strip())[0]
    number = house_number_at(street)
    if number is None:
        return street.strip() or None
    street = street[:number]
    while announcement := ANNOUNCEMENTS.search(street):
        street = street[: announcement.start()] + (announcement["street"] or "")
    return street or None


def house_number_at(street: str) -> int | None:
    """Where in the text the first digit stands that is no part of a street's name; None if there is none.

    Digits of any script and form count (½ and ² as well).
    """
    names = [name.span() for name in IN_NAMES.finditer(street)]
    for position, letter in enumerate(street):
        if letter.isnumeric() and not any(start <= position < end for start, end in names):
            return position
    return None
