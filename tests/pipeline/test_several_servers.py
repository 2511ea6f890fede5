"""A source with several servers: one that is down keeps back what comes from it, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from installation import Site
from stadtdaten.faults import Misconfigured, SourceUnavailable
from stadtdaten.frames import Endpoint
from stadtdaten.pipeline.snapshot import take_snapshots

SOURCE = "einwohnerstatistik"
NOBODY = Endpoint(url="file:///mnt/nicht-eingebunden")


def test_a_server_that_is_down_does_not_keep_back_the_datasets_of_others(site: Site) -> None:
    site.endpoints["einwohnerstatistik_ablage"] = NOBODY

    faults = site.refresh(SOURCE)

    assert faults["einwohner"] is None
    assert site.run(SOURCE).live("einwohner") is not None
    assert faults["gebaeudebestand"] is not None
    assert site.run(SOURCE).live("gebaeudebestand") is None
    (incident,) = site.ledger.open_incidents()
    assert (incident.source, incident.dataset, incident.kind) == (SOURCE, None, "source_unavailable")
    assert "Gebäude" in incident.message and "Bevölkerung nach" not in incident.message
    assert len(site.mails()) == 1


def test_a_connection_that_is_missing_is_not_told_as_a_server_that_is_down(site: Site) -> None:
    def connect(name: str) -> Endpoint:
        if name == "einwohnerstatistik_ablage":
            raise Misconfigured(f"Die Verbindung {name!r} ist nicht eingerichtet.")
        return site.connect(name)

    references = take_snapshots(replace(site.run(SOURCE), connect=connect))

    assert [each["state"] for each in references] == ["changed", "changed", "failed", "failed"]
    (incident,) = site.ledger.open_incidents()
    assert (incident.dataset, incident.kind) == (None, "misconfigured")


def test_the_incident_closes_when_all_servers_answer_again(site: Site) -> None:
    site.endpoints["einwohnerstatistik_ablage"] = NOBODY
    site.refresh(SOURCE)
    site.refresh(SOURCE)
    assert len(site.mails()) == 1
    del site.endpoints["einwohnerstatistik_ablage"]

    assert set(site.refresh(SOURCE).values()) == {None}

    assert site.ledger.open_incidents() == ()
    assert len(site.mails()) == 2
    assert site.run(SOURCE).live("gebaeudebestand") is not None


def test_a_passing_fault_of_one_server_is_first_left_to_the_scheduler(site: Site) -> None:
    site.endpoints["einwohnerstatistik_ablage"] = NOBODY

    with pytest.raises(SourceUnavailable):
        take_snapshots(site.run(SOURCE, last_try=False))

    assert site.ledger.open_incidents() == ()
    assert site.mails() == []


def test_all_servers_down_is_a_fault_of_the_source(site: Site) -> None:
    site.endpoints["einwohnerstatistik_ablage"] = NOBODY
    site.endpoints["einwohnerstatistik"] = Endpoint(url="postgresql+psycopg2://127.0.0.1:1/nirgends")

    assert isinstance(site.refresh(SOURCE)[SOURCE], SourceUnavailable)
    assert len(site.ledger.open_incidents()) == 1
