"""Which wave vectors are summed, with which weights."""

import itertools

import numpy as np
import pytest

from porevox.crystal.structure import lattice_from_parameters
from porevox.energy import ewald_reciprocal
from porevox.energy.ewald_reciprocal import ReciprocalSum, largest_indices
from porevox.energy.grid import GridSpec, distinct_points

CELLS = [((5.0, 6.0, 7.0), (90, 90, 90)), ((5.9, 6.8, 7.7), (45, 60, 62)), ((6.1, 6.3, 6.7), (60, 60, 118))]
ALPHA, LONGEST = 0.8, 4.0


def vectors(lattice, longest):
    """All wave vectors but zero up to a length, from a search far beyond it."""
    reach = range(-12, 13)
    hkl = np.array([v for v in itertools.product(reach, repeat=3) if any(v)])
    waves = 2.0 * np.pi * hkl @ np.linalg.inv(lattice).T
    near = np.linalg.norm(waves, axis=1) <= longest
    return hkl[near], waves[near]


@pytest.mark.parametrize("cell", CELLS)
def test_largest_indices(cell):
    lattice = lattice_from_parameters(*cell)
    hkl, _ = vectors(lattice, LONGEST)
    limits = largest_indices(lattice, LONGEST)
    assert (np.abs(hkl).max(axis=0) <= limits).all() and (limits < 12).all()
    assert (limits <= np.abs(hkl).max(axis=0) + 2).all()


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("grid", [GridSpec("unit_cell", 4), GridSpec("cubic_box", 5, True, 8.0)])
def test_every_wave_vector_counts_once(cell, grid):
    lattice = lattice_from_parameters(*cell)
    rng = np.random.default_rng(3)
    frac, charges = rng.uniform(size=(5, 3)), rng.normal(size=5)
    points = distinct_points(grid, lattice, 10.0)
    shift = np.array([0.3, -0.2, 1.7])
    values = ReciprocalSum(frac, charges, lattice, points, ALPHA, LONGEST).at(
        shift, np.ones(points.counts[:2], dtype=bool)
    )
    assert values.shape == points.counts
    _, waves = vectors(lattice, LONGEST)
    squares = (waves**2).sum(axis=1)
    weights = 4.0 * np.pi * np.exp(-squares / (4.0 * ALPHA**2)) / squares / abs(np.linalg.det(lattice))
    for index in rng.integers(4, size=(10, 3)):
        place = points.origin_A + index @ points.steps_A + shift
        phases = np.cos(waves @ (place - frac @ lattice).T)
        assert values[tuple(index)] == pytest.approx(weights @ phases @ charges, abs=1e-11)


def test_no_wave_vector_but_zero():
    lattice = 4.0 * np.eye(3)
    points = distinct_points(GridSpec("unit_cell", 3), lattice, 10.0)
    sums = ReciprocalSum(np.zeros((1, 3)), np.ones(1), lattice, points, 0.1, 1.0)
    np.testing.assert_array_equal(sums.at(np.zeros(3), np.ones((3, 3), dtype=bool)), np.zeros((3, 3, 3)))


def test_only_a_box_needs_a_triangular_lattice():
    turned = lattice_from_parameters(*CELLS[1])[:, [1, 2, 0]]
    atom = np.zeros((1, 3)), np.ones(1)
    box, cell = (distinct_points(GridSpec(kind, 3), turned, 10.0) for kind in ("cubic_box", "unit_cell"))
    with pytest.raises(ValueError, match="c must lie along z"):
        ReciprocalSum(*atom, turned, box, ALPHA, LONGEST)
    ReciprocalSum(*atom, turned, cell, ALPHA, LONGEST)


def test_memory_grows_with_wave_vectors_and_points():
    points, more = (distinct_points(GridSpec("unit_cell", n), np.eye(3), 10.0) for n in (10, 100))
    small, large = (ewald_reciprocal.memory_bytes(20.0 * np.eye(3), points, k) for k in (4.0, 8.0))
    assert 4.0 * small < large < 9.0 * small
    assert ewald_reciprocal.memory_bytes(20.0 * np.eye(3), more, 4.0) > small + 7 * 10**6
