"""Places in files, Gauß-Krüger without a word about it and UTM in columns of text: at the right place, or stopped."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import requests
import shapely

from installation import Site
from samplecity.monuments import SITES
from samplecity.systems.bildung import KITA_COLUMNS, day_care_centres
from stadtdaten.frames import Incident, Manifest, TableLock
from stadtdaten.read import geodesy

KITAS = "bildung/kitas.csv"
MONUMENTS = "gruendaten/naturdenkmale.zip"


def published(site: Site, source: str, dataset: str) -> gpd.GeoDataFrame:
    """The live release, in the city's coordinates."""
    live = site.run(source).live(dataset)
    assert live is not None
    (file,) = (site.var / "releases" / dataset / live.release).glob("*.gpkg")
    return gpd.read_file(file)


def farthest(frame: gpd.GeoDataFrame, points: list[tuple[float, float]]) -> float:
    """Metres on either axis."""
    return float(np.abs(shapely.get_coordinates(frame.geometry.to_numpy()) - points).max())


def original(site: Site, at: str) -> bytes:
    answer = requests.get(f"http://127.0.0.1:{site.city.ports.city}/{at}", timeout=60)
    assert answer.status_code == 200
    return answer.content


def serve(site: Site, tmp_path: Path, at: str, content: bytes) -> None:
    """The sample city delivers these bytes from now on."""
    file = tmp_path / Path(at).name
    file.write_bytes(content)
    site.city.serve_file(file, at)


def stopped(site: Site, source: str, dataset: str) -> Incident:
    """What stopped the dataset, after making sure that the public sees what it saw before."""
    before = {path: content for path, content in site.portal_files().items() if dataset in path}
    assert site.refresh(source)[dataset] is not None
    assert {path: content for path, content in site.portal_files().items() if dataset in path} == before
    (incident,) = [each for each in site.ledger.open_incidents() if each.dataset == dataset]
    return incident


def lock(site: Site, source: str, dataset: str) -> TableLock:
    """How the only table of the live release was read."""
    live = site.run(source).live(dataset)
    assert live is not None
    text = (site.var / "releases" / dataset / live.release / "manifest.json").read_text(encoding="utf-8")
    (found,) = Manifest.model_validate_json(text).locks.values()
    return found


def told(site: Site, source: str, dataset: str) -> str:
    """What the lock of the live release says that was found out or put right."""
    return "\n".join(f"{each.nature}: {each.detail}" for each in lock(site, source, dataset).repairs)


def test_natural_monuments_in_gauss_krueger_are_published_where_they_stand(site: Site) -> None:
    assert site.refresh("baumkataster")["naturdenkmale"] is None
    frame = published(site, "baumkataster", "naturdenkmale").sort_values("nummer", ignore_index=True)
    assert farthest(frame, [place.utm for place in SITES]) < 0.01
    assert {"Schönheit", "Bockum-Hövel"} <= {*frame["schutzgrund"], *frame["stadtbezirk"]}
    assert "detected: EPSG:31467 erkannt" in told(site, "baumkataster", "naturdenkmale")
    assert "detected: Zeichenkodierung cp1252 laut Kopf" in told(site, "baumkataster", "naturdenkmale")


def test_day_care_centres_are_published_where_they_stand_and_without_persons(site: Site) -> None:
    assert site.refresh("bildung")["kitas"] is None
    frame = published(site, "bildung", "kitas").sort_values("kita_id", ignore_index=True)
    names = [column.name for column in KITA_COLUMNS]
    rows = [dict(zip(names, row, strict=True)) for row in day_care_centres().rows]
    points = [tuple(float(str(row[name]).replace(",", ".")) for name in ("rechts_utm", "hoch_utm")) for row in rows]
    assert farthest(frame, points) < 0.01  # type: ignore[arg-type]
    assert not frame["angebote"].str.contains("|", regex=False).any()
    assert frame["angebote"].str.contains("; ", regex=False).any()
    live = site.run("bildung").live("kitas")
    assert live is not None
    folder = site.var / "releases" / "kitas" / live.release
    for file in folder.rglob("*"):
        assert file.is_dir() or not any(word in file.read_bytes() for word in (b"02381", b"Leitung der Einrichtung"))
    assert lock(site, "bildung", "kitas").drift == ("telefon", "leitung")
    assert "detected: EPSG:25832 erkannt" in told(site, "bildung", "kitas")


def test_a_second_night_touches_nothing(site: Site) -> None:
    site.refresh("baumkataster")
    releases = site.releases()
    site.refresh("baumkataster")
    assert site.releases() == releases


def swapped(content: bytes) -> bytes:
    """The export with the two columns' names exchanged."""
    head, rest = content.split(b"\r\n", 1)
    names = head.replace(b"rechts_utm", b"x").replace(b"hoch_utm", b"rechts_utm").replace(b'"x"', b'"hoch_utm"')
    return names + b"\r\n" + rest


