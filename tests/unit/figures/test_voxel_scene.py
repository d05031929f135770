"""The scene in space: what is near hides what is far, and atoms are where the structure has them."""

import numpy as np
import pytest

from porevox.crystal.structure import Structure, lattice_from_parameters
from porevox.energy.grid import GridSpec
from porevox.figures.voxel_box import voxel_box
from porevox.figures.voxel_scene import Polygons, atoms_in_box, camera, framework, seen, surface

SKEWED = lattice_from_parameters((8.0, 9.0, 10.0), (75.0, 100.0, 115.0))


def structure(lattice=SKEWED, frac=((0.0, 0.0, 0.0), (0.5, 0.5, 0.5)), elements="CO"):
    return Structure("x", np.array(lattice), np.array(frac), tuple(elements), "gemmi")


@pytest.mark.parametrize("edges", [np.eye(3), SKEWED, np.diag([5.0, 20.0, 40.0])])
def test_the_camera_sees_the_ends_of_all_edges_and_keeps_the_third_upright(edges):
    eye = camera(edges)
    directions = np.stack([eye.right, eye.up, eye.near])
    assert np.allclose(directions @ directions.T, np.eye(3))
    assert np.linalg.det(directions) == pytest.approx(1)
    outward = np.linalg.inv(edges).T
    assert (outward @ eye.near > 0).all()
    across, upright = eye.project(edges[2])
    assert across == pytest.approx(0, abs=1e-9) and upright > 0


def test_what_is_far_is_drawn_first_and_paler():
    eye = camera(np.eye(3))
    triangle = np.array([eye.right, eye.up, -eye.right])
    places = [triangle + 3 * eye.near, triangle, triangle + 7 * eye.near]
    corners, rgb = seen(Polygons(places, np.zeros((3, 3))), eye)
    assert len(corners) == 3 and corners[0].shape == (3, 2)
    assert (np.diff(rgb[:, 0]) < 0).all() and rgb[-1, 0] == 0


def test_a_surface_lies_where_the_field_has_its_level_also_in_a_skewed_cell():
    grid = GridSpec("unit_cell", 24)
    places = np.stack(np.indices((24, 24, 24)) / 24, axis=-1)
    distance = np.linalg.norm((places - 0.5) @ SKEWED, axis=-1)
    box = voxel_box(distance, grid, structure())
    eye = camera(box.edges_A)
    polygons = surface(box, 2.5, ("#ff0000", "#0000ff"), eye)
    corners = np.array(polygons.corners)
    radii = np.linalg.norm(corners - 0.5 * SKEWED.sum(axis=0), axis=-1)
    assert np.abs(radii - 2.5).max() < 0.05
    # seen from without, where the field is higher: what faces the camera is blue, the rest red
    outward = corners.mean(axis=1) - 0.5 * SKEWED.sum(axis=0)
    blue = polygons.rgb[:, 2] > polygons.rgb[:, 0]
    sure = np.abs(outward @ eye.near) > 0.2
    assert np.array_equal(blue[sure], (outward @ eye.near > 0)[sure])


def test_a_level_that_is_not_met_has_no_surface():
    box = voxel_box(np.zeros((5, 5, 5)), GridSpec("unit_cell", 5), structure())
    assert surface(box, 1.0, ("#ff0000", "#0000ff"), camera(box.edges_A)).corners == []


def test_atoms_on_a_face_of_the_cell_are_shown_on_both_sides():
    elements, places = atoms_in_box(structure(), SKEWED, np.zeros(3))
    assert sorted(elements) == ["C"] * 8 + ["O"]
    assert np.allclose(places[elements.index("O")], 0.5 * SKEWED.sum(axis=0))


def test_atoms_of_a_cartesian_box_are_all_images_in_it():
    box = 6.0 * np.eye(3)
    _, places = atoms_in_box(structure(), box, np.full(3, -3.0))
    assert (np.abs(places) <= 3.01).all()
    around = np.stack(np.meshgrid(*[np.arange(-5, 6)] * 3), axis=-1).reshape(-1, 3)
    images = np.concatenate([(around + frac) @ SKEWED for frac in structure().frac])
    assert len(places) == (np.abs(images) <= 3.0).all(axis=1).sum()


def test_bonds_are_drawn_between_neighbours_only():
    frac = ((0.3, 0.5, 0.5), (0.442, 0.5, 0.5), (0.8, 0.5, 0.5))  # 1.42 A, as in graphite, and far off
    lone = voxel_box(np.zeros((4, 4, 4)), GridSpec("unit_cell", 4), structure(10 * np.eye(3), frac, "CCC"))
    polygons = framework(lone, camera(lone.edges_A))
    sticks = [corners for corners in polygons.corners if len(corners) == 4]
    assert len(polygons.corners) - len(sticks) == 3 and len(sticks) == 2
    middle = np.mean([corners.mean(axis=0) for corners in sticks], axis=0)
    assert np.allclose(middle, (3.71, 5.0, 5.0))


def test_without_a_structure_there_is_no_framework():
    box = voxel_box(np.zeros((4, 4, 4)), GridSpec("unit_cell", 4))
    assert framework(box, camera(box.edges_A)).corners == []
