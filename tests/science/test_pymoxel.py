"""Energies against pymoxel, the program with which the thesis' voxels were made.

It is given the coordinates that we read and its own Lennard-Jones parameters go into our force field, so that
only the sums differ. Its voxels are single precision: an energy of 20,000 K is rounded by 1e-3 K and its
Boltzmann factor at 298 K by 4e-6 of itself. Factors below `FLOOR`, which belong to higher energies, are
compared with zero only.

Up to version 0.3 its grids held both ends; that formula is written out below, in double precision.
"""

import itertools
import tarfile

import numpy as np
import pytest

from porevox.crystal.cif import ReadingPolicy, read_cif
from porevox.crystal.structure import Structure, lattice_from_parameters
from porevox.energy.forcefield import ForceField
from porevox.energy.grid import KINDS, GridSpec
from porevox.energy.lennard_jones_channel import LennardJonesChannel

TEMPERATURE = 298.0
FLOOR = 1e-30
RTOL = 1e-5
CUTOFF_A = 10.0
BOX_A = 30.0
#: Both programs' defaults: sigma 2.5 A, epsilon 50 K, cutoff 10 A, truncated.
CHANNEL = LennardJonesChannel(2.5, 50.0, CUTOFF_A, "truncated")

#: Its own test structure, two famous MOFs, and two CoRE MOFs with heavy metals.
REAL = [
    ("awkward-cifs", "moxel/ZnHBDC.cif", (25, 32)),
    ("awkward-cifs", "mofdscribe/IRMOF-1.cif", (25, 32)),
    ("awkward-cifs", "raspa2-mofs/MgMOF-74-VASP.cif", (25, 32)),
    ("core-mof-2019", "ABEXOW_clean.cif", (25,)),
    ("core-mof-2019", "ALANAD_clean.cif", (25,)),
]
CELLS = {
    "orthogonal": ((9.3, 14.1, 11.7), (90, 90, 90)),
    "hexagonal": ((14.3, 14.3, 6.9), (90, 90, 120)),
    "skewed": ((11.9, 12.8, 15.7), (45, 60, 62)),
}


@pytest.fixture(scope="module")
def moxel():
    return pytest.importorskip("moxel.utils", reason="pymoxel is not installed")


@pytest.fixture(scope="module")
def forcefield(moxel):
    """Its own parameters in our table."""
    names = [key for key in moxel.lj_params if isinstance(key, str)]
    sigma = {element: float(moxel.lj_params[element][1]) for element in names}
    epsilon = {element: float(moxel.lj_params[element][0]) for element in names}
    return ForceField("pymoxel", sigma, epsilon, "")


def invented(name, n_atoms=15):
    rng = np.random.default_rng(11)
    frac = rng.uniform(size=(n_atoms, 3))
    frac[0], frac[1, 1:], frac[2, 0] = 0.0, 0.0, np.nextafter(1.0, 0.0)
    elements = tuple(rng.choice(["C", "H", "O", "Zn", "N"], n_atoms))
    return Structure(name, lattice_from_parameters(*CELLS[name]), frac, elements, "")


def real(shared_data, dataset, member):
    with tarfile.open(shared_data / dataset / "cifs.tar.gz") as archive:
        found = next((m for m in archive if m.name.endswith(member)), None)
        if found is None:
            pytest.skip(f"{member} of {dataset} is not on this machine")
        policy = ReadingPolicy(partial_occupancy="full", overlapping_atoms="keep")
        return read_cif(archive.extractfile(found).read(), member, policy)


def theirs(moxel, structure, kind, n):
    from pymatgen.core import Lattice
    from pymatgen.core import Structure as PymatgenStructure

    grid = moxel.Grid(n, cutoff=CUTOFF_A, epsilon=50.0, sigma=2.5)
    grid.structure = PymatgenStructure(Lattice(structure.lattice_A), structure.elements, structure.frac)
    voxels = grid.calculate(cubic_box=BOX_A if kind == "cubic_box" else None, n_jobs=1)
    assert voxels.dtype == np.float32
    return voxels


def distances(structure, point):
    """Distances from a place to all atoms and those of their images that can be near."""
    cell = structure.lattice_A
    widths = 1.0 / np.sqrt((np.linalg.inv(cell) ** 2).sum(axis=0))
    ranges = [range(-int(CUTOFF_A / width) - 2, int(CUTOFF_A / width) + 3) for width in widths]
    shifts = np.array(list(itertools.product(*ranges)))
    home = np.floor(np.linalg.solve(cell.T, point))
    return np.linalg.norm((structure.frac[None] + home + shifts[:, None]) @ cell - point, axis=2)


def positions(structure, kind, n, endpoint):
    """Points of pymoxel's grids: fractional ones of its supercell, or Cartesian ones."""
    if kind == "cubic_box":
        line, frame = np.linspace(-BOX_A / 2, BOX_A / 2, n, endpoint=endpoint), np.eye(3)
    else:
        line, frame = np.linspace(0.0, 1.0, n, endpoint=endpoint), structure.lattice_A
        if kind == "mic_supercell":
            widths = 1.0 / np.sqrt((np.linalg.inv(frame) ** 2).sum(axis=0))
            frame = frame * np.ceil(2 * CUTOFF_A / widths)[:, None]
    return np.stack(np.meshgrid(line, line, line, indexing="ij"), axis=-1) @ frame


