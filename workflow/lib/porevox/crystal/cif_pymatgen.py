"""pymatgen as the last reader: slow, but it forgives what others do not."""

import warnings

import numpy as np

from porevox.crystal.cell import believable_lattice
from porevox.crystal.cif_block import Listing
from porevox.crystal.elements import resolve_elements
from porevox.errors import StructureRejected

_IDENTITY = np.hstack([np.eye(3), np.zeros((3, 1))])[None]


def read_with_pymatgen(text: str) -> Listing:
    """Read a CIF with pymatgen's parser.

    Parameters
    ----------
    text : str

    Returns
    -------
    Listing
        Symmetry already applied: the only operation is the identity.

    Raises
    ------
    StructureRejected
        ``unreadable_cif``: pymatgen cannot read it either.
    """
    # Imported here: it takes a second, and hardly any structure needs it.
    from pymatgen.io.cif import CifParser

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # Occupancies are judged by our own policy, so pymatgen must not refuse them.
            parser = CifParser.from_str(text, occupancy_tolerance=100.0)
            structure = parser.parse_structures(primitive=False, on_error="ignore")[0]
            # Here as well, since a structure of NaNs fails only when it is looked at.
            cell = tuple(structure.lattice.abc), tuple(structure.lattice.angles)
            rows = [
                (site.label, specie.symbol, site.frac_coords, occupancy)
                for site in structure
                for specie, occupancy in site.species.items()
            ]
    except Exception as error:
        # A broad net on purpose: on broken files pymatgen raises whatever its parsing runs into
        # (KeyError, IndexError, AssertionError, TypeError, ZeroDivisionError ...).
        raise StructureRejected(
            "unreadable_cif", f"pymatgen cannot read the file ({type(error).__name__})"
        ) from error
    return _listing(cell, rows)


def _listing(cell: tuple, rows: list[tuple]) -> Listing:
    if not rows:
        raise StructureRejected("no_atoms", "pymatgen finds no atoms in the file")
    labels, symbols, frac, occupancy = (list(column) for column in zip(*rows, strict=True))
    positions = np.array(frac, dtype=np.float64)
    if not np.isfinite(positions).all():
        raise StructureRejected("unreadable_cif", "pymatgen finds positions that are no numbers")
    return Listing(
        believable_lattice(*cell),
        [_IDENTITY],
        labels,
        resolve_elements(symbols, labels),
        positions,
        np.array(occupancy, dtype=np.float64),
    )
