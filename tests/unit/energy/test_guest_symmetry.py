"""Points where a guest has equal energies: found where they are, and only there."""

from dataclasses import replace

import numpy as np
import pytest

from porevox.crystal.structure import Structure, lattice_from_parameters
from porevox.energy import guest_channel
from porevox.energy.forcefield import ForceField
from porevox.energy.grid import GridSpec, distinct_points
from porevox.energy.guest import guest_sites, site_groups
from porevox.energy.guest_channel import GuestChannel
from porevox.energy.guest_symmetry import EqualPoints, equal_points

FIELD = ForceField("test", {"C": 3.4, "O": 3.1}, {"C": 50.0, "O": 30.0}, "")
CO2 = [
    {"sigma_A": 2.80, "epsilon_K": 27.0, "charge_e": 0.70},
    {"z_A": 1.16, "sigma_A": 3.05, "epsilon_K": 79.0, "charge_e": -0.35},
    {"z_A": -1.16, "sigma_A": 3.05, "epsilon_K": 79.0, "charge_e": -0.35},
]
CO = [
    {"z_A": -0.64, "sigma_A": 3.6, "epsilon_K": 40.0, "charge_e": -0.3},
    {"z_A": 0.49, "sigma_A": 3.0, "epsilon_K": 80.0, "charge_e": 0.3},
]
WATER = [
    {"x_A": -0.065, "sigma_A": 3.166, "epsilon_K": 78.2, "charge_e": -0.82},
    {"x_A": 0.512, "y_A": 0.816, "charge_e": 0.41},
    {"x_A": 0.512, "y_A": -0.816, "charge_e": 0.41},
]
LATTICE = lattice_from_parameters((11.0, 14.0, 12.0), (85.0, 98.0, 104.0))
ATOMS = np.array([(0.11, 0.23, 0.375), (0.05, 0.61, 0.83), (0.3, 0.4, 0.1)])


def crystal(operation=None):
    """Three atoms and perhaps their images."""
    frac, charges, elements = ATOMS, np.array([0.3, -0.5, 0.2]), ("C", "O", "C")
    if operation is not None:
        frac, charges, elements = (
            np.concatenate([frac, operation(frac)]) % 1.0,
            np.tile(charges, 2),
            elements * 2,
        )
    return Structure("x", LATTICE, frac, elements, "gemmi", charges_e=charges)


def inverted(frac):
    return np.array([0.25, 0.5, 0.0]) - frac


def centred(frac):
    return frac + [0.5, 0.5, 0.0]


def found(structure, sites, grid):
    points = distinct_points(grid, structure.lattice_A, 10.0)
    return equal_points(structure, points, FIELD, site_groups(guest_sites(sites)))


def without_symmetry(structure, points, forcefield, groups):
    number = np.arange(np.prod(points.counts)).reshape(points.counts)
    return EqualPoints(np.ones(points.counts, dtype=bool), number, np.ones(number.size, dtype=np.int64))


@pytest.mark.parametrize(
    "operation, sites, share",
    [
        (None, CO2, 1.0),
        (inverted, CO2, 0.5),
        (inverted, CO2[:1], 0.5),
        (inverted, CO, 1.0),
        (inverted, WATER, 1.0),
        (centred, CO2, 0.5),
        (centred, CO, 0.5),
        (centred, WATER, 0.5),
        (lambda frac: frac * [1, -1, 1], CO2, 1.0),
    ],
)
def test_only_what_leaves_the_guest_alone_counts(operation, sites, share):
    equal = found(crystal(operation), sites, GridSpec("unit_cell", 8))
    # Some points are their own images.
    assert share <= equal.wanted.mean() <= share + 8 / 512
    assert equal.copies.sum() == 512 and equal.copies.size == equal.wanted.sum()
    assert np.array_equal(
        equal.spread(np.arange(equal.copies.size))[equal.wanted], np.arange(equal.copies.size)
    )


def test_charges_tell_atoms_apart():
    """Only for a guest that feels them."""
    structure = crystal(inverted)
    charges = structure.charges_e + np.array([0.01, 0, 0, -0.01, 0, 0])
    structure = replace(structure, charges_e=charges)
    neutral = [site | {"charge_e": 0.0} for site in CO2]
    assert found(structure, CO2, GridSpec("unit_cell", 8)).wanted.all()
    assert found(structure, neutral, GridSpec("unit_cell", 8)).wanted.mean() < 0.52
    without = replace(structure, charges_e=None)
    assert found(without, neutral, GridSpec("unit_cell", 8)).wanted.mean() < 0.52


@pytest.mark.parametrize("operation, sites", [(inverted, CO2), (centred, CO), (centred, WATER)])
@pytest.mark.parametrize(
    "grid", [GridSpec("unit_cell", 8), GridSpec("unit_cell", 9, True), GridSpec("mic_supercell", 16)], ids=str
)
def test_symmetry_changes_no_value(operation, sites, grid, monkeypatch):
    structure, channel = crystal(operation), GuestChannel(sites, cutoff_A=10.0, n_orientations=6)
    used = channel.compute(structure, grid, FIELD)
    monkeypatch.setattr(guest_channel, "equal_points", without_symmetry)
    unused = channel.compute(structure, grid, FIELD)
    near = unused.values < 1e4
    # The potential is accurate within 1e-4 V.
    assert np.abs(used.values - unused.values)[near].max() < 3.0
    assert near.sum() > 100
    assert abs(used.guest_energy_K - unused.guest_energy_K) < 2.0


def test_a_box_is_symmetric_about_the_origin_only():
    origin = crystal(lambda frac: -frac)
    grid = GridSpec("cubic_box", 7, True, 12.0)
    assert found(origin, CO2, grid).wanted.sum() == (7**3 + 1) // 2
    assert found(origin, CO, grid).wanted.all()
    assert found(crystal(inverted), CO2, grid).wanted.all()
    assert found(origin, CO2, GridSpec("cubic_box", 6, False, 12.0)).wanted.sum() > 6**3 // 2
