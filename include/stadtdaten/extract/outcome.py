"""What an extraction ends with: the files as the source delivered them, or the news that nothing changed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from stadtdaten.frames import SourceFile


@dataclass(frozen=True)
class Fetched:
    """The source's answer on disk, in the order in which it was delivered, not yet interpreted.

    ``files`` are documents (a shapefile's is its .shp, with the other files beside it). ``url`` has neither
    credentials nor the connection's query, so it may be shown and stored. ``sources`` says how to ask for changes.
    ``source_bytes`` counts the bytes delivered. ``only_changes``: the files hold only what changed since the lock that
    was shown; ``total_rows`` is then how many rows the source has in all, where it tells.
    """

    files: tuple[Path, ...]
    url: str
    sources: tuple[SourceFile, ...]
    source_bytes: int
    only_changes: bool = False
    total_rows: int | None = None


@dataclass(frozen=True)
class NotModified:
    """The source says that nothing changed since the lock it was shown (HTTP 304)."""
