"""One pass over the training subset: batches, augmentation, gradients, steps.

The loss is summed up on the device and read once an epoch: reading it at every step would make the
processor wait for the GPU each time.
"""

import torch
from torch.nn import functional

from porevox.learning.augment import Augmenter
from porevox.learning.averaging import WeightAverage
from porevox.learning.batches import TrainingData, training_batches
from porevox.learning.recipe import Recipe
from porevox.learning.retnet import RetNet


def train_epoch(
    model: RetNet,
    optimiser: torch.optim.Optimizer,
    data: TrainingData,
    recipe: Recipe,
    generator: torch.Generator,
    loss=functional.mse_loss,
    augmenter: Augmenter | None = None,
    average: WeightAverage | None = None,
    micro_batch: int | None = None,
) -> float:
    """One pass over the training subset.

    Parameters
    ----------
    model : RetNet
    optimiser : torch.optim.Optimizer
    data : TrainingData
    recipe : Recipe
    generator : torch.Generator
        Of the order and the augmentation; dropout draws from torch's global generator.
    loss : callable
        Of predictions and labels (m,); a mean over the batch.
    augmenter : Augmenter, optional
        The recipe's where not given.
    average : WeightAverage, optional
        Moved after every step.
    micro_batch : int, optional
        Most structures whose activations are held at a time; the whole batch where not given.

    Returns
    -------
    float
        Mean loss over the epoch, in the unit of the labels squared, met while training.
    """
    device = model.output.weight.device
    if augmenter is None:
        augmenter = Augmenter(recipe.augmentation, recipe.roll, data.voxels.shape[-1], device)
    model.train()
    if recipe.freeze == "features":
        # Normalisations would otherwise drift towards the statistics of the new structures.
        model.features.eval()
    total = torch.zeros((), dtype=torch.float64, device=device)
    parts = training_batches(data, recipe.batch_size, generator, augmenter, device, recipe.precision)
    for voxels, scalars, y in parts:
        optimiser.zero_grad()
        seen = scalars if model.n_scalars else None
        value = accumulate(model, voxels, seen, y, loss, recipe.precision, micro_batch)
        optimiser.step()
        if average is not None:
            average.update()
        total += value.double() * len(y)
    return (total / len(data.y)).item()


def accumulate(model, voxels, scalars, y, loss, precision: str, micro_batch: int | None = None):
    """Add the gradient of one batch's loss to that of the parameters, part by part.

    Parameters
    ----------
    model : RetNet
    voxels : torch.Tensor, shape (m, C, n, n, n)
    scalars : torch.Tensor or None, shape (m, k)
    y : torch.Tensor, shape (m,)
    loss : callable
        A mean over the structures it is given.
    precision : {"float32", "bfloat16"}
    micro_batch : int, optional
        Most structures whose activations are held at a time. The sum over the parts is the gradient
        of the whole batch, but for batch normalisation, which sees one part at a time.

    Returns
    -------
    torch.Tensor, shape ()
        Loss of the batch, without a graph.
    """
    total = 0.0
    for part in micro_batches(len(y), micro_batch or len(y)):
        some = None if scalars is None else scalars[part]
        with torch.autocast(voxels.device.type, torch.bfloat16, enabled=precision == "bfloat16"):
            predicted = model(voxels[part], some)
        value = loss(predicted.float(), y[part]) * (len(predicted) / len(y))
        value.backward()
        total = total + value.detach()
    return total


def micro_batches(m: int, size: int) -> list[slice]:
    """Parts of a batch of nearly equal size, none larger than asked for.

    Parameters
    ----------
    m : int
        Structures in the batch.
    size : int
        Most structures of a part, at least 2.

    Returns
    -------
    list of slice
        None has a single structure (unless m is 1), which batch normalisation cannot train on: with
        size 2 and an odd m one part has three.
    """
    count = min(-(-m // size), max(m // 2, 1))
    edges = [m * k // count for k in range(count + 1)]
    return [slice(start, stop) for start, stop in zip(edges[:-1], edges[1:], strict=True)]
