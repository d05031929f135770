"""Running Boltzmann averages against sums over stored energies."""

import math

import numpy as np
import pytest
from scipy.special import logsumexp

from porevox.energy.guest_average import BoltzmannAverage

TEMPERATURE = 298.0


def averaged(energies, temperature=TEMPERATURE):
    average = BoltzmannAverage(energies.shape[1:], temperature)
    for energy in energies:
        average.add(energy)
    return average


def test_one_orientation_gives_the_energy_itself():
    energy = np.array([[0.1, -3.3e4, 7e28, np.inf, 1e-300]])
    assert np.array_equal(averaged(energy).effective_energy_K(), energy[0])


@pytest.mark.parametrize("scale", [1e-3, 300.0, 1e5, 1e7])
def test_averages_are_those_of_stored_energies(scale):
    """At 1e7 K, exp(-U/T) is far outside of double precision in both directions."""
    energies = np.random.default_rng(1).normal(size=(17, 3, 4, 5)) * scale
    average = averaged(energies)
    exact = -TEMPERATURE * (logsumexp(-energies / TEMPERATURE, axis=0) - math.log(17))
    assert np.allclose(average.effective_energy_K(), exact, rtol=1e-12, atol=1e-9)
    weights = np.exp(-(energies - energies.min()) / TEMPERATURE)
    assert math.isclose(average.mean_energy_K(), (weights * energies).sum() / weights.sum(), rel_tol=1e-10)


def test_the_order_of_the_orientations_does_not_matter():
    energies = np.random.default_rng(2).normal(size=(40, 6)) * 5000.0
    ordered = np.sort(energies, axis=0)
    values = [averaged(e).effective_energy_K() for e in (energies, ordered, ordered[::-1])]
    assert np.allclose(values[0], values[1], rtol=1e-13)
    assert np.allclose(values[0], values[2], rtol=1e-13)


def test_overlap_weighs_nothing():
    energies = np.array([[np.inf, np.inf, 100.0], [np.inf, -500.0, np.inf]])
    average = averaged(energies)
    expected = [np.inf, -500.0 + TEMPERATURE * math.log(2), 100.0 + TEMPERATURE * math.log(2)]
    assert np.allclose(average.effective_energy_K(), expected, rtol=1e-14)
    weights = np.exp(np.array([500.0, -100.0]) / TEMPERATURE)
    assert math.isclose(average.mean_energy_K(), weights @ [-500.0, 100.0] / weights.sum(), rel_tol=1e-13)


@pytest.mark.filterwarnings("error")
def test_a_guest_that_fits_nowhere_has_no_mean_energy():
    average = averaged(np.full((3, 2, 2, 2), np.inf))
    assert np.isposinf(average.effective_energy_K()).all()
    assert math.isnan(average.mean_energy_K())


def test_a_wall_of_huge_energies_stays_finite():
    average = averaged(np.array([[1e300, 5.0], [1e299, 1e300]]))
    assert np.isfinite(average.effective_energy_K()).all()
    assert average.mean_energy_K() == 5.0


def test_arrays_in_any_memory_order_are_taken_as_they_are_indexed():
    energy = np.arange(24.0).reshape(2, 3, 4).transpose(2, 0, 1)
    assert np.array_equal(averaged(energy[None]).effective_energy_K(), energy)


def test_points_that_stand_for_others_count_as_often():
    energies = np.random.default_rng(3).normal(size=(5, 4)) * 500.0
    copies = np.array([1, 3, 2, 1])
    all_points = averaged(np.repeat(energies, copies, axis=1))
    assert math.isclose(averaged(energies).mean_energy_K(copies), all_points.mean_energy_K(), rel_tol=1e-12)


def test_another_average_takes_over_where_it_is_better():
    rng = np.random.default_rng(4)
    coarse, fine = rng.normal(size=(3, 2, 5)) * 500.0, rng.normal(size=(40, 10)) * 500.0
    chosen = np.array([[True, False, False, True, False], [False, True, False, False, False]])
    average, other = averaged(coarse), averaged(fine[:, chosen.ravel()])
    average.replace(chosen, other)
    expected = np.where(
        chosen,
        averaged(fine).effective_energy_K().reshape(chosen.shape),
        averaged(coarse).effective_energy_K(),
    )
    assert np.allclose(average.effective_energy_K(), expected, rtol=1e-14)
    # Each set's orientations weigh the same, however many there are.
    factors = np.exp(-expected / TEMPERATURE)
    assert np.allclose(average.factors() / average.factors().max(), factors / factors.max(), rtol=1e-12)


def test_how_many_orientations_share_in_a_factor():
    energies = np.array([[0.0, 0.0, np.inf, np.inf], [0.0, 1e5, 5.0, np.inf], [0.0, 1e6, np.inf, np.inf]])
    assert np.allclose(averaged(energies).shares(), [3.0, 1.0, 1.0, 0.0])
    assert averaged(energies).factors()[3] == 0.0
    assert not averaged(energies[:, 3:]).factors().any()
