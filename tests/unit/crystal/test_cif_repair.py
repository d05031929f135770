"""Texts that break CIF's syntax where it does not matter, and where it does."""

import time

import gemmi
import pytest

from porevox.crystal.cif import read_cif
from porevox.crystal.cif_repair import repair
from porevox.crystal.cif_values import BrokenValues
from porevox.errors import StructureRejected

CELL = "".join(f"_cell_length_{axis} 10.5(2)\n" for axis in "abc")
LOOP = "loop_\n_atom_site_label\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\n"


def column(text: str, tag: str, block: int = 0) -> list[str]:
    document = gemmi.cif.read_string(repair(text))
    return [gemmi.cif.as_string(value) for value in document[block].find_values(tag)]


@pytest.mark.parametrize(
    "nuisance",
    [
        "_audit_creation_method fapswitch 2.2\n",
        "_citation_author_name 'A. Author',\n",
        "_citation_title 'never closed\n",
        "loop_\n_citation_a\n_citation_b\n'one' 'two'\n'three'\n",
        "_audit_text\n;\nfree text\n_cell_length_a 99\n;\n",
        "_orphan\n",
        "stray words\n",
    ],
)
def test_nuisances_are_dropped_and_the_structure_kept(nuisance):
    text = "data_x\n" + nuisance + CELL + LOOP + "Zn1 0.1 0.2 0.3\nO1 0.4 0.5 0.6\n"
    assert column(text, "_atom_site_label", -1) == ["Zn1", "O1"]
    assert column(text, "_cell_length_a", -1) == ["10.5(2)"]


def test_a_text_field_that_never_closes_does_not_swallow_the_atoms():
    text = "data_x\n" + CELL + "_audit_text\n;\nfree text\n" + LOOP + "Zn1 0.1 0.2 0.3\n"
    assert column(text + "_audit_more\n;\nmore\n;\n", "_atom_site_label", -1) == ["Zn1"]


def test_no_data_line_crlf_and_end_word():
    text = (CELL + LOOP + "Zn1 0.1 0.2 0.3\nEND\n").replace("\n", "\r\n")
    assert column(text, "_atom_site_fract_z") == ["0.3"]
    assert column(text, "_cell_length_c") == ["10.5(2)"]


def test_unquoted_names_and_operations_with_blanks():
    text = (
        "_symmetry_space_group_name_H-M P 21/c\n_space_group_name_Hall '-P 2ybc' # note\n"
        "loop_\n_symmetry_equiv_pos_site_id\n_symmetry_equiv_pos_as_xyz\n"
        "1 x, y, z\n2 '-x, y+1/2, -z+1/2'\n3 -x,-y,-z # inversion\n" + CELL + LOOP + "C1 0 0 0\n"
    )
    assert column(text, "_symmetry_space_group_name_H-M") == ["P 21/c"]
    assert column(text, "_space_group_name_Hall") == ["-P 2ybc"]
    assert column(text, "_symmetry_equiv_pos_as_xyz") == [
        "x, y, z",
        "-x, y+1/2, -z+1/2",
        "-x,-y,-z",
    ]


def test_quotes_comments_and_broken_rows_in_the_atom_list():
    text = "_bad a b\n" + CELL + LOOP + "'C 1' 0.1 0.2 0.3 # first\nO5' 0.4\n0.5 0.6\n"
    assert column(text, "_atom_site_label") == ["C 1", "O5'"]
    assert column(text, "_atom_site_fract_z") == ["0.3", "0.6"]


@pytest.mark.parametrize("value", ["'P 21/c',", "'P 21/c", '"P 21/c" # note', "P 21/c # note"])
def test_values_that_matter_are_unquoted_as_meant(value):
    text = f"_symmetry_space_group_name_H-M {value}\n" + CELL + LOOP + "C1 0 0 0\n"
    assert column(text, "_symmetry_space_group_name_H-M") == ["P 21/c"]


def test_blocks_stay_apart():
    text = "data_one\n_bad a b\n" + CELL + "data_two\n" + CELL + LOOP + "Zn1 0.1 0.2 0.3\n"
    document = gemmi.cif.read_string(repair(text))
    with_atoms = [len(block.find_values("_atom_site_label")) for block in document]
    assert with_atoms == [0, 0, 1]


def test_a_truncated_atom_list_is_not_mended():
    with pytest.raises(StructureRejected) as caught:
        repair("_bad a b\n" + CELL + LOOP + "Zn1 0.1 0.2 0.3\nO1 0.4 0.5\n")
    assert caught.value.code == "unreadable_cif"
    assert "'O1 0.4 0.5'" in caught.value.detail


@pytest.mark.parametrize(
    "rubbish",
    [
        ";" * 2_000_000,
        ";\n" * 1_000_000,
        "'a " * 700_000,
        "loop_\n" + "_symmetry_equiv_pos_as_xyz\n" + "x," * 1_000_000,
        LOOP + "'a " * 700_000,
        "_cell_length_a " + "'" * 2_000_000,
        "loop_ " * 300_000,
        "\n;x" * 500_000 + "\nloop_",
    ],
)
def test_time_stays_linear_on_rubbish(rubbish):
    start = time.process_time()
    try:
        repair(rubbish)
    except StructureRejected as rejection:
        assert rejection.code == "unreadable_cif"
    assert time.process_time() - start < 5.0


SITES = "Zn1 0.1 0.2 0.3\nO1 0.4 0.5 0.6\nO2 0.7 0.8 0.9\nO3 0.15 0.25 0.35\n"


@pytest.mark.parametrize(
    "line", ["stray words", "_cell_volume 1000", "_stray", "loop_", "loop_ O9", "loop_\n_citation_id"]
)
def test_rows_of_sites_outside_of_the_list_are_not_lost(line):
    first, rest = SITES[: SITES.index("O1")], SITES[SITES.index("O1") :]
    with pytest.raises(BrokenValues, match="stands outside|values for 4 columns"):
        repair("_bad a b\n" + CELL + LOOP + first + line + "\n" + rest)


def test_an_empty_list_of_operations_stays_one():
    text = "_bad a b\n" + CELL + "loop_\n_symmetry_equiv_pos_as_xyz\n" + LOOP + SITES
    (loop,) = [i.loop for i in gemmi.cif.read_string(repair(text), 0)[0] if i.loop and len(i.loop.tags) == 1]
    assert (loop.tags, loop.values) == (["_symmetry_equiv_pos_as_xyz"], [])


def test_charges_of_atom_types_are_kept():
    types = "loop_\n_atom_type_symbol\n_atom_type_partial_charge\nZn 1.25\nO -0.5\n"
    assert column("_bad a b\n" + CELL + types + LOOP + SITES, "_atom_type_partial_charge") == ["1.25", "-0.5"]


@pytest.mark.parametrize("row", ["2 '-x, -y, w'", "'-x,-y'", "2 -x,-y,-z,-w", "\u2212x,\u2212y,\u2212z"])
def test_malformed_operations_are_kept_to_be_refused(row):
    text = "_bad a b\n" + CELL + f"loop_\n_symmetry_equiv_pos_as_xyz\n'x,y,z'\n{row}\n" + LOOP + SITES
    kept = column(text, "_symmetry_equiv_pos_as_xyz")
    assert kept[0] == "x,y,z"
    assert len(kept) == 2
    with pytest.raises(StructureRejected) as caught:
        read_cif(text.encode(), "x")
    assert "operation" in caught.value.detail
