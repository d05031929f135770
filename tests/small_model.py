"""Folders of small models that can be handed over, for the tests of all that is done with them.

Test modules import it; a baseline is trained in no time, a RetNet has random weights.
"""

import json
import zipfile

import numpy as np
import pandas as pd

from porevox.baselines import train_baseline
from porevox.bundle import make_bundle
from porevox.evaluate import evaluate_model
from porevox.learning.runs import prediction_table
from porevox.learning.savedmodel import predict_rows
from porevox.learning.voxelset import load_dataset
from porevox.voxels import voxelise_shard
from synthetic_dataset import write_dataset
from trained_retnet import write_retnet

UNIT = "mol/kg"
LINEAR = {"type": "linear", "penalty": "ridge", "features": "histogram"}
PHYSICS = {"type": "physics"}
FOREST = {"type": "random_forest", "n_estimators": 5}
CIF = """data_x
_cell_length_a {a}
_cell_length_b 12
_cell_length_c 11
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_symmetry_space_group_name_H-M 'P 1'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
C1 C 0.1 0.2 0.3
O1 O 0.6 0.5 0.8
"""
CIFS = {**{f"m{k}": CIF.format(a=10 + k) for k in range(4)}, "broken": "none"}


def write_model(root, options=LINEAR, seeds=(0,), root_of_project=None, retnet=None, **dataset):
    """Train, score and hand over; returns the model's folder. ``root/dataset`` is what it was trained on.

    options: of a baseline; retnet: keywords of write_retnet, for a network in its place.
    """
    data = root / "dataset"
    if not data.exists():
        data.mkdir(parents=True)
        sizes = {"n_train": 24, "n_validation": 22, "n_test": 24} | dataset
        table, _ = write_dataset(data, **{"change": _with_scale, **sizes})
    runs = [root / f"runs/seed{seed}" for seed in seeds]
    for seed, run in zip(seeds, runs, strict=True):
        if retnet is None:
            train_baseline(data, run, 24, seed, options, "mine", 1)
        else:
            _write_run(run, data, seed, retnet)
    evaluate_model(runs, root / "metrics.csv", resamples=100)
    table = load_dataset(data).table
    checksums = pd.DataFrame({"id": table["id"], "sha256": [f"{k:064x}" for k in range(len(table))]})
    checksums.to_csv(root / "manifest.csv", index=False)
    forcefield = root_of_project / "resources/forcefields/uff.csv"
    about = {
        "split": 0,
        "confidence": 0.95,
        "title": "Synthetic",
        "citation": "Nobody 2026",
        "licence": "CC0",
    }
    tables = {"lj": forcefield}
    make_bundle(runs, data, root / "metrics.csv", root / "manifest.csv", tables, about, root / "bundle")
    return root / "bundle"


def _with_scale(table, meta):
    """What a table has from voxels' indexes: volume and density."""
    rng = np.random.default_rng(7)
    table["cif_volume_A3"] = rng.uniform(1000, 3000, len(table))
    table["cif_density_g_cm3"] = rng.uniform(0.4, 1.6, len(table))
    meta["target"]["unit"] = UNIT
    for channel in meta["channels"]:
        channel["settings"] |= {"kind": "lennard_jones"}


def _write_run(run, data, seed, options):
    model, meta = write_retnet(run, data, seed=seed, **options)
    dataset = load_dataset(data)
    rows = dataset.held_out_rows()
    rows = rows[dataset.has_voxels().loc[rows.index]]
    prediction_table(rows, predict_rows(model, meta, dataset, rows)).to_csv(
        run / "predictions.csv", index=False
    )
    info = {"model": "net", "size": "24", "n_train": 24, "n_used": 24, "seed": seed}
    (run / "run.json").write_text(json.dumps(info))
    (run / "train_ids.txt").write_text("".join(f"{name}\n" for name in sorted(dataset.train_rows(24)["id"])))


def change_record(folder, **changes):
    """Change bundle.json; a key set to ... is removed."""
    path = folder / "bundle.json"
    record = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({key: value for key, value in record.items() if value is not ...}))


def voxels_of(model, cifs, folder, root):
    """The shard of some CIFs (id -> text), computed with the model's settings."""
    folder.mkdir(parents=True)
    with zipfile.ZipFile(folder / "pack.zip", "w") as pack:
        for id, text in cifs.items():
            pack.writestr(f"{id}.cif", text)
        rows = [f'"{id}.cif","{id}"' for id in sorted(cifs)]
        pack.writestr("index.csv", "\n".join(["member,id", *rows]) + "\n")
    (channel,) = model.record["channels"]
    table = root / "resources/forcefields/uff.csv"
    given = {"grid": model.record["grid"], "channel": channel["settings"], "reading": model.record["reading"]}
    voxelise_shard(
        folder / "pack.zip", folder / "shard3", **given, forcefield=table, memory_limit_MB=500, workers=1
    )
    return {"lj": folder / "shard3"}
