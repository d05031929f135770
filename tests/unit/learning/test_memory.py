"""What is done when a GPU's memory does not suffice; the errors here are put in by hand."""

import logging

import pytest
import torch

from porevox.errors import PorevoxError
from porevox.learning import steps
from porevox.learning.batches import TrainingData
from porevox.learning.fitting import Fit, fit
from porevox.learning.memory import MemoryPlan
from porevox.learning.recipe import Recipe
from porevox.learning.torchsetup import torch_session

CPU = torch.device("cpu")
INPUTS = {"architecture": {"in_channels": 1, "n": 16, "n_scalars": 0, "dropout": 0.3}, "y_train_mean": 2.0}


def some_data(m=12):
    voxels = torch.randn(m, 1, 16, 16, 16, generator=torch.Generator().manual_seed(0))
    return TrainingData(voxels, torch.empty(m, 0), voxels.mean(dim=(1, 2, 3, 4)) + 2)


class OnDevice(TrainingData):
    """Data that pretend to have been copied to a device."""

    def placed(self, device, *_):
        return TrainingData(self.voxels.clone(), self.scalars.clone(), self.y.clone())


def test_voxels_leave_the_device_first_then_batches_are_halved(caplog):
    data = some_data(100)
    plan = MemoryPlan(OnDevice(data.voxels, data.scalars, data.y), CPU, Recipe())
    assert plan.data.voxels is not data.voxels and plan.micro_batch is None
    plan.relieve()
    assert plan.data.voxels is data.voxels and plan.micro_batch is None
    sizes = []
    with pytest.raises(PorevoxError, match="does not suffice for 2 structures at a time"):
        while True:
            plan.relieve()
            sizes.append(plan.micro_batch)
    assert sizes == [32, 16, 8, 4, 2]
    assert "voxels now stay in host memory" in caplog.text and "at most 32 structures" in caplog.text


def test_a_small_subset_is_halved_from_its_own_size():
    plan = MemoryPlan(some_data(10), CPU, Recipe())
    plan.relieve()
    assert plan.micro_batch == 5


def train(monkeypatch, fits, **options):
    """Train with a device that holds the activations of at most so many structures."""
    original = steps.accumulate.__globals__["RetNet"].forward

    def forward(model, voxels, scalars=None):
        if model.training and len(voxels) > fits:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory (put in by hand)")
        return original(model, voxels, scalars)

    monkeypatch.setattr("porevox.learning.retnet.RetNet.forward", forward)
    recipe = Recipe.from_options({"epochs": 2, "batch_size": 6, **options})
    with torch_session(1, CPU):
        training = Fit(some_data(), recipe, INPUTS, 0, CPU)
        for _ in range(2):
            training.run_epoch(lambda model: {})
    return training


def weights(training):
    return torch.cat([v.flatten().double() for v in training.model.state_dict().values()])


def test_training_goes_on_in_parts_from_where_the_epoch_began(monkeypatch, caplog):
    with caplog.at_level(logging.WARNING, logger="porevox"):
        training = train(monkeypatch, fits=3)
    assert training.memory.state() == {"voxels_streamed": False, "micro_batch": 3}
    assert len(caplog.records) == 1 and training.epoch == 2
    # As if the parts had been known from the start: nothing of the failed try is left.
    monkeypatch.setattr(MemoryPlan, "__init__", with_parts(MemoryPlan.__init__, 3))
    known = train(monkeypatch, fits=3)
    assert torch.equal(weights(training), weights(known))
    assert [row["train_loss"] for row in training.history] == [row["train_loss"] for row in known.history]


def with_parts(init, size):
    def changed(plan, *args):
        init(plan, *args)
        plan.micro_batch = size

    return changed


def test_late_lack_of_memory_undoes_the_steps_of_the_epoch(monkeypatch):
    """The second batch fails: the first one's step, its average and its draws are not counted twice."""
    original, calls = steps.accumulate, []

    def fails_at_the_second(*args):
        calls.append(args[-1])
        if len(calls) == 2:
            raise torch.cuda.OutOfMemoryError("put in by hand")
        return original(*args)

    recipe = Recipe.from_options({"epochs": 1, "batch_size": 6, "ema_decay": 0.9, "optimiser": "adamw"})
    results = []
    with torch_session(1, CPU):
        for function, size in ((fails_at_the_second, None), (original, 3)):
            monkeypatch.setattr(steps, "accumulate", function)
            training = Fit(some_data(), recipe, INPUTS, 0, CPU)
            training.memory.micro_batch = size
            training.run_epoch(lambda model: {})
            results.append(training)
    assert calls == [None, None, 3, 3]
    assert torch.equal(weights(results[0]), weights(results[1]))
    assert results[0].average.steps == results[1].average.steps == 2


def test_what_fits_is_remembered_over_an_interruption(monkeypatch, tmp_path):
    with torch_session(1, CPU):
        first = Fit(some_data(), Recipe.from_options({"epochs": 2, "batch_size": 6}), INPUTS, 0, CPU)
        first.memory.micro_batch = 2

        def stop(done, total):
            if done == 1:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            fit(first, tmp_path / "c.pt", {}, lambda model: {}, stop)
        second = Fit(some_data(), first.recipe, INPUTS, 0, CPU)
        fit(second, tmp_path / "c.pt", {}, lambda model: {})
    assert second.memory.micro_batch == 2 and second.epoch == 2


def test_when_nothing_helps_the_user_is_told(monkeypatch):
    with pytest.raises(PorevoxError, match="use a smaller grid, a larger device, or the CPU"):
        train(monkeypatch, fits=1)
