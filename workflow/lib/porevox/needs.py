"""What the jobs of each stage ask of a machine: memory, time and cores, from the size of their data.

A figure starts from one that was measured (named beside it) on one core of a 2-core x86-64 virtual
machine, 2026-11-20, or is an estimate and says so. It is multiplied by a margin for slower processors,
larger cells and shared file systems. A job stopped at its limit asks for twice as much the next time.

Imports nothing heavy: on a cluster every job asks these questions again.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from porevox import layout
from porevox.learning.recipe import Recipe

#: Grid points per axis that the measured figures belong to.
_REFERENCE_N = 25
#: Factor between a measured time and the time asked for.
MARGIN = 4
#: Least that any job asks for: a start on a slow shared file system takes minutes, not seconds.
LEAST_MIN = 30
#: Interpreter and libraries of a script (380 MB with pandas and scikit-learn, 720 MB with PyTorch in the
#: demo, about 3 GB once CUDA is loaded), and two processes of 100 MB around it that start it.
_BASE_MB, _TORCH_MB, _CUDA_MB = 1000, 1500, 6000

#: Worker processes of a voxel job.
VOXEL_THREADS = 4
#: One worker without its structure: compiled kernels and tables.
_WORKER_MB = 350
#: Seconds per structure and worker at n = 25: bench_voxels.py (1.7 ms + 0.5 ms to read),
#: bench_electrostatics.py, bench_guests.py (worst of three sets of structures).
VOXEL_S = {"lennard_jones": 0.0022, "electrostatic": 0.004, "guest": 0.4}
#: Charge equilibration of 300 atoms.
_EQEQ_S = 0.01
#: Of mic_supercell grids only points that differ are computed, about one in eight; elsewhere, all.
_ALL_POINTS = 8
#: A large cell costs many times the median (CoRE MOF 2019 has structures of 10,000 atoms): an estimate.
_LARGE_CELLS = 5
#: Compilation, once per kind of processor.
_COMPILE_S = 20

#: A training step forwards and backwards, per structure, n = 25, one core, float32: bench_training.py.
TRAIN_S = 0.0105
#: The same on a GeForce GTX 1650 Super: 40 s per epoch of 32,432 (Sarikas et al. 2024).
TRAIN_GPU_S = 0.00125
#: A forward pass costs about a third.
_FORWARD = 1 / 3
#: Of every further core, that part is gained: an estimate.
_PARALLEL = 0.6
#: Activations and gradients of one structure: 850 MB in all for batches of 64, n = 25, float32 (the demo).
_ACTIVATIONS_MB = 10
#: Bytes of a voxel, of a dataset's row in tables, of a prediction in all its resamples.
_VOXEL_B, _ROW_KB = 4, 20
#: Seconds per prediction and run of 10,000 resamples: 0.6 s for 208 structures; 12.5 s for 27,438 (R2 0.2).
_BOOTSTRAP_S = 0.003
#: Distance of two structures in the space of fingerprints: an estimate, as if each pair were looked at.
_PAIR_S = 1e-7


@dataclass(frozen=True)
class Need:
    """What a job asks for at its first try.

    Attributes
    ----------
    memory_MB : int
        Of all its processes together.
    runtime_min : int
        Wall time in minutes.
    threads : int
        Cores that it can use.
    """

    memory_MB: int
    runtime_min: int
    threads: int = 1

    def grown(self, attempt: int) -> "Need":
        """Return what the job asks for when it has been stopped before.

        Parameters
        ----------
        attempt : int
            1 for the first try.

        Returns
        -------
        Need
            Twice the memory and time for every try before; the cores stay, as sums depend on them.
        """
        factor = 2 ** (max(attempt, 1) - 1)
        return Need(self.memory_MB * factor, self.runtime_min * factor, self.threads)

    def at_most(self, memory_MB: float, runtime_min: float) -> "Need":
        """Return what the job asks for where no more can be had.

        Parameters
        ----------
        memory_MB, runtime_min : float
            Limits; infinite for none.

        Returns
        -------
        Need
        """
        return Need(
            int(min(self.memory_MB, memory_MB)), int(min(self.runtime_min, runtime_min)), self.threads
        )


def _need(memory_MB: float, seconds: float, threads: int = 1) -> Need:
    """Round up: memory to 100 MB, time with its margin to 10 minutes."""
    minutes = max(LEAST_MIN, MARGIN * seconds / 60)
    return Need(100 * math.ceil(memory_MB / 100), 10 * math.ceil(minutes / 10), threads)


def training_size(token: str, n_all: int) -> int:
    """Return the number of training structures that a path's token means, at most.

    Parameters
    ----------
    token : str
        See :func:`porevox.layout.size_token`.
    n_all : int
        Structures of the dataset; of a percentage, what it would be of all of them.

    Returns
    -------
    int
    """
    size = layout.size_of(token)
    return size if isinstance(size, int) else math.ceil(n_all * float(size.removesuffix("%")) / 100)


def _volume(grid: Mapping) -> float:
    """Grid points, in units of those that the measured figures belong to."""
    return (grid["n"] / _REFERENCE_N) ** 3


def structures(n: int) -> Need:
    """Return what packing a dataset of n structures asks for: 0.5 ms and 1 kB of lists for each.

    Parameters
    ----------
    n : int

    Returns
    -------
    Need
    """
    return _need(_BASE_MB + 0.005 * n, 0.005 * n)


def voxels(shard_size: int, grid: Mapping, channel: Mapping, structure_MB: int) -> Need:
    """Return what the voxels of one shard ask for.

    Parameters
    ----------
    shard_size : int
        Structures of a shard.
    grid, channel : mapping
        Blocks of a completed configuration.
    structure_MB : int
        That a single structure may need before it is rejected.

    Returns
    -------
    Need
    """
    seconds = VOXEL_S[channel["kind"]] + (_EQEQ_S if "eqeq" in str(channel.get("charges")) else 0)
    points = _volume(grid) * (1 if grid["kind"] == "mic_supercell" else _ALL_POINTS)
    seconds = seconds * max(points, 0.1) * _LARGE_CELLS * shard_size / VOXEL_THREADS + _COMPILE_S
    memory_MB = _BASE_MB + VOXEL_THREADS * (_WORKER_MB + structure_MB) + _array_MB(shard_size, grid)
    return _need(memory_MB, seconds, VOXEL_THREADS)


def _array_MB(n: int, grid: Mapping, channels: int = 1) -> float:
    return n * channels * grid["n"] ** 3 * _VOXEL_B / 1e6


def dataset(n: int) -> Need:
    """Return what joining the tables of n structures asks for, an estimate; voxels are not read."""
    return _need(_BASE_MB + _ROW_KB * n / 1000, 0.002 * n)


def training(size: int, n_all: int, grid: Mapping, channels: int, recipe: Recipe, threads: int, gpu: bool):
    """Return what training a network asks for.

    Parameters
    ----------
    size : int
        Training structures.
    n_all : int
        Structures of the dataset: those outside the training set are predicted.
    grid : mapping
        Block of a completed configuration.
    channels : int
        Of the grid; a network that sees fewer asks for a little too much.
    recipe : Recipe
    threads : int
        Cores that the job is given.
    gpu : bool
        Whether it runs on one.

    Returns
    -------
    Need
    """
    step_s = TRAIN_GPU_S if gpu else TRAIN_S / (1 + _PARALLEL * (threads - 1))
    passes = recipe.epochs * size + _FORWARD * recipe.test_time_augmentation * n_all
    # validation, once an epoch, of a tenth
    passes += _FORWARD * recipe.epochs * n_all / 10
    memory_MB = (_CUDA_MB if gpu else _TORCH_MB) + 2 * _array_MB(size, grid, channels)
    batch = min(recipe.batch_size, max(size, 2))
    memory_MB += 0 if gpu else batch * _ACTIVATIONS_MB * max(_volume(grid), 0.1)
    return _need(memory_MB + _ROW_KB * n_all / 1000, passes * step_s * max(_volume(grid), 0.1), threads)


def baseline(kind: str, size: int, n_all: int) -> Need:
    """Return what fitting a baseline asks for.

    Parameters
    ----------
    kind : str
        ``type`` of the model.
    size, n_all : int
        Training structures, and structures of the dataset.

    Returns
    -------
    Need
    """
    # voxels pass in blocks, 0.3 ms each to a histogram: measured; what the kinds of model add: estimates
    memory_MB, seconds, threads = _BASE_MB + _ROW_KB * n_all / 1000, 0.003 * n_all, 1
    if kind == "kernel_ridge":
        # three square matrices; cubic in time, 30 times over for the search of width and penalty
        memory_MB += 3 * 8 * size**2 / 1e6
        seconds += 30 * size**3 / 6e10
    elif kind == "random_forest":
        # nodes of 100 trees, and a copy of the table per core
        memory_MB, seconds, threads = memory_MB + 0.3 * size, seconds + 0.01 * size, 4
    else:
        seconds += 0.02 * size
    return _need(memory_MB, seconds, threads)


def bootstrap(runs: int, n_test: int, resamples: int) -> Need:
    """Return what scores with confidence intervals ask for.

    Parameters
    ----------
    runs : int
        Runs that are scored.
    n_test : int
        Structures of the test set, at most.
    resamples : int

    Returns
    -------
    Need
    """
    work = runs * resamples / 10_000
    memory_MB = _BASE_MB + 0.01 * runs * n_test + 1e-3 * runs * resamples / 10
    return _need(memory_MB, _BOOTSTRAP_S * work * n_test)


def prediction(
    n: int, grid: Mapping, channels: int, threads: int = 4, members: int = 1, n_train: int = 0
) -> Need:
    """Return what a trained network's pass over n structures asks for.

    Parameters
    ----------
    n : int
    grid : mapping
        Block of a completed configuration.
    channels : int
        Of the grid.
    threads : int
    members : int
        Networks that are asked.
    n_train : int
        Training structures that each is compared with.

    Returns
    -------
    Need
    """
    seconds = members * n * TRAIN_S * _FORWARD * max(_volume(grid), 0.1) / (1 + _PARALLEL * (threads - 1))
    seconds += _PAIR_S * n * n_train
    # a block of 128 structures in float64, and its activations
    block_MB = 2 * _array_MB(128, grid, channels) + 64 * _ACTIVATIONS_MB * max(_volume(grid), 0.1)
    return _need(_TORCH_MB + block_MB + _ROW_KB * (n + n_train) / 1000, seconds, threads)


def table(n: int) -> Need:
    """Return what reading the voxels of n structures once asks for, in blocks, on one core: an estimate."""
    return _need(_BASE_MB + _ROW_KB * n / 1000, 0.005 * n)
