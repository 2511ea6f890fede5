"""The portal shows exactly the releases it was given, atomically, and says when it does not."""

from __future__ import annotations

import errno
import os
import shutil
import threading
from pathlib import Path
from urllib.request import urlopen

import pytest

from sample_releases import CITY, gauges
from stadtdaten.faults import PublicationFailed, ReleaseDamaged
from stadtdaten.frames import Manifest
from stadtdaten.portals import StaticPortal
from stadtdaten.releases import ReleaseStore


def publish(portal: StaticPortal, store: ReleaseStore, manifest: Manifest) -> bool:
    """What the pipeline does."""
    with store.local_folder(manifest.dataset, manifest.release) as folder:
        return portal.reconcile(manifest, folder)


def stand(folder: Path) -> dict[str, tuple[int, bytes | str]]:
    """Every entry with its time of change and its content."""
    return {
        path.relative_to(folder).as_posix(): (
            path.lstat().st_mtime_ns,
            str(path.readlink()) if path.is_symlink() else path.read_bytes() if path.is_file() else "",
        )
        for path in [folder, *sorted(folder.rglob("*"))]
    }


def test_a_published_release_is_what_a_visitor_gets(
    portal: StaticPortal, store: ReleaseStore, first: Manifest, others: Manifest
) -> None:
    assert portal.live("pegelstaende") is None
    assert publish(portal, store, first)
    assert publish(portal, store, others)
    for manifest in (first, others):
        portal.verify(manifest)
        live = portal.live(manifest.dataset)
        assert live is not None
        assert (live.release, live.since) == (manifest.release, manifest.created)
    with urlopen(portal.page("einwohner")) as page:
        assert b"geheim gehalten" in page.read()


def test_publishing_what_is_live_touches_nothing(
    portal: StaticPortal, store: ReleaseStore, first: Manifest, others: Manifest, tmp_path: Path
) -> None:
    publish(portal, store, first)
    publish(portal, store, others)
    before = stand(tmp_path / "portal")
    assert not publish(portal, store, first)
    assert not publish(portal, store, others)
    assert stand(tmp_path / "portal") == before


def test_locks_and_evidence_never_reach_the_portal(
    portal: StaticPortal, store: ReleaseStore, first: Manifest, tmp_path: Path
) -> None:
    publish(portal, store, first)
    files = [path for path in (tmp_path / "portal").rglob("*") if path.is_file()]
    assert {path.name for path in (tmp_path / "portal" / "daten").rglob("*") if path.is_file()} == {
        "tageswerte.csv", "tageswerte.parquet", "tageswerte.schema.json",
    }  # fmt: skip
    assert not [path for path in files if b"intern.example" in path.read_bytes()]


def test_the_same_releases_give_the_same_bytes_whenever_they_are_published(
    tmp_path: Path, store: ReleaseStore, second: Manifest, others: Manifest
) -> None:
    one, other = (StaticPortal(tmp_path / name, "http://portal.example", CITY, True, store) for name in ("a", "b"))
    publish(one, store, second)
    publish(one, store, others)
    publish(other, store, others)
    publish(other, store, second)
    contents = [{path: entry for path, (_, entry) in stand(tmp_path / name / "public").items()} for name in ("a", "b")]
    assert contents[0] == contents[1]
    assert (tmp_path / "a" / "public").readlink() == (tmp_path / "b" / "public").readlink()


def test_the_web_servers_user_may_read_everything_whatever_our_umask_is(
    portal: StaticPortal, store: ReleaseStore, first: Manifest, tmp_path: Path
) -> None:
    before = os.umask(0o077)
    try:
        publish(portal, store, first)
    finally:
        os.umask(before)
    shown = [path for name in ("generations", "daten") for path in (tmp_path / "portal" / name).rglob("*")]
    assert shown
    assert not [path for path in shown if not path.stat().st_mode & 0o004]
    assert not [path for path in shown if path.is_dir() and not path.stat().st_mode & 0o001]


def test_a_page_offers_the_releases_that_the_live_one_follows(
    portal: StaticPortal, store: ReleaseStore, first: Manifest, second: Manifest, address: str
) -> None:
    publish(portal, store, first)
    publish(portal, store, second)
    with urlopen(portal.page("pegelstaende")) as page:
        text = page.read().decode()
    link = f"daten/pegelstaende/{first.release}/tageswerte.csv"
    assert f"../../{link}" in text
    with urlopen(address + link) as file:
        assert len(file.read()) == first.files[0].size


def test_after_a_rollback_the_withdrawn_release_is_offered_no_more(
    portal: StaticPortal, store: ReleaseStore, first: Manifest, second: Manifest, tmp_path: Path
) -> None:
    publish(portal, store, first)
    publish(portal, store, second)
    assert publish(portal, store, first)
    portal.verify(first)
    pages = (tmp_path / "portal" / "public").rglob("*.html")
    assert not [page for page in pages if second.release in page.read_text()]


