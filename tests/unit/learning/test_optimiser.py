"""Optimiser, learning rates and loss."""

import math

import pytest
import torch
from torch.nn import functional

from porevox.learning.optimiser import make_loss, make_optimiser, rate_factor
from porevox.learning.recipe import Recipe
from porevox.learning.retnet import RetNet


def recipe(**options):
    return Recipe.from_options(options)


def test_adam_has_the_thesis_constants():
    optimiser, schedule = make_optimiser(RetNet(n=16), Recipe())
    assert type(optimiser) is torch.optim.Adam and len(optimiser.param_groups) == 1
    group = optimiser.param_groups[0]
    found = {k: group[k] for k in ("lr", "betas", "eps", "weight_decay", "amsgrad")}
    expected = {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0, "amsgrad": False}
    assert found == expected
    assert schedule.step_size == 10 and schedule.gamma == 0.5


@pytest.mark.parametrize("kind", ["adam", "adamw"])
def test_decay_spares_biases_and_normalisations(kind):
    model = RetNet(n=16)
    optimiser, _ = make_optimiser(model, recipe(optimiser=kind, weight_decay=0.1))
    assert type(optimiser).__name__.lower() == kind
    decay = {id(p): group["weight_decay"] for group in optimiser.param_groups for p in group["params"]}
    for name, p in model.named_parameters():
        matrix = name.endswith("weight") and "norm" not in name
        assert decay[id(p)] == (0.1 if matrix else 0), name


def test_adamw_decays_by_hand():
    """With a gradient of 0, one step multiplies a weight by 1 - rate x decay (Loshchilov and Hutter)."""
    layer = torch.nn.Linear(3, 2)
    before = layer.weight.detach().clone(), layer.bias.detach().clone()
    optimiser, _ = make_optimiser(layer, recipe(optimiser="adamw", weight_decay=0.5, learning_rate=0.1))
    for p in layer.parameters():
        p.grad = torch.zeros_like(p)
    optimiser.step()
    torch.testing.assert_close(layer.weight.detach(), before[0] * 0.95)
    torch.testing.assert_close(layer.bias.detach(), before[1])


def test_frozen_parameters_are_left_out():
    model = RetNet(n=16)
    model.features.requires_grad_(False)
    optimiser, _ = make_optimiser(model, recipe())
    assert len(optimiser.param_groups[0]["params"]) == len(list(model.parameters())) - 15


def rates(**options):
    chosen = recipe(learning_rate=1.0, **options)
    optimiser, schedule = make_optimiser(torch.nn.Linear(1, 1), chosen)
    found = []
    for _ in range(chosen.epochs):
        found.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        schedule.step()
    return found


def test_cosine_by_hand():
    """4 epochs: (1 + cos(pi k / 4)) / 2."""
    half = math.sqrt(0.5)
    expected = [1, (1 + half) / 2, 0.5, (1 - half) / 2]
    assert rates(schedule="cosine", epochs=4) == pytest.approx(expected, rel=1e-12)


def test_warmup_then_the_schedule():
    assert rates(schedule="cosine", epochs=6, warmup_epochs=4) == pytest.approx([0.25, 0.5, 0.75, 1, 1, 0.5])
    steps = rates(epochs=7, warmup_epochs=2, lr_decay_every_epochs=2, lr_decay_factor=0.1)
    assert steps == pytest.approx([0.5, 1, 1, 1, 0.1, 0.1, 0.01])


def test_steps_do_not_depend_on_the_number_of_epochs_but_a_cosine_does():
    for warmup in (0, 3):
        assert rates(epochs=12, warmup_epochs=warmup) == rates(epochs=40, warmup_epochs=warmup)[:12]
    assert rates(schedule="cosine", epochs=12)[6] != rates(schedule="cosine", epochs=40)[6]
    assert rate_factor(0, recipe(schedule="cosine")) == 1


def test_huber_is_quadratic_then_linear():
    """e^2 up to delta, then 2 delta |e| - delta^2; delta in standard deviations of the labels."""
    loss = make_loss(recipe(loss="huber", huber_delta=0.5), label_std=4.0)
    zero = torch.zeros(1)
    for error, expected in ((1.0, 1.0), (2.0, 4.0), (-5.0, 2 * 2 * 5 - 4)):
        assert loss(torch.tensor([error]), zero).item() == pytest.approx(expected)
    assert make_loss(recipe(), 4.0) is functional.mse_loss
