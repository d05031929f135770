"""Runs of an ensemble with errors of a known size, for the tests of its error bars."""

import json

import numpy as np
import pandas as pd


def write_ensemble(root, model, n_validation=200, n_test=600, seeds=(0, 1, 2), noise=1.0, split=0, size=400):
    """Write runs whose errors are heavy-tailed and grow with the spread over seeds; return their folders."""
    rng = np.random.default_rng([split, n_validation, n_test, len(model)])
    n = n_validation + n_test
    y_true = rng.gamma(3, 20, n)
    scale = np.exp(rng.normal(0, 0.7, n))
    shared = 5 * scale * rng.standard_t(4, n)
    table = pd.DataFrame({"id": [f"split{split}-m{k}" for k in range(n)], "y_true": y_true})
    table["subset"] = ["validation"] * n_validation + ["test"] * n_test
    folders = []
    for seed in seeds:
        folder = root / f"split{split}" / model / f"n{size}" / f"seed{seed}"
        folder.mkdir(parents=True)
        y_pred = y_true + shared + noise * scale * rng.normal(size=n)
        table.assign(y_pred=y_pred).to_csv(folder / "predictions.csv", index=False)
        info = {"model": model, "size": size, "n_train": 400, "n_used": 400, "seed": seed}
        (folder / "run.json").write_text(json.dumps(info))
        folders.append(folder)
    return folders
