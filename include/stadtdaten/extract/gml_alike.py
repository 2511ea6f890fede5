"""Pages whose features all look alike (points with texts, as most WFS deliver them), proven and read by one pattern.

expat needs a call back into Python for every tag, ten times what a regular expression needs. The pattern is learnt
from the page's first features: their tags and attributes as they stand, with gaps for texts, ids and coordinates. What
it takes for proven is what expat proved of the first features: a page counts as alike only if head, tail and first
feature are well-formed XML and every byte in between belongs to a match. Anything else (comments, CDATA, other
entities, other shapes) is not alike and goes the long way; nothing here raises a fault about a page.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal
from xml.parsers import expat

from stadtdaten.contracts.interfaces import Limits
from stadtdaten.extract.gml_page import GML31, GML32, Page, examine_text
from stadtdaten.faults import SourceUnreadable

LARGEST = 64_000_000
"""Bytes of a page that is held in memory; larger ones are streamed through expat."""

LESSONS = 20
"""Features from which the pattern is learnt at most: each may bring properties that the others lack."""

ENCODING = re.compile(rb"""\s*<\?xml[^>]*?\sencoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
MEMBER = re.compile(rb"<((?:[A-Za-z_][\w.-]*:)?(?:member|featureMember))>")
TOKEN = re.compile(rb"<[^>]*>|[^<]+")
START = re.compile(rb'<([A-Za-z_][\w.:-]*)((?: [A-Za-z_][\w.:-]*="[^"<&>]*")*)(/?)>')
ATTRIBUTE = re.compile(rb' ([A-Za-z_][\w.:-]*)="([^"<&>]*)"')
CONTROLS = bytes({*range(32)} - {*b"\t\n\r"})
ENTITY = re.compile(rb"&(?!(?:amp|lt|gt|quot|apos);)")
"""Entities that the pattern does not judge."""

ID = rb'[^"<&>]*'
TEXT, POSITION = b"\0text", b"\0position"
"""In a pattern: where a text, or that of a gml:pos (which is never empty), is looked for."""

PASSED_OVER = {TEXT: rb"[^<>]*", POSITION: rb"[^<>]+"}
TAKEN = {TEXT: rb"([^<>]*)", POSITION: rb"([^<>]+)"}


@dataclass(frozen=True)
class Alike:
    """A page's facts and its columns by property: the text between the tags, entities still written out (``&amp;``),
    empty where a feature lacks it; points as the text of gml:pos, and the one srsName of all of them, "" for none.
    """

    page: Page
    texts: dict[str, list[bytes]]
    points: dict[str, list[bytes]]
    systems: dict[str, str]


def count_alike(path: Path, table: str, limits: Limits) -> Page | None:
    """The facts about the page in the file, or None if its features are not alike. Texts are not looked at."""
    content = _content(path)
    found = _all_rows(content, table, limits, PASSED_OVER) if content else None
    return found and _facts(*found)


def read_alike(path: Path, table: str, limits: Limits) -> Alike | None:
    """The page in the file, or None if its features are not alike or something in it is out of the ordinary."""
    content = _content(path)
    if content is None or not _is_text(content) or ENTITY.search(content):
        return None
    found = _all_rows(content, table, limits, TAKEN)
    if found is None:
        return None
    page, learnt, rows = found
    columns = dict(
        zip(
            [each for each in learnt.properties if each.holds],
            [list(column) for column in zip(*rows, strict=True)][1 + learnt.has_ids :],
            strict=True,
        )
    )
    texts = {each.name: column for each, column in columns.items() if each.holds == "text"}
    points = {each.name: column for each, column in columns.items() if each.holds == "point"}
    systems = {each.name: each.system for each in columns if each.holds == "point"}
    if not all(systems.values()) and b" srsName=" in content:
        return None  # named once for all: whom it concerns is for GDAL to say
    return Alike(_facts(page, learnt, rows), texts, points, systems)


