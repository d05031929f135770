"""What a baseline sees: descriptors, the energy histogram, or what physics makes of the voxels."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from porevox.baseline.henry_feature import henry_channel, log_henry_coefficients
from porevox.baseline.histogram import HISTOGRAM_OPTIONS, energy_histogram
from porevox.errors import PorevoxError
from porevox.learning.physics_scalars import TABLE_COLUMNS, physics_names, scalar_inputs
from porevox.learning.runs import finite_rows
from porevox.learning.view import seen_by
from porevox.learning.voxelset import Dataset

#: Name of the histogram among the inputs that are told apart.
HISTOGRAM = "energy histogram"


@dataclass(frozen=True, eq=False)
class Features:
    """Features of those structures that have all of them.

    Attributes
    ----------
    rows : pandas.DataFrame
        Rows of the dataset's table.
    x : numpy.ndarray, shape (m, k), float64
        Features of these rows. Finite, but for Henry coefficients of zero (log10: -inf).
    blocks : dict of str to slice
        Columns of each input: one for a descriptor, all bins for the histogram.
    """

    rows: pd.DataFrame
    x: np.ndarray
    blocks: dict[str, slice]


def inputs_of(kind: str, options: dict, meta: dict) -> dict:
    """Say what a model looks at, in words that model.json can keep.

    Parameters
    ----------
    kind : str
        Type of the model.
    options : dict
        Complete.
    meta : dict
        Content of dataset.json.

    Returns
    -------
    dict
        Any of "henry" (name of the channel), "descriptors" (columns), "histogram" (its options) and
        "physics" (channels and transform of the scalars that RetNet is given, too).

    Raises
    ------
    PorevoxError
        When the dataset has no descriptors, or no voxels, but the model needs them.
    """
    if kind == "mean":
        return {}
    if kind == "physics":
        return {"henry": henry_channel(meta["channels"], options["channel"])["name"]}
    features = options.get("features", "descriptors")
    found: dict[str, Any] = {}
    if features in ("descriptors", "both"):
        own = options.get("descriptors")
        columns = list(meta["descriptors"] if own is None else own)
        if not columns:
            raise PorevoxError(f"A model of type {kind} needs descriptors: name columns of the label table.")
        found["descriptors"] = columns
    if features in ("histogram", "both", "physics") and not meta["channels"]:
        raise PorevoxError(
            f"A model of type {kind} on the features {features} needs voxels, but the dataset has none: run "
            "the dataset stage again with this model in the study."
        )
    if features == "physics":
        names = [channel["name"] for channel in meta["channels"]]
        found["physics"] = {"channels": names, "transform": meta["transform"]}
    if features in ("histogram", "both"):
        channels = _histogram_channels(kind, options, [channel["name"] for channel in meta["channels"]])
        found["histogram"] = {name: options[name] for name in HISTOGRAM_OPTIONS} | {"channels": channels}
    return found


def _histogram_channels(kind: str, options: dict, known: list[str]) -> list[str]:
    """Names of the channels that a model looks at, in the order of the dataset."""
    own = options.get("channels")
    unknown = [name for name in own or () if name not in known]
    if unknown:
        raise PorevoxError(
            f"A model of type {kind} names the channel {unknown[0]!r}, but the dataset's channels are "
            f"{', '.join(known)}."
        )
    return [name for name in known if own is None or name in own]


def features_of(dataset: Dataset, rows: pd.DataFrame, inputs: dict) -> Features:
    """Gather the features of some structures.

    Parameters
    ----------
    dataset : Dataset
    rows : pandas.DataFrame
        Rows of dataset.table.
    inputs : dict
        See :func:`inputs_of`.

    Returns
    -------
    Features
        Without the rows that lack voxels, or have a feature that is NaN or infinite.

    Raises
    ------
    PorevoxError
        When a column is missing or holds text, or voxels cannot be read.
    """
    if "physics" in inputs:
        return _physics(dataset, rows, inputs["physics"])
    columns = inputs.get("descriptors", [])
    # Thesis: rows with NaN or infinity are dropped, in training and in test.
    rows = finite_rows(rows, columns) if columns else rows
    if "histogram" in inputs:
        rows = rows[dataset.has_voxels(inputs["histogram"]["channels"]).loc[rows.index]]
    if "henry" in inputs:
        rows = rows[dataset.has_voxels([inputs["henry"]]).loc[rows.index]]
        x = log_henry_coefficients(dataset, rows, inputs["henry"])
        known = ~(np.isnan(x) | (x == np.inf)).any(axis=1)
        return Features(rows[known], x[known], {"Henry coefficient": slice(0, 2)})
    blocks = {name: slice(k, k + 1) for k, name in enumerate(columns)}
    parts = [rows[columns].to_numpy(np.float64)]
    if "histogram" in inputs:
        parts.append(energy_histogram(dataset, rows, inputs["histogram"]))
        blocks[HISTOGRAM] = slice(len(columns), len(columns) + parts[-1].shape[1])
    return Features(rows, np.concatenate(parts, axis=1), blocks)


def _physics(dataset: Dataset, rows: pd.DataFrame, view: dict) -> Features:
    """The scalars that recipe best gives to RetNet, alone."""
    seen, _ = seen_by(dataset, view)
    rows = finite_rows(rows[seen.has_voxels().loc[rows.index]], list(TABLE_COLUMNS))
    names = physics_names(seen.meta["channels"], seen.meta["transform"])
    x = scalar_inputs(seen, rows, (), physics=True)
    return Features(rows, x, {name: slice(k, k + 1) for k, name in enumerate(names)})
