"""The voxels of one structure as a network sees them, and the energies that they stand for."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from porevox.energy.grid import GridSpec
from porevox.figures.voxel_box import VoxelBox, voxel_box
from porevox.learning.view import seen_by
from porevox.learning.voxelset import Dataset, load_voxels

#: Boltzmann factors below this are drawn as if they were it: the logarithm needs a positive number.
_LEAST_FACTOR = 1e-30


@dataclass(frozen=True, eq=False)
class NetworkInput:
    """One channel of one structure's voxels.

    Parameters
    ----------
    id : str
        The structure.
    values : (n, n, n) float32
        What the network sees, before it is standardised.
    field : (n, n, n) float64
        Energies in K (of an atom, inf) or potentials in V.
    quantity : str
        Of the field: ``energy``, ``effective_energy`` or ``potential``.
    grid : GridSpec
    """

    id: str
    values: np.ndarray
    field: np.ndarray
    quantity: str
    grid: GridSpec

    @property
    def potential(self) -> bool:
        """Whether the field is an electrostatic potential."""
        return self.quantity == "potential"

    def box(self, field: np.ndarray | None = None) -> VoxelBox:
        """Return the field (or another one in its place) in the cube that the network sees.

        Parameters
        ----------
        field : (n, n, n) array, optional

        Returns
        -------
        VoxelBox
            A cube whatever the cell is like, since the network does not know the cell.
        """
        return voxel_box(np.minimum(self.field if field is None else field, 1e30), self.grid)


def network_input(dataset: Dataset, row: pd.DataFrame) -> NetworkInput:
    """Read one structure: its first channel of energies, or its first one if it has none.

    Parameters
    ----------
    dataset : Dataset
    row : pandas.DataFrame
        One row of dataset.table, with voxels.

    Returns
    -------
    NetworkInput

    Raises
    ------
    PorevoxError
        The voxels cannot be read.
    """
    channels, transform = dataset.meta["channels"], dataset.meta["transform"]
    energetic = [k for k, channel in enumerate(channels) if channel["quantity"] != "potential"]
    number = (energetic or [0])[0]
    values = shown = load_voxels(dataset, row)[0, number]
    if transform["kind"] == "occupancy":
        # in a deep well it is 1 whatever the energy, which is therefore read by way of another transform
        transform = {**transform, "kind": "log1p_boltzmann"}
        shown = load_voxels(seen_by(dataset, {"transform": transform})[0], row)[0, number]
    quantity = channels[number]["quantity"]
    return NetworkInput(
        id=str(row["id"].iloc[0]),
        values=values,
        field=_field(shown, channels[number], transform),
        quantity="energy" if quantity == "boltzmann_factor" else quantity,
        grid=GridSpec.from_dict(dataset.meta["grid"]),
    )


def _is_energy(quantity: str, transform: dict) -> bool:
    """Whether what the network sees is the energy itself."""
    return transform["kind"] == "identity" and quantity != "boltzmann_factor"


def _field(values: np.ndarray, channel: dict, transform: dict) -> np.ndarray:
    """Undo the transform: energies in K, or potentials in V."""
    values = values.astype(np.float64)
    if channel["quantity"] == "potential" or _is_energy(channel["quantity"], transform):
        return values
    temperature_K = transform.get("temperature_K")
    if channel["quantity"] == "boltzmann_factor":
        settings = channel.get("settings", {})
        temperature_K = channel.get("temperature_K", settings.get("temperature_K", temperature_K))
    assert temperature_K is not None  # a Boltzmann factor is always of some temperature
    factor = np.expm1(values) if transform["kind"] == "log1p_boltzmann" else values
    energy_K = -temperature_K * np.log(np.maximum(factor, _LEAST_FACTOR))
    return np.where(factor > 0, energy_K, np.inf)
