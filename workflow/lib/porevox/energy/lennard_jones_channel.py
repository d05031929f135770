"""The Lennard-Jones channel: what a spherical probe feels at each point of a grid."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import ClassVar

from porevox.crystal.structure import Structure
from porevox.energy.channels import ChannelResult, check_positive, settings_of, whole_grid_MB
from porevox.energy.forcefield import ForceField
from porevox.energy.grid import GridSpec, distinct_points
from porevox.energy.lennard_jones import LennardJonesSum, check_truncation, memory_MB


@dataclass(frozen=True)
class LennardJonesChannel:
    """A Lennard-Jones potential between a spherical probe and the framework.

    Parameters
    ----------
    probe_sigma_A : float
        The probe's sigma, angstrom.
    probe_epsilon_K : float
        The probe's epsilon/kB, K.
    cutoff_A : float
        Cutoff radius, angstrom; there is no tail correction.
    truncation : {"truncated", "shifted"}
        Whether pair energies are cut off as they are (thesis, section 3.2) or shifted so that
        they vanish at the cutoff.

    Raises
    ------
    PorevoxError
        A value is not allowed.
    """

    kind: ClassVar[str] = "lennard_jones"
    quantity: ClassVar[str] = "energy"
    unit: ClassVar[str] = "K"

    probe_sigma_A: float = 2.5
    probe_epsilon_K: float = 50.0
    cutoff_A: float = 10.0
    truncation: str = "truncated"

    def __post_init__(self):
        check_positive(self, "probe_sigma_A", "probe_epsilon_K", "cutoff_A")
        check_truncation(self.truncation)

    @classmethod
    def from_dict(cls, values: Mapping) -> "LennardJonesChannel":
        """Build a channel from plain values, as a config file holds them.

        Parameters
        ----------
        values : mapping
            Keys are this class' parameters; missing ones keep their default.

        Returns
        -------
        LennardJonesChannel

        Raises
        ------
        PorevoxError
            A key is unknown or a value is not allowed.
        """
        return cls(**settings_of(cls, values))

    def to_dict(self) -> dict:
        """Plain values from which :meth:`from_dict` builds an equal channel.

        Returns
        -------
        dict
        """
        return {"kind": self.kind, **asdict(self)}

    def compute(self, structure: Structure, grid: GridSpec, forcefield: ForceField | None) -> ChannelResult:
        """Energy of the probe at every point of a grid.

        Sums 4 eps_ij [(sigma_ij/r)^12 - (sigma_ij/r)^6] over all atoms and their periodic images
        with r <= cutoff (thesis, equation 3.3; Lorentz-Berthelot mixing, equation 3.4). Beyond
        the cutoff the potential is zero: it is not corrected for its tail.

        Parameters
        ----------
        structure : Structure
        grid : GridSpec
        forcefield : ForceField

        Returns
        -------
        ChannelResult
            V/kB in K; +inf on top of an atom, never NaN.

        Raises
        ------
        StructureRejected
            ``unknown_element``, or ``absurd_cell`` for a lattice or a position that is not finite.
        """
        assert forcefield is not None  # a channel of this kind always names one
        points = distinct_points(grid, structure.lattice_A, self.cutoff_A)
        site = (self.probe_sigma_A, self.probe_epsilon_K)
        total = LennardJonesSum(structure, points, forcefield, *site, self.cutoff_A, self.truncation)
        return ChannelResult(points.expand(total.at()))

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
        return memory_MB(structure, points, self.cutoff_A) + whole_grid_MB(grid)
