"""Screened charges on points that are periodic, and on points that are not."""

import itertools

import numpy as np
import pytest
from scipy.special import erfc

from porevox.crystal.structure import lattice_from_parameters
from porevox.energy import ewald_real
from porevox.energy.ewald_real import RealSpaceSum
from porevox.energy.grid import GridSpec, distinct_points

CELLS = {
    "cubic": ((5.0, 5.0, 5.0), (90, 90, 90)),
    "skewed": ((5.9, 6.8, 7.7), (45, 60, 62)),
    "flat": ((6.1, 6.3, 6.7), (60, 60, 118)),
    "thin": ((2.1, 9.7, 3.3), (90, 94, 90)),
}
CUTOFF, ALPHA = 4.3, 0.9


def written_out(frac, charges, lattice, place):
    reach = range(-9, 10)
    cells = np.array(list(itertools.product(reach, reach, reach))) @ lattice
    r = np.linalg.norm(frac @ lattice + cells[:, None] - place, axis=2)
    return np.sum(np.where(r <= CUTOFF, charges * erfc(ALPHA * r) / r, 0.0))


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("grid", [GridSpec("unit_cell", 5), GridSpec("cubic_box", 5, True, 8.0)])
def test_every_image_counts_once(name, grid):
    lattice = lattice_from_parameters(*CELLS[name])
    rng = np.random.default_rng(1)
    frac, charges = rng.uniform(size=(6, 3)), rng.normal(size=6)
    frac[0], frac[1, 1] = 0.0, np.nextafter(1.0, 0.0)
    points = distinct_points(grid, lattice, 10.0)
    sums = RealSpaceSum(frac, charges, lattice, points, ALPHA, CUTOFF)
    for shift in (np.full(3, 0.1), np.array([1.7, -2.9, 0.4])):
        values = sums.at(shift, np.ones(points.counts[:2], dtype=bool))
        assert values.shape == points.counts
        for index in rng.integers(5, size=(12, 3)):
            place = points.origin_A + index @ points.steps_A + shift
            expected = written_out(frac, charges, lattice, place)
            assert values[tuple(index)] == pytest.approx(expected, abs=1e-9)


def test_a_cutoff_of_many_cells():
    lattice = 1.1 * np.eye(3)
    points = distinct_points(GridSpec("unit_cell", 2), lattice, 10.0)
    frac, charges = np.array([[0.1, 0.2, 0.3]]), np.ones(1)
    values = RealSpaceSum(frac, charges, lattice, points, ALPHA, CUTOFF).at(
        np.zeros(3), np.ones(points.counts[:2], dtype=bool)
    )
    assert values[0, 1, 0] == pytest.approx(written_out(frac, charges, lattice, [0, 0.55, 0]), abs=1e-8)


def test_memory_grows_with_points_and_images_not_their_product():
    lattice = 20.0 * np.eye(3)

    def bytes_(n, n_atoms, kind="unit_cell"):
        points = distinct_points(GridSpec(kind, n), lattice, 10.0)
        return ewald_real.memory_bytes(n_atoms, lattice, points, 5.0)

    assert bytes_(100, 1) > 2 * 8 * 100**3
    assert bytes_(100, 10_000) < bytes_(100, 1) + 100 * 10_000
    assert bytes_(10, 1000, "cubic_box") > bytes_(10, 1000)
