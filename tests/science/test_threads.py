"""A training uses no more threads than it is given: counted by the processor time of each thread."""

import os
import threading
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_info, threadpool_limits

from porevox.baseline.models import KINDS, complete_options
from porevox.learning.augment import Augmenter
from porevox.learning.batches import TrainingData
from porevox.learning.fitting import Fit
from porevox.learning.recipe import Recipe
from porevox.learning.torchsetup import torch_session

CPU = torch.device("cpu")
TASKS = Path("/proc/self/task")

pytestmark = pytest.mark.skipif(not TASKS.is_dir(), reason="this system does not list a process' threads")
two_cores = pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="there is one core")


def thread_times_ns():
    """Processor time of each thread of this process."""
    times = {}
    for task in TASKS.iterdir():
        try:
            times[task.name] = int((task / "schedstat").read_text().split()[0])
        except FileNotFoundError:  # it has just ended
            continue
    return times


class Busy:
    """Threads that have worked: their shares of the time spent, and how many have more than a fifth."""

    def __init__(self):
        self.shares = []

    @property
    def count(self):
        return sum(share > 0.2 for share in self.shares)


@contextmanager
def watched():
    """Count the threads that work inside, also those that end inside: somebody looks all the time."""
    busy, before, last, over = Busy(), thread_times_ns(), {}, threading.Event()

    def look():
        while not over.wait(0.005):
            last.update(thread_times_ns())

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield busy
    finally:
        over.set()
        watcher.join()
        last.update(thread_times_ns())
        last.pop(str(watcher.native_id), None)
        spent = np.array([time - before.get(name, 0) for name, time in last.items()])
        busy.shares = sorted(spent / spent.sum(), reverse=True)


def train(threads, precision="float32"):
    generator = torch.Generator().manual_seed(0)
    voxels = torch.randn(64, 1, 16, 16, 16, generator=generator)
    data = TrainingData(voxels, torch.empty(64, 0), torch.rand(64, generator=generator))
    inputs = {"architecture": {"in_channels": 1, "n": 16, "n_scalars": 0}, "y_train_mean": 0.5}
    with torch_session(threads, CPU), watched() as busy:
        assert torch.get_num_threads() == threads
        assert max(pool["num_threads"] for pool in threadpool_info()) <= threads
        training = Fit(data, Recipe.from_options({"precision": precision}), inputs, 0, CPU)
        for _ in range(3):
            training.run_epoch(lambda model: {})
    return busy


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_training_with_one_thread_uses_one(precision):
    busy = train(1, precision)
    assert busy.count == 1, busy.shares


@two_cores
def test_a_training_with_two_threads_uses_two():
    """Also shows that threads would be seen."""
    busy = train(2)
    assert busy.count == 2, busy.shares


def test_augmentation_uses_one_thread():
    voxels = torch.randn(64, 1, 25, 25, 25)
    mover = Augmenter("octahedral", True, 25, CPU)
    with torch_session(1, CPU), watched() as busy:
        for seed in range(10):
            mover(voxels, torch.Generator().manual_seed(seed))
    assert busy.count == 1, busy.shares


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"mean", "physics"}))
def test_baselines_with_one_thread_use_one(kind):
    rng = np.random.default_rng(0)
    x, y = rng.random((800, 30)), rng.random(800)
    _, options = complete_options({"type": kind})
    with threadpool_limits(1), watched() as busy:
        KINDS[kind].fit(x, y, options, 0, 1)
    assert busy.count == 1, busy.shares


@two_cores
def test_a_limit_on_linear_algebra_is_needed_and_works():
    """The control: a product of matrices takes as many threads as it is told."""
    a = np.random.default_rng(0).random((1500, 1500))
    for threads in (1, 2):
        with threadpool_limits(threads), watched() as busy:
            a @ a
        assert busy.count == threads, busy.shares
