"""Reading a dataset folder and turning stored energies into the network's input."""

import json
from pathlib import Path

import numpy as np
import pytest

from porevox.errors import PorevoxError
from porevox.learning import voxelset
from porevox.learning.voxelset import load_dataset, load_voxels
from synthetic_dataset import mean_boltzmann_factor, write_dataset


def transform(kind, at_K=298.0, quantity="energy", **channel):
    """Change of a dataset: transform, and what its first channel holds."""

    def change(table, meta):
        meta["transform"] = {"kind": kind, "temperature_K": at_K}
        meta["channels"][0] |= {"quantity": quantity, **channel}

    return change


def overwrite(dataset, name, value):
    """Put a value into the first voxel of one structure's stored energies."""
    row = dataset.table.set_index("id").loc[name]
    path = dataset.meta["channels"][0]["shards"][str(int(row["shard"]))]
    store = np.load(path)
    store[int(row["row_lj"]), 0, 0, 0] = value
    np.save(path, store)


def test_values_and_order_for_any_list_of_ids(tmp_path, monkeypatch):
    """Ids from several shards, in any order, read in chunks smaller than a shard."""
    monkeypatch.setattr(voxelset, "CHUNK", 4)
    _, energies = write_dataset(tmp_path, n=5, shard_size=13)
    ids = list(np.random.default_rng(1).permutation(list(energies)))[:30]
    voxels = load_voxels(load_dataset(tmp_path), ids)
    assert voxels.dtype == np.float32 and voxels.shape == (30, 1, 5, 5, 5)
    for i, name in enumerate(ids):
        np.testing.assert_allclose(voxels[i], np.exp(-energies[name] / 298.0), rtol=1e-5)
        assert (voxels[i, 0, :2, :2, :2] == 0).all()  # exp(-inf), where atoms overlap
    means = voxels.mean(axis=(1, 2, 3, 4), dtype=float)
    table = load_dataset(tmp_path).table.set_index("id")
    np.testing.assert_allclose(means, table.loc[ids, "y"], rtol=1e-5)


def test_rows_and_ids_are_the_same_request(tmp_path):
    write_dataset(tmp_path, n=4)
    dataset = load_dataset(tmp_path)
    rows = dataset.held_out_rows()
    assert list(rows["subset"]) == ["validation"] * 6 + ["test"] * 10
    np.testing.assert_array_equal(load_voxels(dataset, rows), load_voxels(dataset, list(rows["id"])))


def test_channels_stand_side_by_side(tmp_path):
    _, energies = write_dataset(tmp_path, n=4, channels=("lj", "helium"))
    voxels = load_voxels(load_dataset(tmp_path), ["S-007", "S-003"])
    assert voxels.shape == (2, 2, 4, 4, 4)
    np.testing.assert_allclose(voxels[0], np.exp(-energies["S-007"] / 298.0), rtol=1e-5)


def test_train_rows_are_nested_and_in_the_order_of_the_list(tmp_path):
    write_dataset(tmp_path, n=4)
    dataset = load_dataset(tmp_path)
    small, large = dataset.train_rows(5), dataset.train_rows(9)
    assert list(small["id"]) == [f"S-{i:03d}" for i in range(5)] == list(large["id"][:5])


def test_a_name_without_a_row_keeps_its_place_in_the_list(tmp_path):
    """Size n means n names of the list; a name whose row is missing is not replaced."""
    write_dataset(tmp_path, n=4, change=lambda table, meta: table[table["id"] != "S-002"])
    dataset = load_dataset(tmp_path)
    assert dataset.n_train == 24
    assert list(dataset.train_rows(4)["id"]) == ["S-000", "S-001", "S-003"]


def test_ids_stay_text(tmp_path):
    def rename(table, meta):
        table["id"] = table["id"].replace({"S-000": "NA", "S-001": "007", "S-002": "1e5"})

    write_dataset(tmp_path, n=4, change=rename)
    dataset = load_dataset(tmp_path)
    assert list(dataset.train_rows(3)["id"]) == ["NA", "007", "1e5"]
    assert load_voxels(dataset, ["NA", "007", "1e5"]).shape[0] == 3


