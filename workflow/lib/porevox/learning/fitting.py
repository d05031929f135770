"""The training loop of RetNet: epochs, history, resuming, and what to do when memory runs out.

In the recipe of the thesis (sections 3.3.2 and 3.3.3): mean squared error, Adam, shuffled batches
with the last partial batch kept, the learning rate halved every 10 epochs, random symmetry
operations on every sample, labels as they are, weights of the last epoch.
"""

import copy
import logging
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from porevox.learning.augment import Augmenter
from porevox.learning.averaging import WeightAverage
from porevox.learning.batches import TrainingData
from porevox.learning.checkpoint import (
    load_checkpoint,
    random_states,
    restore_random_states,
    save_checkpoint,
)
from porevox.learning.diverged import Diverged, why_diverged
from porevox.learning.memory import MemoryPlan
from porevox.learning.optimiser import make_loss, make_optimiser
from porevox.learning.recipe import Recipe
from porevox.learning.retnet import RetNet, initialise, start_from_ridge
from porevox.learning.savedmodel import to_device
from porevox.learning.steps import train_epoch

log = logging.getLogger("porevox")

#: The validation scores are computed after every so many epochs, and after the last one.
VALIDATE_EVERY = 10
#: What is known of a validation set.
VALIDATION_SCORES = ("validation_mse", "validation_R2")


def initial_model(
    architecture: dict, y_mean: float, seed: int, device: torch.device, precision: str = "float32"
) -> RetNet:
    """Network with its first weights; seeds torch's global generator, which dropout draws from.

    Parameters
    ----------
    architecture : dict
        Arguments of :class:`porevox.learning.retnet.RetNet`.
    y_mean : float
        Mean of the training labels, in the unit in which they are learned.
    seed : int
    device : torch.device
    precision : {"float32", "bfloat16"}
        Arithmetic of the training steps.

    Returns
    -------
    RetNet
        The same weights whatever the device.
    """
    torch.manual_seed(_seeds(seed)[0])
    model = RetNet(**architecture)
    initialise(model, y_mean)
    return to_device(model, device, precision)


def _seeds(seed: int) -> list[int]:
    """Independent seeds for the weights (and dropout) and for the order (and augmentation)."""
    return [int(s) for s in np.random.SeedSequence(seed).generate_state(2, np.uint64)]


