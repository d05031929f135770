"""Orders of space groups and settings, from the International Tables."""

import numpy as np
import pytest

from porevox.crystal.symmetry import operations, unlisted_operations
from porevox.crystal.triplets import UnclearSymmetry
from porevox.errors import StructureRejected

RIGHT = (90.0, 90.0, 90.0)
HEXAGONAL = (90.0, 90.0, 120.0)
RHOMBOHEDRAL = (94.0, 94.0, 94.0)
HM = "_symmetry_space_group_name_h-m"
NUMBER = "_symmetry_int_tables_number"
HALL = "_space_group_name_hall"


@pytest.mark.parametrize(
    ("name", "angles", "order"),
    [
        ("P 1", RIGHT, 1),
        ("P1", RIGHT, 1),
        ("F m -3 m", RIGHT, 192),
        ("Fm-3m", RIGHT, 192),
        ("Fm3m", RIGHT, 192),
        ("P4_12_12", RIGHT, 8),
        ("I 1 2/a 1", RIGHT, 8),
        ("P 21/n 1 1", RIGHT, 4),
        ("R -3", HEXAGONAL, 18),
        ("R -3", RHOMBOHEDRAL, 6),
        ("R-3mH", HEXAGONAL, 36),
        ("R -3 m :R", RHOMBOHEDRAL, 12),
    ],
)
def test_orders_by_name(name, angles, order):
    (found,) = operations({HM: [name]}, angles)
    assert found.shape == (order, 3, 4)
    np.testing.assert_array_equal(found[0], np.hstack([np.eye(3), np.zeros((3, 1))]))


@pytest.mark.parametrize(
    ("number", "angles", "order"),
    [("1", RIGHT, 1), ("225", RIGHT, 192), ("148", HEXAGONAL, 18), ("148", RHOMBOHEDRAL, 6)],
)
def test_orders_by_number(number, angles, order):
    (found,) = operations({NUMBER: [number]}, angles)
    assert len(found) == order


def test_hall_symbol_alone():
    (found,) = operations({HALL: ["-F 4 2 3"]}, RIGHT)
    assert len(found) == 192


def test_a_forgotten_p1_hall_symbol_does_not_undo_the_name():
    (found,) = operations({HALL: ["P 1"], HM: ["F m -3 m"]}, RIGHT)
    assert len(found) == 192


def test_open_origin_gives_both_choices_and_a_stated_one_does_not():
    both = operations({HM: ["F d -3 m"]}, RIGHT)
    assert [len(choice) for choice in both] == [192, 192]
    inversion_at_origin = [
        any((op[:, :3] == -np.eye(3)).all() and not op[:, 3].any() for op in choice) for choice in both
    ]
    assert inversion_at_origin == [True, False]
    for stated, first in (("F d -3 m :1", False), ("F d -3 m Z", True), ("F d -3 m S", False)):
        (found,) = operations({HM: [stated]}, RIGHT)
        assert first == any((op[:, :3] == -np.eye(3)).all() and not op[:, 3].any() for op in found)


def test_listed_operations_decide_over_the_name():
    listed = {"_symmetry_equiv_pos_as_xyz": ["x,y,z", " 1/2+X, -y, z+0.5"], HM: ["F m -3 m"]}
    (found,) = operations(listed, RIGHT)
    np.testing.assert_allclose(found[1], [[1, 0, 0, 0.5], [0, -1, 0, 0], [0, 0, 1, 0.5]])


def test_repeated_operations_count_once_and_identity_is_added():
    (found,) = operations({"_space_group_symop_operation_xyz": ["-x,-y,-z", "-x,-y,1-z"]}, RIGHT)
    assert len(found) == 2
    np.testing.assert_array_equal(found[0, :, :3], np.eye(3))


def test_no_statement_means_p1():
    for nothing in ({}, {HM: ["?"], NUMBER: ["."]}):
        (found,) = operations(nothing, RIGHT)
        assert len(found) == 1


@pytest.mark.parametrize(
    "values",
    [
        {"_symmetry_equiv_pos_as_xyz": ["x,y"]},
        {"_symmetry_equiv_pos_as_xyz": ["a potato"]},
        {"_symmetry_equiv_pos_as_xyz": ["x,y,z"] * 1000},
        {"_symmetry_equiv_pos_as_xyz": ["x" * 1_000_000]},
        {HM: ["Q 7"]},
        {NUMBER: ["231"]},
        {NUMBER: ["99999999999999999999999"]},
    ],
)
def test_what_cannot_be_understood_is_not_read_as_p1(values):
    with pytest.raises(StructureRejected) as caught:
        operations(values, RIGHT)
    assert caught.value.code == "unreadable_cif"
    assert isinstance(caught.value, UnclearSymmetry)


def test_a_crystal_system_alone_is_no_symmetry():
    with pytest.raises(UnclearSymmetry, match="tetragonal"):
        operations({"_symmetry_cell_setting": ["tetragonal"]}, RIGHT)
    (found,) = operations({"_symmetry_cell_setting": ["triclinic"]}, RIGHT)
    assert len(found) == 1


@pytest.mark.parametrize(
    ("values", "n_listed", "expected"),
    [
        ({HM: ["F m -3 m"]}, 1, [192]),
        ({HM: ["F m -3 m"]}, 4, [192]),
        ({HM: ["F m -3 m"]}, 192, []),
        ({HM: ["F d -3 m"]}, 1, [192, 192]),
        ({HM: ["P 1"], NUMBER: ["225"]}, 1, []),
        ({HM: ["Q 7"]}, 1, []),
        ({NUMBER: ["2"]}, 1, [2]),
        ({}, 1, []),
    ],
)
def test_operations_that_only_the_name_gives(values, n_listed, expected):
    assert [len(ops) for ops in unlisted_operations(values, RIGHT, n_listed)] == expected


def test_an_empty_list_of_operations_is_no_p1():
    empty = {"_symmetry_equiv_pos_as_xyz": []}
    for name in ({}, {HM: ["P 1"]}):
        with pytest.raises(UnclearSymmetry, match="empty"):
            operations(empty | name, RIGHT)
    (found,) = operations(empty | {HM: ["P -1"]}, RIGHT)
    assert len(found) == 2
