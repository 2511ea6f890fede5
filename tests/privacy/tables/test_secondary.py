"""Cell suppression against an independent brute-force attacker with whole numbers."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from stadtdaten.privacy.tables.secondary import suppress_grid as suppress


def with_totals(counts):
    for axis in range(counts.ndim):
        counts = np.concatenate([counts, counts.sum(axis=axis, keepdims=True)], axis=axis)
    return counts


def whole_number_interval(counts, hidden, target):
    """Smallest and largest value of the target among whole-number tables, by an integer programme of its own."""
    index = np.arange(counts.size).reshape(counts.shape)
    relations = []
    for axis, length in enumerate(counts.shape):
        lines = np.moveaxis(index, axis, 0).reshape(length, -1).T
        for line in lines:
            row = np.zeros(counts.size)
            row[line[:-1]], row[line[-1]] = 1, -1
            relations.append(row)
    flat, secret = counts.ravel(), hidden.ravel()
    limits = Bounds(np.where(secret, 1, flat), np.where(secret, flat.max() + 50, flat))
    objective = np.zeros(counts.size)
    objective[target] = 1
    ends = []
    for direction in (1, -1):
        answer = milp(
            direction * objective,
            constraints=LinearConstraint(np.array(relations), 0, 0),
            bounds=limits,
            integrality=np.ones(counts.size),
        )
        assert answer.success
        ends.append(round(answer.x[target]))
    return ends


SHAPES = st.sampled_from([(3, 4), (4, 5), (2, 3, 3), (3, 3, 3), (2, 2, 2, 2)])
VALUES = st.sampled_from([0, 0, 1, 2, 3, 5, 8, 30, 400])


@st.composite
def tables(draw):
    shape = draw(SHAPES)
    size = int(np.prod(shape))
    return with_totals(np.array(draw(st.lists(VALUES, min_size=size, max_size=size)), dtype=np.int64).reshape(shape))


@given(tables(), st.integers(2, 5))
@settings(max_examples=25, deadline=None)
def test_no_hidden_cell_is_known_to_an_attacker_with_whole_numbers(counts, minimum):
    hidden = suppress(counts, minimum)
    assert (hidden >= ((counts > 0) & (counts < minimum))).all()
    assert not hidden[counts == 0].any()
    cells = np.flatnonzero(hidden.ravel())
    for target in cells[:: max(1, len(cells) // 8)]:
        low, high = whole_number_interval(counts, hidden, target)
        assert low <= counts.ravel()[target] <= high
        assert high - low >= 1
        assert high >= minimum


def test_a_table_without_small_cells_is_left_alone():
    assert not suppress(with_totals(np.array([[3, 40], [0, 9]])), 3).any()


def test_a_row_whose_only_people_are_few_hides_its_total_too():
    hidden = suppress(with_totals(np.array([[2, 0, 0], [50, 60, 70], [80, 90, 40]])), 3)
    assert hidden[0, 0] and hidden[0, 3]
    assert not hidden[0, 1] and not hidden[0, 2]


def test_a_table_of_two_people_keeps_only_its_zeros():
    counts = with_totals(np.array([[1, 0], [0, 1]]))
    assert (suppress(counts, 3) == (counts > 0)).all()


def test_superfluous_cells_are_published_again():
    counts = with_totals(np.array([[1, 30, 40], [50, 60, 70], [80, 90, 40]]))
    assert suppress(counts, 3).sum() == 4  # the rectangle, the least that can protect a cell of two dimensions


@pytest.mark.parametrize("axes", list(itertools.permutations(range(3))))
def test_small_cells_are_protected_however_the_axes_lie(axes):
    counts = np.arange(1, 28).reshape(3, 3, 3).transpose(axes)
    hidden = suppress(with_totals(counts), 3)
    assert hidden.sum() >= 8
