"""Henry coefficients against cases that can be solved by hand."""

import csv
import json
import math

import numpy as np
import pytest

from porevox.errors import PorevoxError
from porevox.henry import GAS_CONSTANT, Averages, average, henry_row, henry_table

T = 298.0
GRID = {"kind": "unit_cell", "n": 4, "endpoint": False}
CHANNEL = {"name": "lj", "quantity": "energy", "key": "0123", "folder": "somewhere"}


def spec(**changes):
    return {"dataset": "demo", "grid": GRID, "channel": CHANNEL, "temperature_K": T, **changes}


def write_shard(folder, energies, density=0.5, guest_energy_K="", rejected=()):
    """Write what the voxels stage leaves for structures a, b, c, ..."""
    folder.mkdir(parents=True)
    np.save(folder / "energies.npy", np.asarray(list(energies.values()), dtype=np.float32))
    head = "id,row,n_atoms,volume_A3,density_g_cm3,reader,guest_energy_K\n"
    rows = [f"{name},{row},9,1000.0,{density},gemmi,{guest_energy_K}\n" for row, name in enumerate(energies)]
    (folder / "index.csv").write_text(head + "".join(rows))
    (folder / "ledger.csv").write_text("id,reason,detail\n" + "".join(f"{line}\n" for line in rejected))
    return folder


def run(tmp_path, shards, out="out", rejected="", **changes):
    (tmp_path / "rejected.csv").write_text("id,member,reason,detail\n" + rejected)
    summary = henry_table(shards, tmp_path / "rejected.csv", spec(**changes), tmp_path / out)
    with (tmp_path / out / "henry.csv").open(newline="") as stream:
        return {row["id"]: row for row in csv.DictReader(stream)}, summary


def test_an_empty_cell_holds_an_ideal_gas():
    """K_H of an empty box is its volume over RT, per mass: the ideal gas law."""
    averages = average(np.zeros((5, 5, 5)), T, endpoint=False)
    assert averages == Averages(0.0, 0.0)
    K_H, log10_K_H, Q_st = henry_row(averages, T, density_g_cm3=0.25)
    pressure_Pa, volume_m3_per_kg = 1.0, 1 / 250.0
    assert K_H == pytest.approx(pressure_Pa * volume_m3_per_kg / (8.314462618 * T), rel=1e-9)
    assert log10_K_H == pytest.approx(math.log10(K_H)) and Q_st == pytest.approx(8.314462618e-3 * T)


@pytest.mark.parametrize("energy_K", [-2000.0, -3e5, 700.0, 1e5])
def test_a_constant_energy_shifts_logarithm_and_heat(energy_K):
    empty = henry_row(Averages(0.0, 0.0), T, 1.0)
    _, log10_K_H, Q_st = henry_row(average(np.full((3, 3, 3), energy_K), T, False), T, 1.0)
    assert log10_K_H - empty[1] == pytest.approx(-energy_K / T / math.log(10))
    assert Q_st - empty[2] == pytest.approx(-GAS_CONSTANT * energy_K / 1000)


def test_two_levels():
    """A fraction f of the cell at -E, the rest at 0."""
    energies, f, E = np.zeros((4, 4, 4)), 8 / 64, 1500.0
    energies[:2, :2, :2] = -E
    averages = average(energies, T, False)
    factor = f * math.exp(E / T) + 1 - f
    assert averages.log_factor == pytest.approx(math.log(factor))
    assert averages.energy_K == pytest.approx(-E * f * math.exp(E / T) / factor)


def test_the_heat_is_the_slope_of_the_logarithm():
    """van 't Hoff: Q_st = -R d ln(K_H) / d(1/T), by finite differences."""
    energies = np.random.default_rng(0).normal(-800, 400, size=(6, 6, 6))

    def log_K_H(beta):
        return henry_row(average(energies, 1 / beta, False), 1 / beta, 0.7)[1] * math.log(10)

    beta, step = 1 / T, 1e-7
    slope = (log_K_H(beta + step) - log_K_H(beta - step)) / (2 * step)
    assert henry_row(average(energies, T, False), T, 0.7)[2] == pytest.approx(
        GAS_CONSTANT * slope / 1000, rel=1e-6
    )


def test_atoms_are_impenetrable_and_count_as_volume():
    energies = np.zeros((4, 4, 4), dtype=np.float32)
    energies[0] = np.inf
    energies[1] = 3e38
    averages = average(energies, T, False)
    assert averages.log_factor == pytest.approx(math.log(0.5)) and averages.energy_K == 0.0


def test_a_repeated_last_plane_counts_once():
    energies = np.random.default_rng(1).normal(-500, 300, size=(4, 4, 4))
    padded = np.pad(energies, (0, 1), mode="wrap")
    one, other = average(energies, T, False), average(padded, T, True)
    assert other.log_factor == pytest.approx(one.log_factor)
    assert other.energy_K == pytest.approx(one.energy_K)
    assert average(padded, T, False).log_factor != pytest.approx(one.log_factor, abs=1e-3)


