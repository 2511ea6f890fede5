"""A takedown does not wait for a night to end: whatever step it falls into, nothing stays and nothing comes back."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import requests

from installation import Site
from stadtdaten.faults import Fault, GateFailed, Superseded
from stadtdaten.pipeline import candidate
from stadtdaten.pipeline.candidate import build_candidate
from stadtdaten.pipeline.publication import decide, publish
from stadtdaten.pipeline.run import CandidateReference, Run
from stadtdaten.pipeline.snapshot import take_snapshots
from stadtdaten.pipeline.takedown import reach, take_down
from stadtdaten.portals import StaticPortal
from stadtdaten.releases import ReleaseStore

TREES = "naturdenkmale"


@pytest.fixture
def night(site: Site) -> Run:
    """A run that will publish the natural monuments, of which nothing is live yet."""
    site.keep_only("baumkataster", TREES)
    return site.run("baumkataster", run_id="night")


def take(site: Site) -> None:
    take_down(reach(TREES, site.settings))


def built(night: Run) -> CandidateReference:
    (snapshot,) = take_snapshots(night)
    return build_candidate(night, snapshot)


def demand_nothing_left(site: Site) -> None:
    assert requests.get(f"http://127.0.0.1:{site.city.ports.portal}/dataset/{TREES}/", timeout=60).status_code == 404
    left = [path for path in site.var.rglob("*") if path.is_file() and TREES in path.relative_to(site.var).as_posix()]
    assert [path for path in left if "takedowns" not in path.parts] == []


def test_while_the_candidate_is_built(site: Site, night: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    write = candidate.write_files

    def taken_down_meanwhile(*args, **kwargs):  # type: ignore[no-untyped-def]
        take(site)
        args[3].mkdir(parents=True, exist_ok=True)
        return write(*args, **kwargs)

    monkeypatch.setattr(candidate, "write_files", taken_down_meanwhile)
    with pytest.raises(Fault):
        decide(night, built(night))
    demand_nothing_left(site)


def test_after_the_candidate_is_built(site: Site, night: Run) -> None:
    reference = built(night)
    take(site)
    with pytest.raises(Superseded):
        decide(night, reference)
    demand_nothing_left(site)


def test_while_the_release_is_kept(site: Site, night: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    keep = ReleaseStore.keep
    reference = built(night)

    def taken_down_before(self: ReleaseStore, folder: Path, manifest) -> None:  # type: ignore[no-untyped-def]
        opened = shutil.copytree(folder, tmp_path / "opened")  # the takedown deletes the folder; keep reads it already
        take(site)
        keep(self, opened, manifest)

    monkeypatch.setattr(ReleaseStore, "keep", taken_down_before)
    with pytest.raises((GateFailed, Superseded)):
        decide(night, reference)
    demand_nothing_left(site)


def test_before_the_release_is_published(site: Site, night: Run) -> None:
    reference = decide(night, built(night))
    take(site)
    with pytest.raises(Superseded):
        publish(night, reference)
    demand_nothing_left(site)


def test_while_the_release_is_published(site: Site, night: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    reconcile = StaticPortal.reconcile
    reference = decide(night, built(night))

    def taken_down_after(self, manifest, folder):  # type: ignore[no-untyped-def]
        changed = reconcile(self, manifest, folder)
        take(site)
        return changed

    monkeypatch.setattr(StaticPortal, "reconcile", taken_down_after)
    with pytest.raises(Fault):
        publish(night, reference)
    demand_nothing_left(site)
    assert night.ledger.live_release(TREES, "static") is None


def test_a_release_whose_list_of_contents_is_damaged_is_erased_too(site: Site, night: Run) -> None:
    publish(night, decide(night, built(night)))
    for manifest in (site.var / "releases" / TREES).rglob("manifest.json"):
        manifest.write_text('{"release": "kaputt"}', encoding="utf-8")
    take(site)
    demand_nothing_left(site)
