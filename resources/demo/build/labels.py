"""Label every finished structure: one gcmc.py process each, until the builder is done."""

import argparse
import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from common import UFF_CSV, write_json

INITIALISATION, PRODUCTION = 500, 1500  # cycles
SEED_OFFSET = 1_000_000  # seed of a label: this plus the structure's attempt index
LIMIT_S = 300


def run_gcmc(cif, seed, uff_csv, cycles=(INITIALISATION, PRODUCTION)):
    """Simulate one structure in a process of its own.

    Parameters
    ----------
    cif : Path
        Shipped structure.
    seed : int
        Seed of the Markov chain.
    uff_csv : Path
        Force-field table.
    cycles : tuple of 2 ints
        Initialisation and production cycles.

    Returns
    -------
    dict
        The record of `gcmc.simulate`, with wall_s, or {"error": ...}.
    """
    script = Path(__file__).with_name("gcmc.py")
    command = [sys.executable, str(script), str(cif), "--seed", str(seed), "--uff", str(uff_csv)]
    command += ["--initialisation", str(cycles[0]), "--production", str(cycles[1])]
    begin = time.monotonic()
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S)
    except subprocess.TimeoutExpired:
        return {"error": f"no result within {LIMIT_S} s", "seed": seed}
    lines = [x for x in done.stdout.splitlines() if x.startswith("RESULT ")]
    if not lines:
        return {"error": f"exit code {done.returncode}: {done.stderr[-500:]}", "seed": seed}
    record = json.loads(lines[-1].removeprefix("RESULT "))
    return record | {"wall_s": round(time.monotonic() - begin, 2)}


def label(cif, work, uff_csv):
    """Simulate `cif` with the seed of its attempt and store the record."""
    attempt = json.loads((work / "provenance" / f"{cif.stem}.json").read_text())["attempt"]
    record = run_gcmc(cif, SEED_OFFSET + attempt, uff_csv)
    write_json(work / "labels" / f"{cif.stem}.json", record)


def unlabelled(work):
    """CIFs without a label, oldest attempt first."""
    return [
        cif
        for cif in sorted((work / "cifs").glob("*.cif"))
        if not (work / "labels" / f"{cif.stem}.json").exists()
    ]


def run(work, jobs, uff_csv):
    """Label what there is, wait for more, end when the builder has ended or `work/stop`."""
    (work / "labels").mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(jobs) as pool:
        while not (work / "stop").exists():
            over = (work / "structures.done").exists()
            waiting = unlabelled(work)[: 4 * jobs]
            list(pool.map(lambda cif: label(cif, work, uff_csv), waiting))
            if over and not waiting:
                return
            if not waiting:
                time.sleep(2.0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--uff", type=Path, default=UFF_CSV)
    args = parser.parse_args()
    run(args.work, args.jobs, args.uff)
