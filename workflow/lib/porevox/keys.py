"""What results depend on: keys of code and data, and the lists that follow from them.

Imports nothing heavy: on a cluster every job asks these questions again.
"""

import functools
import json
from pathlib import Path

from porevox import layout, voxel_source
from porevox.files.codedigest import code_digest
from porevox.files.digest import DigestCache, settings_digest
from porevox.files.looks import Look, look
from porevox.layout import ROOT
from porevox.tables import table_settings

#: Checksums of structures, of which there may be very many, and of all other files.
CACHE = layout.RESULTS / "cache" / "digests"
FILES = layout.RESULTS / "cache" / "files"
#: What shows progress and writes logs changes no result.
NO_RESULT = ("porevox/job.py",)
#: Of the local sources looked at so far.
_SOURCES: dict[Path, Look] = {}
_EARLIER_LOOKS = False


def table_paths(config: dict, dataset: str) -> list[tuple[Path, dict]]:
    """Return the tables of a dataset, each with its entry.

    Parameters
    ----------
    config : dict
        A completed configuration.
    dataset : str
        Name of the dataset.

    Returns
    -------
    list of (Path, dict)
        Local path, and how it is read: see :func:`porevox.tables.table_settings`.
    """
    tables = config["datasets"][dataset]["tables"]
    return [(layout.source_path(table["file"]), table_settings(table)) for table in tables]


def split_lists(config: dict, study: str) -> list[Path]:
    """Return the files that list a study's subsets, if its split is of kind files."""
    split = config["studies"][study]["split"]
    names = [split[key] for key in ("train_file", "validation_file", "test_file")]
    return [Path(name) for name in names if name is not None] if split["kind"] == "files" else []


@functools.cache
def code(names: tuple[str, ...]) -> str:
    """Return the digest of scripts and of all library code they import.

    Parameters
    ----------
    names : tuple of str
        Names of scripts, without ``.py``.

    Returns
    -------
    str
        16 hexadecimal digits.
    """
    scripts = [ROOT / "workflow" / "scripts" / f"{name}.py" for name in names]
    return code_digest(scripts, ROOT / "workflow" / "lib" / "porevox", NO_RESULT)[:16]


def file_digest(path: Path) -> str:
    """Return the checksum of a file, remembered by its size and date."""
    cache = DigestCache(FILES)
    digest = cache.sha256(path)
    cache.save()
    return digest


def source_key(dataset: str, file: dict) -> str:
    """Return what stands for the content of a dataset's structures.

    Parameters
    ----------
    dataset : str
        Name of the dataset.
    file : dict
        ``path`` or ``urls``, as in the dataset's entry.

    Returns
    -------
    str
        Digest of a local folder's or archive's structures, looked at once per process; a download
        is known by its key.
    """
    if "urls" in file:
        return layout.download_key(file)
    return _look_at(layout.source_path(file))[0]


def content_key(dataset: str, entry: dict) -> str:
    """Return what stands for the content of a dataset: its structures, or its published voxels.

    Parameters
    ----------
    dataset : str
        Name of the dataset.
    entry : dict
        Its completed entry.

    Returns
    -------
    str
        Of voxels the digest of the archive, or of the files of a folder.
    """
    if entry["voxels"] is None:
        return source_key(dataset, entry["structures"])
    file = entry["voxels"]["file"]
    if "urls" in file:
        return layout.download_key(file)
    found = voxel_source.part_files(entry["voxels"]) or [layout.source_path(file)]
    return settings_digest([file_digest(path) for path in found])


def trust_earlier_looks() -> None:
    """Take local sources for what the process that started this one found in them."""
    global _EARLIER_LOOKS
    _EARLIER_LOOKS = True


def _look_at(path: Path) -> Look:
    if path not in _SOURCES:
        _SOURCES[path] = look(path, CACHE, _EARLIER_LOOKS)
    return _SOURCES[path]


def structures_key(config: dict, dataset: str, code_key: str) -> str:
    """Return the key of all that determines a dataset's manifest and packs.

    Parameters
    ----------
    config : dict
        A completed configuration.
    dataset : str
        Name of the dataset.
    code_key : str
        Digest of the stage's code.

    Returns
    -------
    str
        8 hexadecimal digits.
    """
    entry = config["datasets"][dataset]
    source = content_key(dataset, entry)
    if entry["voxels"] is not None:
        return settings_digest([voxel_source.source_digest(entry["voxels"], source), code_key])
    chosen = [entry["structures"]["folder"], entry["sample"]]
    return settings_digest([source, entry["n_structures"], entry["shard_size"], chosen, code_key])


def n_structures(config: dict, dataset: str) -> int | None:
    """Return the number of structures of a dataset: declared, or counted in a local source.

    Parameters
    ----------
    config : dict
        A completed configuration.
    dataset : str
        Name of the dataset.

    Returns
    -------
    int or None
        None for a download whose entry does not say it.
    """
    entry = config["datasets"][dataset]
    number = entry["n_structures"]
    if number is None and "path" in entry["structures"]:
        number = _look_at(layout.source_path(entry["structures"]))[1]
    return min(number, entry["sample"] or number) if number else number


def shard_size(config: dict, dataset: str) -> int:
    """Return how many structures a shard of a dataset may hold, as given or by the rule.

    Parameters
    ----------
    config : dict
        A completed configuration.
    dataset : str
        Name of the dataset.

    Returns
    -------
    int
        See :func:`porevox.layout.shard_size`; that of shards to come, whatever older ones hold.
    """
    given = config["datasets"][dataset]["shard_size"]
    # a number that was given needs no look at the source
    return given or layout.shard_size(n_structures(config, dataset) or 0)


def known_shards(config: dict, dataset: str, key: str) -> list[int] | None:
    """Return the shards of a dataset, if they are known without looking into its source again.

    Parameters
    ----------
    config : dict
        A completed configuration.
    dataset : str
        Name of the dataset.
    key : str
        See :func:`structures_key`.

    Returns
    -------
    list of int or None
        From the manifest if it is up to date, from the number of structures (declared, or counted in
        a local source) if there is no manifest yet, else None.
    """
    if config["datasets"][dataset]["voxels"] is not None:
        return list(range(len(config["datasets"][dataset]["voxels"]["parts"])))
    folder = layout.structures_dir(dataset)
    if (folder / "shards.json").exists():
        if _read_key(folder) != key:
            return None
        return list(range(_summary(dataset)["n_shards"]))
    size = config["datasets"][dataset]["shard_size"]
    n_shards = layout.n_shards(n_structures(config, dataset), size)
    return None if n_shards is None else list(range(n_shards))


def _read_key(folder: Path) -> str | None:
    try:
        return (folder / "key.txt").read_text().strip()
    except OSError:
        return None


def shard_digest(dataset: str, shard: int) -> str | None:
    """Return the digest of the structures in a shard; None as long as there is no manifest."""
    try:
        return _summary(dataset)["shards"][str(shard)]["digest"]
    except OSError:
        return None


def _summary(dataset: str) -> dict:
    """Content of shards.json, which every shard asks for; read again when it was written again."""
    path = layout.structures_dir(dataset) / "shards.json"
    found = path.stat()
    return _read_summary(path, Path.cwd(), found.st_mtime_ns, found.st_size, found.st_ino)


@functools.lru_cache(maxsize=16)
def _read_summary(path: Path, *_) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))
