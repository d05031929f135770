"""One structure's voxels on a page: a surface of equal value in space, and three planes."""

import io
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import Colormap, LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure

from porevox.figures.figure_style import INK, TWO_COLUMNS, new_figure, style
from porevox.figures.figure_text import plain_text
from porevox.figures.voxel_box import VoxelBox, pore_middle
from porevox.figures.voxel_planes import draw_plane, plane_outline, plane_sheet
from porevox.figures.voxel_scene import Camera, camera, framework, seen, surface
from porevox.learning.runs import write_atomically

#: Energies are interpolated as asinh(V / 100 K): linear near zero, a logarithm on the steep walls.
_BEND_K = 100.0
#: Beyond this an energy is as good as infinite, K.
_WALL_K = 1e9
_PORE_SIDE, _FRAME_SIDE = "#E8B04A", "#3E7FB5"
_POSITIVE, _NEGATIVE = ("#D6604D", "#9B3A2C"), ("#2F6594", "#4393C3")
_SOLID_COLOUR = "#b9b5ae"
#: The deep end first; zero ends in the palest tone.
_WELLS = LinearSegmentedColormap.from_list(
    "wells", ["#14143c", "#23428f", "#2a7fb0", "#53b8b0", "#b5e0b5", "#fbfbe6"]
)
#: Width of a panel and height of what is written above and below it, inches.
_PANEL, _WORDS = 2.75, 0.62
#: The colour scale of energies reaches at least this far down, K.
_LEAST_WELL_K = -1.0
#: Share of a potential's voxels (those next to the nuclei) that may lie beyond the colour scale.
_BEYOND = 0.25


@dataclass(frozen=True, eq=False)
class Scale:
    """Colours of the planes: of which values, and what is written at the colour bar."""

    field: np.ndarray
    label: str
    colours: Colormap
    norm: Normalize
    extend: str


def draw_voxels(
    box: VoxelBox,
    path: str | Path,
    quantity: str,
    title: str,
    note: str = "",
    level: float | None = None,
    planes: tuple[float, float, float] | None = None,
    boltzmann_K: float | None = None,
) -> None:
    """Draw the voxels of one structure.

    Parameters
    ----------
    box : VoxelBox
        The voxels and where they lie.
    path : path
        Written; its suffix (``.png``, ``.pdf`` or ``.svg``) says how.
    quantity : str
        ``energy`` or ``effective_energy`` (K), or ``potential`` (V).
    title, note : str
        The structure's name, and a line on what was computed.
    level : float, optional
        Value on the surface, in K or V. Of a potential, the negative of it is drawn, too. By
        default, 298 K; of a potential, about half of what the colour scale spans.
    planes : tuple of 3 float, optional
        Where the planes cut the edges, as fractions; by default in the middle of the largest
        pore, for a potential in the middle of the box.
    boltzmann_K : float, optional
        Show the Boltzmann factor of the energies at this temperature on the planes.
    """
    potential = quantity == "potential"
    reach = common_reach(box) if potential else 0.0
    if level is None:
        level = float(f"{reach / 2:.1g}") if potential else 298.0
    if planes is None:
        planes = (0.5, 0.5, 0.5) if potential else pore_middle(box, level)
    scale = potential_scale(box, reach) if potential else energy_scale(box, quantity, planes, boltzmann_K)
    with style():
        heights = _row_heights(box)
        figure = new_figure(TWO_COLUMNS, sum(heights) + 0.4)
        figure.suptitle(plain_text(title), x=0.01, ha="left", fontsize=10, fontweight="bold")
        figure.supxlabel(plain_text(note), x=0.01, ha="left", fontsize=7)
        panels = figure.subplots(2, 2, height_ratios=heights)
        caption = draw_space(panels[0, 0], box, abs(level) if potential else level, potential)
        panels[0, 0].set_title(caption, fontsize=8, loc="left")
        _draw_planes(figure, list(panels.flat), box, scale, planes)
        _write(figure, Path(path))


def _draw_planes(figure: Figure, panels: list[Axes], box: VoxelBox, scale: Scale, planes: tuple) -> None:
    for axis, axes in zip((2, 1, 0), panels[1:], strict=True):
        look = (scale.field, scale.colours, scale.norm)
        image = draw_plane(axes, box, axis, planes[axis], *look)
    bar = figure.colorbar(image, ax=panels, extend=scale.extend, aspect=45, pad=0.01)
    bar.set_label(scale.label)
    bar.outline.set_linewidth(0.6)


def _row_heights(box: VoxelBox) -> list[float]:
    """Heights of the two rows of panels, which fit what is drawn in them; inches."""
    corners = np.indices((2, 2, 2)).reshape(3, -1).T @ box.edges_A
    shapes = [camera(box.edges_A).project(corners), *(plane_outline(box, axis) for axis in (2, 1, 0))]
    slopes = [np.ptp(shape[:, 1]) / np.ptp(shape[:, 0]) for shape in shapes]
    return [_PANEL * min(1.15, max(slopes[k : k + 2])) + _WORDS for k in (0, 2)]


def _write(figure: Figure, path: Path) -> None:
    kind = path.suffix[1:].lower()
    metadata = {"pdf": {"CreationDate": None}, "svg": {"Date": None}}.get(kind, {})
    buffer = io.BytesIO()
    figure.savefig(buffer, format=kind, metadata=metadata)
    write_atomically(path, buffer.getvalue())


