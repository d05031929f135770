"""Kernel ridge regression against scikit-learn and against a closed form."""

import numpy as np
import pytest
from scipy.spatial.distance import pdist
from sklearn.kernel_ridge import KernelRidge
from sklearn.model_selection import GridSearchCV
from threadpoolctl import threadpool_limits

from porevox.baseline import kernel_ridge
from porevox.baseline.crossvalidation import inner_folds
from porevox.baseline.kernel_ridge import OPTIONS, fit_kernel_ridge


def data(n, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 2)) * [1, 1000]
    return x, 5 + np.sin(2 * x[:, 0]) + x[:, 1] / 1000


def test_predictions_are_those_of_scikit_learn_with_the_chosen_settings():
    x, y = data(120)
    model, chosen = fit_kernel_ridge(x, y, OPTIONS, 0, 1)
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    reference = KernelRidge(alpha=chosen["alpha"], kernel="rbf", gamma=chosen["gamma"])
    reference.fit(z, y - y.mean())
    other = data(1500, seed=1)[0]  # more than are predicted at a time
    expected = y.mean() + reference.predict((other - x.mean(axis=0)) / x.std(axis=0))
    np.testing.assert_allclose(model.predict(other), expected, rtol=1e-7)
    assert chosen["n_points"] == 120


def test_the_settings_are_those_of_a_grid_search():
    x, y = data(60)
    y = y + np.random.default_rng(1).normal(0, 0.3, 60)
    _, chosen = fit_kernel_ridge(x, y, OPTIONS, 3, 1)
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    median = np.median(pdist(z, "sqeuclidean"))
    grid = {"gamma": kernel_ridge._GAMMAS / median, "alpha": kernel_ridge._ALPHAS}
    search = GridSearchCV(
        KernelRidge(kernel="rbf"), grid, scoring="neg_mean_squared_error", cv=inner_folds(60, 3)
    )
    # folds of equal size, so that the mean over folds is the mean over structures
    best = search.fit(z, y - y.mean()).best_params_
    assert chosen["gamma"] == pytest.approx(best["gamma"]) and chosen["alpha"] == best["alpha"]
    assert chosen["alpha"] > 1e-6


def test_a_smooth_function_is_learned():
    x, y = data(200)
    model, _ = fit_kernel_ridge(x, y, OPTIONS, 0, 1)
    other, truth = data(200, seed=1)
    inside = np.abs(other / [1, 1000]).max(axis=1) < 1.5
    assert np.abs(model.predict(other) - truth)[inside].max() < 0.05


def test_far_from_everything_it_names_the_training_mean():
    x, y = data(60)
    model, _ = fit_kernel_ridge(x, y, OPTIONS, 0, 1)
    np.testing.assert_allclose(model.predict(np.full((1, 2), 1e9)), y.mean(), rtol=1e-12)


def test_the_digits_do_not_depend_on_the_threads():
    x, y = data(150)
    found = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            found.append(fit_kernel_ridge(x, y, OPTIONS, 0, threads)[0].weights)
    np.testing.assert_array_equal(*found)


def test_large_training_subsets_are_thinned_out(monkeypatch):
    monkeypatch.setattr(kernel_ridge, "LARGEST", 50)
    monkeypatch.setattr(kernel_ridge, "CHOOSE_ON", 20)
    x, y = data(200)
    model, chosen = fit_kernel_ridge(x, y, OPTIONS, 0, 1)
    assert chosen["n_points"] == len(model.points) == len(model.weights) == 50
    other, truth = data(200, seed=1)
    assert np.corrcoef(model.predict(other), truth)[0, 1] > 0.9


@pytest.mark.parametrize("n", [2, 3, 6])
def test_few_structures_and_constant_labels(n):
    x, y = data(n)
    assert np.isfinite(fit_kernel_ridge(x, y, OPTIONS, 0, 1)[0].predict(x)).all()
    flat, _ = fit_kernel_ridge(x, np.full(n, 2.5), OPTIONS, 0, 1)
    np.testing.assert_allclose(flat.predict(data(9, seed=3)[0]), 2.5, rtol=1e-12)


def test_structures_that_look_all_alike():
    model, _ = fit_kernel_ridge(np.ones((8, 3)), np.arange(8.0), OPTIONS, 0, 1)
    np.testing.assert_allclose(model.predict(np.ones((1, 3))), 3.5, rtol=1e-9)
