"""Which properties does a feature type have by its server's own schema (DescribeFeatureType), also empty ones?"""

from __future__ import annotations

from pathlib import Path
from xml.parsers import expat

XSD = "http://www.w3.org/2001/XMLSchema"


def schema_properties(path: Path, feature_type: str) -> frozenset[str]:
    """Local names of the properties of the type (GML application schema, ISO 19136); none if the file is no schema.

    Types of the same file that it extends count; those of other files do not (gml:name and the like).
    """
    reader = _SchemaReader()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler, parser.EndElementHandler = reader.start, reader.end
    parser.StartDoctypeDeclHandler = reader.doctype
    try:
        parser.Parse(path.read_bytes(), True)
    except (expat.ExpatError, _NoSchemaError):
        return frozenset()
    return reader.properties(feature_type.rpartition(":")[2])


class _NoSchemaError(Exception):
    """A document type declaration may be harmful; a schema needs none."""


class _SchemaReader:
    """Collects global elements with their types, and the elements inside of each complex type."""

    def __init__(self) -> None:
        self._open: list[str] = []
        self._types: dict[str, str] = {}
        self._members: dict[str, set[str]] = {}
        self._bases: dict[str, str] = {}
        self._owner = ""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        depth = len(self._open)
        self._open.append(name)
        own = attributes.get("name", "")
        if depth == 1:
            # A type inside of an element has no name: it goes under the element's.
            self._owner = f"type {own}" if name == f"{XSD} complexType" else f"element {own}"
            if name == f"{XSD} element" and "type" in attributes:
                self._types[own] = attributes["type"].rpartition(":")[2]
        elif name == f"{XSD} element" and self._open.count(f"{XSD} element") == (
            2 if self._owner.startswith("element ") else 1
        ):
            local = own or attributes.get("ref", "").rpartition(":")[2]
            self._members.setdefault(self._owner, set()).add(local)
        elif name in (f"{XSD} extension", f"{XSD} restriction") and self._owner not in self._bases:
            self._bases[self._owner] = attributes.get("base", "").rpartition(":")[2]

    def end(self, _name: str) -> None:
        self._open.pop()

    def doctype(self, *_declaration: object) -> None:
        raise _NoSchemaError

    def properties(self, feature_type: str) -> frozenset[str]:
        owner = f"type {self._types[feature_type]}" if feature_type in self._types else f"element {feature_type}"
        found: set[str] = set()
        passed: set[str] = set()
        while owner not in passed:
            passed.add(owner)
            found |= self._members.get(owner, set())
            owner = f"type {self._bases.get(owner, '')}"
        return frozenset(found)
