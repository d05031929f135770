"""Neighbours against a brute-force sum over images."""

import itertools

import numpy as np
import pytest

from porevox.crystal.neighbours import PeriodicPoints, any_close
from porevox.crystal.structure import lattice_from_parameters

CELLS = [
    ((8.0, 9.0, 10.0), (90.0, 90.0, 90.0)),
    ((6.0, 6.0, 6.0), (41.8, 41.8, 41.8)),
    ((7.0, 8.0, 5.0), (95.0, 110.0, 65.0)),
    ((2.0, 3.0, 2.5), (90.0, 100.0, 90.0)),
]


def brute_force(frac, lattice_A, reach=4):
    """Nearest distance to any other point or own image, (N,), and its index."""
    shifts = np.array(list(itertools.product(range(-reach, reach + 1), repeat=3)), dtype=float)
    vectors = (frac[None, :, None] - frac[:, None, None] + shifts) @ lattice_A
    distance_A = np.linalg.norm(vectors, axis=-1)
    home = int(np.flatnonzero((shifts == 0).all(axis=1))[0])
    distance_A[np.arange(len(frac)), np.arange(len(frac)), home] = np.inf
    return distance_A.min(axis=(1, 2)), distance_A.min(axis=2)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("radius_A", [0.5, 1.5, 3.1])
def test_nearest_agrees_with_all_images(cell, radius_A):
    rng = np.random.default_rng(7)
    frac = rng.random((12, 3))
    frac[0] = [0.0, 0.0, 0.0]
    frac[1] = [1.0 - 1e-9, 0.0, 1.0 - 1e-9]
    lattice_A = lattice_from_parameters(*cell)
    expected, pairs = brute_force(frac, lattice_A)
    points = PeriodicPoints(frac, lattice_A, radius_A)
    distance_A, neighbour = points.nearest()
    within = expected < radius_A
    np.testing.assert_allclose(distance_A[within], expected[within], atol=1e-12)
    assert np.isinf(distance_A[~within]).all()
    assert (neighbour[~within] == -1).all()
    assert points.any_close() == within.any()
    for i in range(len(frac)):
        found = set(points.around(i, radius_A)[0].tolist())
        assert found == set(np.flatnonzero(pairs[i] < radius_A).tolist()) - {i}


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("radius_A", [0.5, 1.5, 3.1])
def test_whether_any_are_close_agrees_with_all_images(cell, radius_A):
    rng = np.random.default_rng(11)
    lattice_A = lattice_from_parameters(*cell)
    outcomes = set()
    for n in [1, 2, 3, 4, 5, 7, 9, 12, 15, 18, 21, 24]:
        frac = rng.random((n, 3))
        # Pairs on faces, and in one plane across the longest axis.
        frac[: n // 3, rng.integers(3)] = rng.choice([0.0, 0.5, 1.0 - 1e-12])
        expected = bool((brute_force(frac, lattice_A, reach=3)[0] <= radius_A).any())
        assert any_close(frac, lattice_A, radius_A) == expected
        outcomes.add(expected)
    # The smallest cell is thinner than the larger radii: every point is near its own image.
    assert True in outcomes
    assert False in outcomes or lattice_A.max() < 3.2


def test_thousands_of_points_are_handed_to_the_tree():
    # A simple cubic lattice of 0.6 A, then one point moved to 0.4 A from its neighbour.
    n = 17
    frac = np.stack(np.meshgrid(*[np.arange(n)] * 3), -1).reshape(-1, 3) / n
    lattice_A = 0.6 * n * np.eye(3)
    assert not any_close(frac, lattice_A, 0.5)
    frac[1, 2] += 0.2 / (0.6 * n)
    assert any_close(frac, lattice_A, 0.5)


def test_closest_pair_crosses_the_cell_face():
    frac = np.array([[0.01, 0.5, 0.5], [0.5, 0.5, 0.5], [0.99, 0.5, 0.5]])
    points = PeriodicPoints(frac, 10.0 * np.eye(3), 0.5)
    i, j, distance_A = points.closest()
    assert {i, j} == {0, 2}
    assert distance_A == pytest.approx(0.2)


def test_a_point_close_to_its_own_image():
    points = PeriodicPoints(np.array([[0.2, 0.3, 0.4]]), np.diag([2.0, 9.0, 9.0]), 2.5)
    assert points.any_close()
    assert points.closest() == (0, 0, pytest.approx(2.0))


def test_thousands_of_atoms_in_one_place_are_found_at_once():
    frac = np.full((50_000, 3), 0.25)
    points = PeriodicPoints(frac, 50.0 * np.eye(3), 0.5)
    assert points.any_close()
    assert points.closest() == (0, 1, 0.0)
