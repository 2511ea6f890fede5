"""Which values may be named, and which are so rare that naming them would already tell something?

Given names, for one: that a name occurs at all in a small town can point to a child. Values below the minimum are
counted together in one row, and no row tells of a combination that does not occur.

That row must not be small either: who knows the total from elsewhere would learn how many have a name of their own. So
the rarest of the values that might be named join it until it reaches the minimum. If there are none left, the row is
left out.

Where a reader knows the last release with the same stratum, a value that was not named then stays unnamed: named now,
what the common row lost would be its earlier count. And a value shown then with the same count joins the common row in
vain, so others are taken. A stratum is therefore best published when it is complete (names of a year that is over).
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Named:
    """The counts by value that may be named, and the count of all others together; None: nothing may be told of them.

    ``unnamed`` is the number of values in it.
    """

    counts: dict[Hashable, int]
    others: int | None
    unnamed: int


def name_frequent(counts: Mapping[Hashable, int], minimum: int, before: Mapping[Hashable, int] | None) -> Named:
    """Merge what is rare. ``counts`` are positive; ``before`` is what the last release named, None if there is none."""
    rising = sorted(counts, key=lambda value: (counts[value], str(value)))
    rare = [value for value in rising if counts[value] < minimum or (before is not None and value not in before)]
    others = sum(counts[value] for value in rare)
    unnamed = set(rare)
    for value in rising:
        if not 0 < others < minimum:
            break
        if value not in unnamed and (before is None or before.get(value) != counts[value]):
            unnamed.add(value)
            others += counts[value]
    named = {value: count for value, count in counts.items() if value not in unnamed}
    return Named(named, others if others >= minimum else None, len(unnamed))
