"""The training loop: steps, schedule, history, resuming."""

import logging

import numpy as np
import pytest
import torch

from porevox.errors import PorevoxError
from porevox.learning.batches import TrainingData
from porevox.learning.checkpoint import load_checkpoint, save_checkpoint
from porevox.learning.fitting import Fit, fit, initial_model, make_optimiser, train_epoch
from porevox.learning.recipe import Recipe
from porevox.learning.torchsetup import torch_session

CPU = torch.device("cpu")
INPUTS = {"architecture": {"in_channels": 1, "n": 16, "n_scalars": 0, "dropout": 0.3}, "y_train_mean": 2.0}


@pytest.fixture(autouse=True)
def session():
    """Deterministic, one thread, the global generator put back."""
    with torch_session(1, CPU):
        yield


def some_data(m=9):
    generator = torch.Generator().manual_seed(0)
    voxels = torch.randn(m, 1, 16, 16, 16, generator=generator)
    return TrainingData(voxels, torch.empty(m, 0), voxels.mean(dim=(1, 2, 3, 4)) + 2)


def new_fit(seed=0, data=None, **options):
    recipe = Recipe.from_options({"epochs": 3, "batch_size": 4, **options})
    return Fit(data or some_data(), recipe, INPUTS, seed, CPU)


def weights(training):
    return torch.cat([v.flatten().float() for v in training.model.state_dict().values()])


def no_validation(model):
    return None


def test_first_weights_depend_on_the_seed_alone():
    torch.manual_seed(1)
    one = initial_model(INPUTS["architecture"], 2.0, 0, CPU)
    torch.manual_seed(2)
    same = initial_model(INPUTS["architecture"], 2.0, 0, CPU)
    other = initial_model(INPUTS["architecture"], 2.0, 1, CPU)
    assert torch.equal(one.dense.dense1.weight, same.dense.dense1.weight)
    assert torch.equal(one.features.conv1.weight, same.features.conv1.weight)
    assert not torch.equal(one.features.conv1.weight, other.features.conv1.weight)
    assert one.output.bias.item() == 2.0


@pytest.mark.parametrize("option", ["augment", "dropout", "order"])
def test_chance_enters_where_it_should(option):
    """Two seeds with the same first weights differ only through what is switched on."""
    settings = {"augment": option == "augment", "dropout": 0.3 if option == "dropout" else 0.0}
    settings["batch_size"] = 4 if option == "order" else 9
    runs = []
    for seed in (0, 1):
        training = new_fit(seed, **settings)
        training.model.dropout.p = settings["dropout"]
        training.model.load_state_dict(new_fit(0).model.state_dict())
        runs.append((training, train_epoch(*parts(training))))
    assert runs[0][1] != runs[1][1]
    quiet = []
    for seed in (0, 1):
        training = new_fit(seed, augment=False, batch_size=9)
        training.model.dropout.p = 0.0
        training.model.load_state_dict(new_fit(0).model.state_dict())
        quiet.append(train_epoch(*parts(training)))
    # Without any of them only the order of summation inside the one batch is left.
    assert quiet[0] == pytest.approx(quiet[1], rel=1e-5)


def parts(training):
    return training.model, training.optimiser, training.data, training.recipe, training.generator


def test_the_train_loss_is_the_mean_over_structures_not_over_batches():
    """With a learning rate of (almost) 0, the loss of an epoch is that of each batch's forward pass."""
    data, losses = some_data(9), []
    training = new_fit(data=data, learning_rate=1e-30, augment=False, batch_size=4, dropout=0.0)
    training.model.dropout.p = 0.0
    hook = training.model.register_forward_hook(lambda _, inputs, out: losses.append((inputs[0], out)))
    loss = train_epoch(*parts(training))
    hook.remove()
    squares = []
    for voxels, predicted in losses:
        for x, y in zip(voxels, predicted, strict=True):
            which = [i for i in range(9) if torch.equal(data.voxels[i], x)]
            assert len(which) == 1
            squares.append((y - data.y[which[0]]).item() ** 2)
    # 9 = 4 + 5: the last single structure joined the second batch.
    assert [len(x) for x, _ in losses] == [4, 5]
    assert loss == pytest.approx(np.mean(squares), rel=1e-5)


