"""Scalars of a structure: columns of the dataset's table, and what physics makes of its voxels.

The mean Boltzmann factor over the cell is, up to constants, the Henry coefficient: what a single
guest finds. Where the pressure is known, the mean occupancy of a lattice gas
(:mod:`porevox.learning.transform`) estimates the uptake itself, for several volumes of a site, since
none is right for every guest. With the framework's density and volume these tell much of what a
network can otherwise only learn from many examples.
"""

import math

import numpy as np
import pandas as pd

from porevox.learning.transform import log_factors as logarithms
from porevox.learning.transform import occupancy, own_temperature_K
from porevox.learning.voxelset import Dataset, stored_values

#: Channels whose voxels have a Boltzmann factor; a potential acts on no guest in particular.
_QUANTITIES = ("energy", "effective_energy", "boltzmann_factor")
#: Columns of table.csv that stand behind the scalars of size and weight.
TABLE_COLUMNS = ("cif_density_g_cm3", "cif_volume_A3")
#: Least logarithm of a mean Boltzmann factor: where the guest fits nowhere, it would be -inf.
LOWEST_LOG_FACTOR = math.log(1e-8)
#: Volumes of a site of the lattice gas, cubic angstrom: from a tight fit to a small molecule's in a liquid.
SITE_VOLUMES_A3 = (20.0, 40.0, 80.0)
#: One guest per cubic angstrom in mol/L.
_MOL_PER_L = 1e4 / 6.02214076
_SCALE_NAMES = ("cif_density_g_cm3", "ln_cif_density", "cif_specific_volume_cm3_g", "ln_cif_volume_A3")


def physics_names(channels: list[dict], transform: dict) -> list[str]:
    """Names of the computed scalars.

    Parameters
    ----------
    channels : list of dict
        As in dataset.json or model.json.
    transform : dict
        With a pressure_bar there are estimates of the uptake.

    Returns
    -------
    list of str
        Per channel of energies, effective energies or Boltzmann factors its mean and the estimates
        per volume and per mass; then density and volume.
    """
    names = []
    for channel in channels:
        if channel["quantity"] in _QUANTITIES:
            names.append(f"ln_mean_boltzmann_{channel['name']}")
            for site_A3 in SITE_VOLUMES_A3 if transform.get("pressure_bar") else ():
                estimate = f"langmuir_{channel['name']}_{site_A3:g}A3"
                names += [f"{estimate}_mol_per_L", f"{estimate}_mol_per_kg"]
    return [*names, *_SCALE_NAMES]


def columns_behind(columns, physics: bool) -> list[str]:
    """Columns of table.csv that the scalars of a structure need.

    Parameters
    ----------
    columns : sequence of str
        Scalars that are columns themselves.
    physics : bool
        Whether scalars are computed, too.

    Returns
    -------
    list of str
    """
    return list(dict.fromkeys([*columns, *(TABLE_COLUMNS if physics else ())]))


def scalar_inputs(dataset: Dataset, rows: pd.DataFrame, columns, physics: bool) -> np.ndarray:
    """Raw scalars of some structures, as training and prediction take them.

    Parameters
    ----------
    dataset : Dataset
    rows : pandas.DataFrame
        Rows of its table that have voxels and the columns of :func:`columns_behind`.
    columns : sequence of str
        Scalars that are columns of table.csv.
    physics : bool
        Whether those of :func:`physics_names` follow.

    Returns
    -------
    numpy.ndarray, shape (m, k), float64
        Not yet standardised.
    """
    values = rows[list(columns)].to_numpy(np.float64)
    if not physics:
        return values
    density, volume = rows[list(TABLE_COLUMNS)].to_numpy(np.float64).T
    scale = np.column_stack([density, np.log(density), 1.0 / density, np.log(volume)])
    return np.column_stack([values, voxel_scalars(dataset, rows, density), scale])


def voxel_scalars(dataset: Dataset, rows: pd.DataFrame, density_g_cm3: np.ndarray) -> np.ndarray:
    """Means over all grid points, per structure and channel.

    Parameters
    ----------
    dataset : Dataset
        Energies are taken at the temperature of its transform, effective energies at their own.
    rows : pandas.DataFrame
        Rows of its table that have voxels.
    density_g_cm3 : numpy.ndarray, shape (m,)

    Returns
    -------
    numpy.ndarray, shape (m, k), float64
        As the first of :func:`physics_names`; logarithms are at least LOWEST_LOG_FACTOR.
    """
    meta, blocks = dataset.meta, [np.empty((len(rows), 0))]
    # Planes that repeat the first ones would count twice; those of a cubic box do not.
    repeats = meta["grid"].get("endpoint") and meta["grid"].get("kind") != "cubic_box"
    distinct = slice(0, -1 if repeats else None)
    for channel in meta["channels"]:
        if channel["quantity"] not in _QUANTITIES:
            continue
        own = own_temperature_K(channel)
        transform = meta["transform"] if own is None else {**meta["transform"], "temperature_K": own}
        sites = SITE_VOLUMES_A3 if transform.get("pressure_bar") else ()
        block = np.empty((len(rows), 1 + 2 * len(sites)))
        for places, stored in stored_values(rows, channel, int(meta["grid"]["n"])):
            values = stored[:, distinct, distinct, distinct].astype(np.float64)
            logs = logarithms(values, channel["quantity"], transform["temperature_K"]).reshape(
                len(values), -1
            )
            block[places, 0] = np.maximum(_log_mean(logs), LOWEST_LOG_FACTOR)
            for k, site_A3 in enumerate(sites):
                per_L = occupancy(logs, transform, site_A3).mean(axis=1) / site_A3 * _MOL_PER_L
                block[places, 1 + 2 * k] = per_L
                block[places, 2 + 2 * k] = per_L / density_g_cm3[places]
        blocks.append(block)
    return np.concatenate(blocks, axis=1)


def _log_mean(logs: np.ndarray) -> np.ndarray:
    """Logarithm of the mean of exp(logs) along each row; -inf where the guest fits nowhere."""
    # Relative to the deepest well, which would overflow where atoms all but touch.
    highest = logs.max(axis=1)
    inside = np.where(np.isfinite(highest), highest, 0.0)
    with np.errstate(divide="ignore", under="ignore"):
        return np.log(np.exp(logs - inside[:, None]).mean(axis=1)) + inside
