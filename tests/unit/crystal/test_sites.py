"""Symmetry and overlap against textbook crystals."""

import gemmi
import numpy as np
import pytest

from porevox.crystal.cif_block import read_document
from porevox.crystal.neighbours import PeriodicPoints
from porevox.crystal.sites import expand, resolve_overlaps
from porevox.errors import StructureRejected

LOOP = "loop_\n_atom_site_label\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\n"


def listing(cell, symmetry, rows):
    tags = ["length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma"]
    text = "data_x\n" + "".join(f"_cell_{t} {v}\n" for t, v in zip(tags, cell, strict=True))
    return read_document(gemmi.cif.read_string(text + symmetry + "\n" + LOOP + rows + "\n"))


def crystal(cell, symmetry, rows):
    found = listing(cell, symmetry, rows)
    return expand(found), found.lattice_A


def cubic(a):
    return (a, a, a, 90, 90, 90)


def hexagonal(a, c):
    return (a, a, c, 90, 90, 120)


HM = "_symmetry_space_group_name_H-M "
NUMBER = "_symmetry_Int_Tables_number "


@pytest.mark.parametrize(
    ("cell", "symmetry", "rows", "counts", "nearest_A"),
    [
        (cubic(5.6402), HM + "'F m -3 m'", "Na 0 0 0\nCl .5 .5 .5", {"Na": 4, "Cl": 4}, 2.8201),
        (cubic(5.4626), NUMBER + "225", "Ca 0 0 0\nF .25 .25 .25", {"Ca": 4, "F": 8}, 2.3654),
        # Diamond in both origins without saying which.
        (cubic(3.567), HM + "'F d -3 m'", "C 0 0 0", {"C": 8}, 1.5445),
        (cubic(3.567), HM + "'F d -3 m'", "C .125 .125 .125", {"C": 8}, 1.5445),
        (cubic(3.567), NUMBER + "227", "C 0 0 0", {"C": 8}, 1.5445),
        # Alpha quartz, z = 2/3 with four digits.
        (hexagonal(4.913, 5.405), HM + "'P 32 2 1'", "Si .4697 0 .6667\nO .4135 .2669 .7858",
         {"Si": 3, "O": 6}, 1.605),
        # Calcite in both settings.
        (hexagonal(4.989, 17.062), NUMBER + "167", "Ca 0 0 0\nC 0 0 .25\nO .2578 0 .25",
         {"Ca": 6, "C": 6, "O": 18}, 1.286),
        ((6.375, 6.375, 6.375, 46.08, 46.08, 46.08), HM + "'R -3 c'",
         "Ca 0 0 0\nC .25 .25 .25\nO .5078 -.0078 .25", {"Ca": 2, "C": 2, "O": 6}, 1.286),
        # Beryllium with 1/3 as 0.333.
        (hexagonal(2.286, 3.584), HM + "'P 63/m m c'", "Be .333 .667 .25", {"Be": 2}, 2.225),
    ],
)  # fmt: skip
def test_textbook_crystals(cell, symmetry, rows, counts, nearest_A):
    sites, lattice_A = crystal(cell, symmetry, rows)
    assert {e: sites.elements.count(e) for e in set(sites.elements)} == counts
    distance_A, _ = PeriodicPoints(sites.frac, lattice_A, 3.0).nearest()
    assert distance_A.min() == pytest.approx(nearest_A, abs=0.005)


def test_low_precision_special_position_in_a_large_cell():
    # 0.333 in a 43 A cell lies 0.025 A off the threefold axis: still one atom per axis.
    sites, _ = crystal(hexagonal(43.0, 20.0), HM + "'P 3'", "Zn 0.333 0.667 0.1\nO 0.1 0.2 0.3")
    assert (sites.elements.count("Zn"), sites.elements.count("O")) == (1, 3)


def test_the_listed_position_is_kept():
    sites, _ = crystal(hexagonal(43.0, 20.0), HM + "'P 3'", "Zn 0.333 0.667 0.1")
    np.testing.assert_array_equal(sites.frac, [[0.333, 0.667, 0.1]])
    assert sites.operation.tolist() == [0]


def test_positions_are_wrapped_exactly():
    sites, _ = crystal(cubic(10.0), HM + "'P -1'", "C -1e-17 1.0 -2.25\nN 0.3 0.3 0.3")
    assert (sites.frac >= 0.0).all()
    assert (sites.frac < 1.0).all()
    np.testing.assert_array_equal(sites.frac[0], [0.0, 0.0, 0.75])


def test_more_images_than_any_crystal_has():
    rows = "\n".join(f"C{i} 0.1 0.2 0.{i:04d}" for i in range(1, 1100))
    with pytest.raises(StructureRejected) as caught:
        crystal(cubic(100.0), HM + "'F m -3 m'", rows)
    assert caught.value.code == "too_large"


PAIR = "Zn1 0.99 0.5 0.5\nO1 0.3 0.5 0.5\nZn2 0.02 0.5 0.5"


def test_overlap_through_the_cell_face_is_rejected_with_names_and_distance():
    sites, lattice_A = crystal(cubic(10.0), HM + "'P 1'", PAIR)
    with pytest.raises(StructureRejected) as caught:
        resolve_overlaps(sites, lattice_A, "reject", 0.5)
    assert caught.value.code == "overlapping_atoms"
    for words in ("Zn1", "Zn2", "0.300 A"):
        assert words in caught.value.detail


def test_merge_keeps_the_first_listed_and_keep_keeps_all():
    sites, lattice_A = crystal(cubic(10.0), HM + "'P 1'", PAIR)
    assert resolve_overlaps(sites, lattice_A, "merge", 0.5).labels == ["Zn1", "O1"]
    assert resolve_overlaps(sites, lattice_A, "keep", 0.5).labels == ["Zn1", "O1", "Zn2"]


@pytest.mark.parametrize("policy", ["reject", "merge"])
def test_atoms_farther_apart_than_the_limit_stay(policy):
    sites, lattice_A = crystal(cubic(10.0), HM + "'P 1'", PAIR)
    assert len(resolve_overlaps(sites, lattice_A, policy, 0.29).labels) == 3


def test_merging_a_chain_leaves_no_overlap():
    rows = "\n".join(f"C{i} {0.03 * i:.2f} 0.5 0.5" for i in range(8))
    sites, lattice_A = crystal(cubic(10.0), HM + "'P 1'", rows)
    merged = resolve_overlaps(sites, lattice_A, "merge", 0.5)
    assert merged.labels == ["C0", "C2", "C4", "C6"]
    assert not PeriodicPoints(merged.frac, lattice_A, 0.5).any_close()
