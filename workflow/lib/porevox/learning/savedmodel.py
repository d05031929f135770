"""A trained RetNet: its weights as a file, and its predictions."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save

from porevox.errors import PorevoxError
from porevox.learning.modelfile import read_meta
from porevox.learning.retnet import RetNet
from porevox.learning.standardise import standardise
from porevox.learning.torchsetup import memory_format
from porevox.learning.voxelset import Dataset, load_voxels

#: Structures per forward pass; also per read of the voxel store when a dataset is predicted.
PREDICTION_BATCH = 128


def to_device(model: RetNet, device: torch.device) -> RetNet:
    """Move a network to a device, in the memory layout it computes fastest with.

    Parameters
    ----------
    model : RetNet
    device : torch.device

    Returns
    -------
    RetNet
        The same network.
    """
    return model.to(device=device, memory_format=memory_format(device))


def retnet_bytes(model: RetNet, meta: dict) -> bytes:
    """Content of model.safetensors.

    Parameters
    ----------
    model : RetNet
    meta : dict
        Content of model.json; stands in the file's header too, so that the weights are never
        without their description.

    Returns
    -------
    bytes
    """
    state = {k: v.detach().cpu().contiguous() for k, v in model.state_dict().items()}
    return save(state, {"porevox": json.dumps(meta)})


def load_retnet(folder: Path) -> tuple[RetNet, dict]:
    """Load a trained network.

    Parameters
    ----------
    folder : path-like
        Holds model.safetensors and model.json.

    Returns
    -------
    model : RetNet
        In evaluation mode, on the CPU.
    meta : dict
        Content of model.json.

    Raises
    ------
    PorevoxError
        When a file is missing or broken, or they do not belong together.
    """
    folder = Path(folder)
    meta = read_meta(folder, "retnet")
    model = RetNet(**meta["architecture"])
    try:
        model.load_state_dict(load_file(folder / "model.safetensors"))
    except (OSError, SafetensorError, RuntimeError) as error:
        raise PorevoxError(
            f"{folder / 'model.safetensors'} does not hold the network that model.json describes "
            f"({type(error).__name__}): train the model again."
        ) from error
    return to_device(model, torch.device("cpu")).eval(), meta


def predict(model: RetNet, meta: dict, voxels: np.ndarray, scalars: np.ndarray | None = None) -> np.ndarray:
    """Predict uptakes in evaluation mode and float32.

    Parameters
    ----------
    model : RetNet
        Its mode is the same afterwards.
    meta : dict
        Its "standardisation" and "scalars" hold the statistics of the training subset.
    voxels : numpy.ndarray, shape (m, C, n, n, n), float32
        As of :func:`porevox.learning.voxelset.load_voxels`, not yet standardised.
    scalars : numpy.ndarray, shape (m, k), optional
        Raw scalars, one column per entry of meta["scalars"]["columns"].

    Returns
    -------
    numpy.ndarray, shape (m,), float64
        In the target's unit.
    """
    return _in_batches(model, model, meta, voxels, scalars).squeeze(1)


def fingerprints(
    model: RetNet, meta: dict, voxels: np.ndarray, scalars: np.ndarray | None = None
) -> np.ndarray:
    """Fingerprints of structures, in evaluation mode (thesis 4.1, figure 4.2).

    Parameters
    ----------
    model, meta, voxels, scalars
        As in :func:`predict`.

    Returns
    -------
    numpy.ndarray, shape (m, 20), float64
    """
    return _in_batches(model, model.fingerprint, meta, voxels, scalars)


@torch.inference_mode()
def _in_batches(model, function, meta, voxels, scalars) -> np.ndarray:
    """Standardise and map batches through a function of (voxels, scalars); (m, k) float64."""
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    results = []
    for start in range(0, len(voxels), PREDICTION_BATCH):
        batch = slice(start, start + PREDICTION_BATCH)
        x = standardise(voxels[batch].copy(), **meta["standardisation"])
        inputs = [torch.from_numpy(x).to(device, memory_format=memory_format(device))]
        if scalars is not None and scalars.shape[1]:
            inputs.append(standardised_scalars(scalars[batch], meta).to(device))
        results.append(function(*inputs).reshape(len(x), -1).cpu().double().numpy())
    model.train(was_training)
    return np.concatenate(results) if results else np.empty((0, 1))


def standardised_scalars(scalars: np.ndarray, meta: dict) -> torch.Tensor:
    """Scalars as the network takes them.

    Parameters
    ----------
    scalars : numpy.ndarray, shape (m, k)
        Raw values.
    meta : dict
        Its "scalars" hold mean and std of the training subset.

    Returns
    -------
    torch.Tensor, shape (m, k), float32
    """
    mean, std = (np.asarray(meta["scalars"][key]) for key in ("mean", "std"))
    return torch.from_numpy(((scalars - mean) / std).astype(np.float32))


def predict_rows(model: RetNet, meta: dict, dataset: Dataset, rows: pd.DataFrame) -> np.ndarray:
    """Predict rows of a dataset, reading only a few structures' voxels at a time.

    Parameters
    ----------
    model : RetNet
    meta : dict
    dataset : Dataset
    rows : pandas.DataFrame
        Rows of dataset.table that have voxels and scalars.

    Returns
    -------
    numpy.ndarray, shape (m,), float64
        In the target's unit.
    """
    # In the order of the store: each shard is opened once and read forwards.
    order = np.lexsort((rows[f"row_{dataset.channels[0]}"], rows["shard"]))
    y_pred = np.empty(len(rows))
    for start in range(0, len(rows), PREDICTION_BATCH):
        places = order[start : start + PREDICTION_BATCH]
        part = rows.iloc[places]
        scalars = part[meta["scalars"]["columns"]].to_numpy(np.float64)
        y_pred[places] = predict(model, meta, load_voxels(dataset, part), scalars)
    return y_pred
