"""Charge equilibration: equations with known solutions, symmetries, and what has no minimum."""

import math
import tracemalloc

import numpy as np
import pytest

from porevox.crystal import eqeq
from porevox.crystal.eqeq import COULOMB_EV_A, DIELECTRIC_STRENGTH, equilibrated_charges, memory_MB
from porevox.crystal.eqeq_matrix import interaction_matrix
from porevox.errors import StructureRejected

LATTICE = np.array([[9.0, 0.0, 1.0], [3.0, 8.0, -2.0], [0.0, 0.0, 11.0]])
#: H, C, N, O, Zn: X and J, eV.
X = np.array([5.80, 6.26, 7.23, 7.54, -14.67])
J = np.array([15.60, 10.00, 14.60, 12.16, 21.76])


def framework(n=12, seed=0):
    """Atoms no nearer to each other than 1.1 A; fractional coordinates and kinds."""
    rng = np.random.default_rng(seed)
    frac = []
    while len(frac) < n:
        new = rng.uniform(size=3)
        away = [new - old - np.round(new - old) for old in frac]
        if all(np.linalg.norm(d @ LATTICE) > 1.1 for d in away):
            frac.append(new)
    return np.array(frac), rng.integers(0, 5, n)


def charges(frac, kinds, lattice_A=LATTICE):
    return equilibrated_charges(frac, lattice_A, X[kinds], J[kinds])


@pytest.mark.parametrize("r", [1.2, 2.0, 4.0])
@pytest.mark.parametrize("pair", [(0, 3), (1, 3), (4, 3)])
def test_two_atoms_far_from_all_others(r, pair):
    """The 2 x 2 system solved by hand: q = (X_2 - X_1) / (J_1 + J_2 - lambda k g(r))."""
    one, two = pair
    a = math.sqrt(J[one] * J[two]) / COULOMB_EV_A
    g = 1 / r + math.exp(-((a * r) ** 2)) * (2 * a - a * a * r - 1 / r)
    expected = (X[two] - X[one]) / (J[one] + J[two] - DIELECTRIC_STRENGTH * COULOMB_EV_A * g)
    frac = np.array([[0.0, 0.0, 0.0], [0.0, r / 300.0, 0.0]])
    found = charges(frac, np.array(pair), 300.0 * np.eye(3))
    assert found == pytest.approx([expected, -expected], abs=1e-5)
    assert abs(expected) > 0.02


def test_the_chemical_potential_is_the_same_everywhere():
    """Against a matrix with both triangles and an ordinary multiplication."""
    frac, kinds = framework()
    lower = interaction_matrix(frac, LATTICE, J[kinds] / COULOMB_EV_A)
    matrix = 0.5 * DIELECTRIC_STRENGTH * COULOMB_EV_A * (lower + np.tril(lower, -1).T) + np.diag(J[kinds])
    found = charges(frac, kinds)
    potential = X[kinds] + matrix @ found
    assert np.ptp(potential) < 1e-3 < np.ptp(X[kinds])
    assert np.abs(found).max() > 0.3


@pytest.mark.parametrize("seed", range(5))
def test_a_cell_is_neutral(seed):
    frac, kinds = framework(30, seed)
    assert abs(charges(frac, kinds).sum()) < 30 * 1e-6


def test_a_supercell_has_the_charges_of_its_cell():
    frac, kinds = framework()
    for times in [(2, 1, 1), (1, 1, 3), (2, 2, 2)]:
        shifts = np.stack(np.meshgrid(*map(np.arange, times), indexing="ij"), axis=-1).reshape(-1, 3)
        many = ((frac[None] + shifts[:, None]) / times).reshape(-1, 3)
        found = charges(many, np.tile(kinds, len(shifts)), np.array(times)[:, None] * LATTICE)
        assert np.abs(found.reshape(-1, len(frac)) - charges(frac, kinds)).max() < 4e-6


def test_neither_origin_nor_order_nor_choice_of_cell_counts():
    frac, kinds = framework()
    expected = charges(frac, kinds)
    moved = (frac + [0.37, 0.91, 0.05]) % 1.0
    assert np.abs(charges(moved, kinds) - expected).max() < 2e-6
    order = np.random.default_rng(1).permutation(len(frac))
    assert np.abs(charges(frac[order], kinds[order]) - expected[order]).max() < 2e-6
    sheared = np.array([[1, 0, 0], [1, 1, 0], [-1, 0, 1]])
    skew = (frac @ np.linalg.inv(sheared)) % 1.0
    assert np.abs(charges(skew, kinds, sheared @ LATTICE) - expected).max() < 4e-6


