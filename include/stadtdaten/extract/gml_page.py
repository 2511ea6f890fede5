"""What a WFS page says about itself: is it whole, how many features does it hold, is there more?

Read with expat in one pass and without building a tree. A document type declaration is refused, so no entity can be
declared (OWASP, XML External Entity Prevention); this comes before any other program sees the page. Pages whose
features all look alike are proven faster, see ``gml_alike``.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from xml.parsers import expat

from stadtdaten.contracts.interfaces import Limits
from stadtdaten.faults import SourceUnreadable

WFS2, WFS1 = "http://www.opengis.net/wfs/2.0", "http://www.opengis.net/wfs"
GML32, GML31 = "http://www.opengis.net/gml/3.2", "http://www.opengis.net/gml"
VERSIONS = {f"{WFS2} FeatureCollection": "2.0.0", f"{WFS1} FeatureCollection": "1.1.0"}
MEMBERS = frozenset({f"{WFS2} member", f"{GML31} featureMember", f"{GML31} featureMembers"})
"""What holds features: one in a member, any number in featureMembers (GML 3.1.1)."""

IDS = (f"{GML32} id", f"{GML31} id", "fid")
BOUNDS = frozenset({f"{GML32} boundedBy", f"{GML31} boundedBy"})
"""A feature's extent, which some servers add: derived from its geometry and no property of it."""


@dataclass(frozen=True)
class Page:
    """One page of a WFS 2.0 or 1.1 (``version``).

    ``matched`` is None where the server says "unknown" or (1.1) nothing; ``properties`` are the local names of the
    features' properties, also of those that are empty on this page, ``nested`` of those that hold elements (such as
    geometries), ``repeated`` of those that a feature has more than once, whatever their namespace and case (GDAL knows
    neither); ``types`` the names of their feature types; ``systems`` holds the first srsName in each feature ("" if it
    has none); ``next`` is the server's address of the next page.
    """

    version: str
    features: int
    ids: tuple[str, ...]
    properties: frozenset[str]
    nested: frozenset[str]
    repeated: frozenset[str]
    types: frozenset[str]
    systems: tuple[str, ...]
    matched: int | None
    returned: int | None
    next: str


def examine(path: Path, table: str, limits: Limits) -> Page:
    """The facts about a page on disk.

    Raises SourceUnreadable for a truncated or malformed page, one in another encoding than it says, an
    ExceptionReport, a document type declaration, too deep nesting, and anything that is no FeatureCollection.
    """
    reader = _PageReader(table, limits.depth)
    parser = _parser(reader)
    with path.open("rb") as file:
        try:
            parser.ParseFile(file)
        except expat.ExpatError as error:
            if error.code == expat.errors.codes[expat.errors.XML_ERROR_INVALID_TOKEN] and not _is_utf8(path):
                raise SourceUnreadable(
                    f"Tabelle „{table}“: Eine Seite des WFS ist nicht in der Kodierung geschrieben, die sie nennt oder "
                    f"die ohne Angabe gilt (UTF-8); das zeigt sich in Zeile {parser.ErrorLineNumber}.",
                    next_step="Den Betrieb des WFS bitten, die Kodierung im XML-Prolog zu berichtigen "
                    "(meist ISO-8859-1).",
                ) from None
            raise SourceUnreadable(
                f"Tabelle „{table}“: Eine Seite des WFS ist kein vollständiges XML "
                f"(abgebrochen in Zeile {parser.ErrorLineNumber}).",
                next_step="Die Abfrage im Browser wiederholen; bricht sie dort auch ab, den Betrieb ansprechen.",
            ) from None
    return reader.page()


def examine_text(content: bytes, table: str, limits: Limits) -> Page:
    """The facts about a page in UTF-8 in memory, whatever its prolog says; raises ExpatError where it is no XML."""
    reader = _PageReader(table, limits.depth)
    _parser(reader, "UTF-8").Parse(content, True)
    return reader.page()


def check_count(page: Page, table: str) -> None:
    """Raises SourceUnreadable if a page of features holds another number of them than it says."""
    if page.returned is not None and page.returned != page.features:
        raise SourceUnreadable(
            f"Tabelle „{table}“: Eine Seite des WFS nennt {page.returned} Objekte und enthält {page.features}.",
            next_step="Den Betrieb des WFS auf die unvollständige Antwort hinweisen.",
        )


