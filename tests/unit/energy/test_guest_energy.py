"""Energies of a guest in one orientation, and the hard core of its charges."""

import numpy as np
import pytest

from porevox.crystal.structure import Structure
from porevox.energy import guest_energy
from porevox.energy.ewald import KELVIN_PER_VOLT, EwaldPotential
from porevox.energy.forcefield import ForceField
from porevox.energy.grid import GridSpec, distinct_points
from porevox.energy.guest import guest_sites, places_in_orientations, site_groups
from porevox.energy.guest_energy import HARD_CORE_A, GuestEnergy, memory_MB
from porevox.energy.lennard_jones import LennardJonesSum
from porevox.errors import PorevoxError

FIELD = ForceField("test", {"C": 3.4, "O": 3.1, "Zn": 2.5}, {"C": 50.0, "O": 30.0, "Zn": 0.0}, "")
CO2 = [
    {"sigma_A": 2.80, "epsilon_K": 27.0, "charge_e": 0.70},
    {"z_A": 1.16, "sigma_A": 3.05, "epsilon_K": 79.0, "charge_e": -0.35},
    {"z_A": -1.16, "sigma_A": 3.05, "epsilon_K": 79.0, "charge_e": -0.35},
]
N2 = [
    {"charge_e": 0.964},
    {"z_A": 0.55, "sigma_A": 3.31, "epsilon_K": 36.0, "charge_e": -0.482},
    {"z_A": -0.55, "sigma_A": 3.31, "epsilon_K": 36.0, "charge_e": -0.482},
]
HYDROGEN = [  # Darkrim and Levesque's model: the outer charges have no wall of their own
    {"sigma_A": 2.958, "epsilon_K": 36.7, "charge_e": -0.936},
    {"z_A": 0.3705, "charge_e": 0.468},
    {"z_A": -0.3705, "charge_e": 0.468},
]


def framework(frac=((0, 0, 0), (0.5, 0.25, 0.125)), elements=("C", "O"), charges=(0.4, -0.4), edge=12.0):
    charges = None if charges is None else np.array(charges, dtype=float)
    lattice = edge * np.array([[1.0, 0, 0.1], [0.2, 0.9, 0.05], [0, 0, 1.1]])
    return Structure("x", lattice, np.array(frac, dtype=float), elements, "gemmi", charges_e=charges)


def guest(sites, structure, n=8, forcefield=FIELD):
    groups = site_groups(guest_sites(sites))
    points = distinct_points(GridSpec("unit_cell", n), structure.lattice_A, 12.0)
    return GuestEnergy(structure, points, forcefield, groups, 12.0), groups, points


def test_one_orientation_is_the_sum_over_its_sites():
    structure = framework()
    energy, groups, points = guest(CO2, structure)
    places = places_in_orientations(groups, 5)[3]
    potential = EwaldPotential(structure, points, 1e-5)
    expected = np.zeros(points.counts)
    for site, place in zip(CO2, places, strict=True):
        well = site["sigma_A"], site["epsilon_K"]
        with np.errstate(invalid="ignore"):  # on top of an atom
            expected += LennardJonesSum(structure, points, FIELD, *well, 12.0).at(place)
            expected += KELVIN_PER_VOLT * site["charge_e"] * potential.at(place)
    near = np.isfinite(expected) & (expected < 1e5)
    assert near.sum() > 100
    # The potential is accurate within 1e-4 V, that is 1 K per elementary charge.
    assert np.abs(energy.at(places)[near] - expected[near]).max() < 2.0


def test_sites_in_the_origin_are_computed_once(monkeypatch):
    calls = []
    at = EwaldPotential.at
    monkeypatch.setattr(EwaldPotential, "at", lambda self, *args: calls.append(args) or at(self, *args))
    energy, groups, _ = guest(CO2, framework())
    for places in places_in_orientations(groups, 7):
        energy.at(places)
    assert len(calls) == 1 + 2 * 7


def test_later_orientations_do_not_remember_earlier_ones():
    energy, groups, _ = guest(CO2, framework())
    first, second = places_in_orientations(groups, 2)
    before = energy.at(first)
    energy.at(second)
    assert np.array_equal(energy.at(first), before)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("charges", [(2.0, -2.0), (-2.0, 2.0)])
@pytest.mark.parametrize("sites", [CO2, N2, HYDROGEN], ids=["CO2", "N2", "H2"])
@pytest.mark.parametrize("elements", [("C", "O"), ("Zn", "O"), ("Zn", "Zn")])
def test_contact_never_gives_an_infinite_well(elements, sites, charges):
    """Atoms on grid points, some without a Lennard-Jones well, and charges without one."""
    structure = framework(elements=elements, charges=charges)
    energy, groups, _ = guest(sites, structure)
    for places in [*places_in_orientations(groups, 6), np.zeros((3, 3))]:
        values = energy.at(places)
        assert not np.isnan(values).any()
        # At worst all charges touch the core of an atom.
        attraction = 0.97 * 2.0 * 2.0 * 167101.0 / HARD_CORE_A
        assert values.min() > -attraction
        assert values[0, 0, 0] > 1e9


