"""Henry coefficients from energies against published ones, in the settings of their sources.

Averaging exp(-V/T) over a fine grid of the unit cell leaves nothing to fit. Each source below was computed by
others with another program; with its own settings our K_H agrees to its own statistical error, and with
another truncation, cutoff, temperature, force field or probe it visibly does not. All use UFF for the
framework and Lorentz-Berthelot mixing.

========================================== ============== ======= ============== =====  ====================
labels                                     probe          cutoff  truncation     T, K   their precision
========================================== ============== ======= ============== =====  ====================
curated-cofs, CH4_KH                       TraPPE         12.0 A  tail added     298    Widom, about 0.2 %
curated-cofs, Xe_KH and Kr_KH              Boato 1961     12.0 A  tail added     300    Widom, about 0.3 %
curated-cofs, ..._UFF_PorousMaterialsjl    UFF            14.0 A  truncated      298    Widom, about 0.3 %
core-mof-2019, log10_KH_CH4                TraPPE         12.8 A  shifted        298    Widom, 0.3 % to 4 %
core-mof-2019, KH_Xe_graed, KH_Kr_graed    see `GRAED`    12.0 A  shifted        298    a grid of 0.12 A
========================================== ============== ======= ============== =====  ====================

"Tail added" is a homogeneous one beyond the cutoff, which the library does not know and :func:`tail_K`
adds. For 4 % to 6 % of the COFs the first two sources give less than an average over the whole cell, up
to 170 times: they left out sites in narrow places, presumably as out of the guest's reach. The energies
are not at fault, since K_H of the third, from the same files, agrees with the whole cell there, too.
"""

import math
import tarfile
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest

from porevox.crystal.cif import ReadingPolicy, read_cif
from porevox.energy.energyfile import to_single
from porevox.energy.forcefield import load_forcefield, mix
from porevox.energy.grid import DistinctPoints, GridSpec
from porevox.energy.lennard_jones import LennardJonesSum
from porevox.energy.lennard_jones_channel import LennardJonesChannel
from porevox.energy.probes import find_probe
from porevox.errors import StructureRejected
from porevox.henry import Averages, average, henry_row


@dataclass(frozen=True)
class Source:
    """Settings of one column of labels; `probe` is a name or sigma (A) and epsilon (K)."""

    dataset: str
    column: str
    probe: str | tuple[float, float]
    cutoff_A: float
    truncation: str
    temperature_K: float = 298.0
    heat: str = ""
    forcefield: str = "uff"
    spacing_A: float = 0.45


COFS, MOFS = "curated-cofs", "core-mof-2019"
#: Xenon and krypton of the program's own UFF.def (github.com/coudertlab/GrAED).
GRAED = {"Xe": (4.1, 221.0), "Kr": (3.636, 166.4)}
#: Rappe et al. 1992, as Xe and Kr of the framework's force field would be.
UFF = {"Xe": (3.923518, 167.06894), "Kr": (3.689212, 110.70833)}
#: CoRE MOFs have tight pores: a well narrower than 0.5 A across needs the finer grid.
TIGHT_A = 0.2
COF_CH4 = Source(COFS, "CH4_KH_molkgPa", "CH4", 12.0, "tail")
COF_NOBLE = [Source(COFS, f"{g}_KH_molkgPa", g, 12.0, "tail", 300.0) for g in ("Xe", "Kr")]
JULIA = [
    Source(
        COFS, f"{g}_KH_298K_UFF_PorousMaterialsjl_molkgPa", UFF[g], 14.0, "truncated", heat=f"{g}_Qst_kJmol"
    )
    for g in ("Xe", "Kr")
]
MOF_CH4 = Source(MOFS, "log10_KH_CH4_298K_molkgPa", "CH4", 12.8, "shifted", spacing_A=0.25)
MOF_NOBLE = [
    Source(
        MOFS,
        f"KH_{g}_graed_grid_298K_molkgPa",
        GRAED[g],
        12.0,
        "shifted",
        heat=f"H0_{g}_graed_grid_298K_kJmol",
        spacing_A=TIGHT_A,
    )
    for g in ("Xe", "Kr")
]


def name(source):
    return source.column.removesuffix("_molkgPa")


# ---- K_H in a source's settings ---------------------------------------------------------------


@pytest.fixture(scope="module")
def tables(root):
    """Force fields, and where probes are looked up."""
    folder = root / "resources"
    fields = {ff: load_forcefield(folder / "forcefields" / f"{ff}.csv") for ff in ("uff", "dreiding")}
    return fields, [folder / "probes.csv"]


