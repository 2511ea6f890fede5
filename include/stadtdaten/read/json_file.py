"""JSON whose objects in a list are the rows, read by path; numbers stay as they are written until they get a type."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from stadtdaten.contracts.interfaces import Limits
from stadtdaten.contracts.model import Table
from stadtdaten.contracts.reading import Json
from stadtdaten.extract.json_page import LARGEST, depth_of, member
from stadtdaten.faults import SourceUnreadable
from stadtdaten.read.table import RawTable, match_columns
from stadtdaten.read.vector.feature_json import WRITTEN


def read_json(table: Table, reading: Json, files: tuple[Path, ...], limits: Limits) -> RawTable:
    """The declared columns as text, and those of the coordinates: null where a row lacks the member, or has null.

    ``true`` and ``false`` are written so. Raises SourceUnreadable for what is no JSON (RFC 8259) or names a member
    twice, a document without the list or without rows, objects in place of a value, and several values in a column
    without separator; SchemaChanged for a path that no row has. Undeclared members are told by name only on levels of
    which the contract declares something: elsewhere names may be values (an object by person).
    """
    rows = [row for file in files for row in _rows(table, reading, file, limits)]
    if not rows:
        raise SourceUnreadable(
            f"Tabelle „{table.id}“: Die Quelle liefert keine Zeile.",
            next_step="Mit der Fachstelle klären, ob der Export gelaufen ist oder die Freigabe fehlt.",
        )
    if len(rows) > limits.rows:
        raise SourceUnreadable(
            f"Tabelle „{table.id}“: Die Quelle liefert mehr als die erlaubten {limits.rows} Zeilen.",
            next_step="Ist das richtig, limits.rows im Vertrag erhöhen.",
        )
    separators = {
        name: column.separator for column in table.columns for name in (column.source, *column.aliases)
        if column.type not in ("geometry", "marker")  # a marker has the source of another column
    }  # fmt: skip
    coordinates = [name for name in (reading.x, reading.y) if name is not None]
    declared = {*separators, *coordinates}
    levels = {path.rpartition("/")[0] for path in declared}
    levels |= {"/".join(level.split("/")[:depth]) for level in levels for depth in range(1, level.count("/") + 1)}
    found: list[dict[str, list[Any]]] = []
    paths: dict[str, None] = {}
    for row in rows:
        values: dict[str, list[Any]] = {}
        for path, value in _members(row, "", levels):
            values.setdefault(path, []).append(value)
            paths[path] = None
        found.append(values)
    matched = match_columns(table, list(paths), coordinates)
    cells = {
        source: pa.chunked_array(
            [_cells(table, source, separators.get(source), [values.get(path, []) for values in found])]
        )
        for source, path in matched.names.items()
    }
    return RawTable(cells, len(rows), matched.drift, matched.repairs)


def _rows(table: Table, reading: Json, file: Path, limits: Limits) -> list[dict[str, Any]]:
    if file.stat().st_size > LARGEST:
        raise _odd(
            table, f"hat mehr als {LARGEST // 1_000_000} MB auf einmal", "Die Fachstelle um Seiten oder CSV bitten."
        )
    content = file.read_bytes().removeprefix(b"\xef\xbb\xbf")
    if depth_of(content) > limits.depth:
        raise _odd(
            table,
            f"ist tiefer geschachtelt als {limits.depth} Ebenen",
            "Die Datei ansehen; ist sie in Ordnung, im Vertrag limits.depth erhöhen.",
        )
    try:
        document = WRITTEN.decode(content.decode())
    except ValueError:
        raise _odd(
            table,
            "ist kein vollständiges JSON in UTF-8, oder sie nennt eine Eigenschaft zweimal im selben Objekt",
            "Mit der Fachstelle klären, ob der Export gelaufen und vollständig ist.",
        ) from None
    rows = document if reading.rows is None else member(document, reading.rows)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise _odd(
            table,
            "enthält an der Stelle der Zeilen keine Liste von Objekten",
            "Die Datei ansehen und reading.rows im Vertrag berichtigen.",
        )
    return rows


def _members(value: dict[str, Any], path: str, levels: set[str]) -> Iterator[tuple[str, Any]]:
    """Path and value of all members on the ``levels`` of which the contract declares something, through lists too."""
    for name, child in value.items():
        below = f"{path}/{name}" if path else name
        items = child if isinstance(child, list) else [child]
        for item in items:
            if below in levels and isinstance(item, dict):
                yield from _members(item, below, levels)
            elif below not in levels or item is not None:  # null in place of an object is no value of its own
                yield below, item
        if not items and below not in levels:
            yield below, None


def _cells(table: Table, source: str, separator: str | None, values: list[list[Any]]) -> pa.Array:
    """One text for each row; several values are joined by the separator, which none of them may hold."""
    problems: Counter[str] = Counter()
    texts: list[str | None] = []
    for row in values:
        if any(isinstance(value, dict | list) for value in row):
            problems["enthalten verschachtelte Angaben statt eines Werts"] += 1
        given = [_text(value) for value in row if value is not None]
        if len(given) > 1 and separator is None:
            problems["enthalten mehrere Werte, und der Vertrag nennt keinen separator"] += 1
        if len(given) > 1 and separator is not None and any(separator in text for text in given):
            problems["enthalten das Trennzeichen (separator) in einem ihrer Werte"] += 1
        texts.append((separator or "").join(given) if given else None)
    if problems:
        told = "; ".join(f"{count} von {len(values)} Zellen {what}" for what, count in problems.items())
        raise SourceUnreadable(
            f"Tabelle „{table.id}“, Spalte „{source}“: {told}.",
            next_step="Den Pfad im Vertrag (source) genauer fassen, einen separator nennen oder die Spalte "
            "herausnehmen.",
        )
    return pa.array(texts, pa.string())


def _text(value: Any) -> str:
    """As JSON writes it: the decoder leaves numbers as text."""
    return json.dumps(value) if isinstance(value, bool) else str(value)


def _odd(table: Table, what: str, next_step: str) -> SourceUnreadable:
    return SourceUnreadable(f"Tabelle „{table.id}“: Die Datei {what}.", next_step=next_step)
