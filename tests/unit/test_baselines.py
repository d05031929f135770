"""Baselines: their rows, files and predictions."""

import json

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file
from sklearn.ensemble import RandomForestRegressor
from sklearn.metrics import r2_score

from porevox.baseline.models import KINDS, load_baseline
from porevox.baselines import train_baseline
from porevox.errors import PorevoxError
from porevox.learning.voxelset import load_dataset
from synthetic_dataset import write_dataset

FILES = ["history.csv", "model.json", "model.safetensors", "predictions.csv", "run.json"]


def train(folder, out, size=20, seed=0, threads=1, **options):
    train_baseline(folder, out, size, seed, {"type": "random_forest", **options}, "rf", threads)
    return pd.read_csv(out / "predictions.csv"), json.loads((out / "run.json").read_text())


def large(table, meta):
    """One training row holds a number that float64 holds and float32 does not (COFs database)."""
    table.loc[table["id"] == "S-005", "void_fraction"] = 2e44


def test_a_forest_is_scikit_learns_on_the_rows_that_have_all_descriptors(tmp_path):
    write_dataset(tmp_path, n=4, without_descriptors=["S-001", "S-026", "S-035"], change=large)
    predictions, run = train(tmp_path, tmp_path / "out", seed=3, threads=2)
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == FILES
    expected = {"type": "random_forest", "n_train": 20, "n_used": 18, "n_dropped": 2, "size": 20}
    expected |= {"n_validation": 5, "n_test": 9, "device": "cpu", "seed": 3}
    assert {k: run[k] for k in expected} == expected

    table = load_dataset(tmp_path).table.set_index("id")
    names = [f"S-{i:03d}" for i in range(20) if i not in (1, 5)]
    columns = ["void_fraction", "noise"]
    model = RandomForestRegressor(random_state=3).fit(table.loc[names, columns].to_numpy(), table.y[names])
    assert not {"S-026", "S-035"} & set(predictions["id"])
    # Text and back: one unit in the last place.
    reference = model.predict(table.loc[predictions["id"], columns].to_numpy())
    np.testing.assert_allclose(predictions["y_pred"], reference, rtol=4e-16)
    history = pd.read_csv(tmp_path / "out" / "history.csv")
    assert len(history) == 1 and history["fit_wall_time_s"][0] > 0


def test_a_loaded_forest_repeats_its_predictions(tmp_path):
    write_dataset(tmp_path, n=4)
    predictions, _ = train(tmp_path, tmp_path / "out", n_estimators=9)
    forest = load_baseline(tmp_path / "out")
    columns = forest.meta["inputs"]["descriptors"]
    assert columns == ["void_fraction", "noise"] and len(forest.model.tree_offsets) == 10
    table = load_dataset(tmp_path).table.set_index("id").loc[predictions["id"]]
    y_pred = forest.predict(table[columns].to_numpy())
    np.testing.assert_allclose(y_pred, predictions["y_pred"], rtol=4e-16)


def densities(table, meta):
    table["cif_density_g_cm3"] = 1.0


OPTIONS = {
    "physics": {},
    "linear": {},
    "ridge": {"type": "linear", "penalty": "ridge", "features": "both"},
    "kernel_ridge": {"features": "both"},
    "random_forest": {},
    "gradient_boosting": {"features": "histogram", "min_samples_leaf": 5},
    "mean": {},
}


@pytest.mark.parametrize("name", OPTIONS)
def test_every_baseline_leaves_the_five_files_and_can_be_asked_again(tmp_path, name):
    write_dataset(tmp_path, n_train=60, n_test=20, n=6, change=densities, without_voxels=["S-002", "S-079"])
    options = {"type": name} | OPTIONS[name]
    train_baseline(tmp_path, tmp_path / "out", "100%", 0, options, "m", 1)
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == FILES
    run = json.loads((tmp_path / "out" / "run.json").read_text())
    predictions = pd.read_csv(tmp_path / "out" / "predictions.csv")
    with_voxels = name not in ("random_forest", "mean")
    assert (run["n_used"], run["n_dropped"]) == ((59, 1) if with_voxels else (60, 0))
    assert (run["n_validation"], run["n_test"]) == ((6, 19) if with_voxels else (6, 20))
    loaded, dataset = load_baseline(tmp_path / "out"), load_dataset(tmp_path)
    features = loaded.features(dataset, dataset.held_out_rows())
    assert list(features.rows["id"]) == list(predictions["id"])
    np.testing.assert_allclose(loaded.predict(features.x), predictions["y_pred"], rtol=4e-16)
    # all but the mean learn what a label has to do with energies or descriptors
    score = r2_score(predictions["y_true"], predictions["y_pred"])
    assert score < 0.01 if name == "mean" else score > 0.5


def test_all_types_are_tried_above():
    assert {options.get("type", name) for name, options in OPTIONS.items()} == set(KINDS)


def test_the_label_is_henry_s_law_itself(tmp_path):
    """The synthetic label is the mean Boltzmann factor: a straight line over K_H per volume, exactly."""
    write_dataset(tmp_path, n_train=60, n_test=20, n=6, change=densities)
    options = {"type": "physics", "clip_quantile": 1.0}
    train_baseline(tmp_path, tmp_path / "out", "100%", 0, options, "m", 1)
    card = json.loads((tmp_path / "out" / "model.json").read_text())
    assert card["chosen"] == {"abscissa": "linear", "per": "mass"}  # at a density of 1 both are alike
    model = load_baseline(tmp_path / "out").model
    assert model.slope[0] == pytest.approx(8.31446261815324 * 298.0 * 1000.0, rel=1e-6)
    assert model.intercept[0] == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("name", OPTIONS)
