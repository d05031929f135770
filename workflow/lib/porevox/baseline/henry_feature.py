"""The Henry coefficient of a structure as a feature, straight from its voxels."""

import math

import numpy as np
import pandas as pd

from porevox.baseline.histogram import channel_temperature_K
from porevox.errors import PorevoxError
from porevox.henry import Averages, average, henry_row
from porevox.learning.voxelset import Dataset, stored_values

#: Density (g/cm3) at which a Henry coefficient per mass, mol/(kg Pa), is one per volume, mol/(m3 Pa).
_PER_VOLUME = 1e-3


def henry_channel(channels: list[dict], name: str | None) -> dict:
    """Find the channel whose energies give the Henry coefficient.

    Parameters
    ----------
    channels : list of dict
        With name and quantity.
    name : str or None
        None: the first channel that holds no electrostatic potential.

    Returns
    -------
    dict
        The channel.

    Raises
    ------
    PorevoxError
        When there is no such channel, or it holds a potential.
    """
    energies = [channel for channel in channels if channel["quantity"] != "potential"]
    found = [channel for channel in energies if name in (None, channel["name"])]
    if not found:
        names = ", ".join(channel["name"] for channel in energies) or "there are none"
        wanted = "a channel" if name is None else f"a channel {name!r}"
        raise PorevoxError(
            f"A model of type physics needs {wanted} of energies (kind lennard_jones or guest); the "
            f"voxels have: {names}."
        )
    return found[0]


def log_henry_coefficients(dataset: Dataset, rows: pd.DataFrame, name: str) -> np.ndarray:
    """Decimal logarithms of Henry coefficients.

    Parameters
    ----------
    dataset : Dataset
        Its table gives the densities, cif_density_g_cm3.
    rows : pandas.DataFrame
        Rows of dataset.table, each with voxels in the channel.
    name : str
        Name of a channel of energies.

    Returns
    -------
    numpy.ndarray, shape (m, 2), float64
        log10 of K_H in mol/(kg Pa) and in mol/(m3 Pa): -inf where the guest fits nowhere, NaN per
        mass where the density is not known.

    Raises
    ------
    PorevoxError
        When a store cannot be read, a value is no energy (the structure is named), or the table has
        no densities.
    """
    meta = dataset.meta
    channel = henry_channel(meta["channels"], name)
    temperature_K = channel_temperature_K(channel, meta["transform"])
    if "cif_density_g_cm3" not in rows.columns:
        raise PorevoxError(
            "The dataset's table has no column cif_density_g_cm3, which a model of type physics needs: run "
            "the dataset stage again."
        )
    densities = rows["cif_density_g_cm3"].to_numpy(np.float64)
    found = np.empty((len(rows), 2))
    for places, values in stored_values(rows, channel, int(meta["grid"]["n"])):
        for place, stored in zip(places, values, strict=True):
            try:
                averages = _averages(stored, channel, temperature_K, meta["grid"]["endpoint"])
            except ValueError as error:
                raise PorevoxError(
                    f"The voxels of {rows['id'].iloc[place]!r} (channel {channel['name']!r}) give no Henry "
                    f"coefficient ({error}): run the voxels stage again."
                ) from error
            for column, density_g_cm3 in enumerate((densities[place], _PER_VOLUME)):
                known = density_g_cm3 > 0
                found[place, column] = (
                    henry_row(averages, temperature_K, density_g_cm3)[1] if known else math.nan
                )
    return found


def _averages(stored: np.ndarray, channel: dict, temperature_K: float, endpoint: bool) -> Averages:
    """Average of one structure's Boltzmann factors, from energies or from the factors themselves."""
    if channel["quantity"] != "boltzmann_factor":
        return average(stored, temperature_K, endpoint)
    factors = np.asarray(stored[:-1, :-1, :-1] if endpoint else stored, dtype=np.float64)
    mean = float(factors.mean())
    if not (factors.min() >= 0 and math.isfinite(mean)):
        raise ValueError("a Boltzmann factor is negative, infinite or no number")
    return Averages(math.log(mean) if mean > 0 else -math.inf, math.nan)
