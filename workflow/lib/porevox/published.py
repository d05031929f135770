"""The stage *published*: voxels that others computed, streamed out of their archive into shards.

Part k of the source becomes shard k, in the files that voxels of our own have, so that everything
after it goes on unchanged. Boltzmann factors stay what they are (see
:mod:`porevox.learning.transform`): a factor of 0 has no energy that could be stored.
"""

import csv
import json
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from porevox.energy.energyfile import EnergyFile, appearing, to_single
from porevox.errors import PorevoxError
from porevox.files.archive import MAX_MEMBER_BYTES, Member, members
from porevox.files.npystream import NpyHeader, Stream, mapped_rows, read_header, stream_rows
from porevox.tables import normalise_id

_log = logging.getLogger(__name__)
#: As in the shards of voxels computed here; nothing is known of the crystals but their voxels.
INDEX_COLUMNS = ("id", "row", "n_atoms", "volume_A3", "density_g_cm3", "reader", "guest_energy_K")
LEDGER_COLUMNS = ("id", "reason", "detail")
NAMES_COLUMNS = ("position", "id", "reason", "detail")
#: What stands where the index of voxels computed here names the program that read the CIF.
READER = "published"
#: Members among which one that is missing is looked for.
_NAMES_SHOWN = 1000
_QUANTITIES = {"boltzmann_factor": ("boltzmann_factor", "1"), "energy_K": ("energy", "K")}


@dataclass
class _Array:
    """What became of an array: row in the shard's file, or reason and detail, by place."""

    rows: list[int | tuple[str, str]]
    sha256: str = ""


def convert_part(
    source: str | Path,
    part: Mapping[str, str],
    holds: str,
    temperature_K: float | None,
    n: int,
    out_dir: str | Path,
    progress: Callable[[int, int], None] | None = None,
) -> dict:
    """Turn one part of published voxels into a shard.

    Writes ``energies.npy`` (float32 (m, n, n, n); energies in K, or Boltzmann factors), ``index.csv``,
    ``ledger.csv``, ``names.csv`` (every published name by its place, and why one cannot be used)
    and, last, ``shard.json`` into `out_dir`. The array is never in memory as a whole.

    Parameters
    ----------
    source : path
        An archive, or a folder whose arrays are memory-mapped.
    part : mapping
        ``name``, and the paths in the source of its ``voxels`` (.npy) and ``names`` (.json).
    holds : {"boltzmann_factor", "energy_K"}
        What the array holds.
    temperature_K : float or None
        Temperature of Boltzmann factors, K.
    n : int
        Points along each axis of the grid.
    out_dir : path
        Made if missing.
    progress : callable, optional
        Called with (structures done, structures in the array).

    Returns
    -------
    dict
        What stands in ``shard.json``.

    Raises
    ------
    PorevoxError
        A member is missing, a link, broken or of another shape, or names and array differ in number.
    """
    start = time.perf_counter()
    source, out_dir = Path(source), Path(out_dir)
    out_dir.mkdir(parents=True, exist_ok=True)
    names: list[str] | None = None
    array: _Array | None = None
    for member in _part_members(source, part):
        where = f"{member.name} in {source}"
        if member.name == part["names"]:
            names = _read_names(member, where)
        else:
            array = _convert(member, where, holds, n, out_dir / "energies.npy", names, progress)
    assert names is not None and array is not None  # _part_members yields both, or raises
    if len(names) != len(array.rows):
        raise PorevoxError(_differ(part["names"], len(names), part["voxels"], len(array.rows)))
    counts = _write_tables(out_dir, names, array)
    quantity, unit = _QUANTITIES[holds]
    summary = {
        "source": source.name,
        "part": dict(part),
        "grid": {"n": n},
        "quantity": quantity,
        "unit": unit,
        "temperature_K": temperature_K,
        "n_published": len(names),
        **counts,
        "energies_sha256": array.sha256,
        "wall_time_s": round(time.perf_counter() - start, 3),
    }
    with appearing(out_dir / "shard.json") as temporary:
        temporary.write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    return summary


def _part_members(source: Path, part: Mapping[str, str]) -> Iterator[Member]:
    """Find the array and the list of names, in the order of the archive; both come, or an error."""
    wanted = [part["names"], part["voxels"]]
    if source.is_dir():
        yield from (_local_member(source, name) for name in wanted)
        return
    seen: list[str] = []
    # to the end, though both may come early: the compression's checksum comes last
    for member in members(source):
        if len(seen) < _NAMES_SHOWN:
            seen.append(member.name)
        if member.name not in wanted:
            continue
        if member.problem is not None and member.problem[0] != "too_large":
            raise PorevoxError(f"{member.name} in {source} is not read: {member.problem[1]}.")
        yield member
        wanted.remove(member.name)
    if wanted:
        alike = [name for name in seen if name.endswith(wanted[0].rsplit("/", 1)[-1])] or seen
        raise PorevoxError(
            f"{source} holds no {wanted[0]}: name one of its members in `parts`, such as "
            f"{', '.join(alike[:5]) or '(it is empty)'}."
        )


def _local_member(folder: Path, name: str) -> Member:
    path = folder / name
    if not path.is_file():
        raise PorevoxError(f"{path} does not exist: correct the path in `parts`.")
    return Member(name, path.stat().st_size, path.read_bytes, path=str(path))


