"""A rehearsal at scale: a database like Ottawa's, made on the fly, from HTTP download to a trained network.

Usage: python tests/benchmarks/rehearsal.py [--structures 5000 20000] [--size 1000] [--epochs 2] [--cores 2]

Frameworks of the demo are strained and shaken into as many new ones as wanted, written as the CIFs of the
Ottawa database are (a header line that breaks CIF's syntax, charges inside the loop of atoms, names with
dots), and served with a table of labels by a real HTTP server on loopback. The workflow then runs as a user
would run it. Reported per number of structures: wall time and peak memory of every stage, the number of
files made, and what 324,426 structures would take.
"""

import argparse
import csv
import functools
import hashlib
import http.server
import io
import json
import math
import os
import random
import re
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from pathlib import Path

import yaml

from porevox import layout

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "resources" / "demo"
OTTAWA = 324_426
TARGET = "CO2_uptake_P0.15bar_T298K [mmol/g]"
#: Columns of the official table that the models of the paper look at.
DESCRIPTORS = {
    "volume [A^3]": lambda row: 4000 * float(row["density_g_per_cm3"]),
    "weight [u]": lambda row: 2400 * float(row["density_g_per_cm3"]),
    "surface_area [m^2/g]": lambda row: float(row["gravimetric_surface_area_m2_per_g"]),
    "void_fraction": lambda row: float(row["void_fraction"]),
    "void_volume [cm^3/g]": lambda row: float(row["void_fraction"]) / float(row["density_g_per_cm3"]),
    "largest_free_sphere_diameter(PLD)[A]": lambda row: float(row["PLD_A"]),
    "largest_included_sphere_along_free_sphere_path_diameter(LCD)[A]": lambda row: float(row["LCD_A"]),
    "largest_included_sphere_diameter(GLD)[A]": lambda row: float(row["LCD_A"]),
}
ATOM = re.compile(r"^(\w+) ([A-Z][a-z]?) (-?[\d.]+) (-?[\d.]+) (-?[\d.]+)\s*$", re.M)


def frameworks() -> list[tuple[str, dict, list]]:
    """Name, cell and atoms of the frameworks of the demo."""
    found = []
    with tarfile.open(DEMO / "cifs.tar.gz") as archive:
        for member in archive:
            if member.isfile():
                text = archive.extractfile(member).read().decode()
                cell = {key: float(value) for key, value in re.findall(r"^_cell_(\w+) ([\d.]+)$", text, re.M)}
                found.append((Path(member.name).stem, cell, ATOM.findall(text)))
    return sorted(found, key=lambda framework: framework[0])


def ottawa_cif(name: str, cell: dict, atoms: list, rng: random.Random) -> str:
    """A strained and shaken framework in the style of the database's files."""
    lines = [f"data_{name}", "_audit_creation_date              2012-12-10T17:58:14-0500"]
    lines += ["_audit_creation_method            fapswitch 2.2", "_symmetry_space_group_name_H-M    P1"]
    lines += ["_symmetry_Int_Tables_number       1", "_space_group_crystal_system       triclinic"]
    lines += [
        f"_cell_{key:<28}{value * (rng.uniform(0.97, 1.03) if key.startswith('length') else 1):.6f}"
        for key, value in cell.items()
    ]
    lines += ["", "loop_", "_atom_site_label", "_atom_site_type_symbol", "_atom_type_description"]
    lines += [f"_atom_site_fract_{axis}" for axis in "xyz"] + ["_atom_type_partial_charge"]
    for label, element, *place in atoms:
        shaken = " ".join(f"{float(x) + rng.gauss(0, 0.002):.6f}" for x in place)
        lines.append(f"{label:<5} {element:<5} {element + '_R':<3} {shaken} {rng.gauss(0, 0.3):.6f}")
    return "\n".join(lines) + "\n"


def write_database(folder: Path, n: int, seed: int = 0) -> None:
    """Write ``cifs.tar.gz`` and ``screening.csv`` of n structures; one CIF in memory at a time."""
    rng, templates = random.Random(seed), frameworks()
    with open(DEMO / "labels.csv", newline="") as labels, open(DEMO / "descriptors.csv", newline="") as table:
        uptakes = {
            row["id"]: float(row["CH4_uptake_5.8bar_298K_mmol_per_g"]) for row in csv.DictReader(labels)
        }
        known = {row["id"]: row for row in csv.DictReader(table)}
    with (
        tarfile.open(folder / "cifs.tar.gz", "w:gz", compresslevel=1) as archive,
        open(folder / "screening.csv", "w", newline="") as screening,
    ):
        writer = csv.writer(screening)
        writer.writerow(["MOFname", TARGET, *DESCRIPTORS, "functional_groups", "topology"])
        for k in range(n):
            source, cell, atoms = templates[k % len(templates)]
            name = f"str_m{1 + k % 9}_o{1 + k % 28}_o{1 + k % 23}_pcu_sym.{k}"
            content = ottawa_cif(name, cell, atoms, rng).encode()
            info = tarfile.TarInfo(f"CIFs/{name}.cif")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
            values = [column(known[source]) for column in DESCRIPTORS.values()]
            if k % 500 == 0:
                values[4] = "inf"  # the official table has such rows
            writer.writerow([name, uptakes[source] * rng.uniform(0.95, 1.05), *values, "", "pcu"])


