"""The CIFs of a shard in one file, so that 10^5 structures do not need 10^5 files."""

import csv
import hashlib
import io
import json
import os
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from porevox.errors import PorevoxError
from porevox.files.shards import ShardPlan
from porevox.files.sources import Record, Scan, structures

_MANIFEST = ("id", "member", "size_bytes", "sha256", "shard")
_REJECTED = ("id", "member", "reason", "detail")


def write_packs(
    source: Path,
    out_dir: Path,
    shards: ShardPlan,
    found: Scan,
    progress: Callable[[int, int], None] | None = None,
    folder: str | None = None,
) -> None:
    """Write the packs of all shards, the manifest and what was rejected, in one pass.

    Parameters
    ----------
    source : pathlib.Path
        The folder or archive that was scanned.
    out_dir : pathlib.Path
        Receives ``shard0000.zip`` ..., ``manifest.csv``, ``rejected.csv`` and ``shards.json``, each
        complete or not at all. The same structures give the same bytes, whatever the source is.
    shards : ShardPlan
        From :func:`porevox.files.shards.plan`.
    found : Scan
        From :func:`porevox.files.sources.scan`.
    progress : callable or None
        Called with (structures read, structures in all).
    folder : str or None
        As for :func:`porevox.files.sources.scan`.

    Raises
    ------
    PorevoxError
        The source changed since it was scanned, or cannot be read.
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    by_shard: list[list[Record]] = [[] for _ in range(shards.n_shards)]
    for record in found.records:
        by_shard[shards.assignment[record.id]].append(record)
    with tempfile.TemporaryDirectory(prefix=".packing-", dir=out_dir) as beside:
        temporary = Path(beside)
        with open(temporary / "spool", "w+b") as spool:
            places = _spool(source, found, spool, progress, folder)
            for number, records in enumerate(by_shard):
                _write_pack(temporary / pack_name(number), records, spool, places)
        os.unlink(temporary / "spool")
        _write_tables(temporary, shards, found, by_shard)
        _move_in(temporary, out_dir, shards.n_shards)


def pack_name(shard: int) -> str:
    """Name the pack of a shard.

    Parameters
    ----------
    shard : int
        Number of the shard, from 0.

    Returns
    -------
    str
        ``shard0007.zip``.
    """
    return f"shard{shard:04d}.zip"


def _spool(source: Path, found: Scan, spool, progress, folder: str | None) -> dict[str, tuple[int, int]]:
    """Copy every CIF, compressed, into one file; return (start, length) in bytes by id.

    An archive can only be read in its own order, packs are sorted by id, and 500 open packs are
    too many: hence the detour.
    """
    expected = {record.id: record for record in found.records}
    places: dict[str, tuple[int, int]] = {}
    for id, member in structures(source, [], folder):
        if id not in expected:
            continue
        content = member.read()
        if hashlib.sha256(content).hexdigest() != expected[id].sha256:
            raise PorevoxError(_changed(source, member.name, "changed"))
        packed = zlib.compress(content, 1)
        places[id] = (spool.tell(), len(packed))
        spool.write(packed)
        if progress:
            progress(len(places), len(expected))
    missing = next((record for record in found.records if record.id not in places), None)
    if missing:
        raise PorevoxError(_changed(source, missing.member, "vanished"))
    return places


def _changed(source: Path, member: str, what: str) -> str:
    return (
        f"{member} in {source} {what} while the structures were packed: leave the source alone and run again."
    )


def _write_pack(path: Path, records: list[Record], spool, places: dict) -> None:
    with zipfile.ZipFile(path, "w") as pack:
        names = [(f"{index}.cif", record.id) for index, record in enumerate(records)]
        _add(pack, "index.csv", _csv_text(("member", "id"), names).encode())
        for (name, id), _ in zip(names, records, strict=True):
            start, length = places[id]
            spool.seek(start)
            _add(pack, name, zlib.decompress(spool.read(length)))


def _add(pack: zipfile.ZipFile, name: str, content: bytes) -> None:
    info = zipfile.ZipInfo(name)  # dated 1980: the same content gives the same bytes
    info.external_attr = 0o644 << 16
    info.create_system = 3
    pack.writestr(info, content, zipfile.ZIP_DEFLATED, 1)


def _csv_text(header: tuple[str, ...], rows: Iterable[tuple]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def _write_tables(folder: Path, shards: ShardPlan, found: Scan, by_shard: list) -> None:
    rows = [(*record, number) for number, records in enumerate(by_shard) for record in records]
    summary = {
        "n_shards": shards.n_shards,
        "shards": {
            str(number): {"n": size, "digest": digest}
            for number, (size, digest) in enumerate(zip(shards.sizes, shards.digests, strict=True))
        },
        "source_sha256": found.digest,
    }
    texts = {
        "manifest.csv": _csv_text(_MANIFEST, rows),
        "rejected.csv": _csv_text(_REJECTED, found.rejected),
        "shards.json": json.dumps(summary, indent=1) + "\n",
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8", newline="")


def _move_in(temporary: Path, out_dir: Path, n_shards: int) -> None:
    names = [pack_name(number) for number in range(n_shards)]
    for name in (*names, "rejected.csv", "shards.json", "manifest.csv"):
        os.replace(temporary / name, out_dir / name)
    for stale in set(out_dir.glob("shard[0-9]*.zip")) - {out_dir / name for name in names}:
        stale.unlink()


def read_pack(path: Path) -> Iterator[tuple[str, bytes]]:
    """Read the CIFs of a shard, one at a time.

    Parameters
    ----------
    path : pathlib.Path
        A pack written by :func:`write_packs`.

    Yields
    ------
    tuple of (str, bytes)
        Id and CIF, sorted by id.

    Raises
    ------
    PorevoxError
        The pack is missing or broken.
    """
    try:
        with zipfile.ZipFile(path) as pack:
            index = csv.DictReader(io.StringIO(pack.read("index.csv").decode()), strict=True)
            for row in index:
                yield row["id"], pack.read(row["member"])
    except (OSError, zipfile.BadZipFile, zlib.error, KeyError, ValueError, EOFError) as error:
        raise PorevoxError(_broken(path, error)) from error


def pack_size(path: Path) -> int:
    """Count the CIFs of a shard.

    Parameters
    ----------
    path : pathlib.Path
        A pack written by :func:`write_packs`.

    Returns
    -------
    int
        Number of CIFs.

    Raises
    ------
    PorevoxError
        The pack is missing or broken.
    """
    try:
        with zipfile.ZipFile(path) as pack:
            return len(pack.namelist()) - 1  # all but index.csv
    except (OSError, zipfile.BadZipFile) as error:
        raise PorevoxError(_broken(path, error)) from error


def _broken(path: Path, error: Exception) -> str:
    key = path.with_name("key.txt")
    return f"the pack {path} is missing or broken ({error}): delete {key} and run again to make it anew."
