"""What planning costs as the database grows: dry runs of a study of 10^3 to 10^6 structures.

Usage: python tests/benchmarks/bench_scale.py [--structures N ...] [--repeats 3] [--json table.json]

Of each number of structures a study of three models at seven sizes is planned in a folder of its own:
first when nothing is there yet, then when everything is ("nothing to be done"), then one of its
voxelisation jobs is planned as a cluster would do it. The manifest is written as the structures stage
would write it; all other files are empty, and `snakemake --touch` vouches for them.
"""

import argparse
import hashlib
import json
import multiprocessing
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

from porevox import keys, layout, plan
from porevox.files.packs import _write_tables, pack_name
from porevox.files.shards import plan as plan_shards
from porevox.files.sources import Record, Scan

ROOT = Path(__file__).resolve().parents[2]
SIZES = ("1%", "2%", "5%", "10%", "20%", "50%", "100%")
COLUMNS = ("structures", "run", "jobs", "wall_s", "cpu_s", "peak_MB")


def settings(n: int, structures: dict) -> dict:
    """Configuration of a study of n structures."""
    labels = {"path": "labels.csv"}
    big = {
        "structures": structures,
        "n_structures": n,
        "tables": [{"file": labels}],
        "targets": {"uptake": {"unit": "mmol/g"}},
        "descriptors": ["density"],
    }
    study = {
        "dataset": "big",
        "target": "uptake",
        "grid": "thesis",
        "sizes": list(SIZES),
        "models": ["retnet", "rf", "mean"],
    }
    return {"run": ["big"], "datasets": {"big": big}, "studies": {"big": study}}


def completed(config: dict) -> dict:
    """The configuration as the workflow sees it."""
    shipped = yaml.safe_load((ROOT / "config.yaml").read_text())
    for section in ("datasets", "studies"):
        shipped[section] = {**shipped.get(section, {}), **config[section]}
    return plan.load({**shipped, "run": config["run"]})


def snakemake(folder: Path, *arguments: str) -> tuple[dict, str]:
    """Run it in a folder; return what it cost and what it printed."""
    command = [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile"), "--directory", str(folder)]
    command += ["--configfile", str(folder / "my.yaml"), "--cores", "2", *arguments]
    with tempfile.TemporaryFile("w+") as output:
        start = time.perf_counter()
        child = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, cwd=folder)
        _, status, used = os.wait4(child.pid, 0)
        cost = {
            "wall_s": round(time.perf_counter() - start, 2),
            "cpu_s": round(used.ru_utime + used.ru_stime, 2),
            "peak_MB": round(used.ru_maxrss / 1e3),
        }
        output.seek(0)
        said = output.read()
    # the closing words of a touched run look into files that are empty here
    if status and "(100%) done" not in said:
        raise SystemExit(f"{' '.join(command)} failed:\n{said[-3000:]}")
    return cost, said


def cheapest(repeats: int, folder: Path, *arguments: str) -> tuple[dict, str]:
    """The run that cost least of several: the machine may be busy with other things."""
    runs = [snakemake(folder, *arguments) for _ in range(repeats)]
    return min(runs, key=lambda run: run[0]["cpu_s"])


def start(folder: Path, n: int, structures: dict) -> dict:
    """Write configuration and labels."""
    config = settings(n, structures)
    (folder / "my.yaml").write_text(yaml.safe_dump(config))
    (folder / "labels.csv").write_text("id,uptake,density\nmof0000000,1,1\n")
    return config


def write_manifest(folder: Path, config: dict, n: int) -> None:
    """What the structures stage leaves, with empty packs."""
    records = []
    for k in range(n):
        id = f"mof{k:07d}"
        records.append(Record(id, f"cifs/{id}.cif", 9000, hashlib.sha256(id.encode()).hexdigest()))
    found = Scan(Path("big.tar.gz"), tuple(records), ())
    os.chdir(folder)  # paths of results are relative
    whole = completed(config)
    shards = plan_shards(found, None, n_shards_of(whole), 1000)
    by_shard = [[] for _ in range(shards.n_shards)]
    for record in records:
        by_shard[shards.assignment[record.id]].append(record)
    home = folder / layout.structures_dir("big")
    home.mkdir(parents=True)
    _write_tables(home, shards, found, by_shard)
    for number in range(shards.n_shards):
        (home / pack_name(number)).touch()
    (home / "key.txt").write_text(keys.structures_key(whole, "big", keys.code(("structures",))) + "\n")


def n_shards_of(config: dict) -> int:
    """Number of shards that the workflow will ask for."""
    entry = config["datasets"]["big"]
    return layout.n_shards(entry["n_structures"], entry["shard_size"])


def finish(folder: Path) -> None:
    """Put an empty file wherever the workflow wants one, and let it believe in them."""
    said = snakemake(folder, "--summary")[1]
    for line in said.splitlines():
        path = folder / line.split("\t")[0]
        if line.startswith("results/") and not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            # the one file whose content is asked for before a run
            path.write_text('{"key": "another"}' if path.name == "dataset.json" else "")
    snakemake(folder, "--touch", "--forceall")


def measure(n: int, repeats: int) -> list[dict]:
    """Cost of the three runs for n structures."""
    rows = []
    with tempfile.TemporaryDirectory(prefix="scale-") as name:
        folder = Path(name)
        # an archive that is not here: what it holds is known from the entry
        config = start(folder, n, {"urls": ["https://example.org/big.tar.gz"], "sha256": "0" * 64})
        cost, said = cheapest(repeats, folder, "-n")
        rows.append({"structures": n, "run": "first dry run", "jobs": n_jobs(said), **cost})
        # by a process of its own: the peak memory of a child counts that of its parent at the start
        writer = multiprocessing.get_context("spawn").Process(target=write_manifest, args=(folder, config, n))
        writer.start()
        writer.join()
        if writer.exitcode:
            raise SystemExit("the manifest could not be written")
        finish(folder)
        cost, said = cheapest(repeats, folder, "-n")
        if "Nothing to be done" not in said:
            raise SystemExit(f"There is something to be done:\n{said[-3000:]}")
        rows.append({"structures": n, "run": "nothing to be done", "jobs": 0, **cost})
        cost = cheapest(repeats, folder, *as_a_job(folder))[0]
        rows.append({"structures": n, "run": "a job's own planning", "jobs": 1, **cost})
    return rows


def as_a_job(folder: Path) -> list[str]:
    """Arguments with which an executor plans one voxelisation, but that nothing is run."""
    shard = next(folder.glob("results/voxels/big/*/*/*/shard0"))
    target = str((shard / "energies.npy").relative_to(folder))
    wildcards = dict(zip(("grid", "channel", "key"), shard.relative_to(folder).parts[3:6], strict=True))
    wildcards |= {"dataset": "big", "shard": "0"}
    named = ",".join(f"{key}={value}" for key, value in wildcards.items())
    options = ["--mode", "remote", "--target-jobs", f"voxels:{named}", "--allowed-rules", "voxels", "-n"]
    return [*options, "--nolock", "--force", target]


def n_jobs(said: str) -> int:
    found = re.search(r"^total\s+(\d+)", said, re.M)
    return int(found.group(1)) if found else 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--structures", type=int, nargs="+", default=[10**3, 10**4, 10**5, 324_426, 10**6])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    print("| " + " | ".join(COLUMNS) + " |\n|" + "---|" * len(COLUMNS))
    rows = []
    for n in options.structures:
        for row in measure(n, options.repeats):
            print("| " + " | ".join(str(row[column]) for column in COLUMNS) + " |", flush=True)
            rows.append(row)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
