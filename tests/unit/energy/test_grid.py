"""Grids: validation, geometry, and which of their points differ."""

from fractions import Fraction

import numpy as np
import pytest

from porevox.crystal.structure import lattice_from_parameters, perpendicular_widths
from porevox.energy.grid import (
    KINDS,
    GridSpec,
    cartesian_points,
    distinct_fractions,
    distinct_points,
    supercell_repeats,
)
from porevox.errors import PorevoxError

CELLS = {
    "cubic": ((12.7,) * 3, (90, 90, 90)),
    "hexagonal": ((13.0, 13.0, 7.1), (90, 90, 120)),
    "skewed": ((11.3, 14.2, 17.9), (45, 60, 62)),
    "thin": ((3.1, 3.3, 40.2), (83, 97, 104)),
    "wide": ((41.0, 35.0, 52.0), (90, 101, 90)),
}


def lattice(name):
    return lattice_from_parameters(*CELLS[name])


@pytest.mark.parametrize(
    "values",
    [
        {"kind": "supercell"},
        {"kind": "unit_cell", "n": 1},
        {"kind": "unit_cell", "n": 0},
        {"kind": "unit_cell", "n": 25.0},
        {"kind": "unit_cell", "n": True},
        {"kind": "unit_cell", "endpoint": 1},
        {"kind": "unit_cell", "endpoint": "false"},
        {"kind": "cubic_box", "box_length_A": 0.0},
        {"kind": "cubic_box", "box_length_A": -30},
        {"kind": "cubic_box", "box_length_A": float("nan")},
        {"kind": "cubic_box", "box_length_A": float("inf")},
        {"kind": "cubic_box", "box_length_A": "30"},
        {"kind": "unit_cell", "size": 25},
        {"n": 25},
    ],
)
def test_a_faulty_grid_is_refused(values):
    with pytest.raises(PorevoxError):
        GridSpec.from_dict(values)


@pytest.mark.parametrize("kind", KINDS)
def test_a_grid_survives_the_way_through_a_dict(kind):
    grid = GridSpec(kind, 32, True, 24)
    assert GridSpec.from_dict(grid.to_dict()) == grid
    assert grid.to_dict() == {"kind": kind, "n": 32, "endpoint": True, "box_length_A": 24.0}


def test_the_defaults_are_those_of_the_thesis():
    assert GridSpec.from_dict({"kind": "mic_supercell"}).to_dict() == {
        "kind": "mic_supercell",
        "n": 25,
        "endpoint": False,
        "box_length_A": 30.0,
    }


@pytest.mark.parametrize(
    ("lengths", "angles", "repeats"),
    [
        ((20.0, 20.0, 20.0), (90, 90, 90), (1, 1, 1)),
        ((19.99, 20.01, 40.0), (90, 90, 90), (2, 1, 1)),
        ((10.0, 6.6, 3.0), (90, 90, 90), (2, 4, 7)),
        # w_a = w_b = a sin 60: 22 A gives 19.05, so that one cell is not enough.
        ((22.0, 22.0, 22.0), (90, 90, 120), (2, 2, 1)),
        ((24.0, 24.0, 22.0), (90, 90, 120), (1, 1, 1)),
    ],
)
def test_supercell_repeats(lengths, angles, repeats):
    assert supercell_repeats(lattice_from_parameters(lengths, angles), 10.0) == repeats


@pytest.mark.parametrize("length", [20.0, 10.0, 5.0, 2.5, 20.0 / 3.0])
def test_a_cell_that_divides_the_diameter_needs_no_extra_repeat(length):
    # Rotated cells of the same size: rounding of the widths goes either way.
    rng = np.random.default_rng(3)
    for _ in range(50):
        rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
        assert supercell_repeats(length * rotation, 10.0) == (round(20 / length),) * 3


@pytest.mark.parametrize("name", CELLS)
def test_the_supercell_is_the_smallest_for_which_minimum_images_suffice(name):
    widths = perpendicular_widths(lattice(name))
    repeats = np.array(supercell_repeats(lattice(name), 10.0))
    assert (repeats * widths >= 20.0).all()
    assert ((repeats - 1) * widths < 20.0).all()


@pytest.mark.parametrize("endpoint", [False, True])
def test_distinct_fractions_against_exact_arithmetic(endpoint):
    for n in range(2, 34):
        for repeats in range(1, 12):
            intervals = n - 1 if endpoint else n
            folded = [Fraction(k * repeats, intervals) % 1 for k in range(n)]
            count, take = distinct_fractions(n, repeats, endpoint)
            assert count == len(set(folded))
            assert [Fraction(int(j), count) for j in take] == folded


@pytest.mark.parametrize("endpoint", [False, True])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", CELLS)
def test_distinct_points_fill_the_grid(name, kind, endpoint):
    """Each point's representative is the point itself, up to a lattice vector."""
    grid = GridSpec(kind, 10, endpoint)
    points = distinct_points(grid, lattice(name), 10.0)
    index = np.indices(points.counts).reshape(3, -1).T
    places = (points.origin_A + index @ points.steps_A).reshape(*points.counts, 3)
    full = np.stack([points.expand(places[..., axis]) for axis in range(3)], axis=-1)
    difference = (full - cartesian_points(grid, lattice(name), 10.0)) @ np.linalg.inv(lattice(name))
    assert full.shape == (10, 10, 10, 3)
    if kind == "cubic_box":
        assert np.abs(difference).max() < 1e-12
    else:
        assert np.abs(difference - np.round(difference)).max() < 1e-12


@pytest.mark.parametrize("endpoint", [False, True])
def test_the_points_are_where_linspace_puts_them(endpoint):
    cell = lattice("skewed")
    edge = np.linspace(0, 1, 7, endpoint=endpoint)
    repeats = supercell_repeats(cell, 10.0)
    for kind, cells in (("unit_cell", (1, 1, 1)), ("mic_supercell", repeats)):
        places = cartesian_points(GridSpec(kind, 7, endpoint), cell, 10.0)
        expected = edge[2] * cells[0] * cell[0] + edge[5] * cells[1] * cell[1]
        assert places[2, 5, 0] == pytest.approx(expected, abs=1e-12)
        expected = edge[3] * cells[2] * cell[2]
        assert places[0, 0, 3] == pytest.approx(expected, abs=1e-12)
    box = cartesian_points(GridSpec("cubic_box", 7, endpoint, 24.0), cell, 10.0)
    edge = np.linspace(-12, 12, 7, endpoint=endpoint)
    assert box[1, 4, 6] == pytest.approx([edge[1], edge[4], edge[6]], abs=1e-12)


def test_the_last_plane_repeats_the_first_only_with_the_endpoint():
    for kind in ("mic_supercell", "unit_cell"):
        with_end = distinct_points(GridSpec(kind, 25, True), lattice("cubic"), 10.0)
        without = distinct_points(GridSpec(kind, 25, False), lattice("cubic"), 10.0)
        assert all(take[0] == take[-1] for take in with_end.take)
        assert all(take[0] != take[-1] for take in without.take)


def test_repeats_that_share_a_divisor_with_the_grid_save_points():
    # 4 A cells need 5 repeats, which divide n = 25: only 5 points along an axis differ.
    assert distinct_points(GridSpec("mic_supercell", 25), 4.0 * np.eye(3), 10.0).counts == (5, 5, 5)
    # With the endpoint there are 24 intervals, and 12.7 A cells need 2 repeats.
    cell = lattice("cubic")
    assert distinct_points(GridSpec("mic_supercell", 25, True), cell, 10.0).counts == (12, 12, 12)
