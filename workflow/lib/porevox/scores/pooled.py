"""Runs of all folds of a cross-validation as one: each structure predicted by models that never saw it.

One score of all rows is steadier than the mean of the folds' scores: R2 of a small fold hinges on the
few materials that happen to be in it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from porevox.errors import PorevoxError
from porevox.scores.scored_runs import Run, read_run

#: What differs a little between the folds of one size.
COUNTS = ("n_train", "n_used")


def read_runs(folders: Iterable[str | Path]) -> list[Run]:
    """Read runs; those of several splits are pooled.

    Parameters
    ----------
    folders : iterable of path
        ``<split>/<model>/n<size>/seed<seed>``, of one split or of all folds of a study.

    Returns
    -------
    list of Run
        The runs as they are if they are of one split. Otherwise one per model, size and seed, with the
        rows of all splits and in them a column ``split``; n_train and n_used are means, rounded. A
        structure can validate in several folds, so validation rows are indexed by ``<split>/<id>``.

    Raises
    ------
    PorevoxError
        When a run cannot be read or is missing in one of the splits, or when a structure stands in two
        test sets.
    """
    runs = [read_run(folder) for folder in folders]
    splits = list(dict.fromkeys(_split(run) for run in runs))
    if len(splits) < 2:
        return runs
    groups: dict[tuple, list[Run]] = {}
    for run in runs:
        groups.setdefault((run.model, run.size, run.seed), []).append(run)
    return [_pool(group, splits) for group in groups.values()]


def _split(run: Run) -> str:
    return run.folder.absolute().parts[-4]


def _pool(runs: Sequence[Run], splits: Sequence[str]) -> Run:
    """One run of all splits."""
    first, found = runs[0], [_split(run) for run in runs]
    twice = next((split for split in found if found.count(split) > 1), None)
    missing = next((split for split in splits if split not in found), None)
    if twice or missing:
        raise PorevoxError(
            f"Model {first.model}, size {first.size}, seed {first.seed}: {twice or missing} is there "
            f"{'twice' if twice else 'not at all'}: name each run of every fold once."
        )
    for run in runs:
        if "test" not in run.rows:
            raise PorevoxError(f"{run.folder} holds no test predictions: the test set is empty.")
    numbers = {name: round(sum(getattr(run, name) for run in runs) / len(runs)) for name in COUNTS}
    rows = {}
    for subset in ("test", "validation"):
        parts = [run.rows[subset].assign(split=_split(run)) for run in runs if subset in run.rows]
        if parts:
            rows[subset] = _join(parts, subset, first)
    return replace(first, rows=rows, **numbers)


def _join(parts: Sequence[pd.DataFrame], subset: str, run: Run) -> pd.DataFrame:
    table = pd.concat(parts)
    if subset == "validation":
        table.index = table["split"] + "/" + table.index
    if table.index.has_duplicates:
        twice = table.index[table.index.duplicated()][0]
        raise PorevoxError(
            f"{twice} is tested in two folds of model {run.model}: train all folds on datasets of the same "
            "configuration."
        )
    return table.sort_index().rename_axis("id")
