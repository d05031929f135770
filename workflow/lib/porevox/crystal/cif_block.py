"""What a parsed CIF says: cell, symmetry operations and the sites it lists."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import gemmi
import numpy as np

from porevox.crystal.cell import believable_lattice
from porevox.crystal.elements import resolve_elements
from porevox.crystal.symmetry import operations
from porevox.errors import StructureRejected

_LENGTHS = ("_cell_length_a", "_cell_length_b", "_cell_length_c")
_ANGLES = ("_cell_angle_alpha", "_cell_angle_beta", "_cell_angle_gamma")
_FRACT = ("_atom_site_fract_x", "_atom_site_fract_y", "_atom_site_fract_z")
_CARTN = ("_atom_site_cartn_x", "_atom_site_cartn_y", "_atom_site_cartn_z")
_UNKNOWN = ("?", ".")
_WANTED = ("_cell_", "_atom_site_", "_symmetry_", "_space_group_", "_chemical_formula_sum")

Values = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Listing:
    """The asymmetric unit as the file lists it.

    Parameters
    ----------
    lattice_A : (3, 3) float64
        Rows a, b, c, angstrom.
    operations : list of (M, 3, 4) float64
        See :func:`porevox.crystal.symmetry.operations`.
    labels, elements : list of str, length N
    frac : (N, 3) float64
        As given, not wrapped.
    occupancy : (N,) float64
    disorder : list of (str, str), length N, or None
        Assembly and group of each site, ``.`` for none.
    """

    lattice_A: np.ndarray
    operations: list[np.ndarray]
    labels: list[str]
    elements: list[str]
    frac: np.ndarray
    occupancy: np.ndarray
    disorder: list[tuple[str, str]] | None = None


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
    refusal = None
    has_cell = has_atoms = False
    for block in document:
        values = _values(block)
        cell = all(_given(values, tag) for tag in _LENGTHS)
        atoms = any(_given(values, tag) for tag in (_FRACT[0], _CARTN[0]))
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


def _values(block: gemmi.cif.Block) -> dict[str, list[str]]:
    """Columns by lower-case tag, raw (quoted) values; the first of duplicate tags counts."""
    values: dict[str, list[str]] = {}
    for item in block:
        if item.pair is not None:
            tag, value = item.pair
            values.setdefault(_tag(tag), [value])
        elif item.loop is not None:
            tags, flat = item.loop.tags, item.loop.values
            for i, tag in enumerate(map(_tag, tags)):
                if tag.startswith(_WANTED):
                    values.setdefault(tag, flat[i :: len(tags)])
    return values


def _tag(tag: str) -> str:
    # Newer dictionaries (DDLm) write _atom_site.fract_x for _atom_site_fract_x.
    return tag.lower().replace(".", "_")


def _given(values: Values, tag: str) -> bool:
    return any(value not in _UNKNOWN for value in values.get(tag, ()))


def _strings(raw: Sequence[str]) -> list[str]:
    joined = "".join(raw)
    if "'" not in joined and '"' not in joined and ";" not in joined:
        return list(raw)
    return [gemmi.cif.as_string(v) if v[:1] in ("'", '"', ";") else v for v in raw]


def _listing(values: Values) -> Listing:
    lengths = tuple(_cell_number(values, tag) for tag in _LENGTHS)
    # The dictionary's default for a missing angle is 90 degrees.
    angles = tuple(_cell_number(values, tag) if _given(values, tag) else 90.0 for tag in _ANGLES)
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
        labels, frac, occupancy = [labels[i] for i in chosen], frac[chosen], occupancy[chosen]
        types = types and [types[i] for i in chosen]
    formula = " ".join(_strings(values.get("_chemical_formula_sum", ())))
    symmetry = {tag: _strings(column) for tag, column in values.items() if _is_symmetry(tag)}
    return Listing(
        lattice_A,
        operations(symmetry, angles),
        labels,
        resolve_elements(types, labels, formula),
        frac,
        occupancy,
        _disorder(values, chosen, n),
    )


def _is_symmetry(tag: str) -> bool:
    return tag.startswith(("_symmetry_", "_space_group_"))


def _cell_number(values: Values, tag: str) -> float:
    number = _number(values[tag][0])
    if not np.isfinite(number):
        raise StructureRejected("unreadable_cif", f"{tag} is {values[tag][0][:40]!r}, no number")
    return number


def _number(text: str) -> float:
    """A CIF number with or without its uncertainty: 1.5, 1.5(2), '1.5'; NaN for anything else."""
    return gemmi.cif.as_number(gemmi.cif.as_string(text) if text[:1] in "'\"" else text)


def _names(values: Values) -> tuple[list[str], list[str] | None]:
    size = len(values.get(_FRACT[0], ()) or values[_CARTN[0]])
    types = values.get("_atom_site_type_symbol")
    labels = values.get("_atom_site_label")
    types = _strings(types) if types is not None and len(types) == size else None
    if labels is not None and len(labels) == size:
        return _strings(labels), types
    if types is None:
        raise StructureRejected("unreadable_cif", "the atom list has neither labels nor types")
    return list(types), types


def _columns(values: Values, tags: Sequence[str], labels: Sequence[str]) -> np.ndarray:
    """Numbers of some columns, NaN where the file has ``?`` or ``.``; (N, len(tags)) float64."""
    raw = [values.get(tag, ()) for tag in tags]
    for tag, column in zip(tags, raw, strict=True):
        if len(column) != len(labels):
            raise StructureRejected("unreadable_cif", f"the atom list lacks values of {tag}")
    try:
        numbers = np.array([list(map(float, column)) for column in raw])
    except ValueError:
        numbers = np.array([list(map(_number, column)) for column in raw])
    if not np.isfinite(numbers).all():
        for which, i in np.argwhere(~np.isfinite(numbers)):
            if raw[which][i] not in _UNKNOWN:
                raise StructureRejected(
                    "unreadable_cif",
                    f"{tags[which]} of the site {labels[i]!r} is {raw[which][i][:40]!r}, no number",
                )
    return np.ascontiguousarray(numbers.T)


def _fractions(
    values: Values, labels: Sequence[str], lengths: Sequence[float], angles: Sequence[float]
) -> np.ndarray:
    if _given(values, _FRACT[0]):
        return _columns(values, _FRACT, labels)
    return _columns(values, _CARTN, labels) @ np.linalg.inv(_cif_axes(lengths, angles))


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
    if len(groups) != n or len(assemblies) != n or set(groups) <= set(_UNKNOWN):
        return None
    return [(assemblies[i], groups[i]) for i in chosen]
