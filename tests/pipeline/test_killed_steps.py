"""A night that is killed at any moment leaves nothing that the next night does not put right."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from installation import Site
from samplecity.delivery import advance
from stadtdaten.frames import Manifest

SCRIPT = Path(__file__).with_name("site_to_kill.py")
KILLED = 77  # as in the script
SOURCE, DATASET = "umweltmessnetz", "pegelstaende"

PUBLISHING = [
    "after_fetch",
    "after_candidate",
    "after_keep",
    "after_reconcile",
    "after_mark_live",
    "before_finish_attempt",
    "before_recover",
]


def kill(site: Site, where: str, source: str = SOURCE, *rollback: str) -> None:
    """Run the source (or a rollback) in a process of its own until it dies there."""
    done = subprocess.run(
        [sys.executable, str(SCRIPT), site.settings.model_dump_json(), source, where, *rollback],
        env={**os.environ, **site.city.connections()},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == KILLED, done.stderr


def live(site: Site, source: str = SOURCE, dataset: str = DATASET) -> Manifest:
    found = site.run(source).live(dataset)
    assert found is not None
    return found


def assert_at_rest(site: Site, manifest: Manifest) -> None:
    """Portal, ledger and store agree on the release; nothing is open, waiting or lying about."""
    dataset = manifest.dataset
    assert site.ledger.live_release(dataset, "static") == manifest.release
    assert site.ledger.abort_open_attempts() == 0
    assert site.ledger.open_incidents() == ()
    attempt = site.ledger.last_attempt(dataset)
    assert attempt is not None
    assert attempt.outcome in ("published", "unchanged")
    assert (attempt.release, attempt.live_release) == (manifest.release, manifest.release)
    for folder in (site.settings.staging, site.settings.candidates):
        assert [path for path in folder.rglob("*") if path.is_file()] == []
    site.store.check(dataset, manifest.release)
    site.run(manifest.source).portal.verify(manifest)


@pytest.mark.parametrize("where", PUBLISHING)
def test_a_first_night_killed_anywhere_ends_in_one_release(site: Site, where: str) -> None:
    kill(site, where)

    assert site.refresh(SOURCE) == {DATASET: None}

    assert_at_rest(site, live(site))
    assert [each.release for each in site.store.releases(DATASET)] == [live(site).release]
    assert site.mails() == []


@pytest.mark.parametrize("where", ["after_keep", "after_reconcile"])
def test_a_second_release_killed_anywhere_follows_the_first(site: Site, where: str) -> None:
    site.refresh(SOURCE)
    first = live(site)
    site.edit("include/contracts/umweltmessnetz.yaml", "title: Messstelle", "title: Pegel")
    kill(site, where)

    assert site.refresh(SOURCE) == {DATASET: None}

    assert_at_rest(site, live(site))
    assert live(site).inputs.previous == first.release
    assert len(site.store.releases(DATASET)) == 2


@pytest.mark.parametrize("where", ["before_open_incident", "after_open_incident"])
def test_a_night_killed_while_it_holds_data_back_is_told_once(site: Site, where: str) -> None:
    site.refresh("baumkataster")
    good = live(site, "baumkataster", "baumkataster")
    advance(site.var, 2)
    kill(site, where, "baumkataster")

    site.refresh("baumkataster")
    (incident,) = site.ledger.open_incidents()
    assert incident.live_release == good.release
    assert len(site.mails()) == 1

    advance(site.var, 1)
    assert site.refresh("baumkataster")["baumkataster"] is None
    assert_at_rest(site, good)
    assert [mail["Subject"].split(":")[0] for mail in site.mails()] == [
        "[Offene Daten] Zurückgehalten",
        "[Offene Daten] Behoben",
    ]


@pytest.mark.parametrize("where", ["before_reconcile", "after_reconcile"])
def test_a_killed_rollback_is_not_half_done(site: Site, where: str) -> None:
    site.refresh(SOURCE)
    first = live(site)
    site.edit("include/contracts/umweltmessnetz.yaml", "title: Messstelle", "title: Pegel")
    site.refresh(SOURCE)
    second = live(site)
    kill(site, where, SOURCE, DATASET, first.release)

    assert site.refresh(SOURCE) == {DATASET: None}

    assert_at_rest(site, first if where == "after_reconcile" else second)
