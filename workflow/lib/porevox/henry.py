"""Henry coefficients and heats of adsorption at infinite dilution, straight from energy voxels.

One guest alone in a rigid framework (Widom's test particle): with W the energy of a spherical guest, or
the effective energy of a molecule averaged over its orientations, at every point of the unit cell,
K_H = <exp(-W/T)> / (R T rho) and Q_st = R (T - U), where rho is the framework's density and U the guest's
mean energy. See Frenkel and Smit, Understanding Molecular Simulation, chapter on Monte Carlo in various
ensembles; energies are divided by the Boltzmann constant throughout.
"""

import csv
import json
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from porevox.energy.energyfile import appearing
from porevox.errors import PorevoxError

#: Molar gas constant, J/(mol K); exact since 2019.
GAS_CONSTANT = 8.31446261815324
HENRY_COLUMNS = ("id", "K_H_mol_per_kg_Pa", "log10_K_H_mol_per_kg_Pa", "Q_st_kJ_per_mol")
REJECTED_COLUMNS = ("id", "stage", "reason", "detail")


@dataclass(frozen=True)
class Averages:
    """Averages of a guest over the distinct points of a unit cell.

    Parameters
    ----------
    log_factor : float
        Natural logarithm of the mean Boltzmann factor; -inf where the guest fits nowhere.
    energy_K : float
        Mean energy weighted with the Boltzmann factor, K; NaN where the guest fits nowhere.
    """

    log_factor: float
    energy_K: float


def average(energies_K: np.ndarray, temperature_K: float, endpoint: bool) -> Averages:
    """Average a Boltzmann factor and an energy over a periodic grid.

    Parameters
    ----------
    energies_K : (n, n, n) array
        Energies of one structure, K; +inf on top of an atom is legal.
    temperature_K : float
        Temperature, K.
    endpoint : bool
        Whether the last plane along each axis repeats the first one; it is left out then.

    Returns
    -------
    Averages
        Every distinct point of the cell counts alike: a supercell holds each equally often.

    Raises
    ------
    ValueError
        A value is NaN or -inf.
    """
    cell = energies_K[:-1, :-1, :-1] if endpoint else energies_K
    values = np.asarray(cell, dtype=np.float64)
    lowest = float(values.min())
    if lowest == math.inf:
        return Averages(-math.inf, math.nan)
    if not math.isfinite(lowest):
        raise ValueError(f"an energy is {lowest}")
    # above the lowest energy, so that a deep well does not overflow
    above = values - lowest
    factors = np.exp(-above / temperature_K)
    # 0 times infinity counts nothing
    above[factors == 0.0] = 0.0
    total = float(factors.sum())
    energy_K = lowest + float((above * factors).sum()) / total
    return Averages(math.log(total / values.size) - lowest / temperature_K, energy_K)


def henry_row(averages: Averages, temperature_K: float, density_g_cm3: float) -> tuple[float, float, float]:
    """Turn averages into what an experiment at low pressure measures.

    Parameters
    ----------
    averages : Averages
    temperature_K : float
        Temperature, K.
    density_g_cm3 : float
        Density of the framework, g/cm3.

    Returns
    -------
    K_H : float
        Henry coefficient, mol/(kg Pa); 0 or inf where double precision ends.
    log10_K_H : float
        Its decimal logarithm, finite even there; -inf where the guest fits nowhere.
    Q_st : float
        Isosteric heat of adsorption at infinite dilution, kJ/mol; NaN where the guest fits nowhere.
    """
    density_kg_m3 = 1000.0 * density_g_cm3
    scale = math.log10(GAS_CONSTANT * temperature_K * density_kg_m3)
    log10_K_H = averages.log_factor / math.log(10.0) - scale
    K_H = 10.0**log10_K_H if log10_K_H < 308.0 else math.inf
    Q_st = GAS_CONSTANT * (temperature_K - averages.energy_K) / 1000.0
    return K_H, log10_K_H, Q_st


def henry_table(shards: list[Path], rejected: Path, spec: dict, out_dir: Path) -> dict:
    """Write the Henry coefficients of all structures of a dataset, and a ledger of those without.

    Parameters
    ----------
    shards : list of Path
        Folders with ``energies.npy``, ``index.csv`` and ``ledger.csv`` of one channel.
    rejected : Path
        What the structures stage rejected.
    spec : dict
        See :func:`porevox.specs.henry_spec`.
    out_dir : Path
        Receives ``henry.csv``, ``rejected.csv`` and, last, ``summary.json``.

    Returns
    -------
    dict
        What stands in ``summary.json``: the specification, ``n_structures`` of the dataset,
        ``n_computed`` of them, and the number of the others by reason.

    Raises
    ------
    PorevoxError
        Voxels cannot be read, do not fit their index, or hold what is no energy.
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    without = [("structures", row) for row in _read(rejected)]
    found: list[tuple] = []
    for shard in shards:
        without += [("voxels", row) for row in _read(shard / "ledger.csv")]
        found += _shard_rows(shard, spec)
    found.sort()
    _write(out_dir / "henry.csv", HENRY_COLUMNS, found)
    lines = [(r["id"] or r["member"], stage, r["reason"], r["detail"]) for stage, r in without]
    _write(out_dir / "rejected.csv", REJECTED_COLUMNS, sorted(lines))
    voxels = sum(stage == "voxels" for stage, _ in without)
    summary = {
        **{key: value for key, value in spec.items() if key != "channel"},
        "channel": {key: value for key, value in spec["channel"].items() if key != "folder"},
        "n_structures": len(found) + voxels,
        "n_computed": len(found),
        "rejected": dict(sorted(Counter(row["reason"] for _, row in without).items())),
    }
    with appearing(out_dir / "summary.json") as temporary:
        temporary.write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    return summary


def _shard_rows(shard: Path, spec: dict) -> Iterator[tuple[str, str, str, str]]:
    """Cells of henry.csv for the structures of one shard; energies are read one structure at a time."""
    index, energies = _read(shard / "index.csv"), _open(shard / "energies.npy")
    n, temperature_K = spec["grid"]["n"], spec["temperature_K"]
    if energies.shape != (len(index), n, n, n):
        raise PorevoxError(f"The voxels in {shard} do not fit their index: run the voxels stage again.")
    for entry in index:
        try:
            averages = average(energies[int(entry["row"])], temperature_K, spec["grid"]["endpoint"])
            if spec["channel"]["quantity"] == "effective_energy":
                # a molecule's energy is not the effective one: it was averaged together with the voxels
                averages = Averages(averages.log_factor, float(entry["guest_energy_K"] or "nan"))
        except (KeyError, ValueError) as error:
            raise PorevoxError(
                f"The voxels of {entry['id']!r} in {shard} give no Henry coefficient ({error}): run the "
                "voxels stage again."
            ) from error
        numbers = henry_row(averages, temperature_K, float(entry["density_g_cm3"]))
        # where the guest fits nowhere there is neither a logarithm nor a heat
        yield entry["id"], *(f"{x:.8g}" if math.isfinite(x) or x > 0 else "" for x in numbers)


def _open(path: Path) -> np.ndarray:
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise PorevoxError(
            f"The voxels in {path} cannot be read ({error}): run the voxels stage again."
        ) from error


def _read(path: Path) -> list[dict]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def _write(path: Path, columns: tuple[str, ...], rows: list[tuple]) -> None:
    with appearing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
