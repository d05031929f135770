"""What is to be done and whether it can be done, asked before a run."""

import json
import os
from pathlib import Path

import yaml

from porevox import channel_settings, insight, keys, layout, specs, starts
from porevox import config as settings
from porevox.errors import PorevoxError
from porevox.layout import ROOT
from porevox.learning.recipe import EPOCHS_COMPARED, Recipe
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
    for name in starts.studies_needed(config):
        study = config["studies"][name]
        _check_source(config, study["dataset"])
        _check_tables(config, study, name)
        _check_channels(config["grids"][study["grid"]]["channels"])
        _check_lists(study, name)
        _check_sizes(config, name)
        insight.check_structure(config, name)
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
    """Compare sizes with train lists that stand already; the dataset stage does it for new ones."""
    lengths = []
    for split in range(config["studies"][name]["split"]["folds"]):
        try:
            known = json.loads((layout.study_dir(name, split) / "dataset" / "dataset.json").read_text())
        except OSError:
            continue
        if known["key"] == specs.dataset_key(config, name, split):
            lengths.append(known["n_train"])
    if lengths:
        check_sizes(config["studies"][name]["sizes"], min(lengths), name)


def n_gpus() -> int:
    """Return the number of NVIDIA GPUs of this machine, without loading anything that could use them."""
    return len(list(Path("/dev").glob("nvidia[0-9]*")))


def targets(config: dict, study: str) -> list[str]:
    """Return the files that a study ends in: tables and figures.

    Parameters
    ----------
    config : dict
        A completed configuration.
    study : str
        Name of the study.

    Returns
    -------
    list of str
        Paths relative to the working directory.
    """
    folder = layout.scored_dir(study, config["studies"][study]["split"]["folds"])
    files = [folder / name for name in ("metrics.csv", "comparison.csv", "crossing.json")]
    files += [folder / "figures" / f"{name}.png" for name in FIGURES]
    if any(settings.needs_descriptors(config["models"][name]) for name in config["studies"][study]["models"]):
        files.append(layout.study_dir(study, 0) / "figures" / "importance.png")
    if ensembles(config, study):
        files += [folder / "calibration.csv", folder / "figures" / "calibration.png"]
    files += epoch_tables(config, study)
    return [str(path) for path in files]


def epoch_tables(config: dict, study: str) -> list[Path]:
    """Return the tables of validation scores after 10, 20 and 50 epochs, one per split.

    Parameters
    ----------
    config : dict
        A completed configuration.
    study : str
        Name of the study.

    Returns
    -------
    list of Path
        None without a validation set, or without a network to be found in them.
    """
    spec, split = config["studies"][study], config["studies"][study]["split"]
    names = [name for name in spec["models"] if config["models"][name]["type"] == "retnet"]
    recipes = [Recipe.from_options(starts.training_options(config, name, 0)) for name in names]
    validated = split["validation_file"] if split["kind"] == "files" else split["validation"]
    if not validated or not any(r.schedule == "step" and r.epochs >= EPOCHS_COMPARED[0] for r in recipes):
        return []
    return [layout.study_dir(study, number) / "epochs.csv" for number in range(split["folds"])]


def ensembles(config: dict, study: str) -> list[str]:
    """Return the models of a study whose seeds are judged as an ensemble.

    Parameters
    ----------
    config : dict
        A completed configuration.
    study : str
        Name of the study.

    Returns
    -------
    list of str
        None with a single seed; never the control ``mean``, which leaves nothing to chance.
    """
    names = config["studies"][study]["models"] if len(config["studies"][study]["seeds"]) > 1 else []
    return [name for name in names if config["models"][name]["type"] != "mean"]


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
