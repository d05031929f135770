"""What results depend on: keys of code and data, and the lists that follow from them.

Imports nothing heavy: on a cluster every job asks these questions again.
"""

import functools
import json
from pathlib import Path

from porevox import layout
from porevox.files.codedigest import code_digest
from porevox.files.digest import DigestCache, settings_digest
from porevox.layout import ROOT

CACHE = layout.RESULTS / "cache" / "digests"
#: What shows progress and writes logs changes no result.
NO_RESULT = ("porevox/job.py",)
#: Digest and number of structures of the local sources looked at so far.
_SOURCES: dict[Path, tuple[str, int]] = {}


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
        Local path and ``tables`` entry.
    """
    tables = config["datasets"][dataset]["tables"]
    return [(layout.source_path(dataset, table["file"]), table) for table in tables]


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
    cache = DigestCache(CACHE)
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
    return _look_at(layout.source_path(dataset, file))[0]


def _look_at(path: Path) -> tuple[str, int]:
    if path not in _SOURCES:
        from porevox.structures import scan

        cache = DigestCache(CACHE)
        found = scan(path, cache)
        _SOURCES[path] = found.digest, len(found.records)
        cache.save()
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
    source = source_key(dataset, entry["structures"])
    return settings_digest([source, entry["n_structures"], entry["shard_size"], code_key])


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
    folder = layout.structures_dir(dataset)
    if (folder / "shards.json").exists():
        if _read_key(folder) != key:
            return None
        return list(range(json.loads((folder / "shards.json").read_text())["n_shards"]))
    entry = config["datasets"][dataset]
    n_structures = entry["n_structures"]
    if n_structures is None and "path" in entry["structures"]:
        n_structures = _look_at(layout.source_path(dataset, entry["structures"]))[1]
    n_shards = layout.n_shards(n_structures, entry["shard_size"])
    return None if n_shards is None else list(range(n_shards))


def _read_key(folder: Path) -> str | None:
    try:
        return (folder / "key.txt").read_text().strip()
    except OSError:
        return None


def shard_digest(dataset: str, shard: int) -> str | None:
    """Return the digest of the structures in a shard; None as long as there is no manifest."""
    try:
        shards = json.loads((layout.structures_dir(dataset) / "shards.json").read_text())["shards"]
    except OSError:
        return None
    return shards[str(shard)]["digest"]
