"""Symmetry operations of a CIF, however the file states them."""

import re
from collections.abc import Mapping, Sequence

import gemmi
import numpy as np

from porevox.crystal.triplets import UnclearSymmetry, listed_operations

_OPERATIONS = (
    "_symmetry_equiv_pos_as_xyz",
    "_space_group_symop_operation_xyz",
    "_symmetry_equiv_pos_as_xyz_",
    "_space_group_symop_operation_xyz_",
)
_HALL = ("_space_group_name_hall", "_symmetry_space_group_name_hall")
_HERMANN_MAUGUIN = (
    "_space_group_name_h-m_alt",
    "_symmetry_space_group_name_h-m",
    "_space_group_name_h-m_full",
    "_space_group_name_h-m_ref",
)
_NUMBER = ("_space_group_it_number", "_symmetry_int_tables_number")
_SYSTEM = ("_space_group_crystal_system", "_symmetry_cell_setting")
_IDENTITY = np.hstack([np.eye(3), np.zeros((3, 1))])[None]
_P1 = ("P1", "P 1", "p 1", "p1")


def operations(values: Mapping[str, Sequence[str]], angles_deg: Sequence[float]) -> list[np.ndarray]:
    """Symmetry operations stated by the file.

    Parameters
    ----------
    values : mapping of str to sequence of str
        Unquoted values by lower-case tag.
    angles_deg : (3,)
        Cell angles; they tell rhombohedral from hexagonal axes.

    Returns
    -------
    list of (M, 3, 4) float64
        Rotation and translation in fractional coordinates, identity first. More than one set
        where the file leaves the origin open (e.g. ``F d -3 m`` alone): the one under which
        atoms do not collide is meant.

    Raises
    ------
    UnclearSymmetry
        ``unreadable_cif``: an operation or the space group cannot be understood, or operations
        are missing.

    Notes
    -----
    Listed operations decide over names, as in gemmi and pymatgen: they alone say which origin
    and axes the coordinates belong to. Without any statement the file is taken as P 1.
    """
    listed = next((values[tag] for tag in _OPERATIONS if _stated(values.get(tag))), None)
    if listed is not None:
        return [listed_operations(listed)]
    groups = _from_names(values, angles_deg)
    if any(len(group) > 1 for group in groups):
        return [_matrices(group) for group in groups]
    if any(tag in values and not values[tag] for tag in _OPERATIONS):
        raise UnclearSymmetry("the file's list of symmetry operations is empty")
    system = _first(values, _SYSTEM)
    if not groups and system.lower() not in ("", "triclinic"):
        raise UnclearSymmetry(
            f"the file calls its cell {system[:40]} but gives neither symmetry operations nor a space group"
        )
    return [_IDENTITY]


def unlisted_operations(
    values: Mapping[str, Sequence[str]], angles_deg: Sequence[float], n_listed: int
) -> list[np.ndarray]:
    """Operations of the space group that the file names, where it lists fewer of them.

    Parameters
    ----------
    values, angles_deg
        See :func:`operations`.
    n_listed : int
        Operations that :func:`operations` found.

    Returns
    -------
    list of (M, 3, 4) float64
        As :func:`operations` returns them; empty when the name adds nothing to the list.
    """
    if _first(values, _HERMANN_MAUGUIN) in _P1:
        return []
    try:
        groups = _from_names(values, angles_deg)
    except UnclearSymmetry:  # a name that nobody knows adds nothing
        return []
    return [_matrices(group) for group in groups if len(group) > n_listed]


def _stated(column: Sequence[str] | None) -> bool:
    return column is not None and any(value not in ("?", ".", "") for value in column)


def _matrices(group: gemmi.GroupOps) -> np.ndarray:
    parts = [np.hstack([np.array(op.rot), np.array(op.wrap().tran)[:, None]]) for op in group]
    return np.array(parts, dtype=np.float64) / gemmi.Op.DEN


def _from_names(values: Mapping[str, Sequence[str]], angles_deg: Sequence[float]) -> list[gemmi.GroupOps]:
    hall = _by_hall(_first(values, _HALL))
    name = _first(values, _HERMANN_MAUGUIN)
    number = _first(values, _NUMBER)
    group = _by_name(name, angles_deg) or _by_number(number, angles_deg)
    if group is None:
        if hall is None and (name or number):
            raise UnclearSymmetry(
                "the file lists no symmetry operations and its space group "
                f"{(name or number)[:60]!r} is not a known one"
            )
        return [hall] if hall is not None else []
    named = _origin_choices(group, name)
    # The Hall symbol fixes axes and origin, but some programs leave a wrong one (P 1) behind.
    if hall is not None and len(hall) == len(named[0]):
        return [hall]
    return named


def _first(values: Mapping[str, Sequence[str]], tags: Sequence[str]) -> str:
    return next((values[tag][0].strip() for tag in tags if _stated(values.get(tag))), "")


def _by_hall(symbol: str) -> gemmi.GroupOps | None:
    if not symbol:
        return None
    try:
        return gemmi.symops_from_hall(symbol)
    except (RuntimeError, ValueError):
        return None


def _by_name(name: str, angles_deg: Sequence[float]) -> gemmi.SpaceGroup | None:
    if not name:
        return None
    alpha, _, gamma = angles_deg
    # ICSD marks the origin choice by a final S or Z and the axes by H or R.
    plain = re.sub(r"\s*:?\s*([SZ])$", lambda m: {"S": ":1", "Z": ":2"}[m[1]], name)
    plain = re.sub(r"(?<=[a-zA-Z0-9])\s*([HR])$", r":\1", plain)
    candidates = (name, plain, plain.replace("_", ""), plain.replace("(", "").replace(")", ""))
    found = (gemmi.find_spacegroup_by_name(text, alpha, gamma) for text in candidates)
    return next((group for group in found if group is not None), None)


def _by_number(number: str, angles_deg: Sequence[float]) -> gemmi.SpaceGroup | None:
    if not number.isdecimal() or len(number) > 3 or not 1 <= int(number) <= 230:
        return None
    group = gemmi.find_spacegroup_by_number(int(number))
    if group is not None and group.ext == "H":
        return gemmi.find_spacegroup_by_name(group.hm, angles_deg[0], angles_deg[2])
    return group


def _origin_choices(group: gemmi.SpaceGroup, name: str) -> list[gemmi.GroupOps]:
    if group.ext not in ("1", "2") or name.endswith((":1", ":2", "S", "Z")):
        return [group.operations()]
    # Origin 2 (at the inversion centre) first: the standard since 1983, and the tie-breaker.
    settings = [gemmi.find_spacegroup_by_name(f"{group.hm}:{choice}") for choice in "21"]
    return [setting.operations() for setting in settings if setting is not None]