def feature_spans(path: Path, table: str, limits: Limits) -> list[tuple[int, int]]:
    """Where the features stand in the file: first byte and the one behind the last. ``examine`` must know the page."""
    content = path.read_bytes()
    reader = _PageReader(table, limits.depth)
    parser = _parser(reader)
    starts: list[int] = []
    spans: list[tuple[int, int]] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        before = reader.features
        reader.start(name, attributes)
        if reader.features > before:
            starts.append(parser.CurrentByteIndex)

    def end(name: str) -> None:
        if len(starts) > len(spans) and reader.depth == 3:
            spans.append((starts[-1], content.index(b">", parser.CurrentByteIndex) + 1))
        reader.end(name)

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.Parse(content, True)
    return spans


def exception_code(head: bytes) -> str | None:
    """The code of an OWS ExceptionReport from its first bytes; None if this is none, "" if it gives no code."""
    reader = _PageReader("", Limits().depth)
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


def _parser(reader: _PageReader, encoding: str | None = None) -> expat.XMLParserType:
    parser = expat.ParserCreate(encoding, namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.StartDoctypeDeclHandler = reader.doctype
    return parser


def _is_utf8(path: Path) -> bool:
    with path.open(encoding="utf-8") as file:
        try:
            while file.read(1 << 20):
                pass
        except UnicodeDecodeError:
            return False
    return True


class _PageReader:
    """Follows the elements down to the features' properties: collection, member, feature, property."""

    def __init__(self, table: str, deepest: int) -> None:
        self._table = table
        self._deepest = deepest
        self._in_member = False
        self._root: dict[str, str] = {}
        self._ids: list[str] = []
        self._properties: set[str] = set()
        self._nested: set[str] = set()
        self._repeated: set[str] = set()
        self._types: set[str] = set()
        self._systems: list[str] = []
        self._property = ""
        self._seen: dict[str, str] = {}
        self._version = ""
        self.depth = 0
        self.features = 0
        self.exception: str | None = None

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        if self.depth == 1:
            self._open(name, attributes)
        elif self.depth == 2:
            self._in_member = name in MEMBERS
            if self.exception is not None and not self.exception:
                code = attributes.get("exceptionCode", "")
                self.exception = code if re.fullmatch(r"[A-Za-z]{1,60}", code) else ""
        elif self._in_member and self.depth == 3:
            self.features += 1
            self._types.add(name.rpartition(" ")[2])
            self._ids.append(next((attributes[each] for each in IDS if each in attributes), ""))
            self._systems.append("")
            self._seen = {}
        elif self._in_member and self.depth == 4:
            self._property = "" if name in BOUNDS else name.rpartition(" ")[2]
            if self._property:
                self._properties.add(self._property)
                folded = self._property.lower()
                if folded in self._seen:
                    self._repeated |= {self._property, self._seen[folded]}
                self._seen[folded] = self._property
        elif self._in_member and self._property:
            if self.depth == 5:
                self._nested.add(self._property)
            if not self._systems[-1] and "srsName" in attributes:
                self._systems[-1] = attributes["srsName"]
            if self.depth > self._deepest:
                raise SourceUnreadable(
                    f"Tabelle „{self._table}“: Eine Seite des WFS ist tiefer geschachtelt als {self._deepest} Ebenen.",
                    next_step="Prüfen, ob die Quelle das Richtige liefert; sonst limits.depth im Vertrag anheben.",
                )

    def end(self, _name: str) -> None:
        self.depth -= 1

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
        elif name not in VERSIONS:
            raise SourceUnreadable(
                f"Tabelle „{self._table}“: Der WFS antwortet nicht mit einer FeatureCollection der Version 2.0 oder "
                "1.1.",
                next_step="Prüfen, ob die Adresse der Verbindung ein WFS ist.",
            )
        else:
            self._version = VERSIONS[name]

    def page(self) -> Page:
        if self.exception is not None:
            raise exception_instead_of_data(self._table, self.exception)
        returned = "numberReturned" if self._version == "2.0.0" else "numberOfFeatures"
        return Page(
            self._version, self.features, tuple(self._ids),
            frozenset(self._properties), frozenset(self._nested), frozenset(self._repeated),
            frozenset(self._types), tuple(self._systems),
            _number(self._root.get("numberMatched", "")), _number(self._root.get(returned, "")),
            self._root.get("next", ""),
        )  # fmt: skip


def _number(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else None
