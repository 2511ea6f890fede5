"""A table that is a collection of an OGC API Features (OGC 17-069r4, Part 1: Core), read page by page to the end.

No ``crs`` is asked for (Part 2), so coordinates come as GeoJSON has them: WGS84, longitude before latitude.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote, urljoin

from stadtdaten.contracts.interfaces import Limits, OgcFeaturesInterface
from stadtdaten.contracts.model import Table
from stadtdaten.extract.budget import Budget
from stadtdaten.extract.json_page import features_hash, load_page, refuse_html
from stadtdaten.extract.outcome import Fetched
from stadtdaten.extract.paging import Pages, linked, with_query
from stadtdaten.extract.transport import Transport, below, same_server, without_secrets
from stadtdaten.faults import SourceUnreadable
from stadtdaten.frames import Endpoint


def fetch_collection(
    interface: OgcFeaturesInterface, table: Table, endpoint: Endpoint, folder: Path, limits: Limits
) -> Fetched:
    """All features of the collection, one GeoJSON file per page, in the server's order.

    The server's link ``next`` is followed where it leads to the same server (7.14.4); behind a proxy it often names an
    inner host: then ``offset``, which most servers know, counts on. An empty collection gives one page without
    features. Raises SourceUnreadable for what is no FeatureCollection, features that come twice or not at all and pages
    without an end, SourceInMotion where the number of features changed between two pages, and what Transport raises.
    """
    budget = Budget(limits, table.id)
    base = below(endpoint.url, f"collections/{quote(table.resource, safe='')}/items")
    first = with_query(base, {"f": "json", "limit": interface.page_size})
    files: list[Path] = []
    pages = Pages(table.id, budget)
    asked: set[str] = set()
    with Transport(endpoint, table.id, budget) as transport:
        address: str | None = first
        while address:
            asked.add(address)
            target = folder / f"{table.id}.{len(files) + 1:05}.geojson"
            transport.get(address, target, refuse_html(table.id))
            page = load_page(target, table.id, limits)
            features = _book(page, table.id, pages)
            if features or not files:
                files.append(target)
            else:
                target.unlink()
            address = _next_address(page, table.id, pages, address, base, first)
            if address in asked:
                raise SourceUnreadable(
                    f"Tabelle „{table.id}“: Der Dienst verweist auf eine Seite zurück, die er schon geschickt hat.",
                    next_step="Den Betrieb des Dienstes ansprechen: Die Verweise „next“ führen im Kreis.",
                )
    pages.check_sum()
    return Fetched(tuple(files), without_secrets(base), (), budget.bytes)


def _book(page: dict[str, Any], table: str, pages: Pages) -> int:
    """Books the page; returns how many features it holds."""
    features = page.get("features")
    if page.get("type") != "FeatureCollection" or not isinstance(features, list):
        raise SourceUnreadable(
            f"Tabelle „{table}“: Der Dienst antwortet nicht mit einer FeatureCollection.",
            next_step="Adresse der Verbindung (bis vor /collections) und Name der Sammlung (resource) prüfen.",
        )
    if not all(isinstance(each, dict) and each.get("type") == "Feature" for each in features):
        raise SourceUnreadable(
            f"Tabelle „{table}“: Eine Seite des Dienstes enthält etwas anderes als Objekte (Feature).",
            next_step="Die Abfrage im Browser wiederholen und mit dem Betrieb des Dienstes klären.",
        )
    returned = page.get("numberReturned")
    if isinstance(returned, int) and returned != len(features):
        raise SourceUnreadable(
            f"Tabelle „{table}“: Eine Seite des Dienstes nennt {returned} Objekte und enthält {len(features)}.",
            next_step="Den Betrieb des Dienstes auf die unvollständige Antwort hinweisen.",
        )
    matched = page.get("numberMatched")
    pages.promise(matched if isinstance(matched, int) else None)
    ids = ["" if each.get("id") is None else str(each["id"]) for each in features]
    pages.add(len(features), ids, features_hash(features))
    return len(features)


def _next_address(page: dict[str, Any], table: str, pages: Pages, current: str, base: str, first: str) -> str | None:
    """Where the next page is; None at the end."""
    link = _link(page)
    counted = with_query(first, {"offset": pages.received})
    if not page["features"]:
        if link and pages.promised is None and pages.count > 1:
            raise SourceUnreadable(
                f"Tabelle „{table}“: Der Dienst verweist von einer leeren Seite auf eine weitere; ein Ende ist nicht "
                "zu erkennen.",
                next_step="Den Betrieb des Dienstes ansprechen: Die letzte Seite darf keinen Verweis „next“ haben.",
            )
        return None
    if pages.too_many:
        return None
    if link:  # also behind the promised number: a server that links on contradicts itself, and that must show
        target = urljoin(current, link)
        if same_server(current, target):
            return linked(target, base)
        return None if pages.complete else counted
    return counted if pages.promised is not None and pages.received < pages.promised else None


def _link(page: dict[str, Any]) -> str:
    """The address of the next page in the same format; "" if there is none."""
    links = page.get("links")
    for link in links if isinstance(links, list) else []:
        if not isinstance(link, dict) or link.get("rel") != "next" or not isinstance(link.get("href"), str):
            continue
        if str(link.get("type") or "json").lower().split(";")[0].strip().endswith("json"):
            return str(link["href"])
    return ""
