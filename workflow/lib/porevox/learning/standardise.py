"""Standardisation of the network's inputs with the statistics of one training subset."""

import numpy as np

from porevox.errors import PorevoxError

#: Structures per step of the sums, so that no float64 copy of the whole array is ever made.
_CHUNK = 512


def channel_statistics(voxels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation over all voxels of all structures, per channel (eq. 3.6).

    Parameters
    ----------
    voxels : numpy.ndarray, shape (m, C, n, n, n), float32

    Returns
    -------
    mean, std : numpy.ndarray, shape (C,), float64
        Accumulated in float64; std with ddof = 0.

    Raises
    ------
    PorevoxError
        When a channel is constant: it carries nothing to learn from.
    """
    axes = (0, 2, 3, 4)
    count = voxels.size // voxels.shape[1]
    total = np.zeros(voxels.shape[1])
    for start in range(0, len(voxels), _CHUNK):
        total += voxels[start : start + _CHUNK].sum(axis=axes, dtype=np.float64)
    mean = total / count
    squares = np.zeros_like(mean)
    # Two passes: the difference of two large sums would lose the digits of a small variance.
    for start in range(0, len(voxels), _CHUNK):
        chunk = voxels[start : start + _CHUNK].astype(np.float64)
        squares += ((chunk - mean.reshape(-1, 1, 1, 1)) ** 2).sum(axis=axes)
    std = np.sqrt(squares / count)
    if not (std > 0).all():
        raise PorevoxError(
            f"All voxels of input channel {int(np.argmin(std))} have the same value in the "
            "training subset, so they cannot be standardised: check the channel's settings."
        )
    return mean, std


def standardise(voxels: np.ndarray, mean, std) -> np.ndarray:
    """Standardise voxels in place, x' = (x - mean) / std (eq. 3.6).

    Parameters
    ----------
    voxels : numpy.ndarray, shape (m, C, n, n, n), float32
        Overwritten.
    mean, std : array_like, shape (C,)

    Returns
    -------
    numpy.ndarray
        The same array.
    """
    shape = (-1, 1, 1, 1)
    voxels -= np.asarray(mean, dtype=np.float32).reshape(shape)
    voxels /= np.asarray(std, dtype=np.float32).reshape(shape)
    return voxels


def scalar_statistics(scalars: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of the scalar inputs, per column.

    Parameters
    ----------
    scalars : numpy.ndarray, shape (m, k), float64
        Finite.

    Returns
    -------
    mean, std : numpy.ndarray, shape (k,), float64
        ddof = 0; a constant column has std 1, so that it enters as zeros.
    """
    std = scalars.std(axis=0)
    return scalars.mean(axis=0), np.where(std > 0, std, 1.0)


def label_statistics(y: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation of the training labels.

    Parameters
    ----------
    y : numpy.ndarray, shape (m,), float64
        Finite.

    Returns
    -------
    mean, std : float
        ddof = 0.

    Raises
    ------
    PorevoxError
        When all labels are equal: nothing can be learned from them.
    """
    if not np.ptp(y) > 0:
        raise PorevoxError(
            f"All {len(y)} training labels are {y[0]:g}, so there is nothing to learn: choose another "
            "target or a larger size."
        )
    return float(y.mean()), float(y.std())
