"""Lists of images against a search through all cells."""

import itertools

import numpy as np
import pytest

from porevox.energy import image_list


def listed(places):
    """A padded list whose coefficients number the images: q, and q + 100."""
    n = len(places)
    images = np.empty((5, n + image_list.PADDING))
    images[:3, :n] = np.asarray(places, dtype=float).reshape(-1, 3).T
    images[3, :n], images[4, :n] = np.arange(n), np.arange(n) + 100
    return images, image_list.pad(images, n)


def real(images, m):
    """The columns that are no padding, rounded."""
    return [tuple(np.round(column, 9)) for column in images[:, :m].T if column[0] < 1e6]


@pytest.mark.parametrize("n", [0, 1, 7, 8, 9, 100])
def test_padding_makes_whole_vectors_of_what_is_too_far_to_count(n):
    images, m = listed(np.ones((n, 3)))
    assert m % 8 == 0
    assert n <= m < n + 8
    assert (images[:3, n:m] > 1e6).all()
    assert (images[3:, n:m] == 0.0).all()
    assert len(real(images, m)) == n


def test_gathering_keeps_what_is_near_the_box_in_order():
    places = np.random.default_rng(0).uniform(-9, 12, (300, 3))
    source, m = listed(places)
    target, distance2 = np.empty_like(source), np.empty(source.shape[1])
    low, high = np.array([0.0, 1.0, 2.0]), np.array([3.0, 1.0, 5.0])
    kept = image_list.gather(source, m, low, high, 16.0, distance2, target)
    gap = places - np.clip(places, low, high)
    expected = np.flatnonzero((gap**2).sum(axis=1) <= 16.0)
    assert 10 < len(expected) < 290
    assert [column[3] for column in real(target, kept)] == expected.tolist()
    assert [column[4] for column in real(target, kept)] == (expected + 100).tolist()


def test_images_are_all_those_near_the_box_each_once():
    cell = np.array([[4.1, 0.0, 1.3], [-1.9, 5.2, 0.7], [0.0, 0.0, 6.3]])
    frac = np.array([[0.0, 0.0, 0.0], [0.31, 0.72, 0.999], [0.5, 0.5, 0.25]])
    low, high = np.array([-2.0, 1.0, 0.0]), np.array([3.0, 4.0, 2.5])
    atoms, m = listed(frac @ cell)
    first, last = np.full(3, -5), np.full(3, 5)
    images = np.empty((5, 11**3 * m + image_list.PADDING))
    found = image_list.list_images(atoms, m, cell, first, last, low, high, 6.0, images)
    expected = set()
    for shift in itertools.product(range(-9, 10), repeat=3):
        for q, place in enumerate((frac + shift) @ cell):
            gap = place - np.clip(place, low, high)
            if (gap**2).sum() <= 36.0:
                expected.add((*np.round(place, 9), float(q), float(q + 100)))
    columns = real(images, found)
    assert len(columns) == len(set(columns))
    assert set(columns) == expected
    assert found > 50
    assert found % 8 == 0
