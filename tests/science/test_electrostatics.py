"""Electrostatic potentials against Madelung constants, other Ewald sums and symmetry.

Nothing here comes from an earlier run of the program: crystals' constants are the literature's, and
the general reference is a plain Ewald sum in numpy that shares no line with the library.
"""

import itertools
import tarfile

import numpy as np
import pytest
from scipy.special import erfc

from porevox.crystal.cif import read_cif
from porevox.crystal.structure import Structure, lattice_from_parameters, wrap
from porevox.energy.electrostatic_channel import ElectrostaticChannel
from porevox.energy.ewald import EwaldPotential
from porevox.energy.grid import KINDS, GridSpec, cartesian_points, distinct_points

COULOMB = 1.602176634e-19 / (4.0 * np.pi * 8.8541878128e-12) * 1e10  # V A / e
FINE = 1e-6
BOX = GridSpec("cubic_box", 5, box_length_A=17.3)
CELLS = {
    "orthogonal": ((9.3, 14.1, 11.7), (90, 90, 90)),
    "hexagonal": ((14.3, 14.3, 6.9), (90, 90, 120)),
    "skewed": ((11.9, 12.8, 15.7), (45, 60, 62)),
    "obtuse": ((13.1, 12.2, 14.9), (120, 103, 95)),
    "flat": ((12.1, 13.3, 12.7), (60, 60, 118)),
    "thin": ((3.1, 17.7, 4.3), (90, 94, 90)),
    "wide": ((33.1, 27.7, 36.3), (90, 94, 90)),
}


def crystal(lattice, frac, charges):
    frac = wrap(np.array(frac, dtype=float))
    return Structure("x", np.asarray(lattice), frac, ("C",) * len(frac), "gemmi", charges_e=np.array(charges))


def random_crystal(name, n_atoms=14, seed=0):
    """Charged atoms anywhere, but some on corners, edges and faces of the cell."""
    rng = np.random.default_rng(seed)
    frac = rng.uniform(size=(n_atoms, 3))
    frac[0], frac[1, 1:], frac[2, 0] = 0.0, 0.0, 0.0
    frac[3, 2] = np.nextafter(1.0, 0.0)
    charges = rng.normal(scale=0.6, size=n_atoms)
    return crystal(lattice_from_parameters(*CELLS[name]), frac, charges - charges.mean())


def potential(structure, grid, shift=None, accuracy=FINE, evaluations=1):
    """The potential on all distinct points of a grid."""
    points = distinct_points(grid, structure.lattice_A, 10.0)
    return EwaldPotential(structure, points, accuracy, evaluations).at(shift)


def voxels(structure, grid, accuracy=FINE):
    return ElectrostaticChannel(accuracy).compute(structure, grid, None).values


def written_out(structure, places, alpha):
    """An Ewald sum image by image and wave vector by wave vector, converged to 1e-12 and more."""
    lattice, frac, charges = structure.lattice_A, structure.frac, structure.charges_e
    inverse = np.linalg.inv(lattice)
    total = np.zeros(len(places))
    cutoff = 5.5 / alpha
    most = np.ceil(cutoff * np.linalg.norm(inverse, axis=0)).astype(int) + 1
    cells = np.array(list(itertools.product(*(range(-m, m + 1) for m in most))))
    for atom, charge in zip(frac, charges, strict=True):
        # the nearest cells, around the point folded next to the atom
        offset = places @ inverse - atom
        offset -= np.round(offset)
        r = np.linalg.norm((offset[:, None] + cells) @ lattice, axis=2)
        total += charge * np.sum(erfc(alpha * r) / r, axis=1)
    longest = 2.0 * alpha * 5.5
    most = np.ceil(longest * np.linalg.norm(lattice, axis=1) / (2.0 * np.pi)).astype(int)
    for h in range(-most[0], most[0] + 1):
        rest = itertools.product([h], *(range(-m, m + 1) for m in most[1:]))
        vectors = 2.0 * np.pi * np.array([v for v in rest if any(v)]) @ inverse.T
        squares = (vectors**2).sum(axis=1)
        vectors, squares = vectors[squares < longest**2], squares[squares < longest**2]
        amplitude = np.exp(-1j * vectors @ (frac @ lattice).T) @ charges
        amplitude *= 4.0 * np.pi / structure.volume_A3 * np.exp(-squares / (4.0 * alpha**2)) / squares
        total += (np.exp(1j * places @ vectors.T) @ amplitude).real
    return COULOMB * total


def without_itself(structure, atom, distance=0.05):
    """Potential of all charges but one (its images counted) at that one's place.

    Six points around the atom: the field of the others is harmonic there, so that its first and
    second order cancel in the mean, and fourth-order terms are left.
    """
    grid = GridSpec("unit_cell", 2)
    points = distinct_points(grid, structure.lattice_A, 10.0)
    ewald = EwaldPotential(structure, points, FINE)
    place = structure.frac[atom] @ structure.lattice_A
    around = [ewald.at(place + sign * step)[0, 0, 0] for step in distance * np.eye(3) for sign in (1, -1)]
    return np.mean(around) - COULOMB * structure.charges_e[atom] / distance


