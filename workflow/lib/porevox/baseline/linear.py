"""Penalised linear regression, on the energy histogram by default.

After Bucior et al., Mol. Syst. Des. Eng. 4, 162 (2019), doi 10.1039/C8ME00050F: the fractions of a
unit cell's volume in bins of energy, and a lasso with a cross-validated penalty.
"""

import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LassoCV, RidgeCV
from threadpoolctl import threadpool_limits

from porevox.baseline.crossvalidation import inner_folds, standardisation
from porevox.baseline.histogram import HISTOGRAM_OPTIONS

#: Options and their defaults.
OPTIONS = {
    "penalty": "lasso",
    "features": "histogram",
    "descriptors": None,
    "channels": None,
    "transform": None,
    **HISTOGRAM_OPTIONS,
}
#: Penalties tried: of the one that leaves no feature in a lasso; of ridge, in units of the variance.
_LASSO_PATH = np.logspace(0, -4, 60)
_RIDGE_PENALTIES = np.logspace(-4, 6, 21)
#: Features further from the training mean than so many standard deviations count as this far: a bin
#: that hardly occurs in a small training subset would otherwise throw predictions off by any amount.
_LIMIT = 8.0


@dataclass(frozen=True)
class Linear:
    """A linear model of features as they are.

    Attributes
    ----------
    coefficients : numpy.ndarray, shape (k,), float64
        In the target's unit per unit of the feature.
    centre : numpy.ndarray, shape (k,), float64
        The features' means over the training subset.
    reach : numpy.ndarray, shape (k,), float64
        Largest distance from the centre that counts.
    intercept : numpy.ndarray, shape (1,), float64
        The prediction at the centre, in the target's unit.
    """

    coefficients: np.ndarray
    centre: np.ndarray
    reach: np.ndarray
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
        moved = np.clip(features - self.centre, -self.reach, self.reach)
        # not a product of matrices, whose sums depend on the number of rows and threads
        return self.intercept[0] + (moved * self.coefficients).sum(axis=1)


def fit_linear(features: np.ndarray, y: np.ndarray, options: dict, seed: int, threads: int):
    """Fit a lasso or a ridge regression on standardised features.

    Parameters
    ----------
    features : numpy.ndarray, shape (m, k)
    y : numpy.ndarray, shape (m,)
        In the target's unit.
    options : dict
        penalty: lasso or ridge.
    seed : int
        Of the folds that choose the penalty's strength.
    threads : int
        Not used: with several, sums would be taken in another order.

    Returns
    -------
    model : Linear
    chosen : dict
        alpha (of the standardised features and labels), n_nonzero.
    """
    mean, scale = standardisation(features)
    x = (features - mean) / scale
    spread = float(np.std(y))
    if spread <= 1e-12 * float(np.abs(y).max()):
        flat = Linear(np.zeros(x.shape[1]), mean, _LIMIT * scale, np.array([float(np.mean(y))]))
        return flat, {"alpha": None, "n_nonzero": 0}
    folds = inner_folds(len(y), seed)
    with threadpool_limits(1), warnings.catch_warnings():
        # neighbouring bins are alike: at the weakest penalties a lasso may stop a little early
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = _lasso(x, (y - y.mean()) / spread, folds) if options["penalty"] == "lasso" else None
        if model is None:
            # scored by squared error: R2 of a fold of one structure would be undefined
            model = RidgeCV(_RIDGE_PENALTIES, cv=folds, scoring="neg_mean_squared_error")
            model.fit(x, (y - y.mean()) / spread)
    coefficients = np.asarray(model.coef_, dtype=np.float64) * spread / scale
    intercept = float(y.mean()) + float(model.intercept_) * spread
    chosen = {"alpha": float(model.alpha_), "n_nonzero": int((coefficients != 0).sum())}
    return Linear(coefficients, mean, _LIMIT * scale, np.array([intercept])), chosen


def _lasso(x, z, folds) -> LassoCV | None:
    strongest = float(np.abs(x.T @ z).max()) / len(z)
    return LassoCV(alphas=(strongest or 1.0) * _LASSO_PATH, cv=folds, max_iter=20_000).fit(x, z)
