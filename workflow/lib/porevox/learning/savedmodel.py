"""A trained RetNet: its weights as a file, and its predictions."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save

from porevox.errors import PorevoxError
from porevox.learning.augment import symmetry_views
from porevox.learning.modelfile import read_meta
from porevox.learning.physics_scalars import scalar_inputs
from porevox.learning.retnet import RetNet
from porevox.learning.standardise import standardise
from porevox.learning.torchsetup import memory_format
from porevox.learning.view import seen_by_model
from porevox.learning.voxelset import Dataset, load_voxels

#: Structures per forward pass; also per read of the voxel store when a dataset is predicted.
PREDICTION_BATCH = 128

#: Scalars further from the training mean than so many standard deviations count as this far: one
#: impossible pocket would otherwise throw a linear map off by any amount.
SCALAR_LIMIT = 8.0


def to_device(model: RetNet, device: torch.device, precision: str = "float32") -> RetNet:
    """Move a network to a device, in the memory layout it computes fastest with.

    Parameters
    ----------
    model : RetNet
    device : torch.device
    precision : {"float32", "bfloat16"}
        Arithmetic of the steps to come.

    Returns
    -------
    RetNet
        The same network.
    """
    # PyTorch documents memory_format but does not annotate it
    return model.to(device=device, memory_format=memory_format(device, precision))  # type: ignore[call-overload]


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
        Its "standardisation", "scalars" and "labels" hold the statistics of the training subset;
        its option test_time_augmentation says how many symmetry operations are averaged over.
    voxels : numpy.ndarray, shape (m, C, n, n, n), float32
        As of :func:`porevox.learning.voxelset.load_voxels`, not yet standardised.
    scalars : numpy.ndarray, shape (m, k), optional
        Raw scalars, as of :func:`raw_scalars`.

    Returns
    -------
    numpy.ndarray, shape (m,), float64
        In the target's unit.
    """
    n_views = meta.get("options", {}).get("test_time_augmentation", 1)
    predicted = _in_batches(model, model, meta, voxels, scalars, n_views).squeeze(1)
    labels = meta.get("labels", {"mean": 0.0, "std": 1.0})
    return predicted * labels["std"] + labels["mean"]


def fingerprints(
    model: RetNet, meta: dict, voxels: np.ndarray, scalars: np.ndarray | None = None
) -> np.ndarray:
    """Fingerprints of structures as they lie, in evaluation mode (thesis 4.1, figure 4.2).

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
def _in_batches(model, function, meta, voxels, scalars, n_views=1) -> np.ndarray:
    """Standardise and map batches through a function of (voxels, scalars); (m, k) float64."""
    was_training, results, start, size = model.training, [], 0, PREDICTION_BATCH
    model.eval()
    while start < len(voxels):
        batch = slice(start, start + size)
        some = None if scalars is None else scalars[batch]
        try:
            results.append(_one_batch(model, function, meta, voxels[batch], some, n_views))
        except torch.cuda.OutOfMemoryError:
            if size == 1:
                raise
            size //= 2
            continue
        start += size
    model.train(was_training)
    return np.concatenate(results) if results else np.empty((0, 1))


def _one_batch(model, function, meta, voxels, scalars, n_views):
    """Mean over symmetry operations of a function of one batch, (m, k) float64."""
    device = next(model.parameters()).device
    x = torch.from_numpy(standardise(voxels.copy(), **meta["standardisation"])).to(device)
    rest = [standardised_scalars(scalars, meta).to(device)] if meta["scalars"]["mean"] else []
    total = 0.0
    for view in symmetry_views(x, n_views):
        total = total + function(view.contiguous(memory_format=memory_format(device)), *rest).double()
    return (total / n_views).reshape(len(x), -1).cpu().numpy()


def raw_scalars(meta: dict, dataset: Dataset, rows: pd.DataFrame) -> np.ndarray:
    """Scalars that a network takes beside the voxels, from a dataset.

    Parameters
    ----------
    meta : dict
        Content of model.json.
    dataset : Dataset
    rows : pandas.DataFrame
        Rows of dataset.table that have voxels and scalars.

    Returns
    -------
    numpy.ndarray, shape (m, k), float64
        Columns of the table, then those computed; not standardised.
    """
    return scalar_inputs(dataset, rows, meta["scalars"]["columns"], bool(meta["scalars"].get("computed")))


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
        Within SCALAR_LIMIT.
    """
    mean, std = (np.asarray(meta["scalars"][key]) for key in ("mean", "std"))
    scaled = np.clip((scalars - mean) / std, -SCALAR_LIMIT, SCALAR_LIMIT)
    return torch.from_numpy(scaled.astype(np.float32))


def predict_rows(model: RetNet, meta: dict, dataset: Dataset, rows: pd.DataFrame) -> np.ndarray:
    """Predict rows of a dataset, reading only a few structures' voxels at a time.

    Parameters
    ----------
    model : RetNet
    meta : dict
        Its channels and transform count, whatever the dataset's are.
    dataset : Dataset
    rows : pandas.DataFrame
        Rows of dataset.table that have voxels and scalars.

    Returns
    -------
    numpy.ndarray, shape (m,), float64
        In the target's unit.
    """
    return _by_rows(predict, model, meta, dataset, rows)[:, 0]


def fingerprint_rows(model: RetNet, meta: dict, dataset: Dataset, rows: pd.DataFrame) -> np.ndarray:
    """Fingerprints of rows of a dataset, reading only a few structures' voxels at a time.

    Parameters
    ----------
    model, meta, dataset, rows
        As in :func:`predict_rows`.

    Returns
    -------
    numpy.ndarray, shape (m, 20), float64
    """
    return _by_rows(fingerprints, model, meta, dataset, rows)


def _by_rows(function, model, meta, dataset, rows) -> np.ndarray:
    """Map the voxels and scalars of rows through predict or fingerprints; (m, k) float64."""
    dataset = seen_by_model(dataset, meta)
    # In the order of the store: each shard is opened once and read forwards.
    order = np.lexsort((rows[f"row_{dataset.channels[0]}"], rows["shard"]))
    results = np.empty((len(rows), 1))
    for start in range(0, len(rows), PREDICTION_BATCH):
        places = order[start : start + PREDICTION_BATCH]
        part = rows.iloc[places]
        found = function(model, meta, load_voxels(dataset, part), raw_scalars(meta, dataset, part))
        found = found.reshape(len(part), -1)
        if start == 0:
            results = np.empty((len(rows), found.shape[1]))
        results[places] = found
    return results
