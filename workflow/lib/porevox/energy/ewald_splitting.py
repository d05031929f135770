"""How to split an Ewald sum between its two parts: as accurate as asked for, as quick as can be."""

import math
from dataclasses import dataclass

import numpy as np

from porevox.energy.ewald_real_kernel import LARGEST_SQUARE
from porevox.energy.grid import DistinctPoints

#: Largest over root-mean-square error at the points of a grid: 4.2 for some 10^4 normal deviates,
#: times sqrt 2 for two equal errors.
_WORST_OVER_RMS = 6.0
#: Smallest (alpha cutoff)^2 for which the asymptotic errors below hold.
_SMALLEST_SQUARE = 2.0
#: Cutoffs that are compared, in edges of a cube as large as the cell.
_WIDTHS = np.geomspace(0.03, 1.2, 80)
#: Measured times, ns: per atom and wave vector; per row of points that an atom visits, and per
#: point in it; per step of the staged Fourier series.
_ATOM_VECTOR_NS, _ROW_NS, _PAIR_NS, _STAGE_NS = 0.6, 20.0, 1.4, 0.35


@dataclass(frozen=True)
class Splitting:
    """Parameters of an Ewald sum.

    Parameters
    ----------
    alpha : float
        Width parameter of the screening charges, 1/angstrom.
    cutoff_A : float
        Reach of the screened potential, angstrom.
    k_cutoff : float
        Longest wave vector, 1/angstrom.
    """

    alpha: float
    cutoff_A: float
    k_cutoff: float


def split(
    charges_e: np.ndarray,
    lattice_A: np.ndarray,
    points: DistinctPoints,
    relative_accuracy: float,
    evaluations: int,
) -> Splitting:
    """Choose the parameters of an Ewald sum.

    Parameters
    ----------
    charges_e : (N,) float64
        Not all zero.
    lattice_A : (3, 3) float64
        Rows a, b, c in angstrom.
    points : DistinctPoints
        Where the potential is wanted.
    relative_accuracy : float
        Largest error, e / angstrom (the unit of charge over distance).
    evaluations : int
        How many times the potential will be evaluated at all points: the structure factors,
        computed once, may cost the more.

    Returns
    -------
    Splitting
        The quickest of several cutoffs; errors of both parts are equal, alpha cutoff =
        k_cutoff / (2 alpha).
    """
    volume = abs(float(np.linalg.det(lattice_A)))
    cutoffs = _WIDTHS * volume ** (1.0 / 3.0)
    squares = _squares(charges_e, volume, cutoffs, relative_accuracy)
    k_cutoffs = 2.0 * squares / cutoffs
    near, far, once = _times_ns(len(charges_e), lattice_A, points, cutoffs, k_cutoffs)
    best = int(np.argmin(once + evaluations * (near + far)))
    alpha = math.sqrt(squares[best]) / cutoffs[best]
    return Splitting(alpha, float(cutoffs[best]), float(k_cutoffs[best]))


def _squares(charges_e, volume, cutoffs, accuracy):
    """(alpha cutoff)^2 at which the largest error is the accuracy, for each cutoff.

    With s = alpha cutoff, what either part leaves out has the root-mean-square value
    sqrt(sum q^2 cutoff / V) exp(-s^2)/s^2 at a random point (derived like the errors of Kolafa
    and Perram, Mol. Simul. 9 (1992) 351, for the potential instead of the energy). Close to an
    atom the wave vectors left out add up in phase, to 2 alpha q erfc(s)/sqrt(pi); that is
    counted twice, because its neighbours are close, too.
    """
    spread = _WORST_OVER_RMS * np.sqrt(np.dot(charges_e, charges_e) * cutoffs / volume)
    close = 4.0 / math.pi * np.abs(charges_e).max() / cutoffs
    squares = np.full(len(cutoffs), 9.0)
    for _ in range(30):  # a fixed point, approached quickly because the logarithm is flat
        error = spread / squares + close
        squares = np.clip(np.log(error / accuracy), _SMALLEST_SQUARE, LARGEST_SQUARE)
    return squares


def _times_ns(n_atoms, lattice_A, points, cutoffs, k_cutoffs):
    """Estimated times of the screened potential, the Fourier series and the structure factors."""
    volume = abs(np.linalg.det(lattice_A))
    n_a, n_b, n_c = points.counts
    visits = n_a * n_b * n_c * n_atoms / volume  # of points by atoms, per volume of a sphere
    step = abs(np.linalg.det(points.steps_A)) ** (1.0 / 3.0)
    near = visits * math.pi * cutoffs**2 * (_ROW_NS * step + _PAIR_NS * 4.0 / 3.0 * cutoffs)
    edges = np.linalg.norm(lattice_A, axis=1)[:, None] * k_cutoffs / (2.0 * math.pi)
    n_h, n_k, n_l = edges[0] + 1.0, 2.0 * edges[1] + 1.0, 2.0 * edges[2] + 8.0
    far = _STAGE_NS * n_b * n_l * (n_h * n_k + n_a * n_h + n_a * n_c / 2.0)
    vectors = volume * k_cutoffs**3 / (12.0 * math.pi**2)
    return near, far, _ATOM_VECTOR_NS * n_atoms * vectors
