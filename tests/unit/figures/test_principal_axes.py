"""Principal axes: variances, uncorrelated coordinates, signs that do not change."""

import numpy as np
import pytest

from porevox.figures.principal_axes import principal_axes

VALUES = np.random.default_rng(0).normal(size=(60, 6)) @ np.diag([5.0, 3.0, 1.0, 0.5, 0.2, 0.1]) + 7.0


def test_coordinates_have_the_variances_stated():
    places, explained = principal_axes(VALUES)
    eigenvalues = np.linalg.eigvalsh(np.cov(VALUES.T))[::-1]
    np.testing.assert_allclose(places.var(axis=0, ddof=1), eigenvalues[:2])
    np.testing.assert_allclose(explained, eigenvalues[:2] / eigenvalues.sum())
    assert places.mean(axis=0) == pytest.approx([0, 0], abs=1e-12)
    assert np.corrcoef(places.T)[0, 1] == pytest.approx(0, abs=1e-12)


def test_signs_follow_the_largest_entry_of_the_direction():
    """Along x and -x the directions are those of the leading columns, whatever a library returns."""
    places, _ = principal_axes(VALUES)
    for k in range(2):
        assert np.corrcoef(places[:, k], VALUES[:, k])[0, 1] > 0.9
    np.testing.assert_allclose(principal_axes(VALUES[::-1])[0], places[::-1], atol=1e-10)


@pytest.mark.parametrize("values", [np.ones((1, 6)), np.ones((5, 6)), np.zeros((2, 6))])
def test_what_does_not_vary_lies_on_one_point(values):
    places, explained = principal_axes(values)
    assert places.shape == (len(values), 2) and not places.any() and not explained.any()


def test_two_samples_lie_on_a_line():
    places, explained = principal_axes(VALUES[:2])
    assert abs(places[0, 0] - places[1, 0]) == pytest.approx(np.linalg.norm(VALUES[0] - VALUES[1]))
    assert explained == pytest.approx([1, 0]) and places[:, 1] == pytest.approx([0, 0], abs=1e-12)
