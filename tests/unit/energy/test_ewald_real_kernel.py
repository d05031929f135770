"""The compiled loops over screened charges against sums written out in the test."""

import itertools

import numpy as np
import pytest
from scipy.special import erfc

from porevox.energy import ewald_real_kernel as kernel
from porevox.energy.ewald_real_kernel import LANES, LARGEST_SQUARE

CUTOFF = 2.0


def test_the_screened_potential():
    squares = np.concatenate([np.geomspace(1e-20, 1e-3, 200), np.linspace(1e-3, LARGEST_SQUARE, 5000)])
    found = np.array([kernel.screened(u) for u in squares])
    roots = np.sqrt(squares)
    np.testing.assert_allclose(found, erfc(roots) / roots, atol=1e-10, rtol=1e-15)


def add(place, charges, steps, counts):
    """Points that are not periodic: an atom reaches only those there are."""
    counts = np.array(counts)
    out = np.zeros((*counts[:2], counts[2] - 1 + LANES))
    rows = [np.arange(n) for n in counts[:2]]
    limits = CUTOFF**2, 1e-24, np.zeros(3, dtype=np.int64), counts - 1
    kernel.add_atoms(
        np.array(place, dtype=float),
        np.array(charges),
        steps,
        *limits,
        *rows,
        np.ones(counts[:2], dtype=bool),
        out,
    )
    return out[:, :, : counts[2]]


def written_out(place, charges, steps, counts):
    out = np.zeros(counts)
    for index in np.ndindex(*counts):
        for position, charge in zip(place, charges, strict=True):
            r = np.linalg.norm((np.array(index) - position) @ steps)
            if r <= CUTOFF:
                out[index] += charge * erfc(r) / r
    return out


@pytest.mark.parametrize("skew", [0.0, 0.3, -1.7])
def test_every_point_within_the_cutoff_is_visited(skew):
    steps = np.array([[0.5, skew * 0.4, -skew * 0.2], [0.0, 0.6, skew * 0.3], [0.0, 0.0, 0.3]])
    rng = np.random.default_rng(0)
    for counts in ((7, 6, 9), (1, 2, 3), (3, 1, 40)):
        place = rng.uniform(-5.0, 12.0, size=(60, 3))
        charges = rng.normal(size=60)
        expected = written_out(place, charges, steps, counts)
        np.testing.assert_allclose(add(place, charges, steps, counts), expected, atol=1e-8)
        assert expected.any()


def test_the_range_is_limited_and_the_rows_are_renamed():
    steps, place, charges = 0.5 * np.eye(3), np.array([[1.2, 0.3, 2.1]]), np.ones(1)
    expected = written_out(place, charges, steps, (6, 6, 6))
    out = np.zeros((4, 6, 4 + LANES))
    low, high = np.array([0, 0, 1]), np.array([3, 5, 4])
    rows = np.array([3, 2, 1, 0]), np.arange(6)
    everything = np.ones((4, 6), dtype=bool)
    kernel.add_atoms(place, charges, steps, CUTOFF**2, 1e-24, low, high, *rows, everything, out)
    np.testing.assert_allclose(out[::-1, :, :4], expected[:4, :, 1:5], atol=1e-9)


def test_an_atom_in_a_point_is_as_close_as_allowed():
    values = add([[1.0, 1.0, 1.0], [2.0, 2.0, 2.0]], [1.0, -2.0], 5.0 * np.eye(3), (3, 3, 3))
    assert values[1, 1, 1] == pytest.approx(1e12) and values[2, 2, 2] == pytest.approx(-2e12)
    assert np.count_nonzero(values) == 2


def test_images_in_a_range():
    rng = np.random.default_rng(4)
    frac, charges = rng.uniform(size=(5, 3)), np.arange(1.0, 6.0)
    to_place = np.array([[4.0, 0.5, 1.0], [0.0, 3.0, -2.0], [1.0, 0.0, 5.0]])
    origin, low, high = np.array([0.3, -7.1, 2.2]), np.array([-3.0, -2.0, -4.0]), np.array([9.0, 8.0, 7.0])
    corners = np.array(list(itertools.product(*zip(low, high, strict=True)))) + origin
    corners = corners @ np.linalg.inv(to_place)
    span = np.stack([corners.min(axis=0), corners.max(axis=0)])
    search = frac, charges, to_place, origin, span, low, high
    found = kernel.list_images(*search, np.empty((0, 3)), np.empty(0))
    place, image_charges = np.empty((found, 3)), np.empty(found)
    assert kernel.list_images(*search, place, image_charges) == found
    expected = [
        (charge, *place)
        for cell in itertools.product(range(-12, 13), repeat=3)
        for charge, place in zip(charges, (frac + cell) @ to_place - origin, strict=True)
        if (low <= place).all() and (place <= high).all()
    ]
    listed = sorted(zip(image_charges, *place.T, strict=True))
    np.testing.assert_allclose(listed, sorted(expected), atol=1e-12)
    assert found > 50
