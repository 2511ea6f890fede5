"""Real municipal geodata in every format: points (Bochum's playgrounds) and an area (its environmental zone)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import geopandas
import pandas
import pytest
from frictionless import Resource

from stadtdaten.contracts import City, Table, load_contract
from stadtdaten.frames import PublishedColumn
from stadtdaten.standards.files import write_files

CONTRACTS = Path(__file__).resolve().parents[2] / "include" / "contracts"


@pytest.fixture
def playgrounds(shared: Path) -> tuple[Table, geopandas.GeoDataFrame]:
    # A playground that is also a football pitch stands twice in the real register, once per category.
    declared = load_contract(CONTRACTS / "spielplaetze.yaml").datasets[0].tables[0]
    table = declared.model_copy(update={"key": ("poi_id", "kategorie")})
    read = geopandas.read_file(shared / "data" / "bochum" / "playgrounds" / "bochum_playgrounds.shp")
    read = read.rename(columns={"str_hausnr": "strasse"}).rename_geometry("geometrie")
    rows = read.assign(
        poi_id=read["poi_id"].astype("str"),
        geaendert=pandas.to_datetime(read["geaendert"], format="mixed", dayfirst=True),
        stadtbezirk=pandas.array([None] * len(read), dtype="str"),
        flaeche=float("nan"),
    )
    return table, rows[[column.name for column in table.columns]]


@pytest.fixture
def environmental_zone(shared: Path, areas: Table) -> tuple[Table, geopandas.GeoDataFrame]:
    read = geopandas.read_file(shared / "data" / "bochum" / "environmental_zone" / "bochum_environmental_zone.shp")
    rows = read.rename_geometry("flaeche").assign(
        kennung=pandas.array(["umweltzone"], dtype="str"),
        stand=pandas.array([None], dtype="datetime64[us]"),
        erfasst=pandas.array([None], dtype="datetime64[us, Europe/Berlin]"),
        gesperrt=pandas.array([None], dtype="boolean"),
    )
    return areas, rows[[column.name for column in areas.columns]]


@pytest.mark.parametrize("sample", ["playgrounds", "environmental_zone"])
def test_real_geodata_is_the_same_in_every_format(
    request: pytest.FixtureRequest, sample: str, city: City, tmp_path: Path,
    as_published: Callable[[Table], tuple[PublishedColumn, ...]],
) -> None:  # fmt: skip
    table, rows = request.getfixturevalue(sample)
    write_files(rows, table, as_published(table), tmp_path, city)

    csv = Resource(path=f"{table.id}.csv", schema=f"{table.id}.schema.json", basepath=str(tmp_path))
    report = csv.validate()
    assert report.valid, report.to_summary()
    assert report.tasks[0].stats["rows"] == len(rows)

    key = list(table.key)
    there = rows.set_index(key).geometry.sort_index()
    for name, read in (
        ("geojson", geopandas.read_file), ("gpkg", geopandas.read_file), ("parquet", geopandas.read_parquet),
    ):  # fmt: skip
        back = read(tmp_path / f"{table.id}.{name}").set_index(key).geometry.to_crs(city.crs).sort_index()
        assert back.is_valid.all(), name
        assert back.index.tolist() == there.index.tolist(), name
        assert there.hausdorff_distance(back, align=False).max() < 0.15, name