def test_has_voxels_asks_for_every_channel(tmp_path):
    def lose_one(table, meta):
        table.loc[table["id"] == "S-004", "row_helium"] = np.nan

    write_dataset(tmp_path, n=4, channels=("lj", "helium"), without_voxels=["S-001"], change=lose_one)
    dataset = load_dataset(tmp_path)
    assert set(dataset.table.loc[~dataset.has_voxels(), "id"]) == {"S-001", "S-004"}
    for name in ("S-001", "S-004"):
        with pytest.raises(PorevoxError, match=f"{name}.*no voxels"):
            load_voxels(dataset, [name])


def test_has_voxels_of_some_channels_only(tmp_path):
    def lose_one(table, meta):
        table.loc[table["id"] == "S-004", "row_helium"] = np.nan

    write_dataset(tmp_path, n=4, channels=("lj", "helium"), without_voxels=["S-001"], change=lose_one)
    dataset = load_dataset(tmp_path)
    assert set(dataset.table.loc[~dataset.has_voxels(["lj"]), "id"]) == {"S-001"}
    assert set(dataset.table.loc[~dataset.has_voxels(["helium"]), "id"]) == {"S-001", "S-004"}


def test_stored_values_come_in_small_parts_each_structure_once(tmp_path, monkeypatch):
    monkeypatch.setattr(voxelset, "CHUNK", 4)
    _, energies = write_dataset(tmp_path, n=4, shard_size=13, channels=("lj", "helium"))
    dataset = load_dataset(tmp_path)
    rows, seen = dataset.table.iloc[5:30], []
    for places, values in voxelset.stored_values(rows, dataset.meta["channels"][1], 4):
        assert len(places) == len(values) <= 4
        for place, stored in zip(places, values, strict=True):
            np.testing.assert_array_equal(stored, energies[rows["id"].iloc[place]][1].astype(np.float32))
        seen += list(places)
    assert sorted(seen) == list(range(25))


def test_unknown_id(tmp_path):
    write_dataset(tmp_path, n=4)
    with pytest.raises(PorevoxError, match="'X'"):
        load_voxels(load_dataset(tmp_path), ["S-000", "X"])


def test_log1p_boltzmann_neither_overflows_nor_loses_the_tail(tmp_path):
    write_dataset(tmp_path, n=4, change=transform("log1p_boltzmann"))
    dataset = load_dataset(tmp_path)
    # ln(1 + exp(x)) -> x for large x, -> exp(x) for very negative x
    for energy, expected in ((-298e3, 1000.0), (298 * 40.0, np.exp(-40.0)), (0.0, np.log(2.0))):
        overwrite(dataset, "S-000", energy)
        np.testing.assert_allclose(load_voxels(dataset, ["S-000"])[0, 0, 0, 0, 0], expected, rtol=1e-5)
    overwrite(dataset, "S-000", np.inf)
    assert load_voxels(dataset, ["S-000"])[0, 0, 0, 0, 0] == 0


@pytest.mark.parametrize(
    ("kind", "energy"),
    [
        ("boltzmann", -1e5),  # exp(335) fits float64, not float32
        ("boltzmann", -1e30),
        ("boltzmann", np.nan),
        ("identity", np.inf),
        ("log1p_boltzmann", np.nan),
    ],
)
def test_what_is_not_finite_names_the_structure(tmp_path, kind, energy):
    write_dataset(tmp_path, n=4, change=transform(kind))
    dataset = load_dataset(tmp_path)
    for name in dataset.table["id"]:
        overwrite(dataset, name, 0.0)
        store_free_of_infinity(dataset, name)
    assert np.isfinite(load_voxels(dataset, ["S-000", "S-008"])).all()
    overwrite(dataset, "S-008", energy)
    with pytest.raises(PorevoxError, match="S-008.*not finite"):
        load_voxels(dataset, ["S-000", "S-008", "S-001"])


def quantities(*names, limit_V=2.0, at_K=298.0):
    """Change of a dataset: what its channels hold."""

    def change(table, meta):
        meta["transform"]["potential_limit_V"] = limit_V
        for channel, name in zip(meta["channels"], names, strict=True):
            settings = {"temperature_K": at_K} if name == "effective_energy" else {}
            channel |= {"quantity": name, "settings": settings}

    return change


