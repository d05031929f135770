"""The last reader: what only pymatgen can read, and how it fails."""

import numpy as np
import pytest

from porevox.crystal.cif_pymatgen import read_with_pymatgen
from porevox.errors import StructureRejected

CELL = """data_x
_cell_length_a 5.6402
_cell_length_b 5.6402
_cell_length_c 5.6402
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_symmetry_space_group_name_H-M 'F m -3 m'
"""
LOOP = """loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
"""


def test_halite_is_expanded_and_oriented():
    listing = read_with_pymatgen(CELL + LOOP + "Na1 Na+ 0 0 0 1\nCl1 Cl- 0.5 0.5 0.5 1\n")
    assert sorted(listing.elements) == ["Cl"] * 4 + ["Na"] * 4
    np.testing.assert_allclose(listing.lattice_A, 5.6402 * np.eye(3), atol=1e-9)
    assert [len(ops) for ops in listing.operations] == [1]
    assert (listing.occupancy == 1.0).all()


def test_mixed_sites_stay_visible_as_partly_occupied():
    listing = read_with_pymatgen(CELL + LOOP + "Na1 Na 0 0 0 0.75\nK1 K 0 0 0 0.25\nCl1 Cl 0.5 0.5 0.5 1\n")
    partly = {(e, o) for e, o in zip(listing.elements, listing.occupancy, strict=True) if o < 1}
    assert partly == {("Na", 0.75), ("K", 0.25)}


@pytest.mark.parametrize("text", ["", "data_x", CELL, CELL + LOOP, "\x00\xff'", CELL + LOOP + "C 1"])
def test_every_failure_is_a_rejection(text, recwarn):
    with pytest.raises(StructureRejected) as caught:
        read_with_pymatgen(text)
    assert caught.value.code == "unreadable_cif"
    assert not recwarn.list
