"""Prediction intervals from an ensemble's spread: a scale by maximum likelihood, factors by counting.

The spread over seeds is too narrow for an error bar: all seeds share the data, the descriptors or
voxels, and their mistakes. What it does know is which structures are harder than others.
"""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import minimize

#: Starting points of the fit, (share of a^2, share of b^2) of the mean squared error.
STARTS = ((1.0, 1e-3), (0.5, 0.5), (0.01, 1.0))


def fit_scale(errors: np.ndarray, spread: np.ndarray) -> tuple[float, float]:
    """Fit sigma_i^2 = a^2 + (b s_i)^2 to errors by maximum likelihood of a Gaussian.

    Parameters
    ----------
    errors : numpy.ndarray
        Errors of the ensemble's mean, shape (n,), in the target's unit.
    spread : numpy.ndarray
        Standard deviation s_i over the ensemble's members, shape (n,), same unit.

    Returns
    -------
    a : float
        In the target's unit, positive unless every error is 0.
    b : float
        Without unit, not negative; 0 where the members agree on every structure.
    """
    errors, spread = np.asarray(errors, float), np.asarray(spread, float)
    error_unit, spread_unit = np.sqrt(np.mean(errors**2)), np.sqrt(np.mean(spread**2))
    if error_unit == 0 or spread_unit == 0:
        return float(error_unit), 0.0
    squares, spreads = (errors / error_unit) ** 2, (spread / spread_unit) ** 2

    def likelihood(shares):
        variance = shares[0] + shares[1] * spreads
        slope = 1 / variance - squares / variance**2
        value = np.sum(np.log(variance) + squares / variance)
        return value, np.array([np.sum(slope), np.sum(slope * spreads)])

    bounds = [(1e-8, None), (0, None)]
    fits = [minimize(likelihood, start, jac=True, method="L-BFGS-B", bounds=bounds) for start in STARTS]
    shares = min(fits, key=lambda fit: fit.fun).x
    return float(error_unit * np.sqrt(shares[0])), float(np.sqrt(shares[1]) * error_unit / spread_unit)


def conformal_factors(ratios: np.ndarray, levels: Sequence[float]) -> np.ndarray:
    """How many sigmas to either side hold a share of the errors, found by counting.

    Parameters
    ----------
    ratios : numpy.ndarray
        |error| / sigma of structures that no member was trained on, shape (n,).
    levels : sequence of float
        Shares between 0 and 1.

    Returns
    -------
    numpy.ndarray
        One factor per level: the ceil((n + 1) level)-th smallest ratio. For another structure of the
        same kind the interval then holds the true value with at least this probability, whatever the
        errors' distribution (split conformal prediction: Lei et al., J. Am. Stat. Assoc. 113, 1094
        (2018), theorem 2.2); the largest ratio where n is too small to tell.
    """
    ordered = np.sort(np.asarray(ratios, float))
    places = np.ceil((ordered.size + 1) * np.asarray(levels) - 1e-9).astype(int) - 1
    return ordered[np.clip(places, 0, ordered.size - 1)]


def coverage(errors: np.ndarray, half_widths: np.ndarray) -> float:
    """Share of the errors that are within their intervals.

    Parameters
    ----------
    errors, half_widths : numpy.ndarray
        Shape (n,), same unit.

    Returns
    -------
    float
        Between 0 and 1.
    """
    return float(np.mean(np.abs(errors) <= half_widths))


def by_quartile(values: np.ndarray, spread: np.ndarray) -> list[np.ndarray]:
    """Values of the quarter of structures with the lowest spread, and of the next three.

    Parameters
    ----------
    values, spread : numpy.ndarray
        Shape (n,), n at least 4.

    Returns
    -------
    list of numpy.ndarray
        Four parts of about equal length.
    """
    return np.array_split(np.asarray(values)[np.argsort(spread, kind="stable")], 4)
