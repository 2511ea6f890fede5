"""A table of counts and one of sums of the same rows: what the shown cells of one tell of the hidden ones of the other.

A sum that is shown and not 0 tells that its rule for the number of contributors is kept, so the count is not small.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.optimize

from published_tables import TOTAL, publish, sums
from stadtdaten.contracts import Table
from stadtdaten.contracts.protection import MagnitudeTable
from stadtdaten.privacy.context import Context
from stadtdaten.privacy.tables.attack import Attack, attack
from stadtdaten.privacy.tables.findings import judge_tables
from stadtdaten.privacy.tables.primary import least_contributors
from stadtdaten.privacy.tables.tabulate import Tabulated, tabulate

DISTRICTS, BRANCHES = "ABCD", "wxyz"
Contribution = tuple[str, str, float]


def numbers(minimum: int = 3) -> Table:
    """A table of counts of rows, those that ``sums`` adds up."""
    labels = [
        {"name": each, "source": each, "title": each, "type": "string", "class": "quasi_identifier"}
        for each in ("bezirk", "branche")
    ]
    dimensions = ["bezirk", "branche"]
    spec = {"dimensions": dimensions, "margins": dimensions, "counted": "zahl",
            "protection": {"kind": "suppression", "minimum": minimum}}  # fmt: skip
    return Table.model_validate(
        {"id": "betriebe", "title": "Betriebe", "resource": "personen", "reading": {"format": "rows"}, "key": [],
         "columns": labels, "frequency_table": spec}
    )  # fmt: skip


COUNTS, SUMS = numbers(), sums("bezirk", "branche", minimum=3)
SQUARE = set(itertools.product("AB", "wx"))
THREE_EACH = dict.fromkeys(SQUARE, 3.0)
AMOUNTS = dict.fromkeys(SQUARE, 300.0)


def attacked(count: pd.DataFrame, amount: pd.DataFrame, other: Table = SUMS) -> dict[str, Attack]:
    return attack({COUNTS.id: count, other.id: amount}, [COUNTS, other])


def test_counts_that_look_safe_and_whose_sums_are_shown_are_known() -> None:
    """Four hidden counts with totals of 6 could be 1 to 5; with all sums shown each is 3."""
    count = publish(COUNTS, THREE_EACH, hidden=SQUARE)
    alone = attacked(count, publish(SUMS, AMOUNTS, hidden=SQUARE))["betriebe"]
    beside = attacked(count, publish(SUMS, AMOUNTS, hidden=set()))["betriebe"]

    assert (alone.narrow, alone.known) == (0, 0)
    assert (beside.hidden, beside.known) == (4, 4)


def test_the_audit_finds_counts_that_shown_sums_give_away() -> None:
    published = {COUNTS.id: publish(COUNTS, THREE_EACH, SQUARE), SUMS.id: publish(SUMS, AMOUNTS, set())}
    found = list(judge_tables(published, [COUNTS, SUMS], []))

    assert [(each.rule, each.table, each.count) for each in found] == [("recoverable_cells", "betriebe", 4)]


def test_sums_of_other_rows_tell_nothing_of_counts() -> None:
    other = SUMS.model_copy(update={"resource": "anderes_register"})
    found = attacked(publish(COUNTS, THREE_EACH, SQUARE), publish(SUMS, AMOUNTS, set()), other)

    assert found["betriebe"].known == 0


def test_a_count_of_nobody_that_gives_sums_away_is_found() -> None:
    """What is hidden beside a sum is no cover for it where everybody knows from the counts that it is 0."""
    amount = publish(SUMS, {("A", "w"): 0, ("A", "x"): 300, ("B", "w"): 300, ("B", "x"): 0}, SQUARE)
    somebody = publish(COUNTS, dict.fromkeys(SQUARE, 9.0), set())
    nobody = publish(COUNTS, {("A", "x"): 9.0, ("B", "w"): 9.0}, set())

    assert attacked(somebody, amount)["umsatz"].known == 0
    assert attacked(nobody, amount)["umsatz"].known >= 2


def contributions(seed: int) -> list[Contribution]:
    """Firms in small numbers, whose amounts are alike, so that sums are hidden for their number only."""
    dice = np.random.default_rng(seed)
    cells = itertools.product(DISTRICTS, BRANCHES)
    many = dice.choice([0, 1, 2, 3, 4, 5, 9], size=16, p=[0.05, 0.07, 0.08, 0.4, 0.15, 0.15, 0.1])
    return [(*cell, float(dice.integers(80, 120))) for cell, n in zip(cells, many, strict=True) for _ in range(n)]


def tabulated(seed: int, tables: Sequence[Table]) -> dict[str, Tabulated]:
    frame = pd.DataFrame(contributions(seed), columns=["bezirk", "branche", "betrag"])
    frame = frame.astype({"bezirk": "str", "branche": "str", "betrag": "Float64"})
    return tabulate({each.id: frame for each in tables}, tables, Context(today=date(2026, 1, 15)))


def faults(found: dict[str, Tabulated], tables: Sequence[Table]) -> list[str]:
    """The rules that the audit finds broken."""
    published, widths = ({name: getattr(each, what) for name, each in found.items()} for what in ("frame", "widths"))
    return [each.rule for each in judge_tables(published, tables, [], widths)]


@pytest.mark.parametrize("minimum", [3, 5])
def test_tables_protected_apart_are_caught_and_protected_together_are_safe(minimum: int) -> None:
    tables = [numbers(minimum), SUMS]
    caught = 0
    for seed in range(4):
        apart = {name: each for table in tables for name, each in tabulated(seed, [table]).items()}
        caught += faults(apart, tables) == ["recoverable_cells"]
        assert faults(tabulated(seed, tables), tables) == []

    assert caught > 0


def ranges(found: dict[str, Tabulated]) -> list[float]:
    """How far apart the smallest and the largest whole number are that each hidden count can be, by the test's own
    attack."""
    number = found["betriebe"].frame.set_index(["bezirk", "branche"])["zahl"]
    amount = found["umsatz"].frame.set_index(["bezirk", "branche"])["betrag"]
    cells = list(number.index)
    lines = [(0, each) for each in (*DISTRICTS, TOTAL)] + [(1, each) for each in (*BRANCHES, TOTAL)]
    totals = np.array([[(c[axis] == e) * (-1 if c[1 - axis] == TOTAL else 1) for c in cells] for axis, e in lines])
    low = [3.0 if pd.notna(amount[cell]) and amount[cell] > 0 else 1.0 for cell in cells]
    bounds = scipy.optimize.Bounds(
        np.where(number.isna(), low, number.fillna(0)), np.where(number.isna(), 1000, number.fillna(0))
    )
    widths = []
    for place in np.flatnonzero(number.isna()):
        goal = np.eye(len(cells))[place]
        least, most = (
            scipy.optimize.milp(sign * goal, constraints=scipy.optimize.LinearConstraint(totals, 0, 0), bounds=bounds,
                                integrality=np.ones(len(cells))).fun * sign
            for sign in (1, -1)
        )  # fmt: skip
        widths.append(most - least)
    return widths


@pytest.mark.parametrize("minimum", [3, 5])
def test_no_hidden_count_is_computed_by_integer_programmes_that_know_the_shown_sums(minimum: int) -> None:
    widths = [width for seed in range(4) for width in ranges(tabulated(seed, [numbers(minimum), SUMS]))]

    assert min(widths) >= minimum - 1e-6


def test_the_order_of_the_tables_in_the_contract_does_not_matter() -> None:
    one, other = (tabulated(3, tables) for tables in ([COUNTS, SUMS], [SUMS, COUNTS]))

    for name, each in one.items():
        pd.testing.assert_frame_equal(each.frame, other[name].frame)


@pytest.mark.parametrize(
    ("rule", "least"),
    [
        ({"minimum": 5}, 5),
        ({"p_percent": 10}, 3),
        ({"p_percent": None, "dominance": {"n": 3, "k": 75}}, 4),
        ({"p_percent": None, "dominance": {"n": 1, "k": 20}}, 5),
    ],
)
def test_a_shown_sum_tells_what_its_strictest_rule_asks_for(rule: dict[str, Any], least: int) -> None:
    spec = sums("bezirk", **rule).tabulation

    assert isinstance(spec, MagnitudeTable)
    assert least_contributors(spec) == least
