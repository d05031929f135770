"""Rolling checkpoint: an interrupted training goes on where its last finished epoch ended.

The checkpoint lives outside the run's outputs and is replaced after every epoch. It carries a key
made of everything the weights depend on; a checkpoint of anything else is not used.
"""

import hashlib
import io
import json
import logging
from pathlib import Path

import torch

from porevox.learning.runs import FORMAT_VERSION, write_atomically

log = logging.getLogger("porevox")


def checkpoint_key(dataset_digest: str, n_train: int, seed: int, options: dict) -> str:
    """Fingerprint of everything that determines the weights.

    Parameters
    ----------
    dataset_digest : str
        "digest" of dataset.json.
    n_train : int
        Training-set size as a number.
    seed : int
    options : dict
        The complete recipe, defaults included.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    content = json.dumps([FORMAT_VERSION, dataset_digest, n_train, seed, options], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


def save_checkpoint(path: Path, key: str, state: dict) -> None:
    """Replace the checkpoint atomically.

    Parameters
    ----------
    path : Path
        Its folder is made when missing.
    key : str
        As of :func:`checkpoint_key`.
    state : dict
        Tensors, numbers, text, lists and dicts only.
    """
    buffer = io.BytesIO()
    torch.save({"key": key, "state": state}, buffer)
    write_atomically(path, buffer.getvalue())


def load_checkpoint(path: Path, key: str) -> dict | None:
    """State to resume from, if there is one.

    Parameters
    ----------
    path : Path
        May not exist.
    key : str
        Key of the training about to begin.

    Returns
    -------
    dict or None
        On the CPU. None, with a line in the log, for a checkpoint of another training or one that
        cannot be read: training then starts from the beginning.
    """
    if not path.is_file():
        return None
    try:
        # weights_only: a checkpoint is data; it may not run code.
        found = torch.load(path, map_location="cpu", weights_only=True)
        found_key, state = found["key"], found["state"]
    except Exception as error:  # torch.load answers broken files with exceptions of many kinds
        log.warning("checkpoint %s cannot be read (%s): starting afresh", path, type(error).__name__)
        return None
    if found_key != key:
        log.info("checkpoint %s is of another dataset, size, seed or recipe: starting afresh", path)
        return None
    return state


def random_states(generator: torch.Generator, device: torch.device) -> dict:
    """States of every generator that training draws from.

    Parameters
    ----------
    generator : torch.Generator
        Of the order and the augmentation.
    device : torch.device
        Dropout draws from torch's global generator of this device.

    Returns
    -------
    dict of torch.Tensor
    """
    states = {"order": generator.get_state(), "cpu": torch.get_rng_state()}
    if device.type == "cuda":
        states["cuda"] = torch.cuda.get_rng_state(device)
    return states


def restore_random_states(states: dict, generator: torch.Generator, device: torch.device) -> None:
    """Put the generators back into the states of :func:`random_states`.

    Parameters
    ----------
    states : dict of torch.Tensor
    generator : torch.Generator
    device : torch.device
        Without a stored state for it (training moved to a GPU), its generator stays as it is.
    """
    generator.set_state(states["order"])
    torch.set_rng_state(states["cpu"])
    if device.type == "cuda" and "cuda" in states:
        torch.cuda.set_rng_state(states["cuda"], device)
