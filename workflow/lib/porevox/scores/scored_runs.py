"""What trained models predicted, read back from their folders to be scored and drawn."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from porevox.errors import PorevoxError
from porevox.learning.runs import write_atomically


@dataclass(frozen=True, eq=False)
class Run:
    """One trained model: what it was and what it predicted.

    ``size`` is the training-set size as the config writes it (``"500"``, ``"25%"``), ``n_train``
    the number of structures it stands for and ``n_used`` those the model could learn from.
    ``rows`` maps a subset to its predictions: index id (sorted), columns y_true and y_pred in the
    target's unit.
    """

    folder: Path
    model: str
    size: str
    n_train: int
    n_used: int
    seed: int
    rows: dict[str, pd.DataFrame]


def read_run(folder: str | Path) -> Run:
    """Read a run's folder.

    Parameters
    ----------
    folder : str or Path
        Holds run.json and predictions.csv (columns id, subset, y_true, y_pred).

    Returns
    -------
    Run
        With the rows of each subset sorted by id.

    Raises
    ------
    PorevoxError
        When a file is missing or broken, an id occurs twice in a subset, or a value is not finite.
    """
    folder = Path(folder)
    try:
        info = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        run: dict[str, Any] = {name: int(info[name]) for name in ("n_train", "n_used", "seed")}
        run |= {name: str(info[name]) for name in ("model", "size")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        path = folder / "run.json"
        raise PorevoxError(f"{path} cannot be read ({error!r}): train the model again.") from error
    return Run(folder=folder, rows=_read_predictions(folder / "predictions.csv"), **run)


def _read_predictions(path: Path) -> dict[str, pd.DataFrame]:
    """Predictions of each subset, indexed by id (sorted)."""
    try:
        # As text, since an id may well be "NA" or "001".
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        table = table[["id", "subset", "y_true", "y_pred"]]
    except (OSError, ValueError, KeyError) as error:
        raise PorevoxError(f"{path} cannot be read ({error}): train the model again.") from error
    for column in ("y_true", "y_pred"):
        table[column] = pd.to_numeric(table[column], errors="coerce").astype(float)
        bad = table.loc[~np.isfinite(table[column]), "id"]
        if len(bad):
            raise PorevoxError(
                f"{path}: column {column} is not a finite number for {len(bad)} structures "
                f"({', '.join(bad[:3])}): the training diverged, so train with another setting."
            )
    if table.duplicated(["subset", "id"]).any():
        twice = table.loc[table.duplicated(["subset", "id"]), "id"].iloc[0]
        raise PorevoxError(f"{path} lists {twice!r} more than once: train the model again.")
    rows = table.set_index("id").sort_index()
    return {name: part[["y_true", "y_pred"]] for name, part in rows.groupby("subset")}


def stack_predictions(
    runs: Sequence[Run], subset: str = "test", ids: Sequence[str] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Put the predictions of several runs beside each other.

    Parameters
    ----------
    runs : sequence of Run
        Runs that were all scored on ``ids``.
    subset : str
        ``test`` or ``validation``.
    ids : sequence of str, optional
        Which rows, in this order; all of the first run's when not given.

    Returns
    -------
    y_true : numpy.ndarray
        Shape (n,), target's unit.
    y_pred : numpy.ndarray
        Shape (number of runs, n), same unit.

    Raises
    ------
    PorevoxError
        When a run lacks one of the rows, or two runs disagree on a true value.
    """
    ids = runs[0].rows[subset].index if ids is None else ids
    y_true, y_pred = None, []
    for run in runs:
        try:
            rows = run.rows[subset].loc[ids]
        except KeyError as error:
            raise PorevoxError(
                f"{run.folder} and {runs[0].folder} were not scored on the same {subset} "
                f"structures: train both on the same dataset."
            ) from error
        truth = rows["y_true"].to_numpy(float)
        if y_true is not None and not np.array_equal(truth, y_true):
            raise PorevoxError(
                f"{run.folder} and {runs[0].folder} hold different true values for the same "
                f"{subset} structures: train both on the same dataset."
            )
        y_true = truth
        y_pred.append(rows["y_pred"].to_numpy(float))
    assert y_true is not None  # there is at least one run
    return y_true, np.array(y_pred)


def write_table(table: pd.DataFrame, path: str | Path) -> None:
    """Write a CSV in one step, with ten digits (the last ones vary with the linear algebra library).

    Parameters
    ----------
    table : pandas.DataFrame
        Written without its index; NaN becomes an empty cell.
    path : path
        Folders are made as needed.
    """
    write_atomically(path, table.to_csv(index=False, float_format="%.10g", lineterminator="\n"))
