"""The electrostatic channel's settings, and how it hands on points and potentials."""

import math
from dataclasses import replace

import numpy as np
import pytest

from porevox.crystal.structure import Structure
from porevox.energy.channels import channel_from_dict
from porevox.energy.charge_source import with_charges
from porevox.energy.electrostatic_channel import ElectrostaticChannel
from porevox.energy.ewald import EwaldPotential
from porevox.energy.grid import GridSpec, distinct_points
from porevox.errors import PorevoxError, StructureRejected

CHARGES = np.array([0.7, -0.5, -0.2])


def framework(charges=CHARGES):
    lattice = np.array([[9.0, 0, 1.0], [2.0, 8.0, 0.5], [0, 0, 10.0]])
    frac = np.array([[0.0, 0.0, 0.0], [0.31, 0.22, 0.43], [0.77, 0.51, 0.12]])
    return Structure("x", lattice, frac, ("C", "O", "O"), "gemmi", charges_e=charges)


def test_from_dict_and_back():
    for values in ({}, {"accuracy_V": 1e-3}, {"kind": "electrostatic", "cutoff_A": 12}):
        channel = ElectrostaticChannel.from_dict(values)
        assert ElectrostaticChannel.from_dict(channel.to_dict()) == channel
        assert channel_from_dict(channel.to_dict()) == channel
    assert channel.to_dict() == {"kind": "electrostatic", "accuracy_V": 1e-4, "cutoff_A": 12.0}
    assert (channel.quantity, channel.unit) == ("potential", "V")


@pytest.mark.parametrize(
    "change",
    [
        {"accuracy_V": 0.0},
        {"accuracy_V": 1.0},
        {"accuracy_V": math.nan},
        {"accuracy_V": True},
        {"accuracy_V": "1e-4"},
        {"cutoff_A": 0.0},
        {"cutoff_A": math.inf},
        {"cutoff_A": True},
        {"cutoff_A": None},
        {"probe_sigma_A": 3.0},
        {"charges": "qeq"},
        {"charge_table": 7},
    ],
)
def test_settings_that_are_refused(change):
    with pytest.raises(PorevoxError, match=next(iter(change))):
        ElectrostaticChannel.from_dict(change)


@pytest.mark.parametrize("endpoint", [False, True])
@pytest.mark.parametrize("kind", ["mic_supercell", "unit_cell", "cubic_box"])
def test_values_on_the_whole_grid(kind, endpoint):
    structure, grid = framework(), GridSpec(kind, 9, endpoint)
    result = ElectrostaticChannel(cutoff_A=12.0).compute(structure, grid, None)
    points = distinct_points(grid, structure.lattice_A, 12.0)
    np.testing.assert_array_equal(result.values, points.expand(EwaldPotential(structure, points).at()))
    assert result.values.shape == (9, 9, 9) and result.values.dtype == np.float64
    assert math.isnan(result.guest_energy_K)
    if kind != "cubic_box":
        assert result.values[0, 0, 0] == np.inf
    if endpoint and kind != "cubic_box":
        np.testing.assert_array_equal(result.values[0], result.values[-1])


@pytest.mark.parametrize(("charges", "code"), [(None, "no_charges"), (CHARGES + 0.1, "net_charge")])
def test_structures_that_are_rejected(charges, code):
    with pytest.raises(StructureRejected) as rejection:
        ElectrostaticChannel().compute(framework(charges), GridSpec("unit_cell", 3), None)
    assert rejection.value.code == code


def test_memory_is_that_of_the_grid_at_least():
    for kind in ("mic_supercell", "unit_cell", "cubic_box"):
        needed = ElectrostaticChannel().memory_MB(framework(), GridSpec(kind, 100))
        assert 16.0 < needed < 150.0
    assert ElectrostaticChannel().memory_MB(framework(None), GridSpec(kind, 100)) >= 16.0


def test_equilibrated_charges_are_used_as_if_the_cif_had_them():
    grid = GridSpec("unit_cell", 6)
    equilibrated = with_charges(framework(None), "eqeq")
    assert np.abs(equilibrated.charges_e).max() > 0.05
    expected = ElectrostaticChannel().compute(equilibrated, grid).values
    for charges, given in (("eqeq", None), ("eqeq", CHARGES), ("cif_or_eqeq", None)):
        found = ElectrostaticChannel(charges=charges).compute(framework(given), grid).values
        assert np.array_equal(found, expected)
    own = ElectrostaticChannel(charges="cif_or_eqeq").compute(framework(), grid).values
    assert np.array_equal(own, ElectrostaticChannel().compute(framework(), grid).values)


def test_equilibration_s_settings_and_memory():
    channel = ElectrostaticChannel(charges="eqeq", charge_table="0123456789abcdef")
    assert channel.to_dict()["charges"] == "eqeq"
    assert ElectrostaticChannel.from_dict(channel.to_dict()) == channel != ElectrostaticChannel()
    many = replace(
        framework(None), frac=np.random.default_rng(0).uniform(size=(4000, 3)), elements=("C",) * 4000
    )
    grid = GridSpec("unit_cell", 10)
    assert ElectrostaticChannel().memory_MB(many, grid) < 1.0
    assert channel.memory_MB(many, grid) > 8 * 4000**2 / 1e6
    # a potential of usual charges, where the matrix is small
    few = channel.memory_MB(framework(None), GridSpec("unit_cell", 100))
    assert few > 0.8 * ElectrostaticChannel().memory_MB(framework(), GridSpec("unit_cell", 100))
