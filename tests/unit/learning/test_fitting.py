"""The training loop: steps, schedule, history, resuming."""

import logging

import numpy as np
import pytest
import torch

from porevox.errors import PorevoxError
from porevox.learning.batches import TrainingData
from porevox.learning.checkpoint import load_checkpoint, save_checkpoint
from porevox.learning.diverged import Diverged
from porevox.learning.fitting import Fit, fit, initial_model
from porevox.learning.recipe import Recipe
from porevox.learning.steps import train_epoch
from porevox.learning.torchsetup import torch_session

CPU = torch.device("cpu")
INPUTS = {"architecture": {"in_channels": 1, "n": 16, "n_scalars": 0, "dropout": 0.3}, "y_train_mean": 2.0}
TRAINING = {"dataset": "d", "seed": 0}


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
    return {}


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


@pytest.mark.parametrize("option", ["augmentation", "dropout", "order"])
def test_chance_enters_where_it_should(option):
    """Two seeds with the same first weights differ only through what is switched on."""
    settings = {
        "augmentation": "thesis" if option == "augmentation" else "none",
        "dropout": 0.3 if option == "dropout" else 0.0,
    }
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
        training = new_fit(seed, augmentation="none", batch_size=9)
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
    training = new_fit(data=data, learning_rate=1e-30, augmentation="none", batch_size=4, dropout=0.0)
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
        fit(
            training,
            tmp_path / "c.pt",
            TRAINING,
            lambda m: {"validation_mse": 7.0, "validation_R2": 0.5},
            lambda *done: seen.append(done),
        )
    assert [row["epoch"] for row in training.history] == list(range(1, 13))
    assert [row["learning_rate"] for row in training.history] == [1e-3] * 5 + [5e-4] * 5 + [2.5e-4] * 2
    assert [row["validation_mse"] for row in training.history] == [None] * 9 + [7.0, None, 7.0]
    assert [row["validation_R2"] for row in training.history] == [None] * 9 + [0.5, None, 0.5]
    assert seen == [(k, 12) for k in range(13)]
    lines = [r.getMessage() for r in caplog.records]
    assert len(lines) == 12 and lines[2].startswith("epoch 3/12: learning rate 0.001, train loss ")


def test_a_second_sitting_ends_where_one_sitting_ends(tmp_path, caplog):
    whole, seen = new_fit(epochs=4, lr_decay_every_epochs=3), []
    fit(whole, tmp_path / "whole.pt", TRAINING, no_validation)
    first = new_fit(epochs=4, lr_decay_every_epochs=3)
    for _ in range(2):
        first.run_epoch(no_validation)
    save_checkpoint(tmp_path / "c.pt", TRAINING, first.state())
    second = new_fit(epochs=4, lr_decay_every_epochs=3)
    torch.rand(100)  # whatever the new process drew before
    with caplog.at_level(logging.INFO, logger="porevox"):
        earlier_s = fit(second, tmp_path / "c.pt", TRAINING, no_validation, lambda *done: seen.append(done))
    assert torch.equal(weights(second), weights(whole))
    assert second.history == whole.history
    assert [row["learning_rate"] for row in second.history] == [1e-3] * 3 + [5e-4]
    lines = [r.getMessage()[:11] for r in caplog.records]
    assert lines == ["resuming af", "epoch 3/4: ", "epoch 4/4: "]
    assert seen == [(2, 4), (3, 4), (4, 4)]
    assert earlier_s == first.elapsed_s > 0


def test_a_finished_checkpoint_trains_no_more(tmp_path):
    done = new_fit(epochs=2)
    fit(done, tmp_path / "c.pt", TRAINING, no_validation)
    again = new_fit(epochs=2)
    again.run_epoch = None
    fit(again, tmp_path / "c.pt", TRAINING, no_validation)
    assert torch.equal(weights(again), weights(done)) and len(again.history) == 2


def test_the_checkpoint_holds_the_last_finished_epoch(tmp_path):
    training = new_fit(epochs=3)

    def stop(done, total):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(training, tmp_path / "c.pt", TRAINING, no_validation, stop)
    state = load_checkpoint(tmp_path / "c.pt", TRAINING)
    assert state["epoch"] == 2 and len(state["history"]) == 2


def test_a_diverging_training_stops_with_a_sentence():
    data = some_data()
    training = new_fit(data=TrainingData(data.voxels, data.scalars, data.y * 1e30))
    with pytest.raises(PorevoxError, match="diverged in epoch 1.*lower the learning rate"):
        training.run_epoch(no_validation)


def test_bfloat16_trains_close_to_float32_but_not_the_same():
    losses = []
    for precision in ("float32", "bfloat16"):
        training = new_fit(precision=precision, augmentation="none")
        losses.append(train_epoch(*parts(training)))
        assert training.model.output.weight.dtype == torch.float32
    assert losses[0] != losses[1] and losses[0] == pytest.approx(losses[1], rel=0.1)


BEST_OF_ALL = {"optimiser": "adamw", "weight_decay": 0.1, "schedule": "cosine", "warmup_epochs": 1}
BEST_OF_ALL |= {"ema_decay": 0.9, "loss": "huber", "augmentation": "octahedral", "roll": True}


