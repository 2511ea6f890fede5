"""What is kept for good of a release, so that later ones can be attacked together with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from people import make_table
from stadtdaten.pipeline.cells import write_cells
from stadtdaten.privacy.tables.published import decode

AREA: dict[str, Any] = {"name": "bezirk", "type": "string", "class": "public"}
WHO: dict[str, Any] = {"name": "person", "type": "string", "class": "identifier", "treatment": {"kind": "drop"}}


def test_counts_of_people_over_public_dimensions_are_kept_for_the_comparison_with_later_releases(
    tmp_path: Path,
) -> None:
    table = make_table([AREA, WHO], frequency_table={"dimensions": ["bezirk"], "margins": ["bezirk"]})
    frame = pd.DataFrame({"bezirk": ["Mitte", "Insgesamt"], "anzahl": [7, 7], "anzahl_geheim": [False, False]})
    write_cells(tmp_path, {table.id: frame}, [table])

    kept = decode((tmp_path / "evidence/cells/personen.parquet").read_bytes())
    assert kept["anzahl"].tolist() == [7, 7]


def test_rows_about_nobody_are_not_kept(tmp_path: Path) -> None:
    write_cells(tmp_path, {"personen": pd.DataFrame({"bezirk": ["Mitte"]})}, [make_table([AREA])])

    assert not list(tmp_path.iterdir())