@pytest.mark.parametrize("kind", ["boltzmann", "log1p_boltzmann", "identity"])
def test_potentials_are_clipped_whatever_becomes_of_energies(tmp_path, kind):
    def change(table, meta):
        quantities("energy", "potential", limit_V=150.0)(table, meta)
        meta["transform"]["kind"] = kind

    _, energies = write_dataset(tmp_path, n=4, channels=("lj", "es"), change=change)
    dataset = load_dataset(tmp_path)
    overwrite(dataset, "S-000", 0.0)
    store_free_of_infinity(dataset, "S-000")
    voxels = load_voxels(dataset, ["S-000"])
    stored = energies["S-000"][1]  # +inf in one corner
    np.testing.assert_array_equal(voxels[0, 1], np.clip(stored, -150, 150).astype(np.float32))
    assert voxels[0, 1].max() == 150.0 > voxels[0, 1].min() and np.isfinite(voxels).all()


def test_three_channels_of_three_kinds_stand_side_by_side(tmp_path):
    change = quantities("energy", "effective_energy", "potential")
    _, energies = write_dataset(tmp_path, n=4, channels=("lj", "co2", "es"), change=change)
    voxels = load_voxels(load_dataset(tmp_path), ["S-007", "S-003"])
    for row, name in enumerate(["S-007", "S-003"]):
        np.testing.assert_allclose(voxels[row, :2], np.exp(-energies[name][:2] / 298.0), rtol=1e-5)
        np.testing.assert_allclose(voxels[row, 2], np.clip(energies[name][2], -2, 2), rtol=1e-6)


@pytest.mark.parametrize("kind", ["boltzmann", "log1p_boltzmann", "identity"])
def test_effective_energies_have_a_temperature_of_their_own(tmp_path, kind):
    def change(table, meta):
        quantities("effective_energy", at_K=273.0)(table, meta)
        meta["transform"]["kind"] = kind

    write_dataset(tmp_path, n=4, change=change)
    dataset = load_dataset(tmp_path)
    store_free_of_infinity(dataset, "S-000")
    if kind == "identity":
        assert np.isfinite(load_voxels(dataset, ["S-000"])).all()
    else:
        with pytest.raises(PorevoxError, match=f"already hold effective energies at 273.0 K.*{kind} at 298"):
            load_voxels(dataset, ["S-000"])


@pytest.mark.parametrize("limit_V", [None, 0, -1.0, np.inf])
def test_potentials_need_a_limit(tmp_path, limit_V):
    write_dataset(tmp_path, n=4, change=quantities("potential", limit_V=limit_V))
    with pytest.raises(PorevoxError, match="channel 'lj' are potentials.*potential_limit_V above 0 V"):
        load_voxels(load_dataset(tmp_path), ["S-000"])


def test_a_potential_that_is_no_number_names_the_structure(tmp_path):
    write_dataset(tmp_path, n=4, change=quantities("potential"))
    dataset = load_dataset(tmp_path)
    overwrite(dataset, "S-005", np.nan)
    with pytest.raises(PorevoxError, match="S-005.*not finite"):
        load_voxels(dataset, ["S-000", "S-005"])


@pytest.mark.parametrize("names", [("lj", "es"), ("lj", "co2", "es")])
def test_retnet_learns_from_several_channels(tmp_path, names):
    """Training, saving and predicting take as many channels as the grid has."""
    from porevox.training import train_retnet

    held = dict(zip(("lj", "co2", "es"), ("energy", "effective_energy", "potential"), strict=True))
    change = quantities(*(held[name] for name in names), limit_V=150.0)
    write_dataset(tmp_path, n=16, channels=names, change=change)
    options = {
        **{"type": "retnet", "epochs": 1, "batch_size": 8, "learning_rate": 1e-3, "dropout": 0.3},
        **{"lr_decay_every_epochs": 10, "lr_decay_factor": 0.5, "augmentation": "thesis", "scalars": []},
        "precision": "float32",
    }
    out, checkpoints = tmp_path / "out", tmp_path / "checkpoints"
    train_retnet(tmp_path, out, checkpoints, 16, 0, options, "retnet", threads=1, device="cpu")
    card = json.loads((out / "model.json").read_text())
    assert [channel["name"] for channel in card["channels"]] == list(names)
    predictions = (out / "predictions.csv").read_text().splitlines()
    assert len(predictions) == 1 + 16 and "nan" not in "".join(predictions)


def store_free_of_infinity(dataset, name):
    row = dataset.table.set_index("id").loc[name]
    path = dataset.meta["channels"][0]["shards"][str(int(row["shard"]))]
    np.save(path, np.nan_to_num(np.load(path), posinf=1e4))


