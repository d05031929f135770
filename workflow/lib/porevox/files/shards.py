"""Which structure belongs to which shard, now and for ever.

A shard is the unit of caching: its number and its members stay, and its digest tells whether any
of its CIFs changed.
"""

import csv
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from porevox.errors import PorevoxError
from porevox.files.sources import Record, Scan, content_digest


@dataclass(frozen=True)
class ShardPlan:
    """Which structure belongs to which shard.

    Parameters
    ----------
    n_shards : int
        Shards are numbered from 0 to `n_shards` - 1; some may be empty.
    assignment : dict of str to int
        Shard of each id.
    digests : tuple of str, length `n_shards`
        Sha256 of the ids and contents of each shard.
    sizes : tuple of int, length `n_shards`
        Structures in each shard.
    """

    n_shards: int
    assignment: dict[str, int]
    digests: tuple[str, ...]
    sizes: tuple[int, ...]


def assign_shards(
    ids: Iterable[str],
    previous: dict[str, int],
    n_shards: int | None,
    shard_size: int,
    next_shard: int = 0,
) -> dict[str, int]:
    """Deal structures into shards so that no structure ever changes its shard.

    The first time, the sorted ids are dealt into contiguous blocks of nearly equal size. Later,
    new ids open new shards, so that the shards computed before stay valid.

    Parameters
    ----------
    ids : iterable of str
        The structures of now.
    previous : dict of str to int
        The assignment of last time, empty the first time.
    n_shards : int or None
        Blocks of the first time; None: as many as `shard_size` asks for.
    shard_size : int
        Most structures in a shard opened later.
    next_shard : int
        First number that was never used, where that is above all of `previous`.

    Returns
    -------
    dict of str to int
        Shard of each of `ids`, sorted by id.

    Raises
    ------
    PorevoxError
        A number or size of shards below 1.
    """
    if shard_size < 1 or (n_shards is not None and n_shards < 1):
        raise PorevoxError(
            f"{n_shards} shards of {shard_size} structures are asked for: give 1 or more of each."
        )
    ids = sorted(set(ids))
    new = [id for id in ids if id not in previous]
    first = max(next_shard, 1 + max(previous.values(), default=-1))
    blocks = n_shards or -(-len(new) // shard_size)
    if first == 0:
        shard_of = {id: i * blocks // len(new) for i, id in enumerate(new)}
    else:
        shard_of = {id: first + i // shard_size for i, id in enumerate(new)}
    return {id: previous[id] if id in previous else shard_of[id] for id in ids}


def plan(found: Scan, previous_manifest: Path | None, n_shards: int | None, shard_size: int) -> ShardPlan:
    """Plan the shards of a source, the same way before and after they are written.

    Parameters
    ----------
    found : Scan
        What the source holds.
    previous_manifest : pathlib.Path or None
        The ``manifest.csv`` written last time, with its ``shards.json`` beside it; need not exist.
    n_shards, shard_size : int
        As for :func:`assign_shards`.

    Returns
    -------
    ShardPlan
        With the digest of each shard; an emptied shard keeps its number.

    Raises
    ------
    PorevoxError
        The previous manifest cannot be understood.
    """
    previous, next_shard = _read_previous(previous_manifest)
    ids = [record.id for record in found.records]
    assignment = assign_shards(ids, previous, n_shards, shard_size, next_shard)
    used = [next_shard - 1, *assignment.values(), *previous.values()]
    if not previous and not next_shard:
        used.append((n_shards or 1) - 1)  # with few structures, some of the blocks are empty
    total = 1 + max(used)
    contents: list[list[Record]] = [[] for _ in range(total)]
    for record in found.records:
        contents[assignment[record.id]].append(record)
    digests = tuple(content_digest(records) for records in contents)
    return ShardPlan(total, assignment, digests, tuple(map(len, contents)))


def _read_previous(manifest: Path | None) -> tuple[dict[str, int], int]:
    """Return the shard of each id of last time, and the first shard number never used."""
    if manifest is None or not Path(manifest).exists():
        return {}, 0
    manifest = Path(manifest)
    summary = manifest.with_name("shards.json")
    try:
        with open(manifest, encoding="utf-8", newline="") as handle:
            table = csv.DictReader(handle)
            if not {"id", "shard"} <= set(table.fieldnames or ()):
                raise ValueError("the columns id and shard are missing")
            previous = {row["id"]: int(row["shard"]) for row in table}
        used = json.loads(summary.read_text("utf-8"))["n_shards"] if summary.exists() else 0
        if min(previous.values(), default=0) < 0 or not isinstance(used, int):
            raise ValueError("a shard number is not a whole number")
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise PorevoxError(
            f"{manifest} and shards.json beside it, which say where each structure was put before, "
            f"cannot be understood ({error!r}): restore them, or delete both to deal all anew."
        ) from error
    return previous, used
