"""Gradients in parts, and one pass over the data."""

import pytest
import torch
from torch.nn import functional

from porevox.learning.retnet import RetNet, initialise
from porevox.learning.steps import accumulate, micro_batches


@pytest.mark.parametrize("m", [2, 3, 4, 5, 7, 64, 65])
@pytest.mark.parametrize("size", [2, 3, 4, 32, 64, 100])
def test_parts_cover_a_batch_and_none_is_single(m, size):
    parts = micro_batches(m, size)
    covered = [i for part in parts for i in range(m)[part]]
    lengths = [part.stop - part.start for part in parts]
    assert covered == list(range(m)) and min(lengths) >= 2
    assert max(lengths) <= max(size, 3) and max(lengths) - min(lengths) <= 1
    assert len(parts) == 1 or size < m


def gradient(model, batch, micro_batch):
    model.zero_grad()
    value = accumulate(model, *batch, functional.mse_loss, "float32", micro_batch)
    return value, torch.cat([p.grad.flatten() for p in model.parameters()])


@pytest.mark.parametrize("micro_batch", [2, 3, 5])
def test_the_gradient_of_the_parts_is_that_of_the_batch(micro_batch):
    """With fixed statistics of the normalisations, which else see one part at a time."""
    torch.manual_seed(0)
    model = RetNet(n=16, n_scalars=1, dropout=0.0)
    initialise(model, 1.0)
    model.eval()
    batch = torch.randn(7, 1, 16, 16, 16), torch.randn(7, 1), torch.randn(7)
    whole, parts = gradient(model, batch, None), gradient(model, batch, micro_batch)
    torch.testing.assert_close(parts[0], whole[0], rtol=1e-5, atol=0)
    torch.testing.assert_close(parts[1], whole[1], rtol=1e-3, atol=1e-5)
    assert not whole[0].requires_grad


def test_statistics_of_a_part_are_its_own():
    """What cannot be the same: in training, each part is normalised by itself."""
    torch.manual_seed(0)
    model = RetNet(n=16, dropout=0.0).train()
    batch = torch.randn(8, 1, 16, 16, 16), None, torch.randn(8)
    assert gradient(model, batch, None)[0] != gradient(model, batch, 4)[0]
