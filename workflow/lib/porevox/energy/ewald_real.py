"""The short-ranged part of an Ewald sum on a lattice of points.

Atoms near points that fill a periodic cell may reach beyond it; what they add there is folded back
onto the cell. For other points the atoms' images nearby are listed. Memory grows with the points
and with the images, never with their product.
"""

import numpy as np

from porevox.energy.ewald_real_kernel import LANES, SLACK, add_atoms, list_images
from porevox.energy.grid import DistinctPoints

#: Atoms are not allowed closer to a point than this, angstrom, so that no potential is infinite
#: before all are summed: opposite charges in one place cancel instead of giving NaN.
CLOSEST_A = 1e-12


def memory_bytes(n_atoms: int, lattice_A: np.ndarray, points: DistinctPoints, cutoff_A: float) -> float:
    """Memory that a :class:`RealSpaceSum` and one result of it will touch.

    Parameters
    ----------
    n_atoms : int
    lattice_A : (3, 3) float64
        Rows a, b, c in angstrom.
    points : DistinctPoints
    cutoff_A : float
        Angstrom.

    Returns
    -------
    float
    """
    counts = np.array(points.counts, dtype=np.float64)
    reach = 2.0 * _margin(points.steps_A, cutoff_A)
    row = counts[2] + (reach[2] if points.periodic else 0.0) + LANES
    # Places, charges and one intermediate result, for the atoms or for their images in the range.
    images = float(n_atoms)
    if not points.periodic:
        cells = np.prod(counts + reach) * abs(np.linalg.det(points.steps_A) / np.linalg.det(lattice_A))
        images += n_atoms * float(cells)
    return 8.0 * (9.0 * images + counts[0] * counts[1] * (row + counts[2]))


def _margin(steps_A, cutoff_A):
    """Points along each axis that the cutoff may reach across, and one more; (3,) float64."""
    # The columns of the inverse are the reciprocal steps: 1/|column| is the planes' spacing.
    return np.ceil(cutoff_A * np.linalg.norm(np.linalg.inv(steps_A), axis=0)) + 1.0


def _triangular(steps: np.ndarray) -> np.ndarray:
    """The steps in orthonormal axes in which they form an upper triangle; see :func:`add_atoms`."""
    # QR of the reversed steps: the last one lies along one axis, the one before it in a plane.
    _, upper = np.linalg.qr(steps[::-1].T)
    upper = upper * np.sign(np.diag(upper))[:, None]
    return np.ascontiguousarray(upper.T[::-1, ::-1])


class RealSpaceSum:
    """The screened potential: erfc(alpha r)/r times the charge of every atom within a cutoff.

    Parameters
    ----------
    frac : (N, 3) float64
        Fractional coordinates.
    charges : (N,) float64
        In the unit that makes charge / angstrom the wanted potential.
    lattice_A : (3, 3) float64
        Rows a, b, c in angstrom.
    points : DistinctPoints
    alpha : float
        Ewald's splitting parameter, 1/angstrom.
    cutoff_A : float
        Angstrom; (alpha cutoff)^2 at most LARGEST_SQUARE.
    """

    def __init__(
        self,
        frac: np.ndarray,
        charges: np.ndarray,
        lattice_A: np.ndarray,
        points: DistinctPoints,
        alpha: float,
        cutoff_A: float,
    ):
        self._frac, self._charges, self._scaled = frac, charges, alpha * charges
        self._counts, self._periodic = points.counts, points.periodic
        self._to_steps = np.linalg.inv(points.steps_A)
        self._to_place = lattice_A @ self._to_steps
        self._to_frac = np.linalg.inv(self._to_place)
        self._origin = points.origin_A @ self._to_steps
        self._steps = alpha * _triangular(points.steps_A)
        self._reach, self._smallest = (alpha * cutoff_A) ** 2, (alpha * CLOSEST_A) ** 2
        self._margin = _margin(points.steps_A, cutoff_A)
        counts = np.array(points.counts)
        beyond = self._margin.astype(np.int64) if points.periodic else np.zeros(3, dtype=np.int64)
        self._low, self._high = -beyond, counts - 1 + beyond + points.periodic
        self._rows = [np.arange(self._low[s], self._high[s] + 1) % counts[s] for s in range(2)]

    def at(self, shift_A: np.ndarray, wanted: np.ndarray) -> np.ndarray:
        """The sum at the points of some rows along the third axis.

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
        place, charges = self._places(self._origin + shift_A @ self._to_steps)
        n_a, n_b, _ = self._counts
        out = np.zeros((n_a, n_b, self._high[2] - self._low[2] + LANES))
        reach = (self._reach, self._smallest, self._low, self._high)
        add_atoms(place, charges, self._steps, *reach, *self._rows, wanted, out)
        return self._fold(out) if self._periodic else out[:, :, : self._counts[2]]

    def _places(self, origin):
        """Atoms, or their images near the points, in steps of the lattice of points; charges."""
        if self._periodic:
            place = self._frac @ self._to_place - origin
            return place - np.floor(place / self._counts) * self._counts, self._scaled
        low = -self._margin
        high = np.array(self._counts) - 1.0 + self._margin
        ends = (np.stack([low, high]) + origin)[:, :, None] * self._to_frac
        span = np.stack([ends.min(axis=0).sum(axis=0) - SLACK, ends.max(axis=0).sum(axis=0) + SLACK])
        search = (self._frac, self._scaled, self._to_place, origin, span, low, high)
        found = list_images(*search, np.empty((0, 3)), np.empty(0))
        place, charges = np.empty((found, 3)), np.empty(found)
        list_images(*search, place, charges)
        return place, charges

    def _fold(self, out):
        """Add up what stands for one point of the unit cell; what lies beyond `high` is padding."""
        low, high, n = int(self._low[2]), int(self._high[2]), self._counts[2]
        folded = np.zeros(self._counts)
        for start in range(low // n * n, high + 1, n):
            first, stop = max(start, low), min(start + n, high + 1)
            folded[:, :, first - start : stop - start] += out[:, :, first - low : stop - low]
        return folded
