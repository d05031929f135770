"""Partial charges: under which names they are found, and when there are none."""

import tarfile

import numpy as np
import pytest

from porevox.crystal.cif import ReadingPolicy, read_cif
from porevox.crystal.cif_pymatgen import read_with_pymatgen
from porevox.errors import StructureRejected

CELL = "data_x\n" + "".join(f"_cell_length_{x} 10.0\n" for x in "abc")
TAGS = "loop_\n_atom_site_label\n_atom_site_type_symbol\n" + "".join(f"_atom_site_fract_{x}\n" for x in "xyz")
INVERSION = "_symmetry_space_group_name_H-M 'P -1'\n"
# Breaks the syntax, as every file of the Ottawa database does.
BROKEN = "_audit_creation_method program 2.2\n"


def read(text, **policy):
    return read_cif(text.encode(), "x", ReadingPolicy(**policy))


def with_column(tag, *values, header=CELL):
    rows = (f"{symbol}1 {symbol} {x} 0.2 0.3" for symbol, x in (("Zn", 0.1), ("O", 0.3), ("C", 0.6)))
    return header + TAGS + f"{tag}\n" + "".join(f"{r} {q}\n" for r, q in zip(rows, values, strict=True))


@pytest.mark.parametrize("header", [CELL, CELL + BROKEN])
@pytest.mark.parametrize(
    "tag",
    [
        "_atom_site_charge",
        "_atom_site.charge",
        "_atom_site_partial_charge",
        "_atom_type_partial_charge",
        "_atom_type.partial_charge",
        "_Atom_Type_Partial_Charge",
    ],
)
def test_a_column_of_the_atom_list(tag, header):
    structure = read(with_column(tag, "1.25", "-0.75(3)", "-5e-1", header=header))
    np.testing.assert_array_equal(structure.charges_e, [1.25, -0.75, -0.5])
    assert structure.charges_e.dtype == np.float64
    assert structure.reader == ("gemmi-repaired" if header != CELL else "gemmi")


@pytest.mark.parametrize("header", [CELL, CELL + BROKEN])
@pytest.mark.parametrize("before", [True, False])
def test_one_charge_per_atom_type(before, header):
    # Three types for three sites in another order: a column by site would look the same.
    types = "loop_\n_atom_type_symbol\n_atom_type_partial_charge\nC -0.5\nO -0.75\nZn 1.25\n"
    atoms = TAGS + "Zn1 Zn 0.1 0.2 0.3\nO1 O 0.3 0.2 0.3\nC1 C 0.6 0.2 0.3\n"
    structure = read(header + (types + atoms if before else atoms + types))
    np.testing.assert_array_equal(structure.charges_e, [1.25, -0.75, -0.5])


def test_a_type_without_a_charge_leaves_no_charges():
    types = "loop_\n_atom_type_symbol\n_atom_type_partial_charge\nO -0.75\nZn 1.25\n"
    atoms = TAGS + "Zn1 Zn 0.1 0.2 0.3\nO1 O 0.3 0.2 0.3\nC1 C 0.6 0.2 0.3\n"
    assert read(CELL + types + atoms).charges_e is None


@pytest.mark.parametrize("value", ["?", ".", "nan", "inf", "-1e999", "none", "1_0", "'?'"])
def test_one_missing_charge_leaves_no_charges(value):
    assert read(with_column("_atom_site_charge", "1.25", value, "-0.5")).charges_e is None


@pytest.mark.parametrize("value", ["C12", "Zn"])
def test_a_name_for_a_charge_means_that_columns_are_mixed_up(value):
    with pytest.raises(StructureRejected, match="out of place") as caught:
        read(with_column("_atom_site_charge", "1.25", value, "-0.5"))
    assert caught.value.code == "unreadable_cif"


@pytest.mark.parametrize("tag", ["_atom_type_oxidation_number", "_atom_site_formal_charge"])
def test_oxidation_numbers_and_formal_charges_are_no_partial_charges(tag):
    assert read(with_column(tag, "2", "-2", "0")).charges_e is None


def test_a_column_of_zeros_is_no_charges():
    assert read(with_column("_atom_site_charge", "0.0", "0", "-0.0")).charges_e is None


