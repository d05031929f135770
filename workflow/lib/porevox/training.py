"""Train RetNet on one subset of a dataset and leave the run's files (thesis 3.3.2).

The training subset of size n is the first n names of the train list; those without voxels are left
out and counted. The input is standardised with the statistics of this very subset, or with those of
the run whose weights are the start. What happens between the first and the last epoch stands in
:mod:`porevox.learning.fitting`.
"""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from porevox.errors import PorevoxError
from porevox.learning.batches import TrainingData
from porevox.learning.checkpoint import describe_training
from porevox.learning.eventlog import event_log
from porevox.learning.fitting import VALIDATION_SCORES, Fit, fit
from porevox.learning.modelfile import describe_model, write_run
from porevox.learning.physics_scalars import columns_behind, physics_names, scalar_inputs
from porevox.learning.pretrained import (
    TRAIN_IDS,
    Pretrained,
    check_inputs,
    check_layers,
    check_overlap,
    load_pretrained,
    trained_on,
)
from porevox.learning.recipe import Recipe
from porevox.learning.runinfo import hardware, run_record
from porevox.learning.runs import (
    finite_rows,
    prediction_table,
    resolve_size,
    subset_counts,
    write_atomically,
)
from porevox.learning.savedmodel import predict_rows, retnet_bytes, standardised_scalars
from porevox.learning.standardise import (
    channel_statistics,
    label_statistics,
    scalar_statistics,
    standardise,
)
from porevox.learning.torchsetup import (
    gpu_facts,
    pick_device,
    torch_session,
    warn_of_slow_bfloat16,
)
from porevox.learning.view import seen_by
from porevox.learning.voxelset import Dataset, load_dataset, load_voxels

HISTORY_COLUMNS = ["epoch", "learning_rate", "train_loss", *VALIDATION_SCORES]


