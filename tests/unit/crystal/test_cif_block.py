"""What a parsed document says: blocks, columns, dummies, Cartesian coordinates."""

import gemmi
import numpy as np
import pytest

from porevox.crystal.cif_block import read_document
from porevox.errors import StructureRejected

TRICLINIC = """_cell_length_a 9.0(1)
_cell_length_b 10.0
_cell_length_c 11.0
_cell_angle_alpha 80.0
_cell_angle_beta 95.0
_cell_angle_gamma 105.0
"""
TAGS = "loop_\n_atom_site_label\n_atom_site_type_symbol\n"
FRACT = TAGS + "_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\n"


def read(text):
    return read_document(gemmi.cif.read_string(text, 0))


def rejected(text):
    with pytest.raises(StructureRejected) as caught:
        read(text)
    return caught.value


def test_uncertainties_and_coordinates_as_given():
    listing = read("data_x\n" + TRICLINIC + FRACT + "Zn1 Zn2+ 1.25(3) -0.5 0.1\n")
    np.testing.assert_array_equal(listing.frac, [[1.25, -0.5, 0.1]])
    assert listing.elements == ["Zn"]
    assert listing.labels == ["Zn1"]
    assert np.linalg.norm(listing.lattice_A[0]) == pytest.approx(9.0)
    assert listing.occupancy.tolist() == [1.0]


def test_first_block_with_cell_and_atoms():
    listing = read(
        "data_publ\n_cell_length_a ?\n"
        + "data_cell_only\n" + TRICLINIC
        + "data_first\n" + TRICLINIC + FRACT + "Zn1 Zn 0.1 0.2 0.3\n"
        + "data_second\n" + TRICLINIC + FRACT + "Cu1 Cu 0.1 0.2 0.3\n"
    )  # fmt: skip
    assert listing.elements == ["Zn"]


def test_a_broken_block_gives_way_to_a_later_one():
    broken = "data_a\n" + TRICLINIC + FRACT + "Zn1 Zn nowhere 0.2 0.3\n"
    listing = read(broken + "data_b\n" + TRICLINIC + FRACT + "Cu1 Cu 0.1 0.2 0.3\n")
    assert listing.elements == ["Cu"]


def test_cartesian_coordinates_have_a_along_x():
    lattice = gemmi.UnitCell(9.0, 10.0, 11.0, 80.0, 95.0, 105.0)
    frac = gemmi.Fractional(0.3, 0.7, -0.2)
    x, y, z = lattice.orthogonalize(frac).tolist()
    a_x = lattice.orthogonalize(gemmi.Fractional(1, 0, 0)).tolist()
    np.testing.assert_allclose(a_x, [9.0, 0.0, 0.0], atol=1e-12)
    columns = "_atom_site_Cartn_x\n_atom_site_Cartn_y\n_atom_site_Cartn_z\n"
    listing = read("data_x\n" + TRICLINIC + TAGS + columns + f"O1 O {x} {y} {z}\n")
    np.testing.assert_allclose(listing.frac, [[0.3, 0.7, -0.2]], atol=1e-12)


def test_dummies_and_absent_atoms_are_no_atoms():
    columns = FRACT + "_atom_site_occupancy\n_atom_site_calc_flag\n"
    rows = "Zn1 Zn 0.1 0.2 0.3 1 d\nH1 H ? ? ? 1 c\nX1 Xx 0 0 0 1 dum\nO1 O 0.5 0.5 0.5 0 d\n"
    listing = read("data_x\n" + TRICLINIC + columns + rows + "H2 H . . . . .\n")
    assert listing.labels == ["Zn1"]


def test_missing_occupancy_is_one_and_missing_angle_is_ninety():
    columns = FRACT + "_atom_site_occupancy\n"
    cell = "_cell_length_a 9\n_cell_length_b 10\n_cell_length_c 11\n_cell_angle_alpha ?\n"
    listing = read("data_x\n" + cell + columns + "O1 O 0 0 0 ?\nO2 O 0.5 0.5 0.5 0.25(1)\n")
    np.testing.assert_array_equal(listing.occupancy, [1.0, 0.25])
    np.testing.assert_allclose(np.linalg.det(listing.lattice_A), 990.0)


def test_tags_of_any_case_and_of_the_newer_dictionary():
    text = "data_x\n" + TRICLINIC + FRACT + "Zn1 Zn 0.1 0.2 0.3\n"
    for variant in (text.upper().replace("DATA_X", "data_x"), text.replace("_site_", "_site.")):
        assert read(variant).elements == ["Zn"]


def test_one_atom_without_a_loop():
    pairs = "_atom_site_label Zn1\n" + "".join(f"_atom_site_fract_{x} 0.5\n" for x in "xyz")
    assert read("data_x\n" + TRICLINIC + pairs).elements == ["Zn"]


def test_disorder_groups():
    columns = FRACT + "_atom_site_disorder_assembly\n_atom_site_disorder_group\n"
    listing = read("data_x\n" + TRICLINIC + columns + "O1 O 0 0 0 A 1\nO2 O 0.5 0.5 0.5 . .\n")
    assert listing.disorder == [("A", "1"), (".", ".")]


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("data_x\n" + TRICLINIC, "no_atoms", "cell"),
        ("data_x\n" + TRICLINIC + FRACT + "Zn1 Zn ? ? ?\n", "no_atoms", "no atoms"),
        ("data_x\n" + FRACT + "Zn1 Zn 0 0 0\n", "unreadable_cif", "no cell"),
        ("data_x\n_a 1\n", "unreadable_cif", "neither|both"),
        ("data_x\n" + TRICLINIC + FRACT + "Zn1 Zn 0 1/2/3 0\n", "unreadable_cif", "Zn1"),
        ("data_x\n" + TRICLINIC + FRACT + "Zn1 Zn inf 0 0\n", "unreadable_cif", "Zn1"),
        ("data_x\n" + TRICLINIC + FRACT + "Q1 Q 0 0 0\n", "unknown_element", "Q1"),
        ("data_x\n" + TRICLINIC.replace("9.0(1)", "wide") + FRACT + "C C 0 0 0\n",
         "unreadable_cif", "wide"),
        ("data_x\n" + TRICLINIC.replace("9.0(1)", "0") + FRACT + "C C 0 0 0\n",
         "absurd_cell", "does not exist"),
    ],
)  # fmt: skip
def test_rejections_name_the_cause(text, code, words):
    rejection = rejected(text)
    assert rejection.code == code
    assert any(word in rejection.detail for word in words.split("|"))
