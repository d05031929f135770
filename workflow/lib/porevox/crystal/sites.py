"""From listed sites to the atoms of one unit cell: symmetry and overlap."""

from dataclasses import dataclass

import numpy as np

from porevox.crystal.cif_block import Listing
from porevox.crystal.neighbours import PeriodicPoints
from porevox.crystal.structure import wrap
from porevox.errors import StructureRejected

#: Images of one site closer than this (angstrom) are one atom on a special position that was
#: written with few digits (0.333 for 1/3 in a 40 A cell is off by 0.01 A; X-ray models of
#: disordered atoms stray further). The same distance as gemmi's.
SPECIAL_POSITION_A = 0.4
# MOF-210, the largest cell of the known frameworks, has 5,562 atoms.
_MAX_IMAGES = 200_000


@dataclass(frozen=True)
class Sites:
    """Sites of a whole unit cell.

    Parameters
    ----------
    frac : (N, 3) float64
        In [0, 1).
    elements, labels : list of str, length N
    occupancy : (N,) float64
    operation : (N,) int64
        Number of the symmetry operation that made the site; 0 for listed ones.
    """

    frac: np.ndarray
    elements: list[str]
    labels: list[str]
    occupancy: np.ndarray
    operation: np.ndarray

    def take(self, chosen: np.ndarray) -> "Sites":
        """The chosen sites.

        Parameters
        ----------
        chosen : (K,) int64
            Indices.

        Returns
        -------
        Sites
        """
        return Sites(
            self.frac[chosen],
            [self.elements[i] for i in chosen],
            [self.labels[i] for i in chosen],
            self.occupancy[chosen],
            self.operation[chosen],
        )

    def name(self, i: int) -> str:
        """Label and element of one site, for messages."""
        label, element = self.labels[i][:30], self.elements[i]
        return label if label == element else f"{label} ({element})"


def expand(listing: Listing) -> Sites:
    """Apply the symmetry operations; images of a site that coincide become one atom.

    Parameters
    ----------
    listing : Listing

    Returns
    -------
    Sites
        Site by site, the listed position first.

    Raises
    ------
    StructureRejected
        ``too_large``: more images than any real structure has.
    """
    largest = max(len(ops) for ops in listing.operations)
    if largest * len(listing.labels) > _MAX_IMAGES:
        raise StructureRejected(
            "too_large",
            f"{len(listing.labels)} sites times {largest} symmetry operations exceed {_MAX_IMAGES} atoms",
        )
    settings = [_expand(listing, ops) for ops in listing.operations]
    if len(settings) == 1:
        return settings[0]
    # Under the wrong origin choice atoms collide and fall off their special positions.
    return min(settings, key=lambda s: (_collisions(s, listing.lattice_A), len(s.elements)))


def _expand(listing: Listing, ops: np.ndarray) -> Sites:
    n = len(listing.labels)
    if len(ops) == 1:
        site, operation, frac = np.arange(n), np.zeros(n, dtype=np.int64), wrap(listing.frac)
        return Sites(frac, listing.elements, listing.labels, listing.occupancy, operation)
    images = wrap(np.einsum("mij,nj->nmi", ops[:, :, :3], listing.frac) + ops[:, :, 3])
    site, operation = np.nonzero(_distinct(images, listing.lattice_A))
    return Sites(
        images[site, operation],
        [listing.elements[i] for i in site],
        [listing.labels[i] for i in site],
        listing.occupancy[site],
        operation,
    )


def _distinct(images: np.ndarray, lattice_A: np.ndarray) -> np.ndarray:
    """Which images of each site to keep, (N, M) bool: none near an earlier kept one."""
    n, m, _ = images.shape
    keep = np.ones((n, m), dtype=bool)
    for j in range(m - 1):
        delta = images[:, j + 1 :] - images[:, j : j + 1]
        delta -= np.rint(delta)
        near = np.einsum("nmi,nmi->nm", *[delta @ lattice_A] * 2) < SPECIAL_POSITION_A**2
        keep[:, j + 1 :] &= ~(near & keep[:, j : j + 1])
    return keep


def _collisions(sites: Sites, lattice_A: np.ndarray) -> int:
    distance_A, _ = PeriodicPoints(sites.frac, lattice_A, 0.7).nearest()
    return int(np.isfinite(distance_A).sum())


def resolve_overlaps(sites: Sites, lattice_A: np.ndarray, policy: str, distance_A: float) -> Sites:
    """Decide on atoms closer to each other than is possible.

    Parameters
    ----------
    sites : Sites
    lattice_A : (3, 3) float64
        Rows a, b, c, angstrom.
    policy : {"reject", "merge", "keep"}
        See :class:`porevox.crystal.cif.ReadingPolicy`.
    distance_A : float
        Atoms closer than this overlap, angstrom.

    Returns
    -------
    Sites

    Raises
    ------
    StructureRejected
        ``overlapping_atoms``: under ``reject``, two atoms overlap.
    """
    if policy == "keep" or distance_A <= 0.0:
        return sites
    points = PeriodicPoints(sites.frac, lattice_A, distance_A)
    if not points.any_close():
        return sites
    if policy == "reject":
        raise StructureRejected("overlapping_atoms", _describe(sites, points))
    keep = np.ones(len(sites.elements), dtype=bool)
    for i in range(len(keep)):
        if keep[i]:
            keep[points.around(i, distance_A)[0]] = False
    return sites.take(np.flatnonzero(keep))


def _describe(sites: Sites, points: PeriodicPoints) -> str:
    i, j, distance_A = points.closest()
    other = "its own periodic image" if i == j else sites.name(j)
    return f"{sites.name(i)} and {other} are {distance_A:.3f} A apart"
