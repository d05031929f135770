"""Scalars from voxels: against the plain formula, and at its edges."""

import numpy as np
import pytest

from porevox.learning import physics_scalars as module
from porevox.learning.physics_scalars import columns_behind, physics_names, scalar_inputs, voxel_scalars
from porevox.learning.voxelset import load_dataset
from synthetic_dataset import TEMPERATURE_K, write_dataset

SCALE = ["cif_density_g_cm3", "ln_cif_density", "cif_specific_volume_cm3_g", "ln_cif_volume_A3"]


def with_scale(table, meta):
    rng = np.random.default_rng(1)
    table["cif_volume_A3"] = rng.uniform(1e3, 1e4, len(table))
    table["cif_density_g_cm3"] = rng.uniform(0.3, 2.0, len(table))


def log_factors(dataset, rows):
    """The scalars of the voxels of a study without a pressure."""
    return voxel_scalars(dataset, rows, np.ones(len(rows)))


def test_log_of_the_mean_boltzmann_factor(tmp_path):
    """The synthetic label is the mean factor of the first channel itself."""
    _, energies = write_dataset(tmp_path, n=6, channels=("lj", "co2"), change=with_scale)
    dataset = load_dataset(tmp_path)
    rows = dataset.table.iloc[::-1]
    found = log_factors(dataset, rows)
    np.testing.assert_allclose(found[:, 0], np.log(rows["y"]), rtol=1e-5)
    second = [np.log(np.exp(-energies[i][1] / TEMPERATURE_K).mean()) for i in rows["id"]]
    np.testing.assert_allclose(found[:, 1], second, rtol=1e-5, atol=1e-6)


def test_all_scalars_side_by_side(tmp_path):
    write_dataset(tmp_path, n=6, change=with_scale)
    dataset = load_dataset(tmp_path)
    rows = dataset.train_rows(7)
    values = scalar_inputs(dataset, rows, ("noise",), physics=True)
    names = ["noise", *physics_names(dataset.meta["channels"], dataset.meta["transform"])]
    assert names == ["noise", "ln_mean_boltzmann_lj", *SCALE]
    density, volume = rows["cif_density_g_cm3"], rows["cif_volume_A3"]
    expected = [rows["noise"], np.log(rows["y"]), density, np.log(density), 1 / density, np.log(volume)]
    expected = np.column_stack(expected)
    np.testing.assert_allclose(values, expected, rtol=1e-5)
    plain = scalar_inputs(dataset, rows, ("noise",), physics=False)
    np.testing.assert_array_equal(plain, rows[["noise"]])
    assert columns_behind(("noise",), True) == ["noise", "cif_density_g_cm3", "cif_volume_A3"]
    assert columns_behind(("cif_volume_A3",), True) == ["cif_volume_A3", "cif_density_g_cm3"]
    assert columns_behind(("noise",), False) == ["noise"]


def change_channel(**entries):
    def change(table, meta):
        with_scale(table, meta)
        meta["channels"][0].update(entries)

    return change


def overwrite(dataset, values):
    """Give all stored structures these values."""
    for path in dataset.meta["channels"][0]["shards"].values():
        store = np.load(path)
        store[:] = values
        np.save(path, store)


def test_potentials_have_no_boltzmann_factor(tmp_path):
    write_dataset(tmp_path, n=4, change=change_channel(quantity="potential", unit="V"))
    dataset = load_dataset(tmp_path)
    assert log_factors(dataset, dataset.train_rows(3)).shape == (3, 0)
    assert physics_names(dataset.meta["channels"], {"pressure_bar": 1.0}) == SCALE


def test_effective_energies_are_taken_at_their_own_temperature(tmp_path):
    change = change_channel(quantity="effective_energy", settings={"temperature_K": 200.0})
    write_dataset(tmp_path, n=4, change=change)
    dataset = load_dataset(tmp_path)
    overwrite(dataset, -600.0)
    np.testing.assert_allclose(log_factors(dataset, dataset.train_rows(3)), 3.0, rtol=1e-6)