def compare(moxel, forcefield, structure, kind, n):
    """All voxels of one grid."""
    energies = theirs(moxel, structure, kind, n)
    ours = CHANNEL.compute(structure, GridSpec(kind, n, False, BOX_A), forcefield).values
    with np.errstate(over="ignore"):
        expected = np.exp(-energies.astype(np.float64) / TEMPERATURE)
        got = np.exp(-ours / TEMPERATURE)
    seen = (expected > FLOOR) | (got > FLOOR)
    assert seen.mean() > 0.05
    assert expected.max() > 1.0
    assert (np.abs(got - expected)[seen] / np.maximum(got, expected)[seen]).max() < RTOL


@pytest.mark.parametrize("kind", ["mic_supercell", "cubic_box"])
@pytest.mark.parametrize("name", CELLS)
def test_boltzmann_factors_of_invented_crystals(name, kind, moxel, forcefield):
    compare(moxel, forcefield, invented(name), kind, 9)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["mic_supercell", "cubic_box"])
@pytest.mark.parametrize(
    ("dataset", "member", "n"),
    [
        pytest.param(dataset, member, n, id=f"{member}-{n}")
        for dataset, member, points in REAL
        for n in points
    ],
)
def test_boltzmann_factors_of_real_crystals(dataset, member, kind, n, shared_data, moxel, forcefield):
    compare(moxel, forcefield, real(shared_data, dataset, member), kind, n)


def test_another_parameter_would_be_seen(moxel, forcefield):
    """One per cent of one sigma is far more than the two programs differ by."""
    sigma = forcefield.sigma_A | {"O": 1.01 * forcefield.sigma_A["O"]}
    other = ForceField("other", sigma, forcefield.epsilon_K, "")
    with pytest.raises(AssertionError):
        compare(moxel, other, invented("skewed"), "mic_supercell", 9)


# ---- before version 0.3: both ends --------------------------------------------------------------

#: UFF of the elements in the tests, as pymoxel lists it: sigma (A) and epsilon (K).
PARAMETERS = {
    "H": (2.571133701, 22.14166682),
    "C": (3.430850964, 52.83806854),
    "N": (3.260689308, 34.72215932),
    "O": (3.118145513, 30.19318202),
    "Zn": (2.461553158, 62.39924284),
}


def written_out(structure, point):
    """4 sqrt(eps 50) [(s/r)^12 - (s/r)^6] with s = (sigma + 2.5)/2, over all images with r <= 10 A."""
    energy = 0.0
    for r, element in zip(distances(structure, point).T, structure.elements, strict=True):
        sigma, epsilon = PARAMETERS[element]
        near = r[r <= CUTOFF_A]
        with np.errstate(divide="ignore", over="ignore"):
            x6 = (0.5 * (sigma + 2.5) / near) ** 6
            energy += (4.0 * np.sqrt(epsilon * 50.0) * x6 * (x6 - 1.0)).sum()
    return energy


@pytest.mark.parametrize("n", [25, 32])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", CELLS)
def test_grids_that_hold_both_ends(name, kind, n):
    structure = invented(name)
    sigma, epsilon = ({e: row[column] for e, row in PARAMETERS.items()} for column in (0, 1))
    table = ForceField("test", sigma, epsilon, "")
    values = CHANNEL.compute(structure, GridSpec(kind, n, True, BOX_A), table).values
    points = positions(structure, kind, n, True)
    rng = np.random.default_rng(n)
    index = rng.integers(0, n, (24, 3))
    index[:8] = list(itertools.product((0, n - 1), repeat=3))
    index[8:12, 0] = n - 1  # the far face
    expected = np.array([written_out(structure, points[tuple(place)]) for place in index])
    got = values[tuple(index.T)]
    with np.errstate(over="ignore"):
        assert np.exp(-got / TEMPERATURE) == pytest.approx(
            np.exp(-expected / TEMPERATURE), rel=1e-9, abs=1e-30
        )
    finite = expected < 1e9
    assert finite.sum() >= 8
    assert got[finite] == pytest.approx(expected[finite], rel=1e-9, abs=1e-9)
    if kind == "cubic_box":
        assert points[0, 0, 0].tolist() == [-15.0] * 3
        assert points[-1, -1, -1].tolist() == [15.0] * 3
    else:
        for axis in range(3):  # the last plane repeats the first
            assert np.array_equal(np.take(values, 0, axis), np.take(values, n - 1, axis))
    without = CHANNEL.compute(structure, GridSpec(kind, n, False, BOX_A), table).values
    assert not np.allclose(np.minimum(values, 1e4), np.minimum(without, 1e4), rtol=1e-2)
