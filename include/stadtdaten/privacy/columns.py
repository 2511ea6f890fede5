"""Which columns does a table publish, under which name, in which order, of which type?

The one list that anonymisation keeps to, the audit compares with, and Table Schema and data dictionary are made of.
"""

from __future__ import annotations

from stadtdaten.contracts.model import Column, Table
from stadtdaten.contracts.protection import Bands, Mapping
from stadtdaten.frames import PublishedColumn

HIDDEN_SUFFIX = "_geheim"
"""Ends the name of the boolean column that says where a count is held back."""


def published_columns(table: Table) -> tuple[PublishedColumn, ...]:
    """The table's columns as published, in order.

    A frequency table has its dimensions in the order of ``frequency_table.dimensions``, the count, and
    ``<count>_geheim``. Any other table has its columns in contract order without the dropped ones. Bands and mappings
    make a column a string, and so are periods and markers.
    """
    spec = table.frequency_table
    if spec is None:
        return tuple(_as_published(column) for column in table.columns if column.published)
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


def _as_published(column: Column) -> PublishedColumn:
    text = isinstance(column.treatment, Bands | Mapping)
    return PublishedColumn(
        name=column.name,
        title=column.title,
        description=column.description,
        type="string" if text or column.type in ("period", "marker") else column.type,
        unit=column.unit,
    )
