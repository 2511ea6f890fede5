"""Cell suppression against attackers of their own: linear and integer programmes of scipy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from privacy.tables.tables_of_cells import flat, leaves, shared, small, tables_of_cells, tree
from stadtdaten.privacy.tables.cells import Cells
from stadtdaten.privacy.tables.secondary import NotProtectable, suppress

OPTIMA = {5: 5, 6: 10, 10: 6, 11: 11, 14: 15, 27: 9, 36: 8, 44: 13}
"""Fewest secondary cells of ``small(seed)``, by the integer programme of ``bench/exact_suppression.py``."""


def interval(cells, hidden, target, *, whole=False):
    """Smallest and largest value of the target that fit what is published."""
    limits = Bounds(np.where(hidden, cells.lower, cells.values), np.where(hidden, np.inf, cells.values))
    objective = np.zeros(len(hidden))
    objective[target] = 1
    ends = []
    for direction in (1, -1):
        answer = milp(
            direction * objective,
            constraints=LinearConstraint(cells.relations, 0, 0),
            bounds=limits,
            integrality=np.full(len(hidden), int(whole)),
        )
        if answer.status == 3:  # unbounded
            ends.append(-direction * np.inf)
        else:
            assert answer.success
            ends.append(answer.x[target])
    return ends


def assert_protected(cells, hidden):
    assert hidden[cells.primary].all()
    assert not hidden[cells.known | (cells.values < cells.lower)].any()
    for target in np.flatnonzero(hidden):
        low, high = interval(cells, hidden, target)
        assert high - low >= cells.width[target] * (1 - 1e-6) - 1e-6


VALUES = st.sampled_from([0, 0, 1, 2, 3, 5, 8, 30, 400])
SHAPES = st.sampled_from(
    [
        ([flat(3), flat(4)], [(0, 1)]),
        ([tree(2, 2), flat(3)], [(0, 1)]),
        ([flat(2), flat(3), flat(3)], [(0, 1, 2)]),
        ([tree(2, 2), flat(2), flat(3)], [(0, 1), (0, 2), (1, 2)]),
        ([flat(2), flat(2), flat(2), flat(2)], [(0, 1, 2), (1, 2, 3)]),
    ]
)


@st.composite
def systems(draw):
    dimensions, tables = draw(SHAPES)
    shape = [len(leaves(dimension)) for dimension in dimensions]
    size = int(np.prod(shape))
    counts = np.array(draw(st.lists(VALUES, min_size=size, max_size=size)), dtype=np.int64).reshape(shape)
    return tables_of_cells(counts, dimensions, tables, draw(st.integers(2, 5)))


@given(systems())
@settings(max_examples=10, deadline=None)
def test_no_hidden_cell_of_linked_and_hierarchical_tables_comes_closer_than_its_width(cells):
    assert_protected(cells, suppress(cells))


@given(systems())
@settings(max_examples=6, deadline=None)
def test_no_hidden_cell_is_known_to_an_attacker_with_whole_numbers(cells):
    hidden = suppress(cells)
    targets = np.flatnonzero(hidden)
    for target in targets[:: max(1, len(targets) // 6)]:
        low, high = interval(cells, hidden, target, whole=True)
        assert low <= cells.values[target] <= high
        assert high - low >= 1


@given(systems(), st.data())
@settings(max_examples=10, deadline=None)
def test_cells_that_are_known_already_are_never_relied_on(cells, data):
    known = data.draw(st.lists(st.integers(0, len(cells.values) - 1), max_size=4, unique=True))
    cells = shared(cells, known)
    everything = ~cells.known & (cells.values >= cells.lower)
    try:
        hidden = suppress(cells)
    except NotProtectable as problem:
        widths = [interval(cells, everything, target) for target in np.flatnonzero(cells.primary)]
        assert problem.count == sum(high - low < cells.width[0] - 1e-6 for low, high in widths) > 0
    else:
        assert_protected(cells, hidden)


@given(st.integers(0, 1000))
@settings(max_examples=6, deadline=None)
def test_sums_of_money_keep_the_width_that_each_of_them_needs(seed):
    dice = np.random.default_rng(seed)
    counts = tables_of_cells(dice.integers(1, 9, (3, 4)), [flat(3), flat(4)], [(0, 1)])
    amounts = tables_of_cells((dice.lognormal(9, 2, (3, 4)) * 100).astype(int), [flat(3), flat(4)], [(0, 1)])
    values = amounts.values / 100
    cells = replace(counts, values=values, lower=np.zeros(len(values)), width=0.1 * values)
    assert_protected(cells, suppress(cells))


def test_few_more_cells_than_the_exact_optimum_are_held_back():
    excess = []
    for seed, optimum in OPTIMA.items():
        cells = small(seed)
        excess.append((suppress(cells) & ~cells.primary).sum() / optimum - 1)
    assert min(excess) >= 0  # fewer would be no protection
    assert np.mean(excess) <= 0.1
    assert max(excess) <= 0.2


def grid(rows):
    counts = np.array(rows)
    return tables_of_cells(counts, [flat(length) for length in counts.shape], [tuple(range(counts.ndim))])


def test_a_table_without_small_cells_is_left_alone():
    assert not suppress(grid([[3, 40], [0, 9]])).any()


def test_a_single_small_cell_hides_a_rectangle_and_no_more():
    cells = grid([[1, 30, 40], [50, 60, 70], [80, 90, 40]])
    assert suppress(cells).sum() == 4


def test_a_row_whose_only_people_are_few_hides_its_total_too():
    cells = grid([[2, 0, 0], [50, 60, 70], [80, 90, 40]])
    assert suppress(cells)[cells.values == 2].all()


def test_a_table_of_two_people_keeps_only_its_zeros():
    cells = grid([[1, 0], [0, 1]])
    assert (suppress(cells) == (cells.values > 0)).all()


def test_a_total_that_links_three_tables_does_not_betray_a_cell():
    # Each table alone is safe with one pair of cells; their common margin would give one of them away.
    cells = tables_of_cells(
        np.array([[[2, 30], [40, 50]], [[60, 70], [80, 90]]]), [flat(2)] * 3, [(0, 1), (0, 2), (1, 2)], minimum=35
    )
    assert_protected(cells, suppress(cells))


def test_tables_that_share_no_cell_are_protected_each_for_itself():
    one, two = grid([[1, 30, 40], [50, 60, 70], [80, 90, 40]]), grid([[9, 30], [50, 60]])
    both = Cells(
        relations=scipy.sparse.csr_array(scipy.sparse.block_diag([one.relations, two.relations])),
        **{
            name: np.concatenate([getattr(one, name), getattr(two, name)])
            for name in ("values", "lower", "primary", "width", "known")
        },
    )
    assert (suppress(both) == np.concatenate([suppress(one), suppress(two)])).all()


def test_a_small_cell_whose_whole_row_is_known_is_not_protectable():
    cells = grid([[1, 30], [50, 60]])
    row = [cell for cell, value in enumerate(cells.values) if value in (30, 31)]
    with pytest.raises(NotProtectable) as caught:
        suppress(shared(cells, row))
    assert caught.value.count == 1


def test_a_known_cell_that_must_be_held_back_is_not_protectable():
    cells = grid([[1, 30], [50, 60]])
    with pytest.raises(NotProtectable) as caught:
        suppress(replace(cells, known=cells.primary))
    assert caught.value.count == 1


def test_the_same_cells_give_the_same_pattern():
    cells = small(7)
    assert (suppress(cells) == suppress(cells)).all()
