"""From the predictions of trained models to one tidy table of metrics with confidence intervals."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path

import numpy as np
import pandas as pd

from porevox.errors import PorevoxError
from porevox.scores.bootstrap import bootstrap_metrics, percentile_interval
from porevox.scores.metrics import SCORES, CountScorer
from porevox.scores.pooled import read_runs
from porevox.scores.scored_runs import Run, stack_predictions, write_table

SUBSETS = ("test", "validation")
#: What stands in the column ``seed`` of rows that average scores, or predictions, over seeds.
SEED_MEAN, ENSEMBLE = "mean", "ensemble"
METRIC_COLUMNS = [
    *("model", "subset", "size", "n_train", "n_used", "seed", "n_test"),
    *("metric", "value", "ci_low", "ci_high"),
]
#: More columns in cross-validation: the metric in each fold, summed up.
FOLD_COLUMNS = ["folds_mean", "folds_sd", "folds_min", "folds_max"]


def evaluate_model(
    run_folders: Iterable[str | Path],
    out_csv: str | Path,
    resamples: int = 10_000,
    seed: int = 0,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Score every run of one model (or of several) and write metrics.csv.

    Parameters
    ----------
    run_folders : iterable of path
        Folders with run.json and predictions.csv, of any sizes and seeds; the splits of a
        cross-validation are pooled, see :func:`porevox.scores.pooled.read_runs`.
    out_csv : path
        The table: model, subset (test, validation), size, n_train, n_used, seed (a number, ``mean``
        for the average score of the seeds, ``ensemble`` for the score of their average prediction),
        n_test (rows scored), metric, value, ci_low, ci_high; of a cross-validation also mean,
        standard deviation, lowest and highest of the folds' own values. MAE and RMSE are in the
        target's unit. Empty: undefined (all values equal).
    resamples : int
        Bootstrap resamples of the scored rows, 10,000 in the thesis (section 3.3).
    seed : int
        The bootstrap's seed. Resamples follow from it and the number of rows, so runs scored on
        the same rows share theirs.
    confidence : float
        0.95 for 95 % percentile intervals.

    Returns
    -------
    pandas.DataFrame
        What was written.

    Raises
    ------
    PorevoxError
        When a run cannot be read, has no test rows, occurs twice, or when the runs of one size
        were not scored on the same rows.

    Notes
    -----
    The ``mean`` rows average over seeds *inside* each resample: the interval is that of the average
    score, for the same models and other test structures. It does not hold the spread over seeds.
    """
    runs = read_runs(run_folders)
    _check_runs(runs)
    blocks = [
        _score_subset(group, subset, resamples, seed, confidence)
        for subset in SUBSETS
        for group in _same_rows([run for run in runs if subset in run.rows], subset)
    ]
    columns = METRIC_COLUMNS + (FOLD_COLUMNS if "split" in runs[0].rows["test"] else [])
    table = pd.DataFrame([row for block in blocks for row in block], columns=columns)
    last = {SEED_MEAN: 1e300, ENSEMBLE: np.inf}
    rank = {"subset": SUBSETS.index, "metric": SCORES.index, "seed": lambda value: last.get(value, value)}
    table = table.sort_values(
        ["model", "subset", "n_train", "seed", "metric"],
        key=lambda column: column.map(rank[column.name]) if column.name in rank else column,
        ignore_index=True,
        kind="stable",
    )
    write_table(table, out_csv)
    return table


def _check_runs(runs: Sequence[Run]) -> None:
    if not runs:
        raise PorevoxError("There is no run to evaluate: name at least one folder of a trained model.")
    seen: dict[tuple, Run] = {}
    for run in runs:
        if "test" not in run.rows:
            raise PorevoxError(f"{run.folder} holds no test predictions: the test set is empty.")
        key = (run.model, run.n_train, run.seed)
        other = seen.setdefault(key, run)
        if other.size != run.size:
            raise PorevoxError(
                f"The sizes {other.size} and {run.size} are both {run.n_train} structures: remove one of "
                "them from `sizes`."
            )
        if other is not run:
            raise PorevoxError(
                f"{other.folder} and {run.folder} are the same run (model {run.model}, "
                f"{run.n_train} structures, seed {run.seed}): name each run once."
            )
    for subset in SUBSETS:
        groups = _same_rows([run for run in runs if subset in run.rows], subset)
        first = {}
        for group in groups:
            for model, n_train in {(run.model, run.n_train) for run in group}:
                if (model, n_train) in first:
                    raise PorevoxError(
                        f"The seeds of model {model} with {n_train} structures were not scored on "
                        f"the same {subset} rows: train them again on the same dataset."
                    )
                first[model, n_train] = group