def test_day_care_centres_with_swapped_columns_stop_where_the_contract_names_the_axes(
    site: Site, tmp_path: Path
) -> None:
    site.edit("include/contracts/bildung.yaml", "y: hoch_utm}", "y: hoch_utm, crs: EPSG:25832, axes: east_north}")
    site.refresh("bildung")
    serve(site, tmp_path, KITAS, swapped(original(site, KITAS)))
    incident = stopped(site, "bildung", "kitas")
    assert incident.kind == "source_unreadable"
    assert "Achsen sind vertauscht" in incident.message
    assert "reading.axes: north_east" in incident.next_step


def test_a_third_of_the_day_care_centres_swapped_is_no_guess_but_a_stop(site: Site, tmp_path: Path) -> None:
    site.refresh("bildung")
    head, *rows = original(site, KITAS).decode().splitlines(keepends=True)
    turned = []
    for number, row in enumerate(rows):
        cells = row.rstrip("\r\n").split(";")
        turned.append(";".join([*cells[:-2], *cells[:-3:-1]]) + "\r\n" if number % 3 == 0 else row)
    serve(site, tmp_path, KITAS, "".join([head, *turned]).encode())
    incident = stopped(site, "bildung", "kitas")
    assert incident.kind == "source_unreadable"
    assert "Am besten passt EPSG:25832" in incident.message


def test_one_centre_far_away_is_stopped_by_the_gate(site: Site, tmp_path: Path) -> None:
    site.refresh("bildung")
    head, first, *rows = original(site, KITAS).decode().splitlines(keepends=True)
    moved = ";".join([*first.rstrip("\r\n").split(";")[:-2], '"0,00"', '"0,00"']) + "\r\n"
    serve(site, tmp_path, KITAS, "".join([head, moved, *rows]).encode())
    incident = stopped(site, "bildung", "kitas")
    assert incident.gate == "quality_raw"
    assert [(each.column, each.count) for each in incident.findings] == [("geometrie", 1)]


def repacked(content: bytes, change: Callable[[str, bytes], bytes | None]) -> bytes:
    """The archive with its members changed; None leaves one out."""
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(packed, "w") as new:
        for name in old.namelist():
            data = change(name, old.read(name))
            if data is not None:
                new.writestr(name, data)
    return packed.getvalue()


def northing_first(name: str, data: bytes) -> bytes:
    if not name.endswith(".shp"):
        return data
    swapped = bytearray(data)
    for at in range(100, len(data), 28):
        east, north = struct.unpack_from("<dd", data, at + 12)
        struct.pack_into("<dd", swapped, at + 12, north, east)
    return bytes(swapped)


def test_monuments_with_northing_first_are_found_out_and_do_not_move(site: Site, tmp_path: Path) -> None:
    serve(site, tmp_path, MONUMENTS, repacked(original(site, MONUMENTS), northing_first))
    assert site.refresh("baumkataster")["naturdenkmale"] is None
    frame = published(site, "baumkataster", "naturdenkmale").sort_values("nummer", ignore_index=True)
    assert farthest(frame, [place.utm for place in SITES]) < 0.01
    assert "detected: Hochwert vor Rechtswert erkannt" in told(site, "baumkataster", "naturdenkmale")


def test_monuments_whose_prj_names_the_wrong_zone_stop_and_the_trees_do_not(site: Site, tmp_path: Path) -> None:
    wrong = pyproj.CRS("EPSG:31466").to_wkt("WKT1_ESRI").encode()
    content = io.BytesIO(original(site, MONUMENTS))
    with zipfile.ZipFile(content, "a") as archive:
        archive.writestr("Naturdenkmale/Naturdenkmale.prj", wrong)
    serve(site, tmp_path, MONUMENTS, content.getvalue())
    incident = stopped(site, "baumkataster", "naturdenkmale")
    assert incident.kind == "source_unreadable"
    assert "Es passt EPSG:31467" in incident.message
    assert site.run("baumkataster").live("baumkataster") is not None


def test_a_shapefile_without_its_table_stops(site: Site, tmp_path: Path) -> None:
    whole = original(site, MONUMENTS)
    serve(site, tmp_path, MONUMENTS, repacked(whole, lambda name, data: None if name.endswith(".dbf") else data))
    assert stopped(site, "baumkataster", "naturdenkmale").kind == "source_unreadable"


def test_a_missing_grid_stops_gauss_krueger_and_nothing_else(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    everywhere = pyproj.datadir.get_data_dir()
    monkeypatch.setattr(geodesy, "GRIDS", "/nowhere")
    pyproj.datadir.set_data_dir(everywhere.split(":")[0])
    geodesy._transformer.cache_clear()
    try:
        incident = stopped(site, "baumkataster", "naturdenkmale")
    finally:
        pyproj.datadir.set_data_dir(everywhere)
        geodesy._transformer.cache_clear()
    assert incident.kind == "misconfigured"
    assert "apt-get install proj-data" in incident.next_step
    assert site.run("baumkataster").live("baumkataster") is not None
