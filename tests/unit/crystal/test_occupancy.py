"""Partly occupied sites under the three policies."""

import gemmi
import numpy as np
import pytest

from porevox.crystal.cif_block import read_document
from porevox.crystal.occupancy import keep_major_groups, resolve_occupancy
from porevox.crystal.sites import expand
from porevox.errors import StructureRejected

TAGS = [
    "label",
    "fract_x",
    "fract_y",
    "fract_z",
    "occupancy",
    "disorder_assembly",
    "disorder_group",
]


def listing(rows, symmetry="P 1", a=10.0):
    width = len(rows.strip().splitlines()[0].split())
    text = "data_x\n" + "".join(f"_cell_length_{x} {a}\n" for x in "abc")
    text += f"_symmetry_space_group_name_H-M '{symmetry}'\nloop_\n"
    text += "".join(f"_atom_site_{tag}\n" for tag in TAGS[:width])
    return read_document(gemmi.cif.read_string(text + rows + "\n"))


def resolve(rows, policy, symmetry="P 1"):
    found = listing(rows, symmetry)
    return resolve_occupancy(expand(found), found.lattice_A, policy)


MIXED = """Al1 0.1 0.1 0.1 0.3
Si1 0.1 0.1 0.1 0.7
O1 0.3 0.1 0.1 1
"""


def test_reject_names_the_first_site_and_its_occupancy():
    with pytest.raises(StructureRejected) as caught:
        resolve(MIXED, "reject")
    assert caught.value.code == "partial_occupancy"
    for words in ("2 of 3", "Al1", "0.3"):
        assert words in caught.value.detail


def test_largest_keeps_the_most_occupied_of_a_shared_site():
    assert resolve(MIXED, "largest").labels == ["Si1", "O1"]


def test_full_keeps_everything():
    assert resolve(MIXED, "full").labels == ["Al1", "Si1", "O1"]


def test_a_partly_occupied_site_that_stands_alone_is_kept():
    rows = "O1 0.1 0.1 0.1 0.2\nO2 0.5 0.5 0.5 1\n"
    assert resolve(rows, "largest").labels == ["O1", "O2"]


def test_full_sites_are_never_dropped_and_push_partial_ones_out():
    rows = "O1 0.10 0.1 0.1 0.9\nC1 0.18 0.1 0.1 1\nC2 0.22 0.1 0.1 1\n"
    assert resolve(rows, "largest").labels == ["C1", "C2"]


def test_equal_occupancies_keep_the_first_listed():
    rows = "C1 0.10 0.1 0.1 0.5\nC2 0.17 0.1 0.1 0.5\n"
    assert resolve(rows, "largest").labels == ["C1"]


def test_exclusion_reaches_through_the_cell_face():
    rows = "C1 0.97 0.5 0.5 0.4\nC2 0.03 0.5 0.5 0.6\n"
    assert resolve(rows, "largest").labels == ["C2"]


def test_bonded_halves_of_one_molecule_do_not_exclude_each_other():
    # C-O 1.43 A and C-H 0.96 A, all half occupied: one methanol, not competing sites.
    rows = "C1 0.1 0.1 0.1 0.5\nO1 0.243 0.1 0.1 0.5\nH1 0.1 0.196 0.1 0.5\n"
    assert resolve(rows, "largest").labels == ["C1", "O1", "H1"]


def test_images_over_an_inversion_centre_give_one_orientation():
    # The two carbons, 1.8 A apart, would not exclude each other, but each sits on the other
    # orientation's oxygen: site by site both carbons and no oxygen would stay.
    rows = "C1 0.09 0 0 0.5\nO1 -0.053 0 0 0.5\n"
    kept = resolve(rows, "largest", "P -1")
    assert kept.labels == ["C1", "O1"]
    delta = kept.frac[0] - kept.frac[1]
    assert np.linalg.norm((delta - np.rint(delta)) * 10.0) == pytest.approx(1.43)


def test_refined_occupancies_near_one_are_full():
    assert resolve("O1 0.1 0.1 0.1 0.995(4)\n", "reject").labels == ["O1"]


def test_disorder_groups_are_kept_or_dropped_as_a_whole():
    # O2B is far from any A site; only its group says that it belongs to the minor part.
    rows = """Zn1 0.5 0.5 0.5 1 . .
O1A 0.10 0.1 0.1 0.6 A 1
O1B 0.15 0.1 0.1 0.4 A 2
O2B 0.15 0.4 0.1 0.4 A 2
O9C 0.80 0.8 0.8 0.3 B 1
"""
    assert keep_major_groups(listing(rows)).labels == ["Zn1", "O1A", "O9C"]


def test_equal_groups_keep_the_first_and_full_sites_have_no_rivals():
    rows = "C1 0.1 0.1 0.1 0.5 A 2\nC2 0.2 0.1 0.1 0.5 A 1\nC3 0.5 0.5 0.5 1 A 1\n"
    assert keep_major_groups(listing(rows)).labels == ["C1", "C3"]
