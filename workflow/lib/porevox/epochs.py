"""Stage epochs: how good RetNet is on the validation set after 10, 20 and 50 epochs.

A step schedule depends on the epochs gone by, not on those to come: epoch 10 of a training of 50
*is* the end of a training of 10, weights and all, so one history answers for all of them. A cosine
schedule is stretched to the number of epochs; such a model is listed with this reason, not with
numbers.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from porevox.errors import PorevoxError
from porevox.learning.recipe import EPOCHS_COMPARED
from porevox.learning.runs import write_csv

COLUMNS = [
    "model",
    "size",
    "n_used",
    "n_validation",
    "seed",
    "epochs",
    "validation_R2",
    "validation_mse",
    "note",
]
#: Value of the column seed in the rows that average over seeds.
SEED_MEAN = "mean"


def epoch_table(runs: Mapping[str, Sequence[str | Path]], out_csv: str | Path) -> pd.DataFrame:
    """Gather the validation scores of trainings after 10, 20 and 50 epochs.

    Parameters
    ----------
    runs : mapping of str to list of path
        For each RetNet model the folders of its runs of one size, one per seed.
    out_csv : path
        Written: one row per model, seed and number of epochs, then the means over several seeds;
        one row with a note for a model that cannot be compared. ``validation_mse`` is in the
        target's unit squared.

    Returns
    -------
    pandas.DataFrame
        What was written.

    Raises
    ------
    PorevoxError
        When a file of a run cannot be read.
    """
    parts = [_rows_of(model, [_read(Path(folder)) for folder in folders]) for model, folders in runs.items()]
    table = pd.DataFrame([row for rows in parts for row in rows], columns=COLUMNS)
    table["epochs"] = table["epochs"].astype("Int64")
    write_csv(out_csv, table)
    return table


def _read(folder: Path) -> tuple[dict, pd.DataFrame]:
    try:
        run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        history = pd.read_csv(folder / "history.csv").set_index("epoch")
        return run, history[["validation_R2", "validation_mse"]]
    except (OSError, ValueError, KeyError) as error:
        raise PorevoxError(f"The run in {folder} cannot be read ({error}): train the model again.") from error


def _rows_of(model: str, runs: list[tuple[dict, pd.DataFrame]]) -> list[dict]:
    note = _why_not(runs[0][0])
    first = {"model": model, "size": runs[0][0]["size"], "n_used": runs[0][0]["n_used"]}
    first |= {"n_validation": runs[0][0]["n_validation"], "note": note}
    if note:
        return [first]
    numbers = [epochs for epochs in EPOCHS_COMPARED if epochs in runs[0][1].index]
    rows = [
        {**first, "seed": str(run["seed"]), "epochs": epochs, **history.loc[epochs].to_dict()}
        for run, history in runs
        for epochs in numbers
    ]
    if len(runs) > 1:
        for epochs in numbers:
            mean = pd.concat([history.loc[[epochs]] for _, history in runs]).mean()
            rows.append({**first, "seed": SEED_MEAN, "epochs": epochs, **mean.to_dict()})
    return rows


def _why_not(run: dict) -> str:
    """Why a model is left out; empty if it is not."""
    options = run["options"]
    if options["schedule"] != "step":
        return (
            f"left out: its {options['schedule']} schedule is stretched to {options['epochs']} epochs, so "
            "fewer epochs would be another training"
        )
    if options["epochs"] < EPOCHS_COMPARED[0]:
        return f"left out: it is trained for {options['epochs']} epochs only"
    return ""
