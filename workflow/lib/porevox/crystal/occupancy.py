"""What to do with sites that are only partly occupied."""

from collections import defaultdict
from dataclasses import replace

import gemmi
import numpy as np

from porevox.crystal.cif_block import Listing
from porevox.crystal.neighbours import PeriodicPoints
from porevox.crystal.sites import Sites
from porevox.errors import StructureRejected

#: A refined occupancy above this is a full one: 0.995(4) is met for atoms nobody doubts.
FULL_OCCUPANCY = 0.99
# Atoms closer than this share of their covalent radii's sum cannot both be there: C-C 1.14 A,
# C-H 0.80 A. Below the shortest true bonds (C-C 1.17 A, C-H 0.93 A), above split positions.
_EXCLUSION = 0.75


def keep_major_groups(listing: Listing) -> Listing:
    """Drop the minor alternatives where the file itself says which sites belong together.

    Parameters
    ----------
    listing : Listing

    Returns
    -------
    Listing
        Of each disorder assembly only the group with the highest mean occupancy, the first
        listed of equals. Fully occupied sites and those without a group stay.
    """
    if listing.disorder is None:
        return listing
    members = defaultdict(list)
    for i, (assembly, group) in enumerate(listing.disorder):
        if group not in (".", "?") and listing.occupancy[i] < FULL_OCCUPANCY:
            members[assembly, group].append(i)
    best: dict[str, tuple[float, str]] = {}
    for (assembly, group), sites in members.items():
        mean = float(listing.occupancy[sites].mean())
        if assembly not in best or mean > best[assembly][0] + 1e-6:
            best[assembly] = mean, group
    minor = {i for (a, group), sites in members.items() if best[a][1] != group for i in sites}
    chosen = [i for i in range(len(listing.labels)) if i not in minor]
    return replace(
        listing,
        labels=[listing.labels[i] for i in chosen],
        elements=[listing.elements[i] for i in chosen],
        frac=listing.frac[chosen],
        occupancy=listing.occupancy[chosen],
        disorder=[listing.disorder[i] for i in chosen],
        charges_e=None if listing.charges_e is None else listing.charges_e[chosen],
        multiplicity=None if listing.multiplicity is None else listing.multiplicity[chosen],
    )


def resolve_occupancy(sites: Sites, lattice_A: np.ndarray, policy: str) -> Sites:
    """Decide on partly occupied sites.

    Parameters
    ----------
    sites : Sites
    lattice_A : (3, 3) float64
        Rows a, b, c, angstrom.
    policy : {"reject", "largest", "full"}
        See :class:`porevox.crystal.cif.ReadingPolicy`.

    Returns
    -------
    Sites

    Raises
    ------
    StructureRejected
        ``partial_occupancy``: under ``reject``, a site is partly occupied.
    """
    partial = sites.occupancy < FULL_OCCUPANCY
    if policy == "full" or not partial.any():
        return sites
    if policy == "reject":
        first = int(np.flatnonzero(partial)[0])
        raise StructureRejected(
            "partial_occupancy",
            f"{int(partial.sum())} of {len(partial)} sites in the cell are partly occupied, "
            f"the first {sites.name(first)} to {sites.occupancy[first]:g}",
        )
    return sites.take(_most_occupied(sites, lattice_A, partial))


def _most_occupied(sites: Sites, lattice_A: np.ndarray, partial: np.ndarray) -> np.ndarray:
    radius = {symbol: gemmi.Element(symbol).covalent_r for symbol in set(sites.elements)}
    radii_A = np.array([radius[symbol] for symbol in sites.elements])
    points = PeriodicPoints(sites.frac, lattice_A, 2.0 * _EXCLUSION * radii_A.max())
    keep = np.ones(len(partial), dtype=bool)
    # Full sites first, then by occupancy; of equals the images made by the same operation, so
    # that the halves of a disordered ring come from one orientation.
    occupancy = np.minimum(sites.occupancy, FULL_OCCUPANCY)
    for i in np.lexsort((np.arange(len(partial)), sites.operation, -occupancy)):
        if not keep[i]:
            continue
        near, distance_A = points.around(i, _EXCLUSION * (radii_A[i] + radii_A.max()))
        excluded = partial[near] & (distance_A < _EXCLUSION * (radii_A[i] + radii_A[near]))
        keep[near[excluded]] = False
    return np.flatnonzero(keep)
