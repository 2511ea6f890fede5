"""How are numbers, shares, sizes, dates and periods written for German readers: on pages, in mails, in messages?"""

from __future__ import annotations

from datetime import datetime
from unicodedata import combining, normalize
from zoneinfo import ZoneInfo

NBSP = "\N{NO-BREAK SPACE}"

MONTHS = (
    "Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November",
    "Dezember",
)  # fmt: skip

COLUMN_TYPES = {
    "string": "Text",
    "integer": "Ganze Zahl",
    "number": "Zahl",
    "boolean": "Ja/Nein",
    "date": "Datum",
    "datetime": "Datum mit Uhrzeit",
    "geometry": "Geometrie",
}


def sort_key(text: str) -> str:
    """For lists that people read: umlauts stand with their vowels, ß with ss (DIN 5007-1)."""
    return "".join(letter for letter in normalize("NFKD", text.casefold()) if not combining(letter))


def number(value: int) -> str:
    """``1234567`` as ``1.234.567``."""
    return f"{value:,}".replace(",", ".")


def share(part: float) -> str:
    """A share (0 to 1) in per cent with at most one decimal; a little is not nothing, almost is not all."""
    percent = round(part * 100, 1)
    if part > 0 and percent == 0:
        return f"unter 0,1{NBSP}%"
    if part < 1 and percent == 100:
        return f"über 99,9{NBSP}%"
    return f"{percent:g}".replace(".", ",") + f"{NBSP}%"


def size(octets: int) -> str:
    """Bytes as ``812 Byte``, ``14,2 kB``, ``3,1 MB``, ``1,5 GB``: decimal units (IEC 80000-13)."""
    if octets < 1000:
        return f"{octets} Byte"
    amount = float(octets)
    for unit in ("kB", "MB", "GB"):
        amount /= 1000
        if amount < 999.95 or unit == "GB":
            break
    return f"{amount:.1f}".replace(".", ",") + f"{NBSP}{unit}"


def day(moment: datetime, zone: ZoneInfo) -> str:
    """``3. November 2026``, in local time."""
    local = moment.astimezone(zone)
    return f"{local.day}. {MONTHS[local.month - 1]} {local.year}"


def day_and_time(moment: datetime, zone: ZoneInfo) -> str:
    """``3. November 2026, 02:14 Uhr``, in local time."""
    return f"{day(moment, zone)}, {moment.astimezone(zone):%H:%M} Uhr"


def counted(count: int, one: str, many: str) -> str:
    """``1 Zeile``, ``0 Zeilen``, ``1.234 Zeilen``."""
    return f"{number(count)} {one if count == 1 else many}"
