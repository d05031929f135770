"""Energy of a rigid guest at the distinct points of a grid, one orientation at a time."""

import math
from collections.abc import Sequence

import numpy as np

from porevox.crystal.structure import Structure
from porevox.energy import ewald, lennard_jones
from porevox.energy.ewald import COULOMB_V_A, KELVIN_PER_VOLT, EwaldPotential, neutral_charges
from porevox.energy.forcefield import ForceField, mix
from porevox.energy.grid import DistinctPoints
from porevox.energy.guest import SiteGroup
from porevox.energy.lennard_jones import LennardJonesSum
from porevox.errors import PorevoxError

#: A charged site this close to an atom overlaps with it, angstrom. Where both have a Lennard-Jones
#: well they are far up its wall by then; where one has none (the centre of N2, the hydrogens of
#: water models) nothing else keeps opposite charges from an infinitely deep well. No real contact
#: is as short: the shortest bond, that of H2, is 0.74 A long.
HARD_CORE_A = 0.5
#: The hard core is superfluous where the Lennard-Jones wall at that distance is so many times
#: higher than the attraction of the charges; closer by, the wall grows faster.
_WALL_OVER_ATTRACTION = 100.0


class GuestEnergy:
    """Sum over a guest's sites of Lennard-Jones energy and charge times potential.

    Parameters
    ----------
    structure : Structure
        With charges, if the guest has any.
    points : DistinctPoints
        Where the guest's origin sits.
    forcefield : ForceField or None
        Parameters of the framework's atoms; None only for a guest of mere charges.
    groups : sequence of SiteGroup
        The guest's sites.
    cutoff_A : float
        Cutoff radius of the Lennard-Jones energies, angstrom.
    truncation : {"truncated", "shifted"}
        How they end there.
    orientations : int
        How often :meth:`at` will be called, roughly; only the time depends on it.

    Raises
    ------
    PorevoxError
        The guest has Lennard-Jones sites, and there is no force field.
    StructureRejected
        ``no_charges``: the guest is charged, and the structure carries no charges;
        ``net_charge``; ``unknown_element``; ``absurd_cell``.
    """

    def __init__(
        self,
        structure: Structure,
        points: DistinctPoints,
        forcefield: ForceField | None,
        groups: Sequence[SiteGroup],
        cutoff_A: float,
        truncation: str = "truncated",
        orientations: int = 1,
    ):
        wells = {well for group in groups for well in group.wells}
        if wells and forcefield is None:
            raise PorevoxError("a guest with Lennard-Jones sites needs a force field; name one")
        ending = (cutoff_A, truncation)
        self._wells = {}
        for well in wells:
            assert forcefield is not None  # see above
            self._wells[well] = LennardJonesSum(structure, points, forcefield, *well, *ending)
        self._groups = groups
        charged = sum(group.charge_e != 0.0 for group in groups)
        if charged:
            self._potential = EwaldPotential(structure, points, evaluations=charged * orientations)
        exposed = [group.charge_e != 0.0 and not _walled(group, structure, forcefield) for group in groups]
        core = _hard_core(structure, points) if any(exposed) else None
        self._cores = [core if bare else None for bare in exposed]
        # Sites in the origin stay where they are when the guest turns.
        still = [s for s, group in enumerate(groups) if not group.place_A.any()]
        self._turning = [s for s in range(len(groups)) if s not in still]
        self._still = np.zeros(points.counts)
        for s in still:
            self._still += self._of(s, None, None)

    def at(self, places_A: np.ndarray, wanted: np.ndarray | None = None) -> np.ndarray:
        """Energies in one orientation.

        Parameters
        ----------
        places_A : (sites, 3) float64
            Where the sites lie, relative to the guest's origin, angstrom; those that the table
            puts into the origin stay there.
        wanted : (counts) bool, optional
            Points whose energies are asked for; by default all.

        Returns
        -------
        (counts) or (wanted points,) float64
            U/kB in K; +inf where the guest overlaps, never NaN or -inf.
        """
        energy = self._still.copy() if wanted is None else self._still[wanted]
        for s in self._turning:
            energy += self._of(s, places_A[s], wanted)
        return energy

    def _of(self, s: int, place_A: np.ndarray | None, wanted: np.ndarray | None) -> np.ndarray:
        group, core = self._groups[s], self._cores[s]
        # Anything may stand at points that are not wanted: it is dropped before any arithmetic.
        taken = ... if wanted is None else np.nonzero(wanted)
        parts = [self._wells[well].at(place_A, wanted)[taken] for well in group.wells]
        if group.charge_e:
            potential = self._potential.at(place_A, wanted)[taken]
            electrostatic = (KELVIN_PER_VOLT * group.charge_e) * potential
            if core is not None:
                electrostatic[core.at(place_A, wanted)[taken] > 0.0] = np.inf
            # On top of an atom the wall is infinite, whatever the sign of the potential.
            electrostatic[np.isneginf(electrostatic)] = 0.0
            parts.append(electrostatic)
        return sum(parts[1:], start=parts[0])


def memory_MB(
    structure: Structure,
    points: DistinctPoints,
    groups: Sequence[SiteGroup],
    cutoff_A: float,
    orientations: int = 1,
) -> float:
    """Memory that a :class:`GuestEnergy` and the average over its orientations will touch.

    Parameters
    ----------
    structure : Structure
    points : DistinctPoints
    groups : sequence of SiteGroup
    cutoff_A : float
        Angstrom.
    orientations : int
        As for :class:`GuestEnergy`.

    Returns
    -------
    float
        MB (10^6 bytes).
    """
    wells = {well for group in groups for well in group.wells}
    total = len(wells) * lennard_jones.memory_MB(structure, points, cutoff_A)
    charged = sum(group.charge_e != 0.0 for group in groups)
    if charged:
        total += lennard_jones.memory_MB(structure, points, HARD_CORE_A)
        total += ewald.memory_MB(structure, points, evaluations=charged * orientations)
    # The sites that stay, the orientation's energy, a site's parts and their sum; the running sums
    # and the count of two averages with two intermediate results; equal points; doubts.
    return total + 22 * 8.0 * math.prod(points.counts) / 1e6


def _walled(group: SiteGroup, structure: Structure, forcefield: ForceField | None) -> bool:
    """Whether Lennard-Jones walls alone keep the site's charge away from every atom."""
    wall = np.zeros(structure.n_atoms)
    for sigma_A, epsilon_K in group.wells:
        assert forcefield is not None  # wells are refused without one
        sigma, epsilon = mix(forcefield, structure.elements, sigma_A, epsilon_K, structure.labels)
        ratio = (sigma / HARD_CORE_A) ** 6
        wall += 4.0 * epsilon * ratio * (ratio - 1.0)
    potential = COULOMB_V_A * np.abs(neutral_charges(structure)) / HARD_CORE_A
    attraction = KELVIN_PER_VOLT * abs(group.charge_e) * potential
    return bool((wall > _WALL_OVER_ATTRACTION * attraction).all())


def _hard_core(structure: Structure, points: DistinctPoints) -> LennardJonesSum:
    """A sum that is positive within the hard core of any atom, and zero outside."""
    diameter = 2.0 * HARD_CORE_A
    # Sigma is twice the cutoff, so that of the Lennard-Jones potential only the wall is left.
    sigma = dict.fromkeys(structure.elements, diameter)
    hard = ForceField("hard core", sigma, dict.fromkeys(structure.elements, 1.0), "")
    return LennardJonesSum(structure, points, hard, diameter, 1.0, HARD_CORE_A)
