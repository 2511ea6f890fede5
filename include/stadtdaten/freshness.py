"""When is a source asked, when is its next change due, and is a dataset current, late, or are we broken?

Three states that look alike from outside and need different people: the source has nothing new (nobody), the source
is late (its owner), the pipeline is broken (on-call). Pure functions over the contract's freshness. Every moment is
tz-aware; spans are elapsed time (a day is 24 hours), computed in UTC, because Python subtracts two local times of
one zone by the clock on the wall and is an hour off across a DST change.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from stadtdaten.contracts.model import Freshness

State = Literal["current", "source_late", "broken", "no_deadline"]

# Minutes of the local day at which sources are read: 01:00-01:59 and 03:00-04:59. The hour from 02:00 is left out:
# it does not exist on one night of the year and comes twice on another, so a run would be skipped or doubled.
_NIGHTLY_MINUTES = (*range(1 * 60, 2 * 60), *range(3 * 60, 5 * 60))

_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)


def nightly_minute(source: str) -> tuple[int, int]:
    """Hour and minute (local time) at which the source is read: the same every night, spread over the sources."""
    # Not hash(): Python salts it per process.
    digest = hashlib.sha256(source.encode()).digest()
    minute = _NIGHTLY_MINUTES[int.from_bytes(digest[:8], "big") % len(_NIGHTLY_MINUTES)]
    return minute // 60, minute % 60


def cron(freshness: Freshness, source: str) -> str:
    """Cron expression, in the city's local time, of the polls of a source.

    Sources that change every hour are polled every hour, all others every night: a poll of an unchanged source is
    cheap, notices a portal that drifted, and a release follows only from a change.
    """
    hour, minute = nightly_minute(source)
    return f"{minute} * * * *" if freshness.frequency == "HOURLY" else f"{minute} {hour} * * *"


def next_expected(freshness: Freshness, modified: datetime) -> datetime | None:
    """By when the source should change again, in the zone of ``modified``; None for a frequency without a period."""
    deadline = freshness.deadline_in_force()
    return None if deadline is None else (_utc(modified) + deadline).astimezone(modified.tzinfo)


def state(freshness: Freshness, modified: datetime, checked: datetime, broken: bool, now: datetime) -> State:
    """How current a dataset is.

    ``modified`` is when its live release was made, ``checked`` when the source was last read with success (whether
    changed or not), ``broken`` whether an incident is open. A pipeline that does not look cannot call a source
    late, so ``broken`` comes first. The moment of deadline plus grace itself is still in time.
    """
    if broken or _utc(now) - _utc(checked) > _longest_silence(freshness):
        return "broken"
    expected = next_expected(freshness, modified)
    if expected is None:
        return "no_deadline"
    return "source_late" if _utc(now) > _utc(expected) + freshness.grace else "current"


def describe_age(age: timedelta) -> str:
    """An age in its largest full unit, for terminals: ``45 s``, ``12 min``, ``3 h``, ``2 d``."""
    seconds = max(0, int(age.total_seconds()))
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _longest_silence(freshness: Freshness) -> timedelta:
    """Longest time between two successful polls: their period plus time for one run with its retries.

    The nightly margin also covers the night of 25 hours.
    """
    return _HOUR + _HOUR if freshness.frequency == "HOURLY" else _DAY + 6 * _HOUR


def _utc(moment: datetime) -> datetime:
    if moment.utcoffset() is None:
        raise ValueError("a moment without time zone cannot be compared")
    return moment.astimezone(UTC)
