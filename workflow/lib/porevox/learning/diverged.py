"""A training that has gone wrong for good, and what is likely to blame."""

import torch

from porevox.errors import PorevoxError

#: Labels beyond this are blamed before the learning rate is.
_LARGE_LABEL = 1e6


class Diverged(PorevoxError):
    """The loss or a weight is not finite any more."""


def why_diverged(epoch: int, loss: float, rate: float, y: torch.Tensor) -> str:
    """Say in one sentence where a training diverged, and why it likely did.

    Parameters
    ----------
    epoch : int
        Counted from 1.
    loss : float
        Of this epoch.
    rate : float
        Learning rate.
    y : torch.Tensor, shape (m,)
        Labels, in the unit in which they are learned.

    Returns
    -------
    str
    """
    largest = float(y.abs().max())
    cause = f"the learning rate of {rate:g} is likely too high, so"
    if largest > _LARGE_LABEL:
        cause = f"labels of up to {largest:.3g} are likely too large, so set standardise_labels to true or"
    where = f"diverged in epoch {epoch} (the loss is {loss:g})"
    return f"The training {where}: {cause} lower the learning rate."