def test_atoms_equal_by_symmetry_have_equal_charges():
    frac, kinds = framework(8)
    both = np.concatenate([frac, -frac % 1.0])
    found = charges(both, np.tile(kinds, 2))
    assert np.array_equal(found[:8], found[8:])


def test_equal_atoms_exchange_no_charge():
    assert not charges(np.array([[0, 0, 0], [0.5, 0.5, 0.5]]), np.array([1, 1])).any()
    assert charges(np.zeros((1, 3)), np.array([1])) == [0.0]


# ---- what has no minimum ----------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(40))
def test_there_is_a_solution_exactly_where_there_is_a_minimum(seed):
    """Against eigenvalues among neutral charges; the matrix itself may have a negative one."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 9))
    some = rng.normal(size=(n, n))
    matrix = some + some.T + rng.uniform(0.5, 2.5) * math.sqrt(n) * np.eye(n)
    matrix -= rng.uniform(0.0, 5.0)  # the same for all pairs: nothing to neutral charges
    slope = rng.normal(size=n)
    basis = np.linalg.svd(np.ones((1, n)))[2][1:].T
    reduced = basis.T @ matrix @ basis
    found = eqeq._neutral_minimum(np.asfortranarray(np.tril(matrix)), slope)
    if np.linalg.eigvalsh(reduced).min() <= 0.0:
        assert found is None
    else:
        assert found == pytest.approx(basis @ np.linalg.solve(reduced, -basis.T @ slope), abs=1e-8)


def test_both_cases_occur():
    """So that the test above compares something."""
    outcomes = set()
    for seed in range(40):
        rng = np.random.default_rng(seed)
        n = int(rng.integers(2, 9))
        some = rng.normal(size=(n, n))
        matrix = some + some.T + rng.uniform(0.5, 2.5) * math.sqrt(n) * np.eye(n)
        outcomes.add(eqeq._neutral_minimum(np.asfortranarray(np.tril(matrix)), np.ones(n)) is None)
    assert outcomes == {True, False}


@pytest.mark.parametrize("distance_A", [0.0, 0.3, 0.6])
def test_atoms_on_top_of_each_other_are_refused(distance_A):
    """Two carbons this close gain more by parting with their charge than it costs them."""
    frac, kinds = framework()
    near = frac[0] + np.array([distance_A, 0.0, 0.0]) @ np.linalg.inv(LATTICE)
    frac, kinds = np.vstack([frac, near]), np.append(kinds, 1)
    kinds[0] = 1
    with pytest.raises(StructureRejected, match="no minimum") as refusal:
        charges(frac, kinds)
    assert refusal.value.code == "no_charges"


def test_a_charge_beyond_belief_is_refused():
    frac = np.array([[0.0, 0.0, 0.0], [0.5, 0.5, 0.5]])
    with pytest.raises(StructureRejected, match="not believable") as refusal:
        equilibrated_charges(frac, LATTICE, np.array([-200.0, 0.0]), np.array([10.0, 10.0]))
    assert refusal.value.code == "no_charges"


def test_a_position_that_is_no_number_is_refused():
    with pytest.raises(StructureRejected) as refusal:
        charges(np.array([[0.0, 0.0, math.nan], [0.5, 0.5, 0.5]]), np.array([1, 3]))
    assert refusal.value.code == "absurd_cell"


def test_memory_is_not_more_than_announced():
    n = 900
    rng = np.random.default_rng(0)
    sides = np.stack(np.meshgrid(*[np.arange(10)] * 3), axis=-1).reshape(-1, 3)[:n] / 10.0
    lattice, kinds = 22.0 * np.eye(3), rng.integers(0, 5, n)
    charges(sides[:4], kinds[:4], lattice)
    tracemalloc.start()
    charges(sides, kinds, lattice)
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    assert 8e-6 * n**2 < peak < memory_MB(n, lattice)
    assert memory_MB(5000, 5 * lattice) < 300.0
