"""Points of a grid at which a guest has equal energies, whichever its orientation.

An average over a finite set of orientations has not all of the crystal's symmetry: a rotation would
have to map the set onto itself. Translations do nothing to an orientation, and inversion does
nothing to the axis of a guest that looks the same from both ends. What these make equal is equal
in every single orientation.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from porevox.crystal.structure import Structure
from porevox.energy.equivalence import representatives, represents
from porevox.energy.forcefield import ForceField, mix
from porevox.energy.grid import DistinctPoints
from porevox.energy.guest import SiteGroup, freedom


@dataclass(frozen=True)
class EqualPoints:
    """Which points of a grid suffice, and how the others follow from them.

    Parameters
    ----------
    wanted : (counts) bool
        The P points that suffice.
    number : (counts) int64
        For each point which of them, counted in C order, it is equal to.
    copies : (P,) int64
        For each of them how many points it stands for, itself included.
    """

    wanted: np.ndarray
    number: np.ndarray
    copies: np.ndarray

    def spread(self, values: np.ndarray) -> np.ndarray:
        """Values at all points.

        Parameters
        ----------
        values : (P,) array

        Returns
        -------
        (counts) array
        """
        return values[self.number]


def equal_points(
    structure: Structure,
    points: DistinctPoints,
    forcefield: ForceField | None,
    groups: Sequence[SiteGroup],
) -> EqualPoints:
    """Find the points at which a guest has equal energies.

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
    EqualPoints
    """
    axis = freedom(groups) in ("none", "axis")
    kinds = _kinds(structure, forcefield, groups)
    first = _first(structure, points, kinds, "inversions" if axis else "translations")
    wanted = represents(first)
    number = (np.cumsum(wanted) - 1)[first]
    return EqualPoints(wanted, number, np.bincount(number.reshape(-1)))


def _kinds(structure, forcefield, groups):
    """Equal columns for atoms that interact alike with every site; (2, N) float64."""
    rows = [np.zeros(structure.n_atoms)]
    if any(group.charge_e for group in groups):
        rows.append(structure.charges_e)
    for well in sorted({well for group in groups for well in group.wells}):
        rows += mix(forcefield, structure.elements, *well, structure.labels)
    _, kinds = np.unique(np.stack(rows), axis=1, return_inverse=True)
    return np.stack([kinds.reshape(-1), rows[0]]).astype(np.float64)


def _first(structure, points, kinds, operations):
    """For each point the flat index of the point that stands for it; (counts) int64."""
    frac = np.asarray(structure.frac, dtype=np.float64)
    lattice_A = np.asarray(structure.lattice_A, dtype=np.float64)
    index = np.arange(np.prod(points.counts)).reshape(points.counts)
    # With the longest step first, as in the Lennard-Jones sums, the points that suffice lie in half
    # of the planes instead of in half of every line.
    order = np.argsort(-np.linalg.norm(points.steps_A, axis=1), kind="stable")
    if points.periodic:
        frac, lattice_A = frac[:, order], lattice_A[order]
    counts = tuple(points.counts[axis] for axis in order)
    turned = replace(points, steps_A=points.steps_A[order], counts=counts)
    first = representatives(np.ascontiguousarray(frac), kinds, lattice_A, turned, operations)
    if first is None:
        return index
    return index.transpose(order).reshape(-1)[first].transpose(np.argsort(order))
