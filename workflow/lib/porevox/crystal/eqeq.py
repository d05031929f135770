"""Partial charges from the geometry alone, by extended charge equilibration (EQeq).

C. E. Wilmer, K. C. Kim, R. Q. Snurr, J. Phys. Chem. Lett. 3, 2506 (2012), doi 10.1021/jz3008485.
The energy of an atom that bears a charge q is a parabola about its charge centre Q, through the
ionisation energies next to it; atoms exchange charge until the chemical potential is everywhere
the same. As the energy is quadratic, that is one set of linear equations.

Written from the paper's equations. Ewald's sums are converged here; the authors' program stops at a
fixed number of cells, whatever their size, so that its charges depend on the choice of the cell.
"""

import math

import numpy as np
from scipy.linalg.blas import dsymv, dsyr2
from scipy.linalg.lapack import dpotrf, dpotrs

from porevox.crystal.eqeq_matrix import interaction_matrix, memory_bytes
from porevox.errors import StructureRejected

#: e^2 / (4 pi epsilon_0), eV angstrom (CODATA 2018).
COULOMB_EV_A = 14.3996454784
#: The paper's dielectric strength lambda; fitted there, as is hydrogen's electron affinity.
DIELECTRIC_STRENGTH = 1.2
#: No atom of a framework bears more, e: beyond, the equilibration has run away.
LARGEST_CHARGE_E = 6.0
#: Charges are rounded, so that atoms equal by symmetry bear equal charges: decimals.
_DECIMALS = 6


def equilibrated_charges(
    frac: np.ndarray, lattice_A: np.ndarray, electronegativity_eV: np.ndarray, hardness_eV: np.ndarray
) -> np.ndarray:
    """Charges at which the energy of a neutral cell is lowest.

    The energy per cell is

    sum_i (X_i q_i + J_i q_i^2 / 2) + lambda k / 4 sum_ij q_i q_j A_ij

    with A from :func:`~porevox.crystal.eqeq_matrix.interaction_matrix`, its inverse radii
    sqrt(J_i J_j) / k, and k = e^2 / (4 pi epsilon_0).

    Parameters
    ----------
    frac : (N, 3) float64
        Fractional coordinates.
    lattice_A : (3, 3) float64
        Rows a, b, c in angstrom.
    electronegativity_eV : (N,) float64
        X of each atom, the slope of its energy at q = 0, eV/e.
    hardness_eV : (N,) float64
        J of each atom, the curvature of its energy, eV/e^2; positive.

    Returns
    -------
    (N,) float64
        Elementary charges, rounded to 1e-6, which their sum may differ from zero by per atom.

    Raises
    ------
    StructureRejected
        ``absurd_cell``: the lattice or a position is not a finite number; ``no_charges``: the
        energy has no minimum, because charging atoms very close to each other costs less than it
        yields, or a charge is beyond LARGEST_CHARGE_E.
    """
    if not (np.isfinite(lattice_A).all() and np.isfinite(frac).all()):
        raise StructureRejected("absurd_cell", "the cell or a position is not a finite number")
    n = len(frac)
    decay = np.asarray(hardness_eV, dtype=np.float64) / COULOMB_EV_A
    frac, lattice = (np.ascontiguousarray(values, dtype=np.float64) for values in (frac, lattice_A))
    matrix = interaction_matrix(frac, lattice, decay)
    matrix *= 0.5 * DIELECTRIC_STRENGTH * COULOMB_EV_A
    matrix[np.diag_indices(n)] += hardness_eV
    charges = _neutral_minimum(matrix, np.asarray(electronegativity_eV, dtype=np.float64))
    if charges is None:
        raise StructureRejected(
            "no_charges", "charge equilibration finds no minimum of the energy: atoms are too close"
        )
    largest = float(np.abs(charges).max())
    if not largest <= LARGEST_CHARGE_E:
        raise StructureRejected(
            "no_charges", f"charge equilibration gives an atom {largest:.3g} e, which is not believable"
        )
    return np.round(charges, _DECIMALS)


def memory_MB(n_atoms: int, lattice_A: np.ndarray) -> float:
    """Memory that :func:`equilibrated_charges` will touch.

    Parameters
    ----------
    n_atoms : int
    lattice_A : (3, 3) float64
        Rows a, b, c in angstrom.

    Returns
    -------
    float
        MB (10^6 bytes).
    """
    return (memory_bytes(n_atoms, lattice_A) + 100.0 * n_atoms) / 1e6


def _neutral_minimum(matrix: np.ndarray, slope: np.ndarray) -> np.ndarray | None:
    """The q that minimises q.slope + q.matrix.q/2 among those that add up to zero.

    A reflection takes the direction in which the sum grows to the first axis, and the rest is a
    Cholesky decomposition: there is one exactly where there is one minimum.

    Parameters
    ----------
    matrix : (N, N) float64, in Fortran's order
        Its lower triangle counts; overwritten.
    slope : (N,) float64

    Returns
    -------
    (N,) float64 or None
        None where there is no minimum.
    """
    n = len(slope)
    # Householder's vector of the sum's direction; the sign avoids a difference of near-equals.
    v = np.full(n, 1.0 / math.sqrt(n))
    v[0] += 1.0
    beta = 2.0 / np.dot(v, v)
    w = beta * dsymv(1.0, matrix, v, lower=1)
    w -= 0.5 * beta * np.dot(w, v) * v
    matrix = dsyr2(-1.0, v, w, a=matrix, lower=1, overwrite_a=1)
    turned = slope - beta * np.dot(v, slope) * v
    # The first axis is the sum: held at zero.
    matrix[:, 0], turned[0] = 0.0, 0.0
    matrix[0, 0] = 1.0
    factor, info = dpotrf(matrix, lower=1, clean=0, overwrite_a=1)
    if info != 0:
        return None
    charges, _ = dpotrs(factor, -turned, lower=1)
    return charges - beta * np.dot(v, charges) * v
