"""Probes and guests by name: tables of Lennard-Jones sites, one row each.

Imports nothing heavy: every job of a workflow may ask.
"""

import difflib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from porevox.energy.csvtable import name as name_in
from porevox.energy.csvtable import number, read_rows, stamp
from porevox.errors import PorevoxError

_PROBE_NUMBERS = ("sigma_A", "epsilon_K")
_SITE_NUMBERS = ("x_A", "y_A", "z_A", "sigma_A", "epsilon_K", "charge_e")
#: Charges of a guest that add up to less are neutral but for rounding.
_ROUNDED_CHARGE_E = 1e-6


def find_probe(name: str, tables: Sequence[Path]) -> tuple[float, float]:
    """Look up a probe, a single Lennard-Jones site without charge.

    Parameters
    ----------
    name : str
        A name in one of the tables.
    tables : sequence of Path
        CSV tables with the columns ``name``, ``sigma_A`` and ``epsilon_K``; a probe of a later
        one replaces that of the same name in an earlier one.

    Returns
    -------
    sigma_A, epsilon_K : float
        Sigma (angstrom) and epsilon/kB (K).

    Raises
    ------
    PorevoxError
        There is no probe of that name, or a table is broken.
    """
    probes: dict[str, tuple[float, float]] = {}
    for path in tables:
        probes |= _read_probes(Path(path), *stamp(path))
    return _choose(probes, name, "probe", tables)


def find_guest(name: str, tables: Sequence[Path]) -> tuple[dict[str, float], ...]:
    """Look up a guest, a rigid molecule of Lennard-Jones sites with partial charges.

    Parameters
    ----------
    name : str
        A name in one of the tables.
    tables : sequence of Path
        CSV tables with one row per site and the columns ``guest``, ``x_A``, ``y_A``, ``z_A``,
        ``sigma_A``, ``epsilon_K`` and ``charge_e``; a guest of a later one replaces that of the
        same name in an earlier one.

    Returns
    -------
    tuple of dict
        Per site ``x_A``, ``y_A``, ``z_A``, ``sigma_A`` (angstrom), ``epsilon_K`` (K) and
        ``charge_e`` (elementary charges), in the order of the table.

    Raises
    ------
    PorevoxError
        There is no guest of that name, or a table is broken.
    """
    guests: dict[str, tuple[tuple, ...]] = {}
    for path in tables:
        guests |= _read_guests(Path(path), *stamp(path))
    return tuple(dict(site) for site in _choose(guests, name, "guest", tables))


@lru_cache(maxsize=8)
def _read_probes(path: Path, *_stamp: int) -> dict[str, tuple[float, float]]:
    probes = {}
    for line, row in enumerate(read_rows(path, ("name", *_PROBE_NUMBERS)), start=2):
        where = f"{path}, line {line}"
        name = name_in(row, "name", where)
        if name in probes:
            raise PorevoxError(f"{where}: the probe {name} is listed twice; remove one of its rows.")
        sigma, epsilon = (number(row, column, where) for column in _PROBE_NUMBERS)
        if sigma <= 0 or epsilon <= 0:
            raise PorevoxError(f"{where}: sigma_A and epsilon_K of a probe must be positive.")
        probes[name] = sigma, epsilon
    return probes


@lru_cache(maxsize=8)
def _read_guests(path: Path, *_stamp: int) -> dict[str, tuple[tuple, ...]]:
    guests: dict[str, tuple[tuple, ...]] = {}
    for line, row in enumerate(read_rows(path, ("guest", *_SITE_NUMBERS)), start=2):
        where = f"{path}, line {line}"
        site = {column: number(row, column, where) for column in _SITE_NUMBERS}
        if site["sigma_A"] < 0 or site["epsilon_K"] < 0 or (site["epsilon_K"] and not site["sigma_A"]):
            raise PorevoxError(
                f"{where}: sigma_A and epsilon_K of a site must be positive, or both 0 for a mere charge."
            )
        name = name_in(row, "guest", where)
        if tuple(site.items()) in guests.get(name, ()):
            raise PorevoxError(f"{where}: the site of {name} is listed twice; remove one of its rows.")
        guests[name] = (*guests.get(name, ()), tuple(site.items()))
    for name, sites in guests.items():
        charge = sum(dict(site)["charge_e"] for site in sites)
        if abs(charge) > _ROUNDED_CHARGE_E:
            raise PorevoxError(
                f"{path}: the charges of {name} add up to {charge:g} e; a guest must be neutral, since the "
                "zero of the potential is arbitrary."
            )
    return guests


def _choose(known: dict, name: str, what: str, tables: Sequence[Path]):
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        names = f"known are {', '.join(known)}"
        hint = f"did you mean `{close[0]}` ({names})?" if close else f"{names}."
        raise PorevoxError(f"There is no {what} `{name}` in {' or '.join(map(str, tables))}: {hint}")
    return known[name]
