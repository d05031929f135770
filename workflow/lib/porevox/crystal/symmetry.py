"""Symmetry operations of a CIF, however the file states them."""

import re
from collections.abc import Mapping, Sequence

import gemmi
import numpy as np

from porevox.errors import StructureRejected

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
_PART = r"[-+xyz0-9./ ]*[xyz][-+xyz0-9./ ]*"
_TRIPLET = re.compile(rf"{_PART},{_PART},{_PART}", re.IGNORECASE)
_IDENTITY = np.hstack([np.eye(3), np.zeros((3, 1))])[None]
# A space group has at most 192 operations; lists written for small supercells have a few times
# as many. The time to merge images grows with the square of this number.
_MAX_OPERATIONS = 768


class UnclearSymmetry(StructureRejected):
    """The file states a symmetry that nobody can apply; lenient readers would take it for P 1.

    Parameters
    ----------
    detail : str
        One sentence naming what the file states.
    """

    def __init__(self, detail: str):
        super().__init__("unreadable_cif", detail)


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
        ``unreadable_cif``: an operation or the space group cannot be understood.
    StructureRejected
        ``unreadable_cif``: an operation is beyond gemmi (translations of 1/5), not beyond others.

    Notes
    -----
    Listed operations decide over names, as in gemmi and pymatgen: they alone say which origin
    and axes the coordinates belong to. Without any statement the file is taken as P 1.
    """
    listed = next((values[tag] for tag in _OPERATIONS if _stated(values.get(tag))), None)
    if listed is not None:
        return [_parse(listed)]
    groups = _from_names(values, angles_deg)
    return [_matrices(list(group)) for group in groups] if groups else [_IDENTITY]


def _stated(column: Sequence[str] | None) -> bool:
    return bool(column) and any(value not in ("?", ".", "") for value in column)


def _parse(listed: Sequence[str]) -> np.ndarray:
    if len(listed) == 1 and listed[0].replace(" ", "").lower() == "x,y,z":
        return _IDENTITY
    if len(listed) > _MAX_OPERATIONS:
        raise UnclearSymmetry(f"the file lists {len(listed)} symmetry operations")
    malformed = next((text for text in listed if len(text) > 100 or not _TRIPLET.fullmatch(text)), None)
    if malformed is not None:
        raise UnclearSymmetry(f"the symmetry operation {malformed[:60]!r} is malformed")
    try:
        return _matrices([gemmi.Op(text) for text in listed])
    except (RuntimeError, ValueError) as error:
        raise StructureRejected(
            "unreadable_cif", f"gemmi cannot apply a symmetry operation ({error})"
        ) from error


def _matrices(ops: list[gemmi.Op]) -> np.ndarray:
    """Distinct operations (modulo the lattice) as (M, 3, 4), identity first."""
    unique = {op.wrap().triplet(): op for op in [gemmi.Op("x,y,z"), *ops]}
    parts = [np.hstack([np.array(op.rot), np.array(op.tran)[:, None]]) for op in unique.values()]
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
