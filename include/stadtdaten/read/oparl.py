"""Objects of a council information system as rows; columns are paths in them, through references as well.

What OParl knows may be missing from every object: the standard lets a server leave out what is empty. A path that OParl
does not know must be found somewhere, or the column is gone.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, NoReturn

import pyarrow as pa

from stadtdaten.contracts.interfaces import Limits
from stadtdaten.contracts.model import Table
from stadtdaten.contracts.reading import Oparl
from stadtdaten.extract.oparl import LISTS
from stadtdaten.extract.oparl_path import NoObject, Object, follow, is_deleted, wanted_paths
from stadtdaten.faults import SourceUnreadable
from stadtdaten.frames import Repair
from stadtdaten.read.oparl_standard import PROPERTIES, knows
from stadtdaten.read.table import RawTable, match_columns


@dataclass(frozen=True)
class _Row:
    """An object of the list; ``own`` is the object in it that makes the row (``reading.each``), if there is one."""

    whole: Object
    own: Object | None


def read_oparl(table: Table, reading: Oparl, files: tuple[Path, ...], limits: Limits, today: date) -> RawTable:
    """The declared columns as text: numbers as written, an object or reference by its id, null where nothing is.

    ``files`` are pages of the list and the objects that they refer to; ``today`` is the day in the city by which
    ``reading.current`` judges. Ids of objects marked as deleted are in ``deleted``. Raises SourceUnreadable for no row,
    several values without a separator and dates that are none; SchemaChanged for a path that nothing knows.
    """
    pages = [_load(table, file) for file in files]
    listed = [each for page in pages if "data" in page for each in page["data"]]
    known = {str(each["id"]): each for each in (*listed, *(page for page in pages if "data" not in page))}
    view = _View(table, reading, known, today)
    rows = list(view.rows(listed))
    if len(rows) > limits.rows:
        raise SourceUnreadable(
            f"Tabelle „{table.id}“: Es sind mehr als die erlaubten {limits.rows} Zeilen.",
            next_step="Ist das richtig, limits.rows im Vertrag erhöhen.",
        )
    deleted = tuple(str(each["id"]) for each in listed if is_deleted(each))
    if not rows and not deleted:
        raise SourceUnreadable(
            f"Tabelle „{table.id}“: Der OParl-Server liefert keine Zeile"
            + (f"; {sum(view.left_out.values())} wurden ausgelassen." if view.left_out else "."),
            next_step="Mit der Fachstelle klären, ob das Ratsinformationssystem gerade neu befüllt wird"
            + (", und reading.where und reading.current im Vertrag prüfen." if view.left_out else "."),
        )
    alive = [each for each in listed if not is_deleted(each)]
    matched = match_columns(table, view.found(alive, rows), tuple(dict.fromkeys(reading.where)))
    declared = dict.fromkeys(column.source for column in table.columns)
    cells = {source: view.column(source, matched.names[source], rows) for source in declared}
    return RawTable(cells, len(rows), matched.drift, [*matched.repairs, *view.repairs()], deleted=deleted)


def _load(table: Table, file: Path) -> Object:
    """The page or object; numbers stay as they are written. Its shape is the connector's business."""
    try:
        content: Object = json.loads(file.read_bytes(), parse_int=str, parse_float=str, parse_constant=_no_number)
    except ValueError:
        raise SourceUnreadable(
            f"Tabelle „{table.id}“: Eine Seite der Quelle ist kein vollständiges JSON.",
            next_step="Den Lauf wiederholen; bleibt es dabei, den Betrieb des Servers ansprechen.",
        ) from None
    return content


def _no_number(_name: str) -> NoReturn:
    """NaN and Infinity are no JSON."""
    raise ValueError


