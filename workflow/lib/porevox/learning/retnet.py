"""RetNet, the 3D convolutional network that reads a voxelised energy surface.

The layer table is that of the thesis, section 3.3.1 and figure 4.1 (Sarikas et al., Sci. Rep. 14,
2242 (2024)). Three inputs are free: the number of channels, the grid size, and a few scalars that
join the flattened feature maps.
"""

from collections import OrderedDict

import torch
from torch import nn

from porevox.errors import PorevoxError

#: Slope of every LeakyReLU for negative input (thesis 3.3.1).
NEGATIVE_SLOPE = 0.01
#: Width of the fingerprint, the input of the last linear layer (thesis 4.1).
FINGERPRINT_SIZE = 20
#: Smallest grid that leaves one voxel for the last convolution.
MINIMAL_GRID = 16


def final_edge(n: int) -> int:
    """Edge of the last feature map for a grid of n points per axis.

    Parameters
    ----------
    n : int
        Grid points per axis.

    Returns
    -------
    int
        Voxels per axis that enter the flatten layer (3 for n = 25).

    Raises
    ------
    PorevoxError
        When the grid is too small for the two pooling layers.
    """
    if n < MINIMAL_GRID:
        raise PorevoxError(
            f"RetNet needs a grid of at least {MINIMAL_GRID} points per axis, not {n}: raise the "
            "grid's n or choose another model."
        )
    after_first_pool = (n - 2) // 2
    after_second_pool = (after_first_pool - 1) // 2
    return after_second_pool - 2


def _stage(number, in_channels, out_channels, kernel, **padding):
    """Convolution, batch normalisation and LeakyReLU as (name, layer) pairs."""
    # A bias would be cancelled by the batch normalisation that follows.
    conv = nn.Conv3d(in_channels, out_channels, kernel, bias=False, **padding)
    return [
        (f"conv{number}", conv),
        (f"norm{number}", nn.BatchNorm3d(out_channels)),
        (f"act{number}", nn.LeakyReLU(NEGATIVE_SLOPE, inplace=True)),
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
        Grid points per axis (25 in the thesis), at least 16.
    n_scalars : int
        Standardised scalars per structure that join the flattened feature maps. They enter after
        the dropout layer, so they are never dropped. 0 in the thesis.
    dropout : float
        Dropout rate of the flattened feature maps.

    Attributes
    ----------
    features : torch.nn.Sequential
        conv1 ... conv5 with their normalisations and pools, each under its name.
    dense : torch.nn.Sequential
        The two dense stages; its output is the fingerprint.
    output : torch.nn.Linear
        From fingerprint to uptake.

    Raises
    ------
    PorevoxError
        When n is below 16.
    """

    def __init__(self, in_channels: int = 1, n: int = 25, n_scalars: int = 0, dropout: float = 0.3):
        super().__init__()
        self.n_scalars = n_scalars
        flat = 120 * final_edge(n) ** 3
        layers = [
            *_stage(1, in_channels, 12, 3, padding=1, padding_mode="circular"),
            *_stage(2, 12, 24, 3),
            ("pool1", nn.MaxPool3d(2)),
            *_stage(3, 24, 32, 2),
            ("pool2", nn.MaxPool3d(2)),
            *_stage(4, 32, 64, 2),
            *_stage(5, 64, 120, 2),
        ]
        self.features = nn.Sequential(OrderedDict(layers))
        self.dropout = nn.Dropout(dropout)
        dense = [*_dense(1, flat + n_scalars, 84), *_dense(2, 84, FINGERPRINT_SIZE)]
        self.dense = nn.Sequential(OrderedDict(dense))
        self.output = nn.Linear(FINGERPRINT_SIZE, 1)

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
        if self.n_scalars:
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
            In the target's own unit: labels are not standardised.
        """
        return self.output(self.fingerprint(voxels, scalars)).squeeze(1)


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
        Mean label of the training subset, in the target's unit.
    """
    for layer in model.modules():
        if isinstance(layer, nn.Linear):
            nn.init.kaiming_normal_(layer.weight, a=NEGATIVE_SLOPE, nonlinearity="leaky_relu")
    nn.init.constant_(model.output.bias, y_mean)
