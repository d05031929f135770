"""Lennard-Jones energies of one interaction site at the distinct points of a grid."""

import math
import threading
from dataclasses import replace

import numpy as np

from porevox.compiled import jit
from porevox.crystal.structure import Structure
from porevox.energy import image_list, kernel
from porevox.energy.equivalence import representatives, represents, spread
from porevox.energy.forcefield import ForceField, mix
from porevox.energy.grid import DistinctPoints
from porevox.errors import PorevoxError, StructureRejected

TRUNCATIONS = ("truncated", "shifted")
#: Longest edge of a brick of grid points, angstrom. Shorter: fewer images per point beyond the
#: cutoff. Longer: fewer lists to gather. Flat between 4 and 7 for n = 25.
BRICK_EDGE_A = 6.0
_memory = threading.local()
#: Rounding room for images on the rim of the listed range.
_SPAN_SLACK = 1e-9


def check_truncation(truncation: str) -> None:
    """Refuse an unknown way to end a pair potential at its cutoff.

    Parameters
    ----------
    truncation : str

    Raises
    ------
    PorevoxError
        It is neither ``truncated`` nor ``shifted``.
    """
    if truncation not in TRUNCATIONS:
        raise PorevoxError(f"channel truncation is {truncation!r}; choose one of {', '.join(TRUNCATIONS)}")


class LennardJonesSum:
    """Sum of 4 eps_ij [(sigma_ij/r)^12 - (sigma_ij/r)^6] over all atoms and images with r <= cutoff.

    Equation 3.3 of the thesis, with the Lorentz-Berthelot mixing of equation 3.4.

    Parameters
    ----------
    structure : Structure
    points : DistinctPoints
        Where the energies are wanted.
    forcefield : ForceField
        Parameters of the framework's atoms.
    sigma_A, epsilon_K : float
        The site's own sigma (angstrom) and epsilon/kB (K).
    cutoff_A : float
        Angstrom.
    truncation : {"truncated", "shifted"}
        ``shifted``: every pair energy less its value at the cutoff.

    Raises
    ------
    StructureRejected
        ``unknown_element``, or ``absurd_cell`` for a lattice or a position that is not finite.
    """

    def __init__(
        self,
        structure: Structure,
        points: DistinctPoints,
        forcefield: ForceField,
        sigma_A: float,
        epsilon_K: float,
        cutoff_A: float,
        truncation: str = "truncated",
    ):
        check_truncation(truncation)
        if not (np.isfinite(structure.lattice_A).all() and np.isfinite(structure.frac).all()):
            raise StructureRejected("absurd_cell", "the cell or a position is not a finite number")
        # Lines run along the shortest step, where neighbours share most of their images.
        self._order, self._rotation = _frame(points.steps_A)
        self._points = _turned(points, self._order, self._rotation)
        self._grid = points
        self._cutoff_A = cutoff_A
        self._shifted = True if truncation == "shifted" else None
        sigma, epsilon = mix(forcefield, structure.elements, sigma_A, epsilon_K, structure.labels)
        # Atoms without a well add nothing, and 0 * inf on top of one would be NaN.
        active = epsilon > 0.0
        self._frac = np.ascontiguousarray(structure.frac[active], dtype=np.float64)
        self._cell_A = np.asarray(structure.lattice_A, dtype=np.float64)
        self._lattice_A = self._cell_A @ self._rotation
        self._coefficients = _coefficients(sigma[active], epsilon[active], cutoff_A, truncation)
        n = len(self._frac)
        self._atoms = np.empty((3 + len(self._coefficients), n + image_list.PADDING))
        self._atoms[:3, :n] = (self._frac @ self._lattice_A).T
        self._atoms[3:, :n] = self._coefficients
        self._n_atoms = image_list.pad(self._atoms, n)

    def at(self, shift_A: np.ndarray | None = None, wanted: np.ndarray | None = None) -> np.ndarray:
        """Energies at the points, or at the points moved by a vector.

        Parameters
        ----------
        shift_A : (3,) float64, optional
            Cartesian, angstrom.
        wanted : (counts) bool, optional
            Points whose energies are asked for; the others may hold anything. By default all.

        Returns
        -------
        (counts) float64
            V/kB in K; +inf on top of an atom, never NaN. Its axes may lie in memory in any order.
        """
        points, first = self._points, None
        if wanted is not None:
            wanted = wanted.transpose(self._order)
        elif shift_A is None and (first := self._representatives()) is not None:
            wanted = represents(first)
        else:
            wanted = np.ones(points.counts, dtype=bool)
        if shift_A is not None:
            points = replace(points, origin_A=points.origin_A + shift_A @ self._rotation)
        values = np.empty(points.counts)
        self._sum(points, kernel.pieces_of(wanted), values)
        if first is not None:
            spread(first, values)
        return values.transpose(np.argsort(self._order))

    def _sum(self, points, needed, values):
        """Sum the planes in which anything is needed."""
        planes = np.flatnonzero(needed.any(axis=(1, 2)))
        if len(planes) == 0:
            return
        start, stop = planes[0], planes[-1] + 1
        part = replace(
            points,
            origin_A=points.origin_A + start * points.steps_A[0],
            counts=(stop - start, *points.counts[1:]),
        )
        images, found = self._list_images(part)
        brick = kernel.brick_shape(part.counts, part.steps_A, BRICK_EDGE_A)
        box = part.origin_A, part.steps_A, brick, self._cutoff_A, self._shifted
        lists = _borrow("lists", 5, len(images), found + image_list.PADDING)
        kernel.sum_points(images, found, *box, needed[start:stop], lists, values[start:stop])

    def _representatives(self):
        """Equivalent points, or None."""
        frac, cell_A = self._frac, self._cell_A
        if self._grid.periodic:
            frac, cell_A = np.ascontiguousarray(frac[:, self._order]), cell_A[self._order]
        grid = _turned(self._grid, self._order, np.eye(3))
        return representatives(frac, self._coefficients, cell_A, grid)

    def _list_images(self, points):
        """Images within the cutoff of any of the points, and how many there are."""
        block = points.origin_A, points.steps_A, np.array(points.counts)
        box = _surroundings(*block, self._lattice_A, self._frac, self._cutoff_A)
        first, last, _, _ = box
        # Room for everything; what stays unwritten costs no memory.
        room = int(np.prod(last - first + 1.0)) * self._n_atoms + image_list.PADDING
        images = _borrow("images", len(self._atoms), room)
        found = image_list.list_images(
            self._atoms, self._n_atoms, self._lattice_A, *box, self._cutoff_A, images
        )
        return images, found


