"""A table that is one file or several over HTTP, asked for only if they changed."""

from __future__ import annotations

from pathlib import Path

from stadtdaten.contracts.interfaces import HttpInterface, Limits
from stadtdaten.contracts.model import Table
from stadtdaten.extract.archive import own_names, unpack
from stadtdaten.extract.budget import Budget
from stadtdaten.extract.outcome import Fetched, NotModified
from stadtdaten.extract.transport import Transport, below, html_instead_of_data, looks_like_html, without_secrets
from stadtdaten.faults import Fault
from stadtdaten.frames import Endpoint, SourceFile, TableLock


def fetch_file(
    interface: HttpInterface,
    table: Table,
    endpoint: Endpoint,
    folder: Path,
    limits: Limits,
    previous: TableLock | None,
) -> Fetched | NotModified:
    """The table's files in ``folder``, or NotModified if the source says so of each of them.

    ``previous`` is the lock of what is live; it is shown to the source (If-None-Match, If-Modified-Since; RFC 9110,
    section 13) if it is of the same addresses. If only some files changed, all are fetched: a table is read as one.
    Raises SourceUnavailable, SourceUnreadable (also for a web page) and Misconfigured.
    """
    budget = Budget(limits, table.id)
    resources = (table.resource, *table.further_resources)
    targets = [folder / name for name in own_names(table, resources)]
    shown = below(without_secrets(endpoint.url), table.resource)

    def refuse(status: int, media_type: str, head: bytes) -> Fault | None:
        return html_instead_of_data(table.id) if status == 200 and looks_like_html(media_type, head) else None

    conditions = _conditions(previous, resources, shown)
    with Transport(endpoint, table.id, budget, interface.redirects_to) as transport:
        answers = [
            transport.get(below(endpoint.url, resource), target, refuse, conditions.get(resource, {}))
            for resource, target in zip(resources, targets, strict=True)
        ]
        if all(answer.status == 304 for answer in answers):
            return NotModified()
        answers = [
            transport.get(below(endpoint.url, resource), target, refuse) if answer.status == 304 else answer
            for resource, target, answer in zip(resources, targets, answers, strict=True)
        ]
    sources = tuple(
        SourceFile(name=resource, etag=answer.etag, last_modified=answer.last_modified, size=answer.size)
        for resource, answer in zip(resources, answers, strict=True)
    )
    return Fetched(unpack(table, targets, budget), shown, sources, budget.bytes)


def _conditions(previous: TableLock | None, resources: tuple[str, ...], url: str) -> dict[str, dict[str, str]]:
    """What to ask with, by resource; nothing at all if the lock is of other addresses."""
    if previous is None or previous.url != url or tuple(file.name for file in previous.files) != resources:
        return {}
    conditions = {
        file.name: {"If-None-Match": file.etag, "If-Modified-Since": file.last_modified} for file in previous.files
    }
    return {name: {header: word for header, word in asked.items() if word} for name, asked in conditions.items()}