def test_only_three_generations_stay_and_data_that_none_of_them_shows_goes(
    portal: StaticPortal, store: ReleaseStore, tmp_path: Path
) -> None:
    nights = []
    for night in range(1, 6):
        nights.append(gauges(tmp_path / str(night), night=night))  # none follows another
        store.keep(tmp_path / str(night), nights[-1])
        publish(portal, store, nights[-1])
    folder = tmp_path / "portal"
    assert len(list((folder / "generations").iterdir())) == 3
    kept = {path.name for path in (folder / "daten" / "pegelstaende").iterdir()}
    assert kept == {manifest.release for manifest in nights[-3:]}
    portal.verify(nights[-1])
    assert publish(portal, store, nights[0])  # the store still has it
    portal.verify(nights[0])


@pytest.mark.parametrize(
    "victim", ["public/index.html", "public/catalog.ttl", "public/dataset/pegelstaende/index.html"]
)
@pytest.mark.parametrize("gone", [True, False])
def test_what_somebody_changed_by_hand_is_put_right(
    portal: StaticPortal, store: ReleaseStore, first: Manifest, tmp_path: Path, victim: str, gone: bool
) -> None:
    publish(portal, store, first)
    page = tmp_path / "portal" / victim
    good = page.read_bytes()
    if gone:
        page.unlink()
    else:
        page.write_bytes(b"defaced")
    (tmp_path / "portal" / "public" / "stranger.html").write_bytes(b"hello")
    assert publish(portal, store, first)
    assert page.read_bytes() == good
    assert not (tmp_path / "portal" / "public" / "stranger.html").exists()
    assert not publish(portal, store, first)


def test_a_changed_data_file_is_put_right_and_a_lost_one_of_another_dataset_too(
    portal: StaticPortal, store: ReleaseStore, first: Manifest, others: Manifest, tmp_path: Path
) -> None:
    publish(portal, store, first)
    publish(portal, store, others)
    data = tmp_path / "portal" / "daten"
    changed = data / "pegelstaende" / first.release / "tageswerte.csv"
    changed.write_bytes(changed.read_bytes().replace(b"4", b"5"))
    (data / "einwohner" / others.release / "bevoelkerung.csv").unlink()
    with pytest.raises(PublicationFailed, match="Abweichung"):
        portal.verify(first)
    assert publish(portal, store, first)
    portal.verify(first)
    portal.verify(others)


def test_a_release_that_is_not_what_its_manifest_says_does_not_reach_the_portal(
    portal: StaticPortal, store: ReleaseStore, first: Manifest, second: Manifest, tmp_path: Path
) -> None:
    publish(portal, store, first)
    before = stand(tmp_path / "portal" / "public")
    (tmp_path / "second" / "tageswerte.csv").write_bytes(b"half")
    with pytest.raises(ReleaseDamaged, match="Prüfsumme"):
        portal.reconcile(second, tmp_path / "second")
    assert stand(tmp_path / "portal" / "public") == before
    portal.verify(first)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (errno.ENOSPC, "voll"),
        (errno.EACCES, "nicht beschreibbar"),
        (errno.EROFS, "nicht beschreibbar"),
        (errno.EIO, "EIO"),
    ],
)
@pytest.mark.parametrize("moment", ["replace", "symlink_to", "rename"])
def test_a_disk_that_fails_leaves_the_former_release_online(
    portal: StaticPortal, store: ReleaseStore, first: Manifest, second: Manifest, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, number: int, text: str, moment: str,
) -> None:  # fmt: skip
    publish(portal, store, first)

    def fail(*_: object) -> None:
        raise OSError(number, "the disk says no")

    with monkeypatch.context() as broken:
        broken.setattr(Path, moment, fail)
        with pytest.raises(PublicationFailed, match=text) as caught:
            publish(portal, store, second)
    assert "bleibt online" in caught.value.message
    assert caught.value.next_step
    portal.verify(first)
    assert not (tmp_path / "portal" / "staging").exists()
    assert publish(portal, store, second)
    portal.verify(second)


