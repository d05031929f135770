"""Interactions of the charges of a periodic cell, each pair's once and for all images.

The part between points is an Ewald sum; see :mod:`porevox.crystal.eqeq` for what it is used for.
"""

import math

import numpy as np
from scipy.linalg.blas import dsyrk

from porevox.compiled import jit
from porevox.crystal.structure import perpendicular_widths

#: alpha times the cutoff and k_cutoff / (2 alpha): either part leaves out less than 1e-7 of 1/r.
_S = 4.0
#: Reach of the overlap of two orbitals, in their common radius 1/a: exp(-_S^2) is as small.
_OVERLAP_REACH = _S
#: Closer than this, angstrom, the limit at a distance of zero is taken.
_CLOSE_A = 1e-6
#: Measured times, ns: per pair within the cutoff; per atom and wave vector; per pair and vector.
_PAIR_NS, _PHASE_NS, _PRODUCT_NS = 30.0, 30.0, 0.12
#: Values of trigonometric functions held at a time.
_BLOCK_VALUES = 1_000_000


def interaction_matrix(frac: np.ndarray, lattice_A: np.ndarray, decay_A: np.ndarray) -> np.ndarray:
    """Potential at each atom of a unit charge on each other one and on all images of it.

    With a_ij = sqrt(decay_i decay_j), every image at a distance r adds

    1/r + exp(-(a_ij r)^2) (2 a_ij - a_ij^2 r - 1/r)

    (Wilmer, Kim, Snurr, J. Phys. Chem. Lett. 3, 2506 (2012)). The sum of 1/r is Ewald's, converged,
    in a conductor and up to a constant that is the same for all pairs: without meaning for charges
    that add up to zero.

    Parameters
    ----------
    frac : (N, 3) float64
        Fractional coordinates.
    lattice_A : (3, 3) float64
        Rows a, b, c in angstrom.
    decay_A : (N,) float64
        Inverse radii of the orbitals, 1/angstrom, positive.

    Returns
    -------
    (N, N) float64, in Fortran's order
        1/angstrom; the lower triangle, the diagonal included (an atom with its own images). The
        upper triangle is zero.
    """
    n, volume = len(frac), abs(float(np.linalg.det(lattice_A)))
    cutoff_A = _cutoff_A(n, volume)
    alpha = _S / cutoff_A
    matrix = np.zeros((n, n), order="F")
    widths_A = perpendicular_widths(lattice_A)
    _add_near(matrix, frac, lattice_A, widths_A, np.sqrt(decay_A), alpha, cutoff_A)
    matrix = _add_far(matrix, frac, lattice_A, volume, alpha)
    matrix[np.diag_indices(n)] -= 2.0 * alpha / math.sqrt(math.pi)
    return matrix


def memory_bytes(n_atoms: int, lattice_A: np.ndarray) -> float:
    """Memory that :func:`interaction_matrix` will touch, its result included.

    Parameters
    ----------
    n_atoms : int
    lattice_A : (3, 3) float64
        Rows a, b, c in angstrom.

    Returns
    -------
    float
    """
    volume = abs(float(np.linalg.det(lattice_A)))
    k_cutoff = 2.0 * _S**2 / _cutoff_A(n_atoms, volume)
    box = np.prod(2.0 * _edges(lattice_A, k_cutoff) + 1.0)
    # Wave vectors as integers and floats, with what chooses them; phases, cosines and sines.
    return 8.0 * (float(n_atoms) ** 2 + 12.0 * float(box) + 4.0 * max(_BLOCK_VALUES, n_atoms))


def _cutoff_A(n_atoms: int, volume_A3: float) -> float:
    """The cutoff at which both parts of the sum take equally long, which is the quickest."""
    near = n_atoms**2 * 2.0 * math.pi / (3.0 * volume_A3) * _PAIR_NS  # times cutoff^3
    vectors = volume_A3 * 8.0 * _S**6 / (12.0 * math.pi**2)  # over cutoff^3
    far = vectors * (n_atoms * _PHASE_NS + n_atoms**2 * _PRODUCT_NS)
    return (far / near) ** (1.0 / 6.0)


def _edges(lattice_A, k_cutoff):
    """Largest Miller index along each axis; (3,) float64."""
    return np.floor(k_cutoff * np.linalg.norm(lattice_A, axis=1) / (2.0 * math.pi))


