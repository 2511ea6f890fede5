"""What an extraction ends with: the files as the source delivered them, or the news that nothing changed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Fetched:
    """The source's answer on disk, in the order in which it was delivered, not yet interpreted.

    ``url`` has neither credentials nor the connection's query, so it may be shown and stored. ``etag`` and
    ``last_modified`` are the source's own words ("" where it says none). ``source_bytes`` counts the bytes delivered.
    """

    files: tuple[Path, ...]
    url: str
    etag: str
    last_modified: str
    source_bytes: int


@dataclass(frozen=True)
class NotModified:
    """The source says that nothing changed since the lock it was shown (HTTP 304)."""
