"""What every training run shares: its rows of the dataset and the files it leaves."""

import json
import os
import re
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd

from porevox.errors import PorevoxError

#: Version of model.json, model.safetensors and the checkpoints; part of every checkpoint's key.
FORMAT_VERSION = 1
PREDICTION_COLUMNS = ["id", "subset", "y_true", "y_pred"]


def resolve_size(size: int | str, n_train: int) -> int:
    """Number of training structures meant by a size.

    Parameters
    ----------
    size : int or str
        A number of structures, or a percentage of the train list such as "25%".
    n_train : int
        Length of the train list.

    Returns
    -------
    int
        Between 1 and n_train. Percentages are rounded down, but never below one structure.

    Raises
    ------
    PorevoxError
        When the size is no positive number, or larger than the train list.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(%?)\s*", str(size))
    if match is None or (not match[2] and "." in match[1]) or Fraction(match[1]) == 0:
        raise PorevoxError(
            f"The training-set size {size!r} is neither a whole number above 0 nor a percentage "
            'such as "25%".'
        )
    asked = Fraction(match[1])
    n = max(1, int(asked * n_train / 100)) if match[2] else int(asked)
    if n > n_train:
        raise PorevoxError(
            f"The training-set size {size} asks for {n} structures, but the train list has only "
            f"{n_train}: choose a smaller size."
        )
    return n


def finite_rows(rows: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Rows in which all the named columns hold numbers that can be used.

    Parameters
    ----------
    rows : pandas.DataFrame
        Rows of a dataset's table.
    columns : list of str
        None: all rows are kept.

    Returns
    -------
    pandas.DataFrame
        In the same order. A value beyond float32 counts as infinite, since trees and networks
        compute with float32: the COFs database has a void fraction of 2e44.

    Raises
    ------
    PorevoxError
        When a column is missing or holds text.
    """
    for column in columns:
        if column not in rows.columns or not pd.api.types.is_numeric_dtype(rows[column]):
            raise PorevoxError(
                f"The dataset has no column of numbers named {column!r}: name one of its descriptors."
            )
    values = rows[list(columns)].to_numpy(np.float64, na_value=np.nan)
    return rows[(np.abs(values) <= np.finfo(np.float32).max).all(axis=1)]


def write_atomically(path: str | Path, content: bytes | str) -> None:
    """Write a file so that its name never shows half a file.

    Parameters
    ----------
    path : path-like
        Its folder is made when missing.
    content : bytes or str
        Text is encoded as UTF-8.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # machines that share a folder may have processes of one number
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{time.time_ns()}.tmp")
    data = content.encode() if isinstance(content, str) else content
    try:
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: str | Path, content: dict) -> None:
    """Write a JSON file atomically; NaN and infinity are refused.

    Parameters
    ----------
    path : path-like
    content : dict
    """
    write_atomically(path, json.dumps(content, indent=2, allow_nan=False) + "\n")


def write_csv(path: str | Path, table: pd.DataFrame) -> None:
    """Write a table atomically, floats with all their digits.

    Parameters
    ----------
    path : path-like
    table : pandas.DataFrame
        The index is not written.
    """
    write_atomically(path, table.to_csv(index=False, lineterminator="\n"))


def prediction_table(rows: pd.DataFrame, y_pred: np.ndarray) -> pd.DataFrame:
    """Table of predictions in the format of predictions.csv.

    Parameters
    ----------
    rows : pandas.DataFrame
        Rows of the dataset's table that were predicted (columns id, subset, y).
    y_pred : array_like, shape (m,)
        In the target's unit.

    Returns
    -------
    pandas.DataFrame
        Columns id, subset, y_true, y_pred: the validation rows first, then the test rows.

    Raises
    ------
    PorevoxError
        When a prediction is not finite.
    """
    table = pd.DataFrame({"id": rows["id"], "subset": rows["subset"], "y_true": rows["y"], "y_pred": y_pred})
    faulty = table.loc[~(table["y_pred"].abs() < float("inf")), "id"]
    if len(faulty):
        raise PorevoxError(
            f"The prediction for {faulty.iloc[0]!r} (and {len(faulty) - 1} more) is not a finite "
            "number: the training diverged, so lower the learning rate."
        )
    order = table["subset"].map({"validation": 0, "test": 1})
    return table.loc[order.sort_values(kind="stable").index, PREDICTION_COLUMNS]


def subset_counts(predictions: pd.DataFrame) -> dict:
    """How many structures of each fixed subset were predicted, for run.json.

    Parameters
    ----------
    predictions : pandas.DataFrame
        As made by :func:`prediction_table`.

    Returns
    -------
    dict
        n_test and n_validation.
    """
    subset = predictions["subset"]
    return {
        "n_test": int((subset == "test").sum()),
        "n_validation": int((subset == "validation").sum()),
    }
