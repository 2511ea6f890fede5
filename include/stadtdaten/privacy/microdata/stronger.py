"""Which larger k would withstand the attack? Found by trying, for whoever has to mend a contract."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from stadtdaten.contracts.model import Table
from stadtdaten.faults import GateFailed
from stadtdaten.frames import PublishedCells
from stadtdaten.privacy.microdata.attack import attack_records
from stadtdaten.privacy.microdata.records import anonymise_records

_FACTORS = (2, 4, 8)


def passing_k(
    frame: pd.DataFrame, table: Table, earlier: Sequence[PublishedCells] = (), others: Sequence[PublishedCells] = ()
) -> int | None:
    """The smallest tried k (2, 4 and 8 times the declared one) with which nothing is found in the records of ``frame``
    (typed and treated, as for ``anonymise_records``); None if there is none.
    """
    if table.microdata is None:
        raise ValueError(f"table {table.id} has no microdata")
    for factor in _FACTORS:
        spec = table.microdata.model_copy(update={"k": factor * table.microdata.k})
        stricter = table.model_copy(update={"microdata": spec})
        try:
            public = anonymise_records(frame, stricter).frame
        except GateFailed:
            return None  # a still larger k leaves out still more
        if next(attack_records(public, stricter, earlier, others), None) is None:
            return spec.k
    return None
