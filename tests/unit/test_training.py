"""Whole training runs on small synthetic datasets: files, subsets, interruption."""

import json
import logging
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

import porevox
from porevox.errors import PorevoxError
from porevox.learning.recipe import BEST
from porevox.learning.savedmodel import load_retnet, predict_rows
from porevox.learning.voxelset import load_dataset, load_voxels
from porevox.training import train_retnet
from synthetic_dataset import write_dataset

FILES = ["history.csv", "model.json", "model.safetensors", "predictions.csv", "run.json", "train_ids.txt"]


def train(folder, out, *, size=16, seed=0, threads=1, progress=None, event_dir=None, **options):
    """Train with few epochs and small batches; returns the weights."""
    options = {"type": "retnet", "epochs": 2, "batch_size": 8, **options}
    args = (folder, out, out.parent / "checkpoints", size, seed, options, "net", threads)
    train_retnet(*args, device="cpu", progress=progress, event_dir=event_dir)
    return load_file(out / "model.safetensors")


def same(one, other):
    return one.keys() == other.keys() and all(np.array_equal(one[k], other[k]) for k in one)


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "dataset"
    path.mkdir()
    return path


def test_the_five_files(folder, tmp_path):
    table, _ = write_dataset(folder, without_voxels=["S-003", "S-027", "S-033"])
    train(folder, tmp_path / "out", size="75%", seed=4)
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == FILES
    assert list((tmp_path / "checkpoints").iterdir()) == []

    run = json.loads((tmp_path / "out" / "run.json").read_text())
    expected = {"model": "net", "type": "retnet", "size": "75%", "n_train": 18, "n_used": 17}
    expected |= {"n_dropped": 1, "seed": 4, "n_test": 9, "n_validation": 5, "device": "cpu"}
    expected |= {"dataset_digest": "digest-0"}
    assert {k: run[k] for k in expected} == expected
    assert run["options"]["epochs"] == 2 and run["options"]["learning_rate"] == 1e-3
    assert run["wall_time_s"] > 0 and run["peak_memory_MB"] > 0 and run["hardware"]["threads"] == 1

    predictions = pd.read_csv(tmp_path / "out" / "predictions.csv")
    assert list(predictions["subset"]) == ["validation"] * 5 + ["test"] * 9
    held_out = table[(table["subset"] != "train") & table["shard"].notna()].set_index("id")
    assert set(predictions["id"]) == set(held_out.index)
    np.testing.assert_allclose(predictions["y_true"], held_out.loc[predictions["id"], "y"], rtol=1e-14)

    history = pd.read_csv(tmp_path / "out" / "history.csv")
    assert list(history.columns) == [
        "epoch",
        "learning_rate",
        "train_loss",
        "validation_mse",
        "validation_R2",
    ]
    validation = predictions[predictions["subset"] == "validation"]
    mse = ((validation["y_pred"] - validation["y_true"]) ** 2).mean()
    assert np.isnan(history["validation_mse"][0])
    assert history["validation_mse"][1] == pytest.approx(mse, rel=1e-9)

    meta = json.loads((tmp_path / "out" / "model.json").read_text())
    assert meta["format"] == 1 and meta["model"] == "net" and meta["grid"]["n"] == 16
    assert meta["target"]["column"] == "mean_factor" and meta["transform"]["kind"] == "boltzmann"
    assert [c["name"] for c in meta["channels"]] == ["lj"] and "shards" not in meta["channels"][0]


def test_statistics_come_from_this_very_subset(folder, tmp_path):
    """Mean, std and mean label are those of the first n names with voxels, of nothing else."""
    write_dataset(folder, without_voxels=["S-001"])
    train(folder, tmp_path / "out", size=6, epochs=1)
    meta = json.loads((tmp_path / "out" / "model.json").read_text())
    dataset = load_dataset(folder)
    ids = [f"S-{i:03d}" for i in (0, 2, 3, 4, 5)]
    voxels = load_voxels(dataset, ids).astype(np.float64)
    assert meta["standardisation"]["mean"] == [pytest.approx(voxels.mean(), rel=1e-12)]
    assert meta["standardisation"]["std"] == [pytest.approx(voxels.std(), rel=1e-12)]
    y = dataset.table.set_index("id").loc[ids, "y"]
    assert meta["y_train_mean"] == pytest.approx(y.mean(), rel=1e-14)


