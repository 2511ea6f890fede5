"""Which characters of a text are a postal address: a street with a house number, and the place that follows?

A street without a number and a post code with its place (59065 Hamm) are none: thousands live there. ``addresses`` is
sure enough to block a release; addresses of schools and playgrounds are addresses, too, and the contract says that
they are expected. ``guessed`` is for scrubbing only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from stadtdaten.privacy.text.spans import Span, spans_of
from stadtdaten.privacy.text.words import words

NO_STREETS = words("no_streets.txt")
"""What has a number after Am, Im or Zum, and is no street: Im Raum 12, Am Montag."""

_UPPER = "A-ZÄÖÜ"
_BEFORE = rf"(?:[{_UPPER}][\w.'’]*[ -](?:(?:[{_UPPER}][\w.'’]*|von|der|den|dem)[ -]){{0,3}})?"
_NUMBER = (
    r"(?:Nr\.?\s*|Hausnummer\s|Haus\s)?[1-9]\d{0,2}(?:\s?[a-z](?![\w]))?(?:\s?[-–/+,]\s?[1-9]\d{0,2}(?:\s?[a-z](?!\w))?)?"
    r"(?!\w|[.,:]\d|\s[A-Za-z]{1,4} \d+/\d"
    r"|\s?(?:%|€|Uhr|Euro|EUR|km\b|m²|qm|cm\b|Meter\b|Stück\b|Jahre|Prozent\b))"
    r"(?!\.\s?(?:\d|Jan|Feb|März|Apr|Mai|Ju|Aug|Sep|Okt|Nov|Dez))"
)
_PLACE = rf"(?:[\s,]+(?:D-)?\d{{5}}\s+[{_UPPER}][^\W\d_]+(?:[ -][{_UPPER}][^\W\d_]+)*)?"
_KINDS = (
    r"(?:[Ss]tra(?:ß|ss)e|[Ss]tr\.|[Ss]tr|STRASSE|STRAßE|STR\.|[Ww]eg|[Pp]latz|[Aa]llee|[Gg]asse|[Uu]fer|[Cc]haussee"
    r"|[Pp]romenade|[Pp]fad|[Ss]tiege?|[Ss]teig|[Dd]amm|[Ww]all|[Rr]ing|[Kk]amp|[Mm]arkt|[Gg]raben|[Bb]rink|[Bb]usch"
    r"|[Ss]iedlung|[Ll]andwehr|[Hh]eide)"
)
STREET = re.compile(
    rf"(?<![\w-]){_BEFORE}(?P<street>[{_UPPER}](?:[\w.'’-]{{0,60}}?[\w.-])?{_KINDS}|(?<=[\w.] ){_KINDS}|(?<=-){_KINDS})"
    rf"\s?{_NUMBER}{_PLACE}"
)
STREET_LOWER = re.compile(
    rf"(?<![\w-])[^\W\d_]{{3,}}stra(?:ß|ss)e\s{_NUMBER}{_PLACE}|(?<![\w-])[^\W\d_]{{3,}}str\.\s?{_NUMBER}{_PLACE}"
)
LOCATED = re.compile(
    r"(?<![\w-])(?:Am|An der|An dem|An den|Auf dem|Auf der|Auf den|Auf’m|Auf'm|Im|In der|In den|In dem|Zum|Zur|Zu den"
    r"|Hinter der|Hinter dem|Hinter den|Unter der|Unter den|Unterm|Vor dem|Vor der|Vor den|Vorm|Überm|Über der|Beim"
    r"|Bei der|Bei den|Oberm|Ob der|Unter dem)\s+"
    rf"(?P<at>(?:(?:alten?|neuen?|hohen?|langen?|kleinen?|großen?|[{_UPPER}][\w-]*\.?)\s)?"
    rf"[{_UPPER}][^\W\d_]+(?:[- ][{_UPPER}][^\W\d_]+)?)\s{_NUMBER}{_PLACE}"
)
WITH_PLACE = re.compile(
    rf"(?<![\w-])(?:[{_UPPER}][\w.'’-]*\s){{0,3}}[{_UPPER}][\w.'’-]+\s{_NUMBER}[\s,]+(?:D-)?\d{{5}}\s+[{_UPPER}][^\W\d_]+"
)
POSTCODE = re.compile(rf"(?<!\d)\d{{5}}\s+[{_UPPER}][^\W\d_]+(?:[ -][{_UPPER}][^\W\d_]+)?")

_NO_STREET = re.compile(
    r"(?:spiel|bolz|sport|park|stell|tennis|fußball|fussball|stau|lager|sitz|arbeits|kita|liege|warte|abstell|camping|standplatz"
    r"|rast|halte|bau|garagen|flug|lade|reit|ponyreit|frei|u3-|ganztags|pflege|studien|ausbildungs|schul|schlaf)platz$"
    r"|(?:rad|fuß|geh|wander|reit|rund|schul|wirtschafts|feld|wald|kreuz|fuss|rettungs|ausbildungs|bildungs|radwander|lehr|zugangs)weg$"
    r"|(?:bundes|land|landes|kreis|haupt|wohn|gemeinde|anlieger|neben|quer|privat|fahrrad|einbahn|zubringer|ring|erschließungs"
    r"|stich|vorfahrt|durchgangs|daten|auto|schnell)stra(?:ß|ss)e$"
    r"|(?:bahn|berg|bürger|ein|aus)steig$|(?:wochen|floh|super|bau|verbraucher|weihnachts|jahr|arbeits|trödel|teil|elektro|ge)markt$"
    r"|(?:kinder|lern|lehr|wander|lauf|kletter|spiel|trimm|natur)pfad$|^(?:straße|strasse|str\.?|weg|platz|markt|ring|kamp|damm)$"
    r"|(?:bahn|hochwasser)damm$|(?:he|ehe|beich|kompe)ring$|^sp(?:r)?ing$|(?:boxring|hering|fering|ehering|trauring|schmetterling)$",
    re.IGNORECASE,
)
"""Words that end like a street and are none, whatever number follows."""


def addresses(text: str) -> Iterator[Span]:
    """Streets with a house number, with post code and place where they follow."""
    for match in STREET.finditer(text):
        follows = match.start("street") > match.start()
        if not _NO_STREET.search(match["street"]) or (follows and _is_word(match["street"])):
            yield Span("address", *match.span())
    for match in STREET_LOWER.finditer(text):
        if not _NO_STREET.search(re.split(r"\s", match[0])[0]):
            yield Span("address", *match.span())
    for match in LOCATED.finditer(text):
        if not NO_STREETS & set(re.split(r"[\s-]", match["at"])):
            yield Span("address", *match.span())
    yield from spans_of("address", WITH_PLACE, text)


def _is_word(street: str) -> bool:
    """Whether the kind of street is a word of its own: Lange Straße 3, where other words stand before it."""
    return street.casefold().rstrip(".") in {
        "straße",
        "strasse",
        "str",
        "weg",
        "platz",
        "markt",
        "ring",
        "kamp",
        "damm",
    }


def guessed(text: str) -> Iterator[Span]:
    """Post code and place, too."""
    return spans_of("address", POSTCODE, text)
