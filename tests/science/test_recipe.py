"""The recipe `thesis` to the letter: layers, first statistics, optimiser, schedule, arithmetic.

Sections 3.3.1 to 3.3.3 of the thesis; each expected number is written out here by hand.
"""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from torch.nn import functional

from porevox.learning.batches import TrainingData
from porevox.learning.fitting import Fit
from porevox.learning.recipe import Recipe
from porevox.learning.retnet import RetNet
from porevox.learning.savedmodel import load_retnet
from porevox.learning.torchsetup import torch_session
from porevox.learning.voxelset import load_dataset, load_voxels
from porevox.training import train_retnet
from synthetic_dataset import write_dataset

CPU = torch.device("cpu")

#: (layer, output shape for a 25^3 grid) of section 3.3.1.
LAYERS = [
    ("Conv3d 1 12 kernel 3 stride 1 padding 1 circular", (12, 25, 25, 25)),
    ("BatchNorm3d 12", (12, 25, 25, 25)),
    ("LeakyReLU 0.01", (12, 25, 25, 25)),
    ("Conv3d 12 24 kernel 3 stride 1 padding 0", (24, 23, 23, 23)),
    ("BatchNorm3d 24", (24, 23, 23, 23)),
    ("LeakyReLU 0.01", (24, 23, 23, 23)),
    ("MaxPool3d 2 stride 2", (24, 11, 11, 11)),
    ("Conv3d 24 32 kernel 2 stride 1 padding 0", (32, 10, 10, 10)),
    ("BatchNorm3d 32", (32, 10, 10, 10)),
    ("LeakyReLU 0.01", (32, 10, 10, 10)),
    ("MaxPool3d 2 stride 2", (32, 5, 5, 5)),
    ("Conv3d 32 64 kernel 2 stride 1 padding 0", (64, 4, 4, 4)),
    ("BatchNorm3d 64", (64, 4, 4, 4)),
    ("LeakyReLU 0.01", (64, 4, 4, 4)),
    ("Conv3d 64 120 kernel 2 stride 1 padding 0", (120, 3, 3, 3)),
    ("BatchNorm3d 120", (120, 3, 3, 3)),
    ("LeakyReLU 0.01", (120, 3, 3, 3)),
    ("Dropout 0.3", (3240,)),
    ("Linear 3240 84", (84,)),
    ("BatchNorm1d 84", (84,)),
    ("LeakyReLU 0.01", (84,)),
    ("Linear 84 20", (20,)),
    ("BatchNorm1d 20", (20,)),
    ("LeakyReLU 0.01", (20,)),
    ("Linear 20 1", (1,)),
]


def describe(layer):
    kind = type(layer).__name__
    if kind == "Conv3d":
        assert layer.bias is None and layer.dilation == (1, 1, 1) and layer.groups == 1
        edge = f"kernel {layer.kernel_size[0]} stride {layer.stride[0]} padding {layer.padding[0]}"
        mode = " circular" if layer.padding_mode == "circular" else ""
        return f"{kind} {layer.in_channels} {layer.out_channels} {edge}{mode}"
    if kind == "MaxPool3d":
        return f"{kind} {layer.kernel_size} stride {layer.stride}"
    if kind == "Linear":
        assert layer.bias is not None
        return f"{kind} {layer.in_features} {layer.out_features}"
    if kind.startswith("BatchNorm"):
        assert layer.eps == 1e-5 and layer.momentum == 0.1 and layer.affine and layer.track_running_stats
        return f"{kind} {layer.num_features}"
    return f"{kind} {layer.p if kind == 'Dropout' else layer.negative_slope}"


def test_layer_table():
    """Every layer in the order in which a forward pass meets it, with its settings and output."""
    model, met = RetNet().eval(), []
    for layer in model.modules():
        if not list(layer.children()):
            layer.register_forward_hook(
                lambda layer, _, out: met.append((describe(layer), tuple(out.shape[1:])))
            )
    model(torch.rand(2, 1, 25, 25, 25))
    assert met == LAYERS


def test_hyperparameters():
    expected = {
        "recipe": "thesis",
        "epochs": 50,
        "batch_size": 64,
        "optimiser": "adam",
        "learning_rate": 0.001,
        "weight_decay": 0,
        "schedule": "step",
        "warmup_epochs": 0,
        "lr_decay_every_epochs": 10,
        "lr_decay_factor": 0.5,
        "ema_decay": 0,
        "loss": "mse",
        "huber_delta": 1,  # without a meaning for mse
        "standardise_labels": False,
        "dropout": 0.3,
        "padding": "thesis",
        "pooling": "flatten",
        "augmentation": "thesis",
        "roll": False,
        "test_time_augmentation": 1,
        "scalars": [],
        "physics": False,
        "skip": False,
        "init_from": None,
        "freeze": "none",
        "allow_overlap": False,
        "precision": "float32",
    }
    assert Recipe.from_options({}).as_options() == Recipe().as_options() == expected


