"""A table that is a layer of an ArcGIS FeatureServer or MapServer, read in order of its object ids, with proof.

The ArcGIS REST API answers errors with HTTP 200 and cuts answers off at the layer's ``maxRecordCount``; so the layer is
asked for its number of objects before and after, and every object id must come exactly once.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

from stadtdaten.contracts.interfaces import ArcgisInterface, Limits
from stadtdaten.contracts.model import Table
from stadtdaten.extract.budget import Budget
from stadtdaten.extract.json_page import features_hash, load_page, refuse_html
from stadtdaten.extract.outcome import Fetched
from stadtdaten.extract.paging import Pages, with_query
from stadtdaten.extract.transport import Transport, below, without_secrets
from stadtdaten.faults import Fault, SourceUnavailable, SourceUnreadable
from stadtdaten.frames import Endpoint

ALL = "1=1"
PASSING = frozenset({429, 502, 503, 504})
"""Codes of an error in the answer's body that a later attempt may turn into an answer; 500 is mostly a bad query."""


def fetch_layer(interface: ArcgisInterface, table: Table, endpoint: Endpoint, folder: Path, limits: Limits) -> Fetched:
    """All objects of the layer in its own reference system, one Esri JSON file per page.

    Layers that cannot page (before ArcGIS 10.3, or on some databases) are read by ranges of object ids. An empty layer
    gives one page without objects; codes of domains stay codes. Raises SourceUnreadable for an error in place of data
    and for objects that come twice or not at all, SourceInMotion where their number changed while they were read,
    and what Transport raises.
    """
    layer = _Layer(interface, table, endpoint, folder, limits)
    with layer.transport:
        return layer.fetch()


