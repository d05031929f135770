"""What is drawn of a structure's voxels is what was stored, whatever the transform."""

import numpy as np
import pytest

from porevox.figures.network_input import network_input
from porevox.learning.voxelset import load_dataset, load_voxels
from synthetic_dataset import TEMPERATURE_K, write_dataset


def write(folder, change=None, channels=("lj",)):
    """A dataset of few structures: (dataset, energies of its first training structure)."""
    _, energies = write_dataset(folder, n_train=3, n_validation=0, n_test=1, channels=channels, change=change)
    return load_dataset(folder), energies["S-000"]


def rewrite(meta, function):
    """Put other values into the voxels of the first channel."""
    for path in meta["channels"][0]["shards"].values():
        np.save(path, function(np.load(path)).astype(np.float32))


def seen_of(dataset):
    return network_input(dataset, dataset.train_rows(1))


def close(field, expected):
    """Where there are no atoms; a Boltzmann factor in float32 resolves about 0.01 K."""
    finite = np.isfinite(expected)
    np.testing.assert_allclose(field[finite], expected[finite], rtol=1e-3, atol=0.05)
    assert np.isposinf(field[~finite]).all()
    return (~finite).any()


@pytest.mark.parametrize("kind", ["boltzmann", "log1p_boltzmann"])
def test_the_field_is_the_energy_that_was_stored(tmp_path, kind):
    def change(table, meta):
        meta["transform"] = {"kind": kind, "temperature_K": TEMPERATURE_K}

    dataset, energies = write(tmp_path, change)
    seen = seen_of(dataset)
    assert close(seen.field, energies[0])
    np.testing.assert_array_equal(seen.values, load_voxels(dataset, dataset.train_rows(1))[0, 0])
    assert (seen.quantity, seen.potential, seen.id) == ("energy", False, "S-000")


def test_the_field_of_an_occupancy_is_the_energy_however_deep_the_well(tmp_path):
    def change(table, meta):
        meta["transform"] = {
            **{"kind": "occupancy", "temperature_K": TEMPERATURE_K},
            **{"pressure_bar": 5.0, "site_volume_A3": 60.0},
        }
        rewrite(meta, lambda energies: energies - 9000.0)

    dataset, energies = write(tmp_path, change)
    seen = seen_of(dataset)
    assert close(seen.field, energies[0] - 9000.0)
    np.testing.assert_array_equal(seen.values, load_voxels(dataset, dataset.train_rows(1))[0, 0])


def test_energies_may_be_seen_as_they_are(tmp_path):
    def change(table, meta):
        meta["transform"] = {"kind": "identity", "temperature_K": TEMPERATURE_K}
        rewrite(meta, lambda energies: np.minimum(energies, 1e4))

    dataset, energies = write(tmp_path, change)
    close(seen_of(dataset).field, np.minimum(energies[0], 1e4))


def test_stored_factors_have_the_temperature_of_their_channel(tmp_path):
    def change(table, meta):
        meta["transform"] = {"kind": "identity", "temperature_K": 298.0}
        meta["channels"][0] |= {"quantity": "boltzmann_factor", "temperature_K": 77.0}
        rewrite(meta, lambda energies: np.exp(-energies / 770.0))

    dataset, energies = write(tmp_path, change)
    seen = seen_of(dataset)
    assert close(seen.field, 0.1 * energies[0]) and seen.quantity == "energy"


def test_a_channel_of_energies_goes_before_one_of_potentials(tmp_path):
    def change(table, meta):
        meta["channels"][0]["quantity"] = "potential"
        meta["transform"]["potential_limit_V"] = 2.0

    dataset, energies = write(tmp_path, change, ("es", "lj"))
    seen = seen_of(dataset)
    close(seen.field, energies[1])
    dataset.meta["channels"].pop()
    seen = seen_of(dataset)
    assert seen.potential and seen.field.max() == 2.0


def test_the_box_is_a_cube_and_finite(tmp_path):
    box = seen_of(write(tmp_path)[0]).box()
    assert box.field.shape == (17, 17, 17) and np.isfinite(box.field).all()
    np.testing.assert_array_equal(box.edges_A, np.eye(3))
