"""The energy channel: what a Lennard-Jones probe feels at each point of a grid."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np

from porevox.crystal.structure import Structure, perpendicular_widths
from porevox.energy import kernel
from porevox.energy.forcefield import ForceField, mix
from porevox.energy.grid import DistinctPoints, GridSpec, distinct_points
from porevox.errors import PorevoxError, StructureRejected

#: Longest edge of a brick of grid points, angstrom. Shorter: fewer images per point beyond the
#: cutoff. Longer: fewer lists to gather. Flat between 3 and 5 for n = 25.
BRICK_EDGE_A = 4.0
#: Rounding room for images on the rim of the listed range.
_SPAN_SLACK = 1e-9


@dataclass(frozen=True)
class LennardJonesChannel:
    """A truncated Lennard-Jones potential between a spherical probe and the framework.

    Parameters
    ----------
    name : str
        Name of the channel, ``lj``.
    probe_sigma_A : float
        The probe's sigma, angstrom.
    probe_epsilon_K : float
        The probe's epsilon/kB, K.
    cutoff_A : float
        Cutoff radius, angstrom; neither shift nor tail correction.

    Raises
    ------
    PorevoxError
        A value is not allowed.
    """

    name: str = "lj"
    probe_sigma_A: float = 2.5
    probe_epsilon_K: float = 50.0
    cutoff_A: float = 10.0

    def __post_init__(self):
        if self.name != "lj":
            raise PorevoxError(f"channel {self.name!r} is unknown; the only one is lj")
        for field in ("probe_sigma_A", "probe_epsilon_K", "cutoff_A"):
            value = getattr(self, field)
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not (number and math.isfinite(value) and value > 0):
                raise PorevoxError(f"channel {field} is {value!r}; it must be a positive number")
            object.__setattr__(self, field, float(value))

    @classmethod
    def from_dict(cls, values: Mapping) -> "LennardJonesChannel":
        """Build a channel from plain values, as a config file holds them.

        Parameters
        ----------
        values : mapping
            Keys are this class' parameters; missing ones keep their default.

        Returns
        -------
        LennardJonesChannel

        Raises
        ------
        PorevoxError
            A key is unknown or a value is not allowed.
        """
        unknown = sorted(set(values) - set(cls.__dataclass_fields__))
        if unknown:
            raise PorevoxError(f"the channel has no setting named {unknown[0]!r}")
        return cls(**values)

    def to_dict(self) -> dict:
        """Plain values from which :meth:`from_dict` builds an equal channel.

        Returns
        -------
        dict
        """
        return asdict(self)


def energies(
    structure: Structure, grid: GridSpec, channel: LennardJonesChannel, forcefield: ForceField
) -> np.ndarray:
    """Energy of the probe at every point of the grid.

    Sums 4 eps_ij [(sigma_ij/r)^12 - (sigma_ij/r)^6] over all atoms and their periodic images
    with r <= cutoff (thesis, equation 3.3; Lorentz-Berthelot mixing, equation 3.4). Beyond the
    cutoff the potential is zero: it is neither shifted nor corrected for its tail.

    Parameters
    ----------
    structure : Structure
    grid : GridSpec
    channel : LennardJonesChannel
    forcefield : ForceField

    Returns
    -------
    (n, n, n) float64
        V/kB in K; index i along a, j along b, k along c (x, y, z in a cubic box). +inf on top of
        an atom, never NaN.

    Raises
    ------
    StructureRejected
        ``unknown_element``, or ``absurd_cell`` for a lattice or a position that is not finite.
    """
    if not (np.isfinite(structure.lattice_A).all() and np.isfinite(structure.frac).all()):
        raise StructureRejected("absurd_cell", "the cell or a position is not a finite number")
    coefficients, frac = _active_atoms(structure, channel, forcefield)
    points = distinct_points(grid, structure.lattice_A, channel.cutoff_A)
    lattice = np.ascontiguousarray(structure.lattice_A, dtype=np.float64)
    span = _image_span(points, lattice, channel.cutoff_A)
    low, high = _bounding_box(points)
    # An interval of length s holds at most s + 1 integers; what stays unwritten costs no memory.
    room = math.ceil(len(frac) * np.prod(span[1] - span[0] + 1.0))
    images = np.empty((kernel.ROWS, room))
    found = kernel.list_images(frac, coefficients, lattice, span, low, high, channel.cutoff_A, images)
    values = np.empty(points.counts)
    brick = kernel.brick_shape(points.counts, points.steps_A, BRICK_EDGE_A)
    kernel.sum_bricks(images, found, points.origin_A, points.steps_A, brick, channel.cutoff_A, values)
    return points.expand(values)


def memory_estimate_MB(structure: Structure, grid: GridSpec, channel: LennardJonesChannel) -> float:
    """Memory that :func:`energies` and the single-precision copy of its result will touch.

    Parameters
    ----------
    structure : Structure
    grid : GridSpec
    channel : LennardJonesChannel

    Returns
    -------
    float
        MB (10^6 bytes), the interpreter and its libraries not included.
    """
    points = distinct_points(grid, structure.lattice_A, channel.cutoff_A)
    span = _image_span(points, structure.lattice_A, channel.cutoff_A)
    images = len(structure.elements) * float(np.prod(span[1] - span[0]))
    atoms = len(structure.elements) * 200.0
    # The list of all images, and at worst three narrower copies of it; the distinct points, the
    # whole grid in double and in single precision, and the bytes of that on their way to a file.
    return (4 * kernel.ROWS * 8 * images + (8 + 8 + 4 + 4) * float(grid.n) ** 3 + atoms) / 1e6


def to_single(values: np.ndarray) -> np.ndarray:
    """Energies as they are stored; what is beyond single precision becomes infinite.

    Parameters
    ----------
    values : float64 array
        Energies, K.

    Returns
    -------
    float32 array of the same shape, C-contiguous
    """
    with np.errstate(over="ignore"):  # 1e39 K is as impenetrable as +inf
        return np.ascontiguousarray(values, dtype=np.float32)


def _active_atoms(
    structure: Structure, channel: LennardJonesChannel, forcefield: ForceField
) -> tuple[np.ndarray, np.ndarray]:
    sigma, epsilon = mix(forcefield, structure.elements, channel.probe_sigma_A, channel.probe_epsilon_K)
    # Atoms without a well add nothing, and 0 * inf on top of one would be NaN.
    active = epsilon > 0.0
    sigma, epsilon = sigma[active], epsilon[active]
    frac = np.ascontiguousarray(structure.frac[active], dtype=np.float64)
    return np.stack([4.0 * epsilon * sigma**12, 4.0 * epsilon * sigma**6]), frac


def _image_span(points: DistinctPoints, lattice_A: np.ndarray, cutoff_A: float) -> np.ndarray:
    """Lowest and highest fractional coordinates within the cutoff of the points; (2, 3)."""
    inverse = np.linalg.inv(lattice_A)
    edges = ((np.array(points.counts) - 1)[:, None] * points.steps_A) @ inverse
    origin = points.origin_A @ inverse
    reach = cutoff_A / perpendicular_widths(lattice_A) + _SPAN_SLACK
    lowest = origin + np.minimum(edges, 0.0).sum(axis=0) - reach
    highest = origin + np.maximum(edges, 0.0).sum(axis=0) + reach
    return np.stack([lowest, highest])


def _bounding_box(points: DistinctPoints) -> tuple[np.ndarray, np.ndarray]:
    edges = (np.array(points.counts) - 1)[:, None] * points.steps_A
    low = points.origin_A + np.minimum(edges, 0.0).sum(axis=0)
    return low, points.origin_A + np.maximum(edges, 0.0).sum(axis=0)
