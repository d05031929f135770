"""Energies of arbitrary crystals: against a plain sum over all images, and against symmetry.

Hypothesis invents cells from needles to plates, atoms on corners, outside the cell and on top of each
other, and crystals that are symmetric or only almost so. The reference below shares no line with the
library: it lists every image of every atom and adds up in float64.

Both profiles are deterministic; the slow one only tries more examples.
"""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from porevox.crystal.structure import Structure, lattice_from_parameters
from porevox.energy import lennard_jones
from porevox.energy.equivalence import representatives
from porevox.energy.forcefield import ForceField, mix
from porevox.energy.grid import KINDS, GridSpec, distinct_points
from porevox.energy.lennard_jones import LennardJonesSum
from porevox.energy.lennard_jones_channel import LennardJonesChannel

few = settings(
    max_examples=60,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)
many = settings(few, max_examples=1000)

#: Sigmas and wells as UFF has them, from the weakest (copper) to a strong one; not read from a table.
FORCEFIELD = ForceField(
    "invented",
    {"H": 2.57, "C": 3.43, "O": 3.12, "Cu": 3.11, "I": 4.01, "Al": 4.01},
    {"H": 22.1, "C": 52.8, "O": 30.2, "Cu": 2.5, "I": 170.6, "Al": 254.1},
    "",
)
ELEMENTS = sorted(FORCEFIELD.sigma_A)
#: What is asked for: relative agreement wherever an energy is more than 1 K.
RTOL = 1e-9
#: A coordinate of tens of angstroms is known to about this; near an atom the energy goes as r^-12.
PLACE_A = 1e-13


# ---- the reference ----------------------------------------------------------------------------


def widths(lattice):
    normals = np.cross(lattice[[1, 2, 0]], lattice[[2, 0, 1]])
    return abs(np.linalg.det(lattice)) / np.sqrt((normals**2).sum(axis=1))


def places(grid, lattice, cutoff):
    """All points of a grid, (n, n, n, 3), from the definition of its kind."""
    if grid.kind == "cubic_box":
        edges = [
            np.linspace(-grid.box_length_A / 2, grid.box_length_A / 2, grid.n, endpoint=grid.endpoint)
        ] * 3
        cell = np.eye(3)
    else:
        repeats = np.ceil(2 * cutoff / widths(lattice) - 1e-9) if grid.kind == "mic_supercell" else np.ones(3)
        edges = [np.linspace(0.0, repeat, grid.n, endpoint=grid.endpoint) for repeat in repeats]
        cell = lattice
    return np.stack(np.meshgrid(*edges, indexing="ij"), axis=-1) @ cell


def all_images_sum(structure, points, channel):
    """Energies at points (P, 3), the distance to the nearest atom, and which points are left out.

    Left out are those with an atom so near the cutoff that the last bit decides whether it counts.
    """
    cell, cutoff = structure.lattice_A, channel.cutoff_A
    ranges = [range(-int(cutoff / width) - 2, int(cutoff / width) + 3) for width in widths(cell)]
    shifts = np.array(list(itertools.product(*ranges)))
    atoms = ((structure.frac % 1.0)[:, None] + shifts).reshape(-1, 3) @ cell
    sigma = np.repeat([FORCEFIELD.sigma_A[e] for e in structure.elements], len(shifts))
    epsilon = np.repeat([FORCEFIELD.epsilon_K[e] for e in structure.elements], len(shifts))
    sigma = (sigma + channel.probe_sigma_A) / 2.0
    epsilon = np.sqrt(epsilon * channel.probe_epsilon_K)
    energy, nearest, doubtful = np.empty((3, len(points)))
    for number, point in enumerate((np.linalg.solve(cell.T, points.T).T % 1.0) @ cell):
        r = np.sqrt(((atoms - point) ** 2).sum(axis=1))
        near = r <= cutoff
        with np.errstate(divide="ignore", over="ignore"):
            x6 = (sigma[near] / r[near]) ** 6
            pairs = 4.0 * epsilon[near] * x6 * (x6 - 1.0)
        if channel.truncation == "shifted":
            x6 = (sigma[near] / cutoff) ** 6
            pairs = pairs - 4.0 * epsilon[near] * x6 * (x6 - 1.0)
        energy[number], nearest[number] = pairs.sum(), r.min()
        doubtful[number] = channel.truncation == "truncated" and (np.abs(r - cutoff) < 1e-9).any()
    return energy, nearest, doubtful.astype(bool)


