"""Henry coefficients of a dataset's rows against closed forms and the stage that tabulates them."""

import math

import numpy as np
import pytest

from porevox.baseline.henry_feature import henry_channel, log_henry_coefficients
from porevox.errors import PorevoxError
from porevox.learning.voxelset import load_dataset
from synthetic_dataset import mean_boltzmann_factor, write_dataset

#: J/(mol K)
R = 8.31446261815324


def densities(table, meta):
    table["cif_density_g_cm3"] = np.linspace(0.4, 2.0, len(table))


def test_the_coefficient_is_the_mean_factor_over_density_and_RT(tmp_path):
    _, energies = write_dataset(tmp_path, n=5, change=densities)
    dataset = load_dataset(tmp_path)
    rows = dataset.table.iloc[[7, 3, 30]]
    found = log_henry_coefficients(dataset, rows, "lj")
    factors = np.array([mean_boltzmann_factor(energies[name][0].astype(np.float32)) for name in rows["id"]])
    per_volume = factors / (R * 298.0)
    per_mass = per_volume / (1000 * rows["cif_density_g_cm3"].to_numpy())
    np.testing.assert_allclose(found, np.log10(np.column_stack([per_mass, per_volume])), rtol=1e-9)


def test_a_framework_without_atoms_is_an_ideal_gas(tmp_path):
    """V = 0 everywhere: 1/(RT) moles per cubic metre and pascal."""
    write_dataset(tmp_path, n=4, change=densities, shard_size=100)
    dataset = load_dataset(tmp_path)
    path = dataset.meta["channels"][0]["shards"]["0"]
    np.save(path, np.zeros_like(np.load(path)))
    found = log_henry_coefficients(dataset, dataset.table, "lj")
    np.testing.assert_allclose(found[:, 1], -math.log10(R * 298.0), rtol=1e-12)
    np.save(path, np.full_like(np.load(path), np.inf))
    assert (log_henry_coefficients(dataset, dataset.table, "lj") == -np.inf).all()


@pytest.mark.parametrize("endpoint", [False, True])
def test_factors_and_effective_energies_have_their_own_temperature(tmp_path, endpoint):
    def change(table, meta):
        densities(table, meta)
        meta["grid"]["endpoint"] = endpoint
        held = {"effective_energy": 250.0, "boltzmann_factor": 250.0}
        for channel, (quantity, at_K) in zip(meta["channels"], held.items(), strict=True):
            channel |= {"quantity": quantity, "settings": {"temperature_K": at_K}}

    write_dataset(tmp_path, n=4, change=change, channels=("guest", "factor"), shard_size=100)
    dataset = load_dataset(tmp_path)
    guest, factor = (channel["shards"]["0"] for channel in dataset.meta["channels"])
    rows = dataset.table
    # in float64, so that both say the same
    energies = np.load(guest).astype(np.float64)
    np.save(guest, energies)
    np.save(factor, np.exp(-energies / 250.0))
    rows = rows.assign(row_factor=rows["row_guest"])
    a, b = (log_henry_coefficients(dataset, rows, name) for name in ("guest", "factor"))
    np.testing.assert_allclose(a, b, rtol=1e-12)
    np.save(factor, np.zeros_like(energies))
    assert (log_henry_coefficients(dataset, rows, "factor") == -np.inf).all()
    np.save(factor, -np.ones_like(energies))
    with pytest.raises(PorevoxError, match="S-.*negative"):
        log_henry_coefficients(dataset, rows, "factor")


def test_an_unknown_density_leaves_the_coefficient_per_volume(tmp_path):
    def change(table, meta):
        densities(table, meta)
        table.loc[table["id"] == "S-004", "cif_density_g_cm3"] = np.nan

    write_dataset(tmp_path, n=4, change=change)
    dataset = load_dataset(tmp_path)
    found = log_henry_coefficients(dataset, dataset.table, "lj")
    lost = (dataset.table["id"] == "S-004").to_numpy()
    assert (
        np.isnan(found[lost, 0]).all() and np.isfinite(found[~lost]).all() and np.isfinite(found[:, 1]).all()
    )


def test_data_that_give_no_coefficient(tmp_path):
    write_dataset(tmp_path, n=4, shard_size=100)
    dataset = load_dataset(tmp_path)
    with pytest.raises(PorevoxError, match="no column cif_density_g_cm3"):
        log_henry_coefficients(dataset, dataset.table, "lj")
    rows = dataset.table.assign(cif_density_g_cm3=1.0)
    path = dataset.meta["channels"][0]["shards"]["0"]
    store = np.load(path)
    store[int(rows["row_lj"].iloc[5]), 0, 0, 0] = np.nan
    np.save(path, store)
    with pytest.raises(PorevoxError, match=f"{rows['id'].iloc[5]}.*no Henry coefficient"):
        log_henry_coefficients(dataset, rows, "lj")


def test_the_channel_is_the_first_of_energies_or_the_one_named():
    channels = [{"name": "es", "quantity": "potential"}, {"name": "lj", "quantity": "energy"}]
    channels += [{"name": "co2", "quantity": "effective_energy"}]
    assert henry_channel(channels, None)["name"] == "lj"
    assert henry_channel(channels, "co2")["name"] == "co2"
    for name in ("es", "helium"):
        with pytest.raises(PorevoxError, match=f"a channel '{name}' of energies.*have: lj, co2"):
            henry_channel(channels, name)
    with pytest.raises(PorevoxError, match="there are none"):
        henry_channel(channels[:1], None)
