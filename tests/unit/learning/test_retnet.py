"""RetNet's layers, sizes and first weights."""

import numpy as np
import pytest
import torch

from porevox.errors import PorevoxError
from porevox.learning.retnet import MINIMAL_GRID, RetNet, final_edge, initialise, start_from_ridge


def test_flatten_size_of_the_thesis_is_3240():
    assert RetNet().dense.dense1.in_features == 3240
    assert 120 * final_edge(25) ** 3 == 3240


@pytest.mark.parametrize("n", [16, 17, 19, 20, 25, 32])
def test_the_computed_size_is_what_the_layers_give(n):
    model = RetNet(n=n).eval()
    flat = model.features(torch.zeros(1, 1, n, n, n))
    assert flat.shape == (1, 120, *[final_edge(n)] * 3)


def test_too_small_a_grid_is_refused_and_would_not_work():
    with pytest.raises(PorevoxError, match="at least 16 points per axis, not 15"):
        RetNet(n=MINIMAL_GRID - 1)
    with pytest.raises(RuntimeError):
        n = MINIMAL_GRID - 1
        RetNet(n=MINIMAL_GRID).eval().features(torch.zeros(1, 1, n, n, n))


def test_parameter_count_by_hand():
    """Kernels x channels, two per normalised channel, weights + biases of the linear layers."""
    convolutions = 1 * 12 * 27 + 12 * 24 * 27 + 24 * 32 * 8 + 32 * 64 * 8 + 64 * 120 * 8
    norms = 2 * (12 + 24 + 32 + 64 + 120) + 2 * (84 + 20)
    linear = (3240 * 84 + 84) + (84 * 20 + 20) + (20 + 1)
    count = sum(p.numel() for p in RetNet().parameters())
    assert count == convolutions + norms + linear == 366_745
    more = sum(p.numel() for p in RetNet(in_channels=3, n_scalars=5).parameters())
    assert more - count == 2 * 12 * 27 + 5 * 84


def test_first_weights():
    """He: std = sqrt(2 / (1 + a^2) / fan_in); the rest as PyTorch makes it."""
    torch.manual_seed(3)
    model = RetNet()
    untouched = {k: v.clone() for k, v in model.state_dict().items()}
    initialise(model, 4.25)
    assert model.output.bias.item() == 4.25
    fan_in = 3240
    weight = model.dense.dense1.weight.detach().numpy()
    expected = np.sqrt(2 / (1 + 0.01**2) / fan_in)
    assert abs(weight.std() / expected - 1) < 4 / np.sqrt(2 * weight.size)
    # Normal, not uniform: 0.27 % lie beyond three standard deviations.
    assert 0.002 < (abs(weight) > 3 * expected).mean() < 0.0035
    changed = {k for k, v in model.state_dict().items() if not torch.equal(v, untouched[k])}
    assert changed == {"dense.dense1.weight", "dense.dense2.weight", "output.weight", "output.bias"}


def test_the_output_is_linear_in_the_fingerprint():
    model = RetNet(n=16).eval()
    initialise(model, 1.0)
    x = torch.rand(3, 1, 16, 16, 16)
    phi = model.fingerprint(x)
    assert phi.shape == (3, 20)
    expected = phi @ model.output.weight.squeeze(0) + model.output.bias
    torch.testing.assert_close(model(x), expected)
    assert model(x).shape == (3,)
    # The fingerprint is a LeakyReLU's output: negative values are shrunk a hundredfold.
    before = model.dense[:-1](model.features(x).flatten(1))
    torch.testing.assert_close(phi, torch.where(before > 0, before, 0.01 * before))


def test_the_first_convolution_is_periodic():
    """A shift of the input shifts the first feature map, over the edge."""
    conv = RetNet(n=16).features.conv1
    x = torch.rand(1, 1, 16, 16, 16)
    torch.testing.assert_close(conv(x.roll((3, 5, 7), (2, 3, 4))), conv(x).roll((3, 5, 7), (2, 3, 4)))


def test_scalars_reach_the_output_and_are_never_dropped():
    torch.manual_seed(0)
    model = RetNet(n=16, n_scalars=2, dropout=0.99).eval()
    x, scalars = torch.rand(4, 1, 16, 16, 16), torch.rand(4, 2)
    assert not torch.equal(model(x, scalars), model(x, scalars + 1))
    seen = []
    model.dense.dense1.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    model.dropout.train()
    model(x, scalars)
    assert torch.equal(seen[0][:, -2:], scalars)
    assert (seen[0][:, :-2] == 0).float().mean() > 0.8


