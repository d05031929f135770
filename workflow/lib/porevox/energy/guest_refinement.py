"""Averages over as many orientations as each point of a grid needs.

How many orientations a point needs is seen from those it has had: where many of them share in the
Boltzmann factor the guest turns freely, and a few suffice; where one makes up most of it, the guest
fits in one direction only, and the next set may find a better one. The Henry coefficient is a
sum over the points, so that what counts is the doubt about a point's factor times that factor.

Every point starts with the same small set. Points with the largest doubts are averaged again over
the next, larger set, which replaces the former one there, until what is left is small enough.

Henry coefficients of CO2 at 298 K from a tolerance of 0.02, mic_supercell with 25 points, UFF, charges
of the CIFs; deviations from 400 axes in per cent and CPU seconds of one structure on a busy core, by
tests/benchmarks/bench_guests.py:

=================  =======================  =======================
.                  25 COFs                  12 hypothetical MOFs
.                  24 axes     as needed    24 axes     as needed
=================  =======================  =======================
median deviation   0.43        0.39         1.09        0.49
90th percentile    2.63        0.80         17.5        1.23
largest            5.73        1.62         19.5        1.84
mean time          0.26        0.30         0.22        0.41
largest time       0.38        0.68         0.25        0.57
=================  =======================  =======================

N2 needs no more than the first set: 0.02 at most in 10 COFs, in 0.25 s. The estimate can fail where
nearly all of the weight lies in one or two points in which no orientation of the first set fits:
crowded random arrangements of atoms made up for that purpose stray by some 3 % with CO2 and by
up to a factor of two with water. For such cases n_orientations can be set.
"""

from collections.abc import Sequence

import numpy as np

from porevox.energy.guest import SiteGroup, places_in_orientations
from porevox.energy.guest_average import BoltzmannAverage
from porevox.energy.guest_energy import GuestEnergy
from porevox.energy.guest_symmetry import EqualPoints

#: Orientations in the first and in the following sets, by the guest's freedom to turn.
SIZES = {
    "none": (1,),
    "axis": (24, 64, 128, 256),
    "direction": (48, 128, 256, 512),
    "rotation": (96, 256, 768, 2048),
}
#: Mean relative error of a Boltzmann factor whose sum over a set is m times its largest term:
#: A exp(-B m). Fitted to CO2 in COFs, sets of 12 to 128 axes against 400.
_ERROR, _DECAY = 0.7, 0.72
#: The Henry coefficient's error over the mean error of the factors that it sums, whose signs differ:
#: about the largest in the frameworks of the table above.
_CANCELLATION = 0.25
#: Part of the allowed doubt that a set may leave behind: the next one is not free of it, either.
_LEFT = 0.25


def refined_average(
    energy: GuestEnergy,
    groups: Sequence[SiteGroup],
    points: EqualPoints,
    temperature_K: float,
    sizes: Sequence[int],
    tolerance: float,
) -> BoltzmannAverage:
    """Average a guest over orientations, finely where it matters.

    Parameters
    ----------
    energy : GuestEnergy
    groups : sequence of SiteGroup
        The guest's sites.
    points : EqualPoints
    temperature_K : float
    sizes : sequence of int
        Orientations in the first set, which all points get, and in the following ones.
    tolerance : float
        Estimated relative error of the Henry coefficient at which no further set is needed.

    Returns
    -------
    BoltzmannAverage
        Of the points that suffice, (P,).
    """
    average = _average(energy, groups, points.wanted, temperature_K, sizes[0])
    for n in sizes[1:]:
        doubtful = _doubtful(average, points, tolerance / _CANCELLATION)
        if not doubtful.any():
            break
        wanted = np.zeros_like(points.wanted)
        wanted[points.wanted] = doubtful
        average.replace(doubtful, _average(energy, groups, wanted, temperature_K, n))
    return average


def _average(energy, groups, wanted, temperature_K, n):
    average = BoltzmannAverage((np.count_nonzero(wanted),), temperature_K)
    part = None if wanted.all() else wanted
    for places_A in places_in_orientations(groups, n):
        average.add(energy.at(places_A, part))
    return average


def _doubtful(average: BoltzmannAverage, points: EqualPoints, allowed: float) -> np.ndarray:
    """Points to be averaged again lest the doubts exceed a part of the sum of all factors; (P,) bool."""
    factors = average.factors()
    doubts = factors * _ERROR * np.exp(-_DECAY * average.shares())
    allowed *= float(points.copies @ factors)
    if not points.copies @ doubts > allowed:
        return np.zeros(len(doubts), dtype=bool)
    # A set overrates points that it happens to suit and underrates their neighbours. To choose by
    # a point's own factor would correct the former alone; doubts are shared with the neighbours.
    doubts = points.copies * _smoothed(points.spread(doubts))[points.wanted]
    order = np.argsort(-doubts, kind="stable")
    left = np.cumsum(doubts[order][::-1])[::-1]
    doubtful = np.zeros(len(doubts), dtype=bool)
    doubtful[order[left > _LEFT * allowed]] = True
    return doubtful


def _smoothed(values: np.ndarray) -> np.ndarray:
    """Weighted means of each point, twice, and its neighbours; the points are taken as periodic."""
    for axis in range(3):
        values = (np.roll(values, 1, axis) + 2.0 * values + np.roll(values, -1, axis)) / 4.0
    return values
