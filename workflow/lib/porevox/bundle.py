"""The stage *bundle*: the trained seeds of one model become a folder that can be handed over."""

import json
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from porevox import __version__
from porevox.baseline.models import KINDS
from porevox.energy.forcefield import load_forcefield
from porevox.errors import PorevoxError
from porevox.handover.card import model_card
from porevox.handover.domain import TYPICAL, Domain, write_domain
from porevox.handover.intervals import calibrate_intervals
from porevox.handover.members import (
    Members,
    channels_of,
    columns_of,
    load_members,
    session,
    usable_rows,
    vectors_of,
)
from porevox.handover.record import CARD, FORMAT, RECORD, list_files
from porevox.learning.modelfile import read_meta
from porevox.learning.runs import write_atomically, write_json
from porevox.learning.view import seen_by_model
from porevox.learning.voxelset import Dataset, load_dataset
from porevox.model_inputs import SCALE_COLUMNS
from porevox.scores.pooled import read_runs
from porevox.scores.scored_runs import Run, stack_predictions

#: Files of a run that go with it.
RUN_FILES = ("model.safetensors", "model.json", "train_ids.txt")
_READING = {"partial_occupancy": "reject", "overlapping_atoms": "reject", "overlap_distance_A": 0.5}


def make_bundle(
    run_folders: Iterable[str | Path],
    dataset_dir: str | Path,
    metrics_csv: str | Path,
    manifest: str | Path | None,
    forcefields: Mapping[str, str | Path],
    about: Mapping,
    out_dir: str | Path,
    threads: int = 1,
) -> dict:
    """Write the folder of one model.

    Parameters
    ----------
    run_folders : iterable of path
        One run per seed, of one model, size and split.
    dataset_dir : path
        The dataset they were trained on (table.csv, dataset.json).
    metrics_csv : path
        Their scores, see :func:`porevox.evaluate.evaluate_model`.
    manifest : path or None
        Table of the structures stage, for the checksums of the CIFs; None where there were none.
    forcefields : mapping
        Table of Lennard-Jones parameters by channel name.
    about : mapping
        ``split`` (number), ``confidence`` of the metrics, ``title``, ``citation`` and ``licence`` of
        the data.
    out_dir : path
        Written anew: bundle.json, README.md, training.csv, training.safetensors, seed<k>/ and
        forcefields/. It appears when all is in it.
    threads : int

    Returns
    -------
    dict
        Content of bundle.json.

    Raises
    ------
    PorevoxError
        A run or the dataset cannot be read, or the force field is not the one of the voxels.
    """
    runs = sorted(read_runs(run_folders), key=lambda run: run.seed)
    if not runs:
        raise PorevoxError("There is no trained run to make a model's folder of: name one at least.")
    meta = read_meta(runs[0].folder, "retnet", *KINDS)
    if meta["type"] == "mean":
        raise PorevoxError(
            "A model of type mean predicts the same of everything: there is nothing to hand over."
        )
    out_dir = Path(out_dir)
    work = out_dir.with_name(f".{out_dir.name}.{os.getpid()}.partial")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    try:
        for run in runs:
            _copy_run(run.folder, work / f"seed{run.seed}")
        dataset = seen_by_model(load_dataset(dataset_dir), meta)
        members = load_members(work, {"type": meta["type"], "seeds": [run.seed for run in runs]})
        with session(threads):
            domain = _training_domain(members, dataset, runs[0].n_train, manifest)
            held_out = _test_share(members, dataset, domain, runs)
        write_domain(domain, work)
        record = _head(runs, meta, dataset, about)
        record |= _inputs(members, meta, dataset, forcefields, work)
        record |= {"training": _statistics(domain), "domain": _describe(domain, meta, held_out)}
        record["metrics"] = _metrics(metrics_csv, runs[0], about["confidence"])
        record["calibration"] = calibrate_intervals(runs, meta["target"].get("unit", ""))
        record["data"] = {"dataset": dataset.meta["dataset"], **_cited(about)}
        _finish(record, work)
        _replace(work, out_dir)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return record


def _copy_run(source: Path, target: Path) -> None:
    target.mkdir()
    for name in RUN_FILES:
        if (source / name).exists():
            shutil.copyfile(source / name, target / name)


def _training_domain(members: Members, dataset: Dataset, n_train: int, manifest) -> Domain:
    """What the members make of the structures they were trained on."""
    rows = usable_rows(members, dataset, dataset.train_rows(n_train))
    if rows.empty:
        raise PorevoxError(
            "None of the training structures can be read any more: run the dataset stage again."
        )
    vectors, known = vectors_of(members, dataset, rows), _checksums(manifest)
    return Domain(
        rows["id"].to_numpy(),
        np.array([known.get(name, "") for name in rows["id"]]),
        rows["y"].to_numpy(np.float64),
        vectors,
    )


def _checksums(manifest) -> dict[str, str]:
    if manifest is None:
        return {}
    table = pd.read_csv(manifest, dtype=str, keep_default_na=False)
    if "sha256" not in table:  # of published voxels there are no CIFs
        return {}
    return dict(zip(table["id"], table["sha256"], strict=True))


