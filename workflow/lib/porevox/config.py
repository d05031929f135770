"""The configuration: checked against its schema, completed with defaults, errors in one sentence."""

import difflib
from collections.abc import Iterator

from porevox.errors import PorevoxError
from porevox.schema import check_block, load_schema

#: Model types that look at voxels; the others look at descriptors, or at nothing.
VOXEL_MODELS = ("retnet",)
#: Columns that a dataset's table has of itself, from the voxels' index: the scale that voxels have lost.
SCALE_COLUMNS = {"cif_volume_A3": "volume_A3", "cif_density_g_cm3": "density_g_cm3"}
#: Temperature of Henry coefficients from a channel that has none of its own, K.
ROOM_TEMPERATURE_K = 298.0
#: Cutoff that sets the supercell where no channel has one, angstrom (thesis, section 3.2).
DEFAULT_CUTOFF_A = 10.0


def complete(config: dict, entries: dict) -> dict:
    """Check a configuration, fill in every default, and check what its parts say of each other.

    Parameters
    ----------
    config : dict
        The configuration as the user wrote it.
    entries : dict
        Dataset entries that come with the project; those of ``config["datasets"]`` win.

    Returns
    -------
    dict
        A new configuration in which every key is present; ``datasets`` holds all entries.

    Raises
    ------
    PorevoxError
        One sentence that names the key, what is wrong with it, and what is allowed.
    """
    config = check_block(config, load_schema(), "")
    entries_schema = {"type": "object", "additionalProperties": {"$ref": "#/$defs/dataset"}}
    shipped = check_block(entries, entries_schema, "resources/datasets.yaml")
    config["datasets"] = shipped | config["datasets"]
    _add_own_study(config)
    if not config["run"] and not config["henry"]:
        raise PorevoxError("There is nothing to do: name a study in `run`, or a table in `henry`.")
    for name, model in config["models"].items():
        config["models"][name] = check_block(model, f"model_{model['type']}", f"models.{name}")
    for name, grid in config["grids"].items():
        _check_channels(grid, f"grids.{name}")
    for name in config["run"]:
        _check_study(config, name)
    for name in config["henry"]:
        _check_henry(config, name)
    return config


def _check_channels(grid: dict, where: str) -> None:
    """Complete the channels of a grid, each by its kind, and check that they can stand side by side."""
    grid["channels"] = [
        check_block(channel, f"channel_{channel['kind']}", f"{where}.channels.{number}")
        for number, channel in enumerate(grid["channels"])
    ]
    names = [channel["name"] for channel in grid["channels"]]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise PorevoxError(
            f"`{where}.channels` has two channels named `{twice}`: give each a name of its own."
        )
    cutoffs = sorted({c["cutoff_A"] for c in grid["channels"] if c["cutoff_A"] is not None})
    if grid["kind"] == "mic_supercell" and len(cutoffs) > 1:
        raise PorevoxError(
            f"The channels of `{where}` have the cutoffs {', '.join(f'{c:g}' for c in cutoffs)} A, so the "
            "supercells of a mic_supercell grid would differ and the voxels not lie on top of each other: "
            "give all channels the same `cutoff_A`, or choose the kind unit_cell or cubic_box."
        )
    for channel in grid["channels"]:
        if channel["cutoff_A"] is None:
            shared = cutoffs and grid["kind"] == "mic_supercell"
            channel["cutoff_A"] = cutoffs[0] if shared else DEFAULT_CUTOFF_A


def _add_own_study(config: dict) -> None:
    """Turn the short keys `structures`, `labels` and `target` into a dataset and a study."""
    given = [key for key in ("structures", "labels", "target") if config[key] is not None]
    if not given:
        return
    missing = [key for key in ("structures", "labels", "target") if config[key] is None]
    if missing:
        raise PorevoxError(
            f"`{given[0]}` is set but `{missing[0]}` is not: a study of your own needs structures "
            "(a folder or archive of CIFs), labels (a CSV) and target (one of its columns)."
        )
    table = {"file": {"path": config["labels"]}, "id_column": config["id_column"]}
    dataset = {
        "structures": {"path": config["structures"]},
        "tables": [table],
        "descriptors": config["descriptors"],
    }
    study = {
        "dataset": "own",
        "target": config["target"],
        "grid": next(iter(config["grids"])),
        "sizes": ["12%", "25%", "50%", "100%"],
        "models": ["retnet", "rf", "mean"] if config["descriptors"] else ["retnet", "mean"],
    }
    config["datasets"]["own"] = check_block(dataset, "dataset", "datasets.own")
    config["studies"]["own"] = check_block(study, "study", "studies.own")
    config["run"] = ["own"]


