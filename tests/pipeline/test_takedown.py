"""Something personal got out: nothing of it is left for a visitor, in the store, or for a rollback."""

from __future__ import annotations

import hashlib
import shutil
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

from installation import Site
from stadtdaten.faults import GateFailed, Misconfigured, PublicationFailed
from stadtdaten.frames import Manifest
from stadtdaten.pipeline.publication import rollback
from stadtdaten.pipeline.takedown import Takedown, reach, take_down
from stadtdaten.portals import StaticPortal

TODAY = datetime.now(UTC).date()
TREES, PLAYGROUNDS = "naturdenkmale", "spielplaetze"


@pytest.fixture
def live(site: Site) -> Manifest:
    """Two releases of the natural monuments, of which the second is live, beside another dataset."""
    site.keep_only("baumkataster", TREES)
    assert site.refresh(PLAYGROUNDS) == {PLAYGROUNDS: None}
    assert site.refresh("baumkataster") == {TREES: None}
    site.edit("include/contracts/baumkataster.yaml", "title: Schutzgrund", "title: Grund des Schutzes")
    assert site.refresh("baumkataster") == {TREES: None}
    manifest = site.run("baumkataster").live(TREES)
    assert manifest is not None and len(site.store.releases(TREES)) == 2
    return manifest


def take(site: Site) -> Takedown:
    return take_down(reach(TREES, site.settings))


def addresses(site: Site, manifest: Manifest) -> list[str]:
    base = f"http://127.0.0.1:{site.city.ports.portal}"
    files = [file.path for file in manifest.files]
    return [
        f"{base}/dataset/{TREES}/",
        *(f"{base}/dataset/{TREES}/{path}" for path in files),
        *(f"{base}/daten/{TREES}/{manifest.release}/{path}" for path in files),
    ]


def bytes_left(folder: Path, manifest: Manifest) -> list[Path]:
    """Files below the folder that name the release or are one of its files."""
    hashes = {file.sha256 for file in manifest.files}
    return [
        path for path in folder.rglob("*") if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() in hashes
    ]


def test_nothing_is_left_for_visitors_in_the_store_and_on_disk(site: Site, live: Manifest) -> None:
    seen = addresses(site, live)
    assert [requests.get(each, timeout=60).status_code for each in seen] == [200] * len(seen)

    taken = take(site)

    assert [requests.get(each, timeout=60).status_code for each in seen] == [404] * len(seen)
    assert site.store.releases(TREES) == []
    assert bytes_left(site.var / "portal", live) == bytes_left(site.var / "releases", live) == []
    assert live.release in taken.tombstone.releases and len(taken.tombstone.releases) == 2
    catalogue = requests.get(f"http://127.0.0.1:{site.city.ports.portal}/catalog.ttl", timeout=60).text
    assert TREES not in catalogue and PLAYGROUNDS in catalogue


def test_another_dataset_stays_as_it_was(site: Site, live: Manifest) -> None:
    before = {path: sha for path, sha in site.portal_files().items() if path.startswith(f"daten/{PLAYGROUNDS}/")}
    take(site)
    after = {path: sha for path, sha in site.portal_files().items() if path.startswith(f"daten/{PLAYGROUNDS}/")}
    assert before == after != {}


@pytest.mark.parametrize("spoilt", ["baumkataster", "umweltmessnetz"])
def test_a_mistake_in_a_contract_keeps_nothing_online(site: Site, live: Manifest, spoilt: str) -> None:
    (site.home / "include" / "contracts" / f"{spoilt}.yaml").write_text("frequenz: [")
    facts = take(site).facts.read_text(encoding="utf-8")
    assert requests.get(addresses(site, live)[0], timeout=60).status_code == 404
    assert live.metadata.legal_basis in facts


def test_a_dataset_that_has_left_the_contracts_is_taken_down_too(site: Site, live: Manifest) -> None:
    (site.home / "include" / "contracts" / "baumkataster.yaml").unlink()
    take(site)
    assert requests.get(addresses(site, live)[0], timeout=60).status_code == 404
    assert site.store.releases(TREES) == []


def test_a_dataset_that_nobody_has_heard_of_is_no_success(site: Site, live: Manifest) -> None:
    with pytest.raises(Misconfigured, match="wissen Archiv, Verlauf und Portal nichts"):
        reach("naturdenkmal", site.settings)
    assert requests.get(addresses(site, live)[0], timeout=60).status_code == 200


def test_a_rollback_to_what_was_taken_down_is_refused(site: Site, live: Manifest) -> None:
    take(site)
    with pytest.raises(GateFailed, match="Datenpanne") as caught:
        rollback(site.run("baumkataster"), TREES, live.inputs.previous)
    assert caught.value.gate == "privacy"


def test_the_next_night_brings_nothing_back_before_a_new_decision(site: Site, live: Manifest) -> None:
    take(site)
    fault = site.refresh("baumkataster")[TREES]
    assert isinstance(fault, GateFailed) and "Datenpanne" in fault.message
    assert requests.get(addresses(site, live)[0], timeout=60).status_code == 404
    assert site.store.releases(TREES) == []


def test_a_store_that_was_restored_from_a_backup_brings_nothing_back(site: Site, live: Manifest) -> None:
    shutil.copytree(site.var / "releases" / TREES, site.var / "backup")
    take(site)
    shutil.copytree(site.var / "backup", site.var / "releases" / TREES)
    site.refresh("baumkataster")
    assert requests.get(addresses(site, live)[0], timeout=60).status_code == 404


def test_a_takedown_killed_half_way_is_finished_by_calling_it_again(
    site: Site, live: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fall_over(*_: object) -> bool:
        raise PublicationFailed("Der Datenträger ist voll.")

    with monkeypatch.context() as patch:
        patch.setattr(StaticPortal, "withdraw", fall_over)
        with pytest.raises(PublicationFailed):
            take(site)
    again = take(site)
    assert live.release in again.tombstone.releases
    assert requests.get(addresses(site, live)[0], timeout=60).status_code == 404
    assert len(list((site.var / "takedowns").iterdir())) == 1


def test_the_facts_name_releases_and_columns_and_only_we_may_read_them(site: Site, live: Manifest) -> None:
    facts = take(site).facts
    text = facts.read_text(encoding="utf-8")
    assert live.release in text and "Grund des Schutzes" in text and "72 Stunden" in text
    assert stat.S_IMODE(facts.stat().st_mode) == 0o600


def test_the_end_of_a_release_record_is_announced_once_and_stops_what_is_new(site: Site) -> None:
    contract = "include/contracts/baumkataster.yaml"
    site.keep_only("baumkataster", TREES)
    soon = TODAY + timedelta(days=10)
    site.edit(contract, "next_review: 2028-09-01", f"next_review: {soon}")
    assert site.refresh("baumkataster") == {TREES: None}
    site.refresh("baumkataster")
    [mail] = site.mails()
    assert "Bald prüfen" in mail["Subject"] and f"{soon:%d.%m.%Y}" in mail.get_body(("plain",)).get_content()
    live = site.run("baumkataster").live(TREES)

    site.edit(contract, f"next_review: {soon}", f"next_review: {TODAY - timedelta(days=1)}")
    fault = site.refresh("baumkataster")[TREES]
    assert isinstance(fault, GateFailed) and "abgelaufen" in fault.message
    assert site.run("baumkataster").live(TREES) == live

    site.edit(contract, f"next_review: {TODAY - timedelta(days=1)}", "next_review: 2999-01-01")
    assert site.refresh("baumkataster") == {TREES: None}
    assert any("Erledigt" in mail["Subject"] for mail in site.mails())
    assert site.ledger.open_incidents() == ()
