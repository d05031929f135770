"""What studies and tables of Henry coefficients are made of: all that has to change for them to change.

Imports nothing heavy: on a cluster every job asks these questions again.
"""

from porevox import channel_settings, keys, layout, voxel_source
from porevox import config as settings
from porevox.files.digest import settings_digest
from porevox.tables import table_settings


def channels(config: dict, study: str) -> list[dict]:
    """Return the voxel channels that a study reads; none if no model of it looks at voxels.

    Parameters
    ----------
    config : dict
        A completed configuration.
    study : str
        Name of the study.

    Returns
    -------
    list of dict
        See :func:`grid_channels`.
    """
    spec = config["studies"][study]
    if not any(settings.needs_voxels(config["models"][name]) for name in spec["models"]):
        return []
    return grid_channels(config, spec["dataset"], spec["grid"])


def grid_channels(config: dict, dataset: str, grid: str) -> list[dict]:
    """Return the voxel channels of a grid for one dataset.

    Parameters
    ----------
    config : dict
        A completed configuration.
    dataset, grid : str
        Names.

    Returns
    -------
    list of dict
        ``name``, ``settings``, ``forcefield``, ``quantity``, ``unit``, ``key`` and ``folder``.
    """
    entry = config["datasets"][dataset]
    if entry["voxels"] is not None:
        return [voxel_source.channel(config, dataset, grid, keys.content_key(dataset, entry))]
    reading = entry["reading"]
    found = []
    for channel in config["grids"][grid]["channels"]:
        path = channel_settings.forcefield_path(channel)
        numbers = channel_settings.settings(channel)
        table = None if path is None else keys.file_digest(path)
        key = layout.voxel_key(config["grids"][grid], numbers, reading, table)
        quantity, unit = channel_settings.QUANTITIES[channel["kind"]]
        folder = layout.voxels_dir(dataset, grid, channel["name"], key)
        entry = {"name": channel["name"], "settings": numbers, "forcefield": channel.get("forcefield")}
        found.append({**entry, "quantity": quantity, "unit": unit, "key": key, "folder": str(folder)})
    return found


def henry_spec(config: dict, name: str) -> dict:
    """Return all that determines a table of Henry coefficients, apart from the voxels' values.

    Parameters
    ----------
    config : dict
        A completed configuration.
    name : str
        Name of the table.

    Returns
    -------
    dict
        ``dataset``, ``grid``, ``channel`` (see :func:`grid_channels`) and ``temperature_K``.
    """
    entry = config["henry"][name]
    found = grid_channels(config, entry["dataset"], entry["grid"])
    return {
        "dataset": entry["dataset"],
        "grid": layout.geometry(config["grids"][entry["grid"]]),
        "channel": next(channel for channel in found if channel["name"] == entry["channel"]),
        "temperature_K": entry["temperature_K"],
    }


def dataset_spec(config: dict, study: str, fold: int) -> dict:
    """Return all that determines a study's dataset, apart from the files it is made of.

    Training-set sizes, models and bootstrap are no part of it: changing them leaves it as it is.

    Parameters
    ----------
    config : dict
        A completed configuration.
    study : str
        Name of the study.
    fold : int
        Number of the split.

    Returns
    -------
    dict
        ``study``, ``dataset``, ``target``, ``tables``, ``split``, ``fold``, ``grid``, ``transform``,
        ``channels``, ``descriptors``, ``scalars``, ``known_faulty``, ``faulty_where`` and ``sample``.
    """
    spec = config["studies"][study]
    entry = config["datasets"][spec["dataset"]]
    models = [config["models"][name] for name in spec["models"]]
    descriptors = [settings.descriptors_of(config, spec, m) for m in models if settings.needs_descriptors(m)]
    target = {"unit": "", "label": "", **entry["targets"].get(spec["target"], {})}
    used = channels(config, study)
    potentials = any(channel["quantity"] == "potential" for channel in used)
    return {
        "study": study,
        "dataset": spec["dataset"],
        "target": {"column": spec["target"], **target},
        "tables": [table_settings(table) for table in entry["tables"]],
        "split": _split(spec["split"]),
        "fold": fold,
        "grid": layout.geometry(config["grids"][spec["grid"]]),
        "transform": _transform(spec["transform"], potentials),
        "channels": used,
        "descriptors": list(dict.fromkeys(name for names in descriptors for name in names)),
        "scalars": list(dict.fromkeys(name for m in models for name in m.get("scalars", []))),
        "known_faulty": entry["known_faulty"],
        "faulty_where": entry["faulty_where"],
        "sample": entry["sample"],
    }


def _transform(transform: dict, potentials: bool) -> dict:
    """Leave out what is nothing to a study: a limit without potentials, a pressure that is not given."""
    idle = set() if potentials else {"potential_limit_V"}
    if transform["pressure_bar"] is None:
        idle |= {"pressure_bar", "site_volume_A3"}
    return {key: value for key, value in transform.items() if key not in idle}


def _split(split: dict) -> dict:
    """What of a split's block counts: cross-validation needs no ``test``, a single split no ``folds``."""
    unused = {"test" if split["folds"] > 1 else "folds"}
    unused |= {"train_part", "test_part"} if split["kind"] != "parts" else {"seed", "test"}
    return {key: value for key, value in split.items() if key not in unused}


def dataset_key(config: dict, study: str, fold: int) -> str:
    """Return the key of all that determines a study's dataset, the content of its files included.

    Parameters
    ----------
    config : dict
        A completed configuration.
    study : str
        Name of the study.
    fold : int
        Number of the split.

    Returns
    -------
    str
        8 hexadecimal digits.
    """
    dataset = config["studies"][study]["dataset"]
    entry = config["datasets"][dataset]
    content = [keys.content_key(dataset, entry)]
    for table in entry["tables"]:
        file = table["file"]
        downloaded = "urls" in file
        content.append(
            layout.download_key(file) if downloaded else keys.file_digest(layout.source_path(file))
        )
    content += map(keys.file_digest, keys.split_lists(config, study))
    return settings_digest([dataset_spec(config, study, fold), content, keys.code(("dataset",))])