def _test_share(members: Members, dataset: Dataset, domain: Domain, runs: Sequence[Run]) -> tuple[int, float]:
    """How many test structures there are, and which part of them counts as out of domain."""
    rows = usable_rows(members, dataset, dataset.table[dataset.table["subset"] == "test"])
    if rows.empty:
        return 0, 0.0
    distance, _ = domain.nearest(vectors_of(members, dataset, rows), domain.unit())
    _, predicted = stack_predictions(runs, "test", rows["id"])
    mean = predicted.mean(axis=0)
    beyond = (mean < domain.labels.min()) | (mean > domain.labels.max())
    return len(rows), float(np.mean((distance > 1) | beyond))


def _head(runs, meta: dict, dataset: Dataset, about: Mapping) -> dict:
    first = runs[0]
    return {
        "format": FORMAT,
        "porevox": __version__,
        "study": dataset.meta["study"],
        "split": about["split"],
        "model": first.model,
        "type": meta["type"],
        "size": first.size,
        "n_train": first.n_train,
        "n_used": first.n_used,
        "seeds": [run.seed for run in runs],
        "target": meta["target"],
        "options": {key: value for key, value in meta["options"].items() if key != "type"},
    }


def _inputs(members: Members, meta: dict, dataset: Dataset, forcefields: Mapping, work: Path) -> dict:
    """Grid, channels, transform and reading: all that the same voxels need somewhere else."""
    names = channels_of(members)
    reading, channels = dict(_READING), []
    for channel in meta["channels"]:
        if channel["name"] not in names:
            continue
        made = _made(dataset, channel["name"])
        reading = made.get("reading") or reading
        table = forcefields.get(channel["name"])
        entry = {key: channel[key] for key in ("name", "quantity", "unit", "settings")}
        if entry["quantity"] == "boltzmann_factor":
            # published voxels; from CIFs come the energies, of which the transform makes the same factors
            entry |= {"quantity": "energy", "unit": "K"}
        entry |= {"forcefield": channel.get("forcefield"), "forcefield_file": None, "forcefield_digest": None}
        channels.append(entry | _forcefield(table, made, work))
    return {
        "grid": meta["grid"],
        "channels": channels,
        "transform": meta["transform"],
        "reading": reading,
        "columns": [name for name in columns_of(members) if name not in SCALE_COLUMNS],
    }


def _made(dataset: Dataset, channel: str) -> dict:
    """Content of a shard.json of a channel: what its voxels were made with; empty if nobody knows."""
    shards = next(c["shards"] for c in dataset.meta["channels"] if c["name"] == channel)
    try:
        return json.loads(
            Path(next(iter(shards.values()))).with_name("shard.json").read_text(encoding="utf-8")
        )
    except (OSError, ValueError, StopIteration):
        return {}


def _forcefield(table, made: dict, work: Path) -> dict:
    """Copy the force field's table, after holding it to the voxels that were made with it."""
    if table is None:
        return {}
    digest = load_forcefield(table).digest
    expected = (made.get("forcefield") or {}).get("digest", digest)
    if digest != expected:
        raise PorevoxError(
            f"{table} is not the force field that the voxels of the training set were computed with: restore "
            "it, or run the study again."
        )
    target = work / "forcefields" / Path(table).name
    target.parent.mkdir(exist_ok=True)
    shutil.copyfile(table, target)
    return {"forcefield_file": f"forcefields/{target.name}", "forcefield_digest": digest}


def _statistics(domain: Domain) -> dict:
    y = domain.labels
    numbers = {"y_min": y.min(), "y_max": y.max(), "y_mean": y.mean(), "y_std": y.std()}
    return {"n": len(y), **{key: float(value) for key, value in numbers.items()}}


def _describe(domain: Domain, meta: dict, held_out: tuple[int, float]) -> dict:
    what = "its features"
    if meta["type"] == "retnet":
        what = "RetNet's fingerprints" + (" and scalars" if meta["scalars"]["mean"] else "")
    n_test, share = held_out
    n_components = int(domain.vectors.shape[1])
    about = {"what": what, "components": n_components, "typical": TYPICAL, "unit": domain.unit()}
    return about | {"n_test": n_test, "test_share": share}


def _metrics(path, run, confidence: float) -> dict:
    """Scores on the test set, with the uncertainty of its sampling."""
    table = pd.read_csv(path, dtype={"size": str, "seed": str})
    rows = table[(table["subset"] == "test") & (table["n_train"] == run.n_train)]
    found = []
    for seed, of in (("mean", "the mean of its seeds' scores"), ("ensemble", "the seeds' mean prediction")):
        for row in rows[rows["seed"] == seed].itertuples():
            numbers = {key: _or_none(getattr(row, key)) for key in ("value", "ci_low", "ci_high")}
            found.append({"metric": row.metric, "of": of, **numbers})
    n_test = int(rows["n_test"].max()) if len(rows) else 0
    return {"n_test": n_test, "confidence": confidence, "rows": found}


def _or_none(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _cited(about: Mapping) -> dict:
    return {key: about.get(key) or "" for key in ("title", "citation", "licence")}


def _finish(record: dict, work: Path) -> None:
    """Write the card and, last, the record that vouches for all other files."""
    names = sorted([*list_files(work), CARD])
    write_atomically(work / CARD, model_card({**record, "files": names}))
    record["files"] = list_files(work)
    write_json(work / RECORD, record)


def _replace(work: Path, out_dir: Path) -> None:
    if out_dir.exists():
        shutil.rmtree(out_dir)
    os.replace(work, out_dir)
