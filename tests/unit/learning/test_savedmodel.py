"""A trained network on disk: it comes back as it was, and predicts what it predicted."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors import safe_open

from porevox.errors import PorevoxError
from porevox.learning import savedmodel
from porevox.learning.augment import symmetry_views
from porevox.learning.savedmodel import fingerprints, load_retnet, predict, predict_rows, raw_scalars
from porevox.learning.torchsetup import torch_session
from porevox.learning.voxelset import load_dataset, load_voxels
from porevox.training import train_retnet
from synthetic_dataset import write_dataset


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A trained run with scalars: (dataset folder, run folder)."""
    base = tmp_path_factory.mktemp("run")
    (base / "dataset").mkdir()
    write_dataset(base / "dataset", without_voxels=["S-030"])
    options = {"epochs": 1, "batch_size": 8, "scalars": ["void_fraction"]}
    train_retnet(base / "dataset", base / "out", base / "c", 20, 0, options, "net", 1, device="cpu")
    return base / "dataset", base / "out"


def test_a_loaded_model_repeats_the_predictions_of_its_training(run):
    model, meta = load_retnet(run[1])
    dataset = load_dataset(run[0])
    written = pd.read_csv(run[1] / "predictions.csv").set_index("id")["y_pred"]
    rows = dataset.held_out_rows()
    rows = rows[rows["shard"].notna()]
    with torch_session(1, torch.device("cpu")):
        y_pred = predict_rows(model, meta, dataset, rows)
    assert not model.training and len(y_pred) == 15
    # Written as text and read back: one unit in the last place of a float64.
    np.testing.assert_allclose(y_pred, written[rows["id"]], rtol=4e-16)


def test_predictions_do_not_depend_on_the_order_or_the_company(run, monkeypatch):
    model, meta = load_retnet(run[1])
    dataset = load_dataset(run[0])
    rows = dataset.train_rows(24)
    together = predict_rows(model, meta, dataset, rows)
    monkeypatch.setattr(savedmodel, "PREDICTION_BATCH", 5)
    backwards = predict_rows(model, meta, dataset, rows.iloc[::-1])
    np.testing.assert_allclose(together, backwards[::-1], rtol=1e-5)
    assert np.ptp(together) > 0


def test_prediction_is_standardisation_then_the_network(run):
    """The same numbers from the formula x' = (x - mean) / std and a plain forward pass."""
    model, meta = load_retnet(run[1])
    dataset = load_dataset(run[0])
    rows = dataset.train_rows(4)
    voxels, scalars = load_voxels(dataset, rows), rows[["void_fraction"]].to_numpy()
    x = (voxels - meta["standardisation"]["mean"][0]) / meta["standardisation"]["std"][0]
    s = (scalars - meta["scalars"]["mean"][0]) / meta["scalars"]["std"][0]
    before = voxels.copy()
    inputs = torch.tensor(x, dtype=torch.float32), torch.tensor(s, dtype=torch.float32)
    with torch.no_grad():
        expected, phi = model(*inputs).numpy(), model.fingerprint(*inputs).numpy()
    model.train()
    np.testing.assert_allclose(predict(model, meta, voxels, scalars), expected, rtol=1e-4)
    found = fingerprints(model, meta, voxels, scalars)
    assert found.shape == (4, 20)
    np.testing.assert_allclose(found, phi, rtol=1e-3, atol=1e-5)
    assert model.training and np.array_equal(voxels, before)


def test_no_rows_give_no_predictions(run):
    model, meta = load_retnet(run[1])
    dataset = load_dataset(run[0])
    assert predict_rows(model, meta, dataset, dataset.train_rows(0)).shape == (0,)


def test_the_weights_carry_their_description(run):
    with safe_open(run[1] / "model.safetensors", framework="numpy") as file:
        inside = json.loads(file.metadata()["porevox"])
    assert inside == json.loads((run[1] / "model.json").read_text())


@pytest.mark.parametrize("how", ["missing", "truncated", "other architecture"])
def test_files_that_do_not_belong_together(run, tmp_path, how):
    for name in ("model.json", "model.safetensors"):
        (tmp_path / name).write_bytes((run[1] / name).read_bytes())
    weights = tmp_path / "model.safetensors"
    if how == "missing":
        weights.unlink()
    elif how == "truncated":
        weights.write_bytes(weights.read_bytes()[:1000])
    else:
        meta = json.loads((tmp_path / "model.json").read_text())
        meta["architecture"]["n_scalars"] = 2
        (tmp_path / "model.json").write_text(json.dumps(meta))
    with pytest.raises(PorevoxError, match="does not hold the network"):
        load_retnet(tmp_path)