def _check_study(config: dict, name: str) -> None:
    """Check that the names a study uses exist, and that its options go together."""
    study = _lookup(config, "studies", name, "run")
    where = f"studies.{name}"
    dataset = _lookup_dataset(config, study["dataset"], f"{where}.dataset")
    if not dataset["tables"]:
        raise PorevoxError(
            f"`datasets.{study['dataset']}.tables` is empty: `{where}` needs a table of labels."
        )
    grid = _lookup(config, "grids", study["grid"], f"{where}.grid")
    _check_temperatures(study["transform"], grid, where)
    for model in study["models"]:
        options = _lookup(config, "models", model, f"{where}.models")
        if options["type"] == "random_forest" and not descriptors_of(config, study, options):
            raise PorevoxError(
                f"`models.{model}` in `{where}` needs descriptors, but dataset `{study['dataset']}` lists "
                "none: add `descriptors` (column names) to the dataset, or leave the model out."
            )
    split = study["split"]
    if split["kind"] == "group" and split["group_column"] is None:
        raise PorevoxError(
            f"`{where}.split.group_column` is missing: a split of kind group needs the column's name."
        )
    if split["kind"] == "files" and None in (split["train_file"], split["test_file"]):
        raise PorevoxError(f"`{where}.split` of kind files needs train_file and test_file (one id a line).")


def _check_temperatures(transform: dict, grid: dict, where: str) -> None:
    """An effective energy exists at one temperature only; no other one can turn it into a factor."""
    for channel in grid["channels"] if transform["kind"] != "identity" else ():
        own = channel.get("temperature_K", transform["temperature_K"])
        if own != transform["temperature_K"]:
            raise PorevoxError(
                f"`{where}.transform.temperature_K` is {transform['temperature_K']:g}, but the channel "
                f"`{channel['name']}` of `grids` holds effective energies at {own:g} K: make them equal."
            )


def _check_henry(config: dict, name: str) -> None:
    """Check what a table of Henry coefficients names, and fill in its temperature."""
    entry, where = config["henry"][name], f"henry.{name}"
    _lookup_dataset(config, entry["dataset"], f"{where}.dataset")
    grid = _lookup(config, "grids", entry["grid"], f"{where}.grid")
    channels = {channel["name"]: channel for channel in grid["channels"]}
    channel = _choose(channels, entry["channel"], f"{where}.channel", f"grids.{entry['grid']}.channels")
    if channel["kind"] == "electrostatic":
        raise PorevoxError(
            f"`{where}.channel` names `{entry['channel']}`, an electrostatic potential: Henry coefficients "
            "need the energies of a channel of kind lennard_jones or guest."
        )
    if grid["kind"] == "cubic_box":
        raise PorevoxError(
            f"`{where}.grid` names `{entry['grid']}` of kind cubic_box, which does not fill the cell evenly: "
            "Henry coefficients need a grid of kind mic_supercell or unit_cell."
        )
    own = channel.get("temperature_K", entry["temperature_K"] or ROOM_TEMPERATURE_K)
    if entry["temperature_K"] not in (None, own):
        raise PorevoxError(
            f"`{where}.temperature_K` is {entry['temperature_K']:g}, but the channel `{entry['channel']}` "
            f"holds effective energies at {own:g} K: make them equal, or leave it out."
        )
    entry["temperature_K"] = own


def _lookup_dataset(config: dict, name: str, where: str) -> dict:
    dataset = _lookup(config, "datasets", name, where)
    if dataset["structures"].get("urls") and dataset["n_structures"] is None:
        raise PorevoxError(
            f"`datasets.{name}.n_structures` is missing: give the number of CIFs in the "
            "download, so that the number of jobs is known before it."
        )
    return dataset


def _lookup(config: dict, section: str, name: str, where: str) -> dict:
    return _choose(config[section], name, where, section)


def _choose(known: dict, name: str, where: str, section: str) -> dict:
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean `{close[0]}`?" if close else f"known are {', '.join(known)}."
        raise PorevoxError(f"`{where}` names `{name}`, which is not in `{section}`: {hint}")
    return known[name]


def descriptors_of(config: dict, study: dict, model: dict | None = None) -> list[str]:
    """Return the descriptor columns of a study, or of one of its models when it lists its own.

    Parameters
    ----------
    config, study : dict
        A completed configuration and one of its studies.
    model : dict, optional
        One of its models.

    Returns
    -------
    list of str
        Column names, in order.
    """
    own = (model or {}).get("descriptors")
    if own is not None:
        return own
    if study["descriptors"] is not None:
        return study["descriptors"]
    return config["datasets"][study["dataset"]]["descriptors"]


def columns_needed(config: dict, study: dict) -> Iterator[tuple[str, str]]:
    """Yield every table column that a study reads, with the key that names it.

    Parameters
    ----------
    config, study : dict
        A completed configuration and one of its studies.

    Yields
    ------
    tuple of str
        Column name and the configuration key to blame when it is missing.
    """
    yield study["target"], "target"
    if study["split"]["kind"] == "group":
        yield study["split"]["group_column"], "split.group_column"
    for name in study["models"]:
        model = config["models"][name]
        if model["type"] == "random_forest":
            yield from ((column, "descriptors") for column in descriptors_of(config, study, model))
        scalars = [column for column in model.get("scalars", []) if column not in SCALE_COLUMNS]
        yield from ((column, f"models.{name}.scalars") for column in scalars)
