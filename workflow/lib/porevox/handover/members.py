"""A model's folder, read: its networks or baselines, and what they say of structures."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from porevox.baseline.models import Baseline, load_baseline
from porevox.errors import PorevoxError
from porevox.handover.domain import Domain, read_domain
from porevox.handover.record import check_files, read_record
from porevox.learning.physics_scalars import columns_behind
from porevox.learning.retnet import RetNet
from porevox.learning.runs import finite_rows
from porevox.learning.savedmodel import (
    PREDICTION_BATCH,
    fingerprints,
    load_retnet,
    predict,
    raw_scalars,
)
from porevox.learning.view import seen_by_model
from porevox.learning.voxelset import Dataset, load_voxels

#: The seeds of a model, each trained for itself.
Members = list[tuple[RetNet, dict]] | list[Baseline]


@dataclass(frozen=True, eq=False)
class TrainedModel:
    """A model's folder in memory.

    Attributes
    ----------
    folder : Path
    record : dict
        See :mod:`porevox.handover.record`.
    members : list
        One trained network or baseline per seed.
    domain : Domain
        What it has been trained on.
    """

    folder: Path
    record: dict
    members: Members
    domain: Domain


def load_model(folder: str | Path) -> TrainedModel:
    """Read a model's folder; nothing of what is read is run.

    Parameters
    ----------
    folder : path-like
        See :func:`porevox.handover.locate.locate`.

    Returns
    -------
    TrainedModel

    Raises
    ------
    PorevoxError
        It is no model's folder, a file was changed, or this version cannot read it.
    """
    folder = Path(folder)
    record = read_record(folder)
    check_files(record, folder)
    return TrainedModel(folder, record, load_members(folder, record), read_domain(folder))


def load_members(folder: Path, record: dict) -> Members:
    """Read the trained seeds of a model.

    Parameters
    ----------
    folder : path-like
        Holds ``seed<k>/model.safetensors`` and ``seed<k>/model.json``.
    record : dict
        Its type and seeds.

    Returns
    -------
    list
        (network, content of model.json) per seed, or a :class:`porevox.baseline.models.Baseline`.

    Raises
    ------
    PorevoxError
        A file is missing or broken.
    """
    folders = [Path(folder) / f"seed{seed}" for seed in record["seeds"]]
    if not folders:
        raise PorevoxError(f"{folder} holds no trained seed: get the model's folder again.")
    if record["type"] == "retnet":
        return [load_retnet(folder) for folder in folders]
    return [load_baseline(folder) for folder in folders]


def columns_of(members: Members) -> list[str]:
    """Columns that must be finite beside the voxels, those of the voxels' own index included.

    Parameters
    ----------
    members : list
        See :func:`load_members`.

    Returns
    -------
    list of str
    """
    first = members[0]
    if isinstance(first, Baseline):
        own = columns_behind((), True) if "physics" in first.meta["inputs"] else []
        return [*first.meta["inputs"].get("descriptors", []), *own]
    scalars = first[1]["scalars"]
    return columns_behind(scalars["columns"], bool(scalars.get("computed")))


def channels_of(members: Members) -> list[str]:
    """Names of the channels that a model looks at.

    Parameters
    ----------
    members : list
        See :func:`load_members`.

    Returns
    -------
    list of str
        In the order of its input.
    """
    first = members[0]
    if not isinstance(first, Baseline):
        return [channel["name"] for channel in first[1]["channels"]]
    inputs = first.meta["inputs"]
    views = [inputs[name]["channels"] for name in ("histogram", "physics") if name in inputs]
    views += [[inputs["henry"]]] if "henry" in inputs else []
    return list(dict.fromkeys(name for names in views for name in names))


def usable_rows(members: Members, dataset: Dataset, rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of a dataset that a model can be asked about.

    Parameters
    ----------
    members : list
        See :func:`load_members`.
    dataset : Dataset
    rows : pandas.DataFrame
        Rows of its table.

    Returns
    -------
    pandas.DataFrame
        Those with voxels and finite columns, in the same order.
    """
    seen = channels_of(members)
    rows = rows[dataset.has_voxels(seen).loc[rows.index]] if seen else rows
    return finite_rows(rows, columns_of(members))


