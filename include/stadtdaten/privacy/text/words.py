"""Which words are given names, and which are no names? The lists that lie beside this module."""

from __future__ import annotations

from importlib.resources import files


def words(name: str) -> frozenset[str]:
    """The words of a list, separated by blanks and line breaks."""
    return frozenset(files(__package__).joinpath(name).read_text(encoding="utf-8").split())
