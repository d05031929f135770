"""Energy grids of one shard of structures: every structure accounted for, none stops the rest."""

import csv
import json
import logging
import math
import time
import traceback
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from porevox.crystal.cif import ReadingPolicy, read_cif
from porevox.crystal.structure import Structure
from porevox.energy.channels import Channel, ChannelResult, channel_from_dict
from porevox.energy.energyfile import EnergyFile, appearing, to_single
from porevox.energy.forcefield import ForceField, load_forcefield
from porevox.energy.grid import GridSpec
from porevox.energy.isolation import map_isolated
from porevox.errors import PorevoxError, StructureRejected
from porevox.structures import pack_size, read_pack

_log = logging.getLogger(__name__)
INDEX_COLUMNS = ("id", "row", "n_atoms", "volume_A3", "density_g_cm3", "reader", "guest_energy_K")
LEDGER_COLUMNS = ("id", "reason", "detail")
#: When at least this many structures were tried and each one failed in a way nobody foresaw, the
#: fault is in the program or its installation, not in the structures.
_CERTAINLY_A_BUG = 10
#: Seconds that a structure may take: a hundred times what the largest known one needs.
TIME_LIMIT_S = 600.0
#: Bytes of results that a worker sends back at a time.
_CHUNK_BYTES = 1_000_000


@dataclass(frozen=True)
class _Settings:
    grid: GridSpec
    channel: Channel
    policy: ReadingPolicy
    forcefield: ForceField | None
    memory_MB: float


@dataclass(frozen=True)
class _Accepted:
    id: str
    energies: np.ndarray
    n_atoms: int
    volume_A3: float
    density_g_cm3: float
    reader: str
    guest_energy_K: float


@dataclass(frozen=True)
class _Rejected:
    id: str
    reason: str
    detail: str
    unforeseen: str = ""  # traceback of an exception that nobody foresaw


