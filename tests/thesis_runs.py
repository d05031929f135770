"""Runs of RetNet and of a forest on two databases, of known errors, and what goes with them on the page."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from porevox.compare import compare
from porevox.evaluate import evaluate_model

#: Standard deviation of the errors by size; the labels' is 1. RetNet meets the forest between 100 and 1000.
ERRORS = {
    "mofs": {"retnet": {100: 0.7, 1000: 0.45, 4000: 0.35}, "rf": {100: 0.9, 1000: 0.6, 4000: 0.55}},
    "cofs": {"retnet": {100: 0.6, 1000: 0.3, 4000: 0.2}, "rf": {100: 0.8, 1000: 0.5, 4000: 0.4}},
}
#: Share of the test rows that the forest cannot predict.
WITHOUT_DESCRIPTORS = 0.1


def write_run(folder: Path, model: str, size: int, rows: pd.DataFrame, seed: int = 0) -> Path:
    """Write what scores are made of; rows have id, y_true and y_pred."""
    folder = folder / "split0" / model / f"n{size}" / f"seed{seed}"
    folder.mkdir(parents=True)
    rows.assign(subset="test").to_csv(folder / "predictions.csv", index=False)
    info = {"model": model, "size": size, "n_train": size, "n_used": size, "seed": seed}
    (folder / "run.json").write_text(json.dumps(info))
    return folder


def write_part(folder: Path, errors: dict, n: int = 400, seed: int = 0) -> dict[str, list[Path]]:
    """Write the runs of one database; return their folders by model."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=n)
    ids = [f"s{k:04d}" for k in range(n)]
    runs = {}
    for model, by_size in errors.items():
        kept = n - int(WITHOUT_DESCRIPTORS * n) * (model == "rf")
        for size, sd in by_size.items():
            rows = pd.DataFrame({"id": ids, "y_true": truth, "y_pred": truth + sd * rng.normal(size=n)})
            runs.setdefault(model, []).append(write_run(folder, model, size, rows[:kept]))
    return runs


def write_all(folder: Path, resamples: int = 300) -> dict:
    """Write both databases, their scores and the other tables; return the arguments of the page."""
    runs = {
        part: write_part(folder / part, errors, seed=k) for k, (part, errors) in enumerate(ERRORS.items())
    }
    metrics: dict[str, dict[str, Path]] = {}
    for part, models in runs.items():
        for model, folders in models.items():
            path = folder / f"{part}-{model}.csv"
            evaluate_model(folders, path, resamples=resamples)
            metrics.setdefault(part, {})[model] = path
    epochs = [
        ("retnet", "0", number, score, 1 - score) for number, score in ((10, 0.7), (20, 0.8), (50, 0.85))
    ]
    columns = ["model", "seed", "epochs", "validation_R2", "validation_mse"]
    pd.DataFrame(epochs, columns=columns).to_csv(folder / "epochs.csv", index=False)
    pair = [{"challenger": "retnet", "reference": "rf"}]
    compare(runs["mofs"], pair, folder / "augmentation.csv", folder / "crossing.json", resamples=resamples)
    return {
        "metrics": metrics,
        "runs": runs,
        "epochs_csv": folder / "epochs.csv",
        "augmentation_csv": folder / "augmentation.csv",
    }