class _Layer:
    def __init__(
        self, interface: ArcgisInterface, table: Table, endpoint: Endpoint, folder: Path, limits: Limits
    ) -> None:
        self._asked_size = interface.page_size
        self._table = table.id
        self._about = below(endpoint.url, quote(table.resource))
        self._query = below(endpoint.url, f"{quote(table.resource)}/query")
        self._folder = folder
        self._limits = limits
        self._budget = Budget(limits, table.id)
        self._pages = Pages(table.id, self._budget)
        self._files: list[Path] = []
        self.transport = Transport(endpoint, table.id, self._budget)

    def fetch(self) -> Fetched:
        about = self._ask(self._about, {})
        oid, size = self._oid(about), self._size(about)
        self._pages.promise(self._total())
        if _can_page(about):
            self._by_offset(oid, size)
        else:
            self._by_ranges(oid, size)
        self._pages.promise(self._total())
        self._pages.check_sum()
        return Fetched(tuple(self._files), without_secrets(self._about), (), self._budget.bytes)

    def _by_offset(self, oid: str, size: int) -> None:
        while True:
            start = self._pages.received
            page = self._page(
                {"where": ALL, "resultOffset": start, "resultRecordCount": size, "orderByFields": oid}, oid
            )
            at_end = self._pages.complete and not page.get("exceededTransferLimit")
            if not page["features"] or at_end or self._pages.too_many:
                return

    def _by_ranges(self, oid: str, size: int) -> None:
        answer = self._ask(self._query, {"where": ALL, "returnIdsOnly": "true"})
        ids = answer.get("objectIds") or []  # null where there is none
        if not isinstance(ids, list) or not all(isinstance(each, int) for each in ids):
            raise self._odd("nennt keine Liste der Objektnummern")
        ids = sorted(ids)
        if not ids:
            self._page({"where": ALL}, oid)
        start = 0
        while start < len(ids):
            last = ids[min(start + size, len(ids)) - 1]
            page = self._page({"where": f"{oid}>={ids[start]} AND {oid}<={last}", "orderByFields": oid}, oid)
            if not page["features"]:
                return  # the sum does not fit: told with a look at the layer's number of objects
            start += len(page["features"])

    def _page(self, parameters: dict[str, str | int], oid: str) -> dict[str, Any]:
        """One page of objects, booked and kept unless it is an empty one behind others."""
        target = self._folder / f"{self._table}.{len(self._files) + 1:05}.json"
        page = self._ask(self._query, {**parameters, "outFields": "*"}, target)
        features = page.get("features")
        if not isinstance(features, list):
            raise self._odd("antwortet ohne Objekte (features)")
        ids = [self._id(feature, oid) for feature in features]
        self._pages.add(len(features), ids, features_hash(features))
        if features or not self._files:
            self._files.append(target)
        else:
            target.unlink()
        return page

    def _ask(self, url: str, parameters: dict[str, str | int], target: Path | None = None) -> dict[str, Any]:
        """The answer to one request; what it is not kept for is not kept."""
        path = target or self._folder / f"{self._table}.answer"
        self.transport.get(with_query(url, {"f": "json", **parameters}), path, refuse_html(self._table))
        answer = load_page(path, self._table, self._limits)
        if target is None:
            path.unlink()
        if "error" in answer:
            raise self._error(answer["error"])
        return answer

    def _total(self) -> int:
        answer = self._ask(self._query, {"where": ALL, "returnCountOnly": "true"})
        if not isinstance(answer.get("count"), int):
            raise self._odd("nennt die Zahl der Objekte nicht")
        return int(answer["count"])

    def _oid(self, about: dict[str, Any]) -> str:
        """Name of the field with the object id, which orders the pages."""
        fields = about.get("fields")
        by_type = [
            field.get("name")
            for field in (fields if isinstance(fields, list) else [])
            if isinstance(field, dict) and field.get("type") == "esriFieldTypeOID"
        ]
        name = about.get("objectIdField") or next(iter(by_type), "")
        # It becomes part of a query, so it must be a plain name.
        if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z_]\w{0,99}", name):
            raise self._odd("hat keine Spalte mit Objektnummern (objectIdField)")
        return name

    def _size(self, about: dict[str, Any]) -> int:
        most = about.get("maxRecordCount")
        return min(self._asked_size, most) if isinstance(most, int) and most > 0 else self._asked_size

    def _id(self, feature: Any, oid: str) -> str:
        attributes = feature.get("attributes") if isinstance(feature, dict) else None
        if not isinstance(attributes, dict) or not isinstance(attributes.get(oid), int):
            raise self._odd("liefert Objekte ohne Objektnummer")
        return str(attributes[oid])

    def _odd(self, what: str) -> SourceUnreadable:
        return SourceUnreadable(
            f"Tabelle „{self._table}“: Der ArcGIS-Dienst {what}.",
            next_step="Prüfen, ob die Adresse der Verbindung auf /FeatureServer oder /MapServer endet und resource die "
            "Nummer einer Ebene mit Objekten ist.",
        )

    def _error(self, error: Any) -> Fault:
        """The fault for an error with HTTP 200; only its code is told, its text may quote data."""
        code = error.get("code") if isinstance(error, dict) else None
        if isinstance(code, int) and code in PASSING:
            return SourceUnavailable(
                f"Tabelle „{self._table}“: Der ArcGIS-Dienst ist überlastet oder nicht bereit (Fehler {code}).",
                next_step="Abwarten, der Lauf wird wiederholt; hält es an, den Betrieb des Dienstes ansprechen.",
            )
        next_step = (
            "Mit dem Betrieb des Dienstes klären, ob die Ebene öffentlich ist oder die Verbindung ein Token braucht."
            if code in (401, 403, 498, 499)
            else "Nummer der Ebene (resource) mit dem Verzeichnis des Dienstes vergleichen."
        )
        said = code if isinstance(code, int) else "ohne Nummer"
        return SourceUnreadable(
            f"Tabelle „{self._table}“: Der ArcGIS-Dienst meldet einen Fehler ({said}).", next_step=next_step
        )


def _can_page(about: dict[str, Any]) -> bool:
    """Whether the layer knows resultOffset (it says so since ArcGIS 10.3)."""
    advanced = about.get("advancedQueryCapabilities")
    said = about.get("supportsPagination")
    return bool(advanced.get("supportsPagination") if isinstance(advanced, dict) else said)
