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
    ``source_bytes`` counts the bytes delivered. ``total_rows`` is given where the files hold only the rows that changed
    since the lock that was shown: so many rows the source has in all.
    """

    files: tuple[Path, ...]
    url: str
    sources: tuple[SourceFile, ...]
    source_bytes: int
    total_rows: int | None = None


@dataclass(frozen=True)
class NotModified:
    """The source says that nothing changed since the lock it was shown (HTTP 304)."""
