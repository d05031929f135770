"""The compiled sums against sums written out in the test."""

import numpy as np
import pytest

from porevox.energy import image_list, kernel

A, B = 4.0 * 40.0 * 3.0**12, 4.0 * 40.0 * 3.0**6


def listed(atoms, shift=None):
    """A padded list of images."""
    rows = 5 if shift is None else 6
    images = np.empty((rows, len(atoms) + image_list.PADDING))
    images[:3, : len(atoms)] = np.asarray(atoms, dtype=float).reshape(-1, 3).T
    images[3], images[4] = A, B
    images[5:] = shift
    return images, image_list.pad(images, len(atoms))


def block(atoms, shape, steps, cutoff=10.0, origin=(0.0, 0.0, 0.0), brick=(3, 3), needed=None, shift=None):
    """Energies of explicit atoms at an affine lattice of points."""
    images, m = listed(atoms, shift)
    out = np.full(shape, np.nan)
    kernel.sum_points(
        images,
        m,
        np.asarray(origin, dtype=np.float64),
        np.asarray(steps, dtype=np.float64),
        np.asarray(brick),
        cutoff,
        None if shift is None else True,
        kernel.pieces_of(np.ones(shape, dtype=bool) if needed is None else needed),
        np.empty((5, len(images), m + image_list.PADDING)),
        out,
    )
    return out


def written_out(atoms, shape, steps, cutoff=10.0, origin=(0.0, 0.0, 0.0)):
    out = np.zeros(shape)
    for index in np.ndindex(*shape):
        place = np.asarray(origin) + np.asarray(index) @ np.asarray(steps)
        for atom in atoms:
            r = float(np.sqrt(((place - atom) ** 2).sum()))
            if r <= cutoff:
                out[index] += A / r**12 - B / r**6
    return out


def at(distance, cutoff=10.0):
    """Energy at one point, `distance` along x from one atom."""
    return block([(0.0, 0.0, 0.0)], (1, 1, 1), np.eye(3), cutoff, (distance, 0.0, 0.0))[0, 0, 0]


def test_random_atoms_around_a_skewed_block():
    rng = np.random.default_rng(1)
    atoms = rng.uniform(-15, 15, (60, 3))
    steps = np.array([[0.9, 0.1, -0.3], [-0.5, 1.1, 0.2], [0.3, -0.4, 0.8]])
    got = block(atoms, (4, 6, 5), steps, origin=(-1.0, 0.5, 2.0))
    expected = written_out(atoms, (4, 6, 5), steps, origin=(-1.0, 0.5, 2.0))
    assert np.count_nonzero(expected) == expected.size
    assert got == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("length", range(1, 16))
def test_lines_of_any_length_are_cut_into_pieces_of_four_or_five(length):
    atoms = np.random.default_rng(length).uniform(-9, 15, (80, 3))
    steps = np.array([[0.2, 0.8, 0.3], [-0.5, 0.4, 1.2], [0.9, 0.4, -0.1]])
    got = block(atoms, (2, 3, length), steps)
    assert got == pytest.approx(written_out(atoms, (2, 3, length), steps), rel=1e-10)


def test_only_the_pieces_asked_for_are_summed():
    atoms = np.random.default_rng(3).uniform(-9, 15, (80, 3))
    needed = np.random.default_rng(4).random((7, 6, 13)) < 0.1
    everything = block(atoms, (7, 6, 13), np.eye(3))
    got = block(atoms, (7, 6, 13), np.eye(3), needed=needed)
    assert got[needed] == pytest.approx(everything[needed], rel=1e-11)
    summed = ~np.isnan(got)
    assert needed.sum() < summed.sum() < 5 * needed.sum()


@pytest.mark.parametrize("n", range(1, 30))
def test_pieces_have_at_most_five_points_and_more_than_three_where_there_are_many(n):
    marks = kernel.pieces_of(np.eye(n, dtype=bool)[:, None, :])[:, 0]
    assert (marks.sum(axis=1) == 1).all()
    sizes = marks.sum(axis=0)
    assert sizes.max() <= 5
    assert sizes.min() >= (4 if n >= 12 else 1)


