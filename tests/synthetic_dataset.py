"""A small dataset folder with voxels whose label is a known function, for tests of the learners.

Test modules load it with runpy, since the tests are no package.
"""

import json

import numpy as np
import pandas as pd

TEMPERATURE_K = 298.0


def smooth_energies(rng, n):
    """One random periodic energy surface (n, n, n) in K, with a patch where atoms overlap (+inf)."""
    axis = 2 * np.pi * np.arange(n) / n
    a, b, c = np.meshgrid(axis, axis, axis, indexing="ij")
    depth, phase = rng.uniform(-600, 100), rng.uniform(0, 2 * np.pi, size=3)
    energies = depth + 150 * (np.cos(a + phase[0]) + np.cos(b + phase[1]) + np.cos(c + phase[2]))
    energies[:2, :2, :2] = np.inf
    return energies


def mean_boltzmann_factor(energies):
    """The label: mean of exp(-V/T) over the last three axes, dimensionless."""
    return np.exp(-energies.astype(np.float64) / TEMPERATURE_K).mean(axis=(-3, -2, -1))


def write_dataset(
    folder,
    n_train=24,
    n_validation=6,
    n_test=10,
    n=16,
    seed=0,
    shard_size=15,
    channels=("lj",),
    without_voxels=(),
    without_descriptors=(),
    change=None,
):
    """Write table.csv, dataset.json and one energies.npy per shard and channel.

    without_voxels, without_descriptors: ids. change(table, meta): edits both before they are
    written, or returns another table. Shard paths are absolute. Returns the table and
    the energies by id, (C, n, n, n).
    """
    rng = np.random.default_rng(seed)
    subsets = ["train"] * n_train + ["validation"] * n_validation + ["test"] * n_test
    ids = [f"S-{i:03d}" for i in range(len(subsets))]
    energies = {i: np.stack([smooth_energies(rng, n) for _ in channels]) for i in ids}
    table = pd.DataFrame({"id": ids, "subset": subsets})
    table["position"] = table.groupby("subset").cumcount()
    table["y"] = [mean_boltzmann_factor(energies[i][0]) for i in ids]
    # Descriptors: one that tells much about the label, one that tells nothing.
    table["void_fraction"] = np.log(table["y"]) + rng.normal(0, 0.1, len(ids))
    table["noise"] = rng.normal(size=len(ids))
    table.loc[table["id"].isin(without_descriptors), "void_fraction"] = np.nan
    stores = _write_voxels(folder, table, energies, channels, without_voxels, shard_size, rng)
    # Rows are written in an order that has nothing to do with subset and position.
    table = table.sample(frac=1, random_state=seed)
    meta = {
        "study": "synthetic",
        "dataset": "synthetic",
        "target": {"column": "mean_factor", "unit": "", "label": "mean Boltzmann factor"},
        "split": {"kind": "random"},
        "n_train": n_train,
        "n_validation": n_validation,
        "n_test": n_test,
        "grid": {"kind": "mic_supercell", "n": n, "endpoint": False, "box_length_A": 30.0},
        "channels": stores,
        "transform": {"kind": "boltzmann", "temperature_K": TEMPERATURE_K},
        "descriptors": ["void_fraction", "noise"],
        "digest": f"digest-{seed}",
    }
    if change is not None:
        changed = change(table, meta)
        table = table if changed is None else changed
    table.to_csv(folder / "table.csv", index=False)
    (folder / "dataset.json").write_text(json.dumps(meta))
    return table, energies


def _write_voxels(folder, table, energies, channels, without_voxels, shard_size, rng):
    """Write the stores, note shard and row in the table, return the channels of dataset.json."""
    kept = table[~table["id"].isin(without_voxels)].sample(frac=1, random_state=int(rng.integers(99)))
    table["shard"] = pd.array([pd.NA] * len(table), dtype="Int64")
    stores = []
    for number, name in enumerate(channels):
        table[f"row_{name}"] = pd.array([pd.NA] * len(table), dtype="Int64")
        shards = {}
        for start in range(0, len(kept), shard_size):
            part, shard = kept.iloc[start : start + shard_size], start // shard_size
            path = folder / name / f"shard{shard}" / "energies.npy"
            path.parent.mkdir(parents=True)
            np.save(path, np.stack([energies[i][number] for i in part["id"]]).astype(np.float32))
            table.loc[part.index, "shard"] = shard
            table.loc[part.index, f"row_{name}"] = np.arange(len(part))
            shards[str(shard)] = str(path)
        settings = {"probe_sigma_A": 2.5, "probe_epsilon_K": 50.0, "cutoff_A": 10.0}
        stores.append({"name": name, "settings": settings, "forcefield": "uff"})
        stores[-1] |= {"quantity": "energy", "unit": "K", "key": "0123", "shards": shards}
    return stores
