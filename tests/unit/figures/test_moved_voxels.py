"""The panels show the operations of the training, and the arrows where they carry the axes."""

import numpy as np
import pytest

from porevox.figures.moved_voxels import carried_axes, moves
from porevox.learning.augment import OPERATIONS
from porevox.learning.symmetry import CUBE_OPERATIONS, operation_number

VALUES = np.random.default_rng(0).normal(size=(6, 6, 6)).astype(np.float32)


def test_panels_show_the_four_kinds_of_the_thesis():
    """Figure 3.2: identity, rotation, flip, reflection (a transposition of each slice)."""
    shown = moves(False, False, 6, False)
    expected = (VALUES, np.rot90(VALUES, axes=(0, 1)), VALUES[::-1], VALUES.transpose(1, 0, 2))
    for move, values in zip(shown, expected, strict=True):
        np.testing.assert_array_equal(move(VALUES), values)
    functions = [function for _, function in OPERATIONS]
    assert [functions.index(move.function) for move in shown] == [0, 5, 7, 12]
    words = ("original", "rotation", "flip", "reflection")
    assert all(word in move.title for word, move in zip(words, shown, strict=True))


def test_other_recipes_have_further_panels():
    cyclic, shift = moves(True, True, 6, False)[4:]
    number = operation_number(cyclic.function)
    assert number not in [operation_number(function) for _, function in OPERATIONS]
    third = cyclic(cyclic(cyclic(VALUES)))
    np.testing.assert_array_equal(third, VALUES)
    matrix = CUBE_OPERATIONS[number].matrix().numpy()
    assert np.linalg.det(matrix) == pytest.approx(1) and matrix.trace() == 0  # 1 + 2 cos 120 deg
    np.testing.assert_array_equal(shift(VALUES), np.roll(VALUES, (2, 1, 0), axis=(0, 1, 2)))


def test_a_shift_leaves_the_repeated_plane_of_an_endpoint_grid_repeated():
    closed = np.pad(VALUES, [(0, 1)] * 3, mode="wrap")
    moved = moves(False, True, 7, True)[-1](closed)
    np.testing.assert_array_equal(moved[0], moved[-1])
    np.testing.assert_array_equal(moved[:-1, :-1, :-1], np.roll(VALUES, (2, 1, 0), axis=(0, 1, 2)))


@pytest.mark.parametrize("number", range(6))
def test_arrows_stand_where_the_operation_carries_them(number):
    """A value one step along an original axis lies one step along its arrow after the operation."""
    move = moves(True, True, 6, False)[number]
    corner, axes = carried_axes(move, 6)
    moved = move(VALUES)
    assert moved[tuple(corner)] == VALUES[0, 0, 0]
    for axis, step in enumerate(axes):
        assert np.abs(step).sum() == 1
        index = tuple(2 * (np.arange(3) == axis))
        assert moved[tuple((corner + 2 * step) % 6)] == VALUES[index]
    handed = np.linalg.det(axes)
    assert handed == pytest.approx(-1 if number in (2, 3) else 1)


def test_moves_leave_the_original_alone():
    before = VALUES.copy()
    for move in moves(True, True, 6, False):
        moved = move(VALUES)
        moved += 1
    np.testing.assert_array_equal(VALUES, before)
