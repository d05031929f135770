"""Which unit cells are believable."""

import math
from collections.abc import Sequence

import numpy as np

from porevox.crystal.structure import lattice_from_parameters
from porevox.errors import StructureRejected

# The limits are wide: they are there for files that are certainly wrong (a cell left at
# 1 x 1 x 1, lengths in pm), not for unusual chemistry.
#: The closest lattice planes of any crystal: 1.79 A in hexagonal beryllium (c/2).
MIN_WIDTH_A = 1.5
#: Five times the longest axis of a known framework (MOF-210, 194 A).
MAX_LENGTH_A = 1000.0
#: Half of diamond's 5.7, the densest packing of atoms there is; listings that hold both halves
#: of a disordered framework stay above.
MIN_VOLUME_PER_ATOM_A3 = 2.5
#: One atom in a box of 46 A; the emptiest frameworks have about 100.
MAX_VOLUME_PER_ATOM_A3 = 1e5


def believable_lattice(lengths_A: Sequence[float], angles_deg: Sequence[float]) -> np.ndarray:
    """Lattice vectors of a cell that can exist.

    Parameters
    ----------
    lengths_A : (3,)
        a, b, c, angstrom.
    angles_deg : (3,)
        alpha, beta, gamma, degrees.

    Returns
    -------
    (3, 3) float64
        Rows a, b, c, angstrom; see :func:`porevox.crystal.structure.lattice_from_parameters`.

    Raises
    ------
    StructureRejected
        ``absurd_cell``: impossible angles, no volume, or thinner or longer than any crystal.
    """
    given = "a cell of {:g} x {:g} x {:g} A with angles {:g}, {:g}, {:g}".format(*lengths_A, *angles_deg)
    if not min(lengths_A) > 0.0 or not all(0.0 < angle < 180.0 for angle in angles_deg):
        raise StructureRejected("absurd_cell", f"{given} does not exist")
    if max(lengths_A) > MAX_LENGTH_A:
        raise StructureRejected("absurd_cell", f"{given} is longer than {MAX_LENGTH_A:g} A")
    if min(lengths_A) < MIN_WIDTH_A:
        raise StructureRejected("absurd_cell", f"{given} is shorter than {MIN_WIDTH_A:g} A")
    lattice_A = lattice_from_parameters(lengths_A, angles_deg)
    # a has no y, c neither x nor y: the determinant is the product of the diagonal.
    volume_A3 = float(lattice_A[0, 0] * lattice_A[1, 1] * lattice_A[2, 2])
    # Below 1e-6 A^3 three vectors lie in one plane but for rounding; NaN is no cell at all.
    if not volume_A3 > 1e-6:
        raise StructureRejected("absurd_cell", f"{given} has no volume")
    product = math.prod(lengths_A)
    width = min(
        volume_A3 * length / (product * math.sin(math.radians(angle)))
        for length, angle in zip(lengths_A, angles_deg, strict=True)
    )
    if width < MIN_WIDTH_A:
        raise StructureRejected("absurd_cell", f"{given} is only {width:.3g} A thick")
    return lattice_A


def check_density(n_atoms: int, volume_A3: float) -> None:
    """Refuse a cell far too small or too large for its atoms.

    Parameters
    ----------
    n_atoms : int
        Atoms in the cell, at least one.
    volume_A3 : float
        Volume of the cell, A^3.

    Raises
    ------
    StructureRejected
        ``absurd_cell``.
    """
    share_A3 = volume_A3 / n_atoms
    if not MIN_VOLUME_PER_ATOM_A3 <= share_A3 <= MAX_VOLUME_PER_ATOM_A3:
        raise StructureRejected(
            "absurd_cell",
            f"{n_atoms} atoms in a cell of {volume_A3:.6g} A^3 have {share_A3:.3g} A^3 each; "
            f"{MIN_VOLUME_PER_ATOM_A3:g} to {MAX_VOLUME_PER_ATOM_A3:g} are believable",
        )
