"""Where results lie, and under which key: one place for every path that stages share."""

import math
from pathlib import Path
from urllib.parse import urlsplit

from porevox.files.digest import settings_digest

#: The repository.
ROOT = Path(__file__).resolve().parents[3]
RESULTS = Path("results")
#: Folders of ``results/`` that are not studies.
RESERVED = (
    *("sources", "structures", "voxels", "henry"),
    *("logs", "benchmarks", "checkpoints", "cache", "tensorboard"),
)


def shipped(path: Path) -> Path:
    """Return a path as it is if something is there, else the same path in the repository.

    Relative paths stay relative where they can: they are remembered as inputs, and a project that
    was moved must not be computed again.
    """
    return path if path.is_absolute() or path.exists() else ROOT / path


def source_path(dataset: str, file: dict) -> Path:
    """Return where a dataset's file is: given by the user, shipped, or downloaded.

    Parameters
    ----------
    dataset : str
        Name of the dataset.
    file : dict
        ``path`` or ``urls``, as in the dataset's entry.
        A relative path that is not found in the working directory is looked for in the repository.

    Returns
    -------
    Path
        A local path. Downloads lie under their :func:`download_key`.
    """
    if "path" in file:
        return shipped(Path(file["path"]).expanduser())
    name = Path(urlsplit(file["urls"][0]).path).name or "download"
    return RESULTS / "sources" / dataset / download_key(file) / name


def download_key(file: dict) -> str:
    """Return the key of a download: another checksum (or address, without one) is another file.

    It stands for the content, which is known beforehand in the one case and held to its first
    download in the other; mirrors may come and go.
    """
    return settings_digest(file["sha256"] or file["urls"][0])


def structures_dir(dataset: str) -> Path:
    """Return the folder of a dataset's manifest and packs."""
    return RESULTS / "structures" / dataset


def voxel_key(grid: dict, settings: dict, reading: dict, forcefield_sha256: str | None) -> str:
    """Return the key of all that determines a channel's voxels, apart from the structures.

    Parameters
    ----------
    grid, reading : dict
        Blocks of the configuration.
    settings : dict
        See :func:`porevox.channel_settings.settings`.
    forcefield_sha256 : str or None
        Checksum of the force-field table, if the channel has one.

    Returns
    -------
    str
        8 hexadecimal digits, the same whatever the grid, the channel and its probe are called.
    """
    return settings_digest([geometry(grid), settings, reading, forcefield_sha256])


def geometry(grid: dict) -> dict:
    """Return what of a grid's block says where its points lie."""
    keys = ["kind", "n", "endpoint"] + (["box_length_A"] if grid["kind"] == "cubic_box" else [])
    return {key: grid[key] for key in keys}


def voxels_dir(dataset: str, grid: str, channel: str, key: str) -> Path:
    """Return the folder that holds the shards of one channel."""
    return RESULTS / "voxels" / dataset / grid / channel / key


def study_dir(study: str, split: int | str) -> Path:
    """Return the folder of one split of a study."""
    return RESULTS / study / f"split{split}"


def scope(folds: int) -> str:
    """Return the name of the folder with a study's scores: its only split's, or that of all together."""
    return "split0" if folds == 1 else "pooled"


def scored_dir(study: str, folds: int) -> Path:
    """Return the folder with the scores, comparisons and figures of a study."""
    return RESULTS / study / scope(folds)


def henry_dir(name: str) -> Path:
    """Return the folder of a table of Henry coefficients."""
    return RESULTS / "henry" / name


def size_token(size: int | str) -> str:
    """Return a training-set size as it stands in paths: 400 -> "400", "25%" -> "25pct"."""
    return str(size).replace("%", "pct")


def largest_size(sizes: list) -> int | str:
    """Return the size of a study that trains on most structures.

    Parameters
    ----------
    sizes : list of int or str
        Sizes of the study.

    Returns
    -------
    int or str
        Of numbers and percentages together the last one given, unless "100%" is among them: which of
        the two is larger is only known once there is a train list.
    """
    if "100%" in sizes:
        return "100%"
    if len({type(size) for size in sizes}) > 1:
        return sizes[-1]
    return max(sizes, key=lambda size: int(str(size).removesuffix("%")))


def size_of(token: str) -> int | str:
    """Return the training-set size that a path's token means; inverse of :func:`size_token`."""
    return token.replace("pct", "%") if token.endswith("pct") else int(token)


def runs_by_model(files: list[str]) -> dict[str, list[Path]]:
    """Return the run folders of ``<model>/n<size>/seed<seed>/<file>``, by model and in order.

    Parameters
    ----------
    files : list of str
        One file of each run.

    Returns
    -------
    dict
        Model name -> folders.
    """
    runs: dict[str, list[Path]] = {}
    for file in files:
        folder = Path(file).parent
        runs.setdefault(folder.parts[-3], []).append(folder)
    return runs


def n_shards(n_structures: int | None, shard_size: int) -> int | None:
    """Return the number of shards of a dataset whose number of structures is declared.

    Parameters
    ----------
    n_structures : int or None
        As the dataset's entry gives it.
    shard_size : int
        Structures per shard.

    Returns
    -------
    int or None
        None if the number of structures is not declared.
    """
    return None if n_structures is None else math.ceil(n_structures / shard_size)
