"""Principal component analysis with signs that are the same on every machine."""

import numpy as np
from sklearn.decomposition import PCA


def principal_axes(values: np.ndarray, n_axes: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates along the directions of greatest variance.

    Parameters
    ----------
    values : (m, k) float array
        One row per sample, m at least 1; columns are centred, not scaled.
    n_axes : int
        Number of directions, at most k.

    Returns
    -------
    coordinates : (m, n_axes) float64
        Zero along directions that fewer than n_axes + 1 samples leave undefined.
    explained : (n_axes,) float64
        Part of the total variance along each; zero where nothing varies.
    """
    values = np.asarray(values, dtype=np.float64)
    coordinates, explained = np.zeros((len(values), n_axes)), np.zeros(n_axes)
    if np.ptp(values, axis=0).max(initial=0.0) == 0:
        return coordinates, explained
    analysis = PCA(min(n_axes, *values.shape), svd_solver="full").fit(values)
    # the sign of a component is a matter of chance: its largest entry is made positive
    largest = np.abs(analysis.components_).argmax(axis=1)
    signs = np.sign(analysis.components_[np.arange(len(largest)), largest])
    found = slice(0, len(largest))
    coordinates[:, found] = analysis.transform(values) * signs
    explained[found] = analysis.explained_variance_ratio_
    return coordinates, explained
