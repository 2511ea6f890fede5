"""Registers of the whole country, cut to the city while they are read: nothing of others, and nobody's name, stays."""

from __future__ import annotations

import io
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyarrow.parquet as pq
import requests
from shapely.geometry import Point

from installation import Site
from samplecity.state import read_state
from samplecity.systems.ladesaeulen import OPERATOR, charging_points
from samplecity.systems.unfaelle import AREA, OURS, accidents
from stadtdaten.faults import Fault
from stadtdaten.pipeline.snapshot import take_snapshots

YEARS = (2022, 2023, 2024)
REGISTER = "ladesaeulen/Ladesaeulenregister.csv"


def archive(year: int) -> str:
    return f"unfaelle/Unfallorte{year}_EPSG25832_CSV.zip"


def published(site: Site, dataset: str) -> gpd.GeoDataFrame:
    """The live release, in the city's coordinates."""
    live = site.run(dataset).live(dataset)
    assert live is not None
    (file,) = (site.var / "releases" / dataset / live.release).glob("*.gpkg")
    return gpd.read_file(file)


def rows_of(table_rows: tuple[tuple[object, ...], ...], names: list[str]) -> pd.DataFrame:
    return pd.DataFrame(list(table_rows), columns=names).astype(str)


def german(numbers: pd.Series) -> pd.Series:
    return numbers.str.replace(",", ".").astype(float)


def serve(site: Site, tmp_path: Path, at: str, content: bytes) -> None:
    """The sample city delivers these bytes from now on."""
    file = tmp_path / Path(at).name
    file.write_bytes(content)
    site.city.serve_file(file, at)


