"""The three loops over a list of images, against the pair potential written out."""

import numpy as np
import pytest

from porevox.energy import line_kernel

A, B = 4.0 * 40.0 * 3.0**12, 4.0 * 40.0 * 3.0**6
STEP = np.array([0.9, 0.1, -0.2])
ACROSS = np.array([0.3, 1.1, 0.2])


def leaf_of(atoms):
    """What a leaf holds of each image: r^2 at point 0, and how it grows along and across lines."""
    rows = [(atoms**2).sum(axis=1), -2.0 * atoms @ STEP, -2.0 * atoms @ ACROSS]
    return np.array([*rows, np.full(len(atoms), A), np.full(len(atoms), B)])


def line(t):
    return t * t * ACROSS @ ACROSS, 2.0 * t * ACROSS @ STEP + STEP @ STEP, 2.0 * STEP @ STEP


def expected(atoms, t, k, cutoff):
    r2 = ((t * ACROSS + k * STEP - atoms) ** 2).sum(axis=1)
    near = r2 <= cutoff**2
    return (A / r2[near] ** 6 - B / r2[near] ** 3).sum()


@pytest.mark.parametrize("t", [0, 1, 4])
def test_four_and_five_points_of_one_and_two_lines(t):
    atoms = np.random.default_rng(t).uniform(-9, 12, (64, 3))
    leaf, sums = leaf_of(atoms), np.empty(10)
    line_kernel.four(leaf, 64, t, line(t), 49.0, None, sums)
    assert sums[:4] == pytest.approx([expected(atoms, t, k, 7.0) for k in range(4)], rel=1e-11)
    line_kernel.five(leaf, 64, t, line(t), 49.0, None, sums)
    assert sums[:5] == pytest.approx([expected(atoms, t, k, 7.0) for k in range(5)], rel=1e-11)
    line_kernel.five_and_five(leaf, 64, t, line(t), line(t + 1), 49.0, None, sums)
    pair = [expected(atoms, u, k, 7.0) for u in (t, t + 1) for k in range(5)]
    assert sums == pytest.approx(pair, rel=1e-11)


def test_only_the_images_asked_for_count():
    atoms = np.random.default_rng(1).uniform(-9, 12, (64, 3))
    sums = np.empty(10)
    line_kernel.five(leaf_of(atoms), 24, 0, line(0), 49.0, None, sums)
    assert sums[:5] == pytest.approx([expected(atoms[:24], 0, k, 7.0) for k in range(5)], rel=1e-11)


def test_the_exact_sum_is_infinite_on_top_of_an_atom_even_after_rounding():
    near = np.zeros((5, 8))
    near[:3] = 50.0
    near[:3, 3] = 1.0
    near[3], near[4] = A, B
    for error in (0.0, 1e-16, 1e-13):
        assert line_kernel.sum_exactly(near, 8, 1.0 + error, 1.0, 1.0, 100.0, None) == np.inf
    r = (1.0 + 1e-9) - 1.0
    got = line_kernel.sum_exactly(near, 8, 1.0 + 1e-9, 1.0, 1.0, 100.0, None)
    assert got == pytest.approx(A / r**12, rel=1e-9)
