"""A table that is one file over HTTP, asked for only if it changed."""

from __future__ import annotations

from pathlib import Path

from stadtdaten.contracts.interfaces import Limits
from stadtdaten.contracts.model import Table
from stadtdaten.extract.budget import Budget
from stadtdaten.extract.outcome import Fetched, NotModified
from stadtdaten.extract.transport import Transport, below, html_instead_of_data, looks_like_html, without_secrets
from stadtdaten.faults import Fault
from stadtdaten.frames import Endpoint, SourceFile, TableLock


def fetch_file(
    table: Table, endpoint: Endpoint, folder: Path, limits: Limits, previous: TableLock | None
) -> Fetched | NotModified:
    """The table's file in ``folder``, or NotModified if the source says so.

    ``previous`` is the lock of what is live; it is shown to the source (If-None-Match, If-Modified-Since; RFC 9110,
    section 13) if it is of the same address. Raises SourceUnavailable, SourceUnreadable (also for a web page) and
    Misconfigured.
    """
    budget = Budget(limits, table.id)
    target = folder / f"{table.id}.source"
    shown = below(without_secrets(endpoint.url), table.resource)

    def refuse(status: int, media_type: str, head: bytes) -> Fault | None:
        return html_instead_of_data(table.id) if status == 200 and looks_like_html(media_type, head) else None

    with Transport(endpoint, table.id, budget) as transport:
        answer = transport.get(
            below(endpoint.url, table.resource), target, refuse, _conditions(previous, table.resource, shown)
        )
    if answer.status == 304:
        return NotModified()
    source = SourceFile(name=table.resource, etag=answer.etag, last_modified=answer.last_modified, size=budget.bytes)
    return Fetched((target,), shown, (source,), budget.bytes)


def _conditions(previous: TableLock | None, resource: str, url: str) -> dict[str, str]:
    known = next((file for file in previous.files if file.name == resource), None) if previous else None
    if previous is None or known is None or (previous.resource, previous.url) != (resource, url):
        return {}
    conditions = {"If-None-Match": known.etag, "If-Modified-Since": known.last_modified}
    return {name: value for name, value in conditions.items() if value}
