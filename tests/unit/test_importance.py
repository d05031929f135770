"""Permutation importance against scikit-learn's, and what is averaged and drawn."""

import matplotlib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.inspection import permutation_importance

from porevox.baseline.features import HISTOGRAM
from porevox.baseline.models import load_baseline
from porevox.baselines import train_baseline
from porevox.errors import PorevoxError
from porevox.importance import REPEATS, importance, permutation_drops, summarise
from porevox.learning.voxelset import load_dataset
from synthetic_dataset import write_dataset


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Folder of a dataset with runs of a forest (two sizes, two seeds) and of boosted trees."""
    folder = tmp_path_factory.mktemp("importance")
    write_dataset(folder, n_train=80, n_test=60, n=6, without_voxels=["S-099"])
    options = {
        "rf": {"type": "random_forest", "n_estimators": 5},
        "boost": {"type": "gradient_boosting", "features": "both", "max_iter": 20},
    }
    runs = {}
    for model, size, seed in [("rf", 40, 0), ("rf", 80, 1), ("rf", 80, 0), ("boost", 80, 0)]:
        out = folder / model / f"n{size}" / f"seed{seed}"
        train_baseline(folder, out, size, seed, options[model], model, 1)
        runs.setdefault(model, []).append(out)
    return folder, runs


class Frozen(RegressorMixin, BaseEstimator):
    def __init__(self, baseline=None):
        self.baseline = baseline

    def fit(self, x, y):
        return self

    def predict(self, x):
        return self.baseline.predict(x)

    def __sklearn_is_fitted__(self):
        return True


def test_drops_are_scikit_learns(trained):
    folder, runs = trained
    baseline, dataset = load_baseline(runs["rf"][2]), load_dataset(folder)
    rows = dataset.held_out_rows()
    features = baseline.features(dataset, rows[rows["subset"] == "test"])
    found = permutation_drops(baseline, features, repeats=80).groupby("feature", sort=False)["drop"]
    y = features.rows["y"].to_numpy()
    reference = permutation_importance(
        Frozen(baseline), features.x, y, scoring="r2", n_repeats=80, random_state=1
    )
    # two samples of 80 shuffles
    error = np.hypot(found.std(), reference.importances_std) / np.sqrt(80)
    assert (np.abs(found.mean() - reference.importances_mean) < 4 * error).all()
    np.testing.assert_allclose(found.std(), reference.importances_std, rtol=0.4)
    assert found.mean()["void_fraction"] > 0.5 > abs(found.mean()["noise"])


def test_what_is_averaged(trained, tmp_path):
    folder, runs = trained
    table = importance(folder, runs, tmp_path / "figures" / "importance").set_index(["model", "feature"])
    assert list(table.index) == [
        ("rf", "void_fraction"),
        ("rf", "noise"),
        ("boost", "void_fraction"),
        ("boost", "noise"),
        ("boost", HISTOGRAM),
    ]
    forest, boost = table.loc["rf"].iloc[0], table.loc["boost"].iloc[0]
    assert (forest["seeds"], forest["n_train"], forest["n_test"]) == (2, 80, 60)
    assert (boost["seeds"], boost["n_train"], boost["n_test"]) == (1, 80, 59)
    dataset = load_dataset(folder)
    rows, drops = dataset.held_out_rows(), []
    for run in runs["rf"][1:]:
        baseline = load_baseline(run)
        features = baseline.features(dataset, rows[rows["subset"] == "test"])
        drops.append(permutation_drops(baseline, features).query("feature == 'void_fraction'")["drop"])
    drops = np.concatenate(drops)
    assert drops.size == 2 * REPEATS and forest["importance"] == pytest.approx(drops.mean())
    assert forest["importance_std"] == pytest.approx(drops.std(ddof=1))
    # the label is a mean of the energies: the histogram tells it, noise tells nothing
    assert table.loc[("boost", HISTOGRAM), "importance"] > 10 * abs(
        table.loc[("boost", "noise"), "importance"]
    )
    written = pd.read_csv(tmp_path / "figures" / "importance.csv").set_index(["model", "feature"])
    np.testing.assert_allclose(written["importance"], table["importance"], rtol=1e-8)
    files = {path.name for path in (tmp_path / "figures").iterdir()}
    assert files == {f"importance.{kind}" for kind in ("pdf", "svg", "png", "csv")}


def test_the_same_bytes_each_time_and_nothing_left_behind(trained, tmp_path):
    folder, runs = trained
    before = dict(matplotlib.rcParams)
    for name in ("a", "b"):
        importance(folder, runs, tmp_path / name, models=["retnet", *runs, "mean"], controls=["mean"])
    for kind in ("pdf", "svg", "png", "csv"):
        assert (tmp_path / f"a.{kind}").read_bytes() == (tmp_path / f"b.{kind}").read_bytes()
    assert dict(matplotlib.rcParams) == before


def test_one_seed_and_one_shuffle_have_no_spread():
    drops = pd.DataFrame({"feature": ["a", "b"], "repeat": 0, "drop": [0.5, 0.0], "R2": 0.9})
    table = summarise(drops.assign(model="m", n_train=3, n_used=3, n_test=3, seed=0))
    assert list(table["importance_std"]) == [0, 0] and list(table["importance"]) == [0.5, 0.0]


def test_runs_that_cannot_be_explained(trained, tmp_path):
    folder, runs = trained
    with pytest.raises(PorevoxError, match="No model of the study looks at descriptors"):
        importance(folder, {}, tmp_path / "x")
    with pytest.raises(PorevoxError, match="no run of rf"):
        importance(folder, {"rf": []}, tmp_path / "x")
    other = tmp_path / "other"
    other.mkdir()
    write_dataset(other, n_train=80, n_test=60, n=6, seed=1)
    with pytest.raises(PorevoxError, match="trained on another dataset"):
        importance(other, runs, tmp_path / "x")
    constant = tmp_path / "constant"
    constant.mkdir()

    def same_labels(table, meta):
        table["y"] = 1.0
        meta["digest"] = "digest-0"

    write_dataset(constant, n_train=80, n_test=60, n=6, change=same_labels)
    with pytest.raises(PorevoxError, match="no two different labels"):
        importance(constant, runs, tmp_path / "x")
    assert not list(tmp_path.glob("x*"))


def test_a_model_with_a_view_of_its_own_is_explained_by_what_it_was_trained_on(tmp_path):
    write_dataset(tmp_path, n_train=40, n_test=30, n=6, channels=("a", "b"))
    transform = {"kind": "boltzmann", "temperature_K": 600.0}
    options = {"type": "gradient_boosting", "features": "both", "max_iter": 20}
    options |= {"channels": ["b", "a"], "transform": transform}
    train_baseline(tmp_path, tmp_path / "run", 40, 0, options, "boost", 1)
    table = importance(tmp_path, {"boost": [tmp_path / "run"]}, tmp_path / "figure")
    test = pd.read_csv(tmp_path / "run" / "predictions.csv").query("subset == 'test'")
    error = ((test["y_pred"] - test["y_true"]) ** 2).sum()
    R2 = 1 - error / ((test["y_true"] - test["y_true"].mean()) ** 2).sum()
    assert table["R2"].iloc[0] == pytest.approx(R2, rel=1e-6)
