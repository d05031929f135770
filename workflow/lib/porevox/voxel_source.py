"""Datasets of published voxels: what their entry says, and what a study may do with them.

Imports nothing heavy: on a cluster every job asks these questions again.
"""

from pathlib import Path

from porevox import channel_settings, layout
from porevox.errors import PorevoxError
from porevox.files.digest import settings_digest
from porevox.learning.recipe import Recipe
from porevox.model_inputs import SCALE_COLUMNS
from porevox.starts import training_options

#: Settings of a Lennard-Jones channel that a source declares, too.
_CHANNEL_KEYS = ("probe_sigma_A", "probe_epsilon_K", "cutoff_A", "truncation")


def check_entry(entry: dict, where: str) -> None:
    """Check that a dataset has one source of voxels, and that what it says of it goes together.

    Parameters
    ----------
    entry : dict
        A dataset's entry, completed by the schema; a source that it has not is set to None.
    where : str
        Its place in the configuration.

    Raises
    ------
    PorevoxError
        One sentence that names the key.
    """
    entry.setdefault("structures", None)
    voxels = entry["voxels"]
    if (entry["structures"] is None) == (voxels is None):
        raise PorevoxError(
            f"`{where}` needs either `structures` (CIFs, voxelised here) or `voxels` (published as arrays): "
            f"it has {'neither' if voxels is None else 'both'}."
        )
    if voxels is None:
        return
    if entry.get("sample") is not None:
        raise PorevoxError(
            f"`{where}.sample` is for CIFs: published voxels are used as they are, leave it out."
        )
    if (voxels["holds"] == "boltzmann_factor") == (voxels["temperature_K"] is None):
        wanted = "needs one" if voxels["temperature_K"] is None else "holds at any, so leave it out"
        raise PorevoxError(
            f"`{where}.voxels.temperature_K` is {voxels['temperature_K']}: a source that holds "
            f"{voxels['holds']} {wanted}."
        )
    for key in ("name", "voxels"):
        values = [part[key] for part in voxels["parts"]]
        twice = next((value for value in values if values.count(value) > 1), None)
        if twice is not None:
            raise PorevoxError(
                f"`{where}.voxels.parts` lists the {key} {twice} twice: give each part its own."
            )


def check_parts(split: dict, source: dict | None, where: str) -> None:
    """Check that a split by parts names two different ones of the published voxels; other splits pass.

    Parameters
    ----------
    split : dict
        A study's completed ``split``.
    source : dict or None
        The ``voxels`` of its dataset.
    where : str
        Place of the split in the configuration.

    Raises
    ------
    PorevoxError
        Names the key and the parts there are.
    """
    if split["kind"] != "parts":
        return
    if source is None:
        raise PorevoxError(
            f"`{where}.kind` is parts, but the study's dataset has no published `voxels`: choose random, "
            "group or files."
        )
    parts = [part["name"] for part in source["parts"]]
    for key in ("train_part", "test_part"):
        if split[key] not in parts:
            raise PorevoxError(
                f"`{where}.{key}` is {split[key]}: name one of the parts {', '.join(parts)} of the dataset's "
                "voxels."
            )
    if split["train_part"] == split["test_part"]:
        raise PorevoxError(
            f"`{where}` trains and tests on the part {split['train_part']}: name two different parts."
        )


def check_study(config: dict, name: str) -> None:
    """Check that a study asks of published voxels only what they are; other datasets pass.

    Parameters
    ----------
    config : dict
        A completed configuration.
    name : str
        Name of the study.

    Raises
    ------
    PorevoxError
        Names the key of the study, and both values where two differ.
    """
    study = config["studies"][name]
    source = config["datasets"][study["dataset"]]["voxels"]
    if source is None:
        return
    check_grid(
        config["grids"][study["grid"]], f"grids.{study['grid']}", source, f"datasets.{study['dataset']}"
    )
    _check_transform(study["transform"], f"studies.{name}.transform", study["dataset"], source)
    for model in study["models"]:
        own = config["models"][model].get("transform")
        if own is not None:
            # a model without a temperature of its own has that of the study, which was looked at
            own = {**own, "temperature_K": own["temperature_K"] or study["transform"]["temperature_K"]}
            _check_transform(own, f"models.{model}.transform", study["dataset"], source)
        _check_scale(config, model, name, study["dataset"])


