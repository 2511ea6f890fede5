"""What becomes of counts that are all shown, but none of them exactly?

Each is rounded, or gets the noise of the cell-key method: it depends on the persons it counts and on a secret, so the
same cell has the same noise in every table and every night. Therefore the keys of the persons must be the same in all
linked tables: they are made of all dimensions of all these tables, which lie side by side row by row, as the tables
read the same rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stadtdaten.contracts.protection import CellKey, RoundedCounts
from stadtdaten.privacy.tables.cell_key import perturb, record_keys
from stadtdaten.privacy.tables.counting import Counted
from stadtdaten.privacy.tables.lattice import Lattice, Stratum
from stadtdaten.privacy.tables.linked import declared, different_rows
from stadtdaten.privacy.tables.rounding import round_counts


@dataclass(frozen=True)
class Changed:
    """One table in one stratum: the true counts of its cells, and those to publish."""

    lattice: Lattice
    before: NDArray[np.int64]
    after: NDArray[np.int64]


def rounded(counted: Counted, spec: RoundedCounts) -> dict[Stratum, Changed]:
    """The strata of one table with every count rounded."""
    found = {}
    for stratum, rows in counted.strata.items():
        lattice = counted.lattice(stratum)
        counts = lattice.add_up(counted.amounts[rows])
        found[stratum] = Changed(lattice, counts, round_counts(counts, spec))
    return found


def perturbed(counted: Sequence[Counted], spec: CellKey, secret: str) -> list[dict[Stratum, Changed]]:
    """The strata of each linked table (in the order of ``counted``) with noise on every count.

    Raises GateFailed("privacy") where the tables do not have the same rows in the same order.
    """
    persons = _side_by_side(counted)
    keys = record_keys(persons, list(persons.columns), counted[0].amounts, secret)
    found = []
    for each in counted:
        strata = {}
        for stratum, rows in each.strata.items():
            lattice = each.lattice(stratum)
            counts = lattice.add_up(each.amounts[rows])
            strata[stratum] = Changed(lattice, counts, perturb(counts, lattice.add_up(keys[rows]), spec))
        found.append(strata)
    return found


def _side_by_side(counted: Sequence[Counted]) -> pd.DataFrame:
    """All dimensions of all tables, in the order of their names."""
    columns: dict[str, pd.Series] = {}
    for each in counted:
        for name in declared(each.table).dimensions:
            if len(each.frame) != len(counted[0].frame) or not each.frame[name].equals(
                columns.get(name, each.frame[name])
            ):
                raise different_rows([one.table for one in counted])
            columns[name] = each.frame[name]
        if (each.amounts != counted[0].amounts).any():
            raise different_rows([one.table for one in counted])
    return pd.DataFrame({name: columns[name] for name in sorted(columns)})
