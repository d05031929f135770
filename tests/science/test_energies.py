"""Energies against sums written out in the test, against analysis and against symmetry.

Nothing here comes from an earlier run of the program: the reference is a plain float64 sum over
explicit images, in a loop that shares no line with the library.
"""

import itertools
import tarfile

import numpy as np
import pytest

from porevox.crystal.cif import ReadingPolicy, read_cif
from porevox.crystal.structure import Structure, lattice_from_parameters
from porevox.energy.energyfile import to_single
from porevox.energy.forcefield import ForceField, load_forcefield
from porevox.energy.grid import KINDS, GridSpec, cartesian_points, distinct_points
from porevox.energy.lennard_jones import LennardJonesSum
from porevox.energy.lennard_jones_channel import LennardJonesChannel
from porevox.errors import PorevoxError, StructureRejected

CUTOFF = 10.0
CHANNEL = LennardJonesChannel()
CELLS = {
    "orthogonal": ((9.3, 14.1, 11.7), (90, 90, 90)),
    "hexagonal": ((14.3, 14.3, 6.9), (90, 90, 120)),
    "skewed": ((11.9, 12.8, 15.7), (45, 60, 62)),
    "obtuse": ((13.1, 12.2, 14.9), (120, 103, 95)),
    "flat": ((12.1, 13.3, 12.7), (60, 60, 118)),
    "thin": ((3.1, 17.7, 4.3), (90, 94, 90)),
    "wide": ((33.1, 27.7, 36.3), (90, 94, 90)),
}
GRIDS = list(itertools.product(KINDS, (False, True)))


def energies(structure, grid, channel, forcefield):
    return channel.compute(structure, grid, forcefield).values


def memory_estimate_MB(structure, grid, channel):
    return channel.memory_MB(structure, grid)


@pytest.fixture(scope="module")
def uff(root):
    return load_forcefield(root / "resources" / "forcefields" / "uff.csv")


def crystal(name, frac, elements):
    lattice = lattice_from_parameters(*CELLS[name])
    return Structure(name, lattice, np.asarray(frac, dtype=float), tuple(elements), "gemmi")


