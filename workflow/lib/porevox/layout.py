"""Where results lie, and under which key: one place for every path that stages share."""

import math
from pathlib import Path
from urllib.parse import urlsplit

from porevox.files.digest import settings_digest

#: The repository.
ROOT = Path(__file__).resolve().parents[3]
RESULTS = Path("results")
#: Structures in a shard: at the thesis' grid the kernel alone (1.71 ms each) then works ten times as long as
#: a job costs on a cluster beside its structures (3.4 s), see docs/scale.md.
SHARD_SIZE = 20_000
#: Planning costs time per shard, not per structure.
MOST_SHARDS = 500
#: Folders of ``results/`` that are not studies.
RESERVED = (
    *("sources", "structures", "voxels", "henry", "screens", "voxel_comparisons"),
    *("logs", "benchmarks", "checkpoints", "cache", "tensorboard"),
)


def shipped(path: Path) -> Path:
    """Return a path as it is if something is there, else the same path in the repository.

    Relative paths stay relative where they can: they are remembered as inputs, and a project that
    was moved must not be computed again.
    """
    return path if path.is_absolute() or path.exists() else ROOT / path


def source_path(file: dict) -> Path:
    """Return where a file of a dataset is: given by the user, shipped, or downloaded.

    Parameters
    ----------
    file : dict
        ``path`` or ``urls``, as in the dataset's entry.
        A relative path that is not found in the working directory is looked for in the repository.

    Returns
    -------
    Path
        A local path. Downloads lie under their :func:`download_key`, once for all datasets that name them.
    """
    if "path" in file:
        return shipped(Path(file["path"]).expanduser())
    return RESULTS / "sources" / download_key(file) / download_name(file)


def download_name(file: dict) -> str:
    """Return the file name of a download: its ``name``, else what its first address ends in."""
    return file.get("name") or Path(urlsplit(file["urls"][0]).path).name or "download"


def download_key(file: dict) -> str:
    """Return the key of a download: another checksum (or address, without one) is another file.

    It stands for the content, which is known beforehand in the one case and held to its first
    download in the other; mirrors may come and go.
    """
    return settings_digest(file["sha256"] or file["urls"][0])


def dataset_files(entry: dict) -> list[dict]:
    """Return the files that a dataset is made of: structures or voxels, then its tables.

    Parameters
    ----------
    entry : dict
        A dataset's completed entry.

    Returns
    -------
    list of dict
        With ``path`` or ``urls``.
    """
    voxels = entry.get("voxels")
    content = [entry.get("structures"), voxels and voxels["file"]]
    return [file for file in content if file] + [table["file"] for table in entry["tables"]]


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


def find_download(config: dict, path: Path) -> dict | None:
    """Return the entry of the file that is downloaded to a path.

    Parameters
    ----------
    config : dict
        A completed configuration.
    path : Path
        Relative to the working directory.

    Returns
    -------
    dict or None
        The first of several datasets' entries of the same file; None if no dataset has it.
    """
    files = (file for entry in config["datasets"].values() for file in dataset_files(entry))
    return next((file for file in files if "urls" in file and source_path(file) == path), None)


def published_dir(dataset: str, key: str) -> Path:
    """Return the folder that holds the shards of a dataset's published voxels, one per part."""
    return RESULTS / "voxels" / dataset / "published" / key


def voxel_comparison_dir(name: str) -> Path:
    """Return the folder of a comparison of voxels computed here with published ones."""
    return RESULTS / "voxel_comparisons" / name


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


def screen_dir(name: str) -> Path:
    """Return the folder of a screening."""
    return RESULTS / "screens" / name


def bundle_dir(study: str, split: int | str, model: str, size: str) -> Path:
    """Return the folder in which a trained model can be handed over; ``size`` is a :func:`size_token`."""
    return study_dir(study, split) / model / f"n{size}" / "bundle"


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


def shard_size(n_structures: int, given: int | None = None) -> int:
    """Return how many structures a shard holds at most.

    Parameters
    ----------
    n_structures : int
        Of the whole dataset.
    given : int or None
        What the user wants.

    Returns
    -------
    int
        `given`; without it :data:`SHARD_SIZE`, or more where that would make more than
        :data:`MOST_SHARDS` shards. It follows from the number of structures alone: all grids and
        channels share the shards of a dataset.
    """
    return given or max(SHARD_SIZE, math.ceil(n_structures / MOST_SHARDS))


def n_shards(n_structures: int | None, size: int | None = None) -> int | None:
    """Return the number of shards of a dataset whose number of structures is known.

    Parameters
    ----------
    n_structures : int or None
        As the dataset's entry gives it.
    size : int or None
        Structures per shard; None: see :func:`shard_size`.

    Returns
    -------
    int or None
        None if the number of structures is not known.
    """
    return None if n_structures is None else math.ceil(n_structures / shard_size(n_structures, size))
