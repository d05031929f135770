"""What becomes of stored values, apart from any file; more with real stores in test_voxelset.py."""

import numpy as np
import pytest

from porevox.errors import PorevoxError
from porevox.learning.transform import check_transform, own_temperature_K, transform_values

ENERGY = {"name": "lj", "quantity": "energy"}
POTENTIAL = {"name": "es", "quantity": "potential"}
VALUES = np.array([-2980.0, -298.0, 0.0, 298.0, np.inf], dtype=np.float32)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("identity", VALUES),
        ("boltzmann", [np.exp(10), np.exp(1), 1, np.exp(-1), 0]),
        ("log1p_boltzmann", [np.log1p(np.exp(k)) for k in (10.0, 1.0, 0.0, -1.0)] + [0]),
    ],
)
def test_energies(kind, expected):
    found = transform_values(VALUES, ENERGY, {"kind": kind, "temperature_K": 298.0})
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, expected, rtol=1e-12)


OCCUPANCY = {"kind": "occupancy", "temperature_K": 298.0, "pressure_bar": 5.8, "site_volume_A3": 40.0}


def test_the_occupancy_is_langmuir_s():
    # ideal gas: P v / (kB T) guests in the volume of a site, by CODATA's constant in SI units
    ideal = 5.8e5 * 40e-30 / (1.380649e-23 * 298.0)
    x = ideal * np.exp(-VALUES.astype(float) / 298.0)
    found = transform_values(VALUES, ENERGY, OCCUPANCY)
    np.testing.assert_allclose(found, x / (1 + x), rtol=1e-12, atol=1e-15)
    factors = np.exp(-VALUES.astype(float) / 298.0)
    stored = {"name": "published", "quantity": "boltzmann_factor", "temperature_K": 298.0}
    np.testing.assert_allclose(transform_values(factors, stored, OCCUPANCY), found, rtol=1e-12, atol=1e-15)


def test_the_occupancy_of_the_deepest_well_is_one_and_of_an_atom_zero():
    wells = np.array([-1e30, 1e30, np.inf, 0.0])
    found = transform_values(wells, ENERGY, OCCUPANCY)
    np.testing.assert_array_equal(found[:3], [1, 0, 0])
    assert 0 < found[3] < 0.01


@pytest.mark.parametrize("key", ["pressure_bar", "site_volume_A3"])
@pytest.mark.parametrize("value", [None, 0.0, np.inf])
def test_an_occupancy_needs_its_numbers(key, value):
    with pytest.raises(PorevoxError, match=f"needs a {key} above 0"):
        check_transform(ENERGY, {**OCCUPANCY, key: value})


def test_what_is_stored_stays_as_it_is():
    before = VALUES.copy()
    for kind in ("identity", "boltzmann"):
        transform_values(VALUES, ENERGY, {"kind": kind, "temperature_K": 298.0})
    transform_values(VALUES, POTENTIAL, {"kind": "boltzmann", "potential_limit_V": 1.0})
    np.testing.assert_array_equal(VALUES, before)


def test_potentials_are_clipped():
    found = transform_values(VALUES, POTENTIAL, {"kind": "boltzmann", "potential_limit_V": 300.0})
    np.testing.assert_array_equal(found, [-300, -298, 0, 298, 300])


def test_the_temperature_of_stored_values():
    assert own_temperature_K(ENERGY) is None
    assert own_temperature_K({**ENERGY, "settings": {"temperature_K": 273.0}}) == 273.0
    assert own_temperature_K({**ENERGY, "temperature_K": 300.0, "settings": {"temperature_K": 1.0}}) == 300.0


def test_what_does_not_go_together():
    guest = {"name": "co2", "quantity": "effective_energy", "settings": {"temperature_K": 273.0}}
    check_transform(guest, {"kind": "identity"})
    check_transform(guest, {"kind": "boltzmann", "temperature_K": 273.0})
    with pytest.raises(PorevoxError, match="effective energies at 273.0 K"):
        check_transform(guest, {"kind": "boltzmann", "temperature_K": 298.0})
    with pytest.raises(PorevoxError, match="'cubic' is unknown"):
        check_transform(ENERGY, {"kind": "cubic"})
