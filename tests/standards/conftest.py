"""Small published tables of every kind (gauges, points, areas, a frequency table) and releases made of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import geopandas
import pandas
import pytest
import shapely

from stadtdaten.contracts import City, Table, load_city, load_contract
from stadtdaten.frames import DatasetMetadata, Inputs, Manifest, PublishedColumn, ReleaseFile

INCLUDE = Path(__file__).resolve().parents[2] / "include"
CONTRACTS = INCLUDE / "contracts"


@pytest.fixture(scope="session")
def city() -> City:
    return load_city(INCLUDE / "city.yaml")


@pytest.fixture(scope="session")
def as_published() -> Callable[[Table], tuple[PublishedColumn, ...]]:
    """Gives the data dictionary of a table in which nothing is dropped or made coarser."""
    return lambda table: tuple(
        PublishedColumn(name=one.name, title=one.title, description=one.description, type=one.type, unit=one.unit)
        for one in table.columns
    )


@pytest.fixture
def gauges() -> Table:
    return load_contract(CONTRACTS / "umweltmessnetz.yaml").datasets[0].tables[0]


@pytest.fixture
def gauge_rows() -> pandas.DataFrame:
    """Three days around the end of summer time at two gauges, out of order, with gaps."""
    times = ["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", None, "2026-10-26T05:00:00.250Z"]
    return pandas.DataFrame(
        {
            "messstelle": pandas.array(["Westtünnen", "Süddinker, alt", "Süddinker, alt", "05915000"], dtype="str"),
            "datum": pandas.to_datetime(["2026-10-25", "2026-10-25", "2026-10-24", "2026-10-26"]).astype(
                "datetime64[us]"
            ),
            "minimum": [0.1 + 0.2, -3.0, None, 1e-7],
            "maximum": [12.5, 80.0, None, 33.25],
            "mittelwert": [None, 1.0, None, 2.0],
            "zeitpunkt_maximum": pandas.to_datetime(pandas.Series(times), utc=True, format="ISO8601")
            .dt.tz_convert("Europe/Berlin")
            .astype("datetime64[us, Europe/Berlin]"),
        }
    )


@pytest.fixture
def trees() -> Table:
    return load_contract(CONTRACTS / "baumkataster.yaml").datasets[0].tables[0]


@pytest.fixture
def tree_rows(city: City) -> geopandas.GeoDataFrame:
    """Three trees, one without position."""
    return geopandas.GeoDataFrame(
        {
            "baum_id": pandas.array(["B-2", "B-1", "B-3"], dtype="str"),
            "gattung": pandas.array(["Tilia", 'Quercus "rot"', None], dtype="str"),
            "art_botanisch": pandas.array(["Tilia cordata", "Quercus rubra", None], dtype="str"),
            "art_deutsch": pandas.array(["Winterlinde", "Roteiche", None], dtype="str"),
            "pflanzjahr": pandas.array([1984, None, 2020], dtype="Int64"),
            "hoehe": [18.5, 12.0, None],
            "kronendurchmesser": [9.0, None, None],
            "stammumfang": [180.0, 95.0, 20.0],
            "stadtbezirk": pandas.array(["Mitte", "Heessen", "Bockum-Hövel"], dtype="str"),
            "geometrie": [shapely.Point(414_000.1234, 5_725_000.5), shapely.Point(415_000, 5_726_000), None],
        },
        geometry="geometrie",
        crs=city.crs,
    )


@pytest.fixture
def areas() -> Table:
    columns = [
        {"name": "kennung", "source": "id", "type": "string", "class": "public", "title": "Kennung"},
        {"name": "stand", "source": "stand", "type": "date", "class": "public", "title": "Stand"},
        {"name": "erfasst", "source": "erf", "type": "datetime", "class": "public", "title": "Erfasst"},
        {"name": "gesperrt", "source": "zu", "type": "boolean", "class": "public", "title": "Gesperrt"},
        {"name": "flaeche", "source": "geom", "type": "geometry", "class": "public", "title": "Fläche"},
    ]
    return Table.model_validate(
        {
            "id": "gebiete", "title": "Gebiete", "resource": "x:gebiete", "reading": {"format": "gml"},
            "key": ["kennung"], "columns": columns,
        }
    )  # fmt: skip


@pytest.fixture
def area_rows(city: City) -> geopandas.GeoDataFrame:
    """A polygon with clockwise shell and a hole, and a multipolygon."""
    shell = [(410_000, 5_720_000), (410_000, 5_721_000), (411_000, 5_721_000), (411_000, 5_720_000)]
    hole = [(410_200, 5_720_200), (410_800, 5_720_200), (410_800, 5_720_800), (410_200, 5_720_800)]
    moments = pandas.to_datetime(pandas.Series(["2026-07-01T10:00:00Z", None]), utc=True)
    return geopandas.GeoDataFrame(
        {
            "kennung": pandas.array(["01", "02"], dtype="str"),
            "stand": pandas.to_datetime(["2026-07-01", None]).astype("datetime64[us]"),
            "erfasst": moments.dt.tz_convert("Europe/Berlin").astype("datetime64[us, Europe/Berlin]"),
            "gesperrt": pandas.array([True, None], dtype="boolean"),
            "flaeche": [
                shapely.Polygon(shell, [hole]),
                shapely.MultiPolygon([shapely.box(420_000, 5_730_000, 420_100, 5_730_100)]),
            ],
        },
        geometry="flaeche",
        crs=city.crs,
    )


@pytest.fixture
def residents() -> Table:
    return load_contract(CONTRACTS / "einwohnerstatistik.yaml").datasets[0].tables[0]


@pytest.fixture
def resident_columns() -> tuple[PublishedColumn, ...]:
    names = ("stichtag", "stadtbezirk", "altersgruppe", "geschlecht", "staatsangehoerigkeit")
    return (
        PublishedColumn(name="stichtag", title="Stichtag", type="date"),
        *(PublishedColumn(name=name, title=name.capitalize(), type="string") for name in names[1:]),
        PublishedColumn(name="anzahl", title="Anzahl Personen", type="integer"),
        PublishedColumn(name="anzahl_geheim", title="Anzahl geheim", type="boolean"),
    )


@pytest.fixture
def resident_rows() -> pandas.DataFrame:
    """Counts with a total and one suppressed cell, in the order in which anonymisation leaves them."""
    bands = ["6 bis 9", "10 bis 14", "85 und älter", "Insgesamt"]
    return pandas.DataFrame(
        {
            "stichtag": pandas.to_datetime(["2025-12-31"] * 4).astype("datetime64[us]"),
            "stadtbezirk": pandas.array(["Mitte"] * 4, dtype="str"),
            "altersgruppe": pandas.array(bands, dtype="str"),
            "geschlecht": pandas.array(["Insgesamt"] * 4, dtype="str"),
            "staatsangehoerigkeit": pandas.array(["Insgesamt"] * 4, dtype="str"),
            "anzahl": pandas.array([None, 40, 60, 100], dtype="Int64"),
            "anzahl_geheim": pandas.array([True, False, False, False], dtype="boolean"),
        }
    )


def release(dataset: str, files: tuple[ReleaseFile, ...], **metadata: object) -> Manifest:
    """A manifest around ``files``; ``metadata`` replaces what the dataset says of itself."""
    described = {
        "dataset": dataset, "source": "quelle", "title": f"Titel {dataset}", "description": "Beschreibung.",
        "keywords": ("Umwelt", "Pegel"), "themes": ("ENVI",), "licence": "dl-zero-de/2.0", "attribution": "",
        "change_note": "Für die Veröffentlichung wurde nichts verändert.", "frequency": "DAILY",
        "deadline_hours": 48, "grace_hours": 24, "availability": "AVAILABLE", "model_dataset": None,
        "provenance": "Messung.", "owner": "Umweltamt", "issued": datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
        "modified": datetime(2026, 11, 23, 1, 0, tzinfo=UTC), "temporal": None, "bbox": None, "columns": {},
        "table_titles": {}, "outcome": "no_personal_data", "legal_basis": "",
        **metadata,
    }  # fmt: skip
    return Manifest(
        release="0123456789ab", source="quelle", dataset=dataset, created=datetime(2026, 11, 23, tzinfo=UTC),
        inputs=Inputs(content={}, contract="", suites="", code=""), locks={}, rows_read=1, rows_published=1,
        rows_by_table={}, files=files, metadata=DatasetMetadata.model_validate(described), checks=(),
        anonymisation=(), personal=False, evidence={},
    )  # fmt: skip


def file_of(format_: str, name: str, media_type: str, conforms_to: str = "") -> ReleaseFile:
    return ReleaseFile(
        path=name, title=f"Werte ({format_})", format=format_, media_type=media_type, table="werte", rows=3,
        size=1234, sha256="ab" * 32, conforms_to=conforms_to,
    )  # fmt: skip


@pytest.fixture
def releases() -> tuple[Manifest, ...]:
    """Three datasets: with geometry; with a BY licence and a period; with everything that is optional."""
    csv = file_of("CSV", "werte.csv", "text/csv", "werte.schema.json")
    geodata = (
        csv,
        file_of("GEOJSON", "werte.geojson", "application/geo+json", "http://www.opengis.net/def/crs/OGC/1.3/CRS84"),
        file_of("GPKG", "werte.gpkg", "application/geopackage+sqlite3", "http://www.opengis.net/def/crs/EPSG/0/25832"),
        file_of(
            "PARQUET", "werte.parquet", "application/vnd.apache.parquet", "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
        ),
    )
    by = {"licence": "dl-by-de/2.0", "attribution": "Stadt Hamm, Umweltamt"}
    period = (date(2020, 1, 1), date(2026, 11, 22))
    return (
        release("baeume", geodata, bbox=(7.7, 51.6, 7.9, 51.7), frequency="WEEKLY", themes=("ENVI", "REGI")),
        release("pegel", (csv,), temporal=period, **by),
        release(
            "einwohner", (csv,), temporal=period, bbox=(7.7, 51.6, 7.9, 51.7), licence="cc-by/4.0",
            attribution="Stadt Hamm, Statistikstelle", frequency="IRREG", availability="STABLE",
            model_dataset="https://musterdatenkatalog.de/def/musterdatensatz/bevoelkerung/einwohner",
        ),
    )  # fmt: skip
