"""Training time of RetNet on this machine, CPU or GPU: floor, ours and the thesis-style loop; by hand.

    python tests/benchmarks/bench_training.py [--threads 2] [--samples M] [--json FILE]
    python tests/benchmarks/bench_training.py --curve                      (a GPU: train all 9 sizes)
    python tests/benchmarks/bench_training.py --accuracy DATASET_FOLDER [--size 2000] [--seeds 3]

A step is augmentation, forward pass, backward pass and Adam, in batches of 64, of one epoch over M
random structures. The thesis-style loop is a DataLoader that standardises and moves sample by
sample, a float32 network in PyTorch's default layout and arithmetic (on a GPU that is TF32 in
convolutions), and the loss read at every step. All ways take turns, each in a process of its own
(so they share the clock but not their settings), and the median round counts. Where other programs
share the cores, CPU time is the figure to compare: with T idle cores the wall clock is CPU time / T.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "workflow" / "lib"))

import training_cost  # noqa: E402
from training_accuracy import accuracy  # noqa: E402
from training_loops import THESIS, variants  # noqa: E402
from training_workers import Worker, write_samples  # noqa: E402

from porevox.learning.runinfo import hardware  # noqa: E402
from porevox.learning.torchsetup import gpu_facts, pick_device, torch_session  # noqa: E402

#: Training structures of the MOFs-CO2 dataset of the thesis, and the sizes of its learning curve.
EPOCH_SAMPLES = 32_432
CURVE_SIZES = (100, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 20_000, EPOCH_SAMPLES)
CURVE_EPOCHS = 50


def print_floor(given, device) -> list[dict]:
    """(a) What a sample's share of a step costs, and how fast the machine could be."""
    print(f"\n(a) floor, n = {given.n}: {training_cost.CONVENTION}")
    print(
        f"{'':10}{'GFLOP':>8}{'MB':>8}{'matmul':>10}{'conv.':>10}{'copy':>8}{'FLOP':>9}{'memory':>9}{'floor':>9}"
    )
    print(f"{'':10}{'':16}{'GFLOP/s':>10}{'GFLOP/s':>10}{'GB/s':>8}{'ms':>9}{'ms':>9}{'ms':>9}   per sample")
    rows = []
    for precision in ("float32", "bfloat16"):
        with torch_session(given.threads, device):
            row = training_cost.floor(given.n, device, precision)
        rows.append(row)
        speeds = f"{row['matmul_GFLOP_per_s']:10.0f}{row['convolution_GFLOP_per_s']:10.0f}"
        times = f"{row['compute_ms']:9.4f}{row['memory_ms']:9.4f}{row['floor_ms']:9.4f}"
        counts = f"{row['GFLOP_per_sample']:8.3f}{row['MB_per_sample']:8.2f}"
        print(f"{precision:10}{counts}{speeds}{row['copy_GB_per_s']:8.1f}{times}", flush=True)
    return rows


def print_loops(given, device, workers, floors) -> list[dict]:
    """(b) All ways to train, in turns."""
    print(f"\n(b) one epoch over {given.samples} structures, median of {given.rounds} rounds", flush=True)
    print(f"{'':32}{'wall ms':>9}{'CPU ms':>9}{'floor':>8}{'ratio':>8}{'CPU':>7}{'s, epoch of':>13}")
    print(f"{'':32}{'per sample-step':>18}{'x':>8}{'thesis/':>8}{'ratio':>7}{EPOCH_SAMPLES:>13,}")
    rounds = np.array([[w.ask("epoch") for w in workers] for _ in range(given.rounds)])
    ms = 1e3 * np.median(rounds, axis=0) / given.samples
    # Ratios within a round: what slows the machine for a while slows all.
    ratios = np.median(rounds[:, :1] / rounds, axis=0)
    floor_ms = {row["precision"]: row["floor_ms"] for row in floors}
    rows = []
    for worker, (wall, cpu), (ratio, cpu_ratio) in zip(workers, ms, ratios, strict=True):
        row = {"variant": worker.variant.name, "wall_ms": wall, "CPU_ms": cpu}
        row |= {"ratio": ratio, "CPU_ratio": cpu_ratio, "epoch_s": wall * EPOCH_SAMPLES / 1e3}
        # The floor, too, is for as many threads as there are.
        spent = cpu / given.threads if device.type == "cpu" else wall
        row["times_the_floor"] = spent / floor_ms[worker.variant.precision]
        rows.append(row)
        words = f"{row['variant']:32}{wall:9.3f}{cpu:9.3f}{row['times_the_floor']:8.2f}"
        print(f"{words}{ratio:8.2f}{cpu_ratio:7.2f}{row['epoch_s']:13.1f}", flush=True)
    return rows


