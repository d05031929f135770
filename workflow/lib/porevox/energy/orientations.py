"""Even, reproducible sets of directions, axes and rotations, to average over."""

import math
from functools import lru_cache

import numpy as np

#: Sets of at most this many vectors are evened out; larger ones are accurate as they are.
MAX_RELAXED = 256
#: Steps of that, and how far each goes: enough for the smallest angle to settle within a degree.
_STEPS = 400
_STEP_SIZE = 2.0
_GOLDEN_ANGLE = math.pi * (3.0 - math.sqrt(5.0))
#: The real root above 1 of psi^4 = psi + 4.
_PSI = 1.533751168755204288118041


@lru_cache(maxsize=16)
def directions(n: int) -> np.ndarray:
    """Directions spread evenly over the sphere.

    Parameters
    ----------
    n : int

    Returns
    -------
    (n, 3) float64
        Unit vectors, each standing for an equal area; not to be written to.

    References
    ----------
    A Fibonacci lattice (Swinbank, Purser, Q. J. R. Meteorol. Soc. 132, 1769 (2006), equations 1
    and 2), whose points then repel each other like charges (Thomson's problem).
    """
    return _frozen(_relaxed(_spiral(1.0 - (2.0 * np.arange(n) + 1.0) / n), axes=False))


@lru_cache(maxsize=16)
def axes(n: int) -> np.ndarray:
    """Axes, that is pairs of opposite directions, spread evenly.

    Parameters
    ----------
    n : int

    Returns
    -------
    (n, 3) float64
        Unit vectors, each standing, with its opposite, for an equal area; not to be written to.

    Notes
    -----
    Made like :func:`directions`, from the upper half of a lattice of twice as many points. The
    error of an average over n of them is, for the Boltzmann factors of CO2, about half of that of
    the bare lattice and equal to that of Lebedev's rules of the same size, which exist only for
    some n.
    """
    return _frozen(_relaxed(_spiral((np.arange(n) + 0.5) / n), axes=True))


@lru_cache(maxsize=16)
def rotations(n: int) -> np.ndarray:
    """Rotations spread evenly over all of them.

    Parameters
    ----------
    n : int

    Returns
    -------
    (n, 3, 3) float64
        Rotation matrices, each standing for an equal part of all rotations; not to be written to.

    References
    ----------
    A super-Fibonacci spiral of quaternions (Alexa, Proc. CVPR 2022, 8291-8300, algorithm 1, with
    phi = sqrt(2) and psi^4 = psi + 4), which then repel each other and their opposites, that being
    the same rotations, like charges.
    """
    s = np.arange(n) + 0.5
    inner, outer = np.sqrt(s / n), np.sqrt(1.0 - s / n)
    alpha, beta = 2.0 * math.pi * s / math.sqrt(2.0), 2.0 * math.pi * s / _PSI
    spiral = [inner * np.sin(alpha), inner * np.cos(alpha), outer * np.sin(beta), outer * np.cos(beta)]
    return _frozen(_matrices(_relaxed(np.stack(spiral, axis=1), axes=True)))


def _spiral(z: np.ndarray) -> np.ndarray:
    radius = np.sqrt(1.0 - z * z)
    angle = _GOLDEN_ANGLE * np.arange(len(z))
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), z], axis=1)


def _relaxed(vectors: np.ndarray, axes: bool) -> np.ndarray:
    """Let unit vectors repel each other, as axes also each other's opposites, for some steps.

    The steps are plain and their number is fixed: rounding that differs between machines dies
    away on the way to the minimum instead of deciding which one is found.
    """
    n, dimensions = vectors.shape
    if not 1 < n <= MAX_RELAXED:
        return vectors
    step = _STEP_SIZE / n ** (1.0 + 1.0 / (dimensions - 1)) / (2.0 if axes else 1.0)
    for _ in range(_STEPS):
        cosine = np.clip(vectors @ vectors.T, -1.0, 1.0)
        np.fill_diagonal(cosine, 0.0)
        # Inverse-square forces along the chords; what points along a vector itself is taken off.
        weight = -((2.0 - 2.0 * cosine) ** -1.5)
        if axes:
            weight += (2.0 + 2.0 * cosine) ** -1.5
        np.fill_diagonal(weight, 0.0)
        force = weight @ vectors
        force -= (force * vectors).sum(axis=1)[:, None] * vectors
        vectors = vectors + step * force
        vectors /= np.linalg.norm(vectors, axis=1)[:, None]
    return vectors


def _matrices(quaternions: np.ndarray) -> np.ndarray:
    x, y, z, w = quaternions.T
    rows = [
        [1.0 - 2.0 * (y * y + z * z), 2.0 * (x * y - z * w), 2.0 * (x * z + y * w)],
        [2.0 * (x * y + z * w), 1.0 - 2.0 * (x * x + z * z), 2.0 * (y * z - x * w)],
        [2.0 * (x * z - y * w), 2.0 * (y * z + x * w), 1.0 - 2.0 * (x * x + y * y)],
    ]
    return np.moveaxis(np.array(rows), -1, 0)


def _frozen(values: np.ndarray) -> np.ndarray:
    values.setflags(write=False)
    return values
