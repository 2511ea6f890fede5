"""How is personal data taken out of free text?

What the detectors find, and what they merely guess, is replaced by its kind in brackets: ``Bitte rufen Sie [Name] an``.
Scrubbing is more eager than the audit, because a word too many in brackets costs little, and a name that stays costs
much. It remains a method for texts whose release a human has allowed: nobody's words are safe because no pattern fits.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from stadtdaten.contracts.protection import PERSONAL_KIND_TITLES, PersonalKind
from stadtdaten.privacy.text import addresses, checked_numbers, contact, names, official_marks
from stadtdaten.privacy.text.detectors import find
from stadtdaten.privacy.text.writing import as_read

_GUESSES = (checked_numbers.guessed, contact.guessed, official_marks.guessed, addresses.guessed, names.guessed)
_TITLES: dict[PersonalKind, str] = PERSONAL_KIND_TITLES | {"name": "Name", "file_number": "Aktenzeichen"}


@dataclass(frozen=True)
class _Passage:
    """Characters ``start`` up to (not with) ``end`` that are to be replaced by the title in brackets."""

    title: str
    start: int
    end: int


def scrub(texts: Sequence[str], patterns: Mapping[str, str]) -> list[str]:
    """The texts, in usual characters (``as_read``), with everything personal replaced by its kind in brackets.

    ``patterns`` are further kinds: what to write in the brackets, and the regular expression of what it replaces
    (``Scrub.patterns`` of the contract). Scrubbing what was scrubbed changes nothing.
    """
    compiled = {title: re.compile(pattern) for title, pattern in patterns.items()}
    brackets = re.compile("|".join(re.escape(f"[{title}]") for title in {*_TITLES.values(), *patterns}))
    cleaned = {text: _cleaned(as_read(text), compiled, brackets) for text in dict.fromkeys(texts)}
    return [cleaned[text] for text in texts]


def _cleaned(text: str, patterns: Mapping[str, re.Pattern[str]], brackets: re.Pattern[str]) -> str:
    """The text after as many rounds as it takes: what is taken out may bring together what belongs together.

    Every round replaces characters outside of brackets, so there are at most as many rounds as characters.
    """
    while passages := _outside(_joined(_passages(text, patterns)), text, brackets):
        pieces, end = [], 0
        for passage in passages:
            pieces += [text[end : passage.start], f"[{passage.title}]"]
            end = passage.end
        text = "".join((*pieces, text[end:]))
    return text


def _passages(text: str, patterns: Mapping[str, re.Pattern[str]]) -> Iterator[_Passage]:
    for span in find(text):
        yield _Passage(_TITLES[span.kind], span.start, span.end)
    for guess in _GUESSES:
        for span in guess(text):
            yield _Passage(_TITLES[span.kind], span.start, span.end)
    for title, pattern in patterns.items():
        yield from (_Passage(title, *match.span()) for match in pattern.finditer(text) if match[0])


def _joined(passages: Iterable[_Passage]) -> list[_Passage]:
    """The passages without overlaps: those that overlap become one with the title of the longest, so that no rest of
    any stays behind."""
    groups: list[list[_Passage]] = []
    end = 0
    for passage in sorted(passages, key=lambda passage: (passage.start, -passage.end)):
        if passage.start < end:
            groups[-1].append(passage)
        else:
            groups.append([passage])
        end = max(end, passage.end)
    return [
        _Passage(
            max(group, key=lambda passage: passage.end - passage.start).title,
            group[0].start,
            max(passage.end for passage in group),
        )
        for group in groups
    ]


def _outside(passages: Sequence[_Passage], text: str, brackets: re.Pattern[str]) -> list[_Passage]:
    """The passages, cut down to what is not in brackets of ours already."""
    done = [match.span() for match in brackets.finditer(text)]
    remaining = []
    for passage in passages:
        start, end = passage.start, passage.end
        for opened, closed in done:
            if opened <= start < closed:
                start = closed
            elif start < opened < end:
                end = opened
        if start < end and text[start:end].strip():
            remaining.append(_Passage(passage.title, start, end))
    return remaining