@pytest.fixture(scope="module")
def labels(shared_data):
    found = {}
    for dataset in (COFS, MOFS):
        path = shared_data / dataset / "labels.csv"
        if not path.is_file():
            pytest.skip(f"the labels of {dataset} are not on this machine")
        found[dataset] = pd.read_csv(path, dtype={"id": str}).set_index("id")
    return found


@pytest.fixture(scope="module")
def structures(shared_data, labels):
    """Reader of structures: read(dataset, ids) gives a list of those that can be used."""
    known = {}

    def read(dataset, ids):
        wanted = {f"{id}.cif" for id in ids if (dataset, id) not in known}
        if wanted:
            with tarfile.open(shared_data / dataset / "cifs.tar.gz") as archive:
                for member in archive:
                    if member.name.rpartition("/")[2] in wanted:
                        content, id = archive.extractfile(member).read(), member.name.rpartition("/")[2][:-4]
                        try:
                            known[dataset, id] = read_cif(content, id, ReadingPolicy())
                        except StructureRejected:
                            known[dataset, id] = None
        return [known[dataset, id] for id in ids if known[dataset, id] is not None]

    return read


def fine_grid(structure, spacing_A):
    """Points of the unit cell no farther apart than the spacing along each axis."""
    lengths_A = np.sqrt((structure.lattice_A**2).sum(axis=1))
    counts = tuple(math.ceil(length / spacing_A) for length in lengths_A)
    steps_A = structure.lattice_A / np.array(counts)[:, None]
    return DistinctPoints(np.zeros(3), steps_A, counts, tuple(map(np.arange, counts)), True)


def tail_K(structure, forcefield, sigma_A, epsilon_K, cutoff_A):
    """Energy of the probe with a homogeneous framework beyond the cutoff (Frenkel and Smit, chapter 3)."""
    sigma, epsilon = mix(forcefield, structure.elements, sigma_A, epsilon_K, structure.labels)
    x3 = (sigma / cutoff_A) ** 3
    return 16.0 * math.pi / structure.volume_A3 * float((epsilon * sigma**3 * (x3**3 / 9.0 - x3 / 3.0)).sum())


_known = {}


def henry(structure, source, tables):
    """log10 of K_H in mol/(kg Pa), and Q_st in kJ/mol; kept, since several tests ask."""
    if (source, structure.id) not in _known:
        _known[source, structure.id] = compute_henry(structure, source, tables)
    return _known[source, structure.id]


def compute_henry(structure, source, tables):
    forcefield = tables[0][source.forcefield]
    probe = find_probe(source.probe, tables[1]) if isinstance(source.probe, str) else source.probe
    tail = source.truncation == "tail"
    truncation = "truncated" if tail else source.truncation
    points = fine_grid(structure, source.spacing_A)
    values = LennardJonesSum(structure, points, forcefield, *probe, source.cutoff_A, truncation).at()
    averages = average(values, source.temperature_K, endpoint=False)
    if tail:
        added = tail_K(structure, forcefield, *probe, source.cutoff_A)
        log_factor = averages.log_factor - added / source.temperature_K
        averages = Averages(log_factor, averages.energy_K + added)
    _, log10_K_H, Q_st = henry_row(averages, source.temperature_K, structure.density_g_cm3)
    return log10_K_H, Q_st


def published(source, labels):
    """log10 of a source's K_H by structure."""
    column = labels[source.dataset][source.column].dropna()
    return column if source.column.startswith("log10") else np.log10(column)