def test_raw_energies_up_to_1e28_are_no_trouble(tmp_path):
    write_dataset(tmp_path, n=4)
    dataset = load_dataset(tmp_path)
    overwrite(dataset, "S-000", 1e28)
    assert load_voxels(dataset, ["S-000"])[0, 0, 0, 0, 0] == 0


@pytest.mark.parametrize("where", ["channel", "settings"])
def test_a_store_of_boltzmann_factors(tmp_path, where):
    """Identity and the same temperature give the stored factors, log1p their logarithm."""
    held = {"temperature_K": 298.0} if where == "channel" else {"settings": {"temperature_K": 298.0}}
    stored = {}
    for kind in ("identity", "boltzmann", "log1p_boltzmann"):
        folder = tmp_path / kind
        folder.mkdir()
        write_dataset(folder, n=4, change=transform(kind, quantity="boltzmann_factor", **held))
        dataset = load_dataset(folder)
        overwrite(dataset, "S-000", 0)
        store_free_of_infinity(dataset, "S-000")
        for shard in dataset.meta["channels"][0]["shards"].values():
            np.save(shard, np.abs(np.nan_to_num(np.load(shard), posinf=0.0)))
        stored[kind] = load_voxels(dataset, ["S-000", "S-005"])
    np.testing.assert_array_equal(stored["identity"], stored["boltzmann"])
    np.testing.assert_allclose(stored["log1p_boltzmann"], np.log1p(stored["identity"]), rtol=1e-6)


@pytest.mark.parametrize("kind", ["boltzmann", "log1p_boltzmann"])
@pytest.mark.parametrize("held", [{"temperature_K": 300.0}, {}])
def test_boltzmann_factors_refuse_another_temperature(tmp_path, kind, held):
    write_dataset(tmp_path, n=4, change=transform(kind, quantity="boltzmann_factor", **held))
    with pytest.raises(PorevoxError, match="already hold Boltzmann factors"):
        load_voxels(load_dataset(tmp_path), ["S-000"])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (transform("square"), "'square' is unknown"),
        (transform("boltzmann", 0.0), "temperature_K above 0"),
        (transform("boltzmann", None), "temperature_K above 0"),
        (transform("boltzmann", quantity="density"), "'density'"),
    ],
)
def test_transforms_that_make_no_sense(tmp_path, change, words):
    write_dataset(tmp_path, n=4, change=change)
    with pytest.raises(PorevoxError, match=words):
        load_voxels(load_dataset(tmp_path), ["S-000"])


def test_stores_that_do_not_fit_the_table(tmp_path):
    write_dataset(tmp_path, n=4, shard_size=100)
    dataset = load_dataset(tmp_path)
    path = Path(dataset.meta["channels"][0]["shards"]["0"])
    ids, store = list(dataset.table["id"]), np.load(path)
    np.save(path, store[:7])
    with pytest.raises(PorevoxError, match="has only 7 structures"):
        load_voxels(dataset, ids)
    np.save(path, store[:, :3])
    with pytest.raises(PorevoxError, match="shape"):
        load_voxels(dataset, ids)
    path.write_bytes(b"\x93NUMPY broken")
    with pytest.raises(PorevoxError, match="cannot be read"):
        load_voxels(dataset, ids)
    path.unlink()
    with pytest.raises(PorevoxError, match="cannot be read"):
        load_voxels(dataset, ids)
    dataset.meta["channels"][0]["shards"].clear()
    with pytest.raises(PorevoxError, match="not in dataset.json"):
        load_voxels(dataset, ids)


def test_pickled_stores_are_refused(tmp_path):
    write_dataset(tmp_path, n=4, shard_size=100)
    dataset = load_dataset(tmp_path)
    path = dataset.meta["channels"][0]["shards"]["0"]
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(PorevoxError, match="cannot be read"):
        load_voxels(dataset, ["S-000"])


def test_broken_dataset_folders(tmp_path):
    with pytest.raises(PorevoxError, match="cannot be read"):
        load_dataset(tmp_path)
    write_dataset(tmp_path, n=4)
    (tmp_path / "dataset.json").write_text(json.dumps({})[:1])
    with pytest.raises(PorevoxError, match="cannot be read"):
        load_dataset(tmp_path)


def test_the_synthetic_label_is_what_it_says(tmp_path):
    table, energies = write_dataset(tmp_path, n=4)
    name = table["id"].iloc[0]
    assert mean_boltzmann_factor(energies[name][0]) == table["y"].iloc[0]
