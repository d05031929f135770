"""The training loop of RetNet, recipe of the thesis (sections 3.3.2 and 3.3.3).

Mean squared error, Adam, shuffled batches with the last partial batch kept, the learning rate
halved every 10 epochs, random symmetry operations on every sample, labels as they are, weights of
the last epoch.
"""

import logging
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from porevox.errors import PorevoxError
from porevox.learning.augment import augment
from porevox.learning.batches import TrainingData, batches
from porevox.learning.checkpoint import (
    load_checkpoint,
    random_states,
    restore_random_states,
    save_checkpoint,
)
from porevox.learning.recipe import Recipe
from porevox.learning.retnet import RetNet, initialise
from porevox.learning.savedmodel import to_device
from porevox.learning.torchsetup import memory_format

log = logging.getLogger("porevox")

#: The validation error is computed after every so many epochs, and after the last one.
VALIDATE_EVERY = 10


def make_optimiser(model: RetNet, recipe: Recipe):
    """Adam and its schedule (thesis 3.3.2).

    Parameters
    ----------
    model : RetNet
    recipe : Recipe

    Returns
    -------
    torch.optim.Adam, torch.optim.lr_scheduler.StepLR
        The schedule is stepped once an epoch.
    """
    optimiser = torch.optim.Adam(model.parameters(), lr=recipe.learning_rate, betas=(0.9, 0.999), eps=1e-8)
    schedule = torch.optim.lr_scheduler.StepLR(
        optimiser, step_size=recipe.lr_decay_every_epochs, gamma=recipe.lr_decay_factor
    )
    return optimiser, schedule


def train_epoch(model, optimiser, data: TrainingData, recipe: Recipe, generator) -> float:
    """One pass over the training subset.

    Parameters
    ----------
    model : RetNet
    optimiser : torch.optim.Optimizer
    data : TrainingData
    recipe : Recipe
    generator : torch.Generator
        Of the order and the augmentation; dropout draws from torch's global generator.

    Returns
    -------
    float
        Mean squared error over the epoch, in the target's unit squared, met while training.
    """
    device = model.output.weight.device
    model.train()
    total = 0.0
    for samples in batches(len(data.y), recipe.batch_size, generator):
        samples = samples.to(data.voxels.device)
        voxels = data.voxels[samples].to(device)
        if recipe.augment:
            voxels = augment(voxels, generator)
        voxels = voxels.contiguous(memory_format=memory_format(device))
        scalars = data.scalars[samples].to(device) if model.n_scalars else None
        bfloat16 = recipe.precision == "bfloat16"
        with torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
            predicted = model(voxels, scalars)
        loss = functional.mse_loss(predicted.float(), data.y[samples].to(device))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        total += loss.item() * len(samples)
    return total / len(data.y)


def initial_model(architecture: dict, y_mean: float, seed: int, device: torch.device) -> RetNet:
    """Network with its first weights; seeds torch's global generator, which dropout draws from.

    Parameters
    ----------
    architecture : dict
        Arguments of :class:`porevox.learning.retnet.RetNet`.
    y_mean : float
        Mean label of the training subset, in the target's unit.
    seed : int
    device : torch.device

    Returns
    -------
    RetNet
        The same weights whatever the device.
    """
    torch.manual_seed(_seeds(seed)[0])
    model = RetNet(**architecture)
    initialise(model, y_mean)
    return to_device(model, device)


def _seeds(seed: int) -> list[int]:
    """Independent seeds for the weights (and dropout) and for the order (and augmentation)."""
    return [int(s) for s in np.random.SeedSequence(seed).generate_state(2, np.uint64)]


