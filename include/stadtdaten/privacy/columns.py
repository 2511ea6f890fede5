"""Which columns does a table publish, under which name, in which order, of which type?

The one list that anonymisation keeps to, the audit compares with, and Table Schema and data dictionary are made of.
"""

from __future__ import annotations

from collections.abc import Iterator

from stadtdaten.contracts.model import Column, Table
from stadtdaten.contracts.protection import GRID_SUFFIX, Grid
from stadtdaten.frames import PublishedColumn

HIDDEN_SUFFIX = "_geheim"
"""Ends the name of the boolean column that says where a count is held back."""


def published_columns(table: Table) -> tuple[PublishedColumn, ...]:
    """The table's columns as published, in order.

    A frequency table has its dimensions in the order of ``frequency_table.dimensions``, the count, and
    ``<count>_geheim``. Any other table has its columns in contract order without the dropped ones, and behind a geometry
    that became cells of a grid their names. Most treatments make a column a string, and so are periods and markers.
    """
    spec = table.frequency_table
    if spec is None:
        return tuple(
            published
            for column in table.columns
            if column.published
            for published in (_as_published(column), *_names_of_cells(column))
        )
    count = table.column(spec.measure)
    return (
        *(_as_published(table.column(name)) for name in spec.dimensions),
        _as_published(count),
        PublishedColumn(
            name=spec.measure + HIDDEN_SUFFIX,
            title=f"{count.title}: geheim gehalten",
            description=(
                "Wahr, wo der Wert zum Schutz einzelner Personen nicht gezeigt wird, weil er kleiner als "
                f"{spec.protection.minimum} ist oder sich ein solcher Wert aus ihm errechnen ließe."
            ),
            type="boolean",
        ),
    )


TYPE_KEPT_BY = ("limits", "rounded", "grid", "snap")
"""Treatments that leave a column its type; all others make it a string."""


def _as_published(column: Column) -> PublishedColumn:
    text = column.treatment is not None and column.treatment.kind not in TYPE_KEPT_BY
    return PublishedColumn(
        name=column.name,
        title=column.title,
        description=column.description,
        type="string" if text or column.type in ("period", "marker") else column.type,
        unit=column.unit,
    )


def _names_of_cells(column: Column) -> Iterator[PublishedColumn]:
    """The text column that the treatment ``grid`` adds to a geometry."""
    if isinstance(column.treatment, Grid):
        yield PublishedColumn(
            name=column.name + GRID_SUFFIX,
            title=f"{column.title}: Gitterzelle",
            description=(
                "Name der Zelle im Gitter nach EPSG:3035 (ETRS89-LAEA): Seitenlänge, Nordwert und Ostwert der linken "
                "unteren Ecke in Metern. Leer, wo zu wenige Orte in einer Zelle liegen, um sie zu zeigen."
            ),
            type="string",
        )
