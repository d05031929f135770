"""Sites of a rigid guest: what is allowed, and where they lie when it turns."""

import math

import numpy as np
import pytest

from porevox.energy.guest import GuestSite, freedom, guest_sites, places_in_orientations, site_groups
from porevox.errors import PorevoxError

CO2 = [
    {"sigma_A": 2.80, "epsilon_K": 27.0, "charge_e": 0.70},
    {"z_A": 1.16, "sigma_A": 3.05, "epsilon_K": 79.0, "charge_e": -0.35},
    {"z_A": -1.16, "sigma_A": 3.05, "epsilon_K": 79.0, "charge_e": -0.35},
]
CO = [
    {"x_A": 0.6, "y_A": -0.2, "sigma_A": 3.5, "epsilon_K": 40.0, "charge_e": 0.1},
    {"x_A": -0.6, "y_A": 0.2, "sigma_A": 3.0, "epsilon_K": 60.0, "charge_e": -0.1},
]
WATER = [
    {"x_A": 0.0, "sigma_A": 3.17, "epsilon_K": 78.0, "charge_e": -0.82},
    {"x_A": 0.577, "y_A": 0.816, "charge_e": 0.41},
    {"x_A": 0.577, "y_A": -0.816, "charge_e": 0.41},
]


def places(values, n):
    return places_in_orientations(site_groups(guest_sites(values)), n)


@pytest.mark.parametrize(
    "values",
    [
        [],
        {},
        "CO2",
        None,
        [3.0],
        [{"sigma": 3.0, "epsilon_K": 10.0}],
        [{"x_A": math.nan, "epsilon_K": 10.0, "sigma_A": 3.0}],
        [{"charge_e": math.inf}],
        [{"charge_e": "0.35"}],
        [{"charge_e": True}],
        [{"epsilon_K": -1.0, "sigma_A": 3.0}],
        [{"epsilon_K": 1.0, "sigma_A": -3.0}],
        [{"epsilon_K": 10.0}],
        [{"sigma_A": 3.0}],
        [{"sigma_A": 3.0, "epsilon_K": 10.0, "x_A": 8.0, "y_A": 8.0}],
    ],
)
def test_a_faulty_guest_is_refused_in_one_sentence(values):
    with pytest.raises(PorevoxError) as refusal:
        guest_sites(values)
    assert "\n" not in str(refusal.value)


def test_sites_keep_their_values_as_floats():
    site = guest_sites([{"x_A": 1, "sigma_A": 3, "epsilon_K": 10}])[0]
    assert site == GuestSite(1.0, 0.0, 0.0, 3.0, 10.0, 0.0)
    assert isinstance(site.x_A, float)
    assert guest_sites([site]) == (site,)


def test_sites_in_one_place_are_gathered():
    doubled = [*CO2, {"z_A": 1.16, "charge_e": 0.1}, {"z_A": 1.16, "sigma_A": 2.0, "epsilon_K": 5.0}]
    groups = site_groups(guest_sites(doubled))
    assert len(groups) == 3
    assert groups[1].wells == ((3.05, 79.0), (2.0, 5.0))
    assert math.isclose(groups[1].charge_e, -0.25)


def test_a_place_without_any_interaction_is_left_out():
    assert len(site_groups(guest_sites([*CO2, {"x_A": 2.0}, {"x_A": 2.0, "sigma_A": 3.0}]))) == 3
    cancelling = [{"y_A": 1.0, "charge_e": 0.5}, {"y_A": 1.0, "charge_e": -0.5}]
    assert len(site_groups(guest_sites([*CO2, *cancelling]))) == 3


@pytest.mark.parametrize("values", [CO2, CO, WATER])
def test_turning_keeps_all_distances(values):
    groups = site_groups(guest_sites(values))
    still = np.array([group.place_A for group in groups])
    turned = places_in_orientations(groups, 30)
    assert turned.shape == (30, len(groups), 3)
    expected = np.linalg.norm(still[:, None] - still, axis=2)
    found = np.linalg.norm(turned[:, :, None] - turned[:, None], axis=3)
    assert np.allclose(found, expected, rtol=0, atol=1e-13)
    assert np.allclose(np.linalg.norm(turned, axis=2), np.linalg.norm(still, axis=1), rtol=0, atol=1e-13)


def test_turning_keeps_the_handedness_of_a_chiral_guest():
    corners = [{"x_A": 1.0, "charge_e": 0.1}, {"y_A": 1.5, "charge_e": 0.2}, {"z_A": 2.0, "charge_e": -0.3}]
    assert np.allclose(np.linalg.det(places(corners, 50)), 3.0)


def test_a_guest_in_one_point_has_one_orientation():
    methane = [{"sigma_A": 3.73, "epsilon_K": 148.0}]
    assert np.array_equal(places(methane, 100), np.zeros((1, 1, 3)))
    assert places([*methane, {"charge_e": 0.1}], 100).shape == (1, 1, 3)


def test_a_guest_with_a_centre_of_inversion_turns_over_axes_only():
    """Half of all directions say everything, so none of them is the opposite of another."""
    oxygen = places(CO2, 40)[:, 1] / 1.16
    cosines = np.abs(oxygen @ oxygen.T) - np.eye(40)
    assert cosines.max() < math.cos(math.radians(15.0))
    assert np.array_equal(places(CO2, 40)[:, 0], np.zeros((40, 3)))


@pytest.mark.parametrize(
    "change",
    [{"charge_e": -0.36}, {"sigma_A": 3.06}, {"epsilon_K": 80.0}, {"z_A": -1.17}],
)
def test_without_a_centre_of_inversion_all_directions_are_taken(change):
    directions = places([*CO2[:2], CO2[2] | change], 40)[:, 1] / 1.16
    # As many point up as down, and their mean vanishes.
    assert np.abs(directions.mean(axis=0)).max() < 0.01


@pytest.mark.parametrize(
    "values, expected",
    [
        (CO2, "axis"),
        (CO2[::-1], "axis"),
        (CO2[1:], "axis"),
        ([*CO2[:2], CO2[2] | {"charge_e": -0.36}], "direction"),
        (CO2[:2], "direction"),
        (CO, "direction"),
        (WATER, "rotation"),
        ([site | {"y_A": 1.0} for site in CO2], "rotation"),
        (CO2[:1], "none"),
    ],
)
def test_what_has_to_be_turned(values, expected):
    assert freedom(site_groups(guest_sites(values))) == expected


def test_a_line_beside_the_origin_is_no_linear_guest():
    beside = [site | {"x_A": 0.5} for site in CO2]
    turned = places(beside, 30)
    middle, axis = turned[:, 0], turned[:, 1] - turned[:, 0]
    # The axis stays perpendicular to the arm, but turns around it.
    assert np.allclose((middle * axis).sum(axis=1), 0.0, atol=1e-13)
    assert np.linalg.matrix_rank(np.concatenate([middle, axis], axis=1)) > 3


def test_small_bends_of_a_table_are_no_line():
    bent = [CO2[0], CO2[1], CO2[2] | {"x_A": 0.01}]
    turned = places(bent, 20)
    assert np.allclose(np.linalg.norm(turned[:, 1] - turned[:, 2], axis=1), math.hypot(2.32, 0.01))
