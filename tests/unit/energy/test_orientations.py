"""Sets of orientations: known arrangements, and moments that any even set must have."""

import numpy as np
import pytest

from porevox.energy import orientations
from porevox.energy.orientations import axes, directions, rotations

SIZES = (5, 13, 24, 32, 48, 97)


def smallest_angle(vectors, opposite):
    cosines = vectors @ vectors.T
    cosines = np.abs(cosines) if opposite else cosines
    return np.degrees(np.arccos(np.clip(cosines - 3.0 * np.eye(len(vectors)), -1.0, 1.0).max()))


@pytest.mark.parametrize("n", SIZES)
def test_vectors_have_unit_length(n):
    for vectors in (directions(n), axes(n)):
        assert vectors.shape == (n, 3)
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0, rtol=0, atol=1e-14)


def test_few_directions_form_the_solutions_of_thomsons_problem():
    # opposite; a tetrahedron; an octahedron; an icosahedron
    angles = {2: 180.0, 4: np.degrees(np.arccos(-1 / 3)), 6: 90.0, 12: np.degrees(np.arctan(2.0))}
    for n, angle in angles.items():
        assert abs(smallest_angle(directions(n), False) - angle) < 1e-3, n
    # the axes of an octahedron, of an icosahedron, and of an icosahedron and a dodecahedron
    for n, angle in {3: 90.0, 6: np.degrees(np.arctan(2.0)), 16: 37.3774}.items():
        assert abs(smallest_angle(axes(n), True) - angle) < 1e-2, n


@pytest.mark.parametrize("n", SIZES)
def test_directions_average_to_the_sphere(n):
    points = directions(n)
    assert np.abs(points.mean(axis=0)).max() < 2e-3
    if n >= 12:
        assert np.abs(points.T @ points / n - np.eye(3) / 3).max() < 0.1 / n


@pytest.mark.parametrize("n", [n for n in SIZES if n >= 6])
def test_axes_average_to_the_sphere(n):
    points = axes(n)
    assert np.abs(points.T @ points / n - np.eye(3) / 3).max() < 0.1 / n
    # <x^4> = 1/5, <x^2 y^2> = 1/15
    fourth = (points**4).mean(axis=0), (points**2 * points[:, [1, 2, 0]] ** 2).mean(axis=0)
    limit = 0.3 / n
    assert np.abs(fourth[0] - 1 / 5).max() < limit
    assert np.abs(fourth[1] - 1 / 15).max() < limit


@pytest.mark.parametrize("n", SIZES)
def test_no_two_axes_are_neighbours(n):
    # Caps of half the smallest angle around 2n points, packed at most as tightly as discs can be
    # (0.9069), and no worse than two thirds of that.
    angle = np.radians(smallest_angle(axes(n), True))
    covered = n * (1.0 - np.cos(angle / 2.0))
    assert 0.6 < covered < 0.9069


@pytest.mark.parametrize("n", SIZES)
def test_rotations_are_rotations(n):
    matrices = rotations(n)
    assert matrices.shape == (n, 3, 3)
    assert np.allclose(matrices @ matrices.transpose(0, 2, 1), np.eye(3), rtol=0, atol=1e-13)
    assert np.allclose(np.linalg.det(matrices), 1.0, rtol=0, atol=1e-13)


@pytest.mark.parametrize("n", [24, 48, 97, 600])
def test_rotations_average_to_all_of_them(n):
    """Uniformly distributed: <R_ij> = 0 and <R_ij R_kl> = delta_ik delta_jl / 3."""
    matrices = rotations(n)
    assert np.abs(matrices.mean(axis=0)).max() < 0.01
    second = np.einsum("nij,nkl->ijkl", matrices, matrices) / n
    assert np.abs(second - np.einsum("ik,jl->ijkl", np.eye(3), np.eye(3)) / 3).max() < 0.01


def test_rotations_are_apart():
    matrices = rotations(48)
    cosine = (np.einsum("aij,bij->ab", matrices, matrices) - 1.0) / 2.0
    angle = np.degrees(np.arccos((cosine - 3.0 * np.eye(48)).max()))
    # Random ones come within a few degrees of each other; 48 rotations of a cube's group and its
    # translate by 45 degrees lie 62.8 apart at best.
    assert 50.0 < angle < 75.0


def test_evening_out_improves_every_set(monkeypatch):
    def error(function, n):
        function.cache_clear()
        vectors = function(n).reshape(n, -1)
        return np.abs(vectors.T @ vectors / n - np.eye(vectors.shape[1]) / 3.0).max()

    for function in (directions, axes, rotations):
        after = error(function, 32)
        monkeypatch.setattr(orientations, "MAX_RELAXED", 0)
        before = error(function, 32)
        monkeypatch.undo()
        function.cache_clear()
        assert after < before / 3


@pytest.mark.parametrize("function", [directions, axes, rotations])
def test_sets_are_reproducible_and_read_only(function):
    first = function(20).copy()
    function.cache_clear()
    assert np.array_equal(function(20), first)
    with pytest.raises(ValueError):
        function(20)[0] = 0.0


@pytest.mark.parametrize("function", [directions, axes, rotations])
def test_large_sets_are_quick_and_even(function):
    vectors = function(5000).reshape(5000, -1)
    identity = np.eye(vectors.shape[1]) / 3.0
    assert np.abs(vectors.T @ vectors / 5000 - identity).max() < 1e-3


@pytest.mark.parametrize("function", [directions, axes, rotations])
def test_a_set_of_one(function):
    assert len(function(1)) == 1
    assert np.isfinite(function(1)).all()
