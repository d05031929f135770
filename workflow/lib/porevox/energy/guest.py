"""Rigid guest molecules: their interaction sites, and where these lie in each orientation."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np

from porevox.energy.orientations import axes, directions, rotations
from porevox.errors import PorevoxError

#: No rigid guest of gas adsorption reaches further from its origin; a table in nanometres or
#: picometres, or an origin outside of the molecule, does.
MAX_DISTANCE_A = 10.0
#: Sites closer than this sit in one place, angstrom: far below any difference that tables print.
_SAME_PLACE_A = 1e-6


@dataclass(frozen=True)
class GuestSite:
    """One interaction site of a rigid guest.

    Parameters
    ----------
    x_A, y_A, z_A : float
        Place relative to the guest's origin, angstrom. The guest turns about its origin, and the
        origin is what sits on the points of a grid: the centre of mass in the tables of CO2 and
        N2, by custom the centre of mass in any other.
    sigma_A : float
        Lennard-Jones sigma, angstrom; may be zero in a site without a well.
    epsilon_K : float
        Lennard-Jones epsilon/kB, K; zero: the site has no Lennard-Jones interaction.
    charge_e : float
        Point charge, elementary charges.

    Raises
    ------
    PorevoxError
        A value is not allowed.
    """

    x_A: float = 0.0
    y_A: float = 0.0
    z_A: float = 0.0
    sigma_A: float = 0.0
    epsilon_K: float = 0.0
    charge_e: float = 0.0

    def __post_init__(self):
        for field in fields(self):
            value = getattr(self, field.name)
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not (number and math.isfinite(value)):
                raise PorevoxError(f"guest site {field.name} is {value!r}; it must be a finite number")
            object.__setattr__(self, field.name, float(value))
        if self.sigma_A < 0 or self.epsilon_K < 0:
            raise PorevoxError("guest site sigma_A and epsilon_K must not be negative")
        if self.epsilon_K > 0 and self.sigma_A == 0:
            raise PorevoxError(
                f"guest site epsilon_K is {self.epsilon_K:g}; its sigma_A must be positive too"
            )
        distance = math.hypot(self.x_A, self.y_A, self.z_A)
        if distance > MAX_DISTANCE_A:
            raise PorevoxError(
                f"a guest site lies {distance:.4g} A from the guest's origin; give places in angstrom"
                f" around the centre of mass, at most {MAX_DISTANCE_A:g} A away"
            )


def guest_sites(values: Sequence[Mapping | GuestSite]) -> tuple[GuestSite, ...]:
    """Sites of a guest from plain values, as a table of guests holds them.

    Parameters
    ----------
    values : sequence of mapping or GuestSite
        Keys are those of :class:`GuestSite`; missing ones are zero.

    Returns
    -------
    tuple of GuestSite

    Raises
    ------
    PorevoxError
        There are no sites, none of them interacts, a key is unknown or a value is not allowed.
    """
    if isinstance(values, str | Mapping) or not isinstance(values, Sequence) or not values:
        raise PorevoxError("the guest has no sites; list at least one")
    sites = tuple(_site(value) for value in values)
    if not any(site.epsilon_K or site.charge_e for site in sites):
        raise PorevoxError("no site of the guest has an epsilon_K or a charge_e; give at least one")
    return sites


def _site(value: Mapping | GuestSite) -> GuestSite:
    if isinstance(value, GuestSite):
        return value
    if not isinstance(value, Mapping):
        raise PorevoxError(f"guest site {value!r} is not a set of named values such as sigma_A: 3.05")
    unknown = sorted(set(value) - {field.name for field in fields(GuestSite)})
    if unknown:
        raise PorevoxError(f"a guest site has no value named {unknown[0]!r}")
    return GuestSite(**value)


@dataclass(frozen=True)
class SiteGroup:
    """Sites of a guest in one and the same place.

    Parameters
    ----------
    place_A : (3,) float64
        Relative to the guest's origin, angstrom.
    wells : tuple of (float, float)
        Lennard-Jones sigma (angstrom) and epsilon/kB (K) of each site that has a well.
    charge_e : float
        Sum of the charges, elementary charges.
    """

    place_A: np.ndarray
    wells: tuple[tuple[float, float], ...]
    charge_e: float


def site_groups(sites: Sequence[GuestSite]) -> tuple[SiteGroup, ...]:
    """Gather the sites that share a place, for which shifted grids are computed only once.

    Parameters
    ----------
    sites : sequence of GuestSite

    Returns
    -------
    tuple of SiteGroup
        In the order in which the places first appear; those without any interaction left out.
    """
    together: list[tuple[np.ndarray, list[GuestSite]]] = []
    for site in sites:
        place = np.array([site.x_A, site.y_A, site.z_A])
        for known, members in together:
            if np.linalg.norm(known - place) <= _SAME_PLACE_A:
                members.append(site)
                break
        else:
            together.append((place, [site]))
    groups = [
        SiteGroup(
            place,
            tuple((site.sigma_A, site.epsilon_K) for site in members if site.epsilon_K),
            math.fsum(site.charge_e for site in members),
        )
        for place, members in together
    ]
    return tuple(group for group in groups if group.wells or group.charge_e)


def freedom(groups: Sequence[SiteGroup]) -> str:
    """What has to be turned to see a guest from all sides.

    Parameters
    ----------
    groups : sequence of SiteGroup

    Returns
    -------
    {"none", "axis", "direction", "rotation"}
        ``none``: all sites sit in the origin. ``axis``: they sit on a line through the origin and
        turning the line round makes no difference, as in CO2 and N2. ``direction``: on such a
        line, as in CO. ``rotation``: all other guests.
    """
    places = np.array([group.place_A for group in groups])
    along = _along_axis(places)
    if along is None:
        return "rotation"
    if np.abs(along).max() <= _SAME_PLACE_A:
        return "none"
    return "axis" if _inversion_symmetric(groups, along) else "direction"


def places_in_orientations(groups: Sequence[SiteGroup], n: int) -> np.ndarray:
    """Places of all sites in each of an even, reproducible set of orientations.

    Parameters
    ----------
    groups : sequence of SiteGroup
    n : int
        Axes, directions or rotations, whichever the guest's :func:`freedom` asks for.

    Returns
    -------
    (n, sites, 3) float64, (1, sites, 3) for a guest in one point
        Cartesian, relative to the guest's origin, angstrom. Orientations weigh the same.
    """
    places = np.array([group.place_A for group in groups])
    free = freedom(groups)
    if free == "none":
        return np.zeros((1, *places.shape))
    if free == "rotation":
        return np.einsum("rij,sj->rsi", rotations(n), places)
    turned = axes(n) if free == "axis" else directions(n)
    along = _along_axis(places)
    assert along is not None  # a guest that is not free to rotate lies on a line
    return turned[:, None, :] * along[None, :, None]


def _along_axis(places: np.ndarray) -> np.ndarray | None:
    """Coordinates on the line through the origin that holds all sites; None if there is none."""
    axis = places[np.linalg.norm(places, axis=1).argmax()]
    axis = axis / max(np.linalg.norm(axis), _SAME_PLACE_A)
    along = places @ axis
    aside = np.linalg.norm(places - along[:, None] * axis, axis=1)
    return along if aside.max() <= _SAME_PLACE_A else None


def _inversion_symmetric(groups: Sequence[SiteGroup], along: np.ndarray) -> bool:
    def has_partner(group: SiteGroup, coordinate: float) -> bool:
        return any(
            abs(coordinate + other) <= _SAME_PLACE_A
            and sorted(group.wells) == sorted(partner.wells)
            and math.isclose(group.charge_e, partner.charge_e, rel_tol=0.0, abs_tol=1e-12)
            for partner, other in zip(groups, along, strict=True)
        )

    return all(map(has_partner, groups, along))