FCC = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])


@pytest.mark.parametrize(
    ("second", "nearest", "madelung"),
    [
        (FCC + 0.5, 0.5, 1.747564594633),  # rock salt
        (FCC + 0.25, np.sqrt(3.0) / 4.0, 1.638055053),  # zinc blende
        (None, np.sqrt(3.0) / 2.0, 1.762674773),  # caesium chloride
    ],
    ids=["NaCl", "ZnS", "CsCl"],
)
@pytest.mark.parametrize("charge", [1.0, -2.0])
def test_madelung_constants(second, nearest, madelung, charge):
    edge = 5.6402
    frac = np.array([[0, 0, 0], [0.5, 0.5, 0.5]]) if second is None else np.concatenate([FCC, second])
    charges = charge * np.repeat([1.0, -1.0], len(frac) // 2)
    salt = crystal(edge * np.eye(3), frac, charges)
    for atom in (0, len(frac) - 1):
        found = -without_itself(salt, atom) * nearest * edge / (COULOMB * charges[atom])
        assert found == pytest.approx(madelung, abs=2e-6)


def test_holes_and_ions_of_rock_salt():
    # Every empty tetrahedral hole of rock salt sees as many cations as anions at every distance.
    salt = crystal(5.6402 * np.eye(3), np.concatenate([FCC, FCC + 0.5]), np.repeat([1.0, -1.0], 4))
    values = potential(salt, GridSpec("unit_cell", 4))
    holes = np.ix_([1, 3], [1, 3], [1, 3])
    np.testing.assert_allclose(values[holes], 0.0, atol=1e-6)
    assert (values[[0, 0, 2, 2], [0, 2, 0, 2], [0, 2, 2, 0]] == np.inf).all()
    assert (values[[2, 2, 0, 0], [2, 0, 2, 0], [2, 0, 0, 2]] == -np.inf).all()


@pytest.mark.parametrize("name", CELLS)
def test_against_a_sum_written_out(name):
    structure = random_crystal(name)
    rng = np.random.default_rng(5)
    edge = structure.volume_A3 ** (1.0 / 3.0)
    for kind, endpoint in itertools.product(KINDS, (False, True)):
        grid = GridSpec(kind, 7, endpoint)
        chosen = tuple(rng.integers(7, size=(3, 6)))
        places = cartesian_points(grid, structure.lattice_A, 10.0)[chosen]
        # the grid's own points may lie on the atoms put on corners, edges and faces
        expected = written_out(structure, places + 0.1, 5.0 / edge)
        points = distinct_points(grid, structure.lattice_A, 10.0)
        found = points.expand(EwaldPotential(structure, points, FINE).at(np.full(3, 0.1)))[chosen]
        np.testing.assert_allclose(found, expected, atol=FINE, rtol=0.0)


def test_the_reference_does_not_depend_on_how_it_is_split():
    structure = random_crystal("obtuse")
    places = np.random.default_rng(2).uniform(-20.0, 20.0, size=(20, 3))
    coarse, fine = (written_out(structure, places, alpha) for alpha in (0.35, 0.6))
    np.testing.assert_allclose(coarse, fine, atol=1e-10)
    assert np.ptp(coarse) > 0.5


def test_site_potentials_of_pymatgen():
    from pymatgen.analysis.ewald import EwaldSummation
    from pymatgen.core import Structure as Crystal

    structure = random_crystal("skewed", 7)
    theirs = Crystal(structure.lattice_A, ["C"] * 7, structure.frac)
    theirs.add_site_property("charge", structure.charges_e.tolist())
    theirs.add_oxidation_state_by_site(structure.charges_e.tolist())
    summation = EwaldSummation(theirs)
    for atom in range(7):
        # a site's energy is half of its charge times the potential of all others
        expected = 2.0 * summation.get_site_energy(atom) / structure.charges_e[atom]
        assert without_itself(structure, atom, 0.01) == pytest.approx(expected, abs=3e-5)


@pytest.mark.parametrize("accuracy", [1e-2, 1e-3, 1e-4, 1e-5])
@pytest.mark.parametrize("name", ["skewed", "thin", "wide"])
def test_the_accuracy_asked_for_holds_at_every_point(name, accuracy):
    structure = random_crystal(name, 40)
    for grid in (GridSpec("mic_supercell", 10), GridSpec("cubic_box", 10)):
        for evaluations in (1, 100):
            found = potential(structure, grid, np.full(3, 0.2), accuracy, evaluations)
            expected = potential(structure, grid, np.full(3, 0.2))
            assert np.abs(found - expected).max() < accuracy
            assert np.abs(found - expected).max() > 1e-3 * accuracy  # no more work than needed


def test_shifts_move_the_points():
    structure = random_crystal("hexagonal")
    for grid in (GridSpec("mic_supercell", 6), GridSpec("unit_cell", 6, True), BOX):
        points = distinct_points(grid, structure.lattice_A, 10.0)
        ewald = EwaldPotential(structure, points, FINE)
        for shift in ([0.3, -1.2, 40.0], points.steps_A[1]):
            moved = crystal(
                structure.lattice_A,
                structure.frac - shift @ np.linalg.inv(structure.lattice_A),
                structure.charges_e,
            )
            np.testing.assert_allclose(ewald.at(np.array(shift)), potential(moved, grid), atol=3e-6)
    one_on = ewald.at(points.steps_A[1])[:, :-1]
    np.testing.assert_allclose(one_on, ewald.at()[:, 1:], atol=3e-6)


def test_other_cells_of_the_same_crystal():
    structure = random_crystal("obtuse")
    a, b, c = structure.lattice_A
    expected = potential(structure, BOX)
    # axes that keep c along z and a in the xz plane; the last one holds six cells
    for axes in ([a + c, b - a + 2 * c, c], [a, b + a, c], [2 * a, b, c], [3 * a + c, b, 2 * c]):
        inverse = np.linalg.inv(axes)
        images = list(itertools.product(range(-1, 5), repeat=3))
        frac = np.concatenate([wrap((structure.frac + s) @ structure.lattice_A @ inverse) for s in images])
        _, first = np.unique(np.round(frac, 9) % 1.0, axis=0, return_index=True)
        assert len(first) == round(structure.n_atoms * abs(np.linalg.det(axes)) / structure.volume_A3)
        charges = np.tile(structure.charges_e, len(images))[first]
        np.testing.assert_allclose(potential(crystal(axes, frac[first], charges), BOX), expected, atol=3e-6)


def test_order_translations_and_charges():
    structure = random_crystal("flat")
    order = np.random.default_rng(1).permutation(structure.n_atoms)
    shuffled = crystal(structure.lattice_A, structure.frac[order], structure.charges_e[order])
    grid = GridSpec("unit_cell", 6)
    expected = potential(structure, grid, np.full(3, 0.1))
    np.testing.assert_allclose(potential(shuffled, grid, np.full(3, 0.1)), expected, atol=1e-9)
    negative = crystal(structure.lattice_A, structure.frac, -structure.charges_e)
    np.testing.assert_allclose(potential(negative, grid, np.full(3, 0.1)), -expected, atol=1e-12)
    lattice_vector = np.array([2, -1, 3]) @ structure.lattice_A
    np.testing.assert_allclose(potential(structure, grid, lattice_vector + 0.1), expected, atol=1e-9)


def test_the_mean_over_the_cell_is_zero():
    # 2 pi / 3 V sum q r^2 = 0.9 V would be the mean had the sum been done over spheres.
    frac = [[0.5, 0.5, 0.5], [0.25, 0.5, 0.5], [0.75, 0.5, 0.5]]
    structure = crystal(8.0 * np.eye(3), frac, [2.0, -1.0, -1.0])
    means = [potential(structure, GridSpec("unit_cell", 40), s, 1e-4).mean() for s in 0.1 * np.eye(3)]
    assert np.mean(means) == pytest.approx(0.0, abs=0.02)
    assert potential(structure, GridSpec("unit_cell", 10), [0.1, 0, 0], 1e-4).std() > 1.0


def test_close_to_an_atom_only_its_charge_counts():
    structure = random_crystal("orthogonal")
    place = structure.frac[5] @ structure.lattice_A
    for distance in (1e-2, 1e-3, 1e-4):
        value = potential(structure, GridSpec("unit_cell", 2), place + [0, distance, 0])[0, 0, 0]
        assert value * distance / COULOMB == pytest.approx(structure.charges_e[5], rel=20 * distance)


@pytest.mark.parametrize("name", ["curated-cofs", "uo-mofs"])
def test_real_structures(name, shared_data):
    with tarfile.open(shared_data / name / "cifs.tar.gz") as archive:
        members = [m for m in archive.getmembers() if m.isfile() and m.name.endswith(".cif")][::23][:4]
        for member in members:
            structure = read_cif(archive.extractfile(member).read(), member.name)
            grid = GridSpec("mic_supercell", 9)
            found = potential(structure, grid, [0.2, 0.1, 0.3], 1e-4)
            places = cartesian_points(grid, structure.lattice_A, 10.0)
            points = distinct_points(grid, structure.lattice_A, 10.0)
            chosen = tuple(np.random.default_rng(3).integers(9, size=(3, 5)))
            edge = structure.volume_A3 ** (1.0 / 3.0)
            expected = written_out(structure, places[chosen] + [0.2, 0.1, 0.3], 4.0 / edge)
            np.testing.assert_allclose(points.expand(found)[chosen], expected, atol=1e-4, rtol=0.0)
