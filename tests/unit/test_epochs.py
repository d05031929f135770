"""The table of validation scores after 10, 20 and 50 epochs."""

import json

import pandas as pd
import pytest

from porevox.epochs import COLUMNS, epoch_table
from porevox.errors import PorevoxError
from porevox.training import train_retnet
from synthetic_dataset import write_dataset


def write_run(folder, seed=0, epochs=50, schedule="step", offset=0.0):
    """A run whose R2 after epoch e is e / 100 + offset, its MSE 100 - e."""
    folder.mkdir(parents=True)
    run = {"size": "100%", "n_used": 80, "n_validation": 9, "seed": seed}
    (folder / "run.json").write_text(json.dumps({**run, "options": {"epochs": epochs, "schedule": schedule}}))
    rows = pd.DataFrame({"epoch": range(1, epochs + 1)})
    due = (rows["epoch"] % 10 == 0) | (rows["epoch"] == epochs)
    rows["validation_R2"] = (rows["epoch"] / 100 + offset).where(due)
    rows["validation_mse"] = (100.0 - rows["epoch"]).where(due)
    rows.to_csv(folder / "history.csv", index=False)
    return folder


def test_each_seed_and_their_mean(tmp_path):
    folders = [write_run(tmp_path / f"seed{k}", seed=k, offset=k / 10) for k in (0, 2)]
    table = epoch_table({"net": folders}, tmp_path / "epochs.csv")
    assert list(table.columns) == COLUMNS
    assert list(table["seed"]) == ["0"] * 3 + ["2"] * 3 + ["mean"] * 3
    assert list(table["epochs"]) == [10, 20, 50] * 3
    assert list(table["validation_R2"].round(6)) == [0.1, 0.2, 0.5, 0.3, 0.4, 0.7, 0.2, 0.3, 0.6]
    assert list(table["validation_mse"]) == [90, 80, 50] * 3
    assert (table["n_used"] == 80).all() and (table["note"] == "").all()
    written = pd.read_csv(tmp_path / "epochs.csv")
    assert list(written.columns) == COLUMNS and len(written) == 9


def test_shorter_trainings_have_fewer_rows_and_others_a_reason(tmp_path):
    runs = {
        "short": [write_run(tmp_path / "a", epochs=25)],
        "tiny": [write_run(tmp_path / "b", epochs=5)],
        "cosine": [write_run(tmp_path / "c", schedule="cosine")],
    }
    table = epoch_table(runs, tmp_path / "epochs.csv").set_index("model")
    assert list(table.loc["short", "epochs"]) == [10, 20]
    assert "trained for 5 epochs only" in table.loc["tiny", "note"]
    assert "stretched to 50 epochs" in table.loc["cosine", "note"]
    assert table.loc[["tiny", "cosine"], "validation_R2"].isna().all()


def test_a_run_that_cannot_be_read(tmp_path):
    folder = write_run(tmp_path / "a")
    (folder / "history.csv").unlink()
    with pytest.raises(PorevoxError, match="cannot be read.*train the model again"):
        epoch_table({"net": [folder]}, tmp_path / "epochs.csv")


@pytest.mark.slow
def test_epoch_10_of_a_longer_training_is_the_end_of_a_training_of_10(tmp_path):
    """What the table rests on, for the step schedule; for the cosine it does not hold."""
    (tmp_path / "d").mkdir()
    write_dataset(tmp_path / "d")
    scores = {}
    for options in ({}, {"schedule": "cosine"}):
        for epochs in (10, 12):
            out = tmp_path / f"{epochs}{options.get('schedule')}"
            chosen = {"epochs": epochs, "batch_size": 12, "lr_decay_every_epochs": 3, **options}
            train_retnet(tmp_path / "d", out, tmp_path / "c", 24, 0, chosen, "net", 1, device="cpu")
            history = pd.read_csv(out / "history.csv").set_index("epoch")
            scores[epochs, options.get("schedule")] = history.loc[10, "validation_mse"]
    assert scores[10, None] == scores[12, None]
    assert scores[10, "cosine"] != scores[12, "cosine"]
