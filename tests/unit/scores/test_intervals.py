"""Error bars: the fit finds what made the errors, and the factors hold what they promise."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import norm

from porevox.scores.intervals import by_quartile, conformal_factors, coverage, fit_scale

LEVELS = (0.5, 0.68, 0.8, 0.9, 0.95)


@pytest.mark.parametrize(("a", "b"), [(2.0, 1.5), (0.1, 3.0), (1.0, 0.0)])
def test_fit_finds_the_scale_that_made_the_errors(a, b):
    rng = np.random.default_rng(0)
    spread = rng.gamma(2, 1, 20_000)
    found = fit_scale(np.hypot(a, b * spread) * rng.normal(size=spread.size), spread)
    assert found == pytest.approx((a, b), rel=0.05, abs=0.08)


def test_fit_is_the_maximum_of_the_gaussian_likelihood():
    rng = np.random.default_rng(1)
    spread = rng.gamma(2, 1, 60)
    errors = rng.standard_t(3, 60) * (1 + spread)

    def loss(scale):
        return -norm.logpdf(errors, scale=np.hypot(scale[0], scale[1] * spread)).sum()

    best = minimize(loss, [1.0, 1.0], method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-10})
    assert loss(fit_scale(errors, spread)) == pytest.approx(best.fun, abs=1e-5)
    # and in another unit it is the same fit
    a, b = fit_scale(errors, spread)
    assert fit_scale(1e4 * errors, 1e4 * spread) == pytest.approx((1e4 * a, b), rel=1e-3)


def test_members_that_agree_leave_the_error_itself():
    assert fit_scale(np.array([3.0, -4.0]), np.zeros(2)) == (pytest.approx(np.sqrt(12.5)), 0.0)
    assert fit_scale(np.zeros(3), np.ones(3)) == (0.0, 0.0)


def test_factors_are_order_statistics():
    ratios = np.arange(1.0, 100.0)[::-1]
    assert conformal_factors(ratios, [0.5, 0.9]).tolist() == [50, 90]
    assert conformal_factors(ratios[-3:], [0.95]).tolist() == [3]  # too few: the largest


@pytest.mark.parametrize("n", [30, 100])
def test_factors_keep_their_word_for_heavy_tails(n):
    """Lei et al. 2018, theorem 2.2: at least the level, at most 1 / (n + 1) more, on average."""
    rng = np.random.default_rng(2)
    trials = 3000
    ratios = np.abs(rng.standard_t(3, (trials, n + 1)))
    held = [ratio[-1] <= conformal_factors(ratio[:-1], LEVELS) for ratio in ratios]
    share = np.mean(held, axis=0)
    noise = 3.5 * np.sqrt(np.multiply(LEVELS, np.subtract(1, LEVELS)) / trials)
    assert (share >= LEVELS - noise).all() and (share <= np.add(LEVELS, 1 / (n + 1)) + noise).all()


def test_coverage_counts_what_lies_inside():
    assert coverage(np.array([-1.0, 2.0, 3.0, 0.5]), np.array([1.0, 1.0, 3.0, 0.4])) == 0.5


def test_quartiles_go_from_low_spread_to_high():
    parts = by_quartile(np.arange(10), -np.arange(10))
    assert [part.tolist() for part in parts] == [[9, 8, 7], [6, 5, 4], [3, 2], [1, 0]]