def test_history_and_log_lines(tmp_path, caplog):
    training, seen = new_fit(epochs=12, lr_decay_every_epochs=5), []
    with caplog.at_level(logging.INFO, logger="porevox"):
        fit(training, tmp_path / "c.pt", "k", lambda m: 7.0, lambda *done: seen.append(done))
    assert [row["epoch"] for row in training.history] == list(range(1, 13))
    assert [row["learning_rate"] for row in training.history] == [1e-3] * 5 + [5e-4] * 5 + [2.5e-4] * 2
    assert [row["validation_mse"] for row in training.history] == [None] * 9 + [7.0, None, 7.0]
    assert seen == [(k, 12) for k in range(13)]
    lines = [r.getMessage() for r in caplog.records]
    assert len(lines) == 12 and lines[2].startswith("epoch 3/12: learning rate 0.001, train loss ")


def test_a_second_sitting_ends_where_one_sitting_ends(tmp_path, caplog):
    whole, seen = new_fit(epochs=4, lr_decay_every_epochs=3), []
    fit(whole, tmp_path / "whole.pt", "k", no_validation)
    first = new_fit(epochs=4, lr_decay_every_epochs=3)
    for _ in range(2):
        first.run_epoch(no_validation)
    save_checkpoint(tmp_path / "c.pt", "k", first.state())
    second = new_fit(epochs=4, lr_decay_every_epochs=3)
    torch.rand(100)  # whatever the new process drew before
    with caplog.at_level(logging.INFO, logger="porevox"):
        earlier_s = fit(second, tmp_path / "c.pt", "k", no_validation, lambda *done: seen.append(done))
    assert torch.equal(weights(second), weights(whole))
    assert second.history == whole.history
    assert [row["learning_rate"] for row in second.history] == [1e-3] * 3 + [5e-4]
    lines = [r.getMessage()[:11] for r in caplog.records]
    assert lines == ["resuming af", "epoch 3/4: ", "epoch 4/4: "]
    assert seen == [(2, 4), (3, 4), (4, 4)]
    assert earlier_s == first.elapsed_s > 0


def test_a_finished_checkpoint_trains_no_more(tmp_path):
    done = new_fit(epochs=2)
    fit(done, tmp_path / "c.pt", "k", no_validation)
    again = new_fit(epochs=2)
    again.run_epoch = None
    fit(again, tmp_path / "c.pt", "k", no_validation)
    assert torch.equal(weights(again), weights(done)) and len(again.history) == 2


def test_the_checkpoint_holds_the_last_finished_epoch(tmp_path):
    training = new_fit(epochs=3)

    def stop(done, total):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(training, tmp_path / "c.pt", "k", no_validation, stop)
    state = load_checkpoint(tmp_path / "c.pt", "k")
    assert state["epoch"] == 2 and len(state["history"]) == 2


def test_a_diverging_training_stops_with_a_sentence():
    data = some_data()
    training = new_fit(data=TrainingData(data.voxels, data.scalars, data.y * 1e30))
    with pytest.raises(PorevoxError, match="diverged in epoch 1.*lower the learning rate"):
        training.run_epoch(no_validation)


def test_bfloat16_trains_close_to_float32_but_not_the_same():
    losses = []
    for precision in ("float32", "bfloat16"):
        training = new_fit(precision=precision, augment=False)
        losses.append(train_epoch(*parts(training)))
        assert training.model.output.weight.dtype == torch.float32
    assert losses[0] != losses[1] and losses[0] == pytest.approx(losses[1], rel=0.1)


def test_adam_has_the_thesis_constants():
    optimiser, schedule = make_optimiser(new_fit().model, Recipe())
    assert type(optimiser) is torch.optim.Adam and len(optimiser.param_groups) == 1
    group = optimiser.param_groups[0]
    found = {k: group[k] for k in ("lr", "betas", "eps", "weight_decay", "amsgrad")}
    expected = {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0, "amsgrad": False}
    assert found == expected
    assert schedule.step_size == 10 and schedule.gamma == 0.5
