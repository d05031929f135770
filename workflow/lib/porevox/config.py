"""The configuration: checked against its schema, completed with defaults, errors in one sentence."""

import difflib

from porevox import voxel_source
from porevox.errors import PorevoxError
from porevox.model_inputs import (  # noqa: F401 - all belong to what a configuration can be asked
    SCALE_COLUMNS,
    check_names,
    columns_needed,
    descriptors_of,
    needs_descriptors,
    needs_voxels,
)
from porevox.schema import check_block, load_schema
from porevox.starts import check_network, studies_needed

#: Challenger and reference of studies that name none.
COMPARED = ("retnet", "rf")
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
    config = check_block(_lay_over(config, entries), load_schema(), "")
    entries_schema = {"type": "object", "additionalProperties": {"$ref": "#/$defs/dataset"}}
    shipped = check_block(entries, entries_schema, "resources/datasets.yaml")
    config["datasets"] = shipped | config["datasets"]
    _add_own_study(config)
    asked = config["voxel_comparisons"].items()
    config["voxel_comparisons"] = {name: entry for name, entry in asked if entry is not None}
    for name, entry in config["datasets"].items():
        voxel_source.check_entry(entry, f"datasets.{name}")
    for study in config["studies"].values():
        _write_out(study)
    if not any(config[key] for key in ("run", "henry", "screens", "screen_structures")):
        raise PorevoxError("There is nothing to do: name a study in `run`, or a table in `henry`.")
    for name, model in config["models"].items():
        config["models"][name] = _complete_model(model, f"models.{name}")
    for name, grid in config["grids"].items():
        _check_channels(grid, f"grids.{name}")
    for name in studies_needed(config):
        check_study(config, name)
    for name in config["henry"]:
        _check_henry(config, name)
    return config


def _lay_over(config: dict, entries: dict) -> dict:
    """Lay what a configuration says of a dataset that comes with the project over that dataset's entry.

    An entry with a source of its own replaces the other one, of which nothing may linger.
    """
    datasets = config.get("datasets")
    if not isinstance(datasets, dict):
        return config
    changed = {
        name: {**entries[name], **given}
        for name, given in datasets.items()
        if name in entries and isinstance(given, dict) and not given.keys() & {"structures", "voxels"}
    }
    return {**config, "datasets": datasets | changed}


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


def _complete_model(model: dict, where: str) -> dict:
    model = check_block(model, f"model_{model['type']}", where)
    if model.get("transform") is not None:
        given = {k: v for k, v in model["transform"].items() if (k, v) != ("temperature_K", None)}
        complete = check_block(given, "transform", f"{where}.transform")
        # a model may stand in several studies: without a temperature of its own it has that of each
        model["transform"] = complete | ({} if "temperature_K" in given else {"temperature_K": None})
    return model


def _write_out(study: dict) -> None:
    """Turn what may be given shortly into what it means: a number of seeds, a single pair of models."""
    if isinstance(study["seeds"], int):
        study["seeds"] = list(range(study["seeds"]))
    if isinstance(study["compare"], dict):
        study["compare"] = [study["compare"]]


def check_study(config: dict, name: str) -> None:
    """Check that the names a study uses exist, and that its options go together.

    Parameters
    ----------
    config : dict
        A completed configuration; of studies that are not run this has not been asked before.
    name : str
        Name of the study.

    Raises
    ------
    PorevoxError
        Names the key, what is wrong, and what is allowed.
    """
    study = _lookup(config, "studies", name, "run")
    where = f"studies.{name}"
    dataset = _lookup_dataset(config, study["dataset"], f"{where}.dataset")
    if not dataset["tables"]:
        raise PorevoxError(
            f"`datasets.{study['dataset']}.tables` is empty: `{where}` needs a table of labels."
        )
    grid = _lookup(config, "grids", study["grid"], f"{where}.grid")
    _check_transform(study["transform"], grid["channels"], where)
    for model in study["models"]:
        options = _lookup(config, "models", model, f"{where}.models")
        if needs_descriptors(options) and not descriptors_of(config, study, options):
            raise PorevoxError(
                f"`models.{model}` in `{where}` needs descriptors, but dataset `{study['dataset']}` lists "
                "none: add `descriptors` (column names) to the dataset, or leave the model out."
            )
        check_network(config, model)
        _check_view(options, study, grid, f"models.{model}")
        if options.get("histogram_min", 0) >= options.get("histogram_max", 1):
            raise PorevoxError(
                f"`models.{model}.histogram_min` is {options['histogram_min']:g}: it must be below "
                f"`histogram_max`, {options['histogram_max']:g}."
            )
        if options["type"] == "physics":
            _check_physics(options, grid, study["grid"], f"models.{model}")
    check_names(config, study, where)
    _check_split(study["split"], where)
    voxel_source.check_parts(study["split"], dataset["voxels"], f"{where}.split")
    for pair in study["compare"]:
        for role, name in pair.items():
            # those of the default need not exist
            if name not in COMPARED:
                _lookup(config, "models", name, f"{where}.compare.{role}")
        if pair["challenger"] == pair["reference"]:
            raise PorevoxError(
                f"`{where}.compare` compares `{pair['reference']}` with itself: name two models."
            )