def test_the_hard_core_is_there_and_nowhere_else():
    """A bare charge near an atom without a well: Coulomb's law outside, a wall inside."""
    lone = framework(((0.5, 0.5, 0.5), (0, 0, 0)), ("Zn", "Zn"), (1.0, -1.0), edge=20.0)
    energy, _, _ = guest([{"charge_e": -1.0}], lone, 64, None)
    values = energy.at(np.zeros((1, 3)))
    fractions = np.stack(np.meshgrid(*[np.arange(64) / 64] * 3, indexing="ij"), axis=-1)
    distance = np.full(values.shape, np.inf)
    for atom in lone.frac:
        away = (fractions - atom + 0.5) % 1.0 - 0.5
        distance = np.minimum(distance, np.linalg.norm(away @ lone.lattice_A, axis=-1))
    assert np.array_equal(np.isposinf(values), distance <= HARD_CORE_A)
    assert 8 < np.isposinf(values).sum() < 100


@pytest.mark.parametrize("sites", [CO2, N2])
def test_walls_make_the_hard_core_superfluous(sites, monkeypatch):
    """Where it is left out, it would have changed nothing but energies beyond any temperature."""
    structure = framework(charges=(3.0, -3.0))
    without, groups, _ = guest(sites, structure, 30)
    monkeypatch.setattr(guest_energy, "_walled", lambda *_: False)
    with_core, _, _ = guest(sites, structure, 30)
    for places in places_in_orientations(groups, 10):
        free, cored = without.at(places), with_core.at(places)
        differ = free != cored
        assert differ.any() and (free[differ] > 1e7).all() and np.isposinf(cored[differ]).all()


def test_the_hard_core_is_kept_where_one_atom_lacks_a_wall():
    exposed = guest(CO2, framework(elements=("C", "Zn")))[0]
    assert any(core is not None for core in exposed._cores)
    assert all(core is None for core in guest(CO2, framework())[0]._cores)
    assert [core is not None for core in guest(HYDROGEN, framework())[0]._cores] == [False, True, True]


def test_charges_in_one_place_add_up():
    split = [CO2[0] | {"charge_e": 0.3}, {"charge_e": 0.4}, *CO2[1:]]
    whole, groups, _ = guest(CO2, framework())
    parts, _, _ = guest(split, framework())
    places = places_in_orientations(groups, 3)[1]
    assert np.allclose(whole.at(places), parts.at(places), rtol=1e-12)


def test_lennard_jones_sites_need_a_force_field():
    with pytest.raises(PorevoxError, match="force field"):
        guest(CO2, framework(), forcefield=None)


def test_memory_counts_points_atoms_and_kinds_of_sites():
    def needed(sites, structure, n):
        points = distinct_points(GridSpec("unit_cell", n), structure.lattice_A, 12.0)
        return memory_MB(structure, points, site_groups(guest_sites(sites)), 12.0)

    small = framework()
    assert needed(CO2, small, 100) - needed(CO2, small, 20) > 7 * 8 * 0.99
    many = framework(np.random.default_rng(0).uniform(size=(5000, 3)), ("C",) * 5000, np.zeros(5000))
    # Some 30 images of each atom lie within 12 A of this cell, 40 bytes for each kind of site.
    assert needed(CO2, many, 20) > 2 * 5000 * 30 * 40 / 1e6
    assert needed(CO2, many, 20) > 1.5 * needed(N2, many, 20)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("sites", [CO2, HYDROGEN], ids=["CO2", "H2"])
def test_some_points_have_the_energies_that_they_have_among_all(sites, monkeypatch):
    """Nothing of what stands at the other points gets through."""

    def spoiled(at):
        def with_garbage(self, shift_A=None, wanted=None):
            values = at(self, shift_A, wanted)
            return values if wanted is None else np.where(wanted, values, np.nan)

        return with_garbage

    energy, groups, points = guest(sites, framework(elements=("C", "Zn")))
    wanted = np.random.default_rng(0).random(points.counts) < 0.05
    places = places_in_orientations(groups, 4)
    expected = [energy.at(place)[wanted] for place in places]
    monkeypatch.setattr(EwaldPotential, "at", spoiled(EwaldPotential.at))
    monkeypatch.setattr(LennardJonesSum, "at", spoiled(LennardJonesSum.at))
    for place, values in zip(places, expected, strict=True):
        found = energy.at(place, wanted)
        assert np.allclose(found, values, rtol=1e-9, atol=1e-6)
        assert found.shape == (wanted.sum(),)
