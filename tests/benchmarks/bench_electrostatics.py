"""Time the Ewald sum on real structures with charges; by hand, never part of the tests.

    python tests/benchmarks/bench_electrostatics.py FOLDER_OR_ARCHIVE [--limit 100] [--n 25]
        [--kind mic_supercell] [--accuracy 1e-4] [--evaluations 50]

CPU time, the shortest of three. The second line is for a potential that is evaluated often, as a
guest's orientations ask for. The error is that at all points, against an accuracy of 1e-6 V.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "workflow" / "lib"))

from porevox.crystal.cif import read_cif
from porevox.energy.ewald import EwaldPotential, memory_MB
from porevox.energy.grid import KINDS, GridSpec, distinct_points
from porevox.errors import StructureRejected
from porevox.files import sources

SHIFT_A = np.array([0.3, 0.2, 0.1])


def shortest_ms(work, repeats=3):
    """Result and shortest CPU time of several calls."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        result = work()
        times.append(1e3 * (time.process_time() - start))
    return result, min(times)


def peak_MB():
    """Largest memory of this process so far; NaN where the system does not tell."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return float("nan")
    return next(float(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024 / 1e6


def structures(source, limit):
    """The first structures of a source that carry usable charges."""
    found = []
    for id, member in sources.structures(source, []):
        try:
            structure = read_cif(member.read(), id)
            EwaldPotential(structure, distinct_points(GridSpec("unit_cell", 2), structure.lattice_A, 10.0))
        except StructureRejected as rejection:
            print(f"  {id}: {rejection.code}", file=sys.stderr)
            continue
        found.append(structure)
        if len(found) == limit:
            break
    return found


def report(chosen, grid, accuracy, evaluations):
    """One line: mean and largest times, and the largest error."""
    rows = []
    for structure in chosen:
        points = distinct_points(grid, structure.lattice_A, 10.0)
        ewald, once = shortest_ms(lambda s=structure, p=points: EwaldPotential(s, p, accuracy, evaluations))
        values, at = shortest_ms(lambda e=ewald: e.at(SHIFT_A))
        exact = EwaldPotential(structure, points, 1e-6).at(SHIFT_A)
        finite = np.isfinite(exact) & np.isfinite(values)
        error = np.abs(values[finite] - exact[finite]).max()
        rows.append((once, at, once + at, memory_MB(structure, points, accuracy, evaluations), error))
    table = np.array(rows)
    for name, column in zip(("construct, ms", ".at(), ms", "both, ms", "memory, MB"), table.T, strict=False):
        mean, median = f"mean {column.mean():8.3f}", f"median {np.median(column):8.3f}"
        print(f"  {name:14s} {mean}  {median}  max {column.max():8.3f}")
    print(f"  largest error {table[:, 4].max():.1e} V")


def main():
    """Read the command line and time."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("--limit", type=int, default=100)
    parser.add_argument("--n", type=int, default=25)
    parser.add_argument("--kind", choices=KINDS, default="mic_supercell")
    parser.add_argument("--accuracy", type=float, default=1e-4)
    parser.add_argument("--evaluations", type=int, default=50)
    options = parser.parse_args()
    chosen = structures(options.source, options.limit)
    atoms = np.mean([structure.n_atoms for structure in chosen])
    print(f"{len(chosen)} structures of {atoms:.0f} atoms on average, {options.kind}, n = {options.n}")
    before = peak_MB()
    for evaluations in (1, options.evaluations):
        print(f"for {evaluations} evaluation(s):")
        report(chosen, GridSpec(options.kind, options.n), options.accuracy, evaluations)
    print(f"the process grew by {peak_MB() - before:.0f} MB")


if __name__ == "__main__":
    main()
