"""Metrics against scikit-learn and scipy, on sets and on resamples written out row by row."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

from porevox.scores.metrics import METRICS, CountScorer, score


def independent(y_true, y_pred):
    return [
        r2_score(y_true, y_pred),
        mean_absolute_error(y_true, y_pred),
        root_mean_squared_error(y_true, y_pred),
        spearmanr(y_true, y_pred).statistic,
    ]


def example(n=300, seed=0, decimals=1):
    rng = np.random.default_rng(seed)
    y_true = rng.gamma(2, 3, n).round(decimals)  # ties, as labels with few digits have
    return y_true, (y_true + rng.normal(size=n)).round(decimals)


def test_score_equals_sklearn_and_scipy():
    y_true, y_pred = example()
    np.testing.assert_allclose(list(score(y_true, y_pred).values()), independent(y_true, y_pred))
    assert tuple(score(y_true, y_pred)) == METRICS


def test_counts_equal_the_expanded_resample():
    y_true, first = example()
    y_pred = np.vstack([first, first[::-1], np.random.default_rng(1).normal(size=first.size)])
    draws = np.random.default_rng(2).integers(0, y_true.size, size=(5, y_true.size))
    counts = np.array([np.bincount(row, minlength=y_true.size) for row in draws])
    found = CountScorer(y_true, y_pred)(counts)
    assert found.shape == (5, 3, 4)
    for row, values in zip(draws, found, strict=True):
        for k in range(3):
            expected = independent(y_true[row], y_pred[k][row])
            np.testing.assert_allclose(values[k], expected, rtol=1e-12, atol=1e-13)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3), st.integers(0, 4)), min_size=2, max_size=9))
def test_spearman_with_many_ties(rows):
    y_true, y_pred, counts = np.array(rows, float).T
    if counts.sum() == 0:
        counts[0] = 1
    expanded = [np.repeat(values, counts.astype(int)) for values in (y_true, y_pred)]
    found = CountScorer(y_true, y_pred, ("Spearman",))(counts[None])[0, 0, 0]
    if any(np.ptp(values) == 0 for values in expanded):
        assert np.isnan(found)
    else:
        assert found == pytest.approx(spearmanr(*expanded).statistic, abs=1e-12)


def test_spearman_is_exact_for_many_rows():
    rng = np.random.default_rng(0)
    y_true, y_pred = rng.normal(size=(2, 27_438))
    expected = spearmanr(y_true, y_pred).statistic
    assert score(y_true, y_pred)["Spearman"] == pytest.approx(expected, abs=1e-12)
    assert score(y_true, y_true**3)["Spearman"] == 1.0
    assert score(y_true, -y_true)["Spearman"] == -1.0


def test_oracle_is_perfect():
    y_true, _ = example()
    assert score(y_true, y_true) == {"R2": 1.0, "MAE": 0.0, "RMSE": 0.0, "Spearman": 1.0}


def test_mean_prediction_has_no_skill_and_no_rank_correlation():
    y_true, _ = example()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = score(y_true, np.full(y_true.size, y_true.mean()))
    assert found["R2"] == pytest.approx(0.0, abs=1e-12)
    assert np.isnan(found["Spearman"])


@pytest.mark.parametrize("y_true", [[2.5], [2.5, 2.5, 2.5], [1e300, 1e300]])
def test_equal_true_values_leave_r2_and_rho_undefined(y_true):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = score(np.array(y_true), np.array(y_true) - 0.5, ("R2", "MAE", "Spearman"))
    assert np.isnan(found["R2"]) and np.isnan(found["Spearman"])
    assert found["MAE"] == pytest.approx(0.5 if y_true[0] < 10 else 0.0)


def test_resample_of_equal_values_is_undefined_though_the_set_is_not():
    scorer = CountScorer(np.array([0.1, 0.1, 0.7]), np.array([0.1, 0.3, 0.5]))
    found = scorer(np.array([[2, 1, 0], [1, 1, 1]]))
    assert np.isnan(found[0, 0, [0, 3]]).all() and np.isfinite(found[0, 0, [1, 2]]).all()
    assert np.isfinite(found[1]).all()


def test_r2_survives_a_mean_far_larger_than_the_spread():
    y_true, y_pred = example(decimals=6)
    shifted = score(y_true + 1e9, y_pred + 1e9)["R2"]
    assert shifted == pytest.approx(r2_score(y_true, y_pred), abs=1e-6)


def test_r2_of_a_resample_close_together_in_a_wide_set():
    # Two close values drawn from a set with one far outlier: sums of squares cancel to nothing.
    y_true = np.array([1.0, 1.0 + 1e-7, 1e6])
    y_pred = np.array([1.0 + 2e-7, 1.0, 0.0])
    counts = np.array([[1, 2, 0]])
    drawn = [0, 1, 1]
    found = CountScorer(y_true, y_pred, ("R2",))(counts)[0, 0, 0]
    assert found == pytest.approx(r2_score(y_true[drawn], y_pred[drawn]), rel=1e-6)


@pytest.mark.parametrize(
    ("y_true", "y_pred"),
    [([], []), ([1.0, 2.0], [1.0]), ([1.0, np.nan], [1.0, 2.0]), ([1.0, 2.0], [np.inf, 2.0])],
)
def test_bad_input_is_refused(y_true, y_pred):
    with pytest.raises(ValueError):
        score(np.array(y_true), np.array(y_pred))
