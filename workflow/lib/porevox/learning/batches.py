"""The training subset in memory, and its shuffled batches.

One deviation from the thesis, where its code would stop: a last batch of a single structure has no
batch statistics, so that structure joins the batch before it.
"""

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class TrainingData:
    """One training subset: voxels (m, C, n, n, n), scalars (m, k) and labels (m,) as float32."""

    voxels: torch.Tensor
    scalars: torch.Tensor
    y: torch.Tensor

    def placed(self, device: torch.device) -> "TrainingData":
        """The same data on the GPU, where it fits into half of the free memory.

        Parameters
        ----------
        device : torch.device

        Returns
        -------
        TrainingData
            Unchanged on the CPU or when it does not fit: batches then travel one by one.
        """
        if device.type != "cuda":
            return self
        if 2 * self.voxels.nbytes > torch.cuda.mem_get_info(device)[0]:
            return self
        return TrainingData(*(t.to(device) for t in (self.voxels, self.scalars, self.y)))


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
