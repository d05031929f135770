"""``porevox voxelize``: voxels of any number of CIFs in one NumPy file."""

import argparse
import csv
import json
import os
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from porevox import __version__
from porevox.cli.gather import write_pack
from porevox.cli.options import Settings, add_settings, settings
from porevox.cli.outputs import check_free, publish, workspace
from porevox.cli.signals import undisturbed
from porevox.errors import PorevoxError
from porevox.files.sources import Rejected

NAME = "voxelize"
ABOUT = "compute the voxels of CIFs"
DESCRIPTION = """\
Compute the voxels of CIFs and write them into one NumPy file.

Written beside OUT.npy, which is float32 (structures, n, n, n) with axes along a, b and c:
  OUT.csv           which structure is which row, with atoms, volume and density
  OUT.rejected.csv  structures that could not be used, each with a reason
  OUT.json          settings and units
They appear together when all is done. The exit status is 1 if no structure could be used."""
EXAMPLES = """\
examples:
  porevox voxelize cifs/ -o voxels.npy
  porevox voxelize a.cif b.cif more.tar.gz -o voxels.npy --probe CH4 --cutoff 12
  porevox voxelize cifs/ -o potential.npy --channel electrostatic --grid unit_cell --n 32
  porevox voxelize cifs/ -o co2.npy --channel guest --guest CO2 --temperature 298

then, in Python:
  voxels = numpy.load("voxels.npy", mmap_mode="r")"""
#: Memory for one structure, MB: enough for 10^5 atoms, and on any machine the same.
_MEMORY_MB = 2000.0


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's options.

    Parameters
    ----------
    parser : argparse.ArgumentParser
    """
    add = parser.add_argument
    add("sources", nargs="+", type=Path, metavar="CIF", help="CIFs, folders of CIFs, .zip or .tar.gz of CIFs")
    add("-o", "--output", required=True, type=Path, metavar="OUT.npy", help="where the voxels go")
    add("--force", action="store_true", help="write over files of these names")
    add("--jobs", type=int, default=available_cores(), metavar="N", help="processes (default: all cores)")
    add(
        "--memory",
        type=float,
        default=_MEMORY_MB,
        metavar="MB",
        help="per process; a structure that needs more is rejected (default: %(default)g)",
    )
    add("--quiet", action="store_true", help="say nothing unless something is wrong")
    add_settings(parser)


def available_cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def run(options: argparse.Namespace) -> int:
    """Run the command.

    Parameters
    ----------
    options : argparse.Namespace
        With those of :func:`add_options`.

    Returns
    -------
    int
        Exit status: 0, or 1 when no structure could be used.

    Raises
    ------
    PorevoxError
        The options, a source or the output cannot be used.
    """
    if options.output.suffix != ".npy":
        raise PorevoxError(f"the output is {options.output}; its name must end in .npy.")
    if options.jobs < 1:
        raise PorevoxError(f"--jobs is {options.jobs}; it must be at least 1.")
    wanted = settings(options)
    finals = [options.output.with_suffix(end) for end in (".csv", ".rejected.csv", ".json", ".npy")]
    check_free(finals, options.force)
    with workspace(options.output) as work:
        summary, unpacked = _compute(options, wanted, work)
        reasons = _write_rejected(work, unpacked)
        _describe(work / "settings.json", summary, options.sources, sum(reasons.values()))
        names = ("index.csv", "rejected.csv", "settings.json", "energies.npy")
        with undisturbed():
            publish({work / name: final for name, final in zip(names, finals, strict=True)})
    if not options.quiet:
        print(_closing_line(summary["n_structures"], reasons, finals), file=sys.stderr)
    return 0 if summary["n_structures"] else 1


def _compute(options: argparse.Namespace, wanted: Settings, work: Path) -> tuple[dict, list[Rejected]]:
    """Write the voxels of all sources into a folder; return what was computed, and what was not packed."""
    from porevox.voxels import voxelise_shard

    with _Bar("reading", options.quiet) as bar:
        _, rejected = write_pack(options.sources, work / "pack.zip", bar)
    with _Bar("voxels", options.quiet) as bar:
        summary = voxelise_shard(
            work / "pack.zip",
            work,
            grid=wanted.grid,
            channel=wanted.channel,
            reading=wanted.reading,
            forcefield=wanted.forcefield,
            memory_limit_MB=options.memory,
            workers=options.jobs,
            progress=bar,
        )
    return summary, rejected


def _write_rejected(work: Path, rejected: Iterable[Rejected]) -> Counter:
    """Put what could not be packed and what could not be voxelised into one table; count by reason."""
    rows = [(one.id, one.reason, one.detail) for one in rejected]
    with open(work / "ledger.csv", newline="", encoding="utf-8") as stream:
        header, *others = csv.reader(stream)
    rows += [(name, reason, detail) for name, reason, detail in others]
    with open(work / "rejected.csv", "w", newline="", encoding="utf-8") as stream:
        csv.writer(stream, lineterminator="\n").writerows([header, *rows])
    return Counter(reason for _, reason, _ in rows)


def _describe(path: Path, summary: dict, sources: list[Path], n_rejected: int) -> None:
    about = {"porevox": __version__, "sources": [str(source) for source in sources]}
    text = json.dumps(about | summary | {"n_rejected": n_rejected}, indent=2)
    path.write_text(text + "\n", encoding="utf-8")


def _closing_line(n_voxelised: int, reasons: Counter, finals: list[Path]) -> str:
    n_rejected = sum(reasons.values())
    n = n_voxelised + n_rejected
    why = ", ".join(f"{count} {reason}" for reason, count in reasons.most_common())
    table, rejected, about, voxels = finals
    return (
        f"{n} structure{'s' * (n != 1)}: {n_voxelised} voxelised, {n_rejected} rejected"
        + (f" ({why})" if why else "")
        + f"; {voxels}, {table}, {rejected}, {about}"
    )


class _Bar:
    """A bar on a terminal, nothing elsewhere; to be called with (done) or (done, total)."""

    def __init__(self, what: str, quiet: bool):
        self._bar: Any = None
        if sys.stderr.isatty() and not quiet:
            from tqdm import tqdm

            tqdm.monitor_interval = 0  # no thread of its own: processes are about to be forked
            self._bar = tqdm(desc=what, leave=False, mininterval=0.2, unit=" structures")

    def __enter__(self) -> "_Bar":
        return self

    def __exit__(self, *_) -> None:
        if self._bar is not None:
            self._bar.close()

    def __call__(self, done: int, total: int | None = None) -> None:
        if self._bar is not None:
            self._bar.total = total
            self._bar.update(done - self._bar.n)
