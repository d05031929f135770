"""Train RetNet on one subset of a dataset and leave the run's files (thesis 3.3.2).

The training subset of size n is the first n names of the train list; those without voxels are left
out and counted. The input is standardised with the statistics of this very subset. What happens
between the first and the last epoch stands in :mod:`porevox.learning.fitting`.
"""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from porevox.errors import PorevoxError
from porevox.learning.batches import TrainingData
from porevox.learning.checkpoint import checkpoint_key
from porevox.learning.fitting import Fit, fit
from porevox.learning.modelfile import describe_model, write_run
from porevox.learning.recipe import Recipe
from porevox.learning.runinfo import hardware, run_record
from porevox.learning.runs import finite_rows, prediction_table, resolve_size, subset_counts
from porevox.learning.savedmodel import predict_rows, retnet_bytes, standardised_scalars
from porevox.learning.standardise import channel_statistics, scalar_statistics, standardise
from porevox.learning.torchsetup import gpu_facts, pick_device, torch_session
from porevox.learning.voxelset import Dataset, load_dataset, load_voxels

HISTORY_COLUMNS = ["epoch", "learning_rate", "train_loss", "validation_mse"]


def usable(dataset: Dataset, rows: pd.DataFrame, scalars: tuple[str, ...]) -> pd.DataFrame:
    """Rows that a voxel model can use.

    Parameters
    ----------
    dataset : Dataset
    rows : pandas.DataFrame
        Rows of dataset.table.
    scalars : tuple of str
        Columns that must be finite beside the voxels.

    Returns
    -------
    pandas.DataFrame
        In the same order.

    Raises
    ------
    PorevoxError
        When a column is missing or holds text.
    """
    return finite_rows(rows[dataset.has_voxels().loc[rows.index]], list(scalars))


def prepare(dataset: Dataset, recipe: Recipe, n_train: int) -> tuple[TrainingData, dict]:
    """Training subset, standardised with its own statistics.

    Parameters
    ----------
    dataset : Dataset
    recipe : Recipe
    n_train : int
        Names of the train list; those without voxels (or scalars) are left out.

    Returns
    -------
    data : TrainingData
    inputs : dict
        The part of model.json that says how inputs are made: architecture, standardisation,
        scalars; and y_train_mean.

    Raises
    ------
    PorevoxError
        When fewer than two structures can be used.
    """
    rows = usable(dataset, dataset.train_rows(n_train), recipe.scalars)
    if len(rows) < 2:
        raise PorevoxError(
            f"Only {len(rows)} of the first {n_train} training structures can be used, but RetNet "
            "needs at least 2: ask for a larger size, and see drops.csv for the reasons."
        )
    voxels = load_voxels(dataset, rows)
    mean, std = channel_statistics(voxels)
    standardise(voxels, mean, std)
    scalars = rows[list(recipe.scalars)].to_numpy(np.float64)
    scalar_mean, scalar_std = scalar_statistics(scalars)
    architecture = {"in_channels": voxels.shape[1], "n": voxels.shape[2]}
    architecture |= {"n_scalars": scalars.shape[1], "dropout": recipe.dropout}
    y = rows["y"].to_numpy(np.float64)
    inputs = {
        "architecture": architecture,
        "standardisation": {"mean": mean.tolist(), "std": std.tolist()},
        "scalars": {
            "columns": list(recipe.scalars),
            "mean": scalar_mean.tolist(),
            "std": scalar_std.tolist(),
        },
        "y_train_mean": float(y.mean()),
    }
    labels = torch.from_numpy(y.astype(np.float32))
    return TrainingData(torch.from_numpy(voxels), standardised_scalars(scalars, inputs), labels), inputs


def _validator(dataset: Dataset, rows: pd.DataFrame, meta: dict):
    """Function of a network: its mean squared error on the validation rows, None without any."""
    rows = rows[rows["subset"] == "validation"]

    def validate(model):
        if rows.empty:
            return None
        error = predict_rows(model, meta, dataset, rows) - rows["y"].to_numpy()
        return float((error**2).mean())

    return validate


def train_retnet(
    dataset_dir: Path,
    out_dir: Path,
    checkpoint_dir: Path,
    size: int | str,
    seed: int,
    options: dict,
    model_name: str,
    threads: int,
    device: str = "auto",
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Train RetNet and write predictions.csv, history.csv, run.json, model.safetensors, model.json.

    Parameters
    ----------
    dataset_dir : path-like
        A dataset folder (table.csv, dataset.json).
    out_dir : path-like
        Receives the five files, each whole or not at all.
    checkpoint_dir : path-like
        Outside out_dir. Holds <model>-n<size>-seed<seed>.pt while training is unfinished: an
        interrupted call resumes after its last finished epoch and, on the CPU of the same machine
        with the same threads, ends with the same weights to the last bit.
    size : int or str
        Training structures: a number or a percentage of the train list.
    seed : int
        Of the weights, the order, the augmentation and the dropout.
    options : dict
        See :class:`porevox.learning.recipe.Recipe`.
    model_name : str
    threads : int
    device : {"auto", "cpu", "cuda"}
    progress : callable, optional
        Called with (finished epochs, all epochs).

    Raises
    ------
    PorevoxError
        For options, sizes or data that cannot be used, or when training diverges.
    """
    start = time.perf_counter()
    recipe, device = Recipe.from_options(options), pick_device(device)
    dataset = load_dataset(dataset_dir)
    n_train = resolve_size(size, dataset.n_train)
    key = checkpoint_key(dataset.meta["digest"], n_train, seed, recipe.as_options())
    checkpoint = Path(checkpoint_dir) / f"{model_name}-n{n_train}-seed{seed}.pt"
    with torch_session(threads, device):
        data, inputs = prepare(dataset, recipe, n_train)
        meta = {**describe_model(dataset, model_name, "retnet", recipe.as_options()), **inputs}
        rows = usable(dataset, dataset.held_out_rows(), recipe.scalars)
        training = Fit(data, recipe, inputs, seed, device)
        resumed_s = fit(training, checkpoint, key, _validator(dataset, rows, meta), progress)
        y_pred = predict_rows(training.model, meta, dataset, rows)
    predictions = prediction_table(rows, y_pred)
    record = run_record(
        model=model_name,
        kind="retnet",
        size=size,
        n_train=n_train,
        n_used=len(data.y),
        seed=seed,
        wall_time_s=time.perf_counter() - start + resumed_s,
        device=device.type,
        hardware={**hardware(threads), **gpu_facts(device)},
        **subset_counts(predictions),
        dataset_digest=dataset.meta["digest"],
        options=recipe.as_options(),
    )
    history = pd.DataFrame(training.history)[HISTORY_COLUMNS]
    write_run(out_dir, retnet_bytes(training.model, meta), meta, history, predictions, record)
    checkpoint.unlink(missing_ok=True)
