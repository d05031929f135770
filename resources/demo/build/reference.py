"""An independent grand-canonical Monte Carlo of rigid-framework methane, in plain numpy.

It shares the force-field table and the CIF reader with gcmc.py and nothing else: energies are
brute-force sums and averages are taken after every move. Slow; for checks on a few structures.
"""

import numpy as np
from common import CUTOFF_A, METHANE, PRESSURE_PA, TEMPERATURE_K, lattice, read_cif, unit_cells

BOLTZMANN = 1.380649e-23
FUGACITY_COEFFICIENT = 0.98724  # Peng-Robinson, methane at 298 K and 5.8 bar, as RASPA3 uses
STEP_A = 1.0


class Box:
    """Supercell at least 24 A wide, with the Lennard-Jones parameters methane sees.

    Parameters
    ----------
    cif : Path
        Shipped structure.
    uff : dict
        element -> (sigma in A, epsilon/kB in K).
    """

    def __init__(self, cif, uff):
        cellpar, symbols, fractional = read_cif(cif)
        cells = np.array(unit_cells(cellpar))
        shifts = np.stack(np.meshgrid(*map(np.arange, cells), indexing="ij"), -1).reshape(-1, 3)
        self.lattice = lattice(cellpar) * cells[:, None]
        self.volume = abs(np.linalg.det(self.lattice))
        self.sites = ((fractional[None] + shifts[:, None]) / cells).reshape(-1, 3)
        sigma = np.array([(uff[s][0] + METHANE["sigma_A"]) / 2 for s in symbols])
        epsilon = np.array([np.sqrt(uff[s][1] * METHANE["epsilon_K"]) for s in symbols])
        self.sigma, self.epsilon = np.tile(sigma, len(shifts)), np.tile(epsilon, len(shifts))

    def lennard_jones(self, point, others, sigma, epsilon):
        """Energy (K) of a site at fractional `point` with those at `others`, minimum image."""
        delta = others - point
        delta -= np.rint(delta)
        r2 = np.sum((delta @ self.lattice) ** 2, axis=1)
        near = r2 < CUTOFF_A**2
        x = (np.broadcast_to(sigma, r2.shape)[near] ** 2 / r2[near]) ** 3
        return float(np.sum(4.0 * np.broadcast_to(epsilon, r2.shape)[near] * (x * x - x)))

    def energy(self, point, guests):
        """Energy (K) of methane at `point` with the framework and with `guests`."""
        host = self.lennard_jones(point, self.sites, self.sigma, self.epsilon)
        if not len(guests):
            return host
        return host + self.lennard_jones(point, guests, METHANE["sigma_A"], METHANE["epsilon_K"])


def simulate(cif, uff, moves, seed):
    """Mean number of methane molecules in the supercell at 298 K and 5.8 bar.

    Parameters
    ----------
    cif : Path
        Shipped structure.
    uff : dict
        element -> (sigma in A, epsilon/kB in K).
    moves : int
        Production moves; a fifth as many precede them.
    seed : int

    Returns
    -------
    mean, error : float
        Molecules per supercell and the standard error from ten blocks.
    """
    box, rng = Box(cif, uff), np.random.default_rng(seed)
    fugacity = FUGACITY_COEFFICIENT * PRESSURE_PA
    activity = fugacity * box.volume * 1e-30 / (BOLTZMANN * TEMPERATURE_K)
    guests, counts = np.empty((0, 3)), []
    for step in range(-(moves // 5), moves):
        kind = rng.random()
        if kind < 0.4:
            guests = insert(box, guests, activity, rng)
        elif len(guests):
            change = delete if kind < 0.8 else displace
            guests = change(box, guests, activity, rng)
        if step >= 0:
            counts.append(len(guests))
    blocks = [np.mean(b) for b in np.array_split(counts, 10)]
    return float(np.mean(counts)), float(np.std(blocks, ddof=1) / np.sqrt(10))


def accepted(ratio, energy, rng):
    """Metropolis: accept with probability ratio * exp(-energy / T)."""
    return rng.random() < ratio * np.exp(min(-energy / TEMPERATURE_K, 700.0))


def insert(box, guests, activity, rng):
    """Try to insert a molecule anywhere."""
    point = rng.random(3)
    energy = box.energy(point, guests)
    if accepted(activity / (len(guests) + 1), energy, rng):
        return np.vstack([guests, point])
    return guests


def delete(box, guests, activity, rng):
    """Try to delete a random molecule."""
    k = rng.integers(len(guests))
    rest = np.delete(guests, k, axis=0)
    energy = box.energy(guests[k], rest)
    return rest if accepted(len(guests) / activity, -energy, rng) else guests


def displace(box, guests, activity, rng):
    """Try to move a random molecule by up to `STEP_A` along each axis (activity is unused)."""
    k = rng.integers(len(guests))
    rest = np.delete(guests, k, axis=0)
    step = STEP_A * (2.0 * rng.random(3) - 1.0) @ np.linalg.inv(box.lattice)
    point = (guests[k] + step) % 1.0
    energy = box.energy(point, rest) - box.energy(guests[k], rest)
    return np.vstack([rest, point]) if accepted(1.0, energy, rng) else guests