class Silent(http.server.SimpleHTTPRequestHandler):
    """Serves a folder without a word."""

    def log_message(self, *_):
        """Say nothing."""


def configuration(folder: Path, address: str, n: int, size: int, epochs: int) -> dict:
    """A study of the database; a tenth of it is for the test."""
    archive, table = (
        {"urls": [f"{address}/{name}"], "sha256": hashlib.sha256((folder / name).read_bytes()).hexdigest()}
        for name in ("cifs.tar.gz", "screening.csv")
    )
    dataset = {
        "structures": archive,
        "n_structures": n,
        "tables": [{"file": table, "id_column": "MOFname"}],
        "targets": {TARGET: {"unit": "mmol/g"}},
        "descriptors": list(DESCRIPTORS),
    }
    study = {
        "dataset": "rehearsed",
        "target": TARGET,
        "grid": "thesis",
        "sizes": [size],
        "models": ["retnet", "rf", "mean"],
        "split": {"test": n // 10, "validation": n // 20},
        "bootstrap": {"resamples": 1000},
    }
    models = {"retnet": {"epochs": epochs}}
    shared = {"datasets": {"rehearsed": dataset}, "studies": {"rehearsed": study}, "models": models}
    return {"run": ["rehearsed"], **shared}


def run_workflow(project: Path, cores: int) -> tuple[float, float]:
    """Run it to the end; return wall time (s) and the peak memory (MB) of snakemake's own process."""
    command = [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile"), "--directory", str(project)]
    command += ["--configfile", str(project / "my.yaml"), "--cores", str(cores)]
    start = time.perf_counter()
    with open(project / "said.log", "w") as said:
        child = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT, cwd=project)
        peak_MB = 0.0
        while child.poll() is None:
            peak_MB = max(peak_MB, status_MB(child.pid, "VmHWM"))
            time.sleep(0.5)
    if child.returncode:
        raise SystemExit(f"the workflow failed:\n{(project / 'said.log').read_text()[-4000:]}")
    return time.perf_counter() - start, peak_MB


def status_MB(pid: int, field: str) -> float:
    """A number of kB of /proc/<pid>/status in MB; 0 when the process is gone."""
    try:
        found = re.search(rf"^{field}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.M)
    except OSError:
        return 0.0
    return int(found.group(1)) / 1e3 if found else 0.0


class Watch(threading.Thread):
    """Peak anonymous memory (MB) of scripts, by rule: what a job holds beyond the page cache.

    All processes below this one are looked at three times a second; a job and its workers count together.
    """

    def __init__(self):
        super().__init__(daemon=True)
        self.peaks_MB: dict[str, float] = {}
        self.over = False

    def run(self):
        """Look until told to stop."""
        while not self.over:
            for rule, held_MB in self.held().items():
                self.peaks_MB[rule] = max(held_MB, self.peaks_MB.get(rule, 0.0))
            time.sleep(0.3)

    def held(self) -> dict[str, float]:
        """Anonymous memory of the scripts that run now."""
        parents, rules = {}, {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                pid = int(entry.name)
                try:
                    stat = (entry / "stat").read_text().rpartition(")")[2].split()
                    words = (entry / "cmdline").read_bytes().split(b"\0")
                except OSError:
                    continue
                parents[pid] = int(stat[1])
                script = next((w for w in words if re.search(rb"/tmp\w+\.\w+\.py$", w)), None)
                if script:
                    rules[pid] = script.rpartition(b"/")[2].split(b".")[1].decode()
        held: dict[str, float] = {}
        for pid in parents:
            line = list(ancestry(pid, parents))
            owner = next((rules[p] for p in line if p in rules), None)
            if owner and os.getpid() in line:
                held[owner] = held.get(owner, 0.0) + status_MB(pid, "RssAnon")
        return held


def ancestry(pid: int, parents: dict[int, int]):
    """A process and those above it."""
    while pid in parents:
        yield pid
        pid = parents[pid]


def stages(project: Path) -> dict[str, dict]:
    """Wall time of every rule: from the start of its first job to the end of its last, and its CPU time."""
    found: dict[str, dict] = {}
    for path in sorted((project / "results" / "benchmarks").rglob("*.tsv")):
        rows = list(csv.DictReader(path.open(), delimiter="\t"))
        rule = path.relative_to(project / "results" / "benchmarks").parts[0]
        entry = found.setdefault(rule, {"jobs": 0, "wall_s": 0.0, "cpu_s": 0.0})
        entry["jobs"] += 1
        for row in rows:
            entry["wall_s"] += float(row["s"])
            entry["cpu_s"] += float(row["cpu_time"]) if row["cpu_time"] not in ("NA", "-") else 0.0
    return found


def spans(project: Path) -> dict[str, float]:
    """Seconds between the start and the end of the jobs of every rule, from snakemake's words."""
    said, begun, found = (project / "said.log").read_text(), {}, {}
    clock = None
    for line in said.splitlines():
        if match := re.match(r"^\[(\w{3} \w{3} +\d+ [\d:]+ \d{4})\]$", line):
            clock = time.mktime(time.strptime(match.group(1), "%a %b %d %H:%M:%S %Y"))
        elif match := re.match(r"^(?:local)?(?:rule|checkpoint) (\w+):", line):
            rule = match.group(1)
        elif match := re.match(r"^\s+jobid: (\d+)", line):
            begun[match.group(1)] = rule, clock
        elif match := re.match(r"^Finished jobid: (\d+)", line):
            rule_of, since = begun[match.group(1)]
            found[rule_of] = found.get(rule_of, 0.0) + clock - since
    return found


def count_files(folder: Path) -> int:
    """Files below a folder."""
    return sum(len(names) for _, _, names in os.walk(folder))


def rehearse(n: int, size: int, epochs: int, cores: int, keep: Path | None) -> dict:
    """One rehearsal with n structures."""
    with tempfile.TemporaryDirectory(prefix="rehearsal-", dir=keep) as name:
        project = Path(name) / "project"
        served = Path(name) / "served"
        project.mkdir()
        served.mkdir()
        start = time.perf_counter()
        write_database(served, n)
        made_s = time.perf_counter() - start
        handler = functools.partial(Silent, directory=str(served))
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            address = f"http://127.0.0.1:{server.server_port}"
            config = configuration(served, address, n, size, epochs)
            (project / "my.yaml").write_text(yaml.safe_dump(config))
            watch = Watch()
            watch.start()
            wall_s, peak_MB = run_workflow(project, cores)
            watch.over = True
            server.shutdown()
        summary = json.loads((project / "results/rehearsed/split0/dataset/summary.json").read_text())
        return {
            "structures": n,
            "archive_MB": round((served / "cifs.tar.gz").stat().st_size / 1e6, 1),
            "making_the_database_s": round(made_s),
            "workflow_wall_s": round(wall_s),
            "planner_peak_MB": round(peak_MB),
            "usable": summary["n_usable"],
            "drops": summary["drops"],
            "rules_s": spans(project),
            "benchmarks": stages(project),
            "job_peaks_anonymous_MB": {rule: round(mb) for rule, mb in sorted(watch.peaks_MB.items())},
            "files_in_results": count_files(project / "results"),
            "files_in_dot_snakemake": count_files(project / ".snakemake"),
            "results_MB": round(sum(f.stat().st_size for f in project.rglob("*") if f.is_file()) / 1e6),
        }


def estimate(result: dict, cores: int = 32) -> dict:
    """What all of Ottawa would take on so many cores, stage by stage, from the CPU times of a rehearsal.

    Structures are packed by one process; shards are voxelised side by side, four cores each. Download,
    training and figures are not in it: they depend on the network, the device and the training-set sizes.
    """
    factor = OTTAWA / result["structures"]
    cpu_s = {rule: entry["cpu_s"] * factor for rule, entry in result["benchmarks"].items()}
    shards = layout.n_shards(OTTAWA)
    rounds = math.ceil(shards / max(1, min(shards, cores // 4)))
    return {
        "structures_s": round(cpu_s["structures"]),
        "voxels_cpu_s": round(cpu_s["voxels"]),
        "voxels_wall_s": round(rounds * cpu_s["voxels"] / shards / 4),
        "dataset_s": round(cpu_s["dataset"]),
        "results_GB": round(result["results_MB"] * factor / 1e3, 1),
    }


def main() -> None:
    """Rehearse, smallest first, and print everything as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--structures", type=int, nargs="+", default=[5000, 20_000])
    parser.add_argument("--size", type=int, default=1000)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="where the project lies while it runs (several GB)")
    options = parser.parse_args()
    for n in sorted(options.structures):
        result = rehearse(n, options.size, options.epochs, options.cores, options.folder)
        result["all_of_ottawa_on_32_cores"] = estimate(result)
        print(json.dumps(result, indent=1), flush=True)


if __name__ == "__main__":
    main()
