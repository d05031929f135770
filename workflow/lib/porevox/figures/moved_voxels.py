"""Voxels after a symmetry operation, drawn as a surface in space and as a slice."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.patheffects import withStroke

from porevox.figures.figure_style import COLOURS
from porevox.figures.network_input import NetworkInput
from porevox.figures.voxel_box import VoxelBox
from porevox.figures.voxel_planes import draw_plane
from porevox.figures.voxel_scene import camera
from porevox.figures.voxel_view import Scale, draw_space
from porevox.learning.augment import OPERATIONS, Augmenter
from porevox.learning.symmetry import CUBE_OPERATIONS

#: Colours of the original's axes a, b and c, which move with it.
AXIS_COLOURS = (COLOURS[1], COLOURS[2], COLOURS[0])
#: Fineness of the surfaces, which are small.
_STEPS = 30
#: Length of those axes, as a part of the cube's edge.
_ARROW = 0.34
_HALO = [withStroke(linewidth=1.8, foreground="white")]


@dataclass(frozen=True, eq=False)
class Move:
    """One panel: its title, and what happens to voxels (..., n, n, n) in it."""

    title: str
    function: Callable[[torch.Tensor], torch.Tensor]

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Move the values of an (n, n, n) array; the array itself is not changed."""
        return self.function(torch.from_numpy(np.ascontiguousarray(values))).clone().numpy()


def moves(octahedral: bool, roll: bool, n: int, endpoint: bool) -> list[Move]:
    """Return what the panels show: an example of each kind of operation.

    Parameters
    ----------
    octahedral : bool
        Whether all 48 operations of the cube are drawn from, not only the thesis' 13.
    roll : bool
        Whether voxels are also shifted periodically.
    n : int
        Grid points per axis.
    endpoint : bool
        Whether the grid's last plane repeats its first.

    Returns
    -------
    list of Move
        The original first. The thesis' examples leave planes across c where they are, so that the same
        slice can be followed through them.
    """
    named = dict(OPERATIONS)
    found = [
        Move("original", named["identity"]),
        Move("rotation by 90° about c", named["rotate +90 about c"]),
        Move("flip along a", named["flip along a"]),
        Move("reflection: a and b swapped", named["transpose the plane across c"]),
    ]
    if octahedral:
        cyclic = next(op for op in CUBE_OPERATIONS if op.axes == (1, 2, 0) and not any(op.reversed_axes))
        found.append(Move("rotation by 120° about the diagonal", cyclic))
    if roll:
        shifter = Augmenter("none", True, n, torch.device("cpu"), endpoint=endpoint)
        shifts = torch.tensor([[0, n // 3, n // 4, 0]])
        found.append(
            Move(
                "periodic shift along a and b",
                lambda voxels: shifter.moved(voxels[None, None], shifts)[0, 0],
            )
        )
    return found


def carried_axes(move: Move, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Where an operation carries the original's corner and axes.

    Parameters
    ----------
    move : Move
    n : int
        Grid points per axis.

    Returns
    -------
    corner : (3,) int64
        Indices of the grid point at which the original's point (0, 0, 0) now is.
    axes : (3, 3) int64
        Rows: steps of the grid (-1, 0 or 1) along which the original's axes a, b and c now run.
    """
    middle = n // 2  # an axis begins and ends inside the box
    points = np.arange(n**3).reshape(n, n, n)
    moved = move(points)

    def place(*index):
        return np.argwhere(moved == points[index])[0]

    there = place(middle, middle, middle)
    steps = np.array([place(*(middle + (np.arange(3) == axis))) - there for axis in range(3)])
    # a step over the edge of a periodic box is one in the other direction
    return place(0, 0, 0), np.where(np.abs(steps) > 1, -np.sign(steps), steps)


def draw_moved_surface(axes: Axes, seen: NetworkInput, move: Move, level: float) -> None:
    """Draw the surface of the moved voxels, with the original's axes where they are now.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    seen : NetworkInput
        The original.
    move : Move
    level : float
        Value of the field on the surface, K or V.
    """
    box = seen.box(move(seen.field))
    draw_space(axes, box, level, seen.potential, _STEPS)
    for text in list(axes.texts):  # the names of the box's edges: those of the original's axes are drawn
        text.remove()
    axes.margins(0.02)
    corner, directions = carried_axes(move, len(seen.values))
    _draw_axes(axes, box, corner / (len(seen.values) - 1), directions)


def _draw_axes(axes: Axes, box: VoxelBox, corner: np.ndarray, directions: np.ndarray) -> None:
    """Arrows along the original's axes; `corner` in fractions of the edges."""
    eye = camera(box.edges_A)
    start = eye.project(box.origin_A + corner @ box.edges_A)
    for name, colour, direction in zip("abc", AXIS_COLOURS, directions, strict=True):
        end = eye.project(box.origin_A + (corner + _ARROW * direction) @ box.edges_A)
        arrow: dict[str, Any] = {"arrowstyle": "-|>,head_length=0.35,head_width=0.18", "color": colour}
        arrow |= {"linewidth": 1.6, "shrinkA": 0, "shrinkB": 0}
        axes.annotate("", tuple(end), tuple(start), arrowprops=arrow, zorder=5, annotation_clip=False)
        beyond = start + 1.28 * (end - start)
        look: dict[str, Any] = {"fontsize": 7, "fontweight": "bold", "color": colour, "path_effects": _HALO}
        axes.annotate(name, tuple(beyond), ha="center", va="center", zorder=6, **look)


def draw_moved_slice(axes: Axes, seen: NetworkInput, move: Move, part: float, scale: Scale) -> QuadMesh:
    """Draw one plane across c of the moved voxels.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    seen : NetworkInput
        The original.
    move : Move
    part : float
        Where the plane cuts c, as a fraction of it.
    scale : Scale
        Colours.

    Returns
    -------
    matplotlib.collections.QuadMesh
        The tiles, for a colour bar.
    """
    box = seen.box(move(seen.field))
    image = draw_plane(axes, box, 2, part, box.field, scale.colours, scale.norm)
    axes.set_title("", loc="left")
    axes.set(xticks=[], yticks=[], xlabel=f"along {box.axes[0]}", ylabel=f"along {box.axes[1]}", anchor="C")
    return image