def _borrow(name: str, *shape: int) -> np.ndarray:
    """Working memory, aligned for vectors, that is kept for the next structure.

    Fresh pages are slow to come by.
    """
    size = math.prod(shape)
    memory = getattr(_memory, name, None)
    if memory is None or memory.size < size:
        room = np.empty(size + 8)
        start = -room.ctypes.data % 64 // 8
        memory = room[start : start + size]
        setattr(_memory, name, memory)
    return memory[:size].reshape(shape)


@jit()
def _frame(steps):
    """Order of the axes, longest step first, and a rotation (to multiply from the right).

    The rotation lays the lines along x and their planes in xy: boxes around a few points, with
    edges along x, y and z, are then hardly larger than the points need, however skewed the cell.
    """
    lengths2, order = np.zeros(3), np.empty(3, dtype=np.int64)
    for axis in range(3):
        for x in range(3):
            lengths2[axis] += steps[axis, x] ** 2
    for axis in range(3):
        place = 0
        for other in range(3):
            longer = lengths2[other] > lengths2[axis]
            place += longer or (lengths2[other] == lengths2[axis] and other < axis)
        order[place] = axis
    rotation = np.zeros((3, 3))
    for column in range(3):
        for x in range(3):
            rotation[x, column] = steps[order[2 - column], x]
        for other in range(column):
            overlap = 0.0
            for x in range(3):
                overlap += rotation[x, column] * rotation[x, other]
            for x in range(3):
                rotation[x, column] -= overlap * rotation[x, other]
        length2 = 0.0
        for x in range(3):
            length2 += rotation[x, column] ** 2
        for x in range(3):
            rotation[x, column] /= math.sqrt(length2)
    return order, rotation


