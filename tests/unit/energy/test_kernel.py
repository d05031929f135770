"""The compiled sums against sums written out in the test."""

import itertools
import os
import subprocess
import sys

import numpy as np
import pytest

from porevox.energy import kernel

A, B = 4.0 * 40.0 * 3.0**12, 4.0 * 40.0 * 3.0**6


def block(atoms, shape, steps, cutoff=10.0, origin=(0.0, 0.0, 0.0), brick=(3, 3, 3)):
    """Energies of explicit atoms at an affine lattice of points."""
    images = np.empty((kernel.ROWS, len(atoms)))
    images[:3] = np.asarray(atoms, dtype=float).reshape(-1, 3).T
    images[3:] = np.array([[A], [B]])
    out = np.full(shape, np.nan)
    kernel.sum_bricks(
        images,
        len(atoms),
        np.asarray(origin, dtype=np.float64),
        np.asarray(steps, dtype=np.float64),
        np.asarray(brick),
        cutoff,
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
    assert got == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize("brick", [(1, 1, 1), (2, 5, 3), (7, 1, 4), (100, 100, 100)])
def test_bricks_are_only_a_way_to_cut_the_work(brick):
    rng = np.random.default_rng(2)
    atoms = rng.uniform(-12, 18, (500, 3))
    steps = np.array([[1.3, 0.0, 0.4], [-0.6, 1.2, 0.0], [0.0, 0.0, 1.1]])
    whole = block(atoms, (7, 6, 5), steps, brick=(50, 50, 50))
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
    # One step above 10 squares to just above 100.
    assert at(np.nextafter(10.0, 11.0)) == 0.0
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


def images_of(frac, cell, low, high, cutoff=6.0, room=5000):
    corners = np.array(list(itertools.product(*zip(low, high, strict=True)))) @ np.linalg.inv(cell)
    reach = cutoff * np.linalg.norm(np.linalg.inv(cell), axis=0) + 1e-9
    span = np.stack([corners.min(axis=0) - reach, corners.max(axis=0) + reach])
    out = np.full((kernel.ROWS, room), np.nan)
    coefficients = np.arange(2.0 * len(frac)).reshape(2, -1)
    found = kernel.list_images(
        np.asarray(frac, dtype=float), coefficients, cell, span, low, high, cutoff, out
    )
    return found, out


def test_images_are_all_those_near_the_box_each_once():
    cell = np.array([[4.1, 0.0, 1.3], [-1.9, 5.2, 0.7], [0.0, 0.0, 6.3]])
    frac = np.array([[0.0, 0.0, 0.0], [0.31, 0.72, 0.999], [0.5, 0.5, 0.25]])
    low, high = np.array([-2.0, 1.0, 0.0]), np.array([3.0, 4.0, 2.5])
    found, out = images_of(frac, cell, low, high)
    expected = set()
    for shift in itertools.product(range(-9, 10), repeat=3):
        for q, place in enumerate((frac + shift) @ cell):
            gap = place - np.clip(place, low, high)
            if (gap**2).sum() <= 36.0:
                expected.add((*np.round(place, 9), float(q), float(q + 3)))
    listed = [tuple(np.round(column, 9)) for column in out[:, :found].T]
    assert len(listed) == len(set(listed))
    assert set(listed) == expected
    assert found > 50


def test_more_images_than_room_are_counted_but_not_written():
    cell, low, high = 5.0 * np.eye(3), np.zeros(3), np.ones(3)
    found, _ = images_of([[0.1, 0.2, 0.3]], cell, low, high)
    short, out = images_of([[0.1, 0.2, 0.3]], cell, low, high, room=4)
    assert short == found > 4
    assert np.isfinite(out).all()


@pytest.mark.parametrize("edge", [0.1, 2.0, 4.0, 1e3])
def test_bricks_are_nearly_equal_and_no_longer_than_asked(edge):
    steps = np.diag([0.3, 0.9, 7.0])
    shape = kernel.brick_shape((25, 13, 4), steps, edge)
    assert (shape >= 1).all()
    assert (shape <= (25, 13, 4)).all()
    longer_than_one = shape > 1
    assert ((shape * np.diag(steps))[longer_than_one] <= edge + 1e-9).all()


COLD_START = """
import numpy as np
from porevox.energy import kernel
out = np.empty((1, 1, 1))
kernel.sum_bricks(np.array([[0.0], [0.0], [0.0], [1.0], [1.0]]), 1, np.array([2.0, 0.0, 0.0]),
                  np.eye(3), np.ones(3, dtype=np.int64), 10.0, out)
print(repr(float(out[0, 0, 0])))
"""


@pytest.mark.slow
def test_many_processes_may_start_on_an_empty_cache(root, tmp_path):
    env = {
        **os.environ,
        "PYTHONPATH": str(root / "workflow" / "lib"),
        "NUMBA_CACHE_DIR": str(tmp_path),
    }
    command = [sys.executable, "-c", COLD_START]
    started = [subprocess.Popen(command, env=env, stdout=subprocess.PIPE) for _ in range(3)]
    expected = repr(2.0**-12 - 2.0**-6)
    assert [process.communicate()[0].decode().strip() for process in started] == [expected] * 3
    assert list(tmp_path.rglob("*.nbc"))


def test_without_any_place_for_a_cache_the_kernel_still_works(root):
    no_place = (
        "from numba.core import caching\n"
        "for c in (caching.CompileResultCacheImpl, caching.CodeLibraryCacheImpl):\n"
        "    c._locator_classes = []\n"
    )
    uncached = "print(type(kernel.sum_bricks._cache).__name__)\n"
    env = {**os.environ, "PYTHONPATH": str(root / "workflow" / "lib")}
    done = subprocess.run(
        [sys.executable, "-c", no_place + COLD_START + uncached],
        env=env,
        capture_output=True,
        text=True,
    )
    assert done.stdout.split() == [repr(2.0**-12 - 2.0**-6), "NullCache"], done.stderr
