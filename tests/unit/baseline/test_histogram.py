"""Energy histograms against numpy's, for every kind of channel."""

import time

import numpy as np
import pytest

from porevox.baseline.histogram import (
    HISTOGRAM_OPTIONS,
    POTENTIAL_BINS,
    bin_edges,
    channel_temperature_K,
    energy_histogram,
)
from porevox.errors import PorevoxError
from porevox.learning import voxelset
from porevox.learning.voxelset import load_dataset
from synthetic_dataset import write_dataset

ENERGY = {"name": "lj", "quantity": "energy", "settings": {}}
AT_298 = {"kind": "boltzmann", "temperature_K": 298.0}


def histogram(tmp_path, change=None, options=HISTOGRAM_OPTIONS, channels=("lj",), n=6):
    """Histograms of all structures, with the energies by id in the same order."""
    _, energies = write_dataset(tmp_path, n=n, channels=channels, change=change)
    dataset = load_dataset(tmp_path)
    found = energy_histogram(dataset, dataset.table, options)
    return found, np.stack([energies[name] for name in dataset.table["id"]]).astype(np.float32)


def reference(values, edges):
    """Fractions of numpy: the open bins added at both ends."""
    edges = np.concatenate([[-np.inf], edges, [np.inf]])
    # numpy counts +inf to the last bin, which is closed
    return np.array([np.histogram(v.astype(float), edges)[0] / v.size for v in values])


def test_fractions_are_numpys_for_structures_of_several_shards(tmp_path, monkeypatch):
    monkeypatch.setattr(voxelset, "CHUNK", 4)
    found, energies = histogram(tmp_path)
    edges = bin_edges(ENERGY, AT_298, HISTOGRAM_OPTIONS)
    assert found.shape == (40, 52) and edges[0] == -20 and edges[-1] == 5 and len(edges) == 51
    np.testing.assert_allclose(found, reference(energies[:, 0] / 298.0, edges), atol=1e-12)
    # where atoms overlap: 8 of 216 points at least
    assert (found[:, -1] >= 8 / 216 - 1e-12).all()


def test_bins_can_be_chosen(tmp_path):
    options = {"histogram_min": -1.0, "histogram_max": 1.0, "histogram_bins": 3}
    found, energies = histogram(tmp_path, options=options)
    assert found.shape == (40, 5)
    np.testing.assert_allclose(found, reference(energies[:, 0] / 298.0, np.linspace(-1, 1, 4)), atol=1e-12)


def test_every_channel_counts_with_its_own_temperature_or_limit(tmp_path):
    def change(table, meta):
        meta["transform"]["potential_limit_V"] = 150.0
        quantities = ("energy", "effective_energy", "potential")
        for channel, quantity in zip(meta["channels"], quantities, strict=True):
            channel |= {"quantity": quantity, "settings": {"temperature_K": 273.0}}

    found, energies = histogram(tmp_path, change, channels=("lj", "co2", "es"))
    assert found.shape == (40, 52 + 52 + POTENTIAL_BINS + 2)
    edges = bin_edges(ENERGY, AT_298, HISTOGRAM_OPTIONS)
    volts = np.linspace(-150, 150, 41)
    np.testing.assert_allclose(found[:, :52], reference(energies[:, 0] / 298.0, edges), atol=1e-12)
    np.testing.assert_allclose(found[:, 52:104], reference(energies[:, 1] / 273.0, edges), atol=1e-12)
    np.testing.assert_allclose(found[:, 104:], reference(energies[:, 2], volts), atol=1e-12)


def test_channels_can_be_left_out(tmp_path):
    found, energies = histogram(
        tmp_path, options=HISTOGRAM_OPTIONS | {"channels": ["b"]}, channels=("a", "b")
    )
    edges = bin_edges(ENERGY, AT_298, HISTOGRAM_OPTIONS)
    np.testing.assert_allclose(found, reference(energies[:, 1] / 298.0, edges), atol=1e-12)


