"""A table that is a list of JSON objects behind a REST interface, whole or in pages, with an API key where needed.

There is no standard for pages, so the contract says how they are asked for. That they are complete is told by the
server's own count, where it gives one, and by the table's key: no row may come twice.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from stadtdaten.contracts.interfaces import Limits, NextLinks, Offsets, PageNumbers, RestInterface
from stadtdaten.contracts.model import Table
from stadtdaten.contracts.reading import Json
from stadtdaten.extract.budget import Budget
from stadtdaten.extract.json_page import features_hash, load_json, member, refuse_html
from stadtdaten.extract.outcome import Fetched
from stadtdaten.extract.paging import Pages, linked, with_query
from stadtdaten.extract.transport import Refusal, Transport, below, same_server, without_secrets
from stadtdaten.faults import Fault, Misconfigured, SourceUnreadable
from stadtdaten.frames import Endpoint


def fetch_pages(interface: RestInterface, table: Table, endpoint: Endpoint, folder: Path, limits: Limits) -> Fetched:
    """All rows, one JSON file per page as the server wrote it; no rows at all give one page without any.

    Pages end with the server's count (``interface.total``), with a page that names no next one, else with an empty
    page. Raises Misconfigured for a key that the server refuses; SourceUnreadable for an answer without the list, rows
    that come twice or not at all, pages without an end and links to other servers; SourceInMotion where the count
    changed between two pages; and what Transport raises.
    """
    return _Resource(interface, table, endpoint, folder, limits).fetch()


class _Resource:
    def __init__(
        self, interface: RestInterface, table: Table, endpoint: Endpoint, folder: Path, limits: Limits
    ) -> None:
        assert isinstance(table.reading, Json)  # noqa: S101  a contract with another format does not load
        self._interface = interface
        self._table = table
        self._rows = table.reading.rows
        self._endpoint = endpoint
        self._folder = folder
        self._limits = limits
        self._budget = Budget(limits, table.id)
        self._pages = Pages(table.id, self._budget)
        self._base = below(endpoint.url, table.resource)
        self._page_size = interface.page_size

    def fetch(self) -> Fetched:
        files: list[Path] = []
        asked: set[str] = set()
        refuse = _refusal(self._table.id, bool(self._endpoint.password))
        with Transport(self._endpoint, self._table.id, self._budget) as transport:
            address: str | None = self._first()
            while address:
                asked.add(address)
                target = self._folder / f"{self._table.id}.{len(files) + 1:05}.json"
                answer = transport.get(address, target, refuse)
                page = load_json(target, self._table.id, self._limits)
                rows = self._book(page)
                if rows or not files:
                    files.append(target)
                else:
                    target.unlink()
                address = self._following(address, page, answer.next_page, rows)
                if address in asked:
                    raise self._odd(
                        "verweist auf eine Seite zurück, die sie schon geschickt hat",
                        "Den Betrieb der Quelle ansprechen: Die Verweise auf die nächste Seite führen im Kreis.",
                    )
        self._pages.check_sum()
        return Fetched(tuple(files), without_secrets(self._base), (), self._budget.bytes)

    def _first(self) -> str:
        paging = self._interface.paging
        match paging:
            case None:
                return self._base
            case PageNumbers():
                start: dict[str, str | int] = {paging.parameter: paging.first}
            case Offsets():
                start = {paging.parameter: 0}
            case NextLinks():
                start = {}
        return with_query(self._base, start | self._size())

    def _size(self) -> dict[str, str | int]:
        paging = self._interface.paging
        return {paging.size_parameter: self._page_size} if paging and paging.size_parameter else {}

    def _book(self, page: Any) -> int:
        """Books the page; returns how many rows it holds."""
        rows = page if self._rows is None else member(page, self._rows)
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise self._odd(
                "antwortet ohne die Liste der Zeilen",
                "Die Abfrage wiederholen und mit resource und reading.rows im Vertrag vergleichen: Meist ist es eine "
                "Fehlermeldung, oder die Liste steht an anderer Stelle.",
            )
        if self._interface.total is not None:
            total = member(page, self._interface.total)
            if not isinstance(total, int) or isinstance(total, bool) or total < 0:
                raise self._odd(
                    "nennt die Zahl aller Zeilen nicht",
                    "Die Antwort mit interface.total im Vertrag vergleichen.",
                )
            self._pages.promise(total)
        self._pages.add(len(rows), [self._key(row) for row in rows], features_hash(rows))
        if rows and self._pages.count == 1:
            # A server that gives less than asked may all the same count its pages by the size asked for: the second one
            # would then begin far behind the first, and what lies between them would be lost without a trace.
            self._page_size = min(self._page_size, len(rows))
        return len(rows)

    def _key(self, row: dict[str, Any]) -> str:
        """What must not come twice; "" where the contract allows it or the row does not say."""
        values = [member(row, self._table.column(name).source) for name in self._table.key]
        if self._table.corrections or not values or None in values:
            return ""
        return json.dumps(values)

    def _following(self, current: str, page: Any, header: str, rows: int) -> str | None:
        """Where the next page is; None at the end."""
        paging = self._interface.paging
        match paging:
            case None:
                return None
            case NextLinks():
                link = header if paging.member is None else member(page, paging.member)
                return self._linked(current, link, rows) if link else None
            case _ if not rows or self._pages.complete or self._pages.too_many:
                return None
            case PageNumbers():
                number = paging.first + self._pages.count
                return with_query(self._base, {paging.parameter: number, **self._size()})
            case Offsets():
                return with_query(self._base, {paging.parameter: self._pages.received, **self._size()})

    def _linked(self, current: str, link: Any, rows: int) -> str:
        """The address of a link. A key must not follow it to another server."""
        target = _absolute(current, link)
        if not same_server(current, target):
            raise self._odd(
                "verweist für die nächste Seite auf einen anderen Server; dem wird nicht gefolgt",
                "Den Betrieb der Quelle ansprechen: Hinter einem Proxy nennt sie meist ihren inneren Namen.",
            )
        if not rows and self._pages.count > 1:
            raise self._odd(
                "verweist von einer leeren Seite auf eine weitere; ein Ende ist nicht zu erkennen",
                "Den Betrieb der Quelle ansprechen: Die letzte Seite darf keine nächste nennen.",
            )
        return linked(target, self._base)

    def _odd(self, what: str, next_step: str) -> SourceUnreadable:
        return SourceUnreadable(f"Tabelle „{self._table.id}“: Die Quelle {what}.", next_step=next_step)


def _absolute(current: str, link: Any) -> str:
    """ "" for a link that is none."""
    try:
        return urljoin(current, link) if isinstance(link, str) else ""
    except ValueError:
        return ""


def _refusal(table: str, has_key: bool) -> Refusal:
    """Judges the beginning of an answer: a web page is no data, and a refused key is our own matter."""
    html = refuse_html(table)

    def refuse(status: int, media_type: str, head: bytes) -> Fault | None:
        if status in (401, 403):
            said = "weist den API-Schlüssel oder die Anmeldung zurück" if has_key else "verlangt einen API-Schlüssel"
            return Misconfigured(
                f"Tabelle „{table}“: Die Quelle {said} (HTTP {status}).",
                next_step="Beim Betrieb der Quelle klären, ob der Schlüssel abgelaufen oder gesperrt ist, und ihn in "
                "der Verbindung (Password; in „extra“ api_key_header oder api_key_parameter) erneuern.",
            )
        return html(status, media_type, head)

    return refuse