class Fit:
    """A training under way: everything that an epoch changes.

    Parameters
    ----------
    data : TrainingData
        Standardised.
    recipe : Recipe
    inputs : dict
        With "architecture" and "y_train_mean".
    seed : int
    device : torch.device

    Attributes
    ----------
    model : RetNet
    epoch : int
        Finished epochs.
    history : list of dict
        One row per finished epoch.
    elapsed_s : float
        Seconds spent in finished epochs, over all sittings.
    """

    def __init__(self, data: TrainingData, recipe: Recipe, inputs: dict, seed: int, device):
        self.data, self.recipe, self.device = data.placed(device), recipe, device
        self.model = initial_model(inputs["architecture"], inputs["y_train_mean"], seed, device)
        self.optimiser, self.schedule = make_optimiser(self.model, recipe)
        self.generator = torch.Generator().manual_seed(_seeds(seed)[1])
        self.epoch, self.history, self.elapsed_s = 0, [], 0.0

    def state(self) -> dict:
        """Everything needed to go on from here, for a checkpoint."""
        return {
            "epoch": self.epoch,
            "history": self.history,
            "elapsed_s": self.elapsed_s,
            "model": self.model.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "schedule": self.schedule.state_dict(),
            "random": random_states(self.generator, self.device),
        }

    def restore(self, state: dict) -> None:
        """Take up where a checkpoint left off.

        Parameters
        ----------
        state : dict
            As of :meth:`state`.
        """
        self.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.schedule.load_state_dict(state["schedule"])
        restore_random_states(state["random"], self.generator, self.device)
        self.epoch, self.history = state["epoch"], state["history"]
        self.elapsed_s = state["elapsed_s"]

    def run_epoch(self, validate: Callable[[RetNet], float | None]) -> None:
        """Train one epoch and note it in the history and the log.

        Parameters
        ----------
        validate : callable
            Takes the network, returns the validation MSE, or None without a validation set.

        Raises
        ------
        PorevoxError
            When the loss is not finite any more.
        """
        start = time.perf_counter()
        rate, epochs = self.schedule.get_last_lr()[0], self.recipe.epochs
        loss = train_epoch(self.model, self.optimiser, self.data, self.recipe, self.generator)
        if not np.isfinite(loss):
            raise PorevoxError(
                f"The training diverged in epoch {self.epoch + 1} (the loss is {loss}): lower the "
                f"learning rate, which was {rate:g}, and check the labels' size."
            )
        self.schedule.step()
        self.epoch += 1
        due = self.epoch % VALIDATE_EVERY == 0 or self.epoch == epochs
        row = {"epoch": self.epoch, "learning_rate": rate, "train_loss": loss}
        self.history.append({**row, "validation_mse": validate(self.model) if due else None})
        seconds = time.perf_counter() - start
        self.elapsed_s += seconds
        words = "epoch %d/%d: learning rate %g, train loss %.6g, %.1f s"
        log.info(words, self.epoch, epochs, rate, loss, seconds)


def fit(
    training: Fit,
    checkpoint: Path,
    key: str,
    validate: Callable[[RetNet], float | None],
    progress: Callable[[int, int], None] | None = None,
) -> float:
    """Train to the last epoch, from the checkpoint if there is one, writing one after each epoch.

    Parameters
    ----------
    training : Fit
        Fresh; its model is trained in place.
    checkpoint : Path
        File of the rolling checkpoint.
    key : str
        As of :func:`porevox.learning.checkpoint.checkpoint_key`.
    validate : callable
        See :meth:`Fit.run_epoch`.
    progress : callable, optional
        Called with (finished epochs, all epochs) at the start and after each epoch.

    Returns
    -------
    float
        Seconds that earlier sittings had spent on the epochs of the checkpoint, 0 without one.
    """
    progress = progress or (lambda done, total: None)
    state = load_checkpoint(checkpoint, key)
    if state is not None:
        training.restore(state)
        log.info("resuming after epoch %d", training.epoch)
    earlier_s, epochs = training.elapsed_s, training.recipe.epochs
    progress(training.epoch, epochs)
    while training.epoch < epochs:
        training.run_epoch(validate)
        save_checkpoint(checkpoint, key, training.state())
        progress(training.epoch, epochs)
    return earlier_s
