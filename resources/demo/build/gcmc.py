"""GCMC of methane in one framework with RASPA3, in a process of its own; prints one JSON object."""

import argparse
import json
import warnings

import numpy as np
from common import (
    AVOGADRO,
    CUTOFF_A,
    METHANE,
    PRESSURE_PA,
    STP_CM3_PER_MOL,
    TEMPERATURE_K,
    UFF_CSV,
    lattice,
    read_cif,
    read_uff,
    unit_cells,
)
from masses import MASSES

warnings.filterwarnings("ignore", message="OpenCL library not found")
import raspalib  # noqa: E402  (the filter must come first)

BLOCKS = 10
MOVES_PER_CYCLE = 20  # RASPA's lower bound
# exchange with the reservoir governs how fast N decorrelates; reinsertions cost more than they give
MOVES = {"translation_probability": 0.3, "swap_probability": 1.0}
METHANE_CRITICAL = (190.564, 4599200.0, 0.01142)  # K, Pa, acentric factor


def make_force_field(elements, uff):
    """Framework elements (UFF) and united-atom methane, truncated at 12 A, not shifted.

    Parameters
    ----------
    elements : list of str
        Elements of the framework; pseudo-atom k is elements[k], methane comes last.
    uff : dict
        element -> (sigma in A, epsilon/kB in K).

    Returns
    -------
    raspalib.ForceField
    """
    atoms = [raspalib.PseudoAtom(e, True, MASSES[e], 0.0) for e in elements]
    atoms.append(raspalib.PseudoAtom("CH4", False, METHANE["mass_u"], 0.0))
    pairs = [raspalib.VDWParameters(uff[e][1], uff[e][0]) for e in elements]
    pairs.append(raspalib.VDWParameters(METHANE["epsilon_K"], METHANE["sigma_A"]))
    return raspalib.ForceField(
        pseudo_atoms=atoms,
        parameters=pairs,
        mixing_rule=raspalib.ForceField.MixingRule.LORENTZ_BERTHELOT,
        cutoff_framework_vdw=CUTOFF_A,
        cutoff_molecule_vdw=CUTOFF_A,
        shifted=False,
        tail_corrections=False,
        use_charge=False,
    )


def make_system(cif, uff, positions=()):
    """Rigid framework of the CIF in a supercell at least 24 A wide, with methane.

    Parameters
    ----------
    cif : Path
        Structure in the build's own CIF dialect.
    uff : dict
        element -> (sigma in A, epsilon/kB in K).
    positions : sequence of 3-vectors
        Cartesian positions (A) of methane molecules present at the start.

    Returns
    -------
    raspalib.System
    """
    cellpar, symbols, fractional = read_cif(cif)
    elements = sorted(set(symbols))
    field = make_force_field(elements, uff)
    box = raspalib.SimulationBox(*cellpar[:3], *np.radians(cellpar[3:]))
    atoms = [
        raspalib.Atom(position=list(f), type=elements.index(s))
        for s, f in zip(symbols, fractional, strict=True)
    ]
    cells = unit_cells(cellpar)
    framework = raspalib.Framework(field, "framework", box, 1, atoms, cells)
    methane = raspalib.Component(
        field,
        "CH4",
        *METHANE_CRITICAL,
        defined_atoms=[raspalib.Atom(position=[0.0, 0.0, 0.0], type=len(elements))],
        particle_probabilities=raspalib.MCMoveProbabilities(**MOVES),
    )
    return raspalib.System(
        field,
        external_temperature=TEMPERATURE_K,
        external_pressure=PRESSURE_PA,
        framework_components=framework,
        components=[methane],
        initial_positions=[[list(p) for p in positions]],
        initial_number_of_molecules=[0],  # beyond those at `positions`
    )