def energy_scale(box: VoxelBox, quantity: str, planes: tuple, boltzmann_K: float | None = None) -> Scale:
    """Colours of energies on planes: the wells; all that is repulsive looks solid.

    Parameters
    ----------
    box : VoxelBox
        With energies, K.
    quantity : str
        ``energy`` or ``effective_energy``.
    planes : tuple of 3 float
        Where they cut the edges; the scale ends at the lowest energy on them.
    boltzmann_K : float, optional
        Show the Boltzmann factor at this temperature instead.

    Returns
    -------
    Scale
    """
    sheets = [plane_sheet(box.field, axis, part)[0] for axis, part in enumerate(planes)]
    lowest = min(_LEAST_WELL_K, *(sheet.min() for sheet in sheets))
    if boltzmann_K is None:
        colours = _WELLS.with_extremes(over=_SOLID_COLOUR)
        label = f"{quantity.replace('_', ' ')} (K)"
        return Scale(np.minimum(box.field, _WALL_K), label, colours, Normalize(lowest, 0.0), "max")
    lowest = max(lowest, -600.0 * boltzmann_K)  # nothing overflows
    factor = np.exp(-np.maximum(box.field, lowest) / boltzmann_K)
    label = f"Boltzmann factor, $\\exp(-V/{boltzmann_K:g}\\,\\mathrm{{K}})$"
    colours = matplotlib.colormaps["magma"]
    return Scale(factor, label, colours, Normalize(0.0, np.exp(-lowest / boltzmann_K)), "neither")


def common_reach(box: VoxelBox) -> float:
    """Highest magnitude of a potential that is not only found next to the nuclei, V.

    Parameters
    ----------
    box : VoxelBox
        With potentials, V.

    Returns
    -------
    float
        Above zero.
    """
    return float(np.quantile(np.abs(box.field), 1.0 - _BEYOND)) or 1e-6


def potential_scale(box: VoxelBox, reach: float) -> Scale:
    """Colours of potentials on planes.

    Parameters
    ----------
    box : VoxelBox
        With potentials, V.
    reach : float
        Where the scale ends on either side of zero, V.

    Returns
    -------
    Scale
    """
    colours = matplotlib.colormaps["RdBu_r"]
    return Scale(box.field, "electrostatic potential (V)", colours, Normalize(-reach, reach), "both")


def draw_space(axes: Axes, box: VoxelBox, level: float, potential: bool, steps: int | None = None) -> str:
    """Draw the surface of a level in space, with the framework and the edges of the box.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    box : VoxelBox
    level : float
        Of energies in K; of a potential in V and above zero, and the negative of it is drawn, too.
    potential : bool
        Whether the box holds potentials.
    steps : int, optional
        See :func:`porevox.figures.voxel_scene.surface`.

    Returns
    -------
    str
        What the surface is, and what its colours mean.
    """
    eye = camera(box.edges_A)
    if potential:
        limit = 4 * level  # next to a nucleus there is no end to it
        bent = replace(box, field=np.clip(box.field, -limit, limit))
        polygons = surface(bent, level, _POSITIVE, eye, steps)
        polygons += surface(bent, -level, _NEGATIVE, eye, steps)
        caption = f"surfaces at +{level:.3g} V (red)\nand −{level:.3g} V (blue)"
    else:
        bent = replace(box, field=np.arcsinh(np.minimum(box.field, _WALL_K) / _BEND_K))
        sides = (_PORE_SIDE, _FRAME_SIDE)
        polygons = surface(bent, np.arcsinh(level / _BEND_K), sides, eye, steps)
        caption = f"surface at {level:g} K\nyellow: pore side, blue: framework side"
    corners, rgb = seen(polygons + framework(box, eye), eye)
    _draw_edges(axes, box, eye)
    # thin outlines of the same colour close the hairlines between neighbours
    look: dict[str, Any] = {"facecolors": rgb, "edgecolors": rgb, "linewidths": 0.25}
    drawn = axes.add_collection(PolyCollection(corners, rasterized=True, zorder=2, **look))
    drawn.set_in_layout(False)  # the edges hold it; measuring 10^5 polygons takes seconds
    axes.set_aspect("equal", adjustable="datalim")
    axes.set_axis_off()
    axes.margins(0.06)
    return caption


def _draw_edges(axes: Axes, box: VoxelBox, eye: Camera) -> None:
    """Edges of the box; those behind the surface are drawn before it."""
    far = box.origin_A
    middle = eye.project(far + box.edges_A.sum(axis=0) / 2)
    for axis, (j, k) in enumerate(((1, 2), (2, 0), (0, 1))):
        edge = box.edges_A[axis]
        for sides in np.ndindex(2, 2):
            start = far + sides[0] * box.edges_A[j] + sides[1] * box.edges_A[k]
            ends = eye.project(np.stack([start, start + edge]))
            order = 1 if sides == (0, 0) else 3
            axes.plot(*ends.T, color=INK, linewidth=0.7, zorder=order, solid_capstyle="round")
        # an edge on the rim, at the bottom or on the left
        first = far + (box.edges_A[j] if axis == 0 else box.edges_A[0])
        _name_edge(axes, eye.project(np.stack([first, first + edge])), middle, _edge_name(box, axis))


def _name_edge(axes: Axes, ends: np.ndarray, middle: np.ndarray, name: str) -> None:
    place = ends.mean(axis=0)
    along = ends[1] - ends[0]
    out = np.array([along[1], -along[0]]) / np.linalg.norm(along)
    out *= np.sign(out @ (place - middle))
    turn = (np.degrees(np.arctan2(along[1], along[0])) + 89.9) % 180 - 89.9  # upright reads upwards
    axes.annotate(
        name, place, 7 * out, textcoords="offset points", ha="center", va="center", rotation=turn, fontsize=7
    )


def _edge_name(box: VoxelBox, axis: int) -> str:
    if not box.to_scale:
        return box.axes[axis]
    return f"{box.axes[axis]} = {np.linalg.norm(box.edges_A[axis]):.2f} Å"
