"""One crystal structure as the rest of the library sees it: a lattice, positions, elements."""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache

import gemmi
import numpy as np

#: Grams per cubic centimetre in one atomic mass unit per cubic angstrom (CODATA 2018).
_G_CM3_PER_U_A3 = 1.66053906660


@dataclass(frozen=True)
class Structure:
    """The atoms of one unit cell.

    Parameters
    ----------
    id : str
        Name of the structure, the CIF's file name without its suffix.
    lattice_A : (3, 3) float64
        Rows a, b, c in angstrom; c lies along z and a in the xz plane (pymatgen's convention).
    frac : (N, 3) float64
        Fractional coordinates, every one of them in [0, 1).
    elements : tuple of str, length N
        Plain element symbols: charges are stripped, deuterium is H.
    reader : str
        Which reading succeeded: ``gemmi``, ``gemmi-repaired`` or ``pymatgen``.
    charges_e : (N,) float64, optional
        Partial charges, elementary charges; None when the CIF carries none or not all.
    labels : tuple of str, length N, optional
        Labels of the CIF; the images of one listed site share its label.
    """

    id: str
    lattice_A: np.ndarray
    frac: np.ndarray
    elements: tuple[str, ...]
    reader: str
    charges_e: np.ndarray | None = None
    labels: tuple[str, ...] | None = None

    @property
    def n_atoms(self) -> int:
        """Number of atoms in the unit cell."""
        return len(self.elements)

    @cached_property
    def volume_A3(self) -> float:
        """Volume of the unit cell, A^3."""
        return abs(float(np.linalg.det(self.lattice_A)))

    @cached_property
    def mass_u(self) -> float:
        """Mass of the atoms in the unit cell, atomic mass units."""
        numbers = Counter(self.elements)
        return float(sum(n * _atomic_weight(element) for element, n in sorted(numbers.items())))

    @property
    def density_g_cm3(self) -> float:
        """Density of the framework, g/cm^3."""
        return _G_CM3_PER_U_A3 * self.mass_u / self.volume_A3

    @cached_property
    def perpendicular_widths_A(self) -> np.ndarray:
        """Distances between opposite faces of the cell along a, b and c; (3,), angstrom."""
        return perpendicular_widths(self.lattice_A)


@lru_cache(maxsize=256)
def _atomic_weight(element: str) -> float:
    return gemmi.Element(element).weight


def lattice_from_parameters(lengths_A: Iterable[float], angles_deg: Iterable[float]) -> np.ndarray:
    """Lattice vectors with c along z and a in the xz plane.

    Parameters
    ----------
    lengths_A : (3,) array_like
        a, b, c in angstrom.
    angles_deg : (3,) array_like
        alpha, beta, gamma in degrees.

    Returns
    -------
    (3, 3) float64
        Rows a, b, c in angstrom. All NaN when no cell has such angles.

    Notes
    -----
    The orientation of ``pymatgen.core.Lattice.from_parameters``: published voxels in a Cartesian
    box were computed in it.
    """
    a, b, c = map(float, lengths_A)
    alpha, beta, gamma = map(math.radians, angles_deg)
    nowhere = np.full((3, 3), np.nan)
    if not (math.sin(alpha) > 0.0 and math.sin(beta) > 0.0):
        return nowhere
    cos_gamma_star = (math.cos(alpha) * math.cos(beta) - math.cos(gamma)) / (math.sin(alpha) * math.sin(beta))
    if not abs(cos_gamma_star) < 1.0:
        return nowhere
    sin_gamma_star = math.sqrt(1.0 - cos_gamma_star**2)
    across_b = b * math.sin(alpha)
    return np.array(
        [
            [a * math.sin(beta), 0.0, a * math.cos(beta)],
            [-across_b * cos_gamma_star, across_b * sin_gamma_star, b * math.cos(alpha)],
            [0.0, 0.0, c],
        ]
    )


def perpendicular_widths(lattice_A: np.ndarray) -> np.ndarray:
    """Distances between opposite faces of a cell.

    Parameters
    ----------
    lattice_A : (3, 3) float64
        Rows a, b, c in angstrom.

    Returns
    -------
    (3,) float64
        Widths along a, b, c in angstrom.
    """
    # The columns of the inverse are the reciprocal vectors; 1/|a*| is the spacing of the planes.
    return 1.0 / np.linalg.norm(np.linalg.inv(lattice_A), axis=0)


def wrap(frac: np.ndarray) -> np.ndarray:
    """Fractional coordinates moved into [0, 1), never exactly 1.

    Parameters
    ----------
    frac : float64 array
        Any finite fractional coordinates.

    Returns
    -------
    float64 array of the same shape
    """
    wrapped = frac - np.floor(frac)
    # -1e-17 - floor(-1e-17) rounds to exactly 1.0, which is the same place as 0.
    wrapped[wrapped >= 1.0] = 0.0
    return wrapped
