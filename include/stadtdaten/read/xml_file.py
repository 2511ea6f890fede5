"""XML whose repeated element is a row, read by path; a column is an element or attribute at a fixed place in it.

Rows that the contract does not ask for (`where`) are let go while the file is read: of a register of the whole country
only our part is ever in memory, and nobody else's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

import pyarrow as pa

from stadtdaten.contracts.interfaces import Limits
from stadtdaten.contracts.model import Table
from stadtdaten.contracts.reading import Xml
from stadtdaten.faults import SourceUnreadable
from stadtdaten.frames import Repair
from stadtdaten.read.table import RawTable, match_columns
from stadtdaten.read.xml_stream import NIL, elements


def read_xml(table: Table, reading: Xml, files: tuple[Path, ...], limits: Limits) -> RawTable:
    """The declared columns as text: null where a row lacks the element, or has it with `xsi:nil`.

    Raises SourceUnreadable for no rows, a column's element that a row has twice or that holds elements (an element of
    ``where`` also in rows that are not kept), and as xml_stream.elements does; SchemaChanged for a path that no row of
    the file has.
    """
    rows: list[dict[str, str]] = []
    read = 0
    paths: dict[str, None] = {}
    repeated: Counter[str] = Counter()
    nested: Counter[str] = Counter()
    wanted = reading.rows.split("/")
    for file in files:
        for _, element in elements(table, file, limits, lambda names: names == wanted):
            row: dict[str, str] = {}
            seen: Counter[str] = Counter()
            parents: set[str] = set()
            for path, value, parent in _leaves(element):
                seen[path] += 1
                paths[path] = None
                if parent:
                    parents.add(path)
                if value is not None:
                    row[path] = value
            read += 1
            kept = all(row.get(path, "").strip() in values for path, values in reading.where.items())
            told = seen.keys() if kept else reading.where.keys()
            repeated.update(path for path in told if seen[path] > 1)
            nested.update(path for path in told if path in parents)
            if not kept:
                continue
            rows.append(row)
            if len(rows) > limits.rows:
                raise SourceUnreadable(
                    f"Tabelle „{table.id}“: Die Datei hat mehr als die erlaubten {limits.rows} Zeilen.",
                    next_step="Ist das richtig, limits.rows im Vertrag erhöhen.",
                )
    if not read:
        raise SourceUnreadable(
            f"Tabelle „{table.id}“: Die Datei enthält kein Element „{reading.rows}“.",
            next_step="Die Datei ansehen und mit dem Pfad im Vertrag (reading.rows) vergleichen, der bei der Wurzel "
            "beginnt.",
        )
    matched = match_columns(table, list(paths), tuple(reading.where))
    for source, path in matched.names.items():
        for counts, what in ((repeated, "mehrfach"), (nested, "mit weiteren Elementen darin")):
            if counts[path]:
                raise SourceUnreadable(
                    f"Tabelle „{table.id}“, Spalte „{source}“: {counts[path]} von {read} Zeilen enthalten das "
                    f"Element {what} statt eines Werts.",
                    next_step="Den Pfad im Vertrag (source) genauer fassen oder die Spalte herausnehmen.",
                )
    if not rows:
        raise SourceUnreadable(
            f"Tabelle „{table.id}“: Von {read} gelesenen Zeilen passt keine zu where.",
            next_step="Mit der Fachstelle klären, ob der Export gelaufen ist, und die Werte in reading.where prüfen.",
        )
    cells = {
        source: pa.chunked_array([pa.array([row.get(matched.names[source]) for row in rows], pa.string())])
        for source in dict.fromkeys(column.source for column in table.columns)
    }
    repairs = [*matched.repairs]
    if len(rows) < read:
        detail = "Zeile passt nicht zu where"
        repairs.append(Repair(kind="filtered", count=read - len(rows), detail=detail, nature="assumed"))
    return RawTable(cells, len(rows), matched.drift, repairs)


def _leaves(element: Element, path: str = "") -> Iterator[tuple[str, str | None, bool]]:
    """Path, value (None: there is none) and whether there are elements within, of all that is in the row."""
    for name, text in element.attrib.items():
        if name != NIL:
            yield f"{path}/@{name}" if path else f"@{name}", text, False
    for child in element:
        below = f"{path}/{child.tag}" if path else child.tag
        if len(child):
            # The element itself is no value; its path counts, so that a column that asks for it learns why.
            yield below, None, True
        else:
            yield below, None if child.get(NIL) in ("true", "1") else child.text, False
        yield from _leaves(child, below)
