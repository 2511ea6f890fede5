"""Where does a path such as ``membership/organization/name`` lead in an OParl object, and which others does it need?

OParl writes related objects into an object or names them by their id, which is the address where they are: a path goes
through both alike. Connector and reader follow the same paths, so that every object a table needs is fetched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stadtdaten.contracts.model import Table
from stadtdaten.contracts.reading import Oparl
from stadtdaten.faults import SourceUnreadable

Object = dict[str, Any]


class NoObject(Exception):
    """A path leads through something that is neither an object nor the address of one."""

    def fault(self, table: str, path: str) -> SourceUnreadable:
        """What there is to tell about it."""
        return SourceUnreadable(
            f"Tabelle „{table}“, Spalte „{path}“: Der Pfad führt durch einen Wert, der weder Objekt noch Adresse eines "
            "Objekts ist.",
            next_step="Den Pfad im Vertrag (source) mit den Eigenschaften in OParl vergleichen.",
        )


def wanted_paths(table: Table, reading: Oparl) -> dict[str, tuple[str, ...]]:
    """Every path that is needed to read the table, with its steps."""
    paths = [name for column in table.columns for name in (column.source, *column.aliases)]
    if reading.each:
        paths.append(f"{reading.each}/id")
    return {path: tuple(path.split("/")) for path in (*paths, *reading.where)}


def is_deleted(thing: Any) -> bool:
    """Whether it is an object that says so of itself: it then holds nothing but its id (OParl 1.1, 2.8)."""
    return isinstance(thing, dict) and thing.get("deleted") is True


def follow(thing: Any, steps: Sequence[str], known: Mapping[str, Object], missing: set[str]) -> list[Any]:
    """The values at the end of the path, in order; none where a step is not there.

    Ids on the way that are not among the ``known`` objects go into ``missing``. Lists count as their items, deleted
    objects as if they were not there. Raises NoObject.
    """
    if isinstance(thing, list):
        return [value for item in thing for value in follow(item, steps, known, missing)]
    if thing is None or is_deleted(thing):
        return []
    if not steps:
        return [thing]
    if isinstance(thing, str) and thing.startswith(("http://", "https://")):
        if thing not in known:
            missing.add(thing)
            return []
        return follow(known[thing], steps, known, missing)
    if not isinstance(thing, dict):
        raise NoObject
    return follow(thing.get(steps[0]), steps[1:], known, missing)
