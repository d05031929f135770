"""From the bytes of a CIF to a :class:`Structure`, or to the reason why there is none.

The readings, in order: gemmi; gemmi on a repaired text (``cif_repair``); pymatgen. The first one
that yields a cell and atoms decides, so that one faulty line about the authors costs nothing. Where
cell, symmetry or atoms themselves are broken no further reading is tried: it could only guess.
"""

import codecs
from dataclasses import dataclass

import gemmi

from porevox.crystal.cell import check_density
from porevox.crystal.cif_block import Listing, read_document
from porevox.crystal.cif_repair import repair
from porevox.crystal.cif_torn import refuse_torn
from porevox.crystal.cif_values import BrokenValues
from porevox.crystal.completeness import check_complete
from porevox.crystal.occupancy import keep_major_groups, resolve_occupancy
from porevox.crystal.sites import expand, resolve_overlaps
from porevox.crystal.structure import Structure
from porevox.crystal.triplets import UnclearSymmetry
from porevox.errors import PorevoxError, StructureRejected

# Seconds, not minutes, even when every line is a site.
_MAX_LINES_PYMATGEN = 20_000

__all__ = ["ReadingPolicy", "Structure", "read_cif"]


@dataclass(frozen=True)
class ReadingPolicy:
    """What to do with structures that are not plainly one set of atoms.

    Parameters
    ----------
    partial_occupancy : {"reject", "largest", "full"}
        ``largest`` keeps, of sites that exclude each other, the most occupied (the first listed
        of equals), and keeps a partly occupied site that stands alone; ``full`` treats every
        site as occupied.
    overlapping_atoms : {"reject", "merge", "keep"}
        ``merge`` keeps the first listed of atoms closer than ``overlap_distance_A``.
    overlap_distance_A : float
        Atoms nearer than this (angstrom, to the nearest image) overlap.

    Raises
    ------
    PorevoxError
        A word or a distance is not one of those allowed.
    """

    partial_occupancy: str = "reject"
    overlapping_atoms: str = "reject"
    overlap_distance_A: float = 0.5

    def __post_init__(self):
        for key, allowed in {
            "partial_occupancy": ("reject", "largest", "full"),
            "overlapping_atoms": ("reject", "merge", "keep"),
        }.items():
            if getattr(self, key) not in allowed:
                choices = ", ".join(allowed)
                raise PorevoxError(f"{key} is {getattr(self, key)!r}; allowed are {choices}")
        if not 0.0 <= self.overlap_distance_A <= 3.0:
            raise PorevoxError(
                f"overlap_distance_A is {self.overlap_distance_A}; allowed are 0 to 3 angstrom"
            )


def read_cif(content: bytes, id: str, policy: ReadingPolicy | None = None) -> Structure:
    """Read one structure.

    Parameters
    ----------
    content : bytes
        The CIF file, in any state.
    id : str
        Name of the structure.
    policy : ReadingPolicy, optional
        By default everything doubtful is rejected.

    Returns
    -------
    Structure
        All atoms of the unit cell, symmetry applied.

    Raises
    ------
    StructureRejected
        ``unreadable_cif``, ``no_atoms``, ``unknown_element``, ``partial_occupancy``,
        ``overlapping_atoms``, ``absurd_cell`` or ``too_large``.
    """
    try:
        return _structure(_decode(content), id, policy or ReadingPolicy())
    except StructureRejected as rejection:
        # Labels and parser messages may hold line breaks; the ledger wants one short line.
        detail = " ".join(rejection.detail.split())[:300]
        raise StructureRejected(rejection.code, detail) from rejection


def _structure(text: str, id: str, policy: ReadingPolicy) -> Structure:
    listing, reader = _read(text)
    refuse_torn(text)
    lattice_A = listing.lattice_A
    if policy.partial_occupancy == "largest":
        listing = keep_major_groups(listing)
    sites = expand(listing)
    check_complete(sites)
    sites = resolve_occupancy(sites, lattice_A, policy.partial_occupancy)
    sites = resolve_overlaps(sites, lattice_A, policy.overlapping_atoms, policy.overlap_distance_A)
    structure = Structure(
        id, lattice_A, sites.frac, tuple(sites.elements), reader, sites.charges_e, tuple(sites.labels)
    )
    check_density(structure.n_atoms, structure.volume_A3)
    return structure


def _decode(content: bytes) -> str:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        # Every byte is a Latin-1 character; names of authors are all that is at stake.
        return content.decode("latin-1")


def _read(text: str) -> tuple[Listing, str]:
    """The first reading that succeeds and its name."""
    readings = {"gemmi": _by_gemmi, "gemmi-repaired": _by_repair, "pymatgen": _by_pymatgen}
    refusal: StructureRejected | None = None
    for reader, reading in readings.items():
        try:
            return reading(text), reader
        except StructureRejected as rejection:
            if rejection.code != "unreadable_cif" or isinstance(rejection, UnclearSymmetry):
                raise
            # What is not in the text pymatgen could only guess, and it does.
            if reader == "gemmi-repaired" and isinstance(rejection, BrokenValues):
                raise
            # The second refusal is about cell and atoms, the first often about a stray quote.
            if reader != "pymatgen":
                refusal = rejection
    assert refusal is not None  # the readers before pymatgen failed as well
    raise refusal


def _by_gemmi(text: str) -> Listing:
    try:
        return read_document(_parsed(text))
    except (ValueError, RuntimeError) as error:
        raise StructureRejected("unreadable_cif", f"no valid CIF: {error}") from error


def _by_repair(text: str) -> Listing:
    try:
        document = _parsed(repair(text))
    except (ValueError, RuntimeError) as error:
        # Nothing is left in this text but what matters.
        raise BrokenValues(f"the cell or the list of atoms is broken: {error}") from error
    return read_document(document)


def _parsed(text: str) -> gemmi.cif.Document:
    # Level 0: neither duplicate items nor items without a value are reasons to refuse.
    return gemmi.cif.read_string(text, 0)


def _by_pymatgen(text: str) -> Listing:
    # It costs 0.1 s and more, so it is only asked where there is something to read, and its
    # time grows with the square of the sites.
    lowered = text.lower()
    if "_cell_length_a" not in lowered or "_atom_site_" not in lowered:
        raise StructureRejected("unreadable_cif", "the text has no cell or no atoms")
    if lowered.count("\n") > _MAX_LINES_PYMATGEN:
        raise StructureRejected("unreadable_cif", "the text is too long for pymatgen")
    from porevox.crystal.cif_pymatgen import read_with_pymatgen

    return read_with_pymatgen(text)