def off_by(got, expected, nearest=None):
    """Largest deviation as a multiple of what is allowed."""
    blocked = (got > 1e30) & (expected > 1e30)  # 4 eps (sigma/r)^12 with r < 0.01 A
    got, expected = np.where(blocked, 0.0, got), np.where(blocked, 0.0, expected)
    rounding = 0.0 if nearest is None else 12.0 * PLACE_A / np.maximum(nearest, 1e-3)
    allowed = (RTOL + rounding) * np.maximum(np.abs(expected), 1.0)
    return float((np.abs(got - expected) / allowed).max(initial=0.0))


def energies(structure, grid, channel):
    values = channel.compute(structure, grid, FORCEFIELD).values
    assert values.shape == (grid.n,) * 3
    assert not np.isnan(values).any()
    assert (values > -np.inf).all()
    return values


def check_sum(structure, grid, channel, seed, n_points=12):
    got = energies(structure, grid, channel)
    index = np.random.default_rng(seed).integers(0, grid.n, (n_points, 3))
    index[0], index[1] = 0, grid.n - 1
    points = places(grid, structure.lattice_A, channel.cutoff_A)[tuple(index.T)]
    expected, nearest, doubtful = all_images_sum(structure, points, channel)
    keep = ~doubtful
    assert off_by(got[tuple(index.T)][keep], expected[keep], nearest[keep]) <= 1.0


# ---- what is invented -------------------------------------------------------------------------

#: Corners, edges, faces, centres, just inside, just outside.
_SPECIAL = (0.0, 0.5, 0.25, 1 / 3, 1.0, -1.0, 2.0, math.nextafter(1.0, 0.0), -1e-17, 1e-14)
fractions = st.one_of(st.sampled_from(_SPECIAL), st.floats(-2.0, 3.0))
lengths = st.floats(3.0, 40.0)
angles = st.one_of(st.sampled_from((60.0, 90.0, 120.0)), st.floats(40.0, 130.0))


@st.composite
def lattices(draw):
    lattice = lattice_from_parameters([draw(lengths) for _ in range(3)], [draw(angles) for _ in range(3)])
    # Flatter cells than this hold thousands of images within the cutoff of a point.
    assume(np.isfinite(lattice).all() and widths(lattice).min() > 1.2)
    return lattice


@st.composite
def crystals(draw, lattice=None, max_atoms=6):
    lattice = draw(lattices()) if lattice is None else lattice
    n_atoms = draw(st.integers(1, max_atoms))
    frac = np.array([[draw(fractions) for _ in range(3)] for _ in range(n_atoms)])
    if draw(st.booleans()):  # a coincident pair, perhaps in another cell
        frac = np.vstack([frac, frac[0] + draw(st.sampled_from((0, 1, -2)))])
    elements = tuple(draw(st.sampled_from(ELEMENTS)) for _ in frac)
    return Structure("invented", lattice, frac, elements, "")


grids = st.builds(
    GridSpec,
    st.sampled_from(KINDS),
    st.integers(2, 11),
    st.booleans(),
    st.one_of(st.just(30.0), st.floats(1, 60)),
)
channels = st.builds(
    LennardJonesChannel,
    st.floats(2.0, 4.5),
    st.floats(5.0, 300.0),
    st.one_of(st.just(10.0), st.floats(3.0, 14.0)),
    st.sampled_from(("truncated", "shifted")),
)
seeds = st.integers(0, 2**32 - 1)


# ---- energies are the sum ---------------------------------------------------------------------


@few
@given(crystals(), grids, channels, seeds)
def test_energies_are_the_sum_over_all_images(structure, grid, channel, seed):
    check_sum(structure, grid, channel, seed)


@pytest.mark.slow
@many
@given(crystals(max_atoms=12), grids, channels, seeds)
def test_energies_are_the_sum_over_all_images_many(structure, grid, channel, seed):
    check_sum(structure, grid, channel, seed)


