"""Whether all atoms of the cell are there, as far as the file itself says how many there should be.

Symmetry operations are lost when programs write them badly or people edit files: the sites then
are a part of the cell only, and nothing in them shows it. What a file may say besides is held
against the atoms found. A formula that differs is no reason to refuse: solvent is often removed
by hand from a file but not from its formula, and many programs write the formula of the whole
cell together with a Z meant for a part of it.
"""

from collections import Counter

import numpy as np

from porevox.crystal.sites import Sites, colliding, expand_by, too_many_images
from porevox.crystal.triplets import UnclearSymmetry

#: Operations that change a squared length of the cell by more than this part do not belong to it.
_METRIC_TOLERANCE = 0.05
#: Frameworks have 8 A^3 and more per atom. What would be denser had all its atoms already.
_DENSEST_A3 = 5.0


def check_complete(sites: Sites) -> None:
    """Refuse what the file itself says to be a part of the cell.

    Parameters
    ----------
    sites : Sites
        All sites of the cell, as far as the operations made them.

    Raises
    ------
    UnclearSymmetry
        ``unreadable_cif``: the operations do not fit the cell; every site has the same fraction
        of its declared multiplicity; or the named space group has more operations than are
        listed, and under them the sites fall on free places.
    """
    listing = sites.listing
    for operations in listing.operations:
        _check_metric(operations, listing.lattice_A)
    if listing.multiplicity is not None:
        _check_multiplicity(sites, listing.multiplicity)
    if listing.unlisted:
        _check_named_group(sites)


def _check_metric(operations: np.ndarray, lattice_A: np.ndarray) -> None:
    if len(operations) == 1:
        return
    rotations, metric = operations[:, :, :3], lattice_A @ lattice_A.T
    turned = np.einsum("mji,jk,mkl->mil", rotations, metric, rotations)
    if np.abs(turned - metric).max() > _METRIC_TOLERANCE * metric.max():
        raise UnclearSymmetry("the symmetry operations of the file are impossible in its cell")


def _check_multiplicity(sites: Sites, declared: np.ndarray) -> None:
    found = np.bincount(sites.site, minlength=len(declared))
    ratio = declared / np.maximum(found, 1)
    k = float(ratio[0])
    # Some programs write the order of the site's symmetry here, and some leave the numbers of
    # the original file after adding all images: the ratio is then not the same for all sites, or
    # the atoms would not fit into the cell.
    volume_A3 = float(np.prod(np.diag(sites.listing.lattice_A)))
    if k >= 2.0 and k.is_integer() and (ratio == k).all() and volume_A3 > _DENSEST_A3 * k * len(sites):
        raise UnclearSymmetry(
            f"the file declares {k:.0f} times as many images of each site as its symmetry operations "
            "make: some are missing"
        )


def _check_named_group(sites: Sites) -> None:
    """Compare with the cell that the named group makes.

    In a complete listing nearly all images under the missing operations fall on listed atoms.
    """
    listing = sites.listing
    if _formula_says_complete(sites):
        return
    for operations in listing.unlisted:
        if too_many_images(listing, operations):
            return
        whole = expand_by(listing, operations)
        if len(whole) <= len(sites) or 2 * colliding(whole, listing.lattice_A) >= len(whole):
            return
    raise UnclearSymmetry(
        f"the space group that the file names has {len(operations)} operations but the file lists only "
        f"{len(listing.operations[0])}; with those missing the cell would hold {len(whole)} atoms, "
        f"not {len(sites)}"
    )


def _formula_says_complete(sites: Sites) -> bool:
    declared, found = sites.listing.formula, Counter(sites.elements)
    return declared.keys() == found.keys() and all(
        abs(declared[element] - found[element]) <= 0.01 * found[element] for element in found
    )