def test_a_shift_is_taken_once_for_each_image_within_the_cutoff():
    atoms = np.random.default_rng(5).uniform(-6, 12, (200, 3))
    plain = block(atoms, (3, 4, 9), np.eye(3), 6.0)
    less = block(atoms, (3, 4, 9), np.eye(3), 6.0, shift=0.25)
    points = np.stack(np.indices((3, 4, 9)), axis=-1)
    inside = (np.linalg.norm(points[..., None, :] - atoms, axis=-1) <= 6.0).sum(axis=-1)
    assert inside.max() > 10
    assert plain - less == pytest.approx(0.25 * inside, abs=1e-6)


def test_close_to_an_atom_the_sum_is_as_exact_as_elsewhere():
    """There r^2 as a polynomial along the line has lost most of its digits."""
    for distance in (1e-6, 1e-4, 1e-3, 0.01, 0.03, 0.1, 0.3):
        atoms = [(8.0, 5.0, 7.0 + distance)]
        got = block(atoms, (9, 6, 8), np.eye(3))[8, 5, 7]
        r = (7.0 + distance) - 7.0
        assert got == pytest.approx(A / r**12 - B / r**6, rel=1e-9)


@pytest.mark.parametrize("brick", [(1, 1), (2, 5), (7, 1), (100, 100)])
def test_bricks_are_only_a_way_to_cut_the_work(brick):
    rng = np.random.default_rng(2)
    atoms = rng.uniform(-12, 18, (500, 3))
    steps = np.array([[1.3, 0.0, 0.4], [-0.6, 1.2, 0.0], [0.0, 0.0, 1.1]])
    whole = block(atoms, (7, 6, 5), steps, brick=(50, 50))
    assert block(atoms, (7, 6, 5), steps, brick=brick) == pytest.approx(whole, rel=1e-10)


@pytest.mark.parametrize("count", [0, 1, 31, 32, 33, 64, 65])
def test_padding_to_whole_vectors_adds_nothing(count):
    atoms = np.random.default_rng(count).uniform(2, 5, (count, 3))
    got = block(atoms, (2, 2, 2), np.eye(3))
    assert got == pytest.approx(written_out(atoms, (2, 2, 2), np.eye(3)), rel=1e-11)


def test_the_cutoff_itself_counts_and_nothing_beyond():
    inside = A / 10.0**12 - B / 10.0**6
    assert at(10.0) == pytest.approx(inside, rel=1e-12)
    assert at(np.nextafter(10.0, 0.0)) == pytest.approx(inside, rel=1e-12)
    # On a symmetric lattice many atoms lie at the cutoff but for rounding: they count.
    assert at(np.nextafter(10.0, 11.0)) == pytest.approx(inside, rel=1e-12)
    assert at(10.0 + 1e-10) == 0.0
    assert at(10.5) == 0.0
    assert at(9.0, cutoff=8.0) == 0.0


def test_on_top_of_an_atom_the_energy_is_infinite():
    assert at(0.0) == np.inf


@pytest.mark.parametrize("exponent", range(-320, 1, 4))
def test_never_nan_however_close(exponent):
    # From denormal numbers on: r^2 underflows, 1/r^2 and its powers overflow.
    value = at(float(f"1e{exponent}"))
    assert value > 0.0


def test_an_infinite_term_survives_attractive_neighbours():
    around = [(3.4, 0, 0), (-3.4, 0, 0), (0, 3.4, 0), (0, 0, -3.4)] * 20
    value = block([(0, 0, 0), *around], (1, 1, 1), np.eye(3))[0, 0, 0]
    assert value == np.inf
    assert block([(0, 0, 0), (0, 0, 0)], (1, 1, 1), np.eye(3))[0, 0, 0] == np.inf


@pytest.mark.parametrize("edge", [0.1, 2.0, 4.0, 1e3])
def test_bricks_are_nearly_equal_and_no_longer_than_asked(edge):
    steps = np.diag([0.3, 0.9, 7.0])
    shape = kernel.brick_shape((25, 13, 4), steps, edge)
    assert (shape >= 1).all()
    assert (shape <= (25, 13)).all()
    longer_than_one = shape > 1
    assert ((shape * np.diag(steps)[:2])[longer_than_one] <= edge + 1e-9).all()
