"""A table that is a feature type of a WFS 2.0 or 1.1, read to the end, with proof that nothing is missing.

No srsName is asked for: the server's own coordinates come, and the reader deals with their reference system.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from stadtdaten.contracts.interfaces import Limits, WfsInterface
from stadtdaten.contracts.model import Table
from stadtdaten.extract.budget import Budget
from stadtdaten.extract.gml_alike import count_alike
from stadtdaten.extract.gml_page import Page, check_count, examine, exception_code, exception_instead_of_data
from stadtdaten.extract.outcome import Fetched
from stadtdaten.extract.paging import Pages, linked, with_query
from stadtdaten.extract.transport import (
    Refusal,
    Transport,
    html_instead_of_data,
    looks_like_html,
    same_server,
    without_secrets,
)
from stadtdaten.faults import Fault, SourceUnreadable
from stadtdaten.frames import Endpoint

SCHEMA_SUFFIX = ".xsd"
"""Of the file beside the pages that holds the server's schema, where it was asked for."""


def fetch_features(interface: WfsInterface, table: Table, endpoint: Endpoint, folder: Path, limits: Limits) -> Fetched:
    """All features of the table's type, one GML file per page, in the server's order.

    WFS 2.0: the server's ``next`` address is followed where it leads to the same server (behind a proxy it often names
    an inner host), else ``startIndex`` counts on (WFS 2.0.2, 7.7.4.4). WFS 1.1 does not know pages: the number of
    features is asked for first, ``startIndex`` is tried, and where it does not work all come in one request.

    An empty feature type gives one page without features. Where a declared property is on no page, the schema
    (DescribeFeatureType) lies beside the pages: some servers leave out what is empty in every feature.

    Raises SourceUnreadable for an ExceptionReport with any status, a broken page, features that come twice or not at
    all, SourceInMotion where the number of features changed meanwhile, and what Transport raises.
    """
    reading = _Reading(interface, table, endpoint, folder, limits)
    with reading.transport:
        if interface.version == "2.0.0":
            reading.fetch_linked()
        else:
            reading.fetch_counted()
        reading.fetch_schema_if_needed()
    return reading.fetched()