def predict_members(members: Members, dataset: Dataset, rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Ask every seed of a model about some structures, a few at a time.

    Parameters
    ----------
    members : list
        See :func:`load_members`.
    dataset : Dataset
    rows : pandas.DataFrame
        Usable rows of its table.

    Returns
    -------
    predicted : numpy.ndarray, shape (seeds, n), float64
        In the target's unit; NaN for a structure whose input is not finite.
    vectors : numpy.ndarray, shape (n, k), float32
        What the model makes of each structure; see :mod:`porevox.handover.domain`.

    Raises
    ------
    PorevoxError
        No structure at all can be predicted; says why.
    """
    both = _in_batches(members, dataset, rows, True)
    return both[:, : len(members)].T, both[:, len(members) :].astype(np.float32)


def vectors_of(members: Members, dataset: Dataset, rows: pd.DataFrame) -> np.ndarray:
    """What a model makes of structures before its last step, without the prediction itself.

    Parameters
    ----------
    members, dataset, rows
        As for :func:`predict_members`.

    Returns
    -------
    numpy.ndarray, shape (n, k), float32
        As the second of :func:`predict_members`.

    Raises
    ------
    PorevoxError
        As there.
    """
    return _in_batches(members, dataset, rows, False).astype(np.float32)


def _in_batches(members, dataset, rows, wanted: bool) -> np.ndarray:
    """Predictions, if they are wanted, and vectors of all rows; (n, seeds + k) or (n, k)."""
    starts = range(0, len(rows), PREDICTION_BATCH)
    parts = [_ask(members, dataset, rows.iloc[start : start + PREDICTION_BATCH], wanted) for start in starts]
    width = max((part.shape[1] for part in parts), default=len(members))
    if parts and width == 0:
        _look(members, dataset, rows.iloc[:1], wanted)  # says what is wrong with all of them
    parts = [part if part.shape[1] == width else np.full((len(part), width), np.nan) for part in parts]
    return np.concatenate(parts) if parts else np.empty((0, width))


def _ask(members, dataset, rows, wanted):
    """Ask about a batch; one structure beyond all numbers must not take the others with it."""
    try:
        return _look(members, dataset, rows, wanted)
    except PorevoxError:
        if len(rows) == 1:
            return np.empty((1, 0))
        return _in_halves(members, dataset, rows, wanted)


def _in_halves(members, dataset, rows, wanted):
    halves = (rows.iloc[: len(rows) // 2], rows.iloc[len(rows) // 2 :])
    parts = [_ask(members, dataset, half, wanted) for half in halves]
    width = max(part.shape[1] for part in parts)
    return np.concatenate([p if p.shape[1] == width else np.full((len(p), width), np.nan) for p in parts])


def _look(members, dataset, rows, wanted):
    if isinstance(members[0], Baseline):
        return _ask_baselines(members, dataset, rows, wanted)
    return _ask_networks(members, dataset, rows, wanted)


def _ask_baselines(members, dataset, rows, wanted):
    # each seed of a baseline looks at the same features; a row without finite ones is left out of them
    features = members[0].features(dataset, rows)
    predicted = [member.predict(features.x) for member in members] if wanted else []
    found = np.column_stack([*predicted, features.x])
    together = np.full((len(rows), found.shape[1]), np.nan)
    together[rows.index.get_indexer(features.rows.index)] = found
    return together


def _ask_networks(members, dataset, rows, wanted):
    meta = members[0][1]
    seen = seen_by_model(dataset, meta)
    voxels, scalars = load_voxels(seen, rows), raw_scalars(meta, seen, rows)
    predicted = [predict(model, about, voxels, scalars) for model, about in members] if wanted else []
    found = [fingerprints(model, about, voxels, scalars) for model, about in members]
    return np.column_stack([*predicted, *found, scalars])


def session(threads: int):
    """Settings under which a model is asked, on the CPU; see porevox.learning.torchsetup.torch_session."""
    from porevox.learning.torchsetup import torch_session

    return torch_session(threads, torch.device("cpu"))
