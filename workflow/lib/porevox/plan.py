"""What is to be done, whether it can be done, and what came out, asked before and after a run."""

import csv
import json
import os
from pathlib import Path

import yaml

from porevox import channel_settings, keys, layout, specs
from porevox import config as settings
from porevox.errors import PorevoxError
from porevox.layout import ROOT
from porevox.split import check_sizes
from porevox.tables import check_columns

FIGURES = ("learning_curve", "parity")


def load(config: dict) -> dict:
    """Complete the user's configuration with the datasets that come with the project.

    Parameters
    ----------
    config : dict
        As the user wrote it.

    Returns
    -------
    dict
        See :func:`porevox.config.complete`.

    Raises
    ------
    PorevoxError
        One sentence on the first error.
    """
    entries = yaml.safe_load((ROOT / "resources" / "datasets.yaml").read_text(encoding="utf-8"))
    config = settings.complete(config, entries)
    for section in ("studies", "models"):
        for name in config[section]:
            if name in (*layout.RESERVED, "dataset", "figures"):
                raise PorevoxError(f"`{section}.{name}`: the name is taken by a folder; choose another.")
    return config


def check(config: dict) -> None:
    """Check files and columns of the studies to run, before any job starts.

    Parameters
    ----------
    config : dict
        A completed configuration.

    Raises
    ------
    PorevoxError
        Names the key, what is missing, and the remedy.
    """
    _check_results()
    for name in config["run"]:
        study = config["studies"][name]
        _check_source(config, study["dataset"])
        _check_tables(config, study, name)
        _check_channels(config["grids"][study["grid"]]["channels"])
        _check_lists(study, name)
        _check_sizes(config, name)
    for entry in config["henry"].values():
        _check_source(config, entry["dataset"])
        _check_channels(config["grids"][entry["grid"]]["channels"])


def _check_source(config: dict, dataset: str) -> None:
    file = config["datasets"][dataset]["structures"]
    _check_exists(file, dataset)
    # a source that cannot be read is told here, not in the middle of planning
    keys.source_key(dataset, file)


def _check_exists(file: dict, dataset: str) -> None:
    if "path" in file and not layout.source_path(dataset, file).exists():
        raise PorevoxError(
            f"`datasets.{dataset}` names {file['path']}, which does not exist; correct the path."
        )


def _check_tables(config: dict, study: dict, name: str) -> None:
    tables = keys.table_paths(config, study["dataset"])
    for _, table in tables:
        _check_exists(table["file"], study["dataset"])
    if all(path.exists() for path, _ in tables):
        check_columns(tables, list(settings.columns_needed(config, study)), f"studies.{name}")


def _check_channels(channels: list[dict]) -> None:
    """Look up what the channels name: force fields, probes and guests."""
    for channel in channels:
        channel_settings.forcefield_path(channel)
        channel_settings.settings(channel)


def _check_results() -> None:
    folder = layout.RESULTS if layout.RESULTS.exists() else Path()
    if not (folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)):
        raise PorevoxError(
            f"The folder {folder.resolve()} cannot be written to; make it writable, or run elsewhere with "
            "`--directory`."
        )


def _check_lists(study: dict, name: str) -> None:
    for key in ("train_file", "validation_file", "test_file"):
        path = study["split"][key]
        if study["split"]["kind"] == "files" and path is not None and not Path(path).is_file():
            raise PorevoxError(f"`studies.{name}.split.{key}` names {path}, which does not exist.")


def _check_sizes(config: dict, name: str) -> None:
    """Compare sizes with a train list that stands already; the dataset stage does it for a new one."""
    try:
        known = json.loads((layout.study_dir(name, 0) / "dataset" / "dataset.json").read_text())
    except OSError:
        return
    if known["key"] == specs.dataset_key(config, name, 0):
        check_sizes(config["studies"][name]["sizes"], known["n_train"], name)


def n_gpus() -> int:
    """Return the number of NVIDIA GPUs of this machine, without loading anything that could use them."""
    return len(list(Path("/dev").glob("nvidia[0-9]*")))


def targets(study: str, split: int) -> list[str]:
    """Return the files that a study ends in: tables and figures.

    Parameters
    ----------
    study : str
        Name of the study.
    split : int
        Number of the split.

    Returns
    -------
    list of str
        Paths relative to the working directory.
    """
    folder = layout.study_dir(study, split)
    files = [folder / name for name in ("metrics.csv", "comparison.csv", "crossing.json")]
    files += [folder / "figures" / f"{name}.png" for name in FIGURES]
    return [str(path) for path in files]


def henry_targets(config: dict) -> list[str]:
    """Return the files that tables of Henry coefficients end in.

    Parameters
    ----------
    config : dict
        A completed configuration.

    Returns
    -------
    list of str
        Paths relative to the working directory.
    """
    return [str(layout.henry_dir(name) / "henry.csv") for name in config["henry"]]


def henry_headline(name: str) -> str:
    """Return one line for the terminal on a table of Henry coefficients.

    Parameters
    ----------
    name : str
        Name of the table.

    Returns
    -------
    str
        Empty if there is no such table yet.
    """
    folder = layout.henry_dir(name)
    try:
        counts = json.loads((folder / "summary.json").read_text())
    except OSError:
        return ""
    rejected = ", ".join(f"{n} {reason}" for reason, n in counts["rejected"].items())
    return (
        f"Henry coefficients {name}: {counts['n_computed']} of {counts['n_structures']} structures"
        + (f"; not used: {rejected} ({folder / 'rejected.csv'})." if rejected else ".")
        + f" Table: {folder / 'henry.csv'}"
    )


def headline(study: str, split: int = 0) -> str:
    """Return a few lines for the terminal: what came out, and where it lies.

    Parameters
    ----------
    study : str
        Name of the study.
    split : int
        Number of the split.

    Returns
    -------
    str
        At most five lines; empty if the study has no results.
    """
    folder = layout.study_dir(study, split)
    try:
        counts = json.loads((folder / "dataset" / "summary.json").read_text())
        with open(folder / "metrics.csv", encoding="utf-8", newline="") as stream:
            rows = [r for r in csv.DictReader(stream) if r["metric"] == "R2" and r["seed"] == "mean"]
        crossing = json.loads((folder / "crossing.json").read_text())["statement"]
    except OSError:
        return ""
    rows = [row for row in rows if row.get("subset", "test") == "test"]
    last = {row["model"]: row for row in rows}
    scores = ", ".join(
        f"{name} {float(r['value']):.3f} [{float(r['ci_low']):.3f}, {float(r['ci_high']):.3f}]"
        for name, r in last.items()
    )
    sizes = {r["n_train"] for r in last.values()}
    drops = ", ".join(f"{n} {reason.split('/')[1]}" for reason, n in counts.get("drops", {}).items())
    lines = [
        f"Study {study}: {counts['n_structures']} structures in, {counts['n_usable']} used"
        + (
            f"; dropped for all or some models: {drops} ({folder / 'dataset' / 'drops.csv'})."
            if drops
            else "."
        ),
        f"  R2 on the test set at {'/'.join(sorted(sizes))} training structures: {scores}",
    ]
    lines.append("  " + crossing)
    lines.append(f"  Figures: {folder / 'figures'}   Tables: {folder}/*.csv")
    return "\n".join(lines)
