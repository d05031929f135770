"""The guest channel's settings, what it refuses, and the corners where energies diverge."""

import math

import numpy as np
import pytest

from porevox.crystal.structure import Structure
from porevox.energy.channels import channel_from_dict
from porevox.energy.charge_source import with_charges
from porevox.energy.forcefield import ForceField
from porevox.energy.grid import GridSpec
from porevox.energy.guest_channel import GuestChannel
from porevox.energy.guest_energy import GuestEnergy
from porevox.energy.lennard_jones_channel import LennardJonesChannel
from porevox.errors import PorevoxError, StructureRejected

FIELD = ForceField("test", {"C": 3.4, "O": 3.1, "Zn": 2.5}, {"C": 50.0, "O": 30.0, "Zn": 0.0}, "")
METHANE = [{"sigma_A": 3.73, "epsilon_K": 148.0}]
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
GRID = GridSpec("unit_cell", 8)


def framework(frac=((0, 0, 0), (0.5, 0.25, 0.125)), elements=("C", "O"), charges=(0.4, -0.4), edge=12.0):
    charges = None if charges is None else np.array(charges, dtype=float)
    lattice = edge * np.array([[1.0, 0, 0.1], [0.2, 0.9, 0.05], [0, 0, 1.1]])
    return Structure("x", lattice, np.array(frac, dtype=float), elements, "gemmi", charges_e=charges)


@pytest.mark.parametrize(
    "change",
    [
        {"temperature_K": 0.0},
        {"temperature_K": math.nan},
        {"temperature_K": "298"},
        {"temperature_K": True},
        {"cutoff_A": -12.0},
        {"cutoff_A": math.inf},
        {"truncation": "smooth"},
        {"n_orientations": 0},
        {"n_orientations": 24.0},
        {"n_orientations": True},
        {"n_orientations": 10**9},
        {"henry_tolerance": 0.0},
        {"henry_tolerance": 1.5},
        {"henry_tolerance": math.nan},
        {"henry_tolerance": None},
        {"henry_tolerance": True},
        {"sites": []},
        {"sites": None},
        {"probe_sigma_A": 3.0},
        {"charges": "qeq"},
        {"charge_table": "0123"},
    ],
)
def test_faulty_settings_are_refused(change):
    with pytest.raises(PorevoxError):
        GuestChannel.from_dict({"kind": "guest", "sites": CO2} | change)


def test_sites_are_required():
    with pytest.raises(PorevoxError, match="sites"):
        GuestChannel.from_dict({"temperature_K": 298.0})


def test_only_a_guest_that_can_turn_has_a_choice_of_orientations():
    assert GuestChannel(METHANE).n_orientations == 1
    assert GuestChannel(METHANE, n_orientations=50) == GuestChannel(METHANE)
    assert GuestChannel(CO2).to_dict()["n_orientations"] is None
    assert GuestChannel(CO2).henry_tolerance == 0.02
    assert GuestChannel(CO2, henry_tolerance=1).to_dict()["henry_tolerance"] == 1.0


def test_a_fixed_number_of_orientations_is_kept_to(monkeypatch):
    asked = []
    at = GuestEnergy.at
    monkeypatch.setattr(GuestEnergy, "at", lambda self, *args: asked.append(args) or at(self, *args))
    GuestChannel(CO2, n_orientations=7, henry_tolerance=1e-4).compute(framework(), GRID, FIELD)
    assert len(asked) == 7


def test_a_channel_survives_the_way_through_a_dict():
    channel = GuestChannel.from_dict({"sites": CO2, "temperature_K": 273, "n_orientations": 7})
    values = channel.to_dict()
    assert values["kind"] == "guest"
    assert values["temperature_K"] == 273.0
    assert values["sites"][1]["z_A"] == 1.16
    assert isinstance(values["sites"], list) and isinstance(values["sites"][0], dict)
    assert GuestChannel.from_dict(values) == channel == channel_from_dict(values)
    assert hash(channel) == hash(GuestChannel.from_dict(values))


@pytest.mark.parametrize("kind", ["mic_supercell", "unit_cell", "cubic_box"])
@pytest.mark.parametrize("endpoint", [False, True])
def test_a_guest_of_one_site_is_the_lennard_jones_channel(kind, endpoint):
    grid = GridSpec(kind, 9, endpoint, 14.0)
    settings = {"cutoff_A": 11.0, "truncation": "truncated"}
    guest = GuestChannel(METHANE, **settings).compute(framework(), grid, FIELD)
    probe = LennardJonesChannel(3.73, 148.0, **settings).compute(framework(), grid, FIELD)
    assert np.array_equal(guest.values, probe.values)
    assert guest.values.min() < 0.0 < guest.values.max()


def test_the_mean_energy_of_one_site_is_its_boltzmann_mean():
    guest = GuestChannel(METHANE, temperature_K=200.0).compute(framework(), GRID, FIELD)
    factor = np.exp(-guest.values / 200.0)
    energy = np.where(factor > 0.0, guest.values, 0.0)
    assert math.isclose(guest.guest_energy_K, (energy * factor).sum() / factor.sum(), rel_tol=1e-12)


