"""Which characters of a text are an e-mail address or a telephone number (DIN 5008 and what people write instead)?

``emails`` and ``phones`` are sure enough to block a release: ids, times and amounts do not look like that. ``guessed``
is for scrubbing only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from stadtdaten.privacy.text.spans import Span, spans_of

_AT = r"\s?(?:@|[(\[{]\s?(?:at|ät)\s?[)\]}])\s?"
_DOT = r"(?:\.|\s?[(\[{](?:dot|punkt)[)\]}]\s?)"
EMAIL = re.compile(
    rf"[\w.%+-]{{1,64}}{_AT}[\w-]{{1,63}}(?:{_DOT}[\w-]{{1,63}}){{0,4}}{_DOT}[a-z]{{2,}}\b", re.IGNORECASE
)

_CALLED = (
    r"\b(?:tel|telefon|telefonnummer|fon|mobil|handy|handynummer|fax|telefax|ruf|rufnummer|durchwahl|telefonisch unter"
    r"|erreichbar unter|rückruf unter)\b\.?"
)
PHONES = (
    re.compile(r"(?<![\w+])(?:\+49(?:[ ./()-]*\d){7,13}|00(?=49[ /()-])49(?:[ /()-]*\d){7,13})(?!\d)"),
    re.compile(r"(?<![\w+.,])\+(?:3[0-9]|4[0-8]|90|7|1)(?:[ /()-]*\d){8,12}(?!\d)"),
    re.compile(r"(?<![\w.,+-])01[567]\d{8,9}(?!\d)"),
    re.compile(rf"{_CALLED}[.:\s-]{{0,4}}\(?0\d[\d /()-]{{4,14}}\d", re.IGNORECASE),
    # Short numbers that end in -0 (DIN 5008), as in 02381 17-0.
    re.compile(r"(?<![\w.,+:/-])(?<!\d )\(?0[2-9]\d{3,4}\)?\s?[/ ]\s?[1-9]\d{1,6}-0(?![\d.,:/-])"),
    re.compile(r"(?<![\w.,+:/-])0[2-9]\d{3}\.[1-9]\d{4,7}(?![\w.,:/-])"),
    re.compile(r"(?<![\w.,+:/-])(?<!\d )(?:0 \d{2} \d{2} ?/ ?|\(0 \d{2} \d{2}\) ?)\d{2}(?: ?-? ?\d{2}){1,3}(?![ ]?\d)"),
    # A number without area code says what it is; two years with a hyphen are a period.
    re.compile(
        rf"{_CALLED}[.:\s-]{{1,4}}(?!(?:19|20)\d\d\b)[1-9]\d{{1,3}}"
        r"(?:[-/]\d{3,5}|(?: \d{2,3}){2,3})(?![\w/-]|[.,]\d)",
        re.IGNORECASE,
    ),
)
"""Patterns that prove a number by themselves; SEPARATED needs its digits counted."""
SEPARATED = re.compile(
    r"(?<![\w.,+:/-])(?<!\d )\(?(0[1-9]\d{1,4})(\)\s?|\s?[/–-]\s?|\s)(\d(?:[ -]?\d){2,10})(?![\d.,:]?\d)"
)
BARE = re.compile(r"(?<!\d)(?:00\d{2}|0)[1-9](?:[ ./()-]{0,3}\d){6,12}(?!\d)")
BARE_EMAIL = re.compile(r"(?<![\w.%+-])[\w.%+-]{1,64}(?:\s?@\s?|\s+(?:at|ät)\s+)[\w-]+(?:\.[\w-]+)*", re.IGNORECASE)


def emails(text: str) -> Iterator[Span]:
    """E-mail addresses, also with (at) and [dot]."""
    return spans_of("email", EMAIL, text)


def phones(text: str) -> Iterator[Span]:
    """Telephone and fax numbers."""
    for pattern in PHONES:
        yield from spans_of("phone", pattern, text)
    for match in SEPARATED.finditer(text):
        area, separator, number = match.groups()
        digits = len(area) + sum(character.isdigit() for character in number)
        # A slash or bracket after the area code is how numbers are written; space and hyphen also part ids and hours.
        if (7 if "/" in separator or ")" in separator else 9) <= digits <= 14:
            yield Span("phone", *match.span())


def guessed(text: str) -> Iterator[Span]:
    """Whatever begins with a zero and has as many digits as a number, and whatever has the sign of a mailbox."""
    yield from spans_of("phone", BARE, text)
    yield from spans_of("email", BARE_EMAIL, text)
