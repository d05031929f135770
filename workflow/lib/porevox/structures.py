"""The stage *structures*: from a folder or an archive of CIFs to a manifest and packs."""

from collections.abc import Callable
from pathlib import Path

from porevox.files.digest import DigestCache
from porevox.files.packs import pack_name, pack_size, read_pack, write_packs
from porevox.files.shards import ShardPlan, assign_shards, plan
from porevox.files.sources import Record, Rejected, Scan, scan

__all__ = [
    "Record",
    "Rejected",
    "Scan",
    "ShardPlan",
    "assign_shards",
    "build_packs",
    "pack_name",
    "plan",
    "pack_size",
    "read_pack",
    "scan",
    "write_packs",
]


def build_packs(
    source: Path,
    out_dir: Path,
    previous_manifest: Path | None = None,
    n_shards: int | None = None,
    shard_size: int = 1000,
    hash_cache: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> ShardPlan:
    """Do the whole stage: scan a source, plan its shards and write the packs.

    Parameters
    ----------
    source, out_dir, progress
        As for :func:`write_packs`.
    previous_manifest, n_shards, shard_size
        As for :func:`plan`.
    hash_cache : pathlib.Path or None
        As for :class:`porevox.files.digest.DigestCache`.

    Returns
    -------
    ShardPlan
        What was written.

    Raises
    ------
    PorevoxError
        As for the functions it calls.
    """
    found = scan(source, DigestCache(hash_cache) if hash_cache else None)
    shards = plan(found, previous_manifest, n_shards, shard_size)
    write_packs(source, Path(out_dir), shards, found, progress)
    return shards
