"""Milliseconds per sample and training step of RetNet, wall clock and CPU, for several options.

    python tests/benchmarks/bench_training.py --threads 2

A step is augmentation, forward pass, backward pass and Adam; batches of 64. The whole library loop
is measured, without reading voxels. Where other programs share the cores, CPU time is the figure to
compare: with T idle cores the wall clock is about CPU time / T.
"""

import argparse
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "workflow" / "lib"))

from porevox.learning import (
    fitting,  # noqa: E402
    savedmodel,  # noqa: E402
)
from porevox.learning.batches import TrainingData  # noqa: E402
from porevox.learning.recipe import Recipe  # noqa: E402
from porevox.learning.torchsetup import pick_device, torch_session  # noqa: E402


@contextmanager
def layout(memory_format):
    """Make the library use one memory layout for feature maps and weights; None: its own choice."""
    if memory_format is None:
        yield
        return
    with (
        mock.patch.object(fitting, "memory_format", lambda device: memory_format),
        mock.patch.object(savedmodel, "memory_format", lambda device: memory_format),
    ):
        yield


def measure(n, batches, threads, device, memory_format=None, **options):
    """(wall, CPU) milliseconds per sample-step, after one step to warm up."""
    recipe = Recipe.from_options(options)
    m = recipe.batch_size * batches
    voxels = torch.randn(m, 1, n, n, n)
    data = TrainingData(voxels, torch.empty(m, 0), torch.rand(m))
    warm = TrainingData(voxels[: recipe.batch_size], data.scalars[: recipe.batch_size], data.y[:64])
    inputs = {"architecture": {"in_channels": 1, "n": n, "n_scalars": 0, "dropout": recipe.dropout}}
    with torch_session(threads, device), layout(memory_format):
        training = fitting.Fit(data, recipe, {**inputs, "y_train_mean": 0.5}, 0, device)
        parts = training.recipe, training.generator
        fitting.train_epoch(training.model, training.optimiser, warm, *parts)
        wall, cpu = time.perf_counter(), time.process_time()
        fitting.train_epoch(training.model, training.optimiser, training.data, *parts)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return 1e3 * wall / m, 1e3 * cpu / m


def main():
    """Print one line per set of options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batches", type=int, default=4, help="batches of 64 per measurement")
    parser.add_argument("--n", type=int, default=25, help="grid points per axis")
    parser.add_argument("--device", default="auto")
    given = parser.parse_args()
    device = pick_device(given.device)
    print(f"{device.type}, {given.threads} threads, n = {given.n}, torch {torch.__version__}")
    print(f"{'options':44} {'wall ms':>8} {'CPU ms':>8}   per sample-step")
    cases = {
        "thesis": {},
        "thesis, default memory layout": {"memory_format": torch.contiguous_format},
        "thesis, channels-last layout": {"memory_format": torch.channels_last_3d},
        "without augmentation": {"augment": False},
        "without dropout": {"dropout": 0.0},
        "precision bfloat16": {"precision": "bfloat16"},
    }
    for name, options in cases.items():
        wall, cpu = measure(given.n, given.batches, given.threads, device, **options)
        print(f"{name:44} {wall:8.2f} {cpu:8.2f}", flush=True)


if __name__ == "__main__":
    main()
