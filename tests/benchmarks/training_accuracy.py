"""Test R2 of the thesis' recipe by each way to train, on one dataset folder of the workflow."""

from pathlib import Path

import numpy as np
from training_loops import Loop, Variant, settings

from porevox.learning.voxelset import load_dataset, load_voxels
from porevox.scores.bootstrap import bootstrap_metrics, percentile_interval
from porevox.scores.metrics import CountScorer

RESAMPLES = 2000


def _read(folder: Path, size: int | None):
    """Voxels and labels of a training subset and of the test set."""
    dataset = load_dataset(folder)
    usable = dataset.has_voxels()
    train = dataset.train_rows(size or dataset.n_train)
    held_out = dataset.held_out_rows()
    test = held_out[held_out["subset"] == "test"]
    train, test = (rows[usable.loc[rows.index] & rows["y"].notna()] for rows in (train, test))
    return [(load_voxels(dataset, rows), rows["y"].to_numpy(np.float32)) for rows in (train, test)]


def _predicted(variant: Variant, train, test_voxels, epochs, seed, device, threads, workers):
    with settings(variant, threads, device):
        loop = Loop(variant, *train, device, seed, workers)
        for _ in range(epochs):
            loop.epoch()
        return loop.predict(test_voxels)


def accuracy(
    folder: Path,
    variants: list[Variant],
    seeds: int,
    epochs: int,
    size: int | None,
    device,
    threads: int,
    workers: int,
) -> list[dict]:
    """Train every variant with every seed and score it on the test set.

    Returns
    -------
    list of dict
        By variant: R2 of each seed and its mean, and 95 % intervals of the mean and of its
        difference to the first variant, over bootstrap resamples of the test structures.
    """
    train, (test_voxels, test_y) = _read(folder, size)
    true = test_y.astype(float)
    given = epochs, device, threads, workers
    resampled, scored, rows = [], [], []
    for variant in variants:
        predicted = [
            _predicted(variant, train, test_voxels, given[0], seed, *given[1:]) for seed in range(seeds)
        ]
        scores = CountScorer(true, predicted, ["R2"])(np.ones((1, len(true)), np.int32))[0, :, 0]
        scored.append(scores)
        resampled.append(bootstrap_metrics(true, np.array(predicted), RESAMPLES, 0, ["R2"])[..., 0].mean(1))
        low, high = percentile_interval(resampled[-1])
        change_low, change_high = percentile_interval(resampled[-1] - resampled[0])
        rows.append(
            {
                "variant": variant.name,
                "n_train": len(train[1]),
                "n_test": len(true),
                "epochs": epochs,
                "R2_by_seed": scores.tolist(),
                "R2": float(scores.mean()),
                "R2_95": [float(low), float(high)],
                "change": float(scores.mean() - scored[0].mean()),
                "change_95": [float(change_low), float(change_high)],
            }
        )
        print_row(rows[-1])
    return rows


def print_row(row: dict) -> None:
    """One line of the table."""
    seeds = " ".join(f"{score:7.4f}" for score in row["R2_by_seed"])
    low, high = row["R2_95"]
    change = f"{row['change']:+.4f} [{row['change_95'][0]:+.4f}, {row['change_95'][1]:+.4f}]"
    print(f"{row['variant']:32}{row['R2']:8.4f} [{low:.4f}, {high:.4f}]  {change}   {seeds}", flush=True)
