"""Models to compare RetNet with: a random forest on geometric descriptors, and the training mean."""

import json
import time
from pathlib import Path

import numpy as np
import pandas as pd
from safetensors import SafetensorError
from safetensors.numpy import load_file, save
from threadpoolctl import threadpool_limits

from porevox.errors import PorevoxError
from porevox.learning.forest import FOREST_OPTIONS, Forest, fit_forest
from porevox.learning.modelfile import describe_model, read_meta, write_run
from porevox.learning.runinfo import hardware, run_record
from porevox.learning.runs import finite_rows, prediction_table, resolve_size, subset_counts
from porevox.learning.voxelset import Dataset, load_dataset


def load_forest(folder: Path) -> tuple[Forest, dict]:
    """Load a random forest.

    Parameters
    ----------
    folder : path-like
        A run's folder with model.safetensors and model.json.

    Returns
    -------
    forest : Forest
    meta : dict
        Content of model.json; "descriptors" names the columns in their order.

    Raises
    ------
    PorevoxError
        When a file is missing or broken.
    """
    folder = Path(folder)
    meta = read_meta(folder, "random_forest")
    try:
        return Forest(**load_file(folder / "model.safetensors")), meta
    except (OSError, SafetensorError, TypeError) as error:
        raise PorevoxError(
            f"{folder / 'model.safetensors'} does not hold a random forest "
            f"({type(error).__name__}): train the model again."
        ) from error


def _split_options(options: dict) -> tuple[str, dict, list[str] | None]:
    """Type, options of the fit, and descriptor columns (None: the dataset's) of a baseline."""
    rest = dict(options)
    kind = rest.pop("type", None)
    if kind not in ("random_forest", "mean"):
        raise PorevoxError(f"A baseline's type must be random_forest or mean, not {kind!r}.")
    columns = rest.pop("descriptors", None) if kind == "random_forest" else None
    allowed = FOREST_OPTIONS if kind == "random_forest" else ()
    unknown = [key for key in rest if key not in allowed]
    if unknown:
        known = ", ".join(("descriptors", *allowed)) if allowed else "none"
        raise PorevoxError(f"{kind} has no option {unknown[0]!r}: the options are {known}.")
    return kind, rest, columns


def _train_forest(dataset: Dataset, n_train, options, columns, seed, threads):
    """Arrays of the model, entries of model.json, training rows used, predicted rows and values."""
    columns = list(dataset.meta["descriptors"] if columns is None else columns)
    if not columns:
        raise PorevoxError("The random forest needs descriptors: name columns of the label table.")
    # Thesis: rows with NaN or infinity are dropped, in training and in test.
    train = finite_rows(dataset.train_rows(n_train), columns)
    if len(train) < 2:
        raise PorevoxError(
            f"Only {len(train)} of the first {n_train} training structures have all descriptors, "
            "but the random forest needs at least 2: ask for a larger size."
        )
    with threadpool_limits(threads):
        x, y = train[columns].to_numpy(np.float64), train["y"].to_numpy(np.float64)
        forest = fit_forest(x, y, options, seed, threads)
    rows = finite_rows(dataset.held_out_rows(), columns)
    y_pred = forest.predict(rows[columns].to_numpy(np.float64))
    return vars(forest), {"descriptors": columns}, len(train), rows, y_pred


def _train_mean(dataset: Dataset, n_train):
    """As _train_forest; every row counts, since the mean needs neither voxels nor descriptors."""
    train, rows = dataset.train_rows(n_train), dataset.held_out_rows()
    if train.empty:
        raise PorevoxError(f"None of the first {n_train} training structures has a label.")
    mean = float(train["y"].mean())
    arrays = {"mean": np.array([mean])}
    return arrays, {"y_train_mean": mean}, len(train), rows, np.full(len(rows), mean)


def train_baseline(
    dataset_dir: Path,
    out_dir: Path,
    size: int | str,
    seed: int,
    options: dict,
    model_name: str,
    threads: int,
) -> None:
    """Train a baseline and write the same five files as RetNet's training.

    Parameters
    ----------
    dataset_dir, out_dir : path-like
        A dataset folder; the run's folder.
    size : int or str
        Training structures: a number or a percentage of the train list.
    seed : int
        Of the forest; the mean needs none.
    options : dict
        "type" (random_forest or mean); for a forest also "descriptors" (columns; the dataset's
        where missing or None) and FOREST_OPTIONS.
    model_name : str
    threads : int

    Raises
    ------
    PorevoxError
        For options, sizes or data that cannot be used.
    """
    start = time.perf_counter()
    kind, fit_options, columns = _split_options(options)
    dataset = load_dataset(dataset_dir)
    n_train = resolve_size(size, dataset.n_train)
    if kind == "mean":
        result = _train_mean(dataset, n_train)
    else:
        result = _train_forest(dataset, n_train, fit_options, columns, seed, threads)
    arrays, entries, n_used, rows, y_pred = result
    seconds = time.perf_counter() - start
    predictions = prediction_table(rows, y_pred)
    meta = {**describe_model(dataset, model_name, kind, options), **entries}
    record = run_record(
        model=model_name,
        kind=kind,
        size=size,
        n_train=n_train,
        n_used=n_used,
        seed=seed,
        wall_time_s=seconds,
        device="cpu",
        hardware=hardware(threads),
        **subset_counts(predictions),
        dataset_digest=dataset.meta["digest"],
        options=options,
    )
    weights = save(arrays, {"porevox": json.dumps(meta)})
    history = pd.DataFrame({"fit_wall_time_s": [round(seconds, 3)]})
    write_run(out_dir, weights, meta, history, predictions, record)
