"""How much does a reader lose, and how well is everybody hidden? The numbers of a table of records as published."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Measured:
    """What was reached. ``l`` and ``t`` are None without a sensitive column.

    ``loss`` is the normalised certainty penalty (Xu et al. 2006), 0 (everything as it was) to 1 (nothing left): the
    mean over records and quasi-identifiers; a record left out counts as lost entirely.
    """

    records: int
    left_out: int
    groups: int
    k: int
    l: int | None  # noqa: E741  the term of the field
    t: float | None
    loss: float