def _all_rows(
    content: bytes, table: str, limits: Limits, gaps: dict[bytes, bytes]
) -> tuple[Page, _Pattern, list[tuple[bytes, ...]]] | None:
    """What the learnt pattern finds in every feature, with the facts of a page that holds one of them."""
    first = MEMBER.search(content)
    if first is None:
        return None
    begin, closing = first.start(), b"</" + first[1] + b">"
    end = content.rfind(closing) + len(closing)
    head, tail = content[:begin], content[end:]
    if not any(f'xmlns:gml="{each}"'.encode() in head for each in (GML31, GML32)):
        return None
    learnt, missed = None, begin
    for _ in range(LESSONS):
        lesson = content[missed : content.find(closing, missed) + len(closing)]
        try:
            page = examine_text(head + lesson + tail, table, limits)
        except (expat.ExpatError, SourceUnreadable):
            return None  # the long way tells what is wrong
        told = _learn(lesson)
        learnt = told if learnt is None or told is None else learnt.extended(told)
        if learnt is None or page.features != 1 or page.repeated or bool(page.ids[0]) != learnt.has_ids:
            return None
        pattern = learnt.compiled(gaps)
        rows: list[tuple[bytes, ...]] = [
            match if isinstance(match, tuple) else (match,) for match in pattern.findall(content, begin, end)
        ]
        if sum(len(row[0]) for row in rows) == end - begin:
            return page, learnt, rows
        missed = _first_miss(pattern, content, begin, end)
    return None


def _facts(page: Page, learnt: _Pattern, rows: list[tuple[bytes, ...]]) -> Page:
    return replace(
        page,
        features=len(rows),
        ids=tuple([row[1].decode() for row in rows]) if learnt.has_ids else ("",) * len(rows),
        properties=frozenset(each.name for each in learnt.properties if each.holds),
        nested=frozenset(each.name for each in learnt.properties if each.holds == "point"),
    )


def _content(path: Path) -> bytes | None:
    """The page in UTF-8 with plain line ends (XML 1.0, 2.11)."""
    if path.stat().st_size > LARGEST:
        return None
    content = path.read_bytes()
    declared = ENCODING.match(content)
    encoding = declared[1].decode().lower() if declared else "utf-8"
    if encoding == "iso-8859-1":
        content = content.decode("latin-1").encode()
    elif encoding != "utf-8":
        return None
    return content.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in content else content


def _is_text(content: bytes) -> bool:
    """Whether it is UTF-8 without characters that XML forbids (XML 1.0, 2.2)."""
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    controls = len(content) - len(content.translate(None, CONTROLS))
    return not controls and b"\xef\xbf\xbe" not in content and b"\xef\xbf\xbf" not in content


def _first_miss(pattern: re.Pattern[bytes], content: bytes, start: int, end: int) -> int:
    """Where the first feature stands that does not fit."""
    while match := pattern.match(content, start, end):
        start = match.end()
    return start


@dataclass(frozen=True)
class _Property:
    """``shape`` is the pattern of the whole element, whose one group holds a text or that of a gml:pos, or nothing."""

    tag: bytes
    shape: bytes
    holds: Literal["text", "point", ""]
    system: str = ""

    @property
    def name(self) -> str:
        return self.tag.rpartition(b":")[2].decode()


@dataclass(frozen=True)
class _Pattern:
    """A member: what stands before its properties (with the feature's id), the properties, and what stands behind."""

    before: bytes
    properties: tuple[_Property, ...]
    behind: bytes
    has_ids: bool

    def compiled(self, gaps: dict[bytes, bytes]) -> re.Pattern[bytes]:
        """The first group is the whole member, to see that nothing is left between two of them."""
        inner = b"".join(rb"(?:%s\s*)?" % each.shape for each in self.properties)
        for hole, gap in gaps.items():
            inner = inner.replace(hole, gap)
        return re.compile(rb"(%s\s*%s%s\s*)" % (self.before, inner, self.behind))

    def extended(self, other: _Pattern) -> _Pattern | None:
        """With the other's further properties in their places; None if the two contradict each other."""
        if (self.before, self.behind) != (other.before, other.behind):
            return None
        known = {each.tag: each for each in self.properties}
        if any(known.get(each.tag, each) != each for each in other.properties):
            return None
        merged, place = list(self.properties), 0
        for each in other.properties:
            if each in merged[place:]:
                place = merged.index(each) + 1
            elif each in merged:
                return None  # in another order
            else:
                merged.insert(place, each)
                place += 1
        names = [each.name.lower() for each in merged]
        return replace(self, properties=tuple(merged)) if len(set(names)) == len(names) else None


