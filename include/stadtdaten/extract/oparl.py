"""A table that is a list of a council information system (OParl 1.0 and 1.1), read page by page to the end.

The way leads from the system object to its body, and from there to the body's lists. With ``reading.incremental`` only
what was modified since the last release is asked for; deleted objects come then as well (OParl 1.1, chapter 2.5).
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from stadtdaten.contracts.interfaces import Limits, OparlInterface
from stadtdaten.contracts.model import Table
from stadtdaten.contracts.reading import Oparl
from stadtdaten.extract.bot_wall import refuse_bot_wall
from stadtdaten.extract.budget import Budget
from stadtdaten.extract.json_page import features_hash, load_page
from stadtdaten.extract.oparl_path import NoObject, Object, follow, wanted_paths
from stadtdaten.extract.outcome import Fetched, NotModified
from stadtdaten.extract.paging import Pages, linked, with_query
from stadtdaten.extract.transport import Transport, same_server, without_secrets
from stadtdaten.faults import Misconfigured, SchemaChanged, SourceUnreadable
from stadtdaten.frames import Endpoint, SourceFile, TableLock

logger = logging.getLogger(__name__)

LISTS = {
    "organization": "Organization",
    "person": "Person",
    "meeting": "Meeting",
    "paper": "Paper",
    "agendaItem": "AgendaItem",
    "consultation": "Consultation",
    "file": "File",
    "locationList": "Location",
    "legislativeTermList": "LegislativeTerm",
    "membership": "Membership",
}
"""Lists of a body to the type of their objects (OParl 1.1, Body; the last six are new there)."""

TYPE = re.compile(r"https?://(?:schema\.)?oparl\.org/(?:schema/)?1\.[01]/(\w+)", re.IGNORECASE)
VERSION = re.compile(r"https?://(?:schema\.)?oparl\.org/(?:specs/|schema/)?1\.[01]/?", re.IGNORECASE)


def fetch_objects(
    interface: OparlInterface,
    table: Table,
    endpoint: Endpoint,
    folder: Path,
    limits: Limits,
    previous: TableLock | None,
) -> Fetched | NotModified:
    """The list's pages as they came, and behind them a file for each further object that the table's paths lead to.

    With ``reading.incremental`` and the lock of what is live only what is new, changed or deleted since the latest
    ``modified`` in it (>=, for others may have got the same); NotModified where there is no such object. A server that
    sends older ones all the same knows no filter: then it is taken for the whole list, which it is.

    Raises SourceUnreadable for what is no OParl, objects of another body or type, pages that repeat, shrink, end too
    early or lead to another server, SourceInMotion where the number of objects changed meanwhile, SchemaChanged for a
    list that the body does not have, SourceUnavailable for a wall against robots, Misconfigured for an unknown list or
    body, and what Transport raises.
    """
    assert isinstance(table.reading, Oparl)  # noqa: S101  the contract's word: DELIVERS
    budget = Budget(limits, table.id)
    kind = _kind(table)
    shown = without_secrets(endpoint.url)
    with Transport(endpoint, table.id, budget) as transport:
        server = _Server(table, endpoint.url, folder, limits, budget, transport)
        body = _body(server, interface, table)
        marks = _Marks.of(table, previous, shown)
        objects: list[Object] = []
        files: list[Path] = []
        for page, file in server.pages(marks.ask(_list_of(body, table)), kind):
            _check_body(page, str(body["id"]), table)
            marks.book(page)
            objects += page
            files.append(file)
        if marks.since is not None and not objects:
            return NotModified()
        files += server.referenced(objects, table.reading)
    source = SourceFile(name=table.resource, etag=marks.latest(), size=budget.bytes)
    return Fetched(tuple(files), shown, (source,), budget.bytes, only_changes=marks.only_changes)


@dataclass
class _Marks:
    """Which objects changed since when: what is asked for, and what to ask for the next time."""

    table: str
    incremental: bool
    since: datetime | None
    _highest: datetime | None = None
    _older: bool = False

    @classmethod
    def of(cls, table: Table, previous: TableLock | None, url: str) -> _Marks:
        """From the lock of what is live, if it is of this list."""
        if table.incremental is None:
            return cls(table.id, incremental=False, since=None)
        same = previous is not None and (previous.resource, previous.url) == (table.resource, url)
        mark = previous.files[0].etag if previous is not None and same and previous.files else ""
        return cls(table.id, incremental=True, since=datetime.fromisoformat(mark) if mark else None)

    def ask(self, address: str) -> str:
        """The address of the list, of what changed alone where that is known."""
        return with_query(address, {"modified_since": self.since.isoformat()}) if self.since else address

    def book(self, objects: list[Object]) -> None:
        """Look when the objects were modified. Raises SourceUnreadable where some do not say it."""
        if not self.incremental:
            return
        moments = [_moment(each.get("modified")) for each in objects]
        given = [moment for moment in moments if moment is not None]
        if len(given) < len(moments):
            raise SourceUnreadable(
                f"Tabelle „{self.table}“: {len(moments) - len(given)} von {len(moments)} Objekten einer Seite sagen "
                "nicht, wann sie geändert wurden (modified mit Zeitzone).",
                next_step="Den Betrieb des Servers ansprechen: OParl 1.1 verlangt modified in jedem Objekt; bis dahin "
                "reading.incremental aus dem Vertrag nehmen.",
            )
        self._highest = max([*given, *([self._highest] if self._highest else [])], default=None)
        self._older |= self.since is not None and any(moment < self.since for moment in given)

    @property
    def only_changes(self) -> bool:
        """Whether the server has kept to what it was asked for."""
        return self.since is not None and not self._older

    def latest(self) -> str:
        """When the latest change was; "" where that cannot be asked with: it lies in the future, or is unknown."""
        if self._highest is None:
            return ""
        if self._highest > datetime.now(UTC) + timedelta(days=2):  # later than any clock on earth shows
            logger.warning("%s: the latest change lies in the future; all objects are read the next time", self.table)
            return ""
        return self._highest.astimezone(UTC).isoformat()


def _moment(text: Any) -> datetime | None:
    """An ISO 8601 moment with its offset; None for anything else."""
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return moment if moment is not None and moment.tzinfo is not None else None


class _Server:
    """The conversation with one OParl server: everything that is fetched lies on it."""

    def __init__(
        self, table: Table, base: str, folder: Path, limits: Limits, budget: Budget, transport: Transport
    ) -> None:
        self._table = table
        self.base = base
        self._folder = folder
        self._limits = limits
        self._budget = budget
        self._transport = transport
        self._files = 0

    def get(self, address: str) -> tuple[Object, Path]:
        """What is at the address, and the file in which it lies. Raises SourceUnreadable for another server's."""
        if not same_server(self.base, address):
            raise SourceUnreadable(
                f"Tabelle „{self._table.id}“: Der OParl-Server verweist auf einen anderen Server oder auf etwas, das "
                "keine Adresse ist; dem wird nicht gefolgt.",
                next_step="Den Betrieb des Servers ansprechen: Ids und Verweise müssen die öffentliche Adresse nennen. "
                "Ist er umgezogen, die Verbindung in Airflow anpassen.",
            )
        self._files += 1
        target = self._folder / f"{self._table.id}.{self._files:05}.json"
        self._transport.get(linked(address, self.base), target, refuse_bot_wall(self._table.id))
        return load_page(target, self._table.id, self._limits), target

    def read(self, address: str, kind: str) -> Object:
        """An object on the way, which no reader needs."""
        found, file = self.get(address)
        file.unlink()
        _demand_type([found], kind, self._table)
        return found

    def pages(self, first: str, kind: str) -> Iterator[tuple[list[Object], Path]]:
        """The objects of a list, page by page, each with its file."""
        pages = Pages(self._table.id, self._budget)
        asked: set[str] = set()
        address: str | None = first
        while address:
            asked.add(address)
            page, file = self.get(address)
            objects = self._objects(page)
            following = _next(page, address)
            _demand_type(objects, kind, self._table)
            pages.promise(_number(page, "totalElements"))
            pages.add(len(objects), [str(each["id"]) for each in objects], features_hash(objects))
            if following:
                self._check_full(len(objects), _number(page, "elementsPerPage"))
            if following in asked:
                raise SourceUnreadable(
                    f"Tabelle „{self._table.id}“: Der Server verweist auf eine Seite zurück, die er schon geschickt "
                    "hat.",
                    next_step="Den Betrieb des Servers ansprechen: Die Verweise links.next führen im Kreis.",
                )
            yield objects, file
            address = following
        pages.check_sum()

    def referenced(self, objects: list[Object], reading: Oparl) -> list[Path]:
        """Files with the objects that the table's paths lead to and that are not in the list itself."""
        paths = wanted_paths(self._table, reading)
        known = {str(each["id"]): each for each in objects}
        files = []
        while missing := self._missing(objects, paths, known):
            for address in sorted(missing):
                found, file = self.get(address)
                if found.get("id") != address:
                    raise SourceUnreadable(
                        f"Tabelle „{self._table.id}“: Unter der Id eines Objekts antwortet der Server mit etwas "
                        "anderem.",
                        next_step="Den Betrieb des Servers ansprechen: In OParl ist die Id die Adresse des Objekts.",
                    )
                known[address] = found
                self._budget.check_rows(len(known))
                files.append(file)
        return files

    def _missing(self, objects: list[Object], paths: dict[str, tuple[str, ...]], known: dict[str, Object]) -> set[str]:
        missing: set[str] = set()
        for path, steps in paths.items():
            try:
                follow(objects, steps, known, missing)
            except NoObject as error:
                raise error.fault(self._table.id, path) from None
        return missing

    def _objects(self, page: Object) -> list[Object]:
        objects = page.get("data")
        if not isinstance(objects, list) or not isinstance(page.get("links"), dict):
            raise SourceUnreadable(
                f"Tabelle „{self._table.id}“: Der Server antwortet nicht mit der Seite einer OParl-Liste (data, "
                "links).",
                next_step="Die Verbindung prüfen: Ihre Adresse muss die des System-Objekts sein, etwa "
                "…/oparl/v1.1/system.",
            )
        if not all(isinstance(each, dict) and isinstance(each.get("id"), str) and each["id"] for each in objects):
            raise SourceUnreadable(
                f"Tabelle „{self._table.id}“: Eine Seite der Quelle enthält etwas anderes als Objekte mit Id.",
                next_step="Die Abfrage im Browser wiederholen und mit dem Betrieb des Servers klären.",
            )
        return objects

    def _check_full(self, objects: int, full: int | None) -> None:
        """All pages but the last one are full (OParl 1.1, 2.5), an empty one has no next."""
        if objects == 0 or (full is not None and objects != full):
            raise SourceUnreadable(
                f"Tabelle „{self._table.id}“: Eine Seite enthält {objects} Objekte"
                + (f" statt {full}" if full is not None else "")
                + ", und doch folgt ihr eine weitere.",
                next_step="Den Betrieb des Servers ansprechen: Die Seite ist unvollständig, oder das Blättern wirkt "
                "nicht.",
            )


