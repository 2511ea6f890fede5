"""Elements out of an XML file of any size, one at a time and without danger.

A document type declaration is refused, so no entity can be declared (OWASP, XML External Entity Prevention); names are
local names, because which prefix or version of a namespace a source uses says nothing about its data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree.ElementTree import Element, TreeBuilder  # only the tree: parsing is expat's, below
from xml.parsers import expat

from stadtdaten.contracts.interfaces import Limits
from stadtdaten.contracts.model import Table
from stadtdaten.faults import SourceUnreadable

CHUNK = 1 << 20
NIL = "nil"
"""XML Schema's attribute that says "no value"."""

XSI = "http://www.w3.org/2001/XMLSchema-instance"

Names = list[str]
"""The names of the open elements, from the root."""


def elements(
    table: Table, path: Path, limits: Limits, wanted: Callable[[Names], bool]
) -> Iterator[tuple[tuple[str, ...], Element]]:
    """The elements whose path is wanted (with all that is in them), and that path from the root.

    Elements within a wanted one are not looked at. Raises SourceUnreadable for XML that is not well-formed, a document
    type declaration, and beyond the limits of depth and cell.
    """
    reader = _Reader(table, limits, wanted)
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = reader.doctype
    with path.open("rb") as file:
        while True:
            chunk = file.read(CHUNK)
            try:
                parser.Parse(chunk, not chunk)
            except (expat.ExpatError, ValueError, LookupError):  # the latter: an encoding that Python does not know
                raise SourceUnreadable(
                    f"Tabelle „{table.id}“: Die Datei ist kein vollständiges XML (abgebrochen in Zeile "
                    f"{parser.CurrentLineNumber}).",
                    next_step="Mit der Fachstelle klären, ob der Export gelaufen und vollständig ist.",
                ) from None
            yield from reader.finished
            reader.finished.clear()
            if not chunk:
                return


class _Reader:
    def __init__(self, table: Table, limits: Limits, wanted: Callable[[Names], bool]) -> None:
        self._table = table
        self._limits = limits
        self._wanted = wanted
        self._open: Names = []
        self._within = 0
        self._builder = TreeBuilder()
        self._characters = 0
        self.finished: list[tuple[tuple[str, ...], Element]] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._open.append(_local(name))
        if len(self._open) > self._limits.depth:
            raise self._beyond(f"mehr als {self._limits.depth} Ebenen tief verschachtelt", "depth")
        if self._within or self._wanted(self._open):
            if not self._within:
                self._builder = TreeBuilder()
            self._within += 1
            self._characters = 0
            for value in attributes.values():
                self._count(value)
            self._builder.start(_local(name), self._local_names(attributes))

    def _local_names(self, attributes: dict[str, str]) -> dict[str, str]:
        """Without those that XML Schema has for a parser (xsi:type), which are no data; `nil` says that there is none.

        Raises SourceUnreadable where two differ by their namespace alone.
        """
        own = {key: text for key, text in attributes.items() if not key.startswith(f"{XSI} ") or _local(key) == NIL}
        named = {_local(key): text for key, text in own.items()}
        if len(named) < len(own):
            raise SourceUnreadable(
                f"Tabelle „{self._table.id}“: Ein Element der Datei hat zwei Attribute, die sich nur im Namensraum "
                "unterscheiden; welches gilt, steht nicht fest.",
                next_step="Die Fachstelle bitten, die Attribute verschieden zu nennen.",
            )
        return named

    def text(self, data: str) -> None:
        if self._within:
            self._count(data)
            self._builder.data(data)

    def end(self, name: str) -> None:
        self._characters = 0
        if self._within:
            self._builder.end(_local(name))
            self._within -= 1
            if not self._within:
                self.finished.append((tuple(self._open), self._builder.close()))
        self._open.pop()

    def doctype(self, *_declaration: object) -> None:
        raise SourceUnreadable(
            f"Tabelle „{self._table.id}“: Die Datei enthält eine DOCTYPE-Deklaration; sie wird nicht gelesen.",
            next_step="Die Fachstelle um XML ohne DOCTYPE bitten: Daten brauchen keine, und sie kann schädlich sein.",
        )

    def _count(self, data: str) -> None:
        self._characters += len(data)
        if self._characters > self._limits.cell:
            raise self._beyond(f"mit mehr als {self._limits.cell} Zeichen in einem Wert", "cell")

    def _beyond(self, what: str, limit: str) -> SourceUnreadable:
        return SourceUnreadable(
            f"Tabelle „{self._table.id}“: Die Datei ist XML, {what}.",
            next_step=f"Die Datei ansehen; ist sie in Ordnung, im Vertrag limits.{limit} erhöhen.",
        )


def _local(name: str) -> str:
    return name.rpartition(" ")[2]
