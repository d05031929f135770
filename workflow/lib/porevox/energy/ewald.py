"""The electrostatic potential of a framework's point charges."""

import math

import numpy as np

from porevox.crystal.structure import Structure
from porevox.energy import ewald_real, ewald_reciprocal
from porevox.energy.ewald_real import RealSpaceSum
from porevox.energy.ewald_reciprocal import ReciprocalSum
from porevox.energy.ewald_splitting import split
from porevox.energy.grid import DistinctPoints
from porevox.errors import PorevoxError, StructureRejected

#: e / (4 pi epsilon_0), V angstrom per elementary charge (CODATA 2018).
COULOMB_V_A = 14.3996454784
#: Energy of one elementary charge at one volt, over kB, K (CODATA 2018): e / kB.
KELVIN_PER_VOLT = 11604.518121
#: Charges that add up to less than this per atom, e, are rounded, not missing.
NET_CHARGE_PER_ATOM_E = 1e-3
#: Largest error of a potential unless another is asked for, V; and what can be asked for.
DEFAULT_ACCURACY_V = 1e-4
ACCURACY_RANGE_V = (1e-6, 1e-1)
#: Potentials beyond this, V, belong to points on top of an atom (r < 1e-5 angstrom).
_INFINITE_V = 1e6


def check_accuracy(accuracy_V: float) -> None:
    """Refuse an accuracy that is no number, or that the sums are not made for.

    Parameters
    ----------
    accuracy_V : float
        Volts.

    Raises
    ------
    PorevoxError
        It is not a number between 1e-6 and 0.1.
    """
    number = isinstance(accuracy_V, int | float) and not isinstance(accuracy_V, bool)
    lowest, highest = ACCURACY_RANGE_V
    if not (number and lowest <= accuracy_V <= highest):
        allowed = f"a number from {lowest:g} to {highest:g}"
        raise PorevoxError(f"the potential's accuracy_V is {accuracy_V!r}; it must be {allowed}")


def neutral_charges(structure: Structure) -> np.ndarray:
    """Charges of a structure that add up to zero.

    What rounding has left over is spread evenly over all atoms.

    Parameters
    ----------
    structure : Structure

    Returns
    -------
    (N,) float64
        Elementary charges; their sum is zero but for rounding.

    Raises
    ------
    StructureRejected
        ``no_charges``: there are none, one is not finite, or all are equal; ``net_charge``: they
        add up to more than NET_CHARGE_PER_ATOM_E per atom, as where ions are missing.
    """
    if structure.charges_e is None:
        raise StructureRejected("no_charges", "the CIF has no column of partial charges")
    charges = np.asarray(structure.charges_e, dtype=np.float64)
    if not np.isfinite(charges).all():
        raise StructureRejected("no_charges", "a partial charge is not a finite number")
    if np.ptp(charges) == 0.0:
        raise StructureRejected("no_charges", f"every partial charge is {charges[0]:g}")
    total = math.fsum(charges)
    if abs(total) > NET_CHARGE_PER_ATOM_E * len(charges):
        raise StructureRejected("net_charge", f"the partial charges add up to {total:.4g} e per unit cell")
    return charges - total / len(charges)


def memory_MB(
    structure: Structure,
    points: DistinctPoints,
    accuracy_V: float = DEFAULT_ACCURACY_V,
    evaluations: int = 1,
) -> float:
    """Memory that an :class:`EwaldPotential` and one result of it will touch.

    Parameters
    ----------
    structure : Structure
    points : DistinctPoints
    accuracy_V : float
        Volts.
    evaluations : int
        As for :class:`EwaldPotential`.

    Returns
    -------
    float
        MB (10^6 bytes); 0 for a structure that would be rejected for its charges.
    """
    try:
        charges = COULOMB_V_A * neutral_charges(structure)
    except StructureRejected:
        return 0.0
    lattice, n = structure.lattice_A, structure.n_atoms
    splitting = split(charges, lattice, points, accuracy_V, evaluations)
    near = ewald_real.memory_bytes(n, lattice, points, splitting.cutoff_A)
    far = ewald_reciprocal.memory_bytes(lattice, points, splitting.k_cutoff)
    # The atoms' own arrays; the sum of both parts, and two comparisons of it with a limit.
    return (near + far + 80.0 * n + 10.0 * math.prod(points.counts)) / 1e6


class EwaldPotential:
    """Electrostatic potential of the framework's point charges at the distinct points of a grid.

    The energy of a unit positive charge, in eV, in the lattice of all periodic images of the
    charges, embedded in a conductor ("tin foil": no surface term). As the k = 0 term is left out
    and the cell is neutral, the potential's mean over the cell is zero. Ewald's sum, P. P. Ewald,
    Ann. Phys. 369 (1921) 253; D. Frenkel, B. Smit, Understanding Molecular Simulation, section
    12.1:

    V(r) = sum_j q_j erfc(alpha |r - r_j|) / |r - r_j|
    + 4 pi / V sum_(k != 0) exp(-k^2 / 4 alpha^2) / k^2 sum_j q_j cos(k (r - r_j))

    Parameters
    ----------
    structure : Structure
        With partial charges; see :func:`neutral_charges`.
    points : DistinctPoints
    accuracy_V : float
        Largest error of the potential, V, from 1e-6 to 0.1.
    evaluations : int
        How often :meth:`at` will be called, roughly; only the time depends on it.

    Raises
    ------
    StructureRejected
        ``no_charges``, ``net_charge``, or ``absurd_cell`` for a lattice or a position that is not
        finite.
    PorevoxError
        The accuracy is out of range.
    ValueError
        Points of a Cartesian box in a lattice whose c is not along z or a not in the xz plane.
    """

    def __init__(
        self,
        structure: Structure,
        points: DistinctPoints,
        accuracy_V: float = DEFAULT_ACCURACY_V,
        evaluations: int = 1,
    ):
        check_accuracy(accuracy_V)
        if not (np.isfinite(structure.lattice_A).all() and np.isfinite(structure.frac).all()):
            raise StructureRejected("absurd_cell", "the cell or a position is not a finite number")
        charges_e = neutral_charges(structure)
        charged = charges_e != 0.0
        charges, frac = COULOMB_V_A * charges_e[charged], structure.frac[charged].astype(np.float64)
        lattice = np.ascontiguousarray(structure.lattice_A, dtype=np.float64)
        splitting = split(charges, lattice, points, accuracy_V, evaluations)
        cell = (frac, charges, lattice, points, splitting.alpha)
        self._counts = points.counts
        self._near = RealSpaceSum(*cell, splitting.cutoff_A)
        self._far = ReciprocalSum(*cell, splitting.k_cutoff)

    def at(self, shift_A: np.ndarray | None = None, wanted: np.ndarray | None = None) -> np.ndarray:
        """The potential at the points, or at the points moved by a vector.

        Parameters
        ----------
        shift_A : (3,) float64, optional
            Cartesian vector by which all points are moved, angstrom.
        wanted : (counts) bool, optional
            Points at which the potential is asked for; at the others it may be anything. By
            default all.

        Returns
        -------
        (counts) float64
            Volts. On top of an atom +inf or -inf by the sign of its charge, never NaN; where
            opposite charges share one place, they cancel.
        """
        shift = np.zeros(3) if shift_A is None else np.asarray(shift_A, dtype=np.float64)
        rows = np.ones(self._counts[:2], dtype=bool) if wanted is None else np.asarray(wanted.any(axis=2))
        values = self._near.at(shift, rows) + self._far.at(shift, rows)
        values[values > _INFINITE_V] = np.inf
        values[values < -_INFINITE_V] = -np.inf
        return values