def _body(server: _Server, interface: OparlInterface, table: Table) -> Object:
    """The body that the contract names, or the only one. Raises Misconfigured where that says nothing."""
    system = server.read(server.base, "System")
    if not VERSION.fullmatch(str(system.get("oparlVersion"))) or not isinstance(system.get("body"), str):
        raise SourceUnreadable(
            f"Tabelle „{table.id}“: Das System-Objekt nennt keine der OParl-Versionen 1.0 und 1.1 oder keine "
            "Körperschaften (body).",
            next_step="Mit dem Betrieb des Servers klären, unter welcher Adresse OParl 1.1 liegt "
            "(otherOparlVersions), und die Verbindung anpassen.",
        )
    bodies: list[Object] = []
    for page, file in server.pages(system["body"], "Body"):
        file.unlink()
        bodies += page
    fitting = [each for each in bodies if interface.body in (None, each["id"]) and each.get("deleted") is not True]
    if len(fitting) != 1:
        raise Misconfigured(
            f"Tabelle „{table.id}“: Der Server kennt {len(bodies)} Körperschaften; auf den Vertrag passen "
            f"{len(fitting)}.",
            next_step="In interface.body die Id der Körperschaft nennen, wie sie in der Liste body des Servers steht.",
        )
    return fitting[0]


