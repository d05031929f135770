"""Surfaces of equal value in a field on a grid, by marching tetrahedra."""

from itertools import permutations

import numpy as np

#: Corners of a cube's six tetrahedra, which share the diagonal from (0, 0, 0) to (1, 1, 1): one for
#: each order of the steps along the axes (Kuhn's subdivision). Neighbouring cubes cut their common
#: face alike, so that the surface has no cracks.
_TETRAHEDRA = np.array(
    [np.cumsum([(0, 0, 0), *np.eye(3, dtype=int)[list(order)]], axis=0) for order in permutations(range(3))]
)


def isosurface(values: np.ndarray, level: float) -> np.ndarray:
    """Triangles of the surface on which a field takes a given value.

    The field is linear inside every tetrahedron (Doi and Koide, IEICE Trans. E74, 214 (1991)).

    Parameters
    ----------
    values : (p, q, r) float array
        The field, finite everywhere.
    level : float
        Its value on the surface, in the same unit.

    Returns
    -------
    (m, 3, 3) float64
        Corners of m triangles, in steps of the grid from point (0, 0, 0). Seen from where the field
        is above `level`, they run counter-clockwise.
    """
    cubes = _crossed_cubes(values, level)
    triangles = [np.empty((0, 3, 3))]
    for tetrahedron in _TETRAHEDRA:
        corners = cubes[:, None, :] + tetrahedron
        height = values[tuple(np.moveaxis(corners, -1, 0))].astype(np.float64) - level
        triangles += _cut(corners.astype(np.float64), height)
    return np.concatenate(triangles)


def _crossed_cubes(values: np.ndarray, level: float) -> np.ndarray:
    """First corner of every cube with corners on both sides of the level; (m, 3) int."""
    below = values < level
    shape = tuple(size - 1 for size in values.shape)
    count = np.zeros(shape, dtype=np.int8)
    for i, j, k in np.ndindex(2, 2, 2):
        count += below[i : i + shape[0], j : j + shape[1], k : k + shape[2]]
    return np.argwhere((count > 0) & (count < 8))


def _cut(corners: np.ndarray, height: np.ndarray) -> list[np.ndarray]:
    """Cut tetrahedra, (m, 4, 3), at height zero of their corners, (m, 4)."""
    n_below = (height < 0).sum(axis=1)
    order = np.argsort(height >= 0, axis=1, kind="stable")  # the corners below come first
    corners = np.take_along_axis(corners, order[:, :, None], axis=1)
    height = np.take_along_axis(height, order, axis=1)
    found = []
    for n, edges in _CASES.items():
        chosen = n_below == n
        points = _crossings(corners[chosen], height[chosen], edges)
        up = corners[chosen, n:].mean(axis=1) - corners[chosen, :n].mean(axis=1)
        # a quadrilateral's corners go round: it is two triangles
        found += [_facing(points[:, (0, k, k + 1)], up) for k in range(1, len(edges) - 1)]
    return found


#: Number of corners below the level -> the edges (below, above) that the surface crosses, in turn.
_CASES = {
    1: ((0, 1), (0, 2), (0, 3)),
    2: ((0, 2), (0, 3), (1, 3), (1, 2)),
    3: ((0, 3), (1, 3), (2, 3)),
}


def _crossings(corners: np.ndarray, height: np.ndarray, edges: tuple) -> np.ndarray:
    below, above = np.array(edges).T
    part = height[:, below] / (height[:, below] - height[:, above])
    return corners[:, below] + part[:, :, None] * (corners[:, above] - corners[:, below])


def _facing(triangles: np.ndarray, up: np.ndarray) -> np.ndarray:
    """The same triangles, turned so that their normals point up."""
    normal = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    down = np.einsum("ij,ij->i", normal, up) < 0
    triangles[down] = triangles[down][:, ::-1]
    return triangles
