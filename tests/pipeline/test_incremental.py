"""A database that is read by its changes: the release is always what a full read would give, or the night stops."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest

from installation import Site
from samplecity.delivery import advance
from samplecity.offers import database_path
from samplecity.state import read_state
from stadtdaten.extract import Fetched, fetch_table
from stadtdaten.faults import SchemaChanged, SnapshotFailed
from stadtdaten.frames import TableLock
from stadtdaten.ledger import Ledger
from stadtdaten.pipeline.changes import full_read_due
from stadtdaten.pipeline.snapshot import take_snapshots
from stadtdaten.read import content_hash, read_table

SOURCE = DATASET = "kfz_bestand"


def change(site: Site, *statements: str) -> None:
    with closing(sqlite3.connect(database_path(site.var, SOURCE))) as database, database:
        for statement in statements:
            database.execute(statement)


def new_row(site: Site) -> str:
    changed = f"{read_state(site.var).first_day} 23:59:59"
    return f"INSERT INTO bestand VALUES ('2020-01-31', 'Busse', 5, 'Sonstige', 1, '{changed}')"


def lock(site: Site) -> TableLock:
    live = site.run(SOURCE).live(DATASET)
    assert live is not None
    return live.locks["bestand"]


def taken_over(site: Site) -> int | None:
    """Rows that the live release has from the one before it; None where all rows were read."""
    return next((repair.count for repair in lock(site).repairs if repair.kind == "incremental"), None)


def published(site: Site) -> pd.DataFrame:
    """What a visitor downloads."""
    live = site.run(SOURCE).portal.live(DATASET)
    assert live is not None
    return pd.read_csv(f"http://127.0.0.1:{site.city.ports.portal}/daten/{DATASET}/{live.release}/bestand.csv")


def hash_of_a_full_read(site: Site, tmp_path: Path) -> str:
    """What the database holds now, whatever was read before."""
    run = site.run(SOURCE)
    dataset = run.contract.datasets[0]
    table = dataset.tables[0]
    fetched = fetch_table(
        run.contract.interface_of(dataset), table, site.connect(SOURCE), tmp_path, run.contract.limits, None
    )
    assert isinstance(fetched, Fetched)
    return content_hash(read_table(table, fetched.files, run.city, run.contract.limits).frame, table.key)


def test_a_late_correction_arrives_alone_and_gives_the_same_as_a_full_read(site: Site, tmp_path: Path) -> None:
    assert site.refresh(SOURCE) == {DATASET: None}
    before = published(site)
    assert taken_over(site) is None

    advance(site.var, 2)
    assert site.refresh(SOURCE) == {DATASET: None}

    after = published(site)
    assert (before["anzahl"] != after["anzahl"]).sum() == 6
    assert taken_over(site) == 1860 - 6 - 31  # the newest month has the value that was the highest, and is read again
    assert lock(site).content_hash == hash_of_a_full_read(site, tmp_path)
    repair = next(each for each in lock(site).repairs if each.kind == "incremental")
    assert (repair.nature, lock(site).rows) == ("assumed", 1860)


def test_an_unchanged_database_touches_nothing(site: Site) -> None:
    site.refresh(SOURCE)
    portal, releases = site.portal_files(), site.releases()
    assert site.refresh(SOURCE) == {DATASET: None}
    attempt = site.ledger.last_attempt(DATASET)
    assert attempt is not None
    assert attempt.outcome == "unchanged"
    assert (site.portal_files(), site.releases()) == (portal, releases)


@pytest.mark.parametrize("new_rows", [0, 1])
def test_a_row_deleted_in_the_database_vanishes_from_the_portal(site: Site, tmp_path: Path, new_rows: int) -> None:
    site.refresh(SOURCE)
    oldest = published(site).iloc[0]
    change(site, f"DELETE FROM bestand WHERE monat = '{oldest['monat']}' AND \"group\" = '{oldest['fahrzeuggruppe']}'")
    if new_rows:
        change(site, new_row(site))
    assert site.refresh(SOURCE) == {DATASET: None}
    shown = published(site)
    assert ((shown["monat"] == oldest["monat"]) & (shown["fahrzeuggruppe"] == oldest["fahrzeuggruppe"])).sum() == 0
    assert taken_over(site) is None
    assert lock(site).content_hash == hash_of_a_full_read(site, tmp_path)


def test_a_deletion_that_the_number_of_rows_hides_is_found_by_merging(site: Site, tmp_path: Path) -> None:
    site.refresh(SOURCE)
    change(site, "DELETE FROM bestand WHERE rowid = 5", new_row(site))
    assert site.refresh(SOURCE) == {DATASET: None}
    assert (taken_over(site), lock(site).rows) == (None, 1860)
    assert lock(site).content_hash == hash_of_a_full_read(site, tmp_path)


def test_a_renamed_column_stops_and_the_last_release_stays(site: Site) -> None:
    site.refresh(SOURCE)
    portal = site.portal_files()
    change(site, "ALTER TABLE bestand RENAME COLUMN geaendert_am TO stand")
    fault = site.refresh(SOURCE)[DATASET]
    assert isinstance(fault, SnapshotFailed)
    assert [incident.kind for incident in site.ledger.open_incidents()] == [SchemaChanged.kind]
    assert "geaendert_am" in fault.message
    assert "stand" in fault.message
    assert {name: each for name, each in site.portal_files().items() if "bestand." in name} == {
        name: each for name, each in portal.items() if "bestand." in name
    }


def test_a_damaged_release_is_no_basis_for_changes(site: Site, tmp_path: Path) -> None:
    site.refresh(SOURCE)
    live = site.run(SOURCE).live(DATASET)
    assert live is not None
    parquet = site.var / "releases" / DATASET / live.release / "bestand.parquet"
    parquet.chmod(0o600)
    frame = pd.read_parquet(parquet)
    frame["anzahl"] += 1
    frame.to_parquet(parquet, index=False)
    advance(site.var, 2)
    run = site.run(SOURCE)
    take_snapshots(run)
    snapshot = next((run.staging / DATASET).glob("lock.json"))
    assert hash_of_a_full_read(site, tmp_path) in snapshot.read_text(encoding="utf-8")


def test_a_forced_run_reads_every_row(site: Site) -> None:
    site.refresh(SOURCE)
    advance(site.var, 2)
    run = replace(site.run(SOURCE), force=True)
    take_snapshots(run)
    assert '"kind":"incremental"' not in (run.staging / DATASET / "lock.json").read_text(encoding="utf-8").replace(
        " ", ""
    )


def test_a_change_without_a_new_value_shows_when_all_rows_are_due(
    site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    site.refresh(SOURCE)
    change(site, "UPDATE bestand SET anzahl = anzahl + 1 WHERE rowid = 5")
    assert site.refresh(SOURCE) == {DATASET: None}
    assert lock(site).content_hash != hash_of_a_full_read(site, tmp_path)

    later(site, monkeypatch, timedelta(days=7))
    assert site.refresh(SOURCE) == {DATASET: None}
    assert lock(site).content_hash == hash_of_a_full_read(site, tmp_path)


def test_all_rows_are_due_once_in_a_period_and_not_every_night_after_it(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.refresh(SOURCE)
    run = site.run(SOURCE)
    dataset = run.contract.datasets[0]
    started = site.ledger.last_good_attempt(DATASET)
    assert started is not None
    due = [
        full_read_due(run, dataset, dataset.tables[0], started.started + timedelta(days=days)) for days in range(8)
    ]  # fmt: skip
    assert due[0] is False
    assert due[7] is True
    assert due == sorted(due)


def later(site: Site, monkeypatch: pytest.MonkeyPatch, by: timedelta) -> None:
    """The ledger's last good attempt was so much earlier."""
    found = site.ledger.last_good_attempt(DATASET)
    assert found is not None
    earlier = found.model_copy(update={"started": found.started - by})
    monkeypatch.setattr(Ledger, "last_good_attempt", lambda ledger, dataset: earlier)
