"""What is computed again when structures are added to a large database, or one is taken away.

Usage: python tests/benchmarks/bench_growth.py [--structures 100000] [--new 1000] [--cores 2]

Small frameworks of the demo are strained and shaken into as many as wanted, in a tar archive. The workflow
computes voxels on a coarse grid and the dataset; then 1,000 structures with names from all over the alphabet
are added, then one is removed. After each change the dry run and the run are shown, rule by rule, and how
many shards hold other energies than before.
"""

import argparse
import io
import json
import random
import re
import runpy
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
REHEARSAL = runpy.run_path(str(Path(__file__).with_name("rehearsal.py")))
TARGET = "results/grown/split0/dataset/dataset.json"
MOST_ATOMS = 60


def add_structures(archive: Path, labels: Path, names: list[str], seed: int) -> None:
    """Append structures to the archive, and their labels to the table."""
    rng = random.Random(seed)
    small = [found for found in REHEARSAL["frameworks"]() if len(found[2]) <= MOST_ATOMS]
    with tarfile.open(archive, "a") as file, labels.open("a") as table:
        for k, name in enumerate(names):
            _, cell, atoms = small[k % len(small)]
            content = REHEARSAL["ottawa_cif"](name, cell, atoms, rng).encode()
            info = tarfile.TarInfo(f"cifs/{name}.cif")
            info.size = len(content)
            file.addfile(info, io.BytesIO(content))
            table.write(f"{name},{rng.random():.4f}\n")


def remove_structure(archive: Path, name: str) -> None:
    """Write the archive again without one structure."""
    part = archive.with_suffix(".part")
    with tarfile.open(archive) as old, tarfile.open(part, "w") as new:
        for member in old:
            old.members.clear()
            if member.name != f"cifs/{name}.cif":
                new.addfile(member, old.extractfile(member))
    part.replace(archive)


def start(project: Path, n_grid: int) -> None:
    """Write the configuration."""
    dataset = {
        "structures": {"path": "cifs.tar"},
        "tables": [{"file": {"path": "labels.csv"}}],
        "targets": {"uptake": {}},
    }
    study = {"dataset": "grown", "target": "uptake", "grid": "coarse", "sizes": [100]}
    study |= {"models": ["retnet", "mean"], "compare": {"challenger": "retnet", "reference": "mean"}}
    grids = {"coarse": {"kind": "mic_supercell", "n": n_grid}}
    config = {"run": ["grown"], "datasets": {"grown": dataset}, "studies": {"grown": study}, "grids": grids}
    (project / "my.yaml").write_text(yaml.safe_dump(config))
    (project / "labels.csv").write_text("id,uptake\n")


def snakemake(project: Path, *arguments: str) -> tuple[str, float]:
    """Run it; return what it said and how long it took."""
    command = [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile"), "--directory", str(project)]
    command += ["--configfile", str(project / "my.yaml"), *arguments, TARGET]
    begun = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=project)
    if done.returncode:
        raise SystemExit(done.stdout[-4000:])
    return done.stdout, time.perf_counter() - begun


def jobs(said: str) -> dict[str, list[str]]:
    """Shards, or nothing, of the jobs of every rule that a run speaks of."""
    found: dict[str, list[str]] = {}
    for rule, body in re.findall(r"^(?:local)?(?:rule|checkpoint) (\w+):\n((?: .*\n)*)", said, re.M):
        shard = re.search(r"wildcards:.* shard=(\d+)", body)
        found.setdefault(rule, []).append(shard.group(1) if shard else "-")
    return found


def energies(project: Path) -> dict[str, str]:
    """Digest of every shard's energies."""
    records = sorted(project.glob("results/voxels/grown/*/*/*/*/shard.json"))
    return {record.parent.name: json.loads(record.read_text())["energies_sha256"] for record in records}


def show(project: Path, what: str, cores: int) -> None:
    """Dry run and run after a change, and what it changed."""
    before = energies(project)
    planned, planned_s = snakemake(project, "--cores", str(cores), "-n")
    said, run_s = snakemake(project, "--cores", str(cores))
    after = energies(project)
    changed = [shard for shard in after if after[shard] != before.get(shard)]
    shards = json.loads((project / "results/structures/grown/shards.json").read_text())["shards"]
    print(f"## {what}")
    print(f"dry run ({planned_s:.0f} s): {json.dumps(jobs(planned))}")
    print(f"run ({run_s:.0f} s): {json.dumps(jobs(said))}")
    print(f"structures per shard: {[shard['n'] for shard in shards.values()]}")
    print(f"shards with other energies than before: {changed}", flush=True)


def main() -> None:
    """Make a database, add to it, take from it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--structures", type=int, default=100_000)
    parser.add_argument("--new", type=int, default=1000)
    parser.add_argument("--grid", type=int, default=4)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="where the project lies while it runs")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="growth-", dir=options.folder) as name:
        project = Path(name)
        start(project, options.grid)
        archive, labels = project / "cifs.tar", project / "labels.csv"
        # every second number, so that what comes later falls in between
        add_structures(archive, labels, [f"mof{2 * k:07d}" for k in range(options.structures)], 0)
        show(project, f"{options.structures} structures", options.cores)
        chosen = sorted(random.Random(1).sample(range(options.structures), options.new))
        add_structures(archive, labels, [f"mof{2 * k + 1:07d}" for k in chosen], 1)
        show(project, f"{options.new} structures more", options.cores)
        remove_structure(archive, f"mof{2 * (options.structures // 2):07d}")
        show(project, "one structure less", options.cores)
        said, seconds = snakemake(project, "--cores", str(options.cores), "-n")
        print(f"## once more ({seconds:.0f} s)\n{'Nothing to be done' in said}")


if __name__ == "__main__":
    main()