def test_scalars_must_match():
    x = torch.rand(2, 1, 16, 16, 16)
    with pytest.raises(ValueError, match="takes 1 scalars, not 0"):
        RetNet(n=16, n_scalars=1).eval()(x)
    with pytest.raises(ValueError, match="takes 0 scalars, not 3"):
        RetNet(n=16).eval()(x, torch.rand(2, 3))


@pytest.mark.parametrize("n", [4, 5, 8, 15, 25])
def test_circular_padding_keeps_the_grid_down_to_4_points(n):
    model = RetNet(n=n, padding="circular").eval()
    assert model.features(torch.zeros(1, 1, n, n, n)).shape == (1, 120, *[final_edge(n, "circular")] * 3)
    assert final_edge(25, "circular") == 6


def test_too_small_grids_are_told_their_remedy():
    with pytest.raises(PorevoxError, match="not 12.*use the option padding: circular"):
        RetNet(n=12)
    with pytest.raises(PorevoxError, match="at least 4 points per axis, not 3: raise the grid's n or"):
        RetNet(n=3, padding="circular")


@pytest.mark.parametrize(
    ("padding", "n"), [("thesis", 16), ("thesis", 25), ("circular", 4), ("circular", 32)]
)
def test_adaptive_pooling_gives_the_dense_layers_of_the_thesis_for_any_grid(padding, n):
    model = RetNet(n=n, padding=padding, pooling="adaptive").eval()
    assert model.dense.dense1.in_features == 3240
    assert model(torch.rand(2, 1, n, n, n)).shape == (2,)


def test_a_periodic_network_is_blind_to_shifts_that_its_pools_respect():
    """Circular padding and two pools by 2: a shift by 4 points only shifts the last feature maps."""
    torch.manual_seed(0)
    model = RetNet(n=16, padding="circular").eval()
    x = torch.rand(1, 1, 16, 16, 16)
    shifted = model.features(x.roll((4, 8, 12), (2, 3, 4)))
    torch.testing.assert_close(shifted, model.features(x).roll((1, 2, 3), (2, 3, 4)), rtol=1e-4, atol=1e-5)
    thesis = RetNet(n=16).eval()
    assert not torch.allclose(thesis.features(x.roll(4, 2)), thesis.features(x), atol=1e-4)


def test_the_skip_is_a_linear_map_of_the_scalars_beside_the_network():
    torch.manual_seed(0)
    model = RetNet(n=16, n_scalars=2, skip=True).eval()
    x, scalars = torch.rand(3, 1, 16, 16, 16), torch.rand(3, 2)
    rest = model.output(model.fingerprint(x, scalars)).squeeze(1)
    torch.testing.assert_close(model(x, scalars), rest + scalars @ model.skip.weight.squeeze(0))


@pytest.mark.parametrize("shift", [0.0, 3.0])
def test_the_first_predictions_with_a_skip_are_those_of_a_ridge_regression(shift):
    """Against scikit-learn's, with a penalty of a thousandth of the number of structures."""
    linear_model = pytest.importorskip("sklearn.linear_model")
    generator = torch.Generator().manual_seed(0)
    scalars = torch.randn(40, 3, generator=generator) + shift
    y = scalars @ torch.tensor([1.0, -2.0, 0.5]) + 5 + 0.1 * torch.randn(40, generator=generator)
    model = RetNet(n=16, n_scalars=3, skip=True).eval()
    initialise(model, float(y.mean()))
    start_from_ridge(model, scalars, y)
    ridge = linear_model.Ridge(alpha=40e-3).fit(scalars.numpy(), y.numpy())
    found = model(torch.rand(40, 1, 16, 16, 16), scalars).detach().numpy()
    np.testing.assert_allclose(found, ridge.predict(scalars.numpy()), rtol=1e-4)
    np.testing.assert_allclose(model.skip.weight.detach().numpy()[0], ridge.coef_, rtol=1e-4)


def test_an_option_that_is_off_leaves_the_draws_of_the_thesis_alone():
    torch.manual_seed(1)
    thesis = RetNet(n=25)
    torch.manual_seed(1)
    again = RetNet(n=25, padding="thesis", pooling="flatten", skip=False)
    assert all(torch.equal(a, b) for a, b in zip(thesis.parameters(), again.parameters(), strict=True))
