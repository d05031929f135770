"""Triplets against gemmi's tables of space groups, and what must not pass for an operation."""

import gemmi
import numpy as np
import pytest

from porevox.crystal.triplets import UnclearSymmetry, listed_operations
from porevox.errors import StructureRejected

GROUPS = [
    "P -1",
    "P 21/c",
    "C 1 2/c 1",
    "F d d d",
    "I a -3 d",
    "R -3 c:H",
    "R -3 c:R",
    "P 61 2 2",
]


def triplets(group):
    return [op.triplet() for op in gemmi.find_spacegroup_by_name(group).operations()]


def rows(operations, scale):
    return {tuple(np.rint(scale * op).astype(int).ravel().tolist()) for op in operations}


@pytest.mark.parametrize("group", GROUPS)
def test_all_operations_of_a_group(group):
    listed = triplets(group)
    ops = [gemmi.Op(text).wrap() for text in listed]
    expected = {tuple(np.hstack([op.rot, np.array(op.tran)[:, None]]).ravel().tolist()) for op in ops}
    found = listed_operations(listed[::-1])
    assert rows(found, gemmi.Op.DEN) == expected
    assert len(found) == len(listed)
    np.testing.assert_array_equal(found[0], np.hstack([np.eye(3), np.zeros((3, 1))]))


@pytest.mark.parametrize("group", GROUPS)
def test_a_list_that_lost_operations_is_no_group(group):
    listed = triplets(group)
    # What is left is a group only when half of the operations or more are gone.
    for lost in range(1, len(listed)):
        if len(listed) > 2:
            with pytest.raises(UnclearSymmetry) as caught:
                listed_operations(listed[:lost] + listed[lost + 1 :])
            assert caught.value.code == "unreadable_cif"
            assert "make no group" in caught.value.detail


@pytest.mark.parametrize("n", [5, 7, 48])
def test_supercell_translations_beyond_the_24ths(n):
    found = listed_operations([f"x,y,z+{i}/{n}" for i in range(n)])
    np.testing.assert_allclose(sorted(found[:, 2, 3]), np.arange(n) / n, atol=1e-15)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("-x, y+1/2, -z+1/2", [[-1, 0, 0, 0], [0, 1, 0, 0.5], [0, 0, -1, 0.5]]),
        ("1/2-X,+Y,.5-Z", [[-1, 0, 0, 0.5], [0, 1, 0, 0], [0, 0, -1, 0.5]]),
        ("-x+3/2,y-1,-z", [[-1, 0, 0, 0.5], [0, 1, 0, 0], [0, 0, -1, 0]]),
        ("-x,-y,z+0.50", [[-1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 1, 0.5]]),
    ],
)
def test_ways_of_writing(written, meant):
    np.testing.assert_array_equal(listed_operations(["x,y,z", written])[1], meant)


@pytest.mark.parametrize("third", ["0.333", "0.3333", ".33333333", "1/3", "4/3"])
def test_decimals_stand_for_fractions(third):
    found = listed_operations(["x,y,z", f"-y,x-y,z+{third}", f"-x+y,-x,z+{third}+{third}"])
    assert {round(float(shift), 12) for shift in found[:, 2, 3]} == {0.0, round(1 / 3, 12), round(2 / 3, 12)}


@pytest.mark.parametrize(
    "text",
    [
        "x,y", "x,y,z,x", "", ",,", "x,y,", "x,y,w", "x y,y,z", "xx,y,z", "x+,y,z", "x--y,y,z", "2x,y,z",
        "1/2x,y,z", "x/2,y,z", "x*2,y,z", "x+1/0,y,z", "x+1/2/2,y,z", "x+0.5.5,y,z", "x+1e1,y,z", "x,x,z",
        "x+y,x+y,z", "x+nan,y,z", "x+1/999999999,y,z", "x+" + "1" * 200 + ",y,z", "x-x,y,z", "\u0445,y,z",
    ],
)  # fmt: skip
def test_what_is_no_operation(text):
    with pytest.raises(UnclearSymmetry) as caught:
        listed_operations(["x,y,z", text])
    assert isinstance(caught.value, StructureRejected)
    assert "malformed" in caught.value.detail


def test_no_end_of_operations():
    with pytest.raises(UnclearSymmetry, match="1000 symmetry operations"):
        listed_operations(["x,y,z"] * 1000)


def test_translations_that_no_lattice_has():
    listed = [f"x+1/{n},y,z" for n in (59, 53, 47, 43, 41)]
    with pytest.raises(UnclearSymmetry, match="fractions that no lattice has"):
        listed_operations(listed)
