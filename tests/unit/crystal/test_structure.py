"""Lattice orientation against pymatgen, wrapping, and textbook cells."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pymatgen.core import Lattice

from porevox.crystal.structure import Structure, lattice_from_parameters, wrap


def rock_salt() -> Structure:
    frac = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]], dtype=float)
    frac = np.concatenate([frac, wrap(frac + 0.5)])
    lattice_A = lattice_from_parameters((5.6402,) * 3, (90.0,) * 3)
    return Structure("halite", lattice_A, frac, ("Na",) * 4 + ("Cl",) * 4, "gemmi")


@pytest.mark.parametrize(
    "parameters",
    [
        (10.0, 11.0, 12.0, 90.0, 90.0, 90.0),
        (9.3834, 9.3834, 9.3834, 94.085, 94.085, 94.085),
        (71.0716, 71.0716, 71.0716, 41.832, 41.832, 41.832),
        (15.6529, 15.6529, 6.7005, 90.0, 90.0, 120.0),
        (14.83, 17.913, 29.8943, 96.803, 93.488, 110.229),
        (10.0, 20.0, 30.0, 90.0, 45.0, 120.0),
    ],
)
def test_orientation_is_that_of_pymatgen(parameters):
    lattice_A = lattice_from_parameters(parameters[:3], parameters[3:])
    expected = Lattice.from_parameters(*parameters).matrix
    np.testing.assert_allclose(lattice_A, expected, atol=1e-10)


def test_c_lies_along_z_and_a_in_the_xz_plane():
    lattice_A = lattice_from_parameters((7.0, 8.0, 9.0), (80.0, 95.0, 105.0))
    np.testing.assert_allclose(lattice_A[2], [0.0, 0.0, 9.0])
    assert lattice_A[0, 1] == 0.0
    assert np.linalg.det(lattice_A) > 0.0


@pytest.mark.parametrize(
    "angles", [(0.0, 90.0, 90.0), (90.0, 180.0, 90.0), (150.0, 150.0, 150.0), (10.0, 20.0, 170.0)]
)
def test_impossible_angles_give_nan(angles):
    assert np.isnan(lattice_from_parameters((10.0, 10.0, 10.0), angles)).all()


def test_density_volume_and_mass_of_halite():
    halite = rock_salt()
    assert halite.volume_A3 == pytest.approx(5.6402**3)
    assert halite.mass_u == pytest.approx(4 * 58.44, rel=1e-4)
    # CRC Handbook: 2.17 g/cm^3
    assert halite.density_g_cm3 == pytest.approx(2.17, abs=0.01)
    assert halite.n_atoms == 8


def test_perpendicular_widths_of_a_hexagonal_cell():
    lattice_A = lattice_from_parameters((10.0, 10.0, 7.0), (90.0, 90.0, 120.0))
    hexagonal = Structure("hex", lattice_A, np.zeros((1, 3)), ("C",), "gemmi")
    expected = [10.0 * np.sqrt(3) / 2, 10.0 * np.sqrt(3) / 2, 7.0]
    np.testing.assert_allclose(hexagonal.perpendicular_widths_A, expected)


@pytest.mark.parametrize("value", [-1e-17, -5e-324, 1.0, -1.0, 1.0 - 1e-16, 3.0, -0.0, 1e300])
def test_wrapping_never_gives_one(value):
    wrapped = wrap(np.array([value]))[0]
    assert 0.0 <= wrapped < 1.0
    assert not np.signbit(wrapped)


@settings(max_examples=200, deadline=None)
@given(arrays(np.float64, (5, 3), elements=st.floats(-1e6, 1e6)))
def test_wrapping_moves_by_whole_cells_only(frac):
    wrapped = wrap(frac)
    assert (wrapped >= 0.0).all()
    assert (wrapped < 1.0).all()
    moved = frac - wrapped
    np.testing.assert_allclose(moved, np.rint(moved), atol=1e-9)
    np.testing.assert_array_equal(wrap(wrapped), wrapped)
