"""The 48 operations of the cube: a group of bijections, the thesis' 13 among them."""

import itertools

import numpy as np
import pytest
import torch

from porevox.learning.augment import OPERATIONS, THESIS_NUMBERS
from porevox.learning.symmetry import CUBE_OPERATIONS, operation_number, outer_sum

N = 3


def tables(n=N):
    """Index permutations of all operations, one row each."""
    return np.array([operation.indices(n).numpy() for operation in CUBE_OPERATIONS])


@pytest.mark.parametrize("n", [2, 3, 4])
def test_there_are_48_distinct_bijections_and_the_first_moves_nothing(n):
    rows = tables(n)
    assert rows.shape == (48, n**3) and len({tuple(row) for row in rows}) == 48
    np.testing.assert_array_equal(np.sort(rows, axis=1), np.tile(np.arange(n**3), (48, 1)))
    np.testing.assert_array_equal(rows[0], np.arange(n**3))


@pytest.mark.parametrize("order", [1, 2, 4, 8, 24, 48])
def test_the_first_ones_are_groups(order):
    """Closed under composition, which for a finite set of bijections is all a group needs."""
    rows = tables()[:order]
    members = {tuple(row) for row in rows}
    assert all(tuple(a[b]) in members for a, b in itertools.product(rows, rows))


def test_other_counts_are_not_taken_for_groups():
    rows = tables()[:3]
    assert not {tuple(a[b]) for a, b in itertools.product(rows, rows)} <= {tuple(row) for row in rows}


def test_matrices_are_all_signed_permutations():
    expected = {
        tuple((np.diag(signs) @ np.eye(3, dtype=int)[list(order)]).ravel())
        for order in itertools.permutations(range(3))
        for signs in itertools.product((1, -1), repeat=3)
    }
    assert {tuple(operation.matrix().flatten().tolist()) for operation in CUBE_OPERATIONS} == expected


@pytest.mark.parametrize("number", range(48))
def test_calls_indices_and_matrices_are_the_same_move(number):
    operation, voxels = CUBE_OPERATIONS[number], torch.rand(2, 3, 4, 4, 4)
    moved = operation(voxels)
    assert torch.equal(moved.flatten(2), voxels.flatten(2)[:, :, operation.indices(4)])
    # Positions, centred on the middle of the grid: the value at x comes from matrix @ x.
    x = torch.stack(torch.meshgrid(*[torch.arange(4)] * 3, indexing="ij")).reshape(3, -1)
    source = (operation.matrix() @ (2 * x - 3) + 3) // 2
    flat = source[0] * 16 + source[1] * 4 + source[2]
    assert torch.equal(flat, operation.indices(4))


def test_distances_between_points_are_kept():
    """Independent of matrices: a symmetry of the cube keeps all distances between grid points."""
    x = np.stack(np.meshgrid(*[np.arange(N)] * 3, indexing="ij")).reshape(3, -1).T
    apart = ((x[:, None] - x[None]) ** 2).sum(-1)
    for row in tables():
        np.testing.assert_array_equal(apart[np.ix_(row, row)], apart)


def test_the_thesis_operations_are_among_them():
    assert len(set(THESIS_NUMBERS)) == 13 and THESIS_NUMBERS[0] == 0
    voxels = torch.rand(5, 5, 5)
    for number, (_, function) in zip(THESIS_NUMBERS, OPERATIONS, strict=True):
        assert torch.equal(CUBE_OPERATIONS[number](voxels), function(voxels))


def test_a_function_that_is_no_symmetry():
    with pytest.raises(KeyError):
        operation_number(lambda corners: corners.roll(1, 0).roll(1, 1).sort(2, descending=True).values[:1])


def test_outer_sum_adds_one_offset_per_axis():
    offsets = torch.arange(12).reshape(2, 3, 2)
    total = outer_sum(offsets).reshape(2, 2, 2, 2)
    for m, i, j, k in itertools.product(range(2), repeat=4):
        assert total[m, i, j, k] == offsets[m, 0, i] + offsets[m, 1, j] + offsets[m, 2, k]
