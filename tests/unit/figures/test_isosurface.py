"""Isosurfaces: right place, right size, closed, and facing the right way."""

from collections import Counter

import numpy as np
import pytest

from porevox.figures.isosurface import isosurface


def distance_from(centre, n=24):
    return np.linalg.norm(np.stack(np.indices((n, n, n)), axis=-1) - np.asarray(centre), axis=-1)


def area(triangles):
    return np.linalg.norm(normals(triangles), axis=1).sum()


def normals(triangles):
    return 0.5 * np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])


def enclosed_volume(triangles):
    """By the divergence theorem; negative when the triangles face inwards."""
    return np.einsum("ij,ij->", triangles.mean(axis=1), normals(triangles)) / 3


def test_a_sphere_has_the_area_and_volume_of_a_sphere_and_faces_outwards():
    triangles = isosurface(distance_from((11.3, 11.7, 12.2)), 8.0)
    assert area(triangles) == pytest.approx(4 * np.pi * 64, rel=0.01)
    assert enclosed_volume(triangles) == pytest.approx(4 / 3 * np.pi * 512, rel=0.01)
    assert np.abs(np.linalg.norm(triangles - (11.3, 11.7, 12.2), axis=-1) - 8.0).max() < 0.05


def test_a_surface_faces_where_the_field_is_above_the_level():
    inside_out = isosurface(-distance_from((11.3, 11.7, 12.2)), -8.0)
    assert enclosed_volume(inside_out) == pytest.approx(-4 / 3 * np.pi * 512, rel=0.01)


def test_a_plane_is_found_exactly():
    x, y, z = np.indices((5, 6, 7)).astype(float)
    triangles = isosurface(x + 2 * y - z, 2.3)
    assert np.allclose(triangles @ (1, 2, -1), 2.3)
    across = np.array([1, 2, -1]) / np.sqrt(6)
    assert np.allclose(np.cross(normals(triangles), across), 0, atol=1e-12)
    assert (normals(triangles) @ across).sum() == pytest.approx(area(triangles))


def test_a_closed_surface_has_no_cracks():
    values = np.random.default_rng(0).normal(size=(9, 9, 9))
    values[[0, -1]] = values[:, [0, -1]] = values[:, :, [0, -1]] = 1.0  # closed at the rim
    triangles = isosurface(values, 0.1)
    corners = [tuple(corner) for corner in np.round(triangles.reshape(-1, 3), 9)]
    edges = Counter()
    for first in range(0, len(corners), 3):
        for i, j in ((0, 1), (1, 2), (2, 0)):
            edges[corners[first + i], corners[first + j]] += 1
    # each edge is met once in either direction, by the triangles on its two sides
    assert all(edges[j, i] == count for (i, j), count in edges.items())


@pytest.mark.parametrize("level", [-1.0, 2.0])
def test_a_level_that_is_never_met_has_no_surface(level):
    assert isosurface(np.random.default_rng(0).random((4, 4, 4)), level).shape == (0, 3, 3)
