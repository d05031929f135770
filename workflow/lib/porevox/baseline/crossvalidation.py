"""Choosing settings inside a training subset, so that no held-out structure has a say in them."""

import numpy as np
from sklearn.model_selection import KFold

#: Folds of the training subset, where it has as many structures.
FOLDS = 5


def inner_folds(n: int, seed: int) -> KFold:
    """Cross-validation inside a training subset.

    Parameters
    ----------
    n : int
        Training structures, at least 2; with fewer than FOLDS each is a fold of its own.
    seed : int
        Of the shuffling.

    Returns
    -------
    sklearn.model_selection.KFold
    """
    return KFold(min(FOLDS, n), shuffle=True, random_state=seed)


def standardisation(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and scale of the columns of a training subset.

    Parameters
    ----------
    x : numpy.ndarray, shape (m, k)

    Returns
    -------
    mean, scale : numpy.ndarray, shape (k,)
        The scale is the standard deviation, or 1 where a column does not vary beyond rounding.
    """
    mean, scale = x.mean(axis=0), x.std(axis=0)
    still = scale <= 1e-12 * np.abs(x).max(axis=0)
    return mean, np.where(still, 1.0, scale)


def subsample(n: int, largest: int, seed: int) -> np.ndarray:
    """Rows to use where all would be too many.

    Parameters
    ----------
    n, largest : int
        Rows there are, and rows that can be used.
    seed : int

    Returns
    -------
    numpy.ndarray of int, ascending
        All n, or as many as can be used, drawn without replacement.
    """
    if n <= largest:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, largest, replace=False))
