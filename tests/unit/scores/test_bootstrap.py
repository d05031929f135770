"""Resampling: what it draws, what it depends on, and its edge cases."""

import tracemalloc
import warnings

import numpy as np
import pytest
from scipy.stats import spearmanr

from porevox.scores import bootstrap
from porevox.scores.bootstrap import bootstrap_metrics, percentile_interval, resample_counts
from porevox.scores.metrics import METRICS


def all_counts(n, resamples, seed):
    return np.concatenate(list(resample_counts(n, resamples, seed)))


def test_every_resample_has_n_rows():
    counts = all_counts(37, 1000, 0)
    assert counts.shape == (1000, 37)
    assert (counts.sum(axis=1) == 37).all() and (counts >= 0).all()


def test_draws_depend_on_seed_and_n_but_not_on_the_blocks(monkeypatch):
    whole = all_counts(37, 200, 5)
    monkeypatch.setattr(bootstrap, "BLOCK_ELEMENTS", 37 * 7)
    np.testing.assert_array_equal(all_counts(37, 200, 5), whole)
    np.testing.assert_array_equal(all_counts(37, 50, 5), whole[:50])
    assert not np.array_equal(all_counts(37, 200, 6), whole)


def test_models_scored_together_or_alone_see_the_same_resamples():
    rng = np.random.default_rng(0)
    y_true, a, b = rng.normal(size=(3, 80))
    together = bootstrap_metrics(y_true, np.vstack([a, b]), 300, 1)
    alone = bootstrap_metrics(y_true, b, 300, 1)
    np.testing.assert_allclose(together[:, 1], alone[:, 0], rtol=1e-12)


def test_resampled_metrics_are_those_of_the_rows_drawn():
    rng = np.random.default_rng(0)
    y_true, y_pred = rng.normal(size=(2, 25))
    samples = bootstrap_metrics(y_true, y_pred, 20, 3)
    for counts, values in zip(all_counts(25, 20, 3), samples[:, 0], strict=True):
        t, p = np.repeat(y_true, counts), np.repeat(y_pred, counts)
        r2 = 1 - ((t - p) ** 2).sum() / ((t - t.mean()) ** 2).sum()
        expected = [r2, np.abs(t - p).mean(), ((t - p) ** 2).mean() ** 0.5]
        np.testing.assert_allclose(values, [*expected, spearmanr(t, p).statistic], rtol=1e-10)


def test_oracle_is_perfect_on_every_resample():
    y_true = np.random.default_rng(0).normal(size=50)
    samples = bootstrap_metrics(y_true, y_true, 500, 0)
    low, high = percentile_interval(samples)
    np.testing.assert_array_equal(low[0], [1, 0, 0, 1])
    np.testing.assert_array_equal(high[0], [1, 0, 0, 1])


@pytest.mark.parametrize("n", [1, 2])
def test_one_or_two_rows_give_no_warning(n):
    y_true, y_pred = np.array([1.0, 3.0])[:n], np.array([1.5, 2.0])[:n]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        low, high = percentile_interval(bootstrap_metrics(y_true, y_pred, 400, 0))
    r2, mae = METRICS.index("R2"), METRICS.index("MAE")
    if n == 1:
        assert np.isnan(low[0, r2]) and low[0, mae] == high[0, mae] == 0.5
    else:  # the half of the resamples that hold one row twice leave R2 undefined: left out
        expected = 1 - (0.5**2 + 1) / 2
        assert low[0, r2] == high[0, r2] == pytest.approx(expected)
        assert low[0, mae] == 0.5 and high[0, mae] == 1.0


def test_interval_is_the_percentiles_and_leaves_nan_out():
    samples = np.column_stack([np.arange(1001.0), np.full(1001, np.nan)])
    samples[500, 0] = np.nan
    low, high = percentile_interval(samples, 0.9)
    kept = np.delete(np.arange(1001.0), 500)
    np.testing.assert_allclose([low[0], high[0]], np.percentile(kept, [5, 95]))
    assert np.isnan(low[1]) and np.isnan(high[1])


@pytest.mark.parametrize("confidence", [0, 1, 95])
def test_confidence_must_be_a_share(confidence):
    with pytest.raises(ValueError, match="between 0 and 1"):
        percentile_interval(np.zeros(3), confidence)


def test_memory_stays_small_for_the_thesis_test_set():
    y_true, y_pred = np.random.default_rng(0).normal(size=(2, 27_438))
    bootstrap_metrics(y_true[:10], y_pred[:10], 2, 0)  # compiles
    tracemalloc.start()
    bootstrap_metrics(y_true, y_pred, 100, 0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100e6