def _kind(table: Table) -> str:
    if table.resource not in LISTS:
        raise Misconfigured(
            f"Tabelle „{table.id}“: OParl kennt keine Liste „{table.resource}“.",
            next_step=f"resource im Vertrag berichtigen; es gibt: {', '.join(LISTS)}.",
        )
    return LISTS[table.resource]


def _list_of(body: Object, table: Table) -> str:
    address = body.get(table.resource)
    if not isinstance(address, str):
        raise SchemaChanged(
            f"Tabelle „{table.id}“: Die Körperschaft hat keine Liste „{table.resource}“.",
            next_step="Mit dem Betrieb des Servers klären; sechs der Listen gibt es erst seit OParl 1.1. Bis dahin "
            "stehen solche Objekte in anderen: reading.each, etwa membership in person.",
        )
    return address


def _demand_type(objects: list[Object], kind: str, table: Table) -> None:
    types = [TYPE.fullmatch(str(each.get("type"))) for each in objects]
    wrong = sum(found is None or found[1].lower() != kind.lower() for found in types)
    if wrong:
        raise SourceUnreadable(
            f"Tabelle „{table.id}“: {wrong} von {len(objects)} Objekten einer Antwort sind kein {kind} nach OParl 1.0 "
            "oder 1.1.",
            next_step="Die Adresse der Verbindung prüfen (das System-Objekt) und mit dem Betrieb des Servers klären.",
        )


def _check_body(objects: list[Object], body: str, table: Table) -> None:
    foreign = sum(each.get("body") not in (None, body) for each in objects)
    if foreign:
        raise SourceUnreadable(
            f"Tabelle „{table.id}“: {foreign} von {len(objects)} Objekten einer Seite gehören zu einer anderen "
            "Körperschaft.",
            next_step="Den Betrieb des Servers ansprechen: Die Liste der Körperschaft enthält fremde Objekte.",
        )


def _number(page: Object, name: str) -> int | None:
    pagination = page.get("pagination")
    value = pagination.get(name) if isinstance(pagination, dict) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _next(page: Object, current: str) -> str | None:
    link = page["links"].get("next")
    return urljoin(current, link) if isinstance(link, str) and link else None
