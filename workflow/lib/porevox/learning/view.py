"""What one model sees of a dataset: some of its channels, and a transform of its own."""

import hashlib
import json
from dataclasses import replace

from porevox.errors import PorevoxError
from porevox.learning.voxelset import Dataset

#: Options of a model that say what it sees.
VIEW_OPTIONS = ("channels", "transform")


def seen_by(dataset: Dataset, options: dict) -> tuple[Dataset, dict]:
    """A dataset as a model sees it.

    Parameters
    ----------
    dataset : Dataset
    options : dict
        A model's options. "channels" names those it looks at, in the order of the network's input;
        "transform" stands instead of the study's, but for a temperature_K that is None or missing.
        None or missing: as the study has it.

    Returns
    -------
    dataset : Dataset
        Its digest covers what is seen, so that a checkpoint knows it.
    options : dict
        The other options.

    Raises
    ------
    PorevoxError
        When the dataset has no channel of a name.
    """
    rest = {key: value for key, value in options.items() if key not in VIEW_OPTIONS}
    names, transform = (options.get(key) for key in VIEW_OPTIONS)
    if names is None and transform is None:
        return dataset, rest
    meta = dict(dataset.meta)
    if names is not None:
        meta["channels"] = [_channel(meta["channels"], name) for name in names]
    if transform is not None:
        temperature_K = transform.get("temperature_K") or meta["transform"].get("temperature_K")
        meta["transform"] = {**transform, "temperature_K": temperature_K}
    seen = json.dumps([meta["digest"], names, transform], sort_keys=True)
    meta["digest"] = hashlib.sha256(seen.encode()).hexdigest()
    return replace(dataset, meta=meta), rest


def seen_by_model(dataset: Dataset, meta: dict) -> Dataset:
    """A dataset as a trained network sees it.

    Parameters
    ----------
    dataset : Dataset
    meta : dict
        Content of model.json, which names the channels and the transform whatever the options were.

    Returns
    -------
    Dataset

    Raises
    ------
    PorevoxError
        When the dataset has no channel of a name.
    """
    names = [channel["name"] for channel in meta["channels"]]
    return seen_by(dataset, {"channels": names, "transform": meta["transform"]})[0]


def _channel(channels: list[dict], name: str) -> dict:
    for channel in channels:
        if channel["name"] == name:
            return channel
    known = ", ".join(channel["name"] for channel in channels)
    raise PorevoxError(f"The model looks at a channel named {name!r}, but the dataset has {known}.")
