"""What the metadata say of a dataset, and that they take it from what is published only."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import geopandas
import pandas
import pytest

from stadtdaten.contracts import load_contract
from stadtdaten.frames import AnonymisationReport, DatasetMetadata
from stadtdaten.standards.describe import describe

CONTRACTS = Path(__file__).resolve().parents[2] / "include" / "contracts"
ISSUED, MODIFIED = datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 11, 23, tzinfo=UTC)


def described(source: str, frames: dict[str, pandas.DataFrame], *sentences: str) -> DatasetMetadata:
    contract = load_contract(CONTRACTS / f"{source}.yaml")
    reports = [AnonymisationReport(table="t", notes=(sentence,)) for sentence in sentences]
    return describe(contract, contract.datasets[0], frames, reports, ISSUED, MODIFIED)


def test_the_period_is_that_of_the_published_rows(gauge_rows: pandas.DataFrame) -> None:
    metadata = described("umweltmessnetz", {"tageswerte": gauge_rows})
    assert metadata.temporal == (date(2026, 10, 24), date(2026, 10, 26))
    assert metadata.bbox is None


def test_a_temporal_column_that_is_not_published_tells_nothing(gauge_rows: pandas.DataFrame) -> None:
    assert described("umweltmessnetz", {"tageswerte": gauge_rows.drop(columns="datum")}).temporal is None


def test_the_extent_is_in_degrees_around_the_published_geometry(tree_rows: geopandas.GeoDataFrame) -> None:
    metadata = described("baumkataster", {"baeume": tree_rows})
    assert metadata.bbox == pytest.approx((7.758, 51.669, 7.772, 51.678), abs=0.002)
    assert metadata.temporal is None


def test_a_table_without_any_position_has_no_extent(tree_rows: geopandas.GeoDataFrame) -> None:
    for rows in (tree_rows.iloc[:0], tree_rows.iloc[2:]):
        assert described("baumkataster", {"baeume": rows}).bbox is None


def test_the_change_note_holds_every_sentence_once(gauge_rows: pandas.DataFrame) -> None:
    metadata = described("umweltmessnetz", {"tageswerte": gauge_rows}, "Nichts.", "Eine Spalte.", "Nichts.")
    assert metadata.change_note == "Nichts. Eine Spalte."


def test_the_deadline_is_told_in_hours(gauge_rows: pandas.DataFrame) -> None:
    metadata = described("umweltmessnetz", {"tageswerte": gauge_rows})
    assert (metadata.frequency, metadata.deadline_hours, metadata.grace_hours) == ("DAILY", 48, 24)


def test_the_data_dictionary_does_not_know_what_is_dropped(resident_rows: pandas.DataFrame) -> None:
    metadata = described("einwohnerstatistik", {"bevoelkerung": resident_rows})
    names = [column.name for column in metadata.columns["bevoelkerung"]]
    assert "sachbearbeitung" not in names
    assert names[:2] == ["stichtag", "stadtbezirk"]
