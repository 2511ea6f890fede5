"""What does anonymisation need besides rows and contract? Handed in by the pipeline; nothing here is fetched."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date

import pandas as pd

from stadtdaten.frames import PublishedCells


def no_key(connection: str) -> str:
    """Stands in where no connection can be asked for a key."""
    raise LookupError(connection)


@dataclass(frozen=True)
class Context:
    """What anonymisation and audit of one dataset may look at.

    ``references`` are the frames of the dataset's references by table id. ``key`` gives the password of a connection
    (keys of pseudonyms and of the cell-key method); raises Misconfigured. ``earlier`` is what was ever published of
    this dataset, oldest first, and ``others`` what is published now of other datasets about people. ``today`` is the
    day of the snapshot in the city's time zone; ``crs`` the city's CRS.
    """

    today: date
    crs: str = "EPSG:25832"
    references: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    key: Callable[[str], str] = no_key
    earlier: tuple[PublishedCells, ...] = ()
    others: tuple[PublishedCells, ...] = ()