def _same_rows(runs: Sequence[Run], subset: str) -> list[list[Run]]:
    """Group runs that were scored on the very same rows, so that they are resampled together."""
    groups: list[list[Run]] = []
    for run in runs:
        rows = run.rows[subset]["y_true"]
        group = next((g for g in groups if g[0].rows[subset]["y_true"].equals(rows)), None)
        if group is None:
            groups.append([run])
        else:
            group.append(run)
    return groups


def _score_subset(
    runs: Sequence[Run], subset: str, resamples: int, seed: int, confidence: float
) -> list[tuple]:
    """Rows of metrics.csv of runs that share their scored rows."""
    runs = sorted(runs, key=lambda run: (run.model, run.n_train, run.seed))
    y_true, y_pred = stack_predictions(runs, subset)
    scored, y_pred = _scored_columns(runs, y_pred)
    scorer = CountScorer(y_true, y_pred, SCORES)
    values = scorer(np.ones((1, y_true.size)))[0]
    samples = bootstrap_metrics(y_true, y_pred, resamples, seed, SCORES)
    folds = _score_folds(scorer, runs[0].rows[subset])
    rows = []
    for run, label, columns in scored:
        value = values[columns].mean(axis=0)
        low, high = percentile_interval(samples[:, columns].mean(axis=1), confidence)
        scatter = () if folds is None else _scatter(folds[:, columns].mean(axis=1))
        head = (run.model, subset, run.size, run.n_train, run.n_used, label, y_true.size)
        for j, metric in enumerate(SCORES):
            rows.append((*head, metric, value[j], low[j], high[j], *(part[j] for part in scatter)))
    return rows


def _scored_columns(
    runs: Sequence[Run], y_pred: np.ndarray
) -> tuple[list[tuple[Run, int | str, list[int]]], np.ndarray]:
    """What becomes a score: each run, the runs of several seeds together, and their mean prediction.

    Returns for each its (first) run, its label, and which columns of predictions to average the scores
    of; and the predictions with those of the ensembles added.
    """
    scored: list[tuple[Run, int | str, list[int]]] = []
    columns = list(y_pred)
    for _, group in groupby(enumerate(runs), key=lambda item: (item[1].model, item[1].n_train)):
        members = list(group)
        places, first = [k for k, _ in members], members[0][1]
        scored += [(run, run.seed, [k]) for k, run in members]
        scored.append((first, SEED_MEAN, places))
        if len(members) > 1:
            scored.append((first, ENSEMBLE, [len(columns)]))
            columns.append(y_pred[places].mean(axis=0))
    return scored, np.array(columns)


def _score_folds(scorer: CountScorer, rows: pd.DataFrame) -> np.ndarray | None:
    """Metrics in each fold alone, (folds, predictions, metrics); None where there is one split only."""
    if "split" not in rows:
        return None
    split = rows["split"].to_numpy()
    return scorer(np.array([split == name for name in np.unique(split)], dtype=np.int32))


def _scatter(values: np.ndarray) -> tuple[np.ndarray, ...]:
    """:data:`FOLD_COLUMNS` of the folds' values, (folds, metrics)."""
    sd = values.std(axis=0, ddof=1) if len(values) > 1 else np.full(values.shape[1], np.nan)
    return values.mean(axis=0), sd, values.min(axis=0), values.max(axis=0)


def collect_metrics(tables: Iterable[str | Path], out_csv: str | Path) -> pd.DataFrame:
    """Put the scores of several models into one table.

    Parameters
    ----------
    tables : iterable of path
        Tables written by :func:`evaluate_model`.
    out_csv : path
        Written.

    Returns
    -------
    pandas.DataFrame
        All rows, in the order of the tables.
    """
    together = pd.concat([pd.read_csv(path, dtype={"size": str, "seed": str}) for path in tables])
    write_table(together, out_csv)
    return together
