"""What else happens between two nights: a run beside the run, a portal touched by hand, a store that lost something."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest

from installation import Site, body
from samplecity.delivery import advance
from stadtdaten.faults import PublicationFailed, ReleaseDamaged, SnapshotFailed, SourceUnavailable, Superseded
from stadtdaten.frames import Manifest
from stadtdaten.pipeline import snapshot
from stadtdaten.pipeline.candidate import build_candidate
from stadtdaten.pipeline.publication import decide, publish, rollback, verify
from stadtdaten.pipeline.snapshot import take_snapshots
from stadtdaten.pipeline.whole import refresh

SOURCE, DATASET = "umweltmessnetz", "pegelstaende"


def live(site: Site, source: str = SOURCE, dataset: str = DATASET) -> Manifest:
    found = site.run(source).live(dataset)
    assert found is not None
    return found


def test_a_second_run_of_a_source_takes_over_and_the_first_ends_quietly(site: Site) -> None:
    first, second = site.run(SOURCE, run_id="scheduled"), site.run(SOURCE, run_id="manual")
    (before,) = take_snapshots(first)
    (after,) = take_snapshots(second)

    candidate = build_candidate(second, after)
    with pytest.raises((Superseded, SnapshotFailed)):
        build_candidate(first, before)
    verify(second, publish(second, decide(second, candidate)))

    with pytest.raises(Superseded):
        decide(first, {**candidate, "attempt": before["attempt"]})
    assert live(site).release
    assert len(site.store.releases(DATASET)) == 1
    assert site.ledger.abort_open_attempts() == 0
    assert site.ledger.open_incidents() == ()
    assert site.mails() == []


def test_a_server_lost_between_two_datasets_leaves_no_snapshot_and_no_open_attempt(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = site.run("umweltmessnetz")
    first = run.contract.datasets[0]
    run = replace(run, contract=run.contract.model_copy(update={"datasets": (first, first)}))
    fetch, asked = snapshot.fetch_table, []

    def fetch_once(*args, **kwargs):  # type: ignore[no-untyped-def]
        if asked:
            raise SourceUnavailable("Die Quelle antwortet nicht.")
        asked.append(1)
        return fetch(*args, **kwargs)

    monkeypatch.setattr(snapshot, "fetch_table", fetch_once)
    with pytest.raises(SourceUnavailable):
        take_snapshots(run)
    assert site.ledger.abort_open_attempts() == 0
    assert list((site.var / "staging").rglob("*.parquet")) == []


@pytest.mark.parametrize("what", ["a page", "a data file"])
def test_what_was_changed_on_the_portal_by_hand_is_put_right_although_the_source_is_unchanged(
    site: Site, what: str
) -> None:
    site.refresh(SOURCE)
    portal = site.portal_files()
    public = site.var / "portal" / "public"
    if what == "a page":
        (public / "dataset" / DATASET / "index.html").write_text("Hallo")
    else:
        next((public / "daten" / DATASET).resolve().rglob("*.csv")).unlink()

    assert site.refresh(SOURCE) == {DATASET: None}

    assert site.portal_files() == portal
    attempt = site.ledger.last_attempt(DATASET)
    assert attempt is not None and attempt.outcome == "unchanged"


def test_a_portal_that_visitors_cannot_reach_is_not_well_because_the_source_is_unchanged(site: Site) -> None:
    site.refresh(SOURCE)
    good = site.run(SOURCE)
    nowhere = replace(good, portal=type(good.portal)(  # type: ignore[call-arg]
        site.settings.portal, "http://127.0.0.1:9/", good.city, True, good.store
    ))  # fmt: skip
    fault = refresh(nowhere)[DATASET]
    assert isinstance(fault, SnapshotFailed)
    (incident,) = site.ledger.open_incidents()
    assert incident.kind == PublicationFailed.kind

    assert site.refresh(SOURCE) == {DATASET: None}
    assert site.ledger.open_incidents() == ()


def test_a_live_release_missing_from_the_store_is_told_and_a_forced_run_rebuilds_it(site: Site) -> None:
    site.refresh(SOURCE)
    first, portal = live(site), site.portal_files()
    shutil.rmtree(site.var / "releases" / DATASET)

    assert isinstance(site.refresh(SOURCE)[DATASET], SnapshotFailed)

    (incident,) = site.ledger.open_incidents()
    assert incident.kind == ReleaseDamaged.kind
    (mail,) = site.mails()
    assert "Was das Portal zeigt, ließ sich nicht feststellen." in " ".join(body(mail).split())
    assert site.portal_files() == portal
    assert refresh(replace(site.run(SOURCE), force=True)) == {DATASET: None}
    assert live(site).inputs.content == first.inputs.content
    assert site.ledger.open_incidents() == ()


def test_a_portal_that_forgot_what_is_live_is_told_by_mail(site: Site) -> None:
    site.refresh(SOURCE)
    (site.var / "portal" / "public" / "live.json").write_text("{")
    site.refresh(SOURCE)
    (incident,) = site.ledger.open_incidents()
    assert incident.kind == PublicationFailed.kind
    assert len(site.mails()) == 1


def test_a_ledger_that_was_lost_learns_again_what_is_live(site: Site) -> None:
    site.refresh(SOURCE)
    for path in site.var.glob("ledger.sqlite*"):
        path.unlink()
    assert site.refresh(SOURCE) == {DATASET: None}
    assert site.ledger.live_release(DATASET, "static") == live(site).release


def test_a_lost_ledger_knows_again_what_is_live_although_the_night_is_bad(site: Site) -> None:
    site.refresh("baumkataster")
    good = live(site, "baumkataster", "baumkataster")
    for path in site.var.glob("ledger.sqlite*"):
        path.unlink()
    advance(site.var, 2)
    site.refresh("baumkataster")
    (incident,) = site.ledger.open_incidents()
    assert incident.live_release == good.release


@pytest.mark.parametrize("ledger", ["ledger kept", "ledger lost too"])
def test_a_lost_portal_shows_the_last_good_release_again_although_the_night_is_bad(site: Site, ledger: str) -> None:
    site.refresh("baumkataster")
    good, portal = live(site, "baumkataster", "baumkataster"), site.portal_files()
    shutil.rmtree(site.var / "portal")
    if ledger == "ledger lost too":
        for path in site.var.glob("ledger.sqlite*"):
            path.unlink()
    advance(site.var, 2)

    site.refresh("baumkataster")

    assert live(site, "baumkataster", "baumkataster") == good
    assert site.portal_files() == portal
    (incident,) = site.ledger.open_incidents()
    assert (incident.gate, incident.live_release) == ("quality_raw", good.release)
    (mail,) = site.mails()
    assert good.release in body(mail)


def test_a_lost_portal_is_restored_although_the_source_is_down(site: Site) -> None:
    site.refresh(SOURCE)
    portal = site.portal_files()
    shutil.rmtree(site.var / "portal")
    site.city.disturb(SOURCE, "status_500")
    assert isinstance(site.refresh(SOURCE)[SOURCE], SourceUnavailable)
    assert site.portal_files() == portal


def test_a_lost_portal_does_not_bring_back_what_was_rolled_back(site: Site) -> None:
    site.refresh(SOURCE)
    first = live(site)
    site.edit("include/contracts/umweltmessnetz.yaml", "title: Messstelle", "title: Pegel")
    site.refresh(SOURCE)
    rollback(site.run(SOURCE), DATASET, first.release)
    shutil.rmtree(site.var / "portal")

    assert site.refresh(SOURCE) == {DATASET: None}

    assert live(site).release == first.release


def test_a_lost_portal_gets_the_release_before_where_the_newest_is_damaged(site: Site) -> None:
    site.refresh(SOURCE)
    first = live(site)
    site.edit("include/contracts/umweltmessnetz.yaml", "title: Messstelle", "title: Pegel")
    site.refresh(SOURCE)
    next((site.var / "releases" / DATASET / live(site).release).glob("*.csv")).unlink()
    shutil.rmtree(site.var / "portal")
    site.city.disturb(SOURCE, "status_500")

    site.refresh(SOURCE)

    assert live(site).release == first.release


def test_two_steps_back_stand_as_one_does(site: Site) -> None:
    site.refresh(SOURCE)
    first = live(site)
    for old, new in (("Messstelle", "Pegel"), ("Pegel", "Station")):
        site.edit("include/contracts/umweltmessnetz.yaml", f"title: {old}", f"title: {new}")
        site.refresh(SOURCE)
    second = live(site).inputs.previous
    rollback(site.run(SOURCE), DATASET, second)
    rollback(site.run(SOURCE), DATASET, first.release)

    assert site.refresh(SOURCE) == {DATASET: None}

    assert live(site).release == first.release


def test_a_mail_that_cannot_be_written_does_not_stop_the_night(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    from stadtdaten.pipeline import incidents

    def fail(*args: object) -> None:
        raise KeyError("title")

    site.refresh("baumkataster")
    advance(site.var, 2)
    with monkeypatch.context() as broken:
        broken.setattr(incidents.alerts, "compose", fail)
        fault = site.refresh("baumkataster")["baumkataster"]
    assert fault is not None and fault.kind == "gate_failed"
    assert site.mails() == []
    site.refresh("baumkataster")
    assert len(site.mails()) == 1
