"""Does a text look as if it held personal data? German patterns, each with the context that keeps ids out of it.

Nobody can override a privacy failure, so a detector must not fire on ordinary municipal data: streets named after
people (Dr.-Lammert-Weg), municipality keys with a leading zero, opening hours, dates. Postal addresses are no
pattern here: in open data they are those of schools and playgrounds, and the contract's column class decides.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

EMAIL = re.compile(
    r"[\w.%+-]{1,64}\s?(?:@|[(\[]at[)\]])\s?[\w-]{1,63}(?:\.[\w-]{1,63}){0,4}(?:\.|\s?[(\[](?:dot|punkt)[)\]]\s?)[a-z]{2,}\b",
    re.IGNORECASE,
)

PHONE_INTERNATIONAL = re.compile(r"(?<![\w+])(?:\+|00(?=49[ /()-]))49(?:[ /()-]*\d){7,13}(?!\d)")
PHONE_SEPARATED = re.compile(
    r"(?<![\w.,+:/-])(?<!\d )\(?(0[1-9]\d{1,4})(\)\s?|\s?[/–-]\s?|\s)(\d(?:[ -]?\d){2,10})(?![\d.,:]?\d)"
)
PHONE_MOBILE = re.compile(r"(?<![\w.,+-])01[567]\d{8,9}(?!\d)")
PHONE_NAMED = re.compile(
    r"\b(?:tel|telefon|fon|mobil|handy|fax|telefax|ruf)\b[.:\s-]{0,4}\(?0\d[\d /()-]{4,14}\d", re.IGNORECASE
)
PHONE_SWITCHBOARD = re.compile(r"(?<![\w.,+:/-])(?<!\d )\(?0[2-9]\d{3,4}\)?\s?[/ ]\s?[1-9]\d{1,6}-0(?![\d.,:/-])")
"""Short numbers that end in -0 (DIN 5008), as in 02381 17-0."""
PHONE_DOTTED = re.compile(r"(?<![\w.,+:/-])0[2-9]\d{3}\.[1-9]\d{4,7}(?![\w.,:/-])")
PHONE_IN_PAIRS = re.compile(r"(?<![\w.,+:/-])(?<!\d )0 \d{2} \d{2} ?/ ?\d{2}(?: \d{2}){1,3}(?![ ]?\d)")
PHONE_EXTENSION = re.compile(
    r"\b(?:tel|telefon|fon|fax|telefax|durchwahl)\b[.:\s-]{1,4}(?!(?:19|20)\d\d\b)[1-9]\d{1,3}[-/]\d{3,5}(?![\w.,/-])",
    re.IGNORECASE,
)
"""A number without area code says what it is; two years with a hyphen are a period."""

IBAN = re.compile(r"\b([A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?)\b")
IBAN_GERMAN = re.compile(r"\b(de\d{2}(?:[ -]?\d){18})\b", re.IGNORECASE)
"""Also in small letters or with hyphens: 20 digits leave no room for words."""
IBAN_LENGTHS = {"AT": 20, "BE": 16, "CH": 21, "DE": 22, "DK": 18, "FR": 27, "LU": 20, "NL": 18, "PL": 28}
"""Characters of an IBAN by country (SWIFT IBAN registry): Germany and its neighbours."""

_TITLE = r"(?:Prof\.|(?:Dr|Dipl)\.(?:-[A-Z][a-z]{1,4}\.)?)"
_NAME = r"[A-ZÀ-ÖØ-ÞĀ-Ž]'?[^\W\d_]+"
_INITIALS = r"(?:[A-ZÄÖÜ]\.[ -]?){0,3}"
_PARTICLES = r"(?:(?:von|vom|van|zu|zur|zum|de|del|di|da|dos|den|der|dem|ten|ter|el|al)\s+){0,3}"
PERSON = re.compile(
    rf"(?<![\w-])(?:(?P<form>Herrn?|HERRN?|Frau|FRAU|Fr\.|Hr\.)\s+(?:{_TITLE}\s*(?:med\.\s*)?)*"
    rf"|(?:{_TITLE}\s+(?:med\.\s+)?)+)"
    rf"(?P<name>{_INITIALS}{_PARTICLES}{_NAME}(?:[ -]{_PARTICLES}{_NAME}){{0,3}})(?P<rest>[\w.-]*)"
)
PLACE = re.compile(
    r"(?:stra(?:ß|ss)e|str\.?|weg|platz|allee|ring|gasse|ufer|park|br(?:ü|ue)cke|schule|gymnasium|kolleg|kita"
    r"|kindergarten|haus|heim|halle|stadion|stiftung|kirche|hospital|klinik|eiche|linde|buche)$",
    re.IGNORECASE,
)
"""Ends of words that make a name one of a street, house or tree."""

_DISTRICTS = "BOR|BOT|BÜR|CAS|COE|ERK|GLA|HAM|HER|HSK|JÜL|KLE|LEV|LIP|LÜD|LÜN|MON|SLE|VIE|WAF|WAN|WAR|WAT|WES|WIT"
"""Distinguishing signs of three letters in North Rhine-Westphalia (Anlage 1 FZV)."""
PLATE = re.compile(
    r"(?<![\w-])(?!DIN|(?:EU|EG|EWG)-(?:RL|VO) |FFH-|[A-ZÄÖÜ]-[A-Z] \d{2}(?!\d))"
    r"[A-ZÄÖÜ]{1,3}-[A-Z]{1,2} [1-9]\d{1,3}[EH]?(?![\w-])"
    rf"|(?<![\w-])(?:{_DISTRICTS})[ -][A-Z]{{1,2}} ?[1-9]\d{{1,3}}[EH]?(?![\w-])"
)
"""With the hyphen and the blank that the law asks for; written otherwise (HAM XX 1234) only after a sign that stands
for nothing else, for ids look like that too. Directives, habitats and roads (EU-RL 2008, K-B 12) are no plates."""
_DAY = r"\d{1,2}\.\s?(?:\d{1,2}\.|[A-Za-zä]{3,9})\s?(?:19|20)?\d{2}\b"
BIRTH = re.compile(
    r"(?:\bgeb(?:oren)?\b\.?|\bgeburtsdatum\b|\bgeburtstag\b)\s*(?:am|:)?\s*"
    rf"(?:{_DAY}|\d{{4}}-\d{{2}}-\d{{2}}\b|\d{{1,2}}/\d{{1,2}}/(?:19|20)?\d{{2}}\b)|(?<!\w)\*\s*{_DAY}",
    re.IGNORECASE,
)
TAX_NAMED = re.compile(
    r"(?:steuer-?id|idnr|identifikationsnummer|steuernummer)\D{0,20}(\d[ \d]{9,13}\d)", re.IGNORECASE
)
TAX_PRINTED = re.compile(r"(?<!\d)(\d{2} \d{3} \d{3} \d{3})(?! ?\d)")
ELEVEN_DIGITS = re.compile(r"(?<![\w.,-])(\d{11})(?![\w.,-])")


@dataclass(frozen=True)
class Hit:
    """A kind of personal data (in German) and in how many of the texts it was found."""

    kind: str
    count: int


def find_personal_data(texts: Sequence[str]) -> list[Hit]:
    """The kinds of personal data found in the texts of one column, with the number of texts that hold each."""
    times = Counter(texts)  # most columns repeat few values
    holders = {kind: {text for text in times if test(text)} for kind, test in _TESTS.items()}
    holders["Steuer-Identifikationsnummer"] = _with_tax_id(times)
    return [Hit(kind, sum(times[text] for text in found)) for kind, found in holders.items() if found]


_PHONES = (
    PHONE_INTERNATIONAL, PHONE_MOBILE, PHONE_NAMED, PHONE_SWITCHBOARD, PHONE_DOTTED, PHONE_IN_PAIRS, PHONE_EXTENSION,
)  # fmt: skip
"""Patterns that prove a number by themselves; PHONE_SEPARATED needs its digits counted."""


def _is_phone(text: str) -> bool:
    if any(pattern.search(text) for pattern in _PHONES):
        return True
    for match in PHONE_SEPARATED.finditer(text):
        area, separator, number = match.groups()
        digits = len(area) + sum(character.isdigit() for character in number)
        # A slash or bracket after the area code is how numbers are written; space and hyphen also part ids and hours.
        if digits >= (7 if "/" in separator or ")" in separator else 9) and digits <= 14:
            return True
    return False


def _has_iban(text: str) -> bool:
    for match in (*IBAN.finditer(text), *IBAN_GERMAN.finditer(text)):
        iban = re.sub("[ -]", "", match[1]).upper()
        length = IBAN_LENGTHS.get(iban[:2])
        if length is not None and len(iban) >= length:
            turned = iban[4:length] + iban[:4]
            # ISO 13616: letters count from A = 10, the number modulo 97 is 1.
            if int("".join(str(int(character, 36)) for character in turned)) % 97 == 1:
                return True
    return False


def _names_person(text: str) -> bool:
    return any(not _names_place(match) for match in PERSON.finditer(text))


def _names_place(match: re.Match[str]) -> bool:
    """Whether the name goes on to that of a place (Frau-Holle-Weg, Dr. Voß Platz). A first word that ends like one
    after Herr or Frau is a surname (Frau Steinhaus)."""
    words = re.split(r"[ -]", match["name"] + match["rest"])
    return any(PLACE.search(word) for word in words[bool(match["form"]) :])


def _with_tax_id(texts: Collection[str]) -> set[str]:
    """Texts with a tax id: named or printed as one, or bare where most eleven-digit numbers of the column are valid.

    One in 250 arbitrary eleven-digit ids has a valid check digit, so single bare numbers prove nothing in a column of
    ids, while in a column of tax ids all are valid.
    """
    named = {
        text
        for text in texts
        for pattern in (TAX_NAMED, TAX_PRINTED)
        if any(_is_tax_id(match[1].replace(" ", "")) for match in pattern.finditer(text))
    }
    bare = {text: match[1] for text in texts if (match := ELEVEN_DIGITS.search(text))}
    valid = {text for text, digits in bare.items() if _is_tax_id(digits)}
    return named | valid if 2 * len(valid) >= len(bare) else named


def _is_tax_id(digits: str) -> bool:
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


_TESTS: dict[str, Callable[[str], bool]] = {
    "E-Mail-Adresse": lambda text: EMAIL.search(text) is not None,
    "Telefonnummer": _is_phone,
    "IBAN": _has_iban,
    "Name einer Person": _names_person,
    "Kfz-Kennzeichen": lambda text: PLATE.search(text) is not None,
    "Geburtsdatum": lambda text: BIRTH.search(text) is not None,
}
