"""Which columns does a table publish, under which name, in which order, of which type?

The one list that anonymisation keeps to, the audit compares with, and Table Schema and data dictionary are made of.
"""

from __future__ import annotations

from collections.abc import Iterator

from stadtdaten.contracts.model import Column, Table
from stadtdaten.contracts.protection import (
    GRID_SUFFIX,
    CellKey,
    FrequencyTable,
    Grid,
    MagnitudeTable,
    RoundedCounts,
    Suppression,
)
from stadtdaten.frames import PublishedColumn

HIDDEN_SUFFIX = "_geheim"
"""Ends the name of the boolean column that says where a count or sum is held back."""


def published_columns(table: Table) -> tuple[PublishedColumn, ...]:
    """The table's columns as published, in order.

    A table of counts or sums has its dimensions in the order of the contract, the measure, and ``<measure>_geheim``
    where its method holds cells back. Any other table has its columns in contract order without the dropped ones, and
    behind a geometry that became cells of a grid their names. Most treatments make a column a string, and so are
    periods, markers, and the quasi-identifiers of microdata: ranges, lists and labels.
    """
    spec = table.tabulation
    if spec is None:
        return tuple(
            published
            for column in table.columns
            if column.published
            for published in (_of_a_row(column, table), *_names_of_cells(column))
        )
    measure = _measure(table, spec)
    dimensions = tuple(_as_published(table.column(name)) for name in spec.dimensions)
    return (*dimensions, measure, *([_hidden(measure, spec)] if holds_back(spec) else []))


def holds_back(spec: FrequencyTable | MagnitudeTable) -> bool:
    """Whether single cells of the table are held back: not where all are changed, nor where rare values are merged."""
    return isinstance(spec, MagnitudeTable) or (isinstance(spec.protection, Suppression) and not spec.merged)


def _measure(table: Table, spec: FrequencyTable | MagnitudeTable) -> PublishedColumn:
    if isinstance(spec, FrequencyTable) and spec.count is None:
        counted = PublishedColumn(name=spec.counted, title="Anzahl", type="integer")
    else:
        counted = _as_published(table.column(spec.measure))
    how = _how_it_is_changed(spec)
    return counted.model_copy(update={"description": " ".join(filter(None, (counted.description, how)))})


def _how_it_is_changed(spec: FrequencyTable | MagnitudeTable) -> str:
    """What the reader of a count has to know; "" where counts are true."""
    if isinstance(spec, MagnitudeTable):
        return ""
    if isinstance(spec.protection, RoundedCounts):
        return (
            f"Zum Schutz einzelner Personen auf ein Vielfaches von {spec.protection.base} gerundet; "
            f"Werte bis {spec.protection.to_zero} sind 0. Summen können von der Summe der Teile abweichen."
        )
    if isinstance(spec.protection, CellKey):
        return (
            f"Zum Schutz einzelner Personen um höchstens {spec.protection.maximum} verändert (Cell-Key-Verfahren). "
            "Summen können von der Summe der Teile abweichen."
        )
    return ""


def _hidden(measure: PublishedColumn, spec: FrequencyTable | MagnitudeTable) -> PublishedColumn:
    if isinstance(spec, FrequencyTable) and isinstance(spec.protection, Suppression):
        whom, reason = "Personen", f"er kleiner als {spec.protection.minimum} ist"
    else:
        whom, reason = "Beiträge", "sich ein Beitrag zu ihm zu genau schätzen ließe"
    return PublishedColumn(
        name=measure.name + HIDDEN_SUFFIX,
        title=f"{measure.title}: geheim gehalten",
        description=(
            f"Wahr, wo der Wert zum Schutz einzelner {whom} nicht gezeigt wird, weil {reason} oder sich ein solcher "
            "Wert aus ihm errechnen ließe."
        ),
        type="boolean",
    )


TYPE_KEPT_BY = ("limits", "rounded", "grid", "snap")
"""Treatments that leave a column its type; all others make it a string."""


def _of_a_row(column: Column, table: Table) -> PublishedColumn:
    coarser = table.microdata is not None and column.class_ == "quasi_identifier"
    return _as_published(column).model_copy(update={"type": "string"}) if coarser else _as_published(column)


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