def voxelise_shard(
    pack: str | Path,
    out_dir: str | Path,
    grid: Mapping,
    channel: Mapping,
    reading: Mapping,
    forcefield: str | Path | None,
    memory_limit_MB: float,
    workers: int,
    progress: Callable[[int, int], None] | None = None,
    time_limit_s: float = TIME_LIMIT_S,
) -> dict:
    """Compute one channel of all structures of a pack.

    Writes ``energies.npy`` (float32 (m, n, n, n), K, accepted structures in pack order),
    ``index.csv``, ``ledger.csv`` and, last, ``shard.json`` into `out_dir`; each appears under its
    name only when complete. The bytes do not depend on `workers`.

    Parameters
    ----------
    pack : path
        Written by :func:`porevox.structures.write_packs`.
    out_dir : path
        Made if missing.
    grid, channel, reading : mapping
        Settings of :class:`GridSpec`, of a channel (see
        :func:`porevox.energy.channels.channel_from_dict`) and of :class:`ReadingPolicy`.
    forcefield : path or None
        CSV table of Lennard-Jones parameters, for the channels that need one.
    memory_limit_MB : float
        Memory that one structure may need, MB (10^6 bytes), libraries not included; a structure that
        needs more is rejected. It does not depend on `workers`, lest the results do.
    workers : int
        Processes; even with 1 the work is done in a process of its own, which may die.
    progress : callable, optional
        Called with (structures done, structures in the pack).
    time_limit_s : float
        Wall-clock time that one structure may take, s; beyond it the structure is rejected.

    Returns
    -------
    dict
        What stands in ``shard.json``.

    Raises
    ------
    PorevoxError
        A setting is not allowed, or every structure failed in an unforeseen way.
    """
    start = time.perf_counter()
    settings = _settings(grid, channel, reading, forcefield, memory_limit_MB, workers)
    out_dir = Path(out_dir)
    out_dir.mkdir(parents=True, exist_ok=True)
    _warm_up(settings)
    n = settings.grid.n
    chunk = max(1, min(8, _CHUNK_BYTES // (4 * n**3)))
    outcomes = map_isolated(
        partial(_voxelise, settings),
        read_pack(Path(pack)),
        _crashed,
        # No more processes than there is work for: all of them are started at once.
        min(workers, max(1, math.ceil(pack_size(Path(pack)) / chunk))),
        chunk_size=chunk,
        limit_s=time_limit_s,
        timed_out=partial(_timed_out, time_limit_s),
    )
    if progress is not None:
        outcomes = _reported(outcomes, pack_size(Path(pack)), progress)
    with (
        closing(outcomes),
        _table(out_dir / "index.csv", INDEX_COLUMNS) as index,
        _table(out_dir / "ledger.csv", LEDGER_COLUMNS) as ledger,
        EnergyFile(out_dir / "energies.npy", n) as array,
    ):
        rejected = _record(outcomes, array, index, ledger)
        _refuse_if_all_unforeseen(array.rows, rejected)
    summary = {
        "grid": settings.grid.to_dict(),
        "channel": settings.channel.to_dict(),
        "reading": asdict(settings.policy),
        "forcefield": _described(settings.forcefield),
        "quantity": settings.channel.quantity,
        "unit": settings.channel.unit,
        "n_structures": array.rows,
        "n_rejected": len(rejected),
        "energies_sha256": array.sha256,
        "wall_time_s": round(time.perf_counter() - start, 3),
    }
    with appearing(out_dir / "shard.json") as temporary:
        temporary.write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    return summary


def _settings(grid, channel, reading, forcefield, memory_limit_MB, workers) -> _Settings:
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise PorevoxError(f"workers is {workers!r}; it must be a whole number of at least 1")
    unknown = sorted(set(reading) - set(ReadingPolicy.__dataclass_fields__))
    if unknown:
        raise PorevoxError(f"the reading policy has no setting named {unknown[0]!r}")
    settings = _Settings(
        GridSpec.from_dict(grid),
        channel_from_dict(channel),
        ReadingPolicy(**reading),
        None if forcefield is None else load_forcefield(forcefield),
        float(memory_limit_MB),
    )
    smallest = settings.channel.memory_MB(_two_atoms(settings.forcefield), settings.grid)
    if not smallest <= settings.memory_MB:
        raise PorevoxError(
            f"this channel on a grid of n = {settings.grid.n} needs {smallest:.0f} MB even for two atoms "
            f"but only {settings.memory_MB:.0f} MB are allowed; choose fewer points or a shorter cutoff"
        )
    return settings


def _described(forcefield: ForceField | None) -> dict | None:
    return None if forcefield is None else {"name": forcefield.name, "digest": forcefield.digest}


def _two_atoms(forcefield: ForceField | None) -> Structure:
    """A neutral structure that every channel can be computed for."""
    known = ["H", "O"] if forcefield is None else list(forcefield.sigma_A)
    frac = np.array([[0.0, 0.0, 0.0], [0.5, 0.5, 0.5]])
    charges = np.array([1.0, -1.0])
    # Two elements: between equal atoms no charge flows.
    return Structure("atoms", 30.0 * np.eye(3), frac, (known[0], known[:2][-1]), "gemmi", charges_e=charges)


_SMALL_CIF = b"""data_x
_cell_length_a 9
_cell_length_b 9
_cell_length_c 9
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
loop_
_atom_site_label
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
C1 0 0 0
C2 0.5 0.5 0.5
"""


def _warm_up(settings: _Settings) -> None:
    """Compile, or load from numba's cache, once and before any process is forked."""
    read_cif(_SMALL_CIF, "warm-up", settings.policy)
    atoms, grid = _two_atoms(settings.forcefield), replace(settings.grid, n=2)
    for structure in (atoms, replace(atoms, charges_e=None)):
        # Without charges some channels refuse it; others equilibrate theirs, also where these are given.
        with suppress(StructureRejected):
            settings.channel.compute(structure, grid, settings.forcefield)


def _voxelise(settings: _Settings, item: tuple[str, bytes]) -> _Accepted | _Rejected:
    id, content = item
    try:
        structure = read_cif(content, id, settings.policy)
        needed = settings.channel.memory_MB(structure, settings.grid)
        if needed > settings.memory_MB:
            raise StructureRejected(
                "too_large",
                f"{len(structure.elements)} atoms need about {needed:.0f} MB, "
                f"{settings.memory_MB:.0f} MB are allowed",
            )
        result = settings.channel.compute(structure, settings.grid, settings.forcefield)
        return _accepted(structure, result)
    except StructureRejected as rejection:
        return _Rejected(id, rejection.code, rejection.detail)
    except MemoryError as error:
        return _Rejected(id, "too_large", f"out of memory: {error}")
    except PorevoxError:
        raise
    except Exception as error:
        # The rest of the shard goes on, but nobody foresaw this: it is logged, too.
        detail = f"{type(error).__name__}: {error}"
        return _Rejected(id, "worker_crashed", detail, traceback.format_exc())


def _accepted(structure: Structure, result: ChannelResult) -> _Accepted:
    return _Accepted(
        structure.id,
        to_single(result.values),
        structure.n_atoms,
        structure.volume_A3,
        structure.density_g_cm3,
        structure.reader,
        result.guest_energy_K,
    )


def _crashed(item: tuple[str, bytes]) -> _Rejected:
    _log.error("structure %r killed the process that read it", item[0])
    return _Rejected(item[0], "worker_crashed", "the process died, even with nothing else to do")


def _timed_out(limit_s: float, item: tuple[str, bytes]) -> _Rejected:
    return _Rejected(item[0], "timeout", f"took longer than {limit_s:g} s")


def _reported(outcomes: Iterable, total: int, progress: Callable) -> Generator:
    for done, outcome in enumerate(outcomes, start=1):
        yield outcome
        progress(done, total)


def _record(outcomes: Iterable, array: EnergyFile, index, ledger) -> list[_Rejected]:
    rejected = []
    for outcome in outcomes:
        if isinstance(outcome, _Rejected):
            detail = " ".join(outcome.detail.split())
            ledger.writerow((outcome.id, outcome.reason, detail))
            rejected.append(outcome)
            if outcome.unforeseen:
                _log.error("structure %r failed in an unforeseen way\n%s", outcome.id, outcome.unforeseen)
        else:
            volume, density = repr(float(outcome.volume_A3)), repr(float(outcome.density_g_cm3))
            guest = "" if np.isnan(outcome.guest_energy_K) else repr(float(outcome.guest_energy_K))
            row = (outcome.id, array.rows, outcome.n_atoms, volume, density, outcome.reader, guest)
            index.writerow(row)
            array.append(outcome.energies)
    return rejected


def _refuse_if_all_unforeseen(n_accepted: int, rejected: list[_Rejected]) -> None:
    unforeseen = [outcome for outcome in rejected if outcome.unforeseen]
    if n_accepted == 0 and len(unforeseen) == len(rejected) >= _CERTAINLY_A_BUG:
        raise PorevoxError(
            f"all {len(rejected)} structures of the shard failed in an unforeseen way, the first "
            f"({unforeseen[0].id}) with {unforeseen[0].detail}; this is a fault of the program"
        )


@contextmanager
def _table(path: Path, columns: tuple[str, ...]) -> Iterator:
    with appearing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(columns)
        yield writer
