"""The embedded demo dataset: complete, consistent with itself and with physics."""

import tarfile

import numpy as np
import pandas as pd
import pytest

from porevox.crystal.cif import ReadingPolicy, read_cif
from porevox.energy.forcefield import load_forcefield
from porevox.energy.grid import GridSpec
from porevox.energy.lennard_jones_channel import LennardJonesChannel

MMOL_PER_G = "CH4_uptake_5.8bar_298K_mmol_per_g"
CM3_PER_CM3 = "CH4_uptake_5.8bar_298K_cm3STP_per_cm3"
#: Molar volume of an ideal gas at 273.15 K and 101,325 Pa, cm3/mol.
STP_CM3_PER_MOL = 22413.97
#: Ideal-gas constant, J/(mol K).
R = 8.314462618


@pytest.fixture(scope="module")
def demo(root):
    folder = root / "resources/demo"
    tables = {name: pd.read_csv(folder / f"{name}.csv", index_col="id") for name in ("labels", "descriptors")}
    tables["provenance"] = pd.read_csv(folder / "provenance.csv", index_col="id")
    with tarfile.open(folder / "cifs.tar.gz") as archive:
        cifs = {m.name.removesuffix(".cif"): archive.extractfile(m).read() for m in archive}
    return tables, cifs


@pytest.fixture(scope="module")
def sample(demo):
    """Every 40th structure, read."""
    tables, cifs = demo
    return [read_cif(cifs[name], name, ReadingPolicy()) for name in sorted(cifs)[::40]]


def test_all_parts_name_the_same_structures(demo):
    tables, cifs = demo
    assert 1000 <= len(cifs) <= 1500
    for table in tables.values():
        assert table.index.is_unique and set(table.index) == set(cifs)


def test_the_entry_declares_the_number_of_structures(demo, root):
    import yaml

    entry = yaml.safe_load((root / "resources/datasets.yaml").read_text())["demo"]
    assert entry["n_structures"] == len(demo[1])


def test_errors_are_small_and_stored(demo):
    labels = demo[0]["labels"]
    for column in (MMOL_PER_G, CM3_PER_CM3):
        relative = labels[f"{column}_se"] / labels[column]
        assert relative.median() < 0.03 and (relative > 0).all()


def test_both_units_tell_the_same_uptake(demo):
    labels, descriptors = demo[0]["labels"], demo[0]["descriptors"]
    expected = labels[MMOL_PER_G] * 1e-3 * STP_CM3_PER_MOL * descriptors["density_g_per_cm3"]
    np.testing.assert_allclose(labels[CM3_PER_CM3], expected, rtol=2e-3)


def test_density_belongs_to_the_shipped_structure(demo, sample):
    densities = demo[0]["descriptors"]["density_g_per_cm3"]
    for structure in sample:
        assert structure.density_g_cm3 == pytest.approx(densities[structure.id], rel=2e-3)
        assert len(structure.elements) == demo[0]["provenance"].at[structure.id, "n_atoms"]


def test_descriptors_are_physical(demo):
    table = demo[0]["descriptors"]
    assert np.isfinite(table.to_numpy()).all()
    assert ((table["void_fraction"] > 0) & (table["void_fraction"] < 1)).all()
    assert (table["LCD_A"] >= table["PLD_A"]).all() and (table["PLD_A"] >= 3.8).all()


def test_uptake_lies_below_henrys_law_and_above_the_empty_gas(demo, sample, root):
    """Henry's law, from the Boltzmann factors of methane itself, is the limit of low pressure.

    K_H = <exp(-V/T)>/(R T) per volume. Uptake per volume at 5.8 bar saturates below K_H P where
    binding is strong, and is close to it where binding is weak (methane-methane attraction may add
    a little there): hence an upper bound of 1.35 K_H P, and a ratio near 1 for weak binders.
    """
    labels = demo[0]["labels"]
    grid = GridSpec("unit_cell", n=30)
    methane = LennardJonesChannel(probe_sigma_A=3.73, probe_epsilon_K=148.0, cutoff_A=12.0)
    forcefield = load_forcefield(root / "resources/forcefields/uff.csv")
    ratios = []
    for structure in sample:
        factors = np.exp(-methane.compute(structure, grid, forcefield).values / 298.0)
        henry_mol_per_m3 = factors.mean() * 5.8e5 / (R * 298.0)
        henry = henry_mol_per_m3 * STP_CM3_PER_MOL * 1e-6
        ratios.append((factors.mean(), labels.at[structure.id, CM3_PER_CM3] / henry))
    boost, ratio = np.array(sorted(ratios)).T
    assert (ratio < 1.35).all(), ratio
    assert (ratio[boost < 4] > 0.75).all(), ratio
    # the more strongly a framework binds, the further below Henry's law it saturates
    assert ratio[boost > 15].mean() < ratio[boost < 4].mean()


def test_provenance_says_how_to_rebuild(demo, root):
    table = demo[0]["provenance"]
    assert table["topology"].nunique() >= 50
    assert (root / "resources/demo/build/requirements.txt").is_file()
