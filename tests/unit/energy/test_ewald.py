"""Which charges are used, what is refused, and the corners where potentials diverge."""

import os
import subprocess
import sys

import numpy as np
import pytest

from porevox.crystal.structure import Structure
from porevox.energy import ewald
from porevox.energy.ewald import COULOMB_V_A, KELVIN_PER_VOLT, EwaldPotential, neutral_charges
from porevox.energy.grid import GridSpec, distinct_points
from porevox.errors import PorevoxError, StructureRejected

LATTICE = np.array([[9.0, 0, 1.0], [2.0, 8.0, 0.5], [0, 0, 10.0]])
GRID = GridSpec("unit_cell", 4)


def crystal(frac, charges, lattice=LATTICE):
    charges = None if charges is None else np.array(charges, dtype=float)
    return Structure(
        "x", lattice, np.array(frac, dtype=float), ("C",) * len(frac), "gemmi", charges_e=charges
    )


def potential(structure, grid=GRID, **options):
    points = distinct_points(grid, structure.lattice_A, 10.0)
    return EwaldPotential(structure, points, **options)


def test_constants_against_codata():
    e, epsilon_0, kB = 1.602176634e-19, 8.8541878128e-12, 1.380649e-23
    assert COULOMB_V_A == pytest.approx(e / (4.0 * np.pi * epsilon_0) * 1e10, rel=1e-10)
    assert KELVIN_PER_VOLT == pytest.approx(e / kB, rel=1e-9)


def test_what_rounding_left_over_is_spread_evenly():
    charges = neutral_charges(crystal(np.eye(3), [0.3, 0.5, -0.798]))
    np.testing.assert_allclose(charges, np.array([0.3, 0.5, -0.798]) - 0.002 / 3, atol=1e-15)
    assert abs(charges.sum()) < 1e-15


def test_the_charges_of_the_structure_stay_as_they_are():
    structure = crystal(np.eye(3), [0.3, 0.5, -0.798])
    potential(structure).at()
    assert structure.charges_e.tolist() == [0.3, 0.5, -0.798]


@pytest.mark.parametrize(
    ("charges", "code", "word"),
    [
        (None, "no_charges", "no column"),
        ([0.1, np.nan, -0.1], "no_charges", "finite"),
        ([0.1, np.inf, -0.1], "no_charges", "finite"),
        ([0.0, 0.0, 0.0], "no_charges", "every partial charge is 0"),
        ([2e-4, 2e-4, 2e-4], "no_charges", "every partial charge is 0.0002"),
        ([0.5, 0.5, 0.0], "net_charge", "add up to 1 e"),
        ([0.5, -0.5, -0.0031], "net_charge", "-0.0031 e"),
    ],
)
def test_unusable_charges(charges, code, word):
    for use in (neutral_charges, potential):
        with pytest.raises(StructureRejected, match=word) as rejection:
            use(crystal(np.eye(3), charges))
        assert rejection.value.code == code
    points = distinct_points(GRID, LATTICE, 10.0)
    assert ewald.memory_MB(crystal(np.eye(3), charges), points) == 0.0


def test_how_much_net_charge_is_rounding_does_not_depend_on_the_cell():
    one = [0.25, -0.2478]
    for copies in (1, 50):
        charges = np.tile(one, copies)
        frac = np.random.default_rng(0).uniform(size=(len(charges), 3))
        with pytest.raises(StructureRejected, match="add up to"):
            neutral_charges(crystal(frac, charges))
        neutral_charges(crystal(frac, charges - 0.0003))


@pytest.mark.parametrize("place", [np.nan, np.inf])
def test_positions_and_cells_that_are_no_numbers(place):
    frac = np.array([[0, 0, 0], [0.5, 0.5, place]])
    with pytest.raises(StructureRejected, match="finite") as rejection:
        potential(crystal(frac, [1.0, -1.0]))
    assert rejection.value.code == "absurd_cell"


@pytest.mark.parametrize("accuracy", [0.0, -1e-3, 1e-9, 1.0, np.nan, "1e-3", True, None])
def test_accuracies_that_cannot_be_had(accuracy):
    with pytest.raises(PorevoxError, match="accuracy_V .* from 1e-06 to 0.1"):
        potential(crystal([[0, 0, 0], [0.5, 0.5, 0.5]], [1.0, -1.0]), accuracy_V=accuracy)


def test_infinite_on_top_of_an_atom_by_the_sign_of_its_charge():
    structure = crystal([[0.25, 0.5, 0.75], [0.0, 0.25, 0.5], [0.1, 0.2, 0.3]], [1.0, -1e-3, -0.999])
    values = potential(structure).at()
    assert values[1, 2, 3] == np.inf and values[0, 1, 2] == -np.inf
    assert np.isfinite(values).sum() == values.size - 2


def test_atoms_without_a_charge_are_not_felt():
    charged = [[0.25, 0.5, 0.75], [0.1, 0.2, 0.3]]
    with_neutral = crystal([*charged, [0.0, 0.25, 0.5]], [0.8, -0.8, 0.0])
    expected = potential(crystal(charged, [0.8, -0.8])).at()
    values = potential(with_neutral).at()
    np.testing.assert_array_equal(values, expected)
    assert np.isfinite(values[0, 1, 2])


