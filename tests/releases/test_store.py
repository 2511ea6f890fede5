"""The store keeps complete releases, unchanged, and knows one that is not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sample_releases import gauges
from stadtdaten.faults import ReleaseDamaged
from stadtdaten.frames import Inputs, Manifest
from stadtdaten.releases import ReleaseStore, read_manifest, release_id, write_candidate_manifest


@pytest.fixture(params=["folder", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ReleaseStore:
    """An empty store: a folder, and a stand-in for an object store, which has no renames and no local paths."""
    if request.param == "folder":
        return ReleaseStore(str(tmp_path / "releases"))
    return ReleaseStore(f"memory://{tmp_path}/releases")


@pytest.fixture
def candidate(tmp_path: Path) -> Path:
    """Folder of a finished candidate."""
    gauges(tmp_path / "candidate")
    return tmp_path / "candidate"


@pytest.fixture
def manifest(candidate: Path) -> Manifest:
    """Manifest of the candidate."""
    return read_manifest(candidate)


def _stand(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in sorted(folder.rglob("*")) if path.is_file()
    }


def test_a_kept_release_is_complete_and_reads_back_equal(
    store: ReleaseStore, candidate: Path, manifest: Manifest
) -> None:
    assert not store.has("pegelstaende", manifest.release)
    store.keep(candidate, manifest)
    assert store.has("pegelstaende", manifest.release)
    assert store.manifest("pegelstaende", manifest.release) == manifest
    store.check("pegelstaende", manifest.release)
    with store.local_folder("pegelstaende", manifest.release) as folder:
        assert {path: content[1] for path, content in _relative(folder).items()} == {
            path: content[1] for path, content in _relative(candidate).items()
        }


def _relative(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {os.path.relpath(path, folder): content for path, content in _stand(folder).items()}


def test_keeping_a_release_again_touches_nothing_even_if_the_candidate_has_changed(
    tmp_path: Path, candidate: Path, manifest: Manifest
) -> None:
    store = ReleaseStore(str(tmp_path / "releases"))
    store.keep(candidate, manifest)
    before = _stand(tmp_path / "releases")
    (candidate / "tageswerte.csv").write_text("something else")
    store.keep(candidate, manifest)
    assert _stand(tmp_path / "releases") == before


@pytest.mark.parametrize("left", [b"", b"{", b'{"release": "abc", "files": [{'])
def test_what_a_killed_attempt_left_is_no_release_and_is_written_over(
    tmp_path: Path, candidate: Path, manifest: Manifest, left: bytes
) -> None:
    folder = tmp_path / "releases" / "pegelstaende" / manifest.release
    folder.mkdir(parents=True)
    (folder / "tageswerte.csv").write_bytes(b"half")
    (folder / "manifest.json").write_bytes(left)
    store = ReleaseStore(str(tmp_path / "releases"))
    assert not store.has("pegelstaende", manifest.release)
    assert store.releases("pegelstaende") == []
    store.keep(candidate, manifest)
    store.check("pegelstaende", manifest.release)


def test_a_candidate_that_is_not_what_its_manifest_says_is_not_kept(
    store: ReleaseStore, candidate: Path, manifest: Manifest
) -> None:
    (candidate / "tageswerte.csv").write_bytes(b"other rows")
    (candidate / "evidence" / "lock.json").unlink()
    with pytest.raises(ReleaseDamaged) as caught:
        store.keep(candidate, manifest)
    assert {finding.rule for finding in caught.value.findings} == {"file_missing", "file_changed"}
    assert not store.has("pegelstaende", manifest.release)


@pytest.mark.parametrize("path", ["tageswerte.csv", "tageswerte.schema.json", "evidence/lock.json"])
def test_a_changed_or_missing_file_of_a_release_is_found(
    tmp_path: Path, candidate: Path, manifest: Manifest, path: str
) -> None:
    store = ReleaseStore(str(tmp_path / "releases"))
    store.keep(candidate, manifest)
    file = tmp_path / "releases" / "pegelstaende" / manifest.release / path
    file.write_bytes(file.read_bytes()[:-1] + b"X")
    with pytest.raises(ReleaseDamaged, match="beschädigt") as caught:
        store.check("pegelstaende", manifest.release)
    assert [finding.rule for finding in caught.value.findings] == ["file_changed"]
    file.unlink()
    with pytest.raises(ReleaseDamaged) as caught:
        store.check("pegelstaende", manifest.release)
    assert [finding.rule for finding in caught.value.findings] == ["file_missing"]


def test_a_manifest_with_an_unknown_key_is_damage_and_not_a_half_written_release(
    tmp_path: Path, candidate: Path, manifest: Manifest
) -> None:
    store = ReleaseStore(str(tmp_path / "releases"))
    store.keep(candidate, manifest)
    path = tmp_path / "releases" / "pegelstaende" / manifest.release / "manifest.json"
    path.write_text(path.read_text().replace('"release":', '"releaze":', 1))
    with pytest.raises(ReleaseDamaged, match="pegelstaende"):
        store.keep(candidate, manifest)


def test_a_release_that_was_never_kept_is_named_as_missing(store: ReleaseStore) -> None:
    with pytest.raises(ReleaseDamaged, match="0123456789ab fehlt"):
        store.manifest("pegelstaende", "0123456789ab")


def test_releases_come_newest_first(store: ReleaseStore, tmp_path: Path) -> None:
    nights = [gauges(tmp_path / str(night), night=night) for night in (2, 3, 1)]
    for manifest, night in zip(nights, (2, 3, 1), strict=True):
        store.keep(tmp_path / str(night), manifest)
    assert [manifest.created.day for manifest in store.releases("pegelstaende")] == [4, 3, 2]
    assert store.releases("unbekannt") == []


def test_a_candidate_without_a_manifest_is_no_candidate(tmp_path: Path, candidate: Path, manifest: Manifest) -> None:
    (candidate / "manifest.json").unlink()
    with pytest.raises(ReleaseDamaged, match="Inhaltsverzeichnis"):
        read_manifest(candidate)
    write_candidate_manifest(candidate, manifest)
    assert read_manifest(candidate) == manifest
    assert not list(candidate.glob(".*"))


hashes = st.text("0123456789abcdef", min_size=1, max_size=8)
inputs = st.builds(
    Inputs,
    content=st.dictionaries(hashes, hashes, min_size=1, max_size=3),
    contract=hashes, suites=hashes, code=hashes, previous=hashes,
)  # fmt: skip


@given(inputs, inputs)
@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
def test_two_releases_have_the_same_name_exactly_if_they_are_made_of_the_same(one: Inputs, other: Inputs) -> None:
    assert (release_id(one) == release_id(other)) == (one == other)
    reordered = one.model_copy(update={"content": dict(reversed(one.content.items()))})
    assert release_id(reordered) == release_id(one)


def test_a_releases_name_never_changes_between_versions_of_the_code() -> None:
    fixed = Inputs(content={"b": "2", "a": "1"}, contract="c", suites="s", code="k", previous="")
    assert release_id(fixed) == "dfaca08ae470"
