"""A plane through voxels, drawn true to the angles of the box."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import Colormap, Normalize
from matplotlib.patches import Polygon

from porevox.figures.figure_style import INK
from porevox.figures.voxel_box import VoxelBox
from porevox.figures.voxel_scene import atoms_in_box, element_rgb

#: Atoms this near to a plane are drawn on it, A.
_NEAR_PLANE_A = 0.7


def plane_outline(box: VoxelBox, axis: int) -> np.ndarray:
    """Corners of the planes that cut one of a box's edges, in the coordinates they are drawn in.

    Parameters
    ----------
    box : VoxelBox
    axis : int
        The edge that is cut; the first of the other two lies along x.

    Returns
    -------
    (4, 2) float64
        Angstrom, or fractions where the box is not to scale.
    """
    return np.array([(0, 0), (1, 0), (1, 1), (0, 1)]) @ _flat_basis(box, axis)


def plane_sheet(field: np.ndarray, axis: int, part: float) -> tuple[np.ndarray, float]:
    """Take the plane of voxels nearest to a fraction of one edge.

    Parameters
    ----------
    field : (p, q, r) array
    axis : int
        The edge that is cut.
    part : float
        Where, as a fraction of it.

    Returns
    -------
    sheet : two-dimensional array
    part : float
        Where the plane lies indeed.
    """
    last = field.shape[axis] - 1
    index = round(part * last)
    return np.take(field, index, axis), index / last


def draw_plane(
    axes: Axes, box: VoxelBox, axis: int, part: float, field: np.ndarray, colours: Colormap, norm: Normalize
) -> QuadMesh:
    """Draw the plane of voxels nearest to a fraction of one edge; every voxel is one tile.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    box : VoxelBox
    axis : int
        The edge that is cut.
    part : float
        Where, as a fraction of it.
    field : (p, q, r) float64
        What is shown, in place of the box's own field.
    colours, norm : matplotlib.colors.Colormap, matplotlib.colors.Normalize

    Returns
    -------
    matplotlib.collections.QuadMesh
        The tiles, for a colour bar.
    """
    basis = _flat_basis(box, axis)
    sheet, part = plane_sheet(field, axis, part)
    corners = [np.arange(-0.5, size) / (size - 1) for size in sheet.shape]
    places = np.stack(np.meshgrid(*corners, indexing="ij"), axis=-1) @ basis
    look: dict[str, Any] = {"cmap": colours, "norm": norm, "rasterized": True}
    image = axes.pcolormesh(places[..., 0], places[..., 1], sheet, **look)
    rim = plane_outline(box, axis)
    outline = Polygon(rim, closed=True, fill=False, edgecolor=INK, linewidth=0.7, clip_on=False)
    axes.add_patch(outline)
    image.set_clip_path(outline)
    _draw_atoms(axes, box, axis, part, outline)
    axes.set(xlim=_span(rim[:, 0]), ylim=_span(rim[:, 1]), aspect="equal", anchor="W")
    axes.spines[:].set_visible(False)
    axes.set_title(f"plane at {part:.2f} of {box.axes[axis]}", fontsize=8, loc="left")
    first, second = (name for k, name in enumerate(box.axes) if k != axis)
    unit = "Å" if box.to_scale else "fraction"
    # on a skewed plane the upright axis is not the second edge
    square = abs(basis[1, 0]) < 1e-6 * abs(basis[1, 1])
    axes.set(xlabel=f"along {first} ({unit})", ylabel=f"{'along' if square else 'towards'} {second} ({unit})")
    return image


def _span(values: np.ndarray) -> tuple[float, float]:
    return float(values.min()), float(values.max())


def _flat_basis(box: VoxelBox, axis: int) -> np.ndarray:
    """The two edges of a plane in coordinates of its own, the first along x; (2, 2), angstrom."""
    first, second = np.delete(box.edges_A, axis, axis=0)
    length = np.linalg.norm(first)
    along = second @ first / length
    return np.array([[length, 0.0], [along, np.sqrt(second @ second - along**2)]])


def _draw_atoms(axes: Axes, box: VoxelBox, axis: int, part: float, outline: Polygon) -> None:
    """Mark the atoms close to a plane where they stand above or below it."""
    if box.structure is None:
        return
    elements, places = atoms_in_box(box.structure, box.edges_A, box.origin_A)
    inverse = np.linalg.inv(box.edges_A)
    fractions = (places - box.origin_A) @ inverse
    height_A = (fractions[:, axis] - part) / np.linalg.norm(inverse[:, axis])
    near = np.abs(height_A) < _NEAR_PLANE_A
    flat = np.delete(fractions[near], axis, axis=1) @ _flat_basis(box, axis)
    rgb = element_rgb([element for element, chosen in zip(elements, near, strict=True) if chosen])
    look: dict[str, Any] = {"edgecolors": "white", "linewidths": 0.3, "alpha": 0.85, "zorder": 3}
    points = axes.scatter(flat[:, 0], flat[:, 1], s=9, c=rgb, **look)
    points.set_clip_path(outline)
