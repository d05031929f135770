"""The moving average of weights, by hand."""

import torch

from porevox.learning.averaging import WeightAverage
from porevox.learning.retnet import RetNet


def test_the_average_by_hand():
    """After step t it moves by 1 - min(decay, (1 + t) / (10 + t))."""
    layer = torch.nn.Linear(1, 1, bias=False)
    average = WeightAverage(layer, 0.25)
    values, expected = [3.0, -1.0, 5.0, 2.0], layer.weight.item()
    for t, value in enumerate(values, start=1):
        with torch.no_grad():
            layer.weight.fill_(value)
        average.update()
        decay = min(0.25, (1 + t) / (10 + t))
        expected = decay * expected + (1 - decay) * value
        assert abs(average.model.weight.item() - expected) < 1e-6
    assert not average.model.weight.requires_grad and layer.weight.item() == 2.0


def test_a_short_training_forgets_its_first_weights():
    """Ten steps at decay 0.999 would otherwise keep 99 % of them; here it is the product of the ramp."""
    layer = torch.nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        layer.weight.fill_(1.0)
    average = WeightAverage(layer, 0.999)
    with torch.no_grad():
        layer.weight.fill_(0.0)
    for _ in range(10):
        average.update()
    assert 0 < average.model.weight.item() < 1e-3


def test_statistics_of_normalisations_are_averaged_and_counters_copied():
    model = RetNet(n=16)
    average = WeightAverage(model, 0.5)
    model.train()(torch.randn(4, 1, 16, 16, 16) + 3)
    before = average.model.features.norm1.running_mean.clone()
    average.update()
    found, current = average.model.features.norm1, model.features.norm1
    weight = 1 - 2 / 11
    torch.testing.assert_close(found.running_mean, before.lerp(current.running_mean, weight))
    assert found.num_batches_tracked == current.num_batches_tracked == 1


def test_it_goes_on_where_it_was():
    model = torch.nn.Linear(2, 2)
    one, other = WeightAverage(model, 0.9), WeightAverage(model, 0.9)
    for _ in range(3):
        with torch.no_grad():
            model.weight.add_(1)
        one.update()
    other.restore(one.state())
    for average in (one, other):
        average.update()
    assert torch.equal(one.model.weight, other.model.weight) and other.steps == 4
