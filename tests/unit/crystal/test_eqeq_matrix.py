"""Sums over all images of a pair, against Madelung's constant and a plain Ewald sum."""

import itertools
import math
import tracemalloc

import numpy as np
import pytest
from scipy.special import erfc

from porevox.crystal import eqeq_matrix
from porevox.crystal.eqeq_matrix import interaction_matrix, memory_bytes

#: Triclinic, and elongated; angstrom.
LATTICES = [
    np.array([[9.0, 0.0, 1.0], [3.0, 8.0, -2.0], [0.0, 0.0, 11.0]]),
    np.array([[4.0, 0.0, 0.5], [0.0, 31.0, 2.0], [0.0, 0.0, 6.0]]),
]


def full(matrix):
    """Both triangles of a matrix of which the lower one is given."""
    assert not np.triu(matrix, 1).any()
    return matrix + np.tril(matrix, -1).T


def neutral(matrix):
    """What is left for charges that add up to zero."""
    keep = np.eye(len(matrix)) - 1.0 / len(matrix)
    return keep @ matrix @ keep


def plain(frac, lattice_A, decay_A, alpha, cells, waves=9):
    """All pairs by sums over cells and wave vectors in a box, the same for every pair."""
    shifts = np.array(list(itertools.product(range(-cells, cells + 1), repeat=3)))
    between = (frac[:, None, None] - frac[None, :, None] + shifts) @ lattice_A
    r = np.linalg.norm(between, axis=-1)
    own = r < 1e-9
    r[own] = 1.0
    a = np.sqrt(decay_A[:, None] * decay_A[None, :])[..., None]
    near = erfc(alpha * r) / r + np.exp(-((a * r) ** 2)) * (2 * a - a**2 * r - 1 / r)
    near[own] = -2 * alpha / math.sqrt(math.pi)
    k = np.array([h for h in itertools.product(range(-waves, waves + 1), repeat=3) if any(h)])
    k = 2 * math.pi * k @ np.linalg.inv(lattice_A).T
    weights = np.exp(-(k**2).sum(axis=1) / (4 * alpha**2)) / (k**2).sum(axis=1)
    phases = ((frac[:, None] - frac[None]) @ lattice_A) @ k.T
    return near.sum(axis=-1) + 4 * math.pi / abs(np.linalg.det(lattice_A)) * np.cos(phases) @ weights


def test_madelung_s_constant_of_rock_salt():
    sodium = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
    frac = np.concatenate([sodium, (sodium + 0.5) % 1.0])
    charges = np.repeat([1.0, -1.0], 4)
    points = np.full(8, 40.0)  # orbitals too small to overlap
    potential = full(interaction_matrix(frac, 5.64 * np.eye(3), points)) @ charges
    assert potential == pytest.approx(-1.7475645946 / 2.82 * charges, rel=1e-6)


@pytest.mark.parametrize("lattice_A", LATTICES)
@pytest.mark.parametrize("reach", ["short", "long"])
def test_a_plain_sum(lattice_A, reach, monkeypatch):
    """Soft and hard atoms, and either part of the sum the longer one."""
    monkeypatch.setattr(eqeq_matrix, "_PAIR_NS", {"short": 3000.0, "long": 0.3}[reach])
    rng = np.random.default_rng(3)
    frac, decay = rng.uniform(size=(6, 3)), rng.uniform(0.35, 3.0, 6)
    expected = plain(frac, lattice_A, decay, alpha=0.28, cells=12 if lattice_A[0, 0] < 5 else 6)
    assert np.allclose(
        neutral(full(interaction_matrix(frac, lattice_A, decay))), neutral(expected), atol=3e-6
    )


def test_far_apart_there_is_one_pair():
    """In a cell of 300 A, r = 1.5 A: the formula itself."""
    r, a = 1.5, math.sqrt(0.7 * 1.1)
    frac = np.array([[0.0, 0.0, 0.0], [r / 300.0, 0.0, 0.0]])
    matrix = full(interaction_matrix(frac, 300.0 * np.eye(3), np.array([0.7, 1.1])))
    pair = 1 / r + math.exp(-((a * r) ** 2)) * (2 * a - a * a * r - 1 / r)
    dipole = np.array([1.0, -1.0])
    assert dipole @ matrix @ dipole == pytest.approx(-2.0 * pair, abs=1e-5)


def test_atoms_in_one_place_have_the_limit():
    frac = np.array([[0.1, 0.2, 0.3], [0.1, 0.2, 0.3], [0.6, 0.2, 0.3]])
    decay = np.array([0.7, 0.9, 0.8])
    together = full(interaction_matrix(frac, LATTICES[0], decay))
    frac[1, 0] += 1e-5
    beside = full(interaction_matrix(frac, LATTICES[0], decay))
    assert np.isfinite(together).all()
    assert np.allclose(neutral(together), neutral(beside), atol=2e-4)


@pytest.mark.parametrize("lattice_A", [24.0 * np.eye(3), np.diag([300.0, 60.0, 5.0]), 12 * LATTICES[0]])
def test_memory_is_not_more_than_announced(lattice_A):
    frac = np.random.default_rng(0).uniform(size=(700, 3))
    interaction_matrix(frac[:2], lattice_A, np.ones(2))
    tracemalloc.start()
    interaction_matrix(frac, lattice_A, np.ones(700))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert 8 * 700**2 < peak < memory_bytes(700, lattice_A) < 12 * peak
