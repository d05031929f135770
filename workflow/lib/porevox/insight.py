"""Which figures show what the networks of a study have learned, and of which runs and structure.

Imports nothing heavy: on a cluster every job asks these questions again.
"""

import csv
import difflib
from pathlib import Path

from porevox import layout
from porevox.errors import PorevoxError
from porevox.files.digest import DigestCache
from porevox.keys import CACHE
from porevox.learning.recipe import Recipe

#: Options that say what happens to the voxels in training.
_MOVES = ("recipe", "augmentation", "roll")


def retnets(config: dict, study: str) -> list[str]:
    """Return the RetNets among a study's models.

    Parameters
    ----------
    config : dict
        A completed configuration.
    study : str
        Name of the study.

    Returns
    -------
    list of str
        In the order of the study's list.
    """
    names = config["studies"][study]["models"]
    return [name for name in names if config["models"][name]["type"] == "retnet"]


def shown_run(config: dict, study: str, split: int) -> Path:
    """Return the run that is looked into: first RetNet, largest size, first seed.

    Parameters
    ----------
    config : dict
        A completed configuration.
    study : str
        Name of the study; it has a RetNet.
    split : int
        Number of the split.

    Returns
    -------
    Path
        Its folder.
    """
    spec = config["studies"][study]
    size = layout.size_token(layout.largest_size(spec["sizes"]))
    folder = layout.study_dir(study, split) / retnets(config, study)[0]
    return folder / f"n{size}" / f"seed{spec['seeds'][0]}"


def history_runs(config: dict, study: str, split: int) -> list[Path]:
    """Return the runs whose training is drawn: all of every RetNet.

    Parameters
    ----------
    config, study, split
        As for :func:`shown_run`.

    Returns
    -------
    list of Path
        Their folders, by model and size.
    """
    spec, folder = config["studies"][study], layout.study_dir(study, split)
    return [
        folder / name / f"n{layout.size_token(size)}" / f"seed{seed}"
        for name in retnets(config, study)
        for size in spec["sizes"]
        for seed in spec["seeds"]
    ]


def augmentation(config: dict, study: str) -> dict[str, bool]:
    """Return what the RetNets of a study do to their voxels in training, taken together.

    Parameters
    ----------
    config : dict
        A completed configuration.
    study : str
        Name of the study.

    Returns
    -------
    dict of str to bool
        ``octahedral``: operations beyond the thesis' 13; ``roll``: periodic shifts. Empty where
        nothing is ever moved.
    """
    periodic = config["grids"][config["studies"][study]["grid"]]["kind"] != "cubic_box"
    recipes = []
    for name in retnets(config, study):
        options = config["models"][name]
        given = {key: options[key] for key in _MOVES if key in options}
        recipes.append(Recipe.from_options(given, periodic))
    if not any(recipe.augmentation != "none" or recipe.roll for recipe in recipes):
        return {}
    return {
        "octahedral": any(recipe.augmentation == "octahedral" for recipe in recipes),
        "roll": any(recipe.roll for recipe in recipes),
    }


def view(config: dict, study: str) -> dict:
    """Return the channels and the transform of its own that the network shown has.

    Parameters
    ----------
    config : dict
        A completed configuration.
    study : str
        Name of the study; it has a RetNet.

    Returns
    -------
    dict
        ``channels`` and ``transform`` of the first RetNet; None: as the study has it.
    """
    options = config["models"][retnets(config, study)[0]]
    return {key: options.get(key) for key in ("channels", "transform")}


def targets(config: dict, study: str) -> list[str]:
    """Return the figures of what a study's networks have learned; of several folds, of the first.

    Parameters
    ----------
    config : dict
        A completed configuration.
    study : str
        Name of the study.

    Returns
    -------
    list of str
        Paths relative to the working directory; none without a RetNet.
    """
    if not retnets(config, study):
        return []
    names = ["forward_pass", "fingerprints", "fingerprint_map", "histories"]
    if augmentation(config, study):
        names.insert(0, "augmentations")
    return [str(layout.study_dir(study, 0) / "figures" / f"{name}.png") for name in names]


def check_structure(config: dict, study: str) -> None:
    """Check that the structure a study wants drawn is one of its dataset, as far as that is known.

    Parameters
    ----------
    config : dict
        A completed configuration.
    study : str
        Name of the study.

    Raises
    ------
    PorevoxError
        It is not among the structures; the nearest name is offered.
    """
    spec = config["studies"][study]
    wanted = spec["structure"]
    ids = None if wanted is None else _structure_ids(config, spec["dataset"])
    if ids is not None and wanted not in ids:
        close = difflib.get_close_matches(wanted, ids, n=1)
        hint = f"did you mean `{close[0]}`?" if close else "it is a CIF's file name without .cif."
        raise PorevoxError(
            f"`studies.{study}.structure` names `{wanted}`, which is not among the {len(ids)} structures of "
            f"dataset `{spec['dataset']}`: {hint}"
        )


def _structure_ids(config: dict, dataset: str) -> list[str] | None:
    """Ids of a dataset's structures; None before they have been downloaded, or their voxels have."""
    file = config["datasets"][dataset]["structures"]
    if file is not None and "path" in file:
        from porevox.structures import sampled, scan

        found = scan(layout.source_path(file), DigestCache(CACHE), file["folder"])
        return [record.id for record in sampled(found, config["datasets"][dataset]["sample"]).records]
    try:
        with open(layout.structures_dir(dataset) / "manifest.csv", encoding="utf-8", newline="") as stream:
            return [row["id"] for row in csv.DictReader(stream)]
    except (OSError, ValueError, KeyError):
        return None
