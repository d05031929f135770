"""Guest channels on real structures: convergence, time and Henry coefficients; by hand, never a test.

    python tests/benchmarks/bench_guests.py FOLDER_OF_CIFS [--guest CO2] [--limit 20] [--reference 400]
        [--fixed 16 24 48] [--tolerances 0.01 0.02]
    python tests/benchmarks/bench_guests.py FOLDER_OF_CIFS --labels labels.csv --column CO2_KH_molkgPa

The first form prints how far Henry coefficients are from those of many orientations, and the time of
one structure: with the same number of orientations at all points, and with as many as each needs. The
second compares K_H = <exp(-F/T)> / (R T rho) with published values. Time is this process' own CPU
time, the shortest of three.
"""

import argparse
import math
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "workflow" / "lib"))

from porevox.crystal.cif import ReadingPolicy, read_cif
from porevox.energy.forcefield import load_forcefield
from porevox.energy.grid import GridSpec
from porevox.energy.guest_channel import GuestChannel
from porevox.errors import StructureRejected

RESOURCES = Path(__file__).resolve().parents[2] / "resources"
NUMBERS = ("x_A", "y_A", "z_A", "sigma_A", "epsilon_K", "charge_e")
GAS_CONSTANT = 8.31446261815324


def read_guest(name):
    """Sites of a guest of the table that is shipped."""
    table = pd.read_csv(RESOURCES / "guests.csv")
    rows = table[table["guest"] == name]
    if rows.empty:
        raise SystemExit(f"no guest {name!r}; there are {', '.join(table['guest'].unique())}")
    return [{key: float(row[key]) for key in NUMBERS} for _, row in rows.iterrows()]


def read_structures(folder, limit, channel, forcefield):
    """Structures spread over a folder that the channel can use."""
    paths = sorted(folder.glob("*.cif"))
    for path in paths[len(paths) // (2 * limit) :: max(1, len(paths) // limit)]:
        try:
            structure = read_cif(path.read_bytes(), path.stem, ReadingPolicy())
            replace(channel, n_orientations=1).compute(structure, GridSpec("unit_cell", 4), forcefield)
        except StructureRejected as rejection:
            print(f"{path.stem}: {rejection.code}", file=sys.stderr)
        else:
            yield structure


def henry(structure, channel, grid, forcefield):
    """Henry coefficient, mol/(kg Pa)."""
    values = channel.compute(structure, grid, forcefield).values
    factor = np.exp(-values / channel.temperature_K).mean()
    return factor / (GAS_CONSTANT * channel.temperature_K * structure.density_g_cm3 * 1000.0)


def seconds(structure, channel, grid, forcefield):
    """CPU time of one structure."""
    spent = []
    for _ in range(3):
        start = time.process_time()
        channel.compute(structure, grid, forcefield)
        spent.append(time.process_time() - start)
    return min(spent)


def convergence(structures, channels, grid, forcefield, exact_channel):
    """Errors of Henry coefficients, per cent, and times, by channel."""
    errors, times = [], []
    for structure in structures:
        exact = henry(structure, exact_channel, grid, forcefield)
        found = [henry(structure, channel, grid, forcefield) for channel in channels.values()]
        errors.append(100.0 * (np.array(found) / exact - 1.0))
        times.append([seconds(structure, channel, grid, forcefield) for channel in channels.values()])
        pairs = zip(errors[-1], times[-1], strict=True)
        print(
            f"{structure.id:<40}{structure.n_atoms:>6}{exact:>12.4g} ",
            "  ".join(f"{error:6.2f} %{spent:6.3f} s" for error, spent in pairs),
            flush=True,
        )
    size, spent = np.abs(errors), np.array(times)
    print(f"{len(size)} structures: deviation, %, and CPU time, s")
    print(f"{'':<18}{'median':>8}{'90 %':>8}{'largest':>9}{'mean s':>9}{'90 %':>8}{'largest':>9}")
    for column, name in enumerate(channels):
        one, other = size[:, column], spent[:, column]
        print(
            f"{name:<18}{np.median(one):>8.2f}{np.quantile(one, 0.9):>8.2f}{one.max():>9.2f}"
            f"{other.mean():>9.3f}{np.quantile(other, 0.9):>8.3f}{other.max():>9.3f}"
        )


def compare(structures, channel, grid, forcefield, labels):
    """Published against computed Henry coefficients."""
    pairs = []
    for structure in structures:
        label = labels.get(structure.id, math.nan)
        if label > 0.0:
            pairs.append((math.log10(label), math.log10(henry(structure, channel, grid, forcefield))))
            print(f"{structure.id:<40}{pairs[-1][0]:>9.3f}{pairs[-1][1]:>9.3f}", flush=True)
    published, ours = np.array(pairs).T
    offset = (ours - published).mean()
    spread = ((published - published.mean()) ** 2).sum()
    print(f"{len(pairs)} structures, log10 K_H: mean offset {offset:+.3f}", end=", ")
    print(f"median {np.median(ours - published):+.3f}")
    print(f"R2 {1 - ((ours - published) ** 2).sum() / spread:.3f}", end=", ")
    print(f"after that shift {1 - ((ours - offset - published) ** 2).sum() / spread:.3f}")


def main():
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--guest", default="CO2")
    parser.add_argument("--temperature", type=float, default=298.0)
    parser.add_argument("--cutoff", type=float, default=12.0)
    parser.add_argument("--truncation", default="truncated")
    parser.add_argument("--forcefield", default="uff")
    parser.add_argument("--orientations", type=int)
    parser.add_argument("--reference", type=int, default=400)
    parser.add_argument("--fixed", type=int, nargs="*", default=[24])
    parser.add_argument("--tolerances", type=float, nargs="*", default=[0.02])
    parser.add_argument("--limit", type=int, default=20)
    parser.add_argument("--n", type=int, default=25)
    parser.add_argument("--kind", default="mic_supercell")
    parser.add_argument("--labels", type=Path)
    parser.add_argument("--column", default="CO2_KH_molkgPa")
    options = parser.parse_args()
    settings = options.temperature, options.cutoff, options.truncation, options.orientations
    channel = GuestChannel(read_guest(options.guest), *settings)
    forcefield = load_forcefield(RESOURCES / "forcefields" / f"{options.forcefield}.csv")
    grid = GridSpec(options.kind, options.n)
    structures = read_structures(options.folder, options.limit, channel, forcefield)
    print(f"{options.guest}, {options.forcefield}, {grid}")
    if options.labels is None:
        channels = {f"{n} orientations": replace(channel, n_orientations=n) for n in options.fixed}
        for tolerance in options.tolerances:
            channels[f"tolerance {tolerance:g}"] = replace(channel, henry_tolerance=tolerance)
        exact = replace(channel, n_orientations=options.reference)
        convergence(structures, channels, grid, forcefield, exact)
    else:
        labels = pd.read_csv(options.labels, index_col="id")[options.column].to_dict()
        compare(structures, channel, grid, forcefield, labels)


if __name__ == "__main__":
    main()
