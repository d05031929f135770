"""Where voxels lie: cell, supercell or Cartesian box, and the middle of a pore."""

import numpy as np
import pytest

from porevox.crystal.structure import Structure, lattice_from_parameters
from porevox.energy.grid import GridSpec, cartesian_points
from porevox.figures.voxel_box import pore_middle, voxel_box

LATTICE = lattice_from_parameters((12.0, 14.0, 9.0), (80.0, 95.0, 110.0))
STRUCTURE = Structure("x", LATTICE, np.array([[0.1, 0.2, 0.3]]), ("C",), "gemmi")


@pytest.mark.parametrize("endpoint", [False, True])
@pytest.mark.parametrize("kind", ["mic_supercell", "unit_cell", "cubic_box"])
def test_every_voxel_is_drawn_where_it_was_computed(kind, endpoint):
    grid = GridSpec(kind, 6, endpoint, 20.0)
    where = cartesian_points(grid, LATTICE, 10.0)
    box = voxel_box(where[..., 0], grid, STRUCTURE, 10.0)
    steps = box.edges_A / (np.array(box.field.shape) - 1)[:, None]
    indices = np.stack(np.indices((6, 6, 6)), axis=-1)
    assert np.allclose(indices @ steps + box.origin_A, where)
    assert np.array_equal(box.field[:6, :6, :6], where[..., 0])
    assert box.to_scale and box.periodic == (kind != "cubic_box")


def test_a_periodic_box_ends_with_the_planes_it_began_with():
    box = voxel_box(np.random.default_rng(0).random((5, 5, 5)), GridSpec("unit_cell", 5), STRUCTURE)
    assert box.field.shape == (6, 6, 6)
    for axis in range(3):
        assert np.array_equal(box.field.take(0, axis), box.field.take(-1, axis))


def test_edges_of_a_supercell_are_named_for_it():
    box = voxel_box(np.zeros((4, 4, 4)), GridSpec("mic_supercell", 4), STRUCTURE, 10.0)
    assert box.axes == ("2a", "2b", "3c")
    assert np.allclose(box.edges_A, np.diag([2, 2, 3]) @ LATTICE)


def test_without_a_structure_only_a_cartesian_box_has_a_scale():
    assert not voxel_box(np.zeros((4, 4, 4)), GridSpec("unit_cell", 4)).to_scale
    assert voxel_box(np.zeros((4, 4, 4)), GridSpec("cubic_box", 4)).to_scale


def cubic(field):
    structure = Structure("x", 10.0 * np.eye(3), np.zeros((1, 3)), ("C",), "gemmi")
    return voxel_box(field, GridSpec("unit_cell", len(field)), structure)


def test_the_middle_of_the_largest_pore_is_found_also_across_the_cells_faces():
    places = np.stack(np.indices((20, 20, 20)), axis=-1)
    field = np.full((20, 20, 20), 1e6)
    for centre, radius in (((10, 10, 10), 3), ((0, 5, 19), 6)):
        away = np.abs(places - centre)
        field[np.linalg.norm(np.minimum(away, 20 - away), axis=-1) < radius] = -100.0
    found = np.array(pore_middle(cubic(field), 298.0))
    away = np.abs(found - (0, 0.25, 0.95))
    assert np.minimum(away, 1 - away).max() < 0.051


def test_of_equal_pores_the_one_nearest_to_the_middle_is_taken():
    field = np.full((20, 20, 20), 1e6)
    for start in (1, 8, 15):
        field[start : start + 4, start : start + 4, start : start + 4] = -100.0
    assert np.allclose(pore_middle(cubic(field), 298.0), 0.475, atol=0.051)


@pytest.mark.parametrize("value", [-100.0, 1e6])
def test_nothing_but_pore_or_no_pore_at_all_is_cut_in_the_middle(value):
    assert pore_middle(cubic(np.full((6, 6, 6), value)), 298.0) == (0.5, 0.5, 0.5)
