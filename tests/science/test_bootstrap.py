"""The percentile bootstrap against scipy's, against theory, and against its own promise."""

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import r2_score

from porevox.scores.bootstrap import bootstrap_metrics, percentile_interval, resample_counts
from porevox.scores.metrics import METRICS

RESAMPLES = 6000


def data(n, seed=0):
    rng = np.random.default_rng(seed)
    y_true = rng.gamma(3, 1, n).round(2)
    return y_true, (0.8 * y_true + 0.5 + rng.normal(scale=0.7, size=n)).round(2)


@pytest.mark.parametrize(
    ("metric", "statistic"),
    [
        ("R2", r2_score),
        ("MAE", lambda t, p: np.abs(t - p).mean()),
        ("RMSE", lambda t, p: np.sqrt(((t - p) ** 2).mean())),
        ("Spearman", lambda t, p: stats.spearmanr(t, p).statistic),
    ],
)
def test_interval_agrees_with_scipy_within_monte_carlo_error(metric, statistic):
    y_true, y_pred = data(90)
    samples = bootstrap_metrics(y_true, y_pred, RESAMPLES, 0, (metric,))[:, 0, 0]
    ours = np.array(percentile_interval(samples))
    reference = stats.bootstrap(
        (y_true, y_pred),
        statistic,
        paired=True,
        vectorized=False,
        n_resamples=2000,
        method="percentile",
        rng=np.random.default_rng(1),
    )
    # Standard error of a quantile estimated from m draws: sqrt(q (1 - q) / m) / density there.
    density = stats.gaussian_kde(samples)(ours)
    error = np.sqrt(0.025 * 0.975 * (1 / RESAMPLES + 1 / 2000)) / density
    assert (np.abs(ours - np.array(reference.confidence_interval)) < 4 * error).all()


def test_counts_follow_the_multinomial_distribution():
    n, resamples = 50, 20_000
    counts = np.concatenate(list(resample_counts(n, resamples, 0)))
    assert counts.mean() == 1.0
    assert counts.var() == pytest.approx(1 - 1 / n, rel=0.01)
    # Rows compete for draws: any two counts have covariance -1/n.
    assert np.cov(counts[:, 0], counts[:, 1])[0, 1] == pytest.approx(-1 / n, abs=0.03)
    absent = (counts == 0).mean()
    assert absent == pytest.approx((1 - 1 / n) ** n, rel=0.01)


def test_spread_of_the_mean_error_is_the_textbook_standard_error():
    y_true, y_pred = data(400)
    samples = bootstrap_metrics(y_true, y_pred, RESAMPLES, 0, ("MAE",))[:, 0, 0]
    expected = np.abs(y_true - y_pred).std() / np.sqrt(400)
    assert samples.std() == pytest.approx(expected, rel=0.04)
    assert samples.mean() == pytest.approx(np.abs(y_true - y_pred).mean(), rel=0.01)


def test_interval_covers_the_truth_as_often_as_promised():
    rng = np.random.default_rng(0)
    trials, n, covered = 400, 150, 0
    for trial in range(trials):
        y_true = rng.normal(size=n)
        y_pred = y_true + rng.normal(size=n)
        samples = bootstrap_metrics(y_true, y_pred, 400, trial, ("MAE",))[:, 0, 0]
        low, high = percentile_interval(samples)
        covered += low <= np.sqrt(2 / np.pi) <= high  # mean of |standard normal|
    assert 0.91 < covered / trials < 0.98


def test_interval_narrows_with_the_square_root_of_the_test_set():
    widths = []
    for n in (200, 3200):
        y_true, y_pred = data(n)
        low, high = percentile_interval(bootstrap_metrics(y_true, y_pred, 2000, 0))
        widths.append((high - low)[0, METRICS.index("RMSE")])
    assert widths[0] / widths[1] == pytest.approx(4, rel=0.25)
