"""What becomes of stored energies and potentials before a network sees them (thesis 3.2).

Beside the thesis' Boltzmann factor there is the occupancy of a lattice gas: each grid point is a site
that holds one guest or none, by Langmuir's isotherm (J. Am. Chem. Soc. 40, 1361 (1918)) with the
energy of that very point and the pressure of an ideal gas. It lies between 0 and 1 however deep a
pocket is, and its mean is a first estimate of the uptake.
"""

import math

import numpy as np

from porevox.errors import PorevoxError

#: Boltzmann constant in bar A^3 / K.
_BOLTZMANN_BAR_A3 = 138.0649
_KINDS = ("boltzmann", "log1p_boltzmann", "occupancy", "identity")


def transform_values(values: np.ndarray, channel: dict, transform: dict) -> np.ndarray:
    """Turn stored values into the network's input.

    Parameters
    ----------
    values : numpy.ndarray
        Of any shape, as stored.
    channel : dict
        One of meta["channels"]; its quantity says what is stored.
    transform : dict
        The study's; see :func:`check_transform`.

    Returns
    -------
    numpy.ndarray, float64
        Dimensionless, K for the identity transform of energies, or V for potentials; what
        overflows is infinite.
    """
    kind, quantity = transform["kind"], channel["quantity"]
    values = values.astype(np.float64)
    if quantity == "potential":
        limit = transform["potential_limit_V"]
        return np.clip(values, -limit, limit, out=values)
    if kind == "identity":
        return values
    # Overflow is no warning here: the caller looks for values that are not finite.
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        if kind == "occupancy":
            site_A3 = transform["site_volume_A3"]
            return occupancy(log_factors(values, quantity, transform["temperature_K"]), transform, site_A3)
        if quantity == "boltzmann_factor":
            return values if kind == "boltzmann" else np.log1p(values)
        exponent = -values / transform["temperature_K"]
        # log(1 + exp(x)) as logaddexp(0, x) neither overflows in a deep well nor loses the tail.
        return np.exp(exponent) if kind == "boltzmann" else np.logaddexp(0.0, exponent)


def log_factors(values: np.ndarray, quantity: str, temperature_K: float) -> np.ndarray:
    """Natural logarithm of the Boltzmann factors of what is stored.

    Parameters
    ----------
    values : numpy.ndarray, float64
        Energies or effective energies in K, or Boltzmann factors.
    quantity : str
        Which of these.
    temperature_K : float

    Returns
    -------
    numpy.ndarray, float64
        -inf where atoms overlap.
    """
    with np.errstate(divide="ignore"):
        return np.log(values) if quantity == "boltzmann_factor" else -values / temperature_K


def occupancy(logarithms: np.ndarray, transform: dict, site_volume_A3: float) -> np.ndarray:
    """Occupancy of each grid point by Langmuir's isotherm, x / (1 + x) with x = P v exp(-V/T) / (kB T).

    Parameters
    ----------
    logarithms : numpy.ndarray
        Natural logarithms of the Boltzmann factors.
    transform : dict
        With pressure_bar and temperature_K.
    site_volume_A3 : float
        Volume v of a site, in cubic angstrom: about that of one guest in a dense phase.

    Returns
    -------
    numpy.ndarray, float64
        Guests per site, from 0 to 1.
    """
    ideal = transform["pressure_bar"] * site_volume_A3 / (_BOLTZMANN_BAR_A3 * transform["temperature_K"])
    exponent = logarithms + math.log(ideal)
    # neither overflows in a deep well nor loses the digits of a small occupancy
    smaller = np.exp(-np.abs(exponent))
    return np.where(exponent > 0, 1.0, smaller) / (1.0 + smaller)


def check_transform(channel: dict, transform: dict) -> None:
    """Refuse a transform that is unknown, or that does not suit what a channel holds.

    Parameters
    ----------
    channel : dict
        One of meta["channels"].
    transform : dict
        kind (boltzmann, log1p_boltzmann, occupancy or identity), temperature_K, for occupancies
        pressure_bar and site_volume_A3, and potential_limit_V (V) where there are potentials.

    Raises
    ------
    PorevoxError
        Says what does not go together.
    """
    kind, quantity = transform["kind"], channel["quantity"]
    if kind not in _KINDS:
        raise PorevoxError(f"The voxel transform {kind!r} is unknown: use one of {', '.join(_KINDS)}.")
    if quantity not in ("energy", "effective_energy", "potential", "boltzmann_factor"):
        raise PorevoxError(
            f"The voxels of channel {channel['name']!r} hold {quantity!r}, but only energy, "
            "effective_energy, potential and boltzmann_factor can be used."
        )
    if quantity == "potential":
        limit = transform.get("potential_limit_V")
        if not (isinstance(limit, int | float) and 0 < limit < np.inf):
            raise PorevoxError(
                f"The voxels of channel {channel['name']!r} are potentials, which diverge at the atoms: the "
                f"transform needs a potential_limit_V above 0 V, not {limit!r}."
            )
    elif kind != "identity":
        _check_temperature(channel, transform)
    for key in ("pressure_bar", "site_volume_A3") if kind == "occupancy" else ():
        value = transform.get(key)
        if not (isinstance(value, int | float) and 0 < value < np.inf):
            raise PorevoxError(f"The voxel transform occupancy needs a {key} above 0, not {value!r}.")


def _check_temperature(channel, transform):
    """Refuse a temperature that is none, or not the one at which the stored values exist."""
    kind, temperature = transform["kind"], transform.get("temperature_K")
    if not (isinstance(temperature, int | float) and temperature > 0):
        raise PorevoxError(
            f"The voxel transform {kind} needs a temperature_K above 0 K, not {temperature!r}."
        )
    if channel["quantity"] == "energy":
        return
    stored = own_temperature_K(channel)
    if stored != temperature:
        held = {"effective_energy": "hold effective energies", "boltzmann_factor": "hold Boltzmann factors"}
        raise PorevoxError(
            f"The voxels of channel {channel['name']!r} already {held[channel['quantity']]} at "
            f"{stored} K, so they cannot be turned into {kind} at {temperature} K: use the "
            "identity transform or the same temperature."
        )


def own_temperature_K(channel: dict) -> float | None:
    """Return the temperature at which a channel's stored values exist.

    Parameters
    ----------
    channel : dict
        One of meta["channels"].

    Returns
    -------
    float or None
        In K; None for plain energies, which exist at any.
    """
    return channel.get("temperature_K", channel.get("settings", {}).get("temperature_K"))