def test_predictions_averaged_over_the_symmetries_do_not_depend_on_how_a_crystal_lies(run):
    """Over all 48 operations: a turned crystal has the same prediction, which a plain one has not."""
    model, meta = load_retnet(run[1])
    dataset = load_dataset(run[0])
    rows = dataset.train_rows(3)
    voxels, scalars = load_voxels(dataset, rows), raw_scalars(meta, dataset, rows)
    turned = np.ascontiguousarray(np.rot90(voxels, axes=(2, 4)))
    averaged = {**meta, "options": {**meta["options"], "test_time_augmentation": 48}}
    found = predict(model, averaged, voxels, scalars)
    np.testing.assert_allclose(found, predict(model, averaged, turned, scalars), rtol=1e-5)
    assert not np.allclose(
        predict(model, meta, voxels, scalars), predict(model, meta, turned, scalars), rtol=1e-4
    )
    views = symmetry_views(torch.from_numpy(voxels), 48)
    by_hand = np.mean([predict(model, meta, view.contiguous().numpy(), scalars) for view in views], axis=0)
    np.testing.assert_allclose(found, by_hand, rtol=1e-5)


def test_standardised_labels_come_back_in_the_unit_of_the_target(run):
    model, meta = load_retnet(run[1])
    dataset = load_dataset(run[0])
    rows = dataset.train_rows(3)
    plain = predict_rows(model, meta, dataset, rows)
    scaled = predict_rows(model, {**meta, "labels": {"mean": 100.0, "std": 3.0}}, dataset, rows)
    np.testing.assert_allclose(scaled, 3 * plain + 100, rtol=1e-12)


def test_a_prediction_that_does_not_fit_into_memory_goes_in_smaller_batches(run, monkeypatch):
    model, meta = load_retnet(run[1])
    dataset = load_dataset(run[0])
    rows = dataset.train_rows(20)
    expected, forward, sizes = predict_rows(model, meta, dataset, rows), type(model).forward, []

    def small_memory(self, voxels, scalars=None):
        sizes.append(len(voxels))
        if len(voxels) > 50:
            raise torch.cuda.OutOfMemoryError("put in by hand")
        return forward(self, voxels, scalars)

    monkeypatch.setattr(type(model), "forward", small_memory)
    many = pd.concat([rows] * 5)
    found = predict_rows(model, meta, dataset, many)
    np.testing.assert_allclose(found, np.tile(expected, 5), rtol=1e-5)
    assert sizes[:3] == [100, 64, 32] and max(sizes[2:]) == 32


def test_a_prediction_for_which_there_is_no_memory_at_all_fails(run, monkeypatch):
    model, meta = load_retnet(run[1])
    dataset = load_dataset(run[0])

    def no_memory(self, *args):
        raise torch.cuda.OutOfMemoryError("put in by hand")

    monkeypatch.setattr(type(model), "forward", no_memory)
    with pytest.raises(torch.cuda.OutOfMemoryError):
        predict_rows(model, meta, dataset, dataset.train_rows(5))


def test_scalars_beyond_all_measure_count_as_far_away():
    meta = {"scalars": {"mean": [1.0, 0.0], "std": [0.5, 2.0]}}
    found = savedmodel.standardised_scalars(np.array([[1.5, -4.0], [1e9, -1e9]]), meta)
    np.testing.assert_allclose(found, [[1, -2], [8, -8]])


def test_a_model_with_a_view_of_its_own_predicts_rows_of_the_study_s_dataset(tmp_path):
    write_dataset(tmp_path, n_train=8, n_validation=1, n_test=3, channels=("a", "b"))
    view = {"channels": ["b"], "transform": {"kind": "log1p_boltzmann", "temperature_K": 350.0}}
    options = {"epochs": 1, "batch_size": 4, **view}
    train_retnet(tmp_path, tmp_path / "out", tmp_path / "c", 8, 0, options, "net", 1, device="cpu")
    model, meta = load_retnet(tmp_path / "out")
    written = pd.read_csv(tmp_path / "out" / "predictions.csv").set_index("id")["y_pred"]
    dataset = load_dataset(tmp_path)
    rows = dataset.held_out_rows()
    np.testing.assert_allclose(predict_rows(model, meta, dataset, rows), written[rows["id"]], rtol=1e-5)
