"""What is said of a training that diverged."""

import torch

from porevox.learning.diverged import why_diverged


def test_the_learning_rate_is_blamed_unless_the_labels_are_huge():
    usual = why_diverged(3, float("nan"), 0.1, torch.tensor([1.0, -5.0]))
    assert usual.startswith("The training diverged in epoch 3 (the loss is nan): the learning rate of 0.1 is")
    huge = why_diverged(3, float("inf"), 0.1, torch.tensor([1.0, -5e7]))
    assert "labels of up to 5e+07 are likely too large, so set standardise_labels to true or lower" in huge