def print_curve(given, device, workers, loops) -> list[dict]:
    """(c) The learning curve of 9 sizes, trained on a GPU if asked for, else extrapolated."""
    steps = CURVE_EPOCHS * sum(CURVE_SIZES)
    trained = given.curve and device.type == "cuda"
    how = "trained" if trained else f"extrapolated from (b), not trained: {steps:,} sample-steps"
    print(f"\n(c) learning curve of {len(CURVE_SIZES)} sizes, {CURVE_EPOCHS} epochs each: {how}")
    rows = []
    for worker, loop in zip(workers, loops, strict=True):
        if trained and worker.variant != THESIS:
            hours = worker.ask("curve", CURVE_SIZES, CURVE_EPOCHS)[0] / 3600
        else:
            hours = loop["wall_ms"] * steps / 3.6e6
        measured = trained and worker.variant != THESIS
        rows.append({"variant": loop["variant"], "hours": hours, "trained": measured})
        note = "" if measured or not trained else "   (extrapolated)"
        print(f"{loop['variant']:32}{hours:9.3f} h{note}", flush=True)
    return rows


def print_accuracy(given, device) -> list[dict]:
    """(d) Test R2 by each way to train."""
    print(f"\n(d) test R2 after {given.epochs} epochs, {given.seeds} seeds, 95 % bootstrap intervals")
    print(f"{'':32}{'mean':>8}{'':18}  change against the first       by seed", flush=True)
    folder, chosen = given.accuracy, variants(device)[: 5 if device.type == "cuda" else 3]
    settings = given.seeds, given.epochs, given.size, device, given.threads, given.workers
    return accuracy(folder, chosen, *settings)


def timings(given, device) -> dict:
    """Parts (a), (b) and (c)."""
    found = {"floor": print_floor(given, device)}
    with tempfile.TemporaryDirectory() as folder:
        path = write_samples(Path(folder), given.samples, given.n)
        ways = variants(device)
        workers = [Worker(way, path, device, given.threads, given.workers) for way in ways]
        try:
            found["loops"] = print_loops(given, device, workers, found["floor"])
            found["curve"] = print_curve(given, device, workers, found["loops"])
        finally:
            for worker in workers:
                worker.close()
    return found


def read_command_line():
    """Options, with defaults that suit the device."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--n", type=int, default=25, help="grid points per axis")
    parser.add_argument("--samples", type=int, help="structures per epoch (CPU 256, GPU 32,432)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=0, help="DataLoader processes of the thesis' loop")
    parser.add_argument("--curve", action="store_true", help="train the whole learning curve (GPU)")
    parser.add_argument("--accuracy", type=Path, metavar="DATASET", help="a dataset folder; nothing is timed")
    parser.add_argument("--size", type=int, help="training structures for --accuracy (default: all)")
    parser.add_argument("--epochs", type=int, default=50, help="for --accuracy")
    parser.add_argument("--seeds", type=int, default=3, help="for --accuracy")
    parser.add_argument("--json", type=Path, help="also write all figures there")
    given = parser.parse_args()
    device = pick_device(given.device)
    given.samples = given.samples or (EPOCH_SAMPLES if device.type == "cuda" else 256)
    if device.type == "cuda" and given.curve:
        given.samples = max(given.samples, EPOCH_SAMPLES)
    return given, device


def main():
    """Measure what is asked for, print it, and write it down."""
    given, device = read_command_line()
    start, machine = time.perf_counter(), {**hardware(given.threads), **gpu_facts(device)}
    load = os.getloadavg()[0]
    print(
        f"{date.today()}, torch {torch.__version__}, {device.type}, {given.threads} threads, load {load:.2f}"
    )
    print(", ".join(f"{key} {value}" for key, value in machine.items()))
    found = {"date": str(date.today()), "torch": torch.__version__, "device": device.type}
    found |= {"threads": given.threads, "load_before": load, "machine": machine}
    found |= {"accuracy": print_accuracy(given, device)} if given.accuracy else timings(given, device)
    print(f"\n{time.perf_counter() - start:.0f} s, load {os.getloadavg()[0]:.2f}")
    if given.json:
        given.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