@jit()
def _add_near(matrix, frac, lattice_A, widths_A, root_decay, alpha, cutoff_A):
    """Screened potentials, erfc(alpha r)/r, and overlaps, within the reach of each."""
    for i in range(len(frac)):
        for j in range(i + 1):
            a = root_decay[i] * root_decay[j]
            overlap_A = _OVERLAP_REACH / a
            reach = max(cutoff_A, overlap_A)
            f0, f1, f2 = frac[i, 0] - frac[j, 0], frac[i, 1] - frac[j, 1], frac[i, 2] - frac[j, 2]
            s0, s1, s2 = reach / widths_A[0], reach / widths_A[1], reach / widths_A[2]
            total = 0.0
            for n0 in range(math.ceil(-f0 - s0), math.floor(s0 - f0) + 1):
                for n1 in range(math.ceil(-f1 - s1), math.floor(s1 - f1) + 1):
                    g0, g1 = f0 + n0, f1 + n1
                    x = g0 * lattice_A[0, 0] + g1 * lattice_A[1, 0]
                    y = g0 * lattice_A[0, 1] + g1 * lattice_A[1, 1]
                    z = g0 * lattice_A[0, 2] + g1 * lattice_A[1, 2]
                    for n2 in range(math.ceil(-f2 - s2), math.floor(s2 - f2) + 1):
                        g2 = f2 + n2
                        dx, dy = x + g2 * lattice_A[2, 0], y + g2 * lattice_A[2, 1]
                        dz = z + g2 * lattice_A[2, 2]
                        r = math.sqrt(dx * dx + dy * dy + dz * dz)
                        if r > reach or (i == j and n0 == 0 and n1 == 0 and n2 == 0):
                            continue
                        total += _pair(r, a, alpha, cutoff_A, overlap_A)
            matrix[i, j] += total


@jit()
def _pair(r, a, alpha, cutoff_A, overlap_A):
    if r < _CLOSE_A:
        return 2.0 * a - 2.0 * alpha / math.sqrt(math.pi)
    value = 0.0
    if r <= cutoff_A:
        value += math.erfc(alpha * r) / r
    if r <= overlap_A:
        value += math.exp(-((a * r) ** 2)) * (2.0 * a - a * a * r - 1.0 / r)
    return value


def _add_far(matrix, frac, lattice_A, volume_A3, alpha):
    """The smooth rest, 4 pi / V sum_(k != 0) exp(-k^2 / 4 alpha^2) / k^2 cos(k (r_i - r_j))."""
    indices, weights = _wave_vectors(lattice_A, volume_A3, alpha)
    step = max(1, _BLOCK_VALUES // (2 * len(frac)))
    for start in range(0, len(weights), step):
        block = slice(start, start + step)
        phases = (2.0 * math.pi * frac) @ indices[block].T
        waves = np.empty((len(frac), 2 * phases.shape[1]), order="F")
        np.cos(phases, out=waves[:, : phases.shape[1]])
        np.sin(phases, out=waves[:, phases.shape[1] :])
        waves *= np.tile(np.sqrt(weights[block]), 2)
        matrix = dsyrk(1.0, waves, beta=1.0, c=matrix, lower=1, overwrite_c=1)
    return matrix


def _wave_vectors(lattice_A, volume_A3, alpha):
    """Miller indices of half of the wave vectors (K, 3), each with its opposite in its weight (K,)."""
    k_cutoff = 2.0 * _S * alpha
    most = _edges(lattice_A, k_cutoff).astype(np.int64)
    axes = (np.arange(most[0] + 1), *(np.arange(-m, m + 1) for m in most[1:]))
    indices = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    # Indices are in lexical order: in the plane h = 0 the second half follows 0 0 0.
    plane = int(np.prod(2 * most[1:] + 1))
    indices = indices[plane // 2 + 1 :].astype(np.float64)
    k2 = ((2.0 * math.pi * indices @ np.linalg.inv(lattice_A).T) ** 2).sum(axis=1)
    near = k2 <= k_cutoff**2
    k2 = k2[near]
    return indices[near], 8.0 * math.pi / volume_A3 * np.exp(-k2 / (4.0 * alpha**2)) / k2
