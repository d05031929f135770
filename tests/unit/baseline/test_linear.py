"""Penalised linear regression: what is chosen, what is left out, and limits with a known answer."""

import numpy as np
import pytest
from sklearn.linear_model import Lasso, Ridge
from threadpoolctl import threadpool_limits

from porevox.baseline.linear import OPTIONS, fit_linear

LASSO, RIDGE = (OPTIONS | {"penalty": penalty} for penalty in ("lasso", "ridge"))


def data(n, noise=0.1, seed=0):
    """Two features of twenty matter; scales differ by powers of ten."""
    rng = np.random.default_rng(seed)
    scales = 10.0 ** np.random.default_rng(99).integers(-6, 6, 20)
    z = rng.normal(size=(n, 20))
    x = z * scales
    return x, 7 + z[:, 4] - 0.7 * z[:, 11] + rng.normal(0, noise, n)


@pytest.mark.parametrize(("options", "reference"), [(LASSO, Lasso), (RIDGE, Ridge)])
def test_the_model_is_scikit_learns_with_the_chosen_penalty(options, reference):
    x, y = data(150)
    model, chosen = fit_linear(x, y, options, 0, 1)
    mean, scale = x.mean(axis=0), x.std(axis=0)
    fitted = reference(alpha=chosen["alpha"], max_iter=20_000, tol=1e-10)
    fitted.fit((x - mean) / scale, (y - y.mean()) / y.std())
    other = data(50, seed=1)[0]
    expected = y.mean() + y.std() * fitted.predict((other - mean) / scale)
    np.testing.assert_allclose(model.predict(other), expected, rtol=1e-3)


def test_a_lasso_finds_what_matters():
    x, y = data(300, noise=0.05)
    model, chosen = fit_linear(x, y, LASSO, 0, 1)
    strength = np.abs(model.coefficients * x.std(axis=0))
    assert set(np.argsort(strength)[-2:]) == {4, 11}
    assert chosen["n_nonzero"] == (model.coefficients != 0).sum() < 20
    assert fit_linear(x, y, RIDGE, 0, 1)[1]["n_nonzero"] == 20


@pytest.mark.parametrize("options", [LASSO, RIDGE])
def test_units_make_no_difference(options):
    x, y = data(80)
    factors = 10.0 ** np.arange(-10, 10)
    a, b = fit_linear(x, y, options, 0, 1)[0], fit_linear(x * factors, 1e6 * y, options, 0, 1)[0]
    np.testing.assert_allclose(1e6 * a.predict(x), b.predict(x * factors), rtol=1e-6)


@pytest.mark.parametrize("options", [LASSO, RIDGE])
def test_noise_is_not_learned(options):
    x, _ = data(200)
    y = np.random.default_rng(5).normal(4, 1, 200)
    model, _ = fit_linear(x, y, options, 0, 1)
    assert model.predict(data(500, seed=2)[0]).std() < 0.25


@pytest.mark.parametrize("options", [LASSO, RIDGE])
@pytest.mark.parametrize("n", [2, 3, 6])
def test_few_structures_and_constant_labels(options, n):
    x, y = data(n)
    assert np.isfinite(fit_linear(x, y, options, 0, 1)[0].predict(x)).all()
    for label in (0.0, 2.3):
        model, chosen = fit_linear(x, np.full(n, label), options, 0, 1)
        np.testing.assert_allclose(model.predict(data(9, seed=3)[0]), label, rtol=1e-12)
        assert chosen == {"alpha": None, "n_nonzero": 0}


@pytest.mark.parametrize("options", [LASSO, RIDGE])
def test_features_that_do_not_vary(options):
    x, y = data(40)
    x[:, [0, 4, 11]] = 0.1
    model, _ = fit_linear(x, y, options, 0, 1)
    still = np.ones((10, 20)) * 0.1
    assert np.isfinite(model.predict(still)).all()
    everything, _ = fit_linear(np.full((40, 3), 0.1), y, options, 0, 1)
    np.testing.assert_allclose(everything.predict(np.full((2, 3), 0.1)), y.mean(), rtol=1e-9)


@pytest.mark.parametrize("options", [LASSO, RIDGE])
def test_the_digits_do_not_depend_on_the_threads(options):
    x, y = data(200)
    found = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            found.append(fit_linear(x, y, options, 0, threads)[0].coefficients)
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize("penalty", ["lasso", "ridge"])
def test_a_feature_beyond_all_measure_counts_as_eight_deviations(penalty):
    rng = np.random.default_rng(0)
    x = rng.normal(2.0, 0.5, size=(40, 1))
    model, _ = fit_linear(x, 3 * x[:, 0], {"penalty": penalty}, 0, 1)
    edge = x.mean() + 8 * x.std()
    at_edge, beyond, inside = model.predict(np.array([[edge], [1e6], [2.5]]))
    assert beyond == pytest.approx(at_edge) and inside == pytest.approx(7.5, abs=0.1)