def test_learning_rate_of_each_of_the_50_epochs_and_files_of_a_whole_run(tmp_path):
    """Defaults all through: 50 epochs; 1e-3 halved after every 10."""
    (tmp_path / "d").mkdir()
    write_dataset(tmp_path / "d", n_train=6, n_validation=2, n_test=2)
    train_retnet(tmp_path / "d", tmp_path / "o", tmp_path / "c", "100%", 0, {}, "retnet", 1, device="cpu")
    history = pd.read_csv(tmp_path / "o" / "history.csv")
    assert list(history["epoch"]) == list(range(1, 51))
    rates = [1e-3] * 10 + [5e-4] * 10 + [2.5e-4] * 10 + [1.25e-4] * 10 + [6.25e-5] * 10
    np.testing.assert_allclose(history["learning_rate"], rates, rtol=1e-12)
    assert list(history.loc[history["validation_mse"].notna(), "epoch"]) == [10, 20, 30, 40, 50]
    # A fingerprint of 20 numbers, read back from the file.
    model, _ = load_retnet(tmp_path / "o")
    assert model.output.in_features == 20


def test_first_prediction_is_at_the_training_mean_and_input_has_mean_0_std_1(tmp_path, monkeypatch):
    """What enters the first step: standardised voxels, labels as they are, last bias mean(y)."""
    (tmp_path / "d").mkdir()
    write_dataset(tmp_path / "d")
    seen = {}

    class Spy(Fit):
        def __init__(self, data, *args):
            super().__init__(data, *args)
            seen.update(data=data, bias=self.model.output.bias.item(), model=self.model)
            raise KeyboardInterrupt

    monkeypatch.setattr("porevox.training.Fit", Spy)
    with pytest.raises(KeyboardInterrupt):
        train_retnet(tmp_path / "d", tmp_path / "o", tmp_path / "c", 10, 0, {}, "retnet", 1, device="cpu")
    dataset = load_dataset(tmp_path / "d")
    rows = dataset.train_rows(10)
    x, y = load_voxels(dataset, rows).astype(float), rows["y"].to_numpy()
    np.testing.assert_allclose(seen["data"].voxels, (x - x.mean()) / x.std(), atol=1e-5)
    np.testing.assert_allclose(seen["data"].y, y, rtol=1e-6)
    assert seen["bias"] == pytest.approx(y.mean(), rel=1e-6)


def reference_training(model, x, y, steps):
    """Full-batch training with Adam written out by hand (Kingma & Ba 2015, algorithm 1)."""
    first = {p: torch.zeros_like(p) for p in model.parameters()}
    second = {p: torch.zeros_like(p) for p in model.parameters()}
    losses = []
    for t in range(1, steps + 1):
        model.train()
        loss = ((model(x) - y) ** 2).mean()
        model.zero_grad()
        loss.backward()
        losses.append(loss.item())
        rate = 1e-3 * 0.5 ** ((t - 1) // 2)
        with torch.no_grad():
            for p in model.parameters():
                first[p] = 0.9 * first[p] + 0.1 * p.grad
                second[p] = 0.999 * second[p] + 0.001 * p.grad**2
                m_hat, v_hat = first[p] / (1 - 0.9**t), second[p] / (1 - 0.999**t)
                p -= rate * m_hat / (v_hat.sqrt() + 1e-8)
    return losses


def test_training_is_what_the_textbook_writes():
    """Against an independent loop in float64: MSE, Adam, the schedule; no augmentation or dropout."""
    generator = torch.Generator().manual_seed(0)
    x, y = torch.randn(10, 1, 16, 16, 16, generator=generator), torch.rand(10, generator=generator)
    options = {"epochs": 4, "lr_decay_every_epochs": 2, "augmentation": "none", "dropout": 0.0}
    architecture = {"in_channels": 1, "n": 16, "n_scalars": 0, "dropout": 0.0}
    inputs = {"architecture": architecture, "y_train_mean": float(y.mean())}
    with torch_session(1, CPU):
        training = Fit(TrainingData(x, torch.empty(10, 0), y), Recipe.from_options(options), inputs, 0, CPU)
        reference = RetNet(n=16, dropout=0.0).double()
        reference.load_state_dict(training.model.state_dict())
        expected = reference_training(reference, x.double(), y.double(), 4)
        for _ in range(4):
            training.run_epoch(lambda model: {})
        losses = [row["train_loss"] for row in training.history]
        np.testing.assert_allclose(losses, expected, rtol=1e-4)
        # Batch statistics cancel the biases before a normalisation: their gradient is rounding
        # noise, which Adam scales up to full steps.
        with torch.no_grad():
            found, wanted = training.model.train()(x), reference.train()(x.double())
    assert functional.mse_loss(found.double(), wanted) < 1e-6 * wanted.var()


def test_it_learns_a_known_function_of_the_surface_that_the_mean_does_not(tmp_path):
    """Mean Boltzmann factor of unseen structures from 96 examples: most of the variance."""
    (tmp_path / "d").mkdir()
    write_dataset(tmp_path / "d", n_train=96, n_validation=0, n_test=60, seed=1)
    options = {"epochs": 12, "batch_size": 16, "lr_decay_every_epochs": 6}
    train_retnet(tmp_path / "d", tmp_path / "o", tmp_path / "c", 96, 0, options, "retnet", 1, device="cpu")
    p = pd.read_csv(tmp_path / "o" / "predictions.csv")
    r2 = 1 - ((p.y_true - p.y_pred) ** 2).sum() / ((p.y_true - p.y_true.mean()) ** 2).sum()
    assert r2 > 0.8
    run = json.loads((tmp_path / "o" / "run.json").read_text())
    assert run["n_test"] == 60 and run["n_validation"] == 0
