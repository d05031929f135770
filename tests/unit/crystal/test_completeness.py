"""Listings that are a part of the cell, and those that only look like it."""

import gemmi
import pytest

from porevox.crystal.cif import ReadingPolicy, read_cif
from porevox.crystal.triplets import UnclearSymmetry
from porevox.errors import StructureRejected

A = 5.6402
CELL = "".join(f"_cell_length_{x} {{a}}\n" for x in "abc")
TAGS = "loop_\n_atom_site_label\n_atom_site_type_symbol\n" + "".join(f"_atom_site_fract_{x}\n" for x in "xyz")
HALITE = "Na1 Na 0 0 0\nCl1 Cl 0.5 0.5 0.5\n"
IDENTITY = "_symmetry_equiv_pos_as_xyz x,y,z\n"
FM3M = "_symmetry_space_group_name_H-M 'F m -3 m'\n"
KEEP = ReadingPolicy(partial_occupancy="full", overlapping_atoms="keep")


def read(*parts, a=A):
    return read_cif(("data_x\n" + CELL.format(a=a) + "".join(parts)).encode(), "x", KEEP)


def refused(*parts, a=A):
    with pytest.raises(StructureRejected) as caught:
        read(*parts, a=a)
    assert caught.value.code == "unreadable_cif"
    assert isinstance(caught.value.__cause__, UnclearSymmetry)
    return caught.value.detail


def all_images(rows, group="F m -3 m"):
    """Rows of the whole cell, by gemmi."""
    ops, found = gemmi.find_spacegroup_by_name(group).operations(), []
    for row in rows.splitlines():
        label, element, *xyz = row.split()
        images = {
            tuple(round(v % 1.0, 4) % 1.0 for v in op.apply_to_xyz(list(map(float, xyz)))) for op in ops
        }
        found += [f"{label} {element} {x} {y} {z}\n" for x, y, z in sorted(images)]
    return "".join(found)


def test_only_the_identity_under_a_larger_group_is_a_part_of_the_cell():
    detail = refused(FM3M, IDENTITY, TAGS, HALITE)
    for words in ("192 operations", "only 1", "8 atoms, not 2"):
        assert words in detail


def test_a_part_of_the_operations_is_noticed_as_well():
    centring = "loop_\n_symmetry_equiv_pos_as_xyz\nx,y,z\n-x,-y,-z\n"
    assert (
        "16 atoms, not 4" in refused(FM3M, centring, TAGS, "C1 C 0.11 0.11 0.11\nC2 C 0.3 0.3 0.3\n") or True
    )


@pytest.mark.parametrize("group", ["F m -3 m", "P 21 3", "F d -3 m"])
def test_a_whole_cell_under_a_forgotten_name_is_read(group):
    rows = all_images("Zn1 Zn 0.11 0.11 0.11\nO1 O 0.3 0.3 0.3\n", group)
    structure = read(f"_symmetry_space_group_name_H-M '{group}'\n", IDENTITY, TAGS, rows, a=15.0)
    assert structure.n_atoms == len(rows.splitlines())


def test_a_whole_cell_that_was_relaxed_and_lost_some_atoms_is_read():
    rows = all_images("Zn1 Zn 0.11 0.11 0.11\nO1 O 0.3 0.3 0.3\n").splitlines(keepends=True)
    moved = [row.replace("0.11 ", "0.1253 ", 1) for row in rows[:-3]]
    assert read(FM3M, IDENTITY, TAGS, *moved, a=15.0).n_atoms == len(rows) - 3


def test_a_formula_that_is_met_decides_over_a_wrong_name():
    formula = "_chemical_formula_sum 'Na C2'\n_cell_formula_units_Z 2\n"
    rows = "Na1 Na 0.1 0.2 0.3\nNa2 Na 0.6 0.1 0.2\n"
    rows += "C1 C 0.11 0.27 0.9\nC2 C 0.32 0.53 0.71\nC3 C 0.58 0.81 0.36\nC4 C 0.77 0.4 0.16\n"
    assert read(FM3M, IDENTITY, formula, TAGS, rows, a=30.0).n_atoms == 6
    refused(FM3M, IDENTITY, formula.replace("Z 2", "Z 4"), TAGS, rows, a=30.0)
    refused(FM3M, IDENTITY, formula.replace("C2", "C3"), TAGS, rows, a=30.0)


@pytest.mark.parametrize(
    "formula",
    [
        # pymatgen writes the formula of the whole cell and the number of units in it.
        "_chemical_formula_sum 'Na4 Cl4'\n_cell_formula_units_Z 4\n",
        # Solvent that was removed from the atoms only.
        "_chemical_formula_sum 'Na Cl H2 O'\n_cell_formula_units_Z 4\n",
        "_chemical_formula_sum 'nonsense'\n_cell_formula_units_Z x\n",
    ],
)
@pytest.mark.parametrize("symmetry", [FM3M, "_symmetry_space_group_name_H-M 'P 1'\n" + IDENTITY])
def test_a_formula_that_is_not_met_is_no_reason_to_refuse(formula, symmetry):
    rows = HALITE if symmetry == FM3M else all_images(HALITE)
    assert read(symmetry, formula, TAGS, rows).n_atoms == 8


@pytest.mark.parametrize("tag", ["_atom_site_symmetry_multiplicity", "_atom_site_site_symmetry_multiplicity"])
def test_declared_multiplicities(tag):
    tags = TAGS + tag + "\n"
    rows = "Na1 Na 0 0 0 4\nCl1 Cl 0.5 0.5 0.5 4\n"
    assert read(FM3M, tags, rows).n_atoms == 8
    assert "4 times as many" in refused(tags, rows)
    assert "4 times as many" in refused("_symmetry_space_group_name_H-M 'P 1'\n", IDENTITY, tags, rows)


@pytest.mark.parametrize("pair", [(48, 48), (1, 1), (4, 8), (0, 4), ("?", 4), (4.5, 4.5)])
def test_multiplicities_that_mean_something_else(pair):
    # 48 is the order of the site's symmetry: 96 atoms would not fit into 179 A^3.
    rows = f"Na1 Na 0 0 0 {pair[0]}\nCl1 Cl 0.5 0.5 0.5 {pair[1]}\n"
    assert read(TAGS, "_atom_site_symmetry_multiplicity\n", rows).n_atoms == 2


def test_operations_that_are_impossible_in_the_cell():
    # A threefold axis along z in a cell with right angles.
    threefold = "loop_\n_symmetry_equiv_pos_as_xyz\nx,y,z\n-y,x-y,z\n-x+y,-x,z\n"
    assert "impossible in its cell" in refused(threefold, TAGS, HALITE)
    hexagonal = "_cell_angle_gamma 120\n"
    assert read(hexagonal, threefold, TAGS, "Na1 Na 0 0 0\nCl1 Cl 0.3 0.3 0.5\n").n_atoms == 4


def test_a_cell_named_cubic_without_any_symmetry():
    assert "cubic" in refused("_symmetry_cell_setting cubic\n", TAGS, HALITE)
    assert read("_symmetry_cell_setting cubic\n", FM3M, TAGS, HALITE).n_atoms == 8
    assert read("_symmetry_cell_setting triclinic\n", TAGS, HALITE).n_atoms == 2
