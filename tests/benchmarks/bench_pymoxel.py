"""Time and compare this project with pymoxel on the same structures, in one run; by hand.

    pip install pymoxel
    python tests/benchmarks/bench_pymoxel.py CIF... [--n 25] [--kind mic_supercell]

Both get the same coordinates, the same Lennard-Jones parameters (pymoxel's) and one core. Reading
the CIF is timed for neither. Ratios are what counts on a shared machine.
"""

import argparse
import contextlib
import io
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "workflow" / "lib"))

from porevox.crystal.cif import ReadingPolicy, read_cif
from porevox.energy.forcefield import ForceField
from porevox.energy.grid import KINDS, GridSpec
from porevox.energy.lennard_jones_channel import LennardJonesChannel

TEMPERATURE_K = 298.0


def theirs(structure, grid):
    """Energies and CPU seconds of pymoxel."""
    from moxel.utils import Grid
    from pymatgen.core import Lattice
    from pymatgen.core import Structure as PymatgenStructure

    reference = Grid(grid.n)
    reference.structure = PymatgenStructure(Lattice(structure.lattice_A), structure.elements, structure.frac)
    box = grid.box_length_A if grid.kind == "cubic_box" else None
    start = time.perf_counter()
    with contextlib.redirect_stderr(io.StringIO()):
        values = reference.calculate(cubic_box=box, n_jobs=1)
    return np.asarray(values, dtype=np.float64), time.perf_counter() - start


def ours(structure, grid, forcefield, repeats=5):
    """Energies and seconds of this project, the shortest of a few calls."""
    channel, best = LennardJonesChannel(), np.inf
    for _ in range(repeats):
        start = time.perf_counter()
        values = channel.compute(structure, grid, forcefield).values
        best = min(best, time.perf_counter() - start)
    return values, best


def parameters():
    """Lennard-Jones parameters of pymoxel as a force field."""
    from moxel.utils import lj_params

    epsilon = {element: values[0] for element, values in lj_params.items()}
    sigma = {element: values[1] for element, values in lj_params.items()}
    return ForceField("pymoxel", sigma, epsilon, "")


def compare(path, grid, forcefield):
    """One line of the table, and both times."""
    structure = read_cif(path.read_bytes(), path.stem, ReadingPolicy("full", "merge"))
    mine, fast = ours(structure, grid, forcefield)
    reference, slow = theirs(structure, grid)
    with np.errstate(over="ignore", under="ignore"):
        factors = np.exp(-mine / TEMPERATURE_K), np.exp(-reference / TEMPERATURE_K)
    apart = np.abs(factors[0] - factors[1]) / np.maximum(factors[1], 1e-300)
    apart = apart[factors[1] > 1e-30].max(initial=0.0)
    print(
        f"{path.stem[:32]:<32}{structure.n_atoms:>7}{slow:>11.3f}{fast * 1e3:>11.3f}"
        f"{slow / fast:>9.0f}{apart:>12.1e}",
        flush=True,
    )
    return slow, fast


def main():
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cifs", type=Path, nargs="+")
    parser.add_argument("--n", type=int, default=25)
    parser.add_argument("--kind", choices=KINDS, default="mic_supercell")
    options = parser.parse_args()
    grid, forcefield = GridSpec(options.kind, options.n), parameters()
    first = read_cif(options.cifs[0].read_bytes(), "first", ReadingPolicy("full", "merge"))
    ours(first, grid, forcefield, 1)  # compile, or load
    print(f"grid {grid}")
    print(f"{'structure':<32}{'atoms':>7}{'pymoxel s':>11}{'ours ms':>11}{'ratio':>9}{'rel. diff.':>12}")
    times = np.array([compare(path, grid, forcefield) for path in options.cifs])
    total = times.sum(axis=0)
    print(f"{'all':<39}{total[0]:>11.3f}{total[1] * 1e3:>11.3f}{total[0] / total[1]:>9.0f}")


if __name__ == "__main__":
    main()
