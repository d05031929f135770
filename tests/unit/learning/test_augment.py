"""Augmentation: the right operations, at the right odds, on the right samples."""

import itertools

import numpy as np
import pytest
import torch
from scipy.stats import chisquare

from porevox.errors import PorevoxError
from porevox.learning.augment import (
    AUGMENTATIONS,
    OPERATIONS,
    Augmenter,
    draw_operations,
    on_device,
    symmetry_views,
)
from porevox.learning.symmetry import CUBE_OPERATIONS

N = 4
CPU = torch.device("cpu")


def augmenter(kind="thesis", roll=False, n=N, **grid):
    return Augmenter(kind, roll, n, CPU, **grid)


def seeded(seed):
    return torch.Generator().manual_seed(seed)


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
    moved = augmenter()(voxels, seeded(2))
    drawn = draw_operations(200, torch.Generator().manual_seed(2))
    for i, index in enumerate(drawn.tolist()):
        assert torch.equal(moved[i], OPERATIONS[index][1](voxels[i]))
        assert torch.equal(moved[i].flatten(1).sort().values, voxels[i].flatten(1).sort().values)
    assert torch.equal(voxels, before)
    assert len(drawn.unique()) == 13


@pytest.mark.parametrize(("kind", "roll"), [("thesis", False), ("octahedral", False), ("none", True)])
def test_the_generator_is_the_only_source_of_chance(kind, roll):
    voxels = torch.rand(64, 1, N, N, N)
    runs = []
    for global_seed, seed in ((0, 5), (1, 5), (0, 6)):
        torch.manual_seed(global_seed)
        runs.append(augmenter(kind, roll)(voxels, seeded(seed)))
    assert torch.equal(runs[0], runs[1]) and not torch.equal(runs[0], runs[2])


@pytest.mark.parametrize("m", [1, 2])
def test_small_batches(m):
    voxels = torch.rand(m, 1, N, N, N)
    assert augmenter(roll=True)(voxels, seeded(0)).shape == voxels.shape


def test_nothing_is_drawn_for_what_is_switched_off():
    """The generator of the order goes on as if there were no augmentation."""
    generator, voxels = seeded(3), torch.rand(5, 1, N, N, N)
    before = generator.get_state()
    quiet = augmenter("none")
    assert not quiet and quiet(voxels, generator) is voxels
    assert torch.equal(quiet.draw(5, generator), torch.zeros(5, 4, dtype=torch.int64))
    assert torch.equal(generator.get_state(), before)
    thesis, alone = seeded(4), seeded(4)
    augmenter().draw(64, thesis)
    draw_operations(64, alone)
    assert torch.equal(thesis.get_state(), alone.get_state())


def test_all_48_operations_have_equal_odds_and_so_have_all_shifts():
    moves = augmenter("octahedral", roll=True).draw(48_000, seeded(0)).numpy()
    assert chisquare(np.bincount(moves[:, 0], minlength=48)).pvalue > 1e-3
    for column in moves.T[1:]:
        counts = np.bincount(column)
        assert len(counts) == N and chisquare(counts).pvalue > 1e-3


@pytest.mark.parametrize("kind", AUGMENTATIONS)
@pytest.mark.parametrize("roll", [False, True])
@pytest.mark.parametrize("endpoint", [False, True])
@pytest.mark.parametrize("channels_last", [False, True])
def test_one_by_one_and_all_at_once_are_the_same(kind, roll, endpoint, channels_last):
    """The path of the CPU against that of a GPU, run on the CPU."""
    voxels = periodic_voxels(40, 5, endpoint)
    if channels_last:
        voxels = voxels.contiguous(memory_format=torch.channels_last_3d)
    mover = augmenter(kind, roll, 5, endpoint=endpoint)
    moves = mover.draw(40, seeded(1))
    one, other = mover._one_by_one(voxels, moves), mover._gather(voxels, moves)
    assert torch.equal(one, other)
    assert torch.equal(mover(voxels, seeded(1)), one)
    assert torch.equal(one, voxels) == (kind == "none" and not roll)


def periodic_voxels(m, n, endpoint, channels=2):
    """Random voxels; with an endpoint the last plane of each axis repeats the first."""
    voxels = torch.rand(m, channels, n, n, n, generator=seeded(8))
    if endpoint:
        for dim in (-3, -2, -1):
            voxels.select(dim, n - 1).copy_(voxels.select(dim, 0))
    return voxels


@pytest.mark.parametrize("endpoint", [False, True])
def test_a_shift_is_another_choice_of_origin(endpoint):
    """Fourier coefficients of the distinct planes change by a phase only (shift theorem)."""
    voxels = periodic_voxels(20, 5, endpoint).double()
    mover = augmenter("none", True, 5, endpoint=endpoint)
    moved, moves = mover(voxels, seeded(2)), mover.draw(20, seeded(2))
    distinct = 4 if endpoint else 5
    inside = (..., *[slice(distinct)] * 3)
    before, after = (torch.fft.fftn(v[inside], dim=(-3, -2, -1)) for v in (voxels, moved))
    k = torch.stack(torch.meshgrid(*[torch.arange(distinct)] * 3, indexing="ij"))
    phase = torch.exp(-2j * torch.pi / distinct * torch.einsum("ma,aijk->mijk", moves[:, 1:], k).double())
    torch.testing.assert_close(after, before * phase[:, None])
    if endpoint:
        for dim in (-3, -2, -1):
            assert torch.equal(moved.select(dim, 4), moved.select(dim, 0))


def test_augmentation_commutes_with_the_circular_padding_of_the_first_layer():
    """What the network sees of a shifted periodic grid is the shifted map: no seam is made."""
    voxels, mover = periodic_voxels(8, N, False, channels=1), augmenter("none", True)
    conv = torch.nn.Conv3d(1, 2, 3, padding=1, padding_mode="circular", bias=False)
    moves = mover.draw(8, seeded(0))
    torch.testing.assert_close(conv(mover.moved(voxels, moves)), mover.moved(conv(voxels), moves))


def test_what_cannot_be_done_is_refused():
    with pytest.raises(PorevoxError, match="none, thesis, octahedral, not 'cubic'"):
        augmenter("cubic")
    with pytest.raises(PorevoxError, match="cubic_box does not"):
        augmenter("thesis", roll=True, periodic=False)
    assert augmenter("octahedral", periodic=False)


def test_views_are_the_first_operations_and_the_voxels_themselves_come_first():
    voxels = torch.rand(3, 2, N, N, N)
    views = list(symmetry_views(voxels, 48))
    assert views[0] is voxels or torch.equal(views[0], voxels)
    assert all(torch.equal(view, f(voxels)) for view, f in zip(views, CUBE_OPERATIONS, strict=True))
    assert len(list(symmetry_views(voxels, 7))) == 7
    for k in (0, 49):
        with pytest.raises(PorevoxError, match=f"from 1 to 48, not {k}"):
            symmetry_views(voxels, k)


@pytest.mark.parametrize("k", [2, 8, 24, 48])
def test_an_average_over_a_group_of_views_is_unchanged_by_its_members(k):
    voxels, weights = torch.rand(1, 1, N, N, N).double(), torch.rand(N, N, N).double()

    def mean(sample):
        return torch.stack([(weights * view).sum() ** 2 for view in symmetry_views(sample, k)]).mean()

    for view in symmetry_views(voxels, k):
        torch.testing.assert_close(mean(view), mean(voxels))


def test_a_tensor_stays_on_the_cpu():
    tensor = torch.arange(3)
    assert on_device(tensor, CPU) is tensor
