"""Voxels and where they lie in space, as far as that is known."""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import distance_transform_edt

from porevox.crystal.structure import Structure
from porevox.energy.grid import GridSpec, supercell_repeats

#: Points along an axis among which the middle of the largest pore is looked for.
_COARSE = 48
#: Pores this much smaller than the largest are as good, if they are nearer to the middle.
_AS_LARGE = 0.95


@dataclass(frozen=True, eq=False)
class VoxelBox:
    """Voxels with the box that they fill.

    Parameters
    ----------
    field : (p, q, r) float64
        Values; in a periodic box the last planes repeat the first ones, on the opposite faces.
    edges_A : (3, 3) float64
        Rows: the box's edges along the three axes, angstrom.
    origin_A : (3,) float64
        The box's first corner, angstrom.
    axes : tuple of 3 str
        Names of the edges, such as ``a`` or, for a supercell, ``2a``.
    structure : Structure or None
        The framework; None where it is not known, and `edges_A` are then those of a cube of edge 1.
    periodic : bool
        Whether the box repeats in space.
    """

    field: np.ndarray
    edges_A: np.ndarray
    origin_A: np.ndarray
    axes: tuple[str, ...]
    structure: Structure | None
    periodic: bool

    @property
    def to_scale(self) -> bool:
        """Whether the edges are known in angstrom."""
        return not np.array_equal(self.edges_A, np.eye(3))


def voxel_box(
    values: np.ndarray, grid: GridSpec, structure: Structure | None = None, cutoff_A: float = 10.0
) -> VoxelBox:
    """Put the voxels of a structure where they belong.

    Parameters
    ----------
    values : (n, n, n) float array
        Voxels computed on the grid.
    grid : GridSpec
    structure : Structure, optional
        Without it, only a Cartesian box is drawn to scale.
    cutoff_A : float
        Cutoff radius, angstrom; it sets the supercell of ``mic_supercell``.

    Returns
    -------
    VoxelBox
    """
    field = np.asarray(values, dtype=np.float64)
    if grid.kind == "cubic_box":
        length = grid.box_length_A
        drawn = length if grid.endpoint else length * (grid.n - 1) / grid.n
        origin = np.full(3, -length / 2)
        return VoxelBox(field, drawn * np.eye(3), origin, ("x", "y", "z"), structure, False)
    if not grid.endpoint:
        field = np.pad(field, [(0, 1)] * 3, mode="wrap")
    if structure is None:
        return VoxelBox(field, np.eye(3), np.zeros(3), ("a", "b", "c"), None, True)
    repeats = (1, 1, 1)
    if grid.kind == "mic_supercell":
        repeats = supercell_repeats(structure.lattice_A, cutoff_A)
    axes = tuple(name if k == 1 else f"{k}{name}" for name, k in zip("abc", repeats, strict=True))
    edges = np.array(repeats, dtype=np.float64)[:, None] * structure.lattice_A
    return VoxelBox(field, edges, np.zeros(3), axes, structure, True)


def pore_middle(box: VoxelBox, level: float) -> tuple[float, float, float]:
    """Where a largest pore has its middle: the point farthest from everything repulsive.

    Parameters
    ----------
    box : VoxelBox
        With energies.
    level : float
        Energy from which on a point is no longer part of a pore.

    Returns
    -------
    tuple of 3 float
        Fractions of the box's edges; of several pores of about this size the one nearest to the
        middle of the box, and that middle itself where nothing or everything is pore.
    """
    steps = tuple(max(1, size // _COARSE) for size in box.field.shape)
    pore = box.field[:: steps[0], :: steps[1], :: steps[2]] < level
    if pore.all() or not pore.any():
        return 0.5, 0.5, 0.5
    spacing = np.linalg.norm(box.edges_A, axis=1) / (np.array(pore.shape) - 1)
    margin = [(size // 2, size // 2) if box.periodic else (0, 0) for size in pore.shape]
    inner = tuple(slice(low, low + size) for (low, _), size in zip(margin, pore.shape, strict=True))
    if box.periodic:  # the last planes are the first ones again
        pore = np.pad(pore[:-1, :-1, :-1], [(low, high + 1) for low, high in margin], mode="wrap")
    distance = distance_transform_edt(pore, sampling=spacing)[inner]
    fractions = np.argwhere(distance >= _AS_LARGE * distance.max()) / (np.array(distance.shape) - 1)
    nearest = np.linalg.norm(fractions - 0.5, axis=1).argmin()
    a, b, c = (float(part) for part in fractions[nearest])
    return a, b, c
