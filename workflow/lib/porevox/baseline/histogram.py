"""The energy histogram of a structure: which fraction of its voxels lies in which bin of energy.

After Bucior et al., Mol. Syst. Des. Eng. 4, 162 (2019), doi 10.1039/C8ME00050F. Energies are divided by
the temperature, so that the bins mean the same for every guest and temperature.
"""

import numpy as np
import pandas as pd

from porevox.errors import PorevoxError
from porevox.learning.transform import own_temperature_K
from porevox.learning.voxelset import Dataset, stored_values

#: Options of the bins and their defaults: lower and upper end in units of kT, and bins between them.
HISTOGRAM_OPTIONS = {"histogram_min": -20.0, "histogram_max": 5.0, "histogram_bins": 50}
#: Bins of an electrostatic potential, between the transform's limits.
POTENTIAL_BINS = 40


def channel_temperature_K(channel: dict, transform: dict) -> float:
    """Temperature that goes with a channel of energies.

    Parameters
    ----------
    channel : dict
        One of meta["channels"].
    transform : dict
        The study's.

    Returns
    -------
    float
        In K: the one at which effective energies or Boltzmann factors exist, otherwise the study's.

    Raises
    ------
    PorevoxError
        When there is none.
    """
    own = None if channel["quantity"] == "energy" else own_temperature_K(channel)
    temperature_K = transform.get("temperature_K") if own is None else own
    if not (isinstance(temperature_K, int | float) and temperature_K > 0):
        raise PorevoxError(
            f"The energies of channel {channel['name']!r} need a temperature_K above 0 K in the study's "
            f"transform, not {temperature_K!r}."
        )
    return float(temperature_K)


def bin_edges(channel: dict, transform: dict, options: dict) -> np.ndarray:
    """Edges of a channel's bins; below the first and above the last lies an open bin each.

    Parameters
    ----------
    channel, transform : dict
        As for :func:`channel_temperature_K`.
    options : dict
        histogram_min, histogram_max (units of kT) and histogram_bins, for energies.

    Returns
    -------
    numpy.ndarray, shape (bins + 1,)
        In units of kT, or in V for potentials.

    Raises
    ------
    PorevoxError
        When the ends are the wrong way round, or potentials have no limit.
    """
    low, high, bins = (options[name] for name in HISTOGRAM_OPTIONS)
    if channel["quantity"] == "potential":
        limit_V = transform.get("potential_limit_V")
        if not (isinstance(limit_V, int | float) and limit_V > 0):
            raise PorevoxError(
                f"The histogram of the potentials of channel {channel['name']!r} needs a "
                f"potential_limit_V above 0 V in the study's transform, not {limit_V!r}."
            )
        low, high, bins = -limit_V, limit_V, POTENTIAL_BINS
    if not (low < high and bins >= 1):
        raise PorevoxError(
            f"An energy histogram cannot have {bins} bins from {low:g} to {high:g}: histogram_min must be "
            "below histogram_max, and histogram_bins at least 1."
        )
    return np.linspace(low, high, int(bins) + 1)


def energy_histogram(dataset: Dataset, rows: pd.DataFrame, options: dict) -> np.ndarray:
    """Fraction of the voxels of some structures in each bin, channel by channel.

    Parameters
    ----------
    dataset : Dataset
    rows : pandas.DataFrame
        Rows of dataset.table, each with voxels in the channels wanted.
    options : dict
        See :func:`bin_edges`; and "channels", their names (every one where missing).

    Returns
    -------
    numpy.ndarray, shape (m, sum over the channels of bins + 2), float64
        Each channel's fractions sum to 1. A bin holds its lower edge; where the grid's last plane
        repeats the first, it does not count.

    Raises
    ------
    PorevoxError
        When a store cannot be read, or a value is no number (the structure is named).
    """
    meta, parts = dataset.meta, []
    repeats = meta["grid"]["endpoint"] and meta["grid"]["kind"] != "cubic_box"
    wanted = options.get("channels") or dataset.channels
    for channel in [channel for channel in meta["channels"] if channel["name"] in wanted]:
        edges = bin_edges(channel, meta["transform"], options)
        part = np.zeros((len(rows), len(edges) + 1))
        for places, values in stored_values(rows, channel, int(meta["grid"]["n"])):
            reduced = _reduced(values, channel, meta["transform"], repeats)
            lost = np.isnan(reduced.min(axis=1))
            if lost.any():
                faulty = rows["id"].iloc[places[lost][0]]
                raise PorevoxError(
                    f"The voxels of {faulty!r} (channel {channel['name']!r}) hold values that are no "
                    "numbers: run the voxels stage again."
                )
            part[places] = _fractions(reduced, edges)
        parts.append(part)
    return np.concatenate(parts, axis=1) if parts else np.zeros((len(rows), 0))


def _reduced(values, channel, transform, repeats) -> np.ndarray:
    """Distinct voxels of a chunk as (structures, points), in units of kT, or in V."""
    cells = values[:, :-1, :-1, :-1] if repeats else values
    flat = cells.reshape(len(cells), -1).astype(np.float64)
    if channel["quantity"] == "potential":
        return flat
    if channel["quantity"] == "boltzmann_factor":
        with np.errstate(divide="ignore", invalid="ignore"):
            return -np.log(flat)
    flat /= channel_temperature_K(channel, transform)
    return flat


def _fractions(reduced: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Fraction of the points of each row in the open bin below, the bins, and the open bin above."""
    bins = len(edges) - 1
    reduced = (reduced - edges[0]) * (bins / (edges[-1] - edges[0]))
    np.floor(reduced, out=reduced)
    # before the conversion to whole numbers: energies on top of an atom are infinite
    np.clip(reduced, -1, bins, out=reduced)
    places = reduced.astype(np.int64) + 1
    places += np.arange(len(places))[:, None] * (bins + 2)
    counts = np.bincount(places.ravel(), minlength=len(places) * (bins + 2))
    return counts.reshape(len(places), bins + 2) / places.shape[1]
