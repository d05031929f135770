"""Planes through voxels: the right ones, in the right place, true to the cell's angles."""

import numpy as np
import pytest
from matplotlib.colors import ListedColormap, Normalize

from porevox.crystal.structure import Structure, lattice_from_parameters
from porevox.energy.grid import GridSpec
from porevox.figures.figure_style import new_figure, style
from porevox.figures.voxel_box import voxel_box
from porevox.figures.voxel_planes import draw_plane, plane_outline, plane_sheet

SKEWED = lattice_from_parameters((8.0, 9.0, 10.0), (90.0, 90.0, 120.0))
STRUCTURE = Structure("x", SKEWED, np.array([[0.5, 0.5, 0.5], [0.5, 0.5, 0.1]]), ("C", "O"), "gemmi")


@pytest.mark.parametrize("part, index, lies", [(0.0, 0, 0.0), (0.49, 2, 0.5), (1.0, 4, 1.0)])
def test_the_nearest_plane_is_taken_and_says_where_it_lies(part, index, lies):
    field = np.random.default_rng(0).random((5, 6, 7))
    sheet, where = plane_sheet(field, 0, part)
    assert np.array_equal(sheet, field[index]) and where == lies


def test_outlines_have_the_cells_lengths_and_angles():
    box = voxel_box(np.zeros((4, 4, 4)), GridSpec("unit_cell", 4), STRUCTURE)
    outline = plane_outline(box, 2)
    sides = outline[1] - outline[0], outline[3] - outline[0]
    assert np.linalg.norm(sides, axis=1) == pytest.approx([8.0, 9.0])
    assert sides[0] @ sides[1] == pytest.approx(8 * 9 * -0.5)
    assert np.linalg.norm(np.diff(plane_outline(box, 0), axis=0), axis=1)[:2] == pytest.approx([9.0, 10.0])


def drawn(axis, part):
    field = np.random.default_rng(1).random((6, 6, 6))
    box = voxel_box(field, GridSpec("unit_cell", 6), STRUCTURE)
    with style():
        axes = new_figure(3, 3).add_subplot()
        image = draw_plane(axes, box, axis, part, box.field, ListedColormap(["k", "w"]), Normalize(0, 1))
        return box, axes, image


def test_every_voxel_is_a_tile_around_its_own_point():
    box, axes, image = drawn(2, 0.5)
    assert np.array_equal(image.get_array(), box.field[:, :, 3])
    corners = image.get_coordinates()
    centre = corners[2:4, 4:6].reshape(-1, 2).mean(axis=0)
    edges = plane_outline(box, 2)[[1, 3]]
    assert np.allclose(centre, 2 / 6 * edges[0] + 4 / 6 * edges[1])
    assert axes.get_title("left") == "plane at 0.50 of c"
    assert axes.get_xlabel() == "along a (Å)" and axes.get_ylabel() == "towards b (Å)"


def test_only_atoms_close_to_the_plane_are_marked():
    box, axes, _ = drawn(2, 0.5)
    [points] = [made for made in axes.collections if hasattr(made, "get_sizes") and len(made.get_sizes())]
    assert np.allclose(points.get_offsets(), plane_outline(box, 2)[2] / 2)
    assert len(points.get_offsets()) == 1