def _check_split(split: dict, where: str) -> None:
    """Check that the options of a split go together."""
    if split["kind"] == "group" and split["group_column"] is None:
        raise PorevoxError(
            f"`{where}.split.group_column` is missing: a split of kind group needs the column's name."
        )
    if split["kind"] == "files" and None in (split["train_file"], split["test_file"]):
        raise PorevoxError(f"`{where}.split` of kind files needs train_file and test_file (one id a line).")
    if split["kind"] in ("files", "parts") and split["folds"] > 1:
        given = "lists of ids" if split["kind"] == "files" else "published parts"
        raise PorevoxError(
            f"`{where}.split.folds` is {split['folds']}, but {given} make one split only: set folds to "
            "1, or kind to random or group."
        )


def _check_physics(options: dict, grid: dict, name: str, where: str) -> None:
    """Henry coefficients need energies, on points that fill the cell evenly."""
    energies = [channel["name"] for channel in grid["channels"] if channel["kind"] != "electrostatic"]
    if not energies or options["channel"] not in (None, *energies):
        raise PorevoxError(
            f"`{where}` needs a channel of kind lennard_jones or guest in `grids.{name}`: its `channel` is "
            f"{options['channel']!r}, and there are {', '.join(energies) or 'none'}."
        )
    if grid["kind"] == "cubic_box":
        raise PorevoxError(
            f"`{where}` reads Henry coefficients off `grids.{name}` of kind cubic_box, which does not fill "
            "the cell evenly: use a grid of kind mic_supercell or unit_cell, or leave the model out."
        )


def _check_view(options: dict, study: dict, grid: dict, where: str) -> None:
    """Check the channels and the transform that a model has of its own."""
    channels = {channel["name"]: channel for channel in grid["channels"]}
    names = options.get("channels") or list(channels)
    seen = [_choose(channels, name, f"{where}.channels", f"grids.{study['grid']}.channels") for name in names]
    transform = options.get("transform")
    if transform is not None:
        temperature_K = transform["temperature_K"] or study["transform"]["temperature_K"]
        _check_transform({**transform, "temperature_K": temperature_K}, seen, where)


def _check_transform(transform: dict, channels: list[dict], where: str) -> None:
    """An effective energy exists at one temperature only; an occupancy needs a pressure."""
    if transform["kind"] == "occupancy" and transform["pressure_bar"] is None:
        raise PorevoxError(
            f"`{where}.transform.pressure_bar` is missing: a transform of kind occupancy needs the pressure "
            "of the uptake, in bar."
        )
    for channel in channels if transform["kind"] != "identity" else ():
        own = channel.get("temperature_K", transform["temperature_K"])
        if own != transform["temperature_K"]:
            raise PorevoxError(
                f"`{where}.transform.temperature_K` is {transform['temperature_K']:g}, but the channel "
                f"`{channel['name']}` of `grids` holds effective energies at {own:g} K: make them equal."
            )


def _check_henry(config: dict, name: str) -> None:
    """Check what a table of Henry coefficients names, and fill in its temperature."""
    entry, where = config["henry"][name], f"henry.{name}"
    dataset = _lookup_dataset(config, entry["dataset"], f"{where}.dataset")
    if dataset["voxels"] is not None:
        raise PorevoxError(
            f"`{where}.dataset` names `{entry['dataset']}`, whose published voxels come without the density "
            "of the crystals: Henry coefficients need a dataset with `structures`."
        )
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
    if (dataset["structures"] or {}).get("urls") and dataset["n_structures"] is None:
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
