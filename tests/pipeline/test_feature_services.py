"""Sources of feature services, from the service to the portal: WFS 2.0 and 1.1, OGC API Features, ArcGIS."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas as gpd
import pytest

from installation import Site
from samplecity.faults import AnswerFault
from stadtdaten.faults import Fault
from stadtdaten.read import write_frame

ROWS = {"stadtbezirke": 7, "strassen": 220, "bodenrichtwerte": 28}


def everything_below(folder: Path) -> bytes:
    """All bytes of all files, to look for what must not be there."""
    return b"\n".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def published(site: Site, dataset: str) -> gpd.GeoDataFrame:
    (path,) = (site.var / "releases").rglob(f"{dataset}.gpkg")
    return gpd.read_file(path)


def test_three_services_of_the_survey_office_are_published_in_one_system_and_unchanged_the_next_time(
    site: Site,
) -> None:
    assert site.refresh("geobasis") == dict.fromkeys(ROWS)
    for dataset, rows in ROWS.items():
        frame = published(site, dataset)
        assert len(frame) == rows
        assert frame.crs.to_epsg() == 25832
    assert "Bockum-Hövel" in set(published(site, "stadtbezirke")["name"])
    zones = published(site, "bodenrichtwerte")
    assert zones.area.between(91_000, 93_000).all()  # an octagon with a radius of 180 m
    (manifest,) = [path for path in (site.var / "releases").rglob("manifest.json") if "bodenrichtwerte" in str(path)]
    repairs = json.loads(manifest.read_text(encoding="utf-8"))["locks"]["bodenrichtwerte"]["repairs"]
    assert [(each["kind"], each["count"]) for each in repairs] == [("reference_systems", 7)]
    before = site.releases()
    assert site.refresh("geobasis") == dict.fromkeys(ROWS)
    assert site.releases() == before


def test_owners_are_drift_and_nowhere_else(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshots: list[bytes] = []

    def keep(frame: gpd.GeoDataFrame, path: Path) -> None:
        write_frame(frame, path)
        snapshots.append(path.read_bytes())

    monkeypatch.setattr("stadtdaten.pipeline.snapshot.write_frame", keep)
    assert site.refresh("geobasis") == dict.fromkeys(ROWS)
    (manifest,) = [path for path in (site.var / "releases").rglob("manifest.json") if "bodenrichtwerte" in str(path)]
    assert json.loads(manifest.read_text(encoding="utf-8"))["locks"]["bodenrichtwerte"]["drift"] == ["eigentuemer"]
    assert len(snapshots) == len(ROWS)
    kept = b"".join(snapshots) + everything_below(site.var)
    assert b"Grundbuch" not in kept
    assert b"eigentuemer" not in everything_below(site.var / "portal" / "public")


def test_services_that_answer_wrongly_leave_what_is_live(site: Site) -> None:
    site.refresh("geobasis")
    live = {name: sha for name, sha in site.portal_files().items() if name.endswith((".csv", ".gpkg", ".geojson"))}
    assert len(live) >= 3 * len(ROWS)
    faults: tuple[AnswerFault, ...] = ("cut", "status_500", "status_403", "html", "half_file", "exception_report")
    for fault in faults:
        site.city.disturb("geobasis", fault)
        outcome = site.refresh("geobasis")
        assert outcome, fault
        assert all(isinstance(each, Fault) and "Grundbuch" not in each.message for each in outcome.values()), fault
        assert live.items() <= site.portal_files().items(), fault


def test_schools_come_from_an_arcgis_feature_server_with_their_dates_and_codes(site: Site) -> None:
    assert site.refresh("bildung")["schulen"] is None
    schools = published(site, "schulen")
    assert len(schools) == 130
    assert set(schools["schueler"] % 5) == {0}, "exact sums would tell more of the rounded numbers of pupils"
    assert schools.crs.to_epsg() == 25832
    assert set(schools["schulform"]) <= {"02", "04", "10", "20"}
    assert {(day.month, day.day) for day in schools["stand"]} == {(10, 15)}
    assert b"Schulakte" not in everything_below(site.var)
