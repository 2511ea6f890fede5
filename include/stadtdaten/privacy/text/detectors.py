"""Does a text hold personal data, of which kind, and where?

Nobody can override a privacy failure, so a detector must not fire on ordinary municipal data: streets named after
people (Dr.-Lammert-Weg), municipality keys with a leading zero, opening hours, dates. Each family of kinds has a module
of its own; how well they do is measured in docs/erkennung-personenbezug.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from stadtdaten.contracts.protection import PersonalKind
from stadtdaten.privacy.text import addresses, checked_numbers, contact, names, official_marks
from stadtdaten.privacy.text.spans import Span, apart
from stadtdaten.privacy.text.writing import as_read

Detector = Callable[[str], Iterator[Span]]

DETECTORS: dict[PersonalKind, Detector] = {
    "iban": checked_numbers.ibans,
    "social_security_number": checked_numbers.social_security_numbers,
    "tax_id": checked_numbers.tax_ids,
    "email": contact.emails,
    "phone": contact.phones,
    "file_number": official_marks.file_numbers,
    "birth_date": official_marks.birth_dates,
    "plate": official_marks.plates,
    "address": addresses.addresses,
    "name": names.names,
}
"""In the order in which they are believed where they claim the same characters."""

_GIVEN_NAME = rf"(?:^|[^\pL])(?i:{'|'.join(sorted(names.GIVEN_NAMES))})(?:[^\pL]|$)"
_POSSIBLE: dict[PersonalKind, str] = {
    "iban": r"[A-Z]{2}\d\d(?: ?[A-Z0-9]{4}){2}|(?i:de)[ -]?\d\d(?:[ -]?\d){4}",
    "social_security_number": r"\d[ -]?[A-Za-z][ -]?\d\d",
    "tax_id": r"\d\d \d{3} \d{3} \d{3}|(?i:steuer|idnr|identifikation)",
    "email": r"@|[\[({]\s?(?i:at|ät)\s?[\])}]",
    "phone": r"\+\d|(?:^|\D)0[01-9 ][\d ./()–-]{3,}\d|(?i:tel|fon|mobil|handy|fax|ruf|durchwahl|erreichbar)\D{1,20}\d",
    "file_number": r"\d[/-]\d\d|(?i:az|gz|akten|zeichen|kasse|vorgang|nummer|nr)\D{0,40}\d",
    "birth_date": r"(?i:geb)|\*",
    "plate": r"[A-ZÄÖÜ][ :-]?[A-Z]{0,2}[ -]?[1-9]|(?i:kennzeichen|schild|amtl|pkw|kfz|auto|lkw|roller|motorrad)",
    "address": r"(?i:stra(?:ß|ss)e|str|weg|platz|allee|gasse|ufer|chaussee|promenade|pfad|stieg|stiege|steig|damm|wall"
    r"|ring|kamp|markt|graben|brink|busch|siedlung|landwehr|heide)\.?\s*(?:(?:Nr\.?|Hausnummer|Haus)\s*)?[1-9]"
    r"|\d{5}\s+\p{Lu}"
    r"|(?:Am|An|Auf|Im|In|Zum|Zur|Zu|Hinter|Unter|Unterm|Vor|Vorm|Über|Überm|Beim|Bei|Ob|Oberm)['’m]*\s\D{1,80}[1-9]",
    "name": r"\bHr\b|(?i:herr|frau|fr\.|hr\.|hrn|frl\.|fräulein|famil|fam\.|ehe|dr\.|prof|mag\.|dipl|pd|doktor|gez|mfg)"
    r"|(?i:mein name)|(?:^|[^\pL])(?i:lg|vg|i\.\s?[avo]\.)|(?i:grü|grue|gruß|gruss|achtungsvoll|ich heiße)"
    r"|(?i:ihre? (?:nachbar|mieter))|\p{Lu}\.|(?:zeichner|bearbeit\pL*|er|in|ung|Zeuge|person)\s*:\s*[\pL]"
    r"|" + _GIVEN_NAME,
}
"""What a text must have at least to be looked at (RE2, which knows no context but is fast on whole columns)."""


@dataclass(frozen=True)
class Hit:
    """A kind of personal data and in how many of the texts it was found."""

    kind: PersonalKind
    count: int


def find(text: str) -> tuple[Span, ...]:
    """Where personal data stands in the text (``as_read``), in its order, without overlaps."""
    return apart(span for detector in DETECTORS.values() for span in detector(text))


def find_personal_data(texts: Sequence[str]) -> list[Hit]:
    """The kinds of personal data found in the texts of one column, with the number of texts that hold each.

    However they are written: the texts are looked at as a reader sees them (``as_read``).
    """
    times: Counter[str] = Counter()
    for text, count in Counter(texts).items():  # most columns repeat few values
        times[as_read(text)] += count
    different = list(times)
    column = _arrow(different)
    spans: dict[str, list[Span]] = {}
    for kind, detector in DETECTORS.items():
        for text in _candidates(different, column, _POSSIBLE[kind]):
            if found := list(detector(text)):
                spans.setdefault(text, []).extend(found)
    counts: Counter[PersonalKind] = Counter()
    tax_ids = checked_numbers.bare_tax_ids(_candidates(different, column, r"\d{11}"))
    for text in spans.keys() | tax_ids:
        kinds = {span.kind for span in apart(spans.get(text, ()))}
        if text in tax_ids:
            kinds.add("tax_id")
        for kind in kinds:
            counts[kind] += times[text]
    return [Hit(kind, counts[kind]) for kind in DETECTORS if counts[kind]]


def _arrow(texts: list[str]) -> pa.Array:
    """The texts as a column; half a surrogate pair, which no UTF-8 can hold, as a question mark."""
    try:
        return pa.array(texts, pa.large_string())
    except UnicodeEncodeError:
        return pa.array([text.encode("utf-8", "replace").decode() for text in texts], pa.large_string())


def _candidates(texts: list[str], column: pa.Array, pattern: str) -> list[str]:
    """Those of the texts (also given as a column) in which the simple pattern occurs."""
    fits = pc.match_substring_regex(column, pattern=pattern)
    return [text for text, fit in zip(texts, fits.to_pylist(), strict=True) if fit]
