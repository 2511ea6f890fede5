"""How does what a release shows about people get from the candidate into the ledger, to be kept for good?

The candidate carries it as evidence (``evidence/cells/<table>.parquet``), because only there are the frames at hand;
publication puts it into the ledger before any portal is touched: what may have been seen counts as seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from stadtdaten.contracts import Table
from stadtdaten.frames import Manifest, PublishedCells
from stadtdaten.pipeline.run import Run
from stadtdaten.privacy.tables.published import encode

_FOLDER = "evidence/cells"


def write_cells(folder: Path, frames: Mapping[str, pd.DataFrame], tables: Sequence[Table]) -> None:
    """Write what the candidate in ``folder`` shows (published frames by table id) of the tables about people.

    To be called before the manifest, which lists every file of the evidence.
    """
    for table in tables:
        # A table of counts is about people also where none of its dimensions says so: who is counted was dropped.
        about_people = any(column.published and column.class_ != "public" for column in table.columns)
        if about_people or table.tabulation is not None:
            path = folder / _FOLDER / f"{table.id}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(encode(frames[table.id], table))


def keep_cells(run: Run, manifest: Manifest) -> None:
    """Put what the release shows of tables about people into the ledger; again the same is no change."""
    with run.store.local_folder(manifest.dataset, manifest.release) as folder:
        run.ledger.keep_cells(cells_of(folder, manifest))


def history(run: Run, dataset: str) -> tuple[PublishedCells, ...]:
    """What was ever published of the dataset's tables about people, oldest first.

    Also of releases that only the store still knows, as the ledger was lost: they are put into it again.
    """
    known = {each.release for each in run.ledger.published_cells(dataset)}
    for manifest in run.store.releases(dataset):
        if manifest.release not in known:
            keep_cells(run, manifest)
    return run.ledger.published_cells(dataset)


def cells_of(folder: Path, manifest: Manifest) -> tuple[PublishedCells, ...]:
    """What the release in ``folder`` shows of tables about people."""
    paths = [Path(path) for path in sorted(manifest.evidence) if Path(path).parent == Path(_FOLDER)]
    return tuple(
        PublishedCells(
            dataset=manifest.dataset, table=path.stem, release=manifest.release, published_at=manifest.created,
            content=(folder / path).read_bytes(),
        )
        for path in paths
    )  # fmt: skip
