"""What a voxelisation job costs beside its structures: the demo in few shards against the demo in many.

Usage: python tests/benchmarks/bench_jobs.py [--shards 1 9] [-- further arguments of snakemake]

On a cluster: python tests/benchmarks/bench_jobs.py --folder SHARED -- --profile $PWD/profiles/slurm --jobs 1

The same structures are voxelised one job after the other, with one core each; the time that every further
job adds is its overhead: the start of an interpreter, libraries and compiled kernels, on a cluster also the
submission, the wait for the next look at the queue, and the planning that every job repeats. CPU time is
that of all processes on this machine; what a job uses on another node, `sacct -o JobID,Elapsed,CPUTime` says.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
N_DEMO = 1041


def configure(folder: Path, n_shards: int, n_grid: int) -> None:
    """A study of the demo in so many shards."""
    demo = yaml.safe_load((ROOT / "resources" / "datasets.yaml").read_text())["demo"]
    demo["shard_size"] = -(-N_DEMO // n_shards)
    config = {
        "run": ["demo"],
        "datasets": {"demo": demo},
        "grids": {"bench": {"kind": "mic_supercell", "n": n_grid}},
        "studies": {"demo": {"grid": "bench"}},
    }
    (folder / "my.yaml").write_text(yaml.safe_dump(config))


def snakemake(folder: Path, *arguments: str) -> tuple[float, float]:
    """Run it; return wall and CPU time in seconds."""
    command = [sys.executable, "-m", "snakemake", *arguments]
    command += ["-s", str(ROOT / "Snakefile"), "--directory", str(folder)]
    # last: it takes all that follows
    command += ["--configfile", str(folder / "my.yaml")]
    begun = time.perf_counter()
    with open(folder / "said.log", "a+") as said:
        child = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT, cwd=folder)
        _, status, used = os.wait4(child.pid, 0)
        if status:
            said.seek(0)
            raise SystemExit(said.read()[-4000:])
    return time.perf_counter() - begun, used.ru_utime + used.ru_stime


def measure(n_shards: int, n_grid: int, parent: Path | None, extra: list[str]) -> tuple[int, float, float]:
    """Voxelisation jobs, and wall and CPU time (s) of the run."""
    with tempfile.TemporaryDirectory(prefix="jobs-", dir=parent) as name:
        folder = Path(name)
        configure(folder, n_shards, n_grid)
        arguments = extra if any(word.startswith("--profile") for word in extra) else [*extra, "--cores", "1"]
        target = "results/demo/split0/dataset/dataset.json"
        snakemake(folder, target, "--until", "structures", *arguments)
        # and the dataset, which costs the same in both runs
        spent = snakemake(folder, target, "--set-threads", "voxels=1", *arguments)
        jobs = len(re.findall(r"^(?:local)?rule voxels:", (folder / "said.log").read_text(), re.M))
        return jobs, *spent


def main() -> None:
    """Measure two numbers of shards, and print the difference per job."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shards", type=int, nargs=2, default=[1, 9])
    parser.add_argument("--grid", type=int, default=25)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="shared by all nodes of a cluster")
    parser.add_argument("extra", nargs="*", help="further arguments of snakemake")
    options = parser.parse_args()
    found = []
    for n_shards in options.shards:
        runs = [
            measure(n_shards, options.grid, options.folder, options.extra) for _ in range(options.repeats)
        ]
        found.append(min(runs, key=lambda run: run[2]))
        print(f"{found[-1][0]} jobs: {found[-1][1]:.1f} s wall, {found[-1][2]:.1f} s CPU", flush=True)
    (few, wall_0, cpu_0), (many, wall_1, cpu_1) = found
    wall_s, cpu_s = (wall_1 - wall_0) / (many - few), (cpu_1 - cpu_0) / (many - few)
    print(f"a job costs {wall_s:.2f} s wall, {cpu_s:.2f} s CPU")


if __name__ == "__main__":
    main()