def _learn(member: bytes) -> _Pattern | None:
    """The pattern of a member; None if it holds what no pattern is made for."""
    tokens = [token for token in TOKEN.findall(member) if token.strip()]
    if len(tokens) < 4 or START.fullmatch(tokens[0]) is None or not tokens[-2].startswith(b"</"):
        return None
    feature = START.fullmatch(tokens[1])
    if feature is None or feature[3]:
        return None
    properties: list[_Property] = []
    element: list[bytes] = []
    depth = 0
    for token in tokens[2:-2]:
        element.append(token)
        start = START.fullmatch(token)
        if token.startswith(b"</"):
            depth -= 1
        elif token.startswith(b"<"):
            if start is None:
                return None
            depth += not start[3]
        if depth == 0:
            shape = _shape(element)
            if shape is None:
                return None
            properties.append(shape)
            element = []
    if element:
        return None
    before = rb"%s\s*%s" % (re.escape(tokens[0]), _start(feature, ids=b"(%s)" % ID))
    behind = rb"%s\s*%s" % (re.escape(tokens[-2]), re.escape(tokens[-1]))
    return _Pattern(before, tuple(properties), behind, b" gml:id=" in feature[2])


def _shape(element: list[bytes]) -> _Property | None:
    """The pattern of a property: a text, a point, or the feature's extent, which is passed over."""
    start = START.fullmatch(element[0])
    if start is None:
        return None
    tag = start[1]
    tags = [each for each in element if each.startswith(b"<")]
    if len(tags) <= 2:
        name, attributes = re.escape(tag), re.escape(start[2])
        return _Property(tag, rb"<%s%s(?:/>|>%s</%s>)" % (name, attributes, TEXT, name), "text")
    if tag == b"gml:boundedBy":
        parts = [re.escape(each) if each.startswith(b"<") else PASSED_OVER[TEXT] for each in element]
        return _Property(tag, rb"\s*".join(parts), "")
    inner = [START.fullmatch(each) for each in element[1:3]]
    point, position = inner
    if len(element) != 7 or point is None or position is None or element[4:6] != [b"</gml:pos>", b"</gml:Point>"]:
        return None
    further = dict(ATTRIBUTE.findall(position[2]))
    two = {dict(ATTRIBUTE.findall(each[2])).get(b"srsDimension", b"2") for each in (point, position)} == {b"2"}
    if (point[1], position[1]) != (b"gml:Point", b"gml:pos") or point[3] or position[3] or not two:
        return None
    if b"srsName" in further:
        return None
    opening = _start(point, ids=ID)
    parts = [re.escape(element[0]), opening, re.escape(element[2]), POSITION, *map(re.escape, element[4:])]
    system = dict(ATTRIBUTE.findall(point[2])).get(b"srsName", b"").decode()
    return _Property(tag, rb"\s*".join(parts), "point", system)


def _start(start: re.Match[bytes], ids: bytes) -> bytes:
    """A start tag as it stands, with a gap in place of its id."""
    attributes = b"".join(
        rb' %s="%s"' % (re.escape(name), ids if name == b"gml:id" else re.escape(value))
        for name, value in ATTRIBUTE.findall(start[2])
    )
    return rb"<%s%s>" % (re.escape(start[1]), attributes)
