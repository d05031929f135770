"""What moves the weights: optimiser, learning-rate schedule and loss."""

import math

import torch
from torch import nn
from torch.nn import functional

from porevox.learning.recipe import Recipe


def make_optimiser(model: nn.Module, recipe: Recipe):
    """Optimiser and schedule of a recipe (Adam, halved every 10 epochs: thesis 3.3.2).

    Parameters
    ----------
    model : torch.nn.Module
        Frozen parameters are left out.
    recipe : Recipe

    Returns
    -------
    torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler
        The schedule is stepped once an epoch.
    """
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[recipe.optimiser]
    constants = {"lr": recipe.learning_rate, "betas": (0.9, 0.999), "eps": 1e-8}
    optimiser = kind(parameter_groups(model, recipe.weight_decay), **constants)
    return optimiser, _schedule(optimiser, recipe)


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict]:
    """Trainable parameters, those that decay and those that do not.

    Parameters
    ----------
    model : torch.nn.Module
    weight_decay : float

    Returns
    -------
    list of dict
        One group without decay; else kernels and matrices first, then the vectors: biases, and
        scales and shifts of normalisations, for which 0 is no natural value.
    """
    parameters = [p for p in model.parameters() if p.requires_grad]
    if weight_decay == 0:
        return [{"params": parameters, "weight_decay": 0}]
    decaying = [p for p in parameters if p.dim() > 1]
    others = [p for p in parameters if p.dim() <= 1]
    return [{"params": decaying, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0}]


def _schedule(optimiser, recipe: Recipe):
    if recipe.schedule == "step" and recipe.warmup_epochs == 0:
        every, factor = recipe.lr_decay_every_epochs, recipe.lr_decay_factor
        return torch.optim.lr_scheduler.StepLR(optimiser, step_size=every, gamma=factor)
    return torch.optim.lr_scheduler.LambdaLR(optimiser, lambda epoch: rate_factor(epoch, recipe))


def rate_factor(epoch: int, recipe: Recipe) -> float:
    """Learning rate of an epoch as a share of the highest one.

    Parameters
    ----------
    epoch : int
        Counted from 0.
    recipe : Recipe

    Returns
    -------
    float
        1/w, 2/w ... 1 in the w epochs of warm-up; then the steps, or half a cosine that would reach
        0 one epoch after the last.
    """
    warmup = recipe.warmup_epochs
    if epoch < warmup:
        return (epoch + 1) / warmup
    if recipe.schedule == "step":
        return recipe.lr_decay_factor ** ((epoch - warmup) // recipe.lr_decay_every_epochs)
    return (1 + math.cos(math.pi * (epoch - warmup) / (recipe.epochs - warmup))) / 2


def make_loss(recipe: Recipe, label_std: float):
    """Loss of a batch, as a function of predictions and labels.

    Parameters
    ----------
    recipe : Recipe
    label_std : float
        Standard deviation of the training labels in the unit in which the network learns them:
        1 where labels are standardised.

    Returns
    -------
    callable
        Of two tensors (m,); the mean over the batch. Huber's loss is twice PyTorch's, so that small
        errors count as in the mean squared error.
    """
    if recipe.loss == "mse":
        return functional.mse_loss
    delta = recipe.huber_delta * label_std
    return lambda predicted, y: 2 * functional.huber_loss(predicted, y, delta=delta)