class _Reading:
    """One feature type that is being read."""

    def __init__(self, interface: WfsInterface, table: Table, endpoint: Endpoint, folder: Path, limits: Limits) -> None:
        self._interface = interface
        self._table = table
        self._base = endpoint.url
        self._folder = folder
        self._limits = limits
        self._budget = Budget(limits, table.id)
        self._pages = Pages(table.id, self._budget)
        self._files: list[Path] = []
        self._properties: set[str] = set()
        self._server_links_pages = False
        self.transport = Transport(endpoint, table.id, self._budget)

    def fetched(self) -> Fetched:
        """What has been fetched."""
        shown = with_query(without_secrets(self._base), self._asked("GetFeature"))
        return Fetched(tuple(self._files), shown, (), self._budget.bytes)

    def fetch_linked(self) -> None:
        """WFS 2.0: page by page, by the server's links or by count."""
        address: str | None = self._page_address(0)
        while address:
            page, target = self._get(address)
            if page.features or not self._pages.count:
                self._pages.promise(page.matched)
            self._keep(page, target)
            address = self._next_address(page, address)
            if address and self._pages.count == 1 and self._pages.promised is None:
                # MapServer tells the total on the last page only, which fits whatever was lost before.
                self._pages.promise(self._hits())
        if self._pages.promised is not None:
            if self._pages.count > 1:
                self._pages.promise(self._hits())
            elif self._pages.received >= self._interface.page_size:
                self._refuse_count_of_one_page(self._pages.promised)
        self._pages.check_sum()

    def _refuse_count_of_one_page(self, promised: int) -> None:
        """Some servers give the number of features on the page as that of all: a full page would count as the layer."""
        total = self._hits()
        if total is not None and total != promised:
            raise SourceUnreadable(
                f"Tabelle „{self._table.id}“: Der WFS nennt auf der ersten, vollen Seite {promised} Objekte als "
                f"Gesamtzahl, auf Nachfrage aber {total}.",
                next_step="Den Lauf wiederholen. Bleibt es dabei, den Betrieb des Dienstes ansprechen: numberMatched "
                "muss alle Objekte zählen; bis dahin im Vertrag interface.page_size über ihre Zahl anheben.",
            )

    def fetch_counted(self) -> None:
        """WFS 1.1: in one request, or in pages where there is more than one and startIndex works."""
        total = self._hits()
        self._pages.promise(total)
        if total is None or total <= self._interface.page_size or not self._pages_work():
            page, target = self._get(with_query(self._base, self._asked("GetFeature")))
            self._keep(page, target)
        try:
            while total is not None and self._pages.received < total:
                page, target = self._get(self._page_address(self._pages.received))
                self._keep(page, target)
                if not page.features:
                    break
        except SourceUnreadable:
            self._pages.promise(self._hits())  # features that come again may only have been moved by a change
            raise
        self._pages.promise(self._hits())
        self._pages.check_sum()

    def _pages_work(self) -> bool:
        """Whether startIndex, which WFS 1.1 does not know, brings other features than the first page."""
        try:
            first, target = self._get(self._page_address(0))
            first_hash = _members_hash(target)
            second, target = self._get(self._page_address(first.features))
        except SourceUnreadable:
            return False  # an exception for the unknown parameter; whatever else is wrong, the next request shows
        repeated = set(filter(None, first.ids)) & set(filter(None, second.ids))
        return bool(first.features and second.features and not repeated and _members_hash(target) != first_hash)

    def fetch_schema_if_needed(self) -> None:
        """The server's schema, if a declared property is on no page; without it the property counts as gone."""
        wanted = [{column.source, *column.aliases} for column in self._table.columns]
        if not self._pages.received or all(names & self._properties for names in wanted):
            return
        target = self._folder / f"{self._table.id}{SCHEMA_SUFFIX}"
        try:
            self.transport.get(
                with_query(self._base, self._asked("DescribeFeatureType")), target, _refusal(self._table.id)
            )
        except SourceUnreadable:
            target.unlink(missing_ok=True)

    def _get(self, address: str) -> tuple[Page, Path]:
        """One page on disk, in the place of the next file."""
        target = self._folder / f"{self._table.id}.{len(self._files) + 1:05}.gml"
        self.transport.get(address, target, _refusal(self._table.id))
        page = count_alike(target, self._table.id, self._limits) or examine(target, self._table.id, self._limits)
        if page.version != self._interface.version:
            raise SourceUnreadable(
                f"Tabelle „{self._table.id}“: Der WFS antwortet nicht mit einer FeatureCollection der Version "
                f"{self._interface.version[:3]}, sondern der Version {page.version[:3]}.",
                next_step="Im Vertrag interface.version auf die Version setzen, die der Dienst spricht.",
            )
        return page, target

    def _keep(self, page: Page, target: Path) -> None:
        """Book a page; an empty one behind others is only the probe of a server that does not count."""
        check_count(page, self._table.id)
        self._pages.add(page.features, page.ids, _members_hash(target))
        self._properties |= page.properties
        self._server_links_pages = self._server_links_pages or bool(page.next)
        if page.features or not self._files:
            self._files.append(target)
        else:
            target.unlink()

    def _next_address(self, page: Page, current: str) -> str | None:
        """Where the next page is: the server's own link, or counted on; None at the end."""
        if not page.features or self._pages.too_many or (self._pages.complete and not page.next):
            return None  # a server that has sent what it promised and links a page still contradicts itself: look there
        if page.next and same_server(current, page.next):
            return linked(page.next, self._base)
        if self._pages.promised is None and self._server_links_pages and not page.next:
            return None  # a server that links its pages and has no further link is at the end
        return self._page_address(self._pages.received)

    def _hits(self) -> int | None:
        """How many features the server counts now; None if it does not say, or does not know the question."""
        target = self._folder / f"{self._table.id}.hits"
        address = with_query(self._base, {**self._asked("GetFeature"), "resultType": "hits"})
        try:
            self.transport.get(address, target, _refusal(self._table.id))
            page = examine(target, self._table.id, self._limits)
        except SourceUnreadable:
            return None
        finally:
            target.unlink(missing_ok=True)
        # Servers that ignore resultType send a page, and its number is that page's.
        return None if page.features else (page.matched if page.version == "2.0.0" else page.returned)

    def _asked(self, request: str) -> dict[str, str | int]:
        names = "typeNames" if self._interface.version == "2.0.0" and request == "GetFeature" else "typeName"
        return {
            "service": "WFS", "version": self._interface.version, "request": request, names: self._table.resource,
        }  # fmt: skip

    def _page_address(self, start: int) -> str:
        count = "count" if self._interface.version == "2.0.0" else "maxFeatures"
        asked = {**self._asked("GetFeature"), count: self._interface.page_size, "startIndex": start}
        return with_query(self._base, asked)


def _members_hash(path: Path) -> str:
    """SHA-256 of what follows the page's opening tag, which may hold the time of the answer."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        start = file.read(1 << 16)
        member = re.search(rb"[Mm]embers?>", start)
        digest.update(start[member.start() if member else 0 :])
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def _refusal(table: str) -> Refusal:
    def refuse(status: int, media_type: str, head: bytes) -> Fault | None:
        code = exception_code(head)
        if code is not None:
            return exception_instead_of_data(table, code)
        return html_instead_of_data(table) if status == 200 and looks_like_html(media_type, head) else None

    return refuse