def test_a_second_sitting_with_every_mechanism(tmp_path):
    whole = new_fit(epochs=4, **BEST_OF_ALL)
    fit(whole, tmp_path / "whole.pt", TRAINING, no_validation)
    first = new_fit(epochs=4, **BEST_OF_ALL)
    for _ in range(2):
        first.run_epoch(no_validation)
    save_checkpoint(tmp_path / "c.pt", TRAINING, first.state())
    second = new_fit(epochs=4, **BEST_OF_ALL)
    fit(second, tmp_path / "c.pt", TRAINING, no_validation)
    assert torch.equal(weights(second), weights(whole)) and second.history == whole.history
    for one, other in zip(second.predictor.parameters(), whole.predictor.parameters(), strict=True):
        assert torch.equal(one, other)


def test_the_average_is_what_predicts_and_does_not_disturb_the_training():
    plain, seen = new_fit(), []
    plain.run_epoch(no_validation)
    averaged = new_fit(ema_decay=0.9)  # seeds dropout anew
    averaged.run_epoch(no_validation)
    assert plain.predictor is plain.model and torch.equal(weights(plain), weights(averaged))
    assert averaged.predictor is averaged.average.model is not averaged.model
    for _ in range(2):
        averaged.run_epoch(lambda model: seen.append(model) or {})
    assert seen == [averaged.predictor]


def test_the_loss_is_told_in_the_unit_of_the_target():
    """Standardised labels: the same errors, seen through std = 4, are 16 times larger squared."""
    losses = []
    for std in (1.0, 4.0):
        recipe = Recipe.from_options({"epochs": 1, "batch_size": 4, "standardise_labels": True})
        training = Fit(some_data(), recipe, {**INPUTS, "labels": {"mean": 9.0, "std": std}}, 0, CPU)
        assert training.model.output.bias.item() == 0
        training.run_epoch(no_validation)
        losses.append(training.history[0]["train_loss"])
    assert losses[1] == pytest.approx(16 * losses[0])


def test_frozen_features_stay_as_they_are_to_the_last_statistic():
    training = new_fit(freeze="features", init_from="somewhere")
    before = {k: v.clone() for k, v in training.model.state_dict().items()}
    training.run_epoch(no_validation)
    same = {k for k, v in training.model.state_dict().items() if torch.equal(v, before[k])}
    assert same == {k for k in before if k.startswith("features.")}


def test_given_weights_are_the_start_and_the_rest_is_drawn_as_ever():
    given = {"features.conv1.weight": torch.full((12, 1, 3, 3, 3), 0.5)}
    recipe = Recipe.from_options({})
    training, plain = (Fit(some_data(), recipe, INPUTS, 0, CPU, start) for start in (given, None))
    assert (training.model.features.conv1.weight == 0.5).all()
    assert torch.equal(training.model.dense.dense1.weight, plain.model.dense.dense1.weight)
    assert torch.equal(training.model.output.weight, plain.model.output.weight)


def poisoned(training):
    """From the next epoch on nothing but NaN."""
    training.data.voxels[0] = float("nan")
    return training


def test_a_diverged_training_keeps_its_last_good_epoch_and_is_not_tried_again(tmp_path):
    training = new_fit(epochs=3)

    def spoil(done, total):
        if done == 1:
            poisoned(training)

    with pytest.raises(
        Diverged, match="diverged in epoch 2 .the loss is nan.*rate of 0.001 is likely too high"
    ):
        fit(training, tmp_path / "c.pt", TRAINING, no_validation, spoil)
    good = new_fit(epochs=3)
    good.run_epoch(no_validation)
    assert torch.equal(weights(training), weights(good)) and training.epoch == 1
    kept = load_checkpoint(tmp_path / "c.pt", TRAINING)
    assert kept["epoch"] == 1 and len(kept["history"]) == 1
    again = new_fit(epochs=3)
    again.run_epoch = None
    with pytest.raises(Diverged, match="diverged in epoch 2.*earlier try.*or delete .*c.pt to try again"):
        fit(again, tmp_path / "c.pt", TRAINING, no_validation)
    # Another learning rate is another training.
    fit(new_fit(epochs=3), tmp_path / "c.pt", {**TRAINING, "learning_rate": 1e-4}, no_validation)


def test_weights_that_are_not_finite_are_noticed_in_the_epoch_that_made_them():
    training = new_fit(batch_size=9)
    step = training.optimiser.step

    def overflow():
        step()
        with torch.no_grad():
            training.model.output.weight[0, 3] = float("inf")

    training.optimiser.step = overflow
    with pytest.raises(Diverged, match="diverged in epoch 1"):
        training.run_epoch(no_validation)
    assert torch.equal(weights(training), weights(new_fit(batch_size=9)))


def test_fewer_structures_than_a_batch_are_one_smaller_batch():
    training, sizes = new_fit(data=some_data(3), batch_size=64), []
    training.model.register_forward_hook(lambda _, inputs, out: sizes.append(len(out)))
    training.run_epoch(no_validation)
    assert sizes == [3]
