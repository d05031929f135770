"""Standardisation of the network's inputs with the statistics of one training subset."""

import numpy as np

from porevox.errors import PorevoxError

#: All axes but that of the channels.
_VOXELS = (0, 2, 3, 4)
#: Structures per step, so that no float64 copy of the whole array is ever made: 8 MB for n = 25.
_CHUNK = 64


def channel_statistics(voxels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation over all voxels of all structures, per channel (eq. 3.6).

    One pass: mean and squared deviations of a few structures at a time are joined by the update of
    Chan, Golub & LeVeque, Am. Stat. 37, 242 (1983), doi 10.1080/00031305.1983.10483115, eq. 2.1.

    Parameters
    ----------
    voxels : numpy.ndarray, shape (m, C, n, n, n), float32
        May be mapped from a file.

    Returns
    -------
    mean, std : numpy.ndarray, shape (C,), float64
        Accumulated in float64; std with ddof = 0.

    Raises
    ------
    PorevoxError
        When a channel is constant: it carries nothing to learn from.
    """
    seen, mean, squares = 0, np.zeros(voxels.shape[1]), np.zeros(voxels.shape[1])
    for start in range(0, len(voxels), _CHUNK):
        chunk = voxels[start : start + _CHUNK].astype(np.float64)
        count = chunk.size // chunk.shape[1]
        own = chunk.mean(axis=_VOXELS)
        chunk -= own.reshape(-1, 1, 1, 1)
        step = own - mean
        # deviations from means, not a difference of two large sums, which loses a small variance's digits
        squares += np.square(chunk, out=chunk).sum(axis=_VOXELS) + step**2 * (seen * count / (seen + count))
        seen += count
        mean += step * (count / seen)
    std = np.sqrt(squares / seen)
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
