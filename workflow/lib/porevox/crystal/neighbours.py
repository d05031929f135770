"""Which atoms of a periodic cell are close to each other."""

import math

import numpy as np
from scipy.spatial import cKDTree

from porevox.compiled import jit
from porevox.crystal.structure import perpendicular_widths

# A sweep along one axis beats a tree, but its time grows with the square of the points should
# they all lie in one plane: 20 ms for this many.
_SWEEP_UP_TO = 4000


def any_close(frac: np.ndarray, lattice_A: np.ndarray, radius_A: float) -> bool:
    """Whether any two points of a periodic cell are within a radius of each other.

    Parameters
    ----------
    frac : (N, 3) float64
        Fractional coordinates in [0, 1).
    lattice_A : (3, 3) float64
        Rows a, b, c, angstrom.
    radius_A : float
        Distance to the nearest image of another point, or to an own image, angstrom.

    Returns
    -------
    bool
    """
    widths_A = _widths(lattice_A)
    # In a cell wider than twice the radius, rounding finds the one image that may be near.
    if len(frac) > _SWEEP_UP_TO or min(widths_A) <= 2.0 * radius_A:
        return PeriodicPoints(frac, lattice_A, radius_A).any_close()
    axis = widths_A.index(max(widths_A))
    order = frac[:, axis].argsort()
    return _sweep(frac[order], lattice_A, radius_A, axis, radius_A / widths_A[axis])


def _widths(lattice_A: np.ndarray) -> list[float]:
    """As :func:`~porevox.crystal.structure.perpendicular_widths`, which costs as much as the sweep."""
    a, b, c = lattice_A.tolist()
    areas = [_cross(b, c), _cross(c, a), _cross(a, b)]
    volume = abs(sum(x * y for x, y in zip(a, areas[0], strict=True)))
    return [volume / math.hypot(*area) for area in areas]


def _cross(p: list[float], q: list[float]) -> tuple[float, float, float]:
    return p[1] * q[2] - p[2] * q[1], p[2] * q[0] - p[0] * q[2], p[0] * q[1] - p[1] * q[0]


@jit()
def _sweep(frac, lattice_A, radius_A, axis, reach):
    """Compare each point with those up to `reach` further along the axis; `frac` is sorted by it."""
    n = len(frac)
    for i in range(n):
        for step in range(1, n):
            j = i + step if i + step < n else i + step - n
            along = frac[j, axis] - frac[i, axis]
            if along < 0.0:
                along += 1.0
            if along > reach:
                break
            squared = 0.0
            for k in range(3):
                component = 0.0
                for m in range(3):
                    shift = frac[j, m] - frac[i, m]
                    component += (shift - np.rint(shift)) * lattice_A[m, k]
                squared += component * component
            if squared <= radius_A * radius_A:
                return True
    return False


class PeriodicPoints:
    """Points of a cell and their images within a radius of it.

    Parameters
    ----------
    frac : (N, 3) float64
        Fractional coordinates in [0, 1).
    lattice_A : (3, 3) float64
        Rows a, b, c, angstrom.
    radius_A : float
        Largest distance that will be asked for, angstrom. Memory grows with the volume of the
        cell widened by it, so keep it to a few angstrom.
    """

    def __init__(self, frac: np.ndarray, lattice_A: np.ndarray, radius_A: float):
        self.radius_A = radius_A
        margin = radius_A / perpendicular_widths(lattice_A)
        images, self.origin = _images(frac, margin)
        self.positions_A = frac @ lattice_A
        self.tree = cKDTree(images @ lattice_A, compact_nodes=False, balanced_tree=False)

    def any_close(self) -> bool:
        """Whether any two points (or a point and its own image) are within the radius.

        Returns
        -------
        bool
        """
        return self.tree.count_neighbors(self.tree, self.radius_A) > self.tree.n

    def closest(self) -> tuple[int, int, float]:
        """The closest pair of points.

        Returns
        -------
        i, j : int
            Indices, equal when a point is closest to its own image.
        distance_A : float
            Infinite when no pair is within the radius.
        """
        # Exact duplicates first: among thousands of them a search for neighbours never ends.
        order = np.lexsort(self.positions_A.T)
        ordered = self.positions_A[order]
        same = np.flatnonzero((ordered[1:] == ordered[:-1]).all(axis=1))
        if len(same):
            i, j = sorted(order[same[0] : same[0] + 2].tolist())
            return i, j, 0.0
        distance_A, neighbour = self.nearest()
        i = int(np.argmin(distance_A))
        return i, int(neighbour[i]), float(distance_A[i])

    def nearest(self) -> tuple[np.ndarray, np.ndarray]:
        """Nearest other point (or own image) of each point.

        Returns
        -------
        distance_A : (N,) float64
            Infinite where there is none within the radius.
        neighbour : (N,) int64
            Index of the point, -1 where there is none.
        """
        distance_A, index = self.tree.query(self.positions_A, k=2, distance_upper_bound=self.radius_A)
        # The point itself comes first, except that an exact duplicate may take its place.
        found = np.where(np.isfinite(distance_A), self.origin[index % self.tree.n], -1)
        self_first = found[:, 0] == np.arange(len(found))
        column = np.where(self_first, 1, 0)
        rows = np.arange(len(found))
        return np.where(self_first, distance_A[:, 1], distance_A[:, 0]), found[rows, column]

    def around(self, i: int, radius_A: float) -> tuple[np.ndarray, np.ndarray]:
        """Points with an image within a radius of point i, without i and its own images.

        Parameters
        ----------
        i : int
        radius_A : float
            At most the radius of construction, angstrom.

        Returns
        -------
        neighbour : (K,) int64
            Indices; a point appears once per image within the radius.
        distance_A : (K,) float64
        """
        images = np.array(self.tree.query_ball_point(self.positions_A[i], radius_A), dtype=int)
        neighbour = self.origin[images]
        images, neighbour = images[neighbour != i], neighbour[neighbour != i]
        return neighbour, np.linalg.norm(self.tree.data[images] - self.positions_A[i], axis=1)


def _images(frac: np.ndarray, margin: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points in [-margin, 1 + margin] along each axis and the index each is an image of."""
    points, origin = frac, np.arange(len(frac))
    for axis in range(3):
        along, reach = points[:, axis], int(np.ceil(margin[axis]))
        for shift in [*range(-reach, 0), *range(1, reach + 1)]:
            moved = along + shift
            near = np.flatnonzero(moved <= 1.0 + margin[axis] if shift > 0 else moved >= -margin[axis])
            if len(near):
                image = points[near]
                image[:, axis] = moved[near]
                points, origin = np.concatenate([points, image]), np.append(origin, origin[near])
    return points, origin
