"""What is a dataset, for people and catalogues, independent of any portal?

What the contract says stands as it is; what only the data knows (period, extent, what anonymisation changed) is taken
from the published rows and reports, so nothing personal can enter the metadata.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

import geopandas
import numpy
import pandas
import shapely

from stadtdaten.contracts import Contract, Dataset
from stadtdaten.frames import AnonymisationReport, DatasetMetadata
from stadtdaten.privacy.columns import published_columns
from stadtdaten.standards.geodata import WGS84

HOUR = timedelta(hours=1)


def describe(
    contract: Contract,
    dataset: Dataset,
    frames: Mapping[str, pandas.DataFrame],
    reports: Sequence[AnonymisationReport],
    issued: datetime,
    modified: datetime,
) -> DatasetMetadata:
    """The metadata of a release made of ``frames`` (table id to published rows, geometry in the city's CRS)."""
    deadline = contract.freshness.deadline_in_force()
    return DatasetMetadata(
        dataset=dataset.id,
        source=contract.source,
        title=dataset.title,
        description=dataset.description,
        keywords=dataset.keywords,
        themes=dataset.themes,
        licence=dataset.licence,
        attribution=dataset.attribution,
        change_note=" ".join(dict.fromkeys(report.sentence for report in reports)),
        frequency=contract.freshness.frequency,
        deadline_hours=None if deadline is None else deadline // HOUR,
        grace_hours=contract.freshness.grace // HOUR,
        availability=dataset.availability,
        model_dataset=dataset.model_dataset,
        provenance=dataset.provenance,
        owner=contract.owner.name,
        outcome=dataset.release.outcome,
        legal_basis=_legal_basis(dataset),
        issued=issued,
        modified=modified,
        temporal=_period(dataset, frames),
        bbox=_extent(frames),
        columns={table.id: published_columns(table) for table in dataset.tables},
        table_titles={table.id: table.title for table in dataset.tables},
    )


def _legal_basis(dataset: Dataset) -> str:
    """That of the release, and of all personal data that is to be published, once each."""
    expected = [each.legal_basis for table in dataset.tables for column in table.columns for each in column.expected]
    return "; ".join(dict.fromkeys([dataset.release.legal_basis, *expected]))


def _period(dataset: Dataset, frames: Mapping[str, pandas.DataFrame]) -> tuple[date, date] | None:
    """First and last day of the temporal columns that are published; None where there is none."""
    named = [(frames[table.id], table.temporal) for table in dataset.tables if table.temporal is not None]
    moments = [frame[name].dropna() for frame, name in named if name in frame.columns]
    filled = [column for column in moments if len(column)]
    if not filled:
        return None
    return min(column.min().date() for column in filled), max(column.max().date() for column in filled)


def _extent(frames: Mapping[str, pandas.DataFrame]) -> tuple[float, float, float, float] | None:
    """West, south, east, north in degrees around all published geometry; None where there is none."""
    boxes = [
        frame.geometry.to_crs(WGS84).total_bounds
        for frame in frames.values()
        if isinstance(frame, geopandas.GeoDataFrame)
    ]
    filled = [box for box in boxes if not numpy.isnan(box).any()]
    if not filled:
        return None
    west, south, east, north = shapely.total_bounds([shapely.box(*box) for box in filled]).round(6).tolist()
    return west, south, east, north
