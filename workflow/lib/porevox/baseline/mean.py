"""The control: whatever the structure, the mean label of the training subset."""

from dataclasses import dataclass

import numpy as np

#: Options and their defaults.
OPTIONS: dict = {}


@dataclass(frozen=True)
class Mean:
    """The mean of a training subset.

    Attributes
    ----------
    mean : numpy.ndarray, shape (1,), float64
        In the target's unit.
    """

    mean: np.ndarray

    def predict(self, features: np.ndarray) -> np.ndarray:
        """The mean, once for each row.

        Parameters
        ----------
        features : numpy.ndarray, shape (m, 0)

        Returns
        -------
        numpy.ndarray, shape (m,), float64
        """
        return np.full(len(features), self.mean[0])


def fit_mean(features: np.ndarray, y: np.ndarray, options: dict, seed: int, threads: int):
    """Take the mean of the labels.

    Parameters
    ----------
    features : numpy.ndarray, shape (m, 0)
    y : numpy.ndarray, shape (m,)
        In the target's unit.
    options, seed, threads
        Not used: as of every baseline.

    Returns
    -------
    model : Mean
    chosen : dict
        Empty.
    """
    return Mean(np.array([float(np.mean(y))])), {}