def usable(dataset: Dataset, rows: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Rows that a voxel model can use.

    Parameters
    ----------
    dataset : Dataset
    rows : pandas.DataFrame
        Rows of dataset.table.
    columns : list of str
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
    return finite_rows(rows[dataset.has_voxels().loc[rows.index]], list(columns))


def prepare(
    dataset: Dataset, recipe: Recipe, rows: pd.DataFrame, pretrained: Pretrained | None = None
) -> tuple[TrainingData, dict]:
    """Training subset, standardised with its own statistics.

    Parameters
    ----------
    dataset : Dataset
    recipe : Recipe
    rows : pandas.DataFrame
        Usable rows of the training subset.
    pretrained : Pretrained, optional
        Run whose weights are the start: its statistics are kept for voxels and scalars.

    Returns
    -------
    data : TrainingData
    inputs : dict
        The part of model.json that says how inputs are made: architecture, grid, standardisation,
        scalars, labels; and y_train_mean.

    Raises
    ------
    PorevoxError
        When fewer than two structures can be used, all labels are equal, or the weights to start
        from do not suit.
    """
    if len(rows) < 2:
        raise PorevoxError(
            f"Only {len(rows)} of the training structures asked for can be used, but RetNet "
            "needs at least 2: ask for a larger size, and see drops.csv for the reasons."
        )
    y = rows["y"].to_numpy(np.float64)
    y_mean, y_std = label_statistics(y)
    scalars = scalar_inputs(dataset, rows, recipe.scalars, recipe.physics)
    meta = dataset.meta
    computed = physics_names(meta["channels"], meta["transform"]) if recipe.physics else []
    inputs = {"grid": meta["grid"], "scalars": {"columns": list(recipe.scalars), "computed": computed}}
    inputs["architecture"] = _architecture(dataset, recipe, scalars.shape[1])
    if pretrained is not None:
        check_inputs(pretrained, {**meta, **inputs})
        check_layers(pretrained, inputs["architecture"])
    voxels = load_voxels(dataset, rows)
    inputs |= _statistics(voxels, scalars, inputs["scalars"], pretrained)
    standardise(voxels, **inputs["standardisation"])
    standard = recipe.standardise_labels
    inputs["labels"] = {"mean": y_mean if standard else 0.0, "std": y_std if standard else 1.0}
    inputs["y_train_mean"] = y_mean
    if standard:
        y = (y - y_mean) / y_std
    labels = torch.from_numpy(y.astype(np.float32))
    return TrainingData(torch.from_numpy(voxels), standardised_scalars(scalars, inputs), labels), inputs


def _architecture(dataset, recipe, n_scalars):
    size = {"in_channels": len(dataset.channels), "n": int(dataset.meta["grid"]["n"]), "n_scalars": n_scalars}
    return {**size, **{key: getattr(recipe, key) for key in ("dropout", "padding", "pooling", "skip")}}


def _statistics(voxels, scalars, names, pretrained):
    """Standardisation of voxels and scalars, as it stands in model.json."""
    if pretrained is not None:
        return {key: pretrained.meta[key] for key in ("standardisation", "scalars")}
    found = {"standardisation": channel_statistics(voxels), "scalars": scalar_statistics(scalars)}
    lists = {key: {"mean": mean.tolist(), "std": std.tolist()} for key, (mean, std) in found.items()}
    return {**lists, "scalars": {**names, **lists["scalars"]}}


def _validator(dataset: Dataset, rows: pd.DataFrame, meta: dict):
    """Function of a network: its scores on the validation rows, {} without any."""
    rows = rows[rows["subset"] == "validation"]

    def validate(model):
        if rows.empty:
            return {}
        y = rows["y"].to_numpy()
        squares = (predict_rows(model, meta, dataset, rows) - y) ** 2
        spread = ((y - y.mean()) ** 2).sum()
        r2 = float(1 - squares.sum() / spread) if spread > 0 else None
        return dict(zip(VALIDATION_SCORES, (float(squares.mean()), r2), strict=True))

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
    event_dir: Path | None = None,
    jobs_per_gpu: int = 1,
) -> None:
    """Train RetNet and write predictions.csv, history.csv, run.json, model.safetensors, model.json.

    Parameters
    ----------
    dataset_dir : path-like
        A dataset folder (table.csv, dataset.json).
    out_dir : path-like
        Receives the five files and train_ids.txt, each whole or not at all.
    checkpoint_dir : path-like
        Outside out_dir. Holds <model>-n<size>-seed<seed>.pt while training is unfinished: an
        interrupted call resumes after its last finished epoch and, on the CPU of the same machine
        with the same threads, ends with the same weights to the last bit.
    size : int or str
        Training structures: a number or a percentage of the train list.
    seed : int
        Of the weights, the order, the augmentation and the dropout.
    options : dict
        See :class:`porevox.learning.recipe.Recipe` and :func:`porevox.learning.view.seen_by`.
    model_name : str
    threads : int
    device : {"auto", "cpu", "cuda"}
    progress : callable, optional
        Called with (finished epochs, all epochs).
    event_dir : path-like, optional
        Outside out_dir; receives event files for TensorBoard.
    jobs_per_gpu : int
        How many trainings may share a GPU; this one waits until one has room.

    Raises
    ------
    PorevoxError
        For options, sizes, data or weights that cannot be used, or when training diverges.
    """
    start = time.perf_counter()
    dataset, options = seen_by(load_dataset(dataset_dir), options)
    chosen = pick_device(device)
    recipe = Recipe.from_options(options, periodic=dataset.meta["grid"]["kind"] != "cubic_box")
    warn_of_slow_bfloat16(chosen, recipe.precision)
    n_train = resolve_size(size, dataset.n_train)
    pretrained = None if recipe.init_from is None else load_pretrained(recipe.init_from)
    begun = _beginning(pretrained, dataset, recipe)
    settings = dataset.meta["digest"], n_train, seed, recipe.as_options()
    described = describe_training(*settings, None if pretrained is None else pretrained.sha256)
    checkpoint = Path(checkpoint_dir) / f"{model_name}-n{n_train}-seed{seed}.pt"
    columns = columns_behind(recipe.scalars, recipe.physics)
    train_rows = usable(dataset, dataset.train_rows(n_train), columns)
    rows = usable(dataset, dataset.held_out_rows(), columns)
    with torch_session(threads, chosen, jobs_per_gpu) as place, event_log(event_dir) as watch:
        data, inputs = prepare(dataset, recipe, train_rows, pretrained)
        meta = {**describe_model(dataset, model_name, "retnet", recipe.as_options()), **inputs}
        training = Fit(data, recipe, inputs, seed, place, pretrained and pretrained.start())
        validate = _validator(dataset, rows, meta)
        resumed_s = fit(training, checkpoint, described, validate, progress, watch)
        y_pred = predict_rows(training.predictor, meta, dataset, rows)
    predictions = prediction_table(rows, y_pred)
    record = run_record(
        model=model_name,
        kind="retnet",
        size=size,
        n_train=n_train,
        n_used=len(data.y),
        seed=seed,
        wall_time_s=time.perf_counter() - start + resumed_s,
        device=place.type,
        hardware={**hardware(threads), **gpu_facts(place)},
        **subset_counts(predictions),
        dataset_digest=dataset.meta["digest"],
        options=recipe.as_options(),
        memory=training.memory.state(),
        **begun,
    )
    history = pd.DataFrame(training.history)[HISTORY_COLUMNS]
    write_atomically(Path(out_dir) / TRAIN_IDS, trained_on(train_rows["id"], pretrained))
    write_run(out_dir, retnet_bytes(training.predictor, meta), meta, history, predictions, record)
    checkpoint.unlink(missing_ok=True)


def _beginning(pretrained: Pretrained | None, dataset: Dataset, recipe: Recipe) -> dict:
    """What run.json says about the weights started from."""
    if pretrained is None:
        return {}
    seen = check_overlap(pretrained, dataset, recipe.allow_overlap)
    return {"started_from": {"folder": str(pretrained.folder), "sha256": pretrained.sha256, **seen}}