class _View:
    """Looks at objects through the paths of one table."""

    def __init__(self, table: Table, reading: Oparl, known: dict[str, Object], today: date) -> None:
        self._table = table
        self._reading = reading
        self._known = known
        self._today = today
        self._paths = wanted_paths(table, reading)
        self._separators = {column.source: column.separator for column in table.columns if column.type != "marker"}
        self.left_out: Counter[str] = Counter()

    def rows(self, listed: list[Object]) -> Iterator[_Row]:
        """The rows that the contract asks for."""
        undated = 0
        for whole in listed:
            if is_deleted(whole):
                continue
            for row in self._rows_of(whole):
                current = self._is_current(row)
                undated += current is None
                if current is False:
                    self.left_out["current"] += 1
                elif all(set(allowed) & set(self._texts(path, row)) for path, allowed in self._reading.where.items()):
                    yield row
                else:
                    self.left_out["where"] += 1
        if undated:
            raise SourceUnreadable(
                f"Tabelle „{self._table.id}“: {undated} Objekte haben in startDate oder endDate kein Datum "
                "(JJJJ-MM-TT); ob sie noch gelten, ist nicht zu erkennen.",
                next_step="Mit der Fachstelle klären; ohne diese Angabe wird niemand veröffentlicht.",
            )

    def _rows_of(self, whole: Object) -> Iterator[_Row]:
        if self._reading.each is None:
            yield _Row(whole, None)
            return
        items = whole.get(self._reading.each)
        for item in items if isinstance(items, list) else [items]:
            own = self._known.get(item) if isinstance(item, str) else item
            if isinstance(own, dict) and not is_deleted(own):
                yield _Row(whole, own)

    def _is_current(self, row: _Row) -> bool | None:
        """Whether the row is in force today; None where its dates cannot be read."""
        if not self._reading.current:
            return True
        own = row.own or row.whole
        try:
            start, end = (
                None if own.get(name) in (None, "") else date.fromisoformat(own[name])
                for name in ("startDate", "endDate")
            )
        except (TypeError, ValueError):
            return None
        return (start is None or start <= self._today) and (end is None or self._today <= end)

    def _values(self, path: str, row: _Row) -> list[Any]:
        steps = self._paths[path]
        thing = row.whole
        if row.own is not None and steps[0] == self._reading.each:
            thing, steps = row.own, steps[1:]
        try:
            return follow(thing, steps, self._known, set())
        except NoObject as error:
            raise error.fault(self._table.id, path) from None

    def _texts(self, path: str, row: _Row) -> list[str]:
        return [_text(value) for value in self._values(path, row)]

    def column(self, source: str, path: str, rows: list[_Row]) -> pa.ChunkedArray:
        """The texts at the path, one a row."""
        separator = self._separators.get(source)
        cells: list[str | None] = []
        several = holding = 0
        for row in rows:
            texts = self._texts(path, row)
            several += len(texts) > 1 and separator is None
            holding += len(texts) > 1 and separator is not None and any(separator in text for text in texts)
            cells.append((separator or "").join(texts) if texts else None)
        for count, what, next_step in (
            (several, "mehrere Werte", "Im Vertrag separator erklären, etwa „||“, oder den Pfad genauer fassen."),
            (holding, "Werte, die das Trennzeichen der Liste enthalten", "Im Vertrag einen anderen separator wählen."),
        ):
            if count:
                raise SourceUnreadable(
                    f"Tabelle „{self._table.id}“, Spalte „{source}“: {count} von {len(rows)} Zeilen enthalten {what}.",
                    next_step=next_step,
                )
        return pa.chunked_array([pa.array(cells, pa.string())])

    def found(self, listed: list[Object], rows: list[_Row]) -> list[str]:
        """The paths that are there, then what objects hold beyond the standard and the contract.

        Of a column's names those count that some row has; where none is, its source if the standard knows it.
        """
        kind = LISTS[self._table.resource]
        declared = [(column.source, *column.aliases) for column in self._table.columns]
        there: dict[str, None] = {}
        for names in (*declared, *((path,) for path in self._reading.where)):
            present = [name for name in names if any(self._values(name, row) for row in rows)]
            there |= dict.fromkeys(present or [name for name in names[:1] if knows(kind, self._paths[name])])
        standard = PROPERTIES[kind]
        beyond = dict.fromkeys(name for each in listed for name in each if name not in standard)
        begun = {self._paths[name][0] for names in declared for name in names}
        return [*there, *(name for name in beyond if name not in begun)]

    def repairs(self) -> list[Repair]:
        """What was left out, and by which word of the contract."""
        details = {
            "where": "Zeile passt nicht zu where",
            "current": "gilt heute nicht (startDate, endDate)",
        }
        return [
            Repair(kind="filtered", count=count, detail=details[word], nature="assumed")
            for word, count in self.left_out.items()
        ]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return str(value.get("id", ""))
    return str(value)