def check_points_on_atoms(lattice, n, atoms, channel):
    """Every atom stands on a point of the grid, some in other cells: repulsion without a limit."""
    frac = np.array(atoms, dtype=float) / n
    structure = Structure("on points", lattice, frac, ("C",) * len(frac), "")
    values = energies(structure, GridSpec("unit_cell", n), channel)
    assert (values[tuple((np.array(atoms) % n).T)] > 1e100).all()
    # as it will be stored
    with np.errstate(over="ignore"):
        factors = np.exp(-values.astype(np.float32) / np.float32(298.0))
    assert (factors[tuple((np.array(atoms) % n).T)] == 0.0).all()


@few
@given(
    lattices(),
    st.integers(2, 9),
    st.lists(st.tuples(*[st.integers(-20, 20)] * 3), min_size=1, max_size=5),
    channels,
)
def test_a_point_on_an_atom_is_never_nan(lattice, n, atoms, channel):
    check_points_on_atoms(lattice, n, atoms, channel)


# ---- what must not matter ---------------------------------------------------------------------


def doubts(structure, grid, channel):
    """Points at which a truncated sum hangs on the last bit, and how near the next atom is."""
    points = places(grid, structure.lattice_A, channel.cutoff_A).reshape(-1, 3)
    _, nearest, doubtful = all_images_sum(structure, points, channel)
    return doubtful.reshape((grid.n,) * 3), nearest.reshape((grid.n,) * 3)


