"""``porevox show``: a picture of one structure's voxels."""

import argparse
import math
from pathlib import Path

from porevox.cli.gather import find_cif
from porevox.cli.options import add_settings, settings
from porevox.cli.outputs import check_free
from porevox.cli.picture import Shown, compute, is_stored, read_stored
from porevox.errors import PorevoxError

NAME = "show"
ABOUT = "draw the voxels of one structure"
DESCRIPTION = """\
Draw the voxels of one structure: a surface of equal energy in space, and three planes.

Voxels are computed from a CIF, or read from what `porevox voxelize` or a study wrote. The
latter do not know the cell: give its CIF with --cif to have them drawn to scale."""
EXAMPLES = """\
examples:
  porevox show IRMOF-1.cif -o IRMOF-1.png
  porevox show IRMOF-1.cif -o co2.pdf --channel guest --guest CO2 --grid unit_cell --n 40
  porevox show voxels.npy --row 3 -o picture.png
  porevox show voxels.npy --id IRMOF-1 --cif cifs/ -o picture.png
  porevox show results/voxels/demo/thesis/lj/0123abcd IRMOF-1 -o picture.png"""
_KINDS = (".png", ".pdf", ".svg")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's options.

    Parameters
    ----------
    parser : argparse.ArgumentParser
    """
    add = parser.add_argument
    add(
        "source",
        type=Path,
        metavar="SOURCE",
        help="a CIF (or a folder or an archive of CIFs), an .npy file of voxelize, or a folder of shards",
    )
    add("name", nargs="?", metavar="ID", help="the structure, where SOURCE holds several")
    add("--id", metavar="ID", help="the same")
    add("--row", type=int, metavar="N", help="row of the structure in stored voxels, from 0")
    add("-o", "--output", required=True, type=Path, metavar="OUT", help=".png, .pdf or .svg")
    add("--force", action="store_true", help="write over a file of this name")
    add("--cif", type=Path, help="CIF of stored voxels, or a folder or an archive that holds it")
    add = parser.add_argument_group("picture").add_argument
    add("--level", type=float, help="energy (K) or potential (V) on the surface (default: 298 K)")
    add(
        "--planes",
        type=float,
        nargs=3,
        metavar="F",
        help="fractions of the edges a, b and c at which the planes lie (default: in the largest pore)",
    )
    add("--boltzmann", type=float, metavar="K", help="show exp(-V/T) at this temperature on the planes")
    add_settings(parser)


def run(options: argparse.Namespace) -> int:
    """Run the command.

    Parameters
    ----------
    options : argparse.Namespace
        With those of :func:`add_options`.

    Returns
    -------
    int
        Exit status, 0.

    Raises
    ------
    PorevoxError
        The options, the source or the output cannot be used.
    """
    if options.output.suffix.lower() not in _KINDS:
        raise PorevoxError(f"the output is {options.output}; its name must end in {', '.join(_KINDS)}.")
    check_free([options.output], options.force)
    shown = _shown(options)
    if options.boltzmann is not None and shown.channel.unit != "K":
        raise PorevoxError("--boltzmann has no meaning for a potential; leave it out.")
    from porevox.figures.voxel_box import voxel_box
    from porevox.figures.voxel_view import draw_voxels

    draw_voxels(
        voxel_box(shown.values, shown.grid, shown.structure, shown.cutoff_A),
        options.output,
        shown.channel.quantity,
        shown.id,
        shown.note,
        level=options.level,
        planes=tuple(options.planes) if options.planes else None,
        boltzmann_K=options.boltzmann,
    )
    return 0


def _shown(options: argparse.Namespace) -> Shown:
    if options.name and options.id and options.name != options.id:
        raise PorevoxError(f"both {options.name} and --id {options.id} are given: leave one out.")
    if options.planes and not all(0 <= part <= 1 for part in options.planes):
        raise PorevoxError("--planes takes three fractions between 0 and 1.")
    if options.boltzmann is not None and not 0 < options.boltzmann < math.inf:
        raise PorevoxError(f"--boltzmann is {options.boltzmann:g}; it must be a temperature above 0 K.")
    if options.level is not None and not math.isfinite(options.level):
        raise PorevoxError(f"--level is {options.level:g}; it must be a finite number.")
    id = options.name or options.id
    if is_stored(options.source):
        return read_stored(options.source, id, options.row, options.cif)
    if options.row is not None or options.cif is not None:
        raise PorevoxError(f"{options.source} holds no voxels: leave out --row and --cif.")
    return compute(find_cif(options.source, id), settings(options))
