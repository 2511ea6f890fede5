"""Whole pipelines on real municipal files, from the connector to the portal."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
import requests

from installation import Site, body
from stadtdaten.faults import GateFailed


def published(site: Site, dataset: str, suffix: str) -> bytes:
    """A published file of the dataset's only table, as a visitor downloads it."""
    live = site.run(dataset).live(dataset)
    assert live is not None
    (file,) = [file for file in live.files if file.path.endswith(suffix)]
    address = f"http://127.0.0.1:{site.city.ports.portal}/daten/{dataset}/{live.release}/{file.path}"
    answer = requests.get(address, timeout=60)
    assert answer.status_code == 200
    return answer.content


def rows(content: bytes) -> list[dict[str, str]]:
    """The rows of a published CSV file."""
    return list(csv.DictReader(io.StringIO(content.decode("utf-8"), newline="")))


def test_the_real_gauges_are_held_back_because_a_day_is_delivered_twice(real_site: Site) -> None:
    fault = real_site.refresh("pegel")["pegel"]
    assert isinstance(fault, GateFailed)
    (finding,) = fault.findings
    assert (finding.rule, finding.count, finding.total) == ("expect_compound_columns_to_be_unique", 4, 973)
    assert real_site.portal_files() == {}
    assert "noch nichts veröffentlicht" in body(real_site.mails()[0])


def test_the_real_gauges_are_published_once_the_double_day_is_a_warning(real_site: Site, shared: Path) -> None:
    suite = real_site.home / "expectations" / "pegel" / "tageswerte.raw.json"
    rules = json.loads(suite.read_text(encoding="utf-8"))
    rules["expectations"][2]["severity"] = "warning"
    suite.write_text(json.dumps(rules), encoding="utf-8")
    real_site.edit("include/contracts/pegel.yaml", "key: [messstelle, datum]", "key: [messstelle, datum, mittelwert]")

    assert real_site.refresh("pegel") == {"pegel": None}

    source = (shared / "data" / "hamm" / "lanuv_pegel_tageswerte_hamm.csv").read_text(encoding="utf-8")
    expected = sorted(
        (row["Name"], row["Datum"], *(float(row[name]) if row[name] else None for name in ("Minimum", "Mittelwert")))
        for row in csv.DictReader(io.StringIO(source))
    )
    got = sorted(
        (
            row["messstelle"],
            row["datum"],
            *(float(row[name]) if row[name] else None for name in ("minimum", "mittelwert")),
        )
        for row in rows(published(real_site, "pegel", ".csv"))
    )
    assert got == expected
    live = real_site.run("pegel").live("pegel")
    assert live is not None and live.metadata.temporal is not None
    assert [day.isoformat() for day in live.metadata.temporal] == ["2013-01-01", "2014-05-01"]


@pytest.mark.parametrize(
    ("source", "file", "count"),
    [("spielplaetze", "playgrounds/bochum_playgrounds.csv", 352), ("schulen", "schools/bochum_schools.csv", 298)],
)
def test_real_points_arrive_on_the_portal_row_by_row(
    real_site: Site, shared: Path, source: str, file: str, count: int
) -> None:
    assert real_site.refresh(source) == {source: None}

    text = (shared / "data" / "bochum" / file).read_text(encoding="utf-8")
    expected = {(row["poi_id"], row["kateg_id"]): row for row in csv.DictReader(io.StringIO(text), delimiter=";")}
    got = {(row["poi_id"], row["kategorie_id"]): row for row in rows(published(real_site, source, ".csv"))}
    assert len(got) == count
    assert got.keys() == expected.keys()
    assert all(got[key]["name"] == expected[key]["name"] for key in got)
    assert all(got[key]["beschreibung"] == expected[key]["beschreib"] for key in got)
    features = json.loads(published(real_site, source, ".geojson"))["features"]
    assert len(features) == count
    assert all(7.0 < feature["geometry"]["coordinates"][0] < 7.4 for feature in features)
    assert all(51.3 < feature["geometry"]["coordinates"][1] < 51.6 for feature in features)


def test_the_real_sports_facilities_survive_merged_cells_and_blank_rows(real_site: Site) -> None:
    assert real_site.refresh("sportstaetten") == {"sportstaetten": None}
    got = rows(published(real_site, "sportstaetten", ".csv"))
    assert len(got) == 128
    assert {row["art"] for row in got} >= {"Sportplatzanlage"}
    assert {row["beleuchtung"] for row in got} == {"true", "false", ""}
    assert any("Großspielfeld" in row["spielfeld"] for row in got)


def test_a_real_source_that_has_not_changed_is_not_downloaded_again(real_site: Site) -> None:
    real_site.refresh("schulen")
    portal, releases = real_site.portal_files(), real_site.releases()
    assert real_site.refresh("schulen") == {"schulen": None}
    attempt = real_site.ledger.last_attempt("schulen")
    assert attempt is not None and attempt.outcome == "unchanged"
    assert (real_site.portal_files(), real_site.releases()) == (portal, releases)