def test_the_repeated_plane_counts_once_in_the_mean_energy():
    """Nine points with both ends are eight that differ."""
    channel = GuestChannel(CO2, n_orientations=6)
    once = channel.compute(framework(), GridSpec("unit_cell", 8), FIELD)
    twice = channel.compute(framework(), GridSpec("unit_cell", 9, True), FIELD)
    assert np.allclose(twice.values[:-1, :-1, :-1], once.values, rtol=1e-9)
    assert math.isclose(once.guest_energy_K, twice.guest_energy_K, rel_tol=1e-9)


def test_a_cubic_box_has_no_mean_energy():
    result = GuestChannel(CO2, n_orientations=4).compute(framework(), GridSpec("cubic_box", 6), FIELD)
    assert math.isnan(result.guest_energy_K)
    assert not np.isnan(result.values).any()


def test_charges_are_asked_for_only_by_charged_guests():
    bare = framework(charges=None)
    with pytest.raises(StructureRejected) as refusal:
        GuestChannel(CO2).compute(bare, GRID, FIELD)
    assert refusal.value.code == "no_charges"
    neutral = [site | {"charge_e": 0.0} for site in CO2]
    with_charges = GuestChannel(neutral, n_orientations=5).compute(framework(), GRID, FIELD)
    without = GuestChannel(neutral, n_orientations=5).compute(bare, GRID, FIELD)
    assert np.array_equal(with_charges.values, without.values)


def test_equilibrated_charges_are_used_as_if_the_cif_had_them():
    bare = framework(charges=None)
    equilibrated = with_charges(bare, "eqeq")
    expected = GuestChannel(CO2, n_orientations=5).compute(equilibrated, GRID, FIELD).values
    for charges in ("eqeq", "cif_or_eqeq"):
        channel = GuestChannel(CO2, n_orientations=5, charges=charges)
        assert np.array_equal(channel.compute(bare, GRID, FIELD).values, expected)
        assert GuestChannel.from_dict(channel.to_dict()) == channel
    assert channel.memory_MB(bare, GRID) > GuestChannel(CO2).memory_MB(bare, GRID)


def test_a_guest_without_charges_equilibrates_none():
    channel = GuestChannel(METHANE, charges="eqeq")
    assert channel == GuestChannel(METHANE) and "charges" not in channel.to_dict()
    same = framework(elements=("C", "C"), charges=None)
    assert np.isfinite(channel.compute(same, GRID, FIELD).values.min())


def test_a_charged_framework_is_refused():
    with pytest.raises(StructureRejected) as refusal:
        GuestChannel(CO2).compute(framework(charges=(1.0, 0.5)), GRID, FIELD)
    assert refusal.value.code == "net_charge"


def test_an_element_without_parameters_is_refused():
    with pytest.raises(StructureRejected) as refusal:
        GuestChannel(METHANE).compute(framework(elements=("C", "Xe")), GRID, FIELD)
    assert refusal.value.code == "unknown_element"


def test_lennard_jones_sites_need_a_force_field():
    with pytest.raises(PorevoxError, match="force field"):
        GuestChannel(METHANE).compute(framework(), GRID, None)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("charges", [(2.0, -2.0), (-2.0, 2.0)])
@pytest.mark.parametrize("guest", [CO2, N2, HYDROGEN], ids=["CO2", "N2", "H2"])
@pytest.mark.parametrize("elements", [("C", "O"), ("Zn", "O"), ("Zn", "Zn")])
def test_contact_never_gives_an_infinite_well(elements, guest, charges):
    """Atoms on grid points, some without a Lennard-Jones well, and charges without one."""
    channel = GuestChannel(guest, temperature_K=100.0, n_orientations=12)
    result = channel.compute(framework(elements=elements, charges=charges), GRID, FIELD)
    assert not np.isnan(result.values).any()
    assert not np.isneginf(result.values).any()
    assert np.isposinf(result.values[0, 0, 0])
    assert math.isfinite(result.guest_energy_K)


def test_a_guest_that_fits_nowhere_has_no_mean_energy():
    crowded = framework(np.random.default_rng(0).uniform(size=(60, 3)), ("C",) * 60, None, edge=3.0)
    big = [{"sigma_A": 9.0, "epsilon_K": 1e30}]
    result = GuestChannel(big, temperature_K=1.0, cutoff_A=4.0).compute(crowded, GRID, FIELD)
    assert not np.isnan(result.values).any()


def test_memory_grows_with_grid_and_atoms():
    channel = GuestChannel(CO2)
    small, fine = (channel.memory_MB(framework(), GridSpec("unit_cell", n)) for n in (20, 100))
    # whole grid in double and single precision, and half a dozen arrays of distinct points
    assert fine - small > (12 + 40) * 0.99
    assert fine < 400.0
    many = framework(np.random.default_rng(0).uniform(size=(5000, 3)), ("C",) * 5000, np.zeros(5000))
    assert channel.memory_MB(many, GridSpec("unit_cell", 20)) > 2 * small
    assert GuestChannel(METHANE).memory_MB(framework(), GridSpec("unit_cell", 100)) < fine
