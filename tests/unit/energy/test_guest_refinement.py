"""How many orientations a point gets: few where the guest turns freely, many in narrow pockets."""

import numpy as np
import pytest

from porevox.energy import guest_refinement
from porevox.energy.guest import guest_sites, places_in_orientations, site_groups
from porevox.energy.guest_refinement import SIZES, refined_average
from porevox.energy.guest_symmetry import EqualPoints

TEMPERATURE = 300.0
COUNTS = (12, 12, 12)
ROD = site_groups(guest_sites([{"z_A": z, "sigma_A": 3.0, "epsilon_K": 50.0} for z in (1.0, -1.0)]))


class Pockets:
    """Energies of a rod in pockets, each in a direction of its own, as sharp as asked for."""

    def __init__(self, depth, sharpness):
        self.depth, self.sharpness = depth, sharpness
        directions = np.random.default_rng(1).normal(size=(*COUNTS, 3))
        self.directions = directions / np.linalg.norm(directions, axis=-1, keepdims=True)
        self.asked = []

    def at(self, places_A, wanted=None):
        wanted = np.ones(COUNTS, dtype=bool) if wanted is None else wanted
        self.asked.append(wanted.sum())
        sine2 = 1.0 - (self.directions[wanted] @ places_A[0]) ** 2
        return TEMPERATURE * (self.sharpness[wanted] * sine2 - self.depth[wanted])


def every_point():
    number = np.arange(np.prod(COUNTS)).reshape(COUNTS)
    return EqualPoints(np.ones(COUNTS, dtype=bool), number, np.ones(number.size, dtype=np.int64))


def averaged(pockets, sizes=SIZES["axis"], tolerance=0.02):
    return refined_average(pockets, ROD, every_point(), TEMPERATURE, sizes, tolerance)


def factors(average):
    return np.exp(-average.effective_energy_K() / TEMPERATURE)


def open_framework():
    return Pockets(np.zeros(COUNTS), np.full(COUNTS, 1.5))


def narrow_pocket(sharpness=60.0):
    """Eight neighbours hold almost all of the weight."""
    depth, sharp = np.zeros(COUNTS), np.full(COUNTS, 1.5)
    depth[5:7, 5:7, 5:7], sharp[5:7, 5:7, 5:7] = 13.0, sharpness
    return Pockets(depth, sharp)


def test_an_open_framework_takes_the_smallest_set():
    pockets = open_framework()
    henry = factors(averaged(pockets)).sum()
    assert pockets.asked == [np.prod(COUNTS)] * SIZES["axis"][0]
    assert abs(henry / factors(averaged(open_framework(), (1000,))).sum() - 1.0) < 0.005


@pytest.mark.parametrize("sharpness", [30.0, 60.0])
def test_a_narrow_pocket_is_averaged_as_finely_as_it_needs(sharpness):
    pockets = narrow_pocket(sharpness)
    exact = factors(averaged(narrow_pocket(sharpness), (4000,))).sum()
    assert abs(factors(averaged(pockets)).sum() / exact - 1.0) < 0.02
    coarse = factors(averaged(narrow_pocket(sharpness), SIZES["axis"][:1])).sum()
    assert abs(coarse / exact - 1.0) > 0.03
    # Only the pocket and its surroundings are worth the effort.
    refined = np.array(pockets.asked[SIZES["axis"][0] :])
    assert len(refined) > 60 and refined.max() < 0.1 * np.prod(COUNTS)


def test_the_mean_energy_is_refined_too():
    exact = averaged(narrow_pocket(), (4000,)).mean_energy_K()
    assert abs(averaged(narrow_pocket()).mean_energy_K() - exact) < 0.01 * abs(exact)


def test_a_smaller_tolerance_takes_more_orientations():
    spent = []
    for tolerance in (1.0, 0.02, 0.005, 0.001):
        depth, sharp = np.random.default_rng(2).uniform(size=(2, *COUNTS)) * [[[[6.0]]], [[[60.0]]]]
        pockets = Pockets(depth, sharp)
        averaged(pockets, tolerance=tolerance)
        spent.append(sum(pockets.asked))
    assert spent[0] == SIZES["axis"][0] * np.prod(COUNTS)
    assert spent == sorted(set(spent))


def test_a_larger_set_replaces_the_smaller_one():
    pockets = narrow_pocket()
    average = averaged(pockets, (24, 64), 1e-4)
    both = averaged(narrow_pocket(), (24,)), averaged(narrow_pocket(), (64,))
    found, (coarse, fine) = factors(average), map(factors, both)
    refined = found != coarse
    assert np.allclose(found[refined], fine[refined], rtol=1e-12)
    assert 7 < refined.sum() < refined.size


def test_where_the_guest_fits_nowhere_there_is_nothing_to_refine():
    pockets = Pockets(np.full(COUNTS, -np.inf), np.ones(COUNTS))
    assert not averaged(pockets).factors().any()
    assert len(pockets.asked) == SIZES["axis"][0]


def test_equal_points_are_refined_together():
    """Half of the points, each standing for two, lead to the sets that all would lead to."""
    depth, sharp = np.random.default_rng(3).uniform(size=(2, *COUNTS)) * [[[[6.0]]], [[[40.0]]]]
    pockets = Pockets(depth, sharp)
    for values in (pockets.depth, pockets.sharpness, pockets.directions):
        values[6:] = values[:6]
    number = np.arange(6 * 144).reshape(6, 12, 12)
    wanted = np.zeros(COUNTS, dtype=bool)
    wanted[:6] = True
    half = EqualPoints(wanted, np.concatenate([number, number]), np.full(number.size, 2))
    whole = averaged(pockets)
    some = refined_average(pockets, ROD, half, TEMPERATURE, SIZES["axis"], 0.02)
    assert np.allclose(half.spread(some.factors()).ravel(), whole.factors(), rtol=1e-12)
    assert abs(some.mean_energy_K(half.copies) / whole.mean_energy_K() - 1.0) < 1e-12


def test_without_its_neighbours_a_pocket_would_be_underrated(monkeypatch):
    """Choosing points by their own factors corrects those that are too large and no others."""
    errors = {}
    for name, smoothed in (("shared", guest_refinement._smoothed), ("own", lambda values: values)):
        monkeypatch.setattr(guest_refinement, "_smoothed", smoothed)
        found = []
        for seed in range(4):
            depth, sharp = np.random.default_rng(seed).uniform(size=(2, *COUNTS)) * 2.0
            depth[3:8, 3:8, 3:8], sharp[3:8, 3:8, 3:8] = 9.0, 45.0
            exact = factors(averaged(Pockets(depth, sharp), (600,))).sum()
            found.append(factors(averaged(Pockets(depth, sharp))).sum() / exact - 1.0)
        errors[name] = np.mean(found)
    assert errors["own"] < errors["shared"] < 0.01
    assert abs(errors["shared"]) < 0.02


@pytest.mark.parametrize("kind", ["axis", "direction", "rotation"])
def test_sets_grow(kind):
    assert all(b > 1.5 * a for a, b in zip(SIZES[kind], SIZES[kind][1:], strict=False))
    assert len(places_in_orientations(ROD, SIZES["axis"][0])) == SIZES["axis"][0]
