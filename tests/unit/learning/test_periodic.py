"""Periodic convolution: PyTorch's own output and gradient, and the properties of a periodic map."""

import pytest
import torch
from torch import nn

from porevox.learning.periodic import PeriodicConv3d
from porevox.learning.retnet import RetNet


def pair(kernel, **options):
    """PyTorch's layer and ours with the same weights, in float64."""
    torch.manual_seed(0)
    settings = {"bias": False, "padding_mode": "circular", "dtype": torch.float64, **options}
    theirs = nn.Conv3d(2, 3, kernel, **settings)
    ours = PeriodicConv3d(2, 3, kernel, **settings)
    ours.load_state_dict(theirs.state_dict())
    return theirs, ours


@pytest.mark.parametrize(
    ("kernel", "options"),
    [
        (3, {"padding": 1}),
        (2, {"padding": "same"}),
        (3, {"padding": "same"}),
        (3, {"padding": (0, 1, 2), "stride": 2}),
        ((1, 2, 3), {"padding": "same", "bias": True}),
    ],
)
@pytest.mark.parametrize("channels_last", [False, True])
def test_output_and_gradients_are_those_of_pytorch(kernel, options, channels_last):
    x = torch.rand(4, 2, 4, 5, 6, dtype=torch.float64)
    if channels_last:
        x = x.contiguous(memory_format=torch.channels_last_3d)
    found = []
    for layer in pair(kernel, **options):
        leaf = x.clone().requires_grad_()
        output = layer(leaf)
        (output**3).sum().backward()
        found.append([output.detach(), leaf.grad, *(p.grad for p in layer.parameters())])
    assert torch.equal(found[0][0], found[1][0])
    for theirs, ours in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_the_gradient_is_that_of_finite_differences():
    layer = pair(3, padding="same")[1]
    x = torch.rand(1, 2, 3, 3, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(layer, x)


def test_a_shifted_grid_gives_the_shifted_map_and_its_gradient():
    layer = pair(2, padding="same")[1]
    x = torch.rand(1, 2, 4, 4, 4, dtype=torch.float64)
    maps, gradients = [], []
    for shift in ((0, 0, 0), (1, 2, 3)):
        leaf = x.roll(shift, (-3, -2, -1)).requires_grad_()
        output = layer(leaf)
        (output**3).sum().backward()
        back = [-s for s in shift]
        maps.append(output.roll(back, (-3, -2, -1)))
        gradients.append(leaf.grad.roll(back, (-3, -2, -1)))
    torch.testing.assert_close(*maps)
    torch.testing.assert_close(*gradients)


def test_the_layout_of_feature_maps_is_kept():
    layer = pair(3, padding=1)[1].float().to(memory_format=torch.channels_last_3d)
    x = torch.rand(2, 2, 5, 5, 5).contiguous(memory_format=torch.channels_last_3d).requires_grad_()
    seen = []
    x.register_hook(
        lambda gradient: seen.append(gradient.is_contiguous(memory_format=torch.channels_last_3d))
    )
    layer(x).sum().backward()
    assert seen == [True]


def test_where_retnet_uses_it():
    def kinds(padding):
        features = RetNet(n=16, padding=padding).features
        return [type(layer) for layer in features if isinstance(layer, nn.Conv3d)]

    assert kinds("thesis") == [nn.Conv3d] * 5
    assert kinds("circular") == [nn.Conv3d] + [PeriodicConv3d] * 4