def test_boltzmann_factors_are_energies_again(tmp_path):
    def change(table, meta):
        meta["channels"][0] |= {"quantity": "boltzmann_factor", "temperature_K": 298.0}

    write_dataset(tmp_path, n=4, change=change)
    dataset = load_dataset(tmp_path)
    for path in dataset.meta["channels"][0]["shards"].values():
        np.save(path, np.exp(-np.load(path) / 298.0))
    found = energy_histogram(dataset, dataset.table, HISTOGRAM_OPTIONS)
    (tmp_path / "again").mkdir()
    again, _ = histogram(tmp_path / "again", n=4)
    assert np.abs(found - again).max() <= 2 / 64  # a value may round across an edge
    assert found[:, -1].min() >= 8 / 64


def test_a_plane_that_repeats_the_first_does_not_count(tmp_path):
    def change(table, meta):
        meta["grid"]["endpoint"] = True

    found, energies = histogram(tmp_path, change)
    edges = bin_edges(ENERGY, AT_298, HISTOGRAM_OPTIONS)
    np.testing.assert_allclose(
        found, reference(energies[:, 0, :-1, :-1, :-1].copy() / 298.0, edges), atol=1e-12
    )


def test_all_planes_of_a_cubic_box_count(tmp_path):
    def change(table, meta):
        meta["grid"] |= {"kind": "cubic_box", "endpoint": True}

    found, energies = histogram(tmp_path, change)
    edges = bin_edges(ENERGY, AT_298, HISTOGRAM_OPTIONS)
    np.testing.assert_allclose(found, reference(energies[:, 0] / 298.0, edges), atol=1e-12)


def test_extreme_energies_and_edges(tmp_path):
    write_dataset(tmp_path, n=4, shard_size=100)
    dataset = load_dataset(tmp_path)
    path = dataset.meta["channels"][0]["shards"]["0"]
    store = np.full_like(np.load(path), np.inf)
    store[:, 0, 0] = np.array([-1e30, 298.0 * -20, 298.0 * 5, 1e30], dtype=np.float32)
    np.save(path, store)
    found = energy_histogram(dataset, dataset.table, HISTOGRAM_OPTIONS)[0]
    # a bin holds its lower edge, and what is as large as the upper end lies above it
    assert found[[0, 1, 51]].tolist() == [1 / 64, 1 / 64, 62 / 64] and found.sum() == 1
    store[:, 1, 1, 1] = np.nan
    np.save(path, store)
    with pytest.raises(PorevoxError, match="S-0.. *' .*no numbers|hold values that are no numbers"):
        energy_histogram(dataset, dataset.table, HISTOGRAM_OPTIONS)


def test_no_rows(tmp_path):
    write_dataset(tmp_path, n=4)
    dataset = load_dataset(tmp_path)
    assert energy_histogram(dataset, dataset.table.iloc[:0], HISTOGRAM_OPTIONS).shape == (0, 52)


@pytest.mark.parametrize(
    ("channel", "transform", "changed", "words"),
    [
        (ENERGY, AT_298, {"histogram_min": 5.0}, "histogram_min must be below"),
        (ENERGY, AT_298, {"histogram_bins": 0}, "cannot have 0 bins"),
        ({**ENERGY, "quantity": "potential"}, AT_298, {}, "potential_limit_V above 0 V"),
    ],
)
def test_bins_that_make_no_sense(channel, transform, changed, words):
    with pytest.raises(PorevoxError, match=words):
        bin_edges(channel, transform, HISTOGRAM_OPTIONS | changed)


def test_temperatures():
    assert channel_temperature_K(ENERGY | {"settings": {"temperature_K": 1.0}}, AT_298) == 298.0
    guest = {"name": "co2", "quantity": "effective_energy", "settings": {"temperature_K": 313.0}}
    assert channel_temperature_K(guest, AT_298) == 313.0
    with pytest.raises(PorevoxError, match="'lj' need a temperature_K above 0 K"):
        channel_temperature_K(ENERGY, {"kind": "identity"})


def test_a_thousand_structures_take_no_time(tmp_path):
    """Bounded by reading: 250 structures of 25^3 take some tenths of a second of processor time."""
    write_dataset(tmp_path, n_train=250, n_validation=0, n_test=0, n=25, shard_size=250)
    dataset = load_dataset(tmp_path)
    start = time.process_time()
    energy_histogram(dataset, dataset.table, HISTOGRAM_OPTIONS)
    assert time.process_time() - start < 5.0
