"""Exponential moving average of a network's weights (Polyak averaging with a short memory).

The running statistics of batch normalisation are averaged like the weights: they drift as slowly,
so those of the averaged network lie close to their average, and nothing needs another pass over the
training subset before every validation.
"""

import copy

import torch

from porevox.learning.retnet import RetNet


class WeightAverage:
    """Average of a network's weights over the steps of its training.

    After step t (from 1) the average moves by 1 - min(decay, (1 + t) / (10 + t)) towards the
    weights: early on it forgets fast, so that the random first weights do not linger in a short
    training.

    Parameters
    ----------
    model : RetNet
        Copied; its weights are the first average.
    decay : float
        From 0 to below 1.

    Attributes
    ----------
    model : RetNet
        The network with averaged weights.
    """

    def __init__(self, model: RetNet, decay: float):
        self.decay, self.steps = decay, 0
        self.model = copy.deepcopy(model).requires_grad_(False)
        self._pairs(model)

    def _pairs(self, model):
        averaged, current = self.model.state_dict(), model.state_dict()
        # In place from now on: the tensors of a state_dict are those of the network.
        names = [name for name, value in averaged.items() if value.is_floating_point()]
        self._averaged = [averaged[name] for name in names]
        self._current = [current[name] for name in names]
        rest = [name for name in averaged if name not in set(names)]
        self._counts = [(averaged[name], current[name]) for name in rest]

    @torch.no_grad()
    def update(self) -> None:
        """Take in the weights as they are now."""
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        torch._foreach_lerp_(self._averaged, self._current, 1 - decay)
        for averaged, current in self._counts:
            averaged.copy_(current)

    def state(self) -> dict:
        """Average and number of steps, for a checkpoint.

        Returns
        -------
        dict
        """
        return {"steps": self.steps, "model": self.model.state_dict()}

    def restore(self, state: dict) -> None:
        """Take up the average of :meth:`state`.

        Parameters
        ----------
        state : dict
        """
        self.steps = state["steps"]
        self.model.load_state_dict(state["model"])