def test_same_seed_same_weights_other_seed_others(folder, tmp_path):
    write_dataset(folder)
    runs = [train(folder, tmp_path / f"out{i}", seed=seed) for i, seed in enumerate((0, 0, 1))]
    assert same(runs[0], runs[1]) and not same(runs[0], runs[2])
    files = [(tmp_path / f"out{i}" / "predictions.csv").read_bytes() for i in range(3)]
    assert files[0] == files[1] != files[2]


def test_two_threads_repeat_themselves_too(folder, tmp_path):
    write_dataset(folder)
    runs = [train(folder, tmp_path / f"out{i}", threads=2) for i in range(2)]
    assert same(*runs)


def with_scale(table, meta):
    rng = np.random.default_rng(5)
    table["cif_volume_A3"] = rng.uniform(1e3, 1e4, len(table))
    table["cif_density_g_cm3"] = rng.uniform(0.3, 2.0, len(table))


def poison_held_out(table, meta):
    """Labels of the test and validation sets: 1e6 times random numbers."""
    with_scale(table, meta)
    held_out = table["subset"] != "train"
    table.loc[held_out, "y"] = 1e6 * np.random.default_rng(6).random(held_out.sum())


def poison_train(table, meta):
    with_scale(table, meta)
    table.loc[table["id"] == "S-005", "y"] += 0.1


def swap_held_out(table, meta):
    with_scale(table, meta)
    replace_held_out(table, meta)


def made_with(tmp_path, name, change, **options):
    """Weights, predictions by id and everything learned that model.json holds."""
    folder, out = tmp_path / name, tmp_path / f"{name}-out"
    folder.mkdir(parents=True)
    write_dataset(folder, change=change)
    weights = train(folder, out, **options)
    predictions = pd.read_csv(out / "predictions.csv").set_index("id")["y_pred"]
    meta = json.loads((out / "model.json").read_text())
    learned = {k: meta[k] for k in ("standardisation", "scalars", "labels", "y_train_mean", "architecture")}
    return weights, predictions, learned


#: Recipe best as a whole, then its options one by one, and what it has no opinion on.
WHOLE = [{}, {"recipe": "best", "warmup_epochs": 1, "precision": "bfloat16"}]
SINGLE = [
    *({key: value} for key, value in BEST.items() if key not in ("skip", "epochs", "warmup_epochs")),
    {"schedule": "cosine", "warmup_epochs": 1},
    {"physics": True, "skip": True},
    {"scalars": ["void_fraction"], "skip": True},
    {"precision": "bfloat16"},
]
RECIPES = [*WHOLE, *(pytest.param(options, marks=pytest.mark.slow) for options in SINGLE)]


@pytest.mark.parametrize("options", RECIPES, ids=lambda o: ",".join(o) or "thesis")
def test_held_out_labels_never_reach_weights_statistics_or_predictions(tmp_path, options):
    """Poisoned test and validation labels: not one bit changes, whatever the options."""
    clean = made_with(tmp_path, "clean", with_scale, **options)
    poisoned = made_with(tmp_path, "poisoned", poison_held_out, **options)
    assert same(clean[0], poisoned[0]) and clean[2] == poisoned[2]
    pd.testing.assert_series_equal(clean[1], poisoned[1], check_exact=True)


@pytest.mark.parametrize("options", [{}, {"recipe": "best", "warmup_epochs": 1}], ids=["thesis", "best"])
def test_held_out_voxels_never_reach_the_weights_but_training_labels_do(tmp_path, options):
    clean, swapped, control = (
        made_with(tmp_path, change.__name__, change, **options)
        for change in (with_scale, swap_held_out, poison_train)
    )
    assert same(clean[0], swapped[0]) and clean[2] == swapped[2]
    assert not same(clean[0], control[0]) and clean[2] != control[2]


def replace_held_out(table, meta):
    """Give every held-out row the voxels of one and the same structure."""
    held_out = table["subset"] != "train"
    one = table[table["id"] == "S-030"].iloc[0]
    table.loc[held_out, ["shard", "row_lj"]] = [one["shard"], one["row_lj"]]


def test_no_validation_set(folder, tmp_path):
    write_dataset(folder, n_validation=0)
    train(folder, tmp_path / "out")
    assert pd.read_csv(tmp_path / "out" / "history.csv")["validation_mse"].isna().all()
    run = json.loads((tmp_path / "out" / "run.json").read_text())
    assert run["n_validation"] == 0 and run["n_test"] == 10