def _read_names(member: Member, where: str) -> list[str]:
    """Read the published names; None stands where one is no text."""
    if member.size > MAX_MEMBER_BYTES:
        raise PorevoxError(f"{where} has {member.size} bytes, too many for a list of names: check the path.")
    try:
        found = json.loads(member.read())
    except ValueError as error:
        raise PorevoxError(
            f"{where} is no valid JSON ({error}): retrieve it again, or check the path."
        ) from error
    names = found.get("names") if isinstance(found, dict) else found
    if not isinstance(names, list):
        raise PorevoxError(
            f"{where} is neither a list of names nor a mapping with the key `names`: check it."
        )
    return [normalise_id(name) if isinstance(name, str) else "" for name in names]


def _differ(names_file: str, n_names: int, array_file: str, n_rows: int) -> str:
    return (
        f"{names_file} lists {n_names} names, but {array_file} holds {n_rows} structures: they do not belong "
        "together, check `parts` or retrieve the archive again."
    )


def _convert(member: Member, where: str, holds: str, n: int, target: Path, names, progress) -> _Array:
    """Copy the rows that can be used, a block at a time."""
    with ExitStack() as stack:
        if member.path is None:
            assert member.open is not None  # members of archives have it
            stream: Stream = member.open()
        else:
            stream = stack.enter_context(open(member.path, "rb"))
        header = read_header(stream, where)
        _check_shape(header, n, where)
        if names is not None and len(names) != header.shape[0]:
            raise PorevoxError(_differ("The list of names", len(names), member.name, header.shape[0]))
        if member.size < header.shape[0] * header.row_bytes:
            raise PorevoxError(
                f"{where} has {member.size} bytes, but {header.shape[0]} structures need "
                f"{header.shape[0] * header.row_bytes}: it is truncated, retrieve it again."
            )
        blocks = (
            stream_rows(stream, header, where)
            if member.path is None
            else mapped_rows(Path(member.path), header)
        )
        return _copy(blocks, header.shape[0], holds, n, target, progress)


def _check_shape(header: NpyHeader, n: int, where: str) -> None:
    """Allow (N, n, n, n), and an axis of one channel before or behind the grid's."""
    allowed = [(n, n, n), (1, n, n, n), (n, n, n, 1)]
    if len(header.shape) < 2 or header.shape[1:] not in allowed or header.shape[0] < 1:
        raise PorevoxError(
            f"{where} has the shape {header.shape}, but `voxels.grid.n` says (N, {n}, {n}, {n}), with or "
            "without an axis for one channel: correct n or the path."
        )


def _copy(blocks: Iterable[np.ndarray], total: int, holds: str, n: int, target: Path, progress) -> _Array:
    found = _Array([])
    with EnergyFile(target, n) as file:
        for block in blocks:
            values = to_single(block).reshape(len(block), n, n, n)
            for row, problem in zip(values, _problems(values, holds), strict=True):
                found.rows.append(problem or file.rows)
                if problem is None:
                    file.append(row)
            if progress is not None:
                progress(len(found.rows), total)
    found.sha256 = file.sha256
    return found


def _problems(values: np.ndarray, holds: str) -> list[tuple[str, str] | None]:
    """Why each structure of a block (k, n, n, n) cannot be used, if it cannot."""
    flat = values.reshape(len(values), -1)
    # a NaN is its row's smallest and largest value
    lowest, highest = flat.min(axis=1), flat.max(axis=1)
    lost = ~np.isfinite(lowest)
    if holds == "boltzmann_factor":
        lost |= ~np.isfinite(highest)
    else:
        # on top of an atom an energy is infinite, and a structure may be nothing but atoms
        lost &= lowest != np.inf
    problems: list[tuple[str, str] | None] = [None] * len(values)
    for place in np.flatnonzero(lost):
        n_lost = int((~np.isfinite(flat[place])).sum())
        problems[place] = "voxels_not_finite", f"{n_lost} of {flat.shape[1]} values"
    if holds == "boltzmann_factor":
        for place in np.flatnonzero(~lost & (lowest < 0)):
            problems[place] = "negative_factor", f"the lowest is {lowest[place]:g}"
    return problems


def _write_tables(out_dir: Path, names: list[str], array: _Array) -> dict[str, int]:
    """Write index, ledger and the list of all names; count what is used and what is not."""
    first: dict[str, int] = {}
    n_used = n_rejected = 0
    with (
        _table(out_dir / "index.csv", INDEX_COLUMNS) as index,
        _table(out_dir / "ledger.csv", LEDGER_COLUMNS) as ledger,
        _table(out_dir / "names.csv", NAMES_COLUMNS) as listed,
    ):
        for position, (name, row) in enumerate(zip(names, array.rows, strict=True)):
            if not name:
                listed.writerow((position, name, "bad_name", "it is empty or no text"))
                continue
            if name in first:
                detail = f"it stands at place {first[name]}, too"
                listed.writerow((position, name, "duplicate_id", detail))
                continue
            first[name] = position
            listed.writerow((position, name, "", ""))
            if isinstance(row, tuple):
                ledger.writerow((name, *row))
                n_rejected += 1
            else:
                index.writerow((name, row, "", "", "", READER, ""))
                n_used += 1
    unnamed = len(names) - len(first)
    if unnamed or n_rejected:
        _log.warning(
            "%d names and %d structures cannot be used: see names.csv, ledger.csv", unnamed, n_rejected
        )
    return {"n_structures": n_used, "n_rejected": n_rejected, "n_names_rejected": unnamed}


@contextmanager
def _table(path: Path, columns: tuple[str, ...]) -> Iterator:
    with appearing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(columns)
        yield writer
