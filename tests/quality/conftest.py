"""Good typed frames of the four sources, made from the sample city and the contracts, for tests to mutate."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest

from samplecity.systems.baumkataster import spoilt_trees, trees
from samplecity.systems.einwohnerstatistik import residents
from samplecity.systems.spielplaetze import playgrounds
from samplecity.systems.umweltmessnetz import gauges
from samplecity.tables import Table as SampleTable
from stadtdaten.contracts import Table, load_contract

ROOT = Path(__file__).resolve().parents[2]
DAY = date(2026, 11, 23)
DTYPES = {"string": "str", "integer": "Int64", "number": "float64", "date": "datetime64[us]"}


def contract_table(source: str) -> Table:
    return load_contract(ROOT / "include" / "contracts" / f"{source}.yaml").datasets[0].tables[0]


def typed(source: str, sample: SampleTable) -> pd.DataFrame:
    """The sample's rows as the reader hands them over: contract columns, contract types, markers as missing."""
    raw = pd.DataFrame(list(sample.rows), columns=[column.name for column in sample.columns])
    table = contract_table(source)
    columns: dict[str, object] = {}
    for column in table.columns:
        cells = raw[column.source]
        if column.type == "geometry":
            columns[column.name] = gpd.points_from_xy([x for x, _ in cells], [y for _, y in cells])
            continue
        cells = cells.mask(cells.astype(str).isin(list(column.missing)))
        if column.type == "datetime":
            local = pd.to_datetime(cells, format=column.format).dt.tz_localize("Europe/Berlin")
            columns[column.name] = local.astype("datetime64[us, Europe/Berlin]")
        elif column.type == "number":
            columns[column.name] = pd.to_numeric(cells).astype("float64")
        else:
            columns[column.name] = cells.astype(DTYPES[column.type])
    if table.geometry is None:
        return pd.DataFrame(columns)
    return gpd.GeoDataFrame(columns, geometry=table.geometry.name, crs="EPSG:25832")


def counted(frame: pd.DataFrame) -> pd.DataFrame:
    """A small frequency table in the published shape: totals, and the cells below 3 suppressed."""
    rows = []
    for bezirk in ["Insgesamt", *frame["stadtbezirk"].unique()]:
        for band in ("Insgesamt", "unter 18", "ab 18"):
            for sex in ("Insgesamt", "männlich", "weiblich"):
                for state in ("Insgesamt", "deutsch", "nicht deutsch"):
                    rows.append((pd.Timestamp("2025-12-31"), bezirk, band, sex, state, 100 + len(rows), False))
    names = [
        "stichtag", "stadtbezirk", "altersgruppe", "geschlecht", "staatsangehoerigkeit", "anzahl", "anzahl_geheim",
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=names).astype(
        {"stichtag": "datetime64[us]", "anzahl": "Int64", "anzahl_geheim": "boolean"}
    )
    table.loc[[40, 50, 60], ["anzahl", "anzahl_geheim"]] = [pd.NA, True]
    return table.astype({"anzahl": "Int64", "anzahl_geheim": "boolean"})


@pytest.fixture(scope="session")
def good() -> dict[tuple[str, str], pd.DataFrame]:
    """(source, stage) to a frame that passes; tests copy before they mutate."""
    frames: dict[tuple[str, str], pd.DataFrame] = {}
    for source, sample in (
        ("baumkataster", trees(DAY)),
        ("spielplaetze", playgrounds(DAY)),
        ("umweltmessnetz", gauges(DAY)),
        ("einwohnerstatistik", residents(DAY)),
    ):
        frame = typed(source, sample)
        frames[source, "raw"] = frame
        frames[source, "public"] = counted(frame) if source == "einwohnerstatistik" else frame
    return frames


@pytest.fixture(scope="session")
def spoilt() -> pd.DataFrame:
    """The trees of the sample city's bad night."""
    return typed("baumkataster", spoilt_trees(DAY))