def sample(source, labels, n, largest_A3=math.inf):
    """n structures from all over the table."""
    table = labels[source.dataset].loc[published(source, labels).index]
    ids = table.index[table["cell_volume_A3"] <= largest_A3]
    return list(ids[:: max(1, len(ids) // n)])[:n]


def deviations(source, found, labels, tables):
    """Relative deviations of K_H, and log10 of ours and theirs."""
    ours = np.array([henry(s, source, tables)[0] for s in found])
    theirs = published(source, labels)[[s.id for s in found]].to_numpy()
    return 10.0 ** (ours - theirs) - 1.0, ours, theirs


def r2(ours, theirs):
    return 1.0 - ((ours - theirs) ** 2).sum() / ((theirs - theirs.mean()) ** 2).sum()


# ---- agreement, and disagreement in other settings --------------------------------------------

#: Median |deviation| and the 90th percentile that each source's own precision allows.
ALLOWED = [
    (COF_CH4, 0.003, 0.015),
    (COF_NOBLE[0], 0.004, 0.015),
    (COF_NOBLE[1], 0.003, 0.015),
    (JULIA[0], 0.005, 0.012),
    (JULIA[1], 0.003, 0.010),
    (MOF_CH4, 0.012, 0.050),
    (MOF_NOBLE[0], 0.001, 0.010),
    (MOF_NOBLE[1], 0.001, 0.005),
]
CASES = [pytest.param(*case, id=name(case[0])) for case in ALLOWED]


def default_sample(source, labels, n=20):
    return sample(source, labels, n, 900.0 if source.dataset == MOFS else 4000.0)


@pytest.mark.parametrize(("source", "median", "tenth"), CASES)
def test_published_henry_coefficients(source, median, tenth, labels, structures, tables):
    found = structures(source.dataset, default_sample(source, labels))
    assert len(found) >= 18
    deviation, ours, theirs = deviations(source, found, labels, tables)
    assert np.median(np.abs(deviation)) < median
    assert np.quantile(np.abs(deviation), 0.9) < tenth
    # what a source left out makes its K_H smaller, nothing makes it larger
    assert deviation.min() > -2 * tenth
    assert theirs.std() > 0.1, "a sample that hardly differs tests little"


#: One setting changed at a time, to what others use.
WRONG = [
    (COF_CH4, {"truncation": "truncated"}),
    (COF_CH4, {"truncation": "shifted"}),
    (COF_CH4, {"temperature_K": 300.0}),
    (COF_CH4, {"forcefield": "dreiding"}),
    (COF_NOBLE[0], {"temperature_K": 298.0}),
    (COF_NOBLE[0], {"probe": "Xe-HCB"}),
    (COF_NOBLE[1], {"temperature_K": 298.0}),
    (COF_NOBLE[1], {"probe": "Kr-HCB"}),
    (JULIA[0], {"cutoff_A": 12.8}),
    (JULIA[0], {"truncation": "shifted"}),
    (JULIA[0], {"probe": "Xe"}),
    (JULIA[1], {"cutoff_A": 12.8}),
    (MOF_CH4, {"cutoff_A": 12.0}),
    (MOF_CH4, {"truncation": "truncated"}),
    (MOF_CH4, {"temperature_K": 300.0}),
    (MOF_NOBLE[0], {"truncation": "truncated"}),
    (MOF_NOBLE[0], {"cutoff_A": 12.8}),
    (MOF_NOBLE[0], {"probe": "Xe"}),
    (MOF_NOBLE[1], {"probe": "Kr"}),
    (MOF_NOBLE[1], {"temperature_K": 300.0}),
]
MEDIANS = {case[0]: case[1] for case in ALLOWED}


@pytest.mark.parametrize(
    ("source", "change"),
    [pytest.param(*case, id=f"{name(case[0])}-{next(iter(case[1].values()))}") for case in WRONG],
)
def test_another_setting_misses_them(source, change, labels, structures, tables):
    """So that the agreement above is no accident: five of the same structures, one setting off."""
    found = structures(source.dataset, default_sample(source, labels)[::4])
    deviation, *_ = deviations(replace(source, **change), found, labels, tables)
    assert np.median(np.abs(deviation)) > 3 * MEDIANS[source]


@pytest.mark.parametrize("source", [*JULIA, *MOF_NOBLE], ids=name)
def test_published_heats_of_adsorption(source, labels, structures, tables):
    """Q_st = RT - <V>, positive; the tables of core-mof-2019 list the enthalpy, -Q_st."""
    found = structures(source.dataset, default_sample(source, labels))
    sign = -1.0 if source.column.endswith("graed_grid_298K_molkgPa") else 1.0
    theirs = sign * labels[source.dataset][source.heat][[s.id for s in found]].to_numpy()
    ours = np.array([henry(s, source, tables)[1] for s in found])
    assert theirs.min() > 3.0
    # RT is 2.48 kJ/mol: neither its sign nor a factor of 2 or 3/2 could hide
    assert np.median(np.abs(ours - theirs)) < 0.03
    assert np.quantile(np.abs(ours - theirs), 0.9) < 0.2


# ---- how it is computed -----------------------------------------------------------------------


def test_henry_coefficient_written_out(labels, structures, tables):
    """The mean of exp(-V/T) over R T and the density, from the masses and the volume of the cell."""
    masses_u = {"H": 1.008, "B": 10.81, "C": 12.011, "N": 14.007, "O": 15.999, "S": 32.06, "Si": 28.085}
    source = JULIA[0]
    for structure in structures(COFS, default_sample(source, labels)[:6]):
        assert set(structure.elements) <= set(masses_u)
        grid = fine_grid(structure, 0.6)
        values = LennardJonesSum(structure, grid, tables[0]["uff"], *source.probe, 14.0, "truncated").at()
        boltzmann = np.exp(-values / 298.0)
        kilograms = sum(masses_u[element] for element in structure.elements) * 1.66053906660e-27
        density = kilograms / (structure.volume_A3 * 1e-30)
        K_H = boltzmann.mean() / (8.31446261815324 * 298.0 * density)
        seen = boltzmann > 0.0
        energy = (values[seen] * boltzmann[seen]).sum() / boltzmann[seen].sum()
        got, log10_got, heat = henry_row(average(values, 298.0, False), 298.0, structure.density_g_cm3)
        assert got == pytest.approx(K_H, rel=2e-4)  # atomic weights differ in the fourth place
        assert log10_got == pytest.approx(math.log10(got), abs=1e-12)
        assert heat == pytest.approx(8.31446261815324e-3 * (298.0 - energy), rel=1e-12)


@pytest.mark.parametrize("source", [COF_CH4, MOF_CH4, MOF_NOBLE[0]], ids=name)
def test_the_grid_is_fine_enough(source, labels, structures, tables):
    finer = replace(source, spacing_A=0.7 * source.spacing_A)
    for structure in structures(source.dataset, default_sample(source, labels)[:4]):
        coarse, fine = henry(structure, source, tables)[0], henry(structure, finer, tables)[0]
        assert coarse == pytest.approx(fine, abs=0.002)


@pytest.mark.parametrize("endpoint", [False, True])
def test_voxels_give_the_same_where_their_grid_is_fine(endpoint, labels, structures, tables):
    """The way of the workflow, end to end: single-precision voxels of a supercell."""
    found = structures(MOFS, default_sample(MOF_CH4, labels)[::3])
    channel = LennardJonesChannel(*find_probe("CH4", tables[1]), 12.8, "shifted")
    # 61 is prime: of 60 intervals a cell that repeats six times would hold only ten
    grid = GridSpec("mic_supercell", 61 + endpoint, endpoint)
    for structure in found:
        of_voxels = from_voxels(structure, channel, grid, tables[0]["uff"])
        assert of_voxels == pytest.approx(henry(structure, MOF_CH4, tables)[0], abs=0.01)


def from_voxels(structure, channel, grid, forcefield):
    values = to_single(channel.compute(structure, grid, forcefield).values)
    return henry_row(average(values, 298.0, grid.endpoint), 298.0, structure.density_g_cm3)[1]


# ---- larger samples ---------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(("source", "median", "tenth"), CASES)
def test_published_henry_coefficients_of_many(source, median, tenth, labels, structures, tables):
    """Every COF, every eighth MOF; the scatter that is left has no slope."""
    n = 300 if source.dataset == COFS else 240
    found = structures(source.dataset, sample(source, labels, n))
    deviation, ours, theirs = deviations(source, found, labels, tables)
    size = np.abs(deviation)
    print(
        f"\n{name(source)}: n {len(found)}, median |deviation| {np.median(size):.2%}, within 1 %: "
        f"{(size < 0.01).mean():.1%}, within 3 %: {(size < 0.03).mean():.1%}, log10: "
        f"R2 {r2(ours, theirs):.5f}, offset {np.mean(ours - theirs):+.4f}, "
        f"rms {np.sqrt(np.mean((ours - theirs) ** 2)):.4f}"
    )
    assert len(found) >= 0.95 * n
    assert np.median(size) < median
    assert np.quantile(size, 0.9) < tenth
    whole = size < 0.05
    assert whole.mean() > 0.95
    slope, _ = np.polyfit(theirs[whole], ours[whole], 1)
    assert slope == pytest.approx(1.0, abs=0.01)
    if source in (*JULIA, MOF_CH4, *MOF_NOBLE):
        assert r2(ours, theirs) > 0.999


@pytest.mark.slow
def test_the_probe_of_methane_ranks_the_mofs(labels, structures, tables):
    """25 points along each axis suffice for R2 = 0.997 in log10 K_H, even in settings slightly off."""
    found = structures(MOFS, sample(MOF_CH4, labels, 400))
    theirs = published(MOF_CH4, labels)[[s.id for s in found]].to_numpy()
    probe, grid = find_probe("CH4", tables[1]), GridSpec("mic_supercell", 25)
    for cutoff_A, truncation in ((12.8, "shifted"), (12.0, "truncated")):
        channel = LennardJonesChannel(*probe, cutoff_A, truncation)
        ours = np.array([from_voxels(s, channel, grid, tables[0]["uff"]) for s in found])
        offset = np.mean(ours - theirs)
        print(
            f"\n25^3, {cutoff_A} A {truncation}: n {len(found)}, R2 {r2(ours, theirs):.4f}, R2 after a shift "
            f"{r2(ours - offset, theirs):.4f}, offset {offset:+.4f}, rms {np.std(ours - theirs):.4f}"
        )
        assert r2(ours - offset, theirs) > 0.99
        assert abs(offset) < (0.01 if truncation == "shifted" else 0.12)
