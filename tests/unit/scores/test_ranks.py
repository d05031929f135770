"""Ranks from counts against scipy's ranks of the rows written out."""

import numpy as np
import pytest
from scipy.stats import rankdata

from porevox.scores.ranks import doubled_ranks, rank_products, tie_groups

VALUES = {
    "all different": np.array([0.3, -1.0, 2.5, 0.1, 9.0, 1.0]),
    "ties": np.array([2.0, 1.0, 2.0, 2.0, 0.0, 1.0]),
    "constant": np.zeros(6),
}
COUNTS = np.array([[1, 1, 1, 1, 1, 1], [0, 3, 1, 0, 2, 0], [6, 0, 0, 0, 0, 0]], dtype=np.int32)


def test_tie_groups_sort_and_mark_the_last_of_equals():
    order, last = tie_groups(VALUES["ties"])
    assert VALUES["ties"][order].tolist() == [0, 1, 1, 2, 2, 2]
    assert last.tolist() == [True, False, True, False, False, True]


@pytest.mark.parametrize("name", VALUES)
def test_ranks_are_scipys_average_ranks_of_the_expanded_resample(name):
    values = VALUES[name]
    ranks, cubes = doubled_ranks(COUNTS, *tie_groups(values))
    for resample, counts in enumerate(COUNTS):
        expanded = np.repeat(values, counts)
        expected = 2 * rankdata(expanded)
        np.testing.assert_array_equal(np.repeat(ranks[resample], counts), expected)
        ties = np.unique(expanded, return_counts=True)[1]
        assert cubes[resample] == (ties.astype(float) ** 3).sum()


@pytest.mark.parametrize("name", VALUES)
def test_products_sum_over_the_expanded_resample(name):
    weights = np.array([[5, 1, 4, 2, 3, 7]] * 3, dtype=np.int32)
    products, cubes = rank_products(COUNTS, COUNTS * weights, *tie_groups(VALUES[name]))
    ranks, expected_cubes = doubled_ranks(COUNTS, *tie_groups(VALUES[name]))
    np.testing.assert_array_equal(products, (COUNTS * weights * ranks).sum(axis=1))
    np.testing.assert_array_equal(cubes, expected_cubes)