def repacked(content: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """The archive with its accidents changed."""
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(name, change(data) if "_LinRef" in name else data)
    return packed.getvalue()


def stopped(site: Site, source: str) -> Fault:
    """What stopped the night, after making sure that the public sees what it saw before."""
    portal, releases = site.portal_files(), site.releases()
    (fault,) = site.refresh(source).values()
    assert fault is not None
    assert (site.portal_files(), site.releases()) == (portal, releases)
    assert not [path for path in (site.var / "staging").rglob("*") if path.is_file()]
    return fault


def test_the_accidents_of_the_city_and_of_nobody_else_are_published(site: Site) -> None:
    assert site.refresh("unfaelle") == {"unfaelle": None}
    expected: Counter[tuple[object, ...]] = Counter()
    for year in YEARS:
        table = accidents(year)
        rows = rows_of(table.rows, [column.name for column in table.columns])
        ours = rows[(rows[list(AREA)] == OURS).all(axis="columns")]
        named = ours.rename(columns={"LICHT": "ULICHTVERH", "IstStrasse": "STRZUSTAND"})
        named = named.rename(columns={"IstStrassenzustand": "STRZUSTAND", "IstSonstig": "IstSonstige"})
        expected.update(
            zip(
                named["UJAHR"].astype(int), named["UMONAT"].astype(int), named["USTUNDE"].astype(int),
                *(named[name] for name in ("UWOCHENTAG", "UKATEGORIE", "UART", "UTYP1", "ULICHTVERH", "STRZUSTAND")),
                *(named[name] == "1" for name in ("IstRad", "IstFuss", "IstGkfz", "IstSonstige")),
                map(Point, german(named["LINREFX"]), german(named["LINREFY"])),
                strict=True,
            )
        )  # fmt: skip
    frame = published(site, "unfaelle")
    names = ["jahr", "monat", "stunde", "wochentag", "kategorie", "art", "typ", "lichtverhaeltnisse", "strassenzustand"]
    names += ["fahrrad", "zu_fuss", "gueterkraftfahrzeug", "sonstige", "geometry"]
    assert Counter(zip(*(frame[name] for name in names), strict=True)) == expected
    assert len(frame) == 944
    assert not {"OBJECTID", "UIDENTSTLAE"} & set(frame.columns)


def test_the_charging_points_of_the_city_and_of_nobody_else_are_published(site: Site) -> None:
    assert site.refresh("ladesaeulen") == {"ladesaeulen": None}
    table = charging_points(read_state(site.var))
    rows = rows_of(table.rows, [" ".join(column.name.split()) for column in table.columns])
    expected = rows[rows["Kreis/kreisfreie Stadt"] == "Kreisfreie Stadt Hamm"]
    frame = published(site, "ladesaeulen").set_index("nummer").loc[expected["Ladeeinrichtungs-ID"]].reset_index()
    assert len(frame) == len(expected) == 223
    for name, source in {"strasse": "Straße", "hausnummer": "Hausnummer", "postleitzahl": "Postleitzahl"}.items():
        assert list(frame[name]) == list(expected[source])
    assert list(frame["bezahlung"].fillna("")) == list(expected["Bezahlsysteme"].str.replace(";", "; "))
    assert list(frame["nennleistung"]) == list(german(expected["Nennleistung Ladeeinrichtung [kW]"]))
    there = gpd.points_from_xy(german(expected["Längengrad"]), german(expected["Breitengrad"]), crs="EPSG:4326")
    assert frame.geometry.distance(gpd.GeoSeries(there).to_crs(25832)).max() < 0.001


def test_the_name_of_no_operator_is_kept_anywhere(site: Site) -> None:
    take_snapshots(site.run("ladesaeulen"))
    snapshots = list((site.var / "staging").rglob("*.parquet"))
    assert snapshots
    assert not any(_holds(path, OPERATOR) for path in (site.var / "staging").rglob("*") if path.is_file())

    assert site.refresh("ladesaeulen") == {"ladesaeulen": None}
    files = [path for path in site.var.rglob("*") if path.is_file() and site.var / "samplecity" not in path.parents]
    assert any(path.suffix == ".gpkg" for path in files)
    assert [path for path in files if _holds(path, OPERATOR)] == []


def _holds(path: Path, text: str) -> bool:
    if path.suffix == ".parquet":
        return text in pq.read_table(path).to_pandas().to_string()
    return text.encode() in path.read_bytes()


def test_a_register_whose_preamble_grew_is_read_as_before(site: Site, tmp_path: Path) -> None:
    site.refresh("ladesaeulen")
    before = published(site, "ladesaeulen")
    content = requests.get(site.city.url(REGISTER), timeout=60).content
    serve(site, tmp_path, REGISTER, b"Hinweis\r\n" + content)
    assert site.refresh("ladesaeulen") == {"ladesaeulen": None}
    assert published(site, "ladesaeulen").equals(before)


def test_a_register_without_its_header_stops_without_telling_a_name(site: Site, tmp_path: Path) -> None:
    site.refresh("ladesaeulen")
    content = requests.get(site.city.url(REGISTER), timeout=60).content
    serve(site, tmp_path, REGISTER, content[content.index(b"\r\n1000000;") + 2 :])
    fault = stopped(site, "ladesaeulen")
    (incident,) = site.ledger.open_incidents()
    assert incident.kind in ("schema_changed", "source_unreadable")
    assert OPERATOR not in fault.message + fault.next_step + incident.message + incident.next_step


def test_a_register_with_a_delimiter_in_a_street_is_stopped_by_what_stands_in_the_wrong_column(
    site: Site, tmp_path: Path
) -> None:
    site.refresh("ladesaeulen")
    content = requests.get(site.city.url(REGISTER), timeout=60).content
    lines = content.split(b"\r\n")
    at = next(number for number, line in enumerate(lines) if b"Kreisfreie Stadt Hamm" in line and b'"' not in line)
    cells = lines[at].split(b";")
    lines[at] = b";".join([*cells[:-13], b"Hof; " + cells[-13], *cells[-12:]])
    serve(site, tmp_path, REGISTER, b"\r\n".join(lines))
    fault = stopped(site, "ladesaeulen")
    assert fault.findings or "Spalte" in fault.message


def test_a_year_with_an_unknown_header_stops_and_the_last_release_stays(site: Site, tmp_path: Path) -> None:
    site.refresh("unfaelle")
    content = requests.get(site.city.url(archive(2024)), timeout=60).content
    serve(
        site, tmp_path, archive(2024), repacked(content, lambda data: data.replace(b"IstStrassenzustand", b"Fahrbahn"))
    )
    stopped(site, "unfaelle")
    (incident,) = site.ledger.open_incidents()
    assert incident.kind == "schema_changed"
    assert "IstStrassenzustand" in incident.message
    assert "Fahrbahn" in incident.message


def test_a_year_in_which_the_city_is_written_otherwise_is_not_lost_in_silence(site: Site, tmp_path: Path) -> None:
    site.refresh("unfaelle")
    content = requests.get(site.city.url(archive(2023)), timeout=60).content
    otherwise = repacked(content, lambda data: data.replace(b";05;9;15;000;", b";5;9;15;0;"))
    serve(site, tmp_path, archive(2023), otherwise)
    stopped(site, "unfaelle")
    (incident,) = site.ledger.open_incidents()
    assert "passt keine zu where" in incident.message


def test_a_file_that_holds_another_year_is_stopped(site: Site, tmp_path: Path) -> None:
    site.refresh("unfaelle")
    serve(site, tmp_path, archive(2023), requests.get(site.city.url(archive(2022)), timeout=60).content)
    fault = stopped(site, "unfaelle")
    assert "jahr" in {finding.column for finding in fault.findings}


def test_an_archive_that_would_fill_the_disk_stops(site: Site, tmp_path: Path) -> None:
    site.refresh("unfaelle")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("csv/Unfallorte2022_LinRef.csv", b"0" * 50_000_000)
    serve(site, tmp_path, archive(2022), packed.getvalue())
    stopped(site, "unfaelle")
    (incident,) = site.ledger.open_incidents()
    assert incident.kind == "source_unreadable"


def test_an_archive_with_two_files_of_accidents_asks_which_one_counts(site: Site, tmp_path: Path) -> None:
    site.refresh("unfaelle")
    content = requests.get(site.city.url(archive(2022)), timeout=60).content
    twice = io.BytesIO(content)
    with zipfile.ZipFile(twice, "a") as packed:
        packed.writestr("csv/Unfallorte2022_LinRef.txt", packed.read("csv/Unfallorte2022_LinRef.csv"))
    serve(site, tmp_path, archive(2022), twice.getvalue())
    assert stopped(site, "unfaelle").next_step
    (incident,) = site.ledger.open_incidents()
    assert "reading.member" in incident.next_step
