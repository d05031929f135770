"""Rebuild the demo dataset: assemble structures and simulate them side by side, then pack.

Without --target the shipped structures are made again, from the attempts in provenance.csv.
Every finished structure is kept, so a build that was killed goes on where it stopped.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from assemble import assemble
from common import ENVIRONMENT, SEED, UFF_CSV, write_atomic

HERE = Path(__file__).resolve().parent


def start(script, work, *options):
    """Start one of the build's scripts in `work` (PORMAKE writes runtime.log where it runs)."""
    command = [sys.executable, str(HERE / script), "--work", str(work), *map(str, options)]
    return subprocess.Popen(command, cwd=work, env=os.environ | ENVIRONMENT)


def build(work, out, options, streams, jobs, uff_csv=UFF_CSV):
    """Make structures and labels and write the dataset.

    Parameters
    ----------
    work : Path
        Folder for intermediate files; reused when it holds an unfinished build.
    out : Path
        Folder for the dataset.
    options : list of str
        What to assemble, in the words of structures.py.
    streams : int
        Processes that assemble structures.
    jobs : int
        Simulations at a time, besides the streams.
    uff_csv : Path
        Force-field table.

    Returns
    -------
    int
        Number of structures in the dataset.
    """
    work.mkdir(parents=True, exist_ok=True)
    over = work / "structures.done"
    over.unlink(missing_ok=True)
    shares = [["--stream", str(k), "--streams", str(streams)] for k in range(streams)]
    builders = [start("structures.py", work, *options, *share) for share in shares]
    labeller = start("labels.py", work, "--jobs", jobs, "--uff", uff_csv)
    try:
        for process in builders:
            check(process)
        write_atomic(over, "")
        check(labeller)
    finally:
        for process in (*builders, labeller):
            process.terminate()
    return assemble(work, out)


def check(process):
    """Wait for a script to end and refuse to go on when it failed."""
    if process.wait() != 0:
        raise RuntimeError(f"{process.args[1]} ended with exit code {process.returncode}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="intermediate files")
    parser.add_argument("--out", type=Path, help="dataset (default: WORK/dataset)")
    parser.add_argument("--target", type=int, help="draw so many structures anew")
    parser.add_argument("--seed", type=int, default=SEED, help="seed of the draw")
    parser.add_argument("--streams", type=int, default=2, help="processes that assemble")
    parser.add_argument("--jobs", type=int, default=2, help="simulations at a time")
    parser.add_argument("--uff", type=Path, default=UFF_CSV)
    args = parser.parse_args()
    folder, uff = args.work.resolve(), args.uff.resolve()
    out = (args.out or folder / "dataset").resolve()
    what = ["--seed", str(args.seed)]
    if args.target:
        what += ["--target", str(args.target)]
    else:
        what += ["--provenance", str(HERE.parent / "provenance.csv")]
    print(f"{build(folder, out, what, args.streams, args.jobs, uff)} structures")