def simulate(cif, seed, initialisation, production, uff_csv=UFF_CSV):
    """Uptake of methane at 298 K and 5.8 bar.

    Parameters
    ----------
    cif : Path
        Shipped structure.
    seed : int
        Seed of the Markov chain.
    initialisation, production : int
        Cycles (RASPA: each of max(20, N) Monte Carlo moves).
    uff_csv : Path
        Force-field table.

    Returns
    -------
    dict
        molecules per supercell, uptake in mmol/g and cm3(STP)/cm3, each with its
        standard error (one sigma), and the settings that made them.
    """
    system = make_system(cif, read_uff(uff_csv))
    chain = raspalib.MonteCarlo(
        number_of_cycles=production,
        number_of_initialization_cycles=initialisation,
        systems=[system],
        random_seed=seed,
        output_to_files=False,
    )
    counts = []

    def record():
        counts.append(chain.systems[0].number_of_molecules_per_component[0])

    chain.setup()
    chain.initialize()
    chain.equilibrate()
    chain.production(record, 1)
    chain.tear_down()
    mean, error = average_over_moves(np.array(counts, dtype=float))
    plain, _ = chain.systems[0].average_loadings.average_loading_number_of_molecules(0)
    return to_record(cif, mean, error) | {
        "molecules_per_cycle_average": plain,
        "seed": seed,
        "initialisation": initialisation,
        "production": production,
    }


def average_over_moves(counts):
    """Mean number of molecules over all Monte Carlo moves, from its values after each cycle.

    RASPA's cycle is max(20, N) moves long, N being the number at its start, and averages take
    one value per cycle: full states, whose cycles are longer, are then seen too seldom, and the
    average lies up to one molecule (3 % of N = 30) low. With a relaxation of N towards its mean
    that decays as rho per (mean) cycle, the average over moves is the mean weighted with
    1 - rho**(moves / mean moves); it tends to the plain mean where N decorrelates in one cycle.

    Parameters
    ----------
    counts : ndarray, shape (cycles,)
        Number of molecules after each production cycle.

    Returns
    -------
    mean, error : float
        Weighted mean and its standard error from `BLOCKS` blocks.
    """
    deviation = counts - counts.mean()
    variance = np.mean(deviation**2)
    if variance == 0.0:
        return float(counts.mean()), 0.0
    rho = np.clip(np.mean(deviation[1:] * deviation[:-1]) / variance, 0.0, 0.9999)
    moves = np.maximum(counts, MOVES_PER_CYCLE)
    weight = 1.0 - rho ** (moves / moves.mean())
    blocks = [
        np.average(n, weights=w)
        for n, w in zip(np.array_split(counts, BLOCKS), np.array_split(weight, BLOCKS), strict=True)
    ]
    error = np.std(blocks, ddof=1) / np.sqrt(BLOCKS)
    return float(np.average(counts, weights=weight)), float(error)


def to_record(cif, molecules, molecules_se):
    """Convert molecules per supercell into mmol/g and cm3(STP)/cm3 of framework."""
    cellpar, symbols, _ = read_cif(cif)
    n_cells = int(np.prod(unit_cells(cellpar)))
    mass_u = sum(MASSES[s] for s in symbols) * n_cells
    volume_A3 = float(np.linalg.det(lattice(cellpar))) * n_cells
    per_g = 1000.0 / mass_u
    per_cm3 = STP_CM3_PER_MOL / AVOGADRO / (volume_A3 * 1e-24)
    return {
        "molecules": molecules,
        "molecules_se": molecules_se,
        "unit_cells": n_cells,
        "framework_atoms": len(symbols) * n_cells,
        "mmol_per_g": molecules * per_g,
        "mmol_per_g_se": molecules_se * per_g,
        "cm3stp_per_cm3": molecules * per_cm3,
        "cm3stp_per_cm3_se": molecules_se * per_cm3,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cif")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--initialisation", type=int, required=True)
    parser.add_argument("--production", type=int, required=True)
    parser.add_argument("--uff", default=UFF_CSV)
    args = parser.parse_args()
    result = simulate(args.cif, args.seed, args.initialisation, args.production, args.uff)
    print("RESULT " + json.dumps(result))
