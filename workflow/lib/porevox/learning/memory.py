"""How a training fits into the memory of a GPU: where the voxels lie, and how much is held at a time."""

import logging

import torch

from porevox.errors import PorevoxError
from porevox.learning.batches import TrainingData
from porevox.learning.recipe import Recipe

log = logging.getLogger("porevox")

#: Batch normalisation needs two structures to normalise.
_SMALLEST_PART = 2


class MemoryPlan:
    """The training subset and how it is fed, changed step by step while memory does not suffice.

    Parameters
    ----------
    data : TrainingData
        On the host.
    device : torch.device
    recipe : Recipe

    Attributes
    ----------
    data : TrainingData
        On the device where it fits.
    micro_batch : int or None
        Most structures whose activations are held at a time; None: a whole batch.
    """

    def __init__(self, data: TrainingData, device: torch.device, recipe: Recipe):
        self._host, self._device = data, device
        self._batch_size = min(recipe.batch_size, len(data.y))
        self.data = data.placed(device, recipe.precision)
        self.micro_batch: int | None = None

    @property
    def streams(self) -> bool:
        """Whether batches travel to the device one by one."""
        return self._device.type != "cpu" and self.data is self._host

    def relieve(self) -> None:
        """Make room: first the voxels leave the device, then ever fewer structures pass at a time.

        Raises
        ------
        PorevoxError
            When nothing is left to be done.
        """
        if self.data is not self._host:
            self.data = self._host
            log.warning("out of memory on the %s: voxels now stay in host memory", self._device.type)
        else:
            size = self.micro_batch or self._batch_size
            if size <= _SMALLEST_PART:
                raise PorevoxError(
                    f"The memory of the {self._device.type} does not suffice for {size} structures at a "
                    "time: use a smaller grid, a larger device, or the CPU."
                )
            self.micro_batch = max(_SMALLEST_PART, size // 2)
            words = "out of memory on the %s: batches now pass in parts of at most %d structures"
            log.warning(words, self._device.type, self.micro_batch)
        if self._device.type == "cuda":
            torch.cuda.empty_cache()

    def state(self) -> dict:
        """Plain values, for a checkpoint and for run.json.

        Returns
        -------
        dict
            ``voxels_streamed`` (bool) and ``micro_batch`` (int or None).
        """
        return {"voxels_streamed": self.streams, "micro_batch": self.micro_batch}

    def restore(self, state: dict) -> None:
        """Keep to what has been found to fit.

        Parameters
        ----------
        state : dict
            As of :meth:`state`; of a training on another device, only the parts are kept.
        """
        if state["voxels_streamed"]:
            self.data = self._host
        self.micro_batch = state["micro_batch"]
