"""Whoever contributes to a hidden sum knows more than a reader: the only contributor of one must not compute another.

The attacker here is the test's own: it fixes what the contributor knows and solves for every other sum.
"""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
import scipy.optimize

from published_tables import TOTAL, sums
from stadtdaten.contracts import Table
from stadtdaten.privacy.context import Context
from stadtdaten.privacy.tables.tabulate import tabulate

TABLE = sums("bezirk", "branche", minimum=3)
AREAS, BRANCHES = ("Mitte", "Nord", "Süd", "West"), ("Bau", "Handel", "Industrie", "Verkehr")
Contribution = tuple[str, str, float]


def tabulated(contributions: list[Contribution], table: Table = TABLE) -> pd.DataFrame:
    frame = pd.DataFrame(contributions, columns=["bezirk", "branche", "betrag"])
    typed = frame.astype({"bezirk": "str", "branche": "str", "betrag": "Float64"})
    return tabulate({table.id: typed}, [table], Context(today=pd.Timestamp("2026-01-15").date()))[table.id].frame


def computed(contributions: list[Contribution]) -> int:
    """How many sums of one or two contributors the only contributor of another sum can compute to within 1 %."""
    truth = pd.DataFrame(contributions, columns=["bezirk", "branche", "betrag"])
    frame = tabulated(contributions).set_index(["bezirk", "branche"])
    cells = list(frame.index)
    rows = {
        (area, branch): truth[
            ((truth["bezirk"] == area) | (area == TOTAL)) & ((truth["branche"] == branch) | (branch == TOTAL))
        ]
        for area, branch in cells
    }
    hidden = [cell for cell in cells if frame.loc[cell, "betrag_geheim"]]
    areas, branches = ([*sorted({cell[axis] for cell in cells} - {TOTAL}), TOTAL] for axis in (0, 1))
    # Each line ends with its total.
    relations = [[(a, b) for b in branches] for a in areas] + [[(a, b) for a in areas] for b in branches]
    left = np.array([[(cell in line) * (-1.0 if cell == line[-1] else 1.0) for cell in hidden] for line in relations])
    known = [
        sum((1.0 if cell == line[-1] else -1.0) * rows[cell]["betrag"].sum() for cell in line if cell not in hidden)
        for line in relations
    ]
    found = 0
    for one in (cell for cell in hidden if len(rows[cell]) == 1):
        amount = rows[one]["betrag"].sum()
        bounds = [(amount, amount) if cell == one else (0, None) for cell in hidden]
        for number, other in enumerate(hidden):
            if len(rows[other]) > 2 or rows[other].index.equals(rows[one].index):
                continue
            goal = np.eye(len(hidden))[number]
            low = scipy.optimize.linprog(goal, A_eq=left, b_eq=known, bounds=bounds)
            high = scipy.optimize.linprog(-goal, A_eq=left, b_eq=known, bounds=bounds)
            found += high.status == 0 and -high.fun - low.fun < 0.01 * rows[other]["betrag"].sum()
    return found


def test_the_only_contributor_of_a_sum_cannot_compute_the_other_one_of_its_line() -> None:
    """Four sums of one firm each, in a square: enough for readers, but each firm would know its neighbours."""
    square = [("Mitte", "Bau", 100.0), ("Mitte", "Handel", 200.0), ("Nord", "Bau", 150.0), ("Nord", "Handel", 170.0)]
    places = set(itertools.product(AREAS[:3], BRANCHES[:3])) - {each[:2] for each in square}
    contributions = square + [(*place, 100.0 + n) for place in sorted(places) for n in range(8)]

    assert computed(contributions) == 0


@pytest.mark.parametrize("seed", range(4))
def test_no_only_contributor_of_a_sum_can_compute_another_one(seed: int) -> None:
    dice = np.random.default_rng(seed)
    contributions = [
        (*place, float(dice.integers(10, 2000)))
        for place in itertools.product(AREAS, BRANCHES)
        for _ in range(dice.choice([0, 1, 1, 2, 3, 6, 12]))
    ]

    assert computed(contributions) == 0


@pytest.mark.parametrize("seed", [2, 4, 5, 7])
def test_a_sum_of_nothing_is_no_cover_for_another_one(seed: int) -> None:
    """A table of counts of the same rows shows where nobody contributes; what is hidden beside it would be the rest."""
    dice = np.random.default_rng(seed)
    contributions = [
        (*place, float(dice.integers(10, 2000)))
        for place in itertools.product(AREAS, BRANCHES)
        for _ in range(dice.choice([0, 0, 1, 2, 6, 12]))
    ]
    frame = tabulated(contributions).set_index(["bezirk", "branche"])
    filled = {place[:2] for place in contributions}
    empty = frame.loc[[place for place in itertools.product(AREAS, BRANCHES) if place not in filled]]

    assert len(empty)
    assert frame["betrag_geheim"].any()
    assert not empty["betrag_geheim"].any()
