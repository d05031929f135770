"""Rolling checkpoint: an interrupted training goes on where its last finished epoch ended.

The checkpoint lives outside the run's outputs and is replaced after every epoch. It says on what
its weights depend; a checkpoint of anything else is not used, and the log names the difference.
"""

import io
import logging
from pathlib import Path

import torch

from porevox.learning.runs import FORMAT_VERSION, write_atomically

log = logging.getLogger("porevox")


def describe_training(
    dataset_digest: str, n_train: int, seed: int, options: dict, start_sha256: str | None = None
) -> dict:
    """Everything that determines the weights.

    Parameters
    ----------
    dataset_digest : str
        "digest" of dataset.json.
    n_train : int
        Training-set size as a number.
    seed : int
    options : dict
        The complete recipe, defaults included.
    start_sha256 : str, optional
        Digest of the weights started from.

    Returns
    -------
    dict
        Plain values.
    """
    settings = {"dataset": dataset_digest, "n_train": n_train, "seed": seed, "start": start_sha256}
    # Where weights lie does not matter, only what they are.
    chosen = {key: value for key, value in options.items() if key != "init_from"}
    return {"format": FORMAT_VERSION, **settings, **chosen}


def save_checkpoint(path: Path, training: dict, state: dict) -> None:
    """Replace the checkpoint atomically.

    Parameters
    ----------
    path : Path
        Its folder is made when missing.
    training : dict
        As of :func:`describe_training`.
    state : dict
        Tensors, numbers, text, lists and dicts only.
    """
    buffer = io.BytesIO()
    torch.save({"training": training, "state": state}, buffer)
    write_atomically(path, buffer.getvalue())


def load_checkpoint(path: Path, training: dict) -> dict | None:
    """State to resume from, if there is one.

    Parameters
    ----------
    path : Path
        May not exist.
    training : dict
        Of the training about to begin.

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
        earlier, state = dict(found["training"]), found["state"]
    except Exception as error:  # torch.load answers broken files with exceptions of many kinds
        log.warning("checkpoint %s cannot be read (%s): starting afresh", path, type(error).__name__)
        return None
    differences = _differences(earlier, training)
    if differences:
        log.warning("checkpoint %s is of another training (%s): starting afresh", path, differences)
        return None
    return state


def _differences(earlier: dict, now: dict) -> str:
    """Settings that differ, as "name: from -> to", or an empty text."""
    names = [name for name in {**earlier, **now} if earlier.get(name) != now.get(name)]
    return ", ".join(f"{name}: {_shown(earlier.get(name))} -> {_shown(now.get(name))}" for name in names)


def _shown(value) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:12]}..."


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
