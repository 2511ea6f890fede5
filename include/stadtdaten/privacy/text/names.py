"""Which characters of a text are the name of a person?

Found by what stands before it (Herr, Familie, Dr., gez., Sachbearbeiterin:), by a usual given name before a surname
(Hans Meier) or after it (Meier, Hans). Streets, schools, cultivars, churches and firms bear names of people, too, and
are told apart by the words around. A surname alone is not found: most are words of the language.

``names`` is sure enough to block a release; ``guessed`` is for scrubbing only. The given names
(``given_names.txt``) are the usual ones in Germany of German, Turkish, Polish, Russian, Arabic and South European
origin, without those that are ordinary words (August, Rosa, Nur, Roman).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from stadtdaten.privacy.text.spans import Span, spans_of
from stadtdaten.privacy.text.words import words

GIVEN_NAMES = frozenset(name.casefold() for name in words("given_names.txt"))
NO_SURNAMES = words("no_surnames.txt")
"""Capitalised words that stand where a surname could, and are none."""
NO_NAMES_IN_LOWER_CASE = words("no_names_in_lower_case.txt")
"""Words that follow frau and herr where somebody writes everything in small letters."""

_UPPER = "A-ZÀ-ÖØ-ÞĆČĎĐĘĚĞİŁŃŇŐŘŚŠŞŤŮŰŹŻŽ"
_WORD = rf"(?:[DdO]['’])?[{_UPPER}][^\W\d_]+"
_COMPOUND = rf"{_WORD}(?:-{_WORD})*"
_INITIAL = rf"[{_UPPER}]\."
_PARTICLES = r"(?:(?:von|vom|van|zu|zur|zum|und zu|de|del|di|da|dos|den|der|dem|ten|ter|el|al|bin|ibn)\s+){0,3}"
_TITLE = (
    r"(?:(?:Prof|Dr|DR|PROF|Mag)\.(?:-[A-Z][a-z]{1,4}\.)?|Dipl\.-[A-Z][a-zäöü]+\.?(?:\s?\([A-Z]{2,3}\))?|PD|Professor(?:in)?|Doktor)"
    r"(?:\s*(?:med|rer|nat|phil|jur|iur|h\.\s?c|dent|vet|pol|theol|habil|oec|Ing|agr)\.)*"
)
_FORM = (
    r"(?:Herrn?|HERRN?|Frau|FRAU|Fr\.|Hr\.?|Hrn\.?|Frl\.|Fräulein|Familie|FAMILIE|Familien|Fam\.|Eheleuten?|Ehepaar"
    r"|Nachbarsfamilie)"
)
_OFFICE = (
    r"(?:(?:Ober|Alt)?[Bb]ürgermeister(?:in|s)?|Rats(?:herrn?|frau|mitglied)|Stadt(?:rat|rätin|verordneter?)|Dezernent(?:in)?"
    r"|Kollegin|Kollegen?|Nachbarn?|Nachbarin|Rechtsanwalt|Rechtsanwältin|RA|Pfarrer(?:in)?|Pastor(?:in)?|Amtsleiter(?:in)?)"
)
_NAME = rf"(?:{_INITIAL}[ -]?){{0,3}}{_PARTICLES}{_COMPOUND}(?:\s+(?:{_INITIAL}\s+)?{_PARTICLES}{_COMPOUND}){{0,3}}"

ADDRESSED = re.compile(
    rf"(?<![\w-])(?:(?P<form>{_FORM})\s+(?:(?:und|u\.)\s+{_FORM}\s+)?(?:{_OFFICE}\s+)?(?:{_TITLE}\s*)*|(?:{_TITLE}\s+)+)"
    rf"(?!(?:der|den|dem)\s)(?P<name>{_NAME})(?P<rest>[\w-]*)"
)
LOWER = re.compile(
    r"(?<![\w-])(?:herrn?|frau|familie|fam\.|eheleute|hr\.)\s+(?:dr\.\s+)?(?P<name>[^\W\d_]{3,}(?:-[^\W\d_]+)*|[^\W\d_]{2}-[^\W\d_]{3,})(?![\w-])"
)
SIGNED = re.compile(
    r"(?<!\w)(?:(?:[Mm]ein Name ist|[Ii]ch heiße|Ihre? (?:Nachbarn?|Nachbarin|Mieter|Mieterin))\s+"
    r"|(?:gez\.|gezeichnet:?|i\.\s?A\.|i\.\s?V\.|i\.\s?O\.|MfG|mfg|Mfg|MFG|lg|vg|LG,|VG,|[Hh]ochachtungsvoll"
    r"|(?:[Mm]it\s+|[Vv]iele[nr]?\s+|[Bb]este[nr]?\s+|[Ll]iebe[nr]?\s+|[Ss]chöne[nr]?\s+|[Hh]erzliche[nr]?\s+"
    r"|[Ff]reundliche[nrs]?\s+){1,2}(?:[Gg]r(?:üße|ue(?:ss|ß)e)n?|[Gg]ru(?:ß|ss))(?:\s+(?:Ihr|Ihre|eure?|dein)\b)?)[\s,:!–-]*"
    r"|(?:Unterzeichner(?:in)?|Sachbearbeit(?:er|erin|er\*in|ung)|Bearbeiter(?:in)?|Verfasser(?:in)?|Antragsteller(?:in)?"
    r"|Anmelder(?:in)?|Melder(?:in)?|Anrufer(?:in)?|Beschwerdeführer(?:in)?|Petent(?:in)?|Zeug(?:e|in)|Fahrzeughalter(?:in)?"
    r"|Halter(?:in)?|Ansprechpartner(?:in)?|Ansprechperson|Kontaktperson|Berichterstatter(?:in)?|Schriftführer(?:in)?"
    r"|Einsender(?:in)?)\s*:\s*)"
    rf"(?P<name>(?!(?:der|den|dem|des)\s)(?:{_TITLE}\s+{_NAME}|(?:{_INITIAL}\s?){{1,2}}{_PARTICLES}{_COMPOUND}"
    rf"|{_PARTICLES}{_COMPOUND}(?:[ ]{_PARTICLES}{_COMPOUND}){{0,2}}))"
    r"(?P<rest>[\w-]*)"
)
INITIALLED = re.compile(
    rf"(?<![\w-])(?:{_OFFICE}|Mieter(?:in)?|Anwohner(?:in)?|Eigentümer(?:in)?|Hausmeister(?:in)?|Ihre?|Eure?|[Vv]on|[Dd]urch)\s+"
    rf"(?P<name>(?:{_INITIAL}\s?){{1,2}}{_PARTICLES}{_COMPOUND})(?P<rest>[\w-]*)"
)
OFFICIAL = re.compile(rf"(?<![\w-]){_OFFICE}\s+(?P<name>{_COMPOUND}(?:\s+{_PARTICLES}{_COMPOUND})?)(?P<rest>[\w-]*)")
CAPITAL = re.compile(rf"(?<![\w.'’-]){_COMPOUND}")
AFTER_GIVEN = re.compile(
    rf"(?P<middle>(?:\s{_INITIAL}){{0,2}})\s+(?P<surname>{_PARTICLES}{_COMPOUND})(?P<rest>[\w\ufffd-]*)"
    rf"(?:\s+(?P<next>[{_UPPER}][\w.&-]*))?"
)
REVERSED = re.compile(rf"(?<![\w-])(?P<surname>{_PARTICLES}{_COMPOUND}),\s?(?P<given>{_COMPOUND})(?![\w-])")
LONE_INITIAL = re.compile(rf"(?<![\w.-]){_INITIAL}\s?{_PARTICLES}{_COMPOUND}(?![\w-])")

_PLACE_WORDS = (
    r"stra(?:ß|ss)en?|str\.?|weg(?:e|es)?|platz(?:es)?|allee|ring|gasse|ufer|park|br(?:ü|ue)cke|(?:grund|real|haupt|förder|gesamt"
    r"|musik|hoch|sekundar|individual|welt)?schulen?|gymnasium|gymnasien|(?:berufs)?kolleg|kita|kindergarten|familienzentrum"
    r"|tageseinrichtung|haus|hause|heim|halle|stadion|stift|stiftung|kirche|kapelle|hospital|klinik|krankenhaus|eiche|linde"
    r"|buche|preis|saal|bad|zentrum|siedlung|hof|damm|wall|graben|anlage|quelle|schacht|zeche|denkmal|museum|bücherei|forum"
    r"|gesellschaft|gemeinde|verein|verband|akademie|institut|universität|stele|bund|werk"
)
PLACE = re.compile(
    r"(?:stra(?:ß|ss)e|str\.?|weg|platz|allee|gasse|schulen?|gymnasium|kolleg|kita|kindergarten|stiftung|br(?:ü|ue)cke|kirche"
    r"|forum|zentrum|stadion|museum|klinik|hospital)$",
    re.IGNORECASE,
)
"""Ends of words that make a name one of a street or a house (Lammertweg), and seldom are those of a surname."""
_BUILT = re.compile(r"(?:stra(?:ß|ss)e|schule|platz|kirche|gymnasium)$")
"""Ends of words that are none of a surname."""
PLACE_WORD = re.compile(
    rf"(?:(?:spiel|bolz|sport|park|markt|schul|kirch|fest|reit|tennis|ball)+platz|{_PLACE_WORDS})$", re.IGNORECASE
)
"""Whole words (between hyphens) of that meaning: Steinhaus and Kirchweg may be surnames."""
FIRM = re.compile(r"(?:GmbH|gGmbH|AG|KG|KGaA|OHG|UG|SE|mbH|GbR|Co|&|e\.V|eV|eG|Verlag|Söhne|Straße|Str\.)")

_NO_GIVEN_BEFORE = re.compile(
    r"(?:\b(?:St\.|Sankt|Santa|San|Hl\.|Heilige[rn]?|Kita|Kitas|Kindergarten|Kindertagesstätte|Familienzentrum|Schule|Stiftung"
    r"|Haus|Zeche|Platz|Kirche|Gymnasium|Florian)|-)\s*$"
)
_FIELD_OF_POLICY = re.compile(
    r"\b(?:Jugend|Bildung|Kinder|Schule|Soziales|Frauen|Senioren|Gesundheit|Arbeit|Sport|Integration)(?: und|,)\s+$"
)
"""Jugend und Familie Berlin is an office."""
_CULTIVAR = re.compile(
    r"(?:[a-z]{3,}|[A-Z][a-zäöü]*(?:us|a|um|is|er|es|on|ix|rose|apfel|birne|kirsche|linde|ahorn|eiche|buche|dahlie|iris|flieder))"
    r"\s+(?:x\s+|×\s*)?(?P<cultivar>['‘’‚\"„“»][^'‘’\"“”«»]{2,40}['‘’\"“”«])"
)
"""A cultivar stands in quotes after the name of its plant: Rosa 'Frau Karl Druschki'."""


def names(text: str) -> Iterator[Span]:
    """Names of persons, with the form of address, title or given name that belongs to them."""
    cultivars = [match.span("cultivar") for match in _CULTIVAR.finditer(text)]
    for span in _all_names(text):
        if not any(start <= span.start and span.end <= end for start, end in cultivars):
            yield span


def _all_names(text: str) -> Iterator[Span]:
    yield from _addressed(text)
    for match in LOWER.finditer(text):
        if match["name"].casefold() not in NO_NAMES_IN_LOWER_CASE and match["name"] not in NO_SURNAMES:
            yield Span("name", *match.span())
    for pattern in (SIGNED, INITIALLED):
        for match in pattern.finditer(text):
            last = _without_common_words(match["name"])
            if last and not _is_place(match["name"] + match["rest"]):
                yield Span("name", match.start("name"), match.start("name") + len(last))
    yield from _with_given_name(text)
    yield from _reversed(text)


def _addressed(text: str) -> Iterator[Span]:
    """Names after a form of address or a title."""
    for match in ADDRESSED.finditer(text):
        words = re.split(r"[\s-]+", match["name"] + match["rest"])
        # A first word that ends like a place after Herr or Frau is a surname (Frau Steinhaus).
        if any(
            (PLACE_WORD.fullmatch if match["form"] else PLACE.search)(word) for word in words[bool(match["form"]) :]
        ):
            continue
        if match["form"] and (PLACE_WORD.fullmatch(words[0]) and len(words) > 1):
            continue
        if match["form"] == "Familie" and _FIELD_OF_POLICY.search(text[: match.start()]):
            continue
        name = _without_common_words(match["name"])
        if name and not words[0].endswith(("aceae", "gewächse")):
            yield Span("name", match.start(), match.start("name") + len(name))


def _without_common_words(name: str) -> str:
    """The name up to the first word that is none: Herr Müller Bitte; "" where the first already is none."""
    end = 0
    for match in re.finditer(r"[^\s]+", name):
        if match[0] in NO_SURNAMES:
            break
        end = match.end()
    kept = name[:end]
    # What is left must be more than initials and particles.
    return kept if re.search(rf"(?:^|\s|\.)-?{_WORD}", kept) else ""


def _is_place(name: str) -> bool:
    """Whether a word of the name is one of a street, school or the like, alone or after a hyphen."""
    words = re.split(r"[\s-]+", name)
    return any(PLACE_WORD.fullmatch(word) for word in words) or name.endswith(
        ("amt", "werke", "büro", "stelle", "team")
    )


def _with_given_name(text: str) -> Iterator[Span]:
    """A usual given name (or several, or with initials) and a surname."""
    end = 0
    for first in CAPITAL.finditer(text):
        if (
            first.start() < end
            or not _is_given(first[0])
            or _NO_GIVEN_BEFORE.search(text, max(0, first.start() - 40), first.start())
        ):
            continue
        at = first.end()
        while (match := AFTER_GIVEN.match(text, at)) is not None and _is_given(match["surname"]) and not match["rest"]:
            at = match.end("surname")
        end = at  # the names between have the same words after them
        if match is None or match["rest"] or match["surname"].split()[-1] in NO_SURNAMES:
            continue
        if _is_place(match["surname"]) or _PLANT.search(match["surname"]) or _names_a_place(match["next"] or ""):
            continue
        if _BUILT.search(match["surname"]):
            continue
        end = match.end("surname")
        yield Span("name", first.start(), end)


_PLANT = re.compile(
    r"-(?:wild)?(?:apfel|birne?|kirsch|pflaume|esche|ahorn|eiche|buche|linde|rose|magnolie|dahlie|flieder|baum)\w*$",
    re.IGNORECASE,
)
"""A plant named after a person: John-Downie-Apfel, also written John Downie-Apfel."""


def _names_a_place(word: str) -> bool:
    return bool(word) and (FIRM.match(word) is not None or PLACE.search(word) is not None)


def _is_given(word: str) -> bool:
    """Whether all parts of a word are given names (Hans-Peter)."""
    return all(part in GIVEN_NAMES for part in word.casefold().split("-"))


def _reversed(text: str) -> Iterator[Span]:
    """Surname, comma, given name, as in registers."""
    for match in REVERSED.finditer(text):
        surname = match["surname"].split()[-1]
        is_surname = not _is_given(surname) and surname not in NO_SURNAMES and not _is_place(surname)
        if is_surname and _is_given(match["given"]):
            yield Span("name", *match.span())


def guessed(text: str) -> Iterator[Span]:
    """Every given name with the capitalised words after it, initials with a word, words after the name of an office."""
    yield from _all_names(text)
    yield from spans_of("name", ADDRESSED, text)
    yield from spans_of("name", LONE_INITIAL, text)
    for match in OFFICIAL.finditer(text):
        if match["name"].split()[0] not in NO_SURNAMES:
            yield Span("name", *match.span("name"))
    for first in CAPITAL.finditer(text):
        if _is_given(first[0]):
            following = AFTER_GIVEN.match(text, first.end())
            if following is None or following["surname"].split()[-1] in NO_SURNAMES:
                yield Span("name", *first.span())
            else:
                yield Span("name", first.start(), following.end("surname"))
