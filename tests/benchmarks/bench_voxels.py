"""Time the stage *voxels* on real structures; by hand, never part of the tests.

    python tests/benchmarks/bench_voxels.py FOLDER_OR_ARCHIVE [--limit 500] [--n 25] [--workers 1]

Everything is timed in one run on the same structures, so that the ratios mean something on a
shared machine. CPU time is this process' own; with more than one worker only wall time counts.
"""

import argparse
import json
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "workflow" / "lib"))

from porevox.crystal.cif import ReadingPolicy, read_cif
from porevox.energy.forcefield import load_forcefield
from porevox.energy.grid import GridSpec, distinct_points
from porevox.energy.lennard_jones_channel import LennardJonesChannel
from porevox.errors import StructureRejected
from porevox.structures import build_packs, read_pack
from porevox.voxels import voxelise_shard

UFF = Path(__file__).resolve().parents[2] / "resources" / "forcefields" / "uff.csv"


class Clock:
    """Wall and CPU time of the stages, seconds."""

    def __init__(self):
        self.spent = {}

    @contextmanager
    def __call__(self, stage):
        wall, cpu = time.perf_counter(), time.process_time()
        try:
            yield
        finally:
            self.spent[stage] = (time.perf_counter() - wall, time.process_time() - cpu)


def parse_all(items, policy):
    """Read every CIF; return the structures and how many were rejected."""
    structures, rejected = [], 0
    for id, content in items:
        try:
            structures.append(read_cif(content, id, policy))
        except StructureRejected:
            rejected += 1
    return structures, rejected


def pairs(structures, grid, channel):
    """Mean number of (distinct point, image within the cutoff) pairs per structure."""
    counts = []
    for structure in structures:
        points = np.prod(distinct_points(grid, structure.lattice_A, channel.cutoff_A).counts)
        density = len(structure.elements) / structure.volume_A3
        counts.append(points * density * 4.0 / 3.0 * np.pi * channel.cutoff_A**3)
    return float(np.mean(counts))


def run(source, grid, workers, limit):
    """Time every stage; print a table."""
    clock, channel, policy = Clock(), LennardJonesChannel(), ReadingPolicy()
    forcefield = load_forcefield(UFF)
    with tempfile.TemporaryDirectory() as folder:
        packs = Path(folder) / "packs"
        with clock("pack"):
            build_packs(source, packs, shard_size=limit)
        pack = sorted(packs.glob("shard*.zip"))[0]
        items = list(read_pack(pack))
        with clock("compile or load the kernel"):
            voxelise_first(items, grid, channel, forcefield, policy)
        with clock("parse"):
            structures, rejected = parse_all(items, policy)
        with clock("energies"):
            for structure in structures:
                channel.compute(structure, grid, forcefield)
        with clock("end to end"):
            summary = voxelise_shard(
                pack, Path(folder) / "out", grid.to_dict(), channel.to_dict(), {}, UFF, 8000, workers
            )
    print(f"{len(items)} CIFs, {rejected} rejected; grid {grid}; {workers} worker(s)")
    report(clock, len(items), pairs(structures, grid, channel))
    print(json.dumps({key: summary[key] for key in ("n_structures", "n_rejected", "wall_time_s")}))


def voxelise_first(items, grid, channel, forcefield, policy):
    """Compute one structure, which loads or compiles everything."""
    for id, content in items:
        try:
            return channel.compute(read_cif(content, id, policy), grid, forcefield)
        except StructureRejected:
            continue
    raise SystemExit("no structure could be read")


def report(clock, n, n_pairs):
    """Print ms per structure and each stage's part of the whole."""
    whole = clock.spent["end to end"]
    print(f"{'stage':<28}{'wall ms':>10}{'CPU ms':>10}{'wall/whole':>12}")
    for stage, (wall, cpu) in clock.spent.items():
        scale = 1000.0 if stage.startswith("compile") else 1000.0 / n
        print(f"{stage:<28}{wall * scale:>10.3f}{cpu * scale:>10.3f}{wall / whole[0]:>12.3f}")
    cpu = clock.spent["energies"][1] / n
    print(f"{n / whole[0]:.0f} structures/s wall, {n / max(whole[1], 1e-9):.0f} per CPU second")
    print(f"{n_pairs / 1e6:.2f} million pairs within the cutoff, {cpu / n_pairs * 1e9:.3f} ns each")


def main():
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path, help="folder or archive of CIFs")
    parser.add_argument("--limit", type=int, default=500, help="structures in the timed shard")
    parser.add_argument("--n", type=int, default=25)
    parser.add_argument("--kind", default="mic_supercell")
    parser.add_argument("--endpoint", action="store_true")
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    grid = GridSpec(options.kind, options.n, options.endpoint)
    run(options.source, grid, options.workers, options.limit)


if __name__ == "__main__":
    main()
