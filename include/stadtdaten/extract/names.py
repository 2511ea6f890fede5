"""Which names of a listing (a folder, an archive) does a pattern mean, and which one may be told if it means none?"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher
from fnmatch import fnmatchcase

NEAR = 0.8
"""Likeness (difflib's ratio) from which a name is taken for the wanted one renamed, so that it may be told. Other
names of a listing are never told: a file name may be that of a person."""


def fits(pattern: str, name: str) -> bool:
    """Whether the pattern (``*``, ``?``, ``[...]``) fits the name, or is the very name."""
    return name == pattern or fnmatchcase(name, pattern)


def near(pattern: str, names: Iterable[str]) -> str | None:
    """The name most like the pattern, whatever their case, fit to be shown; None if none is near it."""
    rated = [(SequenceMatcher(None, pattern.lower(), name.lower()).ratio(), name) for name in names]
    likeness, name = max(rated, default=(0.0, ""))
    return printable(name) if likeness >= NEAR else None


def printable(name: str) -> str:
    """A file's name for a message: without control characters, and not longer than one can read."""
    return "".join(char if char.isprintable() else "?" for char in name[:120])
