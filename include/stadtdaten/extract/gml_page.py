"""What a WFS 2.0 page says about itself: is it whole, how many features does it hold, is there more?

Read with expat in one pass and without building a tree. A document type declaration is refused, so no entity can be
declared (OWASP, XML External Entity Prevention); this comes before any other program sees the page.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from xml.parsers import expat

from stadtdaten.faults import SourceUnreadable

WFS = "http://www.opengis.net/wfs/2.0"
GML = "http://www.opengis.net/gml/3.2"
COLLECTION = f"{WFS} FeatureCollection"
MEMBER = f"{WFS} member"


@dataclass(frozen=True)
class Page:
    """One page. ``matched`` is None where the server says "unknown"; ``properties`` are the local names of the
    features' properties, also of those that are empty on this page, ``nested`` of those that hold elements (such as
    geometries), ``repeated`` of those that a feature has more than once, whatever their namespace and case (GDAL knows
    neither); ``types`` the names of their feature types; ``next`` is the server's address of the next page.
    """

    features: int
    ids: tuple[str, ...]
    properties: frozenset[str]
    nested: frozenset[str]
    repeated: frozenset[str]
    types: frozenset[str]
    matched: int | None
    returned: int | None
    next: str


def examine(path: Path, table: str) -> Page:
    """The facts about a page on disk.

    Raises SourceUnreadable for a truncated or malformed page, an ExceptionReport, a document type declaration,
    anything that is no WFS 2.0 FeatureCollection, and a page that holds fewer features than it says.
    """
    reader = _PageReader(table)
    parser = _parser(reader)
    with path.open("rb") as file:
        try:
            parser.ParseFile(file)
        except expat.ExpatError:
            raise SourceUnreadable(
                f"Tabelle „{table}“: Eine Seite des WFS ist kein vollständiges XML "
                f"(abgebrochen in Zeile {parser.ErrorLineNumber}).",
                next_step="Die Abfrage im Browser wiederholen; bricht sie dort auch ab, den Betrieb ansprechen.",
            ) from None
    page = reader.page()
    if page.returned is not None and page.returned != page.features:
        raise SourceUnreadable(
            f"Tabelle „{table}“: Eine Seite des WFS nennt {page.returned} Objekte und enthält {page.features}.",
            next_step="Den Betrieb des WFS auf die unvollständige Antwort hinweisen.",
        )
    return page


def exception_code(head: bytes) -> str | None:
    """The code of an OWS ExceptionReport from its first bytes; None if this is none, "" if it gives no code."""
    reader = _PageReader("")
    # The head ends anywhere and may be no XML at all: what was understood up to there decides.
    with suppress(expat.ExpatError, SourceUnreadable):
        _parser(reader).Parse(head, False)
    return reader.exception


def exception_instead_of_data(table: str, code: str) -> SourceUnreadable:
    """The fault for an ExceptionReport; only its code is told, its text may quote data."""
    return SourceUnreadable(
        f"Tabelle „{table}“: Der WFS meldet einen Fehler (exceptionCode {code or 'fehlt'}).",
        next_step="Den Namen des Objekttyps im Vertrag (resource) mit den Capabilities des Dienstes vergleichen.",
    )


def _parser(reader: _PageReader) -> expat.XMLParserType:
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.StartDoctypeDeclHandler = reader.doctype
    return parser


class _PageReader:
    """Follows the elements down to the features' properties: collection, member, feature, property."""

    def __init__(self, table: str) -> None:
        self._table = table
        self._depth = 0
        self._in_member = False
        self._root: dict[str, str] = {}
        self._features = 0
        self._ids: list[str] = []
        self._properties: set[str] = set()
        self._nested: set[str] = set()
        self._repeated: set[str] = set()
        self._types: set[str] = set()
        self._property = ""
        self._seen: dict[str, str] = {}
        self.exception: str | None = None

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth == 1:
            self._open(name, attributes)
        elif self._depth == 2:
            self._in_member = name == MEMBER
            if self.exception is not None and not self.exception:
                code = attributes.get("exceptionCode", "")
                self.exception = code if re.fullmatch(r"[A-Za-z]{1,60}", code) else ""
        elif self._in_member and self._depth == 3:
            self._features += 1
            self._types.add(name.rpartition(" ")[2])
            self._ids.append(attributes.get(f"{GML} id", ""))
            self._seen = {}
        elif self._in_member and self._depth == 4:
            self._property = name.rpartition(" ")[2]
            self._properties.add(self._property)
            folded = self._property.lower()
            if folded in self._seen:
                self._repeated |= {self._property, self._seen[folded]}
            self._seen[folded] = self._property
        elif self._in_member and self._depth == 5:
            self._nested.add(self._property)

    def end(self, _name: str) -> None:
        self._depth -= 1

    def doctype(self, *_declaration: object) -> None:
        raise SourceUnreadable(
            f"Tabelle „{self._table}“: Eine Seite des WFS enthält eine DOCTYPE-Deklaration; sie wird nicht gelesen.",
            next_step="Den Betrieb des WFS ansprechen: GML braucht keine, und sie kann schädlich sein.",
        )

    def _open(self, name: str, attributes: dict[str, str]) -> None:
        self._root = attributes
        local = name.rpartition(" ")[2]
        if local in ("ExceptionReport", "ServiceExceptionReport"):
            self.exception = ""
        elif name != COLLECTION:
            raise SourceUnreadable(
                f"Tabelle „{self._table}“: Der WFS antwortet nicht mit einer FeatureCollection der Version 2.0.",
                next_step="Prüfen, ob die Adresse der Verbindung ein WFS 2.0 ist.",
            )

    def page(self) -> Page:
        if self.exception is not None:
            raise exception_instead_of_data(self._table, self.exception)
        return Page(
            self._features, tuple(self._ids), frozenset(self._properties),
            frozenset(self._nested),
            frozenset(self._repeated),
            frozenset(self._types),
            _number(self._root.get("numberMatched", "")), _number(self._root.get("numberReturned", "")),
            self._root.get("next", ""),
        )  # fmt: skip


def _number(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else None
