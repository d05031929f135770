"""The guest channel: what a rigid molecule feels at each point of a grid, averaged over orientations."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import ClassVar

from porevox.crystal.structure import Structure
from porevox.energy.channels import ChannelResult, settings_of
from porevox.energy.forcefield import ForceField
from porevox.energy.grid import GridSpec, distinct_points
from porevox.energy.guest import GuestSite, freedom, guest_sites, places_in_orientations, site_groups
from porevox.energy.guest_average import BoltzmannAverage
from porevox.energy.guest_energy import GuestEnergy, memory_MB
from porevox.energy.lennard_jones import check_truncation
from porevox.errors import PorevoxError

#: Orientations unless told otherwise, by the guest's freedom to turn. Henry coefficients at 298 K from
#: n axes against those from 400, mic_supercell with 25 points, UFF; deviations in per cent over 20
#: COFs and 9 hypothetical MOFs with charges, by tests/benchmarks/bench_guests.py:
#:
#: =====  ======================  =====================  ======================
#:   n    CO2, COFs               CO2, MOFs              N2, COFs
#:        median  90 %   largest  median  90 %  largest  median  90 %   largest
#: =====  ======================  =====================  ======================
#:   12   2.35    6.52   47.0     7.80    20.2  25.4     0.07    0.14   0.18
#:   16   1.81    10.4   61.7     1.85    7.37  12.2     0.02    0.04   0.05
#:   24   0.98    2.11   26.8     1.38    3.25  3.78     0.01    0.02   0.04
#:   32   0.30    1.88   9.89     1.13    3.42  5.09     0.01    0.02   0.03
#:   48   0.16    0.57   4.07     0.31    0.56  0.77     0.00    0.01   0.01
#:   64   0.09    0.50   1.35     0.13    0.53  0.60     0.00    0.01   0.01
#: =====  ======================  =====================  ======================
#:
#: The largest belong to frameworks whose guest sits in one narrow pocket in one direction, where 25
#: points instead of 50 make 10 % and more, too. Water models take 128 rotations for a median below
#: 0.2 %; their deep pockets still stray by 10 %.
DEFAULT_ORIENTATIONS = {"none": 1, "axis": 24, "direction": 48, "rotation": 128}
#: Orientations at most: enough to converge anything, few enough to finish.
MAX_ORIENTATIONS = 100_000


@dataclass(frozen=True)
class GuestChannel:
    """Effective energy -T ln <exp(-U/T)> of a rigid guest, the average being over orientations.

    U is the sum over the guest's sites of their Lennard-Jones energies with the framework and of
    charge times electrostatic potential. The guest's origin, its centre of mass in the tables of
    CO2 and N2, sits on the points of the grid.

    Parameters
    ----------
    sites : sequence of GuestSite or mapping
        Interaction sites of the guest; kept as a tuple of :class:`~porevox.energy.guest.GuestSite`.
    temperature_K : float
        Temperature of the average; the effective energy depends on it.
    cutoff_A : float
        Cutoff radius of the Lennard-Jones energies, angstrom; there is no tail correction.
    truncation : {"truncated", "shifted"}
        Whether pair energies are cut off as they are or shifted to vanish at the cutoff.
    n_orientations : int, optional
        Axes, directions or rotations to average over, whichever the guest asks for (see
        :func:`~porevox.energy.guest.freedom`); by default as many as DEFAULT_ORIENTATIONS lists. A
        guest in one point always takes 1.

    Raises
    ------
    PorevoxError
        A value is not allowed.
    """

    kind: ClassVar[str] = "guest"
    quantity: ClassVar[str] = "effective_energy"
    unit: ClassVar[str] = "K"

    sites: tuple[GuestSite, ...]
    temperature_K: float = 298.0
    cutoff_A: float = 12.0
    truncation: str = "truncated"
    n_orientations: int | None = None

    def __post_init__(self):
        object.__setattr__(self, "sites", guest_sites(self.sites))
        for field in ("temperature_K", "cutoff_A"):
            value = getattr(self, field)
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not (number and math.isfinite(value) and value > 0):
                raise PorevoxError(f"channel {field} is {value!r}; it must be a positive number")
            object.__setattr__(self, field, float(value))
        check_truncation(self.truncation)
        object.__setattr__(self, "n_orientations", self._resolved_orientations())

    def _resolved_orientations(self) -> int:
        n, free = self.n_orientations, freedom(site_groups(self.sites))
        if n is None:
            return DEFAULT_ORIENTATIONS[free]
        if isinstance(n, bool) or not isinstance(n, int) or not 1 <= n <= MAX_ORIENTATIONS:
            allowed = f"a whole number from 1 to {MAX_ORIENTATIONS}"
            raise PorevoxError(f"channel n_orientations is {n!r}; it must be {allowed}")
        return 1 if free == "none" else n

    @classmethod
    def from_dict(cls, values: Mapping) -> "GuestChannel":
        """Build a channel from plain values, as a config file holds them.

        Parameters
        ----------
        values : mapping
            Keys are this class' parameters; ``sites`` is required, other missing ones keep their
            default.

        Returns
        -------
        GuestChannel

        Raises
        ------
        PorevoxError
            The sites are missing, a key is unknown or a value is not allowed.
        """
        settings = settings_of(cls, values)
        if "sites" not in settings:
            raise PorevoxError("the guest has no sites; list at least one")
        return cls(**settings)

    def to_dict(self) -> dict:
        """Plain values from which :meth:`from_dict` builds an equal channel.

        Returns
        -------
        dict
        """
        values = asdict(self)
        return {"kind": self.kind, **values, "sites": list(values["sites"])}

    def compute(self, structure: Structure, grid: GridSpec, forcefield: ForceField | None) -> ChannelResult:
        """Effective energy of the guest at every point of a grid, and its mean energy over the cell.

        In a fixed orientation each site sits on the grid's points moved by a constant vector, so
        nothing is interpolated: the number of orientations is the only approximation.

        Parameters
        ----------
        structure : Structure
            With charges, if the guest has any.
        grid : GridSpec
        forcefield : ForceField or None
            Parameters of the framework's atoms; None only for a guest of mere charges.

        Returns
        -------
        ChannelResult
            ``values``: effective energy, K; +inf where the guest overlaps in every orientation,
            never NaN or -inf. ``guest_energy_K``: <U exp(-U/T)> / <exp(-U/T)> over orientations
            and the points of the unit cell that differ; NaN in a ``cubic_box``, which is not a
            cell, and for a guest that fits nowhere.

        Raises
        ------
        PorevoxError
            The guest has Lennard-Jones sites, and there is no force field.
        StructureRejected
            ``no_charges``: the guest is charged, and the structure carries no charges;
            ``net_charge``; ``unknown_element``; ``absurd_cell``.
        """
        groups = site_groups(self.sites)
        points = distinct_points(grid, structure.lattice_A, self.cutoff_A)
        orientations = places_in_orientations(groups, self.n_orientations)
        ending = (self.cutoff_A, self.truncation)
        guest = GuestEnergy(structure, points, forcefield, groups, *ending, len(orientations))
        average = BoltzmannAverage(points.counts, self.temperature_K)
        for places_A in orientations:
            average.add(guest.at(places_A))
        mean = math.nan if grid.kind == "cubic_box" else average.mean_energy_K()
        return ChannelResult(points.expand(average.effective_energy_K()), mean)

    def memory_MB(self, structure: Structure, grid: GridSpec) -> float:
        """Memory that :meth:`compute` and the single-precision copy of its result will touch.

        Parameters
        ----------
        structure : Structure
        grid : GridSpec

        Returns
        -------
        float
            MB (10^6 bytes), the interpreter and its libraries not included.
        """
        points = distinct_points(grid, structure.lattice_A, self.cutoff_A)
        # The whole grid in double and in single precision, and its bytes on their way to a file.
        whole = (8 + 8 + 4 + 4) * float(grid.n) ** 3 / 1e6
        groups = site_groups(self.sites)
        return memory_MB(structure, points, groups, self.cutoff_A, self.n_orientations) + whole
