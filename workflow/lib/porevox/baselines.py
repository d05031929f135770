"""Train a model to compare RetNet with, on one subset of a dataset, and leave the same files.

What each type of model is stands in :mod:`porevox.baseline`.
"""

import time
from pathlib import Path

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from porevox.baseline.features import Features, features_of, inputs_of
from porevox.baseline.models import KINDS, Baseline, complete_options
from porevox.errors import PorevoxError
from porevox.learning.modelfile import describe_model, write_run
from porevox.learning.runinfo import hardware, run_record
from porevox.learning.runs import prediction_table, resolve_size, subset_counts
from porevox.learning.view import seen_by
from porevox.learning.voxelset import Dataset, load_dataset


def _training_features(dataset: Dataset, n_train: int, kind: str, inputs: dict) -> Features:
    """Features of the training subset, as far as its structures have them."""
    rows = dataset.train_rows(n_train)
    if rows.empty:
        raise PorevoxError(f"None of the first {n_train} training structures has a label.")
    features = features_of(dataset, rows, inputs)
    least = 1 if kind == "mean" else 2
    if len(features.rows) < least:
        raise PorevoxError(
            f"Only {len(features.rows)} of the first {n_train} training structures have all that a model of "
            f"type {kind} looks at ({', '.join(inputs)}), but it needs {least}: ask for a larger size."
        )
    return features


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
        Of the forest, and of what is chosen by cross-validation inside the training subset.
    options : dict
        "type" (a key of :data:`porevox.baseline.models.KINDS`) and options of this type; see also
        :func:`porevox.learning.view.seen_by`.
    model_name : str
    threads : int
        Of the forest; the other types take one, so that their digits depend on nothing else.

    Raises
    ------
    PorevoxError
        For options, sizes or data that cannot be used.
    """
    start = time.perf_counter()
    dataset, own = seen_by(load_dataset(dataset_dir), options)
    kind, complete = complete_options(own)
    n_train = resolve_size(size, dataset.n_train)
    inputs = inputs_of(kind, complete, dataset.meta)
    train = _training_features(dataset, n_train, kind, inputs)
    y = train.rows["y"].to_numpy(np.float64)
    with threadpool_limits(threads):
        model, chosen = KINDS[kind].fit(train.x, y, complete, seed, threads)
    meta = describe_model(dataset, model_name, kind, options)
    meta |= {"inputs": inputs, "chosen": chosen, "y_train_mean": float(y.mean())}
    baseline = Baseline(model, meta)
    held_out = features_of(dataset, dataset.held_out_rows(), inputs)
    predictions = prediction_table(held_out.rows, baseline.predict(held_out.x))
    seconds = time.perf_counter() - start
    record = run_record(
        model=model_name,
        kind=kind,
        size=size,
        n_train=n_train,
        n_used=chosen.get("n_points", len(y)),
        seed=seed,
        wall_time_s=seconds,
        device="cpu",
        hardware=hardware(threads),
        **subset_counts(predictions),
        dataset_digest=dataset.meta["digest"],
        options=options,
    )
    history = pd.DataFrame({"fit_wall_time_s": [round(seconds, 3)]})
    write_run(out_dir, baseline.to_bytes(), meta, history, predictions, record)