def check_listing(structure, channel, factors, seed):
    """Order of the atoms, lattice translations and a supercell: the same crystal listed differently."""
    rng = np.random.default_rng(seed)
    grid = GridSpec("unit_cell", 4)
    one = energies(structure, grid, channel)
    doubtful, nearest = doubts(structure, grid, channel)

    order = rng.permutation(structure.n_atoms)
    frac = structure.frac[order] + rng.integers(-3, 4, (structure.n_atoms, 3))
    elements = tuple(structure.elements[atom] for atom in order)
    moved = energies(replace(structure, frac=frac, elements=elements), grid, channel)
    assert off_by(moved[~doubtful], one[~doubtful], nearest[~doubtful]) <= 1.0

    shifts = np.array(list(itertools.product(*map(range, factors))))
    large = Structure(
        "large",
        structure.lattice_A * np.array(factors)[:, None],
        ((structure.frac[None] + shifts[:, None]) / factors).reshape(-1, 3),
        structure.elements * len(shifts),
        "",
    )
    fine = math.lcm(*factors)
    values = energies(large, GridSpec("unit_cell", 4 * fine), channel)
    # Point i of n of the small cell is point i fine/factor of n fine of the large one.
    same = values[np.ix_(*(np.arange(4) * (fine // factor) for factor in factors))]
    assert off_by(same[~doubtful], one[~doubtful], nearest[~doubtful]) <= 1.0
    box = GridSpec("cubic_box", 4, False, 17.0)
    doubtful, nearest = doubts(structure, box, channel)
    one, same = energies(structure, box, channel), energies(large, box, channel)
    assert off_by(same[~doubtful], one[~doubtful], nearest[~doubtful]) <= 1.0


factors_of_supercells = st.tuples(*[st.integers(1, 3)] * 3)


@settings(few, max_examples=15)
@given(crystals(max_atoms=4), channels, factors_of_supercells, seeds)
def test_how_the_atoms_are_listed_does_not_matter(structure, channel, factors, seed):
    check_listing(structure, channel, factors, seed)


@pytest.mark.slow
@settings(many, max_examples=250)
@given(crystals(max_atoms=6), channels, factors_of_supercells, seeds)
def test_how_the_atoms_are_listed_does_not_matter_many(structure, channel, factors, seed):
    check_listing(structure, channel, factors, seed)


#: Right-handed changes to another primitive cell of the same lattice.
UNIMODULAR = [
    np.array(rows)
    for rows in (
        [[1, 1, 0], [0, 1, 0], [0, 0, 1]],
        [[1, 0, -1], [0, 1, 1], [0, 0, 1]],
        [[0, 1, 0], [0, 0, 1], [1, 0, 0]],
        [[0, 1, 0], [-1, 0, 0], [0, 0, 1]],
        [[1, 1, 1], [0, 1, -1], [0, 0, 1]],
        [[-1, 0, 0], [0, -1, 0], [0, 0, 1]],
    )
]


def check_another_cell(structure, channel, matrix, n):
    """The same lattice by other axes, as they are and turned into the library's usual frame."""
    grid = GridSpec("unit_cell", n)
    lattice = matrix @ structure.lattice_A
    frac = structure.frac @ np.linalg.inv(matrix)
    lengths_A = np.sqrt((lattice**2).sum(axis=1))
    cosines = (lattice[[1, 2, 0]] * lattice[[2, 0, 1]]).sum(axis=1) / (
        lengths_A[[1, 2, 0]] * lengths_A[[2, 0, 1]]
    )
    turned = lattice_from_parameters(lengths_A, np.degrees(np.arccos(cosines)))
    # The angles carry rounding of their own, which flat cells blow up.
    assume(np.abs(turned @ turned.T - lattice @ lattice.T).max() < 1e-12 * (lengths_A**2).max())
    assume(widths(lattice).min() > 1.0)
    values = energies(structure, grid, channel)
    doubtful, nearest = doubts(structure, grid, channel)
    index = np.indices((n,) * 3).reshape(3, -1).T
    there = tuple(((index @ matrix) % n).T)
    expected, doubtful, nearest = values[there], doubtful[there], nearest[there]
    for frame in (lattice, turned):
        # lengths and angles, turned back into vectors, are a hundred times less exact
        got = energies(replace(structure, lattice_A=frame, frac=frac), grid, channel).reshape(-1)
        assert off_by(got[~doubtful], expected[~doubtful], nearest[~doubtful] / 100) <= 1.0


@settings(few, max_examples=20)
@given(crystals(max_atoms=4), channels, st.sampled_from(UNIMODULAR), st.integers(2, 5))
def test_the_choice_of_cell_and_frame_does_not_matter(structure, channel, matrix, n):
    check_another_cell(structure, channel, matrix, n)


@pytest.mark.slow
@settings(many, max_examples=300)
@given(crystals(max_atoms=6), channels, st.sampled_from(UNIMODULAR), st.integers(2, 7))
def test_the_choice_of_cell_and_frame_does_not_matter_many(structure, channel, matrix, n):
    check_another_cell(structure, channel, matrix, n)


# ---- symmetric crystals, of which only a part is summed ---------------------------------------

#: Cells by the signed permutations of the axes that keep their shape: (cell, generators).
_A_AND_B = [[0, 1, 0], [1, 0, 0], [0, 0, 1]]
_FOURFOLD = [[0, -1, 0], [1, 0, 0], [0, 0, 1]]
_CYCLIC = [[0, 0, 1], [1, 0, 0], [0, 1, 0]]
_IDENTITY, _INVERSION = np.eye(3).tolist(), (-np.eye(3)).tolist()
_MIRROR_B, _TWOFOLD_B = np.diag([1.0, -1, 1]).tolist(), np.diag([-1.0, 1, -1]).tolist()
_MIRROR_A, _TWOFOLD_C = np.diag([-1.0, 1, 1]).tolist(), np.diag([-1.0, -1, 1]).tolist()
SYSTEMS = {
    "triclinic": ("abc", None, [_INVERSION]),
    "monoclinic": ("abc", (90.0, None, 90.0), [_TWOFOLD_B, _MIRROR_B, _INVERSION]),
    "orthorhombic": ("abc", (90.0,) * 3, [_TWOFOLD_B, _TWOFOLD_C, _MIRROR_A, _INVERSION]),
    "hexagonal": ("aac", (90.0, 90.0, 120.0), [_A_AND_B, _INVERSION, _TWOFOLD_C]),
    "tetragonal": ("aac", (90.0,) * 3, [_FOURFOLD, _A_AND_B, _INVERSION]),
    "rhombohedral": ("aaa", "equal", [_CYCLIC, _INVERSION, _A_AND_B]),
    "cubic": ("aaa", (90.0,) * 3, [_CYCLIC, _FOURFOLD, _MIRROR_A, _INVERSION]),
}
_SHIFTS = (0.0, 0.0, 0.5, 0.25, 1 / 3, 0.1)


@st.composite
def shapes(draw, system):
    equal, angle, _ = SYSTEMS[system]
    size = {letter: draw(st.floats(4.0, 25.0)) for letter in "abc"}
    if angle == "equal":
        angle = (draw(st.floats(50.0, 110.0)),) * 3
    angle = [draw(st.floats(60.0, 115.0)) if fixed is None else fixed for fixed in angle or (None,) * 3]
    lattice = lattice_from_parameters([size[letter] for letter in equal], angle)
    assume(np.isfinite(lattice).all() and widths(lattice).min() > 1.5)
    return lattice


def orbit(site, operations):
    """Images of a site under all products of operations, modulo the lattice."""
    found = [np.asarray(site) % 1.0]
    for place in found:
        for matrix, shift in operations:
            image = (np.asarray(matrix) @ place + shift) % 1.0
            apart = (image - np.array(found) + 0.5) % 1.0 - 0.5
            if np.abs(apart).max(axis=1).min() > 1e-7:
                found.append(image)
        if len(found) > 200:
            break
    return np.array(found)


@st.composite
def symmetric_crystals(draw):
    """A crystal, its operations, and an n whose grid one of them may or may not map onto itself."""
    system = draw(st.sampled_from(sorted(SYSTEMS)))
    lattice = draw(shapes(system))
    matrices = draw(st.lists(st.sampled_from(SYSTEMS[system][2]), min_size=1, max_size=2))
    if draw(st.booleans()):
        matrices.append(_IDENTITY)  # a centring, once it is shifted
    shifts = [[draw(st.sampled_from(_SHIFTS)) for _ in range(3)] for _ in matrices]
    if draw(st.booleans()):
        shifts = [
            [0.0] * 3 if matrix != _IDENTITY else shift
            for matrix, shift in zip(matrices, shifts, strict=True)
        ]
    operations = list(zip(matrices, map(np.array, shifts), strict=True))
    sites = [[draw(fractions) for _ in range(3)] for _ in range(draw(st.integers(1, 2)))]
    orbits = [orbit(site, operations) for site in sites]
    assume(sum(map(len, orbits)) <= 120)
    elements = [e for images in orbits for e in [draw(st.sampled_from(ELEMENTS))] * len(images)]
    structure = Structure(system, lattice, np.vstack(orbits), tuple(elements), "")
    return structure, operations


def without_symmetry(structure, grid, channel):
    """The library's own sum at every single point."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lennard_jones, "representatives", lambda *_: None)
        return energies(structure, grid, channel)


def n_summed(structure, grid, channel):
    """Distinct points, and how many of them the library sums for itself."""
    points = distinct_points(grid, structure.lattice_A, channel.cutoff_A)
    sigma, epsilon = mix(FORCEFIELD, structure.elements, channel.probe_sigma_A, channel.probe_epsilon_K, None)
    coefficients = np.stack([4 * epsilon * sigma**12, 4 * epsilon * sigma**6])
    first = representatives(np.ascontiguousarray(structure.frac), coefficients, structure.lattice_A, points)
    total = math.prod(points.counts)
    return total, total if first is None else len(np.unique(first))


def check_symmetry(structure, grid, channel):
    """What is copied from equivalent points is what would be summed there."""
    got, expected = energies(structure, grid, channel), without_symmetry(structure, grid, channel)
    doubtful, nearest = doubts(structure, grid, channel)
    assert off_by(got[~doubtful], expected[~doubtful], nearest[~doubtful]) <= 1.0


small_grids = st.builds(GridSpec, st.sampled_from(KINDS), st.integers(2, 8), st.booleans(), st.just(20.0))
short_channels = st.builds(
    LennardJonesChannel,
    st.floats(2.0, 4.0),
    st.floats(20.0, 200.0),
    st.floats(3.0, 9.0),
    st.sampled_from(("truncated", "shifted")),
)


@few
@given(symmetric_crystals(), small_grids, short_channels)
def test_equivalent_points_have_equal_energies(crystal, grid, channel):
    check_symmetry(crystal[0], grid, channel)


@pytest.mark.slow
@many
@given(symmetric_crystals(), small_grids, short_channels)
def test_equivalent_points_have_equal_energies_many(crystal, grid, channel):
    check_symmetry(crystal[0], grid, channel)


def check_almost_symmetric(crystal, grid, channel, displacement, element, atom):
    """One atom a little off its place, of another element, or two that change places."""
    structure, _ = crystal
    atom %= structure.n_atoms
    frac = structure.frac.copy()
    frac[atom] += np.linalg.solve(structure.lattice_A.T, displacement)
    elements = list(structure.elements)
    if element == "swapped":
        elements[atom], elements[0] = elements[0], elements[atom]
    elif element is not None:
        elements[atom] = element
    check_symmetry(replace(structure, frac=frac, elements=tuple(elements)), grid, channel)


#: None, or from far above the library's tolerance of 1e-11 A to what a careless CIF gets wrong.
displacements = st.builds(
    lambda power, x, y, z: 10.0**power * np.array([x, y, z]) / math.sqrt(x * x + y * y + z * z),
    st.one_of(st.just(-30.0), st.floats(-9.0, -2.0)),
    *[st.one_of(st.just(1e-9), st.floats(0.1, 1.0), st.floats(-1.0, -0.1))] * 3,
)
replacements = st.sampled_from((None, None, "H", "I", "swapped", "swapped"))


@few
@given(symmetric_crystals(), small_grids, short_channels, displacements, replacements, st.integers(0, 200))
def test_almost_equivalent_points_are_summed(crystal, grid, channel, displacement, element, atom):
    check_almost_symmetric(crystal, grid, channel, displacement, element, atom)


@pytest.mark.slow
@many
@given(symmetric_crystals(), small_grids, short_channels, displacements, replacements, st.integers(0, 200))
def test_almost_equivalent_points_are_summed_many(crystal, grid, channel, displacement, element, atom):
    check_almost_symmetric(crystal, grid, channel, displacement, element, atom)


_SITES = {
    "C": (0.137, 0.291, 0.443),
    "O": (0.871, 0.618, 0.059),
    "H": (0.314, 0.743, 0.187),
    "I": (0.581, 0.093, 0.692),
    "Cu": (0.436, 0.388, 0.854),
}


def crystal_of(system, matrices, shift=(0.0, 0.0, 0.0), kinds=("C", "O")):
    """One orbit of each kind of atom."""
    cells = {"abc": (9.1, 11.3, 13.7), "aac": (10.3, 10.3, 12.9), "aaa": (11.7, 11.7, 11.7)}
    equal, angle, _ = SYSTEMS[system]
    angle = {"triclinic": (71, 83, 99), "monoclinic": (90, 103, 90), "rhombohedral": (77,) * 3}.get(
        system, angle
    )
    operations = [(matrix, np.array(shift)) for matrix in matrices]
    orbits = [orbit(_SITES[kind], operations) for kind in kinds]
    elements = tuple(kind for kind, images in zip(kinds, orbits, strict=True) for _ in images)
    return Structure(system, lattice_from_parameters(cells[equal], angle), np.vstack(orbits), elements, "")


CHANNEL = LennardJonesChannel()
#: Crystal system, generators, shift, and how many operations they make.
EXERCISED = [
    ("triclinic", [_INVERSION], (0, 0, 0), 2),
    ("triclinic", [_INVERSION], (0.25, 0.5, 0), 2),
    ("triclinic", [_IDENTITY], (0.5, 0.5, 0.5), 2),
    ("monoclinic", [_TWOFOLD_B, _INVERSION], (0, 0, 0), 4),
    ("monoclinic", [_MIRROR_B], (0.5, 0, 0), 2),
    ("orthorhombic", [_MIRROR_A, _MIRROR_B, _INVERSION], (0, 0, 0), 8),
    ("hexagonal", [_A_AND_B, _INVERSION], (0, 0, 0), 4),
    ("tetragonal", [_FOURFOLD, _INVERSION], (0, 0, 0), 8),
    ("rhombohedral", [_CYCLIC, _INVERSION], (0, 0, 0), 6),
    ("cubic", [_CYCLIC, _FOURFOLD, _INVERSION], (0, 0, 0), 48),
]


@pytest.mark.parametrize(("system", "matrices", "shift", "order"), EXERCISED)
def test_symmetry_is_found_and_used(system, matrices, shift, order):
    """On a grid that the operations map onto itself nearly 1/order of the points is summed."""
    structure = crystal_of(system, matrices, shift)
    assert structure.n_atoms == 2 * order
    grid = GridSpec("unit_cell", 24)
    total, summed = n_summed(structure, grid, CHANNEL)
    assert total == 24**3
    assert total / order <= summed < 1.7 * total / order
    check_sum(structure, grid, CHANNEL, seed=1, n_points=60)


@pytest.mark.parametrize(("system", "matrices", "shift", "order"), EXERCISED)
@pytest.mark.parametrize("power", [-9, -6, -3])
def test_a_broken_symmetry_is_not_used(system, matrices, shift, order, power):
    """An atom moved by 10^power angstrom, against the plain sum close to that atom."""
    structure = crystal_of(system, matrices, shift)
    frac = structure.frac.copy()
    frac[0] += np.linalg.solve(structure.lattice_A.T, 10.0**power * np.array([0.48, 0.6, 0.64]))
    broken, grid = replace(structure, frac=frac), GridSpec("unit_cell", 12)
    total, summed = n_summed(broken, grid, CHANNEL)
    assert summed == total
    check_sum(broken, grid, CHANNEL, seed=2, n_points=20)


@pytest.mark.parametrize(("system", "matrices", "shift", "order"), EXERCISED)
def test_places_without_their_elements_are_no_symmetry(system, matrices, shift, order):
    """All places are symmetric and so are the atoms of the rarest kind; two others have changed places."""
    structure = crystal_of(system, matrices, shift, ("Cu", "C", "O", "H", "I"))
    elements = [{"H": "C", "I": "O"}.get(element, element) for element in structure.elements]
    mixed, grid = replace(structure, elements=tuple(elements)), GridSpec("unit_cell", 12)
    total, summed = n_summed(mixed, grid, CHANNEL)
    assert summed < total
    one, other = elements.index("C"), elements.index("O")
    elements[one], elements[other] = "O", "C"
    mixed = replace(structure, elements=tuple(elements))
    assert n_summed(mixed, grid, CHANNEL) == (total, total)
    check_symmetry(mixed, GridSpec("unit_cell", 6), CHANNEL)


#: Generic, so that of all operations only the inversion survives it.
STRAIN = np.array([[0.6, 0.3, -0.2], [0.3, -0.4, 0.5], [-0.2, 0.5, 0.1]])


@pytest.mark.parametrize(
    ("system", "matrices", "shift", "order"), [case for case in EXERCISED if case[0] != "triclinic"]
)
@pytest.mark.parametrize("power", [-11, -8, -5, -2])
def test_fractions_without_their_lattice_are_no_symmetry(system, matrices, shift, order, power):
    """The fractional coordinates are symmetric, but the cell is strained by 10^power."""
    structure = crystal_of(system, matrices, shift)
    strained = replace(structure, lattice_A=structure.lattice_A @ (np.eye(3) + 10.0**power * STRAIN))
    total, summed = n_summed(strained, GridSpec("unit_cell", 12), CHANNEL)
    assert summed >= (total / 2 if _INVERSION in matrices else total)
    for kind in KINDS:
        check_symmetry(strained, GridSpec(kind, 6, False, 20.0), CHANNEL)


def test_a_point_operation_that_leaves_the_box_is_no_shortcut():
    """In a Cartesian box with no point on the far face, most points of a face have no image."""
    structure = crystal_of("orthorhombic", [_MIRROR_A, _MIRROR_B, _INVERSION])
    for endpoint, n in itertools.product((False, True), (8, 9)):
        grid = GridSpec("cubic_box", n, endpoint, 16.0)
        total, summed = n_summed(structure, grid, CHANNEL)
        assert total / 8 <= summed < 0.45 * total
        check_symmetry(structure, grid, CHANNEL)


def test_the_sum_at_moved_points_takes_no_shortcut():
    """Points moved off the symmetry elements are not equivalent any more."""
    structure = crystal_of("cubic", [_CYCLIC, _FOURFOLD, _INVERSION])
    points = distinct_points(GridSpec("unit_cell", 9), structure.lattice_A, 10.0)
    shift = np.array([0.31, -0.17, 0.23])
    got = LennardJonesSum(structure, points, FORCEFIELD, 2.5, 50.0, 10.0).at(shift)
    index = np.random.default_rng(5).integers(0, 9, (40, 3))
    expected, nearest, doubtful = all_images_sum(structure, index @ points.steps_A + shift, CHANNEL)
    assert off_by(got[tuple(index.T)][~doubtful], expected[~doubtful], nearest[~doubtful]) <= 1.0
