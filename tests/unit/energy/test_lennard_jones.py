"""Frames, surroundings and memory of a sum; its energies are tested in tests/science."""

import itertools
import tracemalloc

import numpy as np
import pytest

from porevox.crystal.structure import Structure, lattice_from_parameters
from porevox.energy import lennard_jones
from porevox.energy.forcefield import ForceField, load_forcefield
from porevox.energy.grid import GridSpec, distinct_points
from porevox.energy.lennard_jones import LennardJonesSum, memory_MB
from porevox.errors import PorevoxError

ARGON = ForceField("argon", {"Ar": 3.4}, {"Ar": 120.0}, "")
CELL = lattice_from_parameters((9.0, 17.0, 12.0), (75, 98, 111))


def crystal(n_atoms, lattice=CELL, seed=0):
    frac = np.random.default_rng(seed).random((n_atoms, 3))
    return Structure("x", lattice, frac, ("Ar",) * n_atoms, "gemmi")


def test_an_unknown_truncation_is_refused():
    points = distinct_points(GridSpec("unit_cell", 4), CELL, 10.0)
    with pytest.raises(PorevoxError, match="truncation is 'smoothed'; choose one of truncated, shifted"):
        LennardJonesSum(crystal(1), points, ARGON, 3.4, 120.0, 10.0, "smoothed")


def test_the_frame_lays_lines_along_x_and_planes_in_xy():
    steps = distinct_points(GridSpec("unit_cell", 10), CELL, 10.0).steps_A
    order, rotation = lennard_jones._frame(steps)
    assert order.tolist() == [1, 2, 0]
    assert rotation.T @ rotation == pytest.approx(np.eye(3), abs=1e-14)
    plane, across, along = steps[order] @ rotation
    assert along[1:] == pytest.approx(0.0, abs=1e-14)
    assert across[2] == pytest.approx(0.0, abs=1e-14)
    assert np.linalg.norm(plane) == pytest.approx(1.7)


@pytest.mark.parametrize("kind", ["unit_cell", "cubic_box"])
def test_the_surroundings_hold_every_image_within_the_cutoff(kind):
    structure = crystal(9)
    points = distinct_points(GridSpec(kind, 5), CELL, 7.0)
    block = points.origin_A, points.steps_A, np.array(points.counts)
    first, last, low, high = lennard_jones._surroundings(*block, CELL, structure.frac, 7.0)
    places = points.origin_A + np.indices(points.counts).reshape(3, -1).T @ points.steps_A
    assert low == pytest.approx(places.min(axis=0))
    assert high == pytest.approx(places.max(axis=0))
    for cell in itertools.product(range(-7, 8), repeat=3):
        atoms = (structure.frac + cell) @ CELL
        near = (np.linalg.norm(atoms[:, None] - places, axis=-1) <= 7.0).any()
        assert not near or ((first <= cell) & (cell <= last)).all()


def test_a_sum_can_be_asked_again_and_elsewhere():
    structure = crystal(12)
    points = distinct_points(GridSpec("unit_cell", 6), CELL, 10.0)
    total = LennardJonesSum(structure, points, ARGON, 3.4, 120.0, 10.0)
    before = total.at()
    step = points.steps_A[1] + points.steps_A[2]
    assert total.at(step) == pytest.approx(np.roll(before, (-1, -1), (1, 2)), rel=1e-8)
    assert np.array_equal(total.at(), before)


@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 1.0])
@pytest.mark.parametrize("shift", [None, np.array([0.3, -0.2, 0.7])])
def test_only_the_points_asked_for_need_be_summed(share, shift):
    points = distinct_points(GridSpec("unit_cell", 9), CELL, 10.0)
    total = LennardJonesSum(crystal(12), points, ARGON, 3.4, 120.0, 10.0)
    wanted = np.random.default_rng(1).random(points.counts) < share
    assert total.at(shift, wanted)[wanted] == pytest.approx(total.at(shift)[wanted], rel=1e-10)


def test_labels_reach_the_force_field(tmp_path):
    table = tmp_path / "own.csv"
    table.write_text("element,label,sigma_A,epsilon_K\nAr,Ar2,3.4,0.0\nAr,,3.4,120.0\n")
    structure = Structure("x", CELL, crystal(2).frac, ("Ar", "Ar"), "gemmi", labels=("Ar1", "Ar2"))
    alone = Structure("x", CELL, crystal(2).frac[:1], ("Ar",), "gemmi", labels=("Ar1",))
    points = distinct_points(GridSpec("unit_cell", 3), CELL, 10.0)
    probe = load_forcefield(table), 3.4, 120.0, 10.0
    both = LennardJonesSum(structure, points, *probe).at()
    assert np.array_equal(both, LennardJonesSum(alone, points, *probe).at())
    assert not np.array_equal(both, LennardJonesSum(structure, points, ARGON, *probe[1:]).at())


@pytest.mark.parametrize(
    ("n_atoms", "length"),
    [(14_000, 60.0), (14_000, 88.8)],  # the second is as large as the cell of MIL-101
)
def test_memory_is_as_estimated_and_small_even_for_giants(n_atoms, length):
    structure = crystal(n_atoms, length * np.eye(3))
    points = distinct_points(GridSpec("mic_supercell", 25), structure.lattice_A, 10.0)
    LennardJonesSum(crystal(1), points, ARGON, 3.4, 120.0, 10.0).at()
    lennard_jones._memory.__dict__.clear()
    tracemalloc.start()
    LennardJonesSum(structure, points, ARGON, 3.4, 120.0, 10.0).at()
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    assert memory_MB(structure, points, 10.0) < 100.0
    assert peak < 200.0
