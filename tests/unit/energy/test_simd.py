"""Filtering eight numbers at a time, against boolean indexing."""

import numba
import numpy as np
import pytest

from porevox.energy import simd


@numba.njit
def filtered(values, keys, limit, target):
    n = 0
    for start in range(0, len(values), simd.LANES):
        mask = simd.at_most(keys, start, limit)
        simd.compress(values, start, mask, target, n)
        n += simd.count(mask)
    return n


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_what_passes_is_kept_in_order(share):
    rng = np.random.default_rng(0)
    values, keys = rng.normal(size=400), rng.random(400)
    target = np.full(400 + simd.LANES, np.nan)
    n = filtered(values, keys, share, target)
    assert np.array_equal(target[:n], values[keys <= share])


def test_all_256_patterns_of_eight():
    values = np.arange(8.0)
    for pattern in range(256):
        keys = np.array([0.0 if pattern >> k & 1 else 2.0 for k in range(8)])
        target = np.full(16, np.nan)
        n = filtered(values, keys, 1.0, target)
        assert target[:n].tolist() == [k for k in range(8) if pattern >> k & 1]


def test_the_limit_itself_passes_and_what_is_no_number_does_not():
    keys = np.array([1.0, np.nextafter(1.0, 2.0), np.nan, np.inf, -np.inf, 0.5, 1.5, 1.0])
    target = np.empty(16)
    n = filtered(np.arange(8.0), keys, 1.0, target)
    assert target[:n].tolist() == [0.0, 4.0, 5.0, 7.0]
