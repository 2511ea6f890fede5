"""The council information system: who is in office is public, nobody else; what changes and what is deleted arrives."""

from __future__ import annotations

import logging
from pathlib import Path

import pandas as pd
import pytest

from installation import Site
from samplecity.delivery import advance
from samplecity.faults import AnswerFault
from samplecity.state import read_state
from samplecity.systems.ratsinformation import COUNCILLORS, LEAVES, MARKER, MEETINGS, persons
from stadtdaten.extract import Fetched, fetch_table
from stadtdaten.faults import Fault, SourceUnavailable, SourceUnreadable
from stadtdaten.frames import TableLock
from stadtdaten.read import content_hash, read_table

SOURCE = "ratsinformation"
DATASETS = ("ratsmitglieder", "gremien", "sitzungen", "vorlagen")


def published(site: Site, dataset: str) -> pd.DataFrame:
    """What a visitor downloads."""
    live = site.run(SOURCE).portal.live(dataset)
    assert live is not None
    address = f"http://127.0.0.1:{site.city.ports.portal}/daten/{dataset}/{live.release}/{dataset}.csv"
    return pd.read_csv(address, dtype=str)


def lock(site: Site, dataset: str) -> TableLock:
    live = site.run(SOURCE).live(dataset)
    assert live is not None
    return live.locks[dataset]


def hash_of_a_full_read(site: Site, dataset_id: str, folder: Path) -> str:
    """What the system holds now, whatever was read before."""
    run = site.run(SOURCE)
    (table,) = run.contract.dataset(dataset_id).tables
    interface = run.contract.interface_of(run.contract.dataset(dataset_id))
    fetched = fetch_table(interface, table, site.connect(SOURCE), folder, run.contract.limits, None)
    assert isinstance(fetched, Fetched)
    return content_hash(read_table(table, fetched.files, run.city, run.contract.limits).frame, table.key)


def taken_over(site: Site, dataset: str) -> int | None:
    """Rows that the live release has from the one before it; None where all were read."""
    return next((each.count for each in lock(site, dataset).repairs if each.kind == "incremental"), None)


def outcomes(site: Site) -> dict[str, str]:
    attempts = {dataset: site.ledger.last_attempt(dataset) for dataset in DATASETS}
    return {dataset: attempt.outcome for dataset, attempt in attempts.items() if attempt is not None}


def places_with_the_marker(site: Site) -> list[str]:
    """Files outside the source itself that hold something about a person that is not public."""
    source = site.var / "samplecity"
    files = [path for path in site.var.rglob("*") if path.is_file() and source not in path.parents]
    assert len(files) > 10
    words = (MARKER.encode(), MARKER.lower().encode())
    return [str(path) for path in files if any(word in path.read_bytes() for word in words)]


def test_two_nights_publish_the_councillors_in_office_and_nobody_else(
    whole_site: Site, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    site = whole_site
    caplog.set_level(logging.DEBUG)
    assert site.refresh(SOURCE) == dict.fromkeys(DATASETS)

    shown = published(site, "ratsmitglieder")
    names = {int(str(row[0])): row[1] for row in persons(read_state(site.var)).rows}
    assert sorted(shown["name"]) == sorted(str(names[number]) for number in range(1, COUNCILLORS + 1))
    assert list(shown.columns) == ["mandat", "name", "fraktion", "funktion", "seit"]
    titles = published(site, "vorlagen")["titel"]
    assert titles.str.startswith("Anregung nach § 24 GO NRW von ").sum() == 28
    meetings = published(site, "sitzungen")
    assert (len(meetings), taken_over(site, "sitzungen")) == (MEETINGS, None)

    advance(site.var, 2)
    assert site.refresh(SOURCE) == dict.fromkeys(DATASETS)

    assert outcomes(site) == {**dict.fromkeys(DATASETS, "published"), "gremien": "unchanged"}
    left = set(shown["mandat"]) - set(published(site, "ratsmitglieder")["mandat"])
    assert [each.rpartition("/")[2] for each in left] == [f"{LEAVES}a"]
    assert published(site, "vorlagen")["titel"].str.endswith("(Ergänzung)").sum() == 1
    after = published(site, "sitzungen").set_index("sitzung")
    deleted = set(meetings["sitzung"]) - set(after.index)
    assert {each.rpartition("/")[2] for each in deleted} == {"41"}
    assert [each.rpartition("/")[2] for each in after.index[after["abgesagt"] == "true"]] == ["40"]
    assert taken_over(site, "sitzungen") == MEETINGS - 3  # without the deleted, the cancelled and the highest mark
    assert lock(site, "sitzungen").content_hash == hash_of_a_full_read(site, "sitzungen", tmp_path)

    portal = site.portal_files()
    assert site.refresh(SOURCE) == dict.fromkeys(DATASETS)
    assert outcomes(site) == dict.fromkeys(DATASETS, "unchanged")
    assert site.portal_files() == portal

    assert places_with_the_marker(site) == []
    assert MARKER not in caplog.text


@pytest.mark.parametrize(
    ("fault", "kind", "told"),
    [
        ("bot_wall", SourceUnavailable, "Sperre gegen automatische Abrufe (Cloudflare)"),
        ("status_403", SourceUnavailable, "Sperre gegen automatische Abrufe"),
        ("html", SourceUnreadable, "Webseite"),
        ("half_file", SourceUnreadable, "kein vollständiges JSON"),
    ],
)
def test_a_server_that_does_not_let_us_in_leaves_what_is_live(
    whole_site: Site, fault: AnswerFault, kind: type[Fault], told: str
) -> None:
    site = whole_site
    site.keep_only(SOURCE, "gremien")
    assert site.refresh(SOURCE) == {"gremien": None}
    shown = published(site, "gremien")

    site.city.disturb(SOURCE, fault)
    (stopped,) = site.refresh(SOURCE).values()

    assert stopped is not None and told in stopped.message
    assert [incident.kind for incident in site.ledger.open_incidents()] == [kind.kind]
    assert published(site, "gremien").equals(shown)


def test_next_links_without_an_end_stop_the_night_and_tell_nobody(
    whole_site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    site = whole_site
    caplog.set_level(logging.DEBUG)
    site.keep_only(SOURCE, "ratsmitglieder")
    site.city.disturb(SOURCE, "endless_next")
    (stopped,) = site.refresh(SOURCE).values()
    assert stopped is not None and "kamen schon vor" in stopped.message
    assert MARKER not in caplog.text
    assert MARKER not in "".join(str(mail) for mail in site.mails())
