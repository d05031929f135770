"""The forest as plain arrays against scikit-learn itself."""

import numpy as np
import pytest
from sklearn.ensemble import RandomForestRegressor

from porevox.baseline.forest import FOREST_OPTIONS, Forest, fit_forest
from porevox.errors import PorevoxError


@pytest.fixture(scope="module")
def data():
    """Descriptors of very different scale, with ties, and a label that depends on two of them."""
    rng = np.random.default_rng(0)
    x = np.column_stack([rng.normal(size=300), rng.integers(0, 4, 300), rng.lognormal(8, 2, 300)])
    return x, np.sin(x[:, 0]) + x[:, 1] + rng.normal(0, 0.1, 300)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"n_estimators": 7, "max_depth": 3},
        {"n_estimators": 5, "min_samples_leaf": 20, "max_features": "sqrt", "bootstrap": False},
        {"n_estimators": 2, "min_samples_leaf": 300},
    ],
)
def test_predictions_are_those_of_scikit_learn_to_the_last_bit(data, options):
    x, y = data
    reference = RandomForestRegressor(**options, random_state=5, n_jobs=1).fit(x, y)
    forest = fit_forest(x, y, options, seed=5, threads=2)[0]
    other = np.random.default_rng(1).normal(size=(500, 3)) * [2, 3, 5000]
    for points in (x, other):
        np.testing.assert_array_equal(forest.predict(points), reference.predict(points))


def test_defaults_are_scikit_learns(data):
    forest = fit_forest(*data, {}, seed=0, threads=1)[0]
    assert len(forest.tree_offsets) == RandomForestRegressor().n_estimators + 1 == 101
    assert set(FOREST_OPTIONS) <= set(RandomForestRegressor().get_params())


def test_points_on_a_threshold_go_left(data):
    """A sample whose feature equals a threshold, which is where a wrong comparison shows."""
    x = np.arange(6.0).reshape(-1, 1)
    model = RandomForestRegressor(n_estimators=1, bootstrap=False, random_state=0).fit(x, x[:, 0])
    points = np.unique(model.estimators_[0].tree_.threshold).reshape(-1, 1)
    np.testing.assert_array_equal(Forest.from_sklearn(model).predict(points), model.predict(points))
    # A hair above the threshold in float64, but on it in float32, which is what trees see.
    above = points + 1e-12
    assert (above > points).all()
    np.testing.assert_array_equal(Forest.from_sklearn(model).predict(above), model.predict(points))
    np.testing.assert_array_equal(model.predict(above), model.predict(points))


def test_seeds(data):
    one, same, other = (
        fit_forest(*data, {"n_estimators": 3}, seed=s, threads=t)[0] for s, t in ((1, 1), (1, 2), (2, 1))
    )
    np.testing.assert_array_equal(one.threshold, same.threshold)
    assert not np.array_equal(one.predict(data[0]), other.predict(data[0]))


def test_no_points(data):
    forest, _ = fit_forest(*data, {"n_estimators": 3}, seed=0, threads=1)
    assert forest.predict(np.empty((0, 3))).shape == (0,)


def test_a_value_that_scikit_learn_refuses(data):
    with pytest.raises(PorevoxError, match="cannot be grown: The 'n_estimators' parameter"):
        fit_forest(*data, {"n_estimators": -1}, seed=0, threads=1)