def random_crystal(name, n_atoms, seed=0):
    """Atoms anywhere, but some on corners, edges and faces of the cell."""
    rng = np.random.default_rng(seed)
    frac = rng.uniform(size=(n_atoms, 3))
    for atom, fixed in enumerate(((0, 1, 2), (1, 2), (0,), (2,))):
        if atom < n_atoms - 1:
            frac[atom, fixed] = 0.0
    frac[n_atoms // 2, 1] = np.nextafter(1.0, 0.0)
    return crystal(name, frac, rng.choice(["C", "H", "O", "Zn", "N"], n_atoms))


def written_out(structure, places, forcefield, cutoff=CUTOFF, sigma=2.5, epsilon=50.0, shifted=False):
    """Sum over images cell by cell; also which places have an atom within a hair of the cutoff.

    There the last bit decides whether the atom counts.
    """
    cell = structure.lattice_A
    normals = [np.cross(cell[1], cell[2]), np.cross(cell[2], cell[0]), np.cross(cell[0], cell[1])]
    volume = abs(cell[0] @ normals[0])
    widths = [volume / np.sqrt(normal @ normal) for normal in normals]
    energy, doubtful = np.empty(len(places)), np.zeros(len(places), dtype=bool)
    sigmas = np.array([(forcefield.sigma_A[e] + sigma) / 2 for e in structure.elements])
    epsilons = np.array([(forcefield.epsilon_K[e] * epsilon) ** 0.5 for e in structure.elements])
    for number, place in enumerate(places):
        home = np.floor(np.linalg.solve(cell.T, place))
        ranges = [range(-int(cutoff / w) - 2, int(cutoff / w) + 3) for w in widths]
        total = 0.0
        for shift in itertools.product(*ranges):
            atoms = (structure.frac + home + np.array(shift)) @ cell
            r = np.sqrt(((atoms - place) ** 2).sum(axis=1))
            near = r <= cutoff
            doubtful[number] |= bool((np.abs(r - cutoff) < 1e-9).any())
            with np.errstate(divide="ignore", over="ignore"):
                x6 = (sigmas[near] / r[near]) ** 6
                total += (4.0 * epsilons[near] * x6 * (x6 - 1.0)).sum()
            if shifted:
                x6 = (sigmas[near] / cutoff) ** 6
                total -= (4.0 * epsilons[near] * x6 * (x6 - 1.0)).sum()
        energy[number] = total
    return energy, doubtful


def agree(structure, grid, forcefield, n_points, channel=CHANNEL):
    """Compare at random grid points, the corners of the array always among them."""
    got = energies(structure, grid, channel, forcefield)
    assert got.shape == (grid.n,) * 3
    assert got.dtype == np.float64
    assert not np.isnan(got).any()
    index = np.random.default_rng(9).integers(0, grid.n, (n_points, 3))
    index[:8] = list(itertools.product((0, grid.n - 1), repeat=3))
    places = cartesian_points(grid, structure.lattice_A, channel.cutoff_A)[tuple(index.T)]
    probe = channel.probe_sigma_A, channel.probe_epsilon_K
    shifted = channel.truncation == "shifted"
    expected, doubtful = written_out(structure, places, forcefield, channel.cutoff_A, *probe, shifted)
    got = got[tuple(index.T)]
    same = ~doubtful & (np.abs(expected) > 1.0) & (expected < 1e100)
    assert same.sum() > n_points / 4
    assert got[same] == pytest.approx(expected[same], rel=1e-9)
    small = ~doubtful & (np.abs(expected) <= 1.0)
    assert got[small] == pytest.approx(expected[small], abs=1e-9)
    assert (got[expected > 1e100] > 1e100).all()


@pytest.mark.parametrize(("kind", "endpoint"), GRIDS)
@pytest.mark.parametrize("name", CELLS)
def test_sum_written_out(name, kind, endpoint, uff):
    n_atoms = {"thin": 4, "wide": 200}.get(name, 15)
    agree(random_crystal(name, n_atoms), GridSpec(kind, 12, endpoint), uff, 40)


@pytest.mark.parametrize("name", ["thin", "skewed"])
@pytest.mark.parametrize("frac", [(0.0, 0.0, 0.0), (0.3, 0.5, 0.7)])
def test_a_cell_of_one_atom(name, frac, uff):
    for kind in KINDS:
        agree(crystal(name, [frac], ["C"]), GridSpec(kind, 9), uff, 30)


def test_a_primitive_cell_thinner_than_an_atom_is_wide(uff):
    lattice = lattice_from_parameters((3.0, 3.0, 3.0), (60, 60, 60))
    structure = Structure("fcc", lattice, np.zeros((1, 3)), ("Cu",), "gemmi")
    agree(structure, GridSpec("mic_supercell", 10), uff, 30)


@pytest.mark.parametrize(("cutoff", "sigma", "epsilon"), [(4.0, 2.5, 50.0), (14.0, 3.73, 148.0)])
def test_another_channel(cutoff, sigma, epsilon, uff):
    channel = LennardJonesChannel(sigma, epsilon, cutoff)
    agree(random_crystal("obtuse", 12), GridSpec("mic_supercell", 8), uff, 40, channel)


@pytest.mark.parametrize("name", CELLS)
def test_shifted_pair_energies(name, uff):
    channel = LennardJonesChannel(cutoff_A=9.0, truncation="shifted")
    agree(random_crystal(name, 6), GridSpec("mic_supercell", 11), uff, 30, channel)


@pytest.mark.parametrize("name", ["hexagonal", "skewed", "thin"])
@pytest.mark.parametrize("kind", KINDS)
def test_points_moved_by_a_vector(name, kind, uff):
    structure, grid = random_crystal(name, 7), GridSpec(kind, 7)
    points = distinct_points(grid, structure.lattice_A, CUTOFF)
    shift = np.array([0.61, -0.87, 1.33])
    moved = LennardJonesSum(structure, points, uff, 2.5, 50.0, CUTOFF).at(shift)
    index = np.random.default_rng(3).integers(0, points.counts, (30, 3))
    expected, doubtful = written_out(structure, points.origin_A + index @ points.steps_A + shift, uff)
    got = moved[tuple(index.T)]
    same = ~doubtful & (np.abs(expected) > 1.0)
    assert same.sum() > 10
    assert got[same] == pytest.approx(expected[same], rel=1e-9)


@pytest.mark.parametrize("id", ["ABEXOW_clean", "HEGNEN_clean", "RAQVEM_clean"])
def test_sum_written_out_on_real_structures(id, shared_data, uff):
    archive = shared_data / "core-mof-2019" / "cifs.tar.gz"
    if not archive.is_file():
        pytest.skip(f"{archive.name} of core-mof-2019 is not on this machine")
    with tarfile.open(archive) as members:
        member = next(m for m in members if m.name.endswith(f"{id}.cif"))
        structure = read_cif(members.extractfile(member).read(), id, ReadingPolicy())
    for kind in ("mic_supercell", "cubic_box"):
        agree(structure, GridSpec(kind, 25), uff, 200)


# ---- analysis ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def argon():
    """An invented force field whose mixed parameters are round numbers: sigma 3, epsilon 100."""
    return ForceField("argon", {"Ar": 3.0, "He": 3.0}, {"Ar": 100.0, "He": 0.0}, "")


ROUND = LennardJonesChannel(3.0, 100.0, 10.0)


def lone_atom(length=60.0, frac=(0.0, 0.0, 0.0), elements=("Ar",)):
    frac = np.asarray(frac, dtype=float).reshape(-1, 3)
    return Structure("atom", length * np.eye(3), frac, elements, "gemmi")


def along_x(structure, grid, forcefield, channel=ROUND):
    values = energies(structure, grid, channel, forcefield)[:, 0, 0]
    return cartesian_points(grid, structure.lattice_A, channel.cutoff_A)[:, 0, 0, 0], values


def test_the_well_of_one_atom(argon):
    # 60 steps of 2^(1/6) sigma / 10: the minimum is grid point 10.
    bottom = 2 ** (1 / 6) * 3.0
    x, values = along_x(lone_atom(6 * bottom), GridSpec("unit_cell", 60), argon)
    assert x[10] == pytest.approx(bottom)
    alone = values[1:21]
    assert alone.argmin() + 1 == 10
    assert values[10] == pytest.approx(-100.0, rel=1e-12)
    # sigma is where the energy changes sign
    assert (values[1:9] > 0).all()
    assert (values[9:21] < 0).all()
    assert values[0] == np.inf


def test_beyond_the_cutoff_there_is_nothing(argon):
    x, values = along_x(lone_atom(24.0), GridSpec("unit_cell", 48), argon)
    inside = (x > 0) & (x <= 10.0)
    expected = 400.0 * ((3.0 / x[inside]) ** 12 - (3.0 / x[inside]) ** 6)
    assert values[inside] == pytest.approx(expected, rel=1e-11)
    assert x[inside][-1] == 10.0  # the cutoff itself counts: equation 3.3 says r <= rc
    assert (values[(x > 10.0) & (x < 13.9)] == 0.0).all()
    # neither shifted nor switched: the step at the cutoff stays
    assert values[inside][-1] == pytest.approx(-400.0 * 0.3**6, rel=1e-3)


def test_two_atoms_add_up(argon):
    pair = lone_atom(60.0, [(0.0, 0.0, 0.0), (0.1, 0.0, 0.0)], ("Ar", "Ar"))
    x, values = along_x(pair, GridSpec("unit_cell", 60), argon)

    def one(r):
        return 400.0 * ((3.0 / r) ** 12 - (3.0 / r) ** 6)

    assert values[3] == pytest.approx(2 * one(3.0), abs=1e-9)
    assert values[8] == pytest.approx(one(8.0) + one(2.0), rel=1e-12)
    assert values[14] == pytest.approx(one(8.0), rel=1e-12)


def test_the_box_is_centred_on_the_origin_of_the_lattice(argon):
    values = energies(lone_atom(100.0), GridSpec("cubic_box", 30, False, 30.0), ROUND, argon)
    assert np.argwhere(values == np.inf).tolist() == [[15, 15, 15]]
    values = energies(lone_atom(100.0), GridSpec("cubic_box", 31, True, 30.0), ROUND, argon)
    assert np.argwhere(values == np.inf).tolist() == [[15, 15, 15]]
    assert np.allclose(values, values[::-1, ::-1, ::-1])


def test_axes_stand_in_the_order_a_b_c(argon):
    atom = Structure("atom", np.diag([40.0, 50.0, 60.0]), np.array([[0.1, 0.2, 0.3]]), ("Ar",), "")
    values = energies(atom, GridSpec("unit_cell", 10), ROUND, argon)
    assert values.argmax() == np.ravel_multi_index((1, 2, 3), values.shape)
    box = energies(atom, GridSpec("cubic_box", 70, False, 70.0), ROUND, argon)
    # x = 4, y = 10, z = 18 A, the origin being point 35
    assert box.argmax() == np.ravel_multi_index((39, 45, 53), box.shape)


@pytest.mark.parametrize("kind", KINDS)
def test_a_point_on_an_atom_is_infinite_and_nothing_is_nan(kind, argon):
    on_grid = lone_atom(24.0, [(0.0, 0.0, 0.0), (0.2, 0.4, 0.6)], ("Ar", "Ar"))
    values = energies(on_grid, GridSpec(kind, 10, False, 24.0), ROUND, argon)
    # The box holds the corner once and the other atom in one image, as the unit cell does.
    assert (to_single(values) == np.inf).sum() == 2
    assert (values == np.inf).any()
    assert not np.isnan(values).any()


def test_an_atom_without_a_well_is_not_there(argon):
    """Epsilon 0 on a grid point would be 0 * inf."""
    helium = lone_atom(24.0, elements=("He",))
    assert (energies(helium, GridSpec("unit_cell", 6), ROUND, argon) == 0.0).all()


def test_single_precision_overflows_to_infinity(argon):
    close = lone_atom(24.0, [(1e-6, 0.0, 0.0)])
    values = energies(close, GridSpec("unit_cell", 4), ROUND, argon)
    stored = to_single(values)
    assert 1e39 < values[0, 0, 0] < np.inf
    assert stored[0, 0, 0] == np.inf
    assert stored.dtype == np.float32
    assert not np.isnan(stored).any()
    assert (np.exp(-stored / np.float32(298.0))[0, 0, 0]) == 0.0


# ---- invariances ------------------------------------------------------------------------------


def close_to(one, other):
    """Equal to 1e-8, infinities in the same places; cancelled sums are compared absolutely."""
    huge = (one > 1e100) & (other > 1e100)
    return np.allclose(np.where(huge, 0, one), np.where(huge, 0, other), rtol=1e-8, atol=1e-7)


@pytest.mark.parametrize("name", ["orthogonal", "skewed"])
def test_the_listing_of_the_cell_does_not_matter(name, uff):
    """A 2 x 1 x 3 listing of the same crystal has the same energies at the same places."""
    small = random_crystal(name, 11)
    factors = np.array([2, 1, 3])
    shifts = np.array(list(itertools.product(*map(range, factors))))
    frac = ((small.frac[None] + shifts[:, None]) / factors).reshape(-1, 3)
    lattice = small.lattice_A * factors[:, None]
    large = Structure("large", lattice, frac, small.elements * len(shifts), "gemmi")
    of_small = energies(small, GridSpec("unit_cell", 6), CHANNEL, uff)
    of_large = energies(large, GridSpec("unit_cell", 18), CHANNEL, uff)
    # Plane i of the small cell is plane 9i/6 of two cells, 18i/6 of one and 6i/6 of three.
    even, every = np.array([0, 2, 4]), np.arange(6)
    got = of_large[np.ix_(even * 3 // 2, every * 3, every)]
    assert close_to(got, of_small[even])
    box = GridSpec("cubic_box", 8, False, 22.0)
    assert close_to(energies(large, box, CHANNEL, uff), energies(small, box, CHANNEL, uff))


@pytest.mark.parametrize("kind", KINDS)
def test_order_and_lattice_translations_of_the_atoms_do_not_matter(kind, uff):
    structure = random_crystal("obtuse", 14)
    rng = np.random.default_rng(4)
    order = rng.permutation(14)
    moved = Structure(
        "moved",
        structure.lattice_A,
        structure.frac[order] + rng.integers(-3, 4, (14, 3)),
        tuple(structure.elements[atom] for atom in order),
        "gemmi",
    )
    grid = GridSpec(kind, 9)
    one = energies(structure, grid, CHANNEL, uff)
    assert close_to(energies(moved, grid, CHANNEL, uff), one)


def test_moving_the_crystal_by_a_grid_step_rolls_the_array(uff):
    structure = random_crystal("skewed", 9)
    moved = Structure(
        "moved",
        structure.lattice_A,
        (structure.frac + np.array([1, 3, 5]) / 8) % 1.0,
        structure.elements,
        "gemmi",
    )
    grid = GridSpec("unit_cell", 8)
    rolled = np.roll(energies(structure, grid, CHANNEL, uff), (1, 3, 5), axis=(0, 1, 2))
    assert close_to(energies(moved, grid, CHANNEL, uff), rolled)


@pytest.mark.parametrize(("n", "endpoint"), [(24, False), (25, True)])
def test_the_supercell_grid_repeats_with_the_unit_cell(n, endpoint, uff):
    structure = random_crystal("orthogonal", 10)  # 3 x 2 x 2 cells, 24 intervals
    values = energies(structure, GridSpec("mic_supercell", n, endpoint), CHANNEL, uff)
    for axis, period in enumerate((8, 12, 12)):
        head = np.take(values, range(n - period), axis)
        tail = np.take(values, range(period, n), axis)
        assert np.array_equal(head, tail)
        assert not close_to(head, np.take(values, range(1, n - period + 1), axis))


def signed_permutations():
    """The 48 operations of m-3m as integer matrices."""
    for order in itertools.permutations(range(3)):
        for signs in itertools.product((1, -1), repeat=3):
            matrix = np.zeros((3, 3), dtype=int)
            matrix[range(3), order] = signs
            yield matrix


def cubic_framework(length=13.3):
    operations = list(signed_permutations())
    frac = [(op @ np.array(place)) % 1.0 for op in operations for place in [(0.11, 0.23, 0.37)]]
    nodes = [(0.0, 0.0, 0.0)]
    elements = ("O",) * len(frac) + ("Zn",)
    return Structure("cubic", length * np.eye(3), np.array(frac + nodes), elements, "gemmi")


@pytest.mark.parametrize("kind", ["unit_cell", "mic_supercell"])
def test_48_operations_permute_the_voxels_of_a_cubic_framework(kind, uff):
    n = 10
    values = energies(cubic_framework(), GridSpec(kind, n), CHANNEL, uff)
    index = np.indices((n,) * 3).reshape(3, -1)
    operations = list(signed_permutations())
    assert len({op.tobytes() for op in operations}) == 48
    for op in operations:
        image = values[tuple((op @ index) % n)].reshape(values.shape)
        assert close_to(image, values)
    # the array is no symmetric accident: a shift does not map it onto itself
    assert not close_to(np.roll(values, 1, axis=0), values)


# ---- refusals and memory ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "values",
    [
        {"probe": "CH4"},
        {"truncation": "smoothed"},
        {"cutoff_A": 0},
        {"cutoff_A": "10"},
        {"probe_sigma_A": -2.5},
        {"probe_epsilon_K": float("nan")},
        {"probe_epsilon_K": True},
        {"cutoff": 10.0},
    ],
)
def test_a_faulty_channel_is_refused(values):
    with pytest.raises(PorevoxError):
        LennardJonesChannel.from_dict(values)


def test_a_channel_survives_the_way_through_a_dict():
    channel = LennardJonesChannel(3.4, 120, 12)
    assert LennardJonesChannel.from_dict(channel.to_dict()) == channel


def test_positions_that_are_not_numbers_are_refused(argon):
    for frac, length in (([np.nan, 0, 0], 20.0), ([np.inf, 0, 0], 20.0), ([0, 0, 0], np.nan)):
        structure = Structure("x", length * np.eye(3), np.array([frac]), ("Ar",), "gemmi")
        with pytest.raises(StructureRejected) as refusal:
            energies(structure, GridSpec("unit_cell"), ROUND, argon)
        assert refusal.value.code == "absurd_cell"


def test_an_element_without_parameters_is_refused(argon):
    with pytest.raises(StructureRejected) as refusal:
        energies(lone_atom(elements=("Xe",)), GridSpec("unit_cell"), ROUND, argon)
    assert refusal.value.code == "unknown_element"


def test_the_memory_estimate_counts_grid_and_images():
    grid = GridSpec("unit_cell", 100)
    small = memory_estimate_MB(lone_atom(), grid, CHANNEL)
    assert 12.0 < small < 48.0  # double and single precision of 10^6 points alone are 12 MB
    many = Structure("many", 20.0 * np.eye(3), np.zeros((10000, 3)), ("Ar",) * 10000, "gemmi")
    # Cube of (20 + 2 x 10) A: 8 cells, 80,000 images of 40 bytes at least once.
    assert memory_estimate_MB(many, grid, CHANNEL) - small > 80_000 * 40 / 1e6
    # A cell 0.1 A thick has 200 images of each atom along it.
    thin = Structure("thin", np.diag([0.1, 20, 20]), np.zeros((10000, 3)), ("Ar",) * 10000, "gemmi")
    assert memory_estimate_MB(thin, grid, CHANNEL) > 10_000 * 200 * 4 * 40 / 1e6
