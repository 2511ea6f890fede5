"""Which characters of a text are a number plate, a file number of court or administration, or a date of birth?

``guessed`` is for scrubbing only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from stadtdaten.privacy.text.spans import Span, spans_of

_DISTRICTS = "BOR|BOT|BÜR|CAS|COE|ERK|GLA|HAM|HER|HSK|JÜL|KLE|LEV|LIP|LÜD|LÜN|MON|SLE|VIE|WAF|WAN|WAR|WAT|WES|WIT"
"""Distinguishing signs of three letters in North Rhine-Westphalia (Anlage 1 FZV)."""
PLATES = (
    re.compile(
        r"(?<![\w-])(?!DIN|(?:EU|EG|EWG)-(?:RL|VO) |FFH-|[A-ZÄÖÜ]-[A-Z] \d{2}(?!\d))"
        r"[A-ZÄÖÜ]{1,3}-[A-Z]{1,2} [1-9]\d{1,3}[EH]?(?![\w-])"
        rf"|(?<![\w-])(?:{_DISTRICTS})(?: - |[ :-])[A-Z]{{1,2}}[ -]?[1-9]\d{{1,3}}[EH]?(?![\w-])"
        rf"|(?<![\w-])(?:{_DISTRICTS})-[A-Z]{{1,2}} [1-9][EH]?(?![\w-])"
    ),
    re.compile(
        r"\b(?:(?:kfz-|auto-?)?kennzeichen|nummernschild|amtl\.|pkw|kfz|auto|lkw|roller|motorrad)(?!\w)"
        r"(?: (?:mit|lautet|ist|war|des|dem))*:? *"
        r"(?P<mark>[A-ZÄÖÜ]{1,3} ?-? ?[A-Z]{1,2} ?-?[1-9]\d{0,3}[EH]?)(?![\w-])",
        re.IGNORECASE,
    ),
)
"""With the hyphen and the blank that the law asks for; written otherwise (HAM XX 1234) only after a sign that stands
for nothing else, or where the text says that it is a plate, for ids look like that too. Directives, habitats and roads
(EU-RL 2008, K-B 12) are no plates."""
PLATE_LIKE = re.compile(r"(?<![\w-])[A-ZÄÖÜ]{1,3}(?:-| - | )[A-Z]{1,2}[ -]?[1-9]\d{0,3}[EH]?(?![\w-])")
PLATE_LOWER = re.compile(rf"(?<![\w-])(?:{_DISTRICTS})[ -][A-Z]{{1,2}}[ -]?[1-9]\d{{0,3}}[EH]?(?![\w-])", re.IGNORECASE)

_REGISTERS = (
    "O|C|S|T|U|W|K|L|M|N|E|B|A|D|F|P|R|H|OH|OS|UF|WF|UH|SH|IN|IK|IE|AR|Js|UJs|Ds|Cs|Ls|Ks|KLs|Ns|Qs|Gs|OWi|OWiG|VRJs"
    "|AS|AL|KR|KN|SO|SB|VE|RJ|BA|VI|XIV|XVII|Ca|Ga|Sa|Ta|BV|BVGa|TaBV|AZR|AZB|ABR|ZR|ZB|ARZ|StR|StS|ARs|BvR|BvL|BvF"
    "|BvE|Ss|Ws|RBs|RVs|SF|CN|BN|NE|VK|Verg|U Kart"
)
"""Register signs of German courts and prosecutors (Aktenordnungen der Länder und des Bundes), the usual ones."""
FILES = (
    re.compile(
        rf"(?<![\w/.,-])(?:(?:\d{{1,4}}|[IVX]{{1,4}})[a-z]? )(?:{_REGISTERS})(?: \(?[A-Za-z]{{1,4}}\)?)? "
        r"\d{1,6}[/-](?:19|20)?\d{2}(?:\.[A-Z]{1,2})?(?:-\d+/\d{2})?(?![\w/]|[.,]\d)"
    ),
    re.compile(
        r"(?<![\w-])(?:az\b\.?|gz\b\.|akten-?zeichen\b|akten-?nr\b\.?|aktennummer\b|aktenz\.|geschäfts-?zeichen\b|geschäfts-?nr\b\.?"
        r"|kassen-?zeichen\b|kassenz\.|kassen-?nr\b\.?|buchungszeichen\b|vorgangs-?nr\b\.?"
        r"|vorgangs-?nummer\b|(?:mein|unser|ihr) zeichen\b|fallnummer\b|bescheid-?nr\b\.?|bg-nummer\b|bg-nr\b\.?)"
        r"(?:\s*(?:[:=(]|nr\.?|nummer|lautet|ist|war|mit der nummer))*\s*"
        r"(?P<mark>(?=(?:[^\s\d]{0,8}[ ]?\d){3})"
        r"[\w(][\w./()-]*(?: ?[/.-] ?[\w./-]*\d[\w./-]*| (?:\d[\d./-]*|[A-Z]{1,3} \d[\d./-]*))*)",
        re.IGNORECASE,
    ),
)
FILE_LIKE = re.compile(r"(?<![\w/.,-])\d{1,4}(?:[.-]\d{1,5}){1,4}/\d{2,4}(?![\w/])")

_MONTH = r"(?:Jan|Feb|März|Maerz|Mär|Apr|Mai|Jun|Jul|Aug|Sep|Okt|Nov|Dez)[a-zä]*\.?"
_DAY = (
    rf"(?:\d{{1,2}}\.\s?(?:\d{{1,2}}\.|{_MONTH})\s?(?:(?:19|20)?\d{{2}})\b|\d{{4}}-\d{{2}}-\d{{2}}\b"
    r"|\d{1,2}/\d{1,2}/(?:19|20)?\d{2}\b|\d{1,2}-\d{1,2}-(?:19|20)\d{2}\b)"
)
BIRTHS = (
    re.compile(
        r"\b(?:geb(?:oren(?:e[rn]?)?)?|geburtsdatum(?:/-?(?:geburts)?ort)?|geburtstag|geb\.?-?datum|geburts-?dat|gebdat)\b[.:]*\s*"
        rf"(?:am|ist|der|den|lautet|:|\(|wurde|\s)*\s*(?:(?:Mo|Di|Mi|Do|Fr|Sa|So)\w*,?\s*(?:dem|den)?\s*)?{_DAY}",
        re.IGNORECASE,
    ),
    re.compile(rf"(?<![\w*])\*\s*{_DAY}", re.IGNORECASE),
    re.compile(
        rf"\b(?:bin|ist|wurde|wurden?)\s+(?:ich\s+)?am\s+(?P<mark>{_DAY})(?:\s+in\s+[^\W\d_][\w-]*)?\s+geboren\b",
        re.IGNORECASE,
    ),
)
BIRTH_LIKE = re.compile(rf"\b(?:gebor|geburt|jahrgang)\w*\D{{0,40}}(?P<mark>{_DAY})", re.IGNORECASE)


def plates(text: str) -> Iterator[Span]:
    """Number plates of vehicles."""
    yield from spans_of("plate", PLATES[0], text)
    yield from spans_of("plate", PLATES[1], text, "mark")


def file_numbers(text: str) -> Iterator[Span]:
    """File numbers of courts by their register sign; those of administrations where they are named so."""
    yield from spans_of("file_number", FILES[0], text)
    for match in FILES[1].finditer(text):
        mark = match["mark"].rstrip(".-/( ")
        if sum(character.isdigit() for character in mark) >= 3:
            yield Span("file_number", match.start("mark"), match.start("mark") + len(mark))


def birth_dates(text: str) -> Iterator[Span]:
    """Dates that the text says somebody was born on; the year alone is none."""
    for pattern in BIRTHS:
        group = "mark" if "mark" in pattern.groupindex else 0
        yield from (Span("birth_date", *match.span(group)) for match in pattern.finditer(text))


def guessed(text: str) -> Iterator[Span]:
    """Plates and file numbers in any writing, and every date that follows a word of birth."""
    for pattern in (PLATE_LIKE, PLATE_LOWER):
        yield from spans_of("plate", pattern, text)
    yield from spans_of("file_number", FILE_LIKE, text)
    yield from spans_of("birth_date", BIRTH_LIKE, text, "mark")
