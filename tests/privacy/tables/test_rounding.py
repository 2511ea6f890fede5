"""Rounded counts: the rule of school statistics, and no more to be told of a count than its interval."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stadtdaten.contracts.protection import RoundedCounts
from stadtdaten.privacy.tables.rounding import round_counts


def test_counts_are_rounded_to_five_and_up_to_two_to_nothing():
    counts = np.arange(14)
    spec = RoundedCounts(kind="rounding")
    assert round_counts(counts, spec).tolist() == [0, 0, 0, 5, 5, 5, 5, 5, 10, 10, 10, 10, 10, 15]


@pytest.mark.parametrize(("count", "shown"), [(4, 0), (5, 0), (6, 10), (15, 20), (25, 20), (35, 40)])
def test_the_middle_of_two_multiples_goes_to_the_even_one(count, shown):
    spec = RoundedCounts(kind="rounding", base=10, to_zero=3)
    assert round_counts(np.array([count]), spec).tolist() == [shown]


def test_up_to_the_declared_count_all_becomes_nothing_even_where_a_multiple_is_nearer():
    assert round_counts(np.array([3, 4, 5]), RoundedCounts(kind="rounding", to_zero=4)).tolist() == [0, 0, 5]


@given(st.lists(st.integers(0, 10**12), min_size=1), st.integers(3, 100))
def test_every_count_is_a_multiple_at_most_half_a_base_away(counts, base):
    values = np.array(counts)
    shown = round_counts(values, RoundedCounts(kind="rounding", base=base, to_zero=0))
    assert (shown % base == 0).all()
    assert (2 * np.abs(shown - values) <= base).all()


def test_the_shape_of_a_table_stays():
    assert round_counts(np.full((2, 3, 4), 7), RoundedCounts(kind="rounding")).shape == (2, 3, 4)
