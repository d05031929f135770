"""Is an assembled framework sensible? Each check raises `Rejected` with a reason code."""

from collections import defaultdict

import numpy as np
from ase.neighborlist import neighbor_list
from common import lattice
from masses import MASSES
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

VOLUME_A3 = (0.0, 25000.0)
ANGLE_DEG = (59.5, 120.5)  # 60 to 120, with room for the optimiser's last digits
DENSITY_G_CM3 = (0.2, 2.5)
OVERLAP = 1.12  # unbonded pairs stay beyond this multiple of the sum of covalent radii
BOND = (0.75, 1.3)  # bonds stay within these multiples
VALENCE = {"H": 1, "C": 4, "N": 4, "O": 4, "F": 2, "Cl": 2, "Br": 2, "I": 2}
VALENCE |= {"B": 6, "Si": 6, "P": 6, "S": 6}
METAL_VALENCE = 12
U_PER_A3 = 1.66053907  # g/cm3


class Rejected(Exception):
    """A structure was turned down: `reason` is the code for the attempts table."""

    def __init__(self, reason, topology=""):
        super().__init__(reason)
        self.reason, self.topology = reason, topology


def check_cell(cellpar, symbols, topology):
    """Angles, volume and density within the limits above.

    Parameters
    ----------
    cellpar : ndarray, shape (6,)
        Lengths in A, angles in degrees.
    symbols : list of str
        Element per atom.
    topology : str
        Name of the net, carried into the rejection.
    """
    if np.any(cellpar[3:] < ANGLE_DEG[0] - 1e-3) or np.any(cellpar[3:] > ANGLE_DEG[1] + 1e-3):
        raise Rejected("cell_angle", topology)
    volume = np.linalg.det(lattice(cellpar))
    if not VOLUME_A3[0] < volume <= VOLUME_A3[1]:
        raise Rejected("cell_volume", topology)
    if unknown := sorted(set(symbols) - set(MASSES)):
        raise Rejected("element_" + unknown[0], topology)
    density = sum(MASSES[s] for s in symbols) / volume * U_PER_A3
    if not DENSITY_G_CM3[0] <= density <= DENSITY_G_CM3[1]:
        raise Rejected("density", topology)


def check_geometry(atoms, bonds, radii, topology):
    """No overlap of unbonded atoms, sensible bonds and valences, one bonded component.

    Parameters
    ----------
    atoms : ase.Atoms
        The structure as it will be written, n atoms.
    bonds : ndarray, shape (m, 2)
        Atom indices of the bonds PORMAKE made; a pair bonded twice appears twice.
    radii : ndarray
        Covalent radius (A) by atomic number.
    topology : str
        Name of the net, carried into the rejection.
    """
    n_bonds = defaultdict(int)
    for i, j in bonds:
        n_bonds[min(i, j), max(i, j)] += 1
    radius = radii[atoms.numbers]
    ratios = pair_ratios(atoms, radius)
    for pair, count in n_bonds.items():
        # a bond is the shortest image of its pair; longer images count as unbonded
        near = ratios.get(pair, [])[:count]
        if len(near) < count or not (BOND[0] <= near[0] and near[-1] <= BOND[1]):
            raise Rejected("bond_length", topology)
    for pair, values in ratios.items():
        rest = values[n_bonds.get(pair, 0) :]
        if rest and rest[0] < OVERLAP:
            raise Rejected("overlap", topology)
    check_bonding(list(atoms.symbols), n_bonds, topology)


def pair_ratios(atoms, radius):
    """Distance over sum of covalent radii, per pair i <= j, ascending, up to 1.3."""
    cutoffs = BOND[1] * radius
    first, second, distance = neighbor_list("ijd", atoms, cutoffs)
    ratios = defaultdict(list)
    keep = first <= second
    quotient = distance[keep] / (radius[first[keep]] + radius[second[keep]])
    for i, j, q in zip(first[keep], second[keep], quotient, strict=True):
        ratios[i, j].append(q)
    return {pair: sorted(values) for pair, values in ratios.items()}


def check_bonding(symbols, n_bonds, topology):
    """Valence caps, and every atom in one bonded component."""
    n = len(symbols)
    valence = np.zeros(n, dtype=int)
    for (i, j), count in n_bonds.items():
        valence[i] += count
        valence[j] += count
    caps = np.array([VALENCE.get(s, METAL_VALENCE) for s in symbols])
    if np.any(valence > caps):
        raise Rejected("valence", topology)
    pairs = np.array(list(n_bonds))
    graph = coo_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    if connected_components(graph, directed=False)[0] != 1:
        raise Rejected("disconnected", topology)
