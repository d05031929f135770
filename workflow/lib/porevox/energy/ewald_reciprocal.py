"""The smooth part of an Ewald sum on a lattice of points: a Fourier series."""

import numpy as np

from porevox.energy.ewald_real_kernel import LANES
from porevox.energy.ewald_reciprocal_kernel import CHUNK, structure_factors, synthesise
from porevox.energy.grid import DistinctPoints

#: A lattice is triangular where nothing is larger than this, in unit cells per step of points.
_TRIANGULAR = 1e-9


def largest_indices(lattice_A: np.ndarray, k_cutoff: float) -> np.ndarray:
    """Largest h, k and l of wave vectors up to a length.

    Parameters
    ----------
    lattice_A : (3, 3) float64
        Rows a, b, c in angstrom.
    k_cutoff : float
        1/angstrom.

    Returns
    -------
    (3,) int64
        |h| = |k . a| / (2 pi) is at most this.
    """
    return np.floor(k_cutoff * np.linalg.norm(lattice_A, axis=1) / (2.0 * np.pi)).astype(np.int64)


def memory_bytes(lattice_A: np.ndarray, points: DistinctPoints, k_cutoff: float) -> float:
    """Memory that a :class:`ReciprocalSum` and one result of it will touch.

    Parameters
    ----------
    lattice_A : (3, 3) float64
        Rows a, b, c in angstrom.
    points : DistinctPoints
    k_cutoff : float
        1/angstrom.

    Returns
    -------
    float
    """
    limits = largest_indices(lattice_A, k_cutoff).astype(np.float64)
    n_a, n_b, n_c = map(float, points.counts)
    row = 2.0 * limits[2] + 2 * LANES
    field = (limits[0] + 1.0) * (2.0 * limits[1] + 1.0) * row
    # Squares, weights, structure factors, amplitudes and what lies between them; the series once
    # the first index is summed; tables of the last index; the points.
    numbers = 10.0 * field + 2.0 * n_b * (limits[0] + 1.0) * row
    return 8.0 * (numbers + 2.0 * row * (n_b + n_c) + n_a * n_b * (n_c + LANES) + 40.0 * CHUNK * row)


class ReciprocalSum:
    """The smooth potential of the charges, by a Fourier series.

    Parameters
    ----------
    frac : (N, 3) float64
        Fractional coordinates.
    charges : (N,) float64
        In the unit that makes charge / angstrom the wanted potential; they sum to zero.
    lattice_A : (3, 3) float64
        Rows a, b, c in angstrom.
    points : DistinctPoints
    alpha : float
        Ewald's splitting parameter, 1/angstrom.
    k_cutoff : float
        Longest wave vector, 1/angstrom.

    Raises
    ------
    ValueError
        The points of a Cartesian box in a lattice whose c is not along z or whose a is not in
        the xz plane.
    """

    def __init__(self, frac, charges, lattice_A, points: DistinctPoints, alpha, k_cutoff):
        self._counts = points.counts
        self._to_frac = np.linalg.inv(lattice_A)
        self._origin = points.origin_A @ self._to_frac
        self._steps = points.steps_A @ self._to_frac
        vanishing = self._steps[[0, 2, 2], [1, 0, 1]]
        if np.abs(vanishing).max() > _TRIANGULAR:
            raise ValueError("c must lie along z and a in the xz plane for points of a Cartesian box")
        self._limits = largest_indices(lattice_A, k_cutoff)
        first, last, squares = _wave_vectors(self._to_frac, self._limits, k_cutoff)
        re, im = np.zeros((2, *squares.shape))
        structure_factors(frac, charges, self._limits, first, last, re, im)
        weights = _weights(squares, alpha, k_cutoff) / abs(np.linalg.det(lattice_A))
        # The potential takes the conjugate of the structure factor. Padding is cut off where the
        # last vector is full.
        width = -(-(2 * self._limits[2] + 1) // LANES) * LANES
        self._field = np.stack([re * weights, -im * weights])[..., :width].copy()

    def at(self, shift_A: np.ndarray, wanted: np.ndarray) -> np.ndarray:
        """The series at the points of some rows along the third axis.

        Parameters
        ----------
        shift_A : (3,) float64
            Cartesian vector by which all points are moved, angstrom.
        wanted : (n_a, n_b) bool
            The rows.

        Returns
        -------
        (counts) float64
            Zero in the other rows.
        """
        n_a, n_b, n_c = self._counts
        out = np.zeros((n_a, n_b, -(-n_c // LANES) * LANES))
        origin = self._origin + shift_A @ self._to_frac
        synthesise(self._field, self._limits, origin, self._steps, wanted, out)
        return out[:, :, :n_c]


def _wave_vectors(to_frac, limits, k_cutoff):
    """First and last l + limits[2] at each (h, k), and k^2 at each (h, k, l) of padded rows."""
    width = -(-(2 * limits[2] + LANES) // LANES) * LANES
    h = np.arange(limits[0] + 1)[:, None, None]
    k = np.arange(-limits[1], limits[1] + 1)[:, None]
    along_c = np.arange(width) - limits[2]
    metric = 4.0 * np.pi**2 * to_frac.T @ to_frac
    plane = metric[0, 0] * h**2 + 2.0 * metric[0, 1] * h * k + metric[1, 1] * k**2
    slope = metric[0, 2] * h + metric[1, 2] * k
    squares = plane + 2.0 * slope * along_c + metric[2, 2] * along_c**2
    # The roots of the quadratic in l are where the row leaves the sphere.
    middle = -slope[:, :, 0] / metric[2, 2]
    room = middle**2 + (k_cutoff**2 - plane[:, :, 0]) / metric[2, 2]
    half = np.sqrt(np.maximum(room, 0.0))
    first = np.maximum(np.ceil(middle - half), -limits[2]).astype(np.int64) + limits[2]
    last = np.minimum(np.floor(middle + half), limits[2]).astype(np.int64) + limits[2]
    last[room < 0.0] = -1
    return first, np.maximum(last, first - 1), squares


def _weights(squares, alpha, k_cutoff):
    """4 pi exp(-k^2 / 4 alpha^2) / k^2 within the sphere, without k = 0; doubled for h > 0."""
    inside = (squares <= k_cutoff**2) & (squares > 0.0)
    weights = np.zeros_like(squares)
    k2 = squares[inside]
    weights[inside] = 4.0 * np.pi * np.exp(-k2 / (4.0 * alpha**2)) / k2
    weights[1:] *= 2.0
    return weights
