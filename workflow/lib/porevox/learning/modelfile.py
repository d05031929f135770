"""The five files of a run, and what model.json says whatever the model.

predictions.csv, history.csv, run.json, model.safetensors and model.json are plain data: loading a
model never runs code from it.
"""

import json
from pathlib import Path

import pandas as pd

from porevox.errors import PorevoxError
from porevox.learning.runs import FORMAT_VERSION, write_atomically, write_csv, write_json
from porevox.learning.voxelset import Dataset


def describe_model(dataset: Dataset, model_name: str, kind: str, options: dict) -> dict:
    """The part of model.json that all types of models share.

    Parameters
    ----------
    dataset : Dataset
    model_name : str
    kind : str
        Type of the model, such as retnet or random_forest.
    options : dict
        Complete, defaults included.

    Returns
    -------
    dict
        Where the voxels lie on this machine (the shards) is left out.
    """
    meta = dataset.meta
    channels = [{k: v for k, v in c.items() if k != "shards"} for c in meta["channels"]]
    return {
        "format": FORMAT_VERSION,
        "model": model_name,
        "type": kind,
        "target": meta["target"],
        "grid": meta["grid"],
        "channels": channels,
        "transform": meta["transform"],
        "dataset_digest": meta["digest"],
        "options": options,
    }


def read_meta(folder: Path, *kinds: str) -> dict:
    """Read and check model.json.

    Parameters
    ----------
    folder : path-like
        A run's folder.
    *kinds : str
        Types the model may have, such as retnet or random_forest.

    Returns
    -------
    dict

    Raises
    ------
    PorevoxError
        When the file is missing, broken, of another type or of another format version.
    """
    path = Path(folder) / "model.json"
    try:
        meta = json.loads(path.read_text(encoding="utf-8"))
        found, version = meta["type"], meta["format"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PorevoxError(f"{path} cannot be read ({error!r}): train the model again.") from error
    if found not in kinds:
        allowed = " or ".join(map(repr, kinds))
        raise PorevoxError(f"{path} describes a model of type {found!r}, not {allowed}.")
    if version != FORMAT_VERSION:
        raise PorevoxError(
            f"{path} has format {version}, this porevox reads format {FORMAT_VERSION}: train the model again."
        )
    return meta


def write_run(
    out_dir: Path,
    weights: bytes,
    meta: dict,
    history: pd.DataFrame,
    predictions: pd.DataFrame,
    record: dict,
) -> None:
    """Write the five files of a run, each whole or not at all; run.json comes last.

    Parameters
    ----------
    out_dir : path-like
    weights : bytes
        Content of model.safetensors.
    meta : dict
        Content of model.json.
    history, predictions : pandas.DataFrame
    record : dict
        Content of run.json.
    """
    out_dir = Path(out_dir)
    write_atomically(out_dir / "model.safetensors", weights)
    write_json(out_dir / "model.json", meta)
    write_csv(out_dir / "history.csv", history)
    write_csv(out_dir / "predictions.csv", predictions)
    write_json(out_dir / "run.json", record)
