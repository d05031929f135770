"""The electrostatic channel: the potential of the framework's partial charges."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import ClassVar

from porevox.crystal.structure import Structure
from porevox.energy.channels import ChannelResult, check_positive, settings_of, whole_grid_MB
from porevox.energy.charge_source import check_source, known_settings, stand_in, with_charges
from porevox.energy.ewald import DEFAULT_ACCURACY_V, EwaldPotential, check_accuracy, memory_MB
from porevox.energy.forcefield import ForceField
from porevox.energy.grid import GridSpec, distinct_points


@dataclass(frozen=True)
class ElectrostaticChannel:
    """Electrostatic potential of the framework's partial charges, by an Ewald sum.

    Parameters
    ----------
    accuracy_V : float
        Largest error of the potential, V, from 1e-6 to 0.1.
    cutoff_A : float
        Cutoff radius, angstrom, that sets the supercell of a ``mic_supercell`` grid: the points
        are those of a Lennard-Jones channel with the same cutoff. The potential knows no cutoff.
    charges : {"cif", "eqeq", "cif_or_eqeq"}
        Partial charges of the CIF; of charge equilibration (EQeq), whatever the CIF says; or of the
        latter where the CIF has none.
    charge_table : str, optional
        Digest of the table of ionisation energies that equilibration must use; see
        :func:`~porevox.energy.charge_table.find_charge_table`.

    Raises
    ------
    PorevoxError
        A value is not allowed.
    """

    kind: ClassVar[str] = "electrostatic"
    quantity: ClassVar[str] = "potential"
    unit: ClassVar[str] = "V"

    accuracy_V: float = DEFAULT_ACCURACY_V
    cutoff_A: float = 10.0
    charges: str = "cif"
    charge_table: str | None = None

    def __post_init__(self):
        check_accuracy(self.accuracy_V)
        check_positive(self, "accuracy_V", "cutoff_A")
        check_source(self.charges, self.charge_table)

    @classmethod
    def from_dict(cls, values: Mapping) -> "ElectrostaticChannel":
        """Build a channel from plain values, as a config file holds them.

        Parameters
        ----------
        values : mapping
            Keys are this class' parameters; missing ones keep their default.

        Returns
        -------
        ElectrostaticChannel

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
        return {"kind": self.kind, **known_settings(asdict(self))}

    def compute(
        self, structure: Structure, grid: GridSpec, forcefield: ForceField | None = None
    ) -> ChannelResult:
        """Potential at every point of a grid: the energy of a unit positive charge, in eV.

        See :class:`~porevox.energy.ewald.EwaldPotential` for the equation and its conventions.

        Parameters
        ----------
        structure : Structure
            With partial charges, if they are to be the CIF's. A residue of rounding is spread
            evenly over the atoms.
        grid : GridSpec
        forcefield : ForceField, optional
            Not used.

        Returns
        -------
        ChannelResult
            Volts (1 V is 11604.518 K per elementary charge). +inf or -inf on top of an atom,
            never NaN. The mean over the cell is zero.

        Raises
        ------
        StructureRejected
            ``no_charges``, ``net_charge``, ``absurd_cell`` for a lattice or a position that is not
            finite, or ``unknown_element`` for one that charge equilibration has no numbers for.
        """
        structure = with_charges(structure, self.charges, self.charge_table)
        points = distinct_points(grid, structure.lattice_A, self.cutoff_A)
        return ChannelResult(points.expand(EwaldPotential(structure, points, self.accuracy_V).at()))

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
        # One after the other: the equilibration's matrix is gone by then.
        return max(memory_MB(structure, points, self.accuracy_V), equilibration) + whole_grid_MB(grid)
