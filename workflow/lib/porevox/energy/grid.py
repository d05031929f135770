"""Where the energies are computed: three kinds of grid and the points in them that differ."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache

import numpy as np

from porevox.compiled import jit
from porevox.crystal.structure import perpendicular_widths
from porevox.errors import PorevoxError

KINDS = ("mic_supercell", "cubic_box", "unit_cell")
#: A cell exactly twice the cutoff wide must not need two repeats because of the last bit.
_REPEAT_TOLERANCE = 1e-9


@dataclass(frozen=True)
class GridSpec:
    """The grid of points on which the probe sits.

    Parameters
    ----------
    kind : str
        ``mic_supercell``: fractional points of the smallest supercell in which the minimum image
        convention holds for the cutoff (the thesis, section 3.2); ``unit_cell``: fractional
        points of one unit cell; ``cubic_box``: Cartesian points of a cube centred on the
        origin of the lattice.
    n : int
        Points along each axis, at least 2.
    endpoint : bool
        Whether the last plane lies on the far face (and, in the periodic kinds, repeats the
        first) as ``numpy.linspace`` understands it.
    box_length_A : float
        Edge of the cube, angstrom; only ``cubic_box`` uses it.

    Raises
    ------
    PorevoxError
        A value is not allowed.
    """

    kind: str
    n: int = 25
    endpoint: bool = False
    box_length_A: float = 30.0

    def __post_init__(self):
        if self.kind not in KINDS:
            allowed = ", ".join(KINDS)
            raise PorevoxError(f"grid kind {self.kind!r} is unknown; choose one of {allowed}")
        if isinstance(self.n, bool) or not isinstance(self.n, int) or self.n < 2:
            raise PorevoxError(f"grid n is {self.n!r}; it must be a whole number of at least 2")
        if not isinstance(self.endpoint, bool):
            raise PorevoxError(f"grid endpoint is {self.endpoint!r}; it must be true or false")
        length = self.box_length_A
        if isinstance(length, bool) or not isinstance(length, int | float):
            raise PorevoxError(f"grid box_length_A is {length!r}; it must be a number")
        if not (math.isfinite(length) and length > 0):
            raise PorevoxError(f"grid box_length_A is {length!r}; it must be finite and positive")
        object.__setattr__(self, "box_length_A", float(length))

    @classmethod
    def from_dict(cls, values: Mapping) -> "GridSpec":
        """Build a grid from plain values, as a config file holds them.

        Parameters
        ----------
        values : mapping
            Keys are this class' parameters; ``kind`` is required.

        Returns
        -------
        GridSpec

        Raises
        ------
        PorevoxError
            A key is missing or unknown, or a value is not allowed.
        """
        if "kind" not in values:
            raise PorevoxError(f"the grid has no kind; choose one of {', '.join(KINDS)}")
        unknown = sorted(set(values) - set(cls.__dataclass_fields__))
        if unknown:
            raise PorevoxError(f"the grid has no setting named {unknown[0]!r}")
        return cls(**values)

    def to_dict(self) -> dict:
        """Plain values from which :meth:`from_dict` builds an equal grid.

        Returns
        -------
        dict
        """
        return asdict(self)


@dataclass(frozen=True)
class DistinctPoints:
    """The points of a grid that differ, as an affine lattice, and how they fill the whole grid.

    Point (i, j, k) lies at ``origin_A + i * steps_A[0] + j * steps_A[1] + k * steps_A[2]``.

    Parameters
    ----------
    origin_A : (3,) float64
        Point (0, 0, 0), angstrom.
    steps_A : (3, 3) float64
        Rows: the step along each axis of the grid, angstrom.
    counts : tuple of 3 int
        Number of distinct points along each axis.
    take : tuple of 3 (n,) int64
        For each axis, which distinct point stands at each of the grid's n positions.
    periodic : bool
        Whether the points fill the unit cell evenly, at the fractions i/counts.
    """

    origin_A: np.ndarray
    steps_A: np.ndarray
    counts: tuple[int, ...]
    take: tuple[np.ndarray, ...]
    periodic: bool

    def expand(self, values: np.ndarray) -> np.ndarray:
        """Spread values at the distinct points over the whole grid.

        Parameters
        ----------
        values : (counts) array

        Returns
        -------
        (n, n, n) array
            Axes in the order a, b, c (x, y, z in a cubic box).
        """
        whole = np.empty(tuple(map(len, self.take)))
        _expand(values, *self.take, whole)
        return whole


@jit()
def _expand(values, along_a, along_b, along_c, whole):
    for i in range(len(along_a)):
        for j in range(len(along_b)):
            source, target = values[along_a[i], along_b[j]], whole[i, j]
            for k in range(len(along_c)):
                # Unsigned: numba then does not look for indices that count from the end.
                target[k] = source[np.uintp(along_c[k])]


def supercell_repeats(lattice_A: np.ndarray, cutoff_A: float) -> tuple[int, int, int]:
    """Unit cells along each axis of the smallest supercell at least two cutoffs wide.

    Parameters
    ----------
    lattice_A : (3, 3) float64
        Rows a, b, c in angstrom.
    cutoff_A : float
        Cutoff radius, angstrom.

    Returns
    -------
    tuple of 3 int
        ceil(2 cutoff / w_i), w_i the distance between opposite faces.
    """
    ratios = 2.0 * cutoff_A / perpendicular_widths(np.asarray(lattice_A, dtype=np.float64))
    return tuple(max(1, math.ceil(ratio - _REPEAT_TOLERANCE)) for ratio in ratios)


@lru_cache(maxsize=64)
def distinct_fractions(n: int, repeats: int, endpoint: bool) -> tuple[int, np.ndarray]:
    """Which of n points along a supercell differ once folded into the unit cell.

    Point k stands at the supercell fraction k/m, with m = n (or n - 1 when the last point lies on
    the far face), hence at repeats * k/m mod 1 of the unit cell: a multiple of
    gcd(m, repeats)/m, of which there are m/gcd(m, repeats).

    Parameters
    ----------
    n : int
        Points along the supercell, at least 2.
    repeats : int
        Unit cells along the supercell.
    endpoint : bool
        Whether the last point lies on the far face.

    Returns
    -------
    count : int
        Number of distinct points; they stand at the unit cell's fractions 0, 1/count, ...
    take : (n,) int64
        Index of the distinct point at each of the n positions.
    """
    intervals = n - 1 if endpoint else n
    divisor = math.gcd(intervals, repeats)
    take = (np.arange(n) * repeats % intervals) // divisor
    take.flags.writeable = False
    return intervals // divisor, take


def distinct_points(grid: GridSpec, lattice_A: np.ndarray, cutoff_A: float) -> DistinctPoints:
    """The points of a grid at which the energy has to be computed.

    Parameters
    ----------
    grid : GridSpec
    lattice_A : (3, 3) float64
        Rows a, b, c in angstrom.
    cutoff_A : float
        Cutoff radius, angstrom; it sets the supercell of ``mic_supercell``.

    Returns
    -------
    DistinctPoints
    """
    # Asked for memory and for energies, one after the other.
    return _distinct_points(grid, np.asarray(lattice_A, dtype=np.float64).tobytes(), float(cutoff_A))


@lru_cache(maxsize=4)
def _distinct_points(grid: GridSpec, lattice: bytes, cutoff_A: float) -> DistinctPoints:
    lattice_A = np.frombuffer(lattice).reshape(3, 3)
    if grid.kind == "cubic_box":
        step = grid.box_length_A / (grid.n - 1 if grid.endpoint else grid.n)
        everything = np.arange(grid.n)
        origin = np.full(3, -grid.box_length_A / 2.0)
        return DistinctPoints(origin, step * np.eye(3), (grid.n,) * 3, (everything,) * 3, False)
    mic = grid.kind == "mic_supercell"
    repeats = supercell_repeats(lattice_A, cutoff_A) if mic else (1, 1, 1)
    axes = [distinct_fractions(grid.n, repeat, grid.endpoint) for repeat in repeats]
    counts = tuple(count for count, _ in axes)
    steps = lattice_A / np.array(counts, dtype=np.float64)[:, None]
    return DistinctPoints(np.zeros(3), steps, counts, tuple(take for _, take in axes), True)


def cartesian_points(grid: GridSpec, lattice_A: np.ndarray, cutoff_A: float) -> np.ndarray:
    """Positions of all points of a grid, for plots and checks.

    Parameters
    ----------
    grid : GridSpec
    lattice_A : (3, 3) float64
        Rows a, b, c in angstrom.
    cutoff_A : float
        Cutoff radius, angstrom; it sets the supercell of ``mic_supercell``.

    Returns
    -------
    (n, n, n, 3) float64
        Angstrom; the supercell's points are not folded back into the unit cell.
    """
    if grid.kind == "cubic_box":
        half = grid.box_length_A / 2.0
        edge = np.linspace(-half, half, grid.n, endpoint=grid.endpoint)
        return np.stack(np.meshgrid(edge, edge, edge, indexing="ij"), axis=-1)
    mic = grid.kind == "mic_supercell"
    repeats = supercell_repeats(lattice_A, cutoff_A) if mic else (1, 1, 1)
    edge = np.linspace(0.0, 1.0, grid.n, endpoint=grid.endpoint)
    fractions = np.stack(np.meshgrid(edge, edge, edge, indexing="ij"), axis=-1)
    return (fractions * np.array(repeats, dtype=np.float64)) @ np.asarray(lattice_A)
