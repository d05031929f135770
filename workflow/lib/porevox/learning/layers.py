"""What each layer of a trained RetNet makes of a structure (thesis 4.1, figure 4.1)."""

from collections.abc import Iterator
from contextlib import ExitStack

import numpy as np
from torch import nn

from porevox.learning.periodic import PeriodicConv3d
from porevox.learning.retnet import RetNet
from porevox.learning.savedmodel import predict

#: Words for the kinds of layers with which a new stage begins; normalisation and activation are part of it.
_WORDS = {
    nn.Conv3d: "Conv",
    PeriodicConv3d: "Conv",
    nn.MaxPool3d: "MaxPool",
    nn.AdaptiveAvgPool3d: "AvgPool",
    nn.Linear: "Dense",
}


def stages(model: RetNet) -> Iterator[tuple[str, nn.Module]]:
    """Yield the stages of a network up to its fingerprint, each with the module in which it ends.

    Parameters
    ----------
    model : RetNet

    Yields
    ------
    name : str
        Such as ``Conv1``, ``MaxPool1`` or ``Dense2``, as in the thesis' figure 4.1.
    last : torch.nn.Module
        Its output is that of the stage: after normalisation and activation.
    """
    layers = [*model.features.named_children(), *model.dense.named_children()]
    starts = [k for k, (_, layer) in enumerate(layers) if type(layer) in _WORDS]
    for start, stop in zip(starts, [*starts[1:], len(layers)], strict=True):
        name, layer = layers[start]
        number = name[len(name.rstrip("0123456789")) :]
        yield _WORDS[type(layer)] + number, layers[stop - 1][1]


def layer_outputs(
    model: RetNet, meta: dict, voxels: np.ndarray, scalars: np.ndarray | None = None
) -> dict[str, np.ndarray]:
    """Outputs of all stages for some structures as they lie, in evaluation mode.

    Parameters
    ----------
    model, meta, voxels, scalars
        As in :func:`porevox.learning.savedmodel.predict`.

    Returns
    -------
    dict of str to numpy.ndarray
        By the names of :func:`stages`: (m, channels, p, p, p) feature maps, then ``Flatten`` (m, k),
        all that enters the dense layers, and their outputs, of which the last is the fingerprint; all
        float32. Then ``Output``, (m, 1) float64: the prediction in the target's unit, of this one
        orientation.
    """
    parts: dict[str, list[np.ndarray]] = {}

    def keep(name, values):
        # a copy: the activation that follows may work in place
        parts.setdefault(name, []).append(values.detach().float().cpu().numpy().copy())

    def keep_input(module, inputs):
        keep("Flatten", inputs[0])

    def keep_output(name):
        return lambda module, inputs, output: keep(name, output)

    once = {**meta, "options": {**meta.get("options", {}), "test_time_augmentation": 1}}
    with ExitStack() as stack:
        stack.callback(model.dense.register_forward_pre_hook(keep_input).remove)
        for name, last in stages(model):
            stack.callback(last.register_forward_hook(keep_output(name)).remove)
        predicted = predict(model, once, voxels, scalars)
    outputs = {name: np.concatenate(found) for name, found in parts.items()}
    return outputs | {"Output": predicted[:, None]}
