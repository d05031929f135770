"""From listed sites to the atoms of one unit cell: symmetry and overlap."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from porevox.crystal.cif_block import Listing
from porevox.crystal.neighbours import PeriodicPoints, any_close
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
    listing : Listing
        What the file lists.
    frac : (N, 3) float64
        In [0, 1).
    site : (N,) int64
        Index of the listed site of which each one is an image.
    operation : (N,) int64
        Number of the symmetry operation that made the site; 0 for listed ones.
    """

    listing: Listing
    frac: np.ndarray
    site: np.ndarray
    operation: np.ndarray

    def __len__(self) -> int:
        return len(self.site)

    @cached_property
    def elements(self) -> Sequence[str]:
        """Plain symbol of each site."""
        return _picked(self.listing.elements, self.site)

    @cached_property
    def labels(self) -> Sequence[str]:
        """Label of each site; images share that of the listed site."""
        return _picked(self.listing.labels, self.site)

    @property
    def occupancy(self) -> np.ndarray:
        """Occupancy of each site; (N,) float64."""
        return self.listing.occupancy[self.site]

    @property
    def charges_e(self) -> np.ndarray | None:
        """Partial charge of each site, elementary charges; (N,) float64, or None."""
        charges_e = self.listing.charges_e
        return None if charges_e is None else charges_e[self.site]

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
        return Sites(self.listing, self.frac[chosen], self.site[chosen], self.operation[chosen])

    def name(self, i: int) -> str:
        """Label and element of one site, for messages.

        Parameters
        ----------
        i : int
            Its place among these sites.

        Returns
        -------
        str
        """
        label, element = self.labels[i][:30], self.elements[i]
        return label if label == element else f"{label} ({element})"


def _picked(values: Sequence[str], chosen: np.ndarray) -> Sequence[str]:
    if len(chosen) == len(values) and (chosen == np.arange(len(chosen))).all():
        return values
    return [values[i] for i in chosen.tolist()]


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
    largest = max(listing.operations, key=len)
    if too_many_images(listing, largest):
        raise StructureRejected(
            "too_large",
            f"{len(largest) * len(listing.labels)} atoms (sites times symmetry operations) are more than "
            f"{_MAX_IMAGES}",
        )
    settings = [expand_by(listing, ops) for ops in listing.operations]
    if len(settings) == 1:
        return settings[0]
    # Under the wrong origin choice atoms collide and fall off their special positions.
    return min(settings, key=lambda s: (colliding(s, listing.lattice_A), len(s)))


def too_many_images(listing: Listing, ops: np.ndarray) -> bool:
    """Whether operations would make more atoms than any crystal has.

    Parameters
    ----------
    listing : Listing
    ops : (M, 3, 4) float64

    Returns
    -------
    bool
    """
    return len(ops) * len(listing.labels) > _MAX_IMAGES


def expand_by(listing: Listing, ops: np.ndarray) -> Sites:
    """The sites of the cell under given operations; see :func:`expand`.

    Parameters
    ----------
    listing : Listing
    ops : (M, 3, 4) float64
        Rotation and translation in fractional coordinates, identity first.

    Returns
    -------
    Sites
    """
    n = len(listing.labels)
    if len(ops) == 1:
        return Sites(listing, wrap(listing.frac), np.arange(n), np.zeros(n, dtype=np.int64))
    images = wrap(np.einsum("mij,nj->nmi", ops[:, :, :3], listing.frac) + ops[:, :, 3])
    site, operation = np.nonzero(_distinct(images, listing.lattice_A))
    return Sites(listing, images[site, operation], site, operation)


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


def colliding(sites: Sites, lattice_A: np.ndarray) -> int:
    """Number of atoms that cannot be where they are, with another one 0.7 A away or nearer.

    Parameters
    ----------
    sites : Sites
    lattice_A : (3, 3) float64
        Rows a, b, c, angstrom.

    Returns
    -------
    int
    """
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
    if not any_close(sites.frac, lattice_A, distance_A):
        return sites
    points = PeriodicPoints(sites.frac, lattice_A, distance_A)
    if policy == "reject":
        raise StructureRejected("overlapping_atoms", _describe(sites, points))
    keep = np.ones(len(sites), dtype=bool)
    for i in range(len(keep)):
        if keep[i]:
            keep[points.around(i, distance_A)[0]] = False
    return sites.take(np.flatnonzero(keep))


def _describe(sites: Sites, points: PeriodicPoints) -> str:
    i, j, distance_A = points.closest()
    other = "its own periodic image" if i == j else sites.name(j)
    return f"{sites.name(i)} and {other} are {distance_A:.3f} A apart"