def check_grid(grid: dict, where: str, source: dict, dataset: str) -> None:
    """Refuse a grid that is not the one of the published voxels.

    Parameters
    ----------
    grid : dict
        A completed block of ``grids``.
    where : str
        Its place in the configuration.
    source : dict
        A dataset's completed ``voxels``.
    dataset : str
        Its place in the configuration.

    Raises
    ------
    PorevoxError
        Names the key and both values.
    """
    channels = grid["channels"]
    if len(channels) != 1 or channels[0]["kind"] != "lennard_jones":
        kinds = ", ".join(channel["kind"] for channel in channels)
        raise PorevoxError(
            f"`{where}.channels` are {kinds}, but the published voxels of `{dataset}` have one channel of "
            "kind lennard_jones: choose a grid with just that."
        )
    wanted, there = layout.geometry(grid), layout.geometry(source["grid"])
    pairs = [
        (f"{where}.{key}", wanted[key], f"voxels.grid.{key}", there[key]) for key in wanted if key in there
    ]
    settings = {**channel_settings.settings(channels[0]), "forcefield": channels[0]["forcefield"]}
    channel = f"{where}.channels.0"
    pairs += [
        (f"{channel}.{key}", settings[key], f"voxels.{key}", source[key])
        for key in (*_CHANNEL_KEYS, "forcefield")
    ]
    for key, value, other_key, other in pairs:
        if value != other:
            raise PorevoxError(
                f"`{key}` is {_text(value)}, but `{dataset}.{other_key}` says that the published voxels have "
                f"{_text(other)}: give the study a grid that agrees with them."
            )


def _text(value) -> str:
    return (
        f"{value:g}"
        if isinstance(value, float)
        else str(value).lower()
        if value in (True, False)
        else str(value)
    )


def _check_transform(transform: dict, where: str, dataset: str, source: dict) -> None:
    """Boltzmann factors exist at one temperature, and are no energies."""
    if source["holds"] != "boltzmann_factor":
        return
    at = f"{source['temperature_K']:g} K"
    held = f"the published voxels of `datasets.{dataset}` hold Boltzmann factors at {at}"
    if transform["kind"] == "identity":
        raise PorevoxError(
            f"`{where}.kind` is identity, which means energies, but {held}: choose boltzmann, "
            "log1p_boltzmann or occupancy."
        )
    if transform["temperature_K"] != source["temperature_K"]:
        raise PorevoxError(
            f"`{where}.temperature_K` is {transform['temperature_K']:g}, but {held}: make them equal."
        )


def _check_scale(config: dict, model: str, study: str, dataset: str) -> None:
    """Refuse models that need the volume or density of the cell: published voxels come without."""
    options = config["models"][model]
    needs = options["type"] == "physics" or options.get("features") == "physics"
    if options["type"] == "retnet":
        recipe = Recipe.from_options(training_options(config, model, 0))
        needs = recipe.physics or any(name in SCALE_COLUMNS for name in recipe.scalars)
    if needs:
        raise PorevoxError(
            f"`models.{model}` in `studies.{study}` needs the density of each crystal, which the published "
            f"voxels of `datasets.{dataset}` do not say: leave the model out, or (retnet) set `physics: "
            f"false` and leave {', '.join(SCALE_COLUMNS)} out of `scalars`."
        )


def part_files(source: dict) -> list[Path]:
    """Return the arrays and lists of names of a source that is a local folder.

    Parameters
    ----------
    source : dict
        A dataset's completed ``voxels``.

    Returns
    -------
    list of Path
        Empty for an archive.
    """
    folder = layout.source_path(source["file"])
    if not folder.is_dir():
        return []
    return [folder / part[key] for part in source["parts"] for key in ("voxels", "names")]


def check_files(source: dict, where: str) -> None:
    """Check that a source that is a local folder has the files of every part; others pass.

    Parameters
    ----------
    source : dict
        A dataset's completed ``voxels``; its file exists.
    where : str
        Its place in the configuration.

    Raises
    ------
    PorevoxError
        Names the first file that is missing.
    """
    for path in part_files(source):
        if not path.is_file():
            raise PorevoxError(f"`{where}.parts` needs {path}, which does not exist: correct the path.")


def channel(config: dict, dataset: str, grid: str, content: str) -> dict:
    """Return the one voxel channel of a dataset of published voxels.

    Parameters
    ----------
    config : dict
        A completed configuration.
    dataset, grid : str
        Names.
    content : str
        What stands for the content of the dataset's source.

    Returns
    -------
    dict
        As an entry of :func:`porevox.specs.grid_channels`; with ``temperature_K`` where the voxels
        are Boltzmann factors.
    """
    source = config["datasets"][dataset]["voxels"]
    wanted = config["grids"][grid]["channels"][0]
    factors = source["holds"] == "boltzmann_factor"
    key = source_digest(source, content)
    return {
        "name": wanted["name"],
        "settings": channel_settings.settings(wanted),
        "forcefield": source["forcefield"],
        "quantity": "boltzmann_factor" if factors else "energy",
        "unit": "1" if factors else "K",
        **({"temperature_K": source["temperature_K"]} if factors else {}),
        "key": key,
        "folder": str(layout.published_dir(dataset, key)),
    }


def source_digest(source: dict, content: str) -> str:
    """Return the key of all that determines the shards of published voxels.

    Parameters
    ----------
    source : dict
        A dataset's completed ``voxels``.
    content : str
        What stands for the content of its files.

    Returns
    -------
    str
        8 hexadecimal digits; addresses and mirrors do not count.
    """
    return settings_digest([{key: value for key, value in source.items() if key != "file"}, content])
