"""The channel's settings; what it computes is tested in tests/science/test_energies.py."""

import numpy as np
import pytest

from porevox.crystal.structure import Structure
from porevox.energy.forcefield import ForceField
from porevox.energy.grid import GridSpec
from porevox.energy.lennard_jones_channel import LennardJonesChannel
from porevox.errors import PorevoxError


def test_the_defaults_are_those_of_the_thesis():
    assert LennardJonesChannel().to_dict() == {
        "kind": "lennard_jones",
        "probe_sigma_A": 2.5,
        "probe_epsilon_K": 50.0,
        "cutoff_A": 10.0,
        "truncation": "truncated",
    }


@pytest.mark.parametrize("field", ["probe_sigma_A", "probe_epsilon_K", "cutoff_A"])
@pytest.mark.parametrize("value", [0, -1.0, "3", None, True, float("nan"), float("inf")])
def test_what_is_not_a_positive_number_is_refused(field, value):
    with pytest.raises(PorevoxError, match=field):
        LennardJonesChannel(**{field: value})


def test_the_voxels_are_in_kelvin_and_no_guest_is_averaged():
    atom = Structure("x", 30.0 * np.eye(3), np.zeros((1, 3)), ("Ar",), "gemmi")
    argon = ForceField("argon", {"Ar": 3.4}, {"Ar": 120.0}, "")
    result = LennardJonesChannel(3.4, 120.0).compute(atom, GridSpec("unit_cell", 5), argon)
    assert (LennardJonesChannel.quantity, LennardJonesChannel.unit) == ("energy", "K")
    assert result.values[1, 0, 0] == pytest.approx(480.0 * ((3.4 / 6) ** 12 - (3.4 / 6) ** 6))
    assert np.isnan(result.guest_energy_K)
