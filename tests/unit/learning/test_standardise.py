"""Statistics of a training subset against NumPy's own, and what standardisation makes."""

import numpy as np
import pytest

from porevox.errors import PorevoxError
from porevox.learning import standardise as module
from porevox.learning.standardise import (
    channel_statistics,
    label_statistics,
    scalar_statistics,
    standardise,
)


@pytest.fixture
def voxels():
    """Two channels of very different scale, (11, 2, 4, 4, 4)."""
    rng = np.random.default_rng(0)
    scale = np.array([1.0, 300.0]).reshape(1, 2, 1, 1, 1)
    return (rng.exponential(size=(11, 2, 4, 4, 4)) * scale).astype(np.float32)


def test_statistics_are_per_channel_with_ddof_0(voxels, monkeypatch):
    monkeypatch.setattr(module, "_CHUNK", 4)
    mean, std = channel_statistics(voxels)
    for c in range(2):
        values = voxels[:, c].astype(np.float64).ravel()
        assert mean[c] == pytest.approx(values.mean(), rel=1e-13)
        assert std[c] == pytest.approx(np.sqrt(((values - values.mean()) ** 2).mean()), rel=1e-13)
        assert std[c] != pytest.approx(values.std(ddof=1), rel=1e-5)


def test_sums_are_accumulated_in_float64():
    """A float32 sum of many values beside a large mean would lose the standard deviation."""
    rng = np.random.default_rng(1)
    voxels = (1e4 + rng.normal(size=(600, 1, 8, 8, 8))).astype(np.float32)
    mean, std = channel_statistics(voxels)
    assert mean[0] == pytest.approx(voxels.astype(np.float64).mean(), rel=1e-12)
    assert std[0] == pytest.approx(voxels.astype(np.float64).std(), rel=1e-9)


def test_standardised_voxels_have_mean_0_and_std_1_in_place(voxels):
    mean, std = channel_statistics(voxels)
    result = standardise(voxels, mean, std)
    assert result is voxels and result.dtype == np.float32
    np.testing.assert_allclose(result.mean(axis=(0, 2, 3, 4), dtype=float), 0, atol=1e-6)
    np.testing.assert_allclose(result.std(axis=(0, 2, 3, 4), dtype=float), 1, rtol=1e-6)


def test_a_constant_channel_is_refused(voxels):
    voxels[:, 1] = 7
    with pytest.raises(PorevoxError, match="channel 1 have the same value"):
        channel_statistics(voxels)


def test_a_constant_scalar_enters_as_zeros():
    scalars = np.array([[1.0, 5.0], [3.0, 5.0]])
    mean, std = scalar_statistics(scalars)
    np.testing.assert_array_equal((scalars - mean) / std, [[-1, 0], [1, 0]])


def test_statistics_of_labels_and_labels_that_teach_nothing():
    assert label_statistics(np.array([1.0, 3.0])) == (2.0, 1.0)
    with pytest.raises(PorevoxError, match="All 3 training labels are 7, so there is nothing to learn"):
        label_statistics(np.full(3, 7.0))
