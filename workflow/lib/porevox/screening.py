"""What screenings are made of: each one's model, and the dataset and grid that follow from its record.

Imports nothing heavy: on a cluster every job asks these questions again.
"""

import re
from pathlib import Path

from porevox import layout, specs, voxel_source
from porevox.errors import PorevoxError
from porevox.files.digest import file_sha256
from porevox.model_choice import choose, find_model
from porevox.model_inputs import SCALE_COLUMNS, descriptors_of, needs_descriptors, needs_voxels
from porevox.schema import check_block

_KEYS = {
    "structures": "screen_structures",
    "model": "screen_model",
    "table": "screen_table",
    "top": "screen_top",
}


def add_screens(config: dict) -> None:
    """Turn the screenings of a configuration into datasets and grids of their own.

    Parameters
    ----------
    config : dict
        A completed configuration; changed in place. Each screening gets ``folder`` (of its model),
        ``expected`` (digest of the model's record; None for one that is made in the same run) and
        ``made_here``.

    Raises
    ------
    PorevoxError
        A model cannot be found or used, or a name is not known.
    """
    _add_own(config)
    for name, screen in config["screens"].items():
        where = f"screens.{name}"
        if (screen["structures"] is None) == (screen["dataset"] is None):
            raise PorevoxError(
                f"`{where}` needs either `structures` (a folder or an archive of CIFs) or the name of a "
                "`dataset`."
            )
        taken = next((part for part in ("datasets", "grids") if dataset_name(name) in config[part]), None)
        if taken is not None:
            raise PorevoxError(
                f"`{where}` needs the name `{dataset_name(name)}` for its own structures and grid, and "
                f"`{taken}` has one of that name: rename either."
            )
        screen |= find_model(config, screen["model"], f"{where}.model")
        grid, reading, columns = _room(config, screen, where)
        _check_columns(screen, columns, where)
        _check_level(screen, where)
        entry = {**_source(config, screen, where), "reading": reading}
        config["datasets"][dataset_name(name)] = entry
        config["grids"][dataset_name(name)] = grid


def dataset_name(screen: str) -> str:
    """Return the name under which a screening's structures and grid are known to the voxel stages."""
    return f"screen-{screen}"


def _add_own(config: dict) -> None:
    """Turn the short keys into a screening of their own."""
    given = {key: config[short] for key, short in _KEYS.items() if config[short] is not None}
    if not given.keys() & {"structures", "model"}:
        return
    for key in ("structures", "model"):
        if key not in given:
            raise PorevoxError(
                f"`{_KEYS[key]}` is missing: a screening needs `screen_structures` (a folder or an archive "
                "of "
                "CIFs) and `screen_model` (the folder of a trained model)."
            )
    name = own_name(given["structures"])
    if name in config["screens"]:
        raise PorevoxError(
            f"`screen_structures` makes a screening named `{name}`, and `screens` has one of that name: "
            "rename it."
        )
    config["screens"][name] = check_block(given, "screen", f"screens.{name}")


def own_name(structures: str) -> str:
    """Return the name of the screening of a folder or an archive: its own, as far as names go.

    Other structures under the same name would leave the shards of the former ones behind, empty.
    """
    stem = Path(structures).name
    for suffix in (".zip", ".tar", ".tgz", ".tar.gz", ".tar.xz", ".tar.bz2"):
        stem = stem.removesuffix(suffix)
    name = re.sub(r"[^A-Za-z0-9]+", "-", stem).strip("-")
    return name if name[:1].isalpha() else f"screen-{name}".strip("-")


def _room(config: dict, screen: dict, where: str) -> tuple[dict, dict, list[str]]:
    """Grid with its channels, reading of CIFs, and the columns of a table that the model looks at."""
    record, ref = screen["record"], screen["ref"]
    if record is not None:
        channels = [_channel(entry, Path(screen["folder"])) for entry in record["channels"]]
        grid = {"box_length_A": 30.0, **record["grid"], "channels": channels}
        return grid, dict(record["reading"]), record["columns"]
    study, options = config["studies"][ref["study"]], config["models"][ref["model"]]
    grid = config["grids"][study["grid"]]
    columns = [*options.get("scalars", [])]
    columns += descriptors_of(config, study, options) if needs_descriptors(options) else []
    names = _channels_of(options, grid) if needs_voxels(options) else []
    known = {channel["name"]: channel for channel in grid["channels"]}
    chosen = [known[name] for name in names]  # in the order in which the model sees them
    reading = config["datasets"][study["dataset"]]["reading"]
    return {**grid, "channels": chosen}, reading, [name for name in columns if name not in SCALE_COLUMNS]


