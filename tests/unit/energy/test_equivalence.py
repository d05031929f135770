"""Equivalent points: found where they are, and only there."""

import itertools

import numpy as np
import pytest

from porevox.crystal.structure import lattice_from_parameters
from porevox.energy.equivalence import representatives, represents, spread
from porevox.energy.grid import GridSpec, distinct_points

ORTHOGONAL = np.diag([21.0, 22.0, 23.0])
TRICLINIC = lattice_from_parameters((21.0, 23.0, 22.0), (81, 97, 104))


def found(frac, lattice, n=6, kinds=None, kind="unit_cell", endpoint=False, operations="all"):
    frac = np.asarray(frac, dtype=float)
    kinds = np.zeros(len(frac)) if kinds is None else np.asarray(kinds, dtype=float)
    points = distinct_points(GridSpec(kind, n, endpoint), lattice, 10.0)
    return representatives(frac, np.stack([kinds, kinds]), lattice, points, operations)


def images(frac, *operations):
    """All images of the atoms under sign changes, the atoms themselves first."""
    return np.concatenate([np.asarray(frac) * sign for sign in ((1, 1, 1), *operations)]) % 1.0


ATOMS = [(0.11, 0.23, 0.37), (0.05, 0.61, 0.83)]


def classes(result):
    return len(np.unique(result))


def test_without_symmetry_there_is_nothing_to_find():
    assert found(ATOMS, TRICLINIC) is None
    assert found(ATOMS, ORTHOGONAL) is None
    assert found(np.empty((0, 3)), ORTHOGONAL) is None


@pytest.mark.parametrize("n", [5, 6])
def test_inversion(n):
    result = found(images(ATOMS, (-1, -1, -1)), TRICLINIC, n)
    i, j, k = np.indices((n, n, n))
    partner = np.ravel_multi_index((-i % n, -j % n, -k % n), (n, n, n))
    own = np.arange(n**3).reshape((n, n, n))
    assert np.array_equal(result, np.minimum(own, partner))


def test_a_mirror_needs_a_cell_that_has_it():
    mirrored = images(ATOMS, (1, -1, 1))
    assert classes(found(mirrored, ORTHOGONAL)) == 6 * 4 * 6
    assert found(mirrored, TRICLINIC) is None


def test_atoms_of_different_kinds_are_no_images_of_each_other():
    inverted = images(ATOMS[:1], (-1, -1, -1))
    assert found(inverted, TRICLINIC, kinds=[1, 1]) is not None
    assert found(inverted, TRICLINIC, kinds=[1, 2]) is None


@pytest.mark.parametrize(("error", "symmetric"), [(1e-14, True), (1e-9, False), (1e-4, False)])
def test_almost_symmetric_is_not_symmetric(error, symmetric):
    frac = images(ATOMS, (-1, -1, -1))
    frac[3, 1] += error
    assert (found(frac, TRICLINIC) is not None) == symmetric


def test_atoms_on_the_border_of_the_cell():
    """0 and 1 - 1e-17 are one place."""
    frac = [(0.0, 0.5, 1.0 - 1e-16), (0.2, 0.3, 0.4), (0.8, 0.7, 0.6)]
    assert classes(found(frac, TRICLINIC, kinds=[1, 2, 2])) == (6**3 + 8) // 2


@pytest.mark.parametrize(("n", "halved"), [(6, True), (5, False)])
def test_a_centred_cell_repeats_itself_on_grids_with_a_point_there(n, halved):
    frac = np.concatenate([ATOMS, np.asarray(ATOMS) + (0.5, 0.5, 0.0)]) % 1.0
    result = found(frac, TRICLINIC, n)
    assert (result is not None) == halved
    if halved:
        assert classes(result) == n**3 // 2
        assert result[3, 3, 2] == result[0, 0, 2]


def test_axes_are_exchanged_only_where_they_have_as_many_points():
    lattice = np.diag([21.0, 21.0, 23.0])
    frac = np.concatenate([ATOMS, np.asarray(ATOMS)[:, [1, 0, 2]]])
    assert classes(found(frac, lattice)) == 21 * 6
    points = distinct_points(GridSpec("unit_cell", 6), lattice, 10.0)
    uneven = type(points)(points.origin_A, points.steps_A, (6, 3, 6), points.take, True)
    assert representatives(frac, np.zeros((2, 4)), lattice, uneven) is None


@pytest.mark.parametrize(
    ("operations", "number"),
    [("all", 6**3 // 8), ("inversions", 6**3 // 4), ("translations", 6**3 // 2)],
)
def test_fewer_operations_can_be_asked_for(operations, number):
    """A centred cell with an inversion and a mirror."""
    frac = images(ATOMS, (-1, -1, -1), (1, 1, -1), (-1, -1, 1))
    frac = np.concatenate([frac, frac + (0.5, 0.5, 0.0)]) % 1.0
    at_most = classes(found(frac, ORTHOGONAL, operations=operations))
    assert number <= at_most <= number + 20
    assert found(images(ATOMS, (-1, -1, -1)), ORTHOGONAL, operations="translations") is None


def test_a_box_has_the_symmetry_of_its_surroundings():
    frac = images(ATOMS, (-1, -1, -1))
    result = found(frac, TRICLINIC, 7, kind="cubic_box", endpoint=True)
    assert np.array_equal(result, np.minimum(result, 7**3 - 1 - np.arange(7**3).reshape(result.shape)))
    assert classes(result) == (7**3 + 1) // 2
    # Without its far faces the box has no partner for its near ones.
    result = found(frac, TRICLINIC, 6, kind="cubic_box")
    assert classes(result) == 6**3 - 5**3 + (5**3 + 1) // 2
    # A mirror of the lattice that is none of the box' axes is of no use to it.
    monoclinic = lattice_from_parameters((21.0, 23.0, 22.0), (90, 97, 90))
    rotated = images(ATOMS, (-1, 1, -1))
    assert classes(found(rotated, monoclinic, 6, kind="cubic_box")) < 6**3


def test_the_48_operations_of_a_cubic_crystal():
    signs = itertools.product((1, -1), repeat=3)
    orders = list(itertools.permutations(range(3)))
    frac = np.array([np.array(ATOMS[0])[list(o)] * s for s in signs for o in orders]) % 1.0
    assert len(frac) == 48
    result = found(frac, 25.0 * np.eye(3), 6)
    # Indices up to sign are 0..3, and their order does not matter: 4 + 4 * 3 + 4 of three kinds.
    assert classes(result) == 20


def test_only_representatives_are_needed_and_they_are_enough():
    result = found(images(ATOMS, (-1, -1, -1), (1, 1, -1), (-1, -1, 1)), ORTHOGONAL)
    values = np.random.default_rng(0).normal(size=result.shape)
    whole = values.reshape(-1)[result]
    needed = represents(result)
    assert 0.2 < needed.mean() < 0.4
    values[~needed] = np.nan
    spread(result, values)
    assert np.array_equal(values, whole)
