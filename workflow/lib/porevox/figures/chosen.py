"""Which structure the figures of a network show."""

import difflib
from collections.abc import Sequence

import numpy as np
import pandas as pd

from porevox.errors import PorevoxError
from porevox.figures.network_input import network_input
from porevox.learning.physics_scalars import columns_behind
from porevox.learning.runs import finite_rows
from porevox.learning.voxelset import Dataset

#: Names of IRMOF-1, the structure of the thesis' figure 4.1: the common ones and its CSD refcodes.
IRMOF_1 = ("irmof-1", "mof-5", "edusif", "sahyik")
#: A structure has open pores when at least this part of its grid points is below 298 K ...
OPEN_PART, OPEN_K = 0.5, 298.0
#: ... and among so many structures one is looked for.
_LOOKED_AT = 100


def scalar_columns(meta: dict) -> list[str]:
    """Return the columns of a dataset's table that a network needs beside the voxels.

    Parameters
    ----------
    meta : dict
        Content of model.json.

    Returns
    -------
    list of str
    """
    return columns_behind(meta["scalars"]["columns"], bool(meta["scalars"].get("computed")))


def drawable_rows(dataset: Dataset, scalars: Sequence[str] = ()) -> pd.DataFrame:
    """Return the rows of a dataset that a network can see.

    Parameters
    ----------
    dataset : Dataset
    scalars : sequence of str
        Columns that the network takes beside the voxels.

    Returns
    -------
    pandas.DataFrame
        Training, validation and test rows, each in the order of its list.
    """
    rows = finite_rows(dataset.table[dataset.has_voxels()], list(scalars))
    subset = pd.Categorical(rows["subset"], ["train", "validation", "test"], ordered=True)
    return rows.iloc[np.lexsort((rows["position"], subset.codes))]


def named_row(dataset: Dataset, structure: str, scalars: Sequence[str] = ()) -> pd.DataFrame:
    """Return the row of the structure that the user wants to see.

    Parameters
    ----------
    dataset : Dataset
    structure : str
        Its id.
    scalars : sequence of str
        Columns that the network takes beside the voxels.

    Returns
    -------
    pandas.DataFrame
        One row.

    Raises
    ------
    PorevoxError
        The dataset has no such structure (the nearest name is offered), or it cannot be drawn.
    """
    study = dataset.meta["study"]
    ids = dataset.table["id"]
    if structure not in set(ids):
        close = difflib.get_close_matches(structure, ids, n=1)
        hint = f"did you mean `{close[0]}`?" if close else "see table.csv of its dataset for those it has."
        raise PorevoxError(
            f"`studies.{study}.structure` names `{structure}`, which is not among the {len(ids)} structures "
            f"that the study uses: {hint}"
        )
    rows = drawable_rows(dataset, scalars)
    rows = rows[rows["id"] == structure]
    if rows.empty:
        raise PorevoxError(
            f"`studies.{study}.structure` names `{structure}`, which has no voxels or lacks a scalar of the "
            "network: name another one, and see drops.csv for the reason."
        )
    return rows


def open_row(dataset: Dataset) -> pd.DataFrame:
    """Return the first training structure with open pores.

    Parameters
    ----------
    dataset : Dataset

    Returns
    -------
    pandas.DataFrame
        One row; where none of the first hundred is open, the most open one of them.
    """
    rows = drawable_rows(dataset).head(_LOOKED_AT)
    open_parts = []
    for number in range(len(rows)):
        row = rows.iloc[[number]]
        seen = network_input(dataset, row)
        if seen.potential:
            return row
        open_parts.append(float((seen.field < OPEN_K).mean()))
        if open_parts[-1] >= OPEN_PART:
            return row
    if not open_parts:
        raise PorevoxError("No structure of the dataset has voxels, so there is nothing to draw.")
    best = int(np.argmax(open_parts))
    return rows.iloc[[best]]


def passed_row(dataset: Dataset, scalars: Sequence[str] = ()) -> pd.DataFrame:
    """Return the structure to send through a network: IRMOF-1, or else the first of the test set.

    Parameters
    ----------
    dataset : Dataset
    scalars : sequence of str
        Columns that the network takes beside the voxels.

    Returns
    -------
    pandas.DataFrame
        One row.

    Raises
    ------
    PorevoxError
        There is no structure that the network can see.
    """
    rows = drawable_rows(dataset, scalars)
    if rows.empty:
        raise PorevoxError("No structure of the dataset has voxels, so there is nothing to draw.")
    # refcodes are often followed by what was done to the structure, as in SAHYIK_clean
    known = rows[rows["id"].str.casefold().str.split("_").str[0].isin(IRMOF_1)]
    test = rows[rows["subset"] == "test"]
    return next(part for part in (known, test, rows) if len(part)).head(1)
