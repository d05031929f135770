"""RetNet, the 3D convolutional network that reads a voxelised energy surface.

The layer table is that of the thesis, section 3.3.1 and figure 4.1 (Sarikas et al., Sci. Rep. 14,
2242 (2024)). Free beside it: the number of channels, the grid size, a few scalars that join the
flattened feature maps, periodic padding in all convolutions, an average before the flatten layer,
and a linear map of the scalars beside the network.
"""

from collections import OrderedDict

import torch
from torch import nn

from porevox.errors import PorevoxError
from porevox.learning.periodic import PeriodicConv3d

#: Slope of every LeakyReLU for negative input (thesis 3.3.1).
NEGATIVE_SLOPE = 0.01
#: Width of the fingerprint, the input of the last linear layer (thesis 4.1).
FINGERPRINT_SIZE = 20
#: Feature maps of the last convolution.
N_FEATURES = 120
#: Smallest grid that leaves one voxel for the last convolution.
MINIMAL_GRID = 16
#: The same where all convolutions continue the grid periodically and keep its size.
MINIMAL_PERIODIC_GRID = 4
#: Edge of the feature maps that enter the flatten layer with adaptive pooling: that of n = 25.
POOLED_EDGE = 3
#: Ridge penalty on the weights of standardised scalars, relative to the number of structures.
RELATIVE_PENALTY = 1e-3


def final_edge(n: int, padding: str = "thesis") -> int:
    """Edge of the last feature map for a grid of n points per axis.

    Parameters
    ----------
    n : int
        Grid points per axis.
    padding : {"thesis", "circular"}
        See :class:`RetNet`.

    Returns
    -------
    int
        Voxels per axis after the last convolution (3 for n = 25 in the thesis).

    Raises
    ------
    PorevoxError
        When the grid is too small for the two pooling layers.
    """
    least = MINIMAL_GRID if padding == "thesis" else MINIMAL_PERIODIC_GRID
    if n < least:
        remedy = "" if n < MINIMAL_PERIODIC_GRID else ", use the option padding: circular"
        raise PorevoxError(
            f"RetNet needs a grid of at least {least} points per axis, not {n}: raise the "
            f"grid's n{remedy} or choose another model."
        )
    if padding == "circular":
        return n // 2 // 2
    after_first_pool = (n - 2) // 2
    after_second_pool = (after_first_pool - 1) // 2
    return after_second_pool - 2


def _stage(number, in_channels, out_channels, kernel, **padding):
    """Convolution, batch normalisation and LeakyReLU as (name, layer) pairs."""
    # A bias would be cancelled by the batch normalisation that follows.
    # The voxels need no gradient, so the first one gains nothing from a faster backward pass.
    kind = PeriodicConv3d if padding and number > 1 else nn.Conv3d
    conv = kind(in_channels, out_channels, kernel, bias=False, **padding)
    return [
        (f"conv{number}", conv),
        (f"norm{number}", nn.BatchNorm3d(out_channels)),
        (f"act{number}", nn.LeakyReLU(NEGATIVE_SLOPE, inplace=True)),
    ]


def _feature_layers(in_channels, padding, pooling):
    """All layers up to the flatten layer as (name, layer) pairs."""
    # "same" pads a kernel of 2 on one side only, which a periodic grid does not mind.
    rest = {"padding": "same", "padding_mode": "circular"} if padding == "circular" else {}
    pool = [("pool3", nn.AdaptiveAvgPool3d(POOLED_EDGE))] if pooling == "adaptive" else []
    return [
        *_stage(1, in_channels, 12, 3, padding=1, padding_mode="circular"),
        *_stage(2, 12, 24, 3, **rest),
        ("pool1", nn.MaxPool3d(2)),
        *_stage(3, 24, 32, 2, **rest),
        ("pool2", nn.MaxPool3d(2)),
        *_stage(4, 32, 64, 2, **rest),
        *_stage(5, 64, N_FEATURES, 2, **rest),
        *pool,
    ]


def _dense(number, in_features, out_features):
    """Linear layer, batch normalisation and LeakyReLU as (name, layer) pairs."""
    return [
        (f"dense{number}", nn.Linear(in_features, out_features)),
        (f"dense_norm{number}", nn.BatchNorm1d(out_features)),
        (f"dense_act{number}", nn.LeakyReLU(NEGATIVE_SLOPE, inplace=True)),
    ]


