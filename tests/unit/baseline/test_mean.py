"""The control that knows nothing of a structure."""

import numpy as np

from porevox.baseline.mean import fit_mean


def test_the_mean_of_the_training_subset_whatever_the_structure():
    model, chosen = fit_mean(np.empty((3, 0)), np.array([1.0, 2.0, 6.0]), {}, 0, 1)
    assert list(model.predict(np.empty((4, 0)))) == [3.0] * 4 and chosen == {}
