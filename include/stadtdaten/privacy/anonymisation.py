"""How do the typed tables of a dataset become ones that may be published, and what does the public learn about it?"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from stadtdaten.contracts.model import Dataset, Table
from stadtdaten.frames import AnonymisationReport
from stadtdaten.privacy.context import Context
from stadtdaten.privacy.tables.frequency_table import Tabulation, tabulate
from stadtdaten.privacy.treatments.generalise import domain, treat

Anonymised = dict[str, tuple[pd.DataFrame, AnonymisationReport]]
"""Table id to what may be published of it and the report on what was done."""


def anonymise(frames: Mapping[str, pd.DataFrame], dataset: Dataset, context: Context) -> Anonymised:
    """Every table of the dataset with exactly its ``published_columns``, and what was done to it.

    ``frames`` holds all declared columns of each table, typed by the contract (a GeoDataFrame stays one while its
    geometry is published). All tables at once, because tables of the same rows are protected together.
    Raises GateFailed("privacy") where a rule of the contract cannot be met, SchemaChanged, Misconfigured.
    """
    return {table.id: _anonymise(frames[table.id], table) for table in dataset.tables}


def _anonymise(frame: pd.DataFrame, table: Table) -> tuple[pd.DataFrame, AnonymisationReport]:
    treated = treat(frame, table)
    spec = table.frequency_table
    tabulation = None if spec is None else tabulate(treated, table, spec)
    dropped = tuple(column.name for column in table.columns if not column.published)
    generalised = tuple(column.name for column in table.columns if domain(column) is not None)
    published = treated if tabulation is None else tabulation.frame
    minimum = getattr(spec.protection, "minimum", 0) if spec is not None else 0
    report = AnonymisationReport(
        table=table.id,
        dropped_columns=dropped,
        treated_columns=generalised,
        cells=0 if tabulation is None else len(published),
        primary_suppressed=0 if tabulation is None else tabulation.primary,
        secondary_suppressed=0 if tabulation is None else tabulation.secondary,
        minimum=minimum,
        sentence=_sentence(table, len(dropped), generalised, tabulation, minimum),
    )
    return published, report


def _sentence(
    table: Table, dropped: int, generalised: tuple[str, ...], tabulation: Tabulation | None, minimum: int
) -> str:
    """The change note that dl-de/by-2-0 asks for, in German, for the public."""
    parts = []
    if dropped:
        parts.append("Eine Spalte wurde weggelassen." if dropped == 1 else f"{dropped} Spalten wurden weggelassen.")
    if generalised:
        titles = [f"„{table.column(name).title}“" for name in generalised]
        listed = titles[0] if len(titles) == 1 else f"{', '.join(titles[:-1])} und {titles[-1]}"
        parts.append(f"{listed} {'wurde' if len(titles) == 1 else 'wurden'} zu Gruppen zusammengefasst.")
    if tabulation is not None:
        parts.append(_sentence_on_cells(len(tabulation.frame), tabulation, minimum))
    if not parts:
        if all(column.class_ == "public" for column in table.columns):
            return (
                "Die Daten wurden nicht anonymisiert, weil sie keinen Bezug zu Personen haben; "
                "Form und Bezeichnungen wurden vereinheitlicht."
            )
        return "Es wurden keine Angaben verändert; Form und Bezeichnungen wurden vereinheitlicht."
    return " ".join(parts) + " Form und Bezeichnungen wurden vereinheitlicht."


def _sentence_on_cells(cells: int, tabulation: Tabulation, minimum: int) -> str:
    counted = "Die Einzelangaben wurden ausgezählt und um Summen ergänzt."
    if not tabulation.primary:
        return f"{counted} Kein Wert musste geheim gehalten werden (Mindestzahl {minimum})."
    return (
        f"{counted} Von {cells} Werten sind {tabulation.primary + tabulation.secondary} geheim gehalten: "
        f"{tabulation.primary}, weil sie kleiner als {minimum} sind, und {tabulation.secondary} weitere, "
        "aus denen sich diese errechnen ließen."
    )
