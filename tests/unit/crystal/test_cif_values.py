"""Values of a block: tags, quotes and numbers as CIF means them."""

import gemmi
import numpy as np
import pytest

from porevox.crystal.cif_values import (
    BrokenValues,
    block_values,
    is_given,
    is_unknown,
    number,
    numbers,
    strings,
)

ATOMS = "loop_\n_atom_site_label\n_atom_site_fract_x\n_atom_site_U_iso\n"


def values(text):
    return block_values(gemmi.cif.read_string("data_x\n" + text, 0).sole_block())


def test_pairs_and_columns_by_lower_case_tag():
    found = values("_Cell_Length_A 9.0\n_atom_site.occupancy 1\n" + ATOMS + "Zn1 0.1 0.02\nO1 0.2 0.03\n")
    assert found["_cell_length_a"] == ["9.0"]
    assert found["_atom_site_occupancy"] == ["1"]
    assert found["_atom_site_label"] == ["Zn1", "O1"]
    # Nothing is taken apart that is not used.
    assert "_atom_site_u_iso" not in found


def test_the_first_of_duplicate_tags_counts():
    assert values("_cell_length_a 9.0\n_cell_length_a 8.0\n")["_cell_length_a"] == ["9.0"]


def test_two_lists_of_atoms_must_be_the_same():
    once = ATOMS + "Zn1 0.1 0.02\nO1 0.2 0.03\n"
    assert values(once + once)["_atom_site_label"] == ["Zn1", "O1"]
    with pytest.raises(BrokenValues, match="twice"):
        values(once + ATOMS + "Zn1 0.1 0.02\n")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.5", 1.5), ("-.5", -0.5), ("+2", 2.0), ("1.5(2)", 1.5), ("1.5(12)", 1.5), ("1e-3", 1e-3),
        ("'1.5'", 1.5), ('"1.5(2)"', 1.5), ("0.333333333333333314829616256247", 1 / 3),
    ],
)  # fmt: skip
def test_numbers(text, expected):
    assert number(text) == expected
    np.testing.assert_array_equal(numbers(["0.25", text]), [0.25, expected])


@pytest.mark.parametrize(
    "text", ["?", ".", "", "nan", "inf", "1e999", "1_0", "0,5", "1/3", "0x10", "\u22120.5", "x"]
)
def test_no_numbers(text):
    assert np.isnan(number(text))
    np.testing.assert_array_equal(numbers(["0.25", text]), [0.25, np.nan])


def test_unquoting():
    assert list(strings(["'P 1'", '"O5\'"', "C1", "a'b"])) == ["P 1", "O5'", "C1", "a'b"]
    plain = ["C1", "O2"]
    assert strings(plain) is plain


def test_unknown_and_given():
    assert is_unknown("?")
    assert is_unknown(".")
    assert not is_unknown("'?'")
    assert is_given({"_a": ["?", "1"]}, "_a")
    assert not is_given({"_a": ["?", "."]}, "_a")
    assert not is_given({}, "_a")
