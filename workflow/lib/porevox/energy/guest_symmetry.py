"""Points of a grid at which a guest, averaged over its orientations, has equal energies.

An average over a finite set of orientations has not all of the crystal's symmetry: a rotation would
have to map the set onto itself. Translations do nothing to an orientation, and inversion does
nothing to the axis of a guest that looks the same from both ends; what they make equal is equal in
every single orientation.
"""

from collections.abc import Sequence

import numpy as np

from porevox.crystal.structure import Structure
from porevox.energy.equivalence import representatives
from porevox.energy.forcefield import ForceField, mix
from porevox.energy.grid import DistinctPoints
from porevox.energy.guest import SiteGroup, freedom

_OPERATIONS = {"none": "inversions", "axis": "inversions", "direction": "translations", "rotation": "translations"}


def equal_points(
    structure: Structure,
    points: DistinctPoints,
    forcefield: ForceField | None,
    groups: Sequence[SiteGroup],
) -> np.ndarray | None:
    """For each point the first of all points where the guest has the same energies.

    Parameters
    ----------
    structure : Structure
        With charges, if the guest has any.
    points : DistinctPoints
    forcefield : ForceField or None
        Parameters of the framework's atoms; None only for a guest of mere charges.
    groups : sequence of SiteGroup
        The guest's sites.

    Returns
    -------
    (counts) int64 or None
        Flat index of that point; None where all points differ. Points beyond the faces of a cell
        are the first ones within.
    """
    kinds = _kinds(structure, forcefield, groups)
    lattice_A = np.asarray(structure.lattice_A, dtype=np.float64)
    frac = np.ascontiguousarray(structure.frac, dtype=np.float64)
    return representatives(frac, kinds, lattice_A, points, _OPERATIONS[freedom(groups)])


def _kinds(structure, forcefield, groups):
    """Equal columns for atoms that interact alike with every site; (2, N) float64."""
    rows = []
    if any(group.charge_e for group in groups):
        rows.append(structure.charges_e)
    for well in sorted({well for group in groups for well in group.wells}):
        rows += mix(forcefield, structure.elements, *well, structure.labels)
    _, kinds = np.unique(np.stack(rows), axis=1, return_inverse=True)
    return np.stack([kinds.reshape(-1), np.zeros(structure.n_atoms)]).astype(np.float64)
