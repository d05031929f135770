"""Kernel ridge regression with a Gaussian kernel: the smooth model for small training subsets."""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.spatial.distance import cdist
from threadpoolctl import threadpool_limits

from porevox.baseline.crossvalidation import inner_folds, standardisation, subsample
from porevox.baseline.histogram import HISTOGRAM_OPTIONS

#: Options and their defaults.
OPTIONS = {
    "features": "descriptors",
    "descriptors": None,
    "channels": None,
    "transform": None,
    **HISTOGRAM_OPTIONS,
}
#: Structures a kernel is built of at most, 0.8 GB; of a larger training subset as many are drawn.
LARGEST = 10_000
#: Structures on which width and penalty are chosen at most.
CHOOSE_ON = 2000
#: Widths tried, in units of one over the median squared distance, and penalties.
_GAMMAS = 4.0 ** np.arange(-4, 2)
_ALPHAS = 10.0 ** np.arange(-6, 2)
#: Rows predicted at a time: 80 MB for the largest kernel.
_CHUNK = 1000


@dataclass(frozen=True)
class KernelModel:
    """Weighted Gaussians around the training structures.

    Attributes
    ----------
    mean, scale : numpy.ndarray, shape (k,), float64
        Of the features in the training subset.
    points : numpy.ndarray, shape (m, k), float64
        Standardised features of the training structures.
    weights : numpy.ndarray, shape (m,), float64
        In the target's unit.
    gamma : numpy.ndarray, shape (1,), float64
        The kernel is exp(-gamma * squared distance).
    intercept : numpy.ndarray, shape (1,), float64
        Far from every training structure, in the target's unit.
    """

    mean: np.ndarray
    scale: np.ndarray
    points: np.ndarray
    weights: np.ndarray
    gamma: np.ndarray
    intercept: np.ndarray

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Predict.

        Parameters
        ----------
        features : numpy.ndarray, shape (m, k)
            Finite.

        Returns
        -------
        numpy.ndarray, shape (m,), float64
            In the target's unit.
        """
        x = (np.asarray(features) - self.mean) / self.scale
        y = np.empty(len(x))
        for start in range(0, len(x), _CHUNK):
            kernel = cdist(x[start : start + _CHUNK], self.points, "sqeuclidean")
            np.exp(-self.gamma[0] * kernel, out=kernel)
            # not a product of matrices, whose sums depend on the number of rows and threads
            y[start : start + _CHUNK] = (kernel * self.weights).sum(axis=1)
        return self.intercept[0] + y


def fit_kernel_ridge(features: np.ndarray, y: np.ndarray, options: dict, seed: int, threads: int):
    """Fit kernel ridge regression; width and penalty are chosen by cross-validation.

    Parameters
    ----------
    features : numpy.ndarray, shape (m, k)
    y : numpy.ndarray, shape (m,)
        In the target's unit.
    options : dict
        Not used.
    seed : int
        Of the folds, and of what is drawn from a training subset of more than LARGEST.
    threads : int
        Not used: with several, sums would be taken in another order.

    Returns
    -------
    model : KernelModel
    chosen : dict
        gamma, alpha, n_points.
    """
    mean, scale = standardisation(features)
    kept = subsample(len(y), LARGEST, seed)
    x, intercept = (features[kept] - mean) / scale, float(np.mean(y))
    centred = y[kept] - intercept
    with threadpool_limits(1):
        gamma, alpha = _choose(x, centred, seed)
        kernel = np.exp(-gamma * cdist(x, x, "sqeuclidean"))
        weights = _solve(kernel, alpha, centred)
    arrays = (mean, scale, x, weights, np.array([gamma]), np.array([intercept]))
    return KernelModel(*arrays), {"gamma": gamma, "alpha": alpha, "n_points": len(kept)}


def _choose(x, y, seed) -> tuple[float, float]:
    """Width and penalty with the smallest cross-validated squared error on a grid."""
    rows = subsample(len(y), CHOOSE_ON, seed)
    distances = cdist(x[rows], x[rows], "sqeuclidean")
    between = distances[np.triu_indices(len(rows), 1)]
    median = float(np.median(between[between > 0])) if (between > 0).any() else 1.0
    grid = [(float(gamma), float(alpha)) for gamma in _GAMMAS / median for alpha in _ALPHAS]
    errors = np.zeros(len(grid))
    for train, test in inner_folds(len(rows), seed).split(rows):
        between, across = distances[np.ix_(train, train)], distances[np.ix_(test, train)]
        known, wanted = y[rows[train]], y[rows[test]]
        for k, (gamma, alpha) in enumerate(grid):
            if k % len(_ALPHAS) == 0:
                kernel, towards = np.exp(-gamma * between), np.exp(-gamma * across)
            weights = _solve(kernel, alpha, known)
            errors[k] += float(((towards @ weights - wanted) ** 2).sum())
    return grid[int(np.argmin(errors))]


def _solve(kernel: np.ndarray, alpha: float, y: np.ndarray) -> np.ndarray:
    """Weights of kernel ridge regression: (K + alpha) w = y."""
    penalised = kernel.copy()
    penalised.flat[:: len(kernel) + 1] += alpha
    return cho_solve(cho_factor(penalised, overwrite_a=True, check_finite=False), y, check_finite=False)
