"""Options on grid, channel and reading that the commands share, and what they stand for."""

import argparse
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from porevox.errors import PorevoxError

#: Kinds of channel by the names they have on the command line.
CHANNELS = {"lj": "lennard_jones", "electrostatic": "electrostatic", "guest": "guest"}
#: Options of the channels: name on the command line -> (setting, channels that have it).
_CHANNEL_OPTIONS = {
    "probe": ("probe", ("lj",)),
    "sigma": ("probe_sigma_A", ("lj",)),
    "epsilon": ("probe_epsilon_K", ("lj",)),
    "guest": ("guest", ("guest",)),
    "temperature": ("temperature_K", ("guest",)),
    "orientations": ("n_orientations", ("guest",)),
    "cutoff": ("cutoff_A", ("lj", "electrostatic", "guest")),
    "truncation": ("truncation", ("lj", "guest")),
    "charges": ("charges", ("electrostatic", "guest")),
    "forcefield": ("forcefield", ("lj", "guest")),
}


@dataclass(frozen=True)
class Settings:
    """What to compute, as :func:`porevox.voxels.voxelise_shard` takes it."""

    grid: dict
    channel: dict
    reading: dict
    forcefield: Path | None


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Add the options on grid, channel and reading.

    Parameters
    ----------
    parser : argparse.ArgumentParser
    """
    _add_channel(parser.add_argument_group("what is computed"))
    grid = parser.add_argument_group("grid")
    kinds = ("mic_supercell", "unit_cell", "cubic_box")
    add = grid.add_argument
    add("--grid", choices=kinds, default=kinds[0], help="where the points lie (default: %(default)s)")
    add("--n", type=int, default=25, metavar="N", help="points along each axis (default: %(default)s)")
    add("--endpoint", action="store_true", help="put the last plane on the far face")
    add("--box-length", type=float, metavar="A", help="edge of a cubic_box (default: 30)")
    add = parser.add_argument_group("CIFs that are not plainly one set of atoms").add_argument
    add("--partial-occupancy", choices=("reject", "largest", "full"), default="reject")
    add("--overlapping-atoms", choices=("reject", "merge", "keep"), default="reject")
    add(
        "--overlap-distance", type=float, default=0.5, metavar="A", help="nearer atoms overlap (default: 0.5)"
    )


def _add_channel(group) -> None:
    add = group.add_argument
    add(
        "--channel",
        choices=tuple(CHANNELS),
        default="lj",
        help="energy of a spherical Lennard-Jones probe (lj, the default; K), electrostatic potential of "
        "partial charges (electrostatic; V), or effective energy of a rigid molecule averaged over "
        "its orientations (guest; K)",
    )
    add("--probe", metavar="NAME", help="of resources/probes.csv, such as CH4 (default: thesis)")
    add("--sigma", type=float, metavar="A", help="sigma of the probe in angstrom, in place of the table's")
    add("--epsilon", type=float, metavar="K", help="epsilon/kB of the probe in K, in place of the table's")
    add("--guest", metavar="NAME", help="of resources/guests.csv (default: CO2)")
    add("--temperature", type=float, metavar="K", help="of the average over orientations (default: 298)")
    add(
        "--orientations",
        type=int,
        metavar="N",
        help="of a guest (default: as many as it needs)",
    )
    add("--cutoff", type=float, metavar="A", help="cutoff radius (default: 10, of guests 12)")
    add("--truncation", choices=("truncated", "shifted"), help="of pair energies (default: truncated)")
    add(
        "--charges",
        choices=("cif", "eqeq", "cif_or_eqeq"),
        help="partial charges of the CIF (cif, the default), by charge equilibration (eqeq), or the latter "
        "where the CIF has none (cif_or_eqeq)",
    )
    add(
        "--forcefield",
        metavar="NAME",
        help="table in resources/forcefields, or path of a CSV with element, sigma_A and epsilon_K "
        "(default: uff)",
    )


def settings(options: argparse.Namespace) -> Settings:
    """Return what the options ask for.

    Parameters
    ----------
    options : argparse.Namespace
        With the options of :func:`add_settings`.

    Returns
    -------
    Settings

    Raises
    ------
    PorevoxError
        Options that do not go together, or a name that no table knows.
    """
    grid = {"kind": options.grid, "n": options.n, "endpoint": options.endpoint}
    if options.box_length is not None:
        if options.grid != "cubic_box":
            raise PorevoxError(f"--box-length has no meaning for --grid {options.grid}; leave it out.")
        grid["box_length_A"] = options.box_length
    reading = {
        "partial_occupancy": options.partial_occupancy,
        "overlapping_atoms": options.overlapping_atoms,
        "overlap_distance_A": options.overlap_distance,
    }
    given = _given(options)
    forcefield = None
    if options.channel != "electrostatic":
        forcefield = _forcefield(given.pop("forcefield", "uff"))
    return Settings(grid, _channel(CHANNELS[options.channel], given), reading, forcefield)


def _given(options: argparse.Namespace) -> dict:
    """The settings of the channel that were given, by the names they have in the library."""
    given = {}
    for option, (setting, channels) in _CHANNEL_OPTIONS.items():
        value = getattr(options, option)
        if value is None:
            continue
        if options.channel not in channels:
            message = f"--{option} has no meaning for --channel {options.channel}"
            other = f", only for {' and '.join(channels)}; leave it out, or change --channel."
            raise PorevoxError(message + other)
        given[setting] = value
    return given


def _channel(kind: str, given: Mapping) -> dict:
    from porevox import channel_settings

    block = {"kind": kind, **given}
    if kind == "lennard_jones":
        block = {"probe": "thesis", "probe_sigma_A": None, "probe_epsilon_K": None, **block}
        if None in (block["probe_sigma_A"], block["probe_epsilon_K"]):
            _require_tables("give --sigma and --epsilon")
    if kind == "guest":
        block = {"guest": "CO2", **block}
        _require_tables("only probes can then be given as numbers")
    if given.get("charges", "cif") != "cif":
        _require_tables("use the charges of the CIFs")
    return channel_settings.settings(block)


def _forcefield(name: str) -> Path:
    """The table of a name, or a path of the user's own."""
    if name.endswith(".csv") or os.sep in name:
        return Path(name).expanduser()
    from porevox import channel_settings

    _require_tables("give the path of a table with --forcefield")
    path = channel_settings.forcefield_path({"forcefield": name})
    assert path is not None  # a name was given
    return path


def _require_tables(otherwise: str) -> None:
    """The tables lie in the repository, and an installation that is only a copy of the code has none."""
    from porevox import layout

    if not (layout.ROOT / "resources").is_dir() and not Path("resources").is_dir():
        raise PorevoxError(
            "the tables of force fields, probes and guests are not installed with the code: run "
            f"`pip install -e .` in a clone of the repository, or {otherwise}."
        )