def test_no_column_is_no_charges():
    atoms = TAGS + "Zn1 Zn 0.1 0.2 0.3\n"
    assert read(CELL + atoms).charges_e is None


def test_a_column_that_says_nothing_gives_way_to_one_that_does():
    text = with_column("_atom_site_charge", "? 1.25", "? -0.75", ". -0.5")
    text = text.replace("_atom_site_charge\n", "_atom_site_charge\n_atom_site_partial_charge\n")
    np.testing.assert_array_equal(read(text).charges_e, [1.25, -0.75, -0.5])


def test_sites_that_are_no_atoms_need_no_charge():
    text = with_column("_atom_site_charge", "1.25", "-1.25", "?").replace("C1 C 0.6", "C1 C ?")
    np.testing.assert_array_equal(read(text).charges_e, [1.25, -1.25])


def test_charges_and_labels_follow_symmetry():
    structure = read(with_column("_atom_site_charge", "1.25", "-0.75", "-0.5", header=CELL + INVERSION))
    assert structure.labels == ("Zn1", "Zn1", "O1", "O1", "C1", "C1")
    np.testing.assert_array_equal(structure.charges_e, [1.25, 1.25, -0.75, -0.75, -0.5, -0.5])


def test_charges_follow_the_atoms_that_policies_keep():
    text = with_column("_atom_site_charge", "1.25", "-0.75", "-0.5").replace("C1 C 0.6", "C1 C 0.301")
    merged = read(text, overlapping_atoms="merge")
    assert merged.labels == ("Zn1", "O1")
    np.testing.assert_array_equal(merged.charges_e, [1.25, -0.75])
    text = with_column("_atom_site_charge\n_atom_site_occupancy", "1.25 1", "-0.75 0.4", "-0.5 0.6")
    largest = read(text.replace("C1 C 0.6", "C1 C 0.301"), partial_occupancy="largest")
    assert largest.labels == ("Zn1", "C1")
    np.testing.assert_array_equal(largest.charges_e, [1.25, -0.5])


def test_charges_follow_the_disorder_group_that_is_kept():
    tags = "_atom_site_charge\n_atom_site_occupancy\n_atom_site_disorder_assembly\n_atom_site_disorder_group"
    text = with_column(tags, "1.25 1 . .", "-0.75 0.4 A 1", "-0.5 0.6 A 2")
    kept = read(text, partial_occupancy="largest")
    assert kept.labels == ("Zn1", "C1")
    np.testing.assert_array_equal(kept.charges_e, [1.25, -0.5])


def test_what_pymatgen_reads_has_no_charges():
    # It sorts and merges sites; which charge belongs to which atom is lost.
    angles = "".join(f"_cell_angle_{name} 90\n" for name in ("alpha", "beta", "gamma"))
    text = with_column("_atom_site_charge", "1.25", "-0.75", "-0.5", header=CELL + angles)
    assert read_with_pymatgen(text).charges_e is None


# Real files


def members(shared_data, name):
    with tarfile.open(shared_data / name / "cifs.tar.gz") as archive:
        for member in archive:
            if member.isfile() and member.name.endswith(".cif"):
                yield member.name, archive.extractfile(member).read()


def charges_by_eye(content):
    """Last word of every line that looks like a row of an atom list."""
    rows = (line.split() for line in content.decode().splitlines())
    return [float(row[-1]) for row in rows if len(row) in (6, 7) and row[0][0].isalpha()]


@pytest.mark.parametrize(("name", "every"), [("curated-cofs", 6), ("uo-mofs", 1)])
def test_both_databases_with_charges_are_neutral(shared_data, name, every):
    for member, content in list(members(shared_data, name))[::every]:
        structure = read_cif(content, member, ReadingPolicy(overlapping_atoms="keep"))
        np.testing.assert_array_equal(structure.charges_e, charges_by_eye(content), err_msg=member)
        # They were published with six digits: hundreds of atoms add up to 2e-4 at the most.
        assert abs(structure.charges_e.sum()) < 1e-3, member
        assert np.abs(structure.charges_e).max() > 0.1, member
