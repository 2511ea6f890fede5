"""A table that is a feature type of a WFS 2.0, read page by page to the end, with proof that nothing is missing.

No srsName is asked for: the server's own coordinates come, and the reader deals with their reference system.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from urllib.parse import urlencode, urlsplit, urlunsplit

from stadtdaten.contracts.interfaces import Limits, WfsInterface
from stadtdaten.contracts.model import Table
from stadtdaten.extract.budget import Budget
from stadtdaten.extract.gml_page import Page, examine, exception_code, exception_instead_of_data
from stadtdaten.extract.outcome import Fetched
from stadtdaten.extract.transport import (
    Refusal,
    Transport,
    html_instead_of_data,
    looks_like_html,
    same_server,
    without_secrets,
)
from stadtdaten.faults import Fault, SourceUnavailable, SourceUnreadable
from stadtdaten.frames import Endpoint


def fetch_features(interface: WfsInterface, table: Table, endpoint: Endpoint, folder: Path, limits: Limits) -> Fetched:
    """All features of the table's type, one GML file per page, in the server's order.

    The server's ``next`` address is followed where it leads to the same server (behind a proxy it often names an
    inner host), else ``startIndex`` counts on (WFS 2.0.2, 7.7.4.4). An empty feature type gives one page without
    features. Raises SourceUnreadable for an ExceptionReport with any status, a broken page, features that come twice
    or not at all, SourceUnavailable where the data changed between two pages, and what Transport raises.
    """
    budget = Budget(limits, table.id)
    files: list[Path] = []
    reading = _Reading(table.id, budget)
    with Transport(endpoint, table.id, budget) as transport:
        address: str | None = _page_address(interface, table, endpoint.url, 0)
        while address:
            target = folder / f"{table.id}.{len(files) + 1:05}.gml"
            transport.get(address, target, _refusal(table.id))
            page = examine(target, table.id)
            reading.add(page, _members_hash(target))
            if page.features or not files:
                files.append(target)
            else:
                target.unlink()  # the probe behind the last page of a server that does not count
            address = reading.next_address(
                page, address, _page_address(interface, table, endpoint.url, reading.received)
            )
    query = urlencode({"service": "WFS", "version": "2.0.0", "request": "GetFeature", "typeNames": table.resource})
    return Fetched(tuple(files), f"{without_secrets(endpoint.url)}?{query}", (), budget.bytes)


class _Reading:
    """What has come so far, compared with what was promised."""

    def __init__(self, table: str, budget: Budget) -> None:
        self._table = table
        self._budget = budget
        self._ids: set[str] = set()
        self._promised: int | None = None
        self._pages = 0
        self._last = ""
        self._server_links_pages = False
        self.received = 0

    def add(self, page: Page, sha256: str) -> None:
        """Book a page with the hash of its features.

        Raises where it repeats features, contradicts an earlier page or passes the limit of rows.
        """
        if self._pages and page.features and page.matched != self._promised:
            raise SourceUnavailable(
                f"Tabelle „{self._table}“: Die Gesamtzahl der Objekte änderte sich beim Lesen "
                f"(Seite {self._pages + 1}); die Quelle wird gerade bearbeitet.",
                next_step="Abwarten, der Lauf wird wiederholt.",
            )
        if not self._pages:
            self._promised = page.matched
        ids = [identifier for identifier in page.ids if identifier]
        repeated = len(ids) - len(set(ids)) + len(self._ids.intersection(ids))
        if repeated:
            raise SourceUnreadable(
                f"Tabelle „{self._table}“: {repeated} Objekte auf Seite {self._pages + 1} des WFS kamen schon vor; "
                "dafür fehlen vermutlich andere.",
                next_step="Den Betrieb des WFS ansprechen: startIndex wirkt nicht oder die Reihenfolge wechselt.",
            )
        if page.features and sha256 == self._last:
            # Without gml:ids nothing else tells, and a server that does not count would go on for ever.
            raise SourceUnreadable(
                f"Tabelle „{self._table}“: Der WFS schickt Seite {self._pages} noch einmal.",
                next_step="Den Betrieb des WFS ansprechen: startIndex wirkt nicht.",
            )
        self._last = sha256
        self._ids.update(ids)
        self._pages += 1
        self.received += page.features
        self._server_links_pages = self._server_links_pages or bool(page.next)
        self._budget.check_rows(max(self.received, self._promised or 0))
        if self._promised is not None and (
            self.received > self._promised or (self.received < self._promised and not page.features)
        ):
            raise SourceUnreadable(
                f"Tabelle „{self._table}“: Der WFS nennt {self._promised} Objekte und liefert {self.received}.",
                next_step="Den Betrieb des WFS ansprechen: Die Seiten ergeben nicht den ganzen Bestand.",
            )

    def next_address(self, page: Page, current: str, counted: str) -> str | None:
        """Where the next page is: the server's own link, or ``counted`` on; None at the end."""
        complete = self._promised is not None and self.received == self._promised
        if not page.features or (complete and not page.next):
            return None  # a server that has sent what it promised and links a page still contradicts itself: look there
        if page.next and same_server(current, page.next):
            return page.next
        if self._promised is None and self._server_links_pages and not page.next:
            return None  # a server that links its pages and has no further link is at the end
        return counted


def _members_hash(path: Path) -> str:
    """SHA-256 of what follows the page's opening tag, which may hold the time of the answer."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        start = file.read(1 << 16)
        member = start.find(b"member>")
        digest.update(start[max(member, 0) :])
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def _page_address(interface: WfsInterface, table: Table, base: str, start: int) -> str:
    asked = urlencode(
        {
            "service": "WFS", "version": "2.0.0", "request": "GetFeature", "typeNames": table.resource,
            "count": interface.page_size, "startIndex": start,
        }
    )  # fmt: skip
    parts = urlsplit(base)
    return urlunsplit(parts._replace(query="&".join(filter(None, (parts.query, asked))), fragment=""))


def _refusal(table: str) -> Refusal:
    def refuse(status: int, media_type: str, head: bytes) -> Fault | None:
        code = exception_code(head)
        if code is not None:
            return exception_instead_of_data(table, code)
        return html_instead_of_data(table) if status == 200 and looks_like_html(media_type, head) else None

    return refuse
