"""Permutation importance: how much worse a trained model gets when one of its inputs is shuffled.

After Breiman, Mach. Learn. 45, 5 (2001), section 10. The inputs of the test structures are exchanged
among them, one descriptor at a time; all bins of the energy histogram together.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from porevox.baseline.features import Features
from porevox.baseline.models import Baseline, load_baseline
from porevox.compare import display_name
from porevox.errors import PorevoxError
from porevox.figures.figure_style import model_styles
from porevox.figures.importance_panels import draw_importance
from porevox.learning.view import seen_by
from porevox.learning.voxelset import Dataset, load_dataset
from porevox.scores.scored_runs import Run, read_run, write_table

#: Times that every input is shuffled.
REPEATS = 10


def permutation_drops(baseline: Baseline, features: Features, repeats: int = REPEATS) -> pd.DataFrame:
    """Shuffle the inputs of a model one after the other, and see how its R2 drops.

    Parameters
    ----------
    baseline : Baseline
    features : Features
        Of the structures to judge by, with their labels.
    repeats : int
        Shuffles of each input. The same ones for all inputs and models with as many structures.

    Returns
    -------
    pandas.DataFrame
        Columns feature, repeat, drop (of R2), and R2 with nothing shuffled.

    Raises
    ------
    PorevoxError
        When the labels do not vary, so that R2 is undefined.
    """
    y = features.rows["y"].to_numpy(np.float64)
    if len(y) < 2 or np.ptp(y) == 0:
        raise PorevoxError(
            "The test structures have no two different labels, so R2 and the importance of inputs are "
            "undefined: use a larger test set."
        )

    def R2(x):
        return 1 - ((baseline.predict(x) - y) ** 2).sum() / ((y - y.mean()) ** 2).sum()

    whole, found = R2(features.x), []
    for name, columns in features.blocks.items():
        rng = np.random.default_rng(0)
        for repeat in range(repeats):
            shuffled = features.x.copy()
            shuffled[:, columns] = features.x[rng.permutation(len(y)), columns]
            found.append((name, repeat, whole - R2(shuffled), whole))
    return pd.DataFrame(found, columns=["feature", "repeat", "drop", "R2"])


def _largest(folders: Iterable[str | Path], model: str) -> list[Run]:
    """Runs of a model at its largest training-set size, by seed."""
    runs = [read_run(folder) for folder in folders]
    if not runs:
        raise PorevoxError(f"There is no run of {model} to explain: train it first.")
    largest = max(run.n_train for run in runs)
    return sorted((run for run in runs if run.n_train == largest), key=lambda run: run.seed)


def _model_drops(dataset: Dataset, runs: list[Run]) -> pd.DataFrame:
    """Drops of all seeds of a model on the test structures."""
    rows = dataset.held_out_rows()
    rows, features, parts = rows[rows["subset"] == "test"], None, []
    for run in runs:
        baseline = load_baseline(run.folder)
        seen, _ = seen_by(dataset, baseline.meta["options"])
        if baseline.meta["dataset_digest"] != seen.meta["digest"]:
            raise PorevoxError(f"{run.folder} was trained on another dataset: train the model again.")
        # what a structure looks like does not depend on the seed
        features = baseline.features(seen, rows) if features is None else features
        head = {"model": run.model, "n_train": run.n_train, "n_used": run.n_used, "seed": run.seed}
        parts.append(permutation_drops(baseline, features).assign(n_test=len(features.rows), **head))
    return pd.concat(parts, ignore_index=True)


def summarise(drops: pd.DataFrame) -> pd.DataFrame:
    """Average over seeds and repeats.

    Parameters
    ----------
    drops : pandas.DataFrame
        As :func:`permutation_drops` returns it, with model, n_train, n_used, n_test and seed.

    Returns
    -------
    pandas.DataFrame
        One row per model and input: seeds, R2 (mean of the seeds), importance (mean drop of R2) and
        importance_std (over all shuffles and seeds); models and inputs in the order of the input.
    """
    groups = drops.groupby(["model", "feature"], sort=False)
    table = groups.agg(
        n_train=("n_train", "first"),
        n_used=("n_used", "first"),
        n_test=("n_test", "first"),
        seeds=("seed", "nunique"),
        R2=("R2", "mean"),
        importance=("drop", "mean"),
        importance_std=("drop", lambda d: float(np.std(d, ddof=1)) if len(d) > 1 else 0.0),
    )
    return table.reset_index()


def importance(
    dataset_dir: str | Path,
    runs: Mapping[str, Iterable[str | Path]],
    out_stem: str | Path,
    models: Iterable[str] | None = None,
    controls: Iterable[str] = (),
    labels: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Draw the permutation importance of every input of the descriptor models.

    Parameters
    ----------
    dataset_dir : path
        The dataset that the runs were trained on; voxel paths are relative to the working directory.
    runs : mapping of str to iterable of path
        Folders of each model's runs; the largest training-set size is shown, all seeds together.
    out_stem : path
        Written: ``<out_stem>.pdf``, ``.svg``, ``.png`` and ``.csv`` (see :func:`summarise`).
    models, controls : iterable of str, optional
        All models of the study, and those that are only controls: they fix the colours.
    labels : mapping, optional
        Names to show, by model.

    Returns
    -------
    pandas.DataFrame
        What is drawn.

    Raises
    ------
    PorevoxError
        When there are no runs, a model cannot be read, or R2 is undefined.
    """
    if not runs:
        raise PorevoxError("No model of the study looks at descriptors: there is no importance to show.")
    dataset = load_dataset(dataset_dir)
    drops = [_model_drops(dataset, _largest(folders, model)) for model, folders in runs.items()]
    table = summarise(pd.concat(drops, ignore_index=True))
    styles = model_styles(list(runs if models is None else models), controls)
    names = {model: display_name(model, labels) for model in runs}
    draw_importance(table, names, {model: styles[model]["color"] for model in runs}, out_stem)
    write_table(table, f"{out_stem}.csv")
    return table