def test_a_training_subset_of_three(tmp_path, name):
    write_dataset(tmp_path, n=4, change=densities)
    options = {"type": name, **({"max_iter": None} if name == "gradient_boosting" else {})} | OPTIONS[name]
    train_baseline(tmp_path, tmp_path / "out", 3, 0, options, "m", 1)
    assert len(pd.read_csv(tmp_path / "out" / "predictions.csv")) == 16


@pytest.mark.parametrize("name", [name for name in OPTIONS if name not in ("mean", "random_forest")])
def test_same_bytes_on_any_number_of_threads(tmp_path, name):
    write_dataset(tmp_path, n_train=60, n=6, change=densities)
    options = {"type": name} | OPTIONS[name]
    for threads in (1, 3):
        train_baseline(tmp_path, tmp_path / str(threads), "100%", 0, options, "m", threads)
    for file in ("model.safetensors", "predictions.csv"):
        assert (tmp_path / "1" / file).read_bytes() == (tmp_path / "3" / file).read_bytes()


def test_same_seed_same_files(tmp_path):
    write_dataset(tmp_path, n=4)
    train(tmp_path, tmp_path / "a", threads=2)
    train(tmp_path, tmp_path / "b", threads=1)
    train(tmp_path, tmp_path / "c", seed=1)
    for name in ("predictions.csv", "model.safetensors"):
        a, b, c = ((tmp_path / run / name).read_bytes() for run in "abc")
        assert a == b != c


def test_descriptors_can_be_named(tmp_path):
    write_dataset(tmp_path, n=4, n_train=100, n_test=50, without_descriptors=["S-001"])
    whole, _ = train(tmp_path, tmp_path / "whole", size="100%", descriptors=None)
    noise, run = train(tmp_path, tmp_path / "noise", size="100%", descriptors=["noise"])
    assert run["n_used"] == 100
    scores = [r2_score(p["y_true"], p["y_pred"]) for p in (whole, noise)]
    assert scores[0] > 0.7 and scores[1] < 0.2


def test_the_forest_needs_no_voxels(tmp_path):
    write_dataset(tmp_path, n=4, without_voxels=["S-000", "S-039"])
    predictions, run = train(tmp_path, tmp_path / "out")
    assert run["n_used"] == 20 and "S-039" in set(predictions["id"])


def test_the_mean_uses_every_row(tmp_path):
    write_dataset(tmp_path, n=4, without_voxels=["S-000"], without_descriptors=["S-001", "S-039"])
    train_baseline(tmp_path, tmp_path / "out", "50%", 0, {"type": "mean"}, "control", 1)
    y = load_dataset(tmp_path).table.set_index("id")["y"]
    mean = y[[f"S-{i:03d}" for i in range(12)]].mean()
    predictions = pd.read_csv(tmp_path / "out" / "predictions.csv")
    assert len(predictions) == 16
    np.testing.assert_allclose(predictions["y_pred"], mean, rtol=1e-14)
    assert load_file(tmp_path / "out" / "model.safetensors")["mean"][0] == pytest.approx(mean, rel=1e-14)
    run = json.loads((tmp_path / "out" / "run.json").read_text())
    assert (run["n_train"], run["n_used"], run["n_dropped"]) == (12, 12, 0)
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == FILES


def test_held_out_labels_never_reach_a_model(tmp_path):
    outs = []
    for name in ("clean", "poisoned"):

        def poison(table, meta, name=name):
            densities(table, meta)
            if name == "poisoned":
                table.loc[table["subset"] != "train", "y"] = -1e6

        folder = tmp_path / name
        folder.mkdir()
        write_dataset(folder, n=4, change=poison)
        for kind, options in OPTIONS.items():
            train_baseline(folder, folder / kind, 20, 0, {"type": kind} | options, "m", 1)
        outs.append([load_file(folder / kind / "model.safetensors") for kind in OPTIONS])
    for clean, poisoned in zip(*outs, strict=True):
        assert all(np.array_equal(clean[k], poisoned[k]) for k in clean)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"type": "boosting"}, "type must be one of mean, physics, linear"),
        ({"type": "random_forest", "trees": 5}, "no option 'trees': the options are descriptors"),
        ({"type": "mean", "n_estimators": 5}, "mean has no option 'n_estimators'"),
        ({"type": "random_forest", "descriptors": ["PLD"]}, "no column of numbers named 'PLD'"),
        ({"type": "random_forest", "descriptors": []}, "needs descriptors"),
        ({"type": "random_forest", "n_estimators": 0}, "n_estimators"),
    ],
)
def test_options_that_make_no_sense(tmp_path, options, words):
    write_dataset(tmp_path, n=4)
    with pytest.raises(PorevoxError, match=words):
        train_baseline(tmp_path, tmp_path / "out", 20, 0, options, "m", 1)
    assert not (tmp_path / "out").exists()


def test_too_few_rows(tmp_path):
    write_dataset(tmp_path, n=4, without_descriptors=["S-000", "S-001"])
    with pytest.raises(PorevoxError, match="Only 1 of the first 3 training structures"):
        train(tmp_path, tmp_path / "out", size=3)

    def lose(table, meta):
        return table[~table["id"].isin(["S-000", "S-001"])]

    write = tmp_path / "unlabelled"
    write.mkdir()
    write_dataset(write, n=4, change=lose)
    with pytest.raises(PorevoxError, match="None of the first 2"):
        train_baseline(write, tmp_path / "out", 2, 0, {"type": "mean"}, "m", 1)
