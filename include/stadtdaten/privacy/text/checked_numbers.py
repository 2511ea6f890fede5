"""Which characters of a text are an IBAN, a tax id or a social-security number? All three carry check digits.

``ibans``, ``tax_ids`` and ``social_security_numbers`` are sure; ``bare_tax_ids`` needs the whole column to judge.
``guessed`` is for scrubbing only: the same without asking for the check digit, because people mistype.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from stadtdaten.privacy.text.spans import Span, spans_of

IBAN = re.compile(r"\b([A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?)\b")
IBAN_GERMAN = re.compile(r"\b(de[ -]?\d{2}(?:[ -]?\d){18})\b", re.IGNORECASE)
"""Also in small letters or with hyphens: 20 digits leave no room for words."""
IBAN_LENGTHS = {
    "AT": 20, "BE": 16, "BG": 22, "CH": 21, "CZ": 24, "DE": 22, "DK": 18, "ES": 24, "FR": 27, "GB": 22, "GR": 27,
    "HR": 21, "HU": 28, "IT": 27, "LT": 20, "LU": 20, "NL": 18, "PL": 28, "PT": 25, "RO": 24, "TR": 26,
}  # fmt: skip
"""Characters of an IBAN by country (SWIFT IBAN registry): where accounts of people in Germany are."""
IBAN_LIKE = re.compile(
    r"\b(?:[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?|[Dd][Ee][ -]?\d{2}(?:[ -]?\d){14,22})\b"
)

TAX_NAMED = re.compile(
    r"(?:steuer-?id|steuer-?identnummer|idnr|identifikationsnummer|steuernummer)\D{0,20}(\d[ \d]{9,13}\d)(?!\d)",
    re.IGNORECASE,
)
TAX_PRINTED = re.compile(r"(?<![\d,.])(\d{2} \d{3} \d{3} \d{3})(?! ?\d)")
ELEVEN_DIGITS = re.compile(r"(?<![\w.,-])(\d{11})(?![\w,-]|\.\d)")
TAX_LIKE = re.compile(r"(?<!\d)(?:\d{11}|\d{2} \d{3} \d{3} \d{3})(?!\d)")

SOCIAL_SECURITY = re.compile(
    r"(?<![\w])(\d{2})[ -]?(\d{2}[ .]?\d{2}[ .]?\d{2})[ -]?([A-Za-z])[ -]?(\d{3}|\d{2} \d)(?!\w)"
)
_WEIGHTS = (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1)


def ibans(text: str) -> Iterator[Span]:
    """Account numbers with a right check digit (ISO 13616)."""
    for match in (*IBAN.finditer(text), *IBAN_GERMAN.finditer(text)):
        characters = [(at, text[at].upper()) for at in range(*match.span(1)) if text[at] not in " -"]
        length = IBAN_LENGTHS.get("".join(character for _, character in characters[:2]))
        if length is not None and len(characters) >= length:
            iban = "".join(character for _, character in characters[:length])
            # Letters count from A = 10; the number, its first four characters moved to the end, modulo 97 is 1.
            if int("".join(str(int(character, 36)) for character in iban[4:] + iban[:4])) % 97 == 1:
                yield Span("iban", match.start(1), characters[length - 1][0] + 1)


def tax_ids(text: str) -> Iterator[Span]:
    """Tax ids that are named so, or printed in the groups of the tax office."""
    for pattern in (TAX_NAMED, TAX_PRINTED):
        for match in pattern.finditer(text):
            if is_tax_id(match[1].replace(" ", "")):
                yield Span("tax_id", *match.span(1))


def bare_tax_ids(texts: Collection[str]) -> set[str]:
    """Those of a column's different texts that hold a tax id as a bare number, where most such numbers are valid.

    One in 250 arbitrary eleven-digit ids has a valid check digit, so single bare numbers prove nothing in a column of
    ids, while in a column of tax ids all are valid.
    """
    bare = {text: match[1] for text in texts if (match := ELEVEN_DIGITS.search(text))}
    valid = {text for text, digits in bare.items() if is_tax_id(digits)}
    return valid if 2 * len(valid) >= len(bare) else set()


def is_tax_id(digits: str) -> bool:
    """Whether eleven digits are a tax id (§ 139b AO): no leading zero, one digit two or three times among the first
    ten and the others at most once, check digit by ISO 7064 MOD 11,10."""
    if len(digits) != 11 or digits[0] == "0":
        return False
    repeated = sorted((digits[:10].count(digit) for digit in set(digits[:10])), reverse=True)
    if repeated[0] not in (2, 3) or repeated[1] != 1:
        return False
    product = 10
    for digit in digits[:10]:
        product = 2 * ((int(digit) + product) % 10 or 10) % 11
    return (11 - product) % 10 == int(digits[10])


def social_security_numbers(text: str) -> Iterator[Span]:
    """Numbers of the statutory pension insurance with a right check digit, as in ``15 070649 C 103``."""
    for match in SOCIAL_SECURITY.finditer(text):
        area, birth, letter, serial = (re.sub(r"[ .]", "", group) for group in match.groups())
        if is_social_security_number(area + birth + letter.upper() + serial):
            yield Span("social_security_number", *match.span())


def is_social_security_number(number: str) -> bool:
    """Whether twelve characters are a Versicherungsnummer (§ 147 SGB VI, §§ 2 to 4 VKVV): area, day, month and year of
    birth, initial of the name at birth, serial number, check digit.

    The day may be above 31, where all serial numbers of a day were taken.
    """
    if number[8] not in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" or int(number[4:6]) > 12 or number[:2] < "02":
        return False
    digits = number[:8] + f"{ord(number[8]) - ord('A') + 1:02d}" + number[9:11]
    products = (int(digit) * weight for digit, weight in zip(digits, _WEIGHTS, strict=True))
    return sum(product // 10 + product % 10 for product in products) % 10 == int(number[11])


def guessed(text: str) -> Iterator[Span]:
    """What is built like one of the three, whatever its check digit says."""
    yield from spans_of("iban", IBAN_LIKE, text)
    yield from spans_of("tax_id", TAX_LIKE, text)
    yield from spans_of("social_security_number", SOCIAL_SECURITY, text)
