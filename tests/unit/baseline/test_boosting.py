"""Boosted trees as plain arrays against scikit-learn itself."""

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

from porevox.baseline import boosting
from porevox.baseline.boosting import OPTIONS, fit_boosting


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    x = np.column_stack([rng.normal(size=400), rng.integers(0, 4, 400), rng.lognormal(8, 2, 400)])
    return x, np.sin(x[:, 0]) + x[:, 1] + rng.normal(0, 0.1, 400)


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"max_iter": 7, "learning_rate": 0.3, "max_leaf_nodes": 4},
        {"min_samples_leaf": 5, "l2_regularization": 2.0},
        {"max_leaf_nodes": None, "min_samples_leaf": 1, "max_iter": 20},
        {"min_samples_leaf": 300},
    ],
)
def test_predictions_are_those_of_scikit_learn(data, changed):
    options = OPTIONS | changed
    names = ("learning_rate", "max_iter", "max_leaf_nodes", "min_samples_leaf", "l2_regularization")
    reference = HistGradientBoostingRegressor(
        **{name: options[name] for name in names}, early_stopping=False, random_state=5
    ).fit(*data)
    model, chosen = fit_boosting(*data, options, seed=5, threads=2)
    other = np.random.default_rng(1).normal(size=(500, 3)) * [2, 3, 5000]
    # on the thresholds, too, where a wrong comparison shows
    edges = np.full((len(model.threshold), 3), np.median(data[0], axis=0))
    edges[np.arange(len(edges)), model.feature] = model.threshold
    for points in (data[0], other, edges):
        np.testing.assert_allclose(model.predict(points), reference.predict(points), rtol=1e-12, atol=1e-12)
    assert chosen["max_iter"] == options["max_iter"] == len(model.tree_offsets) - 1


def test_defaults_are_scikit_learns():
    reference = HistGradientBoostingRegressor().get_params()
    assert all(reference[name] == OPTIONS[name] for name in boosting._TREES)


def test_the_digits_do_not_depend_on_the_threads(data):
    found = []
    for threads in (1, 4):
        with threadpool_limits(threads):
            found.append(fit_boosting(*data, OPTIONS, seed=0, threads=threads)[0])
    one, two = found
    assert all(np.array_equal(a, b) for a, b in zip(vars(one).values(), vars(two).values(), strict=True))


def test_the_number_of_trees_is_chosen_inside_the_training_subset(data, monkeypatch):
    monkeypatch.setattr(boosting, "MOST_TREES", 60)
    x, y = data
    options = OPTIONS | {"max_iter": None, "learning_rate": 0.5}
    noise = np.random.default_rng(2).normal(size=len(y))
    chosen = {
        name: fit_boosting(x, labels, options, 0, 1)[1]["max_iter"]
        for name, labels in (("signal", y), ("noise", noise))
    }
    # noise is best left alone, a signal is not
    assert chosen["noise"] <= 3 < chosen["signal"] <= 60


@pytest.mark.parametrize("n", [2, 3, 5])
def test_few_structures_and_constant_labels(data, n, monkeypatch):
    monkeypatch.setattr(boosting, "MOST_TREES", 5)
    x, y = data[0][:n], np.full(n, 3.5)
    for max_iter in (10, None):
        model, _ = fit_boosting(x, y, OPTIONS | {"max_iter": max_iter}, 0, 1)
        np.testing.assert_allclose(model.predict(data[0]), 3.5, rtol=1e-12)
