"""How an Ewald sum is split: the effort on both sides, and the accuracy."""

import numpy as np
import pytest

from porevox.energy.ewald_real_kernel import LARGEST_SQUARE
from porevox.energy.ewald_splitting import split
from porevox.energy.grid import GridSpec, distinct_points


def chosen(n_atoms=300, edge=20.0, n=25, accuracy=1e-5, evaluations=1, charge=0.4):
    lattice = edge * np.eye(3)
    points = distinct_points(GridSpec("unit_cell", n), lattice, 10.0)
    charges = np.tile([charge, -charge], n_atoms // 2)
    return split(charges, lattice, points, accuracy, evaluations)


def test_both_parts_are_cut_off_at_the_same_error():
    found = chosen()
    s = found.alpha * found.cutoff_A
    assert found.k_cutoff / (2.0 * found.alpha) == pytest.approx(s)
    assert 2.5 < s < 4.0


def test_more_points_or_evaluations_shorten_the_cutoff():
    cutoffs = [chosen(n=n).cutoff_A for n in (5, 25, 100)]
    assert cutoffs == sorted(cutoffs, reverse=True) and cutoffs[0] > 1.5 * cutoffs[-1]
    assert chosen(evaluations=1000).cutoff_A < chosen(evaluations=1).cutoff_A


def test_larger_cells_of_the_same_density_need_longer_cutoffs():
    # In proportion to the edge, which keeps the effort proportional to the atoms.
    small, large = chosen(n_atoms=300, edge=20.0), chosen(n_atoms=8 * 300, edge=40.0)
    assert 1.3 < large.cutoff_A / small.cutoff_A < 2.2


def test_more_accurate_means_further():
    products = [(s.alpha * s.cutoff_A) for s in (chosen(accuracy=a) for a in (1e-2, 1e-4, 1e-6))]
    assert products == sorted(products) and products[0] < products[-1] - 0.5
    assert products[-1] ** 2 <= LARGEST_SQUARE


@pytest.mark.parametrize("options", [{"charge": 1e-9}, {"charge": 9.0, "n_atoms": 8000, "accuracy": 1e-12}])
def test_extremes_stay_within_what_the_sums_can_do(options):
    found = chosen(**options)
    assert 2.0 - 1e-9 <= (found.alpha * found.cutoff_A) ** 2 <= LARGEST_SQUARE * (1.0 + 1e-12)