def _turned(points: DistinctPoints, order: np.ndarray, rotation: np.ndarray) -> DistinctPoints:
    """The same points with their axes in another order, in a rotated frame."""
    return replace(
        points,
        origin_A=points.origin_A @ rotation,
        steps_A=np.ascontiguousarray(points.steps_A[order] @ rotation),
        counts=tuple(points.counts[axis] for axis in order),
    )


def memory_MB(structure: Structure, points: DistinctPoints, cutoff_A: float) -> float:
    """Memory that a :class:`LennardJonesSum` and one result of it will touch.

    Parameters
    ----------
    structure : Structure
    points : DistinctPoints
    cutoff_A : float
        Angstrom.

    Returns
    -------
    float
        MB (10^6 bytes).
    """
    edges = np.abs(np.array(points.counts) @ np.abs(points.steps_A))
    images = structure.n_atoms * float(np.prod(edges + 2.0 * cutoff_A)) / structure.volume_A3
    # The list of all images, and at worst four narrower copies of it; the atoms; at each point its
    # energy and its representative.
    lists = 5.0 * 8.0 * (image_list.ROWS + 1) * images
    return (lists + 300.0 * structure.n_atoms + 24.0 * math.prod(points.counts)) / 1e6


def _coefficients(sigma_A, epsilon_K, cutoff_A, truncation):
    """A, B and, if shifted, what is taken from each pair energy; (2, N) or (3, N)."""
    sigma6 = (sigma_A * sigma_A * sigma_A) ** 2
    b = 4.0 * epsilon_K * sigma6
    a = b * sigma6
    if truncation == "truncated":
        return np.stack([a, b])
    return np.stack([a, b, a / cutoff_A**12 - b / cutoff_A**6])


@jit()
def _surroundings(origin, steps, counts, lattice, frac, cutoff):
    """Cells that hold atoms within the cutoff of a block of points, and the box around the points.

    Returns
    -------
    first, last : (3,) int64
        Cells along each axis, both included.
    low, high : (3,) float64
        Corners of the box, angstrom.
    """
    first, last = np.empty(3, dtype=np.int64), np.empty(3, dtype=np.int64)
    low, high, normal = np.empty(3), np.empty(3), np.empty(3)
    for axis in range(3):
        low[axis] = high[axis] = origin[axis]
        for s in range(3):
            edge = (counts[s] - 1) * steps[s, axis]
            low[axis] += min(edge, 0.0)
            high[axis] += max(edge, 0.0)
    for axis in range(3):
        # Rows of the inverse, transposed: fraction = normal . position, 1/|normal| is a width.
        p, q = lattice[(axis + 1) % 3], lattice[(axis + 2) % 3]
        volume, length2, start = 0.0, 0.0, 0.0
        for x in range(3):
            y, z = (x + 1) % 3, (x + 2) % 3
            normal[x] = p[y] * q[z] - p[z] * q[y]
            volume += normal[x] * lattice[axis, x]
        for x in range(3):
            normal[x] /= volume
            length2 += normal[x] ** 2
            start += normal[x] * origin[x]
        stop = start
        for s in range(3):
            along = normal[0] * steps[s, 0] + normal[1] * steps[s, 1] + normal[2] * steps[s, 2]
            start += min((counts[s] - 1) * along, 0.0)
            stop += max((counts[s] - 1) * along, 0.0)
        lowest, highest = np.inf, -np.inf
        for atom in range(len(frac)):
            lowest, highest = min(lowest, frac[atom, axis]), max(highest, frac[atom, axis])
        reach = cutoff * math.sqrt(length2) + _SPAN_SLACK
        first[axis] = math.ceil(start - reach - highest) if len(frac) > 0 else 0
        last[axis] = math.floor(stop + reach - lowest) if len(frac) > 0 else -1
    return first, last, low, high
