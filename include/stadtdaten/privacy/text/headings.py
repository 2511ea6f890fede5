"""What does the heading of a column make of the values below it?

A date alone is no date of birth, and Meier alone no name; below "Geburtsdatum" and "Nachname" they are. Detectors look
at one text at a time and cannot know; who declared such a column public has made a mistake.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from stadtdaten.contracts.protection import PersonalKind
from stadtdaten.privacy.text.detectors import Hit

_WRITTEN: dict[PersonalKind, tuple[str, str]] = {
    "tax_id": (r"steuer[-_ ]?(?:id|ident)", r"^(?:\D*\d){11}\D*$"),
    "social_security_number": (r"(?:sozial|renten)[-_ ]?(?:versicherungs|vers)[-_. ]?n", r"^(?:\D*\d){11}"),
    "phone": (
        r"(?<![^\W_])(?:telefon|telefax|fax|handy|mobil|tel|ruf|durchwahl)(?:[-_]?(?:nummer|nr))?(?![^\W_])",
        r"(?:\D*\d){5}",
    ),
    "file_number": (r"(?:akten|kassen|geschäfts|geschaefts)[-_]?zeichen", r"(?:\D*\d){3}"),
    "birth_date": (
        r"(?<![^\W_])geb(?:urts)?[-_. ]?(?:dat|tag)|(?<![^\W_])geboren",
        r"\d{1,2}\.\s?\d{1,2}\.\s?\d{2}|\d{1,2}[/-]\d{1,2}[/-]\d{2}|\d{4}-\d{2}-\d{2}|^\d{8}$",
    ),
    "plate": (r"^(?:kfz[-_ ]?|amtliches[-_ ])?kennzeichen$", r"^[A-ZÄÖÜ]{1,3}[ :-]*[A-Z]{1,2}[ -]*\d{1,4}[EH]?$"),
    "name": (
        r"^(?:nach|familien|geburts|zu)[-_]?name$|^ansprechperson$|"
        r"^(?:(?:sach)?bearbeiter|(?:tier|hunde|fahrzeug)?halter|inhaber|antragsteller|ansprechpartner)"
        r"[*:_]?(?:in)?(?:(?:\s+(?:oder|und|bzw\.)\s+|\s*/\s*)-?\w+)?$",
        r"^\W*[^\W\d_]{2}",
    ),
}
"""Kind to what headings say it, and what a value must look like below one."""

_HEADINGS = {
    kind: (re.compile(heading, re.IGNORECASE), re.compile(value)) for kind, (heading, value) in _WRITTEN.items()
}


def headed(headings: Sequence[str], values: Iterable[object]) -> Iterator[Hit]:
    """The kinds that one of a column's ``headings`` (title, name, name in the source) names, and how many of its
    ``values`` look like them."""
    for kind, (heading, value) in _HEADINGS.items():
        if any(heading.search(each) for each in headings):
            count = sum(value.search(str(each)) is not None for each in values)
            if count:
                yield Hit(kind, count)
