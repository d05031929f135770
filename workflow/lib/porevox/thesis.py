"""The thesis' own figures: which study makes which, and where they lie under the thesis' numbers.

Imports nothing heavy: on a cluster every job asks these questions again.
"""

import shutil
from collections.abc import Iterable
from pathlib import Path

from porevox import layout
from porevox.errors import PorevoxError

#: Part that a study plays, and the figure of it, for each figure of the thesis. 4.4-cofs is the twin of
#: 4.4 that the thesis does not print.
FIGURES = {
    "3.2": ("mofs", "augmentations"),
    "3.3": ("augmentation", "learning_curve"),
    "4.1": ("mofs", "forward_pass"),
    "4.2a": ("mofs", "fingerprints"),
    "4.2b": ("cofs", "fingerprints"),
    "4.3a": ("mofs", "learning_curve"),
    "4.3b": ("cofs", "learning_curve"),
    "4.4": ("mofs", "parity"),
    "4.4-cofs": ("cofs", "parity"),
}
#: Files of each figure; the last is the data behind it.
KINDS = ("pdf", "svg", "png", "csv")
#: Figures of scores, which lie where the study's scores do.
_SCORED = ("learning_curve", "parity")
#: Models that are compared with each other, as the published numbers are.
MODELS = NETWORK, FOREST = "retnet", "rf"
#: Parts with published numbers.
PARTS = ("mofs", "cofs")
FOLDER = layout.RESULTS / "thesis"
PUBLISHED = "resources/thesis.yaml"


def studies(config: dict) -> list[str]:
    """Return the studies that the thesis' figures are made of, each once.

    Parameters
    ----------
    config : dict
        A completed configuration.

    Returns
    -------
    list of str
        In the order of the parts in ``thesis``.
    """
    return list(dict.fromkeys(config["thesis"].values()))


def check(config: dict) -> None:
    """Check that the studies named in ``thesis`` are there and have what is compared.

    Parameters
    ----------
    config : dict
        A completed configuration.

    Raises
    ------
    PorevoxError
        Names the part, and what its study lacks.
    """
    for part, name in config["thesis"].items():
        if name not in config["studies"]:
            known = ", ".join(config["studies"])
            raise PorevoxError(
                f"`thesis.{part}` names `{name}`, which is not in `studies`: known are {known}."
            )
        study = config["studies"][name]
        needed = MODELS if part in PARTS else (NETWORK,)
        missing = next((model for model in needed if model not in study["models"]), None)
        if missing:
            raise PorevoxError(
                f"`studies.{name}.models` lacks `{missing}`, whose published scores `thesis.{part}` compares "
                "with: add it, or name another study."
            )
        folds = study["split"]["folds"]
        if folds > 1:
            raise PorevoxError(
                f"`studies.{name}.split.folds` is {folds}, but the thesis has one test set: set it to 1, or "
                f"name another study in `thesis.{part}`."
            )


def targets(config: dict) -> list[str]:
    """Return the files that the target ``thesis`` ends in.

    Parameters
    ----------
    config : dict
        A completed configuration.

    Returns
    -------
    list of str
        Every figure in all its formats, and the page; the epoch table is the study's own.
    """
    files = [str(FOLDER / "figures" / f"fig_{figure}.{kind}") for figure in FIGURES for kind in KINDS]
    return [*files, str(FOLDER / "thesis.html")]


def figure_source(config: dict, figure: str, kind: str) -> Path:
    """Return the file of a study that a figure of the thesis is.

    Parameters
    ----------
    config : dict
        A completed configuration.
    figure : str
        A key of :data:`FIGURES`.
    kind : str
        One of :data:`KINDS`.

    Returns
    -------
    Path
        Relative to the working directory.
    """
    part, stem = FIGURES[figure]
    study = config["thesis"][part]
    if stem in _SCORED:
        folder = layout.scored_dir(study, config["studies"][study]["split"]["folds"])
    else:
        folder = layout.study_dir(study, 0)
    return folder / "figures" / f"{stem}.{kind}"


def metrics(config: dict) -> dict[str, dict[str, str]]:
    """Return the tables of scores that are compared with published ones, by part and model.

    Parameters
    ----------
    config : dict
        A completed configuration.

    Returns
    -------
    dict
        Part (mofs, cofs) -> model -> path.
    """
    return {
        part: {
            model: str(layout.study_dir(config["thesis"][part], 0) / model / "metrics.csv")
            for model in MODELS
        }
        for part in PARTS
    }


def run_folders(config: dict) -> dict[str, dict[str, list[str]]]:
    """Return the runs that are compared with published numbers, by part and model.

    Parameters
    ----------
    config : dict
        A completed configuration.

    Returns
    -------
    dict
        Part (mofs, cofs) -> model -> folders of all sizes and seeds.
    """
    return {
        part: {model: _folders(config, config["thesis"][part], model) for model in MODELS} for part in PARTS
    }


def _folders(config: dict, study: str, model: str) -> list[str]:
    spec, folder = config["studies"][study], layout.study_dir(study, 0) / model
    sizes = map(layout.size_token, spec["sizes"])
    return [str(folder / f"n{size}" / f"seed{seed}") for size in sizes for seed in spec["seeds"]]


def run_files(config: dict, file: str) -> list[str]:
    """Return one file of every run of :func:`run_folders`.

    Parameters
    ----------
    config : dict
        A completed configuration.
    file : str
        Its name.

    Returns
    -------
    list of str
        Paths relative to the working directory.
    """
    folders = run_folders(config)
    return [
        f"{folder}/{file}" for models in folders.values() for group in models.values() for folder in group
    ]


def augmentation_table(config: dict) -> str:
    """Return the comparison of RetNet with and without augmentation."""
    return str(layout.study_dir(config["thesis"]["augmentation"], 0) / "comparison.csv")


def copy_files(sources: Iterable[str | Path], copies: Iterable[str | Path]) -> None:
    """Copy files, each to its new name.

    Parameters
    ----------
    sources, copies : iterable of path
        Of equal length.
    """
    for source, copy in zip(sources, copies, strict=True):
        shutil.copyfile(source, copy)
