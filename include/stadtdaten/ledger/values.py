"""What the ledger hands out: immutable values, never rows that are tied to a database session."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from stadtdaten.frames import AlertEvent, Incident, Value

Outcome = Literal["published", "unchanged", "held_back", "failed", "aborted"]


class Attempt(Value):
    """One try to bring a dataset up to date; ``ended`` and ``outcome`` are None while it runs.

    ``night`` is the name of the run it belongs to, where it has one; ``held_back`` counts suppressed cells;
    ``drift`` names columns that the contract does not declare; ``live_release`` is what was live when it ended.
    """

    id: int
    source: str
    dataset: str
    night: str | None
    started: datetime
    ended: datetime | None
    outcome: Outcome | None
    rows_read: int
    rows_published: int
    held_back: int
    release: str
    live_release: str
    drift: tuple[str, ...]
    run_url: str
    pid: int


class Alert(Value):
    """A mail that has yet to be sent, claimed by whoever holds this value; ``attempts`` counts this claim too."""

    id: int
    incident: Incident
    event: AlertEvent
    message_id: str
    created_at: datetime
    attempts: int