class Fit:
    """A training under way: everything that an epoch changes.

    Parameters
    ----------
    data : TrainingData
        Standardised as the recipe asks for.
    recipe : Recipe
    inputs : dict
        With "architecture" and "y_train_mean"; also "labels" (mean and std taken off the labels)
        and "grid" (kind and endpoint), where they matter.
    seed : int
    device : torch.device
    start : dict of torch.Tensor, optional
        Weights to begin with, by name; the others are fresh.

    Attributes
    ----------
    model : RetNet
    epoch : int
        Finished epochs.
    history : list of dict
        One row per finished epoch.
    elapsed_s : float
        Seconds spent in finished epochs, over all sittings.
    memory : MemoryPlan
    """

    def __init__(self, data: TrainingData, recipe: Recipe, inputs: dict, seed: int, device, start=None):
        self.memory = MemoryPlan(data, device, recipe)
        self.recipe, self.device = recipe, device
        self.labels = inputs.get("labels", {"mean": 0.0, "std": 1.0})
        y_mean = 0.0 if recipe.standardise_labels else inputs["y_train_mean"]
        self.model = initial_model(inputs["architecture"], y_mean, seed, device, recipe.precision)
        self._begin(data, start)
        self.average = WeightAverage(self.model, recipe.ema_decay) if recipe.ema_decay else None
        self.loss = make_loss(recipe, float(data.y.double().std(correction=0)))
        self.optimiser, self.schedule = make_optimiser(self.model, recipe)
        grid, moves = (
            inputs.get("grid", {}),
            (recipe.augmentation, recipe.roll, data.voxels.shape[-1], device),
        )
        self.augmenter = Augmenter(*moves, grid.get("kind") != "cubic_box", grid.get("endpoint", False))
        self.generator = torch.Generator().manual_seed(_seeds(seed)[1])
        self.epoch, self.elapsed_s = 0, 0.0
        self.history: list[dict] = []

    def _begin(self, data, start):
        """First weights that are not drawn: those of another run, and those of a ridge regression."""
        if start is not None:
            self.model.load_state_dict(start, strict=False)
        if self.model.skip is not None:
            start_from_ridge(self.model, data.scalars, data.y)
        if self.recipe.freeze == "features":
            self.model.features.requires_grad_(False)

    @property
    def data(self) -> TrainingData:
        """The training subset, where the steps read it."""
        return self.memory.data

    @property
    def predictor(self) -> RetNet:
        """The network to validate, save and predict with: with averaged weights, if they are averaged."""
        return self.model if self.average is None else self.average.model

    def state(self) -> dict:
        """Everything needed to go on from here, for a checkpoint.

        Returns
        -------
        dict
        """
        return {
            "epoch": self.epoch,
            "history": self.history,
            "elapsed_s": self.elapsed_s,
            "model": self.model.state_dict(),
            "average": None if self.average is None else self.average.state(),
            "optimiser": self.optimiser.state_dict(),
            "schedule": self.schedule.state_dict(),
            "random": random_states(self.generator, self.device),
            "memory": self.memory.state(),
        }

    def restore(self, state: dict) -> None:
        """Take up where a checkpoint left off.

        Parameters
        ----------
        state : dict
            As of :meth:`state`.
        """
        self.model.load_state_dict(state["model"])
        if self.average is not None:
            self.average.restore(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.schedule.load_state_dict(state["schedule"])
        restore_random_states(state["random"], self.generator, self.device)
        self.epoch, self.history = state["epoch"], state["history"]
        self.elapsed_s = state["elapsed_s"]
        self.memory.restore(state["memory"])

    def run_epoch(self, validate: Callable[[RetNet], dict]) -> None:
        """Train one epoch and note it in the history and the log.

        Parameters
        ----------
        validate : callable
            Takes the network, returns its scores (VALIDATION_SCORES), or {} without a validation
            set.

        Raises
        ------
        Diverged
            When the loss or a weight is not finite any more; everything is then as it was before
            the epoch.
        PorevoxError
            When the GPU's memory does not suffice.
        """
        start = time.perf_counter()
        rate, epochs = self.schedule.get_last_lr()[0], self.recipe.epochs
        loss = self._train_within_memory()
        self.schedule.step()
        self.epoch += 1
        due = self.epoch % VALIDATE_EVERY == 0 or self.epoch == epochs
        scores = dict.fromkeys(VALIDATION_SCORES) | (validate(self.predictor) if due else {})
        self.history.append({"epoch": self.epoch, "learning_rate": rate, "train_loss": loss, **scores})
        seconds = time.perf_counter() - start
        self.elapsed_s += seconds
        words = "epoch %d/%d: learning rate %g, train loss %.6g, %.1f s"
        log.info(words, self.epoch, epochs, rate, loss, seconds)

    def _train_within_memory(self) -> float:
        """Loss of one epoch, begun again with less in memory when the GPU's does not suffice."""
        before = copy.deepcopy(self.state())
        how = self.recipe, self.generator, self.loss, self.augmenter, self.average
        while True:
            try:
                loss = train_epoch(self.model, self.optimiser, self.data, *how, self.memory.micro_batch)
                break
            except torch.cuda.OutOfMemoryError:
                pass  # the traceback, which holds on to the tensors, must be gone first
            self.optimiser.zero_grad()
            self.memory.relieve()
            self._back_to(before)
        if not (np.isfinite(loss) and all(p.isfinite().all() for p in self.model.parameters())):
            self._back_to(before)
            raise Diverged(why_diverged(self.epoch + 1, loss, self.schedule.get_last_lr()[0], self.data.y))
        return loss * self.labels["std"] ** 2

    def _back_to(self, before: dict) -> None:
        """Undo what an epoch has done, but for what was learned about the memory."""
        # A copy, since the optimiser goes on with the very tensors it is given.
        self.restore(copy.deepcopy({**before, "memory": self.memory.state()}))


def fit(
    training: Fit,
    checkpoint: Path,
    described: dict,
    validate: Callable[[RetNet], dict],
    progress: Callable[[int, int], None] | None = None,
    watch: Callable[[dict], None] | None = None,
) -> float:
    """Train to the last epoch, from the checkpoint if there is one, writing one after each epoch.

    Parameters
    ----------
    training : Fit
        Fresh; its model is trained in place.
    checkpoint : Path
        File of the rolling checkpoint.
    described : dict
        As of :func:`porevox.learning.checkpoint.describe_training`.
    validate : callable
        See :meth:`Fit.run_epoch`.
    progress : callable, optional
        Called with (finished epochs, all epochs) at the start and after each epoch.
    watch : callable, optional
        Called with each row of the history, those of earlier sittings first.

    Returns
    -------
    float
        Seconds that earlier sittings had spent on the epochs of the checkpoint, 0 without one.

    Raises
    ------
    Diverged
        The checkpoint then says so, and the next call stops at once instead of computing its way
        to the same end.
    """
    progress, watch = progress or (lambda done, total: None), watch or (lambda row: None)
    _resume(training, checkpoint, described)
    earlier_s, epochs = training.elapsed_s, training.recipe.epochs
    for row in training.history:
        watch(row)
    progress(training.epoch, epochs)
    while training.epoch < epochs:
        try:
            training.run_epoch(validate)
        except Diverged as error:
            save_checkpoint(checkpoint, described, {**training.state(), "diverged": str(error)})
            raise
        save_checkpoint(checkpoint, described, training.state())
        watch(training.history[-1])
        progress(training.epoch, epochs)
    return earlier_s


def _resume(training: Fit, checkpoint: Path, described: dict) -> None:
    state = load_checkpoint(checkpoint, described)
    if state is None:
        return
    if "diverged" in state:
        raise Diverged(
            f"{state['diverged']} That was in an earlier try of the same training, which would end alike: "
            f"change an option, or delete {checkpoint} to try again."
        )
    training.restore(state)
    log.info("resuming after epoch %d", training.epoch)
