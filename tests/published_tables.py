"""Published tables of counts and sums made by hand: which cells are held back is the test's own choice."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from stadtdaten.contracts import Table

TOTAL = "Insgesamt"
Cell = tuple[str, ...]


def counts(*dimensions: str, id: str = "personen", margins: Sequence[str] | None = None, minimum: int = 3,
           treatment: Mapping[str, Any] | None = None, **more: Any) -> Table:  # fmt: skip
    """A frequency table of the column ``anzahl``; every dimension has a total unless ``margins`` says otherwise."""
    spec = {"count": "anzahl", "protection": {"kind": "suppression", "minimum": minimum}, **more}
    return _table(id, dimensions, margins, treatment or {}, "anzahl", "integer", "count", {"frequency_table": spec})


def sums(*dimensions: str, id: str = "umsatz", **more: Any) -> Table:
    """A table of sums of the column ``betrag``."""
    spec = {"magnitude": "betrag", "p_percent": 10, **more}
    return _table(id, dimensions, None, {}, "betrag", "number", "magnitude", {"magnitude_table": spec})


def _table(
    table: str,
    dimensions: Sequence[str],
    margins: Sequence[str] | None,
    treatments: Mapping[str, Any],
    measure: str,
    type_: str,
    class_: str,
    method: dict[str, dict[str, Any]],
) -> Table:
    columns = [
        {"name": name, "type": "string", "class": "quasi_identifier", "treatment": treatments.get(name)}
        if name != "stichtag"
        else {"name": name, "type": "period", "class": "public"}
        for name in dimensions
    ]
    columns.append({"name": measure, "type": type_, "class": class_})
    with_totals = list(dimensions if margins is None else margins)
    method = {name: {"dimensions": list(dimensions), "margins": with_totals, **spec} for name, spec in method.items()}
    return Table.model_validate(
        {
            "id": table, "title": "Tabelle", "resource": "personen", "reading": {"format": "rows"}, "key": [],
            "columns": [{"source": each["name"], "title": each["name"], **each} for each in columns],
            **method,
        }
    )  # fmt: skip


def publish(table: Table, cells: Mapping[Cell, float], hidden: set[Cell]) -> pd.DataFrame:
    """The published frame: ``cells`` by the values of all dimensions, their totals, and which of both are held back.

    Combinations that are not among ``cells`` are zero; of merged dimensions they are left out.
    """
    spec = table.tabulation
    assert spec is not None
    merged = bool(getattr(spec, "merged", {}))
    whole: dict[Cell, float] = {}
    values = [sorted({cell[axis] for cell in cells}) for axis in range(len(spec.dimensions))]
    inner = {
        c: cells.get(c, 0) for c in itertools.product(*values) if _nested(c, spec, cells) and (c in cells or not merged)
    }
    for cell, value in inner.items():
        ends = [
            (v, spec.total) if name in spec.margins else (v,) for v, name in zip(cell, spec.dimensions, strict=True)
        ]
        for target in itertools.product(*ends):
            if _whole_areas(target, spec):
                whole[target] = whole.get(target, 0) + value
    frame = pd.DataFrame(sorted(whole), columns=list(spec.dimensions), dtype="str")
    secret = pd.Series([cell in hidden for cell in sorted(whole)], dtype="boolean")
    assert hidden <= set(whole), "a cell to be hidden is not in the table"
    dtype = "Int64" if table.frequency_table else "Float64"
    frame[spec.measure] = pd.Series([whole[cell] for cell in sorted(whole)], dtype=dtype).mask(secret)
    frame[f"{spec.measure}_geheim"] = secret
    return frame


def _nested(cell: Cell, spec: Any, cells: Mapping[Cell, float]) -> bool:
    """Whether each nested area of the cell lies in its parent."""
    places = {name: axis for axis, name in enumerate(spec.dimensions)}
    return all(
        any((c[places[child]], c[places[parent]]) == (cell[places[child]], cell[places[parent]]) for c in cells)
        for child, parent in spec.nested.items()
    )


def _whole_areas(cell: Cell, spec: Any) -> bool:
    """Whether no nested area stands beside the total of its parent."""
    values = dict(zip(spec.dimensions, cell, strict=True))
    return all(values[p] != spec.total or values[c] == spec.total for c, p in spec.nested.items())