def _channels_of(options: dict, grid: dict) -> list[str]:
    known = [channel["name"] for channel in grid["channels"]]
    if options["type"] != "physics":
        return options.get("channels") or known
    energies = [channel["name"] for channel in grid["channels"] if channel["kind"] != "electrostatic"]
    return [options["channel"] or energies[0]]


def _channel(entry: dict, folder: Path) -> dict:
    """A grid's channel of which everything is given as numbers, as the model's record has them."""
    table = entry["forcefield_file"]
    return {
        "name": entry["name"],
        "kind": entry["settings"].get("kind", "lennard_jones"),
        "cutoff_A": entry["settings"].get("cutoff_A"),
        "forcefield": entry["forcefield"],
        "settings": entry["settings"],
        "table": None if table is None else str(folder / table),
    }


def _check_columns(screen: dict, columns: list[str], where: str) -> None:
    if columns and screen["table"] is None:
        raise PorevoxError(
            f"The model of `{where}` looks at columns that no CIF holds ({', '.join(columns)}): give a "
            "table with "
            f"them as `{where}.table`, or use a model that looks at voxels alone."
        )
    for file in filter(None, [screen["table"]]):
        if not Path(file).expanduser().is_file():
            raise PorevoxError(f"`{where}.table` names {file}, which does not exist.")


def _check_level(screen: dict, where: str) -> None:
    factors = {} if screen["record"] is None else screen["record"]["calibration"]["factors"]
    if factors and f"{screen['level']:g}" not in factors:
        raise PorevoxError(
            f"`{where}.level` is {screen['level']:g}, but the model was calibrated on "
            f"{screen['record']['calibration']['n']} structures, which tell {', '.join(factors)} only: "
            "choose one of these."
        )


def _source(config: dict, screen: dict, where: str) -> dict:
    """The entry of a screening's structures among the datasets."""
    if screen["dataset"] is None:
        entry = {"structures": {"path": screen["structures"]}}
    else:
        known = config["datasets"][choose(screen["dataset"], config["datasets"], f"{where}.dataset")]
        if known.get("structures") is None:
            raise PorevoxError(f"`{where}.dataset` names `{screen['dataset']}`, which holds no CIFs.")
        kept = ("title", "structures", "n_structures", "shard_size", "sample")
        entry = {key: known[key] for key in kept if key in known}
    entry = check_block(entry, "dataset", where)
    voxel_source.check_entry(entry, where)
    return entry


def check_voxels_needed(config: dict) -> None:
    """Refuse screenings with a model that looks at no voxels: there is nothing of a CIF that it would see.

    Parameters
    ----------
    config : dict
        After :func:`add_screens`.

    Raises
    ------
    PorevoxError
        Names the model's columns.
    """
    for name in config["screens"]:
        if not config["grids"][dataset_name(name)]["channels"]:
            raise PorevoxError(
                f"The model of `screens.{name}` looks at columns of a table only and at nothing of a CIF: "
                "use a "
                "model that looks at voxels."
            )


def channels(config: dict, screen: str) -> list[dict]:
    """Return the voxel channels that a screening computes; see :func:`porevox.specs.grid_channels`."""
    name = dataset_name(screen)
    return specs.grid_channels(config, name, name)


def table_digest(screen: dict) -> str | None:
    """Return the checksum of a screening's table, if it has one."""
    return None if screen["table"] is None else file_sha256(Path(screen["table"]).expanduser())


def targets(config: dict) -> list[str]:
    """Return the files that all screenings end in.

    Parameters
    ----------
    config : dict
        After :func:`add_screens`.

    Returns
    -------
    list of str
        Paths relative to the working directory.

    Raises
    ------
    PorevoxError
        There is none.
    """
    if not config["screens"]:
        raise PorevoxError(
            "There is nothing to screen: give `--config screen_structures=... screen_model=...`, or a block "
            "in "
            "`screens`."
        )
    names = ("ranked.csv", "candidates.html", "figures/screen_map.png")
    return [str(layout.screen_dir(screen) / name) for screen in config["screens"] for name in names]


def bundles(config: dict) -> list[str]:
    """Return the folders of all models of the studies to run, at their largest size.

    Parameters
    ----------
    config : dict
        A completed configuration.

    Returns
    -------
    list of str
        Of a cross-validation, the models of the first split; controls of type mean have none.
    """
    found = []
    for study in config["run"]:
        spec = config["studies"][study]
        size = layout.size_token(layout.largest_size(spec["sizes"]))
        names = [name for name in spec["models"] if config["models"][name]["type"] != "mean"]
        found += [str(layout.bundle_dir(study, 0, name, size)) for name in names]
    return found