def test_two_publishers_at_once_both_get_through(
    tmp_path: Path, portal: StaticPortal, address: str, store: ReleaseStore, second: Manifest, others: Manifest
) -> None:
    twins = [StaticPortal(tmp_path / "portal", address, CITY, False, store) for _ in range(6)]
    threads = [
        threading.Thread(target=publish, args=(twin, store, (second, others)[number % 2]))
        for number, twin in enumerate(twins)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    portal.verify(second)
    portal.verify(others)


def test_a_portal_whose_state_is_unreadable_says_so_instead_of_starting_empty(
    portal: StaticPortal, store: ReleaseStore, first: Manifest, others: Manifest, tmp_path: Path
) -> None:
    publish(portal, store, first)
    (tmp_path / "portal" / "public" / "live.json").write_text("{")
    with pytest.raises(PublicationFailed, match=r"live\.json"):
        portal.live("pegelstaende")
    with pytest.raises(PublicationFailed, match=r"live\.json"):
        publish(portal, store, others)


def test_a_web_server_that_does_not_answer_is_said_to_be_unreachable(
    tmp_path: Path, store: ReleaseStore, first: Manifest
) -> None:
    portal = StaticPortal(tmp_path / "portal", "http://127.0.0.1:9/", CITY, False, store)
    publish(portal, store, first)
    with pytest.raises(PublicationFailed, match="nicht erreichbar"):
        portal.verify(first)


def test_an_older_release_than_the_expected_one_is_found(
    portal: StaticPortal, store: ReleaseStore, first: Manifest, second: Manifest
) -> None:
    publish(portal, store, first)
    with pytest.raises(PublicationFailed) as caught:
        portal.verify(second)
    assert {finding.rule for finding in caught.value.findings} == {"page", "file_size"}


def test_a_dataset_that_is_not_there_at_all_is_found(
    portal: StaticPortal, store: ReleaseStore, first: Manifest, others: Manifest
) -> None:
    publish(portal, store, first)
    with pytest.raises(PublicationFailed) as caught:
        portal.verify(others)
    assert [finding.rule for finding in caught.value.findings] == ["page", "file", "file", *["catalogue"] * 3]


def test_a_catalogue_that_is_no_turtle_is_found(
    portal: StaticPortal, store: ReleaseStore, first: Manifest, tmp_path: Path
) -> None:
    publish(portal, store, first)
    (tmp_path / "portal" / "public" / "catalog.ttl").write_text("<html>Wartung</html>")
    with pytest.raises(PublicationFailed) as caught:
        portal.verify(first)
    assert [finding.message for finding in caught.value.findings if "Turtle" in finding.message]


@pytest.mark.parametrize("loss", ["release gone", "manifest damaged"])
def test_a_release_lost_from_the_store_stops_no_other_dataset_and_keeps_its_page(
    portal: StaticPortal, store: ReleaseStore, first: Manifest, second: Manifest, others: Manifest, tmp_path: Path,
    loss: str,
) -> None:  # fmt: skip
    for manifest in (first, second, others):
        publish(portal, store, manifest)
    public = tmp_path / "portal" / "public"
    page = (public / "dataset" / "pegelstaende" / "index.html").read_bytes()
    lost = tmp_path / "releases" / "pegelstaende"
    if loss == "release gone":
        shutil.rmtree(lost)
    else:
        (lost / second.release / "manifest.json").write_text("{}")
    newer = others.model_copy(update={"release": "feedfeedfeed"})
    store.keep(tmp_path / "others", newer)

    assert publish(portal, store, newer)

    live = portal.live("einwohner")
    assert live is not None and live.release == newer.release
    assert (public / "dataset" / "pegelstaende" / "index.html").read_bytes() == page
    portal.verify(second)


def test_a_dataset_lost_from_store_and_portal_stops_no_other(
    portal: StaticPortal, store: ReleaseStore, first: Manifest, others: Manifest, tmp_path: Path
) -> None:
    publish(portal, store, first)
    shutil.rmtree(tmp_path / "releases" / "pegelstaende")
    shutil.rmtree(tmp_path / "portal" / "daten" / "pegelstaende")
    assert publish(portal, store, others)
    portal.verify(others)


def test_hashes_of_what_was_read_are_not_kept_beside_the_portal(
    portal: StaticPortal, store: ReleaseStore, first: Manifest, tmp_path: Path
) -> None:
    read = "0f" * 32
    inputs = first.inputs.model_copy(update={"content": {"tageswerte": read}})
    folder = tmp_path / "releases" / first.dataset / first.release
    portal.reconcile(first.model_copy(update={"inputs": inputs}), folder)
    files = [path for path in (tmp_path / "portal").rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if read.encode() in path.read_bytes()]


def test_what_the_portal_keeps_of_releases_that_nobody_sees_any_more_is_removed(
    portal: StaticPortal, store: ReleaseStore, first: Manifest, others: Manifest, tmp_path: Path
) -> None:
    publish(portal, store, first)
    kept = tmp_path / "portal" / "manifests" / "pegelstaende"
    assert {path.stem for path in kept.iterdir()} == {first.release}
    (kept / "000000000000.json").write_text("{}")
    publish(portal, store, others)
    assert {path.stem for path in kept.iterdir()} == {first.release}
