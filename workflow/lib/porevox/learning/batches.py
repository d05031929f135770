"""The training subset in memory, and its shuffled batches on the device that trains.

One deviation from the thesis, where its code would stop: a last batch of a single structure has no
batch statistics, so that structure joins the batch before it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from porevox.learning.augment import Augmenter, on_device
from porevox.learning.torchsetup import memory_format


@dataclass(frozen=True)
class TrainingData:
    """One training subset: voxels (m, C, n, n, n), scalars (m, k) and labels (m,) as float32."""

    voxels: torch.Tensor
    scalars: torch.Tensor
    y: torch.Tensor

    def placed(self, device: torch.device, precision: str = "float32") -> "TrainingData":
        """The same data on the GPU, where they fit into half of its free memory.

        Parameters
        ----------
        device : torch.device
        precision : {"float32", "bfloat16"}
            Arithmetic of the training steps. For bfloat16 the voxels are rounded to it at once: the
            first convolution would do so at every step.

        Returns
        -------
        TrainingData
            The data themselves on the CPU, or where they do not fit: :func:`training_batches` then
            sends them batch by batch.
        """
        if device.type == "cpu":
            return self
        if 2 * self.voxels.numel() * _stored(precision).itemsize > torch.cuda.mem_get_info(device)[0]:
            return self
        voxels = self.voxels.to(_stored(precision)).to(device)
        return TrainingData(voxels, self.scalars.to(device), self.y.to(device))


def _stored(precision):
    """Number type of voxels on a GPU."""
    return torch.bfloat16 if precision == "bfloat16" else torch.float32


def batches(m: int, batch_size: int, generator: torch.Generator) -> list[torch.Tensor]:
    """Shuffled batches of one epoch; the last partial one is kept.

    Parameters
    ----------
    m : int
        Structures, at least 2.
    batch_size : int
    generator : torch.Generator

    Returns
    -------
    list of torch.Tensor of int64
        Each structure once. A last batch of one structure joins the batch before, since batch
        normalisation cannot train on a single sample.
    """
    parts = list(torch.randperm(m, generator=generator).split(batch_size))
    if len(parts) > 1 and len(parts[-1]) == 1:
        last = parts.pop()
        parts[-1] = torch.cat([parts[-1], last])
    return parts


def training_batches(
    data: TrainingData,
    batch_size: int,
    generator: torch.Generator,
    augmenter: Augmenter,
    device: torch.device,
    precision: str = "float32",
) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """One epoch of shuffled and augmented batches on a device.

    All that is random is drawn on the CPU before the first batch, and sent to a GPU once. So are
    labels and scalars; voxels in main memory follow batch by batch.

    Parameters
    ----------
    data : TrainingData
        On the device or on the CPU.
    batch_size : int
    generator : torch.Generator
        On the CPU: of the order, then of the augmentation, batch by batch.
    augmenter : Augmenter
    device : torch.device
    precision : {"float32", "bfloat16"}
        Arithmetic of the training steps.

    Yields
    ------
    voxels : torch.Tensor, shape (b, C, n, n, n)
        In the layout of :func:`porevox.learning.torchsetup.memory_format`.
    scalars : torch.Tensor, shape (b, k)
    y : torch.Tensor, shape (b,)
    """
    parts = batches(len(data.y), batch_size, generator)
    moves = torch.cat([augmenter.draw(len(part), generator) for part in parts])
    sizes = [len(part) for part in parts]
    order = on_device(torch.cat(parts), device).split(sizes)
    moves = on_device(moves, device).split(sizes)
    scalars, y = data.scalars.to(device), data.y.to(device)
    here = data.voxels.device.type == device.type
    chosen = (data.voxels[samples] for samples in order) if here else _sent(data, parts, device, precision)
    for samples, move, voxels in zip(order, moves, chosen, strict=True):
        moved = augmenter.moved(voxels, move) if augmenter else voxels
        laid_out = moved.contiguous(memory_format=memory_format(device, precision))
        yield laid_out, scalars[samples], y[samples]


def _sent(data, parts, device, precision):
    """Batches of voxels in main memory, each sent while the GPU works on the one before."""
    stream = torch.cuda.Stream(device)
    following = _send(data.voxels, parts[0], device, precision, stream)
    for samples in [*parts[1:], None]:
        batch, computing = following, torch.cuda.current_stream(device)
        computing.wait_stream(stream)
        # Made on another stream: its memory must not be reused before this one is done with it.
        batch.record_stream(computing)
        following = None if samples is None else _send(data.voxels, samples, device, precision, stream)
        yield batch


def _send(voxels, samples, device, precision, stream):
    """Start the copy of one batch; only page-locked memory is copied while other things go on."""
    chosen = voxels[samples].to(_stored(precision)).pin_memory()
    with torch.cuda.stream(stream):
        return chosen.to(device, non_blocking=True)
