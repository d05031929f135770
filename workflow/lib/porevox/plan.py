"""What is to be done and whether it can be done, asked before a run."""

import json
import os
from pathlib import Path

import yaml

from porevox import channel_settings, insight, keys, layout, screening, specs, starts, voxel_source
from porevox import config as settings
from porevox.errors import PorevoxError
from porevox.hand_fetched import check_fetched
from porevox.layout import ROOT
from porevox.learning.devices import visible_devices
from porevox.learning.recipe import EPOCHS_COMPARED, Recipe
from porevox.split import check_sizes
from porevox.tables import check_columns

FIGURES = ("learning_curve", "parity")


def hand_on_library() -> None:
    """Make the processes that this one starts import this library, wherever another copy is installed."""
    paths = [str(Path(__file__).resolve().parents[1]), os.environ.get("PYTHONPATH")]
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, paths))


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
            # `thesis` is the name of a model, and the folder of the thesis' own figures
            own = ("thesis",) if section == "studies" else ()
            if name in (*layout.RESERVED, *own, "dataset", "figures"):
                raise PorevoxError(f"`{section}.{name}`: the name is taken by a folder; choose another.")
    screening.add_screens(config)
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
        _check_study(config, name)
    for entry in config["henry"].values():
        _check_source(config, entry["dataset"])
        _check_channels(config["grids"][entry["grid"]]["channels"])
    screening.check_voxels_needed(config)
    for name, screen in config["screens"].items():
        _check_source(config, screening.dataset_name(name))
        _check_channels(config["grids"][screening.dataset_name(name)]["channels"])
        if screen["ref"] is not None:
            check_target(config, screen["ref"]["study"])


def check_target(config: dict, study: str) -> None:
    """Check a study that is asked for by its files, whether or not ``run`` names it.

    Parameters
    ----------
    config : dict
        A completed configuration.
    study : str
        Name of the study.

    Raises
    ------
    PorevoxError
        Names the key, what is wrong or missing, and the remedy.
    """
    checked = starts.studies_needed(config)
    for name in starts.studies_needed({**config, "run": [study]}):
        if name not in checked:
            settings.check_study(config, name)
            _check_study(config, name)


def _check_study(config: dict, name: str) -> None:
    study = config["studies"][name]
    _check_source(config, study["dataset"])
    _check_tables(config, study, name)
    _check_channels(config["grids"][study["grid"]]["channels"])
    voxel_source.check_study(config, name)
    _check_lists(study, name)
    _check_sizes(config, name)
    insight.check_structure(config, name)


def _check_source(config: dict, dataset: str) -> None:
    check_fetched(config, dataset)
    entry = config["datasets"][dataset]
    _check_exists(entry["structures"] or entry["voxels"]["file"], dataset)
    if entry["voxels"] is not None:
        voxel_source.check_files(entry["voxels"], f"datasets.{dataset}.voxels")
    # a source that cannot be read is told here, not in the middle of planning
    keys.content_key(dataset, entry)


def _check_exists(file: dict, dataset: str) -> None:
    if "path" in file and not layout.source_path(file).exists():
        raise PorevoxError(
            f"`datasets.{dataset}` names {file['path']}, which does not exist; correct the path."
        )


def _check_tables(config: dict, study: dict, name: str) -> None:
    dataset = study["dataset"]
    for table in config["datasets"][dataset]["tables"]:
        _check_exists(table["file"], dataset)
    tables = keys.table_paths(config, dataset)
    if all(path.exists() for path, _ in tables):
        check_columns(tables, list(settings.columns_needed(config, study)), f"studies.{name}")
        bounded = [rule["column"] for rule in config["datasets"][dataset]["faulty_where"]]
        check_columns(tables, [(column, "faulty_where") for column in bounded], f"datasets.{dataset}")


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
    """Return the number of NVIDIA GPUs that may be used here, without loading anything that uses them."""
    return len(visible_devices())


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
    files += [folder / "figures" / "parity.html", folder / "overview.html"]
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
