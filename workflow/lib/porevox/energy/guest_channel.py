"""The guest channel: what a rigid molecule feels at each point of a grid, averaged over orientations."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import ClassVar

from porevox.crystal.structure import Structure
from porevox.energy.channels import ChannelResult, check_positive, settings_of, whole_grid_MB
from porevox.energy.charge_source import check_source, known_settings, stand_in, with_charges
from porevox.energy.forcefield import ForceField
from porevox.energy.grid import GridSpec, distinct_points
from porevox.energy.guest import GuestSite, freedom, guest_sites, site_groups
from porevox.energy.guest_energy import GuestEnergy, memory_MB
from porevox.energy.guest_refinement import SIZES, refined_average
from porevox.energy.guest_symmetry import equal_points
from porevox.energy.lennard_jones import check_truncation
from porevox.errors import PorevoxError

#: Orientations at most: enough to converge anything, few enough to finish.
MAX_ORIENTATIONS = 100_000
#: What can be asked for as tolerance of the Henry coefficient.
TOLERANCES = (1e-4, 1.0)


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
        Axes, directions or rotations to average over at every point, whichever the guest asks for
        (see :func:`~porevox.energy.guest.freedom`). By default as many as each point needs. A guest
        in one point always takes 1.
    henry_tolerance : float
        Relative error of the Henry coefficient that the finite number of orientations may cause,
        from 1e-4 to 1, as far as it can be estimated; without meaning where `n_orientations` is
        given.
    charges : {"cif", "eqeq", "cif_or_eqeq"}
        Partial charges of the CIF; of charge equilibration (EQeq), whatever the CIF says; or of the
        latter where the CIF has none. Without meaning for guests without charges.
    charge_table : str, optional
        Digest of the table of ionisation energies that equilibration must use; see
        :func:`~porevox.energy.charge_table.find_charge_table`.

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
    henry_tolerance: float = 0.02
    charges: str = "cif"
    charge_table: str | None = None

    def __post_init__(self):
        object.__setattr__(self, "sites", guest_sites(self.sites))
        check_positive(self, "temperature_K", "cutoff_A")
        check_truncation(self.truncation)
        self._check_orientations()
        check_source(self.charges, self.charge_table)
        groups = site_groups(self.sites)
        if freedom(groups) == "none":
            object.__setattr__(self, "n_orientations", 1)
        if not any(group.charge_e for group in groups):
            object.__setattr__(self, "charges", "cif")
            object.__setattr__(self, "charge_table", None)

    def _check_orientations(self) -> None:
        n, tolerance = self.n_orientations, self.henry_tolerance
        whole = isinstance(n, int) and not isinstance(n, bool)
        if n is not None and not (whole and 1 <= n <= MAX_ORIENTATIONS):
            allowed = f"a whole number from 1 to {MAX_ORIENTATIONS}"
            raise PorevoxError(f"channel n_orientations is {n!r}; it must be {allowed}")
        lowest, highest = TOLERANCES
        number = isinstance(tolerance, int | float) and not isinstance(tolerance, bool)
        if not (number and lowest <= tolerance <= highest):
            allowed = f"a number from {lowest:g} to {highest:g}"
            raise PorevoxError(f"channel henry_tolerance is {tolerance!r}; it must be {allowed}")
        object.__setattr__(self, "henry_tolerance", float(tolerance))

    def _sizes(self) -> tuple[int, ...]:
        """Orientations in the first set, and in those that points may need instead."""
        if self.n_orientations is None:
            return SIZES[freedom(site_groups(self.sites))]
        return (self.n_orientations,)

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
        values = known_settings(asdict(self))
        return {"kind": self.kind, **values, "sites": list(values["sites"])}

    def compute(self, structure: Structure, grid: GridSpec, forcefield: ForceField | None) -> ChannelResult:
        """Effective energy of the guest at every point of a grid, and its mean energy over the cell.

        In a fixed orientation each site sits on the grid's points moved by a constant vector, so
        nothing is interpolated: the number of orientations is the only approximation. See
        :mod:`porevox.energy.guest_refinement` for how many there are.

        Parameters
        ----------
        structure : Structure
            With charges, if the guest has any and they are to be the CIF's.
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
            ``no_charges``: the guest is charged, and the structure carries no charges or their
            equilibration fails; ``net_charge``; ``unknown_element``; ``absurd_cell``.
        """
        structure = with_charges(structure, self.charges, self.charge_table)
        groups = site_groups(self.sites)
        points = distinct_points(grid, structure.lattice_A, self.cutoff_A)
        sizes = self._sizes()
        ending = (self.cutoff_A, self.truncation)
        guest = GuestEnergy(structure, points, forcefield, groups, *ending, sizes[0])
        equal = equal_points(structure, points, forcefield, groups)
        settings = (self.temperature_K, sizes, self.henry_tolerance)
        average = refined_average(guest, groups, equal, *settings)
        mean = math.nan if grid.kind == "cubic_box" else average.mean_energy_K(equal.copies)
        return ChannelResult(points.expand(equal.spread(average.effective_energy_K())), mean)

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
        structure, equilibration = stand_in(structure, self.charges)
        points = distinct_points(grid, structure.lattice_A, self.cutoff_A)
        groups = site_groups(self.sites)
        energies = memory_MB(structure, points, groups, self.cutoff_A, self._sizes()[0])
        # One after the other: the equilibration's matrix is gone by then.
        return max(energies, equilibration) + whole_grid_MB(grid)
