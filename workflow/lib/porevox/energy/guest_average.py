"""Boltzmann averages over orientations, one orientation at a time."""

import math

import numpy as np

from porevox.compiled import jit


@jit()
def absorb(energy, temperature, lowest, weight, moment):
    """Add one orientation to the running sums of each point.

    Parameters
    ----------
    energy : (P,) float64
        K; +inf where the guest overlaps with the framework.
    temperature : float
        K.
    lowest : (P,) float64
        Updated: lowest energy so far, K; +inf before the first one that is finite.
    weight : (P,) float64
        Updated: sum of exp(-(U - lowest)/T), at least 1 once an energy was finite.
    moment : (P,) float64
        Updated: sum of U exp(-(U - lowest)/T), K.
    """
    for p in range(energy.size):
        u = energy[p]
        if u < lowest[p]:
            rescale = math.exp((u - lowest[p]) / temperature)
            lowest[p] = u
            weight[p] = weight[p] * rescale + 1.0
            moment[p] = moment[p] * rescale + u
        elif u < np.inf:
            factor = math.exp((lowest[p] - u) / temperature)
            weight[p] += factor
            moment[p] += factor * u


class BoltzmannAverage:
    """Averages of exp(-U/T) at each point, of orientations that weigh the same.

    The sums are kept relative to the lowest energy met at each point, so that neither deep wells
    overflow nor steep walls underflow, and nothing is stored per orientation.

    Parameters
    ----------
    shape : tuple of int
        Shape of the arrays of energies.
    temperature_K : float
    """

    def __init__(self, shape: tuple[int, ...], temperature_K: float):
        self._shape, self._temperature_K = shape, temperature_K
        size = math.prod(shape)
        self._lowest, self._weight, self._moment = np.full(size, np.inf), np.zeros(size), np.zeros(size)
        self._n = np.zeros(size, dtype=np.int64)

    def add(self, energy_K: np.ndarray) -> None:
        """Take in one orientation.

        Parameters
        ----------
        energy_K : (shape) float64
            +inf where the guest overlaps with the framework; never NaN or -inf.
        """
        self._n += 1
        flat = np.ascontiguousarray(energy_K, dtype=np.float64).reshape(-1)
        absorb(flat, self._temperature_K, self._lowest, self._weight, self._moment)

    def replace(self, chosen: np.ndarray, other: "BoltzmannAverage") -> None:
        """Take over what another average says of some points.

        Parameters
        ----------
        chosen : (shape) bool
        other : BoltzmannAverage
            Of these points, in C order, at the same temperature.
        """
        chosen = chosen.reshape(-1)
        for name in ("_lowest", "_weight", "_moment", "_n"):
            getattr(self, name)[chosen] = getattr(other, name)

    def effective_energy_K(self) -> np.ndarray:
        """Effective energy -T ln <exp(-U/T)> at each point.

        Returns
        -------
        (shape) float64
            K; +inf where every orientation overlaps. Exactly U after a single orientation.
        """
        with np.errstate(divide="ignore"):
            logarithm = np.log(self._weight / self._n)
        return (self._lowest - self._temperature_K * logarithm).reshape(self._shape)

    def factors(self) -> np.ndarray:
        """Mean Boltzmann factors <exp(-U/T)> in an arbitrary unit.

        Returns
        -------
        (shape) float64
            Zero where every orientation overlaps; finite everywhere.
        """
        bottom = self._lowest.min()
        if not np.isfinite(bottom):
            return np.zeros(self._shape)
        relative = np.exp((bottom - self._lowest) / self._temperature_K)
        return (relative * self._weight / self._n).reshape(self._shape)

    def shares(self) -> np.ndarray:
        """How many orientations share in each mean: its sum in units of the largest term.

        Returns
        -------
        (shape) float64
            From 1, where one orientation outweighs all others, to their number, where all are
            equal; 0 where every orientation overlaps.
        """
        return self._weight.reshape(self._shape).copy()

    def mean_energy_K(self, copies: np.ndarray | None = None) -> float:
        """Boltzmann-weighted mean energy <U exp(-U/T)> / <exp(-U/T)> over points and orientations.

        Parameters
        ----------
        copies : (shape) float64, optional
            For each point how many it stands for; by default one.

        Returns
        -------
        float
            K; NaN when the guest overlaps with the framework everywhere.
        """
        factor = self.factors().reshape(-1)
        if copies is not None:
            factor = factor * copies.reshape(-1)
        if not factor.any():
            return math.nan
        here = factor > 0.0
        return float((self._moment[here] / self._weight[here]) @ factor[here] / factor.sum())
