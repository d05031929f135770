"""Where the partial charges of a framework come from: its CIF, or charge equilibration."""

from dataclasses import replace

import numpy as np

from porevox.crystal.structure import Structure
from porevox.energy.charge_table import find_charge_table
from porevox.errors import PorevoxError, StructureRejected

#: ``cif``: the CIF's, or none; ``eqeq``: equilibrated, whatever the CIF says; ``cif_or_eqeq``:
#: equilibrated where the CIF has none.
SOURCES = ("cif", "eqeq", "cif_or_eqeq")


def check_source(charges: str, charge_table: str | None) -> None:
    """Refuse settings of a channel that are not allowed.

    Parameters
    ----------
    charges : {"cif", "eqeq", "cif_or_eqeq"}
    charge_table : str or None
        Digest of the table that equilibration must use; None: any.

    Raises
    ------
    PorevoxError
        A value is not allowed.
    """
    if charges not in SOURCES:
        raise PorevoxError(f"channel charges is {charges!r}; choose one of {', '.join(SOURCES)}")
    if charge_table is not None and not (isinstance(charge_table, str) and charges != "cif"):
        raise PorevoxError(
            "channel charge_table must be the digest of a table, and has no use for charges: cif"
        )


def known_settings(values: dict) -> dict:
    """Leave out the settings of charges that are what they are by default.

    Parameters
    ----------
    values : dict
        Settings of a channel with ``charges`` and ``charge_table``.

    Returns
    -------
    dict
        What is computed is the same, and so is the name it is known by.
    """
    default = {"charges": "cif", "charge_table": None}
    return {key: value for key, value in values.items() if key not in default or value != default[key]}


def with_charges(structure: Structure, charges: str, charge_table: str | None = None) -> Structure:
    """Return a structure with the charges that are to be used.

    Parameters
    ----------
    structure : Structure
    charges : {"cif", "eqeq", "cif_or_eqeq"}
    charge_table : str, optional
        Digest of the table that equilibration must use; see
        :func:`~porevox.energy.charge_table.find_charge_table`.

    Returns
    -------
    Structure
        Still without charges where there are none in the CIF, and `charges` is ``cif``.

    Raises
    ------
    StructureRejected
        ``unknown_element``: equilibration has no numbers for an element; ``no_charges``: it fails,
        see :func:`~porevox.crystal.eqeq.equilibrated_charges`.
    PorevoxError
        The table is missing, broken, or not the one asked for.
    """
    if not _equilibrates(structure, charges):
        return structure
    from porevox.crystal.eqeq import equilibrated_charges

    table = find_charge_table(charge_table)
    unknown = sorted(set(structure.elements) - table.hardness_eV.keys())
    if unknown:
        raise StructureRejected("unknown_element", f"charge equilibration has no energies for {unknown[0]}")
    slope, hardness = (
        np.array([values[element] for element in structure.elements])
        for values in (table.electronegativity_eV, table.hardness_eV)
    )
    found = equilibrated_charges(structure.frac, structure.lattice_A, slope, hardness)
    return replace(structure, charges_e=found)


def stand_in(structure: Structure, charges: str) -> tuple[Structure, float]:
    """Return a structure with charges of the usual size, and the memory for the real ones.

    Parameters
    ----------
    structure : Structure
    charges : {"cif", "eqeq", "cif_or_eqeq"}

    Returns
    -------
    structure : Structure
        As it is where nothing is equilibrated.
    memory_MB : float
        That :func:`with_charges` will touch, MB (10^6 bytes).
    """
    if not _equilibrates(structure, charges):
        return structure, 0.0
    from porevox.crystal.eqeq import memory_MB

    usual = np.linspace(-1.0, 1.0, structure.n_atoms)
    return replace(structure, charges_e=usual), memory_MB(structure.n_atoms, structure.lattice_A)


def _equilibrates(structure: Structure, charges: str) -> bool:
    return charges == "eqeq" or (charges == "cif_or_eqeq" and structure.charges_e is None)