def test_a_supercell_grid_gives_what_its_unit_cell_gives():
    """25 points over two cells: the second cell is sampled between the points of the first."""
    fraction = np.arange(25) * 2 / 25 % 1.0
    a, b, c = np.meshgrid(fraction, fraction, fraction, indexing="ij")
    surface = -300 * (np.cos(2 * np.pi * a) + np.cos(2 * np.pi * b) * np.cos(2 * np.pi * c))
    fine = np.arange(25) / 25
    a, b, c = np.meshgrid(fine, fine, fine, indexing="ij")
    cell = -300 * (np.cos(2 * np.pi * a) + np.cos(2 * np.pi * b) * np.cos(2 * np.pi * c))
    assert average(surface, T, False).log_factor == pytest.approx(average(cell, T, False).log_factor)


@pytest.mark.parametrize("value", [np.nan, -np.inf])
def test_what_is_no_energy_is_refused(tmp_path, value):
    energies = np.zeros((4, 4, 4))
    energies[1, 2, 3] = value
    with pytest.raises(ValueError, match="an energy is"):
        average(energies, T, False)
    shard = write_shard(tmp_path / "shard0", {"fine": np.zeros((4, 4, 4)), "bad": energies})
    with pytest.raises(PorevoxError, match="voxels of 'bad' in .*shard0 give no Henry coefficient"):
        run(tmp_path, [shard])


def test_every_structure_is_in_one_of_the_tables(tmp_path):
    full = np.full((4, 4, 4), np.inf)
    second = write_shard(tmp_path / "shard1", {"b": np.zeros((4, 4, 4)), "full": full})
    first = write_shard(
        tmp_path / "shard0", {"c": np.full((4, 4, 4), -500)}, rejected=['x,no_charges,"none, at all"']
    )
    rows, summary = run(tmp_path, [first, second], rejected="b,other/b.cif,duplicate_id,second\n")
    assert list(rows) == ["b", "c", "full"]
    assert float(rows["b"]["K_H_mol_per_kg_Pa"]) == pytest.approx(1 / (8.314462618 * T * 500), rel=1e-7)
    assert rows["full"] == {
        "id": "full",
        "K_H_mol_per_kg_Pa": "0",
        "log10_K_H_mol_per_kg_Pa": "",
        "Q_st_kJ_per_mol": "",
    }
    assert (summary["n_structures"], summary["n_computed"]) == (4, 3)
    assert summary["rejected"] == {"duplicate_id": 1, "no_charges": 1}
    text = (tmp_path / "out/rejected.csv").read_text()
    assert text.splitlines()[1:] == [
        "b,structures,duplicate_id,second",
        'x,voxels,no_charges,"none, at all"',
    ]
    assert json.loads((tmp_path / "out/summary.json").read_text()) == summary
    assert "folder" not in summary["channel"] and summary["temperature_K"] == T


def test_a_molecule_s_heat_is_that_of_its_own_energy(tmp_path):
    """Its effective energy says how well it fits, not how strongly it is held."""
    shard = write_shard(tmp_path / "shard0", {"a": np.full((4, 4, 4), -900.0)}, guest_energy_K="-1500.0")
    guest = {**CHANNEL, "quantity": "effective_energy"}
    rows, _ = run(tmp_path, [shard], channel=guest)
    plain, _ = run(tmp_path, [shard])
    assert rows["a"]["K_H_mol_per_kg_Pa"] == plain["a"]["K_H_mol_per_kg_Pa"]
    assert float(rows["a"]["Q_st_kJ_per_mol"]) == pytest.approx(GAS_CONSTANT * (T + 1500) / 1000)
    assert float(plain["a"]["Q_st_kJ_per_mol"]) == pytest.approx(GAS_CONSTANT * (T + 900) / 1000)


def test_logarithms_outlive_double_precision():
    for energy_K, expected in ((3e5, 0.0), (-3e5, math.inf)):
        K_H, log10_K_H, Q_st = henry_row(average(np.full((2, 2, 2), energy_K), T, False), T, 1.0)
        assert K_H == expected and math.isfinite(log10_K_H) and math.isfinite(Q_st)


def test_voxels_that_do_not_fit_or_cannot_be_read(tmp_path):
    shard = write_shard(tmp_path / "shard0", {"a": np.zeros((4, 4, 4))})
    with pytest.raises(PorevoxError, match="do not fit their index"):
        run(tmp_path, [shard], grid={**GRID, "n": 5})
    (shard / "energies.npy").write_bytes(b"\x93NUMPY broken")
    with pytest.raises(PorevoxError, match="cannot be read"):
        run(tmp_path, [shard])


def test_a_shard_without_structures_is_no_trouble(tmp_path):
    shard = write_shard(tmp_path / "shard0", {}, rejected=["x,no_charges,none"])
    np.save(shard / "energies.npy", np.empty((0, 4, 4, 4), dtype=np.float32))
    rows, summary = run(tmp_path, [shard])
    assert rows == {} and summary["n_structures"] == 1
