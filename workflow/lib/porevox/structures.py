"""The stage *structures*: from a folder or an archive of CIFs to a manifest and packs."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from porevox.files.digest import DigestCache
from porevox.files.packs import pack_name, pack_size, read_pack, write_packs
from porevox.files.shards import ShardPlan, assign_shards, plan
from porevox.files.sources import Record, Rejected, Scan, scan
from porevox.sample import take_sample

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
    "sampled",
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
    folder: str | None = None,
    sample: int | None = None,
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
    folder : str or None
        As for :func:`scan`.
    sample : int or None
        Keep only so many structures, see :func:`porevox.sample.take_sample`.

    Returns
    -------
    ShardPlan
        What was written.

    Raises
    ------
    PorevoxError
        As for the functions it calls.
    """
    found = sampled(scan(source, DigestCache(hash_cache) if hash_cache else None, folder), sample)
    shards = plan(found, previous_manifest, n_shards, shard_size)
    write_packs(source, Path(out_dir), shards, found, progress, folder)
    return shards


def sampled(found: Scan, sample: int | None) -> Scan:
    """Keep a sample of what a source holds.

    Parameters
    ----------
    found : Scan
        The source.
    sample : int or None
        How many structures to keep; None for all.

    Returns
    -------
    Scan
        What cannot be used stays listed.
    """
    if sample is None:
        return found
    chosen = take_sample((record.id for record in found.records), sample)
    return replace(found, records=tuple(record for record in found.records if record.id in chosen))
