"""What a release shows about people reaches the ledger, and comes back after the ledger was lost."""

from __future__ import annotations

import hashlib
import itertools
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from pandas.testing import assert_frame_equal

import sample_releases
from published_tables import counts, publish
from stadtdaten.frames import Manifest
from stadtdaten.ledger import Ledger
from stadtdaten.pipeline.cells import history, keep_cells, write_cells
from stadtdaten.pipeline.run import Run
from stadtdaten.privacy.tables.published import decode
from stadtdaten.releases import ReleaseStore, write_candidate_manifest

TABLE = counts("bezirk", "geschlecht", id="bevoelkerung")
FRAME = publish(TABLE, dict.fromkeys(itertools.product(("Mitte", "Nord"), ("m", "w")), 9), set())


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """What of a run the functions use: an empty store and an empty ledger."""
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    ledger.upgrade()
    return cast(Run, SimpleNamespace(store=ReleaseStore(str(tmp_path / "releases")), ledger=ledger))


def release(run: Run, folder: Path, night: int = 1) -> Manifest:
    folder.mkdir()
    manifest = sample_releases.residents(folder, night=night)
    public = TABLE.model_copy(update={"id": "spielplaetze", "columns": ()})
    write_cells(folder, {"bevoelkerung": FRAME, "spielplaetze": FRAME}, [TABLE, public])
    written = {path.relative_to(folder).as_posix(): path for path in (folder / "evidence" / "cells").iterdir()}
    assert list(written) == ["evidence/cells/bevoelkerung.parquet"], "only tables about people"
    hashes = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in written.items()}
    manifest = manifest.model_copy(update={"evidence": manifest.evidence | hashes})
    write_candidate_manifest(folder, manifest)
    run.store.keep(folder, manifest)
    return manifest


def test_what_a_release_shows_is_kept_and_can_be_read_again(run: Run, tmp_path: Path) -> None:
    manifest = release(run, tmp_path / "candidate")
    keep_cells(run, manifest)
    [kept] = run.ledger.published_cells("einwohner")
    assert (kept.table, kept.release, kept.published_at) == ("bevoelkerung", manifest.release, manifest.created)
    assert_frame_equal(decode(kept.content), FRAME)


def test_a_lost_ledger_learns_from_the_store_what_was_published(run: Run, tmp_path: Path) -> None:
    manifests = [release(run, tmp_path / f"candidate_{night}", night) for night in (1, 2)]
    keep_cells(run, manifests[1])
    assert [each.release for each in history(run, "einwohner")] == [each.release for each in manifests]
    assert len(run.ledger.published_cells("einwohner")) == 2


def test_cells_outlive_the_releases_that_showed_them(run: Run, tmp_path: Path) -> None:
    keep_cells(run, release(run, tmp_path / "candidate"))
    run.store.erase("einwohner")
    assert len(history(run, "einwohner")) == 1
