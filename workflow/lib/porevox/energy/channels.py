"""What all voxel channels share: what they give back, and how to build one from a config's block."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol, Self

import numpy as np

from porevox.crystal.structure import Structure
from porevox.energy.forcefield import ForceField
from porevox.energy.grid import GridSpec
from porevox.errors import PorevoxError

#: Beyond, the sums would take hours and change nothing, angstrom.
LONGEST_CUTOFF_A = 100.0


@dataclass(frozen=True)
class ChannelResult:
    """One channel's voxels of one structure.

    Parameters
    ----------
    values : (n, n, n) float64
        In the channel's unit; index i along a, j along b, k along c (x, y, z in a cubic box).
    guest_energy_K : float
        Mean guest-framework energy over the cell, weighted with the Boltzmann factor, K; NaN for
        channels that are not averages over a guest's orientations.
    """

    values: np.ndarray
    guest_energy_K: float = float("nan")


class Channel(Protocol):
    """A quantity on a grid: settings as plain numbers, and how to compute it."""

    kind: ClassVar[str]
    quantity: ClassVar[str]
    unit: ClassVar[str]

    @classmethod
    def from_dict(cls, values: Mapping) -> Self:
        """Build a channel from plain values."""

    def to_dict(self) -> dict:
        """Plain values from which :meth:`from_dict` builds an equal channel."""

    def compute(self, structure: Structure, grid: GridSpec, forcefield: ForceField | None) -> ChannelResult:
        """Compute the channel on every point of a grid."""

    def memory_MB(self, structure: Structure, grid: GridSpec) -> float:
        """Memory that :meth:`compute` will touch, MB (10^6 bytes)."""


#: Kinds of channel, each a module of its own.
KINDS = ("lennard_jones", "electrostatic", "guest")


def channel_from_dict(values: Mapping) -> Channel:
    """Build a channel from plain values, as a config file holds them.

    Parameters
    ----------
    values : mapping
        ``kind`` says which channel it is (default ``lennard_jones``); the other keys are its
        settings, and missing ones keep their default.

    Returns
    -------
    Channel

    Raises
    ------
    PorevoxError
        The kind or a key is unknown, or a value is not allowed.
    """
    kind = values.get("kind", "lennard_jones")
    chosen: type[Channel]
    # Imported when asked for: the others' compiled functions need not be loaded.
    if kind == "lennard_jones":
        from porevox.energy.lennard_jones_channel import LennardJonesChannel

        chosen = LennardJonesChannel
    elif kind == "electrostatic":
        from porevox.energy.electrostatic_channel import ElectrostaticChannel

        chosen = ElectrostaticChannel
    elif kind == "guest":
        from porevox.energy.guest_channel import GuestChannel

        chosen = GuestChannel
    else:
        raise PorevoxError(f"channel kind {kind!r} is unknown; choose one of {', '.join(KINDS)}")
    return chosen.from_dict(values)


def settings_of(cls: type[Channel], values: Mapping) -> dict:
    """Check the names of a channel's settings.

    Parameters
    ----------
    cls : type
        A channel, which is a dataclass of its settings.
    values : mapping
        Settings; a ``kind`` is left out.

    Returns
    -------
    dict

    Raises
    ------
    PorevoxError
        A setting is unknown.
    """
    settings = {key: value for key, value in values.items() if key != "kind"}
    known = cls.__dataclass_fields__  # type: ignore[attr-defined]  # every channel is a dataclass
    unknown = sorted(set(settings) - set(known))
    if unknown:
        raise PorevoxError(f"a channel of kind {cls.kind} has no setting named {unknown[0]!r}")
    return settings


def check_positive(channel: Channel, *fields: str) -> None:
    """Hold settings of a channel to positive numbers, and make floats of them.

    Parameters
    ----------
    channel : Channel
        While it is being made.
    *fields : str
        Names of its settings; a ``cutoff_A`` may not exceed :data:`LONGEST_CUTOFF_A`.

    Raises
    ------
    PorevoxError
        A value is not allowed.
    """
    for field in fields:
        value = getattr(channel, field)
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not (number and math.isfinite(value) and value > 0):
            raise PorevoxError(f"channel {field} is {value!r}; it must be a positive number")
        if field == "cutoff_A" and value > LONGEST_CUTOFF_A:
            raise PorevoxError(f"channel {field} is {value:g}; it can be {LONGEST_CUTOFF_A:g} at most")
        object.__setattr__(channel, field, float(value))


def whole_grid_MB(grid: GridSpec) -> float:
    """Memory of one channel's voxels in double and single precision and on their way to a file, MB.

    Parameters
    ----------
    grid : GridSpec

    Returns
    -------
    float
        MB (10^6 bytes).
    """
    return (8 + 4 + 4) * float(grid.n) ** 3 / 1e6