def test_stored_factors_are_averaged_as_they_are(tmp_path):
    write_dataset(tmp_path, n=4, change=change_channel(quantity="boltzmann_factor"))
    dataset = load_dataset(tmp_path)
    overwrite(dataset, 0.25)
    np.testing.assert_allclose(log_factors(dataset, dataset.train_rows(3)), np.log(0.25), rtol=1e-6)


@pytest.mark.parametrize(("value", "expected"), [(np.inf, module.LOWEST_LOG_FACTOR), (-3e5, 3e5 / 298.0)])
def test_no_room_at_all_and_deep_wells_stay_finite(tmp_path, value, expected):
    """exp(1000) would overflow; ln 0 is put at its floor."""
    write_dataset(tmp_path, n=4, change=with_scale)
    dataset = load_dataset(tmp_path)
    overwrite(dataset, value)
    np.testing.assert_allclose(log_factors(dataset, dataset.train_rows(3)), expected, rtol=1e-6)


def test_planes_that_repeat_count_once(tmp_path):
    def endpoint(table, meta):
        with_scale(table, meta)
        meta["grid"]["endpoint"] = True

    write_dataset(tmp_path, n=4, change=endpoint)
    dataset = load_dataset(tmp_path)
    values = np.zeros((4, 4, 4))
    values[-1] = values[:, -1] = values[:, :, -1] = -1e4
    overwrite(dataset, values)
    np.testing.assert_allclose(log_factors(dataset, dataset.train_rows(2)), 0.0, atol=1e-12)


def test_all_planes_of_a_cubic_box_count(tmp_path):
    """Its last plane lies on the far face, but it is not the first one again."""

    def box(table, meta):
        with_scale(table, meta)
        meta["grid"] |= {"kind": "cubic_box", "endpoint": True}

    write_dataset(tmp_path, n=4, change=box)
    dataset = load_dataset(tmp_path)
    values = np.full((4, 4, 4), np.inf)
    values[-1] = 0.0
    overwrite(dataset, values)
    np.testing.assert_allclose(log_factors(dataset, dataset.train_rows(2)), np.log(0.25))


def with_pressure(table, meta):
    with_scale(table, meta)
    meta["transform"]["pressure_bar"] = 2.0


def test_uptake_at_low_pressure_is_henry_s(tmp_path):
    """In the limit of no pressure every volume of a site gives P <exp(-V/T)> / (R T), in SI units."""

    def nearly_vacuum(table, meta):
        with_scale(table, meta)
        meta["transform"]["pressure_bar"] = 1e-9

    write_dataset(tmp_path, n=6, change=nearly_vacuum)
    dataset = load_dataset(tmp_path)
    rows = dataset.train_rows(5)
    names = physics_names(dataset.meta["channels"], dataset.meta["transform"])
    values = scalar_inputs(dataset, rows, (), physics=True)
    henry = 1e-4 / (8.314462618 * TEMPERATURE_K) * rows["y"] * 1e-3  # mol/L
    for name, found in zip(names, values.T, strict=True):
        if name.endswith("mol_per_L"):
            np.testing.assert_allclose(found, henry, rtol=1e-5)
        if name.endswith("mol_per_kg"):
            np.testing.assert_allclose(found, henry / rows["cif_density_g_cm3"], rtol=1e-5)
    assert sum(name.startswith("langmuir_lj_") for name in names) == 6


def test_deep_wells_hold_one_guest_per_site(tmp_path):
    write_dataset(tmp_path, n=4, change=with_pressure)
    dataset = load_dataset(tmp_path)
    overwrite(dataset, -3e5)
    rows = dataset.train_rows(2)
    names = physics_names(dataset.meta["channels"], dataset.meta["transform"])
    values = dict(zip(names, scalar_inputs(dataset, rows, (), physics=True).T, strict=True))
    # one guest in 40 cubic angstrom; liquid methane (0.42 kg/L, 16 g/mol) has 26 mol/L
    np.testing.assert_allclose(values["langmuir_lj_40A3_mol_per_L"], 1 / 40e-27 / 6.02214076e23, rtol=1e-6)