class RetNet(nn.Module):
    """3D convolutional network from energy voxels to one uptake (thesis 3.3.1).

    Parameters
    ----------
    in_channels : int
        Channels per voxel (1 in the thesis).
    n : int
        Grid points per axis (25 in the thesis), at least 16, or 4 with circular padding.
    n_scalars : int
        Standardised scalars per structure that join the flattened feature maps. They enter after
        the dropout layer, so they are never dropped. 0 in the thesis.
    dropout : float
        Dropout rate of the flattened feature maps.
    padding : {"thesis", "circular"}
        thesis: the first convolution alone continues the grid periodically, the others shrink it;
        circular: all convolutions do, and keep its size.
    pooling : {"flatten", "adaptive"}
        adaptive: the last feature maps are averaged to 3 x 3 x 3 before they are flattened, so that
        the dense layers are the same for every n.
    skip : bool
        Whether a linear map of the scalars is added to the output.

    Attributes
    ----------
    features : torch.nn.Sequential
        conv1 ... conv5 with their normalisations and pools, each under its name.
    dense : torch.nn.Sequential
        The two dense stages; its output is the fingerprint.
    output : torch.nn.Linear
        From fingerprint to uptake.
    skip : torch.nn.Linear or None
        From scalars to uptake, without a bias.

    Raises
    ------
    PorevoxError
        When n is too small.
    """

    def __init__(
        self,
        in_channels: int = 1,
        n: int = 25,
        n_scalars: int = 0,
        dropout: float = 0.3,
        padding: str = "thesis",
        pooling: str = "flatten",
        skip: bool = False,
    ):
        super().__init__()
        self.n_scalars = n_scalars
        edge = final_edge(n, padding)
        flat = N_FEATURES * (POOLED_EDGE if pooling == "adaptive" else edge) ** 3
        self.features = nn.Sequential(OrderedDict(_feature_layers(in_channels, padding, pooling)))
        self.dropout = nn.Dropout(dropout)
        dense = [*_dense(1, flat + n_scalars, 84), *_dense(2, 84, FINGERPRINT_SIZE)]
        self.dense = nn.Sequential(OrderedDict(dense))
        self.output = nn.Linear(FINGERPRINT_SIZE, 1)
        self.skip = nn.Linear(n_scalars, 1, bias=False) if skip else None

    def fingerprint(self, voxels: torch.Tensor, scalars: torch.Tensor | None = None) -> torch.Tensor:
        """Learned representation of each structure (thesis 4.1, the function phi of eq. 4.1).

        Parameters
        ----------
        voxels : torch.Tensor, shape (m, in_channels, n, n, n)
            Standardised voxels, dimensionless.
        scalars : torch.Tensor, shape (m, n_scalars), optional
            Standardised scalars; needed exactly when the network has n_scalars > 0.

        Returns
        -------
        torch.Tensor, shape (m, 20)

        Raises
        ------
        ValueError
            When the scalars do not match n_scalars.
        """
        given = 0 if scalars is None else scalars.shape[1]
        if given != self.n_scalars:
            raise ValueError(f"the network takes {self.n_scalars} scalars, not {given}")
        flat = self.dropout(self.features(voxels).flatten(1))
        if scalars is not None and self.n_scalars:
            flat = torch.cat([flat, scalars.to(flat.dtype)], dim=1)
        return self.dense(flat)

    def forward(self, voxels: torch.Tensor, scalars: torch.Tensor | None = None) -> torch.Tensor:
        """Predicted uptake of each structure (eq. 4.1).

        Parameters
        ----------
        voxels, scalars
            As in :meth:`fingerprint`.

        Returns
        -------
        torch.Tensor, shape (m,)
            In the unit in which the labels are learned: the target's own, unless labels are
            standardised.
        """
        predicted = self.output(self.fingerprint(voxels, scalars))
        if self.skip is not None:
            predicted = predicted + self.skip(scalars)
        return predicted.squeeze(1)


def initialise(model: RetNet, y_mean: float) -> None:
    """Set a network's first weights in place (thesis 3.3.2: He et al. 2015).

    Weights of the linear layers are drawn from He's normal distribution for a LeakyReLU of slope
    0.01; convolutions and biases keep PyTorch's defaults; the last bias is the training mean, so
    the first predictions have the scale of the labels.

    Parameters
    ----------
    model : RetNet
        Drawn from torch's global generator.
    y_mean : float
        Mean of the training labels, in the unit in which they are learned.
    """
    for layer in model.modules():
        if isinstance(layer, nn.Linear) and layer is not model.skip:
            nn.init.kaiming_normal_(layer.weight, a=NEGATIVE_SLOPE, nonlinearity="leaky_relu")
    nn.init.constant_(model.output.bias, y_mean)


def start_from_ridge(model: RetNet, scalars: torch.Tensor, y: torch.Tensor) -> None:
    """Let a network with a linear map of its scalars begin as their ridge regression, in place.

    The last layer starts at 0: what the voxels add is learned from what the scalars leave over.

    Parameters
    ----------
    model : RetNet
        With skip.
    scalars : torch.Tensor, shape (m, k)
        Of the training subset, standardised.
    y : torch.Tensor, shape (m,)
        Its labels, in the unit in which they are learned.
    """
    x, y = scalars.double(), y.double()
    x_mean, y_mean = x.mean(dim=0), y.mean()
    centred = x - x_mean
    # Hoerl and Kennard (1970), in closed form; the penalty keeps twin columns from cancelling.
    penalty = RELATIVE_PENALTY * len(y) * torch.eye(x.shape[1], dtype=x.dtype, device=x.device)
    weights = torch.linalg.solve(centred.T @ centred + penalty, centred.T @ (y - y_mean))
    with torch.no_grad():
        assert model.skip is not None  # see the docstring
        model.skip.weight.copy_(weights[None])
        model.output.weight.zero_()
        model.output.bias.fill_(float(y_mean - x_mean @ weights))
