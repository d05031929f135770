"""Which run's weights a model starts from, and what its training is told.

Imports nothing heavy: on a cluster every job asks these questions again.
"""

import difflib
from pathlib import Path

from porevox import layout
from porevox.errors import PorevoxError
from porevox.handover.locate import is_model, locate
from porevox.handover.record import read_record
from porevox.learning.recipe import Recipe

#: Files of a run that another run starts from.
START_FILES = ("model.safetensors", "model.json", "train_ids.txt")


def start_folder(config: dict, model: str, split: int) -> Path | None:
    """Return the folder of the run that a model starts from.

    Parameters
    ----------
    config : dict
        A completed configuration.
    model : str
        Name of the model.
    split : int
        Number of the split it is trained in.

    Returns
    -------
    Path or None
        None for a model that starts afresh. Of a study with fewer splits its first one.
    """
    source = config["models"][model].get("init_from")
    if source is None:
        return None
    if not _is_of_study(source):
        return _given_folder(source)
    same = split < config["studies"][source["study"]]["split"]["folds"]
    folder = layout.study_dir(source["study"], split if same else 0) / source["model"]
    return folder / f"n{layout.size_token(source['size'])}" / f"seed{_seed(config, source)}"


def _seed(config: dict, source: dict) -> int:
    """The seed of a run of a study: the first one where none is named."""
    seed = source.get("seed")
    return config["studies"][source["study"]]["seeds"][0] if seed is None else seed


def _is_of_study(source) -> bool:
    """Whether a start is a run of one of the studies, not a path or an address."""
    return isinstance(source, dict) and "study" in source


def _given_folder(source: str | dict) -> Path:
    """The run's folder in what the user names: itself, or a seed of a model that was handed over."""
    folder = locate(source)
    folder = folder / "bundle" if is_model(folder / "bundle") else folder
    if not is_model(folder):
        return folder
    seeds = read_record(folder)["seeds"]
    seed = source.get("seed") if isinstance(source, dict) else None
    if seed is not None and seed not in seeds:
        raise PorevoxError(
            f"init_from names seed {seed} of {folder}, which has the seeds {', '.join(map(str, seeds))}: "
            "choose "
            "one of them."
        )
    return folder / f"seed{seeds[0] if seed is None else seed}"


def start_files(config: dict, model: str, split: int) -> list[str]:
    """Return the files that a model's training reads of the run it starts from.

    Parameters
    ----------
    config, model, split
        As for :func:`start_folder`.

    Returns
    -------
    list of str
        Of a folder that the user names, those that are there and those that must be.
    """
    folder = start_folder(config, model, split)
    if folder is None:
        return []
    made_here = _is_of_study(config["models"][model]["init_from"])
    # an older run has no list of what it was trained on
    names = START_FILES if made_here or (folder / START_FILES[-1]).exists() else START_FILES[:-1]
    return [str(folder / name) for name in names]


def training_options(config: dict, model: str, split: int) -> dict:
    """Return the options of a model as far as they change what is learned.

    Parameters
    ----------
    config, model, split
        As for :func:`start_folder`.

    Returns
    -------
    dict
        ``init_from`` is a folder; ``tensorboard`` is left out, as watching changes nothing.
    """
    options = {key: value for key, value in config["models"][model].items() if key != "tensorboard"}
    folder = start_folder(config, model, split)
    return options if folder is None else {**options, "init_from": str(folder)}


def check_network(config: dict, model: str) -> None:
    """Check that a network's options go together, and that there is a run where it starts from one.

    Models of other types pass.

    Parameters
    ----------
    config : dict
        A completed configuration.
    model : str
        Name of the model.

    Raises
    ------
    PorevoxError
        Names the key, what is wrong, and what is allowed.
    """
    if config["models"][model]["type"] != "retnet":
        return
    _check_start(config, model, config["models"][model]["init_from"], f"models.{model}.init_from")
    try:
        Recipe.from_options(training_options(config, model, 0))
    except PorevoxError as error:
        raise PorevoxError(f"`models.{model}`: {error}") from error


def _check_start(config: dict, model: str, source: str | dict | None, where: str) -> None:
    if source is not None and not _is_of_study(source):
        if not (_given_folder(source) / "model.safetensors").is_file():
            named = source if isinstance(source, str) else source.get("path") or source["url"]
            raise PorevoxError(
                f"`{where}` names {named}, which holds no model.safetensors: give the folder of a "
                "trained run, or of a model that was handed over."
            )
    if not isinstance(source, dict) or not _is_of_study(source):
        return
    _choose(source["study"], config["studies"], f"{where}.study")
    study = config["studies"][source["study"]]
    _choose(source["model"], study["models"], f"{where}.model")
    _choose(source["size"], study["sizes"], f"{where}.size")
    _choose(_seed(config, source), study["seeds"], f"{where}.seed")
    kind = config["models"][source["model"]]["type"]
    if kind != "retnet":
        raise PorevoxError(
            f"`{where}.model` names `{source['model']}` of type {kind}: only a retnet has weights to "
            "start from."
        )

    _check_circle(config, model, where)


def _check_circle(config: dict, model: str, where: str) -> None:
    seen, source = [model], config["models"][model]["init_from"]
    while _is_of_study(source):
        if source["model"] in seen:
            raise PorevoxError(
                f"`{where}` leads back to `{source['model']}`, so that no training could be the first: "
                "name a model that starts afresh, or the folder of a run."
            )
        seen.append(source["model"])
        source = config["models"].get(source["model"], {}).get("init_from")


def studies_needed(config: dict) -> list[str]:
    """Return the studies to run, and those that their models start from.

    Parameters
    ----------
    config : dict
        A configuration; names in it need not be checked yet.

    Returns
    -------
    list of str
        Each once.
    """
    names = list(config["run"])
    for name in names:
        for model in config["studies"].get(name, {}).get("models", ()):
            source = config["models"].get(model, {}).get("init_from")
            if _is_of_study(source) and source["study"] in config["studies"]:
                names += [source["study"]] if source["study"] not in names else []
    return names


def _choose(name, known, where: str) -> None:
    known = list(map(str, known))
    if str(name) not in known:
        close = difflib.get_close_matches(name, known, n=1) if isinstance(name, str) else []
        hint = f"did you mean `{close[0]}`?" if close else f"known are {', '.join(known)}."
        raise PorevoxError(f"`{where}` names `{name}`, which is not there: {hint}")
