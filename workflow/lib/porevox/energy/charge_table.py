"""Ionisation energies that charge equilibration needs, and the parabola that follows for each element.

Imports nothing heavy: every job of a workflow may ask.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from porevox.energy.csvtable import name, number, read_rows, stamp
from porevox.errors import PorevoxError

#: The table that comes with the project, and where a working directory may have its own. Not asked
#: of the module that knows all paths: voxels depend on no other path than this.
NAME = Path("resources", "ionisation.csv")
SHIPPED = Path(__file__).resolve().parents[4] / NAME
#: Ionisation energies that the table has columns for.
_MOST = 8
_ENERGIES = ("electron_affinity_eV", *(f"ionisation_energy_{i}_eV" for i in range(1, _MOST + 1)))
_CENTRE = "charge_centre_e"


@dataclass(frozen=True)
class ChargeTable:
    """What charge equilibration knows of each element.

    Parameters
    ----------
    electronegativity_eV : dict of str to float
        Element -> X, slope of the atom's energy at zero charge, eV/e.
    hardness_eV : dict of str to float
        Element -> J, curvature of the atom's energy, eV/e^2; positive.
    digest : str
        SHA-256 of these numbers, 16 digits.
    """

    electronegativity_eV: dict[str, float]
    hardness_eV: dict[str, float]
    digest: str


def find_charge_table(digest: str | None = None) -> ChargeTable:
    """Return the shipped table, with the rows of the working directory's own on top.

    Parameters
    ----------
    digest : str, optional
        What the table's digest has to be.

    Returns
    -------
    ChargeTable

    Raises
    ------
    PorevoxError
        A table is missing or broken, or its digest is another.
    """
    own = [NAME] if NAME.is_file() and not (SHIPPED.is_file() and NAME.samefile(SHIPPED)) else []
    tables = [SHIPPED, *own]
    found = load_charge_table(tables)
    if digest not in (None, found.digest):
        raise PorevoxError(
            f"The numbers in {' and '.join(map(str, tables))} are not those that were asked for (digest "
            f"{found.digest}, not {digest}): restore the table, or leave `charge_table` out."
        )
    return found


def load_charge_table(tables: Sequence[Path]) -> ChargeTable:
    """Read ionisation energies.

    An atom's energy is a parabola about its charge centre Q, J = I(Q+1) - I(Q) and
    X = (I(Q+1) + I(Q))/2 - Q J, where I(n) is the n-th ionisation energy and I(0) the electron
    affinity (Wilmer, Kim, Snurr, J. Phys. Chem. Lett. 3, 2506 (2012)).

    Parameters
    ----------
    tables : sequence of Path
        CSV tables with the columns ``element``, ``electron_affinity_eV``,
        ``ionisation_energy_1_eV`` to ``ionisation_energy_8_eV`` (as many as are known) and
        ``charge_centre_e``; a row of a later one replaces that of the same element in an earlier
        one.

    Returns
    -------
    ChargeTable

    Raises
    ------
    PorevoxError
        A table is missing or broken.
    """
    parabolas: dict[str, tuple[float, float]] = {}
    for path in tables:
        parabolas |= _read(Path(path), *stamp(path))
    lines = [f"{element} {x!r} {j!r}\n" for element, (x, j) in sorted(parabolas.items())]
    return ChargeTable(
        {element: x for element, (x, _) in parabolas.items()},
        {element: j for element, (_, j) in parabolas.items()},
        hashlib.sha256("".join(lines).encode()).hexdigest()[:16],
    )


@lru_cache(maxsize=8)
def _read(path: Path, *_stamp: int) -> dict[str, tuple[float, float]]:
    parabolas = {}
    for line, row in enumerate(read_rows(path, ("element", *_ENERGIES, _CENTRE)), start=2):
        where = f"{path}, line {line}"
        element = name(row, "element", where)
        if element in parabolas:
            raise PorevoxError(f"{where}: the element {element} is listed twice; remove one of its rows.")
        parabolas[element] = _parabola(row, where)
    return parabolas


def _parabola(row: dict, where: str) -> tuple[float, float]:
    centre = number(row, _CENTRE, where)
    if not (centre.is_integer() and 0 <= centre < _MOST):
        raise PorevoxError(
            f"{where}: {_CENTRE} is {centre:g}; it must be a whole number from 0 to {_MOST - 1}."
        )
    lower, upper = (number(row, _ENERGIES[int(centre) + step], where) for step in (0, 1))
    if not upper > lower:
        raise PorevoxError(
            f"{where}: {_ENERGIES[int(centre) + 1]} is {upper:g}; it must be greater than the energy "
            "before it."
        )
    hardness = upper - lower
    return 0.5 * (upper + lower) - centre * hardness, hardness
