"""Symmetry operations written as triplets (``-x, y+1/2, z``): understood exactly or refused."""

import math
import re
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache

import numpy as np

from porevox.errors import StructureRejected

# A space group has at most 192 operations; lists written for small supercells have a few times
# as many. The time to merge images grows with the square of this number.
_MAX_OPERATIONS = 768
#: Least common denominator of all translations; settings of the tables need 24 at most.
_FINEST_TRANSLATION = 10**6
_MAX_LENGTH = 100
# Decimals stand for fractions: 0.142857 for 1/7.
_LARGEST_DENOMINATOR = 60
_ROUNDING = Fraction(1, 1000)
_TERM = re.compile(r"([+-]?)(?:([xyz])|(\d+/\d+|\d*\.\d+|\d+\.?))")
_IDENTITY = ((1, 0, 0, 0, 1, 0, 0, 0, 1), (Fraction(0),) * 3)
# Products are looked up by a 64-bit number made of the twelve integers of an operation.
_WEIGHTS = np.random.default_rng(0).integers(2**20, 2**50, size=12)


class UnclearSymmetry(StructureRejected):
    """The file states a symmetry that nobody can apply; lenient readers would take it for P 1.

    Parameters
    ----------
    detail : str
        One sentence naming what the file states.
    """

    def __init__(self, detail: str):
        super().__init__("unreadable_cif", detail)


def listed_operations(triplets: Sequence[str]) -> np.ndarray:
    """The operations that a file lists.

    Parameters
    ----------
    triplets : sequence of str

    Returns
    -------
    (M, 3, 4) float64
        Rotation and translation in fractional coordinates; distinct modulo the lattice, the
        identity first.

    Raises
    ------
    UnclearSymmetry
        ``unreadable_cif``: one is malformed, or some are missing: they make no group, and a part
        of the atoms of the cell would be lost.
    """
    if len(triplets) > _MAX_OPERATIONS:
        raise UnclearSymmetry(f"the file lists {len(triplets)} symmetry operations")
    return _operations(tuple(triplets))


# Files of one database repeat a few lists.
@lru_cache(maxsize=64)
def _operations(triplets: tuple[str, ...]) -> np.ndarray:
    exact = [_IDENTITY, *(_exact(text) for text in triplets)]
    scale = math.lcm(*(shift.denominator for _, shifts in exact for shift in shifts))
    if scale > _FINEST_TRANSLATION:
        raise UnclearSymmetry("the symmetry operations translate by fractions that no lattice has")
    rows = np.array([[*rotation, *(int(s * scale) % scale for s in shifts)] for rotation, shifts in exact])
    _, first = np.unique(rows, axis=0, return_index=True)
    rows = rows[np.sort(first)]
    _refuse_incomplete(rows, scale)
    found = np.concatenate([rows[:, :9].reshape(-1, 3, 3), rows[:, 9:, None] / scale], axis=2)
    found.flags.writeable = False
    return found


def _refuse_incomplete(rows: np.ndarray, scale: int) -> None:
    """Raise unless the product of any two operations is listed as well."""
    rotations, shifts = rows[:, :9].reshape(-1, 3, 3), rows[:, 9:]
    turned = np.einsum("aij,bjk->abik", rotations, rotations).reshape(len(rows), len(rows), 9)
    moved = (np.einsum("aij,bj->abi", rotations, shifts) + shifts[:, None]) % scale
    products = turned @ _WEIGHTS[:9] + moved @ _WEIGHTS[9:]
    if not np.isin(products, rows @ _WEIGHTS).all():
        raise UnclearSymmetry(
            f"the {len(rows)} symmetry operations of the file make no group: "
            "some are missing or wrong, and with them atoms"
        )


def _exact(text: str) -> tuple[tuple[int, ...], tuple[Fraction, ...]]:
    """Rotation, row by row, and translation of one triplet."""
    parts = text.split(",") if len(text) <= _MAX_LENGTH else ()
    readings = [_part(part.replace(" ", "").lower()) for part in parts]
    understood = [reading for reading in readings if reading is not None]
    if len(readings) != 3 or len(understood) != 3:
        raise _malformed(text)
    rotation = [row for row, _ in understood]
    # Anything else would stretch the cell or flatten it.
    if abs(round(np.linalg.det(rotation))) != 1:
        raise _malformed(text)
    return tuple(n for row in rotation for n in row), tuple(shift for _, shift in understood)


def _part(text: str) -> tuple[list[int], Fraction] | None:
    """Coefficients of x, y, z and the shift in one of the three parts; None if it is malformed."""
    row, shift, position = [0, 0, 0], Fraction(0), 0
    while position < len(text):
        term = _TERM.match(text, position)
        if term is None or (position > 0 and not term[1]):
            return None
        sign = -1 if term[1] == "-" else 1
        if term[2]:
            row["xyz".index(term[2])] += sign
        elif (number := _fraction(term[3])) is not None:
            shift += sign * number
        else:
            return None
        position = term.end()
    return row, shift


def _fraction(text: str) -> Fraction | None:
    if "/" in text:
        above, below = map(int, text.split("/"))
        return Fraction(above, below) if 0 < below <= _LARGEST_DENOMINATOR else None
    given = Fraction(text)
    meant = given.limit_denominator(_LARGEST_DENOMINATOR)
    return meant if abs(meant - given) <= _ROUNDING else None


def _malformed(text: str) -> UnclearSymmetry:
    return UnclearSymmetry(f"the symmetry operation {text[:60]!r} is malformed")
