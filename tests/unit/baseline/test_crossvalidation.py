"""Folds, standardisation and subsamples of a training subset."""

import numpy as np
import pytest

from porevox.baseline.crossvalidation import FOLDS, inner_folds, standardisation, subsample


@pytest.mark.parametrize(("n", "folds"), [(2, 2), (4, 4), (5, FOLDS), (103, FOLDS)])
def test_every_structure_is_left_out_once(n, folds):
    found = list(inner_folds(n, seed=0).split(np.zeros((n, 1))))
    assert len(found) == folds
    assert sorted(np.concatenate([test for _, test in found])) == list(range(n))
    assert all(not set(train) & set(test) and len(train) >= 1 for train, test in found)


def test_a_seed_fixes_the_folds():
    one, same, other = (
        [tuple(test) for _, test in inner_folds(50, seed).split(np.zeros((50, 1)))] for seed in (1, 1, 2)
    )
    assert one == same != other


def test_columns_that_do_not_vary_are_left_in_place():
    x = np.column_stack([np.arange(10.0), np.full(10, 0.1), np.zeros(10), np.full(10, 1e6)])
    mean, scale = standardisation(x)
    np.testing.assert_allclose(mean, [4.5, 0.1, 0.0, 1e6])
    np.testing.assert_allclose(scale, [np.std(np.arange(10.0)), 1, 1, 1])


def test_subsamples_are_drawn_only_where_they_must_be():
    assert list(subsample(5, 5, seed=0)) == [0, 1, 2, 3, 4]
    drawn = subsample(1000, 30, seed=0)
    assert len(set(drawn)) == 30 and list(drawn) == sorted(drawn) and drawn.max() < 1000
    assert list(drawn) == list(subsample(1000, 30, seed=0)) != list(subsample(1000, 30, seed=1))
