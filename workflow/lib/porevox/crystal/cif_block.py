"""What a parsed CIF says: cell, symmetry operations and the sites it lists."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import gemmi
import numpy as np

from porevox.crystal.cell import believable_lattice
from porevox.crystal.charges import charges
from porevox.crystal.cif_values import (
    CARTN,
    FRACT,
    MULTIPLICITY,
    BrokenValues,
    Values,
    block_values,
    is_given,
    is_unknown,
    number,
    numbers,
    strings,
)
from porevox.crystal.elements import composition, resolve_elements
from porevox.crystal.symmetry import operations, unlisted_operations
from porevox.errors import StructureRejected

_LENGTHS = ("_cell_length_a", "_cell_length_b", "_cell_length_c")
_ANGLES = ("_cell_angle_alpha", "_cell_angle_beta", "_cell_angle_gamma")


@dataclass(frozen=True)
class Listing:
    """The asymmetric unit as the file lists it.

    Parameters
    ----------
    lattice_A : (3, 3) float64
        Rows a, b, c, angstrom.
    operations : list of (M, 3, 4) float64
        See :func:`porevox.crystal.symmetry.operations`.
    labels, elements : sequence of str, length N
    frac : (N, 3) float64
        As given, not wrapped.
    occupancy : (N,) float64
    disorder : list of (str, str), length N, or None
        Assembly and group of each site, ``.`` for none.
    charges_e : (N,) float64 or None
        Partial charges, elementary charges.
    multiplicity : (N,) float64 or None
        Images of each site in the cell, as declared.
    unlisted : list of (M, 3, 4) float64
        See :func:`porevox.crystal.symmetry.unlisted_operations`.
    formula : dict of str to float
        Atoms of each element in the cell, as declared; may be empty.
    """

    lattice_A: np.ndarray
    operations: list[np.ndarray]
    labels: Sequence[str]
    elements: list[str]
    frac: np.ndarray
    occupancy: np.ndarray
    disorder: list[tuple[str, str]] | None = None
    charges_e: np.ndarray | None = None
    multiplicity: np.ndarray | None = None
    unlisted: list[np.ndarray] = field(default_factory=list)
    formula: dict[str, float] = field(default_factory=dict)


def read_document(document: gemmi.cif.Document) -> Listing:
    """The first block of a document that holds both a cell and atoms.

    Parameters
    ----------
    document : gemmi.cif.Document

    Returns
    -------
    Listing

    Raises
    ------
    StructureRejected
        ``no_atoms``: a cell but no atom; ``unreadable_cif``: no cell, or malformed values;
        ``unknown_element``.
    """
    refusal: StructureRejected | None = None
    has_cell = has_atoms = False
    for block in document:
        try:
            values = block_values(block)
        except BrokenValues as rejection:
            refusal = refusal or rejection
            continue
        cell = all(is_given(values, tag) for tag in _LENGTHS)
        atoms = any(is_given(values, tag) for tag in (FRACT[0], CARTN[0]))
        has_cell, has_atoms = has_cell or cell, has_atoms or atoms
        if cell and atoms:
            try:
                return _listing(values)
            except StructureRejected as rejection:
                # A later block may hold a better copy.
                refusal = refusal or rejection
    raise refusal or _nothing(has_cell, has_atoms)


def _nothing(has_cell: bool, has_atoms: bool) -> StructureRejected:
    if has_cell and not has_atoms:
        return StructureRejected("no_atoms", "the file has a cell but lists no atoms")
    if has_atoms and not has_cell:
        return StructureRejected("unreadable_cif", "the file lists atoms but gives no cell")
    return StructureRejected("unreadable_cif", "no data block gives both a cell and atoms")


def _listing(values: Values) -> Listing:
    lengths = tuple(_cell_number(values, tag) for tag in _LENGTHS)
    # The dictionary's default for a missing angle is 90 degrees.
    angles = tuple(_cell_number(values, tag) if is_given(values, tag) else 90.0 for tag in _ANGLES)
    lattice_A = believable_lattice(lengths, angles)
    labels, types = _names(values)
    frac = _fractions(values, labels, lengths, angles)
    occupancy = _occupancies(values, labels)
    # '?' and '.' stand for atoms that were never located, 'dum' for positions that are no atoms,
    # occupancy 0 for what programs leave of removed atoms.
    real = ~np.isnan(frac).any(axis=1) & (occupancy != 0.0)
    if len(flags := values.get("_atom_site_calc_flag", ())) == len(labels):
        real &= np.array([flag.lower() != "dum" for flag in flags])
    n, chosen = len(labels), np.flatnonzero(real)
    if len(chosen) == 0:
        raise StructureRejected("no_atoms", "no listed site has coordinates and an occupancy > 0")
    if len(chosen) < n:
        labels, frac, occupancy = [labels[i] for i in chosen.tolist()], frac[chosen], occupancy[chosen]
        types = types and [types[i] for i in chosen.tolist()]
    formula = " ".join(strings(values.get("_chemical_formula_sum", ())))
    symmetry = {tag: strings(column) for tag, column in values.items() if _is_symmetry(tag)}
    stated = operations(symmetry, angles)
    return Listing(
        lattice_A,
        stated,
        labels,
        resolve_elements(types, labels, formula),
        frac,
        occupancy,
        _disorder(values, chosen, n),
        charges(values, chosen, n),
        _multiplicity(values, chosen, n),
        unlisted_operations(symmetry, angles, len(stated[0])),
        _cell_formula(values, formula),
    )


def _multiplicity(values: Values, chosen: np.ndarray, n: int) -> np.ndarray | None:
    column = next((values[tag] for tag in MULTIPLICITY if is_given(values, tag)), ())
    if len(column) != n:
        return None
    declared = numbers(column)[chosen]
    return declared if (declared >= 1.0).all() else None


def _cell_formula(values: Values, formula: str) -> dict[str, float]:
    units = number(values.get("_cell_formula_units_z", ["?"])[0])
    # Programs that write the formula of the whole cell may give Z = 1 for a part of it, too.
    if not units >= 2.0:
        return {}
    return {element: units * atoms for element, atoms in composition(formula).items()}


def _is_symmetry(tag: str) -> bool:
    return tag.startswith(("_symmetry_", "_space_group_"))


def _cell_number(values: Values, tag: str) -> float:
    given = number(values[tag][0])
    if math.isnan(given):
        raise BrokenValues(f"{tag} is {strings(values[tag])[0][:40]!r}, no number")
    return given


def _names(values: Values) -> tuple[Sequence[str], Sequence[str] | None]:
    size = len(values.get(FRACT[0], ()) or values[CARTN[0]])
    types = values.get("_atom_site_type_symbol")
    labels = values.get("_atom_site_label")
    types = strings(types) if types is not None and len(types) == size else None
    if labels is not None and len(labels) == size:
        return strings(labels), types
    if types is None:
        raise BrokenValues("the atom list has neither labels nor types")
    return list(types), types


def _columns(values: Values, tags: Sequence[str], labels: Sequence[str]) -> np.ndarray:
    """Numbers of some columns, NaN where the file has ``?`` or ``.``; (N, len(tags)) float64."""
    raw = [values.get(tag, ()) for tag in tags]
    for tag, column in zip(tags, raw, strict=True):
        if len(column) != len(labels):
            raise BrokenValues(f"the atom list lacks values of {tag}")
    found = np.array([numbers(column) for column in raw])
    if np.isnan(found).any():
        for which, i in np.argwhere(np.isnan(found)):
            if not is_unknown(raw[which][i]):
                raise BrokenValues(
                    f"{tags[which]} of the site {labels[i]!r} is {raw[which][i][:40]!r}, no number",
                )
    return np.ascontiguousarray(found.T)


def _fractions(
    values: Values, labels: Sequence[str], lengths: Sequence[float], angles: Sequence[float]
) -> np.ndarray:
    if is_given(values, FRACT[0]):
        return _columns(values, FRACT, labels)
    return _columns(values, CARTN, labels) @ np.linalg.inv(_cif_axes(lengths, angles))


def _cif_axes(lengths: Sequence[float], angles: Sequence[float]) -> np.ndarray:
    """Rows a, b, c (angstrom) with a along x and b in the xy plane.

    Cartesian coordinates in CIFs refer to these axes (International Tables B, 3.3.1), not to the
    orientation of :class:`~porevox.crystal.structure.Structure`.
    """
    cell = gemmi.UnitCell(*lengths, *angles)
    return np.array(cell.orth.mat.tolist()).T


def _occupancies(values: Values, labels: Sequence[str]) -> np.ndarray:
    if "_atom_site_occupancy" not in values:
        return np.ones(len(labels))
    if set(values["_atom_site_occupancy"]) <= {"1", "1.0", "1.00", "1.000", "1.0000"}:
        return np.ones(len(labels))  # the plain case, met in most databases
    # The dictionary's default for a missing occupancy is 1.
    return np.nan_to_num(_columns(values, ["_atom_site_occupancy"], labels)[:, 0], nan=1.0)


def _disorder(values: Values, chosen: np.ndarray, n: int) -> list[tuple[str, str]] | None:
    groups = values.get("_atom_site_disorder_group", ())
    assemblies = values.get("_atom_site_disorder_assembly", ["."] * n)
    if len(groups) != n or len(assemblies) != n or all(map(is_unknown, groups)):
        return None
    return [(assemblies[i], groups[i]) for i in chosen]