def test_opposite_charges_in_one_place_cancel():
    others = [[0.1, 0.2, 0.3], [0.7, 0.6, 0.9]]
    expected = potential(crystal(others, [0.5, -0.5])).at()
    for place in ([0, 0, 0], [0.25, 0.5, 0.75]):
        both = crystal([place, *others, place], [1.0, 0.5, -0.5, -1.0])
        np.testing.assert_allclose(potential(both).at(), expected, atol=2e-3)
        uneven = potential(crystal([place, *others, place], [1.0, 0.5, -1.2, -0.3])).at()
        assert (uneven == np.inf).sum() == 1 and np.isfinite(uneven).sum() == 63


def test_points_beyond_the_cell_are_those_within():
    structure = crystal([[0.1, 0.2, 0.3], [0.7, 0.6, 0.9]], [0.5, -0.5])
    box = GridSpec("cubic_box", 3, box_length_A=7.0)
    for grid in (GRID, box):
        ewald = potential(structure, grid, accuracy_V=1e-6)
        far = np.array([40, -30, 20]) @ LATTICE
        np.testing.assert_allclose(ewald.at(far + 0.3), ewald.at(np.full(3, 0.3)), atol=1e-9)


def test_a_box_needs_the_usual_orientation():
    turned = crystal([[0.1, 0.2, 0.3], [0.7, 0.6, 0.9]], [0.5, -0.5], LATTICE[:, [2, 0, 1]])
    with pytest.raises(ValueError, match="c must lie along z"):
        potential(turned, GridSpec("cubic_box", 3))
    upright = potential(crystal(turned.frac, turned.charges_e)).at()
    np.testing.assert_allclose(potential(turned).at(), upright, atol=1e-9)


def test_many_evaluations_change_the_effort_not_the_result():
    rng = np.random.default_rng(0)
    structure = crystal(rng.uniform(size=(200, 3)), np.tile([0.4, -0.4], 100))
    grid = GridSpec("unit_cell", 12)
    one, many = (potential(structure, grid, accuracy_V=1e-5, evaluations=n) for n in (1, 1000))
    np.testing.assert_allclose(one.at(), many.at(), atol=2e-5)
    assert not np.array_equal(one.at(), many.at())


MEASURE = """
import sys
import numpy as np
from porevox.crystal.structure import Structure
from porevox.energy.ewald import EwaldPotential, memory_MB
from porevox.energy.grid import GridSpec, distinct_points

def structure(n, edge):
    frac = np.random.default_rng(0).uniform(size=(n, 3))
    return Structure("x", edge * np.eye(3), frac, ("C",) * n, "gemmi", charges_e=np.tile([0.4, -0.4], n // 2))

def compute(crystal, n):
    points = distinct_points(GridSpec(sys.argv[1], n), crystal.lattice_A, 10.0)
    EwaldPotential(crystal, points).at()
    return memory_MB(crystal, points)

def peak_MB():  # of this program alone: what getrusage tells includes the process that started it
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024 / 1e6

compute(structure(10, 10.0), 4)
before = peak_MB()
estimate = compute(structure(int(sys.argv[2]), float(sys.argv[3])), int(sys.argv[4]))
print(peak_MB() - before, estimate)
"""


@pytest.mark.skipif(not os.path.isfile("/proc/self/status"), reason="only Linux tells the peak memory")
@pytest.mark.parametrize(
    "case", ["mic_supercell 400 20 110", "cubic_box 400 20 110", "unit_cell 20000 90 25"]
)
def test_memory_is_what_was_estimated(case, root):
    env = {**os.environ, "PYTHONPATH": str(root / "workflow" / "lib")}
    command = [sys.executable, "-c", MEASURE, *case.split()]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    measured, estimate = map(float, done.stdout.split())
    # Freed memory is used again, so that less may be seen than was touched.
    assert measured < estimate < 2.2 * measured + 5.0
    assert estimate < 300.0


@pytest.mark.parametrize("grid", [GridSpec("unit_cell", 9), GridSpec("cubic_box", 9, True, 11.0)], ids=str)
def test_at_some_points_the_potential_is_what_it_is_among_all(grid):
    upright = np.array([[9.0, 0, 1.0], [2.0, 8.0, 0.5], [0, 0, 10.0]])
    ewald = potential(crystal([[0.1, 0.2, 0.3], [0.6, 0.5, 0.9]], [0.7, -0.7], upright), grid)
    everywhere, shift = ewald.at(np.array([0.3, -0.2, 0.4])), np.array([0.3, -0.2, 0.4])
    for share in (0.0, 0.02, 0.5):
        wanted = np.random.default_rng(0).random(everywhere.shape) < share
        np.testing.assert_allclose(
            ewald.at(shift, wanted)[wanted], everywhere[wanted], rtol=1e-12, atol=1e-12
        )
    # Rows without any wanted point are not computed.
    wanted[:], wanted[2, 3, 4] = False, True
    assert np.count_nonzero(ewald.at(shift, wanted)) == everywhere.shape[2]
