"""Augmentation: the right operations, at the right odds, on the right samples."""

import itertools

import numpy as np
import pytest
import torch
from scipy.stats import chisquare

from porevox.learning.augment import OPERATIONS, augment, draw_operations

N = 4


def coordinate_field():
    """Voxels (1, 3, N, N, N) that hold their own position, centred on 0, in three channels."""
    axis = torch.arange(N) - (N - 1) / 2
    return torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"))[None]


def matrix_of(operation):
    """The linear map new position -> old position of an operation, by a fit to all voxels."""
    old = operation(coordinate_field())[0].reshape(3, -1).numpy()
    new = coordinate_field()[0].reshape(3, -1).numpy()
    matrix = old @ np.linalg.pinv(new)
    np.testing.assert_allclose(matrix @ new, old, atol=1e-5)
    return matrix


def symmetries_of_the_cube():
    """All 48 signed permutation matrices."""
    return [
        np.diag(signs) @ np.eye(3)[list(order)]
        for order in itertools.permutations(range(3))
        for signs in itertools.product((1, -1), repeat=3)
    ]


def test_there_are_13_distinct_symmetries_of_the_cube():
    matrices = [matrix_of(operation) for _, operation in OPERATIONS]
    assert len(matrices) == 13
    group = symmetries_of_the_cube()
    found = [i for m in matrices for i, g in enumerate(group) if np.allclose(m, g, atol=1e-5)]
    assert len(found) == 13 and len(set(found)) == 13


def test_each_operation_is_what_its_name_says():
    """Rotations: det +1, trace 1 (90 degrees), of order 4, axis kept. Flips and transpositions:
    det -1, of order 2; a flip is diagonal, a transposition keeps one axis and swaps two."""
    seen = {"rotate": [], "flip": [], "transpose": []}
    np.testing.assert_allclose(matrix_of(OPERATIONS[0][1]), np.eye(3), atol=1e-5)
    for name, operation in OPERATIONS[1:]:
        kind, axis = name.split()[0], "abc".index(name[-1])
        m = matrix_of(operation)
        seen[kind].append((axis, tuple(m.round().astype(int).ravel())))
        rotation = kind == "rotate"
        assert np.isclose(np.linalg.det(m), 1 if rotation else -1, atol=1e-5)
        np.testing.assert_allclose(np.linalg.matrix_power(m, 4 if rotation else 2), np.eye(3), atol=1e-4)
        along = np.eye(3)[axis]
        np.testing.assert_allclose(m @ along, -along if kind == "flip" else along, atol=1e-5)
        assert np.isclose(np.trace(m), 1, atol=1e-5)
        # A rotation turns b into +-c; a transposition swaps them; a flip leaves both.
        across = m[(axis + 1) % 3, (axis + 2) % 3] * m[(axis + 2) % 3, (axis + 1) % 3]
        assert np.isclose(across, {"rotate": -1, "flip": 0, "transpose": 1}[kind], atol=1e-5)
    assert {kind: len(set(found)) for kind, found in seen.items()} == {
        "rotate": 6,
        "flip": 3,
        "transpose": 3,
    }


def test_the_two_senses_of_a_rotation_undo_each_other():
    for plus, minus in zip(OPERATIONS[1:7:2], OPERATIONS[2:7:2], strict=True):
        assert plus[0].split()[-1] == minus[0].split()[-1]
        both = matrix_of(plus[1]) @ matrix_of(minus[1])
        np.testing.assert_allclose(both, np.eye(3), atol=1e-5)


def test_odds_are_one_quarter_per_kind_and_equal_inside_a_kind():
    drawn = draw_operations(48_000, torch.Generator().manual_seed(0)).numpy()
    counts = np.bincount(drawn, minlength=13)
    expected = np.array([1 / 4] + [1 / 24] * 6 + [1 / 12] * 6) * len(drawn)
    assert len(counts) == 13 and chisquare(counts, expected).pvalue > 1e-3


def test_every_sample_is_moved_by_its_own_operation_and_keeps_its_place():
    """Each sample equals one operation on itself, the one drawn for it; channels move together."""
    voxels = torch.rand(200, 2, N, N, N, generator=torch.Generator().manual_seed(1))
    before = voxels.clone()
    moved = augment(voxels, torch.Generator().manual_seed(2))
    drawn = draw_operations(200, torch.Generator().manual_seed(2))
    for i, index in enumerate(drawn.tolist()):
        assert torch.equal(moved[i], OPERATIONS[index][1](voxels[i]))
        assert torch.equal(moved[i].flatten(1).sort().values, voxels[i].flatten(1).sort().values)
    assert torch.equal(voxels, before)
    assert len(drawn.unique()) == 13


def test_the_generator_is_the_only_source_of_chance():
    voxels = torch.rand(64, 1, N, N, N)
    runs = []
    for global_seed, seed in ((0, 5), (1, 5), (0, 6)):
        torch.manual_seed(global_seed)
        runs.append(augment(voxels, torch.Generator().manual_seed(seed)))
    assert torch.equal(runs[0], runs[1]) and not torch.equal(runs[0], runs[2])


@pytest.mark.parametrize("m", [1, 2])
def test_small_batches(m):
    voxels = torch.rand(m, 1, N, N, N)
    assert augment(voxels, torch.Generator().manual_seed(0)).shape == voxels.shape
