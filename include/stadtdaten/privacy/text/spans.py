"""Where in a text does something personal stand, and what remains when two detectors claim the same letters?"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from stadtdaten.contracts.protection import PersonalKind


@dataclass(frozen=True)
class Span:
    """Characters ``start`` up to (not with) ``end`` of a text hold personal data of a kind."""

    kind: PersonalKind
    start: int
    end: int


def spans_of(kind: PersonalKind, pattern: re.Pattern[str], text: str, group: str | int = 0) -> Iterator[Span]:
    """Where the pattern (or a group of it) fits."""
    for match in pattern.finditer(text):
        yield Span(kind, *match.span(group))


def apart(spans: Iterable[Span]) -> tuple[Span, ...]:
    """The spans in the order of the text, without overlaps: of two that overlap the longer stays.

    Of two equally long the one given first stays.
    """
    kept: list[Span] = []
    for span in sorted(spans, key=lambda span: span.start - span.end):
        if all(span.end <= other.start or other.end <= span.start for other in kept):
            kept.append(span)
    return tuple(sorted(kept, key=lambda span: span.start))