def test_scalars_are_standardised_and_rows_without_them_are_left_out(folder, tmp_path):
    write_dataset(folder, channels=("lj", "helium"), without_descriptors=["S-002", "S-035"])
    plain = train(folder, tmp_path / "plain")
    model = train(folder, tmp_path / "out", scalars=["void_fraction", "noise"])
    width = [m["dense.dense1.weight"].shape[1] for m in (plain, model)]
    assert width == [120, 122] and model["features.conv1.weight"].shape[1] == 2
    meta = json.loads((tmp_path / "out" / "model.json").read_text())
    run = json.loads((tmp_path / "out" / "run.json").read_text())
    assert run["n_used"] == 15 and run["n_dropped"] == 1 and run["n_test"] == 9
    train_rows = load_dataset(folder).train_rows(16).dropna(subset=["void_fraction"])
    values = train_rows[["void_fraction", "noise"]].to_numpy()
    np.testing.assert_allclose(meta["scalars"]["mean"], values.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(meta["scalars"]["std"], values.std(axis=0), rtol=1e-12)
    assert len(meta["standardisation"]["mean"]) == 2


def test_what_cannot_be_trained_says_so(folder, tmp_path):
    write_dataset(folder, without_voxels=["S-000"])
    with pytest.raises(PorevoxError, match="Only 1 of the training structures"):
        train(folder, tmp_path / "out", size=2)
    with pytest.raises(PorevoxError, match="only 24"):
        train(folder, tmp_path / "out", size=25)
    with pytest.raises(PorevoxError, match="no column of numbers named 'PLD'"):
        train(folder, tmp_path / "out", scalars=["PLD"])
    assert not (tmp_path / "out").exists()


def test_too_small_a_grid(folder, tmp_path):
    write_dataset(folder, n=8)
    with pytest.raises(PorevoxError, match="at least 16 points per axis, not 8"):
        train(folder, tmp_path / "out")


def test_labels_that_teach_nothing(folder, tmp_path):
    def constant(table, meta):
        table.loc[table["subset"] == "train", "y"] = 4.5

    write_dataset(folder, change=constant)
    with pytest.raises(PorevoxError, match="All 16 training labels are 4.5"):
        train(folder, tmp_path / "out")


@pytest.mark.parametrize("m", [2, 9])
def test_few_structures_and_a_batch_of_one_left_over(folder, tmp_path, m):
    write_dataset(folder)
    train(folder, tmp_path / "out", size=m, epochs=1)
    assert json.loads((tmp_path / "out" / "run.json").read_text())["n_used"] == m


def test_a_model_of_recipe_best_predicts_any_rows_from_its_files_alone(folder, tmp_path):
    """Physics, standardised labels, averages over weights and symmetries: all from model.json."""
    write_dataset(folder, change=with_scale)
    train(folder, tmp_path / "out", recipe="best", warmup_epochs=1)
    model, meta = load_retnet(tmp_path / "out")
    dataset = load_dataset(folder)
    written = pd.read_csv(tmp_path / "out" / "predictions.csv").set_index("id")["y_pred"]
    rows = dataset.table.set_index("id", drop=False).loc[written.index]
    np.testing.assert_allclose(predict_rows(model, meta, dataset, rows), written, rtol=1e-5)
    y = dataset.train_rows(16)["y"]
    assert meta["labels"] == {"mean": pytest.approx(y.mean()), "std": pytest.approx(y.std(ddof=0))}
    scale = ["cif_density_g_cm3", "ln_cif_density", "cif_specific_volume_cm3_g", "ln_cif_volume_A3"]
    names = ["ln_mean_boltzmann_lj", *scale]
    assert meta["scalars"]["computed"] == names and len(meta["scalars"]["mean"]) == 5
    # The options stand there in full.
    run = json.loads((tmp_path / "out" / "run.json").read_text())
    assert run["options"] == meta["options"] and {k: run["options"][k] for k in BEST} == {
        **BEST,
        "epochs": 2,
        "warmup_epochs": 1,
    }


def test_a_changed_option_is_named_when_training_starts_over(folder, tmp_path, caplog):
    write_dataset(folder)
    with pytest.raises(Interrupt):
        train(folder, tmp_path / "out", progress=interrupt_after(1), epochs=3)
    with caplog.at_level(logging.INFO, logger="porevox"):
        train(folder, tmp_path / "out", epochs=2, loss="huber")
    assert "is of another training (epochs: 3 -> 2, loss: mse -> huber): starting afresh" in caplog.text


def test_to_watch_a_training_changes_nothing(folder, tmp_path):
    pytest.importorskip("tensorboard")
    write_dataset(folder)
    plain = train(folder, tmp_path / "plain")
    watched = train(folder, tmp_path / "out", tensorboard=True, event_dir=tmp_path / "events")
    assert same(plain, watched) and len(list((tmp_path / "events").iterdir())) == 1


CHILD = """
import logging, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
from porevox.training import train_retnet
folder, out, checkpoints = map(Path, sys.argv[2:5])
options = {"epochs": 6, "batch_size": 8}
train_retnet(folder, out, checkpoints, 20, 3, options, "net", 1, device="cpu")
"""


def test_room_on_a_gpu_is_asked_for_before_anything_is_computed(folder, tmp_path, monkeypatch):
    def taken(threads, device, jobs_per_device):
        raise RuntimeError(f"{device} for {jobs_per_device}")

    write_dataset(folder)
    monkeypatch.setattr("porevox.training.torch_session", taken)
    monkeypatch.setattr("porevox.training.prepare", None)
    settings = tmp_path / "out", tmp_path / "c", 16, 0, {"epochs": 1}, "net", 1
    with pytest.raises(RuntimeError, match="cpu for 3"):
        train_retnet(folder, *settings, device="cpu", jobs_per_gpu=3)


def test_kill_9_and_resume_end_with_the_same_bits(folder, tmp_path, caplog):
    """A process killed when it has just logged epoch 2 is taken up by another, to the same bits."""
    write_dataset(folder)
    whole = train(folder, tmp_path / "whole", size=20, seed=3, epochs=6)

    library = str(Path(porevox.__file__).parents[1])
    paths = [str(folder), str(tmp_path / "out"), str(tmp_path / "checkpoints")]
    child = subprocess.Popen(
        [sys.executable, "-u", "-c", CHILD, library, *paths], stdout=subprocess.PIPE, text=True
    )
    timer = threading.Timer(120, child.kill)
    timer.start()
    lines = []
    for line in child.stdout:
        lines.append(line)
        # The checkpoint of epoch 1 exists; that of epoch 2 is about to be written.
        if line.startswith("epoch 2/6"):
            os.kill(child.pid, signal.SIGKILL)
            break
    lines += child.stdout.readlines()
    timer.cancel()
    assert child.wait() == -signal.SIGKILL and not (tmp_path / "out").exists(), lines
    finished = sum(line.startswith("epoch ") for line in lines)
    assert 2 <= finished < 6

    with caplog.at_level(logging.INFO, logger="porevox"):
        resumed = train(folder, tmp_path / "out", size=20, seed=3, epochs=6)
    said = [r.getMessage() for r in caplog.records]
    # Killed between the log line and the checkpoint, at most that one epoch is repeated.
    done = int(said[0].removeprefix("resuming after epoch "))
    assert finished - 1 <= done <= finished
    assert [line.split(":")[0] for line in said[1:]] == [f"epoch {k}/6" for k in range(done + 1, 7)]
    assert same(resumed, whole)
    for name in ("predictions.csv", "history.csv"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert list((tmp_path / "checkpoints").iterdir()) == []


class Interrupt(Exception):
    """Stands for a job that is stopped between two epochs."""


def interrupt_after(epochs):
    def progress(done, total):
        if done == epochs:
            raise Interrupt

    return progress


@pytest.mark.parametrize("change", ["nothing", "seed", "options", "size", "dataset", "broken file"])
def test_only_the_same_training_is_resumed(folder, tmp_path, caplog, change):
    write_dataset(folder)
    settings = {"size": 16, "seed": 0, "epochs": 3}
    with pytest.raises(Interrupt):
        train(folder, tmp_path / "out", progress=interrupt_after(1), **settings)
    (checkpoint,) = (tmp_path / "checkpoints").iterdir()
    assert checkpoint.name == "net-n16-seed0.pt"
    settings |= {"seed": {"seed": 1}, "options": {"dropout": 0.1}, "size": {"size": 17}}.get(change, {})
    if change == "dataset":
        meta = json.loads((folder / "dataset.json").read_text())
        (folder / "dataset.json").write_text(json.dumps({**meta, "digest": "another"}))
    if change == "broken file":
        checkpoint.write_bytes(checkpoint.read_bytes()[:-100])
    # As if several runs shared one folder and one file name.
    target = checkpoint.with_name(f"net-n{settings['size']}-seed{settings['seed']}.pt")
    checkpoint.rename(target)
    with caplog.at_level(logging.INFO, logger="porevox"):
        resumed = train(folder, tmp_path / "out", **settings)
    epochs = [r.getMessage().split(":")[0] for r in caplog.records if "epoch 1/" in r.getMessage()]
    assert epochs == ([] if change == "nothing" else ["epoch 1/3"])
    assert same(resumed, train(folder, tmp_path / "fresh", **settings))
